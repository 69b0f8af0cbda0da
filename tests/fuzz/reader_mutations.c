// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// reader_mutations ROUNDS: deterministic damage to a sound profile (single bytes, whole words,
// cuts, swapped stretches), the same on every machine. Run under sanitizers.

#include "builder.h"
#include "random_numbers.h"
#include "reader_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Words that sit on edges.
static const uint64_t edges[] = {
    0,          1,          63,         64,         127,           255,        1000,
    1064,       0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1ull << 32,    1ull << 58, 1ull << 63,
    UINT64_MAX, 0x534D,     0x7F534D,   1ull << 40, 0x100534D00ull};

static size_t mutate(uint8_t *bytes, size_t size) {
    uint32_t times = 1 + below(4);
    // Half of the damage hits the header's first fields and the records, not its empty end.
    for (uint32_t i = 0; i < times; i++) {
        uint32_t start = below(3) == 0 ? 0 : MEMSCOPE_HEADER_BYTES;
        uint32_t room = start == 0 ? 600 : (uint32_t)size - start;
        uint32_t at = start + below(room);
        switch (below(5)) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << below(8));
            break;
        case 1:
            bytes[at] = (uint8_t)below(256);
            break;
        case 2:
            memcpy(bytes + at / 8 * 8, &edges[below(sizeof edges / sizeof *edges)], 8);
            break;
        case 3:
            memcpy(bytes + at / 4 * 4, &edges[below(sizeof edges / sizeof *edges)], 4);
            break;
        default: {
            uint32_t from = (uint32_t)MEMSCOPE_HEADER_BYTES + below((uint32_t)size - 4160);
            memmove(bytes + at / 64 * 64, bytes + from / 64 * 64, 64);
        }
        }
    }
    return below(8) == 0 ? below((uint32_t)size) : size;
}

static void damage(const struct builder *b, long rounds) {
    size_t size = builder_size(b);
    reader_target(b->bytes, size);
    for (long i = 0; i < rounds; i++) {
        uint8_t *damaged = malloc(size); // exactly as large: a read beyond is seen
        if (!damaged)
            abort();
        memcpy(damaged, b->bytes, size);
        size_t left = mutate(damaged, size);
        uint8_t *cut = realloc(damaged, left ? left : 1);
        reader_target(cut, left);
        free(cut);
    }
}

int main(int argc, char **argv) {
    struct builder b;
    long rounds = argc == 2 ? atol(argv[1]) : 0;
    if (rounds <= 0) {
        fputs("usage: reader_mutations ROUNDS\n", stderr);
        return 2;
    }
    builder_picture(&b);
    builder_raw(&b, MEMSCOPE_RECORD_PENDING, 2);
    builder_gap(&b, 3);
    builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    damage(&b, rounds - rounds / 4 * 3);
    builder_end(&b);
    builder_server(&b);
    builder_blocks(&b);
    damage(&b, rounds / 4);
    builder_end(&b);
    builder_stacks(&b, "/opt/app", 0xAB);
    damage(&b, rounds / 4);
    builder_end(&b);
    builder_sampled(&b);
    damage(&b, rounds / 4);
    builder_end(&b);
    printf("%ld mutations\n", rounds);
    return 0;
}
