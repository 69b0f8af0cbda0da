// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of code, for the files of profile/ alone: each place (a module and an address of its file)
// is asked for once, whoever wants it: foreign sites, the frames of contexts. Texts are kept once,
// so that equal ones are the same pointer.

#ifndef MEMSCOPE_PROFILE_SYMBOLS_H
#define MEMSCOPE_PROFILE_SYMBOLS_H

#include "internal.h"

#define MS_SYMBOL_FRAMES_MOST 64 // of one place

// Memory that is freed at once.
struct ms_arena {
    struct ms_arena_block *blocks;
};
// NULL = out of memory.
void *ms_arena_take(struct ms_arena *arena, size_t bytes);
void ms_arena_free(struct ms_arena *arena);

struct ms_code {
    uint32_t module;         // ms_module.first
    uint32_t count;          // frames, 0 = none is known
    uint64_t address;        // of the call: what comes before the return address
    struct ms_frame *frames; // innermost first; all but the last are inlined
    bool known;              // asked, or told by the cache: frames are all there is
};

// What an ELF file says of itself.
struct ms_elf_file {
    bool is_there;            // it can be opened, whatever it is
    uint32_t build_id_length; // 0 = has none
    uint8_t build_id[32];
    bool has_debug_info;
    char debug_link[256]; // name of the file that has it; "" = none is told
    uint64_t bytes, modified_ns;
    uint64_t wrappers_offset, wrappers_bytes; // of the section `.memscope`
};
// False where there is none at the path, or one that is no ELF file of 64 bits, little endian.
bool ms_elf_file_read(const char *path, struct ms_elf_file *file_out);

// The section `.memscope` of a file, to be freed, and its size; NULL = it has none.
char *ms_elf_wrappers_read(const char *path, size_t *bytes_out);

// Where the names of a module's code are found, looked for when first needed.
struct ms_module_file {
    bool looked_at;
    char *path;         // the module's file, or that of its debug info; NULL = neither is there
    const char *reason; // why there is none
    uint64_t tag;       // changes with the file
};
// `debug_paths`: see ms_resolve_options.
void ms_module_file_find(const struct ms_module *module, const char *const *debug_paths,
                         uint64_t start_realtime_ns, struct ms_module_file *file);

// The symbols of a summary; see internal.h for ms_symbols_create.
struct ms_symbols {
    struct ms_arena arena; // frames and texts
    struct ms_code *codes; // in the order they were wanted
    size_t code_count, code_capacity;
    uint32_t *code_slots; // hash table of indexes + 1
    size_t code_slot_count;
    const char **text_slots; // hash table
    size_t text_count, text_slot_count;
    struct ms_module_file *files; // by module
    size_t file_count;
};

// The one text of these bytes. NULL = out of memory, or `text` is.
const char *ms_symbols_text(struct ms_symbols *symbols, const char *text);
// Where a kept text stands among text_slots.
size_t ms_symbols_text_slot(const struct ms_symbols *symbols, const char *text);

// Notes that the names at a return address are wanted. False = out of memory.
bool ms_symbols_want(struct ms_symbols *symbols, const struct ms_module *module,
                     uint64_t return_address);
// Finds the names of all that is wanted, in that order. OK, NOT_FOUND (no symbolizer) or
// OUT_OF_MEMORY; places that cannot be told stay without frames.
memscope_status ms_symbols_ask(const struct ms_summary *summary,
                               const struct ms_resolve_options *options);
// What is to be filled with the names at an address, a new one where there was none. NULL = out of
// memory. Holds until the next call.
struct ms_code *ms_symbols_code(struct ms_symbols *symbols, uint32_t module, uint64_t address);
// NULL where it was never wanted.
const struct ms_code *ms_symbols_find(const struct ms_symbols *symbols,
                                      const struct ms_module *module, uint64_t return_address);

// --- symbols_cache.c: FILE.symbols beside the profile ---

// Takes what it knows of the profile's modules. A cache that is not ours, damaged or of another
// version is as good as none.
void ms_symbols_load(const struct ms_summary *summary, const struct ms_resolve_options *options);
// Writes all that is known, if the profile is ours and its folder can be written.
void ms_symbols_save(const struct ms_summary *summary);
// Where names of a module come from. NULL options = as looked at before.
const struct ms_module_file *ms_symbols_file(const struct ms_summary *summary, uint32_t module,
                                             const struct ms_resolve_options *options);

uint64_t ms_hash_text(const char *text);

static inline uint64_t ms_mix(uint64_t hash, uint64_t value) {
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 32;
}

#endif
