// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#define _GNU_SOURCE // asprintf
#include "clang.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ms_clang ms_clang;

// The majors that the plugin is built for come first.
static const char *const installed[] = {
    "libclang-19.so.19", "libclang-19.so.1",  "libclang-22.so.22", "libclang-22.so.1",
    "libclang-21.so.21", "libclang-20.so.20", "libclang-18.so.18", "libclang-17.so.17",
    "libclang.so.1",     "libclang.so",
};

static void *open_one(const char *library) {
    if (library)
        return dlopen(library, RTLD_NOW | RTLD_LOCAL);
    void *handle = NULL;
    for (size_t i = 0; i < sizeof installed / sizeof *installed && !handle; i++)
        handle = dlopen(installed[i], RTLD_NOW | RTLD_LOCAL);
    return handle;
}

bool ms_clang_load(const char *library, char **message_out) {
    void *handle = open_one(library), *function;
    if (!handle) {
        *message_out = library ? strdup(ms_format_text("%s cannot be loaded", library))
                               : strdup("libclang is not installed (Debian: libclang1-19)");
        return false;
    }
#define MS_CLANG(name)                                                                             \
    function = dlsym(handle, "clang_" #name);                                                      \
    memcpy(&ms_clang.name, &function, sizeof function);                                            \
    if (!function) {                                                                               \
        *message_out = strdup("libclang lacks clang_" #name "; 17 or newer is needed");            \
        return false;                                                                              \
    }
#include "clang_functions.def"
    return true;
}

// Texts live as long as the process.
struct kept {
    struct kept *next;
    char text[];
};
static struct kept *all_kept;

static const char *keep(const char *text) {
    struct kept *one = malloc(sizeof *one + strlen(text) + 1);
    if (!one)
        return "";
    strcpy(one->text, text);
    one->next = all_kept;
    all_kept = one;
    return one->text;
}

const char *ms_clang_text(CXString string) {
    const char *text = ms_clang.getCString(string);
    const char *kept = text ? keep(text) : "";
    ms_clang.disposeString(string);
    return kept;
}

const char *ms_format_text(const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    const char *kept = text ? keep(text) : "";
    free(text);
    return kept;
}

static enum CXChildVisitResult collect(CXCursor cursor, CXCursor parent, CXClientData data) {
    struct ms_children *children = data;
    (void)parent;
    if (children->count == MS_CHILDREN_MOST)
        return CXChildVisit_Break;
    CXCursor *items = realloc(children->items, (children->count + 1) * sizeof *items);
    if (!items)
        return CXChildVisit_Break;
    children->items = items;
    children->items[children->count++] = cursor;
    return CXChildVisit_Continue;
}

struct ms_children ms_children_of(CXCursor cursor) {
    struct ms_children children = {0};
    ms_clang.visitChildren(cursor, collect, &children);
    return children;
}

bool ms_is_same_node(CXCursor a, CXCursor b) {
    return ms_clang.equalCursors(a, b) ||
           (ms_clang.getCursorKind(a) == ms_clang.getCursorKind(b) &&
            ms_clang.isExpression(ms_clang.getCursorKind(a)) &&
            ms_clang.equalRanges(ms_clang.getCursorExtent(a), ms_clang.getCursorExtent(b)));
}

bool ms_is_explicit_cast(enum CXCursorKind kind) {
    return kind == CXCursor_CStyleCastExpr || kind == CXCursor_CXXStaticCastExpr ||
           kind == CXCursor_CXXReinterpretCastExpr || kind == CXCursor_CXXConstCastExpr ||
           kind == CXCursor_CXXFunctionalCastExpr || kind == CXCursor_CXXDynamicCastExpr;
}

bool ms_is_function(enum CXCursorKind kind) {
    return kind == CXCursor_FunctionDecl || kind == CXCursor_CXXMethod ||
           kind == CXCursor_Constructor || kind == CXCursor_Destructor ||
           kind == CXCursor_ConversionFunction || kind == CXCursor_FunctionTemplate;
}

CXCursor ms_without_casts(CXCursor expression) {
    for (;;) {
        enum CXCursorKind kind = ms_clang.getCursorKind(expression);
        if (kind != CXCursor_UnexposedExpr && kind != CXCursor_ParenExpr &&
            !ms_is_explicit_cast(kind))
            return expression;
        // The operand comes last, behind what names the type.
        struct ms_children children = ms_children_of(expression);
        if (children.count == 0 || (kind == CXCursor_UnexposedExpr && children.count != 1) ||
            !ms_clang.isExpression(ms_clang.getCursorKind(children.items[children.count - 1])))
            return expression;
        expression = children.items[children.count - 1];
    }
}

bool ms_is_of_std(CXCursor declaration, const char *const *names) {
    const char *name = ms_clang_text(ms_clang.getCursorSpelling(declaration));
    for (; *names && strcmp(*names, name) != 0; names++)
        ;
    CXCursor parent = ms_clang.getCursorSemanticParent(declaration);
    while (*names && ms_clang.getCursorKind(parent) == CXCursor_Namespace &&
           ms_clang.Cursor_isInlineNamespace(parent))
        parent = ms_clang.getCursorSemanticParent(parent);
    return *names && ms_clang.getCursorKind(parent) == CXCursor_Namespace &&
           strcmp(ms_clang_text(ms_clang.getCursorSpelling(parent)), "std") == 0;
}
