// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks by hand: scopes that nest, state machines of an executor on two threads, fibers; each with
// its statistics. Linked without a runtime, all calls say so.

#include "books.h"

#include <pthread.h>

enum { MACHINES = 4, STEPS = 10 };

static void expect(bool what, const char *said) {
    if (!what) {
        fprintf(stderr, "not so: %s\n", said);
        exit(1);
    }
}
#define EXPECT(what) expect(what, #what)

static book *named(const char *name, const book *parent) {
    book *mine = books::open(name, parent, "spawned");
    mine->has_frame = false;
    return mine;
}

static void expect_statistics(const book *mine) {
    struct memscope_task_statistics s;
    EXPECT(memscope_task_get_statistics(&s) == MEMSCOPE_OK);
    EXPECT(s.allocations == mine->allocations && s.total_bytes == mine->bytes);
    EXPECT(s.live_bytes == mine->bytes - mine->freed_bytes && s.peak_bytes == mine->peak);
}

// ---- scopes ------------------------------------------------------------------------------------

static void *answer(book *parent, int depth) {
    memscope::task_scope scope("request");
    book *mine = named("request", parent);
    mine->label_current();
    void *p = mine->alloc(1000 + depth);
    void *below = depth > 0 ? answer(mine, depth - 1) : nullptr;
    EXPECT(memscope_task_current() != 0);
    if (below)
        mine->free(below);
    expect_statistics(mine);
    mine->close();
    return p; // the caller frees it
}

// ---- an executor's own -------------------------------------------------------------------------

struct machine {
    memscope_task task;
    book *mine;
    void *held;
};
static machine machines[MACHINES];

static void step(machine &m, int number) {
    EXPECT(memscope_task_resume(m.task) == MEMSCOPE_OK);
    if (!m.mine->is_labelled)
        m.mine->label_current();
    if (m.held)
        m.mine->free(m.held);
    m.held = m.mine->alloc(100 + number);
    expect_statistics(m.mine);
    EXPECT(memscope_task_suspend(m.task) == MEMSCOPE_OK);
}

static void *half(void *first) {
    machine *m = static_cast<machine *>(first);
    for (int i = 0; i < STEPS; i++)
        for (int k = 0; k < MACHINES / 2; k++)
            step(m[k], i);
    return nullptr;
}

static void run_halves(machine *of_other, machine *own) {
    pthread_t other;
    pthread_create(&other, nullptr, half, of_other);
    half(own);
    pthread_join(other, nullptr);
}

static void machines_move() {
    for (machine &m : machines) {
        m.task = memscope_task_create("machine");
        m.mine = named("machine", books::root());
    }
    run_halves(machines, machines + MACHINES / 2);
    run_halves(machines + MACHINES / 2, machines); // each on the other's thread
    for (machine &m : machines) {
        m.mine->close();
        EXPECT(memscope_task_end(m.task) == MEMSCOPE_OK);
    }
    for (machine &m : machines)
        books::root()->free(m.held);
}

// ---- fibers ------------------------------------------------------------------------------------

static void fibers_switch() {
    memscope_task one = memscope_fiber_create("fiber"), two = memscope_fiber_create("fiber");
    book *first = named("fiber", books::root()), *second = named("fiber", books::root());
    EXPECT(memscope_fiber_switch(one) == MEMSCOPE_OK);
    first->label_current();
    void *p = first->alloc(300);
    EXPECT(memscope_fiber_switch(two) == MEMSCOPE_OK);
    second->label_current();
    second->free(p);
    void *q = second->alloc(50);
    EXPECT(memscope_fiber_switch(one) == MEMSCOPE_OK);
    first->free(first->alloc(20));
    expect_statistics(first);
    EXPECT(memscope_fiber_switch(0) == MEMSCOPE_OK);
    first->close();
    second->close();
    EXPECT(memscope_fiber_destroy(one) == MEMSCOPE_OK);
    EXPECT(memscope_fiber_destroy(two) == MEMSCOPE_OK);
    books::root()->free(q);
}

int main() {
    struct memscope_task_statistics s;
    if (memscope_task_get_statistics(&s) == MEMSCOPE_NOT_LINKED) {
        EXPECT(memscope_task_create("none") == 0 && memscope_task_current() == 0);
        EXPECT(memscope_task_begin("none") == 0);
        EXPECT(memscope_task_resume(0) == MEMSCOPE_NOT_LINKED);
        EXPECT(memscope_task_suspend(0) == MEMSCOPE_NOT_LINKED);
        EXPECT(memscope_task_end(0) == MEMSCOPE_NOT_LINKED);
        EXPECT(memscope_task_set_name("none") == MEMSCOPE_NOT_LINKED);
        EXPECT(memscope_task_detach() == MEMSCOPE_NOT_LINKED);
        EXPECT(memscope_task_set_label("none") == MEMSCOPE_NOT_LINKED);
        EXPECT(memscope_fiber_create("none") == 0);
        EXPECT(memscope_fiber_switch(0) == MEMSCOPE_NOT_LINKED);
        EXPECT(memscope_fiber_destroy(0) == MEMSCOPE_NOT_LINKED);
        printf("not linked\n");
        return 0;
    }
    void *p = answer(books::root(), 3);
    books::root()->free(p);
    machines_move();
    fibers_switch();
    books::print();
}
