// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a call outwards: through casts and conditions to what the source does with its result.

#include "clang.h"

#include <stdlib.h>
#include <string.h>

static const CXType none = {.kind = CXType_Invalid};

// One step outwards: the value goes on to the expression around, or ends here.
enum step { GO_ON, END };

struct walk {
    const CXCursor *path;
    size_t at;    // of the value in path
    bool is_kept; // by a unique_ptr or shared_ptr: of the place only the name counts
    struct ms_sinks sinks;
};

static void add_type(CXType *known, CXType type, bool *conflict) {
    if (type.kind == CXType_Invalid)
        return;
    if (known->kind == CXType_Invalid)
        *known = type;
    else if (!ms_is_same(*known, type))
        *conflict = true;
}

static bool is_local(CXCursor variable) {
    return ms_clang.getCursorKind(variable) == CXCursor_VarDecl &&
           ms_is_function(ms_clang.getCursorKind(ms_clang.getCursorSemanticParent(variable)));
}

// The value is stored to a place of that type and name.
static enum step store(struct walk *walk, CXType type, const char *name, CXCursor variable) {
    CXType to = walk->is_kept ? none : ms_pointee(type);
    if (!walk->sinks.variable || (name && walk->sinks.stored.kind == CXType_Invalid))
        walk->sinks.variable = name;
    add_type(&walk->sinks.stored, to, &walk->sinks.conflict);
    if (!walk->is_kept && is_local(variable))
        walk->sinks.local = variable;
    if (!walk->is_kept && to.kind == CXType_Invalid && is_local(variable) &&
        ms_plain(type).kind == CXType_Pointer)
        walk->sinks.untyped = variable;
    // What is assigned has the same value again.
    return GO_ON;
}

static int index_in(const struct ms_children *children, CXCursor cursor) {
    for (size_t i = 0; i < children->count; i++)
        if (ms_is_same_node(children->items[i], cursor))
            return (int)i;
    return -1;
}

static enum step through_operator(struct walk *walk, CXCursor parent, CXCursor value) {
    struct ms_children children = ms_children_of(parent);
    int index = index_in(&children, value);
    if (children.count != 2 || index < 0)
        return END;
    switch (ms_clang.getCursorBinaryOperatorKind(parent)) {
    case CXBinaryOperator_Assign: {
        CXCursor target = ms_without_casts(children.items[0]);
        if (index != 1)
            return END;
        return store(walk, ms_clang.getCursorType(children.items[0]),
                     ms_place_name(children.items[0]),
                     ms_clang.getCursorKind(target) == CXCursor_DeclRefExpr
                         ? ms_clang.getCursorReferenced(target)
                         : ms_clang.getNullCursor());
    }
    case CXBinaryOperator_Comma:
        return index == 1 ? GO_ON : END;
    case CXBinaryOperator_Add:
    case CXBinaryOperator_Sub:
        walk->sinks.conflict = true; // malloc(n) + head: what is stored is another address
        return END;
    default:
        return END;
    }
}

static enum step to_initializer(struct walk *walk, CXCursor list) {
    struct ms_children children = ms_children_of(list);
    CXType type = ms_plain(ms_clang.getCursorType(list));
    CXCursor holder = walk->at >= 2 ? walk->path[walk->at - 2] : list;
    const char *name = ms_clang.getCursorKind(holder) == CXCursor_VarDecl
                           ? ms_clang_text(ms_clang.getCursorSpelling(holder))
                           : NULL;
    if (type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray)
        store(walk, ms_clang.getArrayElementType(type), name ? ms_format_text("%s[]", name) : NULL,
              ms_clang.getNullCursor());
    else if (ms_is_scalar(type) && children.count == 1) // = {malloc(1)}
        return GO_ON;
    return END;
}

// {.field = value}: the member is named before the value.
static enum step to_designated(struct walk *walk, CXCursor parent, CXCursor value) {
    struct ms_children children = ms_children_of(parent);
    if (children.count != 2 || index_in(&children, value) != 1 ||
        ms_clang.getCursorKind(children.items[0]) != CXCursor_MemberRef)
        return END;
    CXCursor field = ms_clang.getCursorReferenced(children.items[0]);
    store(walk, ms_clang.getCursorType(field), ms_field_name(field, ms_clang.getNullCursor()),
          ms_clang.getNullCursor());
    return END;
}

// `member(value)` of a constructor: the member stands before.
static enum step to_member(struct walk *walk, CXCursor constructor, CXCursor value) {
    struct ms_children children = ms_children_of(constructor);
    int index = index_in(&children, value);
    if (index < 1 || ms_clang.getCursorKind(children.items[index - 1]) != CXCursor_MemberRef)
        return END;
    CXCursor field = ms_clang.getCursorReferenced(children.items[index - 1]);
    store(walk, ms_clang.getCursorType(field), ms_field_name(field, ms_clang.getNullCursor()),
          ms_clang.getNullCursor());
    return END;
}

static enum step to_return(struct walk *walk) {
    for (size_t i = walk->at - 1; i-- > 0;) {
        enum CXCursorKind kind = ms_clang.getCursorKind(walk->path[i]);
        if (kind == CXCursor_LambdaExpr)
            return END;
        if (ms_is_function(kind)) {
            CXType type = ms_clang.getCursorResultType(walk->path[i]);
            if (ms_plain(type).kind == CXType_Pointer)
                add_type(&walk->sinks.passed, ms_pointee(type), &walk->sinks.conflict);
            return END;
        }
    }
    return END;
}

static bool is_smart_pointer(CXCursor function) {
    static const char *const classes[] = {"unique_ptr", "shared_ptr", NULL};
    return ms_is_of_std(ms_clang.getCursorSemanticParent(function), classes);
}

// The value is an argument; in C++ constructions are calls as well.
static enum step to_argument(struct walk *walk, CXCursor call, CXCursor value) {
    CXCursor function = ms_clang.getCursorReferenced(call);
    int count = ms_clang.Cursor_getNumArguments(call), index = 0;
    while (index < count &&
           !ms_is_same_node(ms_clang.Cursor_getArgument(call, (unsigned)index), value))
        index++;
    if (index >= count || ms_is_null(function))
        return END;
    enum CXCursorKind kind = ms_clang.getCursorKind(function);
    if (kind == CXCursor_Constructor && is_smart_pointer(function) && index == 0) {
        walk->is_kept = true;
        return GO_ON;
    }
    if (kind == CXCursor_Constructor && walk->is_kept)
        return GO_ON; // moved or copied into place
    if (kind == CXCursor_CXXMethod && is_smart_pointer(function) && index == 0 &&
        strcmp(ms_clang_text(ms_clang.getCursorSpelling(function)), "reset") == 0) {
        struct ms_children children = ms_children_of(call);
        struct ms_children base =
            children.count ? ms_children_of(children.items[0]) : (struct ms_children){0};
        walk->is_kept = true;
        if (base.count > 0)
            store(walk, none, ms_place_name(base.items[0]), ms_clang.getNullCursor());
        return END;
    }
    CXType type = ms_clang.getArgType(ms_clang.getCursorType(function), (unsigned)index);
    if (!walk->is_kept && ms_plain(type).kind == CXType_Pointer)
        add_type(&walk->sinks.passed, ms_pointee(type), &walk->sinks.conflict);
    return END;
}

// ({ …; value; })
static bool is_last_of_expression(const struct walk *walk, CXCursor value) {
    struct ms_children children = ms_children_of(walk->path[walk->at - 1]);
    return walk->at >= 2 && ms_clang.getCursorKind(walk->path[walk->at - 2]) == CXCursor_StmtExpr &&
           children.count > 0 && ms_is_same_node(children.items[children.count - 1], value);
}

static bool is_condition(CXCursor parent, CXCursor value) {
    struct ms_children children = ms_children_of(parent);
    return children.count != 3 || index_in(&children, value) < 1;
}

static enum step one_step(struct walk *walk) {
    CXCursor parent = walk->path[walk->at - 1], value = walk->path[walk->at];
    enum CXCursorKind kind = ms_clang.getCursorKind(parent);
    CXType type = ms_clang.getCursorType(parent);
    if (ms_is_explicit_cast(kind)) {
        if (walk->is_kept)
            return GO_ON;
        if (ms_plain(type).kind != CXType_Pointer && ms_plain(type).kind != CXType_Record)
            return END; // a number
        CXType to = ms_pointee(type);
        if (to.kind != CXType_Invalid)
            walk->sinks.cast = to; // the last one counts
        return GO_ON;
    }
    switch (kind) {
    case CXCursor_UnexposedExpr:
        if (to_designated(walk, parent, value), walk->sinks.variable)
            return END;
        return walk->is_kept || ms_plain(type).kind == CXType_Pointer ||
                       ms_plain(type).kind == CXType_Record
                   ? GO_ON
                   : END;
    case CXCursor_ParenExpr:
    case CXCursor_StmtExpr:
        return GO_ON;
    case CXCursor_CompoundStmt:
        return is_last_of_expression(walk, value) ? GO_ON : END;
    case CXCursor_ConditionalOperator:
        return is_condition(parent, value) ? END : GO_ON;
    case CXCursor_BinaryOperator:
        return through_operator(walk, parent, value);
    case CXCursor_VarDecl:
        store(walk, type, ms_variable_name(parent), parent);
        return END;
    case CXCursor_FieldDecl:
        store(walk, type, ms_field_name(parent, ms_clang.getNullCursor()),
              ms_clang.getNullCursor());
        return END;
    case CXCursor_InitListExpr:
        return to_initializer(walk, parent);
    case CXCursor_Constructor:
        return to_member(walk, parent, value);
    case CXCursor_ReturnStmt:
        return walk->is_kept ? END : to_return(walk);
    case CXCursor_CallExpr:
        return to_argument(walk, parent, value);
    default:
        return END;
    }
}

struct ms_sinks ms_sinks_of(struct ms_spot spot) {
    struct walk walk = {
        .path = spot.path,
        .at = spot.depth,
        .sinks = {.stored = none,
                  .cast = none,
                  .passed = none,
                  .untyped = ms_clang.getNullCursor(),
                  .local = ms_clang.getNullCursor()},
    };
    for (; walk.at > 0 && one_step(&walk) == GO_ON; walk.at--)
        ;
    return walk.sinks;
}

// --- what becomes of a variable ----------------------------------------------------------------

struct uses {
    CXCursor variable;
    struct ms_sinks sinks;
    CXCursor *path;
    size_t depth, capacity;
    unsigned set_count;
    bool is_shared; // its address is taken
};

static bool is_null_constant(CXCursor expression) {
    expression = ms_without_casts(expression);
    return ms_clang.getCursorKind(expression) == CXCursor_IntegerLiteral ||
           ms_clang.getCursorKind(expression) == CXCursor_GNUNullExpr ||
           ms_clang.getCursorKind(expression) == CXCursor_CXXNullPtrLiteralExpr;
}

static void take_use(struct uses *uses) {
    CXCursor parent = uses->path[uses->depth - 1], value = uses->path[uses->depth];
    struct ms_children children = ms_children_of(parent);
    switch (ms_clang.getCursorKind(parent)) {
    case CXCursor_BinaryOperator:
        if (ms_clang.getCursorBinaryOperatorKind(parent) == CXBinaryOperator_Assign &&
            children.count == 2 && ms_is_same_node(children.items[0], value)) {
            uses->set_count += !is_null_constant(children.items[1]);
            return;
        }
        break;
    case CXCursor_UnaryOperator:
        if (ms_clang.getCursorUnaryOperatorKind(parent) == CXUnaryOperator_AddrOf)
            uses->is_shared = true;
        return;
    case CXCursor_CompoundAssignOperator:
        uses->set_count++;
        return;
    default:
        break;
    }
    struct ms_sinks sinks = ms_sinks_of((struct ms_spot){uses->path, uses->depth});
    uses->sinks.conflict |= sinks.conflict && sinks.stored.kind != CXType_Invalid;
    if (sinks.conflict)
        return;
    if (uses->sinks.stored.kind == CXType_Invalid && sinks.stored.kind != CXType_Invalid)
        uses->sinks.variable = sinks.variable;
    add_type(&uses->sinks.stored, sinks.stored, &uses->sinks.conflict);
    if (sinks.stored.kind == CXType_Invalid)
        add_type(&uses->sinks.passed, sinks.passed, &uses->sinks.conflict);
}

static enum CXChildVisitResult visit_use(CXCursor cursor, CXCursor parent, CXClientData data) {
    struct uses *uses = data;
    (void)parent;
    if (uses->depth + 2 > uses->capacity) {
        size_t capacity = 2 * uses->capacity;
        CXCursor *path = realloc(uses->path, capacity * sizeof *path);
        if (!path)
            return CXChildVisit_Break;
        uses->path = path;
        uses->capacity = capacity;
    }
    uses->path[++uses->depth] = cursor;
    if (ms_clang.equalCursors(cursor, uses->variable)) {
        bool has_start = false;
        struct ms_children children = ms_children_of(cursor);
        for (size_t i = 0; i < children.count; i++)
            has_start |= ms_clang.isExpression(ms_clang.getCursorKind(children.items[i])) &&
                         !is_null_constant(children.items[i]);
        uses->set_count += has_start;
    } else if (ms_clang.getCursorKind(cursor) == CXCursor_DeclRefExpr &&
               ms_clang.equalCursors(ms_clang.getCursorReferenced(cursor), uses->variable)) {
        take_use(uses);
    }
    ms_clang.visitChildren(cursor, visit_use, uses);
    uses->depth--;
    return CXChildVisit_Continue;
}

struct ms_sinks ms_sinks_of_variable(struct ms_spot spot, CXCursor variable) {
    struct uses uses = {
        .variable = variable,
        .sinks = {.stored = none,
                  .cast = none,
                  .passed = none,
                  .untyped = ms_clang.getNullCursor(),
                  .local = ms_clang.getNullCursor()},
        .capacity = 64,
    };
    struct ms_sinks unknown = uses.sinks;
    size_t function = spot.depth;
    while (function > 0 && !ms_is_function(ms_clang.getCursorKind(spot.path[function])))
        function--;
    uses.path = calloc(uses.capacity, sizeof *uses.path);
    if (uses.path && ms_is_function(ms_clang.getCursorKind(spot.path[function]))) {
        uses.path[0] = spot.path[function];
        ms_clang.visitChildren(spot.path[function], visit_use, &uses);
    }
    free(uses.path);
    return uses.set_count == 1 && !uses.is_shared ? uses.sinks : unknown;
}

struct search {
    CXCursor variable;
    bool is_in_return, found;
};

static enum CXChildVisitResult find_return(CXCursor cursor, CXCursor parent, CXClientData data) {
    struct search *search = data, inside = *search;
    (void)parent;
    if (ms_clang.getCursorKind(cursor) == CXCursor_LambdaExpr)
        return CXChildVisit_Continue;
    inside.is_in_return |= ms_clang.getCursorKind(cursor) == CXCursor_ReturnStmt;
    if (inside.is_in_return && ms_clang.getCursorKind(cursor) == CXCursor_DeclRefExpr &&
        ms_clang.equalCursors(ms_clang.getCursorReferenced(cursor), search->variable))
        inside.found = true;
    else
        ms_clang.visitChildren(cursor, find_return, &inside);
    search->found |= inside.found;
    return search->found ? CXChildVisit_Break : CXChildVisit_Continue;
}

bool ms_is_handed_out(struct ms_spot spot, CXCursor variable) {
    size_t function = spot.depth;
    while (function > 0 && !ms_is_function(ms_clang.getCursorKind(spot.path[function])))
        function--;
    CXType result = ms_plain(ms_clang.getCursorResultType(spot.path[function]));
    if (function == 0 || ms_is_null(variable) || result.kind != CXType_Pointer ||
        ms_pointee(result).kind != CXType_Invalid)
        return false;
    struct search search = {.variable = variable};
    ms_clang.visitChildren(spot.path[function], find_return, &search);
    return search.found;
}
