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
    if (ms_shared.depth != 0 || !is_its_own || (tls->special & MS_SPECIAL_TASKS))
        return;
    uint64_t key = ms_fast_key(tls, ms_context_seed(origin.site), origin.frame);
    if (!ms_thread_find_hashed(key, MS_PLAIN_ALIAS, 0))
        (void)ms_thread_remember_hashed(key, MS_PLAIN_ALIAS, cell);
}

// The calling thread's cell for an origin and the class of the task that allocates (0 = root).
static struct memscope_cell_record *cell_for_site(struct ms_tls *tls, struct ms_origin origin,
                                                  uint32_t class_ref) {
    uint32_t site_ref = 0;
    uint64_t key = origin.key;
    if (origin.site)
        key = site_ref = ms_origin_site_ref(&origin);
    if (key == 0)
        return ms_overflow_cell();
    if (class_ref)
        key = ms_task_key(key, class_ref);
    struct memscope_cell_record *cell = ms_thread_find(key, class_ref);
    if (cell)
        return cell;
    if (!origin.site)
        site_ref = origin.key & MS_KEY_FOREIGN ? ms_origin_site_ref(&origin) : (uint32_t)origin.key;
    if (site_ref == 0)
        return ms_overflow_cell();
    uint32_t cell_ref;
    uint8_t flags = class_ref ? MEMSCOPE_CELL_TASK : 0;
    cell = ms_cell_new(site_ref, tls->record_ref, flags, true, &cell_ref);
    if (cell) {
        cell->class_ref = class_ref;
        (void)ms_thread_remember(key, cell);
    }
    return cell ? cell : ms_overflow_cell();
}

struct memscope_cell_record *ms_cell_for(struct ms_tls *tls, struct ms_origin origin,
                                         const struct memscope_task_record *task) {
    uint32_t class_ref = task ? task->class_ref : 0;
    if (ms_shared.depth == 0 || !origin.frame) {
        struct memscope_cell_record *cell = cell_for_site(tls, origin, class_ref);
        if (!(cell->record.flags & MEMSCOPE_CELL_ATOMIC))
            remember_for_fast_path(tls, origin, cell);
        return cell;
    }
    struct ms_context_request request = {
        .frame = origin.frame, .task = ms_task_running(tls), .class_ref = class_ref};
    request.seed = ms_seed_of(origin, request.task);
    request.key = ms_context_key(tls, request.seed, origin.frame, ms_key_pairs(ms_shared.depth));
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
    return cell_for_site(tls, origin, class_ref);
}
