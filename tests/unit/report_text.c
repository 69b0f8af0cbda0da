// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reports of profiles made by construction: whole texts against golden files, pieces against words.

#include "builder.h"
#include "claims.h"

#include <stdbool.h>
#include <string.h>

#include <report/report.h>

static struct builder b;
static struct ms_summary *summary;
static const struct ms_report_options plain = {.order = MS_ORDER_AT_PEAK, .top = 15};

static void sum_up(void) {
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    ck_assert_int_eq(ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message),
                     MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
}

static char *text_of(const struct ms_report_options *options) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_report_text(summary, options, out), MEMSCOPE_OK);
    fclose(out);
    return text;
}

static void expect_golden(const char *name, const char *text) {
    char path[4096], wanted[65536];
    snprintf(path, sizeof path, GOLDEN "/%s", name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no %s", path);
    size_t length = fread(wanted, 1, sizeof wanted - 1, file);
    fclose(file);
    wanted[length] = '\0';
    ck_assert_msg(strcmp(text, wanted) == 0, "%s differs; got:\n%s", path, text);
}

static void expect_words(const char *text, const char *words) {
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not in:\n%s", words, text);
}

static void expect_no_words(const char *text, const char *words) {
    ck_assert_msg(strstr(text, words) == NULL, "\"%s\" is in:\n%s", words, text);
}

START_TEST(summary_is_as_the_golden_text) {
    builder_picture(&b);
    sum_up();
    expect_golden("picture.expected", text_of(&plain));
}
END_TEST

START_TEST(site_detail_is_as_the_golden_text) {
    builder_picture(&b);
    sum_up();
    struct ms_place place;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_place_parse("session.cc:88", &place), MEMSCOPE_OK);
    ck_assert_int_eq(ms_report_site(summary, &place, &plain, out), MEMSCOPE_OK);
    place.line = 89;
    ck_assert_int_eq(ms_report_site(summary, &place, &plain, out), MEMSCOPE_NOT_FOUND);
    fclose(out);
    expect_golden("site.expected", text);
}
END_TEST

START_TEST(info_is_as_the_golden_text) {
    builder_picture(&b);
    sum_up();
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_report_info(summary, &plain, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("info.expected", text);
}
END_TEST

START_TEST(every_end_of_a_process_has_its_words) {
    builder_picture(&b);
    builder_header(&b)->state = MEMSCOPE_PROCESS_SIGNALED;
    builder_header(&b)->exit_signal = 11;
    sum_up();
    expect_words(text_of(&plain), "app 4711  killed by SIGSEGV after 8.2 s");
    builder_header(&b)->state = MEMSCOPE_PROCESS_RUNNING; // from memory: no process has it mapped
    builder_header(&b)->end_monotonic_ns = 0;
    builder_header(&b)->pid = 1u << 30;
    sum_up();
    expect_words(text_of(&plain),
                 "app 1073741824  ended without a word (killed, or replaced by exec)  ThreadLocal");
}
END_TEST

START_TEST(losses_are_told_in_words) {
    builder_picture(&b);
    sum_up();
    expect_words(text_of(&plain), "(4 threads)  exact\n");
    builder_header(&b)->losses[MEMSCOPE_LOSS_overflow_events] = 12345;
    builder_header(&b)->failed_allocations = 3;
    builder_header(&b)->flags = MEMSCOPE_PROFILE_STATIC;
    sum_up();
    const char *text = text_of(&plain);
    expect_words(text, "with losses, told below");
    expect_words(text, "not exact: 12,345 events counted in total but not by site");
    expect_words(text, "failed allocations: 3");
    expect_words(text, "a static program: only instrumented code was counted");
}
END_TEST

START_TEST(incomplete_profile_says_so) {
    builder_picture(&b);
    sum_up();
    struct ms_report_options options = plain;
    options.status = "x.msp: offset 0x1: cut short";
    expect_words(text_of(&options), "(4 threads)  incomplete\n");
    expect_words(text_of(&options), "incomplete: x.msp: offset 0x1: cut short\n");
}
END_TEST

START_TEST(top_hides_and_counts_the_rest) {
    builder_picture(&b);
    sum_up();
    struct ms_report_options options = plain;
    options.top = 1;
    const char *text = text_of(&options);
    expect_words(text, "all 2 sites; 1 not shown (--top 0 shows all)");
    expect_no_words(text, "libc.so.6+");
    options.top = 0;
    expect_words(text_of(&options), "libc.so.6+0x1f2c");
}
END_TEST

START_TEST(colour_only_where_asked) {
    builder_picture(&b);
    sum_up();
    expect_no_words(text_of(&plain), "\033");
    struct ms_report_options options = plain;
    options.colour = true;
    expect_words(text_of(&options), "\033[1m");
}
END_TEST

START_TEST(rows_fit_the_screen) {
    builder_picture(&b);
    sum_up();
    struct ms_report_options options = plain;
    options.width = 60;
    char *text = text_of(&options);
    char *row = strstr(text, "…");
    ck_assert_ptr_nonnull(row);
    while (row > text && row[-1] != '\n')
        row--;
    *strchr(row, '\n') = '\0';
    ck_assert_uint_eq(ms_columns(row), 60);
    expect_words(row, "…");
}
END_TEST

START_TEST(no_text_of_a_profile_reaches_the_terminal_raw) {
    builder_begin(&b, 0);
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f\033[2J\a", "/a\x9b\xff.c\n", 1, 1);
    builder_count(builder_cell(&b, site, 0), 1);
    builder_header(&b)->executable_ref = builder_string(&b, "/x\033]0;owned\a");
    sum_up();
    const char *text = text_of(&plain);
    for (const char *p = text; *p; p++)
        ck_assert_msg((unsigned char)*p >= 0x20 || *p == '\n', "byte 0x%02x in:\n%s", *p, text);
    expect_words(text, "f\\x1b[2J\\x07()");
    expect_words(text, "a\xEF\xBF\xBD\xEF\xBF\xBD.c\\x0a:1");
    char *json = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&json, &bytes);
    ck_assert_int_eq(ms_report_json(summary, NULL, &plain, out), MEMSCOPE_OK);
    fclose(out);
    expect_words(json, "f\\\\x1b[2J");
}
END_TEST

START_TEST(functions_are_named_as_people_say_them) {
    const struct {
        const char *name, *wanted;
    } cases[] = {
        {"main", "main()"},
        {"parse(std::string const&)", "parse()"},
        {"(anonymous namespace)::run(int)", "run()"},
        {"Task::operator()(int) const", "Task::operator()()"},
        {"operator<<(std::ostream&, X)", "operator<<()"},
        {"box<int (*)(char)>::grow(unsigned long)", "box<int (*)(char)>::grow()"},
        {"main::{lambda(int)#1}::operator()(int) const", "main::{lambda(int)#1}::operator()()"},
        {"std::_Rb_tree<std::__cxx11::basic_string<char>, "
         "std::pair<std::__cxx11::basic_string<char>"
         " const, int> >::_M_insert(int)",
         "std::_Rb_tree<…>::_M_insert()"},
        {"my_operator_new(int)", "my_operator_new()"},
        {"std::__cxx11::basic_string<char, std::char_traits<char>, "
         "std::allocator<char>>::_M_create("
         "unsigned long&, unsigned long)",
         "std::string::_M_create()"},
        {"std::vector<std::__cxx11::basic_string<char, std::char_traits<char>, "
         "std::allocator<char> "
         "> >::clear()",
         "std::vector<std::string >::clear()"},
        // Templates carry their return type.
        {"void std::vector<int>::grow<int>(int&&)", "std::vector<int>::grow<int>()"},
        {"std::pair<int, int> make<int>(int)", "make<int>()"},
        // Which characters are the operator's, what comes behind them tells.
        {"std::basic_ostream<char, std::char_traits<char>>& "
         "std::operator<<<std::char_traits<char>>("
         "std::basic_ostream<char, std::char_traits<char>>&, char const*)",
         "std::operator<<<std::char_traits<char>>()"},
        {"bool std::operator<<std::vector<int, std::allocator<int>>, std::vector<int>>(int)",
         "std::operator<<…>()"},
        {"a_function_of_a_name_so_long_that_it_is_shortened::operator->*<int>(int)",
         "a_function_of_a_name_so_long_that_it_is_shortened::operator->*<…>()"},
        {"operator new(unsigned long)", "operator new()"},
        {"Box::operator bool() const", "Box::operator bool()"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        size_t bytes = 0;
        FILE *out = open_memstream(&text, &bytes);
        ms_put_function(out, cases[i].name);
        fclose(out);
        ck_assert_str_eq(text, cases[i].wanted);
    }
}
END_TEST

START_TEST(equal_base_names_are_told_apart) {
    builder_begin(&b, 0);
    const char *files[] = {"/src/net/util.c", "/src/disk/util.c", "/src/main.c", "util.c"};
    for (size_t i = 0; i < 4; i++) {
        uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f", files[i], 10, 1);
        builder_count(builder_cell(&b, site, 0), 4 - i);
    }
    sum_up();
    const char *text = text_of(&plain);
    expect_words(text, " net/util.c:10 f()");
    expect_words(text, " disk/util.c:10 f()");
    expect_words(text, " main.c:10 f()");
    expect_words(text, " util.c:10 f()");
}
END_TEST

// What a vector and a map leave behind: the same line of the user's by way of two headers, another
// line, and a call that stands in headers alone.
static void build_containers(void) {
    builder_begin(&b, 0);
    static const struct builder_frame by_vector[] = {
        {"std::vector<int>::push_back(int)", "/usr/include/c++/12/bits/vector.h", 7, 1},
        {"fill(int)", "/src/fill.cc", 31, 9},
        {"main", "/src/main.cc", 5, 3},
    };
    static const struct builder_frame by_map[] = {
        {"std::map<int, int>::operator[](int)", "/opt/gcc/include/c++/12/map", 8, 1},
        {"fill(int)", "/src/fill.cc", 31, 40},
        {"main", "/src/main.cc", 5, 3},
    };
    const char *header = "/usr/lib/gcc/x/12/../../include/c++/12/bits/new_allocator.h";
    const char *function = "std::__new_allocator<int>::allocate(unsigned long, void const*)";
    uint32_t sites[] = {
        builder_inlined_site(&b, MEMSCOPE_SITE_NEW, function, header, 137, 27, 3, by_vector),
        builder_inlined_site(&b, MEMSCOPE_SITE_NEW, function, header, 140, 27, 3, by_map),
        builder_inlined_site(&b, MEMSCOPE_SITE_MALLOC, function, header, 137, 27, 3, by_map),
        builder_inlined_site(&b, MEMSCOPE_SITE_NEW, function, header, 137, 27, 1, by_map),
    };
    for (size_t i = 0; i < 4; i++) {
        struct memscope_cell_record *cell = builder_cell(&b, sites[i], 0);
        builder_count(cell, 1);
        cell->bytes = 1u << i;
    }
    sum_up();
}

START_TEST(users_line_comes_before_the_headers) {
    build_containers();
    const char *text = text_of(&plain);
    expect_words(text, " fill.cc:31 fill() (std::map<int, int>) [malloc in "
                       "new_allocator.h:137]  <- main()\n");
    // Of one kind by two ways through headers: one row, with the sum. Nothing but headers: the
    // outermost.
    expect_words(text, "        3 B             2  fill.cc:31 fill() [operator new in "
                       "new_allocator.h:137 and 1 more]  <- main()\n");
    expect_words(
        text,
        "        8 B             1  map:8 std::map<int, int>::operator[]() (std::map<int, int>) "
        "[operator new in new_allocator.h:137]\n");
    expect_words(text, "all 4 sites in 3 rows\n");
}
END_TEST

START_TEST(headers_that_stand_alone_bring_a_hint) {
    const char *words = "with -O1 or more they are inlined";
    for (uint16_t callers = 0; callers < 2; callers++) {
        const struct builder_frame caller = {"main", "/src/main.cc", 5, 3};
        builder_begin(&b, 0);
        uint32_t site = builder_inlined_site(&b, MEMSCOPE_SITE_NEW, "f", "/usr/include/x.h", 1, 1,
                                             callers, &caller);
        struct memscope_cell_record *cell = builder_cell(&b, site, 0);
        builder_count(cell, 1);
        cell->bytes = 1000;
        sum_up();
        if (callers == 0)
            expect_words(text_of(&plain), words);
        else
            expect_no_words(text_of(&plain), words);
    }
}
END_TEST

START_TEST(json_has_each_site_and_its_user_frame) {
    build_containers();
    char *json = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&json, &bytes);
    ck_assert_int_eq(ms_report_json(summary, NULL, &plain, out), MEMSCOPE_OK);
    fclose(out);
    static const char frame[] = "\"user_frame\": {\"function\": \"fill(int)\", \"file\": "
                                "\"/src/fill.cc\", \"line\": 31, ";
    static const char none[] = "\"user_frame\": null, ";
    size_t sites = 0, frames = 0, without = 0;
    for (const char *at = json; (at = strstr(at, "\"user_frame\": ")); at++) {
        sites++;
        frames += strncmp(at, frame, strlen(frame)) == 0;
        without += strncmp(at, none, strlen(none)) == 0;
    }
    ck_assert_uint_eq(sites, 4);
    ck_assert_uint_eq(frames, 3);
    ck_assert_uint_eq(without, 1);
}
END_TEST

START_TEST(site_is_found_by_the_users_line_and_by_the_headers) {
    build_containers();
    const struct {
        const char *text;
        size_t wanted;
    } cases[] = {{"fill.cc:31", 3},
                 {"new_allocator.h:137", 3},
                 {"new_allocator.h:140", 1},
                 {"main.cc:5", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ms_place place;
        uint32_t line;
        size_t found = 0;
        ck_assert_int_eq(ms_place_parse(cases[i].text, &place), MEMSCOPE_OK);
        for (size_t k = 0; k < summary->site_count; k++)
            found += ms_place_matches(&place, summary, &summary->sites[k], &line);
        ck_assert_msg(found == cases[i].wanted, "%s: %zu", cases[i].text, found);
    }
}
END_TEST

START_TEST(system_files_are_told_from_the_users) {
    const struct {
        const char *file;
        bool wanted;
    } cases[] = {
        {"/usr/include/stdio.h", true},
        {"/usr/lib/gcc/x86_64-linux-gnu/12/../../../../include/c++/12/bits/new_allocator.h", true},
        {"/usr/lib/llvm-19/lib/clang/19/include/mm_malloc.h", true},
        {"/opt/llvm/lib/clang/19/include/mm_malloc.h", true},
        {"/opt/llvm/include/c++/v1/vector", true},
        {"/home/me/src/c++/parser.cc", false},
        {"/home/me/usr/include/x.h", false},
        {"/usr/src/me.c", false},
        {"a.c", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(ms_is_system_file(cases[i].file) == cases[i].wanted, "%s", cases[i].file);
}
END_TEST

START_TEST(numbers_are_readable_and_never_round_over) {
    char text[MS_NUMBER_BYTES];
    const struct {
        uint64_t bytes;
        const char *wanted;
    } sizes[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1204, "1,204 B"},
        {99999, "99,999 B"},
        {100000, "100.0 kB"},
        {999949, "999.9 kB"},
        {999950, "1.0 MB"},
        {41300000, "41.3 MB"},
        {1200000000, "1.2 GB"},
        {999949999, "999.9 MB"},
        {999950000, "1.0 GB"},
        {UINT64_MAX, "18.4 EB"},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        ck_assert_str_eq(ms_format_bytes(sizes[i].bytes, text), sizes[i].wanted);
    ck_assert_str_eq(ms_format_count(80112, text), "80,112");
    ck_assert_str_eq(ms_format_count(UINT64_MAX, text), "18,446,744,073,709,551,615");
    ck_assert_str_eq(ms_format_percent(999, 1000, text), "99.9%");
    ck_assert_str_eq(ms_format_percent(99999, 100000, text), "99.9%"); // never 100 for less
    ck_assert_str_eq(ms_format_percent(5, 5, text), "100.0%");
    ck_assert_str_eq(ms_format_percent(0, 0, text), "-");
    ck_assert_str_eq(ms_format_duration(412000000, text), "412 ms");
    ck_assert_str_eq(ms_format_duration(8250000000, text), "8.2 s");
    ck_assert_str_eq(ms_format_duration(192000000000, text), "3 min 12 s");
    ck_assert_str_eq(ms_format_duration(7500000000000, text), "2 h 05 min");
}
END_TEST

START_TEST(places_parse_and_match_by_trailing_parts) {
    struct ms_place place;
    const char *bad[] = {"", "a.c", "a.c:", ":3", "a.c:0", "a.c:x", "a.c:3x", "a.c:99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(ms_place_parse(bad[i], &place), MEMSCOPE_INVALID_ARGUMENT);
    uint32_t line;
    struct ms_site site = {.file = "/src/a.c", .line = 3};
    const struct {
        const char *text;
        bool wanted;
    } cases[] = {{"a.c:3", true}, {"src/a.c:3", true},   {"/src/a.c:3", true},
                 {"c:3", false},  {"xsrc/a.c:3", false}, {"a.c:4", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(ms_place_parse(cases[i].text, &place), MEMSCOPE_OK);
        ck_assert_msg(ms_place_matches(&place, NULL, &site, &line) == cases[i].wanted, "%s",
                      cases[i].text);
    }
}
END_TEST

static const struct claim claims[] = {
    CLAIM(summary_is_as_the_golden_text),
    CLAIM(site_detail_is_as_the_golden_text),
    CLAIM(info_is_as_the_golden_text),
    CLAIM(every_end_of_a_process_has_its_words),
    CLAIM(losses_are_told_in_words),
    CLAIM(incomplete_profile_says_so),
    CLAIM(top_hides_and_counts_the_rest),
    CLAIM(colour_only_where_asked),
    CLAIM(rows_fit_the_screen),
    CLAIM(no_text_of_a_profile_reaches_the_terminal_raw),
    CLAIM(functions_are_named_as_people_say_them),
    CLAIM(equal_base_names_are_told_apart),
    CLAIM(users_line_comes_before_the_headers),
    CLAIM(headers_that_stand_alone_bring_a_hint),
    CLAIM(json_has_each_site_and_its_user_frame),
    CLAIM(site_is_found_by_the_users_line_and_by_the_headers),
    CLAIM(system_files_are_told_from_the_users),
    CLAIM(numbers_are_readable_and_never_round_over),
    CLAIM(places_parse_and_match_by_trailing_parts),
};

int main(void) {
    return RUN_CLAIMS("report", claims);
}
