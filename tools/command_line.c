// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Options of verbs from their tables, and errors that name the bad word.

#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MOST 16

static void help(const struct ms_verb *verb, FILE *out) {
    fprintf(out, "usage: memscope %s %s\n\n%s\n\n", verb->name, verb->usage, verb->purpose);
    for (const struct ms_option *option = verb->options; option->name; option++) {
        char left[64];
        snprintf(left, sizeof left, "%s--%s%s%s",
                 option->is_short ? (char[]){'-', (char)option->letter, ',', ' ', '\0'} : "",
                 option->name, option->argument ? " " : "",
                 option->argument ? option->argument : "");
        fprintf(out, "  %-24s %s\n", left, option->meaning);
    }
    fprintf(out, "  %-24s %s\n", "--help", "this text");
}

static void put_error(const struct ms_verb *verb, const char *format, va_list arguments) {
    fprintf(stderr, "memscope%s%s: ", verb ? " " : "", verb ? verb->name : "");
    vfprintf(stderr, format, arguments);
}

int ms_fail(const struct ms_verb *verb, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    put_error(verb, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return MS_EXIT_FAILED;
}

int ms_usage(const struct ms_verb *verb, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    put_error(verb, format, arguments);
    va_end(arguments);
    fprintf(stderr, "; `memscope %s --help` tells more\n", verb->name);
    return MS_EXIT_USAGE;
}

static int bad_option(const struct ms_verb *verb, char **argv, bool lacks_argument) {
    const char *word = argv[optind - 1];
    if (lacks_argument) {
        ms_usage(verb, "option \"%s\" lacks its argument", word);
        return '?';
    }
    char names[OPTIONS_MOST][32], hint[64];
    const char *words[OPTIONS_MOST + 2];
    size_t count = 0;
    for (const struct ms_option *option = verb->options; option->name; option++) {
        snprintf(names[count], sizeof names[count], "--%s", option->name);
        words[count] = names[count];
        count++;
    }
    words[count++] = "--help";
    words[count] = NULL;
    // A bad letter may stand inside a bundle that is still being read: name the letter then.
    char letter[3] = {'-', (char)optopt, '\0'};
    if (optopt > 0 && optopt < 128 && strncmp(word, "--", 2) != 0)
        word = letter;
    ms_suggest(hint, sizeof hint, word, words);
    ms_usage(verb, "unknown option \"%s\"%s", word, hint);
    return '?';
}

int ms_next_option(const struct ms_verb *verb, int argc, char **argv) {
    struct option options[OPTIONS_MOST + 2] = {0};
    char letters[2 * OPTIONS_MOST + 3] = "+:"; // "+": stop at the first word, it begins a command
    size_t count = 0;
    for (const struct ms_option *option = verb->options; option->name; option++) {
        options[count++] = (struct option){
            option->name, option->argument ? required_argument : no_argument, NULL, option->letter};
        if (option->is_short) {
            size_t length = strlen(letters);
            snprintf(letters + length, sizeof letters - length, "%c%s", option->letter,
                     option->argument ? ":" : "");
        }
    }
    options[count] = (struct option){"help", no_argument, NULL, 'h'};
    opterr = 0;
    int letter = getopt_long(argc, argv, letters, options, NULL);
    if (letter == 'h')
        help(verb, stdout);
    if (letter == '?' || letter == ':')
        return bad_option(verb, argv, letter == ':');
    return letter;
}

// Edits (insert, remove, replace) that turn one word into the other.
static size_t distance(const char *a, const char *b) {
    size_t row[64], length = strlen(b);
    if (length >= 64 || strlen(a) >= 64)
        return 64;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; *a; a++, i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t replaced = diagonal + (*a != b[j - 1]);
            diagonal = row[j];
            row[j] = replaced;
            if (diagonal + 1 < row[j])
                row[j] = diagonal + 1;
            if (row[j - 1] + 1 < row[j])
                row[j] = row[j - 1] + 1;
        }
    }
    return row[length];
}

const char *ms_nearest(const char *word, const char *const *words) {
    const char *nearest = NULL;
    size_t least = strlen(word) / 2 + 1; // more would be another word
    for (; *words; words++) {
        size_t edits = distance(word, *words);
        if (edits < least) {
            least = edits;
            nearest = *words;
        }
    }
    return nearest;
}

void ms_suggest(char *text_out, size_t text_bytes, const char *word, const char *const *words) {
    const char *nearest = ms_nearest(word, words);
    if (nearest)
        snprintf(text_out, text_bytes, " (did you mean \"%s\"?)", nearest);
    else
        text_out[0] = '\0';
}

void ms_put_shell_word(FILE *out, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+=./,:@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
}

int ms_finish_output(const struct ms_verb *verb) {
    errno = 0;
    bool bad = fflush(stdout) != 0 || ferror(stdout);
    if (!bad || errno == EPIPE)
        return MS_EXIT_DONE;
    return ms_fail(verb, "cannot write the output: %s", errno ? strerror(errno) : "write error");
}
