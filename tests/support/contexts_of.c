// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// contexts_of [--names] FILE: the contexts of a profile for scripts to compare, a line each: calls,
// bytes, flags ("-" or of cut, broken, foreign), and the frames from the call outwards, with ";"
// between. A frame of the machine's stack is module+0xoffset of its return address; by --names each
// of its functions. A task's are "await FUNCTION:LINE" and "spawn FUNCTION". What was counted by
// site alone has the one frame "without". Lines of equal frames are not summed.

#include <profile/contexts.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_flags(uint8_t flags) {
    const char *separator = "";
    if (flags & MEMSCOPE_CONTEXT_CUT)
        printf("cut"), separator = ",";
    if (flags & MEMSCOPE_CONTEXT_BROKEN)
        printf("%sbroken", separator), separator = ",";
    if (flags & MEMSCOPE_CONTEXT_FOREIGN_STACK)
        printf("%sforeign", separator), separator = ",";
    printf("%s", *separator ? "" : "-");
}

static void print_place(const struct ms_stack_frame *frame) {
    const char *path = frame->module && frame->module->path ? frame->module->path : "?";
    const char *slash = strrchr(path, '/');
    printf("%s+0x%" PRIx64, slash ? slash + 1 : path, frame->module_offset);
}

static void print_context(const struct ms_context *context, bool names) {
    const char *separator = "";
    printf("%" PRIu64 " %" PRIu64 " ", context->counts.allocations, context->counts.bytes);
    print_flags(context->flags);
    printf(" ");
    for (uint32_t i = 0; i < context->frame_count; i++) {
        const struct ms_stack_frame *frame = ms_context_frame(context, i);
        static const char *const kinds[] = {"", "await ", "spawn "};
        if (!names && frame->kind == MS_STACK_CALL && frame->inlined)
            continue;
        printf("%s%s", separator, kinds[frame->kind]);
        if ((names || frame->kind != MS_STACK_CALL) && frame->function)
            printf("%s", frame->function);
        else
            print_place(frame);
        if (frame->kind == MS_STACK_AWAIT && frame->line > 0)
            printf(":%" PRIu32, frame->line);
        separator = ";";
    }
    printf("\n");
}

int main(int argc, char **argv) {
    bool names = argc == 3 && strcmp(argv[1], "--names") == 0;
    struct ms_profile *profile;
    struct ms_summary *summary;
    struct ms_contexts *contexts;
    char message[MS_MESSAGE_BYTES];
    if (argc != 2 + names) {
        fprintf(stderr, "usage: contexts_of [--names] FILE\n");
        return 2;
    }
    if (ms_profile_open(argv[argc - 1], &profile, message) != MEMSCOPE_OK) {
        fprintf(stderr, "contexts_of: %s\n", message);
        return 1;
    }
    const struct ms_resolve_options options = {.timeout_ms = 60000};
    if (ms_summary_create(profile, &summary) != MEMSCOPE_OK ||
        (names && ms_summary_resolve(summary, &options) != MEMSCOPE_OK) ||
        ms_contexts_create(summary, names ? &options : NULL, &contexts) != MEMSCOPE_OK) {
        fprintf(stderr, "contexts_of: no contexts, or no symbolizer\n");
        return 1;
    }
    for (size_t i = 0; i < contexts->count; i++)
        print_context(&contexts->items[i], names);
    if (contexts->without.allocations)
        printf("%" PRIu64 " %" PRIu64 " - without\n", contexts->without.allocations,
               contexts->without.bytes);
    ms_contexts_destroy(contexts);
    ms_summary_destroy(summary);
    ms_profile_close(profile);
    return 0;
}
