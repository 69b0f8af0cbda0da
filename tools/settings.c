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

static const char digits[] = "0123456789";

static bool is_number(const char *value) {
    size_t length = strspn(value, digits);
    return length > 0 && length <= 9 && value[length] == '\0';
}

// As the runtime reads them: digits, a point among them or not, and an exponent or not.
static bool is_real(const char *value) {
    size_t whole = strspn(value, digits), fraction = 0;
    value += whole;
    if (*value == '.') {
        fraction = strspn(value + 1, digits);
        value += 1 + fraction;
    }
    if (whole + fraction == 0)
        return false;
    if (*value == 'e' || *value == 'E') {
        value += value[1] == '-' || value[1] == '+' ? 2 : 1;
        size_t exponent = strspn(value, digits);
        if (exponent == 0 || exponent > 3)
            return false;
        value += exponent;
    }
    return *value == '\0';
}

bool ms_setting_check(const struct ms_setting *setting, const char *value, char *why_out,
                      size_t why_bytes) {
    if (setting->type == MS_SETTING_STRING) {
        snprintf(why_out, why_bytes, "%s", setting->range);
        return strcmp(setting->key, "strategy") != 0 || is_strategy(value);
    }
    snprintf(why_out, why_bytes, "%g to %g", setting->minimum, setting->maximum);
    if (setting->type == MS_SETTING_REAL ? !is_real(value) : !is_number(value))
        return false;
    double number = strtod(value, NULL); // in the C locale: the tool sets none
    return number >= setting->minimum && number <= setting->maximum;
}
