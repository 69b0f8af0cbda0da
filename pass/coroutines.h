// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Task boundaries: the hooks coro_* of hooks.def.

#ifndef MEMSCOPE_PASS_COROUTINES_H
#define MEMSCOPE_PASS_COROUTINES_H

#include "coroutine_shape.h"
#include "hooks.h"
#include "sites.h"

namespace memscope {

// Phase 1: the hooks of one coroutine, not tested for and with no spawn place
// (coroutines.cpp). A function of another shape stays as it is, and a message
// says so.
void markCoroutine(llvm::Function &F, SiteTable &Strings, HookTable &Hooks);

// Its static descriptor, a struct memscope_coroutine
// (coroutine_descriptor.cpp).
llvm::Constant *describeCoroutine(llvm::Function &F,
                                  const CoroutineShape &Shape,
                                  SiteTable &Strings);

// Whether the hook call, whose first argument is a descriptor, was inlined
// out of its coroutine (coroutine_descriptor.cpp).
bool isInlinedElsewhere(const llvm::CallInst &Call);

// Phase 2: where each coroutine was called from, and the tests of weak hooks
// (spawns.cpp).
void finishCoroutines(const NameTable &Names, SiteTable &Sites,
                      HookTable &Hooks);

// Phase 2, where the runtime is linked in: the usual way of the hot hooks
// (inline_hooks.cpp).
void inlineCoroutineHooks(llvm::Module &M, HookTable &Hooks);

} // namespace memscope

#endif
