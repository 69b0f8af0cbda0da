// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes profiles by construction, for tests of the reader and the reports. Nothing of the runtime
// is in it: it follows profile_format.h alone.

#ifndef MEMSCOPE_TESTS_UNIT_BUILDER_H
#define MEMSCOPE_TESTS_UNIT_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <memscope/profile_blocks.h>
#include <memscope/profile_format.h>
#include <memscope/profile_sampling.h>

#define BUILDER_BYTES (256 * 1024)

struct builder {
    uint8_t *bytes; // aligned
    size_t capacity;
    uint32_t end_unit;
};

// A profile of one thread that exited 0 after 8.2 s: a header and nothing else.
void builder_begin(struct builder *builder, uint32_t ref_base);
// The same with room for more than BUILDER_BYTES.
void builder_begin_large(struct builder *builder, uint32_t ref_base, size_t capacity);
void builder_end(struct builder *builder);
size_t builder_size(const struct builder *builder); // bytes of the file, once sealed
void builder_seal(struct builder *builder);         // arena end and storage as built so far
void builder_write(const struct builder *builder, const char *path);

struct memscope_profile_header *builder_header(const struct builder *builder);
// The record a ref names.
void *builder_record(const struct builder *builder, uint32_t ref);

// Each returns the new record's ref.
uint32_t builder_string(struct builder *builder, const char *text);
uint32_t builder_module(struct builder *builder, const char *path, uint8_t build_id_byte);
uint32_t builder_site(struct builder *builder, uint16_t kind, const char *function,
                      const char *file, uint32_t line, uint32_t column);
// `count` frames as function, file, line, column.
struct builder_frame {
    const char *function, *file;
    uint32_t line, column;
};
uint32_t builder_inlined_site(struct builder *builder, uint16_t kind, const char *function,
                              const char *file, uint32_t line, uint32_t column, uint16_t count,
                              const struct builder_frame *frames);
uint32_t builder_foreign(struct builder *builder, uint32_t module_ref, uint64_t offset);
uint32_t builder_thread(struct builder *builder, uint32_t index, const char *name,
                        uint32_t spawn_site_ref);
// Counters are set through builder_record.
struct memscope_cell_record *builder_cell(struct builder *builder, uint32_t site_ref,
                                          uint32_t thread_ref);
// The highest live bytes of a cell whose bytes and freed bytes are set.
void builder_count(struct memscope_cell_record *cell, uint64_t allocations);
#define BUILDER_MOST_BLOCKS (MEMSCOPE_COUNT_MOST)
void builder_cell_peak(struct memscope_cell_record *cell, uint64_t peak_bytes);
uint32_t builder_unit(struct builder *builder, const char *name, uint32_t module_ref);
// A taken, never written stretch.
void builder_gap(struct builder *builder, uint32_t units);
// A record of any type, zeros inside.
uint32_t builder_raw(struct builder *builder, uint8_t type, uint32_t units);

// --- tasks (builder_tasks.c) ---

uint32_t builder_task_class(struct builder *builder, uint32_t kind, const char *function,
                            const char *file, uint32_t line, uint32_t spawn_site_ref);
struct memscope_task_record *builder_task(struct builder *builder, uint32_t class_ref, uint64_t id);
uint32_t builder_ref(const struct builder *builder, const void *record);
struct memscope_task_fold_record *builder_fold(struct builder *builder, uint32_t class_ref,
                                               uint32_t thread_ref);
// Counts `times` tasks that ended with these bytes.
void builder_fold_ended(struct memscope_task_fold_record *fold, uint64_t times, uint64_t total,
                        uint64_t peak, uint64_t outlived);
struct memscope_transfer_record *builder_transfer(struct builder *builder, uint32_t from_ref,
                                                  uint32_t to_ref, uint32_t thread_ref);
// A server: two threads, sessions that read, one that left bytes behind. Its figures add up.
void builder_server(struct builder *builder);
// `count` tasks alive, each awaited by the one before, or spawned by one where not `deep`.
void builder_crowd(struct builder *builder, uint32_t count, int deep);

// --- blocks (builder_blocks.c) ---

struct memscope_block_record *builder_block(struct builder *builder,
                                            enum memscope_block_state state, uint32_t cell_ref);
struct memscope_block_totals_record *builder_block_totals(struct builder *builder, uint64_t limit);
// A thread of 16 blocks of 100 bytes, every other one freed, all kept one by one.
void builder_blocks(struct builder *builder);

// --- contexts (builder_contexts.c) ---

// Names a module for contexts.
void builder_ordinal(struct builder *builder, uint32_t module_ref, uint32_t ordinal);
uint32_t builder_awaiter(struct builder *builder, uint32_t class_ref, uint32_t awaiter_ref);
// `frames` are memscope_code.
uint32_t builder_context(struct builder *builder, uint32_t site_ref, uint32_t awaiter_ref,
                         uint32_t count, const uint64_t *frames);
// One allocation of these bytes that stays; its context may be 0.
struct memscope_cell_record *builder_stack_cell(struct builder *builder, uint32_t context_ref,
                                                uint32_t site_ref, uint32_t thread_ref,
                                                uint32_t class_ref, uint64_t bytes);
// A program with inlining, recursion, threads, coroutines and a library that is gone; `app` is the
// path of its module. What stands at its addresses: stacks_codes of fake_symbolizer.h.
void builder_stacks(struct builder *builder, const char *app, uint8_t build_id_byte);

// --- sampling (builder_sampling.c) ---

// Counters are set through builder_cell_counts, or by hand.
struct memscope_cell_record *builder_sampled_cell(struct builder *builder, uint32_t site_ref,
                                                  uint32_t thread_ref, uint64_t interval_bytes,
                                                  uint64_t sample_bytes);
// Of the site of what was not sampled, which the first such cell makes.
struct memscope_cell_record *builder_unsampled_cell(struct builder *builder, uint32_t thread_ref);
// Blocks of one size, the last ones alive.
void builder_cell_counts(struct memscope_cell_record *cell, uint64_t blocks, uint64_t block_bytes,
                         uint64_t live_blocks);
// With a budget of 5 %; its overhead was not measured.
struct memscope_level_record *builder_level(struct builder *builder, enum memscope_level level,
                                            enum memscope_level_reason reason, uint64_t after_ns);
// A program that went from whole stacks to sites alone, to samples, and back. Its figures add up.
void builder_sampled(struct builder *builder);

// The profile of the picture: `app`, four threads, three sites, one module.
void builder_picture(struct builder *builder);

#endif
