// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Phase 1, at the start of the pipeline: what only the unoptimized module
// tells: it marks the boundaries of tasks (coroutines are still whole), the
// calls that must keep their line, and what they allocate.

#ifndef MEMSCOPE_PASS_PREPARE_H
#define MEMSCOPE_PASS_PREPARE_H

#include "llvm/IR/PassManager.h"

namespace memscope {

struct PreparePass : llvm::PassInfoMixin<PreparePass> {
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
  static bool isRequired() { return true; }
};

} // namespace memscope

#endif
