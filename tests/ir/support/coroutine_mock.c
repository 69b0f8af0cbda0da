// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A runtime that only verifies the hooks of coroutines: a state machine for each task, a shadow
// stack for each thread. It shares no code with the runtime. At exit, on stdout:
//
//   tasks begun=<n> ended=<n> alive=<n>
//   events suspend=<n> pop=<n> unsuspend=<n> resume=<n> destroy=<n> unwind=<n>
//   frames allocated=<n> elided=<n>
//   violations=<n>
//
// Each violation also says what it is. WITNESS=events prints every event as it comes.
//
//            begin                 suspend               pop
//   (none) ────────▶ running ───────────────▶ leaving ─────────▶ suspended
//                    ▲  │  ▲                   │  │                  │
//                    │  │  └───── unsuspend ───┘  │ resume, destroy  │ resume, destroy
//                    │  │ end                     │ (any thread)     │
//                    │  ▼                         │                  │
//                    │ ended                      │                  │
//                    └────────────────────────────┴──────────────────┘
//   unwind: running ──▶ suspended, from where only destroy follows.

#include <memscope/abi.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum state { NONE, RUNNING, LEAVING, SUSPENDED, UNWOUND, ENDED };

struct task {
    struct memscope_coroutine *coroutine;
    enum state state;
    unsigned departures; // how often it was suspended
};

// One resumption (or the ramp) of a task on a thread's stack. An entry that is leaving stays until
// its pop, though another thread may run the task, or have ended it.
struct entry {
    uint32_t task;
    unsigned departure;
    bool leaving;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct task *tasks;
static uint32_t task_count = 1; // 0 is no task
static unsigned long alive, suspends, pops, unsuspends, resumes, destroys, unwinds, ends;
static unsigned long allocated, elisions, violations;
static bool tells_events;

static _Thread_local struct entry *stack;
static _Thread_local unsigned depth, room;
static _Thread_local struct memscope_coroutine *allocating;
static _Thread_local size_t allocating_bytes;

static void violation(const char *event, uint32_t task, const char *what) {
    if (++violations <= 20)
        printf("violation: %s of task %u: %s\n", event, task, what);
}

#define MUST(condition, event, task)                                                               \
    do {                                                                                           \
        if (!(condition))                                                                          \
            violation(event, task, #condition);                                                    \
    } while (0)

// Tasks are numbers here, and their records memory that stays zero. So that each hook is called
// nevertheless: the stack of a thread that has run no task (abi.h, in line).
#define RECORD_BYTES 128ul
#define MOST_TASKS (1ul << 24)
static char *records;
static uint64_t no_entry[2 * MEMSCOPE_INLINE_ENTRY_BYTES / sizeof(uint64_t)] = {0, UINT64_MAX, 0,
                                                                                UINT64_MAX};
struct inline_thread {
    char before[MEMSCOPE_INLINE_THREAD_TOP];
    uint64_t *top;
};
extern _Thread_local struct inline_thread inline_thread __asm__(MEMSCOPE_INLINE_THREAD);
extern uint64_t not_started __asm__(MEMSCOPE_INLINE_NOT_STARTED);
_Thread_local struct inline_thread inline_thread = {.top = no_entry};
uint64_t not_started;

static uint32_t number_of(const void *given) {
    return (uint32_t)((uintptr_t)((const char *)given - records) / RECORD_BYTES);
}

static void told(const char *event, uint32_t task) {
    if (tells_events)
        printf("%s %u\n", event, task);
}

static struct task *task_of(const char *event, uint32_t task) {
    static struct task none;
    bool known = task > 0 && task < task_count;
    MUST(known, event, task);
    return known ? &tasks[task] : &none;
}

static struct entry *top(const char *event, uint32_t task) {
    static _Thread_local struct entry none;
    MUST(depth > 0, event, task);
    return depth > 0 ? &stack[depth - 1] : &none;
}

static void push(uint32_t task) {
    if (depth == room) {
        room = room ? 2 * room : 64;
        stack = realloc(stack, room * sizeof *stack);
    }
    stack[depth++] = (struct entry){.task = task};
}

static void drop(void) {
    if (depth == 0 || --depth > 0)
        return;
    free(stack); // the thread may end
    stack = NULL;
    room = 0;
}

// The task that runs at the top of this thread's stack.
static struct task *running(const char *event, uint32_t task) {
    struct entry *entry = top(event, task);
    MUST(entry->task == task && !entry->leaving, event, task);
    struct task *t = task_of(event, task);
    MUST(t->state == RUNNING, event, task);
    return t;
}

static void tell_spawn(const char *hook, const struct memscope_coroutine *c,
                       const struct memscope_site *site, const void *address) {
    MUST((site == NULL) != (address == NULL), hook, 0);
    MUST(!site || site->kind == MEMSCOPE_KIND_TASK_START, hook, 0);
    if (!tells_events)
        return;
    printf("%s %s:%u", hook, c->function, c->line);
    if (site)
        printf(" at %s:%u", site->function, site->line);
    for (unsigned i = 0; site && i < site->inlined_count; i++)
        printf(" <- %s:%u", site->inlined[i].function, site->inlined[i].line);
    printf("%s\n", site ? "" : " at an address");
}

void __memscope_coro_alloc(struct memscope_coroutine *c, size_t frame_bytes,
                           struct memscope_site *site, const void *address) {
    pthread_mutex_lock(&lock);
    MUST(frame_bytes >= 16, "alloc", 0);
    tell_spawn("alloc", c, site, address);
    allocating = c;
    allocating_bytes = frame_bytes;
    pthread_mutex_unlock(&lock);
}

void *__memscope_coro_begin(struct memscope_coroutine *c, void *frame, size_t frame_bytes,
                            struct memscope_site *site, const void *address, uint32_t elided) {
    pthread_mutex_lock(&lock);
    uint32_t task = task_count++;
    if (task >= MOST_TASKS)
        abort();
    if ((task & (task - 1)) == 0)
        tasks = realloc(tasks, 2 * (size_t)task * sizeof *tasks);
    tasks[task] = (struct task){.coroutine = c, .state = RUNNING};
    alive++;
    MUST(frame != NULL && frame_bytes >= 16 && elided <= 1, "begin", task);
    if (elided) {
        elisions++;
    } else {
        allocated++;
        MUST(allocating == c && allocating_bytes == frame_bytes, "begin", task);
    }
    allocating = NULL;
    tell_spawn("begin", c, site, address);
    push(task);
    pthread_mutex_unlock(&lock);
    return records + task * RECORD_BYTES;
}

void __memscope_coro_suspend(void *given, const void *awaiter, size_t awaiter_bytes,
                             uint32_t flagged) {
    uint32_t task = number_of(given), kind = memscope_suspend_kind(flagged);
    pthread_mutex_lock(&lock);
    struct task *t = running("suspend", task);
    MUST(awaiter != NULL || awaiter_bytes == 0, "suspend", task);
    if (tells_events)
        printf("suspend %u kind=%u awaiter=%zu line=%u\n", task, kind, awaiter_bytes,
               flagged >> MEMSCOPE_SUSPEND_LINE_SHIFT);
    suspends++;
    t->state = LEAVING;
    struct entry *entry = top("suspend", task);
    entry->leaving = true;
    entry->departure = ++t->departures;
    pthread_mutex_unlock(&lock);
    if (flagged & MEMSCOPE_SUSPEND_AND_POP)
        __memscope_coro_pop();
}

void __memscope_coro_pop(void) {
    pthread_mutex_lock(&lock);
    struct entry *entry = top("pop", 0);
    told("pop", entry->task);
    MUST(entry->leaving, "pop", entry->task);
    struct task *t = task_of("pop", entry->task);
    if (t->state == LEAVING && t->departures == entry->departure)
        t->state = SUSPENDED;
    pops++;
    drop();
    pthread_mutex_unlock(&lock);
}

#if defined(__x86_64__)
// As preserve_most (abi.h): the hooks here are C, which keeps less.
#define KEPT(hook)                                                                                 \
    __asm__(".text\n.globl " hook MEMSCOPE_INLINE_KEPT "\n" hook MEMSCOPE_INLINE_KEPT ":\n"        \
            "push %rax\npush %rcx\npush %rdx\npush %rsi\npush %rdi\n"                              \
            "push %r8\npush %r9\npush %r10\npush %r11\ncall " hook "@PLT\n"                        \
            "pop %r11\npop %r10\npop %r9\npop %r8\n"                                               \
            "pop %rdi\npop %rsi\npop %rdx\npop %rcx\npop %rax\nret\n")
KEPT("__memscope_coro_resume");
KEPT("__memscope_coro_suspend");
KEPT("__memscope_coro_pop");
#endif

void __memscope_coro_unsuspend(void *given) {
    uint32_t task = number_of(given);
    pthread_mutex_lock(&lock);
    told("unsuspend", task);
    struct entry *entry = top("unsuspend", task);
    MUST(entry->task == task && entry->leaving, "unsuspend", task);
    struct task *t = task_of("unsuspend", task);
    MUST(t->state == LEAVING && t->departures == entry->departure, "unsuspend", task);
    t->state = RUNNING;
    entry->leaving = false;
    unsuspends++;
    pthread_mutex_unlock(&lock);
}

static void come_back(const char *event, uint32_t task, bool to_be_destroyed) {
    told(event, task);
    struct task *t = task_of(event, task);
    MUST(t->state == LEAVING || t->state == SUSPENDED || (to_be_destroyed && t->state == UNWOUND),
         event, task);
    t->state = RUNNING;
    push(task);
}

void __memscope_coro_resume(void *given) {
    uint32_t task = number_of(given);
    pthread_mutex_lock(&lock);
    come_back("resume", task, false);
    resumes++;
    pthread_mutex_unlock(&lock);
}

void __memscope_coro_destroy(void *given) {
    uint32_t task = number_of(given);
    pthread_mutex_lock(&lock);
    come_back("destroy", task, true);
    destroys++;
    pthread_mutex_unlock(&lock);
}

static void leave(const char *event, uint32_t task, enum state after) {
    told(event, task);
    running(event, task)->state = after;
    drop();
}

void __memscope_coro_end(void *given) {
    uint32_t task = number_of(given);
    pthread_mutex_lock(&lock);
    leave("end", task, ENDED);
    alive--;
    ends++;
    pthread_mutex_unlock(&lock);
}

void __memscope_coro_unwind(void *given) {
    uint32_t task = number_of(given);
    pthread_mutex_lock(&lock);
    leave("unwind", task, UNWOUND);
    unwinds++;
    pthread_mutex_unlock(&lock);
}

__attribute__((constructor(101))) static void start(void) {
    const char *wish = getenv("WITNESS");
    tells_events = wish && strcmp(wish, "events") == 0;
    tasks = calloc(2, sizeof *tasks);
    records = mmap(NULL, MOST_TASKS * RECORD_BYTES, PROT_READ,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

// After the program's own destructors.
__attribute__((destructor(101))) static void tell(void) {
    if (depth > 0)
        violation("exit", stack[depth - 1].task, "the stack is not empty");
    printf("tasks begun=%u ended=%lu alive=%lu\n", task_count - 1, ends, alive);
    printf("events suspend=%lu pop=%lu unsuspend=%lu resume=%lu destroy=%lu unwind=%lu\n", suspends,
           pops, unsuspends, resumes, destroys, unwinds);
    printf("frames allocated=%lu elided=%lu\n", allocated, elisions);
    printf("violations=%lu\n", violations);
}
