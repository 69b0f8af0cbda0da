// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// containers ROUNDS: what C++ programs do with the heap: a tree and a hash table of strings,
// growing vectors, a list. Each round fills them, reads them and lets them go.

#include <cstdio>
#include <cstdlib>
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

static unsigned long round_of(unsigned seed) {
    std::map<std::string, std::vector<unsigned>> groups;
    std::unordered_map<unsigned, std::string> names;
    std::list<unsigned> order;
    for (unsigned i = 0; i < 2000; i++) {
        seed = seed * 1664525u + 1013904223u;
        std::string name = "a group with a name of its own, " + std::to_string(seed >> 24);
        groups[name].push_back(seed);
        names.emplace(seed, name);
        order.push_front(seed);
    }
    unsigned long sum = 0;
    for (unsigned value : order) {
        const std::string &name = names.at(value);
        sum += groups.at(name).size() + name.size();
    }
    return sum;
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    unsigned long sum = 0;
    for (unsigned long rounds = std::strtoul(argv[1], nullptr, 10); rounds > 0; rounds--)
        sum += round_of((unsigned)rounds);
    std::printf("%lu\n", sum);
    return 0;
}
