// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   %r = call i32 @_setjmp(ptr %buffer) #returns_twice
//
// becomes, where the runtime is linked in,
//
//   %r = call i32 @_setjmp(ptr %buffer) #returns_twice
//   call void @__memscope_landed()
//
// and elsewhere the hook call stands behind a test of @__memscope_landed. A
// longjmp runs no leave_site of what it leaves; this drops those sites.
//
//   call void (ptr, ptr, i32, ...) @makecontext(ptr %context, ...)
//
// stays, behind call void @__memscope_making_context(ptr %context).

#include "blocks.h"
#include "rewrite.h"
#include "source.h"

using namespace llvm;

namespace memscope {

void markLanding(CallInst &Call, HookTable &Hooks) {
  DebugLoc Location = locationFor(Call);
  Instruction *At = Call.getNextNode();
  if (Hooks.weak()) {
    IRBuilder<> Builder(At);
    Builder.SetCurrentDebugLocation(Location);
    At = insertIf(Hooks.createIsPresent(Builder, Hook::landed_hook), At,
                  Location);
  }
  IRBuilder<> Builder(At);
  Builder.SetCurrentDebugLocation(Location);
  Builder.CreateCall(Hooks.get(Hook::landed_hook));
}

void noteBefore(CallBase &Call, Hook Which, HookTable &Hooks) {
  FunctionCallee Callee = Hooks.get(Which);
  DebugLoc Location = locationFor(Call);
  IRBuilder<> Builder(&Call);
  Builder.SetCurrentDebugLocation(Location);
  if (Hooks.weak()) {
    Value *Present = Hooks.createIsPresent(Builder, Which);
    Builder.SetInsertPoint(insertIf(Present, &Call, Location));
    Builder.SetCurrentDebugLocation(Location);
  }
  Type *Wanted = Callee.getFunctionType()->getParamType(0);
  Builder.CreateCall(
      Callee, {Builder.CreatePointerCast(Call.getArgOperand(0), Wanted)});
}

} // namespace memscope
