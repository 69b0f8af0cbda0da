// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which functions may be on the stack of an allocation: these keep their frame
// pointers. What it does not see is unwound by tables each time, as exactly.

#ifndef MEMSCOPE_PASS_REACH_H
#define MEMSCOPE_PASS_REACH_H

#include "allocators.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/IR/Module.h"

namespace memscope {

class AllocationReach {
public:
  // Of the calls as they are now: before the pass rewrites any.
  AllocationReach(const llvm::Module &M, CalleeTable &Callees);

  // Whether a call in its body may lead to an allocation, a thread's start or a
  // switch of stacks, or whether that cannot be known.
  bool reaches(const llvm::Function &F) const { return Found.count(&F) != 0; }

private:
  llvm::DenseSet<const llvm::Function *> Found;
};

} // namespace memscope

#endif
