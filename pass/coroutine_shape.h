// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The places of a C++20 coroutine that was not split yet: where it allocates
// its frame, begins, suspends, frees its frame and is left by an exception.
// It changes nothing.

#ifndef MEMSCOPE_PASS_COROUTINE_SHAPE_H
#define MEMSCOPE_PASS_COROUTINE_SHAPE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include <memscope/abi.h>
#include <optional>

namespace memscope {

// How the value of await_suspend decides what follows.
enum class AwaitResult { None, Void, Bool, Handle };

struct SuspendPoint {
  llvm::IntrinsicInst *Save;
  llvm::IntrinsicInst *Suspend;
  llvm::SwitchInst *Ways; // case 0: resumed, case 1: destroyed
  enum memscope_suspend Kind;
  AwaitResult Result;        // None: no call of await_suspend
  llvm::CallBase *Await;     // of llvm.coro.await.suspend.*, or null
  llvm::Function *Wrapper;   // the function that calls await_suspend, or null
  llvm::BranchInst *Decides; // on a bool's value, else null
};

// Where an exception leaves the resumed body: an edge after llvm.coro.end.
struct UnwindEdge {
  llvm::IntrinsicInst *End;
  llvm::BranchInst *Branch;
  unsigned Successor;
};

struct CoroutineShape {
  llvm::IntrinsicInst *Id = nullptr;
  llvm::IntrinsicInst *Alloc = nullptr; // "is the frame allocated?"; or null
  llvm::IntrinsicInst *Begin = nullptr;
  // The call that allocates the frame, or null.
  llvm::CallBase *FrameAllocation = nullptr;
  llvm::SmallVector<SuspendPoint, 4> Suspends;
  llvm::SmallVector<llvm::IntrinsicInst *, 2> Frees;
  llvm::SmallVector<UnwindEdge, 1> Unwinds;

  static bool isCoroutine(const llvm::Function &F);
  // Nothing where the function is not what clang makes of a coroutine.
  static std::optional<CoroutineShape> read(llvm::Function &F);
};

// The size of the awaiter as the call of await_suspend tells it; 0 = unknown.
uint64_t awaiterBytes(const SuspendPoint &Point);

} // namespace memscope

#endif
