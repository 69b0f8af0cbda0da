// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts: cells by their stacks, named. Cells of the same site, task and named frames are one
// context. All by sorting and hashing, so that no profile, however odd, costs more than n log n.

#include "contexts_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNTIME_LIBRARY "/libmemscope_rt"

struct ms_context_store {
    struct ms_arena arena; // frame_numbers
    struct ms_frame_pool pool;
};

struct work {
    struct ms_context_work frames;
    struct ms_contexts *contexts;
    struct ms_context_use *uses;
    size_t use_count;
    struct ms_stack stack;
    uint32_t *numbers; // of its frames
    uint32_t number_capacity;
    struct ms_peak_bounds *bounds;    // by context
    const struct ms_thread **threads; // by context; NULL = none yet, or several
    uint32_t *slots;                  // hash table of context indexes + 1
    size_t slot_count;
};

static int order_numbers(uint64_t a, uint64_t b) {
    return (a > b) - (a < b);
}

// --- cells -------------------------------------------------------------------------------------

static size_t place_of(const struct ms_summary *summary, uint32_t ref, uint8_t type) {
    return summary->place[ms_unit_of(summary->profile, ref, type)];
}

static struct ms_context_use use_of(const struct ms_summary *summary, uint32_t unit,
                                    uint32_t context) {
    const struct memscope_cell_record *cell = (const void *)ms_at(summary->profile, unit);
    size_t site = summary->place[unit]; // it moved out of a wrapper
    if (!site)
        site = place_of(summary, cell->site_ref, MEMSCOPE_RECORD_SITE);
    size_t thread = place_of(summary, cell->thread_ref, MEMSCOPE_RECORD_THREAD);
    bool is_task = cell->record.flags & MEMSCOPE_CELL_TASK;
    const struct ms_site *spawn = thread ? summary->threads[thread - 1].spawn_site : NULL;
    return (struct ms_context_use){
        .unit = context,
        .site = site ? (uint32_t)site - 1 : 0, // that of unknown sites
        .task =
            is_task ? (uint32_t)place_of(summary, cell->class_ref, MEMSCOPE_RECORD_TASK_CLASS) : 0,
        .spawn = !is_task && spawn ? (uint32_t)(spawn - summary->sites) + 1 : 0,
        .thread = (uint32_t)thread,
        .cell = unit,
        .bytes = cell->bytes,
    };
}

static bool take_uses(struct work *work) {
    const struct ms_summary *summary = work->frames.summary;
    const struct ms_profile *profile = summary->profile;
    struct ms_peak_bounds without = {0};
    size_t count = 0;
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++)
        count += profile->types[unit] == MEMSCOPE_RECORD_CELL;
    work->uses = calloc(count + 1, sizeof *work->uses);
    for (uint32_t unit = MS_FIRST_UNIT; work->uses && unit < profile->end_unit; unit++) {
        if (profile->types[unit] != MEMSCOPE_RECORD_CELL)
            continue;
        const struct memscope_cell_record *cell = (const void *)ms_at(profile, unit);
        uint32_t context = ms_unit_of(profile, cell->context_ref, MEMSCOPE_RECORD_CONTEXT);
        struct ms_counts counts;
        if (!ms_cell_share(summary, unit, &counts))
            continue;
        if (context)
            work->uses[work->use_count++] = use_of(summary, unit, context);
        else
            ms_counts_add(&work->contexts->without, &counts, &without);
    }
    ms_counts_bound_peak(&work->contexts->without, &without);
    work->contexts->key_count = work->use_count;
    return work->uses != NULL;
}

// --- contexts ----------------------------------------------------------------------------------

static uint64_t hash_stack(const struct ms_frame_pool *pool, const struct ms_context *context) {
    uint64_t hash = ms_mix((uintptr_t)context->site, (uintptr_t)context->task);
    for (uint32_t i = 0; i < context->frame_count; i++)
        hash = ms_mix(hash, pool->hashes[context->frame_numbers[i]]);
    return hash;
}

static bool same_context(const struct ms_frame_pool *pool, const struct ms_context *a,
                         const struct ms_context *b) {
    if (a->site != b->site || a->task != b->task || a->frame_count != b->frame_count)
        return false;
    for (uint32_t i = 0; i < a->frame_count; i++)
        if (a->frame_numbers[i] != b->frame_numbers[i] &&
            !ms_same_stack_frame(&pool->frames[a->frame_numbers[i]],
                                 &pool->frames[b->frame_numbers[i]]))
            return false;
    return true;
}

// The context of these frames, a new one where there was none; NULL = out of memory.
static struct ms_context *find_context(struct work *work, const struct ms_context *wanted) {
    struct ms_contexts *contexts = work->contexts;
    const struct ms_frame_pool *pool = &contexts->store->pool;
    size_t at = hash_stack(pool, wanted) & (work->slot_count - 1);
    for (; work->slots[at]; at = (at + 1) & (work->slot_count - 1))
        if (same_context(pool, &contexts->items[work->slots[at] - 1], wanted))
            return &contexts->items[work->slots[at] - 1];
    size_t bytes = wanted->frame_count * sizeof *wanted->frame_numbers;
    uint32_t *numbers = ms_arena_take(&contexts->store->arena, bytes);
    if (!numbers)
        return NULL;
    if (bytes > 0)
        memcpy(numbers, wanted->frame_numbers, bytes);
    struct ms_context *context = &contexts->items[contexts->count++];
    work->slots[at] = (uint32_t)contexts->count;
    *context = *wanted;
    context->frame_numbers = numbers;
    return context;
}

static bool number_frames(struct work *work) {
    const struct ms_stack *stack = &work->stack;
    if (work->number_capacity < stack->count) {
        uint32_t *numbers = realloc(work->numbers, stack->capacity * sizeof *numbers);
        if (!numbers)
            return false;
        work->numbers = numbers;
        work->number_capacity = stack->capacity;
    }
    for (uint32_t i = 0; i < stack->count; i++) {
        work->numbers[i] = ms_frame_pool_number(&work->contexts->store->pool, &stack->frames[i]);
        if (work->numbers[i] == MS_NO_NUMBER)
            return false;
    }
    return true;
}

static const char *task_label(const struct work *work, const struct ms_task_class *task_class) {
    if (!task_class)
        return NULL;
    const char *function = ms_task_class_frame(work->frames.summary, task_class).function;
    const char *label = task_class->name ? task_class->name : function;
    return ms_symbols_text(work->frames.summary->symbols,
                           label ? label : ms_task_kind_name(task_class->kind));
}

static const char *thread_label(const struct work *work, const struct ms_thread *thread) {
    char number[32];
    if (!thread)
        return NULL;
    snprintf(number, sizeof number, "thread %u", (unsigned)thread->index);
    return ms_symbols_text(work->frames.summary->symbols, thread->index == 0 ? "main"
                                                          : thread->name[0]  ? thread->name
                                                                             : number);
}

static int compare_stacks(const struct ms_context_use *a, const struct ms_context_use *b) {
    const uint32_t pairs[][2] = {
        {a->unit, b->unit}, {a->site, b->site}, {a->task, b->task}, {a->spawn, b->spawn}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (pairs[i][0] != pairs[i][1])
            return order_numbers(pairs[i][0], pairs[i][1]);
    return 0;
}

static int compare_uses(const void *left, const void *right) {
    const struct ms_context_use *a = left, *b = right;
    int difference = compare_stacks(a, b);
    return difference ? difference : order_numbers(a->cell, b->cell);
}

static struct ms_context *make_context(struct work *work, const struct ms_context_use *use) {
    const struct ms_summary *summary = work->frames.summary;
    struct ms_stack_source source = {
        .record = (const void *)ms_at(summary->profile, use->unit),
        .site = &summary->sites[use->site],
        .task_class = use->task ? &summary->tasks->classes[use->task - 1] : NULL,
        .thread_spawn = use->spawn ? &summary->sites[use->spawn - 1] : NULL,
    };
    ms_stack_make(&work->stack, &work->frames, &source);
    if (work->stack.failed || !number_frames(work))
        return NULL;
    struct ms_context wanted = {
        .id = summary->profile->header.ref_base + use->unit,
        .site = source.site,
        .flags = work->stack.flags,
        .frame_count = work->stack.count,
        .frame_numbers = work->numbers,
        .task = task_label(work, source.task_class),
    };
    struct ms_context *context = find_context(work, &wanted);
    if (context)
        context->flags |= wanted.flags;
    if (source.record->frame_count > work->contexts->deepest)
        work->contexts->deepest = source.record->frame_count;
    return context;
}

static void add_cell(struct work *work, struct ms_context *context,
                     const struct ms_context_use *use) {
    const struct ms_summary *summary = work->frames.summary;
    size_t index = (size_t)(context - work->contexts->items);
    const struct ms_thread *thread = use->thread ? &summary->threads[use->thread - 1] : NULL;
    bool first = work->bounds[index].cells == 0;
    struct ms_counts counts;
    if (ms_cell_share(summary, use->cell, &counts))
        ms_counts_add(&context->counts, &counts, &work->bounds[index]);
    if (first)
        work->threads[index] = thread;
    else if (work->threads[index] != thread)
        work->threads[index] = NULL;
}

static bool take_contexts(struct work *work) {
    struct ms_contexts *contexts = work->contexts;
    size_t count = work->use_count;
    for (work->slot_count = 64; work->slot_count < 2 * count;)
        work->slot_count *= 2;
    contexts->items = calloc(count + 1, sizeof *contexts->items);
    work->bounds = calloc(count + 1, sizeof *work->bounds);
    work->threads = calloc(count + 1, sizeof *work->threads);
    work->slots = calloc(work->slot_count, sizeof *work->slots);
    if (!contexts->items || !work->bounds || !work->threads || !work->slots)
        return false;
    qsort(work->uses, count, sizeof *work->uses, compare_uses);
    for (size_t i = 0; i < count;) {
        const struct ms_context_use *first = &work->uses[i];
        struct ms_context *context = make_context(work, first);
        if (!context)
            return false;
        while (i < count && compare_stacks(first, &work->uses[i]) == 0)
            add_cell(work, context, &work->uses[i++]);
    }
    return true;
}

static int compare_contexts(const void *left, const void *right) {
    const struct ms_context *a = left, *b = right;
    if (a->site != b->site)
        return a->site < b->site ? -1 : 1;
    if (a->counts.bytes != b->counts.bytes)
        return a->counts.bytes > b->counts.bytes ? -1 : 1;
    if (a->id != b->id)
        return order_numbers(a->id, b->id);
    // Of one record: what they differ in is the last frame, where the thread was started.
    if (a->frame_count == 0 || b->frame_count == 0)
        return order_numbers(a->frame_count, b->frame_count);
    const struct ms_stack_frame *x = ms_context_frame(a, a->frame_count - 1);
    const struct ms_stack_frame *y = ms_context_frame(b, b->frame_count - 1);
    int difference = x->file && y->file ? strcmp(x->file, y->file) : !x->file - !y->file;
    return difference ? difference : order_numbers(x->line, y->line);
}

static void finish(struct work *work) {
    struct ms_contexts *contexts = work->contexts;
    contexts->distinct_frames = contexts->store->pool.count;
    for (size_t i = 0; i < contexts->count; i++) {
        struct ms_context *context = &contexts->items[i];
        context->frames = contexts->store->pool.frames;
        ms_counts_bound_peak(&context->counts, &work->bounds[i]);
        context->thread = thread_label(work, work->threads[i]);
        contexts->cut_count += (context->flags & MEMSCOPE_CONTEXT_CUT) != 0;
        contexts->broken_count +=
            (context->flags & (MEMSCOPE_CONTEXT_BROKEN | MEMSCOPE_CONTEXT_FOREIGN_STACK)) != 0;
    }
    qsort(contexts->items, contexts->count, sizeof *contexts->items, compare_contexts);
}

// --- the whole ---------------------------------------------------------------------------------

bool ms_context_work_begin(struct ms_context_work *work) {
    const struct ms_summary *summary = work->summary;
    work->modules = calloc(MS_ORDINALS, sizeof *work->modules);
    if (!work->modules)
        return false;
    for (size_t i = summary->module_count; i-- > 0;)
        if (summary->modules[i].ordinal > 0 && summary->modules[i].ordinal < MS_ORDINALS)
            work->modules[summary->modules[i].ordinal] = (uint32_t)i + 1;
    for (size_t i = 0; i < summary->module_count && !work->runtime; i++) {
        const char *path = summary->modules[i].path, *slash = path ? strrchr(path, '/') : NULL;
        if (slash && strncmp(slash, RUNTIME_LIBRARY, strlen(RUNTIME_LIBRARY)) == 0)
            work->runtime = &summary->modules[summary->modules[i].first];
    }
    return true;
}

static bool begin(struct work *work) {
    const struct ms_summary *summary = work->frames.summary;
    work->contexts = calloc(1, sizeof *work->contexts);
    if (!work->contexts || !ms_context_work_begin(&work->frames))
        return false;
    work->contexts->summary = summary;
    work->contexts->store = calloc(1, sizeof *work->contexts->store);
    return work->contexts->store != NULL;
}

memscope_status ms_contexts_create(const struct ms_summary *summary,
                                   const struct ms_resolve_options *options,
                                   struct ms_contexts **contexts_out) {
    struct work work = {.frames.summary = summary};
    memscope_status status = MEMSCOPE_OUT_OF_MEMORY, asked = MEMSCOPE_OK;
    *contexts_out = NULL;
    if (begin(&work) && take_uses(&work)) {
        if (options)
            asked = ms_contexts_want_names(&work.frames, work.uses, work.use_count)
                        ? ms_symbols_ask(summary, options)
                        : MEMSCOPE_OUT_OF_MEMORY;
        if (asked != MEMSCOPE_OUT_OF_MEMORY && take_contexts(&work)) {
            finish(&work);
            status = options ? ms_contexts_find_unresolved(work.contexts) : MEMSCOPE_OK;
        }
    }
    free(work.frames.modules);
    free(work.uses);
    free(work.stack.frames);
    free(work.numbers);
    free(work.bounds);
    free(work.threads);
    free(work.slots);
    if (status != MEMSCOPE_OK) {
        ms_contexts_destroy(work.contexts);
        return status;
    }
    *contexts_out = work.contexts;
    return asked;
}

double ms_contexts_collision_bound(const struct ms_contexts *contexts) {
    double keys = (double)contexts->key_count;
    return keys * keys / 0x1p65;
}

// NULL stays NULL, and is what comes back without memory.
static const char *folded(struct ms_symbols *symbols, const char *name, bool *failed) {
    if (!name || !strchr(name, '<'))
        return name;
    size_t bytes = strlen(name);
    char *text = malloc(MS_FOLDED_BYTES(bytes));
    if (text)
        (void)ms_fold_template_arguments(name, name + bytes, text);
    const char *kept = text ? ms_symbols_text(symbols, text) : NULL;
    *failed |= !kept;
    free(text);
    return kept;
}

memscope_status ms_contexts_fold_templates(struct ms_contexts *contexts) {
    struct ms_symbols *symbols = contexts->summary->symbols;
    struct ms_frame_pool *pool = &contexts->store->pool;
    const char *task = NULL, *folded_task = NULL; // of the context before: most are of few tasks
    bool failed = false;
    for (uint32_t i = 0; i < pool->count; i++)
        pool->frames[i].function = folded(symbols, pool->frames[i].function, &failed);
    for (size_t i = 0; i < contexts->count; i++) {
        if (contexts->items[i].task != task) {
            task = contexts->items[i].task;
            folded_task = folded(symbols, task, &failed);
        }
        contexts->items[i].task = folded_task;
    }
    return failed ? MEMSCOPE_OUT_OF_MEMORY : MEMSCOPE_OK;
}

void ms_contexts_destroy(struct ms_contexts *contexts) {
    if (!contexts)
        return;
    if (contexts->store) {
        ms_arena_free(&contexts->store->arena);
        ms_frame_pool_release(&contexts->store->pool);
    }
    free(contexts->store);
    free(contexts->items);
    free(contexts->unresolved);
    free(contexts);
}
