// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tree LEVELS [TURNS]: ten functions that call each other, each from ten places: 10^LEVELS
// contexts of one site, 24 bytes each. At the end it tells its resident memory in KiB.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOINLINE __attribute__((noinline))

static void *volatile block; // else the call could go

static NOINLINE void leaf(void) {
    block = malloc(24);
    free(block);
}

#define NEXT(name) static NOINLINE void name(int left);
#define EACH(of) of(f0) of(f1) of(f2) of(f3) of(f4) of(f5) of(f6) of(f7) of(f8) of(f9)
EACH(NEXT)

#define CALL(name) name(left - 1);
#define FUNCTION(name)                                                                             \
    static NOINLINE void name(int left) {                                                          \
        if (left == 0)                                                                             \
            leaf();                                                                                \
        else                                                                                       \
            go_on(left);                                                                           \
        __asm__ volatile("");                                                                      \
    }
static NOINLINE void go_on(int left) {
    EACH(CALL)
}
EACH(FUNCTION)

int main(int argc, char **argv) {
    int levels = argc > 1 ? atoi(argv[1]) : 2, turns = argc > 2 ? atoi(argv[2]) : 1;
    char line[256];
    while (turns-- > 0)
        f0(levels);
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "VmHWM:", 6) == 0)
            printf("%d\n", atoi(line + 6));
    return status == NULL;
}
