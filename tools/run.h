// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of `memscope run`. Used by verb_run.c and tests.

#ifndef MEMSCOPE_TOOLS_RUN_H
#define MEMSCOPE_TOOLS_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <profile/profile.h>

// --- what kind of program it is (program.c) ----------------------------------------------------

enum ms_program {
    MS_PROGRAM_DYNAMIC,      // an ELF program of this machine that can be preloaded
    MS_PROGRAM_WITH_RUNTIME, // it has the runtime linked in
    MS_PROGRAM_STATIC,       // nothing can be preloaded
    MS_PROGRAM_OTHER_CLASS,  // 32 bits, or of another machine: our library does not load
    MS_PROGRAM_SCRIPT,       // not an ELF file: an interpreter runs it
    MS_PROGRAM_UNREADABLE,
};

enum ms_program ms_program_look(const char *path);
// The same for bytes of a file.
enum ms_program ms_program_look_at(const void *bytes, size_t byte_count);

// Finds a command as execvp does. NULL = none; to be freed.
char *ms_program_find(const char *command);

// --- the output pattern (output.c) -------------------------------------------------------------

// An absolute pattern from what the user gave, NULL = the default in the current folder. To be
// freed; NULL = out of memory, or the current folder is gone.
char *ms_output_pattern(const char *given);
// `before` (may be NULL) and `:output='PATTERN'`, and `:strict=1`. NULL = out of memory, or a
// pattern that no quotes can hold (errno EINVAL).
char *ms_output_options(const char *before, const char *pattern, bool strict);

// --- the child (launch.c) ----------------------------------------------------------------------

struct ms_ended {
    pid_t pid;
    int exec_error; // errno of exec, 0 = it ran
    int status;     // of waitpid
};

// Runs argv with `preload` (NULL = none) in front of LD_PRELOAD and `options` as MEMSCOPE_OPTIONS,
// hands signals on, waits. False if no child could be made (errno).
bool ms_launch(char **argv, const char *preload, const char *options, struct ms_ended *ended_out);

// --- the profiles it wrote (written.c) ---------------------------------------------------------

// Every profile of the run: of the child and what came from it. The first is that of the child's
// last program (after any exec). `options` is what the run had as MEMSCOPE_OPTIONS.
memscope_status ms_written_profiles(const char *pattern, const char *options, pid_t child,
                                    uint64_t since_realtime_ns, struct ms_found_list *list_out);

#endif
