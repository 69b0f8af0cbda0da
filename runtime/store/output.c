// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "output.h"

#include "arena.h"

#include "base/config.h"
#include "base/shared.h"
#include "base/text.h"
#include "modules.h"

#include <errno.h>
#include <string.h>

enum { KEPT_PROFILES = 32 };

static const char usual_name[] = "memscope.%e.%p" MEMSCOPE_PROFILE_SUFFIX;

static const char *executable_name(void) {
    const char *path = ms_module_executable();
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// Copies `pattern` with %p, %e, %h, %t and %% replaced; another letter stays as it is.
static void expand(struct ms_text *text, const char *pattern) {
    char host[65];
    for (; *pattern; pattern++) {
        if (*pattern != '%' || !pattern[1]) {
            ms_text_bytes(text, pattern, 1);
            continue;
        }
        switch (*++pattern) {
        case 'p':
            ms_text_number(text, (uint64_t)ms_sys_process_id());
            break;
        case 'e':
            ms_text_string(text, executable_name());
            break;
        case 'h':
            ms_sys_host_name(host, sizeof host);
            ms_text_string(text, host);
            break;
        case 't':
            ms_text_number(text, ms_sys_clock_realtime_ns() / 1000000000u);
            break;
        case '%':
            ms_text_string(text, "%");
            break;
        default:
            ms_text_bytes(text, pattern - 1, 2);
        }
    }
}

// memscope-<uid>/ in $TMPDIR or /tmp, ours alone; the oldest profiles in it are removed.
static bool use_temporary_folder(struct ms_text *text) {
    const char *folder = ms_sys_privileged() ? NULL : ms_environment("TMPDIR");
    ms_text_string(text, folder && folder[0] == '/' ? folder : "/tmp");
    ms_text_string(text, "/memscope-");
    ms_text_number(text, ms_sys_user_id());
    int error = -ms_sys_make_private_folder(text->start);
    if (error != 0) {
        ms_give_up(text->start, ": no profile, the program runs on without: ", ms_text_error(error),
                   "; MEMSCOPE_OPTIONS=output=FILE puts it elsewhere", NULL);
        return false;
    }
    (void)ms_sys_prune_folder(text->start, MEMSCOPE_PROFILE_SUFFIX, KEPT_PROFILES - 1);
    ms_text_string(text, "/");
    expand(text, usual_name);
    return true;
}

// A name with a number before its suffix: name.7.msp.
struct numbered {
    struct ms_text *text;
    size_t stem;
    bool has_suffix;
};

static const char *with_number(struct numbered name, unsigned number) {
    name.text->length = name.stem;
    ms_text_string(name.text, ".");
    ms_text_number(name.text, number);
    if (name.has_suffix)
        ms_text_string(name.text, MEMSCOPE_PROFILE_SUFFIX);
    return name.text->start;
}

enum { NUMBERS = 100000 };

// The first number that is free, or another one where files between were removed. Looks at few: a
// test suite's processes may leave thousands of profiles of one name.
static unsigned free_number(struct numbered name) {
    unsigned taken = 0, free = 1;
    while (free < NUMBERS && ms_sys_exists(with_number(name, free))) {
        taken = free;
        free *= 2;
    }
    while (free - taken > 1) {
        unsigned middle = taken + (free - taken) / 2;
        if (ms_sys_exists(with_number(name, middle)))
            taken = middle;
        else
            free = middle;
    }
    return free;
}

// name.msp, then name.1.msp, name.2.msp, ...
static int create_numbered(struct ms_text *text) {
    int fd = ms_sys_open_new(text->start);
    if (fd != -EEXIST)
        return fd;
    size_t suffix = strlen(MEMSCOPE_PROFILE_SUFFIX);
    struct numbered name = {.text = text, .stem = text->length};
    name.has_suffix = text->length > suffix &&
                      strcmp(text->start + text->length - suffix, MEMSCOPE_PROFILE_SUFFIX) == 0;
    if (name.has_suffix)
        name.stem -= suffix;
    // Another process may be faster.
    for (unsigned number = free_number(name); fd == -EEXIST && number < NUMBERS; number++)
        fd = ms_sys_open_new(with_number(name, number));
    return fd;
}

int ms_output_create(char *path_out, size_t capacity) {
    struct ms_text text = ms_text_in(path_out, capacity);
    if (ms_config.output[0] != '\0')
        expand(&text, ms_config.output);
    else if (!use_temporary_folder(&text))
        return -1;
    int fd = create_numbered(&text);
    if (fd < 0) {
        ms_give_up(path_out, ": no profile, the program runs on without: ", ms_text_error(-fd),
                   NULL);
        return -1;
    }
    return fd;
}

static bool fail(char *why_out, size_t capacity, const char *path, const char *why) {
    struct ms_text text = ms_text_in(why_out, capacity);
    ms_text_string(&text, path);
    ms_text_string(&text, ": ");
    ms_text_string(&text, why);
    return false;
}

bool ms_output_move(const char *pattern, char *why_out, size_t capacity) {
    char path[4096];
    struct ms_text text = ms_text_in(path, sizeof path);
    expand(&text, pattern);
    if (ms_load(&ms_shared.header->threads_started) > 1)
        return fail(why_out, capacity, path,
                    "the profile cannot be moved any more, since threads have been started");
    int fd = create_numbered(&text);
    if (fd < 0)
        return fail(why_out, capacity, path, ms_text_error(-fd));
    int error = ms_arena_move(fd, path);
    if (error == 0)
        return true;
    ms_sys_remove(path);
    ms_sys_close(fd);
    return fail(why_out, capacity, path, ms_text_error(error));
}
