// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything that depends on the operating system or the CPU: the one place for `#if` on either.
// The functions behave like the raw system calls: they never touch errno and return -errno on
// failure. Async-signal-safe, any thread.

#ifndef MS_PLATFORM_H
#define MS_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#if !defined(__linux__)
#error "MemScope's runtime knows Linux only"
#endif

// User addresses below this many bits get shadow records; blocks above are counted as losses.
#if defined(__x86_64__)
#define MS_ADDRESS_BITS 47
#elif defined(__aarch64__)
#define MS_ADDRESS_BITS 48
#else
#error "MemScope's runtime knows x86-64 and aarch64 only"
#endif

#define MS_LIKELY(x) __builtin_expect(!!(x), 1)
#define MS_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define MS_EXPORT __attribute__((visibility("default")))
#define MS_NOINLINE __attribute__((noinline))
#define MS_COLD __attribute__((noinline, cold))
#define MS_HOT static inline __attribute__((always_inline)) // part of a hook's fast path
#define MS_ALIGNED(n) __attribute__((aligned(n)))
// Of one object, so that it is reached without the global offset table. -fvisibility=hidden says so
// of definitions only.
#define MS_INTERNAL __attribute__((visibility("hidden")))
// The thread block's static part: one addition from the thread pointer, no call. In an executable,
// where alone the static runtime may be linked in, the offset is a constant.
#ifdef MEMSCOPE_STATIC_RUNTIME
#define MS_THREAD __thread MS_INTERNAL __attribute__((tls_model("local-exec")))
#else
#define MS_THREAD __thread MS_INTERNAL __attribute__((tls_model("initial-exec")))
#endif

// DWARF's numbers of the registers that unwinding follows, and of the column where it looks for the
// return address; NAMES_PC is the pc's own in expressions. RA_BELOW_CFA: how far below each frame's
// CFA a call has put that; 0 = not a call, the function.
enum {
#if defined(__x86_64__)
    MS_DWARF_FP = 6,
    MS_DWARF_SP = 7,
    MS_DWARF_RA = 16,
    MS_DWARF_NAMES_PC = 16,
    MS_RA_BELOW_CFA = 8,
#else
    MS_DWARF_FP = 29,
    MS_DWARF_RA = 30,
    MS_DWARF_SP = 31,
    MS_DWARF_NAMES_PC = 32,
    MS_RA_BELOW_CFA = 0,
#endif
};

// A saved return address without what pointer authentication adds to it.
static inline uintptr_t ms_code_address(uintptr_t saved) {
#if defined(__aarch64__)
    saved &= ((uintptr_t)1 << MS_ADDRESS_BITS) - 1;
#endif
    return saved;
}

static inline uintptr_t ms_stack_pointer(void) {
    uintptr_t sp;
#if defined(__x86_64__)
    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
#else
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#endif
    return sp;
}

// The stack pointer of the calling function's caller, at its call.
#define ms_caller_stack() ((uintptr_t)__builtin_dwarf_cfa())
// One instruction where the CPU has one for it.
// In one instruction, so that what a signal handler changes of the other bits is kept.
static inline void ms_set_bits(uint64_t *place, uint64_t bits) {
#if defined(__x86_64__)
    __asm__ volatile("orq %1, %0" : "+m"(*place) : "r"(bits) : "cc");
#else
    __atomic_fetch_or(place, bits, __ATOMIC_RELAXED);
#endif
}

static inline void ms_clear_bits(uint64_t *place, uint64_t bits) {
#if defined(__x86_64__)
    __asm__ volatile("andq %1, %0" : "+m"(*place) : "r"(~bits) : "cc");
#else
    __atomic_fetch_and(place, ~bits, __ATOMIC_RELAXED);
#endif
}

static inline void ms_store_stack_pointer(uint64_t *place) {
#if defined(__x86_64__)
    __asm__ volatile("mov %%rsp, %0" : "=m"(*place));
#else
    __atomic_store_n(place, (uint64_t)ms_stack_pointer(), __ATOMIC_RELAXED);
#endif
}

// A counter that its own thread alone writes is changed in one instruction where the machine has
// one: a signal handler comes before or after it, never between.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
#define MS_BUMPS_AT_ONCE 1
MS_HOT void ms_raise(uint64_t *place, uint64_t value) {
    __asm__ volatile("addq %1, %0" : "+m"(*place) : "er"(value) : "cc");
}
// The same downwards; true: it is below zero now.
MS_HOT bool ms_drop(int64_t *place, uint64_t value) {
    bool is_negative;
    __asm__ volatile("subq %2, %0" : "+m"(*place), "=@ccs"(is_negative) : "er"(value));
    return is_negative;
}
// Is it not zero? By a comparison in memory.
MS_HOT bool ms_is_set(const uint64_t *place) {
    bool is_set;
    __asm__("cmpq $0, %1" : "=@ccne"(is_set) : "m"(*place));
    return is_set;
}
// Whether value + *place carries, and their sum. (The compiler's own takes a carry for unlikely.)
MS_HOT bool ms_carries(uint32_t value, const uint32_t *place, uint32_t *sum_out) {
    bool carries;
    __asm__("addl %2, %0" : "+r"(value), "=@ccc"(carries) : "m"(*place));
    *sum_out = value;
    return carries;
}
// Subtracts from the upper half alone; true: the whole is below zero now.
MS_HOT bool ms_drop_upper(uint64_t *place, uint32_t value) {
    typedef uint32_t __attribute__((may_alias)) half;
    bool is_negative;
    __asm__ volatile("subl %2, %0" : "+m"(((half *)place)[1]), "=@ccs"(is_negative) : "er"(value));
    return is_negative;
}
#else
#define MS_BUMPS_AT_ONCE 0
MS_HOT void ms_raise(uint64_t *place, uint64_t value) {
    __atomic_store_n(place, __atomic_load_n(place, __ATOMIC_RELAXED) + value, __ATOMIC_RELAXED);
}
MS_HOT bool ms_drop(int64_t *place, uint64_t value) {
    int64_t left = __atomic_load_n(place, __ATOMIC_RELAXED) - (int64_t)value;
    __atomic_store_n(place, left, __ATOMIC_RELAXED);
    return left < 0;
}
MS_HOT bool ms_is_set(const uint64_t *place) {
    return __atomic_load_n(place, __ATOMIC_RELAXED) != 0;
}
MS_HOT bool ms_carries(uint32_t value, const uint32_t *place, uint32_t *sum_out) {
    return __builtin_add_overflow(value, __atomic_load_n(place, __ATOMIC_RELAXED), sum_out);
}
MS_HOT bool ms_drop_upper(uint64_t *place, uint32_t value) {
    return ms_drop((int64_t *)place, (uint64_t)value << 32);
}
#endif

// Memory.
// These two leave the program an eighth of its address space limit: NULL = too little room, failed.
void *ms_sys_map_anonymous(size_t bytes);                              // private, zero, NORESERVE
void *ms_sys_reserve(size_t bytes);                                    // no access, no storage
bool ms_sys_map_file(void *at, size_t bytes, int fd, uint64_t offset); // shared, prefaulted
bool ms_sys_map_private(void *at, size_t bytes, int fd); // a copy of a file's first bytes
bool ms_sys_allow(void *at, size_t bytes);               // anonymous storage for reserved pages
bool ms_sys_hide(void *at, size_t bytes); // anonymous zero storage in place of what is there
void ms_sys_unmap(void *at, size_t bytes);
void ms_sys_populate(void *at, size_t bytes);     // its pages now, at once; where the kernel can
void ms_sys_discard(void *at, size_t bytes);      // anonymous pages read as zeros from now on
void ms_sys_huge(void *at, size_t bytes);         // huge pages, where the kernel gives them
bool ms_sys_wipe_on_fork(void *at, size_t bytes); // false: kernel without MADV_WIPEONFORK
uint64_t ms_sys_address_space_limit(void);        // RLIMIT_AS, UINT64_MAX = none
bool ms_sys_has_room(uint64_t bytes);             // would they leave that eighth?
uintptr_t ms_sys_stack_limit(void);               // RLIMIT_STACK, at most 1 GiB
uint64_t ms_sys_file_size_limit(void);            // RLIMIT_FSIZE, UINT64_MAX = none

// Files.
struct ms_file_id {
    uint64_t device;
    uint64_t inode;
};
int ms_sys_open_new(const char *path);      // O_EXCL, 0600, not through a symlink; fd or -errno
int ms_sys_open_existing(const char *path); // read and write, not through a symlink
bool ms_sys_exists(const char *path);       // whatever it is, a symlink that leads nowhere too
int ms_sys_open_read(const char *path);
// The same file on a high descriptor, `fd` closed; -1 where the program has so few descriptors that
// it needs each one.
int ms_sys_settle_fd(int fd);
void ms_sys_close(int fd);
void ms_sys_remove(const char *path);
bool ms_sys_file_id(int fd, struct ms_file_id *id_out);
int ms_sys_allocate(int fd, uint64_t offset, uint64_t bytes); // storage or -errno, never SIGXFSZ
int64_t ms_sys_read(int fd, void *buffer, size_t bytes);
int64_t ms_sys_read_link(const char *path, char *buffer, size_t bytes);
int64_t ms_sys_write(int fd, const void *buffer, size_t bytes); // to any file, raises no signal
int64_t ms_sys_write_at(int fd, const void *buffer, size_t bytes, uint64_t offset);
// All signals wait, for a few instructions of the calling thread.
void ms_sys_block_signals(uint64_t *before_out);
void ms_sys_restore_signals(uint64_t before);
int ms_sys_make_private_folder(const char *path); // 0 when it is ours, 0700 and no symlink
int ms_sys_prune_folder(const char *path, const char *suffix, unsigned keep);

// ucontext (context.c).
uintptr_t ms_context_stack_pointer(const ucontext_t *context); // saved, or of a made context
const void *ms_context_entry(const ucontext_t *context);       // a made context's function
void **ms_context_return_place(ucontext_t *context);           // where that returns to
// Who called makecontext, noted in registers of the context that mean nothing to its function;
// NULL = nobody noted it.
void ms_context_note_maker(ucontext_t *context, const void *return_address);
const void *ms_context_maker(const ucontext_t *context);
// In front of libc's: notes the maker by ms_ucontext_making, goes on at what that returns.
void ms_own_makecontext(ucontext_t *context, void (*function)(void), int count, ...);
void ms_context_return_thunk(void); // calls ms_ucontext_returned, goes on at the real place

// Between these, arithmetic with floats raises no signal, whatever the program has asked for.
static inline uint32_t ms_sys_floats_quiet(void) {
#if defined(__x86_64__)
    uint32_t kept = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(0x1f80); // all exceptions masked, none pending
    return kept;
#else
    return 0; // the CPUs we know trap none
#endif
}
static inline void ms_sys_floats_restore(uint32_t kept) {
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(kept);
#else
    (void)kept;
#endif
}

// Process, time.
// Cycles of a counter that goes on at the same pace on every CPU, as the program's own code would
// read it: what came before may still be under way.
static inline uint64_t ms_cycles(void) {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    uint64_t count;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
    return count;
#endif
}
// The same with everything before it done, and nothing after it begun.
static inline uint64_t ms_cycles_in_order(void) {
#if defined(__x86_64__)
    __builtin_ia32_lfence();
    uint64_t count = __builtin_ia32_rdtsc();
    __builtin_ia32_lfence();
    return count;
#else
    __asm__ volatile("dsb ld\n\tisb" : : : "memory");
    uint64_t count = ms_cycles();
    __asm__ volatile("isb" : : : "memory");
    return count;
#endif
}
uint64_t ms_sys_clock_process_ns(void); // CPU time of all threads, those that have ended too
uint64_t ms_sys_clock_thread_ns(void);  // CPU time of the calling one
uint64_t ms_sys_clock_monotonic_ns(void);
uint64_t ms_sys_clock_coarse_ns(void); // CLOCK_MONOTONIC to a tick of the kernel (1 to 10 ms)
uint64_t ms_sys_clock_realtime_ns(void);
int32_t ms_sys_process_id(void);
int32_t ms_sys_parent_id(void);
int32_t ms_sys_thread_id(void);
uint32_t ms_sys_user_id(void);
bool ms_sys_thread_exists(int32_t thread_id);
void ms_sys_thread_name(char name_out[16]);
void ms_sys_host_name(char *name_out, size_t bytes);
bool ms_sys_privileged(void);         // set-user-ID or the like
uintptr_t ms_sys_program_entry(void); // where the kernel began the program
uintptr_t ms_sys_loader(void);        // where the dynamic loader begins; 0 = there is none
bool ms_sys_on_signal_stack(void);
bool ms_sys_signal_stack(uintptr_t *low_out, uintptr_t *high_out); // false: we are not on it
// Calls `each` with the name, without folders, of each file that is mapped, a few times perhaps.
void ms_sys_mapped_names(void (*each)(const char *name));

// The mapping that holds an address, from /proc/self/maps; false = cannot be told.
bool ms_sys_mapping(uintptr_t address, uintptr_t *low_out, uintptr_t *high_out);
// The file that is mapped there, by its absolute path; false = none, no room, or cannot be told.
bool ms_sys_mapped_file(uintptr_t address, char *path_out, size_t bytes);
void ms_sys_random(void *bytes_out, size_t bytes); // at most 256; of the clocks where there is none
void ms_sys_yield(void);
_Noreturn void ms_sys_exit(int code);

#endif
