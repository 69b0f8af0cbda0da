// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "counts.h"

#include <stdlib.h>

struct counts *counts_of(const char *text) {
    struct counts *counts = calloc(1, sizeof *counts); // 2048 bytes
    for (; counts != NULL && *text != '\0'; text++)
        counts->of[(unsigned char)*text]++;
    return counts;
}
