// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every way to link, with both linkers.
//
// RUN: for level in -O0 -O2; do %cxx $level -g -pthread %s -o %t && %t || exit 1; done
// RUN: for level in -O0 -O2; do %cxx $level -g -pthread %lld %s -o %t && %t || exit 1; done
// RUN: %cxx -O2 -g -pthread -fno-pic -no-pie %s -o %t && %t
// RUN: %cxx -O2 -g -pthread -fno-pic -no-pie %lld %s -o %t && %t
// RUN: %cxx -O2 -g -pthread -static %s -o %t && %t
// RUN: %cxx -O2 -g -pthread -static %lld %s -o %t && %t
// RUN: %cxx -O2 -g -pthread -static-pie -fPIE %s -o %t && %t
// RUN: %cxx -O2 -g -pthread -Wl,-z,now -Wl,--no-undefined %s -o %t && %t
// RUN: %cxx -O2 -g -pthread -fPIC -fvisibility=hidden -shared -DLIBRARY %s -o %t.so && %cxx -O2 -g -pthread -DUSER %s %t.so -Wl,-rpath,$(dirname %t) -o %t && %t
// RUN: %cxx -O2 -g -pthread -fPIC -fvisibility=hidden -shared -DLIBRARY %lld %s -o %t.so && %cxx -O2 -g -pthread -DUSER %lld %s %t.so -Wl,-rpath,$(dirname %t) -o %t && %t

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

__attribute__((visibility("default"))) int work(int n);

#ifndef USER
int work(int n) {
    std::vector<std::string> words;
    for (int i = 0; i < n; i++)
        words.push_back(std::string(40, 'a') + std::to_string(i));
    char *copy = strdup(words.back().c_str());
    int length = static_cast<int>(std::strlen(copy));
    std::free(copy);
    return length;
}
#endif
#ifndef LIBRARY
int main() {
    int here = 0, there = 0;
    std::thread thread([&] { there = work(100); });
    here = work(1000);
    thread.join();
    return here == 43 && there == 42 ? 0 : 1;
}
#endif
