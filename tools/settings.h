// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's options as the tool knows them, from the table the runtime parses by.

#ifndef MEMSCOPE_TOOLS_SETTINGS_H
#define MEMSCOPE_TOOLS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

enum ms_setting_type { MS_SETTING_STRING, MS_SETTING_NUMBER, MS_SETTING_REAL };

struct ms_setting {
    const char *key, *meaning;
    enum ms_setting_type type;
    const char *text_default, *range;        // of a string
    double number_default, minimum, maximum; // of the others
};

extern const struct ms_setting ms_settings[];
extern const size_t ms_setting_count;

const struct ms_setting *ms_setting_find(const char *key); // NULL = there is none

// Is `value` one that the runtime takes? False: `why_out` says what it takes.
bool ms_setting_check(const struct ms_setting *setting, const char *value, char *why_out,
                      size_t why_bytes);

#endif
