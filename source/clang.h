// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libclang, loaded when it is needed: the command runs where it is not installed. Everything that
// is declared here runs in a process that ends soon: texts are never freed.

#ifndef MEMSCOPE_SOURCE_CLANG_H
#define MEMSCOPE_SOURCE_CLANG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clang-c/Index.h>

struct ms_clang {
#define MS_CLANG(name) __typeof__(clang_##name) *name;
#include "clang_functions.def"
};

extern struct ms_clang ms_clang;

// NULL = the first that is installed. False = none is, or lacks a function; *message_out tells.
bool ms_clang_load(const char *library, char **message_out);

// Takes the text of a libclang string; "" instead of NULL.
const char *ms_clang_text(CXString string);
__attribute__((format(printf, 1, 2))) const char *ms_format_text(const char *format, ...);

static inline bool ms_is_null(CXCursor cursor) {
    return ms_clang.Cursor_isNull(cursor) != 0;
}

// --- shapes ------------------------------------------------------------------------------------

#define MS_CHILDREN_MOST 4096u

struct ms_children {
    CXCursor *items;
    size_t count;
};
struct ms_children ms_children_of(CXCursor cursor);
// Whether both are one expression: cursors of one, reached by different ways, are not always equal.
bool ms_is_same_node(CXCursor a, CXCursor b);

// Without parentheses, implicit and explicit casts.
CXCursor ms_without_casts(CXCursor expression);
bool ms_is_explicit_cast(enum CXCursorKind kind);
bool ms_is_function(enum CXCursorKind kind);
// Whether the reference is to a class template of the standard library of that name.
bool ms_is_of_std(CXCursor declaration, const char *const *names);

// --- type_name.c -------------------------------------------------------------------------------

// Names as the plugin gives them (pass/type_names.cpp), so that both are one row in reports.
struct ms_language {
    bool is_c;
};
extern struct ms_language ms_language;

// Without qualifiers, typedefs and sugar.
CXType ms_plain(CXType type);
// What a pointer or reference points to, kind Invalid: it is none, or to void.
CXType ms_pointee(CXType type);
bool ms_is_same(CXType a, CXType b);
// A structure, union or array.
bool ms_is_aggregate(CXType type);
bool ms_is_scalar(CXType type);
// A structure whose last member is an array.
bool ms_has_open_end(CXType type);
// Of one object; 0 = not known here.
uint64_t ms_type_bytes(CXType type);
// NULL where the type depends on a template's arguments, or cannot be told.
const char *ms_type_name(CXType type);
// The same without "struct"; NULL where the type has no name.
const char *ms_owner_name(CXType type);

// --- place_name.c ------------------------------------------------------------------------------

// "n", "*out", "rows[]", "conn.buf", "Conn::buf"; NULL = the expression names no place.
const char *ms_place_name(CXCursor expression);
const char *ms_variable_name(CXCursor declaration);
const char *ms_field_name(CXCursor field, CXCursor base); // null cursor: no base is written

// --- call_sinks.c ------------------------------------------------------------------------------

// An expression and what stands around it, outermost first.
struct ms_spot {
    const CXCursor *path;
    size_t depth; // of the expression itself in path
};

// What the source does with a value.
struct ms_sinks {
    CXType stored; // what the place that it is stored to points to; Invalid = nothing known
    CXType cast;   // to what it is cast explicitly
    CXType passed; // what the parameter, or the function that returns it, points to
    const char *variable;
    CXCursor untyped; // the local variable, a pointer to void, that it is stored to; null = none
    CXCursor local;   // the local variable that it is stored to, of any type; null = none
    bool conflict;    // two of one sort differ, or its address is changed on the way
};
struct ms_sinks ms_sinks_of(struct ms_spot spot);
// Where `variable` is set once, what is done with its value.
struct ms_sinks ms_sinks_of_variable(struct ms_spot spot, CXCursor variable);

// Whether the function around returns the variable as a pointer to void: an allocator of its own,
// whose callers know what the block is for.
bool ms_is_handed_out(struct ms_spot spot, CXCursor variable);

// --- call_size.c -------------------------------------------------------------------------------

struct ms_size {
    uint64_t factor;  // it is a multiple of this; 0 = nothing known
    bool is_constant; // it is that
    CXType object;    // of the one sizeof in it; Invalid = none, or several
    bool is_sum;      // the object and something behind it
    bool is_sure;     // `object` is as written; else it may be a pointer to that
};
struct ms_size ms_size_of(CXCursor expression);
struct ms_size ms_size_product(struct ms_size a, struct ms_size b);
struct ms_size ms_size_unknown(void);

// --- call_facts.c ------------------------------------------------------------------------------

struct ms_facts {
    const char *type, *variable; // NULL = unknown
    uint64_t type_bytes;
};
// Of the allocation that is `spot`; `kind`: of the site.
struct ms_facts ms_facts_of(struct ms_spot spot, unsigned kind);
// Whether a site of that kind can be the call of a function of this name.
bool ms_calls_kind(const char *function, unsigned kind);

#endif
