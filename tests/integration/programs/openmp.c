// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A parallel region's body runs on this thread and on others, which OpenMP starts at the first
// region that wants them: what they allocate is their lines', the threads' spawn site is the
// region's.

#include "truth.h"

#include <stdlib.h>

enum { THREADS = 4, BLOCKS = 100 };

int main(void) {
    static char *blocks[THREADS][BLOCKS];
#pragma omp parallel for num_threads(THREADS) // the region
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < BLOCKS; j++)
            blocks[i][j] = TRUTH(malloc(10 + (size_t)j), 10 + (size_t)j);
    for (int i = 0; i < THREADS; i++)
        for (int j = 0; j < BLOCKS; j++)
            if (j % 2)
                free(TRUTH_FREE(blocks[i][j]));
    truth_print();
    return 0;
}
