// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random numbers for tests, the same on every machine.

#ifndef MEMSCOPE_TESTS_UNIT_RANDOM_NUMBERS_H
#define MEMSCOPE_TESTS_UNIT_RANDOM_NUMBERS_H

#include <stdint.h>

static uint64_t random_state = 0x9E3779B97F4A7C15u; // of seed 1

static inline void seed_random(uint64_t seed) { // not 0
    random_state = seed * 0x9E3779B97F4A7C15u;
}

static inline uint64_t next_random(void) { // xorshift64*
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545F4914F6CDD1Du;
}

static inline uint64_t below(uint64_t bound) {
    return (uint64_t)((unsigned __int128)next_random() * bound >> 64);
}

static inline double uniform(void) { // in (0, 1)
    return ((double)(next_random() >> 11) + 0.5) / 9007199254740992.0;
}

#endif
