// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Changes of control flow that the rewriting shares.

#ifndef MEMSCOPE_PASS_BLOCKS_H
#define MEMSCOPE_PASS_BLOCKS_H

#include "llvm/IR/BasicBlock.h"
#include "llvm/IR/Instructions.h"

namespace memscope {

// `if (Condition) { }` before `Before`; returns the terminator of the new,
// empty block. `Before` begins the block in which both ways meet.
llvm::Instruction *insertIf(llvm::Value *Condition, llvm::Instruction *Before,
                            const llvm::DebugLoc &Location);

// A new block on one edge of a branch or switch; returns its terminator.
llvm::Instruction *insertOnEdge(llvm::Instruction *Terminator,
                                unsigned Successor);

// Moves what follows static allocas at the top of the entry block, so that the
// block may be split anywhere and every one of them stays static.
void gatherStaticAllocas(llvm::Function &F);

// Turns a call that may throw into an invoke whose unwind edge is a cleanup of
// its own that goes on unwinding. Returns the invoke.
llvm::InvokeInst *makeInvoke(llvm::CallInst &Call,
                             const llvm::DebugLoc &Location);

} // namespace memscope

#endif
