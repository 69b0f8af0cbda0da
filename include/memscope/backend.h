// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backend: a program, a test or a service drives tracking itself. C11 and C++.
//
//   struct memscope_config config = memscope_config_default();
//   memscope_backend backend;
//   memscope_session session;
//   struct memscope_analysis data;
//   if (memscope_backend_initialize(&config, &backend) != MEMSCOPE_OK)
//       puts(memscope_error_message());
//   memscope_start_tracking(backend, &session);
//   work();
//   if (memscope_session_end(session, &data) == MEMSCOPE_OK)
//       printf("%.0f bytes a call\n", data.statistics.avg_allocation_size);
//   memscope_analysis_free(&data);
//
// Without a runtime in the process, and where it is switched off, each call costs a test of a
// pointer and returns MEMSCOPE_NOT_LINKED. Linked with -no-pie, a program sees a runtime that is
// linked in, not one that is preloaded.
//
// All may be called from any thread, at the same time, none from a signal handler: that may have
// interrupted an allocation, and is then told MEMSCOPE_BUSY. errno is kept. No call ends the
// program, none uses its allocator. A call that fails writes nothing through its `_out` pointer; a
// NULL one is MEMSCOPE_INVALID_ARGUMENT.
//
// What a session counts. Its figures are the difference of two exact totals of the process: at its
// start and now. An allocation or free whose call returned before memscope_start_tracking was
// called is not in it, one that begins after that returned is, likewise at the other end; "before"
// as C11 means it: on the same thread, or through whatever orders two threads (a join, a mutex, an
// acquire load). Of what runs at the same time as a call on another thread, any part may be in.
//
// Handles name one backend or session of one process and are never used again. In a fork child
// those of the parent are MEMSCOPE_FORKED; it may initialize a backend of its own.

#ifndef MEMSCOPE_BACKEND_H
#define MEMSCOPE_BACKEND_H

#include "status.h"
#include "strategy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t memscope_backend; // 0 = none
typedef uint64_t memscope_session; // 0 = none

// ---- configuration -----------------------------------------------------------------------------

struct memscope_config {
    // False: the environment is SINGLE_THREADED, whatever the program does. What the program does
    // is counted exactly all the same: the strategy is upgraded, with a warning.
    bool auto_detect;
    // enum memscope_strategy. MEMSCOPE_STRATEGY_NONE: the one for the environment.
    int force_strategy;
    // 0.0 to 1.0: the probability that an allocation of 1 KiB is tracked by itself; others are
    // counted in the totals, which are exact at every rate. 1.0: all are; 0.0: none.
    double sample_rate;
    // 0.0 to 100.0: what tracking may cost, in percent of the program's own CPU time. Beyond it
    // first call stacks are given up, then single blocks: sampling sets in; back when there is
    // room. 0 = report only, never degrade. Totals are exact at all times. The options sample_rate
    // and max_overhead_percent have precedence, each where it is given.
    double max_overhead_percent;
    // Where the profile goes: a path, with the patterns of the option `output`; at most 1,023
    // bytes. NULL: where it goes already. It can be moved until the first thread is started.
    // MEMSCOPE_OPTIONS=output=… has precedence, so that `memscope run -o` does.
    const char *output;
};

// ---- what kind of program it is ----------------------------------------------------------------

enum memscope_runtime_type {
    MEMSCOPE_RUNTIME_NONE = 0,
    MEMSCOPE_RUNTIME_CPP_COROUTINE = 1, // C++20 coroutines
    MEMSCOPE_RUNTIME_FIBER = 2,         // ucontext, Boost.Context, fibers by annotation
    MEMSCOPE_RUNTIME_OPENMP = 3,
    MEMSCOPE_RUNTIME_TOKIO = 4,     // never found by this build
    MEMSCOPE_RUNTIME_ASYNC_STD = 5, // never found by this build
    MEMSCOPE_RUNTIME_CUSTOM = 6,    // tasks by annotation: memscope_task_create
};

struct memscope_runtime {
    int type;              // enum memscope_runtime_type
    bool linked_in;        // told by module descriptors and loaded libraries
    bool used;             // a task of it began
    const char *library;   // "Boost.Asio": static text; NULL = not known which
    uint64_t tasks_now;    // alive; of OpenMP: threads that run
    uint64_t tasks_so_far; // that began
};

enum { MEMSCOPE_RUNTIMES_MOST = 24 };

struct memscope_environment {
    int kind;                    // enum memscope_environment_kind
    uint32_t thread_count;       // that run now, the first included
    uint32_t thread_highest;     // at once, so far
    uint64_t async_task_count;   // coroutines and fibers alive now
    uint64_t async_task_highest; // at once, so far; among threads low by at most 64 for each
    int primary_runtime;         // enum memscope_runtime_type: of most tasks so far; NONE = none
    const char *primary_library; // of the same; NULL = not known which
    uint32_t runtime_count;
    struct memscope_runtime runtimes[MEMSCOPE_RUNTIMES_MOST]; // most tasks first
};

// ---- results -----------------------------------------------------------------------------------

// Bytes are requested ones. An exact figure has no error beside it.
struct memscope_statistics {
    uint64_t total_allocations; // of the interval
    uint64_t total_bytes;       // of the interval
    uint64_t total_frees;       // of the interval
    uint64_t freed_bytes;       // of the interval
    uint64_t live_allocations;  // of the process, at the interval's end
    uint64_t live_bytes;        // of the process, at the interval's end
    // The most the process had alive at once in the interval. Exact while the process has one
    // thread; else off by at most peak_error_bytes: 64 KiB for each thread that ran at once.
    uint64_t peak_memory_bytes;
    uint64_t peak_error_bytes;
    double avg_allocation_size; // total_bytes / total_allocations; 0 without allocations
    double session_duration_ms; // of the monotonic clock
    // Of total_frees those of blocks from before the interval: at least so many, and at most
    // ..._error more. It is told for each stack and thread by what was alive there at the start, so
    // the error is 0 wherever the interval allocates by other stacks than the program before it, or
    // frees none of what was there. The same in bytes.
    uint64_t earlier_frees;
    uint64_t earlier_frees_error;
    uint64_t earlier_freed_bytes;
    uint64_t earlier_freed_bytes_error;
};

enum { MEMSCOPE_SESSION_ID_BYTES = 64 };

struct memscope_session_metadata {
    char session_id[MEMSCOPE_SESSION_ID_BYTES]; // zero-terminated
    int detected_environment;                   // enum memscope_environment_kind
    int strategy_used;                          // enum memscope_strategy
    bool strategy_forced;
    bool strategy_upgraded;     // forced to another one, which could not have been exact
    uint64_t start_realtime_ns; // since 1970, UTC
    // What tracking cost in the interval, in percent of the program's own CPU time, estimated as
    // the program runs, and how far that may be off; NaN where no CPU time has passed or nothing
    // was timed yet. Of less than some 1,000 allocations a thread it is what the process's cost in
    // the mean, and as much the error. Not in it: what the compiler made otherwise because of the
    // plugin (frame pointers).
    double overhead_percent;
    double overhead_error;
};

struct memscope_analysis {
    // A copy of the profile as `memscope` reads it from a file: of the whole process so far, the
    // session told among the others. Each of its counters is whole and at most one event of each
    // thread is half told. It lies in memory of its own, which memscope_analysis_free gives back.
    void *raw_data;
    size_t raw_size; // bytes
    struct memscope_statistics statistics;
    struct memscope_environment environment;
    struct memscope_session_metadata session_metadata;
};

enum memscope_log_level {
    MEMSCOPE_LOG_WARNING = 1,
    MEMSCOPE_LOG_INFO = 2,
    MEMSCOPE_LOG_DETAIL = 3,
};

// `message` holds for the call. It runs on the thread whose call of this API has something to say,
// and may allocate.
typedef void memscope_log_callback(void *context, int level, const char *message);

// ---- the runtime's side; call the functions below ----------------------------------------------

#define MEMSCOPE_WEAK __attribute__((weak, visibility("default")))
MEMSCOPE_WEAK memscope_status __memscope_backend_initialize(const struct memscope_config *config,
                                                            memscope_backend *backend_out);
MEMSCOPE_WEAK memscope_status __memscope_backend_detect(struct memscope_environment *out);
MEMSCOPE_WEAK memscope_status __memscope_backend_select(const struct memscope_environment *from,
                                                        int *strategy_out);
MEMSCOPE_WEAK memscope_status __memscope_backend_collect(memscope_backend backend,
                                                         struct memscope_analysis *out);
MEMSCOPE_WEAK memscope_status __memscope_backend_shutdown(memscope_backend backend,
                                                          struct memscope_analysis *out);
MEMSCOPE_WEAK memscope_status __memscope_session_start(memscope_backend backend,
                                                       memscope_session *session_out);
MEMSCOPE_WEAK memscope_status __memscope_session_name(memscope_session session, char *id_out);
MEMSCOPE_WEAK memscope_status __memscope_session_elapsed(memscope_session session,
                                                         uint64_t *ns_out);
MEMSCOPE_WEAK memscope_status __memscope_session_collect(memscope_session session,
                                                         struct memscope_analysis *out);
MEMSCOPE_WEAK memscope_status __memscope_session_end(memscope_session session,
                                                     struct memscope_analysis *out);
MEMSCOPE_WEAK memscope_status __memscope_analysis_write(const struct memscope_analysis *data,
                                                        int fd);
MEMSCOPE_WEAK void __memscope_analysis_free(struct memscope_analysis *data);
MEMSCOPE_WEAK const char *__memscope_backend_message(void);
MEMSCOPE_WEAK memscope_status __memscope_backend_log(memscope_log_callback *callback,
                                                     void *context);
#undef MEMSCOPE_WEAK

#define MEMSCOPE_CALL(name, arguments)                                                             \
    (__memscope_##name ? __memscope_##name arguments : MEMSCOPE_NOT_LINKED)

// ---- the backend -------------------------------------------------------------------------------

// What memscope_backend_initialize takes for NULL: auto_detect, no forced strategy, sample_rate
// 1.0, max_overhead_percent 5.0, the runtime's own output.
static inline struct memscope_config memscope_config_default(void) {
    struct memscope_config config;
    config.auto_detect = true;
    config.force_strategy = MEMSCOPE_STRATEGY_NONE;
    config.sample_rate = 1.0;
    config.max_overhead_percent = 5.0;
    config.output = NULL;
    return config;
}

// Checks the configuration (NULL = the default), detects the environment, selects the strategy. A
// process has one backend: a second call with an equal configuration gives the same one. After a
// shutdown the next one's configuration holds.
//
// MEMSCOPE_CONFIGURATION: a field out of its range (NaN and infinities are), or another
// configuration than the backend that is there. MEMSCOPE_ENVIRONMENT_DETECTION_FAILED: a damaged
// module descriptor. MEMSCOPE_STRATEGY_SELECTION_FAILED: the forced strategy cannot be exact for
// what the program does already. MEMSCOPE_TRACKING_INITIALIZATION_FAILED: `output` cannot be
// written. memscope_error_message() tells more.
static inline memscope_status memscope_backend_initialize(const struct memscope_config *config,
                                                          memscope_backend *backend_out) {
    return MEMSCOPE_CALL(backend_initialize, (config, backend_out));
}

// What the program is, by what runs and has run, and what is linked in; never by environment
// variables or the number of CPUs. MEMSCOPE_ENVIRONMENT_DETECTION_FAILED as above.
static inline memscope_status
memscope_detect_environment(struct memscope_environment *environment_out) {
    return MEMSCOPE_CALL(backend_detect, (environment_out));
}

// enum memscope_strategy for an environment. MEMSCOPE_INVALID_ARGUMENT: its kind is none.
static inline memscope_status
memscope_select_strategy(const struct memscope_environment *environment, int *strategy_out) {
    return MEMSCOPE_CALL(backend_select, (environment, strategy_out));
}

// The whole life of the process, from before main up to now. Statuses as of
// memscope_session_collect.
static inline memscope_status memscope_backend_collect(memscope_backend backend,
                                                       struct memscope_analysis *data_out) {
    return MEMSCOPE_CALL(backend_collect, (backend, data_out));
}

// The same, for the last time: open sessions are ended, the handle is over. `data_out` may be NULL.
// The process is profiled on to its end, and may initialize a new backend.
static inline memscope_status memscope_backend_shutdown(memscope_backend backend,
                                                        struct memscope_analysis *data_out) {
    return MEMSCOPE_CALL(backend_shutdown, (backend, data_out));
}

// ---- sessions ----------------------------------------------------------------------------------

// Sessions may nest and overlap, and be started, collected and ended by different threads. The
// profile keeps 4,096 that have ended, the latest. MEMSCOPE_ENDED: the backend is shut down.
// MEMSCOPE_OUT_OF_MEMORY: 40 bytes for each stack that has allocated so far.
static inline memscope_status memscope_start_tracking(memscope_backend backend,
                                                      memscope_session *session_out) {
    return MEMSCOPE_CALL(session_start, (backend, session_out));
}

// A name that no other session has, of any process on any host; also in the profile and in
// reports. `id_out` has room for MEMSCOPE_SESSION_ID_BYTES. Holds for ended sessions, too.
static inline memscope_status memscope_session_id(memscope_session session, char *id_out) {
    return MEMSCOPE_CALL(session_name, (session, id_out));
}

// Nanoseconds since the session's start, of the monotonic clock. MEMSCOPE_ENDED once it has.
static inline memscope_status memscope_session_elapsed_ns(memscope_session session,
                                                          uint64_t *ns_out) {
    return MEMSCOPE_CALL(session_elapsed, (session, ns_out));
}

// The session's interval up to now; it goes on. Nothing is stopped for it. `data_out` is the
// caller's to free. Of two collections, one ordered before the other, no total of the later is
// smaller. MEMSCOPE_ENDED, MEMSCOPE_FORKED, MEMSCOPE_OUT_OF_MEMORY (as much as the profile's size);
// MEMSCOPE_INVALID_ARGUMENT: no session has this handle.
static inline memscope_status memscope_session_collect(memscope_session session,
                                                       struct memscope_analysis *data_out) {
    return MEMSCOPE_CALL(session_collect, (session, data_out));
}

// The same, for the last time. `data_out` may be NULL.
static inline memscope_status memscope_session_end(memscope_session session,
                                                   struct memscope_analysis *data_out) {
    return MEMSCOPE_CALL(session_end, (session, data_out));
}

// ---- data --------------------------------------------------------------------------------------

// Writes raw_data, all of it, to a descriptor: a file that `memscope report` reads. No signal is
// raised. MEMSCOPE_DATA_COLLECTION_FAILED: a short write, and why.
static inline memscope_status memscope_analysis_write(const struct memscope_analysis *data,
                                                      int fd) {
    return MEMSCOPE_CALL(analysis_write, (data, fd));
}

// Gives back raw_data and sets it to NULL; the rest of `data` stays readable. NULL is fine, and so
// is a second call.
static inline void memscope_analysis_free(struct memscope_analysis *data) {
    if (__memscope_analysis_free)
        __memscope_analysis_free(data);
}

// ---- errors, log, names ------------------------------------------------------------------------

// What the calling thread's latest failed call of this API had to say, "" = none has failed. Holds
// until its next call.
static inline const char *memscope_error_message(void) {
    return __memscope_backend_message ? __memscope_backend_message()
                                      : "no MemScope runtime in this process";
}

// The host's own log gets what calls of this API have to say, instead of stderr; NULL = stderr
// again. The option `verbosity` rules both: a level above it is not told. Warnings: a forced
// strategy, an option that has precedence; info: a backend is there, is shut down; detail:
// sessions.
static inline memscope_status memscope_set_log(memscope_log_callback *callback, void *context) {
    return MEMSCOPE_CALL(backend_log, (callback, context));
}

#undef MEMSCOPE_CALL

// "Hybrid"; "unknown" for a number that is none. The same for the others.
static inline const char *memscope_environment_name(int kind) {
    switch (kind) {
#define MEMSCOPE_STRATEGY(number, name, text, option, environment, environment_text)               \
    case MEMSCOPE_ENVIRONMENT_##environment:                                                       \
        return environment_text;
#include "strategies.def"
    default:
        return "unknown";
    }
}

static inline const char *memscope_strategy_name(int strategy) {
    switch (strategy) {
#define MEMSCOPE_STRATEGY(number, name, text, option, environment, environment_text)               \
    case MEMSCOPE_STRATEGY_##name:                                                                 \
        return text;
#include "strategies.def"
    default:
        return "unknown";
    }
}

static inline const char *memscope_runtime_name(int type) {
    static const char *const names[] = {"none",  "C++20 coroutines", "fibers",         "OpenMP",
                                        "Tokio", "async-std",        "annotated tasks"};
    return type >= 0 && type <= MEMSCOPE_RUNTIME_CUSTOM ? names[type] : "unknown";
}

static inline const char *memscope_status_text(memscope_status status) {
    switch (status) {
#define MEMSCOPE_STATUS(number, name, text)                                                        \
    case MEMSCOPE_##name:                                                                          \
        return text;
#include "status.def"
    }
    return "unknown";
}

#ifdef __cplusplus
} // extern "C"
#endif

#endif
