// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the files that write JSON share. Included by report/json*.c alone.

#ifndef MEMSCOPE_REPORT_JSON_PARTS_H
#define MEMSCOPE_REPORT_JSON_PARTS_H

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "tasks_report.h"

struct writer {
    FILE *out;
    bool failed; // out of memory
    bool first;  // of the array or object being written
};

// --- values ------------------------------------------------------------------------------------

static inline json_t *text_or_null(const char *text) {
    char *clean = text ? ms_clean(text) : NULL;
    json_t *value = clean ? json_string(clean) : text ? NULL : json_null();
    free(clean);
    return value;
}

static inline json_t *number(uint64_t value) {
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static inline json_t *number_or_null(uint64_t value) {
    return value ? number(value) : json_null();
}

static inline json_t *milliseconds(uint64_t ns) {
    uint64_t microseconds = ns / 1000;
    return json_real((double)microseconds / 1000);
}

// A NULL value (out of memory) fails the report at the end.
static inline void set(struct writer *writer, json_t *object, const char *key, json_t *value) {
    if (!object || json_object_set_new_nocheck(object, key, value) != 0)
        writer->failed = true;
}

// Where code stands: members function, file and line.
static inline void set_place(struct writer *writer, json_t *object, const char *function,
                             const char *file, uint32_t line) {
    set(writer, object, "function", text_or_null(function));
    set(writer, object, "file", text_or_null(file));
    set(writer, object, "line", number_or_null(line));
}

static inline void add(struct writer *writer, json_t *array, json_t *value) {
    if (!array || json_array_append_new(array, value) != 0)
        writer->failed = true;
}

// 12 digits: microseconds of 11 days; percents stay as short as they are.
#define DUMP_FLAGS (JSON_ENCODE_ANY | JSON_REAL_PRECISION(12))

static inline void dump(struct writer *writer, json_t *value) {
    if (!value || json_dumpf(value, writer->out, DUMP_FLAGS) != 0)
        writer->failed = writer->failed || !ferror(writer->out);
    json_decref(value);
}

static inline void put_member(struct writer *writer, const char *key, json_t *value) {
    fprintf(writer->out, "%s\n  \"%s\": ", writer->first ? "{" : ",", key);
    writer->first = false;
    dump(writer, value);
}

static inline void begin_array(struct writer *writer, const char *key) {
    fprintf(writer->out, ",\n  \"%s\": [", key);
    writer->first = true;
}

static inline void begin_item(struct writer *writer) {
    fprintf(writer->out, "%s\n    ", writer->first ? "" : ",");
    writer->first = false;
}

static inline void put_item(struct writer *writer, json_t *value) {
    begin_item(writer);
    dump(writer, value);
}

static inline void end_array(struct writer *writer) {
    fputs(writer->first ? "]" : "\n  ]", writer->out);
    writer->first = false;
}

// --- parts -------------------------------------------------------------------------------------

json_t *ms_json_profile(struct writer *writer, const struct ms_summary *summary,
                        const char *status);
// The members that counts have, in their order; the last has no key.
extern const struct ms_json_count {
    const char *key;
    size_t offset;
    bool is_peak; // null where it is estimated
} ms_json_count_members[];
static inline uint64_t ms_json_count(const struct ms_counts *counts,
                                     const struct ms_json_count *member) {
    uint64_t value;
    memcpy(&value, (const char *)counts + member->offset, sizeof value);
    return value;
}
void ms_json_counts(struct writer *writer, json_t *object, const struct ms_counts *counts);
// Behind counts of sites, contexts and types: the members estimated and error.
void ms_json_estimate(struct writer *writer, json_t *object, const struct ms_counts *counts);
json_t *ms_json_error(struct writer *writer, const struct ms_counts *counts);
json_t *ms_json_sampling(struct writer *writer, const struct ms_summary *summary);
void ms_json_tracking(struct writer *writer, const struct ms_summary *summary);
json_t *ms_json_overhead(struct writer *writer, const struct ms_summary *summary);
// The member contexts: those of the sites, in their order. NULL = none.
void ms_json_contexts(struct writer *writer, const struct ms_contexts *contexts,
                      const struct ms_site **sites, size_t site_count);
// How far keys can be trusted; null where contexts are not known.
json_t *ms_json_context_keys(struct writer *writer, const struct ms_contexts *contexts);
json_t *ms_json_frames(struct writer *writer, const struct ms_context *context);
// The member types: all sites by type and container.
void ms_json_types(struct writer *writer, const struct ms_summary *summary);
void ms_json_sessions(struct writer *writer, const struct ms_summary *summary);
json_t *ms_json_forced_strategy(struct writer *writer, const struct ms_summary *summary);
json_t *ms_json_environment(struct writer *writer, const struct ms_summary *summary);
// The members tasks, task_classes and transfers. `options` NULL = all, by id.
void ms_json_tasks(struct writer *writer, const struct ms_summary *summary,
                   const struct ms_tasks_options *options);

#endif
