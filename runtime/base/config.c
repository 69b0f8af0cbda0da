// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "config.h"

#include "platform/platform.h"
#include "text.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

struct ms_config ms_config = {
#define MEMSCOPE_OPTION_STRING(key, initial, range, meaning) .key = initial,
#define MEMSCOPE_OPTION_NUMBER(key, initial, least, most, meaning) .key = initial,
#define MEMSCOPE_OPTION_REAL(key, initial, least, most, meaning) .key = initial,
#include <memscope/options.def>
};

struct option {
    const char *key;
    char *text;       // a string option's place, else NULL
    uint32_t *number; // a number option's place, else NULL
    double *real;     // a real option's place, else NULL
    double least, most;
    const char *initial, *range, *meaning;
};

static const struct option options[] = {
#define MEMSCOPE_OPTION_STRING(name, first, values, why)                                           \
    {.key = #name, .text = ms_config.name, .initial = first, .range = values, .meaning = why},
#define MEMSCOPE_OPTION_NUMBER(name, first, low, high, why)                                        \
    {.key = #name,                                                                                 \
     .number = &ms_config.name,                                                                    \
     .least = low,                                                                                 \
     .most = high,                                                                                 \
     .initial = #first,                                                                            \
     .range = #low " to " #high,                                                                   \
     .meaning = why},
#define MEMSCOPE_OPTION_REAL(name, first, low, high, why)                                          \
    {.key = #name,                                                                                 \
     .real = &ms_config.name,                                                                      \
     .least = low,                                                                                 \
     .most = high,                                                                                 \
     .initial = #first,                                                                            \
     .range = #low " to " #high,                                                                   \
     .meaning = why},
#include <memscope/options.def>
};
enum { OPTION_COUNT = sizeof options / sizeof options[0] };
_Static_assert(OPTION_COUNT <= 32, "each has a bit of given_keys");

static void send(struct ms_text *text, const char *part, va_list rest) {
    ms_text_string(text, "memscope: ");
    for (; part; part = va_arg(rest, const char *))
        ms_text_string(text, part);
    if (text->length == text->capacity - 1)
        text->length--;
    ms_text_string(text, "\n");
    (void)ms_sys_write(STDERR_FILENO, text->start, text->length);
}

void ms_message(enum ms_message_level level, const char *part, ...) {
    if (ms_config.verbosity < level)
        return;
    char buffer[1024];
    struct ms_text text = ms_text_in(buffer, sizeof buffer);
    va_list rest;
    va_start(rest, part);
    send(&text, part, rest);
    va_end(rest);
}

void ms_give_up(const char *part, ...) {
    if (ms_config.verbosity < MS_MESSAGE_WARNING && !ms_config.strict)
        return;
    char buffer[1024];
    struct ms_text text = ms_text_in(buffer, sizeof buffer);
    va_list rest;
    va_start(rest, part);
    send(&text, part, rest);
    va_end(rest);
    if (ms_config.strict) {
        ms_config.verbosity = MS_MESSAGE_WARNING;
        ms_message(MS_MESSAGE_WARNING, "strict=1: the program ends here", NULL);
        ms_sys_exit(MS_STRICT_EXIT_CODE);
    }
}

static const struct option *find_option(const char *key, size_t length) {
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(options[i].key) == length && memcmp(options[i].key, key, length) == 0)
            return &options[i];
    return NULL;
}

static bool read_number(const char *value, size_t length, uint32_t *number_out) {
    uint64_t number = 0;
    if (length == 0 || length > 9)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    *number_out = (uint32_t)number;
    return true;
}

// Digits, a point among them or not, and an exponent or not; no locale's, no signs, no names. One
// division or product by an exact power of ten: rounded as a compiler would.
static bool read_real(const char *value, size_t length, double *real_out) {
    const uint64_t most = UINT64_MAX / 100; // more digits no double can hold
    uint64_t number = 0;
    uint32_t exponent = 0;
    int scale = 0; // the number's power of ten
    bool has_digit = false, has_point = false;
    size_t at = 0;
    for (; at < length; at++) {
        bool is_digit = value[at] >= '0' && value[at] <= '9';
        if (!is_digit && (value[at] != '.' || has_point))
            break;
        has_point |= !is_digit;
        has_digit |= is_digit;
        if (is_digit && number < most) {
            number = number * 10 + (uint64_t)(value[at] - '0');
            scale -= has_point;
        } else if (is_digit) {
            scale += !has_point;
        }
    }
    if (at < length && has_digit && (value[at] == 'e' || value[at] == 'E')) {
        at++;
        bool is_negative = at < length && value[at] == '-';
        at += at < length && (value[at] == '-' || value[at] == '+');
        if (!read_number(value + at, length - at, &exponent) || exponent > 999)
            return false;
        scale += is_negative ? -(int)exponent : (int)exponent;
        at = length;
    }
    double power = 1;
    for (int i = scale < 0 ? -scale : scale; i > 0; i--)
        power *= 10;
    *real_out = scale < 0 ? (double)number / power : number ? (double)number * power : 0;
    return has_digit && at == length;
}

static void refuse(const char *what, const char *bytes, size_t length, const char *more,
                   const char *range) {
    char buffer[128];
    struct ms_text name = ms_text_in(buffer, sizeof buffer);
    ms_text_bytes(&name, bytes, length);
    ms_message(MS_MESSAGE_WARNING, "MEMSCOPE_OPTIONS: ", what, " '", name.start, "'", more, range,
               NULL);
}

static void set_option(const char *key, size_t key_length, const char *value, size_t length) {
    const struct option *option = find_option(key, key_length);
    if (!option) {
        refuse("unknown option", key, key_length, " (ignored; MEMSCOPE_OPTIONS=help=1 lists all)",
               "");
        return;
    }
    if (option->text) {
        if (length >= MS_OPTION_TEXT_BYTES) {
            refuse("too long a value of", key, key_length, " (ignored)", "");
            return;
        }
        memcpy(option->text, value, length);
        option->text[length] = '\0';
        ms_config.given_keys |= 1u << (option - options);
        return;
    }
    uint32_t number = 0;
    double real = 0;
    bool is_good =
        option->real ? read_real(value, length, &real) : read_number(value, length, &number);
    if (option->number)
        real = number;
    if (!is_good || real < option->least || real > option->most) {
        char more[160];
        struct ms_text text = ms_text_in(more, sizeof more);
        ms_text_string(&text, " of option ");
        ms_text_string(&text, option->key);
        ms_text_string(&text, " (ignored); it takes ");
        refuse("bad value", value, length, text.start, option->range);
        return;
    }
    if (option->real)
        *option->real = real;
    else if (option->number)
        *option->number = number;
    ms_config.given_keys |= 1u << (option - options);
}

// One `key=value` from `at`; returns where the next begins.
static const char *read_pair(const char *at) {
    const char *key = at;
    while (*at && *at != '=' && *at != ':')
        at++;
    size_t key_length = (size_t)(at - key);
    if (*at != '=') {
        if (key_length > 0)
            refuse("no value for", key, key_length, " (ignored); write key=value", "");
        return *at ? at + 1 : at;
    }
    const char *value = ++at;
    size_t length;
    if (*value == '\'' || *value == '"') {
        at = strchr(value + 1, *value);
        value++;
        if (!at) {
            refuse("no closing quote in the value of", key, key_length, " (ignored)", "");
            return value + strlen(value);
        }
        length = (size_t)(at++ - value);
        while (*at && *at != ':')
            at++;
    } else {
        while (*at && *at != ':')
            at++;
        length = (size_t)(at - value);
    }
    set_option(key, key_length, value, length);
    return *at ? at + 1 : at;
}

void ms_config_read(const char *text) {
    if (!text)
        return;
    struct ms_text given = ms_text_in(ms_config.given, sizeof ms_config.given);
    ms_text_string(&given, text);
    uint32_t floats = ms_sys_floats_quiet(); // a program begins with no flag raised
    while (*text)
        text = read_pair(text);
    ms_sys_floats_restore(floats);
}

bool ms_option_is_given(enum ms_option_key key) {
    return (ms_config.given_keys >> key & 1) != 0;
}

void ms_config_print_help(void) {
    char buffer[4096];
    struct ms_text text = ms_text_in(buffer, sizeof buffer);
    ms_text_string(&text, "MemScope runtime options, MEMSCOPE_OPTIONS=key=value:key=value\n");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        ms_text_string(&text, "  ");
        ms_text_string(&text, options[i].key);
        ms_text_string(&text, "\n      ");
        ms_text_string(&text, options[i].meaning);
        ms_text_string(&text, "\n      default: ");
        ms_text_string(&text, options[i].initial[0] ? options[i].initial : "(empty)");
        ms_text_string(&text, "; takes ");
        ms_text_string(&text, options[i].range);
        ms_text_string(&text, "\n");
    }
    (void)ms_sys_write(STDERR_FILENO, text.start, text.length);
}

static const char *from_environ(const char *name) {
    size_t length = strlen(name);
    for (char **at = environ; *at; at++)
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
            return *at + length + 1;
    return NULL;
}

// Before libc has set `environ` (an allocation by the dynamic linker): from the kernel.
static const char *from_kernel(const char *name) {
    static char buffer[16384];
    int fd = ms_sys_open_read("/proc/self/environ");
    if (fd < 0)
        return NULL;
    size_t filled = 0;
    int64_t got;
    while (filled < sizeof buffer - 1 &&
           (got = ms_sys_read(fd, buffer + filled, sizeof buffer - 1 - filled)) > 0)
        filled += (size_t)got;
    ms_sys_close(fd);
    buffer[filled] = '\0';
    size_t length = strlen(name);
    for (const char *at = buffer; at < buffer + filled; at += strlen(at) + 1)
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            return at + length + 1;
    return NULL;
}

const char *ms_environment(const char *name) {
    return environ ? from_environ(name) : from_kernel(name);
}
