// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an expression that something is stored to is called, in the words of the plugin
// (pass/type_places.cpp): a member by its structure, not by the pointer that leads there.

#include "clang.h"

#include <string.h>

#define DEPTH_MOST 32

static const char *place(CXCursor expression, unsigned depth);

static const char *element_of(const char *name) {
    size_t length = name ? strlen(name) : 0;
    if (length == 0 || name[length - 1] == ']')
        return name;
    return ms_format_text("%s[]", *name == '*' ? name + 1 : name);
}

static const char *member_of(const char *owner, const char *name) {
    return owner && *name ? ms_format_text("%s%s%s", owner, ms_language.is_c ? "." : "::", name)
                          : NULL;
}

static bool is_record(enum CXCursorKind kind) {
    return kind == CXCursor_StructDecl || kind == CXCursor_ClassDecl || kind == CXCursor_UnionDecl;
}

static const char *field_name(CXCursor field, CXCursor base, unsigned depth) {
    const char *name = ms_clang_text(ms_clang.getCursorSpelling(field));
    CXCursor record = ms_clang.getCursorSemanticParent(field);
    // The members of `union { … };` belong to the structure around it.
    bool is_inside = false;
    while (is_record(ms_clang.getCursorKind(record)) && ms_clang.Cursor_isAnonymous(record) &&
           is_record(ms_clang.getCursorKind(ms_clang.getCursorSemanticParent(record))) &&
           !ms_is_null(base) &&
           ms_is_same(ms_clang.getCursorType(record), ms_clang.getCursorType(base))) {
        struct ms_children children = ms_children_of(base);
        if (ms_clang.getCursorKind(base) != CXCursor_MemberRefExpr ||
            *ms_clang_text(ms_clang.getCursorSpelling(ms_clang.getCursorReferenced(base))))
            break;
        // The base is an access to the union that nobody wrote.
        base = children.count ? children.items[0] : ms_clang.getNullCursor();
        record = ms_clang.getCursorSemanticParent(record);
        is_inside = true;
    }
    const char *owner = NULL;
    if (!ms_is_null(base) && !is_inside && ms_language.is_c) {
        CXType type = ms_clang.getCursorType(base), to = ms_pointee(type);
        owner = ms_owner_name(to.kind != CXType_Invalid ? to : type);
    }
    if (!owner)
        owner = ms_owner_name(ms_clang.getCursorType(record));
    if (!owner && !ms_is_null(base))
        owner = place(base, depth + 1);
    return member_of(owner, name);
}

const char *ms_field_name(CXCursor field, CXCursor base) {
    return field_name(field, base, 0);
}

static const char *declared_name(CXCursor declaration, CXCursor base, unsigned depth) {
    CXCursor parent = ms_clang.getCursorSemanticParent(declaration);
    switch (ms_clang.getCursorKind(declaration)) {
    case CXCursor_FieldDecl:
        return field_name(declaration, base, depth);
    case CXCursor_VarDecl:
        if (is_record(ms_clang.getCursorKind(parent)))
            return member_of(ms_owner_name(ms_clang.getCursorType(parent)),
                             ms_clang_text(ms_clang.getCursorSpelling(declaration)));
        return ms_clang_text(ms_clang.getCursorSpelling(declaration));
    case CXCursor_ParmDecl:
        return ms_clang_text(ms_clang.getCursorSpelling(declaration));
    default:
        return NULL;
    }
}

// "*out" of *out; of *(p + n) an element.
static const char *pointed(CXCursor pointer, unsigned depth) {
    pointer = ms_without_casts(pointer);
    enum CXCursorKind kind = ms_clang.getCursorKind(pointer);
    struct ms_children children = ms_children_of(pointer);
    if (kind == CXCursor_UnaryOperator && children.count == 1) {
        enum CXUnaryOperatorKind step = ms_clang.getCursorUnaryOperatorKind(pointer);
        if (step == CXUnaryOperator_AddrOf)
            return place(children.items[0], depth + 1);
        if (step == CXUnaryOperator_PostInc || step == CXUnaryOperator_PostDec ||
            step == CXUnaryOperator_PreInc || step == CXUnaryOperator_PreDec)
            return pointed(children.items[0], depth + 1);
    }
    if (kind == CXCursor_BinaryOperator && children.count == 2 &&
        ms_clang.getCursorBinaryOperatorKind(pointer) == CXBinaryOperator_Add &&
        ms_plain(ms_clang.getCursorType(children.items[0])).kind == CXType_Pointer)
        return element_of(place(children.items[0], depth + 1));
    const char *name = place(pointer, depth + 1);
    return name && *name ? ms_format_text("*%s", name) : NULL;
}

static const char *place(CXCursor expression, unsigned depth) {
    if (depth > DEPTH_MOST)
        return NULL;
    expression = ms_without_casts(expression);
    struct ms_children children = ms_children_of(expression);
    switch (ms_clang.getCursorKind(expression)) {
    case CXCursor_DeclRefExpr:
        return declared_name(ms_clang.getCursorReferenced(expression), ms_clang.getNullCursor(),
                             depth);
    case CXCursor_MemberRefExpr: {
        bool has_base =
            children.count > 0 && ms_clang.isExpression(ms_clang.getCursorKind(children.items[0]));
        return declared_name(ms_clang.getCursorReferenced(expression),
                             has_base ? children.items[0] : ms_clang.getNullCursor(), depth);
    }
    case CXCursor_ArraySubscriptExpr:
        return children.count == 2 ? element_of(place(children.items[0], depth + 1)) : NULL;
    case CXCursor_UnaryOperator:
        if (children.count == 1 &&
            ms_clang.getCursorUnaryOperatorKind(expression) == CXUnaryOperator_Deref)
            return pointed(children.items[0], depth + 1);
        return NULL;
    default:
        return NULL;
    }
}

const char *ms_variable_name(CXCursor declaration) {
    const char *name = declared_name(declaration, ms_clang.getNullCursor(), 0);
    return name && *name ? name : NULL;
}

const char *ms_place_name(CXCursor expression) {
    const char *name = place(expression, 0);
    return name && *name ? name : NULL;
}
