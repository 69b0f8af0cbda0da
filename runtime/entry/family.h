// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One definition of each function of the malloc family, inlined twice: into the hook that rewritten
// calls reach (hooks.c) and into the interposed function that all others reach (interpose.c). What
// is counted is what was asked for, also where more goes on to the allocator.

#ifndef MS_FAMILY_H
#define MS_FAMILY_H

#include "count.h"
#include "real.h"

#include <errno.h>
#include <stdint.h>

MS_HOT size_t ms_padded(size_t bytes) {
    return bytes < ms_real.least_bytes ? ms_real.least_bytes : bytes;
}

MS_HOT void *ms_do_malloc(size_t bytes, struct ms_origin origin) {
    void *block = ms_real.malloc(bytes);
    return ms_note_allocation(block, bytes, origin);
}

MS_HOT void *ms_do_calloc(size_t count, size_t size, struct ms_origin origin) {
    size_t bytes;
    void *block;
    if (MS_UNLIKELY(__builtin_mul_overflow(count, size, &bytes)) || bytes >= ms_real.least_bytes)
        block = ms_real.calloc(count, size);
    else
        block = ms_real.calloc(1, ms_real.least_bytes);
    return ms_note_allocation(block, bytes, origin);
}

// The record is taken before the allocator can hand the address to another thread.
MS_HOT void ms_do_free(void *block) {
    if (MS_LIKELY(ms_note_free_of(block, ms_shadow_take(block))))
        ms_real.free(block);
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
    void *moved = MS_LIKELY(bytes) ? ms_real.realloc(block, ms_padded(bytes))
                                   : ms_real_realloc_to_nothing(block);
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
    void *block = ms_real.aligned_alloc(alignment, ms_padded(bytes));
    return ms_note_allocation(block, bytes, origin);
}

MS_HOT void *ms_do_memalign(size_t alignment, size_t bytes, struct ms_origin origin) {
    void *block = ms_real.memalign(alignment, ms_padded(bytes));
    return ms_note_allocation(block, bytes, origin);
}

MS_HOT int ms_do_posix_memalign(void **out, size_t alignment, size_t bytes,
                                struct ms_origin origin) {
    int error = ms_real.posix_memalign(out, alignment, ms_padded(bytes));
    (void)ms_note_allocation(error == 0 ? *out : NULL, bytes, origin);
    return error;
}

// Where the program's allocator has none, the page-aligned functions are made from memalign.
enum { MS_USUAL_PAGE = 4096 };

MS_HOT void *ms_do_valloc(size_t bytes, struct ms_origin origin) {
    if (!ms_real.valloc)
        return ms_do_memalign(MS_USUAL_PAGE, bytes, origin);
    void *block = ms_real.valloc(ms_padded(bytes));
    return ms_note_allocation(block, bytes, origin);
}

MS_HOT void *ms_do_pvalloc(size_t bytes, struct ms_origin origin) {
    if (!ms_real.pvalloc)
        return ms_do_memalign(MS_USUAL_PAGE, (bytes + MS_USUAL_PAGE - 1) & -(size_t)MS_USUAL_PAGE,
                              origin);
    void *block = ms_real.pvalloc(ms_padded(bytes));
    return ms_note_allocation(block, bytes, origin);
}

#endif
