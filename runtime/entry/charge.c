// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "charge.h"

#include "base/config.h"
#include "collect/thread.h"
#include "context/context.h"
#include "store/records.h"

uint32_t ms_origin_site_ref(struct ms_origin *origin) {
    if (!origin->site)
        return ms_record_foreign_site(MEMSCOPE_SITE_FOREIGN,
                                      (const void *)(uintptr_t)(origin->key & ~MS_KEY_FOREIGN));
    uint32_t ref = ms_load(&origin->site->id);
    if (ms_ref_is_ours(ref))
        return ref;
    if ((ref = ms_record_site(origin->site)) != 0)
        ms_release(&origin->site->id, ref);
    return ref;
}

struct memscope_cell_record *ms_overflow_cell(void) {
    ms_count_loss(MEMSCOPE_LOSS_overflow_events, 1);
    return ms_ref(ms_shared.header->overflow_ref);
}

// Without contexts, the fast path looks for a site and a return address: of a call that stands more
// than once in the code, each leads to the one cell.
static void remember_for_fast_path(struct ms_tls *tls, struct ms_origin origin,
                                   struct memscope_cell_record *cell) {
    bool is_its_own = origin.frame && (origin.site || (origin.key & MS_KEY_FOREIGN));
    if (ms_load(&ms_shared.depth) != 0 || !is_its_own || (tls->special & MS_SPECIAL_TASKS))
        return;
    uint64_t key = ms_fast_key(tls, ms_context_seed(origin.site), origin.frame);
    if (!ms_thread_find_hashed(key, MS_PLAIN_ALIAS, 0))
        (void)ms_thread_remember_hashed(key, MS_PLAIN_ALIAS, cell);
}

static struct memscope_cell_record *new_cell(const struct ms_tls *tls, uint32_t site_ref,
                                             uint32_t class_ref,
                                             const struct memscope_cell_sample *sample) {
    uint32_t cell_ref;
    uint8_t flags = class_ref ? MEMSCOPE_CELL_TASK : 0;
    if (site_ref == ms_shared.header->unsampled_site_ref)
        flags |= MEMSCOPE_CELL_UNSAMPLED;
    struct memscope_cell_record *cell =
        sample ? ms_cell_new_sampled(site_ref, tls->record_ref, flags, sample)
               : ms_cell_new(site_ref, tls->record_ref, flags, true, &cell_ref);
    if (cell)
        cell->class_ref = class_ref;
    return cell;
}

// What a sampled cell is found by, beside what others are.
static uint64_t key_of_sample(uint64_t key, const struct memscope_cell_sample *sample) {
    return ms_context_mix(ms_context_mix(key, sample->sample_bytes), sample->interval_bytes);
}

// The calling thread's cell for an origin and the class of the task that allocates (0 = root).
// `sample` NULL: it stands for itself alone.
static struct memscope_cell_record *cell_for_site(struct ms_tls *tls, struct ms_origin origin,
                                                  uint32_t class_ref,
                                                  const struct memscope_cell_sample *sample) {
    uint32_t site_ref = 0;
    uint64_t plain = origin.key;
    if (origin.site)
        plain = site_ref = ms_origin_site_ref(&origin);
    if (plain == 0)
        return ms_overflow_cell();
    if (class_ref)
        plain = ms_task_key(plain, class_ref);
    uint64_t key = ms_key_of_plain(plain);
    if (sample) {
        key = key_of_sample(key, sample);
        plain = MS_PLAIN_SAMPLE;
    }
    struct memscope_cell_record *cell = ms_thread_find_hashed(key, plain, class_ref);
    if (cell)
        return cell;
    if (!origin.site)
        site_ref = origin.key & MS_KEY_FOREIGN ? ms_origin_site_ref(&origin) : (uint32_t)origin.key;
    if (site_ref == 0)
        return ms_overflow_cell();
    cell = new_cell(tls, site_ref, class_ref, sample);
    if (cell)
        (void)ms_thread_remember_hashed(key, plain, cell);
    return cell ? cell : ms_overflow_cell();
}

// From now on those that are not sampled take the way of count_sampled.h.
static void sample_by_fast_path(struct ms_tls *tls, struct memscope_cell_record *cell) {
    struct ms_sampler *sampler = &tls->thread->sampler;
    sampler->unsampled_brief = ms_brief_of(cell);
    sampler->unsampled = cell;
    ms_cell_keep_peak(cell, ms_epoch()); // from now on it is saved at once
    if (ms_single_threaded())
        ms_direct_sample(sampler->unsampled_brief);
    if (!(tls->special & MS_SPECIAL_TASKS))
        tls->special = (tls->special & ~MS_SPECIAL_TICK) | MS_SPECIAL_SAMPLES;
}

// Of all blocks that are not sampled.
static struct memscope_cell_record *unsampled_cell(struct ms_tls *tls, uint32_t class_ref) {
    struct ms_origin origin = {.key = ms_shared.header->unsampled_site_ref};
    struct memscope_cell_record *cell = cell_for_site(tls, origin, class_ref, NULL);
    if (class_ref == 0 && !(cell->record.flags & MEMSCOPE_CELL_ATOMIC))
        sample_by_fast_path(tls, cell);
    return cell;
}

static struct memscope_cell_record *cell_for_context(struct ms_tls *tls, struct ms_origin origin,
                                                     uint32_t class_ref,
                                                     const struct memscope_cell_sample *sample) {
    struct ms_context_request request = {.frame = origin.frame,
                                         .task = ms_task_running(tls),
                                         .class_ref = class_ref,
                                         .sample = sample};
    request.seed = ms_seed_of(origin, request.task);
    if (sample)
        request.seed = key_of_sample(request.seed, sample);
    request.key = ms_context_key(tls, request.seed, origin.frame, ms_key_pairs(ms_config.depth));
    struct memscope_cell_record *cell = ms_context_find(tls, &request);
    if (cell) {
        if (MS_UNLIKELY(ms_config.verify))
            ms_context_verify(tls, &request, cell->context_ref);
        return cell;
    }
    if (origin.site || (origin.key & MS_KEY_FOREIGN))
        request.site_ref = ms_origin_site_ref(&origin);
    else
        request.site_ref = (uint32_t)origin.key;
    if ((cell = ms_context_new(tls, &request)) != NULL)
        return cell;
    ms_count_loss(MEMSCOPE_LOSS_events_without_context, 1);
    return cell_for_site(tls, origin, class_ref, sample);
}

struct memscope_cell_record *ms_cell_for(struct ms_tls *tls, struct ms_origin origin,
                                         const struct memscope_task_record *task, size_t bytes) {
    uint32_t class_ref = task ? task->class_ref : 0;
    struct memscope_cell_sample by, *sample = NULL;
    if (MS_UNLIKELY(tls->thread->sampler.is_on)) {
        struct ms_sampler *sampler = &tls->thread->sampler;
        if (!ms_sampler_take(sampler, bytes))
            return unsampled_cell(tls, class_ref);
        by = (struct memscope_cell_sample){.interval_bytes = sampler->interval_bytes,
                                           .sample_bytes = memscope_sample_bytes(bytes)};
        sample = &by;
    }
    if (ms_load(&ms_shared.depth) != 0 && origin.frame)
        return cell_for_context(tls, origin, class_ref, sample);
    struct memscope_cell_record *cell = cell_for_site(tls, origin, class_ref, sample);
    if (!sample && !(cell->record.flags & MEMSCOPE_CELL_ATOMIC))
        remember_for_fast_path(tls, origin, cell);
    return cell;
}
