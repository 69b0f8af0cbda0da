// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// pool RATE BUDGET: 200 sessions around rounds of work of a pool of four threads, which free blocks
// of the rounds before and allocate new ones. What a round does is ordered after the session's
// start and before its end by the pool's mutex: each session's figures are the round's, and the
// frees are all of earlier blocks.

#include <memscope/memscope.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace {

enum { THREADS = 4, SLOTS = 1000, ROUNDS = 200 };

std::mutex lock;
std::condition_variable there_is_work, all_is_done;
unsigned waiting, unfinished;
bool is_over;
void *slots[SLOTS];

std::size_t size_of(unsigned slot) {
    return 100 + slot;
}

void work() {
    for (;;) {
        unsigned slot;
        {
            std::unique_lock<std::mutex> held(lock);
            there_is_work.wait(held, [] { return waiting > 0 || is_over; });
            if (waiting == 0)
                return;
            slot = --waiting;
        }
        std::free(slots[slot]);
        slots[slot] = std::malloc(size_of(slot));
        std::lock_guard<std::mutex> held(lock);
        if (--unfinished == 0)
            all_is_done.notify_all();
    }
}

void run(unsigned count) {
    std::unique_lock<std::mutex> held(lock);
    waiting = unfinished = count;
    there_is_work.notify_all();
    all_is_done.wait(held, [] { return unfinished == 0; });
}

bool within(std::uint64_t least, std::uint64_t error, std::uint64_t truth) {
    return least <= truth && truth <= least + error;
}

bool is_right(memscope_backend backend, unsigned count) {
    memscope_session session;
    memscope_analysis data;
    std::uint64_t bytes = 0;
    for (unsigned slot = 0; slot < count; slot++)
        bytes += size_of(slot);
    memscope_status started = memscope_start_tracking(backend, &session);
    run(count);
    if (started != MEMSCOPE_OK || memscope_session_end(session, &data) != MEMSCOPE_OK)
        return false;
    const memscope_statistics &seen = data.statistics;
    bool right = seen.total_allocations == count && seen.total_bytes == bytes &&
                 seen.total_frees == count && seen.freed_bytes == bytes &&
                 within(seen.earlier_frees, seen.earlier_frees_error, count) &&
                 within(seen.earlier_freed_bytes, seen.earlier_freed_bytes_error, bytes);
    memscope_analysis_free(&data);
    return right;
}

} // namespace

int main(int argc, char **argv) {
    memscope_config config = memscope_config_default();
    memscope_backend backend;
    if (argc != 3)
        return 2;
    config.sample_rate = std::atof(argv[1]);
    config.max_overhead_percent = std::atof(argv[2]);
    if (memscope_backend_initialize(&config, &backend) != MEMSCOPE_OK)
        return 2;
    std::vector<std::thread> threads;
    for (int i = 0; i < THREADS; i++)
        threads.emplace_back(work);
    run(SLOTS); // from here on each has a block
    unsigned right = 0;
    for (unsigned round = 0; round < ROUNDS; round++)
        right += is_right(backend, 1 + round * 37 % SLOTS);
    {
        std::lock_guard<std::mutex> held(lock);
        is_over = true;
    }
    there_is_work.notify_all();
    for (std::thread &thread : threads)
        thread.join();
    std::printf("right: %u\n", right);
    return right != ROUNDS;
}
