// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: %cxx -O2 -g -fomit-frame-pointer -S -emit-llvm %s -o - | awk -f %S/frame_pointers.awk | sort >%t.kept
// RUN: grep -c 'way' %t.kept | grep -x 8
// RUN: grep -c 'off' %t.kept | grep -x 6
// RUN: ! grep -v -e 'way.* non-leaf$' -e 'off.* none$' -e '^__clang_call_terminate none$' %t.kept

#include <cstring>
#include <vector>

#define NOINLINE __attribute__((noinline))

char text[100];

NOINLINE void way_throws(int n) {
    if (n > 3)
        throw n;
    text[0]++;
}
int way_catches(int n) {
    try {
        way_throws(n);
    } catch (int) {
        return 1;
    }
    return 2;
}
int *way_new() {
    int *block = new int[3];
    std::memset(block, 1, std::strlen(text));
    return block;
}
void off_delete(int *block, char *other) {
    delete[] block;
    delete other;
    text[0]++;
}
struct Shape {
    virtual int way_area(int) const;
    NOINLINE int off_name() const { return std::strchr(text, 'a') ? 1 : 2; }
};
int way_virtual(const Shape &shape) { return shape.way_area(3) + 1; }
int off_inline(const Shape &shape) { return shape.off_name() + 1; }
void way_grows(std::vector<int> &numbers) { numbers.push_back(3); }
int off_reads(const std::vector<int> &numbers, const Shape &shape) {
    int sum = shape.off_name();
    for (int each : numbers)
        sum += each;
    return sum;
}

// An exception that leaves it ends the program, by a function that clang makes.
int unknown(int);
int way_noexcept(int n) noexcept { return unknown(n) + 1; }

template <int N> NOINLINE int off_template() { return std::memchr(text, N, 9) ? 1 : 2; }
template <int N> NOINLINE int way_template() { return way_new()[N] + 1; }
int off_to_template() { return off_template<3>() + 1; }
int way_to_template() { return way_template<3>() + 1; }
