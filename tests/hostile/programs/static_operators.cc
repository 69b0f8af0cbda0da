// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program with operators new and delete of its own, to be linked with -static: blocks come from a
// pool, and only pool blocks may come back. What it did not replace must reach these, as the standard
// says; containers in the library do, too. Prints how often each was called.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <vector>

static char pool[1 << 20] __attribute__((aligned(64)));
static size_t used;
static long news, deletes;

void *operator new(size_t bytes)
{
    bytes = (bytes + 15) & ~size_t(15);
    if (bytes > sizeof pool - used)
        throw std::bad_alloc();
    ++news;
    used += bytes;
    return pool + used - bytes;
}

void operator delete(void *block) noexcept
{
    if (block == nullptr)
        return;
    if (block < static_cast<void *>(pool) || block >= static_cast<void *>(pool + sizeof pool)) {
        fputs("not from the pool\n", stderr);
        abort();
    }
    ++deletes;
}

#if defined(__clang__)
#define KEEP __attribute__((optnone))
#endif

KEEP static void work()
{
    delete new int;
    delete[] new char[100];
    delete new (std::nothrow) int;
    void *volatile p = ::operator new[](10);
    ::operator delete[](p);
    p = ::operator new(10);
    ::operator delete(p, size_t(10));
}

int main()
{
    work();
    std::printf("direct %ld %ld\n", news, deletes);
    {
        std::map<std::string, std::vector<int>> map;
        for (int i = 0; i < 100; ++i)
            map["a long enough key, number " + std::to_string(i)].push_back(i);
    }
    std::printf("balanced %d\n", news == deletes && news > 200);
    void *volatile p = malloc(4321);
    free(p);
    return 0;
}
