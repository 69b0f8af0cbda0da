// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which loaded ELF object an address belongs to, without a lock: glibc's _dl_find_object (2.35) is
// async-signal-safe and allocates nothing. Any thread; slow path.

#ifndef MS_MODULES_H
#define MS_MODULES_H

#include <stdbool.h>
#include <stdint.h>

struct ms_module_facts {
    const char *path; // of the loader's; the executable's for the program itself
    uint64_t map_start, map_end;
    uint64_t load_bias;
    uint32_t build_id_length;
    uint8_t build_id[32];
};

// Where it lies, and nothing else: two loads of a table.
struct ms_module_range {
    uintptr_t start, end;
};
bool ms_module_range(uintptr_t address, struct ms_module_range *range_out);

// False where no object is known there (code made at run time; an older libc).
bool ms_module_find(const void *address, struct ms_module_facts *facts_out);

// Calls `gone` with the address range of each object that ms_module_find had found and that is no
// longer loaded there.
void ms_modules_forget_unloaded(void (*gone)(uintptr_t start, uintptr_t end));

// Not 0: the program has loaded a library as it ran.
extern uint32_t ms_modules_loaded;

// Numbers modules as their records are written, from 1 on; 0 = no more.
uint32_t ms_module_ordinal(uintptr_t map_start);
uintptr_t ms_module_start(uint32_t ordinal); // 0 = none
void ms_modules_restart(void);               // a new profile begins

// The executable's path, read once.
const char *ms_module_executable(void);

#endif
