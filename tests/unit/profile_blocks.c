// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Single blocks, read from profiles made by construction: whose they are, which are shown, and what
// is not believed.

#include "builder.h"
#include "claims.h"

#include <string.h>

#include <profile/blocks.h>

static struct builder b;
static struct ms_profile *profile;
static struct ms_summary *summary;
static struct ms_blocks *blocks;
static uint32_t site, thread, other, task_class, cell, task_cell;

static void begin(uint64_t limit) {
    builder_begin(&b, 64);
    site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "push", "list.c", 12, 3);
    thread = builder_thread(&b, 0, "main", 0);
    other = builder_thread(&b, 1, "worker", 0);
    task_class =
        builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "session()", "server.cc", 30, site);
    cell = builder_ref(&b, builder_cell(&b, site, thread));
    struct memscope_cell_record *of_task = builder_cell(&b, site, other);
    of_task->record.flags = MEMSCOPE_CELL_TASK;
    of_task->class_ref = task_class;
    task_cell = builder_ref(&b, of_task);
    if (limit > 0)
        builder_block_totals(&b, limit)->freed = 100;
}

static struct memscope_block_record *freed(uint64_t bytes, uint64_t number, uint64_t place) {
    struct memscope_block_record *block = builder_block(&b, MEMSCOPE_BLOCK_FREED, cell);
    block->bytes = bytes;
    block->order = number << MEMSCOPE_BLOCK_PLACE_BITS | place;
    block->allocated_ns = 10;
    block->freed_ns = 20 + number;
    return block;
}

static memscope_status read_blocks(void) {
    char message[MS_MESSAGE_BYTES];
    builder_seal(&b);
    memscope_status status =
        ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message);
    ck_assert_ptr_nonnull(profile);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ck_assert_int_eq(ms_blocks_read(summary, &blocks), MEMSCOPE_OK);
    return status;
}

START_TEST(profile_without_blocks_says_so) {
    begin(0);
    ck_assert_int_eq(read_blocks(), MEMSCOPE_OK);
    ck_assert_uint_eq(blocks->limit, 0);
    ck_assert_uint_eq(blocks->alive_count + blocks->sample_count, 0);
}
END_TEST

START_TEST(block_has_its_cells_site_thread_and_task) {
    begin(10);
    struct memscope_block_record *block = builder_block(&b, MEMSCOPE_BLOCK_ALIVE, task_cell);
    block->address = 0x7000;
    block->bytes = 48;
    block->task_id = 5;
    block->allocated_ns = 3;
    builder_block(&b, MEMSCOPE_BLOCK_ALIVE, cell)->allocated_ns = 2;
    freed(9, 0, 0)->freed_by_ref = other;
    ck_assert_int_eq(read_blocks(), MEMSCOPE_OK);
    ck_assert_uint_eq(blocks->limit, 10);
    ck_assert_uint_eq(blocks->freed, 100);
    ck_assert_uint_eq(blocks->alive_count, 2);
    const struct ms_block *older = &blocks->alive[0], *one = &blocks->alive[1];
    ck_assert_uint_eq(older->allocated_ns, 2);
    ck_assert_ptr_null(older->task_class);
    ck_assert_uint_eq(one->address, 0x7000);
    ck_assert_uint_eq(one->bytes, 48);
    ck_assert_uint_eq(one->task_id, 5);
    ck_assert_str_eq(one->site->function, "push");
    ck_assert_str_eq(one->thread->name, "worker");
    ck_assert_str_eq(one->task_class->function, "session()");
    ck_assert_uint_eq(one->freed_ns, 0);
    ck_assert_uint_eq(blocks->sample_count, 1);
    ck_assert_str_eq(blocks->sample[0].freed_by->name, "worker");
    ck_assert_str_eq(blocks->sample[0].thread->name, "main");
}
END_TEST

START_TEST(of_two_blocks_at_a_place_the_later_one_is_there) {
    begin(4);
    freed(1, 7, 2);
    freed(2, 90, 2);
    freed(3, 8, 2);
    freed(4, 50, 0);
    builder_block(&b, MEMSCOPE_BLOCK_SPARE, 0);
    ck_assert_int_eq(read_blocks(), MEMSCOPE_OK);
    ck_assert_uint_eq(blocks->sample_count, 2);
    ck_assert_uint_eq(blocks->sample[0].bytes, 4); // in order of their end
    ck_assert_uint_eq(blocks->sample[1].bytes, 2);
}
END_TEST

START_TEST(place_beyond_the_limit_is_not_believed) {
    begin(4);
    freed(1, 7, 4);
    freed(2, 8, 3);
    ck_assert_int_eq(read_blocks(), MEMSCOPE_OK);
    ck_assert_uint_eq(blocks->sample_count, 1);
    ck_assert_uint_eq(blocks->sample[0].bytes, 2);
}
END_TEST

START_TEST(unknown_state_and_wrong_refs_of_blocks_are_damage) {
    begin(4);
    builder_block(&b, MEMSCOPE_BLOCK_ALIVE, cell)->record.flags = 4;
    builder_block(&b, MEMSCOPE_BLOCK_ALIVE, thread)->bytes = 77;
    builder_block(&b, MEMSCOPE_BLOCK_SPARE, thread); // says nothing
    freed(5, 0, 0)->freed_by_ref = cell;
    ck_assert_int_eq(read_blocks(), MEMSCOPE_CORRUPT);
    ck_assert_uint_eq(ms_profile_health(profile)->damaged, 3);
    ck_assert_uint_eq(blocks->alive_count, 1);
    ck_assert_uint_eq(blocks->alive[0].bytes, 77);
    ck_assert_ptr_null(blocks->alive[0].site);
    ck_assert_ptr_null(blocks->sample[0].freed_by);
}
END_TEST

static const struct claim claims[] = {
    CLAIM(profile_without_blocks_says_so),
    CLAIM(block_has_its_cells_site_thread_and_task),
    CLAIM(of_two_blocks_at_a_place_the_later_one_is_there),
    CLAIM(place_beyond_the_limit_is_not_believed),
    CLAIM(unknown_state_and_wrong_refs_of_blocks_are_damage),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
