// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// malloc_loop ROUNDS: nothing but malloc and free, 64 blocks of 16 to 79 bytes alive.

#include <stdlib.h>

int main(int argc, char **argv) {
    enum { ALIVE = 64 };
    if (argc != 2)
        return 2;
    unsigned long rounds = strtoul(argv[1], NULL, 10);
    void *volatile kept[ALIVE] = {NULL};
    for (unsigned long i = 0; i < rounds; i++) {
        free(kept[i % ALIVE]);
        kept[i % ALIVE] = malloc(16 + i % ALIVE);
    }
    for (unsigned i = 0; i < ALIVE; i++)
        free(kept[i]);
    return 0;
}
