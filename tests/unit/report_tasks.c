// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reports of tasks from profiles made by construction: whole texts against golden files, pieces
// against words.

#include "builder.h"
#include "claims.h"

#include <stdbool.h>
#include <string.h>

#include <report/environment.h>
#include <report/tasks_report.h>

static struct builder b;
static struct ms_summary *summary;

static void sum_up(void) {
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    ck_assert_int_eq(ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message),
                     MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
}

static char *text_of(const struct ms_tasks_options *options) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_report_tasks(summary, options, out), MEMSCOPE_OK);
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

static void expect_view(const char *golden, enum ms_tasks_view view, enum ms_task_order order) {
    builder_server(&b);
    sum_up();
    const struct ms_tasks_options options = {.view = view, .order = order, .top = 40};
    expect_golden(golden, text_of(&options));
}

START_TEST(task_tree_is_as_the_golden_text) {
    expect_view("tasks_tree.expected", MS_TASKS_TREE, MS_TASKS_BY_LIVE);
}
END_TEST

START_TEST(task_classes_are_as_the_golden_text) {
    expect_view("tasks_classes.expected", MS_TASKS_CLASSES, MS_TASKS_BY_LIVE);
}
END_TEST

START_TEST(tasks_alive_are_as_the_golden_text) {
    expect_view("tasks_live.expected", MS_TASKS_LIVE, MS_TASKS_BY_AGE);
}
END_TEST

START_TEST(outlived_bytes_are_as_the_golden_text) {
    expect_view("tasks_outlived.expected", MS_TASKS_OUTLIVED, MS_TASKS_BY_OUTLIVED);
}
END_TEST

START_TEST(transfers_are_as_the_golden_text) {
    expect_view("tasks_transfers.expected", MS_TASKS_TRANSFERS, MS_TASKS_BY_LIVE);
}
END_TEST

START_TEST(summary_with_tasks_is_as_the_golden_text) {
    builder_server(&b);
    sum_up();
    const struct ms_report_options options = {.order = MS_ORDER_AT_PEAK, .top = 15};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_report_text(summary, &options, out), MEMSCOPE_OK);
    fclose(out);
    expect_golden("server.expected", text);
}
END_TEST

START_TEST(environment_is_told_by_strategy_with_its_numbers) {
    const struct {
        uint32_t strategy;
        const char *wanted;
    } cases[] = {
        {MEMSCOPE_STRATEGY_GLOBAL_DIRECT, "SingleThreaded: "},
        {MEMSCOPE_STRATEGY_THREAD_LOCAL, "MultiThreaded(2 threads): "},
        {MEMSCOPE_STRATEGY_TASK_LOCAL, "AsyncRuntime(4 async tasks): "},
        {MEMSCOPE_STRATEGY_HYBRID_TRACKING, "Hybrid(2 threads, 4 async tasks): "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        size_t bytes = 0;
        builder_server(&b);
        builder_header(&b)->strategy = cases[i].strategy;
        sum_up();
        FILE *out = open_memstream(&text, &bytes);
        ms_put_environment(out, summary);
        fclose(out);
        ck_assert_msg(strstr(text, cases[i].wanted) == text, "%s", text);
        expect_words(text, ": Boost.Asio, ");
    }
}
END_TEST

START_TEST(start_of_a_task_is_evidence_with_its_place) {
    builder_server(&b);
    builder_header(&b)->upgrade_site_ref =
        builder_site(&b, MEMSCOPE_SITE_TASK_START, "serve()", "/src/serve.cc", 77, 1);
    sum_up();
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ms_put_evidence(out, summary);
    fclose(out);
    expect_words(text, "a task was started at serve.cc:77; ");
}
END_TEST

START_TEST(summary_of_many_classes_still_fits_a_screen) {
    builder_server(&b);
    for (uint32_t i = 0; i < 30; i++)
        builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "more()", "/src/more.cc", i + 1, 0);
    sum_up();
    const struct ms_report_options options = {.order = MS_ORDER_AT_PEAK, .top = 15, .width = 70};
    char *text = NULL;
    size_t bytes = 0, lines = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_put_task_classes(out, summary, &options), MEMSCOPE_OK);
    fclose(out);
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(lines, 1 + 1 + 5 + 1);
    expect_words(text, "… 28 more (memscope tasks --by-class shows all)\n");
}
END_TEST

START_TEST(profile_without_tasks_has_no_part_about_them) {
    builder_picture(&b);
    sum_up();
    const struct ms_report_options options = {.order = MS_ORDER_AT_PEAK};
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ck_assert_int_eq(ms_put_task_classes(out, summary, &options), MEMSCOPE_OK);
    fclose(out);
    ck_assert_uint_eq(bytes, 0);
    // Its threads' root tasks are the tree.
    const struct ms_tasks_options tree = {.top = 40};
    expect_words(text_of(&tree), "tasks: 0 started, 0 alive  MultiThreaded(4 threads)\n");
    expect_words(text_of(&tree), "worker-3");
    const struct ms_tasks_options live = {.view = MS_TASKS_LIVE};
    expect_words(text_of(&live), "no task is alive\n");
    const struct ms_tasks_options transfers = {.view = MS_TASKS_TRANSFERS};
    expect_words(text_of(&transfers), "no task freed what another had allocated\n");
}
END_TEST

START_TEST(big_tree_shows_its_heaviest_part_and_counts_the_rest) {
    builder_crowd(&b, 1000, 0);
    for (uint32_t i = 0; i < 3; i++) // below the last child: heavy, and so is the way to it
        ((struct memscope_task_record *)builder_task(&b, 0, 2000 + i))->bytes = 5000;
    sum_up();
    const struct ms_tasks_options options = {.top = 6, .all = true};
    const char *text = text_of(&options);
    // The three of no class, main, the first and one of its 999 children.
    expect_words(text, "      5,000 B");
    expect_words(text, "… 998 more, live 99,800 B (--top 0 shows all)\n");
    const struct ms_tasks_options all = {.all = true};
    expect_no_words(text_of(&all), "more, live");
}
END_TEST

START_TEST(equal_siblings_and_what_is_below_them_are_one_row) {
    builder_server(&b);
    uint32_t above = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "above()", "/a.cc", 1, 0);
    uint32_t below = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "below()", "/a.cc", 2, 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct memscope_task_record *parent = builder_task(&b, above, 100 + 2 * i);
        parent->bytes = parent->peak_bytes = 1000 + i;
        for (uint32_t k = 0; k < 2; k++) {
            struct memscope_task_record *child = builder_task(&b, below, 200 + 2 * i + k);
            child->bytes = child->peak_bytes = 10;
            child->parent_id = parent->id;
            child->parent_ref = builder_ref(&b, parent);
            child->edge = MEMSCOPE_EDGE_AWAIT;
            child->state = MEMSCOPE_TASK_SUSPENDED;
        }
        parent->state = MEMSCOPE_TASK_SUSPENDED;
    }
    builder_task(&b, above, 300)->label_ref = builder_string(&b, "labelled");
    sum_up();
    const struct ms_tasks_options options = {0}, all = {.all = true};
    expect_words(text_of(&options),
                 "    3,003 B      3,063 B      1,002 B      3,003 B             0  ×3 above()  ");
    expect_words(
        text_of(&options),
        "       60 B                      10 B         60 B             0    ×6 awaits below()");
    expect_words(text_of(&options), "labelled");
    expect_no_words(text_of(&all), "×3");
    expect_words(text_of(&all), "    1,001 B      1,021 B");
}
END_TEST

START_TEST(libraries_own_coroutines_are_counted_with_the_task_above) {
    builder_server(&b);
    uint32_t own = builder_task_class(
        &b, MEMSCOPE_TASK_COROUTINE,
        "asio::awaitable<void, X> asio::async_result<X, void (int)>::initiate<asio::socket<Y, "
        "Z>::initiate_async_connect, asio::any>(asio::X)",
        "/usr/include/asio.hpp", 5, 0);
    uint32_t user = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "user(asio::X)", "/a.cc", 1, 0);
    builder_fold_ended(builder_fold(&b, own, 0), 2, 30, 30, 0);
    struct memscope_task_record *tasks[3];
    for (uint32_t i = 0; i < 3; i++) {
        tasks[i] = builder_task(&b, i == 1 ? own : user, 100 + i);
        tasks[i]->bytes = tasks[i]->peak_bytes = 1000 * (i + 1);
        tasks[i]->state = MEMSCOPE_TASK_SUSPENDED;
        tasks[i]->edge = i == 1 ? MEMSCOPE_EDGE_SPAWN : MEMSCOPE_EDGE_AWAIT;
        if (i > 0) {
            tasks[i]->parent_id = tasks[i - 1]->id;
            tasks[i]->parent_ref = builder_ref(&b, tasks[i - 1]);
        }
    }
    struct memscope_task_record *alone = builder_task(&b, own, 110);
    alone->bytes = 50000;
    alone->edge = MEMSCOPE_EDGE_SPAWN;
    alone->state = MEMSCOPE_TASK_SUSPENDED;
    struct memscope_task_record *below = builder_task(&b, user, 111);
    below->parent_id = alone->id;
    below->parent_ref = builder_ref(&b, alone);
    below->bytes = 60000;
    below->edge = MEMSCOPE_EDGE_AWAIT;
    below->state = MEMSCOPE_TASK_RUNNING;
    sum_up();
    const struct ms_tasks_options options = {0}, all = {.all = true};
    const struct ms_tasks_options classes = {.view = MS_TASKS_CLASSES};
    const char *name = "Asio: initiate<initiate_async_connect>";
    expect_words(text_of(&options), "    3,000 B      6,000 B      1,000 B      3,000 B");
    expect_words(text_of(&options), "    spawned user()"); // as the library's was
    expect_words(text_of(&options), "×2 ended of Asio's own (--all shows them)\n");
    expect_words(text_of(&classes), "Asio: 1 coroutine of its own (--all shows them)\n");
    // Without a task above, too: those below it are not.
    expect_words(text_of(&options),
                 "     50,000 B             0  of Asio's own (--all shows them)\n");
    expect_words(text_of(&options), "     60,000 B             0  spawned user()");
    expect_no_words(text_of(&options), name);
    expect_no_words(text_of(&classes), name);
    expect_words(text_of(&all), name);
    const struct ms_tasks_options all_classes = {.view = MS_TASKS_CLASSES, .all = true};
    expect_words(text_of(&all_classes), name);
}
END_TEST

START_TEST(deep_chain_is_a_tree_without_recursion) {
    builder_crowd(&b, 200000, 1);
    sum_up();
    const struct ms_tasks_options all = {0};
    const char *text = text_of(&all);
    size_t lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(lines, 1 + 1 + 1 + 200000);
    expect_words(text, "(200000) awaits one()");
}
END_TEST

START_TEST(sums_that_do_not_add_up_are_told) {
    builder_server(&b);
    sum_up();
    const struct ms_tasks_options options = {.view = MS_TASKS_CLASSES};
    expect_no_words(text_of(&options), "not added up");
    builder_task(&b, builder_task_class(&b, MEMSCOPE_TASK_FIBER, "f", "/a.c", 1, 0), 50)->bytes = 7;
    sum_up();
    expect_words(text_of(&options),
                 "not added up: 1 task class with 0 B by their sites, 7 B by their tasks\n");
}
END_TEST

START_TEST(end_in_mid_flight_is_told_in_words) {
    builder_server(&b);
    builder_fold(&b, builder_task_class(&b, MEMSCOPE_TASK_FIBER, "f", "/a.c", 1, 0), 0)->sequence =
        1;
    sum_up();
    const struct ms_tasks_options options = {.view = MS_TASKS_CLASSES};
    expect_words(text_of(&options), "f()  1 ending just then\n");
}
END_TEST

START_TEST(texts_of_tasks_reach_no_terminal_raw) {
    builder_server(&b);
    uint32_t bad = builder_string(&b, "x\033[2J\a\xff");
    uint32_t class_ref = builder_task_class(&b, MEMSCOPE_TASK_FIBER, "f\033", "/a\n.c", 1, 0);
    ((struct memscope_task_class_record *)builder_record(&b, class_ref))->promise_type_ref = bad;
    struct memscope_task_record *task = builder_task(&b, class_ref, 60);
    task->name_ref = task->label_ref = bad;
    task->outlived_bytes = 1;
    sum_up();
    for (int view = MS_TASKS_TREE; view <= MS_TASKS_TRANSFERS; view++) {
        const struct ms_tasks_options options = {.view = (enum ms_tasks_view)view};
        const char *text = text_of(&options);
        for (const char *p = text; *p; p++)
            ck_assert_msg((unsigned char)*p >= 0x20 || *p == '\n', "0x%02x in:\n%s", *p, text);
    }
    const struct ms_tasks_options tree = {0};
    expect_words(text_of(&tree), "x\\x1b[2J\\x07\xEF\xBF\xBD, f\\x1b()");
}
END_TEST

START_TEST(spawn_place_in_foreign_code_is_told_by_its_symbols) {
    static const struct ms_frame frames[] = {{"listen(int)", "/src/net.cc", 9, 3}};
    builder_server(&b);
    sum_up();
    for (size_t i = 0; i < summary->site_count; i++) {
        if (!summary->sites[i].foreign)
            continue;
        summary->sites[i].symbols = frames;
        summary->sites[i].symbol_count = 1;
        summary->sites[i].user_depth = 0;
    }
    const struct ms_tasks_options tree = {.top = 40};
    expect_words(text_of(&tree), "awaits read()  (net.cc:9)");
    char *json = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&json, &bytes);
    ck_assert_int_eq(ms_report_tasks_json(summary, &tree, out), MEMSCOPE_OK);
    fclose(out);
    expect_words(json, "\"file\": \"/src/net.cc\", \"line\": 9, \"function\": \"listen(int)\", "
                       "\"module\": \"/usr/lib/libnet.so\", \"offset\": 7980");
}
END_TEST

static struct ms_runtime runtimes[MS_RUNTIMES_MOST];
static size_t runtime_count;

static const struct ms_runtime *runtime_of(const char *name) {
    for (size_t i = 0; i < runtime_count; i++)
        if (strcmp(runtimes[i].name, name) == 0)
            return &runtimes[i];
    return NULL;
}

START_TEST(libraries_are_known_by_promise_type_function_and_module) {
    builder_server(&b);
    uint32_t fiber = builder_task_class(&b, MEMSCOPE_TASK_FIBER,
                                        "boost::context::detail::fiber_entry<X>(Y)", NULL, 0, 0);
    builder_fold(&b, fiber, 0)->started = 1;
    uint32_t never = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "cppcoro::f()", NULL, 0, 0);
    builder_fold(&b, never, 0); // no task of it began
    builder_module(&b, "/usr/lib/libboost_fiber.so.1.81.0", 1);
    sum_up();
    runtime_count = ms_find_runtimes(summary, runtimes);
    ck_assert(runtime_of("Boost.Asio")->used && runtime_of("Boost.Asio")->linked_in);
    ck_assert_str_eq(runtime_of("Boost.Asio")->evidence,
                     "boost::asio::detail::awaitable_frame<void, boost::asio::any_io_executor>");
    ck_assert(runtime_of("Boost.Context")->used);
    ck_assert(!runtime_of("Boost.Fiber")->used && runtime_of("Boost.Fiber")->linked_in);
    ck_assert(runtime_of("C++20 coroutines")->used); // read() is of no known library
    ck_assert_ptr_null(runtime_of("cppcoro"));
    ck_assert_ptr_null(runtime_of("Asio"));
    ck_assert_ptr_null(runtime_of("fibers"));
}
END_TEST

START_TEST(sites_without_a_task_are_linked_in_but_not_used) {
    builder_picture(&b);
    builder_header(&b)->coroutine_sites = 3;
    sum_up();
    runtime_count = ms_find_runtimes(summary, runtimes);
    ck_assert_uint_eq(runtime_count, 1);
    ck_assert(runtime_of("C++20 coroutines")->linked_in && !runtime_of("C++20 coroutines")->used);
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    ms_put_environment(out, summary);
    fclose(out);
    ck_assert_str_eq(text, "MultiThreaded(4 threads): C++20 coroutines (linked in, not used)");
}
END_TEST

static const struct claim claims[] = {
    CLAIM(task_tree_is_as_the_golden_text),
    CLAIM(task_classes_are_as_the_golden_text),
    CLAIM(tasks_alive_are_as_the_golden_text),
    CLAIM(outlived_bytes_are_as_the_golden_text),
    CLAIM(transfers_are_as_the_golden_text),
    CLAIM(summary_with_tasks_is_as_the_golden_text),
    CLAIM(environment_is_told_by_strategy_with_its_numbers),
    CLAIM(start_of_a_task_is_evidence_with_its_place),
    CLAIM(summary_of_many_classes_still_fits_a_screen),
    CLAIM(profile_without_tasks_has_no_part_about_them),
    CLAIM(big_tree_shows_its_heaviest_part_and_counts_the_rest),
    CLAIM(equal_siblings_and_what_is_below_them_are_one_row),
    CLAIM(libraries_own_coroutines_are_counted_with_the_task_above),
    CLAIM(deep_chain_is_a_tree_without_recursion),
    CLAIM(sums_that_do_not_add_up_are_told),
    CLAIM(end_in_mid_flight_is_told_in_words),
    CLAIM(texts_of_tasks_reach_no_terminal_raw),
    CLAIM(spawn_place_in_foreign_code_is_told_by_its_symbols),
    CLAIM(libraries_are_known_by_promise_type_function_and_module),
    CLAIM(sites_without_a_task_are_linked_in_but_not_used),
};

int main(void) {
    return RUN_CLAIMS("report", claims);
}
