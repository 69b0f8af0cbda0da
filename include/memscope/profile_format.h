// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The profile on disk (.msp): written by runtime/ through one shared mapping while the program
// runs, read by profile/ at any time. Little endian, natural alignment, counters 64 bits wide.
//
//   unit 0                      64                                   arena_end_units
//   ├── header (4096 bytes) ────┼── record ── record ── record ── … ──┤ zeros to the file's end
//
// The file is cut into units of 64 bytes. A record begins at a unit with a memscope_record and
// spans `units` units. A *ref* names a record: ref_base + its first unit; 0 names nothing. ref_base
// is above every ref of the process's forebears, so that a block inherited over fork is told from
// one's own by its ref alone.
//
// A writer takes units by adding to arena_end_units, writes the record header with type PENDING,
// fills the record, then stores its type (release). A reader skips PENDING records; where a writer
// was killed before the record header, the units are zero: the reader goes on at the next unit that
// is not. Counters of one cell are written by one thread, or atomically where named so; a reader of
// a running program sees each word whole, but not all words of one event at once.

#ifndef MEMSCOPE_PROFILE_FORMAT_H
#define MEMSCOPE_PROFILE_FORMAT_H

#include "strategy.h"

#include <stdint.h>

#define MEMSCOPE_PROFILE_MAGIC "MEMSCOPE" // 8 bytes, no terminator
#define MEMSCOPE_PROFILE_VERSION 3u       // a reader refuses any other
#define MEMSCOPE_PROFILE_SUFFIX ".msp"
#define MEMSCOPE_UNIT_BYTES 64u
#define MEMSCOPE_HEADER_BYTES 4096u
#define MEMSCOPE_RECORD_MAGIC 0x534Du
#define MEMSCOPE_LOSS_SLOTS 32

enum memscope_loss {
#define MEMSCOPE_LOSS(index, key, text) MEMSCOPE_LOSS_##key = (index),
#include "losses.def"
};

enum memscope_site_kind {
#define MEMSCOPE_KIND(number, name, text) MEMSCOPE_SITE_##name = (number),
#include "kinds.def"
};

// What is known to run: the two bits make the four strategies (strategies.def).
#define MEMSCOPE_STRATEGY_THREADS 1u
#define MEMSCOPE_STRATEGY_TASKS 2u

// Why the strategy left GlobalDirect.
enum memscope_upgrade {
    MEMSCOPE_UPGRADE_NONE = 0,
    MEMSCOPE_UPGRADE_THREAD_STARTED = 1, // pthread_create or thrd_create
    MEMSCOPE_UPGRADE_UNKNOWN_THREAD = 2, // a thread that no hook saw start
    MEMSCOPE_UPGRADE_TASK_STARTED = 3,   // a coroutine, a fiber or a scope
    MEMSCOPE_UPGRADE_FORCED = 4,         // by the program or the option `strategy`
};

enum memscope_process_state {
    MEMSCOPE_PROCESS_RUNNING = 0,  // or ended without a word: SIGKILL, a fatal signal, exec
    MEMSCOPE_PROCESS_EXITED = 1,   // exit_code holds
    MEMSCOPE_PROCESS_SIGNALED = 2, // exit_signal holds (abort, or told by `memscope run`)
};

#define MEMSCOPE_PROFILE_FORKED 1u      // began in a fork child
#define MEMSCOPE_PROFILE_MEMORY_ONLY 2u // the disk was full: part of it never reached the file
#define MEMSCOPE_PROFILE_STATIC 4u      // hooks only: nothing could be interposed
#define MEMSCOPE_PROFILE_STRICT 8u
#define MEMSCOPE_PROFILE_COPY 16u      // made by a call of backend.h while the process ran
#define MEMSCOPE_PROFILE_NO_DETECT 32u // auto_detect is off

struct memscope_profile_header {
    char magic[8];
    uint32_t version;
    uint32_t header_bytes;
    uint32_t unit_bytes;
    uint32_t ref_base;
    uint64_t arena_end_units; // atomic; counted from the file's start, header included
    uint64_t mapped_units;    // atomic; units that have storage
    uint32_t flags;           // MEMSCOPE_PROFILE_*
    uint32_t state;           // enum memscope_process_state
    int32_t exit_code;
    int32_t exit_signal;
    uint64_t pid;
    uint64_t parent_pid;
    uint64_t uid;
    uint64_t start_realtime_ns;  // CLOCK_REALTIME
    uint64_t start_monotonic_ns; // CLOCK_MONOTONIC; every other *_ns is on this clock
    uint64_t end_monotonic_ns;   // 0 while it runs
    uint32_t command_ref;        // string: the arguments, quoted for a shell where needed
    uint32_t executable_ref;     // string: path of the executable
    uint32_t options_ref;        // string: MEMSCOPE_OPTIONS as given
    uint32_t allocator_ref;      // string: path of the module that serves malloc
    uint32_t main_module_ref;    // the executable's module record
    uint32_t overflow_ref;       // the cell for events that find no room; atomic
    uint32_t reentrant_site_ref; // the site of events inside a hook
    uint32_t strategy;           // enum memscope_strategy
    uint32_t upgrade;            // enum memscope_upgrade
    uint32_t upgrade_site_ref;   // site of the thread start that caused it, 0 = none
    uint32_t credit_bytes;       // how far the peak can be low, for each thread
    uint32_t forced_strategy;    // enum memscope_strategy + 1; 0 = none was forced
    uint64_t upgrade_ns;

    // Facts of the module descriptors loaded so far.
    uint64_t instrumented_modules;
    uint64_t modules_without_debug_info;
    uint64_t alloc_sites;
    uint64_t thread_sites;
    uint64_t coroutine_sites;
    uint64_t fiber_sites;

    // The process's peak. While one thread runs exact at every allocation; else low by at most
    // threads_highest * credit_bytes; the published total is off by half of that, either way.
    uint64_t peak_live_bytes;     // atomic
    uint64_t peak_epoch;          // atomic; counts new peaks, starts at 1
    int64_t published_live_bytes; // atomic; not kept while one thread runs
    uint64_t peak_ns;             // when the last published peak was (0 under GlobalDirect)
    uint32_t threads_now;         // atomic
    uint32_t threads_highest;     // atomic
    uint64_t threads_started;     // atomic; the first thread counts
    uint64_t failed_allocations;  // atomic
    uint64_t inherited_frees;     // atomic; blocks of a forebear freed here
    uint64_t unknown_frees;       // atomic; frees of blocks never recorded

    uint64_t losses[MEMSCOPE_LOSS_SLOTS]; // atomic; by enum memscope_loss
    char runtime_version[32];
    uint64_t tasks_started; // ids given out so far; those of ended tasks too
    // The highest live bytes since the latest session began (of the process, while none has): in
    // the low MEMSCOPE_LATEST_PEAK_BITS; above them, how many sessions have begun. Atomic. As exact
    // as peak_live_bytes.
    uint64_t latest_peak;
    uint64_t instance[2];      // random: names this profile, and its sessions
    uint64_t sessions_started; // by calls of backend.h
    // Coroutines and fibers alive at once (runtime/collect/task_alive.h).
    uint64_t async_task_highest;

    uint32_t unsampled_site_ref; // the site of what was not sampled (profile_sampling.h); 0 = none
    uint32_t reserved0;
    // What tracking has cost, up to the latest moment that it was asked for; all 0 = not measured.
    // In percent of the program's own time it is overhead_ns / (overhead_cpu_ns - overhead_ns).
    uint64_t overhead_ns;
    uint64_t overhead_error_ns; // 95 % of the time it is off by less, either way
    uint64_t overhead_cpu_ns;   // CPU time of the process then
};

#define MEMSCOPE_LATEST_PEAK_BITS 48
#define MEMSCOPE_LATEST_PEAK_BYTES ((1ull << MEMSCOPE_LATEST_PEAK_BITS) - 1)

enum memscope_record_type {
    MEMSCOPE_RECORD_STRING = 1,
    MEMSCOPE_RECORD_MODULE = 2,
    MEMSCOPE_RECORD_SITE = 3,
    MEMSCOPE_RECORD_THREAD = 4,
    MEMSCOPE_RECORD_CELL = 5,
    MEMSCOPE_RECORD_UNIT = 6,
    MEMSCOPE_RECORD_TASK = 7,
    MEMSCOPE_RECORD_TASK_CLASS = 8,
    MEMSCOPE_RECORD_TASK_FOLD = 9,
    MEMSCOPE_RECORD_TRANSFER = 10,
    MEMSCOPE_RECORD_CONTEXT = 11,
    MEMSCOPE_RECORD_AWAITER = 12,
    MEMSCOPE_RECORD_SITE_PEAK = 13,
    MEMSCOPE_RECORD_SESSION = 14, // profile_sessions.h
    MEMSCOPE_RECORD_LEVEL = 15,   // profile_sampling.h
    MEMSCOPE_RECORD_SCRATCH = 17, // the runtime's own: says nothing
    MEMSCOPE_RECORD_BLOCK = 16,   // profile_blocks.h
    MEMSCOPE_RECORD_PENDING = 0x7F,
};

struct memscope_record {
    uint16_t magic; // MEMSCOPE_RECORD_MAGIC
    uint8_t type;   // enum memscope_record_type
    uint8_t flags;  // by type
    uint32_t units; // of the whole record, at least 1
};

struct memscope_string_record {
    struct memscope_record record;
    uint32_t length; // bytes, no terminator counted; one zero byte follows
    char text[];
};

// A loaded ELF object: what foreign sites and, later, return addresses refer to.
struct memscope_module_record {
    struct memscope_record record;
    uint32_t path_ref;
    uint32_t build_id_length; // bytes of build_id, 0 = has none
    uint64_t map_start;       // first mapped address
    uint64_t map_end;         // one past the last
    uint64_t load_bias;       // address - load_bias = the file's virtual address
    uint8_t build_id[32];
    uint32_t ordinal; // by which contexts name it: from 1 on; 0 = they cannot
    uint32_t reserved0;
};

#define MEMSCOPE_SITE_FLAG_FOREIGN 1u // module_ref and module_offset tell where; no file or line

struct memscope_profile_frame {
    uint32_t function_ref;
    uint32_t file_ref;
    uint32_t line;
    uint32_t column;
};

// Behind the frames of a site record, where the record has room for it; else all zeros.
struct memscope_site_tail {
    uint32_t type_bytes;     // of one object of the type; 0 = unknown
    uint32_t wrapper_frames; // how many of its frames, from the call on, are of wrappers
};

struct memscope_site_record {
    struct memscope_record record; // flags: MEMSCOPE_SITE_FLAG_*
    uint16_t kind;                 // enum memscope_site_kind
    uint16_t inlined_count;
    uint32_t line; // 0 = unknown
    uint32_t column;
    uint32_t function_ref;
    uint32_t file_ref;
    uint32_t type_ref;
    uint32_t variable_ref;
    uint32_t module_ref;
    uint64_t module_offset; // of the return address of the call, as the file's virtual address
    struct memscope_profile_frame inlined[]; // innermost caller first; then a memscope_site_tail
};

enum memscope_thread_state {
    MEMSCOPE_THREAD_RUNNING = 0,
    MEMSCOPE_THREAD_EXITED = 1,
};

// A thread's buffer: its totals are the sums of its cells; here stands what sums do not give.
struct memscope_thread_record {
    struct memscope_record record;
    uint32_t index;          // 0 = the thread that started the process, then in order of start
    int32_t thread_id;       // the kernel's; of the latest thread where several shared the record
    uint32_t spawn_site_ref; // 0 = unknown
    uint32_t state;          // enum memscope_thread_state
    uint64_t start_ns;
    uint64_t end_ns;    // 0 while it runs
    char name[16];      // zero-terminated
    uint32_t shared_by; // threads that used this record one after another, at least 1
    uint32_t reserved0;
    // Own counters, written by this thread alone; kept from ThreadLocal on, before that the
    // process's peak is the first thread's.
    int64_t live_bytes; // before remote frees
    uint64_t peak_bytes;
    uint64_t reserved1[6];
    // Written by other threads that free this thread's blocks (atomic).
    uint64_t remote_freed_bytes;
    uint64_t reserved2[7];
};

#define MEMSCOPE_CELL_ATOMIC 1u  // every counter of it is changed atomically, by any thread
#define MEMSCOPE_CELL_TASK 2u    // class_ref is not 0: its blocks belong to tasks of that class
#define MEMSCOPE_CELL_SAMPLED 4u // stands for more blocks: a memscope_cell_sample follows
#define MEMSCOPE_CELL_UNSAMPLED                                                                    \
    8u // what was not sampled: in totals of process, thread and task alone; has no peak
#define MEMSCOPE_CELL_ESTIMATES (MEMSCOPE_CELL_SAMPLED | MEMSCOPE_CELL_UNSAMPLED)

// How many blocks a cell has allocated stands in one word that the runtime changes by a single
// subtraction, whose sign tells it each 1,024th of them:
//   [ countdown : 11, signed | rounds : 43 | first countdown : 10 ]
//   allocations = rounds * 1024 + first countdown - countdown
// An event takes 1 from the countdown; where that leaves less than nothing, a round is added to
// both. (Of a cell MEMSCOPE_CELL_UNSAMPLED the word is the number itself.)
#define MEMSCOPE_ROUND_BITS 10
#define MEMSCOPE_COUNTDOWN_SHIFT 53
#define MEMSCOPE_COUNT_ROUND                                                                       \
    ((1ull << (MEMSCOPE_COUNTDOWN_SHIFT + MEMSCOPE_ROUND_BITS)) + (1ull << MEMSCOPE_ROUND_BITS))

// The word of a cell that has allocated nothing, whose first round ends after `first` + 1 blocks.
static inline uint64_t memscope_count_begin(uint64_t first) {
    first &= (1u << MEMSCOPE_ROUND_BITS) - 1;
    return first << MEMSCOPE_COUNTDOWN_SHIFT | first;
}

// ... of one that has allocated `count` blocks, at most MEMSCOPE_COUNT_MOST.
#define MEMSCOPE_COUNT_MOST ((1ull << MEMSCOPE_COUNTDOWN_SHIFT) - (1ull << MEMSCOPE_ROUND_BITS))
static inline uint64_t memscope_count_of(uint64_t count) {
    uint64_t rounds = (count + (1u << MEMSCOPE_ROUND_BITS) - 1) >> MEMSCOPE_ROUND_BITS;
    uint64_t counted = rounds << MEMSCOPE_ROUND_BITS;
    return (counted - count) << MEMSCOPE_COUNTDOWN_SHIFT | counted;
}

static inline uint64_t memscope_count(uint64_t word) {
    uint64_t counted = word & ((1ull << MEMSCOPE_COUNTDOWN_SHIFT) - 1);
    uint64_t count = counted - (uint64_t)((int64_t)word >> MEMSCOPE_COUNTDOWN_SHIFT);
    return (int64_t)count < 0 ? 0 : count; // of a damaged profile
}

// What one thread, while it ran tasks of one class (or its root task), allocated at one site. Freed
// blocks are counted in the cell that allocated them.
//   live blocks = allocations - frees - remote_frees
//   live bytes  = bytes - freed_bytes - remote_freed_bytes
//   peak bytes  = bytes - freed_bytes + headroom_bytes
//   live bytes at the process's peak = own - remote, where
//     own    = epoch == header.peak_epoch ? at_peak_bytes : bytes - freed_bytes
//     remote = remote_epoch == header.peak_epoch ? remote_at_peak_bytes : remote_freed_bytes
struct memscope_cell_record {
    struct memscope_record record; // flags: MEMSCOPE_CELL_*
    uint64_t site_peak;            // the runtime's own; 0 = no site peak record counts its blocks,
                                   // as while its thread has no other cell of the site
    uint64_t count_word;           // of memscope_cell_allocations
    uint64_t bytes;                // requested
    uint64_t frees;                // by the allocating thread
    uint64_t freed_bytes;
    uint64_t epoch;         // header.peak_epoch when own counters last changed
    int64_t headroom_bytes; // the cell's highest live bytes - (bytes - freed_bytes)
    // Up to here one cache line: what an event of the owner touches.
    uint32_t site_ref;
    uint32_t thread_ref; // 0 = of no thread (the overflow cell)
    uint64_t at_peak_bytes;
    uint64_t temporary; // freed by the allocating thread before its next allocation
    // Frees by other threads (atomic).
    uint64_t remote_frees;
    uint64_t remote_freed_bytes;
    uint64_t remote_epoch;
    uint64_t remote_at_peak_bytes;
    uint32_t class_ref;   // task class; 0 = the thread's root task
    uint32_t context_ref; // the stack that led to the site; 0 = not kept
};

static inline uint64_t memscope_cell_allocations(const struct memscope_cell_record *cell) {
    return cell->record.flags & MEMSCOPE_CELL_UNSAMPLED ? cell->count_word
                                                        : memscope_count(cell->count_word);
}

static inline uint64_t memscope_cell_peak(const struct memscope_cell_record *cell) {
    return cell->bytes - cell->freed_bytes + (uint64_t)cell->headroom_bytes;
}

// What one thread holds at one site by all stacks: the site's own peak, no sum of its cells'.
//   live bytes = peak_bytes - headroom_bytes - remote_freed_bytes
struct memscope_site_peak_record {
    struct memscope_record record;
    uint32_t site_ref;
    uint32_t thread_ref;
    int64_t headroom_bytes;
    uint64_t peak_bytes;
    uint64_t remote_freed_bytes; // by other threads (atomic)
    uint64_t reserved[3];
};

// ---- contexts ----------------------------------------------------------------------------------

// Code as a module's file numbers it, so that it is found again wherever the module lies: an
// ordinal of a module record in the upper 16 bits, below it the file's virtual address. Ordinal 0:
// no module is known there, and the address is the process's.
#define MEMSCOPE_CODE_OFFSET_BITS 48

static inline uint64_t memscope_code(uint32_t module_ordinal, uint64_t address) {
    return (uint64_t)module_ordinal << MEMSCOPE_CODE_OFFSET_BITS |
           (address & ((1ull << MEMSCOPE_CODE_OFFSET_BITS) - 1));
}

#define MEMSCOPE_CONTEXT_CUT 1u           // the stack goes on: the depth asked for was reached
#define MEMSCOPE_CONTEXT_BROKEN 2u        // the stack goes on: nothing tells how to unwind further
#define MEMSCOPE_CONTEXT_FOREIGN_STACK 4u // it ran on a stack that nobody told us of: not walked

// A site and the stack that led to it. Each is written once.
struct memscope_context_record {
    struct memscope_record record; // flags: MEMSCOPE_CONTEXT_*
    uint32_t site_ref;
    uint32_t awaiter_ref; // the task that allocated, and who awaits it; 0 = a thread's root task
    uint32_t frame_count;
    uint32_t reserved0;
    // Return addresses (memscope_code), innermost first: the first one lies in the function that
    // called the allocator, unless that was a tail call. Where a task allocated, they end with the
    // function in which it was resumed.
    uint64_t frames[];
};

// A task in an await chain, below its stack. MEMSCOPE_CONTEXT_CUT: its outermost tasks are lacking.
struct memscope_awaiter_record {
    struct memscope_record record; // flags: MEMSCOPE_CONTEXT_CUT
    uint32_t class_ref;
    uint32_t awaiter_ref; // who awaits this one; 0 = nobody: its class tells where it was spawned
    uint32_t depth;       // tasks in the chain, this one included
    uint32_t line;        // where that awaits this one, in its function's file; 0 = unknown
};

// An instrumented translation unit without debug info.
struct memscope_unit_record {
    struct memscope_record record;
    uint32_t name_ref;
    uint32_t module_ref; // 0 = unknown
    uint32_t flags;      // MEMSCOPE_MODULE_* of abi.h
    uint32_t reserved;
};

#include "profile_tasks.h"

#endif
