// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `memscope leaks` as text and JSON.

#include "leaks.h"

#include <math.h>
#include <profile/sampling.h>
#include <string.h>

#include "json_parts.h"
#include "sampling.h"
#include "stacks_text.h"

static const char *plural(uint64_t count) {
    return count == 1 ? "" : "s";
}

// "thread main", "task session(), threads several"
static void put_owner(FILE *out, const struct ms_context *context) {
    if (context->task) {
        fputs("  task ", out);
        if (strchr(context->task, '('))
            ms_put_function(out, context->task);
        else
            ms_put_clean(out, context->task);
    }
    if (context->thread) {
        fputs(context->task ? ", " : "  ", out);
        if (strncmp(context->thread, "thread", strlen("thread")) != 0)
            fputs("thread ", out);
        ms_put_clean(out, context->thread);
    }
}

static memscope_status put_leak(FILE *out, const struct ms_leaks *leaks, const struct ms_leak *leak,
                                const struct ms_leaks_options *options) {
    char bytes[MS_NUMBER_BYTES], blocks[MS_NUMBER_BYTES];
    bool about = leak->is_estimated;
    fprintf(out, "%s%12s  ", options->colour ? "\033[1m" : "",
            ms_format_amount(leak->bytes, true, about, bytes));
    if (about)
        fprintf(out, "%s  ", ms_format_error(ms_error_95(leak->variance), true, bytes));
    fprintf(out, "in %s block%s", ms_format_amount(leak->blocks, false, about, blocks),
            plural(leak->blocks));
    put_owner(out, &leak->context);
    fprintf(out, "%s%s\n", leak->has_stack ? "" : "  (its stacks were not kept)",
            options->colour ? "\033[0m" : "");
    struct ms_stack_lines lines = {
        .head = "",
        .width = options->width,
        .plumbing = options->plumbing,
        .all_hidden = leak->all_hidden,
    };
    return ms_put_stack(out, leaks->contexts->summary, &leak->context, &lines);
}

static void put_suppressions(FILE *out, const struct ms_leaks *leaks) {
    char bytes[MS_NUMBER_BYTES], blocks[MS_NUMBER_BYTES];
    for (size_t i = 0; leaks->suppressions && i < leaks->suppressions->count; i++) {
        const struct ms_suppression *one = &leaks->suppressions->items[i];
        if (one->stacks == 0)
            continue;
        fprintf(out, "suppressed %s in %s block%s by leak:",
                ms_format_amount(one->bytes, true, one->is_estimated, bytes),
                ms_format_amount(one->blocks, false, one->is_estimated, blocks),
                plural(one->blocks));
        ms_put_clean(out, one->pattern);
        fputc('\n', out);
    }
}

static void put_head(FILE *out, const struct ms_leaks *leaks) {
    const struct ms_summary *summary = leaks->contexts->summary;
    enum ms_process_state state = ms_profile_process_state(summary->profile);
    size_t count = leaks->count - leaks->suppressed_count;
    char bytes[MS_NUMBER_BYTES], blocks[MS_NUMBER_BYTES], stacks[MS_NUMBER_BYTES];
    const char *when = state == MS_PROCESS_RUNNING  ? "now"
                       : state == MS_PROCESS_EXITED ? "at exit"
                                                    : "at the end";
    if (count == 0) {
        bool is_filtered = leaks->count < leaks->all.count;
        bool is_sampled = ms_leaks_any(leaks) || (is_filtered && ms_sites_are_estimated(summary));
        fprintf(out, "%s%s%s is alive %s\n", is_sampled ? "no sample" : "nothing",
                leaks->suppressed_count ? " else" : "", is_filtered ? " the filters leave" : "",
                when);
        return;
    }
    uint64_t alive = leaks->blocks - leaks->suppressed_blocks;
    bool about = leaks->is_estimated;
    fputs(ms_format_amount(leaks->bytes - leaks->suppressed_bytes, true, about, bytes), out);
    if (about)
        fprintf(out, " %s", ms_format_error(ms_error_95(leaks->variance), true, bytes));
    fprintf(out, " in %s block%s alive %s, from %s place%s\n",
            ms_format_amount(alive, false, about, blocks), plural(alive), when,
            ms_format_count(count, stacks), plural(count));
}

// What is suppressed is left, too.
static void put_left(FILE *out, const struct ms_leaks *leaks) {
    const struct ms_filtered filtered = {
        .kept = leaks->bytes,
        .whole = leaks->all.bytes,
        .kept_is_estimated = leaks->is_estimated,
        .whole_is_estimated = leaks->all.is_estimated,
        .is_bytes = true,
    };
    if (leaks->count < leaks->all.count)
        ms_put_filtered(out, &filtered);
}

// What is not sampled and lives may be at places that no sample showed.
static void put_exact(FILE *out, const struct ms_summary *summary) {
    char bytes[MS_NUMBER_BYTES], blocks[MS_NUMBER_BYTES];
    if (!ms_sites_are_estimated(summary))
        return;
    fprintf(out, "the process has exactly %s in %s block%s\n",
            ms_format_bytes(summary->total.live_bytes, bytes),
            ms_format_count(summary->total.live_allocations, blocks),
            plural(summary->total.live_allocations));
    ms_put_estimates(out, summary);
}

memscope_status ms_report_leaks(const struct ms_leaks *leaks,
                                const struct ms_leaks_options *options, FILE *out) {
    memscope_status status = MEMSCOPE_OK;
    size_t shown = 0, hidden = 0;
    uint64_t hidden_bytes = 0;
    bool hidden_about = false;
    char text[MS_NUMBER_BYTES];
    put_head(out, leaks);
    put_left(out, leaks);
    put_exact(out, leaks->contexts->summary);
    for (size_t i = 0; i < leaks->count && status == MEMSCOPE_OK; i++) {
        const struct ms_leak *leak = &leaks->items[i];
        if (leak->suppressed_by)
            continue;
        if (options->top == 0 || shown < options->top) {
            status = put_leak(out, leaks, leak, options);
            shown++;
        } else {
            hidden++;
            hidden_bytes += leak->bytes;
            hidden_about |= leak->is_estimated;
        }
    }
    if (hidden > 0)
        fprintf(out, "… %zu more with %s (--top 0 shows all)\n", hidden,
                ms_format_amount(hidden_bytes, true, hidden_about, text));
    put_suppressions(out, leaks);
    ms_put_stack_notes(out, leaks->contexts);
    if (options->status) {
        fputs("incomplete: ", out);
        ms_put_clean(out, options->status);
        fputc('\n', out);
    }
    return status;
}

// --- JSON --------------------------------------------------------------------------------------

static json_t *error_part(bool is_estimated, double variance) {
    return is_estimated ? json_real(ceil(ms_error_95(variance))) : json_null();
}

static json_t *leak_part(struct writer *writer, const struct ms_leak *leak) {
    json_t *part = json_object();
    set(writer, part, "bytes", number(leak->bytes));
    set(writer, part, "blocks", number(leak->blocks));
    set(writer, part, "estimated", json_boolean(leak->is_estimated));
    set(writer, part, "bytes_error", error_part(leak->is_estimated, leak->variance));
    set(writer, part, "site", number(leak->context.site->id));
    set(writer, part, "context", leak->has_stack ? number(leak->context.id) : json_null());
    set(writer, part, "task", text_or_null(leak->context.task));
    set(writer, part, "thread", text_or_null(leak->context.thread));
    set(writer, part, "suppressed_by",
        text_or_null(leak->suppressed_by ? leak->suppressed_by->pattern : NULL));
    set(writer, part, "frames", ms_json_frames(writer, &leak->context));
    return part;
}

static json_t *sums_part(struct writer *writer, const struct ms_leaks *leaks) {
    json_t *part = json_object();
    set(writer, part, "bytes", number(leaks->bytes));
    set(writer, part, "blocks", number(leaks->blocks));
    set(writer, part, "suppressed_bytes", number(leaks->suppressed_bytes));
    set(writer, part, "suppressed_blocks", number(leaks->suppressed_blocks));
    set(writer, part, "all_bytes", number(leaks->all.bytes));
    set(writer, part, "all_blocks", number(leaks->all.blocks));
    const struct ms_summary *summary = leaks->contexts->summary;
    set(writer, part, "estimated", json_boolean(ms_sites_are_estimated(summary)));
    set(writer, part, "process_bytes", number(summary->total.live_bytes));
    set(writer, part, "process_blocks", number(summary->total.live_allocations));
    return part;
}

static json_t *filters_part(struct writer *writer, const struct ms_stack_filters *filters) {
    json_t *part = json_object();
    const char *name;
    const struct ms_stack_filter *filter;
    for (size_t i = 0; ms_filter_at(filters, i, &name, &filter); i++)
        set(writer, part, name, text_or_null(filter ? filter->text : NULL));
    return part;
}

memscope_status ms_report_leaks_json(const struct ms_leaks *leaks,
                                     const struct ms_leaks_options *options, FILE *out) {
    struct writer writer = {.out = out, .first = true};
    size_t shown = 0;
    put_member(&writer, "profile",
               ms_json_profile(&writer, leaks->contexts->summary, options->status));
    put_member(&writer, "filters", filters_part(&writer, &leaks->filters));
    put_member(&writer, "alive", sums_part(&writer, leaks));
    begin_array(&writer, "leaks");
    for (size_t i = 0; i < leaks->count && (options->top == 0 || shown < options->top);
         i++, shown++)
        put_item(&writer, leak_part(&writer, &leaks->items[i]));
    end_array(&writer);
    begin_array(&writer, "suppressions");
    for (size_t i = 0; leaks->suppressions && i < leaks->suppressions->count; i++) {
        const struct ms_suppression *one = &leaks->suppressions->items[i];
        json_t *item = json_object();
        set(&writer, item, "pattern", text_or_null(one->pattern));
        set(&writer, item, "line", number(one->line));
        set(&writer, item, "stacks", number(one->stacks));
        set(&writer, item, "bytes", number(one->bytes));
        set(&writer, item, "blocks", number(one->blocks));
        put_item(&writer, item);
    }
    end_array(&writer);
    fputs("\n}\n", out);
    return writer.failed ? MEMSCOPE_OUT_OF_MEMORY : MEMSCOPE_OK;
}
