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
        const struct ms_stack_frame *frame = &context->frames[i];
        const char *joint = frame->kind == MS_STACK_AWAIT    ? " <~ "
                            : frame->kind == MS_STACK_SPAWN  ? " <* "
                            : i == 0                         ? ""
                            : context->frames[i - 1].inlined ? " <i "
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
    expect_stack(4000, "read(int) net.cc:44 <~ session(int) net.cc:20 <* accept_loop() main.cc:12");
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

static const struct claim claims[] = {
    CLAIM(site_frames_replace_their_machine_frame_and_keep_what_is_further_out),
    CLAIM(threads_of_one_start_are_one_context),
    CLAIM(same_line_through_two_await_chains_is_two_contexts),
    CLAIM(sums_of_contexts_and_of_what_has_none_are_the_total),
    CLAIM(without_names_frames_are_modules_and_offsets),
};

int main(void) {
    return RUN_CLAIMS("profile", claims);
}
