// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The summary that fits a screen, and the detail of one site.

#include "report.h"
#include "sampling.h"
#include "sessions.h"
#include "stacks_text.h"
#include "tasks_report.h"

#include <inttypes.h>
#include <profile/sampling.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SHOWN 4

static const char *paint(const struct ms_report_options *options, const char *escape) {
    return options->colour ? escape : "";
}
#define BOLD "\033[1m"
#define WARN "\033[33m"
#define PLAIN "\033[0m"

static void put_first_line(FILE *out, const struct ms_summary *summary,
                           const struct ms_report_options *options) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    enum ms_process_state state = ms_profile_process_state(summary->profile);
    uint64_t duration_ns = ms_profile_duration_ns(summary->profile, state);
    const char *executable = ms_profile_string(summary->profile, header->executable_ref);
    char text[MS_NUMBER_BYTES];
    fputs(paint(options, BOLD), out);
    ms_put_clean(out, executable ? ms_base_name(executable) : "(unknown program)");
    fprintf(out, " %" PRIu64 "%s  ", header->pid, paint(options, PLAIN));
    ms_put_end(out, header, state);
    if (duration_ns > 0)
        fprintf(out, " after %s", ms_format_duration(duration_ns, text));
    fprintf(out, "  %s (%s thread%s)", ms_strategy_name(header->strategy),
            ms_format_count(summary->thread_count, text), summary->thread_count == 1 ? "" : "s");
    if (options->status)
        fputs("  incomplete", out);
    else if (ms_has_losses(summary))
        fputs("  with losses, told below", out);
    else if (ms_sites_are_estimated(summary))
        fputs(summary->all_sites.is_estimated ? "  totals exact, sites estimated"
                                              : "  totals exact, sites not known for all",
              out);
    else
        fputs(state == MS_PROCESS_RUNNING ? "  exact up to events in flight" : "  exact", out);
    fputc('\n', out);
}

static void put_second_line(FILE *out, const struct ms_summary *summary) {
    enum ms_process_state state = ms_profile_process_state(summary->profile);
    const struct ms_counts *total = &summary->total;
    char text[MS_NUMBER_BYTES];
    fprintf(out, "peak %s", ms_format_bytes(total->peak_bytes, text));
    if (total->peak_error_bytes > 0)
        fprintf(out, " (at most %s more)", ms_format_bytes(total->peak_error_bytes, text));
    fprintf(out, "   live %s %s",
            state == MS_PROCESS_RUNNING  ? "now"
            : state == MS_PROCESS_EXITED ? "at exit"
                                         : "at the end",
            ms_format_bytes(total->live_bytes, text));
    fprintf(out, " in %s block%s", ms_format_count(total->live_allocations, text),
            total->live_allocations == 1 ? "" : "s");
    if (summary->all_sites.bytes > 0)
        fprintf(out, "   sites known for %s of bytes",
                ms_format_percent(summary->bytes_with_site, summary->all_sites.bytes, text));
    fputc('\n', out);
}

// --- the table ---------------------------------------------------------------------------------

#define ROW "%11s  %11s  %11s  %12s  "

static void put_row_numbers(FILE *out, const struct ms_counts *counts) {
    char live[MS_NUMBER_BYTES], at_peak[MS_NUMBER_BYTES], total[MS_NUMBER_BYTES];
    char calls[MS_NUMBER_BYTES];
    bool about = counts->is_estimated;
    fprintf(out, ROW, ms_format_amount(counts->live_bytes, true, about, live),
            ms_format_amount(counts->at_peak_bytes, true, about, at_peak),
            ms_format_amount(counts->bytes, true, about, total),
            ms_format_amount(counts->allocations, false, about, calls));
}

static memscope_status put_row(FILE *out, const struct ms_summary *summary,
                               const struct ms_row *row, const struct ms_report_options *options) {
    char *line = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&line, &bytes);
    if (!stream)
        return MEMSCOPE_OUT_OF_MEMORY;
    put_row_numbers(stream, &row->counts);
    ms_put_error(stream, summary, &row->counts, options->order);
    ms_put_row_site(stream, summary, row);
    char text[MS_NUMBER_BYTES];
    bool about = row->counts.is_estimated;
    if (options->order == MS_ORDER_PEAK)
        fprintf(stream, "  peak %s",
                about ? "not known" : ms_format_bytes(row->counts.peak_bytes, text));
    else if (options->order == MS_ORDER_TEMPORARY)
        fprintf(stream, "  temporary %s",
                ms_format_amount(row->counts.temporary, false, about, text));
    bool good = fclose(stream) == 0;
    if (good)
        ms_put_line(out, options->width, line);
    free(line);
    return good ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
}

struct shown {
    size_t sites, rows, hidden_rows;
};

static void put_heading(FILE *out, const struct ms_summary *summary,
                        const struct ms_report_options *options) {
    fprintf(out, "%s" ROW, paint(options, BOLD), "LIVE", "AT PEAK", "TOTAL", "CALLS");
    ms_put_error_heading(out, summary, options->order);
    fprintf(out, "SITE%s\n", paint(options, PLAIN));
}

static void put_sums(FILE *out, const struct ms_summary *summary, const struct shown *shown,
                     enum ms_order order) {
    put_row_numbers(out, &summary->all_sites);
    ms_put_error(out, summary, &summary->all_sites, order);
    fprintf(out, "all %zu site%s", shown->sites, shown->sites == 1 ? "" : "s");
    if (shown->rows < shown->sites)
        fprintf(out, " in %zu row%s", shown->rows, shown->rows == 1 ? "" : "s");
    if (shown->hidden_rows > 0)
        fprintf(out, "; %zu not shown (--top 0 shows all)", shown->hidden_rows);
    fputc('\n', out);
    if (!ms_sites_are_estimated(summary))
        return;
    put_row_numbers(out, &summary->total);
    ms_put_error(out, summary, &summary->total, order);
    fputs("the process\n", out);
}

static memscope_status put_table(FILE *out, const struct ms_summary *summary,
                                 const struct ms_report_options *options) {
    struct ms_row *rows = calloc(summary->site_count + 1, sizeof *rows);
    size_t count;
    if (!rows)
        return MEMSCOPE_OUT_OF_MEMORY;
    memscope_status status = ms_summary_rows(summary, options->order, rows, &count);
    struct shown shown = {0};
    for (size_t i = 0; status == MEMSCOPE_OK && i < count; i++) {
        if (rows[i].counts.allocations == 0)
            continue;
        if (shown.rows == 0)
            put_heading(out, summary, options);
        shown.sites += rows[i].site_count;
        if (options->top == 0 || shown.rows < options->top)
            status = put_row(out, summary, &rows[i], options);
        else
            shown.hidden_rows++;
        shown.rows++;
    }
    if (shown.rows == 0)
        fputs(summary->unsampled_blocks ? "no allocation is known by its site\n"
                                        : "no allocations\n",
              out);
    else
        put_sums(out, summary, &shown, options->order);
    free(rows);
    return status;
}

// --- below the table ---------------------------------------------------------------------------

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// The modules, or where unknown the sources, without debug info; each named once.
static void put_no_debug_info(FILE *out, const struct ms_summary *summary,
                              const struct ms_report_options *options) {
    const char **names = calloc(summary->unit_count + 1, sizeof *names);
    if (!names)
        return;
    size_t count = 0;
    for (size_t i = 0; i < summary->unit_count; i++) {
        const struct ms_unit *unit = &summary->units_without_debug_info[i];
        const char *name = unit->module && unit->module->path ? unit->module->path : unit->name;
        names[count++] = name ? ms_base_name(name) : "(unknown)";
    }
    qsort(names, count, sizeof *names, compare_texts);
    size_t distinct = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(names[i - 1], names[i]) != 0)
            names[distinct++] = names[i];
    if (distinct > 0) {
        fprintf(out, "%sno debug info: ", paint(options, WARN));
        for (size_t i = 0; i < distinct && i < NAMES_SHOWN; i++) {
            fputs(i ? ", " : "", out);
            ms_put_clean(out, names[i]);
        }
        if (distinct > NAMES_SHOWN)
            fprintf(out, " and %zu more", distinct - NAMES_SHOWN);
        fprintf(out, " (rebuild %s with -g)%s\n", distinct == 1 ? "it" : "them",
                paint(options, PLAIN));
    }
    free(names);
}

#define HEADERS_WORTH_A_WORD 10 // percent of bytes

// At -O0 nothing is inlined: a container's allocation then stands in its header, with no way out.
static void put_header_hint(FILE *out, const struct ms_summary *summary) {
    uint64_t bytes = 0;
    char text[MS_NUMBER_BYTES];
    for (size_t i = 0; i < summary->site_count; i++) {
        const struct ms_site *site = &summary->sites[i];
        if (!site->foreign && site->file && site->inlined_count == 0 &&
            site->user_depth == MS_NO_FRAME)
            bytes += site->counts.bytes;
    }
    if (bytes > summary->all_sites.bytes / 100 * HEADERS_WORTH_A_WORD)
        fprintf(out,
                "%s of bytes were allocated by functions of headers that stand by themselves: with "
                "-O1 or more they are inlined, and the lines that call them shown\n",
                ms_format_percent(bytes, summary->all_sites.bytes, text));
}

static void put_losses(FILE *out, const struct ms_summary *summary,
                       const struct ms_report_options *options) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    char text[MS_NUMBER_BYTES];
    for (unsigned i = 0; i < MEMSCOPE_LOSS_SLOTS; i++) {
        if (header->losses[i] == 0)
            continue;
        const char *meaning = ms_loss_text(i);
        fprintf(out, "%snot exact: %s %s%s\n", paint(options, WARN),
                ms_format_count(header->losses[i], text),
                meaning ? meaning : "of a loss that a newer runtime knows", paint(options, PLAIN));
    }
    if (header->flags & MEMSCOPE_PROFILE_STATIC)
        fprintf(out,
                "%sa static program: only instrumented code was counted, nothing could be "
                "interposed%s\n",
                paint(options, WARN), paint(options, PLAIN));
}

// The newest profile of a run that forked is a child's: say so, and how to see the other.
static void put_parent(FILE *out, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    if (header->flags & MEMSCOPE_PROFILE_FORKED)
        fprintf(out,
                "a fork child; its parent is process %" PRIu64 " (memscope report %" PRIu64 ")\n",
                header->parent_pid, header->parent_pid);
}

memscope_status ms_report_text(const struct ms_summary *summary,
                               const struct ms_report_options *options, FILE *out) {
    char text[MS_NUMBER_BYTES];
    uint64_t failed = ms_profile_header(summary->profile)->failed_allocations;
    put_first_line(out, summary, options);
    put_second_line(out, summary);
    ms_put_estimates(out, summary);
    ms_put_forced_strategy(out, summary);
    memscope_status status = ms_put_tracking(out, summary);
    if (status == MEMSCOPE_OK)
        status = ms_put_sessions(out, summary);
    if (status == MEMSCOPE_OK)
        status = put_table(out, summary, options);
    if (status == MEMSCOPE_OK)
        status = ms_put_row_stacks(out, summary, options);
    if (status == MEMSCOPE_OK)
        status = ms_put_task_classes(out, summary, options);
    if (summary->thread_count > 1)
        ms_put_threads(out, summary);
    if (failed > 0)
        fprintf(out, "failed allocations: %s\n", ms_format_count(failed, text));
    put_header_hint(out, summary);
    ms_put_stack_keys(out, options->contexts);
    ms_put_stack_notes(out, options->contexts);
    put_no_debug_info(out, summary, options);
    put_losses(out, summary, options);
    put_parent(out, summary);
    if (options->status)
        fprintf(out, "%sincomplete: %s%s\n", paint(options, WARN), options->status,
                paint(options, PLAIN));
    return status;
}

// --- one site ----------------------------------------------------------------------------------

static void put_frame(FILE *out, const struct ms_frame *frame) {
    ms_put_clean(out, frame->file ? frame->file : "(unknown)");
    fprintf(out, ":%" PRIu32 ":%" PRIu32, frame->line, frame->column);
}

static void put_inlined(FILE *out, const struct ms_summary *summary, const struct ms_site *site) {
    for (uint32_t i = 1; i < ms_site_frame_count(site); i++) {
        struct ms_frame frame = ms_site_frame(summary, site, i);
        fputs("  inlined into ", out);
        ms_put_clean(out, frame.function ? frame.function : "(unknown)");
        fputs(" at ", out);
        put_frame(out, &frame);
        fputc('\n', out);
    }
}

// "  live       ~1.2 MB ±31.0 kB in ~1,204 blocks"
static void put_amount(FILE *out, const char *name, uint64_t bytes, const double *variance,
                       const struct ms_counts *counts) {
    char text[MS_NUMBER_BYTES];
    fprintf(out, "  %-9s  %s", name, ms_format_amount(bytes, true, counts->is_estimated, text));
    if (variance && counts->is_estimated)
        fprintf(out, " %s", ms_format_error(ms_error_95(*variance), true, text));
}

static void put_times(FILE *out, uint64_t count, const double *variance, const char *unit,
                      const struct ms_counts *counts) {
    char text[MS_NUMBER_BYTES];
    fprintf(out, " in %s", ms_format_amount(count, false, counts->is_estimated, text));
    if (variance && counts->is_estimated)
        fprintf(out, " %s", ms_format_error(ms_error_95(*variance), false, text));
    fprintf(out, " %s\n", unit);
}

static void put_site_numbers(FILE *out, const struct ms_counts *counts) {
    const struct ms_variance *variance = &counts->variance;
    char text[MS_NUMBER_BYTES];
    put_amount(out, "total", counts->bytes, &variance->bytes, counts);
    put_times(out, counts->allocations, &variance->allocations, "calls", counts);
    put_amount(out, "freed", counts->freed_bytes, NULL, counts);
    put_times(out, counts->frees, NULL, "frees", counts);
    put_amount(out, "live", counts->live_bytes, &variance->live_bytes, counts);
    put_times(out, counts->live_allocations, NULL, "blocks", counts);
    fprintf(out, "  peak       %s",
            counts->is_estimated ? "not known" : ms_format_bytes(counts->peak_bytes, text));
    if (counts->peak_error_bytes > 0)
        fprintf(out, " (at most %s more)", ms_format_bytes(counts->peak_error_bytes, text));
    fputc('\n', out);
    put_amount(out, "at peak", counts->at_peak_bytes, &variance->at_peak_bytes, counts);
    fprintf(out, "\n  temporary  %s\n",
            ms_format_amount(counts->temporary, false, counts->is_estimated, text));
}

static void put_one_site(FILE *out, const struct ms_summary *summary, const struct ms_site *site,
                         const struct ms_report_options *options) {
    struct ms_frame frame = ms_site_frame(summary, site, 0);
    fputs(paint(options, BOLD), out);
    put_frame(out, &frame);
    fputc(' ', out);
    ms_put_clean(out, frame.function ? frame.function : "(unknown function)");
    fprintf(out, "%s [%s]\n", paint(options, PLAIN), ms_kind_name(site->kind));
    put_inlined(out, summary, site);
    if (site->type_name) {
        fputs("  type       ", out);
        ms_put_clean(out, site->type_name);
        fputs(site->type_from_source ? " (from the source)\n" : "\n", out);
    }
    if (site->variable_name) {
        fputs("  variable   ", out);
        ms_put_clean(out, site->variable_name);
        fputs(site->variable_from_source ? " (from the source)\n" : "\n", out);
    }
    put_site_numbers(out, &site->counts);
    fprintf(out, "  " ROW, "LIVE", "AT PEAK", "TOTAL", "CALLS");
    ms_put_error_heading(out, summary, options->order);
    fputs("THREAD\n", out);
    for (size_t i = 0; i < summary->cell_count; i++) {
        const struct ms_cell *cell = &summary->cells[i];
        if (cell->site != site)
            continue;
        fputs("  ", out);
        put_row_numbers(out, &cell->counts);
        ms_put_error(out, summary, &cell->counts, options->order);
        if (cell->thread) {
            fprintf(out, "%" PRIu32 " ", cell->thread->index);
            ms_put_clean(out, cell->thread->name);
        } else {
            fputs("(of no thread)", out);
        }
        fputc('\n', out);
    }
}

memscope_status ms_report_site(const struct ms_summary *summary, const struct ms_place *place,
                               const struct ms_report_options *options, FILE *out) {
    const struct ms_site **sites = calloc(summary->site_count + 1, sizeof *sites);
    if (!sites)
        return MEMSCOPE_OUT_OF_MEMORY;
    ms_summary_order(summary, options->order, sites);
    memscope_status status = MEMSCOPE_NOT_FOUND;
    for (size_t i = 0; i < summary->site_count; i++) {
        uint32_t line;
        if (!ms_place_matches(place, summary, sites[i], &line))
            continue;
        if (status == MEMSCOPE_OK)
            fputc('\n', out);
        put_one_site(out, summary, sites[i], options);
        status = ms_put_site_stacks(out, summary, sites[i], options);
        if (status != MEMSCOPE_OK)
            break;
    }
    if (status == MEMSCOPE_OK)
        ms_put_estimates(out, summary);
    free(sites);
    return status;
}
