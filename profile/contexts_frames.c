// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The frames of one context: the site's own, the machine's, the awaiting tasks', and where it all
// was started.

#include "contexts_parts.h"
#include "grow.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_MOST 512 // of a machine stack and of an await chain: what the runtime's depth may be

// --- what nobody wants to see ------------------------------------------------------------------

enum dropped { EVERYWHERE, OUTERMOST, RUNTIME_OUTERMOST };

// By name; one with a star by its beginning. OUTERMOST: with nothing but such frames further out.
static const struct {
    const char *name;
    enum dropped where;
} dropped[] = {
    {"__memscope_*", EVERYWHERE},
    {"ms_own_*", EVERYWHERE},
    {"ms_create_thread", EVERYWHERE},
    {"ms_create_c11_thread", EVERYWHERE},
    {"start_thread", OUTERMOST},
    {"clone3", OUTERMOST},
    {"__clone3", OUTERMOST},
    {"clone", OUTERMOST},
    {"__clone", OUTERMOST},
    {"_start", OUTERMOST},
    {"_dl_start_user", OUTERMOST},
    {"__libc_start_call_main", OUTERMOST},
    {"__libc_start_main*", OUTERMOST},
    {"__start_context", OUTERMOST},
    {"std::execute_native_thread_routine*", OUTERMOST}, // libstdc++'s, under std::thread
    {"ms_context_return_thunk", OUTERMOST},
    {"run_thread", RUNTIME_OUTERMOST}, // linked in; a program may have its own
    {"run_c11_thread", RUNTIME_OUTERMOST},
};

static bool has_name(const char *function, const char *pattern) {
    size_t length = strlen(pattern);
    if (length > 0 && pattern[length - 1] == '*')
        return strncmp(function, pattern, length - 1) == 0;
    return strcmp(function, pattern) == 0;
}

static bool is_dropped(const struct ms_stack_frame *frame, enum dropped where) {
    for (size_t i = 0; frame->function && i < sizeof dropped / sizeof *dropped; i++)
        if (dropped[i].where == where && dropped[i].name[0] == frame->function[0] &&
            has_name(frame->function, dropped[i].name))
            return true;
    return false;
}

// --- frames ------------------------------------------------------------------------------------

static void push(struct ms_stack *stack, struct ms_stack_frame frame) {
    struct ms_stack_frame *frames =
        ms_grown(stack->frames, &stack->capacity, stack->count, sizeof *frames);
    if (!frames) {
        stack->failed = true;
        return;
    }
    stack->frames = frames;
    stack->frames[stack->count++] = frame;
}

static const char *known(const char *text) {
    return text && *text ? text : NULL;
}

static struct ms_stack_frame named(const struct ms_frame *frame, enum ms_stack_kind kind) {
    return (struct ms_stack_frame){
        .kind = kind,
        .function = known(frame->function),
        .file = known(frame->file),
        .line = frame->line,
        .column = frame->column,
    };
}

bool ms_context_code(const struct ms_context_work *work, uint64_t code,
                     const struct ms_module **module_out, uint64_t *offset_out) {
    uint32_t module = work->modules[code >> MEMSCOPE_CODE_OFFSET_BITS];
    *module_out = module ? &work->summary->modules[work->summary->modules[module - 1].first] : NULL;
    *offset_out = code & ((UINT64_C(1) << MEMSCOPE_CODE_OFFSET_BITS) - 1);
    return module != 0;
}

uint32_t ms_context_frame_count(const struct memscope_context_record *record) {
    return record->frame_count < FRAMES_MOST ? record->frame_count : FRAMES_MOST;
}

// One return address.
struct machine_frame {
    const struct ms_module *module;
    uint64_t offset;
    const struct ms_code *code; // NULL = nothing is known
};

static struct machine_frame machine_frame(const struct ms_context_work *work,
                                          const struct memscope_context_record *record,
                                          uint32_t i) {
    struct machine_frame frame = {0};
    if (ms_context_code(work, record->frames[i], &frame.module, &frame.offset))
        frame.code = ms_symbols_find(work->summary->symbols, frame.module, frame.offset);
    return frame;
}

// From its `first` function outwards.
static void push_machine_frame(struct ms_stack *stack, const struct machine_frame *machine,
                               const struct ms_context_work *work, uint32_t first) {
    uint32_t count = machine->code ? machine->code->count : 0;
    struct ms_stack_frame frame = {0};
    if (machine->module && machine->module == work->runtime)
        return; // starts a thread, loads a library: in place of what the program called
    for (uint32_t i = first; i < count || (i == 0 && count == 0); i++) {
        if (count > 0)
            frame = named(&machine->code->frames[i], MS_STACK_CALL);
        frame.inlined = i + 1 < count;
        frame.module = machine->module;
        frame.module_offset = machine->offset;
        if (!is_dropped(&frame, EVERYWHERE))
            push(stack, frame);
    }
}

// --- the site ----------------------------------------------------------------------------------

// Which of a machine frame's functions is the site's outermost; UINT32_MAX = none. Where it stands
// more than once, the site's own depth decides.
static uint32_t find_function(const struct machine_frame *machine, const char *function,
                              uint32_t depth) {
    uint32_t count = machine->code ? machine->code->count : 0;
    if (depth < count && ms_same_function(machine->code->frames[depth].function, function))
        return depth;
    for (uint32_t i = 0; i < count; i++)
        if (ms_same_function(machine->code->frames[i].function, function))
            return i;
    return UINT32_MAX;
}

// Pushes the site's frames, and of the machine frame that they belong to what is further out.
// Returns the machine frame to go on with.
static uint32_t push_site(struct ms_stack *stack, const struct ms_context_work *work,
                          const struct ms_stack_source *source) {
    const struct memscope_context_record *record = source->record;
    uint32_t site_frames = source->site->own_frame_count ? source->site->own_frame_count
                                                         : ms_site_frame_count(source->site);
    uint32_t count = ms_context_frame_count(record);
    for (uint32_t i = 0; i < site_frames; i++) {
        struct ms_frame frame = ms_site_frame(work->summary, source->site, i);
        struct ms_stack_frame one = named(&frame, MS_STACK_CALL);
        one.inlined = i + 1 < site_frames;
        push(stack, one);
    }
    if (count == 0 || stack->count == 0)
        return 0;
    struct machine_frame machine = machine_frame(work, record, 0);
    const char *function = stack->frames[stack->count - 1].function;
    uint32_t found = UINT32_MAX, at = 0;
    // One without a name is the site's, as most are; only a tail call leaves none.
    bool nameless = !machine.code || machine.code->count == 0 || !machine.code->frames[0].function;
    for (; !nameless && at < count && at < MS_SITE_WITHIN; at++) {
        machine = machine_frame(work, record, at);
        found = find_function(&machine, function, site_frames - 1);
        if (found != UINT32_MAX)
            break;
    }
    if (!nameless && found == UINT32_MAX)
        return 0;
    for (uint32_t i = 0; i < stack->count; i++) {
        stack->frames[i].module = machine.module;
        stack->frames[i].module_offset = machine.offset;
    }
    if (!nameless && found + 1 < machine.code->count) {
        stack->frames[stack->count - 1].inlined = true;
        push_machine_frame(stack, &machine, work, found + 1);
    }
    return at + 1;
}

// --- the machine stack -------------------------------------------------------------------------

static bool is_main_module(const struct ms_context_work *work, const struct ms_module *module) {
    return module && module->id == ms_profile_header(work->summary->profile)->main_module_ref;
}

// libstdc++ tells no name of the function that it starts threads with. Where no names were asked
// for nothing is known of it.
static bool is_nameless_start(const struct ms_context_work *work,
                              const struct ms_stack_frame *frame) {
    const char *path = frame->module ? frame->module->path : NULL;
    const char *slash = path && !frame->function ? strrchr(path, '/') : NULL;
    if (!slash || strncmp(slash, "/libstdc++.so", strlen("/libstdc++.so")) != 0)
        return false;
    const struct ms_code *code =
        ms_symbols_find(work->summary->symbols, frame->module, frame->module_offset);
    return code && code->known;
}

// Takes the start of the thread or process off the outer end.
static void drop_start(struct ms_stack *stack, const struct ms_context_work *work,
                       const struct ms_stack_source *source, uint32_t site_frames) {
    while (stack->count > site_frames && is_dropped(&stack->frames[stack->count - 1], OUTERMOST))
        stack->count--;
    if (stack->count > site_frames && source->thread_spawn && stack->flags == 0 &&
        is_nameless_start(work, &stack->frames[stack->count - 1]))
        stack->count--;
    if (stack->count > site_frames &&
        is_dropped(&stack->frames[stack->count - 1], RUNTIME_OUTERMOST) &&
        is_main_module(work, stack->frames[stack->count - 1].module))
        stack->count--;
}

// Without a machine stack a site in a module is all there is.
static void push_foreign(struct ms_stack *stack, const struct ms_context_work *work,
                         const struct ms_site *site) {
    struct machine_frame machine = {
        .module = site->module ? &work->summary->modules[site->module->first] : NULL,
        .offset = site->module_offset,
    };
    if (machine.module)
        machine.code = ms_symbols_find(work->summary->symbols, machine.module, machine.offset);
    push_machine_frame(stack, &machine, work, 0);
}

static void push_machine(struct ms_stack *stack, const struct ms_context_work *work,
                         const struct ms_stack_source *source) {
    uint32_t first = 0, count = ms_context_frame_count(source->record);
    if (source->site->function || source->site->file)
        first = push_site(stack, work, source);
    else if (count == 0 && source->site->foreign)
        push_foreign(stack, work, source->site);
    uint32_t site_frames = stack->count;
    for (uint32_t i = first; i < count; i++) {
        struct machine_frame machine = machine_frame(work, source->record, i);
        push_machine_frame(stack, &machine, work, 0);
    }
    drop_start(stack, work, source, site_frames);
}

// --- tasks -------------------------------------------------------------------------------------

static void keep_texts(struct ms_stack_frame *frame, struct ms_symbols *symbols) {
    frame->function = ms_symbols_text(symbols, frame->function);
    frame->file = ms_symbols_text(symbols, frame->file);
}

static bool has_function(const struct ms_stack *stack, const char *function) {
    for (uint32_t i = 0; i < stack->count; i++)
        if (ms_same_function(stack->frames[i].function, function))
            return true;
    return false;
}

// `line`: where it awaits, 0 = unknown.
static void push_class(struct ms_stack *stack, const struct ms_context_work *work,
                       const struct ms_task_class *task_class, bool allocates, uint32_t line) {
    struct ms_frame frame = ms_task_class_frame(work->summary, task_class);
    struct ms_stack_frame one = named(&frame, MS_STACK_AWAIT);
    one.line = line;
    one.column = 0;
    // A fiber's own stack is the machine's.
    if (allocates && (!one.function || task_class->kind == MEMSCOPE_TASK_FIBER ||
                      has_function(stack, one.function)))
        return;
    if (!one.function && task_class->entry_site) {
        one.module = task_class->entry_site->module;
        one.module_offset = task_class->entry_site->module_offset;
    }
    keep_texts(&one, work->summary->symbols);
    push(stack, one);
}

static void push_spawn(struct ms_stack *stack, const struct ms_context_work *work,
                       const struct ms_site *site) {
    uint32_t depth = site ? ms_site_shown_depth(site) : MS_NO_FRAME;
    struct ms_frame frame = {0};
    if (!site)
        return;
    if (depth != MS_NO_FRAME)
        frame = ms_site_frame(work->summary, site, depth);
    struct ms_stack_frame one = named(&frame, MS_STACK_SPAWN);
    one.module = site->module ? &work->summary->modules[site->module->first] : NULL;
    one.module_offset = site->module_offset;
    keep_texts(&one, work->summary->symbols);
    push(stack, one);
}

static const struct ms_task_class *class_of(const struct ms_context_work *work, uint32_t ref) {
    uint32_t unit = ms_unit_of(work->summary->profile, ref, MEMSCOPE_RECORD_TASK_CLASS);
    uint32_t place = unit ? work->summary->place[unit] : 0;
    return place ? &work->summary->tasks->classes[place - 1] : NULL;
}

// The first awaiter is the task that allocates. Returns the outermost class that is known.
static const struct ms_task_class *push_awaiters(struct ms_stack *stack,
                                                 const struct ms_context_work *work,
                                                 const struct ms_stack_source *source) {
    const struct ms_profile *profile = work->summary->profile;
    const struct ms_task_class *outermost = NULL;
    uint32_t ref = source->record->awaiter_ref, line = 0;
    for (uint32_t i = 0; ref != 0; i++) {
        uint32_t unit = ms_unit_of(profile, ref, MEMSCOPE_RECORD_AWAITER);
        if (!unit || i == FRAMES_MOST) { // damage may lead in a circle
            stack->flags |= MEMSCOPE_CONTEXT_CUT;
            break;
        }
        const struct memscope_awaiter_record *awaiter = (const void *)ms_at(profile, unit);
        const struct ms_task_class *task_class = class_of(work, awaiter->class_ref);
        if (task_class) {
            push_class(stack, work, task_class, i == 0, line);
            outermost = task_class;
        }
        if (awaiter->record.flags & MEMSCOPE_CONTEXT_CUT) {
            stack->flags |= MEMSCOPE_CONTEXT_CUT;
            if (awaiter->awaiter_ref == 0)
                return NULL; // where its outermost task was started is not known
        }
        ref = awaiter->awaiter_ref;
        line = awaiter->line;
    }
    return outermost;
}

// --- the whole ---------------------------------------------------------------------------------

void ms_stack_make(struct ms_stack *stack, const struct ms_context_work *work,
                   const struct ms_stack_source *source) {
    stack->count = 0;
    stack->flags = source->record->record.flags;
    if (source->record->frame_count > FRAMES_MOST)
        stack->flags |= MEMSCOPE_CONTEXT_CUT;
    push_machine(stack, work, source);
    if (source->record->awaiter_ref != 0) {
        const struct ms_task_class *outermost = push_awaiters(stack, work, source);
        push_spawn(stack, work, outermost ? outermost->spawn_site : NULL);
    } else if (source->task_class) {
        push_class(stack, work, source->task_class, true, 0);
        push_spawn(stack, work, source->task_class->spawn_site);
    } else {
        push_spawn(stack, work, source->thread_spawn);
    }
}
