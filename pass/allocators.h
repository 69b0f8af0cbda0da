// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which calls the pass is to change, and how: the table allocators.def, then
// the user's list, C++ operators new by name, and function attributes.

#ifndef MEMSCOPE_PASS_ALLOCATORS_H
#define MEMSCOPE_PASS_ALLOCATORS_H

#include "hooks.h"
#include "options.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/InstrTypes.h"

namespace memscope {

enum class Action {
  None,
  Allocate,
  Free,
  Enclose,
  StartThread,
  EncloseStart,
  Switch,
  CountFiber,
  NoteFiber,
};

struct Callee {
  Action Do = Action::None;
  Hook Replacement = Hook::enter_site_hook;
  enum memscope_kind Kind = MEMSCOPE_KIND_UNKNOWN;
  const ListedAllocator *Listed = nullptr;
};

class CalleeTable {
public:
  CalleeTable(const Options &Opts, const HookTable &Hooks);

  Callee classify(const llvm::CallBase &Call);
  // What calls of this function are.
  Callee describe(const llvm::GlobalValue &Function) {
    return byName(Function);
  }

private:
  Callee byName(const llvm::GlobalValue &Function);
  Callee bySymbol(llvm::StringRef Symbol) const;
  Callee byUserList(llvm::StringRef Symbol) const;

  const Options &Opts;
  const HookTable &Hooks;
  llvm::DenseMap<const llvm::GlobalValue *, Callee> Known;
};

// Whether a symbol is that one, or the C++ name, without parameters.
bool isNamed(llvm::StringRef Symbol, llvm::StringRef Name);
// Whether the C++ standard library has a function of that symbol.
bool isOfLibrary(llvm::StringRef Symbol);
// "get" of `pool::Arena::get(int)`; "" where the symbol is no C++ function's.
std::string baseNameOf(llvm::StringRef Symbol);
// "pool::Arena::get" of it; the symbol itself where it is none.
std::string qualifiedName(llvm::StringRef Symbol);

} // namespace memscope

#endif
