// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope config: every option of the runtime, from the table the runtime parses by.

#include "tool.h"

#include <getopt.h>
#include <jansson.h>
#include <signal.h>

static const struct ms_option options[] = {
    {"json", 'j', false, NULL, "as JSON"},
    {0},
};

struct setting {
    const char *key, *text_default, *range, *meaning;
    bool is_number;
    long long number_default, minimum, maximum;
};

static const struct setting settings[] = {
#define MEMSCOPE_OPTION_STRING(key, standard, range, meaning)                                      \
    {#key, standard, range, meaning, false, 0, 0, 0},
#define MEMSCOPE_OPTION_NUMBER(key, standard, minimum, maximum, meaning)                           \
    {#key, NULL, NULL, meaning, true, standard, minimum, maximum},
#include <memscope/options.def>
};
#define SETTING_COUNT (sizeof settings / sizeof *settings)

static void put_text(void) {
    puts("Options of the runtime: MEMSCOPE_OPTIONS=key=value:key=value; a value with ':' stands in "
         "quotes.\n");
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings[i];
        printf("%s\n    %s\n", setting->key, setting->meaning);
        if (setting->is_number)
            printf("    default %lld, range %lld to %lld\n", setting->number_default,
                   setting->minimum, setting->maximum);
        else
            printf("    default \"%s\", range: %s\n", setting->text_default, setting->range);
    }
}

static bool put_json(void) {
    json_t *list = json_array();
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings[i];
        json_t *item =
            setting->is_number
                ? json_pack("{s:s, s:s, s:I, s:I, s:I, s:s}", "key", setting->key, "type", "number",
                            "default", (json_int_t)setting->number_default, "minimum",
                            (json_int_t)setting->minimum, "maximum", (json_int_t)setting->maximum,
                            "meaning", setting->meaning)
                : json_pack("{s:s, s:s, s:s, s:s, s:s}", "key", setting->key, "type", "string",
                            "default", setting->text_default, "range", setting->range, "meaning",
                            setting->meaning);
        json_array_append_new(list, item);
    }
    json_t *all = json_pack("{s:o}", "options", list);
    bool good = all && json_array_size(list) == SETTING_COUNT &&
                (json_dumpf(all, stdout, JSON_INDENT(2)) == 0 || ferror(stdout));
    json_decref(all);
    putchar('\n');
    return good;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    bool json = false;
    int letter;
    signal(SIGPIPE, SIG_IGN);
    while ((letter = ms_next_option(verb, argc, argv)) != -1) {
        if (letter == 'h')
            return ms_finish_output(verb);
        if (letter != 'j')
            return MS_EXIT_USAGE;
        json = true;
    }
    if (optind < argc)
        return ms_usage(verb, "takes no argument \"%s\"", argv[optind]);
    if (!json)
        put_text();
    else if (!put_json())
        return ms_fail(verb, "out of memory");
    return ms_finish_output(verb);
}

const struct ms_verb ms_verb_config = {
    .name = "config",
    .usage = "[--json]",
    .purpose = "list every option of MEMSCOPE_OPTIONS: meaning, default, range",
    .options = options,
    .run = run,
};
