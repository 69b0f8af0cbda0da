// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A coroutine whose frame is in the program's own count, as is what it notes itself.

#ifndef MS_TESTS_JOB_H
#define MS_TESTS_JOB_H

#include "coroutines.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

static std::atomic<std::uint64_t> calls, bytes, frees, freed;

static inline void *note(void *block, std::size_t size) {
    calls++;
    bytes += size;
    return block;
}

static inline void note_free(std::size_t size) {
    frees++;
    freed += size;
}

struct counted_frames {
    static void *operator new(std::size_t size) {
        return note(::operator new(size), size);
    }
    static void operator delete(void *frame, std::size_t size) {
        note_free(size);
        ::operator delete(frame);
    }
};
using job = held<counted_frames>;

#endif
