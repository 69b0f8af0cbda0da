// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See stacks.h.

#include "stacks.h"

#include <stdlib.h>
#include <string.h>

#include "builder.h"

#define FRAMES_MOST 64

static const uint8_t build_id[] = {0xDE, 0xAD, 0xBE, 0xEF};
static struct ms_module modules[] = {
    {.id = 1,
     .path = "/opt/app/bin/app",
     .build_id = build_id,
     .build_id_length = sizeof build_id,
     .map_start = 0x400000,
     .map_end = 0x500000,
     .load_bias = 0x400000},
    {.id = 2,
     .path = "/opt/app/lib/libapp.so",
     .map_start = 0x600000,
     .map_end = 0x610000,
     .load_bias = 0x600000},
    {.id = 3,
     .path = "/usr/lib/libc.so.6",
     .map_start = 0x700000,
     .map_end = 0x800000,
     .load_bias = 0x700000},
    {.id = 4,
     .path = "/opt/memscope/lib/libmemscope_rt.so",
     .map_start = 0x900000,
     .map_end = 0x910000,
     .load_bias = 0x900000},
};

struct ms_contexts *stacks_begin(size_t count) {
    static struct builder builder;
    char message[MS_MESSAGE_BYTES];
    struct ms_profile *profile;
    struct ms_summary *summary;
    struct ms_contexts *contexts = calloc(1, sizeof *contexts);
    builder_picture(&builder);
    builder_header(&builder)->executable_ref = builder_string(&builder, modules[0].path);
    builder_seal(&builder);
    if (!contexts ||
        ms_profile_from_memory("x.msp", builder.bytes, builder_size(&builder), &profile, message) !=
            MEMSCOPE_OK ||
        ms_summary_create(profile, &summary) != MEMSCOPE_OK)
        abort();
    contexts->summary = summary;
    contexts->items = calloc(count, sizeof *contexts->items);
    return contexts;
}

struct ms_context *stacks_add(struct ms_contexts *contexts, uint64_t bytes) {
    struct ms_context *context = &contexts->items[contexts->count++];
    *context = (struct ms_context){
        .id = (uint32_t)contexts->count,
        .frames = calloc(FRAMES_MOST, sizeof *context->frames),
        .thread = "main",
        .counts = {.allocations = 1,
                   .bytes = bytes,
                   .live_allocations = 1,
                   .live_bytes = bytes,
                   .at_peak_bytes = bytes,
                   .peak_bytes = bytes},
    };
    return context;
}

struct ms_stack_frame *stacks_frame(struct ms_context *context, const char *function,
                                    const char *file, uint32_t line) {
    if (context->frame_count == FRAMES_MOST)
        abort();
    struct ms_stack_frame *frame =
        (struct ms_stack_frame *)&context->frames[context->frame_count++];
    *frame = (struct ms_stack_frame){.function = function,
                                     .file = file,
                                     .line = line,
                                     .module = &modules[0],
                                     .module_offset = 0x1000 + 16 * line};
    return frame;
}

static void put_root(struct ms_context *context) {
    stacks_frame(context, "main", "/src/main.cc", 3);
    struct ms_stack_frame *start = stacks_frame(context, NULL, NULL, 0);
    start->module = &modules[2];
    start->module_offset = 0x29d90;
}

static void set_counts(struct ms_context *context, uint64_t allocations, uint64_t bytes,
                       uint64_t live, uint64_t at_peak, uint64_t peak, uint64_t temporary) {
    context->counts = (struct ms_counts){
        .allocations = allocations,
        .bytes = bytes,
        .frees = allocations - (live > 0),
        .freed_bytes = bytes - live,
        .live_allocations = live > 0,
        .live_bytes = live,
        .at_peak_bytes = at_peak,
        .peak_bytes = peak,
        .temporary = temporary,
    };
}

static void add_calls(struct ms_contexts *contexts) {
    struct ms_context *parse = stacks_add(contexts, 0);
    set_counts(parse, 10, 5000, 1000, 4000, 4200, 3);
    stacks_frame(parse, "parse(char const*)", "/src/parse.cc", 7);
    stacks_frame(parse, "serve(int)", "/src/serve.cc", 12);
    put_root(parse);
    // operator new in a header, inlined into the user's line.
    struct ms_context *log = stacks_add(contexts, 0);
    set_counts(log, 20, 2000, 0, 500, 800, 20);
    stacks_frame(log,
                 "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> "
                 ">::_M_mutate(unsigned long)",
                 "/usr/include/c++/12/bits/basic_string.tcc", 328)
        ->inlined = true;
    stacks_frame(log, "log<&\"quoted\">(int)", "/src/log.cc", 5)->module = &modules[1];
    ((struct ms_stack_frame *)log->frames)[0].module = &modules[1];
    ((struct ms_stack_frame *)log->frames)[0].module_offset = log->frames[1].module_offset;
    stacks_frame(log, "serve(int)", "/src/serve.cc", 14);
    put_root(log);
    // Foreign code that allocates.
    struct ms_context *foreign = stacks_add(contexts, 0);
    set_counts(foreign, 1, 1024, 1024, 1024, 1024, 0);
    foreign->counts.live_allocations = 1;
    struct ms_stack_frame *frame = stacks_frame(foreign, "fopen", NULL, 0);
    frame->module = &modules[2];
    frame->module_offset = 0x75000;
    put_root(foreign);
}

static void add_recursion(struct ms_contexts *contexts) {
    struct ms_context *walk = stacks_add(contexts, 300);
    stacks_frame(walk, "walk(node*)", "/src/tree.cc", 20);
    stacks_frame(walk, "walk(node*)", "/src/tree.cc", 21);
    stacks_frame(walk, "walk(node*)", "/src/tree.cc", 22);
    put_root(walk);
    struct ms_context *odd = stacks_add(contexts, 200);
    for (int i = 0; i < 5; i++)
        stacks_frame(odd, i % 2 ? "even(int)" : "odd(int)", "/src/odd.cc", i % 2 ? 4 : 8);
    stacks_frame(odd, "even(int)", "/src/odd.cc", 4);
    put_root(odd);
}

static void add_tasks(struct ms_contexts *contexts) {
    struct ms_context *answer = stacks_add(contexts, 0);
    set_counts(answer, 64, 4096, 64, 2048, 2048, 0);
    answer->task = "answer(int)";
    answer->thread = NULL;
    stacks_frame(answer, "read_line(socket&)", "/src/server.cc", 9);
    stacks_frame(answer, "answer(int)", "/src/server.cc", 30);
    stacks_frame(answer, "client(int)", "/src/server.cc", 41)->kind = MS_STACK_AWAIT;
    stacks_frame(answer, "main", "/src/main.cc", 16)->kind = MS_STACK_SPAWN;
    struct ms_context *client = stacks_add(contexts, 48);
    client->task = "client(int)";
    stacks_frame(client, "client(int)", "/src/server.cc", 40);
    stacks_frame(client, "main", "/src/main.cc", 16)->kind = MS_STACK_SPAWN;
    struct ms_context *job = stacks_add(contexts, 700);
    job->thread = "worker";
    stacks_frame(job, "job(void*)", "/src/pool.cc", 4);
    stacks_frame(job, "start_pool()", "/src/pool.cc", 41)->kind = MS_STACK_SPAWN;
    struct ms_context *cut = stacks_add(contexts, 80);
    cut->flags = MEMSCOPE_CONTEXT_CUT;
    stacks_frame(cut, "deep(int)", "/src/deep.cc", 2);
    struct ms_stack_frame *runtime = stacks_frame(cut, "__memscope_wrap", NULL, 0);
    runtime->module = &modules[3];
    runtime->module_offset = 0x40;
    contexts->cut_count = 1;
}

struct ms_contexts *stacks_of_a_server(void) {
    struct ms_contexts *contexts = stacks_begin(9);
    add_calls(contexts);
    add_recursion(contexts);
    add_tasks(contexts);
    contexts->without = (struct ms_counts){.allocations = 2,
                                           .bytes = 100,
                                           .frees = 1,
                                           .freed_bytes = 50,
                                           .live_allocations = 1,
                                           .live_bytes = 50,
                                           .at_peak_bytes = 100,
                                           .peak_bytes = 100};
    return contexts;
}

const struct ms_stack_filter *stacks_filter(const char *regex) {
    struct ms_stack_filter *filter = malloc(sizeof *filter);
    if (!filter || regcomp(&filter->regex, regex, REG_EXTENDED | REG_NOSUB) != 0)
        abort();
    filter->text = regex;
    return filter;
}
