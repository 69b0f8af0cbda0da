// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What phase 1 left open at the hooks of coroutines. A coroutine whose ramp was
// inlined into its caller has a site of kind TASK_START, the place of that
// call:
//
//   call i32 @__memscope_coro_begin(..., ptr @memscope.site, ptr null, ...)
//
// and any other the address that its ramp returns to:
//
//   %to = call ptr @llvm.returnaddress(i32 0)
//   call i32 @__memscope_coro_begin(..., ptr null, ptr %to, ...)
//
// Each weak hook is tested before its call; without a runtime the task is 0.

#include "blocks.h"
#include "coroutines.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace llvm;

namespace memscope {

namespace {

const Hook CoroutineHooks[] = {
    Hook::coro_alloc_hook,   Hook::coro_begin_hook,     Hook::coro_suspend_hook,
    Hook::coro_pop_hook,     Hook::coro_unsuspend_hook, Hook::coro_resume_hook,
    Hook::coro_destroy_hook, Hook::coro_end_hook,       Hook::coro_unwind_hook,
};

class SpawnPlaces {
public:
  SpawnPlaces(const NameTable &Names, SiteTable &Sites)
      : Names(Names), Sites(Sites) {}

  // `At`: the position of the argument spawn_site; return_address follows it.
  void tell(CallInst &Call, unsigned At) {
    if (const DILocation *Place = inlinedAt(Call)) {
      Call.setArgOperand(At, siteOf(Place, Call));
    } else if (isInlinedElsewhere(Call)) {
      Call.setArgOperand(
          At, Sites.create(MEMSCOPE_KIND_TASK_START, originOf(Call, Names)));
    } else {
      IRBuilder<> Builder(&Call);
      Call.setArgOperand(At + 1,
                         Builder.CreateIntrinsic(Intrinsic::returnaddress,
                                                 ArrayRef<Type *>(),
                                                 {Builder.getInt32(0)}));
    }
  }

private:
  static const DILocation *inlinedAt(const CallInst &Call) {
    const DILocation *Location = Call.getDebugLoc();
    return Location ? Location->getInlinedAt() : nullptr;
  }

  // coro_alloc and coro_begin of one ramp share it.
  Constant *siteOf(const DILocation *Place, const CallInst &Call) {
    Constant *&Known = ByPlace[Place];
    if (!Known)
      Known = Sites.create(MEMSCOPE_KIND_TASK_START,
                           originOf(*Place, *Call.getFunction(), Names));
    return Known;
  }

  const NameTable &Names;
  SiteTable &Sites;
  DenseMap<const DILocation *, Constant *> ByPlace;
};

void testForHook(CallInst &Call, Hook Which, HookTable &Hooks) {
  const DebugLoc &Location = Call.getDebugLoc();
  IRBuilder<> Builder(&Call);
  Builder.SetCurrentDebugLocation(Location);
  Value *Present = Hooks.createIsPresent(Builder, Which);
  BasicBlock *Head = Call.getParent();
  Instruction *End = insertIf(Present, &Call, Location);
  BasicBlock *Join = Call.getParent();
  BasicBlock *Then = End->getParent();
  Call.moveBefore(*Then, End->getIterator());
  if (Call.getType()->isVoidTy())
    return;
  Builder.SetInsertPoint(Join, Join->begin());
  Builder.SetCurrentDebugLocation(Location);
  PHINode *Merged = Builder.CreatePHI(Call.getType(), 2, "memscope.task");
  Call.replaceAllUsesWith(Merged);
  Merged->addIncoming(Constant::getNullValue(Call.getType()), Head);
  Merged->addIncoming(&Call, Then);
}

} // namespace

void finishCoroutines(const NameTable &Names, SiteTable &Sites,
                      HookTable &Hooks) {
  SpawnPlaces Places(Names, Sites);
  SmallPtrSet<Function *, 16> Gathered;
  for (Hook Which : CoroutineHooks) {
    SmallVector<CallInst *, 16> Calls;
    if (Function *Callee = Hooks.find(Which))
      for (User *Each : Callee->users())
        if (auto *Call = dyn_cast<CallInst>(Each))
          Calls.push_back(Call);
    for (CallInst *Call : Calls) {
      if (Which == Hook::coro_alloc_hook)
        Places.tell(*Call, 2);
      else if (Which == Hook::coro_begin_hook)
        Places.tell(*Call, 3);
      if (!Hooks.weak())
        continue;
      if (Gathered.insert(Call->getFunction()).second)
        gatherStaticAllocas(*Call->getFunction());
      testForHook(*Call, Which, Hooks);
    }
  }
}

} // namespace memscope
