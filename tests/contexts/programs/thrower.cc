// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A library that nobody instruments, which exceptions pass.

typedef void callback(int value);

struct Last {
    callback *call;
    int value;
    ~Last() {
        call(value);
    }
};

void pass_on(callback *call, int value) {
    try {
        call(value);
    } catch (...) {
        throw;
    }
}

void pass_by(callback *call, int value, callback *last) {
    Last one{last, value};
    volatile int room[4] = {value};
    call(room[0]);
}

void take(callback *call, int value, callback *caught) {
    try {
        call(value);
    } catch (...) {
        caught(value);
    }
}

void end(callback *call, int value) noexcept {
    call(value);
    call(value + 1);
}
