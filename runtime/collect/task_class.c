// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "task_class.h"

#include "store/arena.h"
#include "store/intern.h"
#include "store/records.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

// Second words of the thread's lookup table: which kind of entry it is.
// MS_SPAWN_RETURN_ADDRESS of a fold: spawned at a return address, not at a static site.
#define BY_CLASS (1ull << 48) // of a fold: the first word is a class ref
#define TRANSFER (2ull << 48) // the first word is from_ref << 32 | to_ref
#define BY_KIND (4ull << 48)  // + kind << 52: the first word is a function or a name

enum { CONTENT = offsetof(struct memscope_task_class_record, runtime) };

static bool same_class(uint32_t ref, const void *what) {
    const struct memscope_task_class_record *record = ms_ref(ref), *wanted = what;
    const size_t skip = sizeof record->record;
    return record->record.type == MEMSCOPE_RECORD_TASK_CLASS &&
           memcmp((const char *)record + skip, (const char *)wanted + skip, CONTENT - skip) == 0;
}

static uint32_t write_class(const struct memscope_task_class_record *wanted) {
    const size_t skip = sizeof wanted->record;
    uint64_t hash =
        ms_hash(MS_HASH_START, (const char *)wanted + skip, CONTENT - skip) ^ (skip << 1);
    uint32_t ref = ms_intern_find(hash, same_class, wanted);
    if (ref != 0)
        return ref;
    struct memscope_task_class_record *record =
        ms_arena_take(sizeof *record / MEMSCOPE_UNIT_BYTES, true, &ref);
    if (!record)
        return 0;
    memcpy((char *)record + skip, (const char *)wanted + skip, CONTENT - skip);
    record->record.flags = wanted->record.flags;
    ms_arena_publish(record, MEMSCOPE_RECORD_TASK_CLASS);
    ms_intern_add(hash, ref);
    return ref;
}

static uint32_t spawn_site_ref(struct ms_spawn spawn) {
    if (spawn.site) {
        uint32_t ref = ms_acquire(&spawn.site->id);
        if (!ms_ref_is_ours(ref) && (ref = ms_record_site(spawn.site)) != 0)
            ms_release(&spawn.site->id, ref);
        return ref;
    }
    return spawn.return_address
               ? ms_record_foreign_site(MEMSCOPE_SITE_TASK_START, spawn.return_address)
               : 0;
}

MS_COLD static struct memscope_task_fold_record *new_fold(struct ms_lookup *lookup,
                                                          uint32_t class_ref) {
    uint32_t ref;
    int saved_errno = errno;
    struct memscope_task_fold_record *fold =
        ms_arena_take(sizeof *fold / MEMSCOPE_UNIT_BYTES, true, &ref);
    if (fold) {
        fold->class_ref = class_ref;
        fold->thread_ref = ms_tls.record_ref;
        ms_arena_publish(fold, MEMSCOPE_RECORD_TASK_FOLD);
        ms_lookup_add(lookup, class_ref, BY_CLASS, fold);
    }
    errno = saved_errno;
    return fold;
}

struct memscope_task_fold_record *ms_fold_of_class(uint32_t class_ref) {
    struct ms_lookup *lookup = &ms_tls.thread->lookup;
    struct memscope_task_fold_record *fold = ms_lookup_find(lookup, class_ref, BY_CLASS);
    if (fold || class_ref == 0)
        return fold;
    return new_fold(lookup, class_ref);
}

struct memscope_task_fold_record *ms_fold_first(struct memscope_coroutine *coroutine,
                                                struct ms_spawn spawn) {
    struct memscope_task_class_record wanted;
    memset(&wanted, 0, sizeof wanted);
    wanted.record.flags = coroutine->yield_points > 0 ? MEMSCOPE_TASK_CLASS_YIELDS : 0;
    wanted.kind = MEMSCOPE_TASK_COROUTINE;
    wanted.function_ref = ms_record_string(coroutine->function);
    wanted.file_ref = ms_record_string(coroutine->file);
    wanted.line = coroutine->line;
    wanted.column = coroutine->column;
    wanted.promise_type_ref = ms_record_string(coroutine->promise_type);
    wanted.promise_bytes = coroutine->promise_bytes;
    wanted.spawn_site_ref = spawn_site_ref(spawn);
    struct memscope_task_fold_record *fold = ms_fold_of_class(write_class(&wanted));
    if (fold)
        ms_lookup_add(&ms_tls.thread->lookup, (uint64_t)(uintptr_t)coroutine, ms_spawn_word(spawn),
                      fold);
    return fold;
}

// A fiber's function is known by its address alone: its class says module and offset, as a site.
struct memscope_task_fold_record *ms_fold_of_fiber(const void *function, uint32_t flags,
                                                   struct ms_spawn spawn) {
    struct ms_lookup *lookup = &ms_tls.thread->lookup;
    uint64_t a = (uint64_t)(uintptr_t)function | BY_KIND, b = ms_spawn_word(spawn);
    struct memscope_task_fold_record *fold = ms_lookup_find(lookup, a, b);
    if (fold)
        return fold;
    struct memscope_task_class_record wanted;
    memset(&wanted, 0, sizeof wanted);
    wanted.record.flags = flags;
    wanted.kind = MEMSCOPE_TASK_FIBER;
    // Return addresses are looked up one byte before.
    wanted.entry_site_ref =
        ms_record_foreign_site(MEMSCOPE_SITE_TASK_START, (const char *)function + 1);
    wanted.spawn_site_ref = spawn_site_ref(spawn);
    fold = ms_fold_of_class(write_class(&wanted));
    if (fold)
        ms_lookup_add(lookup, a, b, fold);
    return fold;
}

struct memscope_task_fold_record *ms_fold_of_name(enum memscope_task_kind kind, const char *name,
                                                  struct ms_spawn spawn) {
    struct memscope_task_class_record wanted;
    memset(&wanted, 0, sizeof wanted);
    wanted.kind = kind;
    wanted.name_ref = ms_record_string(name); // not by its address, which may be a buffer's
    wanted.spawn_site_ref = spawn_site_ref(spawn);
    return ms_fold_of_class(write_class(&wanted));
}

void ms_fold_late(uint32_t class_ref, uint64_t bytes) {
    struct memscope_task_fold_record *fold = ms_fold_of_class(class_ref);
    if (fold)
        fold->sum[MEMSCOPE_MEASURE_TOTAL] += bytes;
}

void ms_transfer(uint32_t from_ref, uint32_t to_ref, uint64_t bytes, bool after_end) {
    if (!ms_tls.thread)
        return;
    struct ms_lookup *lookup = &ms_tls.thread->lookup;
    uint64_t a = (uint64_t)from_ref << 32 | to_ref;
    struct memscope_transfer_record *transfer = ms_lookup_find(lookup, a, TRANSFER);
    if (!transfer) {
        uint32_t ref;
        transfer = ms_arena_take(sizeof *transfer / MEMSCOPE_UNIT_BYTES, true, &ref);
        if (!transfer)
            return;
        transfer->from_ref = from_ref;
        transfer->to_ref = to_ref;
        transfer->thread_ref = ms_tls.record_ref;
        ms_arena_publish(transfer, MEMSCOPE_RECORD_TRANSFER);
        ms_lookup_add(lookup, a, TRANSFER, transfer);
    }
    transfer->blocks++;
    transfer->bytes += bytes;
    if (after_end) {
        transfer->blocks_after_end++;
        transfer->bytes_after_end += bytes;
    }
    transfer->last_ns = ms_sys_clock_coarse_ns();
}
