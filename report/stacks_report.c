// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stacks that a report shows: the largest of the first sites, or of one.

#include "sampling.h"
#include "stacks_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES_SHOWN 6 // of a stack in the summary
#define UNRESOLVED_SHOWN 4

const struct ms_context *ms_contexts_of(const struct ms_contexts *contexts,
                                        const struct ms_site *site, size_t *count_out) {
    size_t low = 0, high = contexts->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (contexts->items[middle].site < site)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < contexts->count && contexts->items[end].site == site)
        end++;
    *count_out = end - low;
    return contexts->items + low;
}

// The largest context of the sites of a row.
struct choice {
    const struct ms_context *largest; // NULL = none
    size_t count;                     // of all
    uint64_t weight;                  // of all
    bool is_estimated;                // some of it
};

static void consider(struct choice *choice, const struct ms_contexts *contexts,
                     const struct ms_site *site, enum ms_order order) {
    size_t count;
    const struct ms_context *items = ms_contexts_of(contexts, site, &count);
    for (size_t i = 0; i < count; i++) {
        uint64_t weight = ms_counts_weight(&items[i].counts, order);
        if (!choice->largest || weight > ms_counts_weight(&choice->largest->counts, order))
            choice->largest = &items[i];
        choice->weight += weight;
        choice->is_estimated |= items[i].counts.is_estimated;
    }
    choice->count += count;
}

static const char *amount(uint64_t weight, enum ms_order order, bool is_estimated,
                          char text_out[MS_NUMBER_BYTES]) {
    return ms_format_amount(weight, ms_order_is_bytes(order), is_estimated, text_out);
}

static memscope_status put_choice(FILE *out, const struct ms_summary *summary,
                                  const struct choice *choice,
                                  const struct ms_report_options *options) {
    char text[MS_NUMBER_BYTES];
    uint64_t weight = ms_counts_weight(&choice->largest->counts, options->order);
    struct ms_stack_lines lines = {
        .head = amount(weight, options->order, choice->largest->counts.is_estimated, text),
        .most = LINES_SHOWN,
        .width = options->width,
        .plumbing = options->plumbing,
    };
    // From the place that the table has; of a library's own the call, then who called the library.
    uint32_t shown = ms_stack_shown(choice->largest);
    if (choice->largest->site->user_depth != MS_NO_FRAME)
        lines.first = shown;
    else
        lines.skipped = shown > 0 ? shown - 1 : 0;
    memscope_status status = ms_put_stack(out, summary, choice->largest, &lines);
    if (choice->count > 1)
        fprintf(out, "%12s  and %s in %zu more stack%s\n", "",
                amount(choice->weight - weight, options->order, choice->is_estimated, text),
                choice->count - 1, choice->count == 2 ? "" : "s");
    return status;
}

static const char *const headings[] = {
    [MS_ORDER_LIVE] = "LIVE",   [MS_ORDER_PEAK] = "PEAK",   [MS_ORDER_AT_PEAK] = "AT PEAK",
    [MS_ORDER_TOTAL] = "TOTAL", [MS_ORDER_CALLS] = "CALLS", [MS_ORDER_TEMPORARY] = "TEMPORARY",
};

memscope_status ms_put_row_stacks(FILE *out, const struct ms_summary *summary,
                                  const struct ms_report_options *options) {
    struct ms_row *rows = calloc(summary->site_count + 1, sizeof *rows);
    size_t count = 0, shown = 0;
    if (!options->contexts || options->contexts->count == 0 || options->stacks == 0 || !rows) {
        free(rows);
        return rows ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
    }
    memscope_status status = ms_summary_rows(summary, options->order, rows, &count);
    for (size_t i = 0; status == MEMSCOPE_OK && i < count && i < options->stacks; i++) {
        struct choice choice = {0};
        if (rows[i].site_count == 1)
            consider(&choice, options->contexts, rows[i].site, options->order);
        for (size_t k = 0; k < summary->site_count && rows[i].site_count > 1; k++)
            if (ms_sites_look_alike(summary, rows[i].site, &summary->sites[k]))
                consider(&choice, options->contexts, &summary->sites[k], options->order);
        if (!choice.largest || choice.weight == 0)
            continue;
        if (shown++ == 0)
            fprintf(out, "%s%12s  STACK (of each of the first sites the largest)%s\n",
                    options->colour ? "\033[1m" : "", headings[options->order],
                    options->colour ? "\033[0m" : "");
        status = put_choice(out, summary, &choice, options);
    }
    free(rows);
    return status;
}

memscope_status ms_put_site_stacks(FILE *out, const struct ms_summary *summary,
                                   const struct ms_site *site,
                                   const struct ms_report_options *options) {
    size_t count;
    if (!options->contexts)
        return MEMSCOPE_OK;
    const struct ms_context *items = ms_contexts_of(options->contexts, site, &count);
    uint64_t hidden = 0;
    bool about = false; // of the hidden ones some
    memscope_status status = MEMSCOPE_OK;
    for (size_t i = 0; i < count && status == MEMSCOPE_OK; i++) { // most bytes first
        char text[MS_NUMBER_BYTES];
        if (i >= options->stacks) {
            hidden += items[i].counts.bytes;
            about |= items[i].counts.is_estimated;
            continue;
        }
        if (i == 0)
            fprintf(out, "%12s  STACK\n", "TOTAL");
        const struct ms_counts *counts = &items[i].counts;
        struct ms_stack_lines lines = {
            .head = ms_format_amount(counts->bytes, true, counts->is_estimated, text),
            .width = options->width,
            .plumbing = options->plumbing};
        status = ms_put_stack(out, summary, &items[i], &lines);
    }
    char text[MS_NUMBER_BYTES];
    if (count > options->stacks && options->stacks > 0)
        fprintf(out, "%12s  and %s in %zu more (--stacks %zu shows all)\n", "",
                ms_format_amount(hidden, true, about, text), count - options->stacks, count);
    return status;
}

// --- what is missing ---------------------------------------------------------------------------

// As the program was told: MEMSCOPE_OPTIONS=...:depth=N:...
static unsigned long asked_for(const struct ms_profile *profile, const char *option) {
    const char *options = ms_profile_string(profile, ms_profile_header(profile)->options_ref);
    size_t length = strlen(option);
    const char *value_at = NULL;
    for (const char *at = options; at && (at = strstr(at, option)); at++)
        if (at[length] == '=' && (at == options || at[-1] == ':'))
            value_at = at + length + 1;
    if (value_at)
        return strtoul(value_at, NULL, 10);
#define MEMSCOPE_OPTION_STRING(key, value, range, meaning)
#define MEMSCOPE_OPTION_NUMBER(key, value, minimum, maximum, meaning)                              \
    if (strcmp(#key, option) == 0)                                                                 \
        return value;
#include <memscope/options.def>
    return 0;
}

bool ms_keys_were_verified(const struct ms_profile *profile) {
    return asked_for(profile, "verify") == 1;
}

// "3e-12", rounded up.
static void put_chance(FILE *out, double chance) {
    int exponent = 0;
    for (; chance < 1 && exponent < 99; exponent++)
        chance *= 10;
    unsigned digit = (unsigned)chance + 1;
    fprintf(out, "%ue-%d", digit == 10 ? 1 : digit, digit == 10 ? exponent - 1 : exponent);
}

// Contexts are told apart by keys: how far that can be trusted.
void ms_put_stack_keys(FILE *out, const struct ms_contexts *contexts) {
    if (!contexts || contexts->key_count == 0)
        return;
    const struct ms_profile *profile = contexts->summary->profile;
    char text[MS_NUMBER_BYTES];
    uint64_t found = ms_profile_header(profile)->losses[MEMSCOPE_LOSS_context_collisions];
    if (found > 0) // told as a loss
        return;
    fprintf(out, "stacks by %s key%s of 64 bits: ", ms_format_count(contexts->key_count, text),
            contexts->key_count == 1 ? "" : "s");
    if (ms_keys_were_verified(profile)) {
        fputs("each checked, no two stacks are one\n", out);
        return;
    }
    fputs("the chance that two stacks are one is below ", out);
    put_chance(out, ms_contexts_collision_bound(contexts));
    fputc('\n', out);
}

void ms_put_stack_notes(FILE *out, const struct ms_contexts *contexts) {
    if (!contexts)
        return;
    if (contexts->cut_count > 0)
        fprintf(out,
                "depth=%lu reached by %zu stack%s: more frames with MEMSCOPE_OPTIONS=depth=N\n",
                asked_for(contexts->summary->profile, "depth"), contexts->cut_count,
                contexts->cut_count == 1 ? "" : "s");
    if (contexts->broken_count > 0)
        fprintf(out, "%zu stack%s could not be followed to the start\n", contexts->broken_count,
                contexts->broken_count == 1 ? "" : "s");
    if (contexts->unresolved_modules > 0) {
        fputs("no names from ", out);
        for (size_t i = 0; i < contexts->unresolved_modules && i < UNRESOLVED_SHOWN; i++) {
            fputs(i ? "; " : "", out);
            ms_put_clean(out, contexts->unresolved[i]);
        }
        if (contexts->unresolved_modules > UNRESOLVED_SHOWN)
            fprintf(out, "; and %zu more", contexts->unresolved_modules - UNRESOLVED_SHOWN);
        fputs(" (--debug-path DIR)\n", out);
    }
}
