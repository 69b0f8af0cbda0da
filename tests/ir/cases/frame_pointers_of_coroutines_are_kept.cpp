// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All parts of a coroutine have hooks.
//
// MAJORS: 19 22
// RUN: %cxx -std=c++20 -O2 -g -fomit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort >%t.kept
// RUN: grep -E -x -c '_Z3wayPc(\.resume|\.destroy)? non-leaf' %t.kept | grep -x 3
// RUN: grep -x '_Z3offPc none' %t.kept

#include <coroutine>
#include <cstring>

struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() {}
    };
};

Task way(char *text) {
    text[std::strlen(text)] = 'a';
    co_await std::suspend_always{};
    text[std::strlen(text)] = 'b';
}
size_t off(char *text) { return std::strlen(text) + 1; }
