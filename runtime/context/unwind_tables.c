// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds the frame description (FDE) of a pc:
//
//   .eh_frame_hdr   [ version 1 | 3 encodings | .eh_frame | count | (start, FDE) sorted by start …
//   ] .eh_frame       [ CIE | FDE | FDE … | CIE … | 0 ]
//     CIE           [ length | 0 | version | augmentation | factors, RA column | … | program ]
//     FDE           [ length | back to the CIE | start, size | … | program ]

#include "unwind_tables.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

extern int _dl_find_object(void *, struct dl_find_object *) __attribute__((weak));

// DW_EH_PE_*: the low half is the format, the high one what it is relative to.
enum {
    ENCODED_ABSOLUTE = 0x00,
    ENCODED_ULEB = 0x01,
    ENCODED_U2 = 0x02,
    ENCODED_U4 = 0x03,
    ENCODED_U8 = 0x04,
    ENCODED_SLEB = 0x09,
    ENCODED_S2 = 0x0a,
    ENCODED_S4 = 0x0b,
    ENCODED_S8 = 0x0c,
    ENCODED_FORMAT = 0x0f,
    RELATIVE_TO_PLACE = 0x10,
    RELATIVE_TO_HEADER = 0x30,
    ALIGNED = 0x50,
    RELATIVE = 0x70,
    INDIRECT = 0x80,
    OMITTED = 0xff,
    TABLE_ENCODING = RELATIVE_TO_HEADER | ENCODED_S4,
};

// ---- bytes -------------------------------------------------------------------------------------

static void spoil(struct ms_reader *reader) {
    reader->is_bad = true;
    reader->at = reader->end;
}

uint64_t ms_read_fixed(struct ms_reader *reader, unsigned bytes) {
    uint64_t value = 0;
    if (reader->end - reader->at < bytes) {
        spoil(reader);
        return 0;
    }
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): in the module's range
    memcpy(&value, (const void *)reader->at, bytes); // little endian, as every CPU we know
    reader->at += bytes;
    return value;
}

int64_t ms_read_signed(struct ms_reader *reader, unsigned bytes) {
    unsigned unused = 64 - bytes * 8;
    return (int64_t)(ms_read_fixed(reader, bytes) << unused) >> unused;
}

static uint64_t read_leb(struct ms_reader *reader, bool is_signed) {
    uint64_t value = 0, byte;
    unsigned shift = 0;
    do {
        byte = ms_read_fixed(reader, 1);
        if (shift < 64)
            value |= (byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    if (is_signed && (byte & 0x40) && shift < 64)
        value |= ~(uint64_t)0 << shift;
    return value;
}

uint64_t ms_read_uleb(struct ms_reader *reader) {
    return read_leb(reader, false);
}

int64_t ms_read_sleb(struct ms_reader *reader) {
    return (int64_t)read_leb(reader, true);
}

void ms_read_skip(struct ms_reader *reader, uint64_t bytes) {
    if (reader->end - reader->at < bytes)
        spoil(reader);
    else
        reader->at += bytes;
}

struct ms_reader ms_read_part(struct ms_reader *reader, uint64_t bytes) {
    struct ms_reader part = {.at = reader->at};
    ms_read_skip(reader, bytes);
    part.is_bad = reader->is_bad;
    part.end = reader->is_bad ? part.at : reader->at;
    return part;
}

// At `at` inside the tables; bad where that is outside.
static struct ms_reader reader_at(const struct ms_tables *tables, uintptr_t at) {
    bool is_inside = at >= tables->low && at <= tables->high;
    return (struct ms_reader){
        .at = is_inside ? at : tables->high, .end = tables->high, .is_bad = !is_inside};
}

uintptr_t ms_read_pointer(struct ms_reader *reader, uint8_t encoding,
                          const struct ms_tables *tables) {
    if ((encoding & RELATIVE) == ALIGNED) {
        ms_read_skip(reader, -reader->at % sizeof(uintptr_t));
        return ms_read_fixed(reader, sizeof(uintptr_t));
    }
    uintptr_t place = reader->at, value;
    switch (encoding & ENCODED_FORMAT) {
    case ENCODED_ABSOLUTE:
    case ENCODED_U8:
    case ENCODED_S8:
        value = ms_read_fixed(reader, 8);
        break;
    case ENCODED_ULEB:
        value = ms_read_uleb(reader);
        break;
    case ENCODED_U2:
        value = ms_read_fixed(reader, 2);
        break;
    case ENCODED_U4:
        value = ms_read_fixed(reader, 4);
        break;
    case ENCODED_SLEB:
        value = (uintptr_t)ms_read_sleb(reader);
        break;
    case ENCODED_S2:
        value = (uintptr_t)ms_read_signed(reader, 2);
        break;
    case ENCODED_S4:
        value = (uintptr_t)ms_read_signed(reader, 4);
        break;
    default:
        spoil(reader);
        return 0;
    }
    if (value == 0)
        return 0;
    switch (encoding & RELATIVE) {
    case 0:
        break;
    case RELATIVE_TO_PLACE:
        value += place;
        break;
    case RELATIVE_TO_HEADER:
        value += tables->header;
        break;
    default:
        spoil(reader);
        return 0;
    }
    if (encoding & INDIRECT) {
        struct ms_reader pointed = reader_at(tables, value);
        value = ms_read_fixed(&pointed, sizeof value);
        if (pointed.is_bad)
            spoil(reader);
    }
    return value;
}

// ---- entries of .eh_frame ----------------------------------------------------------------------

// The entry at `at` without its length; empty at the end of all. The 64-bit form is never written
// into .eh_frame (libgcc does not read it either).
static struct ms_reader read_entry(const struct ms_tables *tables, uintptr_t at) {
    struct ms_reader reader = reader_at(tables, at);
    uint64_t length = ms_read_fixed(&reader, 4);
    if (length == UINT32_MAX)
        spoil(&reader);
    return ms_read_part(&reader, length);
}

static bool read_augmentation(struct ms_fde *fde, uintptr_t letters, struct ms_reader data) {
    struct ms_reader names = reader_at(&fde->tables, letters);
    for (;;) {
        uint8_t encoding;
        switch (ms_read_fixed(&names, 1)) {
        case '\0':
            return !names.is_bad && !data.is_bad;
        case 'R':
            fde->pointer_encoding = (uint8_t)ms_read_fixed(&data, 1);
            break;
        case 'P': // the personality
            encoding = (uint8_t)ms_read_fixed(&data, 1);
            ms_read_pointer(&data, encoding & ~INDIRECT, &fde->tables);
            break;
        case 'L':
            ms_read_skip(&data, 1);
            break;
        case 'S':
            fde->is_signal_frame = true;
            break;
        case 'B': // aarch64: return addresses are signed with key B
        case 'G': // aarch64: stack memory is tagged
            break;
        default:
            return false;
        }
    }
}

static bool read_cie(struct ms_fde *fde, uintptr_t at, bool *has_augmentation_out) {
    struct ms_reader reader = read_entry(&fde->tables, at);
    if (ms_read_fixed(&reader, 4) != 0)
        return false;
    uint8_t version = (uint8_t)ms_read_fixed(&reader, 1);
    if (version != 1 && version != 3)
        return false;
    uintptr_t letters = reader.at;
    bool is_augmented = ms_read_fixed(&reader, 1) == 'z';
    if (is_augmented)
        while (ms_read_fixed(&reader, 1) != '\0')
            continue;
    else if (reader.at == letters || reader.is_bad || *(const char *)letters != '\0')
        return false; // nobody has written another one since 1999
    fde->code_factor = ms_read_uleb(&reader);
    fde->data_factor = ms_read_sleb(&reader);
    uint64_t return_column = version == 1 ? ms_read_fixed(&reader, 1) : ms_read_uleb(&reader);
    fde->pointer_encoding = ENCODED_ABSOLUTE;
    if (is_augmented) {
        struct ms_reader data = ms_read_part(&reader, ms_read_uleb(&reader));
        if (!read_augmentation(fde, letters + 1, data))
            return false;
    }
    fde->common_program = reader;
    *has_augmentation_out = is_augmented;
    return !reader.is_bad && return_column == MS_DWARF_RA;
}

// False also where the entry at `at` is a CIE.
static bool read_fde(const struct ms_tables *tables, uintptr_t at, struct ms_fde *fde) {
    struct ms_reader reader = read_entry(tables, at);
    uintptr_t place = reader.at;
    uint64_t back = ms_read_fixed(&reader, 4);
    bool is_augmented;
    *fde = (struct ms_fde){.tables = *tables};
    if (reader.is_bad || back == 0 || !read_cie(fde, place - back, &is_augmented))
        return false;
    fde->start = ms_read_pointer(&reader, fde->pointer_encoding, tables);
    fde->end =
        fde->start + ms_read_pointer(&reader, fde->pointer_encoding & ENCODED_FORMAT, tables);
    if (is_augmented)
        ms_read_skip(&reader, ms_read_uleb(&reader));
    fde->program = reader;
    return !reader.is_bad && fde->start < fde->end;
}

// ---- looking up --------------------------------------------------------------------------------

static bool scan(const struct ms_tables *tables, uintptr_t at, uintptr_t address,
                 struct ms_fde *fde_out) {
    for (;;) {
        struct ms_reader entry = read_entry(tables, at);
        if (entry.is_bad || entry.at == entry.end)
            return false;
        if (read_fde(tables, at, fde_out) &&
            address - fde_out->start < fde_out->end - fde_out->start)
            return true;
        at = entry.end;
    }
}

// The last FDE that begins at or below `address`; 0 = none.
static uintptr_t search(const struct ms_tables *tables, uintptr_t table, uint64_t count,
                        uintptr_t address) {
    struct {
        int32_t start, fde; // from the header on
    } entry;
    uint64_t low = 0, high = count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        memcpy(&entry, (const void *)(table + middle * sizeof entry), sizeof entry);
        if (tables->header + (uintptr_t)(intptr_t)entry.start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    memcpy(&entry, (const void *)(table + (low - 1) * sizeof entry), sizeof entry);
    return tables->header + (uintptr_t)(intptr_t)entry.fde;
}

bool ms_fde_find_in(const struct ms_tables *tables, uintptr_t address, struct ms_fde *fde_out) {
    struct ms_reader reader = reader_at(tables, tables->header);
    if (ms_read_fixed(&reader, 1) != 1)
        return false;
    uint8_t frames_encoding = (uint8_t)ms_read_fixed(&reader, 1);
    uint8_t count_encoding = (uint8_t)ms_read_fixed(&reader, 1);
    uint8_t table_encoding = (uint8_t)ms_read_fixed(&reader, 1);
    uintptr_t frames = ms_read_pointer(&reader, frames_encoding, tables);
    if (reader.is_bad)
        return false;
    if (count_encoding == OMITTED || table_encoding != TABLE_ENCODING)
        return scan(tables, frames, address, fde_out);
    uint64_t count = ms_read_pointer(&reader, count_encoding, tables);
    if (reader.is_bad || count > (reader.end - reader.at) / 8)
        return false;
    uintptr_t fde = search(tables, reader.at, count, address);
    return fde != 0 && read_fde(tables, fde, fde_out) &&
           address - fde_out->start < fde_out->end - fde_out->start;
}

// Of a static program the loader tells the code's segment alone; the kernel has told them all.
static void widen(struct ms_tables *tables, uintptr_t load_bias) {
    const ElfW(Phdr) *segment = (const void *)getauxval(AT_PHDR);
    unsigned long count = segment ? getauxval(AT_PHNUM) : 0;
    struct ms_tables wide = *tables;
    for (unsigned long i = 0; i < count; i++, segment++) {
        uintptr_t start = load_bias + segment->p_vaddr, end = start + segment->p_memsz;
        if (segment->p_type == PT_LOAD && tables->header - start < end - start)
            wide.low = start, wide.high = end;
    }
    *tables = wide;
}

enum ms_fde_result ms_fde_find(uintptr_t address, struct ms_fde *fde_out) {
    struct dl_find_object found;
    if (!_dl_find_object || _dl_find_object((void *)address, &found) != 0)
        return MS_FDE_NO_MODULE;
    if (!found.dlfo_eh_frame)
        return MS_FDE_NONE;
    struct ms_tables tables = {.low = (uintptr_t)found.dlfo_map_start,
                               .high = (uintptr_t)found.dlfo_map_end,
                               .header = (uintptr_t)found.dlfo_eh_frame};
    if (tables.header < tables.low || tables.header >= tables.high)
        widen(&tables, found.dlfo_link_map ? found.dlfo_link_map->l_addr : 0);
    return ms_fde_find_in(&tables, address, fde_out) ? MS_FDE_FOUND : MS_FDE_NONE;
}
