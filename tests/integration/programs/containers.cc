// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What C++ programs do all day: containers, strings, smart pointers, streams. Deterministic; its
// truth is the witness's.

#include <algorithm>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

int main()
{
    std::vector<std::string> words;
    std::map<int, std::string> ordered;
    std::unordered_map<std::string, std::shared_ptr<std::vector<int>>> hashed;
    std::list<std::unique_ptr<int>> list;
    unsigned seed = 1;
    for (int i = 0; i < 3000; ++i) {
        seed = seed * 1664525u + 1013904223u;
        words.push_back(std::string(seed % 60, 'x') + std::to_string(i));
        ordered[static_cast<int>(seed % 700)] = words.back();
        hashed[words[(seed >> 8) % words.size()]] = std::make_shared<std::vector<int>>(seed % 100);
        list.push_back(std::make_unique<int>(i));
        if (i % 3 == 0)
            list.pop_front();
    }
    std::sort(words.begin(), words.end());
    std::sort(words.begin(), words.end(), std::greater<std::string>());
    std::ostringstream text;
    for (const auto &word : words)
        text << word << ' ';
    std::function<std::size_t()> size = [text = text.str()] { return text.size(); };
    auto *left = new std::vector<std::string>(words.begin(), words.begin() + 10);
    return size() > 1000 && left->size() == 10 && !hashed.empty() ? 0 : 3;
}
