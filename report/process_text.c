// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Words about the process: how it ended, its threads, why this strategy, what was lost.

#define _GNU_SOURCE // sigabbrev_np
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_SHOWN 6

void ms_put_end(FILE *out, const struct memscope_profile_header *header,
                enum ms_process_state state) {
    switch (state) {
    case MS_PROCESS_RUNNING:
        fputs("still running", out);
        return;
    case MS_PROCESS_EXITED:
        fprintf(out, "exited %" PRId32, header->exit_code);
        return;
    case MS_PROCESS_SIGNALED: {
        const char *name = sigabbrev_np(header->exit_signal);
        if (name)
            fprintf(out, "killed by SIG%s", name);
        else
            fprintf(out, "killed by signal %" PRId32, header->exit_signal);
        return;
    }
    case MS_PROCESS_VANISHED:
        fputs("ended without a word (killed, or replaced by exec)", out);
        return;
    case MS_PROCESS_COPIED:
        fputs("still running when this copy was made", out);
        return;
    case MS_PROCESS_UNCERTAIN:
        fputs("running, or ended without a word (its process may not be looked at)", out);
        return;
    }
}

bool ms_has_losses(const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    for (unsigned i = 0; i < MEMSCOPE_LOSS_SLOTS; i++)
        if (header->losses[i] != 0)
            return true;
    return false;
}

void ms_put_evidence(FILE *out, const struct ms_summary *summary) {
    const struct memscope_profile_header *header = ms_profile_header(summary->profile);
    switch (header->upgrade) {
    case MEMSCOPE_UPGRADE_NONE:
        fprintf(out, "one thread ran");
        break;
    case MEMSCOPE_UPGRADE_THREAD_STARTED:
    case MEMSCOPE_UPGRADE_TASK_STARTED:
        fputs(header->upgrade == MEMSCOPE_UPGRADE_TASK_STARTED ? "a task was started"
                                                               : "a thread was started",
              out);
        for (size_t i = 0; header->upgrade_site_ref && i < summary->site_count; i++) {
            if (summary->sites[i].id != header->upgrade_site_ref)
                continue;
            fputs(" at ", out);
            ms_put_place(out, summary, &summary->sites[i]);
        }
        break;
    case MEMSCOPE_UPGRADE_UNKNOWN_THREAD:
        fputs("a thread appeared that no hook saw start", out);
        break;
    case MEMSCOPE_UPGRADE_FORCED:
        fputs("it was asked for", out);
        break;
    default:
        fprintf(out, "for reason %" PRIu32 " of a newer runtime", header->upgrade);
    }
    fprintf(out,
            "; %" PRIu64 " instrumented modules have %" PRIu64 " allocation, %" PRIu64
            " thread-start, %" PRIu64 " coroutine and %" PRIu64 " fiber sites",
            header->instrumented_modules, header->alloc_sites, header->thread_sites,
            header->coroutine_sites, header->fiber_sites);
}

// --- threads, grouped --------------------------------------------------------------------------

struct group {
    const struct ms_site *spawn_site;
    const struct ms_thread *first;
    uint64_t threads, peaks;
    size_t name_bytes; // what the names have in common
};

static int compare_spawn(const void *left, const void *right) {
    const struct ms_thread *a = *(const struct ms_thread *const *)left;
    const struct ms_thread *b = *(const struct ms_thread *const *)right;
    // The first thread stands alone.
    if ((a->index == 0) != (b->index == 0))
        return a->index == 0 ? -1 : 1;
    if (a->spawn_site != b->spawn_site)
        return a->spawn_site < b->spawn_site ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static int compare_groups(const void *left, const void *right) {
    const struct group *a = left, *b = right;
    if ((a->first->index == 0) != (b->first->index == 0))
        return a->first->index == 0 ? -1 : 1;
    if (a->peaks != b->peaks)
        return a->peaks > b->peaks ? -1 : 1;
    return (a->first->index > b->first->index) - (a->first->index < b->first->index);
}

static size_t common_bytes(const char *a, const char *b, size_t most) {
    size_t length = 0;
    while (length < most && a[length] && a[length] == b[length])
        length++;
    return length;
}

static uint64_t add(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

static size_t group_threads(const struct ms_thread **threads, size_t count, struct group *groups) {
    size_t group_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct ms_thread *thread = threads[i];
        struct group *group = group_count ? &groups[group_count - 1] : NULL;
        if (!group || group->first->index == 0 || group->spawn_site != thread->spawn_site) {
            group = &groups[group_count++];
            *group = (struct group){.spawn_site = thread->spawn_site,
                                    .first = thread,
                                    .name_bytes = strlen(thread->name)};
        }
        group->threads += thread->shared_by;
        group->peaks = add(group->peaks, thread->counts.peak_bytes);
        group->name_bytes = common_bytes(group->first->name, thread->name, group->name_bytes);
    }
    qsort(groups, group_count, sizeof *groups, compare_groups);
    return group_count;
}

// "worker" of worker-1, worker-2; "thread" where the names have nothing in common, or say only the
// program's name, which a thread has until it is given one.
static void put_group_name(FILE *out, const struct ms_summary *summary, const struct group *group) {
    char name[17];
    const struct ms_thread *first = &summary->threads[0];
    size_t length = group->name_bytes;
    if (group->threads > 1 && group->first->name[length] != '\0')
        while (length > 0 && strchr("0123456789-_.#:/ ", group->first->name[length - 1]))
            length--;
    snprintf(name, sizeof name, "%.*s", (int)length, group->first->name);
    if (group->first->index == 0)
        fputs("main", out);
    else
        ms_put_clean(out, length > 0 && strcmp(name, first->name) != 0 ? name : "thread");
}

static void put_group(FILE *out, const struct ms_summary *summary, const struct group *group) {
    char size[MS_NUMBER_BYTES], count[MS_NUMBER_BYTES];
    put_group_name(out, summary, group);
    if (group->threads > 1)
        fprintf(out, "×%s", ms_format_count(group->threads, count));
    if (group->spawn_site) {
        fputs(" (", out);
        ms_put_place(out, summary, group->spawn_site);
        fputc(')', out);
    }
    fprintf(out, " %s %s", ms_format_bytes(group->peaks, size),
            group->threads > 1 ? "peaks together" : "peak");
}

void ms_put_threads(FILE *out, const struct ms_summary *summary) {
    size_t count = summary->threads_length;
    const struct ms_thread **threads = calloc(count + 1, sizeof *threads);
    struct group *groups = calloc(count + 1, sizeof *groups);
    if (threads && groups && count > 0) {
        for (size_t i = 0; i < count; i++)
            threads[i] = &summary->threads[i];
        qsort(threads, count, sizeof *threads, compare_spawn);
        size_t group_count = group_threads(threads, count, groups);
        fputs("threads: ", out);
        for (size_t i = 0; i < group_count && i < GROUPS_SHOWN; i++) {
            fputs(i ? " · " : "", out);
            put_group(out, summary, &groups[i]);
        }
        if (group_count > GROUPS_SHOWN)
            fprintf(out, " · %zu more groups", group_count - GROUPS_SHOWN);
        fputc('\n', out);
    }
    free(threads);
    free(groups);
}
