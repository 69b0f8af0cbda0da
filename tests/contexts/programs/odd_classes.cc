// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What C++ puts between a call and its function: thunks of several and virtual bases, pointers to
// members, constructors of globals and of local statics, memory
// resources, lambdas that call themselves, streams and sorts that call back.

#include "chain.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory_resource>
#include <sstream>
#include <string>
#include <vector>

static NOINLINE void t_new(size_t bytes) {
    ENTERED;
    ::operator delete(TELL(::operator new(bytes), bytes));
}

// ---- thunks ------------------------------------------------------------------------------------

struct First {
    virtual ~First() {
    }
    virtual void t_first(int left) = 0;
    long room[3] = {};
};

struct Second {
    virtual ~Second() {
    }
    virtual Second *t_second(int left) = 0;
    long room[5] = {};
};

struct Shared {
    virtual ~Shared() {
    }
    virtual void t_shared(int left) = 0;
    long room[2] = {};
};

struct All : First, Second, virtual Shared {
    NOINLINE void t_first(int left) override {
        ENTERED;
        t_new(10);
        if (left > 0)
            static_cast<Second *>(this)->t_second(left - 1);
    }
    NOINLINE All *t_second(int left) override {
        ENTERED;
        t_new(11);
        if (left > 0)
            static_cast<Shared *>(this)->t_shared(left - 1);
        return this;
    }
    NOINLINE void t_shared(int left) override {
        ENTERED;
        t_new(12);
        if (left > 0)
            static_cast<First *>(this)->t_first(left - 1);
    }
};

static NOINLINE void t_thunks(void (First::*first)(int), Second *(Second::*second)(int)) {
    ENTERED;
    All all;
    (all.*first)(8);
    (static_cast<Second &>(all).*second)(5);
    std::mem_fn (&Shared::t_shared)(all, 2);
}

// ---- allocators --------------------------------------------------------------------------------

struct Resource : std::pmr::memory_resource {
    NOINLINE void *t_take(size_t bytes) {
        ENTERED;
        return TELL(malloc(bytes), bytes);
    }
    void *do_allocate(size_t bytes, size_t) override {
        return t_take(bytes);
    }
    void do_deallocate(void *block, size_t, size_t) override {
        free(block);
    }
    bool do_is_equal(const memory_resource &other) const noexcept override {
        return this == &other;
    }
};

static NOINLINE void t_allocators() {
    ENTERED;
    Resource resource;
    std::pmr::vector<int> numbers(&resource);
    for (int i = 0; i < 20; i++)
        numbers.push_back(i);
    std::pmr::monotonic_buffer_resource buffer(500, &resource); // libstdc++ itself asks for more
    std::pmr::vector<long> more(&buffer);
    for (int i = 0; i < 200; i++)
        more.push_back(i);
}

// ---- callbacks ---------------------------------------------------------------------------------

struct Buffer : std::streambuf {
    int t_overflow(int c) {
        ENTERED;
        t_new(20);
        return c;
    }
    int overflow(int c) override {
        return t_overflow(c);
    }
};

static NOINLINE void t_callbacks() {
    ENTERED;
    std::function<void(int)> again = [&](int left) {
        ENTERED_AS("t_callbacks.lambda");
        t_new(21);
        if (left > 0)
            again(left - 1);
    };
    again(6);
    Buffer buffer;
    std::ostream stream(&buffer);
    stream << "ab" << 17;
    std::vector<int> numbers = {5, 3, 4, 1, 2};
    std::stable_sort(numbers.begin(), numbers.end(), [](int a, int b) {
        ENTERED_AS("t_callbacks.lambda");
        t_new(22);
        return a < b;
    });
}

// ---- constructors ------------------------------------------------------------------------------

struct Global {
    size_t bytes;
    explicit Global(size_t size) : bytes(size) {
        t_begin();
    }
    ~Global() {
        t_end();
    }
    NOINLINE void t_begin() {
        ENTERED;
        t_new(bytes);
    }
    NOINLINE void t_end() {
        ENTERED;
        t_new(bytes + 1);
    }
};
static Global global(30);

static NOINLINE Global &t_local() {
    ENTERED;
    static Global local(32);
    return local;
}

int main() {
    ENTERED;
    for (int turn = 0; turn < 2; turn++) {
        t_thunks(&First::t_first, &Second::t_second);
        t_allocators();
        t_callbacks();
        t_local();
    }
    return 0;
}
