// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Changes one call. Every function here may split the call's block; other
// calls stay where they are.

#ifndef MEMSCOPE_PASS_REWRITE_H
#define MEMSCOPE_PASS_REWRITE_H

#include "hooks.h"
#include "llvm/IR/Instructions.h"

namespace memscope {

// The hook takes the call's place (replace.cpp). `Site` is null for a free.
void replaceCall(llvm::CallBase &Call, Hook Which, llvm::Constant *Site,
                 HookTable &Hooks);

// The same of a switch of stacks: the hook is given the callee.
void replaceSwitch(llvm::CallBase &Call, Hook Which, HookTable &Hooks);

// The call stays; the hook stands before it and is given its first argument
// (landings.cpp).
void noteBefore(llvm::CallBase &Call, Hook Which, HookTable &Hooks);

// The call stays, between enter_site and leave_site, also when it throws
// (enclose.cpp).
void encloseCall(llvm::CallBase &Call, llvm::Constant *Site, HookTable &Hooks);

// A musttail call must keep its callee's type and be followed by the return:
// next_site stands before it (musttail.cpp).
void announceSite(llvm::CallInst &Call, llvm::Constant *Site, HookTable &Hooks);

// After a call of setjmp or its like, which longjmp returns to (landings.cpp).
void markLanding(llvm::CallInst &Call, HookTable &Hooks);

// A musttail call of a free: its hook has the same type (musttail.cpp).
void replaceMustTailFree(llvm::CallInst &Call, Hook Which, HookTable &Hooks);

} // namespace memscope

#endif
