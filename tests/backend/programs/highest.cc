// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// highest THREADS: coroutines come and go long before the first call of the API, which then tells
// how many were alive at once at most. On THREADS threads: as many on each, all alive at one
// moment.

#include "coroutines.h"

#include <memscope/memscope.h>

#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

using job = held<>;

job work() {
    co_return;
}

void start(std::vector<job> &jobs, std::size_t count) {
    for (std::size_t i = 0; i < count; i++)
        jobs.push_back(work());
}

void end(std::vector<job> &jobs, std::size_t count) {
    for (std::size_t i = 0; i < count; i++) {
        jobs.back().handle.destroy();
        jobs.pop_back();
    }
}

// 1,000 alive, then 100, 150, 50: never more than 1,000 again.
void come_and_go(std::barrier<> &all) {
    std::vector<job> jobs;
    start(jobs, 1000);
    all.arrive_and_wait();
    end(jobs, 900);
    start(jobs, 50);
    end(jobs, 100);
    all.arrive_and_wait();
    all.arrive_and_wait(); // the figures are told meanwhile
    end(jobs, 50);
}

} // namespace

int main(int argc, char **argv) {
    int threads = argc > 1 ? std::atoi(argv[1]) : 0;
    std::barrier all(threads + 1);
    std::vector<std::thread> others;
    std::vector<job> jobs;
    start(jobs, 300); // on one thread alone, so far
    end(jobs, 100);
    for (int i = 0; i < threads; i++)
        others.emplace_back(come_and_go, std::ref(all));
    if (threads == 0) {
        start(jobs, 800);
        end(jobs, 950);
    } else {
        all.arrive_and_wait();
        all.arrive_and_wait();
    }
    struct memscope_environment environment;
    if (memscope_detect_environment(&environment) != MEMSCOPE_OK)
        return 2;
    std::printf("%llu alive of %llu\n", (unsigned long long)environment.async_task_count,
                (unsigned long long)environment.async_task_highest);
    if (threads > 0)
        all.arrive_and_wait();
    for (std::thread &other : others)
        other.join();
    end(jobs, jobs.size());
}
