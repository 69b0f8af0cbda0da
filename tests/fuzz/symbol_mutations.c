// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// symbol_mutations ROUNDS: what tells names, changed at random but the same every time: the files
// of modules and of their debug info, FILE.symbols (its checksum mended, or nothing would be read),
// the symbolizer's answers. Works in a folder of its own, which it removes.

#include "builder.h"
#include "random_numbers.h"

#include <assert.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <profile/contexts.h>
#include <profile/symbols.h>
#include <report/report.h>

#define ID 0xAB
#define ANSWERS 12 // places that builder_stacks asks of

static const char symbolizer[] = "#!/bin/sh\n"
                                 "exec 3<answers\n"
                                 "while read -r question; do\n"
                                 "    read -r answer <&3\n"
                                 "    printf '%s\\n' \"$answer\"\n"
                                 "done\n";
static const char answer[] =
    "{\"Address\": \"0x1060\", \"ModuleName\": \"app\", \"Symbol\": ["
    "{\"Column\": 9, \"FileName\": \"/src/tree.cc\", \"FunctionName\": "
    "\"std::vector<node*, std::allocator<node*>>::push(node*) (.resume)\", \"Line\": 7}, "
    "{\"Column\": 1, \"FileName\": \"\", \"FunctionName\": "
    "\"_$LT$a..b..Vec$LT$T$GT$$u20$as$u20$C$GT$::m::h0123456789abcdef\", \"Line\": 70}]}\n";

struct module {
    Elf64_Ehdr elf;
    Elf64_Phdr segment;
    Elf64_Nhdr note;
    char owner[4];
    uint8_t id[20];
    Elf64_Shdr sections[5];
    char names[64], link[16];
};

static size_t mutate(uint8_t *bytes, size_t count) {
    static const uint8_t edges[] = {0, 0xFF, 0x7F, 0x80, '"', '\\', '{', ']', '<', '>', '$', ' '};
    for (uint32_t i = 1 + below(4); i > 0; i--) {
        uint32_t at = below((uint32_t)count);
        switch (below(4)) {
        case 0:
            bytes[at] ^= (uint8_t)(1u << below(8));
            break;
        case 1:
            bytes[at] = edges[below(sizeof edges)];
            break;
        case 2: // a word near an end
            for (uint32_t k = at / 4 * 4; k < count && k < at / 4 * 4 + 4; k++)
                bytes[k] = k % 4 == 0 ? (uint8_t)(below(3) - 1) : bytes[at];
            break;
        default: {
            uint32_t length = below((uint32_t)count - at);
            memmove(bytes + at, bytes + below((uint32_t)count - length), length);
        }
        }
    }
    return below(8) == 0 ? 1 + below((uint32_t)count) : count;
}

// ---- files -------------------------------------------------------------------------------------

static void write_file(const char *path, const void *bytes, size_t count) {
    FILE *file = fopen(path, "w");
    assert(file && fwrite(bytes, 1, count, file) == count && fclose(file) == 0);
}

static void *read_file(const char *path, size_t *count_out) {
    struct stat status;
    FILE *file = fopen(path, "r");
    assert(file && stat(path, &status) == 0);
    uint8_t *bytes = malloc((size_t)status.st_size + 1);
    assert(bytes);
    *count_out = fread(bytes, 1, (size_t)status.st_size, file);
    fclose(file);
    return bytes;
}

static struct module sound_module(bool is_debug) {
    static const char names[] = "\0.note\0.shstrtab\0.gnu_debuglink\0.debug_info";
    struct module module = {
        .elf = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB},
                .e_phoff = offsetof(struct module, segment),
                .e_phnum = 1,
                .e_shoff = offsetof(struct module, sections),
                .e_shnum = is_debug ? 5 : 4,
                .e_shstrndx = 2},
        .segment = {.p_type = PT_NOTE,
                    .p_offset = offsetof(struct module, note),
                    .p_filesz = offsetof(struct module, sections) - offsetof(struct module, note)},
        .note = {4, sizeof module.id, NT_GNU_BUILD_ID},
        .owner = "GNU",
        .link = "app.debug",
    };
    memset(module.id, ID, sizeof module.id);
    memcpy(module.names, names, sizeof names);
    module.sections[1] = (Elf64_Shdr){.sh_name = 1, // .note
                                      .sh_type = SHT_NOTE,
                                      .sh_offset = module.segment.p_offset,
                                      .sh_size = module.segment.p_filesz};
    module.sections[2] = (Elf64_Shdr){.sh_name = 7, // .shstrtab
                                      .sh_type = SHT_STRTAB,
                                      .sh_offset = offsetof(struct module, names),
                                      .sh_size = sizeof names};
    module.sections[3] = (Elf64_Shdr){.sh_name = 17, // .gnu_debuglink
                                      .sh_type = SHT_PROGBITS,
                                      .sh_offset = offsetof(struct module, link),
                                      .sh_size = sizeof module.link};
    module.sections[4] = (Elf64_Shdr){.sh_name = 32, // .debug_info
                                      .sh_type = SHT_PROGBITS,
                                      .sh_offset = offsetof(struct module, names),
                                      .sh_size = sizeof names};
    return module;
}

// As symbols_cache.c sums up what is behind the header.
static void mend_checksum(uint8_t *bytes, size_t count) {
    enum { HEADER = 40, CHECKSUM = 32 };
    if (count <= HEADER)
        return;
    const uint8_t *at = bytes + HEADER;
    size_t rest = count - HEADER;
    uint64_t sum = rest, word;
    for (; rest >= 8; at += 8, rest -= 8) {
        memcpy(&word, at, 8);
        sum = ms_mix(sum, word);
    }
    for (; rest > 0; at++, rest--)
        sum = ms_mix(sum, *at);
    memcpy(bytes + CHECKSUM, &sum, sizeof sum);
}

// ---- reading -----------------------------------------------------------------------------------

// A whole report; how many frames have names from symbols.
static size_t report(const char *program) {
    const char *const debug_paths[] = {"debug", NULL};
    const struct ms_resolve_options options = {
        .symbolizer = program, .timeout_ms = 20000, .debug_paths = debug_paths};
    char message[MS_MESSAGE_BYTES], *text = NULL;
    size_t bytes = 0, named = 0;
    struct ms_profile *profile;
    struct ms_summary *summary;
    struct ms_contexts *contexts;
    assert(ms_profile_open("x.msp", &profile, message) == MEMSCOPE_OK);
    assert(ms_summary_create(profile, &summary) == MEMSCOPE_OK);
    ms_summary_resolve(summary, &options);
    ms_contexts_create(summary, &options, &contexts);
    assert(contexts && ms_contexts_fold_templates(contexts) == MEMSCOPE_OK);
    for (size_t i = 0; i < summary->symbols->code_count; i++)
        named += summary->symbols->codes[i].count;
    struct ms_report_options shown = {.contexts = contexts, .stacks = 9, .width = 90};
    FILE *out = open_memstream(&text, &bytes);
    assert(out && ms_report_text(summary, &shown, out) == MEMSCOPE_OK && fclose(out) == 0);
    for (size_t i = 0; i < bytes; i++)
        assert((unsigned char)text[i] >= 0x20 || text[i] == '\n');
    free(text);
    ms_contexts_destroy(contexts);
    ms_summary_destroy(summary);
    ms_profile_close(profile);
    return named;
}

static size_t with_modules(long rounds) {
    size_t found = 0;
    for (long i = -1; i < rounds; i++) {
        struct module app = sound_module(false), debug = sound_module(true);
        size_t app_bytes = sizeof app, debug_bytes = sizeof debug;
        if (i >= 0 && i % 2 == 0)
            app_bytes = mutate((uint8_t *)&app, sizeof app);
        else if (i >= 0)
            debug_bytes = mutate((uint8_t *)&debug, sizeof debug);
        write_file("app", &app, app_bytes);
        write_file("app.debug", &debug, debug_bytes);
        report("/nonexistent"); // finds the files and asks nobody
        struct ms_elf_file elf;
        found += ms_elf_file_read("app.debug", &elf) && elf.has_debug_info &&
                 elf.build_id_length == sizeof app.id;
    }
    return found;
}

// The symbolizer, which the cache speaks of, is gone: names come from the cache alone.
static size_t with_cache(const char *program, long rounds) {
    size_t count, read = 0;
    uint8_t *sound = read_file("x.msp.symbols", &count);
    for (long i = 0; i < rounds; i++) {
        uint8_t *changed = malloc(count);
        assert(changed);
        memcpy(changed, sound, count);
        size_t left = mutate(changed, count);
        if (below(8) != 0)
            mend_checksum(changed, left);
        write_file("x.msp.symbols", changed, left);
        read += report(program) > 0;
        free(changed);
    }
    free(sound);
    return read;
}

static size_t with_answers(const char *program, long rounds) {
    size_t read = 0;
    for (long i = -1; i < rounds; i++) {
        FILE *out = fopen("answers", "w");
        assert(out);
        for (int k = 0; k < ANSWERS; k++) {
            uint8_t changed[sizeof answer];
            memcpy(changed, answer, sizeof answer);
            size_t left = i < 0 ? sizeof answer - 1 : mutate(changed, sizeof answer - 2);
            fwrite(changed, 1, left, out);
            fputs(i < 0 ? "" : "\n", out);
        }
        assert(fclose(out) == 0);
        unlink("x.msp.symbols");
        size_t named = report(program);
        assert(i >= 0 || named == 2 * ANSWERS);
        read += named > 0;
    }
    return read;
}

int main(int argc, char **argv) {
    static struct builder b;
    char folder[] = "symbol_mutations.XXXXXX", path[4096], command[64];
    long rounds = argc == 2 ? atol(argv[1]) : 0;
    assert(rounds > 0 && mkdtemp(folder) && chdir(folder) == 0 && mkdir("debug", 0700) == 0);
    assert(getcwd(path, sizeof path - 16));
    strcat(path, "/app");
    builder_stacks(&b, path, ID);
    builder_write(&b, "x.msp");
    write_file("names", symbolizer, sizeof symbolizer - 1);
    assert(chmod("names", 0700) == 0);
    size_t found = with_modules(rounds);
    struct module app = sound_module(false);
    write_file("app", &app, sizeof app);
    // Each starts a process.
    size_t read = with_answers("./names", rounds / 20);
    FILE *out = fopen("answers", "w");
    for (int k = 0; out && k < ANSWERS; k++)
        fputs(answer, out);
    assert(out && fclose(out) == 0);
    unlink("x.msp.symbols");
    assert(report("./names") == 2 * ANSWERS);
    unlink("names");
    size_t kept = with_cache("./names", rounds);
    builder_end(&b);
    snprintf(command, sizeof command, "rm -rf ../%s", folder);
    assert(system(command) == 0);
    printf("%ld mutations each: %zu modules found, %zu answers and %zu caches read\n", rounds,
           found, read, kept);
    // Damage that lets nothing be read would prove nothing.
    return found < (size_t)rounds / 4 || read < (size_t)rounds / 80 || kept < (size_t)rounds / 10;
}
