// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "sampler.h"

#include "base/config.h"

#define MOST_BYTES (INT64_MAX / 4)    // beyond what any program asks for
#define LN2_Q64 12786308645202655660u // ln 2 * 2^64

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// -log2(x / 2^64) * 2^32 of x > 0, to within 2^-32: each squaring of the mantissa gives one binary
// digit of its logarithm.
static uint64_t minus_log2(uint64_t x) {
    unsigned zeros = (unsigned)__builtin_clzll(x);
    uint64_t mantissa = x << zeros; // in [2^63, 2^64)
    uint64_t fraction = 0;
    for (int digit = 0; digit < 32; digit++) {
        uint64_t square = (uint64_t)((unsigned __int128)mantissa * mantissa >> 64);
        bool is_two = square >> 63 != 0;
        fraction = fraction << 1 | is_two;
        mantissa = is_two ? square : square << 1;
    }
    return ((uint64_t)(zeros + 1) << 32) - fraction;
}

static int64_t distance(struct ms_sampler *sampler) {
    if (sampler->interval_bytes == 0)
        return MOST_BYTES;
    uint64_t log2 = minus_log2(next_random(&sampler->random) | 1);
    uint64_t ln = (uint64_t)((unsigned __int128)log2 * LN2_Q64 >> 64);
    unsigned __int128 bytes = (unsigned __int128)ln * sampler->interval_bytes >> 32;
    return bytes > MOST_BYTES ? MOST_BYTES : (int64_t)bytes;
}

void ms_sampler_seed(struct ms_sampler *sampler, uint32_t thread_index) {
    uint64_t seed = ms_config.sample_seed ? ms_config.sample_seed : ms_shared.header->instance[0];
    sampler->random = seed + (uint64_t)thread_index * 0xd1b54a32d192ed03u;
}

void ms_sampler_stretch(struct ms_sampler *sampler, int64_t bytes) {
    int64_t all = sampler->left + sampler->rest;
    sampler->left = all < bytes ? all : bytes;
    sampler->rest = all - sampler->left;
    sampler->stretch = bytes;
}

void ms_sampler_start(struct ms_sampler *sampler, uint64_t interval_bytes) {
    sampler->interval_bytes = interval_bytes;
    sampler->rest = distance(sampler);
    sampler->left = 0;
    ms_sampler_stretch(sampler, MS_FIRST_STRETCH);
}

bool ms_sampler_take(struct ms_sampler *sampler, uint64_t bytes) {
    int64_t reach = (int64_t)ms_sample_reach(bytes), left = sampler->left + sampler->rest;
    bool is_near = left < reach;
    bool is_sampled = left < (int64_t)memscope_sample_bytes(bytes);
    sampler->left = 0;
    sampler->rest = is_near ? distance(sampler) : left - reach;
    ms_sampler_stretch(sampler, sampler->stretch);
    return is_sampled && sampler->interval_bytes != 0;
}

// Of small rates 1 - rate has few digits left: there the series of the logarithm.
uint64_t ms_sample_interval(double rate) {
    const double largest = 1e15;
    if (rate <= 0.0)
        return 0;
    double ln;
    if (rate < 1e-3) {
        ln = rate + rate * rate / 2 + rate * rate * rate / 3;
    } else {
        const double two_64 = 18446744073709551616.0;
        double rest = (1.0 - rate) * two_64;
        uint64_t log2 = minus_log2(rest < 1 ? 1 : (uint64_t)rest);
        ln = (double)log2 / 4294967296.0 * ((double)LN2_Q64 / two_64);
    }
    double interval = MEMSCOPE_SAMPLE_UNIT / ln;
    return interval >= largest ? (uint64_t)largest : interval < 1 ? 1 : (uint64_t)(interval + 0.5);
}
