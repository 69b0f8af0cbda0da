// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library that nobody instruments, compiled with or without frame pointers. It calls back from
// deep inside, and keeps its registers busy: the frame pointer holds other things then.

#include <stdint.h>

typedef int callback(uint64_t value);

__attribute__((noinline)) static uint64_t churn(const uint64_t *seed, callback *call, int left);

__attribute__((noinline)) static uint64_t inner(const uint64_t *seed, callback *call, int left) {
    uint64_t a = seed[0], b = seed[1], c = seed[2], d = seed[3], e = seed[4], f = seed[5];
    uint64_t g = seed[6], h = seed[7];
    for (int i = 0; i < 2; i++) {
        a += b * 3, b ^= c + 5, c -= d * 7, d += e ^ 11, e -= f * 13, f ^= g + 17, g += h, h ^= a;
        h += (uint64_t)call(a & 63);
        a ^= (uint64_t)call(32 + (h & 1));
    }
    if (left > 0)
        h += churn(seed, call, left - 1);
    return a + b + c + d + e + f + g + h;
}

__attribute__((noinline)) static uint64_t churn(const uint64_t *seed, callback *call, int left) {
    uint64_t mine[8];
    uint64_t sum = 0;
    for (int i = 0; i < 8; i++)
        mine[i] = seed[i] * 31 + (uint64_t)left;
    sum = inner(mine, call, left);
    return sum + (uint64_t)call(sum & 31) + mine[3];
}

uint64_t walk(uint64_t from, callback *call, int depth) {
    uint64_t seed[8] = {from, from + 1, 3, 4, from * 5, 6, 7, from ^ 8};
    return churn(seed, call, depth) + from;
}

// With a frame of a size that only run time knows.
uint64_t walk_sized(uint64_t from, callback *call, int depth) {
    uint64_t seed[8 + from % 5 * 4];
    for (unsigned i = 0; i < 8; i++)
        seed[i] = from + i;
    return churn(seed, call, depth) + seed[from % 8];
}

// A stack's first functions: `outer` calls `twice` from two places.
callback *walk_call;

__attribute__((noinline)) static int twice(int turns) {
    int sum = 0;
    for (int i = 0; i < turns; i++)
        sum += walk_call((uint64_t)sum);
    return sum + turns;
}

void walk_twice(void) {
    volatile int sum = twice(3);
    sum += twice(5);
}

void *walk_thread(void *unused) {
    volatile int sum = twice(7);
    sum += twice(11);
    return unused;
}
