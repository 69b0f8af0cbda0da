// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The options of a run, from MEMSCOPE_OPTIONS, and the messages to the user they govern. Read once,
// at start, by one thread; then constant. Messages: any thread, async-signal-safe.

#ifndef MS_CONFIG_H
#define MS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MS_OPTION_TEXT_BYTES = 1024 };

struct ms_config {
#define MEMSCOPE_OPTION_STRING(key, initial, range, meaning) char key[MS_OPTION_TEXT_BYTES];
#define MEMSCOPE_OPTION_NUMBER(key, initial, least, most, meaning) uint32_t key;
#define MEMSCOPE_OPTION_REAL(key, initial, least, most, meaning) double key;
#include <memscope/options.def>
    char given[MS_OPTION_TEXT_BYTES]; // MEMSCOPE_OPTIONS as it was, cut at the buffer's end
    uint32_t given_keys;              // bits by enum ms_option_key: a good value was given
};

enum ms_option_key {
#define MEMSCOPE_OPTION_STRING(key, initial, range, meaning) MS_OPTION_##key,
#define MEMSCOPE_OPTION_NUMBER(key, initial, least, most, meaning) MS_OPTION_##key,
#define MEMSCOPE_OPTION_REAL(key, initial, least, most, meaning) MS_OPTION_##key,
#include <memscope/options.def>
};

extern struct ms_config ms_config;

// Reads `options` (NULL = none): key=value:key=value, a value may stand in ' or ". An unknown key
// or a bad value is named on stderr and skipped.
void ms_config_read(const char *options);
void ms_config_print_help(void);

// Was the option given, be it as what it is by itself?
bool ms_option_is_given(enum ms_option_key key);

// The exit code of a program that strict=1 ends.
#define MS_STRICT_EXIT_CODE 99

// "memscope: " + the parts, up to a NULL, + a newline, on stderr, as one write.
enum ms_message_level { MS_MESSAGE_WARNING = 1, MS_MESSAGE_INFO = 2, MS_MESSAGE_DETAIL = 3 };
void ms_message(enum ms_message_level level, const char *part, ...) __attribute__((sentinel));

// Profiling goes off or is cut: a warning; under strict=1 the program ends here.
void ms_give_up(const char *part, ...) __attribute__((sentinel));

// The environment's value of `name` as the program was started with, also before libc is
// initialised; NULL = not set. Valid until the next call.
const char *ms_environment(const char *name);

#endif
