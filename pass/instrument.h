// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Phase 2, at the end of the optimizer: gives every allocation call that
// survived, every free and every thread start its hook, and the module its
// descriptor.

#ifndef MEMSCOPE_PASS_INSTRUMENT_H
#define MEMSCOPE_PASS_INSTRUMENT_H

#include "llvm/IR/PassManager.h"

namespace memscope {

// Set on a module that was done: a plugin named twice, or loaded at an LTO
// link, finds it and goes away.
constexpr char InstrumentedFlag[] = "memscope.instrumented";

struct InstrumentPass : llvm::PassInfoMixin<InstrumentPass> {
  llvm::PreservedAnalyses run(llvm::Module &M, llvm::ModuleAnalysisManager &);
  static bool isRequired() { return true; }
};

} // namespace memscope

#endif
