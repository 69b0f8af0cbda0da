// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Options and contexts of the verbs that show stacks.

#include "stacks.h"

#include <getopt.h>
#include <string.h>

void ms_stack_request_begin(struct ms_stack_request *request) {
    *request = (struct ms_stack_request){.options.by = MS_STACKS_BY_AT_PEAK};
}

void ms_stack_request_end(struct ms_stack_request *request) {
    ms_filter_request_end(&request->filters);
}

static bool choose_view(const struct ms_verb *verb, struct ms_stack_request *request,
                        enum ms_stack_view view, const char *word) {
    if (request->view && strcmp(request->view, word) != 0) {
        ms_usage(verb, "one view at a time: %s and %s", request->view, word);
        return false;
    }
    request->view = word;
    request->options.view = view;
    return true;
}

bool ms_parse_measure(const struct ms_verb *verb, const char *word,
                      enum ms_stack_measure *measure_out) {
    const char *words[MS_STACK_MEASURES + 1] = {0};
    int measure = 0;
    for (int i = 0; i < MS_STACK_MEASURES; i++)
        words[i] = ms_stack_measure_name((enum ms_stack_measure)i);
    bool good = ms_parse_word(verb, "--by", "key", word, words, &measure);
    *measure_out = (enum ms_stack_measure)measure;
    return good;
}

static bool parse_filter(const struct ms_verb *verb, const char *name,
                         struct ms_stack_filter *filter,
                         const struct ms_stack_filter **filter_out) {
    char reason[256];
    if (*filter_out) {
        ms_usage(verb, "--%s: one expression; (a|b) matches either", name);
        return false;
    }
    int error = regcomp(&filter->regex, optarg, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        regerror(error, &filter->regex, reason, sizeof reason);
        ms_usage(verb, "--%s: \"%s\" is no regular expression: %s", name, optarg, reason);
        return false;
    }
    filter->text = optarg;
    *filter_out = filter;
    return true;
}

bool ms_take_filter_option(const struct ms_verb *verb, int letter,
                           struct ms_filter_request *request) {
    switch (letter) {
    case 'K':
        return parse_filter(verb, "focus", &request->focus, &request->filters.focus);
    case 'I':
        return parse_filter(verb, "ignore", &request->ignore, &request->filters.ignore);
    case 'H':
        return parse_filter(verb, "hide", &request->hide, &request->filters.hide);
    default:
        return false;
    }
}

void ms_filter_request_end(struct ms_filter_request *request) {
    if (request->filters.focus)
        regfree(&request->focus.regex);
    if (request->filters.ignore)
        regfree(&request->ignore.regex);
    if (request->filters.hide)
        regfree(&request->hide.regex);
}

bool ms_take_stack_option(const struct ms_verb *verb, int letter,
                          struct ms_stack_request *request) {
    struct ms_stack_options *options = &request->options;
    switch (letter) {
    case 'E':
        return choose_view(verb, request, MS_STACKS_CALLEES, "--callees");
    case 'R':
        return choose_view(verb, request, MS_STACKS_CALLERS, "--callers");
    case 'T':
        return choose_view(verb, request, MS_STACKS_TASKS, "--tasks");
    case 'B':
        return ms_parse_measure(verb, optarg, &options->by);
    default: {
        bool good = ms_take_filter_option(verb, letter, &request->filters);
        options->filters = request->filters.filters;
        return good;
    }
    }
}

bool ms_open_contexts(const struct ms_verb *verb, const struct ms_opened *opened,
                      struct ms_contexts **contexts_out) {
    ms_resolve_sites(verb, opened->summary);
    memscope_status status = ms_resolve_contexts(verb, opened->summary, contexts_out);
    if (*contexts_out)
        return true;
    ms_fail(verb, "%s: %s", opened->path, ms_status_text(status));
    return false;
}
