// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "pool.h"

#include <pthread.h>

static const size_t sessions_per_worker = 2000;

Worker::Worker() : cache_(sessions_per_worker), thread_(&Worker::run, this) {
    pthread_setname_np(thread_.native_handle(), "worker");
}

void Worker::submit(std::unique_ptr<Request> request) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return queued_ < queue_.size(); });
    queue_[(oldest_ + queued_++) % queue_.size()] = std::move(request);
    changed_.notify_all();
}

WorkerTotals Worker::finish() {
    {
        std::lock_guard<std::mutex> lock(mutex_);
        closed_ = true;
        changed_.notify_all();
    }
    thread_.join();
    totals_.cached = cache_.size();
    return totals_;
}

void Worker::run() {
    for (;;) {
        std::unique_ptr<Request> request;
        {
            std::unique_lock<std::mutex> lock(mutex_);
            changed_.wait(lock, [this] { return closed_ || queued_ > 0; });
            if (queued_ == 0)
                return;
            request = std::move(queue_[oldest_]);
            oldest_ = (oldest_ + 1) % queue_.size();
            queued_--;
            changed_.notify_all();
        }
        handle(*request);
    }
}

void Worker::handle(Request &request) {
    std::unique_ptr<Session> session = parse(request);
    if (!session) {
        totals_.refused++;
        audit_.note(request.user, "malformed request");
        return;
    }
    totals_.parsed++;
    totals_.payload_bytes += session->payload.size();
    cache_.put(request.user, std::move(session));
}

Pool::Pool(size_t workers) {
    for (size_t i = 0; i < workers; i++)
        workers_.push_back(std::make_unique<Worker>());
}

void Pool::submit(std::unique_ptr<Request> request) {
    workers_[request->user % workers_.size()]->submit(std::move(request));
}

WorkerTotals Pool::finish() {
    WorkerTotals sum;
    for (auto &worker : workers_) {
        WorkerTotals totals = worker->finish();
        sum.parsed += totals.parsed;
        sum.refused += totals.refused;
        sum.cached += totals.cached;
        sum.payload_bytes += totals.payload_bytes;
    }
    return sum;
}
