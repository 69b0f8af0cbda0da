// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small server's insides, without the network: requests of many users are parsed by four worker
// threads, which keep the newest sessions. `sessions [REQUESTS]`; the work is the same on each run.

#include "pool.h"

#include <cstdio>
#include <cstdlib>

// A linear congruential generator; the high bits are the good ones.
class Random {
  public:
    uint32_t below(uint32_t limit) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<uint32_t>((state_ >> 33) % limit);
    }

  private:
    uint64_t state_ = 42;
};

static std::unique_ptr<Request> make_request(Random &random) {
    auto request = std::make_unique<Request>();
    request->user = random.below(20000);
    std::string &text = request->text;
    text.reserve(256);
    text = "/account/" + std::to_string(request->user) + "/orders";
    if (random.below(200) == 0)
        return request; // malformed: no fields
    text += "?session=" + std::to_string(random.below(1000000000)) + "&language=en";
    for (uint32_t i = random.below(6); i > 0; i--)
        text += "&item" + std::to_string(i) + "=a-rather-long-name-" +
                std::to_string(random.below(100000));
    request->payload.resize(random.below(100) == 0 ? 16384 : random.below(1024));
    return request;
}

int main(int argc, char **argv) {
    unsigned long requests = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200000;
    Random random;
    Pool pool(4);
    for (unsigned long i = 0; i < requests; i++)
        pool.submit(make_request(random));
    WorkerTotals totals = pool.finish();
    std::printf("%zu requests parsed (%zu payload bytes), %zu refused, %zu sessions kept\n",
                totals.parsed, totals.payload_bytes, totals.refused, totals.cached);
    return 0;
}
