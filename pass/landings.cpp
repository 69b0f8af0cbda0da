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

} // namespace memscope
