// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations of the runtime's hooks in a module, made from hooks.def when
// first asked for.

#ifndef MEMSCOPE_PASS_HOOKS_H
#define MEMSCOPE_PASS_HOOKS_H

#include "options.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace memscope {

enum class Hook {
#define MEMSCOPE_HOOK(name, ret, params, signature) name##_hook,
#include <memscope/hooks.def>
};

// Whether the module's hooks must be weak: it was not said that the runtime is
// linked in, or the module becomes (part of) a shared object, which is linked
// without it.
bool needsWeakHooks(const llvm::Module &M, const Options &Opts);

class HookTable {
public:
  // Weak hooks are null where no runtime is present: test each before its call.
  HookTable(llvm::Module &M, bool Weak);

  bool weak() const { return Weak; }
  llvm::FunctionCallee get(Hook Which);
  // Null where nothing in the module calls it.
  llvm::Function *find(Hook Which) const;
  // `icmp ne ptr @hook, null`.
  llvm::Value *createIsPresent(llvm::IRBuilderBase &Builder, Hook Which);

  // Whether the call has the types of the function that `Which` replaces;
  // `HasMore`: the call lacks the hook's last parameter, a site or a callee.
  bool replaces(const llvm::CallBase &Call, Hook Which, bool HasMore) const;

  // Whether this module is (part of) the runtime itself.
  static bool definesHooks(const llvm::Module &M);

private:
  llvm::Type *typeOf(char Letter) const;

  llvm::Module &Mod;
  bool Weak;
};

} // namespace memscope

#endif
