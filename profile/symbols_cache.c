// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// FILE.symbols beside a profile: the names that were asked for, so that the next report asks for
// none. Little endian, for this machine alone:
//
//   header ── modules ── codes ── frames (in the order of the codes) ── texts (zero-terminated)
//
// A text is named by its offset; the first one is empty, which stands for none. A module is known
// by its build ID, without one by its path; its entries hold while the file that told them is the
// same (tag), and by build ID also once that file is gone.

#include "cache_file.h"
#include "symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_MAGIC "MSSYMBOL" // 8 bytes, no terminator
#define CACHE_VERSION 1u
#define CACHE_MOST (256u << 20) // bytes
#define SUFFIX ".symbols"

struct cache_header {
    char magic[8];
    uint32_t version;
    uint32_t module_count, code_count, frame_count;
    uint64_t text_bytes;
    uint64_t checksum; // of all that follows
};

struct cache_module {
    uint64_t tag;
    uint8_t build_id[32];
    uint32_t build_id_length;
    uint32_t path; // text
};

struct cache_code {
    uint64_t address;
    uint32_t module;
    uint32_t count; // of frames
};

struct cache_frame {
    uint32_t function, file; // texts
    uint32_t line, column;
};

static uint64_t checksum(const void *bytes, size_t count) {
    const unsigned char *at = bytes;
    uint64_t sum = count;
    for (; count >= 8; at += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        sum = ms_mix(sum, word);
    }
    for (; count > 0; at++, count--)
        sum = ms_mix(sum, *at);
    return sum;
}

// --- reading -----------------------------------------------------------------------------------

struct cache {
    struct cache_header *header; // and all behind it
    const struct cache_module *modules;
    const struct cache_code *codes;
    const struct cache_frame *frames;
    const char *texts;
};

static bool is_sound(const struct cache *cache) {
    const struct cache_header *header = cache->header;
    uint64_t frames = 0;
    if (header->text_bytes == 0 || cache->texts[0] || cache->texts[header->text_bytes - 1])
        return false;
    for (uint32_t i = 0; i < header->module_count; i++)
        if (cache->modules[i].build_id_length > sizeof cache->modules[i].build_id ||
            cache->modules[i].path >= header->text_bytes)
            return false;
    for (uint32_t i = 0; i < header->code_count; i++) {
        frames += cache->codes[i].count;
        if (cache->codes[i].module >= header->module_count ||
            cache->codes[i].count > MS_SYMBOL_FRAMES_MOST)
            return false;
    }
    for (uint32_t i = 0; i < header->frame_count; i++)
        if (cache->frames[i].function >= header->text_bytes ||
            cache->frames[i].file >= header->text_bytes)
            return false;
    return frames == header->frame_count;
}

// False = nothing to use.
static bool open_cache(const char *path, struct cache *cache) {
    size_t bytes;
    struct cache_header *header = cache->header = ms_cache_read(path, CACHE_MOST, &bytes);
    if (!header || bytes < sizeof *header)
        return false;
    uint64_t modules = header->module_count * (uint64_t)sizeof *cache->modules;
    uint64_t codes = header->code_count * (uint64_t)sizeof *cache->codes;
    uint64_t frames = header->frame_count * (uint64_t)sizeof *cache->frames;
    uint64_t rest = bytes - sizeof *header;
    if (memcmp(header->magic, CACHE_MAGIC, sizeof header->magic) != 0 ||
        header->version != CACHE_VERSION || header->text_bytes > rest ||
        modules + codes + frames + header->text_bytes != rest ||
        header->checksum != checksum(header + 1, rest))
        return false;
    cache->modules = (const void *)(header + 1);
    cache->codes = (const void *)(cache->modules + header->module_count);
    cache->frames = (const void *)(cache->codes + header->code_count);
    cache->texts = (const void *)(cache->frames + header->frame_count);
    return is_sound(cache);
}

// Whether what the cache says of a module is still so.
static bool holds(const struct ms_summary *summary, const struct cache *cache,
                  const struct cache_module *kept, uint32_t module,
                  const struct ms_resolve_options *options) {
    const struct ms_module *now = &summary->modules[module];
    if (now->first != module || now->build_id_length != kept->build_id_length)
        return false;
    if (now->build_id_length > 0 ? memcmp(now->build_id, kept->build_id, kept->build_id_length) != 0
                                 : !now->path || strcmp(now->path, cache->texts + kept->path) != 0)
        return false;
    const struct ms_module_file *file = ms_symbols_file(summary, module, options);
    return file->path ? file->tag == kept->tag : now->build_id_length > 0;
}

// The profile's module that each of the cache is; UINT32_MAX = none.
static uint32_t *match_modules(const struct ms_summary *summary, const struct cache *cache,
                               const struct ms_resolve_options *options) {
    uint32_t *matches = calloc(cache->header->module_count + (size_t)1, sizeof *matches);
    for (uint32_t i = 0; matches && i < cache->header->module_count; i++) {
        matches[i] = UINT32_MAX;
        for (uint32_t k = 0; k < summary->module_count && matches[i] == UINT32_MAX; k++)
            if (holds(summary, cache, &cache->modules[i], k, options))
                matches[i] = k;
    }
    return matches;
}

static const char *text_at(const struct ms_summary *summary, const struct cache *cache,
                           uint32_t offset) {
    return offset ? ms_symbols_text(summary->symbols, cache->texts + offset) : NULL;
}

static void take_code(const struct ms_summary *summary, const struct cache *cache,
                      const struct cache_code *kept, const struct cache_frame *frames,
                      uint32_t module) {
    struct ms_symbols *symbols = summary->symbols;
    struct ms_code *code = ms_symbols_code(symbols, module, kept->address);
    struct ms_frame *copies =
        kept->count ? ms_arena_take(&symbols->arena, kept->count * sizeof *copies) : NULL;
    if (!code || (kept->count > 0 && !copies))
        return;
    for (uint32_t i = 0; i < kept->count; i++)
        copies[i] = (struct ms_frame){
            .function = text_at(summary, cache, frames[i].function),
            .file = text_at(summary, cache, frames[i].file),
            .line = frames[i].line,
            .column = frames[i].column,
        };
    code->known = true;
    code->frames = copies;
    code->count = kept->count;
}

void ms_symbols_load(const struct ms_summary *summary, const struct ms_resolve_options *options) {
    struct cache cache;
    char *path = ms_cache_path(summary->profile, SUFFIX);
    if (!path)
        return;
    uint32_t *matches = open_cache(path, &cache) ? match_modules(summary, &cache, options) : NULL;
    if (matches) {
        const struct cache_frame *frames = cache.frames;
        for (uint32_t i = 0; i < cache.header->code_count; i++) {
            const struct cache_code *kept = &cache.codes[i];
            if (matches[kept->module] != UINT32_MAX)
                take_code(summary, &cache, kept, frames, matches[kept->module]);
            frames += kept->count;
        }
    }
    free(matches);
    free(cache.header);
    free(path);
}

// --- writing -----------------------------------------------------------------------------------

struct writer {
    const struct ms_summary *summary;
    FILE *parts[4]; // modules, codes, frames, texts
    char *bytes[4];
    size_t sizes[4];
    struct cache_header header;
    uint32_t *text_offsets; // by slot; 0 = not written yet
    uint32_t *modules;      // by module: index + 1
};

static uint32_t append_text(struct writer *writer, const char *text) {
    uint32_t offset = (uint32_t)writer->header.text_bytes;
    fwrite(text, 1, strlen(text) + 1, writer->parts[3]);
    writer->header.text_bytes += strlen(text) + 1;
    return offset;
}

// Of the symbols' texts each once.
static uint32_t put_text(struct writer *writer, const char *text) {
    if (!text || !*text)
        return 0;
    uint32_t *offset = &writer->text_offsets[ms_symbols_text_slot(writer->summary->symbols, text)];
    if (*offset == 0)
        *offset = append_text(writer, text);
    return *offset;
}

static uint32_t put_module(struct writer *writer, uint32_t index) {
    const struct ms_module *module = &writer->summary->modules[index];
    if (writer->modules[index] == 0) {
        struct cache_module kept = {
            .tag = writer->summary->symbols->files[index].tag,
            .build_id_length = module->build_id_length,
        };
        memcpy(kept.build_id, module->build_id, module->build_id_length);
        if (module->build_id_length == 0)
            kept.path = append_text(writer, module->path ? module->path : "");
        fwrite(&kept, sizeof kept, 1, writer->parts[0]);
        writer->modules[index] = ++writer->header.module_count;
    }
    return writer->modules[index] - 1;
}

static void put_codes(struct writer *writer) {
    const struct ms_symbols *symbols = writer->summary->symbols;
    append_text(writer, "");
    for (size_t i = 0; i < symbols->code_count; i++) {
        const struct ms_code *code = &symbols->codes[i];
        if (!code->known)
            continue;
        struct cache_code kept = {code->address, put_module(writer, code->module), code->count};
        fwrite(&kept, sizeof kept, 1, writer->parts[1]);
        writer->header.code_count++;
        for (uint32_t k = 0; k < code->count; k++) {
            const struct ms_frame *frame = &code->frames[k];
            struct cache_frame one = {put_text(writer, frame->function),
                                      put_text(writer, frame->file), frame->line, frame->column};
            fwrite(&one, sizeof one, 1, writer->parts[2]);
            writer->header.frame_count++;
        }
    }
}

static bool make_content(struct writer *writer, char **content_out, size_t *bytes_out) {
    FILE *whole = open_memstream(content_out, bytes_out);
    for (int i = 0; whole && i < 4; i++)
        fwrite(writer->bytes[i], 1, writer->sizes[i], whole);
    return whole && fclose(whole) == 0 && *bytes_out <= CACHE_MOST;
}

void ms_symbols_save(const struct ms_summary *summary) {
    struct writer writer = {.summary = summary,
                            .header = {.magic = CACHE_MAGIC, .version = CACHE_VERSION}};
    char *path = ms_cache_path(summary->profile, SUFFIX), *content = NULL;
    size_t bytes = 0;
    if (path && ms_cache_may_write(summary->profile, path, CACHE_MAGIC)) {
        bool good = true;
        writer.text_offsets = calloc(summary->symbols->text_slot_count + 1, sizeof(uint32_t));
        writer.modules = calloc(summary->module_count + 1, sizeof(uint32_t));
        for (int i = 0; i < 4; i++)
            good = (writer.parts[i] = open_memstream(&writer.bytes[i], &writer.sizes[i])) && good;
        good = good && writer.text_offsets && writer.modules;
        if (good)
            put_codes(&writer);
        for (int i = 0; i < 4; i++)
            good = writer.parts[i] && fclose(writer.parts[i]) == 0 && good;
        if (good && make_content(&writer, &content, &bytes)) {
            writer.header.checksum = checksum(content, bytes);
            ms_cache_write(path, &writer.header, sizeof writer.header, content, bytes);
        }
    }
    for (int i = 0; i < 4; i++)
        free(writer.bytes[i]);
    free(writer.text_offsets);
    free(writer.modules);
    free(content);
    free(path);
}
