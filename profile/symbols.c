// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of places in code: two hash tables.

#include "symbols.h"
#include "grow.h"

#include <stdlib.h>
#include <string.h>

struct ms_symbols *ms_symbols_create(void) {
    return calloc(1, sizeof(struct ms_symbols));
}

void ms_symbols_destroy(struct ms_symbols *symbols) {
    if (!symbols)
        return;
    ms_arena_free(&symbols->arena);
    for (size_t i = 0; i < symbols->file_count; i++)
        free(symbols->files[i].path);
    free(symbols->files);
    free(symbols->codes);
    free(symbols->code_slots);
    free(symbols->text_slots);
    free(symbols);
}

// --- texts -------------------------------------------------------------------------------------

uint64_t ms_hash_text(const char *text) {
    uint64_t hash = 0xCBF29CE484222325u; // FNV-1a
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash ^ hash >> 29;
}

static const char **text_slot(const char **slots, size_t count, const char *text) {
    size_t at = ms_hash_text(text) & (count - 1);
    while (slots[at] && strcmp(slots[at], text) != 0)
        at = (at + 1) & (count - 1);
    return &slots[at];
}

static bool grow_texts(struct ms_symbols *symbols) {
    if (2 * symbols->text_count < symbols->text_slot_count)
        return true;
    size_t count = symbols->text_slot_count ? 2 * symbols->text_slot_count : 1024;
    const char **slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < symbols->text_slot_count; i++)
        if (symbols->text_slots[i])
            *text_slot(slots, count, symbols->text_slots[i]) = symbols->text_slots[i];
    free(symbols->text_slots);
    symbols->text_slots = slots;
    symbols->text_slot_count = count;
    return true;
}

const char *ms_symbols_text(struct ms_symbols *symbols, const char *text) {
    if (!text || !grow_texts(symbols))
        return NULL;
    const char **slot = text_slot(symbols->text_slots, symbols->text_slot_count, text);
    if (!*slot) {
        char *copy = ms_arena_take(&symbols->arena, strlen(text) + 1);
        if (!copy)
            return NULL;
        *slot = strcpy(copy, text);
        symbols->text_count++;
    }
    return *slot;
}

size_t ms_symbols_text_slot(const struct ms_symbols *symbols, const char *text) {
    return (size_t)(text_slot(symbols->text_slots, symbols->text_slot_count, text) -
                    symbols->text_slots);
}

// --- places in code ----------------------------------------------------------------------------

static size_t code_slot(const struct ms_symbols *symbols, const uint32_t *slots, size_t count,
                        uint32_t module, uint64_t address) {
    size_t at = ms_mix(ms_mix(0, module), address) & (count - 1);
    for (; slots[at]; at = (at + 1) & (count - 1)) {
        const struct ms_code *code = &symbols->codes[slots[at] - 1];
        if (code->module == module && code->address == address)
            break;
    }
    return at;
}

static bool grow_codes(struct ms_symbols *symbols) {
    struct ms_code *codes = ms_grown(symbols->codes, &symbols->code_capacity, symbols->code_count,
                                     sizeof *symbols->codes);
    if (!codes)
        return false;
    symbols->codes = codes;
    if (2 * symbols->code_count < symbols->code_slot_count)
        return true;
    size_t count = symbols->code_slot_count ? 2 * symbols->code_slot_count : 1024;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < symbols->code_count; i++) {
        const struct ms_code *code = &symbols->codes[i];
        slots[code_slot(symbols, slots, count, code->module, code->address)] = (uint32_t)i + 1;
    }
    free(symbols->code_slots);
    symbols->code_slots = slots;
    symbols->code_slot_count = count;
    return true;
}

struct ms_code *ms_symbols_code(struct ms_symbols *symbols, uint32_t module, uint64_t address) {
    if (!grow_codes(symbols))
        return NULL;
    uint32_t *slot = &symbols->code_slots[code_slot(symbols, symbols->code_slots,
                                                    symbols->code_slot_count, module, address)];
    if (!*slot) {
        symbols->codes[symbols->code_count++] =
            (struct ms_code){.module = module, .address = address};
        *slot = (uint32_t)symbols->code_count;
    }
    return &symbols->codes[*slot - 1];
}

// A return address stands behind its call, which may be the function's last instruction.
bool ms_symbols_want(struct ms_symbols *symbols, const struct ms_module *module,
                     uint64_t return_address) {
    return return_address == 0 ||
           ms_symbols_code(symbols, module->first, return_address - 1) != NULL;
}

const struct ms_code *ms_symbols_find(const struct ms_symbols *symbols,
                                      const struct ms_module *module, uint64_t return_address) {
    if (symbols->code_slot_count == 0 || return_address == 0)
        return NULL;
    uint32_t slot = symbols->code_slots[code_slot(
        symbols, symbols->code_slots, symbols->code_slot_count, module->first, return_address - 1)];
    return slot ? &symbols->codes[slot - 1] : NULL;
}
