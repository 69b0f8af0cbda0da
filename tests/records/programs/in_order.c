// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// in_order COUNT: allocates and frees blocks of 1000, 1001, 1002, … bytes, one after another.

#include <stdlib.h>

int main(int argc, char **argv) {
    int count = argc > 1 ? atoi(argv[1]) : 0;
    for (int i = 0; i < count; i++) {
        void *volatile block = malloc(1000 + (size_t)i);
        free(block);
    }
    return 0;
}
