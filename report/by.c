// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is allocated, by type, container or variable: a table, and the JSON's member types.

#include "json_parts.h"
#include "objects.h"
#include "sampling.h"

struct table {
    struct ms_row *rows;
    struct ms_objects *objects; // by row
    size_t count;
};

static memscope_status make_table(const struct ms_summary *summary, enum ms_by by,
                                  enum ms_order order, struct table *table) {
    *table = (struct table){
        .rows = calloc(summary->site_count + 1, sizeof *table->rows),
        .objects = calloc(summary->site_count + 1, sizeof *table->objects),
    };
    if (!table->rows || !table->objects)
        return MEMSCOPE_OUT_OF_MEMORY;
    memscope_status status = ms_summary_rows_by(summary, by, order, table->rows, &table->count);
    return status != MEMSCOPE_OK
               ? status
               : ms_objects_of_rows(summary, by, table->rows, table->count, table->objects);
}

static void free_table(struct table *table) {
    free(table->rows);
    free(table->objects);
}

// --- text --------------------------------------------------------------------------------------

#define ROW "%11s  %11s  %11s  %12s  %11s  "

static void put_numbers(FILE *out, const struct ms_counts *counts) {
    char live[MS_NUMBER_BYTES], at_peak[MS_NUMBER_BYTES], total[MS_NUMBER_BYTES];
    char calls[MS_NUMBER_BYTES], average[MS_NUMBER_BYTES] = "-";
    if (counts->allocations > 0)
        ms_format_amount(counts->bytes / counts->allocations, true, counts->is_estimated, average);
    bool about = counts->is_estimated;
    fprintf(out, ROW, ms_format_amount(counts->live_bytes, true, about, live),
            ms_format_amount(counts->at_peak_bytes, true, about, at_peak),
            ms_format_amount(counts->bytes, true, about, total),
            ms_format_amount(counts->allocations, false, about, calls), average);
}

// "; 1 to 3 in each of 12 blocks, 8 B beyond"
static void put_objects(FILE *out, const struct ms_objects *objects) {
    char least[MS_NUMBER_BYTES], most[MS_NUMBER_BYTES], blocks[MS_NUMBER_BYTES],
        beyond[MS_NUMBER_BYTES];
    fprintf(out, "; %s", ms_format_count(objects->least, least));
    if (objects->most > objects->least)
        fprintf(out, " to %s", ms_format_count(objects->most, most));
    fprintf(out, " in each of %s block%s", ms_format_count(objects->blocks, blocks),
            objects->blocks == 1 ? "" : "s");
    if (objects->beyond_bytes > 0)
        fprintf(out, ", %s beyond", ms_format_bytes(objects->beyond_bytes, beyond));
}

// "struct node of 24 B, 1.0 a block"
static void put_type(FILE *out, const struct ms_row *row, const struct ms_objects *objects) {
    const struct ms_site *site = row->site;
    char size[MS_NUMBER_BYTES];
    ms_put_type(out, site->type_name);
    if (site->type_bytes == 0)
        return;
    double blocks = (double)row->counts.allocations * site->type_bytes;
    fprintf(out, " of %s, %.1f a block", ms_format_bytes(site->type_bytes, size),
            blocks > 0 ? (double)row->counts.bytes / blocks : 0);
    if (objects->blocks > 0 && site->type_bytes > 1)
        put_objects(out, objects);
}

static void put_what(FILE *out, const struct ms_row *row, const struct ms_objects *objects,
                     enum ms_by by) {
    const struct ms_site *site = row->site;
    const char *name = by == MS_BY_CONTAINER  ? site->container
                       : by == MS_BY_VARIABLE ? site->variable_name
                                              : site->type_name;
    if (!name) {
        fprintf(out, "(%s unknown) %zu site%s", ms_by_name(by), row->site_count,
                row->site_count == 1 ? "" : "s");
        if (by != MS_BY_VARIABLE || !site->type_name)
            return;
        fputs(", ", out);
        put_type(out, row, objects);
    } else if (by == MS_BY_CONTAINER) {
        ms_put_type(out, name);
    } else {
        if (by == MS_BY_VARIABLE) {
            ms_put_clean(out, name);
            fputs(": ", out);
        }
        put_type(out, row, objects);
    }
}

static memscope_status put_row(FILE *out, const struct ms_summary *summary,
                               const struct table *table, size_t at, enum ms_by by,
                               const struct ms_report_options *options) {
    const struct ms_row *row = &table->rows[at];
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (!stream)
        return MEMSCOPE_OUT_OF_MEMORY;
    put_numbers(stream, &row->counts);
    ms_put_error(stream, summary, &row->counts, options->order);
    put_what(stream, row, &table->objects[at], by);
    return ms_line_end(&line, out, options->width);
}

static void put_heading(FILE *out, const struct ms_summary *summary, const char *what,
                        const struct ms_report_options *options) {
    fprintf(out, "%s" ROW, options->colour ? "\033[1m" : "", "LIVE", "AT PEAK", "TOTAL", "CALLS",
            "AVERAGE");
    ms_put_error_heading(out, summary, options->order);
    fprintf(out, "%s%s\n", what, options->colour ? "\033[0m" : "");
}

memscope_status ms_report_by(const struct ms_summary *summary, enum ms_by by,
                             const struct ms_report_options *options, FILE *out) {
    struct table table;
    size_t shown = 0, hidden = 0;
    static const char *const headings[] = {
        [MS_BY_TYPE] = "TYPE", [MS_BY_CONTAINER] = "CONTAINER", [MS_BY_VARIABLE] = "VARIABLE"};
    memscope_status status = make_table(summary, by, options->order, &table);
    for (size_t i = 0; status == MEMSCOPE_OK && i < table.count; i++) {
        if (table.rows[i].counts.allocations == 0)
            continue;
        if (shown == 0)
            put_heading(out, summary, headings[by], options);
        if (options->top == 0 || shown < options->top)
            status = put_row(out, summary, &table, i, by, options);
        else
            hidden++;
        shown++;
    }
    if (status == MEMSCOPE_OK && shown == 0)
        fputs(summary->unsampled_blocks ? "no allocation is known by its site\n"
                                        : "no allocations\n",
              out);
    if (status == MEMSCOPE_OK && shown > 0) {
        put_numbers(out, &summary->all_sites);
        ms_put_error(out, summary, &summary->all_sites, options->order);
        fprintf(out, "all %zu", shown);
        if (hidden > 0)
            fprintf(out, "; %zu not shown (--top 0 shows all)", hidden);
        fputc('\n', out);
    }
    if (status == MEMSCOPE_OK && ms_sites_are_estimated(summary)) {
        put_numbers(out, &summary->total);
        ms_put_error(out, summary, &summary->total, options->order);
        fputs("the process\n", out);
        ms_put_estimates(out, summary);
    }
    free_table(&table);
    return status;
}

// --- JSON --------------------------------------------------------------------------------------

static json_t *objects_part(struct writer *writer, const struct ms_objects *objects) {
    if (objects->blocks == 0)
        return json_null();
    json_t *part = json_object();
    set(writer, part, "blocks", number(objects->blocks));
    set(writer, part, "objects", number(objects->objects));
    set(writer, part, "least", number(objects->least));
    set(writer, part, "most", number(objects->most));
    set(writer, part, "beyond_bytes", number(objects->beyond_bytes));
    return part;
}

static json_t *type_part(struct writer *writer, const struct ms_row *row,
                         const struct ms_objects *objects) {
    json_t *part = json_object();
    set(writer, part, "name", text_or_null(row->site->type_name));
    set(writer, part, "container", text_or_null(row->site->container));
    set(writer, part, "size", number_or_null(row->site->type_bytes));
    set(writer, part, "sites", number(row->site_count));
    set(writer, part, "recorded", objects_part(writer, objects));
    ms_json_counts(writer, part, &row->counts);
    ms_json_estimate(writer, part, &row->counts);
    return part;
}

void ms_json_types(struct writer *writer, const struct ms_summary *summary) {
    struct table table;
    if (make_table(summary, MS_BY_KIND, MS_ORDER_TOTAL, &table) != MEMSCOPE_OK)
        writer->failed = true;
    begin_array(writer, "types");
    for (size_t i = 0; i < table.count && !writer->failed; i++)
        put_item(writer, type_part(writer, &table.rows[i], &table.objects[i]));
    end_array(writer);
    free_table(&table);
}
