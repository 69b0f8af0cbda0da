// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The backend itself: configuration, strategy, output. There is one a process.

#include "backend.h"

#include "base/text.h"
#include "collect/level.h"
#include "environment.h"
#include "store/output.h"
#include "strategy/strategy.h"

#include <string.h>

// Of the process whose profile begins at `base`; another's is none of ours. Under the lock.
static struct {
    uint32_t base;
    uint32_t number; // of the latest backend
    bool is_open;
    struct memscope_config config;
    char output[MS_OPTION_TEXT_BYTES];
} backend;

static void forget_parents(void) {
    if (backend.base == ms_shared.ref_base)
        return;
    backend.base = ms_shared.ref_base;
    backend.number = 0;
    backend.is_open = false;
}

// ---- validation --------------------------------------------------------------------------------

// To nine digits after the point. Says where that rounds away what is wrong with it.
static void put_decimal(struct ms_text *text, double value) {
    const uint64_t unit = 1000000000;
    if (value != value || value - value != 0) {
        ms_text_string(text, value != value ? "NaN" : value > 0 ? "infinity" : "-infinity");
        return;
    }
    double size = value < 0 ? -value : value;
    const char *sign = value < 0 ? "-" : "";
    if (size >= 1e9) {
        ms_text_string(text, sign);
        ms_text_string(text, "1000000000 or more");
        return;
    }
    uint64_t rounded = (uint64_t)(size * (double)unit + 0.5), digit = unit / 10;
    uint64_t whole = rounded / unit;
    if (rounded % unit == 0 && (double)whole != size)
        ms_text_string(text, "nearly ");
    ms_text_string(text, sign);
    ms_text_number(text, whole);
    ms_text_string(text, rounded % unit ? "." : "");
    for (; digit > 0 && rounded % (digit * 10) != 0; digit /= 10) {
        const char one[2] = {(char)('0' + rounded / digit % 10), '\0'};
        ms_text_string(text, one);
    }
}

static memscope_status refuse_real(struct ms_call *call, const char *field, double value,
                                   const char *why) {
    char buffer[64];
    struct ms_text text = ms_text_in(buffer, sizeof buffer);
    put_decimal(&text, value);
    return ms_call_fail(call, MEMSCOPE_CONFIGURATION, field, " is ", buffer, why, NULL);
}

static const char *strategy_option(int strategy) {
    switch (strategy) {
#define MEMSCOPE_STRATEGY(number, name, text, option, environment, environment_text)               \
    case MEMSCOPE_STRATEGY_##name:                                                                 \
        return option;
#include <memscope/strategies.def>
    default:
        return NULL;
    }
}

static memscope_status validate(struct ms_call *call, const struct memscope_config *config) {
    if (!(config->sample_rate >= 0.0 && config->sample_rate <= 1.0))
        return refuse_real(call, "sample_rate", config->sample_rate, "; it takes 0.0 to 1.0");
    if (!(config->max_overhead_percent >= 0.0 && config->max_overhead_percent <= 100.0))
        return refuse_real(call, "max_overhead_percent", config->max_overhead_percent,
                           "; it takes 0.0 to 100.0");
    if (config->force_strategy != MEMSCOPE_STRATEGY_NONE &&
        !strategy_option(config->force_strategy))
        return refuse_real(call, "force_strategy", config->force_strategy,
                           "; it takes -1 (none) or 0 to 3 (enum memscope_strategy)");
    if (config->output && (config->output[0] == '\0' ||
                           strnlen(config->output, MS_OPTION_TEXT_BYTES) == MS_OPTION_TEXT_BYTES))
        return ms_call_fail(call, MEMSCOPE_CONFIGURATION, "output is ",
                            config->output[0] ? "too long" : "empty",
                            "; it takes a path of 1 to 1023 bytes, or NULL", NULL);
    return MEMSCOPE_OK;
}

static bool same_config(const struct memscope_config *a, const struct memscope_config *b) {
    bool same_output =
        a->output && b->output ? strcmp(a->output, b->output) == 0 : a->output == b->output;
    return a->auto_detect == b->auto_detect && a->force_strategy == b->force_strategy &&
           a->sample_rate == b->sample_rate && a->max_overhead_percent == b->max_overhead_percent &&
           same_output;
}

// ---- strategy ----------------------------------------------------------------------------------

static int option_strategy(void) {
    for (int strategy = 0; strategy_option(strategy); strategy++)
        if (strcmp(ms_config.strategy, strategy_option(strategy)) == 0)
            return strategy;
    return MEMSCOPE_STRATEGY_NONE;
}

static void set_detection(bool is_on) {
    uint32_t *flags = &ms_shared.header->flags;
    if (is_on)
        __atomic_fetch_and(flags, ~MEMSCOPE_PROFILE_NO_DETECT, __ATOMIC_RELAXED);
    else
        __atomic_fetch_or(flags, MEMSCOPE_PROFILE_NO_DETECT, __ATOMIC_RELAXED);
}

// Without detection the strategy is the one for SINGLE_THREADED, as if forced. What an earlier
// backend forced to buffers of threads or tasks stays, and on record.
static bool force(int strategy, bool auto_detect) {
    uint32_t *forced = &ms_shared.header->forced_strategy;
    set_detection(auto_detect);
    if (strategy == MEMSCOPE_STRATEGY_NONE && !auto_detect)
        strategy = MEMSCOPE_STRATEGY_GLOBAL_DIRECT;
    if (strategy != MEMSCOPE_STRATEGY_NONE) {
        ms_store(forced, (uint32_t)(strategy + 1));
        return ms_strategy_force((uint32_t)strategy);
    }
    if (ms_load(forced) == MEMSCOPE_STRATEGY_GLOBAL_DIRECT + 1)
        ms_store(forced, 0u);
    return true;
}

void ms_backend_begin_profile(void) {
    if (ms_config.strategy[0] == '\0' && ms_config.auto_detect)
        return;
    int strategy = option_strategy();
    if (strategy == MEMSCOPE_STRATEGY_NONE && ms_config.strategy[0] != '\0')
        ms_message(MS_MESSAGE_WARNING, "MEMSCOPE_OPTIONS: bad value '", ms_config.strategy,
                   "' of option strategy (ignored); it takes global-direct, thread-local, "
                   "task-local or hybrid-tracking",
                   NULL);
    else if (strategy != MEMSCOPE_STRATEGY_NONE)
        ms_message(MS_MESSAGE_WARNING, "the strategy is forced: ", memscope_strategy_name(strategy),
                   NULL);
    (void)force(strategy, ms_config.auto_detect);
}

// Could it be exact for what has run so far?
static memscope_status select_strategy(struct ms_call *call, int strategy,
                                       const struct memscope_environment *environment) {
    if (strategy == MEMSCOPE_STRATEGY_NONE || (environment->kind & ~strategy) == 0)
        return MEMSCOPE_OK;
    return ms_call_fail(call, MEMSCOPE_STRATEGY_SELECTION_FAILED, memscope_strategy_name(strategy),
                        " cannot be exact for this program, which is ",
                        memscope_environment_name(environment->kind),
                        environment->kind & ~strategy & MEMSCOPE_STRATEGY_THREADS
                            ? ": threads have been started"
                            : ": tasks have been started",
                        NULL);
}

// ---- initialize --------------------------------------------------------------------------------

static memscope_backend handle_of_backend(void) {
    return (uint64_t)backend.base << 32 | backend.number;
}

static void say_precedence(struct ms_call *call, int level, const char *option) {
    ms_call_say(call, level, "the option ", option, " has precedence over the configuration", NULL);
}

static memscope_status move_output(struct ms_call *call, const char *output) {
    char why[512];
    if (!output)
        return MEMSCOPE_OK;
    if (ms_config.output[0] != '\0') {
        say_precedence(call, MEMSCOPE_LOG_INFO, "output");
        return MEMSCOPE_OK;
    }
    if (ms_output_move(output, why, sizeof why))
        return MEMSCOPE_OK;
    return ms_call_fail(call, MEMSCOPE_TRACKING_INITIALIZATION_FAILED, why, NULL);
}

static double option_or(struct ms_call *call, enum ms_option_key key, const char *name,
                        double option, double configured) {
    if (!ms_option_is_given(key))
        return configured;
    if (option != configured)
        say_precedence(call, MEMSCOPE_LOG_WARNING, name);
    return option;
}

// An option that was given has precedence, each by itself. False: not now.
static bool configure_level(struct ms_call *call, const struct memscope_config *config) {
    double sample_rate = option_or(call, MS_OPTION_sample_rate, "sample_rate",
                                   ms_config.sample_rate, config->sample_rate);
    double max_overhead_percent =
        option_or(call, MS_OPTION_max_overhead_percent, "max_overhead_percent",
                  ms_config.max_overhead_percent, config->max_overhead_percent);
    return ms_level_configure(sample_rate, max_overhead_percent);
}

static void say_what_is(struct ms_call *call) {
    struct memscope_environment environment;
    if (ms_environment_detect(&environment))
        ms_call_say(call, MEMSCOPE_LOG_INFO,
                    "the backend is there: ", memscope_environment_name(environment.kind), ", ",
                    memscope_strategy_name((int)ms_load(&ms_shared.header->strategy)), NULL);
}

static memscope_status open_backend(struct ms_call *call, const struct memscope_config *config,
                                    const struct memscope_environment *environment) {
    bool by_option = option_strategy() != MEMSCOPE_STRATEGY_NONE;
    bool auto_detect =
        ms_option_is_given(MS_OPTION_auto_detect) ? ms_config.auto_detect : config->auto_detect;
    int strategy = by_option ? option_strategy() : config->force_strategy;
    memscope_status status = MEMSCOPE_OK;
    if (!by_option)
        status = select_strategy(call, strategy, environment);
    if (status == MEMSCOPE_OK)
        status = move_output(call, config->output);
    if (status != MEMSCOPE_OK)
        return status;
    if (!force(strategy, auto_detect))
        return ms_call_fail(call, MEMSCOPE_OUT_OF_MEMORY, NULL);
    if (by_option && config->force_strategy != MEMSCOPE_STRATEGY_NONE)
        say_precedence(call, MEMSCOPE_LOG_WARNING, "strategy");
    else if (!by_option && strategy != MEMSCOPE_STRATEGY_NONE)
        ms_call_say(call, MEMSCOPE_LOG_WARNING,
                    "the strategy is forced: ", memscope_strategy_name(strategy), NULL);
    if (!configure_level(call, config))
        return ms_call_fail(call, MEMSCOPE_BUSY, NULL);
    say_what_is(call);
    backend.config = *config;
    if (config->output) {
        strcpy(backend.output, config->output);
        backend.config.output = backend.output;
    }
    backend.number++;
    backend.is_open = true;
    return MEMSCOPE_OK;
}

memscope_status __memscope_backend_initialize(const struct memscope_config *config,
                                              memscope_backend *backend_out) {
    struct ms_call call = ms_call_begin();
    struct memscope_config used = config ? *config : memscope_config_default();
    struct memscope_environment environment;
    memset(&environment, 0, sizeof environment);
    if (call.status != MEMSCOPE_OK)
        return ms_call_end(&call);
    if (!backend_out)
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "backend_out is NULL", NULL);
    else if (validate(&call, &used) == MEMSCOPE_OK && !ms_environment_detect(&environment))
        (void)ms_call_fail(&call, MEMSCOPE_ENVIRONMENT_DETECTION_FAILED,
                           "a module descriptor is damaged, or of another version of MemScope",
                           NULL);
    if (call.status != MEMSCOPE_OK || !ms_call_lock(&call))
        return ms_call_end(&call);
    forget_parents();
    if (backend.is_open && !same_config(&backend.config, &used))
        (void)ms_call_fail(&call, MEMSCOPE_CONFIGURATION,
                           "the process has a backend of another configuration", NULL);
    else if (!backend.is_open)
        (void)open_backend(&call, &used, &environment);
    if (call.status == MEMSCOPE_OK && backend_out)
        *backend_out = handle_of_backend();
    ms_backend_unlock();
    return ms_call_end(&call);
}

// ---- handles -----------------------------------------------------------------------------------

memscope_status ms_handle_check(struct ms_call *call, uint64_t handle, const char *what) {
    uint32_t ref = (uint32_t)(handle >> 32);
    if (ms_ref_is_ours(ref))
        return MEMSCOPE_OK;
    if (ref != 0 && ref < ms_shared.ref_base)
        return ms_call_fail(call, MEMSCOPE_FORKED, "the ", what, " is the parent process's", NULL);
    return ms_call_fail(call, MEMSCOPE_INVALID_ARGUMENT, "no ", what, " has this handle", NULL);
}

bool ms_backend_is_open(memscope_backend handle) {
    return backend.is_open && handle == handle_of_backend();
}

memscope_status ms_backend_check(struct ms_call *call, memscope_backend handle) {
    uint32_t number = (uint32_t)handle;
    if (ms_handle_check(call, handle, "backend") != MEMSCOPE_OK)
        return call->status;
    if (!ms_call_lock(call))
        return call->status;
    forget_parents();
    if ((uint32_t)(handle >> 32) != backend.base || number == 0 || number > backend.number)
        (void)ms_call_fail(call, MEMSCOPE_INVALID_ARGUMENT, "no backend has this handle", NULL);
    else if (number != backend.number || !backend.is_open)
        (void)ms_call_fail(call, MEMSCOPE_ENDED, "the backend is shut down", NULL);
    ms_backend_unlock();
    return call->status;
}

// ---- calls about the whole process -------------------------------------------------------------

memscope_status __memscope_backend_detect(struct memscope_environment *out) {
    struct ms_call call = ms_call_begin();
    struct memscope_environment environment;
    if (call.status != MEMSCOPE_OK)
        return ms_call_end(&call);
    if (!out)
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "environment_out is NULL", NULL);
    else if (!ms_environment_detect(&environment))
        (void)ms_call_fail(&call, MEMSCOPE_ENVIRONMENT_DETECTION_FAILED,
                           "a module descriptor is damaged, or of another version of MemScope",
                           NULL);
    else
        *out = environment;
    return ms_call_end(&call);
}

memscope_status __memscope_backend_select(const struct memscope_environment *from,
                                          int *strategy_out) {
    struct ms_call call = ms_call_begin();
    if (call.status != MEMSCOPE_OK)
        return ms_call_end(&call);
    // An environment and its strategy have the same number: the two bits of both (strategies.def).
    if (!from || !strategy_out)
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "an argument is NULL", NULL);
    else if (!strategy_option(from->kind))
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "the environment is of no known kind",
                           NULL);
    else
        *strategy_out = from->kind;
    return ms_call_end(&call);
}

static memscope_status collect_all(struct ms_call *call, struct memscope_analysis *out) {
    static const struct memscope_session_totals nothing;
    static const struct ms_overhead_sum none;
    const struct memscope_profile_header *header = ms_shared.header;
    struct memscope_analysis data;
    struct ms_interval interval;
    if (!ms_call_lock(call))
        return call->status;
    ms_strategy_publish();
    uint64_t peak_bytes = ms_load(&header->peak_live_bytes);
    ms_backend_unlock();
    uint64_t now_ns = ms_sys_clock_monotonic_ns();
    memset(&data, 0, sizeof data);
    ms_snapshot_now(NULL, 0, &interval);
    ms_analysis_statistics(&data, &nothing, &interval, now_ns - header->start_monotonic_ns,
                           peak_bytes);
    ms_analysis_overhead(&data, &interval, &none);
    ms_analysis_name(&data, 0, header->start_monotonic_ns);
    if (ms_analysis_fill(call, &data) == MEMSCOPE_OK && out)
        *out = data;
    return call->status;
}

memscope_status __memscope_backend_collect(memscope_backend handle, struct memscope_analysis *out) {
    struct ms_call call = ms_call_begin();
    if (call.status == MEMSCOPE_OK && !out)
        (void)ms_call_fail(&call, MEMSCOPE_INVALID_ARGUMENT, "data_out is NULL", NULL);
    if (call.status == MEMSCOPE_OK && ms_backend_check(&call, handle) == MEMSCOPE_OK)
        (void)collect_all(&call, out);
    return ms_call_end(&call);
}

// Of several threads that shut it down one does.
static memscope_status close_backend(struct ms_call *call) {
    if (!ms_call_lock(call))
        return call->status;
    bool was_open = backend.is_open;
    backend.is_open = false;
    ms_backend_unlock();
    return was_open ? MEMSCOPE_OK
                    : ms_call_fail(call, MEMSCOPE_ENDED, "the backend is shut down", NULL);
}

memscope_status __memscope_backend_shutdown(memscope_backend handle,
                                            struct memscope_analysis *out) {
    struct ms_call call = ms_call_begin();
    if (call.status == MEMSCOPE_OK && ms_backend_check(&call, handle) == MEMSCOPE_OK &&
        close_backend(&call) == MEMSCOPE_OK) {
        ms_sessions_end_all();
        ms_call_say(&call, MEMSCOPE_LOG_INFO, "the backend is shut down", NULL);
        if (out)
            (void)collect_all(&call, out);
    }
    return ms_call_end(&call);
}
