// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Generators: coroutines that their caller resumes, on one thread. lines() holds the text that it
// cuts into lines and is given up before its end; words() makes a string of each word.

#include <algorithm>
#include <coroutine>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

template <typename T> class generator {
  public:
    struct promise_type {
        T *value = nullptr;
        generator get_return_object() {
            return generator(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept {
            return {};
        }
        std::suspend_always final_suspend() noexcept {
            return {};
        }
        std::suspend_always yield_value(T &next) noexcept {
            value = &next;
            return {};
        }
        void return_void() noexcept {
        }
        void unhandled_exception() {
            std::terminate();
        }
    };

    generator(generator &&other) noexcept : frame(std::exchange(other.frame, {})) {
    }
    ~generator() {
        if (frame)
            frame.destroy();
    }

    // The next value, NULL after the last.
    T *next() {
        frame.resume();
        return frame.done() ? nullptr : frame.promise().value;
    }

  private:
    explicit generator(std::coroutine_handle<promise_type> handle) : frame(handle) {
    }
    std::coroutine_handle<promise_type> frame;
};

static generator<std::string> lines(int count) {
    std::string text;
    for (int i = 0; i < count; i++)
        text += "line number " + std::to_string(i) + " of the text\n";
    for (size_t start = 0, end; (end = text.find('\n', start)) != text.npos; start = end + 1) {
        std::string line = text.substr(start, end - start);
        co_yield line;
    }
}

static generator<std::string> words(std::string line) {
    for (size_t start = 0; start < line.size();) {
        size_t end = std::min(line.find(' ', start), line.size());
        std::string word = "[" + line.substr(start, end - start) + "], copied to be kept";
        co_yield word;
        start = end + 1;
    }
}

int main() {
    std::vector<std::string> kept; // what main keeps is main's
    size_t count = 0;
    generator<std::string> text = lines(1000);
    for (int i = 0; i < 900; i++) {
        generator<std::string> parts = words(*text.next());
        while (std::string *word = parts.next()) {
            count++;
            if (word->find("number") != word->npos)
                kept.push_back(*word);
        }
    }
    std::printf("%zu words, %zu kept\n", count, kept.size());
    return 0;
}
