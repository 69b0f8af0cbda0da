// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is allocated, by type, container or variable: a table, and the JSON's member types.

#include "json_parts.h"
#include "sampling.h"

static memscope_status rows_of(const struct ms_summary *summary, enum ms_by by, enum ms_order order,
                               struct ms_row **rows_out, size_t *count_out) {
    *rows_out = calloc(summary->site_count + 1, sizeof **rows_out);
    return *rows_out ? ms_summary_rows_by(summary, by, order, *rows_out, count_out)
                     : MEMSCOPE_OUT_OF_MEMORY;
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

// "struct node of 24 B, 1.0 a block"
static void put_type(FILE *out, const struct ms_row *row) {
    const struct ms_site *site = row->site;
    char size[MS_NUMBER_BYTES];
    ms_put_type(out, site->type_name);
    if (site->type_bytes == 0)
        return;
    double blocks = (double)row->counts.allocations * site->type_bytes;
    fprintf(out, " of %s, %.1f a block", ms_format_bytes(site->type_bytes, size),
            blocks > 0 ? (double)row->counts.bytes / blocks : 0);
}

static void put_what(FILE *out, const struct ms_row *row, enum ms_by by) {
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
        put_type(out, row);
    } else if (by == MS_BY_CONTAINER) {
        ms_put_type(out, name);
    } else {
        if (by == MS_BY_VARIABLE) {
            ms_put_clean(out, name);
            fputs(": ", out);
        }
        put_type(out, row);
    }
}

static memscope_status put_row(FILE *out, const struct ms_summary *summary,
                               const struct ms_row *row, enum ms_by by,
                               const struct ms_report_options *options) {
    struct ms_line line;
    FILE *stream = ms_line_begin(&line);
    if (!stream)
        return MEMSCOPE_OUT_OF_MEMORY;
    put_numbers(stream, &row->counts);
    ms_put_error(stream, summary, &row->counts, options->order);
    put_what(stream, row, by);
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
    struct ms_row *rows;
    size_t count = 0, shown = 0, hidden = 0;
    static const char *const headings[] = {
        [MS_BY_TYPE] = "TYPE", [MS_BY_CONTAINER] = "CONTAINER", [MS_BY_VARIABLE] = "VARIABLE"};
    memscope_status status = rows_of(summary, by, options->order, &rows, &count);
    for (size_t i = 0; status == MEMSCOPE_OK && i < count; i++) {
        if (rows[i].counts.allocations == 0)
            continue;
        if (shown == 0)
            put_heading(out, summary, headings[by], options);
        if (options->top == 0 || shown < options->top)
            status = put_row(out, summary, &rows[i], by, options);
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
    free(rows);
    return status;
}

// --- JSON --------------------------------------------------------------------------------------

static json_t *type_part(struct writer *writer, const struct ms_row *row) {
    json_t *part = json_object();
    set(writer, part, "name", text_or_null(row->site->type_name));
    set(writer, part, "container", text_or_null(row->site->container));
    set(writer, part, "size", number_or_null(row->site->type_bytes));
    set(writer, part, "sites", number(row->site_count));
    ms_json_counts(writer, part, &row->counts);
    ms_json_estimate(writer, part, &row->counts);
    return part;
}

void ms_json_types(struct writer *writer, const struct ms_summary *summary) {
    struct ms_row *rows;
    size_t count = 0;
    if (rows_of(summary, MS_BY_KIND, MS_ORDER_TOTAL, &rows, &count) != MEMSCOPE_OK)
        writer->failed = true;
    begin_array(writer, "types");
    for (size_t i = 0; i < count; i++)
        put_item(writer, type_part(writer, &rows[i]));
    end_array(writer);
    free(rows);
}
