// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the environment is, before and after a parallel region.

#include "put_environment.h"

#include <stdlib.h>

int main(void) {
    put_environment("before");
#pragma omp parallel num_threads(3)
    {
        void *volatile block = malloc(10); // or there is no region left
        free(block);
    }
    put_environment("after");
    return 0;
}
