// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where names come from: FILE.symbols beside a profile, modules, and files with their debug info.

#include "builder.h"
#include "claims.h"
#include "fake_symbolizer.h"

#include <dirent.h>

#include <profile/contexts.h>

static struct builder b;

#define NAMES symbolizer_of(stacks_codes, sizeof stacks_codes / sizeof *stacks_codes)
#define ID 0xAB

struct outcome {
    memscope_status status;
    size_t named, nameless; // frames
    size_t asked;           // questions
    char unresolved[512];   // each with a line feed
};

// Reads x.msp as a report does.
static struct outcome report(const char *program, const char *const *debug_paths) {
    struct outcome outcome = {.asked = 0};
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    struct ms_summary *summary;
    struct ms_contexts *contexts;
    struct ms_resolve_options options = {
        .symbolizer = program, .timeout_ms = 20000, .debug_paths = debug_paths};
    size_t before = questions();
    ck_assert_int_eq(ms_profile_open(path_of("x.msp"), &profile, message), MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    ms_summary_resolve(summary, &options);
    outcome.status = ms_contexts_create(summary, &options, &contexts);
    for (size_t i = 0; i < contexts->count; i++)
        for (uint32_t k = 0; k < contexts->items[i].frame_count; k++)
            if (ms_context_frame(&contexts->items[i], k)->function)
                outcome.named++;
            else
                outcome.nameless++;
    for (size_t i = 0; i < contexts->unresolved_modules; i++) {
        strcat(outcome.unresolved, contexts->unresolved[i]);
        strcat(outcome.unresolved, "\n");
    }
    outcome.asked = questions() - before;
    ms_contexts_destroy(contexts);
    ms_summary_destroy(summary);
    ms_profile_close(profile);
    return outcome;
}

static void begin(uint8_t build_id_byte) {
    begin_folder();
    builder_stacks(&b, path_of("app"), build_id_byte);
    builder_write(&b, path_of("x.msp"));
    write_module_with_id(path_of("app"), &b, 10, build_id_byte);
}

static void end(void) {
    builder_end(&b);
    end_folder();
}

#define PLACES 12        // of builder_stacks in its app
#define NAMED 25         // frames with these names
#define NAMED_BY_SITE 14 // without any symbols

static size_t files_in_folder(void) {
    DIR *entries = opendir(folder);
    size_t count = 0;
    ck_assert_ptr_nonnull(entries);
    while (readdir(entries))
        count++;
    closedir(entries);
    return count;
}

START_TEST(second_report_asks_nothing) {
    const uint8_t ids[] = {0, ID};
    for (size_t i = 0; i < sizeof ids; i++) {
        begin(ids[i]);
        const char *names = NAMES;
        struct outcome first = report(names, NULL);
        ck_assert_uint_eq(first.asked, PLACES);
        struct stat file;
        ck_assert_int_eq(stat(path_of("x.msp.symbols"), &file), 0);
        ck_assert_uint_eq(file.st_mode & 07777, 0600);
        ck_assert_uint_eq(files_in_folder(), 2 + 5); // x.msp, app, symbolizer, .asked, .symbols
        struct outcome second = report(names, NULL);
        ck_assert_uint_eq(second.asked, 0);
        ck_assert_uint_eq(second.named, first.named);
        ck_assert_uint_eq(second.nameless, first.nameless);
        ck_assert_uint_eq(first.named, NAMED);
        // Not even a symbolizer is needed.
        ck_assert_int_eq(unlink(names), 0);
        ck_assert_int_eq(report(names, NULL).status, MEMSCOPE_OK);
        end();
    }
}
END_TEST

START_TEST(cache_holds_by_build_id_once_the_module_is_gone) {
    begin(ID);
    const char *names = NAMES;
    report(names, NULL);
    ck_assert_int_eq(unlink(path_of("app")), 0);
    struct outcome outcome = report(names, NULL);
    ck_assert_uint_eq(outcome.named, NAMED);
    ck_assert_str_eq(outcome.unresolved, "libfoo.so: gone\n");
    end();
}
END_TEST

START_TEST(another_file_of_the_module_is_asked_again) {
    begin(0);
    const char *names = NAMES;
    report(names, NULL);
    write_module(path_of("app"), &b, 5); // as old as before is needed, but another time
    ck_assert_uint_eq(report(names, NULL).asked, PLACES);
    write_module(path_of("app"), &b, -5);
    struct outcome outcome = report(names, NULL);
    ck_assert_uint_eq(outcome.named, NAMED_BY_SITE);
    ck_assert_str_eq(outcome.unresolved, "libfoo.so: gone\n"
                                         "app: rebuilt, it is younger than the process\n");
    end();
}
END_TEST

// Every byte of it matters: whatever is damaged, the names are asked for again.
START_TEST(damaged_cache_is_ignored_and_written_anew) {
    begin(ID);
    const char *names = NAMES;
    report(names, NULL);
    char path[512], bytes[65536], damaged[65536];
    strcpy(path, path_of("x.msp.symbols"));
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert_uint_gt(size, 300);
    ck_assert_uint_lt(size, sizeof bytes);
    for (size_t at = 8; at < size; at += 1 + size / 60) { // behind the magic
        memcpy(damaged, bytes, size);
        damaged[at] ^= 0x40;
        write_file(path, damaged, size);
        struct outcome outcome = report(names, NULL);
        ck_assert_uint_eq(outcome.asked, PLACES);
        ck_assert_uint_eq(outcome.named, NAMED);
    }
    for (size_t cut = 8; cut < size; cut += 1 + size / 20) {
        write_file(path, bytes, cut);
        ck_assert_uint_eq(report(names, NULL).asked, PLACES);
    }
    ck_assert_uint_eq(report(names, NULL).asked, 0);
    end();
}
END_TEST

START_TEST(files_that_are_no_cache_are_left_alone) {
    begin(ID);
    const char *names = NAMES;
    write_file(path_of("x.msp.symbols"), "my symbols", 10);
    ck_assert_uint_eq(report(names, NULL).asked, PLACES);
    char text[16] = "";
    FILE *file = fopen(path_of("x.msp.symbols"), "r");
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    fclose(file);
    ck_assert_str_eq(text, "my symbols");
    ck_assert_int_eq(unlink(path_of("x.msp.symbols")), 0);
    ck_assert_int_eq(symlink(path_of("elsewhere"), path_of("x.msp.symbols")), 0);
    ck_assert_uint_eq(report(names, NULL).asked, PLACES);
    ck_assert_int_ne(access(path_of("elsewhere"), F_OK), 0);
    ck_assert_int_eq(unlink(path_of("x.msp.symbols")), 0);
    ck_assert_int_eq(mkfifo(path_of("x.msp.symbols"), 0600), 0);
    ck_assert_uint_eq(report(names, NULL).asked, PLACES);
    ck_assert_uint_eq(files_in_folder(), 2 + 5);
    end();
}
END_TEST

START_TEST(module_that_differs_or_is_gone_is_told_and_not_guessed) {
    begin(ID);
    const char *names = NAMES;
    write_module_with_id(path_of("app"), &b, 10, ID + 1);
    struct outcome outcome = report(names, NULL);
    ck_assert_uint_eq(outcome.asked, 0);
    ck_assert_uint_eq(outcome.named, NAMED_BY_SITE);
    ck_assert_str_eq(outcome.unresolved, "libfoo.so: gone\napp: rebuilt, its build ID differs\n");
    write_file(path_of("app"), "text", 4);
    ck_assert_str_eq(report(names, NULL).unresolved,
                     "libfoo.so: gone\napp: no program or library is there now\n");
    ck_assert_int_eq(unlink(path_of("app")), 0);
    ck_assert_str_eq(report(names, NULL).unresolved, "libfoo.so: gone\napp: gone\n");
    end();
}
END_TEST

// The question that was asked last names the file.
static void expect_asked_of(const char *path) {
    char line[1024] = "", wanted[600];
    FILE *file = fopen(path_of("symbolizer.asked"), "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        ;
    fclose(file);
    snprintf(wanted, sizeof wanted, "CODE \"%s\" ", path);
    ck_assert_msg(strncmp(line, wanted, strlen(wanted)) == 0, "%s, not %s", line, wanted);
}

START_TEST(debug_paths_lead_to_moved_modules_and_to_debug_info) {
    static const char *const places[] = {"d/app", "d/app.debug", "d/.build-id/ab/%s.debug", "d%s",
                                         "d%s.debug"};
    char id[64] = "";
    for (int i = 0; i < 19; i++)
        strcat(id, "ab");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        begin(ID);
        char place[256], command[1024], debug_folder[512], none[512];
        const char *names = NAMES;
        snprintf(place, sizeof place, places[i], i < 3 ? id : path_of("app"));
        snprintf(command, sizeof command, "cd '%s' && mkdir -p \"$(dirname %s)\" && cp -p app %s",
                 folder, place, place);
        ck_assert_int_eq(system(command), 0);
        ck_assert_int_eq(unlink(path_of("app")), 0);
        strcpy(debug_folder, path_of("d"));
        strcpy(none, path_of("none"));
        const char *const paths[] = {none, debug_folder, NULL};
        struct outcome outcome = report(names, paths);
        ck_assert_msg(outcome.named == NAMED, "%s: %zu", place, outcome.named);
        ck_assert_str_eq(outcome.unresolved, "libfoo.so: gone\n");
        expect_asked_of(path_of(place));
        // A file of another build at that place is none.
        write_module_with_id(path_of(place), &b, 10, ID + 1);
        ck_assert_int_eq(unlink(path_of("x.msp.symbols")), 0);
        ck_assert_str_eq(report(names, paths).unresolved, "libfoo.so: gone\napp: gone\n");
        end();
    }
}
END_TEST

static const struct claim claims[] = {
    CLAIM(second_report_asks_nothing),
    CLAIM(cache_holds_by_build_id_once_the_module_is_gone),
    CLAIM(another_file_of_the_module_is_asked_again),
    CLAIM(damaged_cache_is_ignored_and_written_anew),
    CLAIM(files_that_are_no_cache_are_left_alone),
    CLAIM(module_that_differs_or_is_gone_is_told_and_not_guessed),
    CLAIM(debug_paths_lead_to_moved_modules_and_to_debug_info),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
