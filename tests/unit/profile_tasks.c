// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tasks, read from profiles made by construction: sums, percentiles, parents, and what is not
// believed.

#include "builder.h"
#include "claims.h"

#include <string.h>

#include <profile/tasks.h>

static struct builder b;
static struct ms_profile *profile;
static struct ms_summary *summary;
static const struct ms_tasks *tasks;
static char message[MS_MESSAGE_BYTES];

static memscope_status sum_up(void) {
    memscope_status status =
        ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message);
    ck_assert_ptr_nonnull(profile);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    tasks = summary->tasks;
    return status;
}

static const struct ms_task *task_of(int64_t id) {
    for (size_t i = 0; i < tasks->task_count; i++)
        if (tasks->tasks[i].id == id)
            return &tasks->tasks[i];
    ck_abort_msg("no task %ld", (long)id);
}

static const struct ms_task_class *class_of(const char *function) {
    for (size_t i = 0; i < tasks->class_count; i++)
        if (tasks->classes[i].function && strcmp(tasks->classes[i].function, function) == 0)
            return &tasks->classes[i];
    ck_abort_msg("no class %s", function);
}

static void expect_all_bytes_have_one_owner(void) {
    uint64_t bytes = tasks->unowned.bytes, live = tasks->unowned.live_bytes;
    uint64_t allocations = tasks->unowned.allocations;
    for (size_t i = 0; i < tasks->class_count; i++) {
        bytes += tasks->classes[i].counts.bytes;
        live += tasks->classes[i].counts.live_bytes;
        allocations += tasks->classes[i].counts.allocations;
    }
    for (size_t i = 0; i < tasks->root_count; i++) {
        bytes += tasks->tasks[i].bytes;
        live += tasks->tasks[i].live_bytes;
        allocations += tasks->tasks[i].allocations;
    }
    ck_assert_uint_eq(bytes, summary->total.bytes);
    ck_assert_uint_eq(live, summary->total.live_bytes);
    ck_assert_uint_eq(allocations, summary->total.allocations);
}

START_TEST(classes_and_root_tasks_add_up_to_the_process) {
    builder_server(&b);
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    expect_all_bytes_have_one_owner();
    ck_assert_uint_eq(summary->total.bytes, 99500 + 12000 + 2100 + 600 + 5000 + 700);
    ck_assert_uint_eq(class_of("session(Socket)")->counts.bytes, 111500);
    ck_assert_uint_eq(class_of("session(Socket)")->counts.live_bytes, 900);
    ck_assert_uint_eq(class_of("read(Socket&)")->counts.live_bytes, 600);
    ck_assert_uint_eq(task_of(-1)->bytes, 5000);
    ck_assert_uint_eq(task_of(-1)->live_bytes, 4000);
    ck_assert_uint_eq(task_of(-2)->bytes, 700);
    ck_assert_uint_eq(summary->threads[1].counts.bytes, 12000 + 2100 + 600 + 700); // as before
    ck_assert_uint_eq(tasks->unowned.bytes, 0);
}
END_TEST

START_TEST(tasks_one_by_one_add_up_to_their_class) {
    builder_server(&b);
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    for (size_t i = 0; i < tasks->class_count; i++) {
        ck_assert_uint_eq(tasks->classes[i].task_bytes, tasks->classes[i].counts.bytes);
        ck_assert_uint_eq(tasks->classes[i].task_live_bytes, tasks->classes[i].counts.live_bytes);
    }
    // It is a check: one byte more in a task is seen.
    for (uint32_t unit = 64; unit < b.end_unit; unit++) {
        struct memscope_task_record *record = builder_record(&b, 1000 + unit);
        if (record->record.magic == MEMSCOPE_RECORD_MAGIC &&
            record->record.type == MEMSCOPE_RECORD_TASK && record->id == 1)
            record->bytes++;
    }
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(class_of("session(Socket)")->task_bytes, 111501);
    ck_assert_uint_eq(class_of("session(Socket)")->counts.bytes, 111500);
}
END_TEST

START_TEST(task_counts_follow_the_format) {
    builder_server(&b);
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(tasks->task_count, 2 + 6); // the free ones are none
    ck_assert_uint_eq(tasks->root_count, 2);
    const struct ms_task *task = task_of(2);
    ck_assert_uint_eq(task->frees, 1 + 4);
    ck_assert_uint_eq(task->live_blocks, 0);
    ck_assert_uint_eq(task->live_bytes, 0);
    task = task_of(5);
    ck_assert_uint_eq(task->frees, 47); // the mark of its end is no free
    ck_assert_uint_eq(task->live_bytes, 300);
    ck_assert_uint_eq(ms_task_outlived_bytes(task), 300);
    ck_assert(!ms_task_is_alive(task));
    task = task_of(3);
    ck_assert(task->elided);
    ck_assert_uint_eq(task->migrations, 2);
    ck_assert_uint_eq(task->thread->index, 1);
    ck_assert_str_eq(ms_task_state_name(task->state), "running");
    ck_assert_str_eq(task_of(1)->label, "request 17");
    for (size_t i = 3; i < tasks->task_count; i++)
        ck_assert_int_lt(tasks->tasks[i - 1].id, tasks->tasks[i].id);
}
END_TEST

START_TEST(equal_classes_written_twice_are_one) {
    builder_server(&b);
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(tasks->class_count, 3);
    const struct ms_task_class *session = class_of("session(Socket)");
    ck_assert_ptr_eq(task_of(1)->task_class, session);
    ck_assert_ptr_eq(task_of(2)->task_class, session); // by the other record
    ck_assert_uint_eq(session->started, 102);
    ck_assert_uint_eq(session->ended, 100);
    ck_assert_uint_eq(session->alive, 2);
    ck_assert_uint_eq(session->resumes, 98 * 3 + 20 + 12 + 1);
    ck_assert_uint_eq(session->spawn_site->line, 30);
    ck_assert_uint_eq(class_of("read(Socket&)")->spawn_site->module_offset, 0x1f2c);
    ck_assert_uint_eq(tasks->async_alive, 4);
    // Another spawn place, kind or name is another class.
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_TASK_START, "accept()", "/src/server.cc", 31, 9);
    builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "session(Socket)", "/src/server.cc", 12, site);
    builder_task_class(&b, MEMSCOPE_TASK_FIBER, "session(Socket)", "/src/server.cc", 12, site);
    uint32_t named =
        builder_task_class(&b, MEMSCOPE_TASK_FIBER, "session(Socket)", "/src/server.cc", 12, site);
    ((struct memscope_task_class_record *)builder_record(&b, named))->name_ref =
        builder_string(&b, "n");
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(tasks->class_count, 6);
}
END_TEST

START_TEST(spawn_places_survive_the_unknown_site) {
    builder_server(&b);
    builder_cell(&b, 0, 0)->bytes = 5; // keeps the unknown site, which shifts the others
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(class_of("session(Socket)")->spawn_site->line, 30);
    ck_assert_uint_eq(tasks->unowned.bytes, 5);
    expect_all_bytes_have_one_owner();
}
END_TEST

START_TEST(percentiles_are_the_middle_of_a_bucket_and_max_is_exact) {
    builder_server(&b);
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    const struct ms_distribution *total =
        &class_of("session(Socket)")->measures[MEMSCOPE_MEASURE_TOTAL];
    ck_assert_uint_eq(total->sum, 98 * 1000 + 5000 + 7000);
    ck_assert_uint_eq(total->p50, 959);  // 896 to 1023
    ck_assert_uint_eq(total->p90, 959);  // rank 90
    ck_assert_uint_eq(total->p99, 4607); // rank 99: 5000, in 4096 to 5119
    ck_assert_uint_eq(total->max, 7000);
    const struct ms_distribution *outlived =
        &class_of("session(Socket)")->measures[MEMSCOPE_MEASURE_OUTLIVED];
    ck_assert_uint_eq(outlived->p50, 0);
    ck_assert_uint_eq(outlived->p99, 207); // 192 to 223
    ck_assert_uint_eq(outlived->max, 300);
    ck_assert_uint_eq(class_of("read(Socket&)")->measures[MEMSCOPE_MEASURE_TOTAL].max, 0);
}
END_TEST

START_TEST(percentiles_are_off_by_at_most_the_stated_error) {
    builder_begin(&b, 0);
    uint32_t class_ref = builder_task_class(&b, MEMSCOPE_TASK_SCOPE, "f", "/a.c", 1, 0);
    struct memscope_task_fold_record *fold = builder_fold(&b, class_ref, 0);
    for (uint64_t value = 0; value < UINT64_C(1) << 47; value += 1 + value / 37) {
        memset(fold->histogram, 0, sizeof fold->histogram);
        memset(fold->max, 0, sizeof fold->max);
        builder_fold_ended(fold, 3, value, value, value);
        fold->max[MEMSCOPE_MEASURE_PEAK] = UINT64_MAX; // does not help
        ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
        uint64_t told = tasks->classes[0].measures[MEMSCOPE_MEASURE_PEAK].p50;
        uint64_t off = told > value ? told - value : value - told;
        ck_assert_msg((double)off * 100 <= MEMSCOPE_TASK_BUCKET_ERROR_PERCENT * (double)value,
                      "%lu is told as %lu", (unsigned long)value, (unsigned long)told);
        ck_assert_uint_le(tasks->classes[0].measures[MEMSCOPE_MEASURE_TOTAL].p99, value);
        ms_summary_destroy(summary);
        ms_profile_close(profile);
    }
}
END_TEST

START_TEST(fold_in_mid_flight_is_a_task_in_flight_not_an_error) {
    builder_server(&b);
    uint32_t class_ref = builder_task_class(&b, MEMSCOPE_TASK_FIBER, "f", "/a.c", 1, 0);
    builder_fold(&b, class_ref, 0)->sequence = 7;
    builder_fold(&b, class_ref, 0)->sequence = 8;
    builder_fold(&b, class_ref, 0)->sequence = UINT64_MAX;
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(class_of("f")->in_flight, 2);
    ck_assert_uint_eq(class_of("session(Socket)")->in_flight, 0);
}
END_TEST

START_TEST(parents_are_believed_only_while_they_are_the_same_task) {
    builder_server(&b);
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    const struct ms_task *first = task_of(1);
    ck_assert_uint_eq(first->parent, 0); // main's root task
    ck_assert_str_eq(ms_task_edge_name(first->edge), "spawned");
    ck_assert_uint_eq(first->edge_rule, 4);
    ck_assert_ptr_eq(&tasks->tasks[task_of(3)->parent], first);
    ck_assert_str_eq(ms_task_edge_name(task_of(3)->edge), "awaits");
    ck_assert_uint_eq(task_of(4)->parent, MS_NO_TASK);
    ck_assert(task_of(4)->parent_gone);
    ck_assert_uint_eq(task_of(4)->parent_id, 99);
    ck_assert_uint_eq(task_of(2)->parent, MS_NO_TASK);
    ck_assert(!task_of(2)->parent_gone);
}
END_TEST

START_TEST(parents_in_a_circle_are_cut_once_each) {
    builder_begin(&b, 500);
    uint32_t class_ref = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "f", "/a.c", 1, 0);
    struct memscope_task_record *records[7];
    for (uint32_t i = 0; i < 7; i++)
        records[i] = builder_task(&b, class_ref, i + 1);
    // 1 → 2 → 3 → 1, 4 → 3, 5 → 5, 6 → 7 → 4
    const uint32_t parents[7] = {2, 3, 1, 3, 5, 7, 4};
    for (uint32_t i = 0; i < 7; i++) {
        records[i]->parent_id = parents[i];
        records[i]->parent_ref = builder_ref(&b, records[parents[i] - 1]);
    }
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(tasks->cycles, 2);
    for (size_t i = 0; i < 7; i++) {
        size_t steps = 0;
        for (uint32_t at = (uint32_t)i; at != MS_NO_TASK; at = tasks->tasks[at].parent)
            ck_assert_uint_lt(steps++, 7);
    }
    ck_assert_uint_ne(task_of(4)->parent, MS_NO_TASK);
    ck_assert_uint_ne(task_of(6)->parent, MS_NO_TASK);
}
END_TEST

START_TEST(wrong_refs_and_sizes_are_damage_and_lose_no_byte) {
    builder_server(&b);
    uint32_t string = builder_string(&b, "text");
    struct memscope_cell_record *cell = builder_cell(&b, 0, 0);
    cell->record.flags = MEMSCOPE_CELL_TASK;
    cell->class_ref = string;
    cell->bytes = 77;
    struct memscope_task_record *task = builder_task(&b, string, 40);
    task->parent_ref = task->thread_ref = string;
    task->parent_id = 1;
    builder_fold(&b, string, string)->started = 1000;
    builder_transfer(&b, string, 0, 0);
    builder_raw(&b, MEMSCOPE_RECORD_TASK, 1); // too small
    builder_string(&b, "between");
    builder_raw(&b, MEMSCOPE_RECORD_TASK_FOLD, 1);
    builder_string(&b, "between");
    builder_task(&b, 0, 41)->state = 6;
    ck_assert_int_eq(sum_up(), MEMSCOPE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(message, "a task record too small"));
    // Class of the cell; class, parent, thread of the task; class, thread of the fold; party; and
    // the three records.
    ck_assert_uint_eq(ms_profile_health(profile)->damaged, 1 + 3 + 2 + 1 + 3);
    ck_assert_uint_eq(tasks->unowned.bytes, 77);
    expect_all_bytes_have_one_owner();
    ck_assert_ptr_null(task_of(40)->task_class);
    ck_assert_uint_eq(task_of(40)->parent, MS_NO_TASK);
    ck_assert_str_eq(ms_task_kind_name(task_of(40)->kind), "unknown");
    ck_assert_uint_eq(tasks->started, 102 + 2 + 1);
}
END_TEST

START_TEST(records_still_being_written_are_no_damage) {
    builder_server(&b);
    uint32_t pending = builder_raw(&b, MEMSCOPE_RECORD_PENDING, 2);
    struct memscope_task_record *task = builder_task(&b, pending, 40);
    task->thread_ref = pending;
    task->bytes = 10; // its free was read, its allocation not yet
    task->freed_bytes = 50;
    task->frees = 5;
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(task_of(40)->live_bytes, 0);
    ck_assert_uint_eq(task_of(40)->live_blocks, 0);
}
END_TEST

START_TEST(transfers_are_summed_over_threads) {
    builder_server(&b);
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(tasks->transfer_count, 2);
    const struct ms_transfer *transfer = &tasks->transfers[0];
    ck_assert_ptr_eq(transfer->from.task_class, class_of("session(Socket)"));
    ck_assert_int_eq(ms_party_id(&transfer->from), class_of("session(Socket)")->id);
    ck_assert_int_eq(ms_party_id(&transfer->to), -1);
    ck_assert_uint_eq(transfer->blocks, 10);
    ck_assert_uint_eq(transfer->bytes, 900);
    ck_assert_uint_eq(transfer->blocks_after_end, 2);
    ck_assert_uint_eq(transfer->bytes_after_end, 100);
    ck_assert_uint_eq(transfer->last_ns, 2200000000u);
    ck_assert_int_eq(ms_party_id(&tasks->transfers[1].from), -2);
}
END_TEST

START_TEST(first_thread_ends_with_the_process_and_outlives_nothing) {
    builder_server(&b);
    struct memscope_thread_record *threads[2] = {NULL, NULL};
    for (uint32_t unit = 64; unit < b.end_unit; unit++) {
        struct memscope_thread_record *record = builder_record(&b, 1000 + unit);
        if (record->record.magic == MEMSCOPE_RECORD_MAGIC &&
            record->record.type == MEMSCOPE_RECORD_THREAD)
            threads[record->index] = record;
    }
    for (int i = 0; i < 2; i++) {
        threads[i]->state = MEMSCOPE_THREAD_RUNNING;
        threads[i]->end_ns = 0;
    }
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_str_eq(ms_task_state_name(task_of(-1)->state), "ended");
    ck_assert_uint_eq(task_of(-1)->ended_ns, 9200000000u);
    ck_assert_uint_eq(ms_task_outlived_bytes(task_of(-1)), 0);
    ck_assert_str_eq(ms_task_state_name(task_of(-2)->state), "running");
    // What another thread left alive has outlived it.
    threads[1]->state = MEMSCOPE_THREAD_EXITED;
    builder_cell(&b, 0, 1000 + (uint32_t)(((uint8_t *)threads[1] - b.bytes) / 64))->bytes = 50;
    builder_header(&b)->state = MEMSCOPE_PROCESS_RUNNING;
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_str_eq(ms_task_state_name(task_of(-1)->state), "running");
    ck_assert_str_eq(ms_task_state_name(task_of(-2)->state), "outlived");
    ck_assert_uint_eq(ms_task_outlived_bytes(task_of(-2)), 50);
}
END_TEST

START_TEST(giant_task_counters_never_wrap) {
    builder_begin(&b, 0);
    uint32_t class_ref = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "f", "/a.c", 1, 0);
    for (int i = 0; i < 2; i++) {
        struct memscope_task_fold_record *fold = builder_fold(&b, class_ref, 0);
        memset(&fold->started, 0xFF,
               sizeof *fold - offsetof(struct memscope_task_fold_record, started));
        struct memscope_task_record *task = builder_task(&b, class_ref, UINT64_MAX - (uint64_t)i);
        task->bytes = task->peak_bytes = task->allocations = task->frees = UINT64_MAX;
        task->remote_frees = UINT64_MAX;
    }
    ck_assert_int_eq(sum_up(), MEMSCOPE_OK);
    ck_assert_uint_eq(tasks->classes[0].started, UINT64_MAX);
    ck_assert_uint_eq(tasks->classes[0].alive, 0);
    ck_assert_uint_eq(tasks->classes[0].task_bytes, UINT64_MAX);
    ck_assert_uint_eq(tasks->classes[0].task_live_bytes, UINT64_MAX);
    ck_assert_uint_eq(tasks->tasks[0].frees, UINT64_MAX);
}
END_TEST

static const struct claim claims[] = {
    CLAIM(classes_and_root_tasks_add_up_to_the_process),
    CLAIM(tasks_one_by_one_add_up_to_their_class),
    CLAIM(task_counts_follow_the_format),
    CLAIM(equal_classes_written_twice_are_one),
    CLAIM(spawn_places_survive_the_unknown_site),
    CLAIM(percentiles_are_the_middle_of_a_bucket_and_max_is_exact),
    CLAIM(percentiles_are_off_by_at_most_the_stated_error),
    CLAIM(fold_in_mid_flight_is_a_task_in_flight_not_an_error),
    CLAIM(parents_are_believed_only_while_they_are_the_same_task),
    CLAIM(parents_in_a_circle_are_cut_once_each),
    CLAIM(wrong_refs_and_sizes_are_damage_and_lose_no_byte),
    CLAIM(records_still_being_written_are_no_damage),
    CLAIM(transfers_are_summed_over_threads),
    CLAIM(first_thread_ends_with_the_process_and_outlives_nothing),
    CLAIM(giant_task_counters_never_wrap),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
