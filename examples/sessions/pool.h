// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Worker threads, each with a queue and a session cache of its own. A user's requests all go to the
// same worker, in order, so that a run allocates the same bytes every time.

#pragma once

#include "session.h"

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

struct WorkerTotals {
    size_t parsed = 0;
    size_t refused = 0;
    size_t cached = 0;
    size_t payload_bytes = 0;
};

class Worker {
  public:
    Worker();

    void submit(std::unique_ptr<Request> request); // any thread
    WorkerTotals finish();                         // after the last submit, once

  private:
    void run();
    void handle(Request &request);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::array<std::unique_ptr<Request>, 512> queue_; // a ring
    size_t oldest_ = 0;
    size_t queued_ = 0;
    bool closed_ = false;

    SessionCache cache_;
    AuditLog audit_;
    WorkerTotals totals_;
    std::thread thread_; // last: it starts when all the rest is there
};

class Pool {
  public:
    explicit Pool(size_t workers);

    void submit(std::unique_ptr<Request> request);
    WorkerTotals finish();

  private:
    std::vector<std::unique_ptr<Worker>> workers_;
};
