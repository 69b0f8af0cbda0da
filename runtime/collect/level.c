// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "level.h"

#include "context/key.h"
#include "governor.h"
#include "sampler.h"
#include "thread.h"

#include "base/config.h"
#include "store/arena.h"

static double budget_percent; // max_overhead_percent
static double rate;           // sample_rate

static double percent_of(uint64_t ppm) {
    return ppm == MS_NOT_MEASURED ? __builtin_nan("") : (double)ppm / 10000;
}

static void record(const struct ms_level_change *change) {
    uint32_t ref;
    struct memscope_level_record *record =
        ms_arena_take(sizeof *record / MEMSCOPE_UNIT_BYTES, true, &ref);
    if (!record)
        return;
    record->level = change->level;
    record->reason = change->reason;
    record->since_ns = ms_sys_clock_monotonic_ns();
    record->interval_bytes = change->interval_bytes;
    uint32_t kept = ms_sys_floats_quiet();
    record->overhead_percent = percent_of(change->overhead_ppm);
    record->overhead_error = percent_of(change->error_ppm);
    record->budget_percent = budget_percent;
    ms_sys_floats_restore(kept);
    ms_arena_publish(record, MEMSCOPE_RECORD_LEVEL);
}

// Contexts that are met meanwhile are looked up by whatever a thread has seen of this: each is
// sound.
static void apply(const struct ms_level_change *change) {
    uint32_t depth = change->level == MEMSCOPE_LEVEL_SITES ? 0 : ms_config.depth;
    ms_store(&ms_shared.depth, depth);
    bool by_fast_path = !ms_config.verify && change->level < MEMSCOPE_LEVEL_SAMPLED;
    ms_store(&ms_shared.key_pairs, by_fast_path ? ms_key_pairs(depth) : 0);
    ms_store(&ms_shared.interval_bytes, change->interval_bytes);
    ms_store(&ms_shared.level, (uint32_t)change->level);
    ms_release(&ms_shared.level_number, ms_shared.level_number + 1);
}

void ms_level_change(const struct ms_level_change *change) {
    apply(change);
    record(change);
}

// Begins to count by `sample_rate`, within a budget; on record where that is not all in all detail,
// come what may.
static void begin(double sample_rate, double max_overhead_percent, bool is_change) {
    struct ms_level_change change = {.level = ms_config.depth == 0 ? MEMSCOPE_LEVEL_SITES
                                                                   : MEMSCOPE_LEVEL_CONTEXTS,
                                     .reason = MEMSCOPE_LEVEL_CONFIGURED,
                                     .overhead_ppm = MS_NOT_MEASURED,
                                     .error_ppm = MS_NOT_MEASURED};
    uint32_t kept = ms_sys_floats_quiet();
    if (sample_rate < 1.0) {
        change.interval_bytes = ms_sample_interval(sample_rate);
        change.level = change.interval_bytes ? MEMSCOPE_LEVEL_SAMPLED : MEMSCOPE_LEVEL_TOTALS;
    }
    budget_percent = max_overhead_percent;
    rate = sample_rate;
    apply(&change);
    if (is_change || change.level != MEMSCOPE_LEVEL_CONTEXTS || max_overhead_percent > 0.0)
        record(&change);
    const double least = 1e-4; // what it can tell from none
    bool has_budget = max_overhead_percent > 0.0;
    ms_governor_begin(has_budget && max_overhead_percent < least ? least : max_overhead_percent,
                      change.level, change.interval_bytes);
    ms_sys_floats_restore(kept);
}

void ms_level_begin_profile(void) {
    begin(ms_config.sample_rate, ms_config.max_overhead_percent, false);
}

bool ms_level_configure(double sample_rate, double max_overhead_percent) {
    if (sample_rate == rate && max_overhead_percent == budget_percent)
        return true;
    if (!ms_governor_stop())
        return false;
    begin(sample_rate, max_overhead_percent, true);
    return true;
}

void ms_level_take_notice(struct ms_tls *tls) {
    struct ms_sampler *sampler = &tls->thread->sampler;
    uint32_t number = ms_acquire(&ms_shared.level_number);
    if (MS_LIKELY(sampler->level_number == number))
        return;
    if (sampler->level_number == 0)
        ms_sampler_seed(sampler, tls->record->index);
    sampler->level_number = number;
    uint64_t interval_bytes = ms_load(&ms_shared.interval_bytes);
    sampler->is_on = ms_load(&ms_shared.level) >= MEMSCOPE_LEVEL_SAMPLED;
    if (sampler->is_on)
        ms_sampler_start(sampler, interval_bytes);
    else
        tls->special &= ~MS_SPECIAL_SAMPLES;
    ms_head_of(tls)->until_tick = sampler->is_on ? 0 : MS_TICK;
    if (sampler->is_on && !(tls->special & MS_SPECIAL_TASKS))
        tls->special |= MS_SPECIAL_TICK; // up to the first that is not sampled (entry/charge.c)
    ms_thread_fit_keys(tls);
}
