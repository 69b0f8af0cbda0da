// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of sites that the debug info gave none, from the source: the call is looked up there by
// libclang, in a process of its own. Called by tools/ and tests, from one thread. Nothing here
// prints or exits.
//
// A source is used only if it is the one that was built: its MD5 stands in the line table of the
// debug info (DWARF 5).

#ifndef MEMSCOPE_SOURCE_SOURCE_H
#define MEMSCOPE_SOURCE_SOURCE_H

#include <profile/profile.h>

struct ms_source_options {
    // compile_commands.json or its folder; NULL = the first one found from the sources' folders, or
    // the profile's, upwards.
    const char *commands;
    const char *libclang; // path or name of the library; NULL = the first that is installed
    const char *const *debug_paths; // as in ms_resolve_options
    unsigned timeout_ms;            // for all of it
    // Called before each file that is parsed; NULL = not.
    void (*progress)(void *context, const char *file);
    void *context;
};

// What became of one site that had no type.
struct ms_source_site {
    const struct ms_site *site;
    const char *reason; // why it has none still; NULL = it has one
};

// What is to be told once, however many sites it is about.
struct ms_source_note {
    char *text;
    size_t site_count;
    bool is_lack; // of a compile command: no news where commands were only looked for
};

struct ms_source_result {
    char *commands;               // that were read first; NULL = none were found
    struct ms_source_site *sites; // that had no type, most bytes at the peak first
    size_t site_count, named_count;
    struct ms_source_note *notes;
    size_t note_count;
    size_t parsed_count; // files; the rest was in the cache
};

// Fills type, size and variable of sites where they are unknown. OK, NOT_FOUND (no commands and
// none in the cache: nothing was tried) or OUT_OF_MEMORY; commands that were asked for by name and
// cannot be read are INVALID_ARGUMENT, and the first note tells why. The result is to be freed.
memscope_status ms_source_find_types(struct ms_summary *summary,
                                     const struct ms_source_options *options,
                                     struct ms_source_result *result_out);
void ms_source_result_free(struct ms_source_result *result);

#endif
