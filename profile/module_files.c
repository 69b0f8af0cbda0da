// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the file that tells the names of a module's code: the module's own, if it is the one that
// was loaded, or the one with its debug info. Build IDs tell; a module without one is believed if
// it is older than the process.

#define _GNU_SOURCE // asprintf
#include "symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYSTEM_DEBUG_FOLDER "/usr/lib/debug"

struct search {
    const struct ms_module *module;
    struct ms_elf_file own; // the file at the module's path
    bool own_matches;
    struct ms_module_file *file;
};

static uint64_t tag_of(const char *path, const struct ms_elf_file *elf) {
    return ms_mix(ms_mix(ms_hash_text(path), elf->bytes), elf->modified_ns);
}

static bool has_build_id(const struct ms_elf_file *elf, const struct ms_module *module) {
    return elf->build_id_length == module->build_id_length && elf->build_id_length > 0 &&
           memcmp(elf->build_id, module->build_id, elf->build_id_length) == 0;
}

// The file at a module's path: whether it is the one that was loaded.
static bool is_own(const struct ms_elf_file *elf, const struct ms_module *module,
                   uint64_t start_realtime_ns) {
    if (module->build_id_length > 0)
        return has_build_id(elf, module);
    return elf->build_id_length == 0 &&
           elf->modified_ns / 1000000000u <= start_realtime_ns / 1000000000u;
}

static void use(struct search *search, const char *path, const struct ms_elf_file *elf) {
    search->file->path = strdup(path);
    search->file->tag = tag_of(path, elf);
}

// Takes FOLDER + MIDDLE + NAME + SUFFIX, if that is of this module.
static bool try(struct search *search, const char *folder, const char *middle, const char *name,
                const char *suffix) {
    struct ms_elf_file elf;
    char *path;
    if (!*name || asprintf(&path, "%s%s%s%s", folder, middle, name, suffix) < 0)
        return false;
    if (strcmp(path, search->module->path) != 0 && ms_elf_file_read(path, &elf) &&
        has_build_id(&elf, search->module))
        use(search, path, &elf);
    free(path);
    return search->file->path != NULL;
}

// FOLDER/.build-id/ab/cdef.debug
static bool try_build_id(struct search *search, const char *folder) {
    char name[2 * 32 + 2];
    const struct ms_module *module = search->module;
    if (module->build_id_length < 2)
        return false;
    int at = snprintf(name, sizeof name, "%02x/", module->build_id[0]);
    for (uint32_t i = 1; i < module->build_id_length; i++)
        at += snprintf(name + at, sizeof name - (size_t)at, "%02x", module->build_id[i]);
    return try(search, folder, "/.build-id/", name, ".debug");
}

// A folder that the user named: of debug files, of moved modules, or a whole system's root.
static bool try_given(struct search *search, const char *folder) {
    const char *path = search->module->path, *name = strrchr(path, '/') + 1;
    return try_build_id(search, folder) || try(search, folder, "", path, ".debug") ||
           try(search, folder, "", path, "") || try(search, folder, "/", name, ".debug") ||
           try(search, folder, "/", name, "") ||
           try(search, folder, "/", search->own.debug_link, "");
}

// Where packages and debuggers put it: by build ID, beside the module, or below one folder.
static bool try_system(struct search *search) {
    const char *link = search->own.debug_link;
    if (try_build_id(search, SYSTEM_DEBUG_FOLDER))
        return true;
    if (!search->own_matches || !*link || strchr(link, '/'))
        return false;
    char *folder = strdup(search->module->path), *below;
    if (!folder)
        return false;
    *strrchr(folder, '/') = '\0';
    bool found = try(search, folder, "/", link, "") || try(search, folder, "/.debug/", link, "");
    if (!found && asprintf(&below, "%s%s/", SYSTEM_DEBUG_FOLDER, folder) >= 0) {
        found = try(search, below, "", link, "");
        free(below);
    }
    free(folder);
    return found;
}

static const char *reason_of(const struct search *search, bool is_elf) {
    if (!search->own.is_there)
        return "gone";
    if (!is_elf)
        return "no program or library is there now";
    return search->module->build_id_length ? "rebuilt, its build ID differs"
                                           : "rebuilt, it is younger than the process";
}

void ms_module_file_find(const struct ms_module *module, const char *const *debug_paths,
                         uint64_t start_realtime_ns, struct ms_module_file *file) {
    struct search search = {.module = module, .file = file};
    file->looked_at = true;
    if (!module->path || module->path[0] != '/') {
        file->reason = "no file"; // the kernel's own, as [vdso]
        return;
    }
    bool is_elf = ms_elf_file_read(module->path, &search.own);
    search.own_matches = is_elf && is_own(&search.own, module, start_realtime_ns);
    if (module->build_id_length > 0) {
        for (; debug_paths && *debug_paths; debug_paths++)
            if (try_given(&search, *debug_paths))
                return;
        if (!(search.own_matches && search.own.has_debug_info) && try_system(&search))
            return;
    }
    if (search.own_matches)
        use(&search, module->path, &search.own);
    else
        file->reason = reason_of(&search, is_elf);
}

char *ms_module_own_file(const struct ms_summary *summary, const struct ms_module *module) {
    struct ms_elf_file elf;
    uint64_t start_ns = ms_profile_header(summary->profile)->start_realtime_ns;
    bool is_there = module->path && module->path[0] == '/' && ms_elf_file_read(module->path, &elf);
    return is_there && is_own(&elf, module, start_ns) ? strdup(module->path) : NULL;
}
