// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// jumps.c MODE: calls that allocate inside libc and are left by longjmp, from a stream's own reader.
// What follows has its own lines.

#include "truth.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static jmp_buf place;
static volatile int jump_is_wanted;

static ssize_t read_or_jump(void *cookie, char *buffer, size_t size)
{
    (void)cookie;
    (void)size;
    if (jump_is_wanted)
        longjmp(place, 1);
    memcpy(buffer, "line\n", 5);
    return 5;
}

// Nothing allocates while a line is read: the buffers are there before.
static char line_buffer[64], stream_buffer[64];

static FILE *open_stream(void)
{
    FILE *stream = fopencookie(NULL, "r", (cookie_io_functions_t){.read = read_or_jump});
    setvbuf(stream, stream_buffer, _IOFBF, sizeof stream_buffer);
    return stream;
}

__attribute__((noinline)) static void deeper(int depth)
{
    if (depth > 0)
        deeper(depth - 1);
    else
        free(TRUTH_FREE(TRUTH(malloc(44), 44)));
    __asm__ volatile("" ::: "memory");
}

// Back into the function that made the call, which allocates at once.
static int mode_same_function(void)
{
    for (volatile int i = 0; i < 10; ++i) {
        FILE *stream = open_stream();
        static char *line = line_buffer;
        static size_t size = sizeof line_buffer;
        jump_is_wanted = 1;
        if (setjmp(place) == 0)
            getline(&line, &size, stream);
        void *after = TRUTH(malloc(33), 33);
        deeper(20);
        (void)after; // left alive
    }
    return 0;
}

__attribute__((noinline)) static void read_line(FILE *stream)
{
    static char *line = line_buffer;
    static size_t size = sizeof line_buffer;
    getline(&line, &size, stream);
    __asm__ volatile("" ::: "memory");
}

// Back into an outer function, whose next allocations come from deeper than the call was.
static int mode_outer_function(void)
{
    for (volatile int i = 0; i < 10; ++i) {
        FILE *stream = open_stream();
        jump_is_wanted = 1;
        if (setjmp(place) == 0)
            read_line(stream);
        deeper(20);
        void *after = TRUTH(malloc(33), 33);
        (void)after; // left alive
    }
    return 0;
}

// The next call that allocates inside libc is charged to itself, not to the one that was left.
static int mode_next_call(void)
{
    FILE *stream = open_stream();
    jump_is_wanted = 1;
    if (setjmp(place) == 0)
        read_line(stream);
    stream = open_stream();
    jump_is_wanted = 0;
    char *line = NULL;
    size_t size = 0;
    line = TRUTH_LIVE(getline(&line, &size, stream) > 0 ? line : NULL, size);
    void *after = TRUTH(malloc(33), 33);
    return line == NULL || after == NULL;
}

static const struct {
    const char *name;
    int (*run)(void);
} modes[] = {
    {"same_function", mode_same_function},
    {"outer_function", mode_outer_function},
    {"next_call", mode_next_call},
};

int main(int argc, char **argv)
{
    int result = 97;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i)
        if (argc == 2 && strcmp(argv[1], modes[i].name) == 0)
            result = modes[i].run();
    truth_print();
    return result;
}
