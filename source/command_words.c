// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words of a compile command: split as a shell does, and chosen for libclang.

#include "commands.h"

#include <stdlib.h>
#include <string.h>

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Copies one word behind *to_out; false = a quote is not closed.
static bool copy_word(const char **from_out, char **to_out) {
    const char *from = *from_out;
    char *to = *to_out, quote = '\0';
    for (; *from && (quote || !is_space(*from)); from++) {
        if (quote ? *from == quote : *from == '\'' || *from == '"') {
            quote = quote ? '\0' : *from;
        } else if (*from == '\\' && quote != '\'' && from[1] &&
                   (quote != '"' || strchr("\"\\$`", from[1]))) {
            *to++ = *++from;
        } else {
            *to++ = *from;
        }
    }
    *to++ = '\0';
    *from_out = from;
    *to_out = to;
    return quote == '\0';
}

char **ms_split_command(const char *text) {
    // A word takes two characters at least, the last one only one.
    size_t length = strlen(text), most = length / 2 + 2, count = 0;
    char **words = malloc(most * sizeof *words + length + 2);
    if (!words)
        return NULL;
    char *to = (char *)(words + most);
    for (;;) {
        while (is_space(*text))
            text++;
        if (!*text)
            break;
        words[count++] = to;
        if (!copy_word(&text, &to)) {
            free(words);
            return NULL;
        }
    }
    words[count] = NULL;
    return words;
}

// What says nothing of how the source is read, makes files, or loads code into the compiler.
struct left_out {
    const char *name;
    bool is_prefix;
    int following; // words
};

static const struct left_out left_out[] = {
    {"-c", false, 0},
    {"-S", false, 0},
    {"-E", false, 0},
    {"-o", false, 1},
    {"-o", true, 0},
    {"-MF", false, 1},
    {"-MT", false, 1},
    {"-MQ", false, 1},
    {"-MJ", false, 1},
    {"-M", true, 0},
    {"-fplugin", true, 0},
    {"-fpass-plugin", true, 0},
    {"-fplugin-arg", true, 0},
    {"-load", false, 1},
    {"-plugin", false, 1},
    {"-add-plugin", false, 1},
    {"-plugin-arg-", true, 1},
    {"-mllvm", false, 1},
    {"-flto", true, 0},
    {"-fno-lto", false, 0},
    {"-save-temps", true, 0},
    {"--save-temps", true, 0},
    {"-ftime-trace", true, 0},
    {"-fcrash-diagnostics", true, 0},
    {"--serialize-diagnostics", false, 1},
    {"-fmodules-cache-path", true, 0},
    {"-W", true, 0}, // warnings, and what goes to assembler and linker
    {"-Xlinker", false, 1},
    {"-Xassembler", false, 1},
    {"-pipe", false, 0},
    {"--config", true, 0},
};

static int words_left_out(const char *word) {
    if (strncmp(word, "-Wp,-D", 6) == 0 || strncmp(word, "-Wp,-U", 6) == 0)
        return 0;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        const struct left_out *rule = &left_out[i];
        if (rule->is_prefix ? strncmp(word, rule->name, strlen(rule->name)) == 0
                            : strcmp(word, rule->name) == 0)
            return 1 + rule->following;
    }
    return 0;
}

// What stands before the compiler.
static bool is_launcher(const char *word) {
    static const char *const launchers[] = {"ccache", "sccache", "distcc", "icecc", "gomacc"};
    const char *name = strrchr(word, '/') ? strrchr(word, '/') + 1 : word;
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        if (strcmp(name, launchers[i]) == 0)
            return true;
    return false;
}

char **ms_choose_arguments(char *const *words, const char **reason_out) {
    size_t count = 0, chosen = 0;
    *reason_out = NULL;
    while (words[count])
        count++;
    while (*words && is_launcher(*words))
        words++;
    if (!*words)
        *reason_out = "its command is empty";
    char **arguments = *reason_out ? NULL : calloc(count + 1, sizeof *arguments);
    if (!arguments)
        return NULL;
    const char *compiler = strrchr(*words, '/') ? strrchr(*words, '/') + 1 : *words;
    arguments[chosen++] = (char *)(strstr(compiler, "++") ? "clang++" : "clang");
    for (words++; *words && !*reason_out; words++) {
        // -Xclang passes its word on: they go or stay together.
        bool passes_on = strcmp(*words, "-Xclang") == 0 && words[1];
        int gone = words_left_out(passes_on ? words[1] : *words);
        if (**words == '@')
            *reason_out = "its command has a response file";
        for (int i = passes_on ? 2 * gone : gone; i > 1 && words[1]; i--)
            words++;
        if (gone > 0)
            continue;
        arguments[chosen++] = *words;
        if (passes_on)
            arguments[chosen++] = *++words;
    }
    if (!*reason_out)
        return arguments;
    free(arguments);
    return NULL;
}
