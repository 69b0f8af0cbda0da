// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   %s = call ptr @strdup(ptr %t)
//
// becomes, where the runtime is linked in,
//
//   %token = call i32 @__memscope_enter_site(ptr @memscope.site)
//   %s = call ptr @strdup(ptr %t)
//   call void @__memscope_leave_site(i32 %token)
//
// and elsewhere each of both hook calls stands behind a test of
// @__memscope_enter_site. leave_site also stands on the unwind edge; a call
// that may throw is made an invoke for that.

#include "blocks.h"
#include "compat.h"
#include "rewrite.h"
#include "source.h"

using namespace llvm;

namespace memscope {

namespace {

class Enclosure {
public:
  Enclosure(HookTable &Hooks, DebugLoc Location)
      : Hooks(Hooks), Location(Location) {}

  void enter(Instruction *Before, Constant *Site) {
    IRBuilder<> Builder(Before);
    Builder.SetCurrentDebugLocation(Location);
    if (!Hooks.weak()) {
      Token = Builder.CreateCall(Hooks.get(Hook::enter_site_hook), {Site});
      return;
    }
    Present = Hooks.createIsPresent(Builder, Hook::enter_site_hook);
    BasicBlock *Head = Before->getParent();
    Instruction *End = insertIf(Present, Before, Location);
    Builder.SetInsertPoint(End);
    Builder.SetCurrentDebugLocation(Location);
    Value *Entered =
        Builder.CreateCall(Hooks.get(Hook::enter_site_hook), {Site});
    BasicBlock *Join = Before->getParent();
    Builder.SetInsertPoint(Join, Join->begin());
    Builder.SetCurrentDebugLocation(Location);
    PHINode *Merged =
        Builder.CreatePHI(Entered->getType(), 2, "memscope.token");
    Merged->addIncoming(Builder.getInt32(0), Head);
    Merged->addIncoming(Entered, End->getParent());
    Token = Merged;
  }

  void leave(Instruction *Before) {
    Instruction *At =
        Hooks.weak() ? insertIf(Present, Before, Location) : Before;
    IRBuilder<> Builder(At);
    Builder.SetCurrentDebugLocation(Location);
    Builder.CreateCall(Hooks.get(Hook::leave_site_hook), {Token});
  }

private:
  HookTable &Hooks;
  DebugLoc Location;
  Value *Token = nullptr;
  Value *Present = nullptr;
};

bool needsCleanup(const CallBase &Call) {
  return isa<CallInst>(Call) && !Call.doesNotThrow() &&
         !Call.getFunction()->doesNotThrow();
}

void leaveOnBothEdges(InvokeInst &Invoke, Enclosure &Around,
                      const DebugLoc &Location) {
  // Blocks of their own: either destination may have other predecessors.
  BasicBlock *Normal = Invoke.getNormalDest();
  BasicBlock *Edge = BasicBlock::Create(Invoke.getContext(), "memscope.leave",
                                        Invoke.getFunction(), Normal);
  IRBuilder<> Builder(Edge);
  Builder.SetCurrentDebugLocation(Location);
  Instruction *End = Builder.CreateBr(Normal);
  Normal->replacePhiUsesWith(Invoke.getParent(), Edge);
  Invoke.setNormalDest(Edge);

  BasicBlock *Unwind = Invoke.getUnwindDest();
  if (Unwind->isLandingPad()) {
    if (!Unwind->getUniquePredecessor())
      compat::splitLandingPad(Unwind, {Invoke.getParent()});
    Around.leave(&*Invoke.getUnwindDest()->getFirstInsertionPt());
  }
  Around.leave(End);
}

} // namespace

void encloseCall(CallBase &Call, Constant *Site, HookTable &Hooks) {
  DebugLoc Location = locationFor(Call);
  CallBase *Inner = &Call;
  if (needsCleanup(Call))
    Inner = makeInvoke(cast<CallInst>(Call), Location);
  Enclosure Around(Hooks, Location);
  Around.enter(Inner, Site);
  if (auto *Invoke = dyn_cast<InvokeInst>(Inner))
    leaveOnBothEdges(*Invoke, Around, Location);
  else
    Around.leave(Inner->getNextNode());
}

} // namespace memscope
