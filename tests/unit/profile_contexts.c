// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contexts: cells by their stacks, named.

#include "builder.h"
#include "claims.h"
#include "fake_symbolizer.h"

#include <profile/contexts.h>

static struct builder b;
static struct ms_profile *profile;
static struct ms_summary *summary;
static struct ms_contexts *contexts;

static memscope_status read_contexts(const char *program) {
    char message[MS_MESSAGE_BYTES];
    struct ms_resolve_options options = {.symbolizer = program, .timeout_ms = 20000};
    ck_assert_int_eq(ms_profile_from_memory("x.msp", b.bytes, builder_size(&b), &profile, message),
                     MEMSCOPE_OK);
    ck_assert_int_eq(ms_summary_create(profile, &summary), MEMSCOPE_OK);
    if (program)
        ms_summary_resolve(summary, &options);
    memscope_status status = ms_contexts_create(summary, program ? &options : NULL, &contexts);
    ck_assert_ptr_nonnull(contexts);
    return status;
}

static void end(void) {
    ms_contexts_destroy(contexts);
    ms_summary_destroy(summary);
    ms_profile_close(profile);
    builder_end(&b);
    end_folder();
}

static void begin_stacks(void) {
    begin_folder();
    builder_stacks(&b, path_of("app"), 0);
    write_module(path_of("app"), &b, 10);
}

// "grow(int) a.cc:10 <i push(int) a.cc:20 <- main ...": the frame that a line belongs to, then how
// it came to be: <i inlined into, <- called by, <~ awaited by, <* started by.
static const char *text_of(const struct ms_context *context) {
    static char text[4096];
    size_t at = 0;
    for (uint32_t i = 0; i < context->frame_count; i++) {
        const struct ms_stack_frame *frame = ms_context_frame(context, i);
        const char *joint = frame->kind == MS_STACK_AWAIT               ? " <~ "
                            : frame->kind == MS_STACK_SPAWN             ? " <* "
                            : i == 0                                    ? ""
                            : ms_context_frame(context, i - 1)->inlined ? " <i "
                                                                        : " <- ";
        const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;
        if (frame->function)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", joint, frame->function);
        else
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s+0x%llx", joint,
                                   frame->module ? strrchr(frame->module->path, '/') + 1 : "?",
                                   (unsigned long long)frame->module_offset);
        if (frame->file)
            at += (size_t)snprintf(text + at, sizeof text - at, " %s:%u", slash + 1, frame->line);
    }
    return text;
}

static void expect_stack(uint64_t bytes, const char *wanted) {
    for (size_t i = 0; i < contexts->count; i++) {
        if (contexts->items[i].counts.bytes != bytes)
            continue;
        ck_assert_str_eq(text_of(&contexts->items[i]), wanted);
        return;
    }
    ck_abort_msg("no context of %llu bytes", (unsigned long long)bytes);
}

#define NAMES(codes) symbolizer_of(codes, sizeof(codes) / sizeof *(codes))

START_TEST(site_frames_replace_their_machine_frame_and_keep_what_is_further_out) {
    begin_stacks();
    ck_assert_int_eq(read_contexts(NAMES(stacks_codes)), MEMSCOPE_OK);
    expect_stack(100, "grow(int) a.cc:10 <i push(int) a.cc:20 <i handle() a.cc:30 <- main "
                      "main.cc:5");
    expect_stack(20000, "leaf(node*) tree.cc:15 <- walk(node*) tree.cc:7 <- walk(node*) tree.cc:7 "
                        "<- walk(node*) tree.cc:7 <- main main.cc:5");
    end();
}
END_TEST

START_TEST(threads_of_one_start_are_one_context) {
    begin_stacks();
    read_contexts(NAMES(stacks_codes));
    expect_stack(10 + 11, "grow(int) a.cc:10 <i push(int) a.cc:20 <i handle() a.cc:30 <- "
                          "work(void*) pool.cc:30 <* Pool::start() pool.cc:41");
    expect_stack(12, "grow(int) a.cc:10 <i push(int) a.cc:20 <i handle() a.cc:30 <- work(void*) "
                     "pool.cc:30 <* Timer::start() timer.cc:9");
    end();
}
END_TEST

START_TEST(same_line_through_two_await_chains_is_two_contexts) {
    begin_stacks();
    read_contexts(NAMES(stacks_codes));
    expect_stack(4000, "read(int) net.cc:44 <~ session(int) net.cc:27 <* accept_loop() main.cc:12");
    expect_stack(500, "read(int) net.cc:44 <* accept_loop() main.cc:12");
    end();
}
END_TEST

START_TEST(sums_of_contexts_and_of_what_has_none_are_the_total) {
    begin_stacks();
    read_contexts(NAMES(stacks_codes));
    struct ms_counts sum = contexts->without;
    ck_assert_uint_eq(sum.bytes, 7);
    for (size_t i = 0; i < contexts->count; i++) {
        sum.bytes += contexts->items[i].counts.bytes;
        sum.allocations += contexts->items[i].counts.allocations;
        sum.at_peak_bytes += contexts->items[i].counts.at_peak_bytes;
    }
    ck_assert_uint_eq(sum.bytes, summary->total.bytes);
    ck_assert_uint_eq(sum.allocations, summary->total.allocations);
    ck_assert_uint_eq(sum.at_peak_bytes, summary->total.at_peak_bytes);
    ck_assert_uint_eq(contexts->count, 7);
    ck_assert_uint_eq(contexts->cut_count, 1);
    ck_assert_uint_eq(contexts->broken_count, 1);
    ck_assert_uint_eq(contexts->deepest, 8);
    end();
}
END_TEST

START_TEST(without_names_frames_are_modules_and_offsets) {
    begin_stacks();
    ck_assert_int_eq(read_contexts(NULL), MEMSCOPE_OK);
    ck_assert_uint_eq(contexts->unresolved_modules, 0);
    // The site's own function has no name, too: its machine frame is taken for it.
    expect_stack(100, "grow(int) a.cc:10 <i push(int) a.cc:20 <- app+0x1021 <- app+0x1031 <- "
                      "app+0x1041 <- app+0x1051");
    expect_stack(3000, "libfoo.so+0x2011 <- app+0x1021");
    end();
}
END_TEST

// --- stacks made for one claim -----------------------------------------------------------------

static uint32_t thread;

// A profile with one module, app, of ordinal 1.
static void begin_app(void) {
    begin_folder();
    builder_begin(&b, 1000);
    uint32_t app = builder_module(&b, path_of("app"), 0);
    builder_ordinal(&b, app, 1);
    builder_header(&b)->main_module_ref = app;
    thread = builder_thread(&b, 0, "app", 0);
    write_module(path_of("app"), &b, 10);
}

#define APP(address) memscope_code(1, address)
#define COUNT(...) (sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
#define ADD(bytes, site, awaiter, class_ref, ...)                                                  \
    builder_stack_cell(                                                                            \
        &b,                                                                                        \
        builder_context(&b, site, awaiter, COUNT(__VA_ARGS__), (const uint64_t[]){__VA_ARGS__}),   \
        site, thread, class_ref, bytes)

static const struct fake_code codes[] = {
    {0x100, "f(int)|/a.cc|1|1"},
    {0x200, "g()|/a.cc|2|1"},
    {0x300, "h()|/a.cc|3|1"},
    {0x400, "void wrap<int>(int)|/b.h|4|1\nf(int)|/a.cc|1|1\nf(int)|/a.cc|9|1\ng()|/a.cc|8|1"},
    {0x500, "task(int) (.resume)|/t.cc|5|1"},
    {0x600, "run_thread|/mine.c|6|1"},
    {0x700, "start_thread"},
    {0x800, "__memscope_malloc|/hooks.c|1|1"},
    {0x900, "strdup"},
    {0xa00, "g()|/a.cc|2|1"}, // elsewhere, but of the same name and line
};

START_TEST(tail_call_leaves_the_machine_stack_whole) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "gone()", "/a.cc", 7, 1);
    ADD(1, site, 0, 0, APP(0x101), APP(0x201));
    read_contexts(NAMES(codes));
    expect_stack(1, "gone() a.cc:7 <- f(int) a.cc:1 <- g() a.cc:2");
    end();
}
END_TEST

START_TEST(site_is_looked_for_among_the_first_eight_frames) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "h()", "/a.cc", 7, 1);
    ADD(1, site, 0, 0, APP(0x201), APP(0x201), APP(0x201), APP(0x201), APP(0x201), APP(0x201),
        APP(0x201), APP(0x301), APP(0x101));
    ADD(2, site, 0, 0, APP(0x201), APP(0x201), APP(0x201), APP(0x201), APP(0x201), APP(0x201),
        APP(0x201), APP(0x201), APP(0x301));
    read_contexts(NAMES(codes));
    expect_stack(1, "h() a.cc:7 <- f(int) a.cc:1");
    expect_stack(2, "h() a.cc:7 <- g() a.cc:2 <- g() a.cc:2 <- g() a.cc:2 <- g() a.cc:2 <- g() "
                    "a.cc:2 <- g() a.cc:2 <- g() a.cc:2 <- g() a.cc:2 <- h() a.cc:3");
    end();
}
END_TEST

// wrap() in f() in f() in g(): which f() the site's is its own depth tells.
START_TEST(recursion_that_was_inlined_is_cut_at_the_sites_depth) {
    begin_app();
    const struct builder_frame callers[] = {{"f(int)", "/a.cc", 1, 1}, {"f(int)", "/a.cc", 9, 1}};
    for (uint16_t depth = 1; depth <= 2; depth++) {
        uint32_t site = builder_inlined_site(&b, MEMSCOPE_SITE_MALLOC, "void wrap<int>(int)",
                                             "/b.h", 4, 1, depth, callers);
        ADD(depth, site, 0, 0, APP(0x401), APP(0x301));
    }
    read_contexts(NAMES(codes));
    const char *wanted = "void wrap<int>(int) b.h:4 <i f(int) a.cc:1 <i f(int) a.cc:9 <i g() "
                         "a.cc:8 <- h() a.cc:3";
    expect_stack(1, wanted);
    expect_stack(2, wanted);
    end();
}
END_TEST

START_TEST(frames_of_no_module_are_addresses) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f(int)", "/a.cc", 1, 1);
    ADD(1, site, 0, 0, APP(0x101), memscope_code(0, 0x7f1234567890), memscope_code(9, 0x42));
    read_contexts(NAMES(codes));
    expect_stack(1, "f(int) a.cc:1 <- ?+0x7f1234567890 <- ?+0x42");
    end();
}
END_TEST

START_TEST(hooks_and_starts_of_threads_are_left_out_a_programs_own_functions_are_not) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f(int)", "/a.cc", 1, 1);
    ADD(1, site, 0, 0, APP(0x801), APP(0x101), APP(0x801), APP(0x601), APP(0x701));
    // A thread's function may be called as the runtime's, and what is called as a start in between.
    ADD(2, site, 0, 0, APP(0x101), APP(0x601), APP(0x601), APP(0x701));
    ADD(4, site, 0, 0, APP(0x101), APP(0x701), APP(0x301), APP(0x701));
    // The runtime's library, whatever its functions are called.
    uint32_t runtime = builder_module(&b, "/lib/libmemscope_rt.so", 0);
    builder_ordinal(&b, runtime, 3);
    ADD(8, site, 0, 0, APP(0x101), memscope_code(3, 0x101), APP(0x301), memscope_code(3, 0x42));
    read_contexts(NAMES(codes));
    expect_stack(8, "f(int) a.cc:1 <- h() a.cc:3");
    expect_stack(1, "f(int) a.cc:1");
    expect_stack(2, "f(int) a.cc:1 <- run_thread mine.c:6");
    expect_stack(4, "f(int) a.cc:1 <- start_thread <- h() a.cc:3");
    end();
}
END_TEST

START_TEST(records_of_the_same_names_are_one_context) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f(int)", "/a.cc", 1, 1);
    uint32_t again = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f(int)", "/a.cc", 1, 1);
    // Of another loading of the module.
    uint32_t app = builder_module(&b, path_of("app"), 0);
    builder_ordinal(&b, app, 2);
    ADD(1, site, 0, 0, APP(0x101), APP(0x201));
    ADD(2, again, 0, 0, memscope_code(2, 0x101), APP(0xa01));
    ADD(4, site, 0, 0, APP(0x101), APP(0x301));
    read_contexts(NAMES(codes));
    ck_assert_uint_eq(contexts->count, 2);
    expect_stack(1 + 2, "f(int) a.cc:1 <- g() a.cc:2");
    expect_stack(4, "f(int) a.cc:1 <- h() a.cc:3");
    // Peaks of two cells are known up to a bound.
    const struct ms_counts *counts =
        &contexts->items[contexts->items[0].counts.bytes == 3 ? 0 : 1].counts;
    ck_assert_uint_eq(counts->allocations, 2);
    ck_assert_uint_eq(counts->peak_bytes, 3);
    ck_assert_uint_eq(counts->peak_error_bytes, 0);
    // Without names they are two, for nobody knows.
    ms_contexts_destroy(contexts);
    ms_summary_destroy(summary);
    ms_profile_close(profile);
    read_contexts(NULL);
    ck_assert_uint_eq(contexts->count, 3);
    end();
}
END_TEST

START_TEST(task_has_a_frame_of_its_own_only_where_its_stack_lacks_it) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f(int)", "/a.cc", 1, 1);
    uint32_t spawn = builder_site(&b, MEMSCOPE_SITE_TASK_START, "begin()", "/main.cc", 2, 1);
    uint32_t task = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "task(int)", "/t.cc", 3, spawn);
    uint32_t alone = builder_awaiter(&b, task, 0);
    uint32_t nested = builder_awaiter(&b, task, alone);
    ADD(1, site, alone, task, APP(0x101), APP(0x501));
    ADD(2, site, alone, task, APP(0x101), APP(0x201));
    ADD(4, site, nested, task, APP(0x101), APP(0x501));
    // Its awaiters are not known: its class tells.
    ADD(8, site, 0, task, APP(0x101), APP(0x501));
    read_contexts(NAMES(codes));
    expect_stack(1 + 8, "f(int) a.cc:1 <- task(int) t.cc:5 <* begin() main.cc:2");
    expect_stack(2, "f(int) a.cc:1 <- g() a.cc:2 <~ task(int) t.cc:0 <* begin() main.cc:2");
    expect_stack(4, "f(int) a.cc:1 <- task(int) t.cc:5 <~ task(int) t.cc:0 <* begin() main.cc:2");
    for (size_t i = 0; i < contexts->count; i++)
        ck_assert_str_eq(contexts->items[i].task, "task(int)");
    end();
}
END_TEST

START_TEST(awaiting_tasks_are_told_apart_by_their_functions_not_by_their_starts) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f(int)", "/a.cc", 1, 1);
    uint32_t root = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "root()", "/t.cc", 9, 0);
    const char *const functions[] = {"mid()", "mid()", "other()"};
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t spawn = builder_site(&b, MEMSCOPE_SITE_TASK_START, "root()", "/t.cc", 10 + i, 1);
        uint32_t mid =
            builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, functions[i], "/t.cc", 5, spawn);
        uint32_t chain = builder_awaiter(&b, mid, builder_awaiter(&b, root, 0));
        ADD(1u << i, site, chain, mid, APP(0x101));
    }
    read_contexts(NAMES(codes));
    ck_assert_uint_eq(contexts->count, 2);
    expect_stack(1 + 2, "f(int) a.cc:1 <~ mid() t.cc:0 <~ root() t.cc:0");
    expect_stack(4, "f(int) a.cc:1 <~ other() t.cc:0 <~ root() t.cc:0");
    end();
}
END_TEST

START_TEST(awaiting_task_has_the_line_where_it_awaits_and_each_line_is_a_context) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f(int)", "/a.cc", 1, 1);
    uint32_t root = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "root()", "/t.cc", 9, 0);
    uint32_t leaf = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "leaf()", "/t.cc", 5, 0);
    uint32_t alone = builder_awaiter(&b, root, 0);
    const uint32_t lines[] = {11, 12, 0, 11};
    for (uint32_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        uint32_t chain = builder_awaiter(&b, leaf, alone);
        ((struct memscope_awaiter_record *)builder_record(&b, chain))->line = lines[i];
        ADD(1u << i, site, chain, leaf, APP(0x101));
    }
    read_contexts(NAMES(codes));
    ck_assert_uint_eq(contexts->count, 3);
    expect_stack(1 + 8, "f(int) a.cc:1 <~ leaf() t.cc:0 <~ root() t.cc:11");
    expect_stack(2, "f(int) a.cc:1 <~ leaf() t.cc:0 <~ root() t.cc:12");
    expect_stack(4, "f(int) a.cc:1 <~ leaf() t.cc:0 <~ root() t.cc:0");
    end();
}
END_TEST

START_TEST(cut_chain_of_tasks_tells_no_start) {
    begin_app();
    uint32_t site = builder_site(&b, MEMSCOPE_SITE_MALLOC, "f(int)", "/a.cc", 1, 1);
    uint32_t spawn = builder_site(&b, MEMSCOPE_SITE_TASK_START, "begin()", "/main.cc", 2, 1);
    uint32_t task = builder_task_class(&b, MEMSCOPE_TASK_COROUTINE, "task(int)", "/t.cc", 3, spawn);
    uint32_t cut = builder_awaiter(&b, task, 0);
    ((struct memscope_record *)builder_record(&b, cut))->flags = MEMSCOPE_CONTEXT_CUT;
    ADD(1, site, cut, task, APP(0x101), APP(0x501));
    // A circle, which only damage makes, ends.
    uint32_t circle = builder_awaiter(&b, task, cut);
    ((struct memscope_awaiter_record *)builder_record(&b, circle))->awaiter_ref = circle;
    ADD(2, site, circle, task, APP(0x101), APP(0x501));
    read_contexts(NAMES(codes));
    expect_stack(1, "f(int) a.cc:1 <- task(int) t.cc:5");
    ck_assert_uint_eq(contexts->count, 2);
    ck_assert_uint_eq(contexts->cut_count, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert_uint_le(contexts->items[i].frame_count, 2 + 512 + 1);
    end();
}
END_TEST

START_TEST(foreign_site_has_the_machine_stack_alone) {
    begin_app();
    uint32_t app = builder_header(&b)->main_module_ref;
    uint32_t site = builder_foreign(&b, app, 0x901);
    ADD(1, site, 0, 0, APP(0x901), APP(0x201));
    builder_stack_cell(&b, builder_context(&b, site, 0, 0, NULL), site, thread, 0, 2);
    read_contexts(NAMES(codes));
    expect_stack(1, "strdup <- g() a.cc:2");
    expect_stack(2, "strdup");
    end();
}
END_TEST

START_TEST(labels_name_the_thread_unless_there_are_several) {
    begin_stacks();
    read_contexts(NAMES(stacks_codes));
    size_t several = 0, timers = 0;
    for (size_t i = 0; i < contexts->count; i++) {
        const struct ms_context *one = &contexts->items[i];
        if (one->counts.bytes == 21)
            several += one->thread == NULL && one->task == NULL;
        else if (one->counts.bytes == 12)
            timers += strcmp(one->thread, "timer") == 0;
        else
            ck_assert_str_eq(one->thread, "main");
    }
    ck_assert_uint_eq(several, 1);
    ck_assert_uint_eq(timers, 1);
    end();
}
END_TEST

START_TEST(same_function_is_known_by_its_name) {
    static const char *const same[][2] = {
        {"f(int)", "f(int)"},
        {"f(int)", "f(int) (.resume)"},
        {"f(int)", "f(int) [clone .cold]"},
        {"f", "f.constprop.0"},
        {"f(int)", "f"},
        {"void ns::g<int>(int)", "ns::g<int>"},
        {"a<b<int> >::c()", "a<b<int>>::c()"},
        {"operator new(unsigned long)", "operator new"},
        {"A::operator()(int) const", "A::operator()"},
        {"(anonymous namespace)::f(int)", "(anonymous namespace)::f"},
        {"f()::{lambda(int)#1}::operator()(int) const",
         "f()::{lambda(int)#1}::operator()(int) const"},
    };
    static const char *const others[][2] = {
        {"f(int)", "f(long)"},
        {"f(int)", "g(int)"},
        {"f", "ff"},
        {"ns::f()", "f()"},
        {"f<int>()", "f<long>()"},
        {"f()::{lambda(int)#1}::operator()(int) const", "f"},
        {"f", NULL},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        ck_assert_msg(ms_same_function(same[i][0], same[i][1]) &&
                          ms_same_function(same[i][1], same[i][0]),
                      "%s %s", same[i][0], same[i][1]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!ms_same_function(others[i][0], others[i][1]) &&
                          !ms_same_function(others[i][1], others[i][0]),
                      "%s", others[i][0]);
}
END_TEST

START_TEST(names_of_older_rust_are_as_they_were_written) {
    static const char *const names[][2] = {
        {"r::main::h086b0cfd890a8ea9", "r::main"},
        {"alloc::vec::Vec$LT$T$C$A$GT$::push::h21a1622d9f2b638a", "alloc::vec::Vec<T,A>::push"},
        {"_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$a..Clone$GT$::clone::h0123456789abcdef",
         "<alloc::vec::Vec<T> as a::Clone>::clone"},
        {"a::_$u7b$$u7b$closure$u7d$$u7d$::ha86af84d9cc65291", "a::{{closure}}"},
        {"f$u7$::$u$::$u7b::h0123456789abcdef", "f$u7$::$u$::$u7b"},
        {"_a::$x::h0123456789abcdef", "_a::$x"},
        // None of Rust's.
        {"ns::f$LT$::h0123456789abcdeg", "ns::f$LT$::h0123456789abcdeg"},
        {"f::h086b0cfd890a8ea", "f::h086b0cfd890a8ea"},
        {"::h086b0cfd890a8ea9", "::h086b0cfd890a8ea9"},
        {"f(int)", "f(int)"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[128];
        strcpy(name, names[i][0]);
        ms_unescape_rust(name);
        ck_assert_str_eq(name, names[i][1]);
    }
}
END_TEST

static const struct claim claims[] = {
    CLAIM(names_of_older_rust_are_as_they_were_written),
    CLAIM(site_frames_replace_their_machine_frame_and_keep_what_is_further_out),
    CLAIM(threads_of_one_start_are_one_context),
    CLAIM(same_line_through_two_await_chains_is_two_contexts),
    CLAIM(sums_of_contexts_and_of_what_has_none_are_the_total),
    CLAIM(without_names_frames_are_modules_and_offsets),
    CLAIM(tail_call_leaves_the_machine_stack_whole),
    CLAIM(site_is_looked_for_among_the_first_eight_frames),
    CLAIM(recursion_that_was_inlined_is_cut_at_the_sites_depth),
    CLAIM(frames_of_no_module_are_addresses),
    CLAIM(hooks_and_starts_of_threads_are_left_out_a_programs_own_functions_are_not),
    CLAIM(records_of_the_same_names_are_one_context),
    CLAIM(task_has_a_frame_of_its_own_only_where_its_stack_lacks_it),
    CLAIM(awaiting_tasks_are_told_apart_by_their_functions_not_by_their_starts),
    CLAIM(awaiting_task_has_the_line_where_it_awaits_and_each_line_is_a_context),
    CLAIM(cut_chain_of_tasks_tells_no_start),
    CLAIM(foreign_site_has_the_machine_stack_alone),
    CLAIM(labels_name_the_thread_unless_there_are_several),
    CLAIM(same_function_is_known_by_its_name),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
