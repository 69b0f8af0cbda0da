// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the size that is asked for tells: `n * sizeof(struct node)` is objects of that type.

#include "clang.h"

#include <string.h>

#define DEPTH_MOST 32

static const CXType none = {.kind = CXType_Invalid};

struct ms_size ms_size_unknown(void) {
    return (struct ms_size){.object = none};
}

static bool get_constant(CXCursor expression, uint64_t *value_out) {
    CXEvalResult result = ms_clang.Cursor_Evaluate(expression);
    bool good = result && ms_clang.EvalResult_getKind(result) == CXEval_Int;
    if (good)
        *value_out = ms_clang.EvalResult_getAsUnsigned(result);
    if (result)
        ms_clang.EvalResult_dispose(result);
    return good;
}

// Where it begins and ends in one file, no macro in between.
static bool is_written_out(CXCursor cursor) {
    CXSourceRange range = ms_clang.getCursorExtent(cursor);
    CXSourceLocation ends[] = {ms_clang.getRangeStart(range), ms_clang.getRangeEnd(range)};
    for (int i = 0; i < 2; i++) {
        unsigned offset, expanded;
        CXFile file, other;
        ms_clang.getSpellingLocation(ends[i], &file, NULL, NULL, &offset);
        ms_clang.getExpansionLocation(ends[i], &other, NULL, NULL, &expanded);
        if (!file || !other || offset != expanded || !ms_clang.File_isEqual(file, other))
            return false;
    }
    return true;
}

// sizeof x: the type of x. sizeof(T): libclang tells no more than the name in T, and the size.
static struct ms_size size_of_object(CXCursor expression) {
    struct ms_size size = {.object = none, .is_constant = true};
    struct ms_children children = ms_children_of(expression);
    if (!get_constant(expression, &size.factor) || size.factor == 0)
        return ms_size_unknown();
    if (children.count != 1)
        return size;
    CXCursor operand = children.items[0];
    CXType type = ms_clang.getCursorType(operand);
    if (ms_clang.isExpression(ms_clang.getCursorKind(operand))) {
        size.object = type;
        size.is_sure = true;
    } else if (ms_clang.getCursorKind(operand) == CXCursor_TypeRef) {
        // "struct node *" also refers to struct node; its name then ends before the parenthesis.
        CXSourceRange whole = ms_clang.getCursorExtent(expression);
        CXSourceRange named = ms_clang.getCursorExtent(operand);
        unsigned end, named_end;
        ms_clang.getSpellingLocation(ms_clang.getRangeEnd(whole), NULL, NULL, NULL, &end);
        ms_clang.getSpellingLocation(ms_clang.getRangeEnd(named), NULL, NULL, NULL, &named_end);
        size.object = type;
        size.is_sure = is_written_out(expression) && named_end + 1 == end;
    }
    if (ms_type_bytes(size.object) != size.factor) {
        size.object = none;
        size.is_sure = false;
    }
    return size;
}

struct ms_size ms_size_product(struct ms_size a, struct ms_size b) {
    struct ms_size size = {.object = none};
    size.is_constant = a.is_constant && b.is_constant;
    if (a.factor && b.factor)
        size.factor = a.factor * b.factor;
    else
        size.factor = a.factor + b.factor; // one of them is 0
    bool has_a = a.object.kind != CXType_Invalid, has_b = b.object.kind != CXType_Invalid;
    if (a.is_sum || b.is_sum || (has_a && has_b))
        return size;
    size.object = has_a ? a.object : b.object;
    size.is_sure = has_a ? a.is_sure : b.is_sure;
    return size;
}

static struct ms_size sum(struct ms_size a, struct ms_size b) {
    struct ms_size size = {.object = none, .is_sum = true};
    size.is_constant = a.is_constant && b.is_constant;
    size.factor = size.is_constant ? a.factor + b.factor : 0;
    // The head is the object that stands first and once: sizeof(struct head) + length.
    if (a.object.kind != CXType_Invalid && a.factor == ms_type_bytes(a.object)) {
        size.object = a.object;
        size.is_sure = a.is_sure;
    } else if (a.object.kind == CXType_Invalid && b.object.kind != CXType_Invalid &&
               b.factor == ms_type_bytes(b.object) && b.is_constant) {
        size.object = b.object;
        size.is_sure = b.is_sure;
    }
    return size;
}

static struct ms_size size_of(CXCursor expression, unsigned depth) {
    expression = ms_without_casts(expression);
    enum CXCursorKind kind = ms_clang.getCursorKind(expression);
    struct ms_size size = ms_size_unknown();
    if (depth > DEPTH_MOST)
        return size;
    // alignof and the like have no children that are of that size.
    if (kind == CXCursor_UnaryExpr)
        return size_of_object(expression);
    if (kind == CXCursor_BinaryOperator) {
        struct ms_children children = ms_children_of(expression);
        enum CXBinaryOperatorKind step = ms_clang.getCursorBinaryOperatorKind(expression);
        if (children.count == 2 && (step == CXBinaryOperator_Mul || step == CXBinaryOperator_Add)) {
            struct ms_size a = size_of(children.items[0], depth + 1);
            struct ms_size b = size_of(children.items[1], depth + 1);
            return step == CXBinaryOperator_Mul ? ms_size_product(a, b) : sum(a, b);
        }
    }
    size.is_constant = get_constant(expression, &size.factor);
    return size;
}

struct ms_size ms_size_of(CXCursor expression) {
    return size_of(expression, 0);
}
