// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every form of operator new and delete at a known line, with its own truth. Sizes are multiples of
// the alignment: libstdc++ rounds aligned requests up before they reach the malloc family.

#include "truth.h"

#include <cstdint>
#include <new>

namespace {

struct alignas(64) Wide {
    char bytes[192];
};

struct Thing {
    std::uint64_t words[5];
    ~Thing() { words[0] = 0; } // arrays of it carry a count
};

template <class T> T *told(T *pointer, int line, std::size_t size)
{
    truth_alloc(__FILE__, line, pointer, size);
    return pointer;
}

#define TOLD(expression, size) told(expression, __LINE__, size)

template <class T> T *gone(T *pointer)
{
    truth_free(pointer);
    return pointer;
}

void objects()
{
    auto *one = TOLD(new int(7), sizeof(int));
    auto *thing = TOLD(new Thing, sizeof(Thing));
    auto *wide = TOLD(new Wide, sizeof(Wide));
    auto *quiet = TOLD(new (std::nothrow) Thing, sizeof(Thing));
    auto *quiet_wide = TOLD(new (std::nothrow) Wide, sizeof(Wide));
    delete gone(one);
    delete gone(thing);
    delete gone(wide);
    delete gone(quiet);
    (void)quiet_wide; // left alive
}

void arrays()
{
    auto *chars = TOLD(new char[1000], 1000);
    auto *wides = TOLD(new Wide[3], 3 * sizeof(Wide));
    auto *quiet = TOLD(new (std::nothrow) char[77], 77);
    auto *quiet_wides = TOLD(new (std::nothrow) Wide[2], 2 * sizeof(Wide));
    auto *things = new Thing[4]; truth_alloc(__FILE__, __LINE__, reinterpret_cast<char *>(things) - 8, 4 * sizeof(Thing) + 8);
    delete[] gone(chars);
    delete[] gone(wides);
    delete[] gone(quiet);
    delete[] gone(quiet_wides);
    truth_free(reinterpret_cast<char *>(things) - 8);
    delete[] things;
}

void calls()
{
    void *a = TOLD(::operator new(100), 100);
    void *b = TOLD(::operator new[](200), 200);
    void *c = TOLD(::operator new(128, std::align_val_t(64)), 128);
    void *d = TOLD(::operator new[](256, std::align_val_t(128)), 256);
    void *e = TOLD(::operator new(300, std::nothrow), 300);
    void *f = TOLD(::operator new[](384, std::align_val_t(128), std::nothrow), 384);
    ::operator delete(gone(a));
    ::operator delete[](gone(b), std::size_t(200));
    ::operator delete(gone(c), std::size_t(128), std::align_val_t(64));
    ::operator delete[](gone(d), std::align_val_t(128));
    ::operator delete(gone(e), std::nothrow);
    ::operator delete[](gone(f), std::align_val_t(128), std::nothrow);
}

} // namespace

int main()
{
    auto *big = TOLD(new char[500000], 500000);
    objects();
    arrays();
    delete[] gone(big);
    calls();
    truth_print();
    return 0;
}
