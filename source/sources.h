// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whether a source file is the one that was built, and what it was compiled as a part of.

#ifndef MEMSCOPE_SOURCE_SOURCES_H
#define MEMSCOPE_SOURCE_SOURCES_H

#include "lines.h"

#include <profile/profile.h>

struct ms_built_module {
    const struct ms_module *module;
    struct ms_line_table table;
    int64_t modified_s; // of the file with the debug info
};

struct ms_sources {
    struct ms_built_module *modules;
    size_t count;
};

// Where a file stands in the tables.
struct ms_built_in {
    const struct ms_built_module *module;
    const struct ms_line_unit *unit;
};

// False = no memory.
bool ms_sources_read(const struct ms_summary *summary, const char *const *debug_paths,
                     struct ms_sources *sources);
void ms_sources_free(struct ms_sources *sources);

// The units that a file is part of, to be freed.
struct ms_built_in *ms_sources_units(const struct ms_sources *sources, const char *file,
                                     size_t *count_out);
// Why the file is not to be used; NULL = it is the one that all of the units were built from.
const char *ms_source_problem(const char *file, const struct ms_built_in *units, size_t count);
// Whether a file that a unit includes was changed after the module was built: by its checksum where
// the tables have one, else by its age.
bool ms_source_is_newer(const struct ms_sources *sources, const char *file,
                        const struct ms_built_module *module);

#endif
