// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names for foreign sites, from the symbols of the modules they stand in.

#include "symbols.h"

#include <stdlib.h>

static bool has_place(const struct ms_site *site) {
    return site->foreign && site->module && site->module_offset > 0;
}

// The heaviest first: time may run out.
static bool want_sites(struct ms_summary *summary) {
    const struct ms_site **sites = calloc(summary->site_count + 1, sizeof *sites);
    bool good = sites != NULL;
    if (good)
        ms_summary_order(summary, MS_ORDER_AT_PEAK, sites);
    for (size_t i = 0; good && i < summary->site_count; i++)
        if (has_place(sites[i]))
            good = ms_symbols_want(summary->symbols, sites[i]->module, sites[i]->module_offset);
    free(sites);
    return good;
}

memscope_status ms_summary_resolve(struct ms_summary *summary,
                                   const struct ms_resolve_options *options) {
    if (!want_sites(summary))
        return MEMSCOPE_OUT_OF_MEMORY;
    memscope_status status = ms_symbols_ask(summary, options);
    for (size_t i = 0; i < summary->site_count; i++) {
        struct ms_site *site = &summary->sites[i];
        if (!has_place(site))
            continue;
        const struct ms_code *code =
            ms_symbols_find(summary->symbols, site->module, site->module_offset);
        site->symbols = code ? code->frames : NULL;
        site->symbol_count = code ? code->count : 0;
    }
    memscope_status seen = ms_see_through_wrappers(summary, options);
    memscope_status found = ms_find_user_frames(summary);
    if (seen == MEMSCOPE_OUT_OF_MEMORY || found == MEMSCOPE_OUT_OF_MEMORY)
        return MEMSCOPE_OUT_OF_MEMORY;
    return status == MEMSCOPE_OK ? seen : status;
}

char *ms_module_debug_file(const struct ms_summary *summary, const struct ms_module *module,
                           const char *const *debug_paths) {
    struct ms_module_file file = {0};
    ms_module_file_find(module, debug_paths, ms_profile_header(summary->profile)->start_realtime_ns,
                        &file);
    return file.path;
}

const char *ms_summary_text(struct ms_summary *summary, const char *text) {
    return ms_symbols_text(summary->symbols, text);
}
