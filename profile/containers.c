// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The container of the standard library that a block is part of: told by the functions that the
// call was inlined into, as long as they are the library's own.

#include "profile.h"

#include "wrappers.h"

#include <stdlib.h>
#include <string.h>

static bool begins(const char *text, const char *end, const char *with) {
    size_t length = strlen(with);
    return (size_t)(end - text) >= length && strncmp(text, with, length) == 0;
}

static const char *const containers[] = {
    "std::vector<",
    "std::basic_string<",
    "std::deque<",
    "std::list<",
    "std::forward_list<",
    "std::map<",
    "std::multimap<",
    "std::set<",
    "std::multiset<",
    "std::unordered_map<",
    "std::unordered_multimap<",
    "std::unordered_set<",
    "std::function<",
    "std::unordered_multiset<",
    "std::shared_ptr<",
};

// Namespaces that nobody writes, and arguments that are there by default.
static const char *const unwritten[] = {"__cxx11::", "__1::", "__debug::"};
static const char *const defaults[] = {"std::allocator<", "std::char_traits<",
                                       "std::less<",      "std::hash<",
                                       "std::equal_to<",  "std::default_delete<"};

const char *ms_argument_end(const char *at, const char *end) {
    int depth = 0;
    for (; at < end; at++) {
        if (*at == '<' || *at == '(' || *at == '[' || *at == '{')
            depth++;
        else if (depth == 0 && (*at == '>' || *at == ','))
            break;
        else if (*at == '>' || *at == ')' || *at == ']' || *at == '}')
            depth--;
    }
    return at;
}

static bool is_default(const char *at, const char *end) {
    char name[32] = "std::";
    if (!begins(at, end, name))
        return false;
    at += strlen(name);
    for (size_t i = 0; i < sizeof unwritten / sizeof *unwritten; i++)
        if (begins(at, end, unwritten[i]))
            at += strlen(unwritten[i]);
    size_t length = (size_t)(end - at) < 24 ? (size_t)(end - at) : 24;
    memcpy(name + 5, at, length);
    name[5 + length] = '\0';
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (begins(name, name + strlen(name), defaults[i]))
            return true;
    return false;
}

char *ms_written(const char *at, const char *end) {
    char *text = malloc(2 * (size_t)(end - at) + 1), *to = text;
    if (!text)
        return NULL;
    while (at < end) {
        size_t skip = 0;
        for (size_t i = 0; i < sizeof unwritten / sizeof *unwritten && !skip; i++)
            if (begins(at, end, unwritten[i]))
                skip = strlen(unwritten[i]);
        if (begins(at, end, ", ") && is_default(at + 2, end))
            skip = (size_t)(ms_argument_end(at + 2, end) - at);
        else if (*at == ' ' && at + 1 < end && at[1] == '>')
            skip = 1;
        at += skip;
        if (skip)
            continue;
        if ((*at == '*' || *at == '&') && to > text && !strchr(" *&(", to[-1]))
            *to++ = ' ';
        *to++ = *at++;
    }
    *to = '\0';
    for (char *found; (found = strstr(text, "std::basic_string<char>"));)
        memmove(memcpy(found, "std::string", strlen("std::string")) + strlen("std::string"),
                found + strlen("std::basic_string<char>"),
                strlen(found + strlen("std::basic_string<char>")) + 1);
    return text;
}

// Where the class ends that the function is a member of, or NULL.
static const char *class_end(const char *begin, const char *end) {
    const char *open = strchr(begin, '<');
    if (!open || open >= end)
        return NULL;
    const char *at = open + 1;
    while ((at = ms_argument_end(at, end)) < end && *at == ',')
        at++;
    return at < end && begins(at + 1, end, "::") ? at + 1 : NULL;
}

// The function's name behind what namespaces std has inline.
static bool is_container(const char *begin, const char *end) {
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
        if (begins(begin, end, containers[i]))
            return true;
    return false;
}

char *ms_container_of(const char *function) {
    const char *begin, *end = ms_function_name(function, &begin);
    const char *over = class_end(begin, end);
    if (!over || !begins(begin, end, "std::"))
        return NULL;
    // Compare without inline namespaces.
    const char *name = begin + strlen("std::");
    for (size_t i = 0; i < sizeof unwritten / sizeof *unwritten; i++)
        if (begins(name, end, unwritten[i]))
            name += strlen(unwritten[i]);
    char head[32] = "std::";
    size_t length = (size_t)(end - name) < 24 ? (size_t)(end - name) : 24;
    memcpy(head + 5, name, length);
    head[5 + length] = '\0';
    return is_container(head, head + strlen(head)) ? ms_written(begin, over) : NULL;
}

// Of the library, and what it allocates is its own: no part of the container that called it.
static bool owns_its_blocks(const char *function) {
    static const char *const owners[] = {
        "std::thread::", "std::jthread::", "std::make_unique<",
        "std::any::",    "std::promise<",  "std::make_exception_ptr"};
    const char *begin, *end = ms_function_name(function, &begin);
    for (size_t i = 0; i < sizeof owners / sizeof *owners; i++)
        if (begins(begin, end, owners[i]))
            return true;
    return false;
}

bool ms_frame_ends_containers(const struct ms_frame *frame, bool is_wrapper) {
    return (!is_wrapper && (!frame->function || !ms_is_library_frame(frame))) ||
           (frame->function && owns_its_blocks(frame->function));
}

void ms_find_containers(struct ms_summary *summary) {
    for (size_t i = 0; i < summary->site_count; i++) {
        struct ms_site *site = &summary->sites[i];
        uint32_t count = ms_site_frame_count(site);
        for (uint32_t depth = 0; depth < count && !site->container; depth++) {
            struct ms_frame frame = ms_site_frame(summary, site, depth);
            if (ms_frame_ends_containers(&frame, depth < site->wrapper_frames))
                break;
            if (frame.function)
                site->container = ms_container_of(frame.function);
        }
        // What the library itself allocates for a string.
        if (site->foreign && !site->type_name && site->container &&
            strcmp(site->container, "std::string") == 0) {
            site->type_name = "char";
            site->type_bytes = 1;
        }
    }
    ms_find_elements(summary);
}
