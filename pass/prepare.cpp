// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "prepare.h"
#include "allocators.h"
#include "compat.h"
#include "coroutines.h"
#include "instrument.h"
#include "names.h"
#include "type_record.h"
#include "types.h"
#include "wrappers.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace memscope {

namespace {

// A caller that a tail call leaves would have no frame to be told by.
void keepCaller(CallBase &Call) {
  auto *Plain = dyn_cast<CallInst>(&Call);
  if (Plain && !Plain->isMustTailCall())
    Plain->setTailCallKind(CallInst::TCK_NoTail);
}

// Two allocations on two branches would become one call without a line.
// Removing a pair of allocation and free is not hindered.
void markAllocations(Function &F, CalleeTable &Callees,
                     const WrapperFinder &Wrappers) {
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    if (!Call)
      continue;
    bool IsPassedOn = Wrappers.passesOn(*Call);
    if (!Wrappers.isPure(F) && (IsPassedOn || Wrappers.keeps(*Call)))
      recordCall(*Call, IsPassedOn);
    Callee What = Callees.classify(*Call);
    bool MayAllocate = What.Do == Action::None && Wrappers.mayAllocate(*Call);
    if (What.Do == Action::None && !MayAllocate)
      continue;
    if (What.Do != Action::Free && What.Do != Action::CountFiber &&
        What.Do != Action::NoteFiber)
      Call->addFnAttr(Attribute::NoMerge);
    if (MayAllocate && !IsPassedOn)
      keepCaller(*Call);
    if (MayAllocate || What.Do == Action::Allocate ||
        What.Do == Action::Enclose)
      noteType(*Call, What, Wrappers);
  }
}

} // namespace

PreservedAnalyses PreparePass::run(Module &M, ModuleAnalysisManager &) {
  if (M.getModuleFlag(InstrumentedFlag) || NameTable::isRecorded(M) ||
      HookTable::definesHooks(M))
    return PreservedAnalyses::all();
  Options Opts;
  if (!Options::read(nullptr, Opts)) // phase 2 tells of bad values, once
    return PreservedAnalyses::all();
  HookTable Hooks(M, needsWeakHooks(M, Opts));
  SiteTable Strings(M);
  CalleeTable Callees(Opts, Hooks);
  unsigned CoroutineFunctions = 0;
  SmallVector<Function *, 16> Functions;
  for (Function &F : M)
    if (!F.isDeclaration())
      Functions.push_back(&F);
  WrapperFinder Wrappers(M, Callees, Opts);
  for (Function &F : M)
    if (Wrappers.isWrapper(F))
      recordWrapper(F, Wrappers.isPure(F) || F.isDeclaration());
  for (Function *F : Functions) {
    if (CoroutineShape::isCoroutine(*F)) {
      CoroutineFunctions += !F->hasAvailableExternallyLinkage();
      if (compat::TaskBoundaries &&
          !F->hasFnAttribute(Attribute::DisableSanitizerInstrumentation))
        markCoroutine(*F, Strings, Hooks);
    }
    markAllocations(*F, Callees, Wrappers);
  }
  NameTable::record(M, CoroutineFunctions);
  return PreservedAnalyses::none();
}

} // namespace memscope
