// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fibers by ucontext: one thread takes turns between them. parser() builds a list as it goes and
// frees it at its end; logger() loses a block in each turn.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include <ucontext.h>

namespace {

ucontext_t scheduler;

struct fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool done = false;
};
fiber *running;

void next_turn() {
    swapcontext(&running->context, &scheduler);
}

void parser() {
    struct node {
        node *next;
        char text[240];
    };
    node *list = nullptr;
    for (int i = 0; i < 100; i++) {
        list = new node{list, {}};
        next_turn();
    }
    while (list)
        delete std::exchange(list, list->next);
    running->done = true;
}

char *volatile last_line;

void logger() {
    for (int i = 0; i < 100; i++) {
        last_line = static_cast<char *>(std::malloc(80));
        next_turn();
    }
    running->done = true;
}

void prepare(fiber &fiber, void (*function)()) {
    constexpr size_t stack_bytes = 64 * 1024;
    getcontext(&fiber.context);
    fiber.stack = std::make_unique<char[]>(stack_bytes);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = stack_bytes;
    fiber.context.uc_link = &scheduler;
    makecontext(&fiber.context, function, 0);
}

} // namespace

int main(int argc, char **argv) {
    std::vector<fiber> fibers(argc > 1 ? std::atoi(argv[1]) : 5);
    for (size_t i = 0; i < fibers.size(); i++)
        prepare(fibers[i], i == 0 ? logger : parser);
    for (size_t done = 0; done < fibers.size();) {
        for (fiber &next : fibers) {
            if (next.done)
                continue;
            running = &next;
            swapcontext(&scheduler, &next.context);
            done += next.done;
        }
    }
    std::printf("%zu fibers\n", fibers.size());
    return last_line == nullptr;
}
