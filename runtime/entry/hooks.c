// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hooks that rewritten calls of the malloc family reach, and the ones around calls that
// allocate somewhere inside (include/memscope/hooks.def). Any thread, signal handlers too.

#include "family.h"
#include "start.h"

#include "base/config.h"
#include "base/text.h"
#include "store/records.h"

// This one and free begin a line of the instruction cache each.
MS_EXPORT MS_ALIGNED(64) void *__memscope_malloc(size_t size, struct memscope_site *site) {
    return ms_do_malloc(size, ms_origin_of(site));
}

MS_EXPORT void *__memscope_calloc(size_t count, size_t size, struct memscope_site *site) {
    return ms_do_calloc(count, size, ms_origin_of(site));
}

MS_EXPORT void *__memscope_realloc(void *ptr, size_t size, struct memscope_site *site) {
    return ms_do_realloc(ptr, size, ms_origin_of(site));
}

MS_EXPORT void *__memscope_reallocarray(void *ptr, size_t count, size_t size,
                                        struct memscope_site *site) {
    return ms_do_reallocarray(ptr, count, size, ms_origin_of(site));
}

MS_EXPORT void *__memscope_aligned_alloc(size_t alignment, size_t size,
                                         struct memscope_site *site) {
    return ms_do_aligned_alloc(alignment, size, ms_origin_of(site));
}

MS_EXPORT int __memscope_posix_memalign(void **out, size_t alignment, size_t size,
                                        struct memscope_site *site) {
    return ms_do_posix_memalign(out, alignment, size, ms_origin_of(site));
}

MS_EXPORT void *__memscope_memalign(size_t alignment, size_t size, struct memscope_site *site) {
    return ms_do_memalign(alignment, size, ms_origin_of(site));
}

MS_EXPORT void *__memscope_valloc(size_t size, struct memscope_site *site) {
    return ms_do_valloc(size, ms_origin_of(site));
}

MS_EXPORT void *__memscope_pvalloc(size_t size, struct memscope_site *site) {
    return ms_do_pvalloc(size, ms_origin_of(site));
}

MS_EXPORT MS_ALIGNED(64) void __memscope_free(void *ptr) {
    ms_do_free(ptr);
}

// A sized free goes on unsized: the allocator may have been asked for more (ms_padded).
MS_EXPORT void __memscope_free_sized(void *ptr, size_t size) {
    (void)size;
    ms_do_free(ptr);
}

MS_EXPORT void __memscope_free_aligned_sized(void *ptr, size_t alignment, size_t size) {
    (void)alignment;
    (void)size;
    ms_do_free(ptr);
}

MS_EXPORT uint32_t __memscope_enter_site(struct memscope_site *site) {
    return ms_pending_enter(ms_origin_of(site), false, ms_caller_stack());
}

MS_EXPORT void __memscope_leave_site(uint32_t token) {
    ms_pending_leave(token);
}

MS_EXPORT void __memscope_next_site(struct memscope_site *site) {
    (void)ms_pending_enter(ms_origin_of(site), true, ms_caller_stack());
}

MS_EXPORT void __memscope_landed(void) {
    if (ms_tls.special != 0)
        ms_landed(ms_caller_stack());
}

static void refuse_module(const struct memscope_module *module) {
    char digits[32];
    struct ms_text version = ms_text_in(digits, sizeof digits);
    ms_text_number(&version, module->abi_version);
    ms_count_loss(MEMSCOPE_LOSS_abi_mismatched_modules, 1);
    ms_add(&ms_damaged_modules, 1u);
    ms_switch_off();
    ms_give_up("a module was instrumented by another version of memscope.so (its contract is ",
               version.start, "): profiling is off; rebuild it with this MemScope's plugin", NULL);
}

// Its site counts are sums of a translation unit's: more than this is none's.
static bool is_damaged(const struct memscope_module *module) {
    const uint32_t most = 1u << 28;
    return (module->flags & ~MEMSCOPE_MODULE_NO_DEBUG_INFO) != 0 || module->alloc_sites > most ||
           module->thread_sites > most || module->coroutine_sites > most ||
           module->fiber_sites > most;
}

MS_EXPORT void __memscope_module_load(struct memscope_module *module) {
    int saved_errno = errno;
    if (ms_alive()) {
        struct memscope_profile_header *header = ms_shared.header;
        if (module->abi_version != MEMSCOPE_ABI_VERSION) {
            refuse_module(module);
        } else if (is_damaged(module)) {
            ms_add(&ms_damaged_modules, 1u);
            ms_message(MS_MESSAGE_WARNING, "a module descriptor is damaged, and left out", NULL);
        } else {
            ms_add(&header->instrumented_modules, 1u);
            ms_add(&header->alloc_sites, module->alloc_sites);
            ms_add(&header->thread_sites, module->thread_sites);
            ms_add(&header->coroutine_sites, module->coroutine_sites);
            ms_add(&header->fiber_sites, module->fiber_sites);
            if (module->flags & MEMSCOPE_MODULE_NO_DEBUG_INFO) {
                ms_add(&header->modules_without_debug_info, 1u);
                ms_record_unit(module);
            }
        }
    }
    errno = saved_errno;
}

// What it counted stays in the profile; its sites' refs die with its data.
MS_EXPORT void __memscope_module_unload(struct memscope_module *module) {
    (void)module;
}

MS_EXPORT const char MEMSCOPE_ABI_SYMBOL = MEMSCOPE_ABI_VERSION;
