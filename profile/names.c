// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers on disk to words in reports, from the tables that give both.

#include "profile.h"

#define LENGTH(array) (sizeof(array) / sizeof *(array))

const char *ms_kind_name(uint32_t kind) {
    static const char *const names[] = {
#define MEMSCOPE_KIND(number, name, text) [number] = text,
#include <memscope/kinds.def>
    };
    return kind < LENGTH(names) && names[kind] ? names[kind] : "unknown";
}

const char *ms_strategy_name(uint32_t strategy) {
    static const char *const names[] = {
#define MEMSCOPE_STRATEGY(number, name, text, option, environment, environment_text)               \
    [number] = text,
#include <memscope/strategies.def>
    };
    return strategy < LENGTH(names) ? names[strategy] : "unknown";
}

const char *ms_environment_kind(uint32_t kind) {
    static const char *const names[] = {
#define MEMSCOPE_STRATEGY(number, name, text, option, environment, environment_text)               \
    [number] = environment_text,
#include <memscope/strategies.def>
    };
    return kind < LENGTH(names) ? names[kind] : "unknown";
}

const char *ms_status_text(memscope_status status) {
    static const char *const texts[] = {
#define MEMSCOPE_STATUS(number, name, text) [number] = text,
#include <memscope/status.def>
    };
    return (unsigned)status < LENGTH(texts) && texts[status] ? texts[status] : "unknown status";
}

static const struct {
    const char *key, *text;
} losses[] = {
#define MEMSCOPE_LOSS(index, key, text) [index] = {#key, text},
#include <memscope/losses.def>
};

_Static_assert(LENGTH(losses) <= MEMSCOPE_LOSS_SLOTS, "the header has a slot for each loss");

const char *ms_loss_key(unsigned index) {
    return index < LENGTH(losses) ? losses[index].key : NULL;
}

const char *ms_loss_text(unsigned index) {
    return index < LENGTH(losses) ? losses[index].text : NULL;
}

const char *ms_order_name(enum ms_order order) {
    static const char *const names[] = {
        [MS_ORDER_LIVE] = "live",   [MS_ORDER_PEAK] = "peak",   [MS_ORDER_AT_PEAK] = "at-peak",
        [MS_ORDER_TOTAL] = "total", [MS_ORDER_CALLS] = "calls", [MS_ORDER_TEMPORARY] = "temporary",
    };
    return (unsigned)order < LENGTH(names) ? names[order] : NULL;
}

const char *ms_by_name(enum ms_by by) {
    static const char *const names[] = {
        [MS_BY_TYPE] = "type", [MS_BY_CONTAINER] = "container", [MS_BY_VARIABLE] = "variable"};
    return (unsigned)by < LENGTH(names) ? names[by] : NULL;
}

const char *ms_process_state_name(enum ms_process_state state) {
    static const char *const names[] = {
        [MS_PROCESS_RUNNING] = "running",     [MS_PROCESS_EXITED] = "exited",
        [MS_PROCESS_SIGNALED] = "signaled",   [MS_PROCESS_VANISHED] = "vanished",
        [MS_PROCESS_UNCERTAIN] = "uncertain", [MS_PROCESS_COPIED] = "copied",
    };
    return (unsigned)state < LENGTH(names) ? names[state] : "unknown";
}
