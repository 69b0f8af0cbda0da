// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// paths GlobalDirect|ThreadLocal SHORT LONG PATH…: each way into the runtime, SHORT times, then
// LONG times, 64 blocks alive. Under callgrind each of the two is a dump of its own, named after
// the path, so that a round's instructions are the difference. For ThreadLocal a thread has run
// before.

#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <valgrind/callgrind.h>

namespace {

constexpr unsigned alive = 64;
void *volatile kept[alive];

std::size_t size_of(unsigned long i) {
    return 16 + i % alive;
}

// One block of each slot is freed, the next is allocated: a pair, and no block is temporary.
#define PAIRS(allocate, release)                                                                   \
    for (unsigned long i = 0; i < rounds; i++) {                                                   \
        release;                                                                                   \
        kept[i % alive] = allocate;                                                                \
    }

void malloc_free(unsigned long rounds) {
    PAIRS(std::malloc(size_of(i)), std::free(kept[i % alive]))
}

// Nothing is freed; the process's peak is out of reach, the site's rises with each.
void malloc_alone(unsigned long rounds) {
    kept[0] = std::malloc(8 << 20);
    std::free(kept[0]);
    kept[0] = nullptr;
    for (unsigned long i = 0; i < rounds; i++)
        kept[i % alive] = std::malloc(size_of(i));
}

void calloc_free(unsigned long rounds) {
    PAIRS(std::calloc(1, size_of(i)), std::free(kept[i % alive]))
}

// Grows and shrinks in place: one free and one allocation a round.
void realloc_in_place(unsigned long rounds) {
    for (unsigned long i = 0; i < rounds; i++)
        kept[i % alive] = std::realloc(kept[i % alive], 100 + i % 2);
}

void posix_memalign_free(unsigned long rounds) {
    for (unsigned long i = 0; i < rounds; i++) {
        void *block;
        std::free(kept[i % alive]);
        if (posix_memalign(&block, 64, size_of(i)) != 0)
            std::abort();
        kept[i % alive] = block;
    }
}

void new_delete(unsigned long rounds) {
    PAIRS(::operator new(size_of(i)), ::operator delete(kept[i % alive]))
}

void new_delete_aligned(unsigned long rounds) {
    PAIRS(::operator new(size_of(i), std::align_val_t(64)),
          ::operator delete(kept[i % alive], std::align_val_t(64)))
}

// Freed before the next allocation.
void temporary(unsigned long rounds) {
    for (unsigned long i = 0; i < rounds; i++) {
        kept[0] = std::malloc(size_of(i));
        std::free(kept[0]);
    }
    kept[0] = nullptr;
}

const struct {
    const char *name;
    void (*run)(unsigned long);
} paths[] = {
    {"malloc_free", malloc_free},
    {"malloc_alone", malloc_alone},
    {"calloc_free", calloc_free},
    {"realloc_in_place", realloc_in_place},
    {"posix_memalign_free", posix_memalign_free},
    {"new_delete", new_delete},
    {"new_delete_aligned", new_delete_aligned},
    {"temporary", temporary},
};

void *nothing(void *) {
    return nullptr;
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    if (std::strcmp(argv[1], "ThreadLocal") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, nullptr, nothing, nullptr) != 0)
            return 3;
        pthread_join(thread, nullptr);
    }
    for (int i = 4; i < argc; i++) {
        for (const auto &path : paths) {
            if (std::strcmp(path.name, argv[i]) != 0)
                continue;
            path.run(96 * alive); // what happens once has happened: calibration, too
            CALLGRIND_ZERO_STATS;
            path.run(std::strtoul(argv[2], nullptr, 10));
            CALLGRIND_DUMP_STATS_AT(path.name);
            path.run(std::strtoul(argv[3], nullptr, 10));
            CALLGRIND_DUMP_STATS_AT(path.name);
            for (void *volatile &block : kept) {
                std::free(block);
                block = nullptr;
            }
        }
    }
    return 0;
}
