// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of foreign sites, with symbolizers of our own that answer well, badly, or not at all.

#include "builder.h"
#include "claims.h"
#include "fake_symbolizer.h"

#include <sys/wait.h>
#include <time.h>

#include <profile/profile.h>

static struct builder b;
static struct ms_summary *summary;

static void begin(void) {
    begin_folder();
    builder_begin(&b, 0);
}

static void end(void) {
    end_folder();
}

static void add_foreign(const char *path, uint8_t build_id_byte, uint64_t offset) {
    uint32_t module = builder_module(&b, path, build_id_byte);
    struct memscope_cell_record *cell = builder_cell(&b, builder_foreign(&b, module, offset), 0);
    builder_count(cell, 1);
    cell->bytes = 8;
}

static void sum_up(void) {
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    ck_assert_int_eq(ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message),
                     MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
}

static memscope_status resolve(const char *program, unsigned timeout_ms) {
    struct ms_resolve_options options = {.symbolizer = program, .timeout_ms = timeout_ms};
    memscope_status status = ms_summary_resolve(summary, &options);
    ck_assert_msg(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD, "a process is left behind");
    return status;
}

static void expect_nameless(void) {
    for (size_t i = 0; i < summary->site_count; i++)
        ck_assert_uint_eq(summary->sites[i].symbol_count, 0);
}

#define TWO_FRAMES                                                                                 \
    "while read -r line; do echo \"$line\" >>\"$0.asked\"; echo '{\"Symbol\": ["                   \
    "{\"FunctionName\": \"grow\", \"FileName\": \"/usr/include/v.h\", \"Line\": 9},"               \
    "{\"FunctionName\": \"main\", \"FileName\": \"/src/a.c\", \"Line\": 3, \"Column\": 5}]}'; "    \
    "done"

START_TEST(answer_gives_frames_and_the_user_frame) {
    begin();
    write_module(path_of("m.so"), &b, 10);
    add_foreign(path_of("m.so"), 0, 0x1235);
    sum_up();
    ck_assert_int_eq(resolve(symbolizer(TWO_FRAMES), 10000), MEMSCOPE_OK);
    const struct ms_site *site = &summary->sites[0];
    ck_assert_uint_eq(ms_site_frame_count(site), 2);
    ck_assert_uint_eq(site->user_depth, 1);
    struct ms_frame frame = ms_site_frame(summary, site, 1);
    ck_assert_str_eq(frame.function, "main");
    ck_assert_str_eq(frame.file, "/src/a.c");
    ck_assert_uint_eq(frame.line, 3);
    ck_assert_uint_eq(frame.column, 5);
    // The call is asked for, not the return address behind it.
    char asked[256] = "", wanted[256];
    FILE *file = fopen(path_of("symbolizer.asked"), "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(asked, sizeof asked, file));
    fclose(file);
    snprintf(wanted, sizeof wanted, "CODE \"%s\" 0x1234\n", path_of("m.so"));
    ck_assert_str_eq(asked, wanted);
    end();
}
END_TEST

START_TEST(odd_paths_are_never_asked) {
    begin();
    static const char *const names[] = {"a\nCODE b", "a\"b", "a\tb", "$(touch owned)", "a b", "-x"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        write_module(path_of(names[i]), &b, 10);
        add_foreign(path_of(names[i]), 0, 0x1000 + i);
    }
    add_foreign("relative", 0, 0x2000);
    add_foreign("", 0, 0x2001);
    ck_assert_int_eq(mkfifo(path_of("pipe"), 0600), 0);
    add_foreign(path_of("pipe"), 0, 0x2002);
    add_foreign("/dev/tty", 0, 0x2003);
    sum_up();
    ck_assert_int_eq(resolve(symbolizer(TWO_FRAMES), 10000), MEMSCOPE_OK);
    size_t named = 0;
    for (size_t i = 0; i < summary->site_count; i++)
        named += summary->sites[i].symbol_count == 2;
    ck_assert_uint_eq(named, 3); // the last three of the names hold nothing that a line cannot
    ck_assert_uint_eq(questions(), 3);
    ck_assert_int_ne(access("owned", F_OK), 0);
    end();
}
END_TEST

START_TEST(another_file_at_the_path_gives_no_names) {
    begin();
    write_module(path_of("younger"), &b, -10);
    add_foreign(path_of("younger"), 0, 0x10);
    write_module(path_of("id_is_gone"), &b, 10);
    add_foreign(path_of("id_is_gone"), 0xAB, 0x10);
    add_foreign("/proc/self/exe", 0xCD, 0x10);
    write_file(path_of("text"), "no program", 10);
    add_foreign(path_of("text"), 0, 0x10);
    add_foreign(path_of("missing"), 0, 0x10);
    sum_up();
    ck_assert_int_eq(resolve(symbolizer(TWO_FRAMES), 10000), MEMSCOPE_OK);
    expect_nameless();
    end();
}
END_TEST

START_TEST(symbolizer_that_fails_gives_no_names) {
    static const char *const bodies[] = {
        "exit 0",
        "kill -9 $$",
        "while read -r line; do echo 'no JSON'; done",
        "while read -r line; do echo '{\"Symbol\": [1, {\"Line\": -4}, []]}'; done",
        "while read -r line; do echo '{\"Symbol\": {\"FunctionName\": 7}}'; done",
        "exec head -c 3000000 /dev/zero", // no line at all
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        begin();
        write_module(path_of("m.so"), &b, 10);
        for (uint64_t offset = 1; offset < 20; offset++)
            add_foreign(path_of("m.so"), 0, offset);
        sum_up();
        ck_assert_int_eq(resolve(symbolizer(bodies[i]), 10000), MEMSCOPE_OK);
        for (size_t k = 0; k < summary->site_count; k++)
            for (uint32_t depth = 0; depth < ms_site_frame_count(&summary->sites[k]); depth++)
                ck_assert_ptr_null(ms_site_frame(summary, &summary->sites[k], depth).function);
        sum_up(); // what one has answered is not asked again
        ck_assert_int_eq(resolve(path_of("not_there"), 10000), MEMSCOPE_NOT_FOUND);
        end();
    }
}
END_TEST

START_TEST(silent_symbolizer_is_given_up_in_time) {
    begin();
    write_module(path_of("m.so"), &b, 10);
    add_foreign(path_of("m.so"), 0, 0x1235);
    sum_up();
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(resolve(symbolizer("exec sleep 100"), 300), MEMSCOPE_OK);
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_lt(after.tv_sec - before.tv_sec, 20);
    expect_nameless();
    end();
}
END_TEST

static const struct claim claims[] = {
    CLAIM(answer_gives_frames_and_the_user_frame),  CLAIM(odd_paths_are_never_asked),
    CLAIM(another_file_at_the_path_gives_no_names), CLAIM(symbolizer_that_fails_gives_no_names),
    CLAIM(silent_symbolizer_is_given_up_in_time),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
