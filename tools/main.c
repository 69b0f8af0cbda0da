// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The `memscope` command: finds the verb, and helps where there is none.

#include "tool.h"

#include <string.h>

#include <memscope/memscope.h>

static const struct ms_verb *const verbs[] = {
    &ms_verb_run,   &ms_verb_report, &ms_verb_tasks,  &ms_verb_tree,
    &ms_verb_flame, &ms_verb_leaks,  &ms_verb_types,  &ms_verb_export,
    &ms_verb_info,  &ms_verb_flags,  &ms_verb_config,
};
#define VERB_COUNT (sizeof verbs / sizeof *verbs)

static void help(FILE *out) {
    fputs("usage: memscope VERB [options]\n\n"
          "Tells which site and thread of a C or C++ program holds each heap byte.\n\n",
          out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        fprintf(out, "  %-8s %s\n", verbs[i]->name, verbs[i]->purpose);
    fputs("\n  --help     this text; `memscope VERB --help` for a verb\n"
          "  --version  the version\n\n"
          "Start with: memscope run ./program\n",
          out);
}

static int unknown(const char *word) {
    const char *words[VERB_COUNT + 3];
    size_t count = 0;
    for (size_t i = 0; i < VERB_COUNT; i++)
        words[count++] = verbs[i]->name;
    words[count++] = "--help";
    words[count++] = "--version";
    words[count] = NULL;
    char hint[64];
    ms_suggest(hint, sizeof hint, word, words);
    fprintf(stderr, "memscope: unknown %s \"%s\"%s; `memscope --help` lists the verbs\n",
            word[0] == '-' ? "option" : "verb", word, hint);
    return MS_EXIT_USAGE;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        help(stderr);
        return MS_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0) {
        printf("memscope %s\n", MEMSCOPE_VERSION_STRING);
        return ms_finish_output(NULL);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        help(stdout);
        return ms_finish_output(NULL);
    }
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (strcmp(word, verbs[i]->name) == 0)
            return verbs[i]->run(verbs[i], argc - 1, argv + 1);
    return unknown(word);
}
