// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sessions that end late in the life of a thread or of the process: in the destructor of a
// thread_local, in a handler of atexit, in the destructor of a static object, in a handler of
// at_quick_exit. Each says which, its status and what it counted.

#include <memscope/memscope.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <unistd.h>

static memscope_backend backend;

struct measured {
    const char *name;
    memscope_session session = 0;
    explicit measured(const char *own_name) : name(own_name) {
    }
    void begin() {
        if (memscope_backend_initialize(nullptr, &backend) != MEMSCOPE_OK ||
            memscope_start_tracking(backend, &session) != MEMSCOPE_OK)
            session = 0;
    }
    void end() {
        memscope_analysis data;
        char line[128];
        void *volatile block = std::malloc(10);
        std::free(block);
        memscope_status status = memscope_session_end(session, &data);
        if (status != MEMSCOPE_OK)
            std::memset(&data, 0, sizeof data);
        int length =
            std::snprintf(line, sizeof line, "%s: %d, %llu calls, %llu bytes\n", name, (int)status,
                          (unsigned long long)data.statistics.total_allocations,
                          (unsigned long long)data.statistics.total_bytes);
        if (write(1, line, (size_t)length) != length)
            std::abort();
        memscope_analysis_free(&data);
    }
};

struct at_end : measured {
    using measured::measured;
    ~at_end() {
        if (session)
            end();
    }
};

static at_end of_process("static");
static thread_local at_end of_thread("thread_local");
static measured of_atexit("atexit"), of_quick_exit("quick_exit");

int main(int argc, char **argv) {
    of_process.begin();
    std::thread([] {
        of_thread.begin();
        void *volatile block = std::malloc(20);
        std::free(block);
    }).join();
    of_atexit.begin();
    of_quick_exit.begin();
    std::atexit([] { of_atexit.end(); });
    std::at_quick_exit([] { of_quick_exit.end(); });
    void *volatile block = std::malloc(30);
    std::free(block);
    if (argc > 1 && std::strcmp(argv[1], "quick") == 0)
        std::quick_exit(0);
    return argv[0] == nullptr;
}
