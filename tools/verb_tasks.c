// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// memscope tasks: which coroutine, fiber, scope or thread holds memory.

#include "profile_command.h"

#include <getopt.h>
#include <signal.h>
#include <string.h>

#include <report/tasks_report.h>

// A screen: a class has two lines, what outlived it several.
#define TOP_DEFAULT 20
#define TOP_DEFAULT_CLASSES 10

static const struct ms_option options[] = {
    {"by-class", 'b', false, NULL, "the tasks of each function and spawn place together"},
    {"live", 'a', false, NULL, "the tasks that are alive, one by one"},
    {"outlived", 'O', false, NULL, "what outlived its task: who freed it and when, or nobody"},
    {"transfers", 't', false, NULL, "which task freed what another had allocated"},
    {"all", 'A', false, NULL, "each task by itself, and libraries' own coroutines, too"},
    {"sort", 's', false, "KEY",
     "live (default), peak, total, calls, outlived, resumes, age, count"},
    MS_TOP_OPTION("show N rows, 0 = all (default: 20, of classes 10; JSON: all)"),
    MS_JSON_OPTION("as JSON: these members of the report's"),
    MS_COLOR_OPTION,
    {0},
};

struct request {
    struct ms_tasks_options report;
    bool has_order;
    const char *view; // of the option that chose it
};

static bool choose_view(const struct ms_verb *verb, struct request *request,
                        enum ms_tasks_view view, const char *word) {
    if (request->view && strcmp(request->view, word) != 0) {
        ms_usage(verb, "one view at a time: %s and %s", request->view, word);
        return false;
    }
    request->view = word;
    request->report.view = view;
    return true;
}

static bool parse_sort(const struct ms_verb *verb, const char *word, struct request *request) {
    const char *words[16] = {0};
    int order = 0;
    for (int i = 0; ms_task_order_name((enum ms_task_order)i); i++)
        words[i] = ms_task_order_name((enum ms_task_order)i);
    request->has_order = ms_parse_word(verb, "--sort", "key", word, words, &order);
    request->report.order = (enum ms_task_order)order;
    return request->has_order;
}

// Where the key does not fit the view.
static bool check_sort(const struct ms_verb *verb, struct request *request) {
    bool classes = request->report.view == MS_TASKS_CLASSES;
    const char *key = ms_task_order_name(request->report.order);
    if (!request->has_order) {
        if (request->report.view == MS_TASKS_OUTLIVED)
            request->report.order = MS_TASKS_BY_OUTLIVED;
    } else if (request->report.view == MS_TASKS_TRANSFERS) {
        ms_usage(verb, "--sort: --transfers are sorted by bytes");
        return false;
    } else if (classes && request->report.order == MS_TASKS_BY_AGE) {
        ms_usage(verb, "--sort %s: classes have no age", key);
        return false;
    } else if (!classes && request->report.order == MS_TASKS_BY_COUNT) {
        ms_usage(verb, "--sort %s: only with --by-class", key);
        return false;
    }
    return true;
}

static bool take_option(const struct ms_verb *verb, int letter, void *context) {
    struct request *request = context;
    switch (letter) {
    case 'b':
        return choose_view(verb, request, MS_TASKS_CLASSES, "--by-class");
    case 'a':
        return choose_view(verb, request, MS_TASKS_LIVE, "--live");
    case 'O':
        return choose_view(verb, request, MS_TASKS_OUTLIVED, "--outlived");
    case 't':
        return choose_view(verb, request, MS_TASKS_TRANSFERS, "--transfers");
    case 'A':
        return request->report.all = true;
    case 's':
        return parse_sort(verb, optarg, request);
    default:
        return false;
    }
}

// A class has several lines, and so has what outlived it.
static size_t top_of(const struct ms_command *command, enum ms_tasks_view view) {
    if (command->has_top || command->json)
        return command->top;
    return view == MS_TASKS_CLASSES || view == MS_TASKS_OUTLIVED ? TOP_DEFAULT_CLASSES
                                                                 : TOP_DEFAULT;
}

static int run(const struct ms_verb *verb, int argc, char **argv) {
    struct request request = {0};
    struct ms_command command;
    struct ms_opened opened;
    signal(SIGPIPE, SIG_IGN); // `memscope tasks | head` is no failure
    if (!ms_parse_command(verb, argc, argv, take_option, &request, &command))
        return command.exit_code;
    if (!check_sort(verb, &request))
        return MS_EXIT_USAGE;
    if (!ms_open_named(verb, command.name, &opened))
        return MS_EXIT_FAILED;
    ms_resolve_sites(verb, opened.summary);
    request.report.top = top_of(&command, request.report.view);
    request.report.colour = command.colour;
    request.report.width = ms_terminal_width();
    request.report.status = opened.message[0] ? opened.message : NULL;
    memscope_status status = command.json
                                 ? ms_report_tasks_json(opened.summary, &request.report, stdout)
                                 : ms_report_tasks(opened.summary, &request.report, stdout);
    int code = ms_finish_report(verb, &opened, status, MS_EXIT_DONE);
    ms_opened_close(&opened);
    return code;
}

const struct ms_verb ms_verb_tasks = {
    .name = "tasks",
    .usage = "[options] [FILE|PID]",
    .purpose = "show which coroutine, fiber, scope or thread holds memory",
    .options = options,
    .run = run,
};
