// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types as their author writes them, in the words of the plugin.

#include "clang.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST 32

struct ms_language ms_language;

static const CXType invalid = {.kind = CXType_Invalid};

CXType ms_plain(CXType type) {
    return ms_clang.getCanonicalType(type);
}

static bool is_pointer(enum CXTypeKind kind) {
    return kind == CXType_Pointer || kind == CXType_LValueReference ||
           kind == CXType_RValueReference;
}

CXType ms_pointee(CXType type) {
    // The sugar of the pointee stays: a typedef's name is wanted.
    for (unsigned depth = 0; depth < DEPTH_MOST; depth++) {
        if (is_pointer(type.kind)) {
            CXType to = ms_clang.getPointeeType(type);
            return ms_plain(to).kind == CXType_Void ? invalid : to;
        }
        if (type.kind == CXType_Elaborated)
            type = ms_clang.Type_getNamedType(type);
        else if (type.kind == CXType_Typedef)
            type = ms_clang.getTypedefDeclUnderlyingType(ms_clang.getTypeDeclaration(type));
        else if (is_pointer(ms_plain(type).kind))
            type = ms_plain(type); // auto, decltype
        else
            break;
    }
    return invalid;
}

// Qualifiers are written before the name, unless it is a pointer's.
static const char *plain_text(CXType type) {
    const char *text = ms_clang_text(ms_clang.getTypeSpelling(type));
    for (;;) {
        if (strncmp(text, "const ", 6) == 0)
            text += 6;
        else if (strncmp(text, "volatile ", 9) == 0)
            text += 9;
        else
            break;
    }
    size_t length = strlen(text);
    static const char *const behind[] = {"const", "volatile", "restrict"};
    for (size_t i = 0; i < 3; i++) {
        size_t word = strlen(behind[i]);
        if (length > word + 1 && text[length - word - 1] == '*' &&
            strcmp(text + length - word, behind[i]) == 0)
            return ms_format_text("%.*s", (int)(length - word), text);
    }
    return text;
}

bool ms_is_same(CXType a, CXType b) {
    CXType left = ms_plain(a), right = ms_plain(b);
    if (left.kind != right.kind)
        return false;
    CXCursor one = ms_clang.getTypeDeclaration(left), two = ms_clang.getTypeDeclaration(right);
    if (ms_clang.equalTypes(left, right))
        return true;
    return strcmp(plain_text(left), plain_text(right)) == 0 && ms_clang.equalCursors(one, two);
}

static bool is_array(CXType type) {
    return type.kind == CXType_ConstantArray || type.kind == CXType_IncompleteArray ||
           type.kind == CXType_VariableArray || type.kind == CXType_DependentSizedArray;
}

bool ms_is_aggregate(CXType type) {
    CXType plain = ms_plain(type);
    return plain.kind == CXType_Record || is_array(plain);
}

bool ms_is_scalar(CXType type) {
    CXType plain = ms_plain(type);
    return plain.kind == CXType_Pointer || plain.kind == CXType_Enum ||
           (plain.kind >= CXType_FirstBuiltin && plain.kind <= CXType_LastBuiltin &&
            plain.kind != CXType_Void && plain.kind != CXType_Dependent);
}

static enum CXVisitorResult keep_last(CXCursor field, CXClientData data) {
    *(CXCursor *)data = field;
    return CXVisit_Continue;
}

bool ms_has_open_end(CXType type) {
    for (unsigned depth = 0; depth < DEPTH_MOST; depth++) {
        CXType plain = ms_plain(type);
        if (plain.kind != CXType_Record)
            return depth > 0 && is_array(plain);
        CXCursor last = ms_clang.getNullCursor();
        ms_clang.Type_visitFields(plain, keep_last, &last);
        if (ms_is_null(last))
            return false;
        type = ms_clang.getCursorType(last);
    }
    return false;
}

uint64_t ms_type_bytes(CXType type) {
    long long bytes = ms_clang.Type_getSizeOf(ms_plain(type));
    return bytes > 0 ? (uint64_t)bytes : 0;
}

// --- names -------------------------------------------------------------------------------------

static const char *name_of(CXType type, unsigned depth);

// Whether a record or enum has a name of its own. libclang spells the others
// "(unnamed struct at file:1:2)", or as the typedef that names them.
static bool has_own_name(CXCursor declaration) {
    const char *name = ms_clang_text(ms_clang.getCursorSpelling(declaration));
    if (!*name || strchr(name, '(') || strchr(name, ' '))
        return false;
    // In C, "struct pair_t" is the type's spelling only if that is its tag.
    const char *spelled =
        ms_clang_text(ms_clang.getTypeSpelling(ms_clang.getCursorType(declaration)));
    return !ms_language.is_c || strchr(spelled, ' ') != NULL;
}

// "ns::Outer::", without inline namespaces; NULL where a part of it has no name.
static const char *scopes_of(CXCursor declaration, unsigned depth) {
    CXCursor parent = ms_clang.getCursorSemanticParent(declaration);
    enum CXCursorKind kind = ms_clang.getCursorKind(parent);
    if (depth > DEPTH_MOST)
        return NULL;
    if (kind == CXCursor_Namespace) {
        const char *outer = scopes_of(parent, depth + 1);
        const char *name = ms_clang_text(ms_clang.getCursorSpelling(parent));
        if (!outer || ms_clang.Cursor_isInlineNamespace(parent) || !*name || *name == '(')
            return outer;
        return ms_format_text("%s%s::", outer, name);
    }
    if (kind == CXCursor_StructDecl || kind == CXCursor_ClassDecl || kind == CXCursor_UnionDecl) {
        const char *outer = name_of(ms_clang.getCursorType(parent), depth + 1);
        return outer ? ms_format_text("%s::", outer) : NULL;
    }
    if (kind == CXCursor_ClassTemplate || kind == CXCursor_ClassTemplatePartialSpecialization)
        return NULL; // it depends
    return "";
}

// How many template arguments clang writes: those that differ from their defaults.
static int written_arguments(const char *spelled) {
    size_t length = strlen(spelled);
    int depth = 0, commas = 0;
    if (length == 0 || spelled[length - 1] != '>')
        return 0;
    for (size_t at = length; at-- > 0;) {
        char c = spelled[at];
        depth += (c == '>' && !(at > 0 && spelled[at - 1] == '-')) || c == ')' || c == ']';
        depth -= c == '<' || c == '(' || c == '[';
        if (depth == 0)
            return at + 1 < length && spelled[at + 1] == '>' ? 0 : commas + 1;
        commas += c == ',' && depth == 1;
    }
    return 0;
}

// "<Order>" of a class template's specialisation, "" of others; NULL = it cannot be told.
static const char *arguments_of(CXType plain, unsigned depth) {
    int all = ms_clang.Type_getNumTemplateArguments(plain);
    if (all <= 0)
        return "";
    const char *text = "";
    int written = written_arguments(plain_text(plain));
    for (int i = 0; i < written && i < all; i++) {
        CXType type = ms_clang.Type_getTemplateArgumentAsType(plain, (unsigned)i);
        if (type.kind == CXType_Invalid)
            return NULL; // a value, or a pack
        const char *name = ms_plain(type).kind == CXType_Void ? "void" : name_of(type, depth + 1);
        if (!name)
            return NULL;
        text = ms_format_text("%s%s%s%s", text, *text ? ", " : "",
                              ms_clang.isConstQualifiedType(type) ? "const " : "", name);
    }
    return ms_format_text("<%s>", text);
}

static const char *unnamed(CXCursor declaration) {
    CXFile file;
    unsigned line;
    ms_clang.getSpellingLocation(ms_clang.getCursorLocation(declaration), &file, &line, NULL, NULL);
    const char *path = file ? ms_clang_text(ms_clang.getFileName(file)) : "";
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    return *name ? ms_format_text("(unnamed at %s:%u)", name, line) : NULL;
}

static const char *tag_of(CXCursor declaration) {
    switch (ms_clang.getCursorKind(declaration)) {
    case CXCursor_UnionDecl:
        return "union ";
    case CXCursor_EnumDecl:
        return "enum ";
    default:
        return "struct ";
    }
}

// A structure, union, class or enumeration.
static const char *declared_name(CXType plain, unsigned depth) {
    CXCursor declaration = ms_clang.getTypeDeclaration(plain);
    const char *name = ms_clang_text(ms_clang.getCursorSpelling(declaration));
    if (ms_language.is_c)
        return has_own_name(declaration) ? ms_format_text("%s%s", tag_of(declaration), name)
                                         : unnamed(declaration);
    if (!has_own_name(declaration))
        return unnamed(declaration);
    const char *scopes = scopes_of(declaration, depth + 1);
    const char *arguments = arguments_of(plain, depth + 1);
    if (!scopes || !arguments)
        return scopes && !arguments ? plain_text(plain) : NULL; // as clang writes it
    const char *whole = ms_format_text("%s%s%s", scopes, name, arguments);
    return strcmp(whole, "std::basic_string<char>") == 0 ? "std::string" : whole;
}

static const char *function_name(CXType function, const char *declarator, unsigned depth) {
    CXType returned = ms_clang.getResultType(function);
    const char *result =
        ms_plain(returned).kind == CXType_Void ? "void" : name_of(returned, depth + 1);
    const char *parameters = "";
    int count = ms_clang.getNumArgTypes(function);
    for (int i = 0; i < count && result; i++) {
        const char *name = name_of(ms_clang.getArgType(function, (unsigned)i), depth + 1);
        if (!name)
            return NULL;
        parameters = ms_format_text("%s%s%s", parameters, i > 0 ? ", " : "", name);
    }
    if (ms_clang.isFunctionTypeVariadic(function))
        parameters = ms_format_text("%s%s...", parameters, count > 0 ? ", " : "");
    return result ? ms_format_text("%s %s(%s)", result, declarator, parameters) : NULL;
}

static const char *pointer_name(CXType type, unsigned depth) {
    CXType to = ms_clang.getPointeeType(type);
    const char *mark = type.kind == CXType_Pointer           ? "*"
                       : type.kind == CXType_LValueReference ? "&"
                                                             : "&&";
    CXType bare = to;
    if (bare.kind == CXType_Unexposed) // parentheses around a function's type
        bare = ms_plain(bare);
    if (bare.kind == CXType_FunctionProto || bare.kind == CXType_FunctionNoProto)
        return function_name(bare, ms_format_text("(%s)", mark), depth);
    const char *name = ms_plain(to).kind == CXType_Void ? "void" : name_of(to, depth + 1);
    if (!name)
        return NULL;
    size_t length = strlen(name);
    return ms_format_text("%s%s%s", name, length > 0 && name[length - 1] == '*' ? "" : " ", mark);
}

static const char *array_name(CXType plain, unsigned depth) {
    const char *dimensions = "";
    while (is_array(plain)) {
        long long count = ms_clang.getArraySize(plain);
        dimensions = count >= 0 ? ms_format_text("%s[%lld]", dimensions, count)
                                : ms_format_text("%s[]", dimensions);
        plain = ms_clang.getArrayElementType(plain);
    }
    const char *element = name_of(plain, depth + 1);
    return element ? ms_format_text("%s%s", element, dimensions) : NULL;
}

static const char *typedef_name(CXType type, unsigned depth) {
    CXCursor declaration = ms_clang.getTypeDeclaration(type);
    CXType plain = ms_plain(type);
    if ((plain.kind == CXType_Record || plain.kind == CXType_Enum) &&
        has_own_name(ms_clang.getTypeDeclaration(plain)))
        return declared_name(plain, depth);
    const char *name = ms_clang_text(ms_clang.getCursorSpelling(declaration));
    enum CXCursorKind parent =
        ms_clang.getCursorKind(ms_clang.getCursorSemanticParent(declaration));
    // An alias that computes, or is a class's own.
    if (!*name || strchr(name, '<') ||
        ms_clang.getCursorKind(declaration) == CXCursor_NoDeclFound ||
        parent == CXCursor_StructDecl || parent == CXCursor_ClassDecl ||
        parent == CXCursor_ClassTemplate || parent == CXCursor_UnionDecl)
        return name_of(ms_clang.getTypedefDeclUnderlyingType(declaration), depth + 1);
    const char *scopes = scopes_of(declaration, depth + 1);
    return scopes ? ms_format_text("%s%s", scopes, name) : NULL;
}

static const char *name_of(CXType type, unsigned depth) {
    if (depth > DEPTH_MOST)
        return NULL;
    switch (type.kind) {
    case CXType_Elaborated:
        return name_of(ms_clang.Type_getNamedType(type), depth + 1);
    case CXType_Typedef:
        return typedef_name(type, depth);
    case CXType_Record:
    case CXType_Enum:
        return declared_name(type, depth);
    case CXType_Pointer:
    case CXType_LValueReference:
    case CXType_RValueReference:
        return pointer_name(type, depth);
    case CXType_FunctionProto:
    case CXType_FunctionNoProto:
        return function_name(type, "", depth);
    case CXType_ConstantArray:
    case CXType_IncompleteArray:
        return array_name(type, depth);
    case CXType_Invalid:
    case CXType_Void:
    case CXType_Dependent:
    case CXType_VariableArray:
    case CXType_DependentSizedArray:
        return NULL;
    default:
        break;
    }
    CXType plain = ms_plain(type);
    if (plain.kind == CXType_Unexposed)
        return NULL; // a template's parameter, or what depends on one
    return plain.kind != type.kind ? name_of(plain, depth + 1) : plain_text(plain);
}

const char *ms_type_name(CXType type) {
    // -3: it depends on a template's arguments; structures that are only declared have a name.
    if (type.kind == CXType_Invalid || ms_plain(type).kind == CXType_Void ||
        ms_clang.Type_getSizeOf(ms_plain(type)) == CXTypeLayoutError_Dependent)
        return NULL;
    return name_of(type, 0);
}

const char *ms_owner_name(CXType type) {
    CXType plain = ms_plain(type);
    if (plain.kind != CXType_Record)
        return NULL;
    CXCursor declaration = ms_clang.getTypeDeclaration(plain);
    if (has_own_name(declaration)) {
        const char *name = declared_name(plain, 0);
        const char *space = ms_language.is_c && name ? strchr(name, ' ') : NULL;
        return space ? space + 1 : name;
    }
    while (type.kind == CXType_Elaborated)
        type = ms_clang.Type_getNamedType(type);
    return type.kind == CXType_Typedef
               ? ms_clang_text(ms_clang.getCursorSpelling(ms_clang.getTypeDeclaration(type)))
               : NULL;
}
