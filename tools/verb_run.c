// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope run: runs a program with the runtime in it, and names the profiles it leaves.

#define _GNU_SOURCE // program_invocation_name
#include "run.h"
#include "settings.h"
#include "tool.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NAMES_SHOWN 10

static const struct ms_option options[] = {
    {"output", 'o', true, "FILE",
     "where the profile goes; %p pid, %e executable, %h host, %t time"},
    {"strict", 's', false, NULL, "end the program with a message rather than leave it unprofiled"},
    {"quiet", 'q', true, NULL, "do not name the profiles afterwards"},
    {"strategy", 'S', false, "NAME", "force a strategy; it is upgraded where it cannot be exact"},
    {"auto-detect", 'A', false, "0|1", "0: take the program for single-threaded"},
    {"sample-rate", 'R', false, "RATE", "0 to 1; 1 tracks every allocation"},
    {"records", 'K', false, "N", "keep N blocks alive one by one, and a sample of N freed ones"},
    {"max-overhead-percent", 'M', false, "PERCENT", "0 to 100; 0: report only"},
    {0},
};

// The flags that are options of the runtime by another name.
static const struct {
    int letter;
    const char *flag, *key;
} passed_on[] = {
    {'S', "strategy", "strategy"},
    {'A', "auto-detect", "auto_detect"},
    {'R', "sample-rate", "sample_rate"},
    {'K', "records", "records"},
    {'M', "max-overhead-percent", "max_overhead_percent"},
};
#define PASSED_ON (sizeof passed_on / sizeof *passed_on)

struct request {
    const char *output;
    const char *values[PASSED_ON]; // NULL = not given
    bool strict, quiet;
    char **argv; // the program's
    int exit_code;
};

static bool take_passed_on(const struct ms_verb *verb, int letter, struct request *request) {
    for (size_t i = 0; i < PASSED_ON; i++) {
        char why[256];
        if (passed_on[i].letter != letter)
            continue;
        if (!ms_setting_check(ms_setting_find(passed_on[i].key), optarg, why, sizeof why)) {
            ms_usage(verb, "--%s: \"%s\" is none; it takes %s", passed_on[i].flag, optarg, why);
            return false;
        }
        request->values[i] = optarg;
        return true;
    }
    return false;
}

static bool parse(const struct ms_verb *verb, int argc, char **argv, struct request *request) {
    int letter;
    request->exit_code = MS_EXIT_USAGE;
    while ((letter = ms_next_option(verb, argc, argv)) != -1) {
        switch (letter) {
        case 'o':
            request->output = optarg;
            break;
        case 's':
            request->strict = true;
            break;
        case 'q':
            request->quiet = true;
            break;
        case 'h':
            request->exit_code = ms_finish_output(verb);
            return false;
        default:
            if (!take_passed_on(verb, letter, request))
                return false;
        }
    }
    struct stat file;
    if (optind >= argc) {
        ms_usage(verb, "no program to run");
        return false;
    }
    if (request->output && !*request->output) {
        ms_usage(verb, "--output: \"\" names no file");
        return false;
    }
    if (request->output && stat(request->output, &file) == 0 && S_ISDIR(file.st_mode)) {
        ms_usage(verb, "--output: \"%s\" is a folder: name a file in it", request->output);
        return false;
    }
    request->argv = argv + optind;
    return true;
}

// The path to preload, or NULL with *why_out saying why not.
static char *choose_preload(enum ms_program program, const char **why_out) {
    static char library[4096];
    char folder[4000];
    *why_out = NULL;
    if (program == MS_PROGRAM_WITH_RUNTIME)
        return NULL;
    if (program == MS_PROGRAM_STATIC)
        *why_out = "it is a static program: nothing can be preloaded; build it with memscope-clang";
    else if (program == MS_PROGRAM_OTHER_CLASS)
        *why_out = "it is a program of another machine, or of 32 bits";
    else if (!ms_library_folder(folder, sizeof folder))
        *why_out = "MemScope's library folder cannot be told";
    if (*why_out)
        return NULL;
    snprintf(library, sizeof library, "%s/libmemscope_rt.so", folder);
    if (access(library, R_OK) != 0)
        *why_out = "lib/libmemscope_rt.so is missing beside this memscope";
    else if (strpbrk(library, " :"))
        *why_out = "the path of lib/libmemscope_rt.so has a space or a colon, which LD_PRELOAD "
                   "cannot hold";
    return *why_out ? NULL : library;
}

static bool gains_rights(const char *path) {
    struct stat file;
    return path && stat(path, &file) == 0 &&
           (((file.st_mode & S_ISUID) && file.st_uid != geteuid()) ||
            ((file.st_mode & S_ISGID) && file.st_gid != getegid()));
}

static void put_clean_word(const char *word) {
    char *clean = ms_clean(word);
    ms_put_shell_word(stderr, clean ? clean : "");
    free(clean);
}

// A path as short as the user would type it here.
static const char *from_here(const char *path, char *folder) {
    size_t length = folder ? strlen(folder) : 0;
    return length > 1 && strncmp(path, folder, length) == 0 && path[length] == '/'
               ? path + length + 1
               : path;
}

static void name_profiles(const struct ms_found_list *list) {
    char *folder = getcwd(NULL, 0);
    for (size_t i = 0; i < list->count && i < NAMES_SHOWN; i++) {
        fputs("memscope: profile ", stderr);
        put_clean_word(from_here(list->items[i].path, folder));
        fputc('\n', stderr);
    }
    if (list->count > NAMES_SHOWN)
        fprintf(stderr, "memscope: and %zu more beside them\n", list->count - NAMES_SHOWN);
    // As the user called us: a memscope that is not in the PATH has to be named the same way again.
    fputs("memscope: read it with: ", stderr);
    put_clean_word(program_invocation_name);
    fputs(" report ", stderr);
    put_clean_word(from_here(list->items[0].path, folder));
    fputc('\n', stderr);
    free(folder);
}

static void say_none(const char *program_path, const char *why, const char *pattern) {
    fputs("memscope: no profile was written: ", stderr);
    if (why)
        fprintf(stderr, "%s\n", why);
    else if (gains_rights(program_path))
        fputs("it is a set-user-ID or set-group-ID program, which ignores preloading\n", stderr);
    else
        fprintf(stderr,
                "the runtime says why above if it was loaded; is the folder of %s writable, and "
                "does the program load shared libraries?\n",
                pattern);
}

// The child may have run several programs, one after the other by exec: the last one ended so.
static void write_exit(const struct ms_found_list *list, const struct ms_ended *ended) {
    if (list->count == 0 || list->items[0].pid != (uint64_t)ended->pid)
        return;
    const struct ms_found *last = &list->items[0];
    struct ms_exit_facts facts = {.end_monotonic_ns = ms_clock_ns(CLOCK_MONOTONIC)};
    if (WIFSIGNALED(ended->status)) {
        facts.state = MEMSCOPE_PROCESS_SIGNALED;
        facts.exit_signal = WTERMSIG(ended->status);
    } else {
        facts.state = MEMSCOPE_PROCESS_EXITED;
        facts.exit_code = WEXITSTATUS(ended->status);
    }
    if (ms_profile_write_exit(last->path, &facts) != MEMSCOPE_OK)
        fprintf(stderr, "memscope: cannot note in %s how the program ended\n", last->path);
}

static int code_of(const struct ms_ended *ended) {
    if (ended->exec_error != 0)
        return ended->exec_error == ENOENT ? 127 : 126;
    return WIFSIGNALED(ended->status) ? 128 + WTERMSIG(ended->status) : WEXITSTATUS(ended->status);
}

static int run_program(const struct ms_verb *verb, const struct request *request,
                       const char *pattern, const char *child_options) {
    struct ms_ended ended;
    struct ms_found_list list = {0};
    const char *why;
    char *path = ms_program_find(request->argv[0]);
    const char *preload =
        choose_preload(path ? ms_program_look(path) : MS_PROGRAM_UNREADABLE, &why);
    uint64_t since_ns = ms_clock_ns(CLOCK_REALTIME);
    int code;
    if (why && request->strict && path && access(path, X_OK) == 0) {
        code = ms_fail(verb, "%s cannot be profiled: %s", request->argv[0], why);
    } else if (!ms_launch(request->argv, preload, child_options, &ended)) {
        code = ms_fail(verb, "cannot start a process: %s", strerror(errno));
    } else if (ended.exec_error != 0) {
        ms_fail(verb, "%s: %s", request->argv[0], strerror(ended.exec_error));
        code = code_of(&ended);
    } else {
        memscope_status status =
            ms_written_profiles(pattern, child_options, ended.pid, since_ns, &list);
        if (status != MEMSCOPE_OK)
            ms_fail(verb, "looking for the profiles: %s", ms_status_text(status));
        write_exit(&list, &ended);
        if (list.count == 0)
            say_none(path, why, pattern);
        else if (!request->quiet)
            name_profiles(&list);
        code = code_of(&ended);
    }
    ms_found_list_free(&list);
    free(path);
    return code;
}

// What the environment asks for, and behind it what the flags do. To be freed.
static char *options_before(const struct request *request) {
    const char *given = getenv("MEMSCOPE_OPTIONS");
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (!out)
        return NULL;
    fputs(given ? given : "", out);
    for (size_t i = 0; i < PASSED_ON; i++)
        if (request->values[i])
            fprintf(out, "%s%s=%s", ftell(out) > 0 ? ":" : "", passed_on[i].key,
                    request->values[i]);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {0};
    if (!parse(verb, argc, argv, &request))
        return request.exit_code;
    char *pattern = ms_output_pattern(request.output);
    if (!pattern)
        return ms_fail(verb, "the current folder cannot be told: %s", strerror(errno));
    char *before = options_before(&request);
    char *child_options = before ? ms_output_options(before, pattern, request.strict) : NULL;
    int code;
    if (!before)
        code = ms_fail(verb, "out of memory");
    else if (child_options)
        code = run_program(verb, &request, pattern, child_options);
    else
        code = ms_fail(verb, "%s: a path with both kinds of quotes cannot be told to the runtime",
                       pattern);
    free(child_options);
    free(before);
    free(pattern);
    return code;
}

const struct ms_verb ms_verb_run = {
    .name = "run",
    .usage = "[options] [--] PROGRAM [ARGUMENT...]",
    .purpose = "run a program and profile its heap, whether instrumented or not",
    .options = options,
    .run = run,
};
