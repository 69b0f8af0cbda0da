// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// make_profile KIND FILE [MODULE]: writes a profile by construction, for the tests of the command
// and as seed of the fuzzer.

#include "builder.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct builder b;
    if (argc != 3 && argc != 4) {
        fputs("usage: make_profile "
              "picture|bare|running|killed|damaged|newer|cut|odd|server|blocks|crowd|chain|stacks|"
              "sampled FILE "
              "[MODULE]\n",
              stderr);
        return 2;
    }
    const char *kind = argv[1], *path = argv[2];
    if (strcmp(kind, "bare") == 0)
        builder_begin(&b, 0);
    else if (strcmp(kind, "server") == 0 || strcmp(kind, "blocks") == 0)
        builder_server(&b);
    else if (strcmp(kind, "stacks") == 0)
        builder_stacks(&b, argc == 4 ? argv[3] : "/opt/app", 0xAB);
    else if (strcmp(kind, "sampled") == 0)
        builder_sampled(&b);
    else if (strcmp(kind, "crowd") == 0)
        builder_crowd(&b, 1000000, 0);
    else if (strcmp(kind, "chain") == 0)
        builder_crowd(&b, 1000000, 1);
    else
        builder_picture(&b);
    if (strcmp(kind, "blocks") == 0)
        builder_blocks(&b);
    if (strcmp(kind, "killed") == 0) {
        builder_header(&b)->state = MEMSCOPE_PROCESS_SIGNALED;
        builder_header(&b)->exit_signal = 9;
    } else if (strcmp(kind, "running") == 0) {
        builder_header(&b)->state = MEMSCOPE_PROCESS_RUNNING;
        builder_header(&b)->end_monotonic_ns = 0;
        builder_header(&b)->pid = 1u << 30;
    } else if (strcmp(kind, "damaged") == 0) {
        b.bytes[MEMSCOPE_HEADER_BYTES] ^= 0xFF;
    } else if (strcmp(kind, "newer") == 0) {
        builder_header(&b)->version++;
    } else if (strcmp(kind, "odd") == 0) {
        builder_raw(&b, MEMSCOPE_RECORD_PENDING, 3);
        builder_gap(&b, 5);
        builder_string(&b, "a\033[31m\xff");
        builder_header(&b)->losses[MEMSCOPE_LOSS_untracked_blocks] = 2;
        builder_header(&b)->flags = MEMSCOPE_PROFILE_FORKED | MEMSCOPE_PROFILE_MEMORY_ONLY;
    }
    builder_write(&b, path);
    if (strcmp(kind, "cut") == 0 && truncate(path, (off_t)builder_size(&b) - 500) != 0)
        return 1;
    builder_end(&b);
    return 0;
}
