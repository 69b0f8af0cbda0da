// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The names of functions, as demanglers write them.

#include "profile.h"

#include <stdio.h>
#include <string.h>

#define NESTED_MOST 256 // brackets; of a name with more the rest is left out

static bool starts(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

static bool begins_word(const char *name, const char *at) {
    return at == name ||
           !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", at[-1]);
}

size_t ms_operator_length(const char *name, const char *at) {
    if (*at != 'o' || !starts(at, "operator") || !begins_word(name, at))
        return 0;
    size_t length = strlen("operator");
    if (starts(at + length, "()") || starts(at + length, "[]"))
        return length + 2;
    // Behind it come parameters or template arguments: in "operator<<<int>(" it has two characters,
    // in "operator<<int>(" one.
    size_t most = strspn(at + length, "<>=!+-*/%^&|~,");
    for (size_t count = most < 3 ? most : 3; count > 0; count--)
        if (strchr("(< ", at[length + count])) // at the end, too
            return length + count;
    return length + most;
}

// The end is the first parenthesis outside of template arguments.
const char *ms_function_name(const char *name, const char **begin_out) {
    int depth = 0;
    bool is_operator = false; // "operator bool": the space is part of the name
    *begin_out = name;
    for (const char *at = name; *at; at++) {
        size_t length = ms_operator_length(name, at);
        if (length > 0) {
            is_operator |= depth <= 0;
            at += length - 1;
        } else if (starts(at, "(anonymous namespace)")) {
            at += strlen("(anonymous namespace)") - 1;
        } else if (*at == '<' || *at == '{' || *at == '[') {
            depth++;
        } else if (*at == '>' || *at == '}' || *at == ']') {
            depth--;
        } else if (*at == '(' && depth <= 0) {
            return at;
        } else if (*at == ' ' && depth <= 0 && !is_operator) {
            *begin_out = at + 1;
        }
    }
    return name + strlen(name);
}

// "<" behind a name begins template arguments; elsewhere it is Rust's "<Vec<T> as Clone>::clone".
static bool follows_name(const char *begin, const char *at) {
    return at > begin && !strchr(" <(,&*", at[-1]);
}

size_t ms_fold_template_arguments(const char *begin, const char *end, char *folded_out) {
    char open[NESTED_MOST]; // brackets around `at`
    size_t depth = 0, folding = 0,
           length = 0; // `folding`: the depth inside what is folded; 0 = none
    const char *operator_end = NULL;
    for (const char *at = begin; at < end; at++) {
        size_t whole = ms_operator_length(begin, at);
        if (whole == 0 && starts(at, "->"))
            whole = strlen("->");
        if (whole > 0) {
            memcpy(folded_out + length, at, whole);
            length += folding ? 0 : whole;
            at += whole - 1;
            operator_end = at + 1;
            continue;
        }
        if (strchr("<([{", *at)) {
            if (depth == NESTED_MOST)
                break;
            open[depth++] = *at;
            const char *name_end = at > begin && at[-1] == ' ' ? at - 1 : at; // "operator< <int>"
            bool is_folded = *at == '<' && (follows_name(begin, at) || name_end == operator_end);
            if (!folding && is_folded) {
                length += (size_t)sprintf(folded_out + length, "<…");
                folding = depth;
                continue;
            }
        } else if (strchr(")]}", *at)) {
            while (depth > 0 && open[depth - 1] == '<') // of a comparison
                depth--;
            depth -= depth > 0;
        } else if (*at == '>' && depth > 0 && open[depth - 1] == '<') {
            depth--;
        }
        if (depth < folding)
            folding = 0;
        if (!folding)
            folded_out[length++] = *at;
    }
    folded_out[length] = '\0';
    return length;
}

// Up to what a compiler added: "f(int) (.resume)", "f(int) [clone .cold]", "f.constprop.0".
static const char *end_of(const char *name) {
    const char *end = strstr(name, " (.");
    if (!end)
        end = strstr(name, " [clone ");
    if (!end && !strchr(name, '('))
        end = strchr(name, '.');
    return end && end > name ? end : name + strlen(name);
}

// Demanglers differ in the space of "> >".
static bool same_text(const char *a, const char *a_end, const char *b, const char *b_end) {
    for (;;) {
        while (a < a_end && *a == ' ')
            a++;
        while (b < b_end && *b == ' ')
            b++;
        if (a == a_end || b == b_end)
            return a == a_end && b == b_end;
        if (*a++ != *b++)
            return false;
    }
}

// Something stands in the function, as a lambda does: "f()::{lambda()#1}::operator()() const".
static bool goes_on(const char *name_end, const char *end) {
    for (const char *at = name_end; at + 1 < end; at++)
        if (at[0] == ')' && at[1] == ':')
            return true;
    return false;
}

bool ms_same_function(const char *a, const char *b) {
    if (!a || !b)
        return false;
    const char *a_end = end_of(a), *b_end = end_of(b);
    if (same_text(a, a_end, b, b_end))
        return true;
    const char *a_begin, *b_begin;
    const char *a_name_end = ms_function_name(a, &a_begin);
    const char *b_name_end = ms_function_name(b, &b_begin);
    bool a_bare = a_name_end >= a_end, b_bare = b_name_end >= b_end;
    if (a_bare == b_bare || goes_on(a_name_end, a_end) || goes_on(b_name_end, b_end))
        return false; // both tell their parameters: they differ
    return same_text(a_begin, a_bare ? a_end : a_name_end, b_begin, b_bare ? b_end : b_name_end);
}
