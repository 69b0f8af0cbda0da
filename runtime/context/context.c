// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "context.h"

#include "collect/cell.h"
#include "collect/fiber.h"
#include "collect/thread.h"
#include "walk.h"

#include "base/config.h"
#include "store/arena.h"
#include "store/intern.h"
#include "store/modules.h"
#include "store/records.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { MODULES_KEPT = 8, PAGE = 4096 };

// A module that frames were found in lately.
struct known_module {
    struct ms_module_range range;
    uint64_t bias;
    uint32_t ordinal;
};

struct ms_context_memory {
    struct ms_walk walk;
    struct known_module modules[MODULES_KEPT];
    uint32_t next_module;
    uint32_t forgotten; // code_forgotten when `modules` was right
    uint64_t codes[MS_DEPTH_MOST];
    struct ms_starts starts;
    struct ms_unwind_cache cache;
};

static uint32_t contexts_made;
static uint32_t code_forgotten; // how often code went away

void ms_contexts_restart(void) {
    contexts_made = 0;
    ms_modules_restart();
}

static struct ms_context_memory *memory_of(struct ms_thread *thread) {
    if (!thread->contexts) {
        size_t bytes = (sizeof *thread->contexts + PAGE - 1) / PAGE * PAGE;
        ms_release(&thread->contexts, (struct ms_context_memory *)ms_sys_map_anonymous(bytes));
    }
    return thread->contexts;
}

void ms_context_forget(struct ms_context_memory *memory, uintptr_t start, uintptr_t end) {
    if (memory) {
        ms_unwind_forget(&memory->cache, start, end);
        for (unsigned i = 0; i < MS_STARTS; i++)
            ms_store(&memory->starts.slots[i].pc, (uintptr_t)0);
    }
    ms_add(&code_forgotten, 1u);
}

// ---- frames ------------------------------------------------------------------------------------

static const struct known_module *module_of(struct ms_context_memory *memory, uintptr_t address) {
    uint32_t forgotten = ms_load(&code_forgotten);
    if (memory->forgotten != forgotten) {
        memset(memory->modules, 0, sizeof memory->modules);
        memory->forgotten = forgotten;
    }
    for (unsigned i = 0; i < MODULES_KEPT; i++)
        if (address - memory->modules[i].range.start <
            memory->modules[i].range.end - memory->modules[i].range.start)
            return &memory->modules[i];
    struct known_module *module = &memory->modules[memory->next_module++ % MODULES_KEPT];
    memset(module, 0, sizeof *module);
    uint64_t bias = 0;
    uint32_t ref = ms_record_module((const void *)address, &bias); // NOLINT(*-no-int-to-ptr)
    if (ref == 0)
        return NULL;
    const struct memscope_module_record *record = ms_ref(ref);
    module->range = (struct ms_module_range){record->map_start, record->map_end};
    module->bias = bias;
    module->ordinal = record->ordinal;
    return module;
}

static void make_codes(struct ms_context_memory *memory) {
    for (uint32_t i = 0; i < memory->walk.count; i++) {
        uintptr_t address = memory->walk.frames[i];
        const struct known_module *module = module_of(memory, address);
        bool has_ordinal = module && module->ordinal != 0;
        memory->codes[i] = memscope_code(has_ordinal ? module->ordinal : 0,
                                         has_ordinal ? address - module->bias : address);
    }
}

bool ms_context_is_in(uint32_t context_ref, uintptr_t module_start) {
    const struct memscope_context_record *context = ms_ref(context_ref);
    for (uint32_t i = 0; i < context->frame_count; i++)
        if (ms_module_start((uint32_t)(context->frames[i] >> MEMSCOPE_CODE_OFFSET_BITS)) ==
            module_start)
            return true;
    return false;
}

// ---- records -----------------------------------------------------------------------------------

struct content {
    struct memscope_context_record fixed;
    const uint64_t *frames;
};

static bool same_context(uint32_t ref, const void *what) {
    const struct content *content = what;
    const struct memscope_context_record *record = ms_ref(ref);
    return record->record.type == MEMSCOPE_RECORD_CONTEXT &&
           record->record.flags == content->fixed.record.flags &&
           record->site_ref == content->fixed.site_ref &&
           record->awaiter_ref == content->fixed.awaiter_ref &&
           record->frame_count == content->fixed.frame_count &&
           memcmp(record->frames, content->frames,
                  content->fixed.frame_count * sizeof *content->frames) == 0;
}

static uint64_t hash_of(const struct content *content) {
    uint64_t hash = ms_context_seed_of_task((uint64_t)content->fixed.site_ref * MS_KEY_FACTOR,
                                            content->fixed.awaiter_ref);
    for (uint32_t i = 0; i < content->fixed.frame_count; i++)
        hash = ms_context_mix(hash, content->frames[i]);
    return hash ^ hash >> 32;
}

static bool is_full(void) {
    return ms_load(&contexts_made) >= ms_config.contexts;
}

static uint32_t write_context(const struct content *content) {
    uint64_t hash = hash_of(content);
    uint32_t ref = ms_intern_find(hash, same_context, content);
    if (ref != 0)
        return ref;
    size_t frame_bytes = content->fixed.frame_count * sizeof *content->frames;
    size_t bytes = sizeof(struct memscope_context_record) + frame_bytes;
    struct memscope_context_record *record = ms_arena_take(
        (uint32_t)((bytes + MEMSCOPE_UNIT_BYTES - 1) / MEMSCOPE_UNIT_BYTES), true, &ref);
    if (!record)
        return 0;
    const size_t skip = sizeof record->record;
    memcpy((char *)record + skip, (const char *)&content->fixed + skip,
           offsetof(struct memscope_context_record, frames) - skip);
    record->record.flags = content->fixed.record.flags;
    memcpy(record->frames, content->frames, frame_bytes);
    ms_arena_publish(record, MEMSCOPE_RECORD_CONTEXT);
    ms_intern_add(hash, ref);
    ms_add(&contexts_made, 1u);
    return ref;
}

// ---- the cell ----------------------------------------------------------------------------------

// The functions that run a coroutine once it was suspended: its frame begins with them. Of one that
// is leaving the frame may be gone; its class knows them once one of it was seen running. (At its
// final suspend point the first is taken away.)
static void find_resumed(const struct ms_tls *tls, const struct memscope_task_record *task,
                         uintptr_t resumed_out[2]) {
    struct memscope_task_class_record *class = ms_ref(task->class_ref);
    bool is_leaving = ms_task_running(tls) == task && ms_mark_of(tls->top) == MS_MARK_LEAVING;
    if (class->kind != MEMSCOPE_TASK_COROUTINE || (!is_leaving && task->resumes == 0))
        return;
    if (!is_leaving && task->frame_address && ms_load(&class->runtime[0]) == 0) {
        const uintptr_t *frame = (const void *)(uintptr_t)task->frame_address; // NOLINT(*-to-ptr)
        ms_store(&class->runtime[1], ms_load(&frame[1]));
        ms_store(&class->runtime[0], ms_load(&frame[0]));
    }
    resumed_out[0] = ms_load(&class->runtime[0]);
    resumed_out[1] = ms_load(&class->runtime[1]);
}

static struct ms_walk_limits limits_of(const struct ms_tls *tls,
                                       const struct memscope_task_record *task) {
    const struct ms_tasks *tasks = tls->thread->tasks;
    struct ms_walk_limits limits = {.depth = ms_config.depth, .is_fiber = tasks && tasks->fiber};
    limits.has_entry = tls->thread->stack_bytes != 0 && !limits.is_fiber;
    if (task)
        find_resumed(tls, task, limits.resumed);
    return limits;
}

// The key of a stack that frame pointers do not tell: of all that was found instead.
static uint64_t key_of_walk(const struct ms_walk *walk, uint64_t seed) {
    uint64_t key = ms_context_mix(seed, walk->flags + 1);
    for (uint32_t i = 0; i < walk->count; i++)
        key = ms_context_mix(key, walk->frames[i]);
    return key;
}

static const struct ms_walk *walk_of(struct ms_tls *tls, struct ms_context_memory *memory,
                                     const struct ms_context_request *request) {
    struct ms_walk_limits limits = limits_of(tls, request->task);
    ms_walk_stack(&memory->walk, &memory->cache, &memory->starts, *ms_stack_of(tls), request->frame,
                  &limits);
    return &memory->walk;
}

// After walk_of.
static struct content content_of(struct ms_context_memory *memory,
                                 const struct ms_context_request *request) {
    ms_walk_trim(&memory->walk, ms_config.depth);
    make_codes(memory);
    return (struct content){
        .fixed = {.record.flags = memory->walk.flags,
                  .site_ref = request->site_ref,
                  .awaiter_ref = request->task ? request->task->awaiter_ref : 0,
                  .frame_count = memory->walk.count},
        .frames = memory->codes,
    };
}

struct memscope_cell_record *ms_context_find(struct ms_tls *tls,
                                             struct ms_context_request *request) {
    uintptr_t frame = (uintptr_t)request->frame;
    if (MS_UNLIKELY(frame < ms_stack_of(tls)->low) && ms_thread_stack_has_grown(tls, frame))
        request->key =
            ms_context_key(tls, request->seed, request->frame, ms_key_pairs(ms_config.depth));
    struct memscope_cell_record *cell =
        ms_thread_find_hashed(request->key, MS_PLAIN_CONTEXT, request->class_ref);
    if (cell)
        return cell;
    struct ms_context_memory *memory = is_full() ? NULL : memory_of(tls->thread);
    request->memory = memory;
    if (!memory)
        return NULL;
    const struct ms_walk *walk = walk_of(tls, memory, request);
    if (walk->is_chained)
        return NULL;
    request->key = key_of_walk(walk, request->seed);
    return ms_thread_find_hashed(request->key, MS_PLAIN_CONTEXT, request->class_ref);
}

// While a thread has one cell of a site, that cell's peak is the site's; from the second on they
// share a record. No other thread may free blocks of the cell meanwhile.
void ms_context_begin_site_peak(struct memscope_cell_record *cell) {
    uint32_t ref;
    struct memscope_site_peak_record *record =
        ms_arena_take(sizeof *record / MEMSCOPE_UNIT_BYTES, true, &ref);
    if (!record)
        return;
    record->site_ref = cell->site_ref;
    record->thread_ref = cell->thread_ref;
    record->peak_bytes = memscope_cell_peak(cell);
    record->headroom_bytes = cell->headroom_bytes;
    record->remote_freed_bytes = ms_load(&cell->remote_freed_bytes);
    ms_arena_publish(record, MEMSCOPE_RECORD_SITE_PEAK);
    ms_release(&cell->site_peak, (uint64_t)(uintptr_t)record);
}

// A new cell of the calling thread. Where there is no room, or blocks of the first cell may be
// freed right now, the site's peak is within the bounds of its cells'.
static void join_site(struct ms_tls *tls, struct memscope_cell_record *cell) {
    const uint64_t is_first_cell = 8ull << 48; // beside the kinds of task_class.c
    struct ms_lookup *lookup = &tls->thread->lookup;
    struct memscope_cell_record *first = ms_lookup_find(lookup, cell->site_ref, is_first_cell);
    if (!first)
        ms_lookup_add(lookup, cell->site_ref, is_first_cell, cell);
    if (!first && !ms_single_threaded())
        ms_context_begin_site_peak(cell);
    else if (first && first->site_peak == 0 && ms_single_threaded())
        ms_context_begin_site_peak(first);
    if (first)
        cell->site_peak = first->site_peak;
}

static bool is_alike(struct memscope_cell_record *cell, const struct memscope_cell_sample *sample) {
    bool is_sampled = (cell->record.flags & MEMSCOPE_CELL_SAMPLED) != 0;
    return is_sampled == (sample != NULL) &&
           (!sample || (ms_cell_sample(cell)->sample_bytes == sample->sample_bytes &&
                        ms_cell_sample(cell)->interval_bytes == sample->interval_bytes));
}

// Of a context that was met before: its key went away with a library that has come back. Looked for
// in the whole profile, so that libraries can come and go for ever.
static struct memscope_cell_record *forgotten_cell(const struct ms_tls *tls, uint32_t context_ref,
                                                   const struct ms_context_request *request) {
    if (ms_load(&code_forgotten) == 0)
        return NULL;
    uint64_t end = ms_load(&ms_shared.header->arena_end_units);
    for (uint64_t unit = context_ref - ms_shared.ref_base; unit < end;) {
        struct memscope_cell_record *cell = ms_ref(ms_shared.ref_base + (uint32_t)unit);
        bool is_record = cell->record.magic == MEMSCOPE_RECORD_MAGIC; // else it begins just now
        if (is_record && cell->record.type == MEMSCOPE_RECORD_CELL &&
            cell->context_ref == context_ref && cell->class_ref == request->class_ref &&
            cell->thread_ref == tls->record_ref && is_alike(cell, request->sample))
            return cell;
        unit += is_record ? cell->record.units : 1;
    }
    return NULL;
}

struct memscope_cell_record *ms_context_new(struct ms_tls *tls,
                                            const struct ms_context_request *request) {
    if (!request->memory || request->site_ref == 0)
        return NULL;
    struct content content = content_of(request->memory, request);
    uint32_t cell_ref, context_ref = write_context(&content);
    uint8_t flags = request->class_ref ? MEMSCOPE_CELL_TASK : 0;
    if (context_ref == 0)
        return NULL;
    struct memscope_cell_record *cell = forgotten_cell(tls, context_ref, request);
    if (cell) {
        ms_thread_remember_again(request->key, cell);
        return cell;
    }
    cell = request->sample
               ? ms_cell_new_sampled(request->site_ref, tls->record_ref, flags, request->sample)
               : ms_cell_new(request->site_ref, tls->record_ref, flags, true, &cell_ref);
    if (!cell)
        return NULL;
    cell->class_ref = request->class_ref;
    cell->context_ref = context_ref;
    if (!request->sample)
        join_site(tls, cell);
    (void)ms_thread_remember_hashed(request->key, MS_PLAIN_CONTEXT, cell);
    return cell;
}

void ms_context_verify(struct ms_tls *tls, const struct ms_context_request *request,
                       uint32_t context_ref) {
    struct ms_context_memory *memory = memory_of(tls->thread);
    bool is_leaving = ms_mark_of(tls->top) == MS_MARK_LEAVING; // may know less than others
    if (!memory || request->memory || is_leaving)              // memory: walked just now
        return;
    const struct memscope_context_record *record = ms_ref(context_ref);
    struct ms_context_request known = *request;
    known.site_ref = record->site_ref;
    bool is_chained = walk_of(tls, memory, request)->is_chained;
    struct content content = content_of(memory, &known);
    if (!is_chained || !same_context(context_ref, &content))
        ms_count_loss(MEMSCOPE_LOSS_context_collisions, 1);
}

// ---- awaiters ----------------------------------------------------------------------------------

static bool same_awaiter(uint32_t ref, const void *what) {
    const struct memscope_awaiter_record *record = ms_ref(ref), *wanted = what;
    return record->record.type == MEMSCOPE_RECORD_AWAITER &&
           record->class_ref == wanted->class_ref && record->awaiter_ref == wanted->awaiter_ref &&
           record->line == wanted->line;
}

// The latest that were asked for. A forebear's, before a fork, is none of ours.
enum { AWAITERS_RECENT = 256 };
static uint32_t recent_awaiters[AWAITERS_RECENT];

static inline uint32_t *recent_awaiter(const struct memscope_awaiter_record *wanted) {
    uint32_t mixed = wanted->class_ref + 7 * wanted->awaiter_ref + wanted->line;
    return &recent_awaiters[mixed % AWAITERS_RECENT];
}

MS_NOINLINE static uint32_t find_awaiter(const struct memscope_awaiter_record *wanted) {
    uint32_t class_ref = wanted->class_ref, awaiter_ref = wanted->awaiter_ref;
    const uint64_t is_awaiter = 1ull << 63;
    const struct memscope_awaiter_record *below = awaiter_ref ? ms_ref(awaiter_ref) : NULL;
    if (below && below->depth >= ms_config.depth) // its own end is as good as this one's
        return awaiter_ref;
    uint32_t *recent = recent_awaiter(wanted);
    uint64_t hash = ms_context_mix(((uint64_t)class_ref << 32 | awaiter_ref) * MS_KEY_FACTOR,
                                   is_awaiter | wanted->line);
    uint32_t ref = ms_intern_find(hash, same_awaiter, wanted);
    if (ref != 0) {
        ms_release(recent, ref);
        return ref;
    }
    int saved_errno = errno; // hooks that find a parent come here
    struct memscope_awaiter_record *record =
        ms_arena_take((sizeof *record + MEMSCOPE_UNIT_BYTES - 1) / MEMSCOPE_UNIT_BYTES, true, &ref);
    if (!record) {
        errno = saved_errno;
        return 0;
    }
    record->class_ref = class_ref;
    record->awaiter_ref = awaiter_ref;
    record->line = wanted->line;
    record->depth = below ? below->depth + 1 : 1;
    ms_arena_publish(record, MEMSCOPE_RECORD_AWAITER);
    ms_intern_add(hash, ref);
    errno = saved_errno;
    return ref;
}

uint32_t ms_context_awaiter(uint32_t class_ref, uint32_t awaiter_ref, uint32_t line) {
    const struct memscope_awaiter_record wanted = {
        .class_ref = class_ref, .awaiter_ref = awaiter_ref, .line = line};
    uint32_t known = ms_acquire(recent_awaiter(&wanted));
    if (MS_LIKELY(known != 0 && ms_ref_is_ours(known) && same_awaiter(known, &wanted)))
        return known;
    return find_awaiter(&wanted);
}
