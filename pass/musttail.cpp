// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "blocks.h"
#include "rewrite.h"
#include "source.h"

using namespace llvm;

namespace memscope {

void announceSite(CallInst &Call, Constant *Site, HookTable &Hooks) {
  DebugLoc Location = locationFor(Call);
  IRBuilder<> Builder(&Call);
  Builder.SetCurrentDebugLocation(Location);
  if (Hooks.weak()) {
    Value *Present = Hooks.createIsPresent(Builder, Hook::next_site_hook);
    Builder.SetInsertPoint(insertIf(Present, &Call, Location));
    Builder.SetCurrentDebugLocation(Location);
  }
  Builder.CreateCall(Hooks.get(Hook::next_site_hook), {Site});
}

void replaceMustTailFree(CallInst &Call, Hook Which, HookTable &Hooks) {
  FunctionCallee Callee = Hooks.get(Which);
  if (Call.getFunctionType() != Callee.getFunctionType())
    return; // typed pointers; the interposed free counts it
  if (!Hooks.weak()) {
    Call.setCalledFunction(Callee);
    return;
  }
  DebugLoc Location = locationFor(Call);
  IRBuilder<> Builder(&Call);
  Builder.SetCurrentDebugLocation(Location);
  Value *Present = Hooks.createIsPresent(Builder, Which);
  Instruction *End = insertIf(Present, &Call, Location);
  auto *HookCall = cast<CallInst>(Call.clone());
  HookCall->setCalledFunction(Callee);
  Builder.SetInsertPoint(End);
  Builder.Insert(HookCall);
  Builder.SetCurrentDebugLocation(Location);
  Builder.CreateRetVoid();
  End->eraseFromParent();
}

} // namespace memscope
