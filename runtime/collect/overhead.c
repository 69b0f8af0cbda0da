// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "overhead.h"

#include "thread.h"

enum {
    LONGEST_SLOW_CYCLES = 1 << 16,
    LONGEST_FIRST_CYCLES = 1 << 23, // tables are read, modules looked for
    LONGEST_CYCLES = 1 << 10,       // longer, the thread was interrupted
    LONGEST_TASK_CYCLES = 1 << 15,  // a page was new, perhaps
    COLD_CYCLES = 32,               // a line that was not in the nearest cache
    SLOW_ALL = 4096,
    SLOW_ONE_IN = 16,
};

static uint64_t began_cycles, page_ns;

void ms_overhead_begin_profile(void) {
    began_cycles = ms_cycles();
    ms_store(&page_ns, (uint64_t)0);
}

void ms_overhead_recalibrate(struct ms_overhead *overhead, uint32_t calibration) {
    overhead->calibration = calibration;
    overhead->calibrated = 0;
    overhead->hot_alone_256 = overhead->hot_among_256 = UINT64_MAX;
}

void ms_overhead_calibrate(struct ms_overhead *overhead, uint64_t alone_256, uint64_t among_256) {
    overhead->calibrated++;
    if (alone_256 < overhead->hot_alone_256)
        overhead->hot_alone_256 = alone_256;
    if (among_256 < overhead->hot_among_256)
        overhead->hot_among_256 = among_256;
}

// Of one event, half a pair: the middle, and how far that is from either.
static int64_t hot_event_256(const struct ms_overhead *overhead) {
    return (int64_t)((overhead->hot_alone_256 + overhead->hot_among_256) / 4);
}
static int64_t hot_error_256(const struct ms_overhead *overhead) {
    int64_t distance = (int64_t)(overhead->hot_alone_256 - overhead->hot_among_256);
    return (distance < 0 ? -distance : distance) / 4;
}

// Of a time in which nothing of the program's own overlaps: the middle of a half and all of it. Its
// error is a half, so that it holds what is displaced as well.
static uint64_t alone_cost(uint64_t cycles) {
    return cycles / 4 * 3;
}

// Without a control, and so without a hot cost, the time itself has to do.
void ms_overhead_add(struct ms_overhead *overhead, enum ms_timed kind, uint64_t cycles,
                     uint64_t control) {
    struct ms_timing *timing = &overhead->timed[kind];
    int64_t difference = (int64_t)cycles - (int64_t)control;
    if (difference > LONGEST_CYCLES || difference < -LONGEST_CYCLES)
        difference = timing->count ? timing->cycles / (int64_t)timing->count : 0;
    ms_store(&timing->count, timing->count + 1);
    ms_store(&timing->cycles, timing->cycles + difference);
    ms_store(&timing->squares, timing->squares + (uint64_t)(difference * difference));
    int64_t cost = 256 * difference, spread = 0;
    if (control) {
        cost += hot_event_256(overhead);
        // The lines that it waited for have displaced as many, for which the program waits: none of
        // them up to all. Shorter, it was no line; among threads they came from another CPU.
        if (difference >= COLD_CYCLES && ms_single_threaded())
            cost += 256 * difference;
        spread = hot_error_256(overhead) + 256 * difference;
    } else {
        cost = (int64_t)alone_cost((uint64_t)cost);
        spread = 256 * difference / 2;
    }
    int64_t events = (int64_t)overhead->stands_for;
    ms_store(&timing->events, timing->events + overhead->stands_for);
    ms_store(&overhead->spread_cycles, overhead->spread_cycles + spread * events / 256);
    ms_store(&overhead->fast_cycles, overhead->fast_cycles + cost * events / 256);
}

void ms_overhead_add_none(struct ms_overhead *overhead, enum ms_timed kind) {
    struct ms_timing *timing = &overhead->timed[kind];
    ms_store(&timing->count, timing->count + 1);
    ms_store(&timing->events, timing->events + overhead->stands_for);
}

// It may have taken a slow path, which is timed twice then: by that and by this.
void ms_overhead_add_task(struct ms_overhead *overhead, uint64_t cycles, uint64_t stands_for) {
    if (cycles > LONGEST_TASK_CYCLES) // it was interrupted
        cycles = LONGEST_TASK_CYCLES;
    ms_store(&overhead->task_events, overhead->task_events + stands_for);
    ms_store(&overhead->task_cycles, overhead->task_cycles + alone_cost(cycles * stands_for));
    ms_store(&overhead->spread_cycles,
             overhead->spread_cycles + (int64_t)(cycles * stands_for / 2));
}

// Events of two kinds may come in turn: which one is timed next is left to chance.
static uint64_t next_distance(struct ms_overhead *overhead) {
    overhead->slow_random = overhead->slow_random * 6364136223846793005u + 1442695040888963407u;
    return 1 + (overhead->slow_random >> 33) % (2 * SLOW_ONE_IN - 1);
}

uint64_t ms_overhead_begin_slow(struct ms_overhead *overhead) {
    uint64_t number = overhead->slow_events;
    ms_store(&overhead->slow_events, number + 1);
    return number < SLOW_ALL || number >= overhead->slow_next ? ms_cycles() : 0;
}

void ms_overhead_end_slow(struct ms_overhead *overhead, uint64_t began) {
    if (began == 0)
        return;
    uint64_t cycles = ms_cycles() - began;
    bool stands_alone = overhead->slow_events <= SLOW_ALL;
    uint64_t longest = stands_alone ? LONGEST_FIRST_CYCLES : LONGEST_SLOW_CYCLES;
    cycles = cycles > longest ? longest : cycles;
    if (overhead->calibrated)
        cycles += (uint64_t)hot_event_256(overhead) / 256; // the way there, by the fast path
    uint64_t stands_for = stands_alone ? 1 : overhead->slow_events - overhead->slow_timed;
    ms_store(&overhead->slow_cycles, overhead->slow_cycles + cycles * stands_for);
    // What it displaces, and what of it goes on beside the program's own code.
    ms_store(&overhead->spread_cycles,
             overhead->spread_cycles + (int64_t)(cycles * stands_for / 4));
    overhead->slow_timed = overhead->slow_events;
    overhead->slow_next = overhead->slow_events - 1 + next_distance(overhead);
}

void ms_overhead_add_slow(struct ms_overhead *overhead, uint64_t cycles) {
    ms_store(&overhead->slow_cycles, overhead->slow_cycles + cycles);
}

void ms_overhead_add_pages(uint64_t cpu_ns) {
    (void)ms_add(&page_ns, cpu_ns);
}

static uint64_t square_root(uint64_t of) {
    uint64_t root = 0;
    for (int bit = 31; bit >= 0; bit--) {
        uint64_t next = root | 1ull << bit;
        if (next * next <= of)
            root = next;
    }
    return root;
}

// Half width of the 95 % interval of what the timed events of a kind stand for: 1.96 standard
// deviations of their mean, times how many there are.
static uint64_t error_of(const struct ms_timing *timing) {
    uint64_t count = ms_load(&timing->count);
    if (count < 2)
        return 0;
    int64_t mean = ms_load(&timing->cycles) / (int64_t)count;
    uint64_t mean_square = ms_load(&timing->squares) / count, square = (uint64_t)(mean * mean);
    uint64_t variance = mean_square > square ? mean_square - square : 0;
    return square_root(variance * count) * (ms_load(&timing->events) / count) * 196 / 100;
}

uint64_t ms_overhead_most(uint64_t cpu_ns) {
    return cpu_ns - cpu_ns / 100 - (cpu_ns > 0);
}

uint64_t ms_overhead_ppm(uint64_t overhead_ns, uint64_t cpu_ns) {
    uint64_t most_ns = ms_overhead_most(cpu_ns);
    overhead_ns = overhead_ns < most_ns ? overhead_ns : most_ns;
    uint64_t own_ns = cpu_ns > 0 ? cpu_ns - overhead_ns : 1;
    return (uint64_t)((unsigned __int128)overhead_ns * 1000000 / own_ns);
}

void ms_overhead_measure(struct ms_overhead_sum *sum_out) {
    struct memscope_profile_header *header = ms_shared.header;
    int64_t cycles = 0;
    uint64_t error = 0;
    sum_out->events = 0;
    for (struct ms_thread *thread = ms_acquire(&ms_threads); thread; thread = thread->next) {
        const struct ms_overhead *overhead = &thread->overhead;
        sum_out->events += ms_load(&overhead->timed[MS_TIMED_ALLOCATION].events) +
                           ms_load(&overhead->slow_events) + ms_load(&overhead->task_events);
        cycles += ms_load(&overhead->fast_cycles) + (int64_t)ms_load(&overhead->slow_cycles) +
                  (int64_t)ms_load(&overhead->task_cycles);
        int64_t spread = ms_load(&overhead->spread_cycles);
        error += (uint64_t)(spread > 0 ? spread : -spread);
        for (int kind = 0; kind < MS_TIMED_KINDS; kind++)
            error += error_of(&overhead->timed[kind]);
    }
    uint64_t ns = ms_sys_clock_monotonic_ns() - header->start_monotonic_ns;
    uint64_t since = ms_cycles() - began_cycles;
    if (since == 0)
        since = 1;
    sum_out->overhead_ns =
        cycles > 0 ? (uint64_t)((unsigned __int128)(uint64_t)cycles * ns / since) : 0;
    sum_out->overhead_ns += ms_load(&page_ns);
    sum_out->error_ns = (uint64_t)((unsigned __int128)error * ns / since);
    sum_out->cpu_ns = ms_sys_clock_process_ns();
    sum_out->cycles_per_ms = (uint64_t)((unsigned __int128)since * 1000000 / (ns ? ns : 1));
    ms_store(&header->overhead_ns, sum_out->overhead_ns);
    ms_store(&header->overhead_error_ns, sum_out->error_ns);
    ms_store(&header->overhead_cpu_ns, sum_out->cpu_ns);
}
