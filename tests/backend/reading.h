// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reader of profiles, in a library of its own: its names are not the runtime's.

#ifndef MS_TESTS_BACKEND_READING_H
#define MS_TESTS_BACKEND_READING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct truths_read {
    uint64_t allocations, bytes, frees; // of all cells
    uint64_t cells_out_of_step;         // that tell more frees than allocations
    size_t session_count, open_count;   // of all sessions those that have not ended
    uint64_t session_calls;             // of all sessions
    size_t level_count;                 // ways of counting, one after another
    const char *level;                  // the latest
    double sample_rate, budget_percent; // of it; NaN = not told
    char last_session[64];              // its id
};

// NULL, or what is wrong with the profile.
const char *reading_read(const void *bytes, size_t byte_count, struct truths_read *read_out);

#ifdef __cplusplus
}
#endif

#endif
