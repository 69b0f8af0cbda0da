// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the records of a profile and checks each: its magic, its size, what it holds, what it
// refers to. Whatever comes after this file may trust every sound record.

#include "internal.h"

#include <memscope/profile_blocks.h>
#include <memscope/profile_sessions.h>

#include <string.h>

static bool is_zero(const void *bytes, size_t count) {
    const unsigned char *p = bytes;
    return count == 0 || (p[0] == 0 && memcmp(p, p + 1, count - 1) == 0);
}

// Of a cell record that is large enough for a cell.
static const char *check_sample(const struct memscope_record *record, uint64_t bytes) {
    if (!(record->flags & MEMSCOPE_CELL_SAMPLED))
        return NULL;
    if (record->flags & MEMSCOPE_CELL_UNSAMPLED)
        return "a cell of blocks both sampled and not";
    if (bytes < sizeof(struct memscope_cell_record) + sizeof(struct memscope_cell_sample))
        return "a cell record too small for its sample";
    const struct memscope_cell_sample *sample =
        ms_cell_sample_of((const struct memscope_cell_record *)record);
    if (sample->interval_bytes == 0)
        return "a sampled cell without an interval";
    return sample->sample_bytes == 0 ? "a sampled cell of blocks that count for nothing" : NULL;
}

static const char *check_level(const struct memscope_record *record, uint64_t bytes) {
    if (bytes < sizeof(struct memscope_level_record))
        return "a level record too small";
    const struct memscope_level_record *level = (const struct memscope_level_record *)record;
    if (level->level > MEMSCOPE_LEVEL_TOTALS)
        return "a level of tracking that is none";
    return level->level == MEMSCOPE_LEVEL_SAMPLED && level->interval_bytes == 0
               ? "samples without an interval"
               : NULL;
}

// NULL = sound, else what is wrong with a record that lies whole within the file.
static const char *check_content(const struct memscope_record *record) {
    uint64_t bytes = (uint64_t)record->units * MEMSCOPE_UNIT_BYTES;
    switch (record->type) {
    case MEMSCOPE_RECORD_STRING: {
        const struct memscope_string_record *string = (const void *)record;
        uint64_t head = offsetof(struct memscope_string_record, text);
        if (string->length >= bytes - head)
            return "a string longer than its record";
        if (string->text[string->length] != '\0')
            return "a string without its end";
        return NULL;
    }
    case MEMSCOPE_RECORD_MODULE:
        if (bytes < sizeof(struct memscope_module_record))
            return "a module record too small";
        if (((const struct memscope_module_record *)record)->build_id_length > 32)
            return "a build id longer than 32 bytes";
        return NULL;
    case MEMSCOPE_RECORD_SITE: {
        const struct memscope_site_record *site = (const void *)record;
        uint64_t frames = (uint64_t)site->inlined_count * sizeof(struct memscope_profile_frame);
        if (offsetof(struct memscope_site_record, inlined) + frames > bytes)
            return "more inlined frames than the site record holds";
        return NULL;
    }
    case MEMSCOPE_RECORD_THREAD:
        return bytes < sizeof(struct memscope_thread_record) ? "a thread record too small" : NULL;
    case MEMSCOPE_RECORD_CELL:
        return bytes < sizeof(struct memscope_cell_record) ? "a cell record too small"
                                                           : check_sample(record, bytes);
    case MEMSCOPE_RECORD_UNIT:
        return bytes < sizeof(struct memscope_unit_record) ? "a unit record too small" : NULL;
    case MEMSCOPE_RECORD_TASK:
        if (bytes < sizeof(struct memscope_task_record))
            return "a task record too small";
        return ((const struct memscope_task_record *)record)->state > MEMSCOPE_TASK_KEPT
                   ? "a task in no known state"
                   : NULL;
    case MEMSCOPE_RECORD_TASK_CLASS:
        return bytes < sizeof(struct memscope_task_class_record) ? "a task class record too small"
                                                                 : NULL;
    case MEMSCOPE_RECORD_TASK_FOLD:
        return bytes < sizeof(struct memscope_task_fold_record) ? "a task fold record too small"
                                                                : NULL;
    case MEMSCOPE_RECORD_TRANSFER:
        return bytes < sizeof(struct memscope_transfer_record) ? "a transfer record too small"
                                                               : NULL;
    case MEMSCOPE_RECORD_CONTEXT: {
        const struct memscope_context_record *context = (const void *)record;
        uint64_t frames = (uint64_t)context->frame_count * sizeof *context->frames;
        return offsetof(struct memscope_context_record, frames) + frames > bytes
                   ? "more frames than the context record holds"
                   : NULL;
    }
    case MEMSCOPE_RECORD_AWAITER:
        return bytes < sizeof(struct memscope_awaiter_record) ? "an awaiter record too small"
                                                              : NULL;
    case MEMSCOPE_RECORD_SITE_PEAK:
        return bytes < sizeof(struct memscope_site_peak_record) ? "a site peak record too small"
                                                                : NULL;
    case MEMSCOPE_RECORD_SESSION:
        if (bytes < sizeof(struct memscope_session_record))
            return "a session record too small";
        return ((const struct memscope_session_record *)record)->state > MEMSCOPE_SESSION_ENDED
                   ? "a session in no known state"
                   : NULL;
    case MEMSCOPE_RECORD_LEVEL:
        return check_level(record, bytes);
    case MEMSCOPE_RECORD_BLOCK:
        return record->flags > MEMSCOPE_BLOCK_TOTALS ? "a block in no known state" : NULL;
    case MEMSCOPE_RECORD_SCRATCH:
    case MEMSCOPE_RECORD_PENDING:
        return NULL;
    default:
        return "a record of no known type";
    }
}

// After damage: is here a record again? Its head must be right in all that can be told.
static bool begins_record(const struct ms_profile *profile, uint32_t unit) {
    const struct memscope_record *record = ms_at(profile, unit);
    return record->magic == MEMSCOPE_RECORD_MAGIC && record->units > 0 &&
           record->units <= profile->end_unit - unit && check_content(record) == NULL;
}

static uint32_t next_record(const struct ms_profile *profile, uint32_t unit) {
    while (unit < profile->end_unit && ms_is_filled(profile, unit) &&
           !begins_record(profile, unit) && !is_zero(ms_at(profile, unit), MEMSCOPE_UNIT_BYTES))
        unit++;
    return unit;
}

// Takes what begins at `unit` and returns where to go on.
static uint32_t take(struct ms_profile *profile, uint32_t unit) {
    const struct memscope_record *record = ms_at(profile, unit);
    uint64_t offset = (uint64_t)unit * MEMSCOPE_UNIT_BYTES;
    if (record->magic != MEMSCOPE_RECORD_MAGIC || record->units == 0) {
        ms_note_damage(profile, offset,
                       record->magic != MEMSCOPE_RECORD_MAGIC ? "no record begins here"
                                                              : "a record of no size");
        return next_record(profile, unit + 1);
    }
    if (record->units > profile->end_unit - unit) {
        // The file may rightly end inside a record: cut short, or the disk was full.
        if (record->units <= profile->header.arena_end_units - unit) {
            profile->health.cut_records++;
            return profile->end_unit;
        }
        ms_note_damage(profile, offset, "a record of %u units runs past the end", record->units);
        return next_record(profile, unit + 1);
    }
    const char *wrong = check_content(record);
    if (wrong) {
        ms_note_damage(profile, offset, "%s", wrong);
        return next_record(profile, unit + 1);
    }
    if (record->type == MEMSCOPE_RECORD_PENDING)
        profile->health.pending_records++;
    else
        profile->health.records++;
    profile->types[unit] = record->type;
    return unit + record->units;
}

void ms_scan_records(struct ms_profile *profile) {
    uint32_t unit = MS_FIRST_UNIT;
    while (unit < profile->end_unit) {
        if (!ms_is_filled(profile, unit)) {
            uint32_t next = (unit / MS_CHUNK_UNITS + 1) * MS_CHUNK_UNITS;
            next = next < profile->end_unit ? next : profile->end_unit;
            profile->health.gap_bytes += (uint64_t)(next - unit) * MEMSCOPE_UNIT_BYTES;
            unit = next;
        } else if (is_zero(ms_at(profile, unit), MEMSCOPE_UNIT_BYTES)) {
            profile->health.gap_bytes += MEMSCOPE_UNIT_BYTES;
            unit++;
        } else {
            unit = take(profile, unit);
        }
    }
}

// A ref is right when it names nothing, a record of its type, or one that was not there yet (being
// written, or beyond what could be read).
static void check_ref(struct ms_profile *profile, uint32_t ref, uint8_t type, const void *where) {
    uint32_t unit = ref - profile->header.ref_base;
    if (ref == 0 || ms_unit_of(profile, ref, type))
        return;
    if (ref > profile->header.ref_base && unit < profile->end_unit &&
        (profile->types[unit] == MEMSCOPE_RECORD_PENDING || !ms_is_filled(profile, unit) ||
         is_zero(ms_at(profile, unit), MEMSCOPE_UNIT_BYTES)))
        return;
    // Cut off, never stored, or younger than our copy.
    if (ref > profile->header.ref_base && unit >= profile->end_unit &&
        (profile->health.missing_bytes > 0 || unit < profile->header.arena_end_units))
        return;
    const uint8_t *base = profile->data;
    uint64_t offset = (uint64_t)((const uint8_t *)where - base);
    static const char *const names[] = {"record",   "string",  "module", "site",       "thread",
                                        "cell",     "unit",    "task",   "task class", "task fold",
                                        "transfer", "context", "awaiter"};
    ms_note_damage(profile, offset, "ref 0x%x names no %s", ref, names[type]);
}

static void check_block_refs(struct ms_profile *profile,
                             const struct memscope_block_record *block) {
    if (block->record.flags != MEMSCOPE_BLOCK_ALIVE && block->record.flags != MEMSCOPE_BLOCK_FREED)
        return;
    check_ref(profile, block->cell_ref, MEMSCOPE_RECORD_CELL, &block->cell_ref);
    check_ref(profile, block->freed_by_ref, MEMSCOPE_RECORD_THREAD, &block->freed_by_ref);
}

static void check_header_refs(struct ms_profile *profile) {
    const struct memscope_profile_header *header = (const void *)profile->data;
    const uint32_t *strings[] = {&header->command_ref, &header->executable_ref,
                                 &header->options_ref, &header->allocator_ref};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        check_ref(profile, *strings[i], MEMSCOPE_RECORD_STRING, strings[i]);
    check_ref(profile, header->main_module_ref, MEMSCOPE_RECORD_MODULE, &header->main_module_ref);
    check_ref(profile, header->overflow_ref, MEMSCOPE_RECORD_CELL, &header->overflow_ref);
    check_ref(profile, header->upgrade_site_ref, MEMSCOPE_RECORD_SITE, &header->upgrade_site_ref);
    check_ref(profile, header->unsampled_site_ref, MEMSCOPE_RECORD_SITE,
              &header->unsampled_site_ref);
}

static void check_site_refs(struct ms_profile *profile, const struct memscope_site_record *site) {
    check_ref(profile, site->function_ref, MEMSCOPE_RECORD_STRING, &site->function_ref);
    check_ref(profile, site->file_ref, MEMSCOPE_RECORD_STRING, &site->file_ref);
    check_ref(profile, site->type_ref, MEMSCOPE_RECORD_STRING, &site->type_ref);
    check_ref(profile, site->variable_ref, MEMSCOPE_RECORD_STRING, &site->variable_ref);
    check_ref(profile, site->module_ref, MEMSCOPE_RECORD_MODULE, &site->module_ref);
    for (uint32_t i = 0; i < site->inlined_count; i++) {
        const struct memscope_profile_frame *frame = &site->inlined[i];
        check_ref(profile, frame->function_ref, MEMSCOPE_RECORD_STRING, &frame->function_ref);
        check_ref(profile, frame->file_ref, MEMSCOPE_RECORD_STRING, &frame->file_ref);
    }
}

// A ref to a thread's root task is one to the thread.
static void check_task_ref(struct ms_profile *profile, uint32_t ref, uint8_t type,
                           const void *where) {
    if (!ms_unit_of(profile, ref, MEMSCOPE_RECORD_THREAD))
        check_ref(profile, ref, type, where);
}

static void check_task_refs(struct ms_profile *profile, const struct memscope_task_record *task) {
    check_ref(profile, task->class_ref, MEMSCOPE_RECORD_TASK_CLASS, &task->class_ref);
    check_task_ref(profile, task->parent_ref, MEMSCOPE_RECORD_TASK, &task->parent_ref);
    check_ref(profile, task->thread_ref, MEMSCOPE_RECORD_THREAD, &task->thread_ref);
    check_ref(profile, task->label_ref, MEMSCOPE_RECORD_STRING, &task->label_ref);
    check_ref(profile, task->name_ref, MEMSCOPE_RECORD_STRING, &task->name_ref);
    check_ref(profile, task->awaiter_ref, MEMSCOPE_RECORD_AWAITER, &task->awaiter_ref);
}

static void check_class_refs(struct ms_profile *profile,
                             const struct memscope_task_class_record *task_class) {
    const uint32_t *strings[] = {&task_class->function_ref, &task_class->file_ref,
                                 &task_class->promise_type_ref, &task_class->name_ref};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        check_ref(profile, *strings[i], MEMSCOPE_RECORD_STRING, strings[i]);
    check_ref(profile, task_class->spawn_site_ref, MEMSCOPE_RECORD_SITE,
              &task_class->spawn_site_ref);
    check_ref(profile, task_class->entry_site_ref, MEMSCOPE_RECORD_SITE,
              &task_class->entry_site_ref);
}

void ms_check_refs(struct ms_profile *profile) {
    check_header_refs(profile);
    for (uint32_t unit = MS_FIRST_UNIT; unit < profile->end_unit; unit++) {
        const void *record = ms_at(profile, unit);
        switch (profile->types[unit]) {
        case MEMSCOPE_RECORD_MODULE: {
            const struct memscope_module_record *module = record;
            check_ref(profile, module->path_ref, MEMSCOPE_RECORD_STRING, &module->path_ref);
            break;
        }
        case MEMSCOPE_RECORD_SITE:
            check_site_refs(profile, record);
            break;
        case MEMSCOPE_RECORD_THREAD: {
            const struct memscope_thread_record *thread = record;
            check_ref(profile, thread->spawn_site_ref, MEMSCOPE_RECORD_SITE,
                      &thread->spawn_site_ref);
            break;
        }
        case MEMSCOPE_RECORD_CELL: {
            const struct memscope_cell_record *cell = record;
            check_ref(profile, cell->site_ref, MEMSCOPE_RECORD_SITE, &cell->site_ref);
            check_ref(profile, cell->thread_ref, MEMSCOPE_RECORD_THREAD, &cell->thread_ref);
            if (cell->record.flags & MEMSCOPE_CELL_TASK)
                check_ref(profile, cell->class_ref, MEMSCOPE_RECORD_TASK_CLASS, &cell->class_ref);
            check_ref(profile, cell->context_ref, MEMSCOPE_RECORD_CONTEXT, &cell->context_ref);
            break;
        }
        case MEMSCOPE_RECORD_TASK:
            check_task_refs(profile, record);
            break;
        case MEMSCOPE_RECORD_TASK_CLASS:
            check_class_refs(profile, record);
            break;
        case MEMSCOPE_RECORD_TASK_FOLD: {
            const struct memscope_task_fold_record *fold = record;
            check_ref(profile, fold->class_ref, MEMSCOPE_RECORD_TASK_CLASS, &fold->class_ref);
            check_ref(profile, fold->thread_ref, MEMSCOPE_RECORD_THREAD, &fold->thread_ref);
            break;
        }
        case MEMSCOPE_RECORD_TRANSFER: {
            const struct memscope_transfer_record *transfer = record;
            check_task_ref(profile, transfer->from_ref, MEMSCOPE_RECORD_TASK_CLASS,
                           &transfer->from_ref);
            check_task_ref(profile, transfer->to_ref, MEMSCOPE_RECORD_TASK_CLASS,
                           &transfer->to_ref);
            check_ref(profile, transfer->thread_ref, MEMSCOPE_RECORD_THREAD, &transfer->thread_ref);
            break;
        }
        case MEMSCOPE_RECORD_CONTEXT: {
            const struct memscope_context_record *context = record;
            check_ref(profile, context->site_ref, MEMSCOPE_RECORD_SITE, &context->site_ref);
            check_ref(profile, context->awaiter_ref, MEMSCOPE_RECORD_AWAITER,
                      &context->awaiter_ref);
            break;
        }
        case MEMSCOPE_RECORD_AWAITER: {
            const struct memscope_awaiter_record *awaiter = record;
            check_ref(profile, awaiter->class_ref, MEMSCOPE_RECORD_TASK_CLASS, &awaiter->class_ref);
            check_ref(profile, awaiter->awaiter_ref, MEMSCOPE_RECORD_AWAITER,
                      &awaiter->awaiter_ref);
            break;
        }
        case MEMSCOPE_RECORD_SITE_PEAK: {
            const struct memscope_site_peak_record *site_peak = record;
            check_ref(profile, site_peak->site_ref, MEMSCOPE_RECORD_SITE, &site_peak->site_ref);
            check_ref(profile, site_peak->thread_ref, MEMSCOPE_RECORD_THREAD,
                      &site_peak->thread_ref);
            break;
        }
        case MEMSCOPE_RECORD_BLOCK:
            check_block_refs(profile, record);
            break;
        case MEMSCOPE_RECORD_UNIT: {
            const struct memscope_unit_record *unit_record = record;
            check_ref(profile, unit_record->name_ref, MEMSCOPE_RECORD_STRING,
                      &unit_record->name_ref);
            check_ref(profile, unit_record->module_ref, MEMSCOPE_RECORD_MODULE,
                      &unit_record->module_ref);
            break;
        }
        }
    }
}
