// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coroutines in a shared library (-DLIBRARY), awaited by and resumed from the program, and the
// other way round.

#include "task.h"

task in_library(book *parent, task (*back)(book *), std::coroutine_handle<> *out);

#ifdef LIBRARY
static task below(book *parent, std::coroutine_handle<> *out) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(1500);
    co_await parked{out};
    me.free(p);
}

task in_library(book *parent, task (*back)(book *), std::coroutine_handle<> *out) {
    page me(__func__, parent, "awaits");
    void *p = me.alloc(200);
    co_await below(me, out);
    co_await back(me);
    me.free(p);
}
#else
static task in_program(book *parent) {
    page me(__func__, parent, "awaits");
    me.free(me.alloc(3000));
    co_return;
}

static task starts(book *parent, std::coroutine_handle<> *out) {
    page me(__func__, parent, "spawned");
    void *p = me.alloc(50);
    co_await in_library(me, in_program, out);
    me.free(p);
}

int main() {
    std::coroutine_handle<> parked;
    task one = starts(books::root(), &parked), two = starts(books::root(), &parked);
    one.run();
    parked.resume();
    two.run();
    parked.resume();
    books::print();
}
#endif
