// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the files share that find types for a whole profile.

#ifndef MEMSCOPE_SOURCE_FIND_H
#define MEMSCOPE_SOURCE_FIND_H

#include "known_commands.h"
#include "sources.h"
#include "types_cache.h"
#include "unit.h"

#define MS_COMMANDS_MOST 4 // ways to compile one file

#define MS_NO_COMMAND "no compile command is known"

// A site without a type.
struct ms_wish {
    struct ms_site *site;
    struct ms_wanted place; // of the call that knows
    bool is_callers;        // it is the call of the wrapper
    const char *reason;     // why it cannot be asked for, or got no answer
    bool is_done;           // it has its answer
    const struct ms_command *commands[MS_COMMANDS_MOST]; // all have to say the same
    size_t command_count, asked_count;
    uint64_t commands_hash;               // 0 = none
    const struct ms_built_module *module; // whose debug info tells the checksum
    struct ms_kept_type answer;
};

struct ms_find {
    struct ms_summary *summary;
    const struct ms_source_options *options;
    struct ms_known_commands known;
    struct ms_sources sources;
    struct ms_types_cache *cache;
    struct ms_wish *wishes;
    size_t wish_count;
    size_t parsed_count;
    uint64_t deadline_ns;
};

// Fills what is known of each wish before anything is parsed.
void ms_find_prepare(struct ms_find *find);
// Asks for all that is not done.
void ms_find_ask(struct ms_find *find);
// Names a build in the cache; `text` has room for it.
#define MS_BUILD_BYTES 80
const char *ms_build_name(const struct ms_find *find, const struct ms_module *module, char *text);

#endif
