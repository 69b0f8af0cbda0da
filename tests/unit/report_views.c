// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Flame graphs, collapsed stacks and the encoding of pprof's files, from contexts made by
// construction. Other programs' word on them: tool_views_claims.sh.

#include "claims.h"
#include "stacks.h"

#include <stdbool.h>
#include <string.h>

#include <report/protobuf.h>
#include <report/stack_views.h>

static char *flame_of(const struct ms_contexts *contexts, enum ms_stack_view view,
                      enum ms_stack_measure by, struct ms_flame_options flame) {
    const struct ms_stack_options options = {.view = view, .by = by};
    struct ms_stack_tree *tree;
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_stack_tree_create(contexts, &options, &tree), MEMSCOPE_OK);
    ck_assert_int_eq(ms_put_flame(tree, &flame, out), MEMSCOPE_OK);
    fclose(out);
    ms_stack_tree_destroy(tree);
    return text;
}

static char *filtered_of(const struct ms_contexts *contexts, enum ms_stack_measure by,
                         const struct ms_stack_filters *filters) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_put_collapsed(contexts, by, filters, out), MEMSCOPE_OK);
    fclose(out);
    return text;
}

static char *collapsed_of(const struct ms_contexts *contexts, enum ms_stack_measure by) {
    return filtered_of(contexts, by, NULL);
}

// Of all lines that are no comments.
static uint64_t sum_of_collapsed(const char *text) {
    uint64_t sum = 0;
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        const char *number = end;
        while (number[-1] != ' ')
            number--;
        sum += *text == '#' ? 0 : strtoull(number, NULL, 10);
    }
    return sum;
}

static void expect_words(const char *text, const char *words) {
    ck_assert_msg(strstr(text, words) != NULL, "\"%s\" is not in:\n%s", words, text);
}

static void expect_no_words(const char *text, const char *words) {
    ck_assert_msg(strstr(text, words) == NULL, "\"%s\" is in:\n%s", words, text);
}

// The frames of a flame graph as the file has them.
struct box {
    unsigned long long begin, value;
    unsigned depth;
    double x, y, width;
};

static size_t boxes_of(const char *svg, struct box *boxes_out, size_t most) {
    size_t count = 0;
    for (const char *at = svg; (at = strstr(at, "<g data-o=")); at++) {
        ck_assert_uint_lt(count, most);
        struct box *box = &boxes_out[count++];
        ck_assert_int_eq(sscanf(at, "<g data-o=\"%llu\" data-v=\"%llu\" data-d=\"%u\">",
                                &box->begin, &box->value, &box->depth),
                         3);
        ck_assert_int_eq(sscanf(strstr(at, "<rect"), "<rect x=\"%lf\" y=\"%lf\" width=\"%lf\"",
                                &box->x, &box->y, &box->width),
                         3);
    }
    return count;
}

START_TEST(frames_of_a_flame_graph_are_as_the_golden_text) {
    char *svg = flame_of(stacks_of_a_server(), MS_STACKS_TASKS, MS_STACKS_BY_LIVE,
                         (struct ms_flame_options){.by_task = true});
    char *begin = strstr(svg, "<g id=\"frames\">"), *end = strstr(svg, "<script>");
    ck_assert(begin && end);
    *end = '\0';
    char wanted[32768];
    FILE *file = fopen(GOLDEN "/flame.expected", "r");
    ck_assert(file != NULL);
    wanted[fread(wanted, 1, sizeof wanted - 1, file)] = '\0';
    fclose(file);
    if (strcmp(begin, wanted) != 0) {
        fputs(begin, stderr); // longer than a message of Check may be
        ck_abort_msg("flame.expected differs");
    }
}
END_TEST

START_TEST(frames_lie_on_their_callers_and_are_as_wide_as_their_bytes) {
    static struct box boxes[1000];
    for (int i = 0; i < MS_STACK_MEASURES; i++)
        for (int icicle = 0; icicle < 2; icicle++) {
            const struct ms_contexts *contexts = stacks_of_a_server();
            char *svg = flame_of(contexts, MS_STACKS_CALLEES, (enum ms_stack_measure)i,
                                 (struct ms_flame_options){.icicle = icicle});
            size_t count = boxes_of(svg, boxes, 1000), way[100] = {0};
            unsigned long long whole = boxes[0].value, first_level = 0;
            ck_assert_uint_gt(count, 5);
            ck_assert_double_eq_tol(boxes[0].width, 1200, 0.0001);
            for (size_t k = 1; k < count; k++) {
                const struct box *box = &boxes[k], *below = &boxes[way[box->depth - 1]];
                way[box->depth] = k;
                first_level += box->depth == 1 ? box->value : 0;
                ck_assert_uint_eq(below->depth, box->depth - 1);
                ck_assert_uint_ge(box->begin, below->begin);
                ck_assert_uint_le(box->begin + box->value, below->begin + below->value);
                ck_assert_double_eq_tol(box->y, below->y + (icicle ? 16 : -16), 0.0001);
                ck_assert_double_eq_tol(box->x, 1200.0 * box->begin / whole, 0.002);
                ck_assert_double_eq_tol(box->width, 1200.0 * box->value / whole, 0.002);
            }
            ck_assert_uint_eq(first_level, whole);
        }
}
END_TEST

START_TEST(frames_too_narrow_to_see_are_left_out_and_their_sum_is_told) {
    struct ms_contexts *contexts = stacks_begin(4);
    stacks_frame(stacks_add(contexts, 12000000), "wide", "/a.c", 1);
    stacks_frame(stacks_add(contexts, 1100), "seen", "/a.c", 1);
    struct ms_context *narrow = stacks_add(contexts, 900);
    stacks_frame(narrow, "unseen_callee", "/a.c", 1);
    stacks_frame(narrow, "unseen", "/a.c", 1);
    stacks_frame(stacks_add(contexts, 33), "unseen_too", "/a.c", 1);
    char *svg =
        flame_of(contexts, MS_STACKS_CALLEES, MS_STACKS_BY_TOTAL, (struct ms_flame_options){0});
    expect_words(svg, "<title>seen()");
    expect_no_words(svg, "<title>unseen");
    expect_words(svg, ">2 frames narrower than 0.1 pixels left out: 933 B, 0.0%</text>");
    svg = flame_of(stacks_of_a_server(), MS_STACKS_CALLEES, MS_STACKS_BY_TOTAL,
                   (struct ms_flame_options){0});
    expect_no_words(svg, "left out");
}
END_TEST

START_TEST(colours_say_whose_code_it_is) {
    char *svg = flame_of(stacks_of_a_server(), MS_STACKS_CALLEES, MS_STACKS_BY_AT_PEAK,
                         (struct ms_flame_options){0});
    static const char *const kinds[][2] = {
        {"program", "parse()"},
        {"its libraries", "log&lt;&amp;&quot;quoted&quot;&gt;()"},
        {"system libraries", "fopen()"},
        {"runtime or unknown", "__memscope_wrap()"}};
    for (size_t i = 0; i < 4; i++) {
        unsigned legend, frame;
        char words[128];
        snprintf(words, sizeof words, ">%s</text>", kinds[i][0]);
        const char *at = strstr(svg, words);
        ck_assert_msg(at != NULL, "no %s", kinds[i][0]);
        while (strncmp(at, "fill=\"#", 7) != 0)
            at--;
        ck_assert_int_eq(sscanf(at, "fill=\"#%x\"", &legend), 1);
        snprintf(words, sizeof words, "<title>%s\n", kinds[i][1]);
        at = strstr(svg, words);
        ck_assert_msg(at != NULL, "no %s", kinds[i][1]);
        ck_assert_int_eq(sscanf(strstr(at, "fill=\"#"), "fill=\"#%x\"", &frame), 1);
        // A shade of it, at most a tenth darker.
        for (int shift = 0; shift < 24; shift += 8) {
            unsigned a = legend >> shift & 0xFF, b = frame >> shift & 0xFF;
            ck_assert_msg(b <= a && b >= a * 89 / 100, "%s: %06x %06x", kinds[i][0], legend, frame);
        }
    }
    expect_no_words(svg, ">task or thread</text>");
}
END_TEST

START_TEST(more_tasks_than_colours_share_the_last) {
    static char names[100][16];
    struct ms_contexts *contexts = stacks_begin(100);
    for (size_t i = 0; i < 100; i++) {
        snprintf(names[i], sizeof names[i], "task%zu(int)", i);
        struct ms_context *context = stacks_add(contexts, 1000 - i);
        context->task = names[i];
        stacks_frame(context, "f", "/a.c", 1);
    }
    char *svg = flame_of(contexts, MS_STACKS_TASKS, MS_STACKS_BY_TOTAL,
                         (struct ms_flame_options){.by_task = true});
    expect_words(svg, ">task22()</text>");
    expect_words(svg, ">several, or unknown</text>");
    ck_assert_ptr_null(strstr(strstr(svg, "several, or unknown"), ">task23()"));
}
END_TEST

START_TEST(collapsed_stacks_are_lines_that_add_up) {
    const struct ms_contexts *contexts = stacks_of_a_server();
    ck_assert_str_eq(
        collapsed_of(contexts, MS_STACKS_BY_AT_PEAK),
        "libc.so.6+0x29d90;main;serve(int);parse(char const*) 4000\n"
        "libc.so.6+0x29d90;main;serve(int);log<&\"quoted\">(int);"
        "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >"
        "::_M_mutate(unsigned long) 500\n"
        "libc.so.6+0x29d90;main;fopen 1024\n"
        "libc.so.6+0x29d90;main;walk(node*);walk(node*);walk(node*) 300\n"
        "libc.so.6+0x29d90;main;even(int);odd(int);even(int);odd(int);even(int);odd(int) 200\n"
        "spawned by main;awaits: client(int);answer(int);read_line(socket&) 2048\n"
        "spawned by main;client(int) 48\n"
        "spawned by start_pool();job(void*) 700\n"
        "[counted by site alone] 100\n"
        "[stack cut at the depth asked for];__memscope_wrap;deep(int) 80\n");
    for (int i = 0; i < MS_STACK_MEASURES; i++) {
        enum ms_stack_measure measure = (enum ms_stack_measure)i;
        uint64_t wanted = ms_stack_value(&contexts->without, measure);
        for (size_t k = 0; k < contexts->count; k++)
            wanted += ms_stack_value(&contexts->items[k].counts, measure);
        ck_assert_uint_eq(sum_of_collapsed(collapsed_of(contexts, measure)), wanted);
    }
}
END_TEST

START_TEST(collapsed_stacks_keep_each_frame_of_an_executor) {
    struct ms_contexts *contexts = stacks_begin(1);
    struct ms_context *context = stacks_add(contexts, 10);
    stacks_frame(context, "answer(int)", "/a.cc", 1);
    stacks_frame(context, "asio::detail::scheduler::do_run_one()", "/asio.ipp", 2);
    stacks_frame(context, "asio::detail::scheduler::run()", "/asio.ipp", 3);
    stacks_frame(context, "main", "/a.cc", 9);
    ck_assert_str_eq(collapsed_of(contexts, MS_STACKS_BY_TOTAL),
                     "main;asio::detail::scheduler::run();asio::detail::scheduler::do_run_one();"
                     "answer(int) 10\n");
}
END_TEST

START_TEST(collapsed_stacks_are_filtered_and_say_so) {
    const struct ms_contexts *contexts = stacks_of_a_server();
    const struct ms_stack_filters all = {
        .focus = stacks_filter("server\\.cc|^fopen$|parse"),
        .ignore = stacks_filter("^client\\(\\)$"),
        .hide = stacks_filter("^main$|fopen|libc\\.so"),
    };
    ck_assert_str_eq(filtered_of(contexts, MS_STACKS_BY_AT_PEAK, &all),
                     "# filtered (--focus=server\\.cc|^fopen$|parse --ignore=^client\\(\\)$"
                     " --hide=^main$|fopen|libc\\.so)\n"
                     "serve(int);parse(char const*) 4000\n"
                     "[all frames hidden] 1024\n");
    // A comment is no stack, whatever the expression ends with.
    const struct ms_stack_filters number = {.focus = stacks_filter("x 5\n6")};
    ck_assert_str_eq(filtered_of(contexts, MS_STACKS_BY_TOTAL, &number),
                     "# filtered (--focus=x 5\\x0a6)\n");
}
END_TEST

START_TEST(what_focus_keeps_and_ignore_drops_is_all_of_the_export) {
    const struct ms_contexts *contexts = stacks_of_a_server();
    static const char *const expressions[] = {"serve", "libapp", "^main$", "nothing", "."};
    for (size_t k = 0; k < sizeof expressions / sizeof *expressions; k++) {
        const struct ms_stack_filter *filter = stacks_filter(expressions[k]);
        const struct ms_stack_filters focus = {.focus = filter}, ignore = {.ignore = filter},
                                      hide = {.hide = filter};
        for (int i = 0; i < MS_STACK_MEASURES; i++) {
            enum ms_stack_measure by = (enum ms_stack_measure)i;
            uint64_t whole = sum_of_collapsed(collapsed_of(contexts, by));
            uint64_t kept = sum_of_collapsed(filtered_of(contexts, by, &focus));
            uint64_t dropped = sum_of_collapsed(filtered_of(contexts, by, &ignore));
            ck_assert_uint_eq(kept + dropped, whole);
            ck_assert_uint_eq(sum_of_collapsed(filtered_of(contexts, by, &hide)), whole);
        }
    }
}
END_TEST

START_TEST(protobuf_is_encoded_as_its_specification_shows) {
    static const uint64_t numbers[] = {3, 270, 86942};
    struct ms_protobuf message = {0}, part = {0};
    ms_protobuf_number(&message, 1, 150);
    ms_protobuf_number(&message, 9, 0); // left out
    ms_protobuf_bytes(&message, 2, "testing", 7);
    ms_protobuf_number(&part, 1, 150);
    ms_protobuf_message(&message, 3, &part);
    ms_protobuf_numbers(&message, 4, numbers, 3);
    ms_protobuf_number(&message, 5, UINT64_MAX);
    static const unsigned char wanted[] = {0x08, 0x96, 0x01, 0x12, 0x07, 't',  'e',  's',  't',
                                           'i',  'n',  'g',  0x1a, 0x03, 0x08, 0x96, 0x01, 0x22,
                                           0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05, 0x28, 0xff,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    ck_assert(!message.failed);
    ck_assert_uint_eq(message.length, sizeof wanted);
    ck_assert_mem_eq(message.bytes, wanted, sizeof wanted);
}
END_TEST

static const struct claim claims[] = {
    CLAIM(frames_of_a_flame_graph_are_as_the_golden_text),
    CLAIM(frames_lie_on_their_callers_and_are_as_wide_as_their_bytes),
    CLAIM(frames_too_narrow_to_see_are_left_out_and_their_sum_is_told),
    CLAIM(colours_say_whose_code_it_is),
    CLAIM(more_tasks_than_colours_share_the_last),
    CLAIM(collapsed_stacks_are_lines_that_add_up),
    CLAIM(collapsed_stacks_keep_each_frame_of_an_executor),
    CLAIM(collapsed_stacks_are_filtered_and_say_so),
    CLAIM(what_focus_keeps_and_ignore_drops_is_all_of_the_export),
    CLAIM(protobuf_is_encoded_as_its_specification_shows),
};

int main(void) {
    return RUN_CLAIMS("views", claims);
}
