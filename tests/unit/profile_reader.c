// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reader: what it makes of sound, cut, damaged and foreign files.

#include "builder.h"
#include "claims.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <profile/profile.h>

static struct builder b;
static struct ms_profile *profile;
static char message[MS_MESSAGE_BYTES];

static memscope_status read_bytes(size_t size) {
    return ms_profile_from_memory("x.msp", b.bytes, size, &profile, message);
}

static void expect_refusal(memscope_status got, memscope_status wanted, const char *words) {
    ck_assert_int_eq(got, wanted);
    ck_assert_ptr_null(profile);
    ck_assert_msg(strstr(message, "x.msp: offset 0x") == message, "no file and offset: %s",
                  message);
    ck_assert_msg(strstr(message, words) != NULL, "\"%s\" lacks \"%s\"", message, words);
}

// Damage leaves a profile that can be read in part.
static void expect_damage(const char *offset, const char *words) {
    ck_assert_int_eq(read_bytes(builder_size(&b)), MEMSCOPE_CORRUPT);
    ck_assert_ptr_nonnull(profile);
    ck_assert_msg(strstr(message, offset) != NULL, "\"%s\" lacks \"%s\"", message, offset);
    ck_assert_msg(strstr(message, words) != NULL, "\"%s\" lacks \"%s\"", message, words);
}

START_TEST(sound_profile_opens_without_a_word) {
    builder_picture(&b);
    ck_assert_int_eq(read_bytes(builder_size(&b)), MEMSCOPE_OK);
    ck_assert_str_eq(message, "");
    ck_assert_uint_eq(ms_profile_health(profile)->damaged, 0);
    ck_assert_uint_eq(ms_profile_health(profile)->records, 27);
    ck_assert_str_eq(ms_profile_string(profile, ms_profile_header(profile)->executable_ref),
                     "/opt/app");
}
END_TEST

START_TEST(empty_file_is_told) {
    builder_begin(&b, 0);
    expect_refusal(read_bytes(0), MEMSCOPE_EMPTY, "the file is empty");
}
END_TEST

START_TEST(zeros_are_an_empty_profile) {
    builder_begin(&b, 0);
    memset(b.bytes, 0, 8192);
    expect_refusal(read_bytes(8192), MEMSCOPE_EMPTY, "only zeros");
}
END_TEST

START_TEST(other_file_is_not_a_profile) {
    builder_begin(&b, 0);
    memcpy(b.bytes, "\177ELF\2\1\1", 8);
    expect_refusal(read_bytes(8192), MEMSCOPE_NOT_A_PROFILE, "not a MemScope profile");
    expect_refusal(read_bytes(3), MEMSCOPE_NOT_A_PROFILE, "not a MemScope profile");
}
END_TEST

START_TEST(newer_version_is_refused_even_when_short) {
    builder_begin(&b, 0);
    builder_header(&b)->version = MEMSCOPE_PROFILE_VERSION + 1;
    expect_refusal(read_bytes(builder_size(&b)), MEMSCOPE_NEWER_VERSION, "version 4 is newer");
    expect_refusal(read_bytes(16), MEMSCOPE_NEWER_VERSION, "version 4 is newer");
}
END_TEST

START_TEST(older_version_is_refused_even_when_short) {
    builder_begin(&b, 0);
    builder_header(&b)->version = MEMSCOPE_PROFILE_VERSION - 1;
    expect_refusal(read_bytes(builder_size(&b)), MEMSCOPE_OLDER_VERSION, "version 2 is older");
    expect_refusal(read_bytes(16), MEMSCOPE_OLDER_VERSION, "version 2 is older");
}
END_TEST

START_TEST(cut_inside_the_header_is_truncated) {
    builder_begin(&b, 0);
    for (size_t size = 1; size < MEMSCOPE_HEADER_BYTES; size += 13)
        expect_refusal(read_bytes(size), MEMSCOPE_TRUNCATED, "cut short inside the header");
}
END_TEST

START_TEST(impossible_header_fields_are_corrupt) {
    const struct {
        size_t offset;
        uint32_t value;
        const char *words;
    } fields[] = {
        {8, 0, "offset 0x8: format version 0"},
        {12, 4095, "offset 0xc: header of 4095 bytes"},
        {16, 0, "offset 0x10: units of 0 bytes"},
        {offsetof(struct memscope_profile_header, arena_end_units), 63, "offset 0x18: records end"},
        {offsetof(struct memscope_profile_header, arena_end_units) + 4, 1, "records end at unit"},
        {offsetof(struct memscope_profile_header, mapped_units), 0, "offset 0x20: storage of 0"},
        {offsetof(struct memscope_profile_header, state), 3, "process state 3"},
        {offsetof(struct memscope_profile_header, strategy), 4, "strategy 4"},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        builder_begin(&b, 0);
        memcpy(b.bytes + fields[i].offset, &fields[i].value, 4);
        expect_refusal(read_bytes(builder_size(&b)), MEMSCOPE_CORRUPT, fields[i].words);
        builder_end(&b);
    }
}
END_TEST

START_TEST(cut_profile_is_read_as_far_as_it_goes) {
    builder_picture(&b);
    size_t size = builder_size(&b) - 5 * MEMSCOPE_UNIT_BYTES - 7;
    ck_assert_int_eq(read_bytes(size), MEMSCOPE_TRUNCATED);
    ck_assert_ptr_nonnull(profile);
    ck_assert_ptr_nonnull(strstr(message, "its last 327 of"));
    ck_assert_uint_eq(ms_profile_health(profile)->missing_bytes, 327);
    struct ms_summary *summary;
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ck_assert_uint_eq(summary->threads_length, 4);
    ck_assert_uint_gt(summary->total.allocations, 0);
}
END_TEST

START_TEST(every_cut_is_told_or_whole) {
    builder_picture(&b);
    for (size_t size = 0; size <= builder_size(&b); size++) {
        memscope_status status = read_bytes(size);
        if (size == builder_size(&b))
            ck_assert_int_eq(status, MEMSCOPE_OK);
        else if (size >= 8)
            ck_assert_int_eq(status, MEMSCOPE_TRUNCATED);
        else
            ck_assert_int_ne(status, MEMSCOPE_OK);
        ms_profile_close(profile);
    }
}
END_TEST

START_TEST(storage_that_never_came_is_no_cut) {
    // arena_end runs ahead of what has storage: a record in flight, or a full disk.
    builder_picture(&b);
    builder_header(&b)->arena_end_units += 100;
    ck_assert_int_eq(read_bytes(builder_size(&b)), MEMSCOPE_OK);
    // The last stored record goes on in memory only.
    struct memscope_record *last = builder_record(&b, builder_raw(&b, MEMSCOPE_RECORD_STRING, 1));
    last->units = 50;
    builder_header(&b)->arena_end_units += 100;
    ck_assert_int_eq(read_bytes(builder_size(&b)), MEMSCOPE_OK);
    ck_assert_uint_eq(ms_profile_health(profile)->cut_records, 1);
}
END_TEST

START_TEST(pending_records_are_skipped) {
    builder_begin(&b, 7);
    uint32_t pending = builder_raw(&b, MEMSCOPE_RECORD_PENDING, 3);
    uint32_t thread = builder_thread(&b, 0, "main", 0);
    builder_count(builder_cell(&b, pending, thread), 5); // its site was being written
    ck_assert_int_eq(read_bytes(builder_size(&b)), MEMSCOPE_OK);
    ck_assert_uint_eq(ms_profile_health(profile)->pending_records, 1);
    struct ms_summary *summary;
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ck_assert_uint_eq(summary->site_count, 1);
    ck_assert_uint_eq(summary->sites[0].id, 0);
    ck_assert_uint_eq(summary->sites[0].counts.allocations, 5);
    ck_assert_uint_eq(summary->total.allocations, 5);
}
END_TEST

START_TEST(gaps_are_stepped_over) {
    builder_begin(&b, 0);
    builder_gap(&b, 4);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    builder_gap(&b, 1);
    builder_count(builder_cell(&b, site, 0), 3);
    builder_gap(&b, 9);
    ck_assert_int_eq(read_bytes(builder_size(&b)), MEMSCOPE_OK);
    ck_assert_uint_eq(ms_profile_health(profile)->gap_bytes, 14 * MEMSCOPE_UNIT_BYTES);
    struct ms_summary *summary;
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ck_assert_uint_eq(summary->total.allocations, 3);
}
END_TEST

START_TEST(damage_is_stepped_over_and_told_with_its_offset) {
    builder_begin(&b, 0);
    uint32_t lost = builder_string(&b, "lost");
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", "/a.c", 1, 1);
    builder_count(builder_cell(&b, site, 0), 3);
    ((struct memscope_record *)builder_record(&b, lost))->magic = 0x1234;
    expect_damage("offset 0x1000:", "no record begins here");
    struct ms_summary *summary;
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ck_assert_uint_eq(summary->total.allocations, 3);
    ck_assert_uint_eq(ms_profile_health(profile)->damaged, 1);
}
END_TEST

START_TEST(record_that_runs_past_the_end_is_damage) {
    builder_begin(&b, 0);
    builder_string(&b, "first");
    struct memscope_record *record = builder_record(&b, builder_string(&b, "second"));
    record->units = 2;
    expect_damage("offset 0x1040:", "runs past the end");
    record->units = UINT32_MAX;
    expect_damage("offset 0x1040:", "runs past the end");
    record->units = 0;
    expect_damage("offset 0x1040:", "a record of no size");
}
END_TEST

START_TEST(record_content_beyond_its_size_is_damage) {
    builder_begin(&b, 0);
    struct memscope_string_record *string = builder_record(&b, builder_string(&b, "text"));
    struct memscope_site_record *site =
        builder_record(&b, builder_site(&b, MEMSCOPE_SITE_MALLOC, NULL, NULL, 0, 0));
    struct memscope_module_record *module = builder_record(&b, builder_module(&b, NULL, 1));
    string->length = MEMSCOPE_UNIT_BYTES - 12;
    expect_damage("offset 0x1000:", "a string longer than its record");
    string->length = 3;
    expect_damage("offset 0x1000:", "a string without its end");
    string->length = 4;
    site->inlined_count = 2;
    expect_damage("offset 0x1040:", "more inlined frames");
    site->inlined_count = 0;
    module->build_id_length = 33;
    expect_damage("offset 0x1080:", "build id longer");
    module->build_id_length = 20;
    module->record.type = 99;
    expect_damage("offset 0x1080:", "no known type");
    const uint8_t small[] = {MEMSCOPE_RECORD_MODULE, MEMSCOPE_RECORD_THREAD, MEMSCOPE_RECORD_CELL};
    for (size_t i = 0; i < sizeof small; i++) {
        builder_begin(&b, 0);
        builder_raw(&b, small[i], 1);
        expect_damage("offset 0x1000:", "too small");
    }
}
END_TEST

START_TEST(wrong_refs_are_damage_and_named) {
    builder_begin(&b, 100);
    uint32_t text = builder_string(&b, "text");                               // 0x1000
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, NULL, NULL, 0, 0); // 0x1040
    struct memscope_cell_record *cell = builder_cell(&b, text, 0);            // 0x1080
    builder_count(cell, 9);
    expect_damage("offset 0x10c0:", "names no site");
    cell->site_ref = site + 1000; // beyond the end
    expect_damage("offset 0x10c0:", "names no site");
    cell->site_ref = 50; // of a forebear
    expect_damage("offset 0x10c0:", "names no site");
    cell->site_ref = site;
    cell->thread_ref = site;
    expect_damage("offset 0x10c4:", "names no thread");
    cell->thread_ref = 0;
    ((struct memscope_site_record *)builder_record(&b, site))->function_ref = site;
    expect_damage("offset 0x1054:", "names no string");
    ((struct memscope_site_record *)builder_record(&b, site))->function_ref = 0;
    builder_header(&b)->command_ref = 1;
    expect_damage("offset 0x68:", "names no string");
    // What was counted stays counted.
    struct ms_summary *summary;
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ck_assert_uint_eq(summary->total.allocations, 9);
}
END_TEST

START_TEST(missing_file_folder_and_fifo_are_told) {
    ck_assert_int_eq(ms_profile_open("/nonexistent/x.msp", &profile, message), MEMSCOPE_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(message, "/nonexistent/x.msp: No such file"));
    ck_assert_int_eq(ms_profile_open("/", &profile, message), MEMSCOPE_NOT_A_PROFILE);
    ck_assert_ptr_nonnull(strstr(message, "a folder"));
    char path[] = "/tmp/profile_reader_XXXXXX";
    close(mkstemp(path));
    unlink(path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(ms_profile_open(path, &profile, message), MEMSCOPE_NOT_A_PROFILE);
    unlink(path);
}
END_TEST

START_TEST(sparse_giant_is_read_in_little_memory) {
    // A header and one record, then a hole of 100 GiB that the header calls storage.
    char path[] = "/tmp/profile_reader_XXXXXX";
    int fd = mkstemp(path);
    builder_begin(&b, 0);
    builder_string(&b, "text");
    builder_header(&b)->arena_end_units = builder_header(&b)->mapped_units = UINT32_MAX;
    ck_assert_int_eq(write(fd, b.bytes, builder_size(&b)), builder_size(&b));
    if (ftruncate(fd, (off_t)100 << 30) != 0) {
        unlink(path);
        ck_abort_msg("no sparse file of 100 GiB can be made in /tmp");
    }
    close(fd);
    memscope_status status = ms_profile_open(path, &profile, message);
    unlink(path);
    ck_assert_int_eq(status, MEMSCOPE_TRUNCATED);
    ck_assert_uint_eq(ms_profile_health(profile)->records, 1);
    ck_assert_uint_gt(ms_profile_health(profile)->missing_bytes, UINT64_C(98) << 30);
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long resident_kb = -1;
    while (fgets(line, sizeof line, file))
        sscanf(line, "VmRSS: %ld", &resident_kb);
    fclose(file);
    ck_assert_int_gt(resident_kb, 0);
    ck_assert_int_lt(resident_kb, 200 * 1024);
}
END_TEST

START_TEST(running_is_told_from_gone_by_the_mapping) {
    char path[] = "/tmp/profile_reader_XXXXXX";
    close(mkstemp(path));
    builder_picture(&b);
    builder_header(&b)->state = MEMSCOPE_PROCESS_RUNNING;
    builder_header(&b)->pid = (uint64_t)getpid();
    builder_write(&b, path);
    ck_assert_int_eq(ms_profile_open(path, &profile, message), MEMSCOPE_OK);
    // A process of this pid runs (we do), but it does not hold the file.
    ck_assert_int_eq(ms_profile_process_state(profile), MS_PROCESS_VANISHED);
    FILE *file = fopen(path, "r");
    void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(file), 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    ck_assert_int_eq(ms_profile_process_state(profile), MS_PROCESS_RUNNING);
    munmap(map, 4096);
    fclose(file);
    unlink(path);
}
END_TEST

START_TEST(exit_facts_are_written_once) {
    char path[] = "/tmp/profile_reader_XXXXXX";
    close(mkstemp(path));
    builder_picture(&b);
    builder_header(&b)->state = MEMSCOPE_PROCESS_RUNNING;
    builder_header(&b)->end_monotonic_ns = 0;
    builder_write(&b, path);
    struct ms_exit_facts facts = {
        .state = MEMSCOPE_PROCESS_SIGNALED, .exit_signal = 9, .end_monotonic_ns = 3000000000u};
    ck_assert_int_eq(ms_profile_write_exit(path, &facts), MEMSCOPE_OK);
    facts = (struct ms_exit_facts){.state = MEMSCOPE_PROCESS_EXITED, .exit_code = 3};
    ck_assert_int_eq(ms_profile_write_exit(path, &facts), MEMSCOPE_OK);
    ck_assert_int_eq(ms_profile_open(path, &profile, message), MEMSCOPE_OK);
    ck_assert_int_eq(ms_profile_process_state(profile), MS_PROCESS_SIGNALED);
    ck_assert_int_eq(ms_profile_header(profile)->exit_signal, 9);
    ck_assert_uint_eq(ms_profile_duration_ns(profile, MS_PROCESS_SIGNALED), 2000000000u);
    FILE *other = fopen(path, "w");
    fputs("not a profile, and longer than a header is", other);
    ftruncate(fileno(other), 5000);
    fclose(other);
    ck_assert_int_eq(ms_profile_write_exit(path, &facts), MEMSCOPE_NOT_A_PROFILE);
    unlink(path);
}
END_TEST

START_TEST(damaged_contexts_and_awaiters_are_told) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, NULL, NULL, 1, 1);          // 0x1000
    uint32_t task = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, NULL, NULL, 1, 0); // 0x1040
    uint32_t awaiter = builder_awaiter(&b, task, 0);                                   // 0x1080
    const uint64_t frames[5] = {0};
    uint32_t context = builder_context(&b, site, awaiter, 5, frames); // 0x10c0: full
    struct memscope_cell_record *cell = builder_cell(&b, site, 0);    // 0x1100
    cell->context_ref = context;
    ck_assert_int_eq(read_bytes(builder_size(&b)), MEMSCOPE_OK);
    struct memscope_context_record *record = builder_record(&b, context);
    const uint32_t counts[] = {6, 1u << 28, UINT32_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        record->frame_count = counts[i];
        expect_damage("offset 0x10c0:", "more frames than the context record holds");
    }
    record->frame_count = 5;
    record->site_ref = awaiter;
    expect_damage("offset 0x10c8:", "names no site");
    record->site_ref = site;
    record->awaiter_ref = site;
    expect_damage("offset 0x10cc:", "names no awaiter");
    record->awaiter_ref = awaiter;
    struct memscope_awaiter_record *awaits = builder_record(&b, awaiter);
    awaits->class_ref = site;
    expect_damage("offset 0x1088:", "names no task class");
    awaits->class_ref = task;
    awaits->awaiter_ref = context;
    expect_damage("offset 0x108c:", "names no awaiter");
    awaits->awaiter_ref = awaiter; // a circle is found when the chain is walked
    ck_assert_int_eq(read_bytes(builder_size(&b)), MEMSCOPE_OK);
    cell->context_ref = site;
    expect_damage("offset 0x117c:", "names no context");
}
END_TEST

static const struct claim claims[] = {
    CLAIM(sound_profile_opens_without_a_word),
    CLAIM(empty_file_is_told),
    CLAIM(zeros_are_an_empty_profile),
    CLAIM(other_file_is_not_a_profile),
    CLAIM(newer_version_is_refused_even_when_short),
    CLAIM(older_version_is_refused_even_when_short),
    CLAIM(cut_inside_the_header_is_truncated),
    CLAIM(impossible_header_fields_are_corrupt),
    CLAIM(cut_profile_is_read_as_far_as_it_goes),
    CLAIM(every_cut_is_told_or_whole),
    CLAIM(storage_that_never_came_is_no_cut),
    CLAIM(pending_records_are_skipped),
    CLAIM(gaps_are_stepped_over),
    CLAIM(damage_is_stepped_over_and_told_with_its_offset),
    CLAIM(record_that_runs_past_the_end_is_damage),
    CLAIM(record_content_beyond_its_size_is_damage),
    CLAIM(wrong_refs_are_damage_and_named),
    CLAIM(missing_file_folder_and_fifo_are_told),
    CLAIM(sparse_giant_is_read_in_little_memory),
    CLAIM(running_is_told_from_gone_by_the_mapping),
    CLAIM(exit_facts_are_written_once),
    CLAIM(damaged_contexts_and_awaiters_are_told),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
