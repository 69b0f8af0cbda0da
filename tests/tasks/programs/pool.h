// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pool of threads that steal work from each other. It allocates nothing of its own.

#ifndef POOL_H
#define POOL_H

#include "task.h"

#include <mutex>
#include <pthread.h>
#include <sched.h>

struct pool {
    enum { MOST_THREADS = 8, MOST_READY = 1024 };
    struct queue {
        std::mutex mutex;
        void *ready[MOST_READY];
        unsigned first, count;
    };
    static inline queue queues[MOST_THREADS];
    static inline unsigned threads;
    static inline std::atomic<int> left; // tasks to be over
    static inline thread_local unsigned self;

    // To the next thread's queue: a task rarely stays where it was.
    static void put(std::coroutine_handle<> h) {
        queue &q = queues[(self + 1) % threads];
        std::lock_guard<std::mutex> lock(q.mutex);
        if (q.count == MOST_READY)
            abort();
        q.ready[(q.first + q.count++) % MOST_READY] = h.address();
    }

    static void *take(queue &q) {
        std::lock_guard<std::mutex> lock(q.mutex);
        if (q.count == 0)
            return nullptr;
        void *h = q.ready[q.first];
        q.first = (q.first + 1) % MOST_READY;
        q.count--;
        return h;
    }

    static void *work(void *number) {
        self = static_cast<unsigned>(reinterpret_cast<uintptr_t>(number));
        while (left > 0) {
            void *h = nullptr;
            for (unsigned i = 0; i < threads && !h; i++)
                h = take(queues[(self + i) % threads]);
            if (h)
                std::coroutine_handle<>::from_address(h).resume();
            else
                sched_yield();
        }
        return nullptr;
    }

    static void run() {
        pthread_t ids[MOST_THREADS];
        for (unsigned i = 0; i < threads; i++)
            if (pthread_create(&ids[i], nullptr, work, reinterpret_cast<void *>(uintptr_t(i))) != 0)
                abort();
        for (unsigned i = 0; i < threads; i++)
            pthread_join(ids[i], nullptr);
    }

    // co_await pool::turn(): goes on on a thread of the pool.
    struct turn {
        bool await_ready() {
            return false;
        }
        void await_suspend(std::coroutine_handle<> h) {
            put(h);
        }
        void await_resume() {
        }
    };
};

#endif
