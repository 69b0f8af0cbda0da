// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exceptions through hooks and out of enclosed calls, and objects of threads that allocate when they
// are destroyed: what follows has its own lines.

#include "truth.h"

#include <cstdio>
#include <cstdlib>
#include <new>
#include <pthread.h>

struct Refused {};

// An enclosed call: it allocates, gives back, and throws.
struct Picky {
    char bytes[40];
    static void *operator new(std::size_t, bool refuse)
    {
        void *block = std::malloc(40);
        if (!refuse)
            return block;
        std::free(block);
        throw Refused();
    }
    static void operator delete(void *block) { std::free(block); }
    static void operator delete(void *block, bool) { std::free(block); }
};

static volatile std::size_t too_much = static_cast<std::size_t>(-1) / 4;
static void *volatile sink;

static void refusing_handler()
{
    throw Refused();
}

template <class Action> static int refused(Action action)
{
    try {
        action();
    } catch (const Refused &) {
        return 1;
    }
    return 0;
}

struct Ending {
    void *block = nullptr;
    ~Ending()
    {
        std::free(TRUTH_FREE(block));
        sink = TRUTH(std::malloc(25), 25); // left alive
        void *brief = TRUTH(std::malloc(26), 26);
        std::free(TRUTH_FREE(brief));
    }
};
static thread_local Ending ending;

static void *fill(void *argument)
{
    ending.block = TRUTH(std::malloc(24), 24);
    return argument;
}

int main()
{
    int good = 0;
    for (int i = 0; i < 20; ++i) {
        good += refused([] { sink = new (true) Picky; });
        void *after = TRUTH(std::malloc(31), 31);
        std::free(TRUTH_FREE(after));
        std::set_new_handler(refusing_handler);
        good += refused([] { sink = ::operator new(too_much); });
        std::set_new_handler(nullptr);
        sink = TRUTH(std::malloc(32), 32); // left alive
    }
    for (int i = 0; i < 20; ++i) {
        pthread_t thread;
        if (pthread_create(&thread, nullptr, fill, nullptr) != 0)
            return 4;
        pthread_join(thread, nullptr);
    }
    truth_print();
    return good == 40 ? 0 : 3;
}
