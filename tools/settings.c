// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct ms_setting ms_settings[] = {
#define MEMSCOPE_OPTION_STRING(name, standard, values, why)                                        \
    {.key = #name,                                                                                 \
     .meaning = why,                                                                               \
     .type = MS_SETTING_STRING,                                                                    \
     .text_default = standard,                                                                     \
     .range = values},
#define MEMSCOPE_OPTION_NUMBER(name, standard, least, most, why)                                   \
    {.key = #name,                                                                                 \
     .meaning = why,                                                                               \
     .type = MS_SETTING_NUMBER,                                                                    \
     .number_default = standard,                                                                   \
     .minimum = least,                                                                             \
     .maximum = most},
#define MEMSCOPE_OPTION_REAL(name, standard, least, most, why)                                     \
    {.key = #name,                                                                                 \
     .meaning = why,                                                                               \
     .type = MS_SETTING_REAL,                                                                      \
     .number_default = standard,                                                                   \
     .minimum = least,                                                                             \
     .maximum = most},
#include <memscope/options.def>
};
const size_t ms_setting_count = sizeof ms_settings / sizeof *ms_settings;

const struct ms_setting *ms_setting_find(const char *key) {
    for (size_t i = 0; i < ms_setting_count; i++)
        if (strcmp(ms_settings[i].key, key) == 0)
            return &ms_settings[i];
    return NULL;
}

static bool is_strategy(const char *value) {
    static const char *const names[] = {
#define MEMSCOPE_STRATEGY(number, name, text, option, environment, environment_text) option,
#include <memscope/strategies.def>
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], value) == 0)
            return true;
    return false;
}

// As the runtime reads them: digits, a point and digits for a real.
static bool is_number(const char *value, bool may_have_point) {
    size_t whole = strspn(value, "0123456789"), length = whole;
    if (may_have_point && value[whole] == '.' && whole > 0) {
        size_t fraction = strspn(value + whole + 1, "0123456789");
        length = fraction > 0 ? whole + 1 + fraction : whole;
    }
    return whole > 0 && value[length] == '\0' && length <= (may_have_point ? 16 : 9);
}

bool ms_setting_check(const struct ms_setting *setting, const char *value, char *why_out,
                      size_t why_bytes) {
    if (setting->type == MS_SETTING_STRING) {
        snprintf(why_out, why_bytes, "%s", setting->range);
        return strcmp(setting->key, "strategy") != 0 || is_strategy(value);
    }
    snprintf(why_out, why_bytes, "%g to %g", setting->minimum, setting->maximum);
    if (!is_number(value, setting->type == MS_SETTING_REAL))
        return false;
    double number = strtod(value, NULL); // in the C locale: the tool sets none
    return number >= setting->minimum && number <= setting->maximum;
}
