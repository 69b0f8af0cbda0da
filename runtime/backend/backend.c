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

static void put_decimal(struct ms_text *text, double value) {
    if (value != value || value - value != 0) {
        ms_text_string(text, value != value ? "NaN" : value > 0 ? "infinity" : "-infinity");
        return;
    }
    if (value < 0) {
        ms_text_string(text, "-");
        value = -value;
    }
    if (value >= 1e15) {
        ms_text_string(text, "more than 1e15");
        return;
    }
    uint64_t whole = (uint64_t)value;
    uint64_t thousandths = (uint64_t)((value - (double)whole) * 1000 + 0.5);
    ms_text_number(text, whole + thousandths / 1000);
    if (thousandths % 1000 != 0) {
        char digits[4] = {(char)('0' + thousandths / 100 % 10), (char)('0' + thousandths / 10 % 10),
                          (char)('0' + thousandths % 10), '\0'};
        ms_text_string(text, ".");
        ms_text_string(text, digits);
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

// Without detection the strategy is the one for SINGLE_THREADED, as if forced.
static bool force(int strategy, bool auto_detect) {
    struct memscope_profile_header *header = ms_shared.header;
    if (!auto_detect) {
        __atomic_fetch_or(&header->flags, MEMSCOPE_PROFILE_NO_DETECT, __ATOMIC_RELAXED);
        if (strategy == MEMSCOPE_STRATEGY_NONE)
            strategy = MEMSCOPE_STRATEGY_GLOBAL_DIRECT;
    }
    ms_store(&header->forced_strategy, (uint32_t)(strategy + 1));
    if (strategy == MEMSCOPE_STRATEGY_NONE)
        return true;
    return ms_strategy_force((uint32_t)strategy);
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

static memscope_status move_output(struct ms_call *call, const char *output) {
    char why[512];
    if (!output || ms_config.output[0] != '\0')
        return MEMSCOPE_OK;
    if (ms_output_move(output, why, sizeof why))
        return MEMSCOPE_OK;
    return ms_call_fail(call, MEMSCOPE_TRACKING_INITIALIZATION_FAILED, why, NULL);
}

// Options have precedence where they are not what they are by themselves. False: not now.
static bool configure_level(struct ms_call *call, const struct memscope_config *config) {
    bool by_option = ms_config.sample_rate != 1.0 || ms_config.max_overhead_percent != 0.0;
    bool wanted = config->sample_rate != 1.0 || config->max_overhead_percent != 0.0;
    if (by_option && wanted &&
        (ms_config.sample_rate != config->sample_rate ||
         ms_config.max_overhead_percent != config->max_overhead_percent))
        ms_call_warn(call, "the options sample_rate and max_overhead_percent have precedence",
                     NULL);
    else if (!by_option && wanted)
        return ms_level_configure(config->sample_rate, config->max_overhead_percent);
    return true;
}

static memscope_status open_backend(struct ms_call *call, const struct memscope_config *config,
                                    const struct memscope_environment *environment) {
    bool by_option = ms_config.strategy[0] != '\0';
    int strategy = by_option ? MEMSCOPE_STRATEGY_NONE : config->force_strategy;
    memscope_status status = select_strategy(call, strategy, environment);
    if (status == MEMSCOPE_OK)
        status = move_output(call, config->output);
    if (status != MEMSCOPE_OK)
        return status;
    if (strategy != MEMSCOPE_STRATEGY_NONE || (!config->auto_detect && !by_option))
        if (!force(strategy, config->auto_detect))
            return ms_call_fail(call, MEMSCOPE_OUT_OF_MEMORY, NULL);
    if (by_option && config->force_strategy != MEMSCOPE_STRATEGY_NONE)
        ms_call_warn(call, "the option strategy has precedence over force_strategy", NULL);
    else if (strategy != MEMSCOPE_STRATEGY_NONE)
        ms_call_warn(call, "the strategy is forced: ", memscope_strategy_name(strategy), NULL);
    if (!configure_level(call, config))
        return ms_call_fail(call, MEMSCOPE_BUSY, NULL);
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
    if (call.status == MEMSCOPE_OK && !ms_backend_lock())
        (void)ms_call_fail(&call, MEMSCOPE_BUSY, NULL);
    if (call.status != MEMSCOPE_OK)
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
    if (!ms_backend_lock())
        return ms_call_fail(call, MEMSCOPE_BUSY, NULL);
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
    if (!ms_backend_lock())
        return ms_call_fail(call, MEMSCOPE_BUSY, NULL);
    ms_strategy_publish();
    uint64_t peak_bytes = ms_load(&header->peak_live_bytes);
    ms_backend_unlock();
    uint64_t now_ns = ms_sys_clock_monotonic_ns();
    memset(&data, 0, sizeof data);
    ms_snapshot_now(NULL, 0, &interval);
    ms_analysis_statistics(&data, &nothing, &interval, now_ns - header->start_monotonic_ns,
                           peak_bytes);
    ms_analysis_overhead(&data, &none);
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
    if (!ms_backend_lock())
        return ms_call_fail(call, MEMSCOPE_BUSY, NULL);
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
        if (out)
            (void)collect_all(&call, out);
    }
    return ms_call_end(&call);
}
