// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "stack_filters.h"

#include "report.h"
#include "sampling.h"

// As `memscope` calls them.
static const char *const names[] = {"focus", "ignore", "hide"};
enum { FILTERS = sizeof names / sizeof *names };

static const struct ms_stack_filter *filter_of(const struct ms_stack_filters *filters, size_t i) {
    const struct ms_stack_filter *const all[FILTERS] = {filters->focus, filters->ignore,
                                                        filters->hide};
    return all[i];
}

bool ms_filter_at(const struct ms_stack_filters *filters, size_t i, const char **name_out,
                  const struct ms_stack_filter **filter_out) {
    if (i >= FILTERS)
        return false;
    *name_out = names[i];
    *filter_out = filter_of(filters, i);
    return true;
}

const char *ms_filters_first(const struct ms_stack_filters *filters) {
    for (size_t i = 0; filters && i < FILTERS; i++)
        if (filter_of(filters, i))
            return names[i];
    return NULL;
}

void ms_put_filters_comment(FILE *out, const struct ms_stack_filters *filters) {
    const char *before = "filtered (";
    for (size_t i = 0; i < FILTERS; i++) {
        const struct ms_stack_filter *filter = filter_of(filters, i);
        if (!filter)
            continue;
        fprintf(out, "%s--%s=", before, names[i]);
        ms_put_clean(out, filter->text);
        before = " ";
    }
    fputc(')', out);
}

void ms_put_filtered(FILE *out, const struct ms_filtered *filtered) {
    char kept[MS_NUMBER_BYTES], whole[MS_NUMBER_BYTES], share[MS_NUMBER_BYTES];
    fprintf(
        out, "the filters leave %s of %s, %s\n",
        ms_format_amount(filtered->kept, filtered->is_bytes, filtered->kept_is_estimated, kept),
        ms_format_amount(filtered->whole, filtered->is_bytes, filtered->whole_is_estimated, whole),
        ms_format_percent(filtered->kept, filtered->whole, share));
}
