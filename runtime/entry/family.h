// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One definition of each function of the malloc family, inlined twice: into the hook that rewritten
// calls reach (hooks.c) and into the interposed function that all others reach (interpose.c). What
// is counted is what was asked for, also where more goes on to the allocator.

#ifndef MS_FAMILY_H
#define MS_FAMILY_H

#ifndef MS_REAL
#define MS_REAL ms_real // interpose.c: ms_next
#endif

#include "count.h"
#include "real.h"

#include <errno.h>
#include <stdint.h>

MS_HOT size_t ms_padded(size_t bytes) {
    return bytes < ms_real.least_bytes ? ms_real.least_bytes : bytes;
}

// All of malloc where something is special, as while samples are taken: the hook has saved nothing
// yet. `site` NULL: foreign.
MS_NOINLINE static void *ms_malloc_special(size_t bytes, struct memscope_site *site) {
    struct ms_tls *tls = &ms_tls;
    void *block = MS_REAL.malloc(bytes);
    if (MS_LIKELY(tls->special == MS_SPECIAL_SAMPLES))
        block = ms_note_sampled(tls, block, bytes, site, ms_frame_here());
    else
        block = ms_note_allocation_special(block, bytes, site, ms_frame_here());
    ms_keep_frame();
    return block;
}

// One look, before: what a signal handler makes special while the allocator runs holds from the
// next event on.
MS_HOT void *ms_do_malloc(size_t bytes, struct ms_origin origin) {
    if (MS_UNLIKELY(ms_tls.special != 0))
        return ms_malloc_special(bytes, origin.site);
    void *block = MS_REAL.malloc(bytes);
    return ms_note_allocation_usual(&ms_tls, block, bytes, origin, ms_frame_here());
}

MS_HOT void *ms_do_calloc(size_t count, size_t size, struct ms_origin origin) {
    size_t bytes;
    void *block;
    if (MS_UNLIKELY(__builtin_mul_overflow(count, size, &bytes)) || bytes >= MS_REAL.least_bytes)
        block = MS_REAL.calloc(count, size);
    else
        block = MS_REAL.calloc(1, MS_REAL.least_bytes);
    return ms_note_allocation(block, bytes, origin);
}

// The record is taken before the allocator can hand the address to another thread.
MS_HOT void ms_do_free(void *block) {
    if (MS_UNLIKELY(ms_tls.special != 0)) {
        ms_settle(); // reads it again: kept at hand it costs the usual way an instruction
        if (ms_tls.special == MS_SPECIAL_SAMPLES)
            ms_free_while_sampling(block, MS_REAL.free);
        else
            ms_free_special(block, MS_REAL.free);
        return;
    }
    char *leaf = ms_shadow_leaf((uintptr_t)block);
    uintptr_t granule = ms_shadow_granule(block);
    uint32_t word = ms_shadow_look(leaf, &granule), bytes;
    struct memscope_cell_record *cell;
    if (MS_UNLIKELY(!ms_cell_of_word(word, &ms_shared.direct_bias, &cell, &bytes))) {
        ms_free_otherwise(block, leaf, granule, MS_REAL.free);
        return;
    }
    ms_store(ms_shadow_at_once(leaf, &granule), 0u);
    if (MS_UNLIKELY(cell->epoch != ms_peek(&ms_shared.fast_epoch))) {
        ms_free_unsaved(block, bytes, cell, MS_REAL.free);
        return;
    }
    ms_free_direct(block, bytes, cell);
    MS_REAL.free(block);
}

// One free of the old block and one allocation of the new size; a realloc(p, 0) that returns NULL
// is a free.
MS_HOT void *ms_do_realloc(void *block, size_t bytes, struct ms_origin origin) {
    if (!block)
        return ms_do_malloc(bytes, origin);
    if (MS_UNLIKELY(ms_real_is_early(block))) {
        void *moved = ms_do_malloc(bytes, origin);
        return moved ? ms_early_move(moved, block, bytes) : NULL;
    }
    uint64_t record = ms_shadow_take(block);
    void *moved = MS_LIKELY(bytes) ? MS_REAL.realloc(block, ms_padded(bytes))
                                   : ms_real_realloc_to_nothing(&MS_REAL, block);
    if (moved || bytes == 0)
        (void)ms_note_free_of(block, record);
    else
        ms_shadow_put_back(block, record);
    return moved || bytes != 0 ? ms_note_allocation(moved, bytes, origin) : NULL;
}

MS_HOT void *ms_do_reallocarray(void *block, size_t count, size_t size, struct ms_origin origin) {
    size_t bytes;
    if (MS_UNLIKELY(__builtin_mul_overflow(count, size, &bytes))) {
        (void)ms_note_allocation(NULL, 0, origin);
        errno = ENOMEM;
        return NULL;
    }
    return ms_do_realloc(block, bytes, origin);
}

MS_HOT void *ms_do_aligned_alloc(size_t alignment, size_t bytes, struct ms_origin origin) {
    void *block = MS_REAL.aligned_alloc(alignment, ms_padded(bytes));
    return ms_note_allocation(block, bytes, origin);
}

MS_HOT void *ms_do_memalign(size_t alignment, size_t bytes, struct ms_origin origin) {
    void *block = MS_REAL.memalign(alignment, ms_padded(bytes));
    return ms_note_allocation(block, bytes, origin);
}

MS_HOT int ms_do_posix_memalign(void **out, size_t alignment, size_t bytes,
                                struct ms_origin origin) {
    int error = MS_REAL.posix_memalign(out, alignment, ms_padded(bytes));
    (void)ms_note_allocation(error == 0 ? *out : NULL, bytes, origin);
    return error;
}

// Where the program's allocator has none, the page-aligned functions are made from memalign.
enum { MS_USUAL_PAGE = 4096 };

MS_HOT void *ms_do_valloc(size_t bytes, struct ms_origin origin) {
    if (!MS_REAL.valloc)
        return ms_do_memalign(MS_USUAL_PAGE, bytes, origin);
    void *block = MS_REAL.valloc(ms_padded(bytes));
    return ms_note_allocation(block, bytes, origin);
}

MS_HOT void *ms_do_pvalloc(size_t bytes, struct ms_origin origin) {
    if (!MS_REAL.pvalloc)
        return ms_do_memalign(MS_USUAL_PAGE, (bytes + MS_USUAL_PAGE - 1) & -(size_t)MS_USUAL_PAGE,
                              origin);
    void *block = MS_REAL.pvalloc(ms_padded(bytes));
    return ms_note_allocation(block, bytes, origin);
}

#endif
