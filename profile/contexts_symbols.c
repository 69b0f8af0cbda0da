// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which names the contexts need, and which modules gave none.

#include "contexts_parts.h"

#include <stdlib.h>
#include <string.h>

static int compare_bytes(const void *left, const void *right) {
    const struct ms_context_use *a = left, *b = right;
    if (a->bytes != b->bytes)
        return a->bytes > b->bytes ? -1 : 1;
    return (a->cell > b->cell) - (a->cell < b->cell);
}

// The heaviest first: time may run out.
bool ms_contexts_want_names(const struct ms_context_work *work, struct ms_context_use *uses,
                            size_t count) {
    const struct ms_profile *profile = work->summary->profile;
    uint8_t *done = calloc(profile->end_unit / 8 + 1, 1);
    bool good = done != NULL;
    qsort(uses, count, sizeof *uses, compare_bytes);
    for (size_t i = 0; good && i < count; i++) {
        uint32_t unit = uses[i].unit;
        const struct memscope_context_record *record = (const void *)ms_at(profile, unit);
        if (done[unit / 8] & 1u << unit % 8)
            continue;
        done[unit / 8] |= (uint8_t)(1u << unit % 8);
        for (uint32_t k = 0; good && k < ms_context_frame_count(record); k++) {
            const struct ms_module *module;
            uint64_t offset;
            if (ms_context_code(work, record->frames[k], &module, &offset))
                good = ms_symbols_want(work->summary->symbols, module, offset);
        }
    }
    free(done);
    return good;
}

// "libfoo.so: its build ID differs"
static const char *tell(const struct ms_summary *summary, const struct ms_module *module,
                        const char *reason) {
    const char *path = module->path ? module->path : "(unknown module)";
    const char *slash = strrchr(path, '/');
    const char *name = slash && slash[1] ? slash + 1 : path;
    size_t bytes = strlen(name) + strlen(reason) + 3;
    char *text = malloc(bytes);
    if (!text)
        return NULL;
    strcpy(text, name);
    strcat(text, ": ");
    strcat(text, reason);
    const char *kept = ms_symbols_text(summary->symbols, text);
    free(text);
    return kept;
}

memscope_status ms_contexts_find_unresolved(struct ms_contexts *contexts) {
    const struct ms_summary *summary = contexts->summary;
    const struct ms_symbols *symbols = summary->symbols;
    bool *told = calloc(summary->module_count + 1, sizeof *told);
    contexts->unresolved = calloc(summary->module_count + 1, sizeof *contexts->unresolved);
    memscope_status status = told && contexts->unresolved ? MEMSCOPE_OK : MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; status == MEMSCOPE_OK && i < symbols->code_count; i++) {
        const struct ms_code *code = &symbols->codes[i];
        const struct ms_module_file *file = &symbols->files[code->module];
        if (code->known || told[code->module] || !file->looked_at || !file->reason)
            continue;
        told[code->module] = true;
        const char *text = tell(summary, &summary->modules[code->module], file->reason);
        if (!text)
            status = MEMSCOPE_OUT_OF_MEMORY;
        contexts->unresolved[contexts->unresolved_modules++] = text;
    }
    free(told);
    return status;
}
