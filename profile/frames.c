// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The frames of a site, and which of them its author recognises: std::vector allocates in a header,
// the line that grew the vector is the one to show.

#include "wrappers.h"

#include <stdlib.h>
#include <string.h>

uint32_t ms_site_frame_count(const struct ms_site *site) {
    return site->foreign || site->symbols ? site->symbol_count : 1 + site->inlined_count;
}

struct ms_frame ms_site_frame(const struct ms_summary *summary, const struct ms_site *site,
                              uint32_t depth) {
    if (site->foreign || site->symbols)
        return site->symbols[depth];
    if (depth == 0)
        return (struct ms_frame){site->function, site->file, site->line, site->column};
    const struct memscope_profile_frame *frame = &site->inlined[depth - 1];
    return (struct ms_frame){
        .function = ms_profile_string(summary->profile, frame->function_ref),
        .file = ms_profile_string(summary->profile, frame->file_ref),
        .line = frame->line,
        .column = frame->column,
    };
}

bool ms_is_system_file(const char *file) {
    static const char *const folders[] = {"/usr/include/", "/usr/lib/", "/usr/lib64/",
                                          "/usr/local/include/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strncmp(file, folders[i], strlen(folders[i])) == 0)
            return true;
    if (strstr(file, "/lib/clang/"))
        return true;
    // c++/12/ of GCC, c++/v1/ of clang, wherever they are installed.
    for (const char *at = file; (at = strstr(at, "/c++/")); at++) {
        const char *version = at + strlen("/c++/");
        version += *version == 'v';
        if (*version >= '0' && *version <= '9')
            return true;
    }
    return false;
}

bool ms_is_library_frame(const struct ms_frame *frame) {
    if (frame->function) {
        const char *begin, *end = ms_function_name(frame->function, &begin);
        for (size_t i = 0; i < 2; i++) {
            const char *space = i ? "__gnu_cxx::" : "std::";
            size_t length = strlen(space);
            if ((size_t)(end - begin) > length && strncmp(begin, space, length) == 0)
                return true;
        }
    }
    return frame->file && ms_is_system_file(frame->file);
}

uint32_t ms_site_shown_depth(const struct ms_site *site) {
    uint32_t count = ms_site_frame_count(site);
    return site->user_depth != MS_NO_FRAME ? site->user_depth : count ? count - 1 : MS_NO_FRAME;
}

const char *ms_site_wrapper(const struct ms_summary *summary, const struct ms_site *site) {
    uint32_t count = ms_site_frame_count(site); // of a foreign site without names 0
    for (uint32_t depth = site->wrapper_frames < count ? site->wrapper_frames : count;
         depth-- > 0;) {
        struct ms_frame frame = ms_site_frame(summary, site, depth);
        if (frame.function && !ms_is_library_frame(&frame))
            return frame.function;
    }
    return NULL;
}

static uint32_t user_depth(const struct ms_summary *summary, const struct ms_site *site) {
    uint32_t count = ms_site_frame_count(site);
    for (uint32_t depth = site->wrapper_frames < count ? site->wrapper_frames : 0; depth < count;
         depth++) {
        struct ms_frame frame = ms_site_frame(summary, site, depth);
        if (frame.file && *frame.file && !ms_is_system_file(frame.file))
            return depth;
    }
    return MS_NO_FRAME;
}

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

memscope_status ms_find_user_frames(struct ms_summary *summary) {
    // Of each site the file of the call and that of the shown frame.
    const char **files = calloc(2 * summary->site_count + 1, sizeof *files);
    size_t count = 0, distinct = 0;
    if (!files)
        return MEMSCOPE_OUT_OF_MEMORY;
    for (size_t i = 0; i < summary->site_count; i++) {
        struct ms_site *site = &summary->sites[i];
        site->user_depth = user_depth(summary, site);
        uint32_t shown = ms_site_shown_depth(site);
        const char *named[] = {
            site->file, shown != MS_NO_FRAME ? ms_site_frame(summary, site, shown).file : NULL};
        for (size_t k = 0; k < 2; k++)
            if (named[k])
                files[count++] = named[k];
    }
    qsort(files, count, sizeof *files, compare_texts);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || strcmp(files[i], files[i - 1]) != 0)
            files[distinct++] = files[i];
    free(summary->files);
    summary->files = files;
    summary->file_count = distinct;
    return MEMSCOPE_OK;
}
