// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which sites can be asked for: their source is the one that was built, and it is known how it is
// compiled. Sites of one file share what was found out about it.

#include "find.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct looked_at {
    const char *file; // of equal texts always the same one
    struct ms_built_in *units;
    size_t unit_count;
    const char *problem;
};

const char *ms_build_name(const struct ms_find *find, const struct ms_module *module, char *text) {
    const struct memscope_profile_header *header = ms_profile_header(find->summary->profile);
    if (module && module->build_id_length > 0)
        for (uint32_t i = 0; i < module->build_id_length; i++)
            snprintf(text + 2 * i, 3, "%02x", module->build_id[i]);
    else // no other run has it
        snprintf(text, MS_BUILD_BYTES, "run %016" PRIx64 "%016" PRIx64, header->instance[0],
                 header->instance[1]);
    return text;
}

static struct looked_at *look_at(const struct ms_find *find, struct looked_at *files, size_t *count,
                                 const char *file) {
    for (size_t i = 0; i < *count; i++)
        if (files[i].file == file)
            return &files[i];
    struct looked_at *one = &files[(*count)++];
    one->file = file;
    one->units = ms_sources_units(&find->sources, file, &one->unit_count);
    one->problem = ms_source_problem(file, one->units, one->unit_count);
    return one;
}

// The file's own unit comes first, then the one that the call ended up in, then any that has it.
static int rank(const struct ms_find *find, const struct ms_wish *wish,
                const struct ms_built_in *unit) {
    const struct ms_site *site = wish->site;
    const char *own = unit->unit->files[0].path;
    struct ms_frame outer = ms_site_frame(find->summary, site, ms_site_frame_count(site) - 1);
    return strcmp(own, wish->place.file) == 0 ? 2 : outer.file && strcmp(own, outer.file) == 0;
}

static void choose_commands(struct ms_find *find, struct ms_wish *wish,
                            const struct looked_at *file) {
    int best = -1;
    const struct ms_command *commands = NULL;
    size_t count = 0;
    for (size_t i = 0; i < file->unit_count; i++) {
        int here = rank(find, wish, &file->units[i]);
        size_t found;
        if (here <= best)
            continue;
        const struct ms_command *of_unit =
            ms_known_commands_of(&find->known, file->units[i].unit->files[0].path, &found);
        if (!of_unit)
            continue;
        best = here;
        commands = of_unit;
        count = found;
        wish->module = file->units[i].module;
    }
    if (!commands)
        wish->reason = MS_NO_COMMAND;
    else if (count > MS_COMMANDS_MOST)
        wish->reason = "it is compiled in more than 4 ways";
    for (size_t i = 0; i < count && !wish->reason; i++) {
        if (commands[i].reason)
            wish->reason = commands[i].reason;
        wish->commands[wish->command_count++] = &commands[i];
        wish->commands_hash = wish->commands_hash * 31 + commands[i].hash;
    }
}

static bool find_kept(const struct ms_find *find, struct ms_wish *wish,
                      const struct ms_module *module) {
    char build[MS_BUILD_BYTES];
    struct ms_kept_type kept;
    if (!ms_types_cache_find(find->cache, ms_build_name(find, module, build), &wish->place,
                             &kept) ||
        (!wish->reason && kept.commands != wish->commands_hash))
        return false;
    wish->answer = kept;
    wish->reason = NULL;
    return wish->is_done = true;
}

static void look_into_cache(struct ms_find *find, struct ms_wish *wish) {
    if (wish->module && find_kept(find, wish, wish->module->module))
        return;
    // The program or its sources are gone: any module of this profile.
    if (!wish->reason)
        return;
    bool found = find_kept(find, wish, NULL);
    for (size_t i = 0; i < find->summary->module_count && !found; i++)
        found = find_kept(find, wish, &find->summary->modules[i]);
}

void ms_find_prepare(struct ms_find *find) {
    struct looked_at *files = calloc(find->wish_count + 1, sizeof *files);
    size_t count = 0;
    for (size_t i = 0; files && i < find->wish_count; i++) {
        struct ms_wish *wish = &find->wishes[i];
        if (!wish->place.file || wish->place.line == 0) {
            wish->reason = "no line is known";
            continue;
        }
        if (ms_is_system_file(wish->place.file)) {
            wish->reason = "in a header of the system";
            continue;
        }
        const struct looked_at *file = look_at(find, files, &count, wish->place.file);
        if (file->unit_count > 0)
            wish->module = file->units[0].module;
        wish->reason = file->problem;
        if (!wish->reason)
            choose_commands(find, wish, file);
        look_into_cache(find, wish);
    }
    for (size_t i = 0; i < count; i++)
        free(files[i].units);
    free(files);
}
