// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an allocation is for, from what the source does with it and from the size it asks for.
// Whatever contradicts itself is unknown.

#include "clang.h"

#include <string.h>

#include <memscope/profile_format.h>

#define DEPTH_MOST 16

static const CXType none = {.kind = CXType_Invalid};

// The functions of each kind, and which arguments are the size (-1 = none); kinds of one row only
// are those that the optimizer makes of each other.
struct allocator {
    const char *name;
    unsigned kind;
    int size, count; // arguments whose product is asked for
    int result;      // the argument that the address is stored to; -1 = it is returned
};

static const struct allocator allocators[] = {
    {"malloc", MEMSCOPE_SITE_MALLOC, 0, -1, -1},
    {"calloc", MEMSCOPE_SITE_CALLOC, 1, 0, -1},
    {"realloc", MEMSCOPE_SITE_REALLOC, 1, -1, -1},
    {"reallocarray", MEMSCOPE_SITE_REALLOCARRAY, 2, 1, -1},
    {"aligned_alloc", MEMSCOPE_SITE_ALIGNED_ALLOC, 1, -1, -1},
    {"posix_memalign", MEMSCOPE_SITE_POSIX_MEMALIGN, 2, -1, 0},
    {"memalign", MEMSCOPE_SITE_MEMALIGN, 1, -1, -1},
    {"valloc", MEMSCOPE_SITE_VALLOC, 0, -1, -1},
    {"pvalloc", MEMSCOPE_SITE_PVALLOC, 0, -1, -1},
    {"strdup", MEMSCOPE_SITE_STRDUP, -1, -1, -1},
    {"strndup", MEMSCOPE_SITE_STRNDUP, -1, -1, -1},
    {"getline", MEMSCOPE_SITE_GETLINE, -1, -1, 0},
    {"getdelim", MEMSCOPE_SITE_GETDELIM, -1, -1, 0},
    {"asprintf", MEMSCOPE_SITE_ASPRINTF, -1, -1, 0},
    {"vasprintf", MEMSCOPE_SITE_VASPRINTF, -1, -1, 0},
    {"operator new", MEMSCOPE_SITE_NEW, 0, -1, -1},
    {"operator new[]", MEMSCOPE_SITE_NEW_ARRAY, 0, -1, -1},
};
#define ALLOCATOR_COUNT (sizeof allocators / sizeof *allocators)

static const struct allocator *allocator_named(const char *name) {
    if (strncmp(name, "__builtin_", 10) == 0)
        name += 10;
    for (size_t i = 0; i < ALLOCATOR_COUNT; i++)
        if (strcmp(name, allocators[i].name) == 0)
            return &allocators[i];
    return strcmp(name, "operator_new") == 0 ? allocator_named("operator new") : NULL;
}

bool ms_calls_kind(const char *function, unsigned kind) {
    const struct allocator *known = allocator_named(function);
    if (kind == MEMSCOPE_SITE_CLASS_NEW)
        return known &&
               (known->kind == MEMSCOPE_SITE_NEW || known->kind == MEMSCOPE_SITE_NEW_ARRAY);
    // malloc and memset become calloc, realloc(NULL, n) malloc.
    if (known && known->kind == MEMSCOPE_SITE_MALLOC && kind == MEMSCOPE_SITE_CALLOC)
        return true;
    if (known && known->kind == MEMSCOPE_SITE_REALLOC && kind == MEMSCOPE_SITE_MALLOC)
        return true;
    return known && known->kind == kind;
}

static bool is_string(unsigned kind) {
    return kind >= MEMSCOPE_SITE_STRDUP && kind <= MEMSCOPE_SITE_VASPRINTF;
}

static CXCursor argument(CXCursor call, int index) {
    return ms_clang.Cursor_getArgument(call, (unsigned)index);
}

static struct ms_size size_asked(CXCursor call, const struct allocator *known) {
    int count = ms_clang.Cursor_getNumArguments(call);
    struct ms_size size = ms_size_unknown();
    if (known) {
        if (known->size < 0 || known->size >= count || known->count >= count)
            return size;
        size = ms_size_of(argument(call, known->size));
        if (known->count < 0)
            return size;
        struct ms_size number = ms_size_of(argument(call, known->count));
        bool is_one =
            (size.is_constant && size.factor == 1) || (number.is_constant && number.factor == 1);
        size = ms_size_product(size, number);
        size.is_constant = size.is_constant && is_one; // else an array, whatever its length
        return size;
    }
    // Of another allocator the one argument that is a size tells.
    for (int i = 0; i < count; i++) {
        struct ms_size one = ms_size_of(argument(call, i));
        if (one.object.kind == CXType_Invalid)
            continue;
        if (size.object.kind != CXType_Invalid)
            return ms_size_unknown();
        size = one;
    }
    return size;
}

// Whether objects of the type may stand in a block of that size. In C a pointer to the first part
// of something often stands for all of it.
static bool fits(CXType type, struct ms_size size) {
    uint64_t bytes = ms_type_bytes(type);
    if (bytes == 0 || size.factor == 0)
        return true;
    if (ms_has_open_end(type))
        return !size.is_constant || size.factor * 2 > bytes;
    if (size.is_constant && ms_is_aggregate(type))
        return size.factor == bytes;
    return size.factor % bytes == 0;
}

static enum CXVisitorResult keep_first(CXCursor field, CXClientData data) {
    *(CXCursor *)data = field;
    return CXVisit_Break;
}

// Whether `whole` is a structure that begins with a `head`.
static bool begins_with(CXType whole, CXType head) {
    for (unsigned depth = 0; depth < DEPTH_MOST; depth++) {
        CXType plain = ms_plain(whole);
        if (plain.kind != CXType_Record)
            return false;
        CXCursor first = ms_clang.getNullCursor();
        ms_clang.Type_visitFields(plain, keep_first, &first);
        if (ms_is_null(first))
            return false;
        whole = ms_clang.getCursorType(first);
        if (ms_is_same(whole, head))
            return true;
    }
    return false;
}

#define FIELDS_MOST 32

struct fields {
    CXCursor items[FIELDS_MOST];
    size_t count;
};

static enum CXVisitorResult take_field(CXCursor field, CXClientData data) {
    struct fields *fields = data;
    if (fields->count == FIELDS_MOST)
        return CXVisit_Break;
    fields->items[fields->count++] = field;
    return CXVisit_Continue;
}

// Whether `whole` begins with the fields of `head`, all of them: as by a macro that both have.
static bool has_head(CXType whole, CXType head) {
    struct fields of_whole = {.count = 0}, of_head = {.count = 0};
    if (ms_plain(whole).kind != CXType_Record || ms_plain(head).kind != CXType_Record)
        return false;
    ms_clang.Type_visitFields(ms_plain(whole), take_field, &of_whole);
    ms_clang.Type_visitFields(ms_plain(head), take_field, &of_head);
    if (of_head.count < 2 || of_head.count >= of_whole.count)
        return false;
    for (size_t i = 0; i < of_head.count; i++) {
        CXCursor a = of_whole.items[i], b = of_head.items[i];
        const char *name = ms_clang_text(ms_clang.getCursorSpelling(a));
        if (!*name || strcmp(name, ms_clang_text(ms_clang.getCursorSpelling(b))) != 0 ||
            !ms_is_same(ms_clang.getCursorType(a), ms_clang.getCursorType(b)))
            return false;
    }
    return true;
}

static bool is_array_of(CXType array, CXType element) {
    CXType plain = ms_plain(array);
    return plain.kind == CXType_ConstantArray &&
           ms_is_same(ms_clang.getArrayElementType(plain), element);
}

// What both tell: where the address goes to (Invalid: to void), and the size.
static CXType agreed(CXType pointed, struct ms_size size) {
    bool is_known = pointed.kind != CXType_Invalid;
    if (!is_known)
        return size.is_sure && !size.is_sum ? size.object : none;
    if (!size.is_sure || size.object.kind == CXType_Invalid)
        return fits(pointed, size) ? pointed : none;
    if (ms_is_same(pointed, size.object) || is_array_of(size.object, pointed))
        return pointed;
    if (size.is_sum)
        return none;
    if (begins_with(size.object, pointed) || has_head(size.object, pointed))
        return size.object;
    if (is_array_of(pointed, size.object))
        return fits(pointed, size) ? pointed : none;
    return ms_is_scalar(pointed) && ms_is_scalar(size.object) &&
                   ms_type_bytes(pointed) == ms_type_bytes(size.object)
               ? pointed
               : none;
}

// `&p`, whatever it is cast to: p's own type and name.
static void take_result_argument(CXCursor call, int index, struct ms_sinks *sinks) {
    CXCursor target = ms_without_casts(argument(call, index));
    struct ms_children children = ms_children_of(target);
    if (ms_clang.getCursorKind(target) == CXCursor_UnaryOperator && children.count == 1 &&
        ms_clang.getCursorUnaryOperatorKind(target) == CXUnaryOperator_AddrOf) {
        sinks->stored = ms_pointee(ms_clang.getCursorType(children.items[0]));
        sinks->variable = ms_place_name(children.items[0]);
        return;
    }
    CXType to = ms_pointee(ms_clang.getCursorType(target));
    const char *name = ms_place_name(target);
    sinks->stored = to.kind == CXType_Invalid ? none : ms_pointee(to);
    sinks->variable = name ? ms_format_text("*%s", name) : NULL;
}

static CXType combined(CXType a, CXType b, bool *conflict) {
    if (a.kind == CXType_Invalid)
        return b;
    if (b.kind != CXType_Invalid && !ms_is_same(a, b))
        *conflict = true;
    return a;
}

static struct ms_facts named(CXType type, const char *variable) {
    struct ms_facts facts = {.variable = variable};
    facts.type = ms_type_name(type);
    if (facts.type)
        facts.type_bytes = ms_type_bytes(type);
    return facts;
}

static struct ms_facts facts_of_call(struct ms_spot spot, unsigned kind) {
    CXCursor call = spot.path[spot.depth];
    const char *function =
        ms_clang_text(ms_clang.getCursorSpelling(ms_clang.getCursorReferenced(call)));
    const struct allocator *known = allocator_named(function);
    struct ms_sinks sinks = ms_sinks_of(spot);
    if (known && known->result >= 0) {
        sinks = (struct ms_sinks){
            .stored = none, .cast = none, .passed = none, .local = ms_clang.getNullCursor()};
        if (known->result < ms_clang.Cursor_getNumArguments(call))
            take_result_argument(call, known->result, &sinks);
    } else if (!ms_is_null(sinks.untyped) && sinks.stored.kind == CXType_Invalid) {
        struct ms_sinks later = ms_sinks_of_variable(spot, sinks.untyped);
        sinks.stored = later.stored;
        sinks.passed = later.passed;
        sinks.conflict |= later.conflict;
        if (later.variable && !later.conflict)
            sinks.variable = later.variable;
    }
    bool conflict = sinks.conflict;
    CXType pointed = combined(sinks.stored, sinks.cast, &conflict);
    if (pointed.kind == CXType_Invalid)
        pointed = sinks.passed;
    // What grows stays what it was.
    if (known &&
        (known->kind == MEMSCOPE_SITE_REALLOC || known->kind == MEMSCOPE_SITE_REALLOCARRAY))
        pointed = combined(pointed,
                           ms_pointee(ms_clang.getCursorType(ms_without_casts(argument(call, 0)))),
                           &conflict);
    // An allocator that is not known by name may say what it returns.
    if (!known && pointed.kind == CXType_Invalid)
        pointed = ms_pointee(ms_clang.getCursorType(call));
    struct ms_facts facts = {.variable = sinks.variable};
    struct ms_size size = size_asked(call, known);
    if (!size.is_sure && ms_is_handed_out(spot, sinks.local))
        conflict = true;
    if (!conflict)
        facts = named(agreed(pointed, size), sinks.variable);
    if (!facts.type && is_string(kind)) {
        facts.type = "char";
        facts.type_bytes = 1;
    }
    return facts;
}

struct ms_facts ms_facts_of(struct ms_spot spot, unsigned kind) {
    CXCursor call = spot.path[spot.depth];
    if (ms_clang.getCursorKind(call) != CXCursor_CXXNewExpr)
        return facts_of_call(spot, kind);
    // `new T` says it all; `new T[2][3]` makes objects of type T.
    CXType type = ms_pointee(ms_clang.getCursorType(call));
    while (ms_plain(type).kind == CXType_ConstantArray)
        type = ms_clang.getArrayElementType(ms_plain(type));
    return named(type, ms_sinks_of(spot).variable);
}
