// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "counts.h"
#include "sorting.h"

#include <cstdio>
#include <cstdlib>

int main() {
    char *scratch = new char[10000]; // 10000 bytes, kept
    std::snprintf(scratch, 10000, "the quick brown fox");

    struct counts *counts = counts_of(scratch);
    std::vector<std::string> *words = sorted({"the", "quick", "brown", "fox"});
    std::printf("%zu blanks, first word %s\n", counts->of[static_cast<unsigned char>(' ')],
                words->front().c_str());
    delete words;
    std::free(counts);
    return 0;
}
