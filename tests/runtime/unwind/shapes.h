// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions of every shape of frame, each of which ends in `last`. shapes.c is compiled twice: with
// frame pointers (the names end in _fp) and without (_no).

#ifndef MEMSCOPE_TESTS_SHAPES_H
#define MEMSCOPE_TESTS_SHAPES_H

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*shape_call)(void);

void shape_plain_fp(shape_call last), shape_plain_no(shape_call last);
void shape_many_arguments_fp(shape_call last), shape_many_arguments_no(shape_call last);
void shape_big_frame_fp(shape_call last), shape_big_frame_no(shape_call last);
void shape_alloca_fp(shape_call last), shape_alloca_no(shape_call last);
void shape_aligned_fp(shape_call last), shape_aligned_no(shape_call last);
void shape_aligned_alloca_fp(shape_call last), shape_aligned_alloca_no(shape_call last);
void shape_tail_fp(shape_call last), shape_tail_no(shape_call last);
void shape_cold_fp(shape_call last), shape_cold_no(shape_call last);

// Calls itself and its twin in turn.
void shape_deep_fp(int depth, shape_call last), shape_deep_no(int depth, shape_call last);
// The stacks that library functions call back from.
void shape_callbacks_fp(shape_call last), shape_callbacks_no(shape_call last);
void shape_fault(void); // writes to address 0
// By std::sort, std::function, virtual destructors while an exception passes, a thread.
void shape_cxx(shape_call last);

#ifdef __cplusplus
}
#endif

#endif
