// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// unwind_seeds FOLDER: real unwind tables as seeds, a few functions each, with those of this
// program's own rare shapes. The start addresses lead outside, as they do in a module.

#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 12, MOST_BYTES = 4096, ENTRIES = 12 };

// Operations that compilers write seldom or never: all of DW_CFA_*, and expressions.
__asm__(".text\n"
        "rare_operations:\n"
        ".cfi_startproc\n"
        ".cfi_signal_frame\n"
        ".cfi_personality 0x1b, main\n"
        ".cfi_lsda 0x1b, main\n"
        "nop\n"
        ".cfi_remember_state\n"
        ".cfi_def_cfa 6, 16\n"
        ".cfi_offset 6, -16\n"
        ".cfi_register 16, 6\n"
        ".cfi_escape 0x10, 0x06, 0x04, 0x77, 0x88, 0x01, 0x06\n" // expression: *(rsp + 136)
        ".cfi_escape 0x16, 0x07, 0x03, 0x77, 0xa0, 0x01\n"       // value: rsp + 160
        ".cfi_escape 0x2e, 0x10, 0x2f, 0x06, 0x02\n"             // args size, negative offset
        "nop\n"
        ".cfi_escape 0x12, 0x07, 0x7f, 0x13, 0x7e\n" // def_cfa_sf, def_cfa_offset_sf
        ".cfi_escape 0x14, 0x06, 0x02, 0x15, 0x06, 0x7e, 0x11, 0x06, 0x02\n"
        ".cfi_escape 0x05, 0x06, 0x02, 0x06, 0x06, 0x07, 0x03, 0x08, 0x06\n"
        "nop\n"
        ".cfi_restore_state\n"
        ".cfi_undefined 16\n"
        "nop\n"
        ".cfi_endproc\n"
        "rare_expressions:\n"
        ".cfi_startproc\n"
        // The PLT's: rsp + 8 + ((rip & 15) >= 11) * 8
        ".cfi_escape 0x0f, 0x0b, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22\n"
        "nop\n"
        // A realigned frame's: *(rbp - 8); then arithmetic, shuffling and constants.
        ".cfi_escape 0x0f, 0x03, 0x76, 0x78, 0x06\n"
        "nop\n"
        ".cfi_escape 0x0f, 0x13, 0x77, 0x00, 0x08, 0x10, 0x0b, 0x08, 0x00, 0x14, 0x16, 0x21, 0x1c\n"
        ".cfi_escape 0x12, 0x13, 0x1f, 0x20, 0x23, 0x10, 0x38, 0x1e, 0x96\n"
        "nop\n"
        ".cfi_escape 0x0f, 0x10, 0x92, 0x06, 0x00, 0x10, 0x81, 0x01, 0x11, 0x7f, 0x25, 0x26, 0x27\n"
        ".cfi_escape 0x0c, 0x01, 0x00, 0x00, 0x00\n"
        "nop\n"
        ".cfi_endproc\n");

static const char *folder;
static int seeds;

static void write_seed(const char *bytes, size_t count) {
    char path[4096];
    snprintf(path, sizeof path, "%s/tables%d", folder, seeds++);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static uint32_t word(const char *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static void put(char *at, int64_t value) {
    int32_t narrow = (int32_t)value;
    memcpy(at, &narrow, sizeof narrow);
}

// Copies an entry; pc_begin, the first field behind the CIE's, is of the place it had before.
static size_t copy_entry(char *to, const char *entry) {
    size_t bytes = word(entry) + 4;
    memcpy(to, entry, bytes);
    return bytes;
}

// One seed of some of a module's functions: the header, then CIE and FDE of each.
static void make_seed(const char *header, uint32_t first, uint32_t count) {
    static char seed[MOST_BYTES * 2];
    uint32_t entries = 0;
    size_t at = HEADER + ENTRIES * 8;
    memset(seed, 0, sizeof seed);
    for (uint32_t i = first; i < count && entries < ENTRIES; i++) {
        const char *fde = header + (int32_t)word(header + HEADER + i * 8 + 4);
        const char *cie = fde + 4 - word(fde + 4);
        if (at + word(fde) + word(cie) + 12 > MOST_BYTES)
            break;
        size_t cie_at = at, fde_at = at + copy_entry(seed + at, cie);
        at = fde_at + copy_entry(seed + fde_at, fde);
        int64_t start = (int64_t)(4096 + 64 * entries); // behind the header
        put(seed + fde_at + 4, (int64_t)(fde_at + 4 - cie_at));
        put(seed + fde_at + 8, start - (int64_t)(fde_at + 8));
        put(seed + HEADER + entries * 8, start);
        put(seed + HEADER + entries * 8 + 4, (int64_t)fde_at);
        entries++;
    }
    seed[0] = 1, seed[1] = 0x1b, seed[2] = 3, seed[3] = 0x3b;
    put(seed + 4, HEADER + ENTRIES * 8 - 4);
    put(seed + 8, entries);
    if (entries == 0)
        return;
    write_seed(seed, at + 4);
    seed[3] = (char)0xff; // without a table
    write_seed(seed, at + 4);
}

static int add_module(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size, (void)argument;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const char *header = (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        if (info->dlpi_phdr[i].p_type != PT_GNU_EH_FRAME)
            continue;
        uint32_t count = word(header + 8), stride = count / 40 + ENTRIES;
        for (uint32_t first = 0; first < count; first += stride)
            make_seed(header, first, count);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fputs("usage: unwind_seeds FOLDER\n", stderr);
        return 2;
    }
    folder = argv[1];
    dl_iterate_phdr(add_module, NULL);
    printf("%d seeds\n", seeds);
    return seeds > 50 ? 0 : 1;
}
