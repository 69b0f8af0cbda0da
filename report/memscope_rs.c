// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "memscope_rs_parts.h"

#include <string.h>

#include <memscope/memscope.h>

static const struct {
    const char *name;
    void (*put)(struct writer *writer, const struct ms_rs *rs);
} files[] = {
    {"memory_analysis.json", ms_rs_memory_analysis},
    {"lifetime.json", ms_rs_lifetime_file},
    {"thread_analysis.json", ms_rs_thread_analysis},
    {"task_graph.json", ms_rs_task_graph},
    {"async_analysis.json", ms_rs_async_analysis},
    {"leak_detection.json", ms_rs_leak_detection},
    {"system_resources.json", ms_rs_system_resources},
};
enum { FILES = sizeof files / sizeof *files };

const char *ms_rs_file_name(size_t index) {
    return index < FILES ? files[index].name : NULL;
}

memscope_status ms_put_rs_file(const struct ms_rs *rs, size_t index, FILE *out) {
    struct writer writer = {.out = out, .first = true};
    files[index].put(&writer, rs);
    fputs("\n}\n", out);
    return writer.failed ? MEMSCOPE_OUT_OF_MEMORY : MEMSCOPE_OK;
}

memscope_status ms_rs_create(const struct ms_summary *summary, struct ms_rs **rs_out) {
    struct ms_rs *rs = calloc(1, sizeof *rs);
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY;
    *rs_out = NULL;
    if (!rs)
        return status;
    rs->summary = summary;
    rs->state = ms_profile_process_state(summary->profile);
    rs->export_realtime_ns = ms_clock_ns(CLOCK_REALTIME);
    rs->places = calloc(summary->site_count + 1, sizeof *rs->places);
    if (rs->places && (status = ms_rs_make_tasks(rs)) == MEMSCOPE_OK)
        status = ms_blocks_read(summary, &rs->blocks);
    if (status == MEMSCOPE_OK)
        *rs_out = rs;
    else
        ms_rs_destroy(rs);
    return status;
}

void ms_rs_destroy(struct ms_rs *rs) {
    if (!rs)
        return;
    for (size_t i = 0; rs->places && i < rs->summary->site_count; i++)
        free(rs->places[i]);
    free(rs->places);
    free(rs->tasks);
    ms_blocks_destroy(rs->blocks);
    free(rs);
}

// --- pieces ------------------------------------------------------------------------------------

uint64_t ms_rs_thread_id(const struct ms_thread *thread) {
    return thread ? (uint64_t)thread->index + 1 : 0;
}

json_t *ms_rs_time(const struct ms_rs *rs, uint64_t ns) {
    const struct memscope_profile_header *header = ms_profile_header(rs->summary->profile);
    return ns == 0 ? json_null()
                   : number(header->start_realtime_ns + ns - header->start_monotonic_ns);
}

json_t *ms_rs_address(uint64_t address) {
    char text[32];
    snprintf(text, sizeof text, "0x%" PRIx64, address);
    return json_string(text);
}

json_t *ms_rs_lifetime(const struct ms_block *block) {
    if (block->freed_ns < block->allocated_ns || block->freed_ns == 0 || block->allocated_ns == 0)
        return json_null();
    return number((block->freed_ns - block->allocated_ns) / 1000000);
}

json_t *ms_rs_place(const struct ms_rs *rs, const struct ms_site *site) {
    if (!site)
        return json_null();
    char **text = &rs->places[site - rs->summary->sites];
    if (!*text) {
        const struct ms_row row = {.site = site, .site_count = 1};
        size_t bytes;
        FILE *out = open_memstream(text, &bytes);
        if (!out)
            return NULL;
        ms_put_row_site(out, rs->summary, &row);
        if (fclose(out) != 0) {
            free(*text);
            *text = NULL;
        }
    }
    return *text ? json_string(*text) : NULL;
}

json_t *ms_rs_type(const struct ms_block *block) {
    return text_or_null(block->site ? block->site->type_name : NULL);
}

json_t *ms_rs_variable(const struct ms_block *block) {
    return text_or_null(block->site ? block->site->variable_name : NULL);
}

bool ms_rs_is_truncated(const struct ms_rs *rs) {
    const struct ms_counts *total = &rs->summary->total;
    return rs->blocks->alive_count != total->live_allocations ||
           rs->blocks->sample_count != total->frees;
}

json_t *ms_rs_metadata(struct writer *writer, const struct ms_rs *rs, const char *what,
                       bool stamped) {
    const struct ms_counts *total = &rs->summary->total;
    const struct ms_blocks *blocks = rs->blocks;
    char time[MS_NUMBER_BYTES], specification[96];
    json_t *part = json_object();
    snprintf(specification, sizeof specification, "memscope-rs %s", what);
    set(writer, part, "export_version", json_string("2.0"));
    set(writer, part, "specification", json_string(specification));
    if (stamped)
        set(writer, part, "export_timestamp",
            json_string(ms_format_time(rs->export_realtime_ns, time)));
    set(writer, part, "generator", json_string("MemScope " MEMSCOPE_VERSION_STRING));
    set(writer, part, "truncated", json_boolean(ms_rs_is_truncated(rs)));
    set(writer, part, "records_limit", number(blocks->limit));
    set(writer, part, "alive_blocks", number(total->live_allocations));
    set(writer, part, "alive_blocks_listed", number(blocks->alive_count));
    set(writer, part, "freed_blocks", number(total->frees));
    set(writer, part, "freed_blocks_listed", number(blocks->sample_count));
    set(writer, part, "sites_estimated", json_boolean(ms_sites_are_estimated(rs->summary)));
    set(writer, part, "sampled_blocks", number(rs->summary->sampled_blocks));
    set(writer, part, "unsampled_blocks", number(rs->summary->unsampled_blocks));
    return part;
}

void ms_rs_each_block(struct writer *writer, const struct ms_rs *rs,
                      json_t *(*make)(struct writer *, const struct ms_rs *,
                                      const struct ms_block *)) {
    for (size_t i = 0; i < rs->blocks->alive_count; i++)
        put_item(writer, make(writer, rs, &rs->blocks->alive[i]));
    for (size_t i = 0; i < rs->blocks->sample_count; i++)
        put_item(writer, make(writer, rs, &rs->blocks->sample[i]));
}

// --- categories --------------------------------------------------------------------------------

static const char *const categories[] = {"dynamic_array", "string",       "smart_pointer",
                                         "byte_array",    "large_buffer", "custom"};
enum { DYNAMIC_ARRAY, STRING, SMART_POINTER, BYTE_ARRAY, LARGE_BUFFER, CUSTOM };

const char *ms_rs_category_name(size_t index) {
    return index < sizeof categories / sizeof *categories ? categories[index] : NULL;
}

static bool begins(const char *text, const char *const *words) {
    for (; text && *words; words++)
        if (strncmp(text, *words, strlen(*words)) == 0)
            return true;
    return false;
}

static bool is_byte(const char *type) {
    static const char *const bytes[] = {"char",   "signed char", "unsigned char", "std::byte",
                                        "int8_t", "uint8_t",     "char8_t"};
    for (size_t i = 0; type && i < sizeof bytes / sizeof *bytes; i++)
        if (strcmp(type, bytes[i]) == 0)
            return true;
    return false;
}

static int category_of(const struct ms_site *site, uint64_t bytes) {
    static const char *const strings[] = {"std::string", "std::basic_string", NULL};
    static const char *const pointers[] = {"std::shared_ptr<", "std::unique_ptr<", NULL};
    static const char *const arrays[] = {"std::vector<", "std::deque<", NULL};
    if (bytes > 1 << 20)
        return LARGE_BUFFER;
    if (!site)
        return CUSTOM;
    bool is_text = site->kind >= MEMSCOPE_SITE_STRDUP && site->kind <= MEMSCOPE_SITE_VASPRINTF;
    if (is_text || begins(site->container, strings))
        return STRING;
    if (begins(site->container, pointers) || begins(site->type_name, pointers))
        return SMART_POINTER;
    if (begins(site->container, arrays))
        return DYNAMIC_ARRAY;
    if (is_byte(site->type_name))
        return BYTE_ARRAY;
    bool has_many = site->type_bytes != 0 && bytes / 2 >= site->type_bytes;
    return site->kind == MEMSCOPE_SITE_NEW_ARRAY || has_many ? DYNAMIC_ARRAY : CUSTOM;
}

const char *ms_rs_category(const struct ms_site *site, uint64_t bytes) {
    return categories[category_of(site, bytes)];
}
