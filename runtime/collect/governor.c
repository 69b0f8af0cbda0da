// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "governor.h"

#include "level.h"
#include "overhead.h"

#include <string.h>

// Steps of less and less detail. The last costs what totals do: there is nothing left to give up.
static const struct step {
    enum memscope_level level;
    uint64_t interval_bytes;
} steps[] = {
    {MEMSCOPE_LEVEL_CONTEXTS, 0},       {MEMSCOPE_LEVEL_SITES, 0},
    {MEMSCOPE_LEVEL_SAMPLED, 16 << 10}, {MEMSCOPE_LEVEL_SAMPLED, 128 << 10},
    {MEMSCOPE_LEVEL_SAMPLED, 1 << 20},
};
enum { STEPS = sizeof steps / sizeof *steps };

enum {
    WINDOW_MS = 20,
    LEAST_EVENTS = 16 * MS_TICK, // of a window, or it goes on: few are timed, some by interruptions
    ROOM_PERCENT = 80,           // of the budget: back up only if that will do
    // Doubled each time it went up too early: changes stay few, and so do their records.
    MOST_PATIENCE = 1024,
    // What an event cost is forgotten so fast, in windows: it may have been a costly time, a
    // program's start, or time in which the thread did not run.
    FORGOTTEN_IN = 32,
};

static struct {
    uint64_t budget_ppm; // 0 = none
    unsigned first, now; // index of steps
    struct ms_overhead_sum before;
    uint64_t cost_of_event[STEPS]; // in 1/1024 ns, when last there
    unsigned patience;             // windows to wait before it goes back up
    unsigned waited;               // so far
    bool went_up;                  // going down now takes back what was too early
} governor;

// When to look next, in cycles; BUSY while somebody looks or configures: the rest is theirs.
#define BUSY UINT64_MAX
static uint64_t next_look;

bool ms_governor_stop(void) {
    enum { TRIES = 1000 };
    for (int i = 0; i < TRIES; i++) {
        uint64_t next = ms_load(&next_look);
        if (next != BUSY && ms_swap_if(&next_look, &next, BUSY))
            return true;
        ms_sys_yield();
    }
    return false;
}

bool ms_governor_has_budget(void) {
    return ms_load(&governor.budget_ppm) != 0;
}

void ms_governor_begin(double budget_percent, uint32_t level, uint64_t interval_bytes) {
    memset(&governor, 0, sizeof governor);
    while (governor.first + 1 < STEPS && (steps[governor.first].level < level ||
                                          (level == MEMSCOPE_LEVEL_SAMPLED &&
                                           steps[governor.first].interval_bytes < interval_bytes)))
        governor.first++;
    governor.now = governor.first;
    if (level != MEMSCOPE_LEVEL_TOTALS && budget_percent > 0) {
        ms_overhead_measure(&governor.before);
        ms_store(&governor.budget_ppm, (uint64_t)(budget_percent * 10000));
    }
    ms_release(&next_look, (uint64_t)0);
}

static void go_to(unsigned step, uint64_t ppm, uint64_t error_ppm) {
    const struct ms_level_change change = {
        .level = steps[step].level,
        .interval_bytes = steps[step].interval_bytes,
        .reason = step > governor.now ? MEMSCOPE_LEVEL_OVER_BUDGET : MEMSCOPE_LEVEL_UNDER_BUDGET,
        .overhead_ppm = ppm,
        .error_ppm = error_ppm,
    };
    if (step < governor.now)
        governor.went_up = true;
    else if (governor.went_up && governor.patience < MOST_PATIENCE)
        governor.patience = governor.patience * 2 + 1;
    governor.waited = 0;
    governor.now = step;
    ms_level_change(&change);
}

// Would the step above keep within the budget, by what an event cost there? Asked again and again
// it is believed less and less that it would not.
static bool has_room(uint64_t events, uint64_t own_ns) {
    if (governor.now == governor.first)
        return false;
    uint64_t *cost = &governor.cost_of_event[governor.now - 1];
    unsigned __int128 expected_ppm = (unsigned __int128)events * *cost / 1024 * 1000000 / own_ns;
    *cost -= *cost / FORGOTTEN_IN;
    return expected_ppm < governor.budget_ppm * ROOM_PERCENT / 100;
}

static void decide(const struct ms_overhead_sum *sum) {
    uint64_t events = sum->events - governor.before.events;
    uint64_t overhead_ns = sum->overhead_ns - governor.before.overhead_ns;
    uint64_t cpu_ns = sum->cpu_ns - governor.before.cpu_ns;
    if (events < LEAST_EVENTS)
        return; // the window goes on
    uint64_t most_ns = ms_overhead_most(cpu_ns);
    overhead_ns = (int64_t)overhead_ns < 0 ? 0 : overhead_ns < most_ns ? overhead_ns : most_ns;
    uint64_t own_ns = cpu_ns > 0 ? cpu_ns - overhead_ns : 1;
    uint64_t ppm = ms_overhead_ppm(overhead_ns, cpu_ns);
    uint64_t error_ppm = ms_overhead_ppm(sum->error_ns, sum->cpu_ns);
    governor.before = *sum;
    governor.cost_of_event[governor.now] = overhead_ns * 1024 / events + 1;
    bool is_over = ppm > governor.budget_ppm;
    if (is_over && governor.now + 1 < STEPS)
        go_to(governor.now + 1, ppm, error_ppm);
    else if (!is_over && ++governor.waited > governor.patience && has_room(events, own_ns))
        go_to(governor.now - 1, ppm, error_ppm);
}

void ms_governor_tick(void) {
    struct ms_overhead_sum sum;
    uint64_t now = ms_cycles(), next = ms_load(&next_look);
    if (now < next || next == BUSY || !ms_swap_if(&next_look, &next, BUSY))
        return;
    ms_overhead_measure(&sum);
    if (governor.budget_ppm != 0)
        decide(&sum);
    ms_release(&next_look, now + WINDOW_MS * sum.cycles_per_ms);
}
