// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions that allocate what their callers ask for (xmalloc, a pool, a class
// operator new): reports show the caller. Phase 1 finds them, in IR that no
// pass has changed.

#ifndef MEMSCOPE_PASS_WRAPPERS_H
#define MEMSCOPE_PASS_WRAPPERS_H

#include "allocators.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"

namespace memscope {

class WrapperFinder {
public:
  WrapperFinder(llvm::Module &M, CalleeTable &Callees, const Options &Opts);

  bool isWrapper(const llvm::Function &F) const { return Found.count(&F) != 0; }
  // One whose result has no type of its own.
  bool isUntyped(const llvm::Function &F) const;
  // A call that may reach an allocator: of a wrapper of this module, or one
  // that another module or a pointer may lead to.
  bool mayAllocate(const llvm::CallBase &Call) const;

private:
  bool judge(llvm::Function &F, const Callee &Listed);
  bool passesOutOn(llvm::Function &F);
  bool isListed(const llvm::Function &F) const;
  bool isSource(const llvm::CallBase &Call);

  CalleeTable &Callees;
  const Options &Opts;
  llvm::SmallPtrSet<const llvm::Function *, 16> Found;
};

} // namespace memscope

#endif
