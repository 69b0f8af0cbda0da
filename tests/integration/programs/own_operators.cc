// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of the program's own: class-level new and delete, and replaced global ones. They keep
// running (each counts its calls) and what they take from malloc is counted once.

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <unistd.h>

static int class_news, class_deletes, global_news, global_deletes;
static int sink;

struct Pooled {
    char bytes[48];
    __attribute__((noinline)) static void *operator new(std::size_t size)
    {
        ++class_news;
        return std::malloc(size);
    }
    static void operator delete(void *pointer)
    {
        ++class_deletes;
        std::free(pointer);
    }
};

#ifdef REPLACE_GLOBAL
void *operator new(std::size_t size)
{
    ++global_news;
    void *pointer = std::malloc(size);
    if (pointer == nullptr)
        throw std::bad_alloc();
    return pointer;
}
void operator delete(void *pointer) noexcept
{
    ++global_deletes;
    std::free(pointer);
}
void operator delete(void *pointer, std::size_t) noexcept
{
    ++global_deletes;
    std::free(pointer);
}
#endif

__attribute__((noinline)) static Pooled *make_pooled()
{
    return new Pooled;
}

__attribute__((noinline)) static long *make_long()
{
    return new long(7);
}

int main()
{
    for (int i = 0; i < 100; ++i) {
        Pooled *pooled = make_pooled();
        asm volatile("" : : "r"(pooled) : "memory");
        if (i % 2)
            delete pooled;
    }
    for (int i = 0; i < 60; ++i) {
        long *value = make_long();
        asm volatile("" : : "r"(value) : "memory");
        if (i % 3)
            delete value;
    }
    std::string text(1000, 'x'); // inside libstdc++.so: the replaced operator serves it too
    sink = static_cast<int>(text.size());
    dprintf(1,
            "{\"class_news\":%d,\"class_deletes\":%d,\"global_news\":%d,\"global_deletes\":%d}\n",
            class_news, class_deletes, global_news, global_deletes);
    return sink == 1000 ? 0 : 3;
}
