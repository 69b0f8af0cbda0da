// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// unwind_mutations ROUNDS SEED-FILE...: damages each file's tables in the same ways every time.

#include "random_numbers.h"
#include "unwind_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void mutate(uint8_t *bytes, size_t size) {
    static const uint8_t edges[] = {0, 1, 0x0a, 0x0b, 0x0f, 0x40, 0x7f, 0x80, 0x90, 0xff};
    for (size_t i = below(6) + 1; i > 0; i--) {
        size_t at = below(size);
        if (below(3) == 0)
            bytes[at] = edges[below(sizeof edges)];
        else if (below(2) == 0)
            bytes[at] ^= (uint8_t)(1u << below(8));
        else // the same operation many times
            memset(bytes + at, edges[below(sizeof edges)], below(size - at < 20 ? size - at : 20));
    }
}

static size_t damage(const char *path, long rounds) {
    static uint8_t whole[1 << 16];
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(whole, 1, sizeof whole, file) : 0, found;
    if (!file || size == 0) {
        perror(path);
        exit(2);
    }
    fclose(file);
    found = unwind_target(whole, size);
    for (long i = 0; i < rounds; i++) {
        size_t left = below(4) == 0 ? below(size) + 1 : size;
        uint8_t *damaged = malloc(left); // exactly as large: a read beyond is seen
        if (!damaged)
            abort();
        memcpy(damaged, whole, left);
        if (left == size || below(2) == 0)
            mutate(damaged, left);
        unwind_target(damaged, left);
        free(damaged);
    }
    return found;
}

int main(int argc, char **argv) {
    if (argc < 3 || atol(argv[1]) <= 0) {
        fputs("usage: unwind_mutations ROUNDS SEED-FILE...\n", stderr);
        return 2;
    }
    size_t found = 0;
    for (int i = 2; i < argc; i++)
        found += damage(argv[i], atol(argv[1]));
    printf("%ld mutations of each of %d tables; %zu functions found in the undamaged ones\n",
           atol(argv[1]), argc - 2, found);
    return found > (size_t)(argc - 2) * 10 ? 0 : 1;
}
