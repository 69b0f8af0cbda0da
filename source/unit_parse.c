// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Parses a unit and finds the calls in it. A call is where the debug info says: by line and column
// of where it begins, of the macro that it comes from, or in the macro's argument (clang 22).

#include "clang.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <profile/profile.h>

#define FILES_MOST 20000u

enum found { NOT_FOUND, ONE, SEVERAL };

struct target {
    const struct ms_wanted *wanted;
    CXFile file;
    unsigned first_line, last_line; // of its file's targets, in targets[0] of the file
    enum found found;
    bool by_name; // it calls a function of the site's kind
    struct ms_facts facts;
};

struct search {
    struct target *targets;
    size_t count;
    CXCursor *path;
    size_t depth, capacity;
};

static bool is_at(CXSourceLocation place, const struct target *target) {
    unsigned line, column;
    CXFile file;
    for (int i = 0; i < 2; i++) {
        (i ? ms_clang.getFileLocation : ms_clang.getExpansionLocation)(place, &file, &line, &column,
                                                                       NULL);
        if (file && line == target->wanted->line &&
            (target->wanted->column == 0 || column == target->wanted->column) &&
            ms_clang.File_isEqual(file, target->file))
            return true;
    }
    return false;
}

static bool is_same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void add_candidate(struct search *search, struct target *target, bool by_name) {
    if (target->found != NOT_FOUND && target->by_name && !by_name)
        return;
    struct ms_facts facts =
        ms_facts_of((struct ms_spot){search->path, search->depth}, target->wanted->kind);
    if (target->found == NOT_FOUND || (by_name && !target->by_name)) {
        target->found = ONE;
        target->facts = facts;
    } else if (is_same_text(facts.type, target->facts.type)) {
        if (!is_same_text(facts.variable, target->facts.variable))
            target->facts.variable = NULL;
    } else {
        target->found = SEVERAL;
    }
    target->by_name = by_name;
}

static void match(struct search *search, CXCursor cursor) {
    enum CXCursorKind kind = ms_clang.getCursorKind(cursor);
    if (kind != CXCursor_CallExpr && kind != CXCursor_CXXNewExpr)
        return;
    CXSourceLocation place = ms_clang.getRangeStart(ms_clang.getCursorExtent(cursor));
    CXCursor function = ms_clang.getNullCursor();
    const char *name = NULL;
    for (size_t i = 0; i < search->count; i++) {
        struct target *target = &search->targets[i];
        if (!target->file || !is_at(place, target))
            continue;
        unsigned site = target->wanted->kind;
        bool is_new = site == MEMSCOPE_SITE_NEW || site == MEMSCOPE_SITE_NEW_ARRAY ||
                      site == MEMSCOPE_SITE_CLASS_NEW;
        if (kind == CXCursor_CXXNewExpr) {
            if (is_new)
                add_candidate(search, target, true);
            continue;
        }
        if (!name) {
            function = ms_clang.getCursorReferenced(cursor);
            name = ms_clang_text(ms_clang.getCursorSpelling(function));
        }
        // What constructs a C++ object is no call.
        if (ms_clang.getCursorKind(function) == CXCursor_Constructor)
            continue;
        bool by_name = ms_calls_kind(name, site);
        // Without a column only what is known by its name can be told from the line's other calls.
        if (by_name || target->wanted->column != 0)
            add_candidate(search, target, by_name);
    }
}

// Whether any target can be inside: declarations elsewhere are passed over.
static bool may_hold(const struct search *search, CXCursor declaration) {
    CXSourceRange range = ms_clang.getCursorExtent(declaration);
    CXFile file, end_file;
    unsigned first, last;
    ms_clang.getExpansionLocation(ms_clang.getRangeStart(range), &file, &first, NULL, NULL);
    ms_clang.getExpansionLocation(ms_clang.getRangeEnd(range), &end_file, &last, NULL, NULL);
    if (!file || !end_file || !ms_clang.File_isEqual(file, end_file))
        return true;
    for (size_t i = 0; i < search->count; i++)
        if (search->targets[i].file && ms_clang.File_isEqual(file, search->targets[i].file) &&
            first <= search->targets[i].wanted->line && search->targets[i].wanted->line <= last)
            return true;
    return false;
}

static enum CXChildVisitResult visit(CXCursor cursor, CXCursor parent, CXClientData data) {
    struct search *search = data;
    (void)parent;
    if (!ms_clang.isExpression(ms_clang.getCursorKind(cursor)) && !may_hold(search, cursor))
        return CXChildVisit_Continue;
    if (search->depth + 2 > search->capacity) {
        CXCursor *path = realloc(search->path, 2 * search->capacity * sizeof *path);
        if (!path)
            return CXChildVisit_Break;
        search->path = path;
        search->capacity *= 2;
    }
    search->path[++search->depth] = cursor;
    match(search, cursor);
    ms_clang.visitChildren(cursor, visit, search);
    search->depth--;
    return CXChildVisit_Continue;
}

static void note_file(CXFile file, CXSourceLocation *stack, unsigned length, CXClientData data) {
    json_t *files = data;
    (void)stack;
    (void)length;
    char real[4096];
    const char *name = ms_clang_text(ms_clang.getFileName(file));
    if (*name && json_array_size(files) < FILES_MOST && realpath(name, real) &&
        !ms_is_system_file(real))
        json_array_append_new(files, json_string(real));
}

static json_t *failure(const char *text) {
    json_t *answer = json_object();
    json_t *words = json_string(text);
    json_object_set_new(answer, "error", words ? words : json_string("(not UTF-8)"));
    return answer;
}

// The first error; NULL = none.
static const char *first_error(CXTranslationUnit unit) {
    for (unsigned i = 0; i < ms_clang.getNumDiagnostics(unit); i++) {
        CXDiagnostic each = ms_clang.getDiagnostic(unit, i);
        if (ms_clang.getDiagnosticSeverity(each) >= CXDiagnostic_Error)
            return ms_clang_text(ms_clang.formatDiagnostic(
                each, CXDiagnostic_DisplaySourceLocation | CXDiagnostic_DisplayColumn));
    }
    return NULL;
}

static const char *why_not(const struct target *target) {
    if (!target->file)
        return "not part of the compiled file";
    if (target->found == NOT_FOUND)
        return "the call is not found in the source";
    if (target->found == SEVERAL)
        return "several calls stand there";
    return target->facts.type ? NULL : "the source does not tell";
}

static json_t *text_or_null(const char *text) {
    json_t *value = text ? json_string(text) : NULL;
    return value ? value : json_null();
}

static json_t *answer_of(const struct target *target) {
    bool known = target->found == ONE;
    json_t *answer = json_object();
    json_object_set_new(answer, "type", text_or_null(known ? target->facts.type : NULL));
    json_object_set_new(answer, "bytes",
                        json_integer(known ? (json_int_t)target->facts.type_bytes : 0));
    json_object_set_new(answer, "variable", text_or_null(known ? target->facts.variable : NULL));
    json_object_set_new(answer, "why", text_or_null(why_not(target)));
    return answer;
}

static json_t *look(CXTranslationUnit unit, const struct ms_wanted *wanted, size_t count) {
    struct search search = {.count = count, .capacity = 256};
    json_t *answer = json_object(), *calls = json_array(), *files = json_array();
    CXCursor whole = ms_clang.getTranslationUnitCursor(unit);
    search.targets = calloc(count + 1, sizeof *search.targets);
    search.path = calloc(search.capacity, sizeof *search.path);
    if (!search.targets || !search.path) {
        free(search.targets);
        free(search.path);
        return failure("out of memory");
    }
    for (size_t i = 0; i < count; i++)
        search.targets[i] = (struct target){
            .wanted = &wanted[i],
            .file = ms_clang.getFile(unit, wanted[i].file),
        };
    search.path[0] = whole;
    ms_clang.visitChildren(whole, visit, &search);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(calls, answer_of(&search.targets[i]));
    free(search.targets);
    free(search.path);
    ms_clang.getInclusions(unit, note_file, files);
    json_object_set_new(answer, "calls", calls);
    json_object_set_new(answer, "files", files);
    return answer;
}

json_t *ms_unit_parse(const struct ms_command *command, const char *libclang,
                      const struct ms_wanted *wanted, size_t count) {
    CXTranslationUnit unit = NULL;
    char *message = NULL;
    int words = 0;
    if (!ms_clang_load(libclang, &message)) {
        json_t *answer = failure(message ? message : "out of memory");
        json_object_set_new(answer, "for_all", json_true());
        return answer;
    }
    if (chdir(command->folder) != 0)
        return failure(ms_format_text("its folder %s cannot be entered", command->folder));
    while (command->arguments[words])
        words++;
    // Behind the command's own words: warnings are no matter here.
    const char **arguments = calloc((size_t)words + 2, sizeof *arguments);
    if (!arguments)
        return failure("out of memory");
    for (int i = 0; i < words; i++)
        arguments[i] = command->arguments[i];
    arguments[words++] = "-w";
    size_t length = strlen(command->file);
    bool has_c_name = length > 2 && strcmp(command->file + length - 2, ".c") == 0;
    ms_language.is_c = has_c_name && strcmp(arguments[0], "clang") == 0;
    for (int i = 0; i < words; i++)
        if (strncmp(arguments[i], "-x", 2) == 0) {
            const char *language =
                arguments[i][2] || i + 1 >= words ? arguments[i] + 2 : arguments[i + 1];
            ms_language.is_c = strcmp(language, "c") == 0;
        }
    CXIndex index = ms_clang.createIndex(0, 0);
    enum CXErrorCode code = ms_clang.parseTranslationUnit2FullArgv(
        index, NULL, arguments, words, NULL, 0, CXTranslationUnit_KeepGoing, &unit);
    if (code == CXError_Crashed)
        return failure("libclang crashed on it");
    if (code != CXError_Success || !unit)
        return failure("libclang cannot read it by its compile command");
    const char *error = first_error(unit);
    if (error)
        return failure(ms_format_text("does not parse: %s", error));
    return look(unit, wanted, count);
}
