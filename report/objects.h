// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many objects of its type a block has room for, of the blocks that were recorded one by one.

#ifndef MEMSCOPE_REPORT_OBJECTS_H
#define MEMSCOPE_REPORT_OBJECTS_H

#include <profile/profile.h>

struct ms_objects {
    uint64_t blocks;       // recorded, alive or freed; 0 = none, or the type's size is unknown
    uint64_t objects;      // whole ones, in all of these
    uint64_t least, most;  // in one of them
    uint64_t beyond_bytes; // behind the last whole object of each
};

// Fills one for each row. OK or OUT_OF_MEMORY.
memscope_status ms_objects_of_rows(const struct ms_summary *summary, enum ms_by by,
                                   const struct ms_row *rows, size_t count,
                                   struct ms_objects *objects_out);

#endif
