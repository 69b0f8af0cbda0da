// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   MSTYPES1\n{"memscope": "0.1.0", "builds": {BUILD: {"FILE:LINE:COLUMN:KIND": {"type": …}}}}

#define _GNU_SOURCE // asprintf
#include "types_cache.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <memscope/memscope.h>
#include <profile/cache_file.h>

#define CACHE_MAGIC "MSTYPES1"        // 8 bytes; the last one is the version
#define CACHE_MOST ((size_t)64 << 20) // bytes
#define SUFFIX ".types"

struct ms_types_cache {
    const struct ms_profile *profile;
    char *path;
    json_t *whole;
    bool changed;
};

static json_t *load(const char *path) {
    size_t bytes;
    char *content = ms_cache_read(path, CACHE_MOST, &bytes);
    json_t *whole = NULL;
    if (content && bytes > MS_CACHE_MAGIC_BYTES &&
        memcmp(content, CACHE_MAGIC, MS_CACHE_MAGIC_BYTES) == 0)
        whole = json_loadb(content + MS_CACHE_MAGIC_BYTES, bytes - MS_CACHE_MAGIC_BYTES, 0, NULL);
    free(content);
    const char *version = json_string_value(json_object_get(whole, "memscope"));
    if (version && strcmp(version, MEMSCOPE_VERSION_STRING) == 0 &&
        json_is_object(json_object_get(whole, "builds")))
        return whole;
    json_decref(whole);
    return NULL;
}

struct ms_types_cache *ms_types_cache_open(const struct ms_profile *profile) {
    struct ms_types_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->profile = profile;
    cache->path = ms_cache_path(profile, SUFFIX);
    cache->whole = cache->path ? load(cache->path) : NULL;
    if (!cache->whole)
        cache->whole = json_pack("{s:s, s:{}}", "memscope", MEMSCOPE_VERSION_STRING, "builds");
    return cache;
}

size_t ms_types_cache_count(const struct ms_types_cache *cache) {
    size_t count = 0;
    const char *build;
    json_t *sites;
    if (cache)
        json_object_foreach(json_object_get(cache->whole, "builds"), build, sites) count +=
            json_object_size(sites);
    return count;
}

static char *key_of(const struct ms_wanted *place) {
    char *key;
    return asprintf(&key, "%s:%" PRIu32 ":%" PRIu32 ":%u", place->file, place->line, place->column,
                    place->kind) < 0
               ? NULL
               : key;
}

bool ms_types_cache_find(const struct ms_types_cache *cache, const char *build,
                         const struct ms_wanted *place, struct ms_kept_type *kept_out) {
    char *key = cache ? key_of(place) : NULL;
    const json_t *entry =
        key ? json_object_get(json_object_get(json_object_get(cache->whole, "builds"), build), key)
            : NULL;
    free(key);
    if (!json_is_object(entry))
        return false;
    json_int_t bytes = json_integer_value(json_object_get(entry, "bytes"));
    const char *commands = json_string_value(json_object_get(entry, "commands"));
    *kept_out = (struct ms_kept_type){
        .type = json_string_value(json_object_get(entry, "type")),
        .variable = json_string_value(json_object_get(entry, "variable")),
        .why = json_string_value(json_object_get(entry, "why")),
        .type_bytes = bytes > 0 ? (uint64_t)bytes : 0,
        .commands = commands ? strtoull(commands, NULL, 16) : 0,
    };
    return true;
}

static json_t *text_or_null(const char *text) {
    json_t *value = text ? json_string(text) : NULL;
    return value ? value : json_null();
}

void ms_types_cache_put(struct ms_types_cache *cache, const char *build,
                        const struct ms_wanted *place, const struct ms_kept_type *kept) {
    char *key = cache ? key_of(place) : NULL;
    char commands[24];
    if (!key)
        return;
    json_t *builds = json_object_get(cache->whole, "builds"),
           *sites = json_object_get(builds, build);
    if (!json_is_object(sites)) {
        sites = json_object();
        json_object_set_new(builds, build, sites);
    }
    snprintf(commands, sizeof commands, "%" PRIx64, kept->commands);
    json_t *entry = json_object();
    json_object_set_new(entry, "type", text_or_null(kept->type));
    json_object_set_new(entry, "bytes", json_integer((json_int_t)kept->type_bytes));
    json_object_set_new(entry, "variable", text_or_null(kept->variable));
    json_object_set_new(entry, "why", text_or_null(kept->why));
    json_object_set_new(entry, "commands", json_string(commands));
    if (json_object_set_new(sites, key, entry) == 0) // paths that are not UTF-8 are not kept
        cache->changed = true;
    free(key);
}

bool ms_types_cache_close(struct ms_types_cache *cache) {
    if (!cache)
        return false;
    bool good = true;
    if (cache->changed && cache->path) {
        char *content = json_dumps(cache->whole, JSON_INDENT(1) | JSON_SORT_KEYS);
        good = content && ms_cache_may_write(cache->profile, cache->path, CACHE_MAGIC) &&
               ms_cache_write(cache->path, CACHE_MAGIC "\n", MS_CACHE_MAGIC_BYTES + 1, content,
                              strlen(content));
        free(content);
    }
    json_decref(cache->whole);
    free(cache->path);
    free(cache);
    return good;
}
