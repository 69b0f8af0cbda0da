// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The size that an allocation asks for, as far as it tells what the block is.

#ifndef MEMSCOPE_PASS_TYPE_SIZES_H
#define MEMSCOPE_PASS_TYPE_SIZES_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/InstrTypes.h"
#include <memscope/abi.h>

namespace memscope {

// Constant + a part that varies, which is a multiple of each of Factors.
struct Size {
  uint64_t Constant = 0;
  bool Varies = false;
  bool IsOpaque = false;    // nothing is known of the part that varies
  bool IsParameter = false; // nothing but a parameter of the function
  llvm::SmallVector<uint64_t, 2> Factors;
};

Size sizeOf(const llvm::Value &V);

// What a call asks for; of a wrapper each integer argument may be it. Nothing
// for functions that take no size.
llvm::SmallVector<Size, 2> sizesAsked(const llvm::CallBase &Call,
                                      enum memscope_kind Kind);

// Whether a block of one of these sizes is made of such objects. In C a pointer
// to the first part of something (a base, a header) often stands for all of it.
bool fits(const llvm::DIType *Type, llvm::ArrayRef<Size> Asked);

// Whether it is one such object, or one and what its last member holds.
bool fitsExactly(const llvm::DIType *Type, llvm::ArrayRef<Size> Asked);

} // namespace memscope

#endif
