// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// collide PROFILE: makes two keys lead to each other's contexts, as a collision would, by writing
// into its own profile; then allocates by both of them. 3 and 5 allocations are counted wrongly.

#include <memscope/profile_format.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static NOINLINE void leaf(size_t size, int times) {
    for (int i = 0; i < times; i++) {
        void *volatile block = malloc(size);
        free(block);
    }
}

static NOINLINE void left(int times) {
    leaf(7, times);
    __asm__ volatile("");
}

static NOINLINE void right(int times) {
    leaf(9, times);
    __asm__ volatile("");
}

static struct memscope_cell_record *cell_of(char *profile, size_t bytes, uint64_t allocations) {
    struct memscope_cell_record *found = NULL;
    for (size_t at = MEMSCOPE_HEADER_BYTES; at + sizeof *found <= bytes;
         at += MEMSCOPE_UNIT_BYTES) {
        struct memscope_cell_record *cell = (void *)(profile + at);
        if (cell->record.magic != MEMSCOPE_RECORD_MAGIC ||
            cell->record.type != MEMSCOPE_RECORD_CELL ||
            memscope_cell_allocations(cell) != allocations)
            continue;
        if (found)
            abort();
        found = cell;
    }
    if (!found || found->context_ref == 0)
        abort();
    return found;
}

static bool collide(const char *path) {
    struct stat file;
    int profile = open(path, O_RDWR);
    if (profile < 0 || fstat(profile, &file) != 0)
        return false;
    char *bytes = mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, profile, 0);
    if (bytes == MAP_FAILED)
        return false;
    struct memscope_cell_record *a = cell_of(bytes, (size_t)file.st_size, 1111);
    struct memscope_cell_record *b = cell_of(bytes, (size_t)file.st_size, 2222);
    uint32_t context = a->context_ref;
    a->context_ref = b->context_ref;
    b->context_ref = context;
    return true;
}

int main(int argc, char **argv) {
    static const int times[2][2] = {{1111, 2222}, {3, 5}};
    for (int turn = 0; turn < 2; turn++) {
        if (turn == 1 && !(argc == 2 && collide(argv[1])))
            return 1;
        left(times[turn][0]); // the same stacks in both turns
        right(times[turn][1]);
    }
    return 0;
}
