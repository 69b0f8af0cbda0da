// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// RUN: for level in -O0 -O2; do %cxx $level -g -S -emit-llvm %s -o %t.ll && test $(grep -c 'call.*@__memscope_.*, !dbg' %t.ll) -ge 3 && test $(awk '/memscope.module_(un)?load\(\)/ { skip = 1 } /^}/ { skip = 0 } !skip && /(call|icmp).*@__memscope_/ && !/, !dbg/' %t.ll | wc -l) = 0 || exit 1; done

#include <cstdlib>
#include <cstring>
#include <string>

void *work(const char *text) {
    std::string copy(text);
    std::free(std::malloc(copy.size() + std::strlen(text)));
    return strdup(copy.c_str());
}
