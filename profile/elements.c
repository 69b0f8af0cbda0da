// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The type that the C++ library's allocator is told to allocate, from the names of functions:
// `std::allocator<Order>::allocate`. For sites whose debug info has no types. Spelled as the
// compiler plugin does.

#include "profile.h"

#include "wrappers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const allocators[] = {"std::__new_allocator<", "std::allocator<",
                                         "__gnu_cxx::new_allocator<", "std::new_allocator<",
                                         "std::__1::allocator<"};
// What containers allocate around an element, which is the first argument.
static const char *const nodes[] = {"std::_Rb_tree_node<",
                                    "std::_List_node<",
                                    "std::__cxx11::_List_node<",
                                    "std::_Fwd_list_node<",
                                    "std::__detail::_Hash_node<",
                                    "std::_Sp_counted_ptr_inplace<",
                                    "std::__1::__tree_node<",
                                    "std::__1::__list_node<",
                                    "std::__1::__forward_list_node<",
                                    "std::__1::__hash_node<",
                                    "std::__1::__shared_ptr_emplace<"};

static const char *behind(const char *at, const char *end, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(names[i]);
        if ((size_t)(end - at) > length && strncmp(at, names[i], length) == 0)
            return at + length;
    }
    return NULL;
}

// Values, functions, lambdas, and what has no name have more than one spelling.
static bool is_plain(const char *at, const char *end) {
    for (const char *each = at; each < end; each++) {
        bool begins = each == at || strchr("<, ", each[-1]);
        if (strchr("(){}[]'\"", *each) || (begins && isdigit((unsigned char)*each)))
            return false;
    }
    return at < end;
}

static void cut(char *at, size_t length) {
    memmove(at, at + length, strlen(at + length) + 1);
}

// Where the argument begins that ends there.
static char *argument_begin(char *text, char *end) {
    int depth = 0;
    for (char *at = end; at > text; at--) {
        if (at[-1] == '>')
            depth++;
        else if (at[-1] == '<' && depth-- == 0)
            return at;
        else if (at[-1] == ',' && depth == 0)
            return at + (*at == ' ');
    }
    return text;
}

// `int const` is `const int` as an argument; behind a pointer, and of the whole, it does not count.
// No text grows.
static void move_qualifiers(char *text) {
    static const char word[] = " const";
    const size_t length = sizeof word - 1;
    for (char *at = text; (at = strstr(at, word));) {
        char next = at[length];
        if (isalnum((unsigned char)next) || next == '_') {
            at += length;
            continue;
        }
        cut(at, length);
        if (next != ',' && next != '>')
            continue;
        char *begin = argument_begin(text, at);
        memmove(begin + length, begin, strlen(begin) + 1);
        memcpy(begin, "const ", length);
        at += length;
    }
}

// libc++ has a class of its own around the pair of a map.
static char *pair_of(const char *type, const char *over) {
    static const char *const names[] = {"std::__1::__value_type<", "std::__1::__hash_value_type<"};
    const char *key = behind(type, over, names, sizeof names / sizeof *names);
    const char *comma = key ? ms_argument_end(key, over) : NULL;
    if (!comma || *comma != ',')
        return ms_written(type, over);
    size_t bytes = (size_t)(over - type) + sizeof "std::pair< const";
    char *text = malloc(bytes), *whole = NULL;
    if (text) {
        snprintf(text, bytes, "std::pair<%.*s const%.*s", (int)(comma - key), key,
                 (int)(over - comma), comma);
        whole = ms_written(text, text + strlen(text));
    }
    free(text);
    return whole;
}

char *ms_element_of(const char *function) {
    const char *begin, *end = ms_function_name(function, &begin);
    const char *type = behind(begin, end, allocators, sizeof allocators / sizeof *allocators);
    const char *over = type ? ms_argument_end(type, end) : NULL;
    static const char member[] = ">::allocate";
    const size_t length = sizeof member - 1;
    if (!over || (size_t)(end - over) < length || strncmp(over, member, length) != 0 ||
        (over + length < end && over[length] != '[')) // [abi:…] of libc++
        return NULL;
    const char *element = behind(type, over, nodes, sizeof nodes / sizeof *nodes);
    if (element) {
        over = ms_argument_end(element, over);
        type = element;
    }
    char *text = !is_plain(type, over) ? NULL : pair_of(type, over);
    if (text)
        move_qualifiers(text);
    return text;
}

bool ms_is_below_allocator(const char *function) {
    static const char *const names[] = {"operator new", "std::__1::__libcpp_"};
    const char *begin, *end = ms_function_name(function, &begin);
    return behind(begin, end + 1, names, sizeof names / sizeof *names) != NULL;
}

void ms_find_elements(struct ms_summary *summary) {
    for (size_t i = 0; i < summary->site_count; i++) {
        struct ms_site *site = &summary->sites[i];
        uint32_t count = site->type_name ? 0 : ms_site_frame_count(site);
        for (uint32_t depth = 0; depth < count; depth++) {
            struct ms_frame frame = ms_site_frame(summary, site, depth);
            char *element = frame.function ? ms_element_of(frame.function) : NULL;
            if (element)
                site->type_name = ms_summary_text(summary, element);
            free(element);
            if (site->type_name || !frame.function || !ms_is_below_allocator(frame.function))
                break;
        }
    }
}
