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
  // Whether all that a wrapper may allocate is what it hands out; false: only
  // its calls that pass on do.
  bool isPure(const llvm::Function &F) const { return Pure.count(&F) != 0; }
  // Whether a wrapper hands out what the call returns.
  bool passesOn(const llvm::CallBase &Call) const {
    return Passing.count(&Call) != 0 || isPure(*Call.getFunction());
  }
  // Whether it may allocate for the wrapper that it stands in.
  bool keeps(const llvm::CallBase &Call) const {
    return Kept.count(&Call) != 0;
  }
  // A call that may reach an allocator: of a wrapper of this module, or one
  // that another module or a pointer may lead to.
  bool mayAllocate(const llvm::CallBase &Call) const;

private:
  bool judge(llvm::Function &F, const Callee &Listed);
  bool passesOutOn(llvm::Function &F);
  bool isListed(const llvm::Function &F) const;
  bool isPassedOut(const llvm::CallBase &Call);
  bool isSource(const llvm::CallBase &Call);
  bool isHarmless(const llvm::CallBase &Call);
  void sortCalls(llvm::Function &F);

  CalleeTable &Callees;
  const Options &Opts;
  llvm::SmallPtrSet<const llvm::Function *, 16> Found;
  llvm::SmallPtrSet<const llvm::Function *, 16> Pure;
  llvm::SmallPtrSet<const llvm::CallBase *, 16> Passing, Kept;
};

} // namespace memscope

#endif
