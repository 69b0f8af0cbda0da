// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rate calibrate MILLIONS: how many units of work a pair of malloc and free needs beside it, so
// that there are so many millions of pairs in a second of CPU time. rate UNITS PAIRS: runs. 256
// blocks of 16 to 271 bytes are alive; the work has 32 KiB of its own.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ALIVE = 256, WORDS = 4096, TRIES = 7 };

static void *kept[ALIVE];
static uint64_t words[WORDS];

static uint64_t work(uint64_t seed, unsigned long units) {
    for (unsigned long i = 0; i < units; i++) {
        uint64_t *word = &words[seed >> 52];
        seed = seed * 6364136223846793005u + 1442695040888963407u + *word;
        *word = seed;
    }
    return seed;
}

static uint64_t run(unsigned long units, unsigned long pairs) {
    uint64_t seed = 1;
    for (unsigned long i = 0; i < pairs; i++) {
        seed = work(seed, units);
        size_t place = seed >> 32 & (ALIVE - 1);
        free(kept[place]);
        kept[place] = malloc(16 + (seed >> 40 & 255));
        if (!kept[place])
            abort();
        memset(kept[place], 1, 16);
    }
    return seed;
}

static double cpu_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Of one pair, in nanoseconds: the least of some tries, the others were disturbed.
static double pair_ns(unsigned long units) {
    enum { PAIRS = 200000 };
    double least = 1e9;
    for (int i = 0; i < TRIES; i++) {
        double began = cpu_seconds();
        (void)run(units, PAIRS);
        double ns = (cpu_seconds() - began) * 1e9 / PAIRS;
        least = ns < least ? ns : least;
    }
    return least;
}

static int calibrate(double millions) {
    double wanted = 1000 / millions, bare = pair_ns(0), unit = (pair_ns(50) - bare) / 50;
    if (unit <= 0 || bare > wanted)
        return 1;
    printf("%.0f\n", (wanted - bare) / unit);
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "calibrate") == 0)
        return calibrate(strtod(argv[2], NULL));
    uint64_t sum = run(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10));
    printf("%llx\n", (unsigned long long)sum);
    return 0;
}
