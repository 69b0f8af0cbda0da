// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Numbers the distinct frames of all stacks, and matches them.

#include "stack_steps.h"

#include <profile/grow.h>

#include <stdlib.h>
#include <string.h>

#include "report.h"

struct ms_seen_frame {
    const char *function, *file;
    const struct ms_module *module;
    uint64_t module_offset;
    uint32_t line;
    enum ms_stack_kind kind;
    uint32_t step; // + 1; 0 = free
};

// --- by content --------------------------------------------------------------------------------

static uint64_t mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

static uint64_t mix_text(uint64_t hash, const char *text) {
    if (!text)
        return mix(hash, 1);
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    return mix(hash, 2);
}

static bool same_text(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

// A library that was loaded twice has two records.
static bool same_module(const struct ms_module *a, const struct ms_module *b) {
    return a == b ||
           (a && b && same_text(a->path, b->path) && a->build_id_length == b->build_id_length &&
            (a->build_id_length == 0 || memcmp(a->build_id, b->build_id, a->build_id_length) == 0));
}

static uint64_t hash_step(const struct ms_step *step) {
    uint64_t hash = mix(step->kind, step->line);
    hash = mix(hash, step->module_offset);
    hash = mix_text(hash, step->function);
    hash = mix_text(hash, step->file);
    return mix_text(hash, step->module ? step->module->path : NULL);
}

static bool same_step(const struct ms_step *a, const struct ms_step *b) {
    return a->kind == b->kind && a->line == b->line && a->module_offset == b->module_offset &&
           same_text(a->function, b->function) && same_text(a->file, b->file) &&
           same_module(a->module, b->module);
}

static bool grow_slots(struct ms_steps *steps) {
    size_t count = steps->slot_count ? 2 * steps->slot_count : 1024;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < steps->count; i++) {
        size_t at = hash_step(&steps->items[i]) & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = i + 1;
    }
    free(steps->slots);
    steps->slots = slots;
    steps->slot_count = count;
    return true;
}

static uint32_t intern(struct ms_steps *steps, const struct ms_step *step) {
    if (2 * (size_t)steps->count >= steps->slot_count && !grow_slots(steps))
        return MS_NO_STEP;
    size_t at = hash_step(step) & (steps->slot_count - 1);
    for (; steps->slots[at]; at = (at + 1) & (steps->slot_count - 1))
        if (same_step(&steps->items[steps->slots[at] - 1], step))
            return steps->slots[at] - 1;
    struct ms_step *items =
        ms_grown(steps->items, &steps->capacity, steps->count, sizeof *steps->items);
    if (!items)
        return MS_NO_STEP;
    steps->items = items;
    steps->items[steps->count] = *step;
    steps->items[steps->count].function_step = steps->count;
    steps->slots[at] = ++steps->count;
    return steps->count - 1;
}

uint32_t ms_step_of(struct ms_steps *steps, const struct ms_step *step) {
    uint32_t number = intern(steps, step);
    if (number == MS_NO_STEP || !step->function || step->kind > MS_STEP_SPAWN ||
        (!step->file && !step->line))
        return number;
    struct ms_step function = *step;
    function.file = NULL;
    function.line = 0;
    uint32_t function_step = intern(steps, &function);
    if (function_step == MS_NO_STEP)
        return MS_NO_STEP;
    steps->items[number].function_step = function_step;
    return number;
}

// --- by address --------------------------------------------------------------------------------

static struct ms_seen_frame *seen_slot(const struct ms_steps *steps,
                                       const struct ms_seen_frame *key) {
    uint64_t hash = mix(key->line, (uintptr_t)key->function);
    hash = mix(hash, (uintptr_t)key->file);
    hash = mix(hash, (uintptr_t)key->module);
    hash = mix(hash, key->module_offset + key->kind);
    for (size_t at = hash & (steps->seen_slots - 1);; at = (at + 1) & (steps->seen_slots - 1)) {
        struct ms_seen_frame *slot = &steps->seen[at];
        if (slot->step == 0 ||
            (slot->function == key->function && slot->file == key->file &&
             slot->module == key->module && slot->module_offset == key->module_offset &&
             slot->line == key->line && slot->kind == key->kind))
            return slot;
    }
}

static bool grow_seen(struct ms_steps *steps) {
    struct ms_steps grown = *steps;
    grown.seen_slots = steps->seen_slots ? 2 * steps->seen_slots : 1024;
    grown.seen = calloc(grown.seen_slots, sizeof *grown.seen);
    if (!grown.seen)
        return false;
    for (size_t i = 0; i < steps->seen_slots; i++)
        if (steps->seen[i].step)
            *seen_slot(&grown, &steps->seen[i]) = steps->seen[i];
    free(steps->seen);
    *steps = grown;
    return true;
}

uint32_t ms_step_of_frame(struct ms_steps *steps, const struct ms_stack_frame *frame) {
    static const enum ms_step_kind kinds[] = {
        [MS_STACK_CALL] = MS_STEP_CALL,
        [MS_STACK_AWAIT] = MS_STEP_AWAIT,
        [MS_STACK_SPAWN] = MS_STEP_SPAWN,
    };
    bool is_named = frame->function && *frame->function;
    struct ms_seen_frame key = {
        .function = is_named ? frame->function : NULL,
        .file = frame->file && *frame->file ? frame->file : NULL,
        .module = frame->module,
        .module_offset = is_named ? 0 : frame->module_offset,
        .line = frame->line,
        .kind = frame->kind,
    };
    if (2 * steps->seen_count >= steps->seen_slots && !grow_seen(steps))
        return MS_NO_STEP;
    struct ms_seen_frame *slot = seen_slot(steps, &key);
    if (slot->step)
        return slot->step - 1;
    const struct ms_step step = {
        .kind = kinds[frame->kind],
        .line = key.line,
        .function = key.function,
        .file = key.file,
        .module = key.module,
        .module_offset = key.module_offset,
    };
    uint32_t number = ms_step_of(steps, &step);
    if (number == MS_NO_STEP)
        return MS_NO_STEP;
    key.step = number + 1;
    *slot = key;
    steps->seen_count++;
    return number;
}

void ms_steps_release(struct ms_steps *steps) {
    free(steps->slots);
    free(steps->seen);
}

// --- filters -----------------------------------------------------------------------------------

static bool matches(const char *text, const regex_t *regex) {
    return text && regexec(regex, text, 0, NULL, 0) == 0;
}

bool ms_step_matches(const struct ms_step *step, const regex_t *regex) {
    if (matches(step->function, regex) || matches(step->file, regex) ||
        (step->module && matches(step->module->path, regex)))
        return true;
    if (!step->function)
        return false;
    // As reports say it: "std::string::_M_mutate()"
    char *spoken = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&spoken, &bytes);
    if (!out)
        return false;
    ms_put_function(out, step->function);
    bool is_match = fclose(out) == 0 && matches(spoken, regex);
    free(spoken);
    return is_match;
}
