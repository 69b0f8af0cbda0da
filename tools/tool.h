// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the verbs of the `memscope` command share. A new verb is a row in the table of main.c and a
// file verb_NAME.c. Exit codes: 0 done, 1 it could not be done, 2 the command line was wrong.

#ifndef MEMSCOPE_TOOLS_TOOL_H
#define MEMSCOPE_TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <profile/contexts.h>
#include <report/report.h>

enum { MS_EXIT_DONE = 0, MS_EXIT_FAILED = 1, MS_EXIT_USAGE = 2 };

// One option of a verb. `letter` identifies it in code; it is typed as -x only where `is_short`.
struct ms_option {
    const char *name;
    int letter;
    bool is_short;
    const char *argument; // NULL = takes none
    const char *meaning;
};

struct ms_verb {
    const char *name;
    const char *usage; // what follows the verb
    const char *purpose;
    const struct ms_option *options; // ends with an empty one; --help is everywhere
    int (*run)(const struct ms_verb *verb, int argc, char **argv); // argv[0] is the verb
};

extern const struct ms_verb ms_verb_run, ms_verb_report, ms_verb_tasks, ms_verb_tree, ms_verb_flame,
    ms_verb_leaks, ms_verb_types, ms_verb_export, ms_verb_info, ms_verb_flags, ms_verb_config;

// --- the command line --------------------------------------------------------------------------

// The next option's letter, -1 after the last, '?' after an error that was printed (exit 2), 'h'
// after --help was printed (exit 0). The argument is in optarg, the first non-option at optind.
int ms_next_option(const struct ms_verb *verb, int argc, char **argv);

// Prints "memscope VERB: ..." to stderr and returns MS_EXIT_FAILED.
int ms_fail(const struct ms_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// The same for a wrong command line, with a hint where help is; MS_EXIT_USAGE.
int ms_usage(const struct ms_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The word of a list that is nearest to a wrong one; NULL if none is near. `words` ends with NULL.
const char *ms_nearest(const char *word, const char *const *words);
// " (did you mean \"x\"?)" or ""
void ms_suggest(char *text_out, size_t text_bytes, const char *word, const char *const *words);

// Writes a word so that a shell reads it as it is.
void ms_put_shell_word(FILE *out, const char *word);

// Flushes stdout; a reader that went away is no failure, a full disk is one (printed).
int ms_finish_output(const struct ms_verb *verb);

// A number of 0 or more, the argument of `option` ("--top"). False after an error that was printed.
bool ms_parse_count(const struct ms_verb *verb, const char *option, const char *word,
                    size_t *count_out);
// Arguments of --top and --color. False after an error that was printed (exit 2).
// Which of `words` (the last is NULL) it is; `kind`: what people call them. Names the nearest if
// none.
bool ms_parse_word(const struct ms_verb *verb, const char *option, const char *kind,
                   const char *word, const char *const *words, int *index_out);
bool ms_parse_top(const struct ms_verb *verb, const char *word, size_t *top_out);
bool ms_parse_color(const struct ms_verb *verb, const char *word, bool *colour_out);
// Columns of the terminal that stdout is; 0 = it is none.
unsigned ms_terminal_width(void);
// Asks for the names of foreign sites. That some have none is no failure: reports tell their
// addresses.
void ms_resolve_sites(const struct ms_verb *verb, struct ms_summary *summary);
// The contexts, with their names; after ms_resolve_sites. Status as of ms_contexts_create.
memscope_status ms_resolve_contexts(const struct ms_verb *verb, const struct ms_summary *summary,
                                    struct ms_contexts **contexts_out);
// --fold-templates: the contexts' names have no template arguments from now on.
void ms_fold_templates(void);
// The argument of --debug-path, for both of these. False after an error that was printed.
bool ms_add_debug_path(const struct ms_verb *verb, const char *folder);
const char *const *ms_debug_paths(void); // ends with NULL

// --- where we are ------------------------------------------------------------------------------

// lib/ beside the folder of this executable; false if it cannot be told.
bool ms_library_folder(char *path_out, size_t path_bytes);

// --- opening a profile as users name it --------------------------------------------------------

struct ms_opened {
    char *path;
    struct ms_profile *profile;
    struct ms_summary *summary;
    char message[MS_MESSAGE_BYTES]; // what the reader had to say, "" = nothing
};

// `name` is a file, a pid, or NULL for the newest profile. Prints what goes wrong; false if there
// is nothing to show. A damaged or cut profile opens, with a message.
bool ms_open_named(const struct ms_verb *verb, const char *name, struct ms_opened *opened_out);
void ms_opened_close(struct ms_opened *opened);

#endif
