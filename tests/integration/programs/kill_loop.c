// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// kill_loop.c FILE: allocates and frees for ever, counting each finished event in FILE, which is
// mapped shared: what it holds after SIGKILL is the truth, short by the event in flight at most.

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return 3;
    volatile uint64_t *events = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (events == MAP_FAILED)
        return 3;
    for (size_t size = 1;; size = size % 3000 + 1) {
        void *volatile p = malloc(size);
        events[0] += 1;
        free(p);
        events[1] += 1;
    }
}
