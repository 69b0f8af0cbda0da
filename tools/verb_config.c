// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope config: every option of the runtime, from the table the runtime parses by.

#include "settings.h"
#include "tool.h"

#include <getopt.h>
#include <jansson.h>
#include <signal.h>

static const struct ms_option options[] = {
    {"json", 'j', false, NULL, "as JSON"},
    {0},
};

static void put_text(void) {
    puts("Options of the runtime: MEMSCOPE_OPTIONS=key=value:key=value; a value with ':' stands in "
         "quotes.\n");
    for (size_t i = 0; i < ms_setting_count; i++) {
        const struct ms_setting *setting = &ms_settings[i];
        printf("%s\n    %s\n", setting->key, setting->meaning);
        if (setting->type == MS_SETTING_STRING)
            printf("    default \"%s\", range: %s\n", setting->text_default, setting->range);
        else
            printf("    default %.10g, range %.10g to %.10g\n", setting->number_default,
                   setting->minimum, setting->maximum);
    }
}

static json_t *number(const struct ms_setting *setting, double value) {
    return setting->type == MS_SETTING_REAL ? json_real(value) : json_integer((json_int_t)value);
}

static json_t *as_json(const struct ms_setting *setting) {
    if (setting->type == MS_SETTING_STRING)
        return json_pack("{s:s, s:s, s:s, s:s, s:s}", "key", setting->key, "type", "string",
                         "default", setting->text_default, "range", setting->range, "meaning",
                         setting->meaning);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:s}", "key", setting->key, "type",
                     setting->type == MS_SETTING_REAL ? "real" : "number", "default",
                     number(setting, setting->number_default), "minimum",
                     number(setting, setting->minimum), "maximum",
                     number(setting, setting->maximum), "meaning", setting->meaning);
}

static bool put_json(void) {
    json_t *list = json_array();
    for (size_t i = 0; i < ms_setting_count; i++)
        json_array_append_new(list, as_json(&ms_settings[i]));
    json_t *all = json_pack("{s:o}", "options", list);
    bool good = all && json_array_size(list) == ms_setting_count &&
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
