// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "allocators.h"
#include "compat.h"
#include "llvm/Demangle/Demangle.h"
#include "llvm/IR/Function.h"
#include <cstdlib>

using namespace llvm;

namespace memscope {

namespace {

struct CalleeRow {
  StringRef Symbol;
  Callee What;
};

const CalleeRow Rows[] = {
#define MEMSCOPE_CALLEE(symbol, action, hook, kind)                            \
  {symbol, {Action::action, Hook::hook##_hook, MEMSCOPE_KIND_##kind, nullptr}},
#include "allocators.def"
};

Callee enclose(enum memscope_kind Kind) {
  return {Action::Enclose, Hook::enter_site_hook, Kind, nullptr};
}

// A mangled C++ name, taken apart; every part is "" for any other name.
struct CxxName {
  std::string Context; // "pool::arena"
  std::string Base;    // "operator new"

  explicit CxxName(StringRef Symbol) {
    ItaniumPartialDemangler Demangler;
    std::string Mangled = Symbol.str(); // the demangler points into it
    if (!compat::startsWith(Symbol, "_Z") ||
        Demangler.partialDemangle(Mangled.c_str()) || !Demangler.isFunction())
      return;
    Context = take(Demangler.getFunctionDeclContextName(nullptr, nullptr));
    Base = take(Demangler.getFunctionBaseName(nullptr, nullptr));
  }

  std::string qualified() const {
    return Context.empty() ? Base : Context + "::" + Base;
  }

private:
  static std::string take(char *Text) {
    std::string Result = Text ? Text : "";
    std::free(Text);
    return Result;
  }
};

// Operators new that the table does not name: of a class, or global with
// parameters of the user's own. The placement forms of <new> allocate nothing.
Callee byOperatorName(StringRef Symbol) {
  if (Symbol == "_ZnwmPv" || Symbol == "_ZnamPv" || Symbol == "_ZnwjPv" ||
      Symbol == "_ZnajPv")
    return {};
  CxxName Name(Symbol);
  if (Name.Base != "operator new" && Name.Base != "operator new[]")
    return {};
  if (!Name.Context.empty())
    return enclose(MEMSCOPE_KIND_CLASS_NEW);
  return enclose(Name.Base == "operator new" ? MEMSCOPE_KIND_NEW
                                             : MEMSCOPE_KIND_NEW_ARRAY);
}

// Marked by the program: `allockind`, or both `alloc_size` and `malloc`. The
// latter alone says nothing (fopen has it).
bool isMarkedAllocator(const CallBase &Call) {
  return compat::hasAllocatingAllocKind(Call) ||
         (Call.hasFnAttr(Attribute::AllocSize) &&
          Call.hasRetAttr(Attribute::NoAlias));
}

// Whether a call of this symbol may run another function than the C library's
// or C++ library's: the program's own definition is in this module, or (hidden)
// in this shared object. A runtime's hook must not take its place.
bool isProgramsOwn(const GlobalValue &Function) {
  return !Function.isDeclarationForLinker() || !Function.hasDefaultVisibility();
}

// The call stays where no hook may take its place. Frees need no site: the
// interposed free, or the one called inside, counts them.
Callee keepCall(Callee What) {
  switch (What.Do) {
  case Action::Allocate:
    What.Do = Action::Enclose;
    return What;
  case Action::StartThread:
    What.Do = Action::EncloseStart;
    return What;
  case Action::Free:
    return {};
  case Action::Switch:
    What.Do = Action::CountFiber;
    return What;
  default:
    return What;
  }
}

} // namespace

bool isNamed(StringRef Symbol, StringRef Name) {
  return Symbol == Name || CxxName(Symbol).qualified() == Name;
}

bool isOfLibrary(StringRef Symbol) {
  for (StringRef Beginning : {"_ZNSt", "_ZNKSt", "_ZSt", "_ZN9__gnu_cxx"})
    if (compat::startsWith(Symbol, Beginning))
      return true;
  return false;
}

std::string baseNameOf(StringRef Symbol) { return CxxName(Symbol).Base; }

std::string qualifiedName(StringRef Symbol) {
  std::string Name = CxxName(Symbol).qualified();
  return Name.empty() ? Symbol.str() : Name;
}

CalleeTable::CalleeTable(const Options &Opts, const HookTable &Hooks)
    : Opts(Opts), Hooks(Hooks) {}

Callee CalleeTable::bySymbol(StringRef Symbol) const {
  for (const CalleeRow &Row : Rows)
    if (Row.Symbol.back() == '*'
            ? compat::startsWith(Symbol, Row.Symbol.drop_back())
            : Symbol == Row.Symbol)
      return Row.What;
  return {};
}

Callee CalleeTable::byUserList(StringRef Symbol) const {
  if (Opts.Listed.empty())
    return {};
  std::string Qualified = CxxName(Symbol).qualified();
  for (const ListedAllocator &Listed : Opts.Listed) {
    if (Listed.Name != Symbol && Listed.Name != Qualified)
      continue;
    Callee What = enclose(Listed.Kind);
    What.Listed = &Listed;
    return What;
  }
  return {};
}

Callee CalleeTable::byName(const GlobalValue &Function) {
  auto [Entry, IsNew] = Known.try_emplace(&Function);
  if (!IsNew)
    return Entry->second;
  StringRef Symbol = GlobalValue::dropLLVMManglingEscape(Function.getName());
  Callee What = byUserList(Symbol);
  // A function of local linkage only shares the name of the library's.
  if (What.Do == Action::None && !Function.hasLocalLinkage())
    What = bySymbol(Symbol);
  if (What.Do == Action::None)
    What = byOperatorName(Symbol);
  // Whosever a switch is, its hook calls it.
  if (What.Do != Action::Switch && isProgramsOwn(Function))
    What = keepCall(What);
  Entry->second = What;
  return What;
}

Callee CalleeTable::classify(const CallBase &Call) {
  if (Call.isInlineAsm())
    return {};
  const auto *Function =
      dyn_cast<GlobalValue>(Call.getCalledOperand()->stripPointerCasts());
  if (!Function)
    return isMarkedAllocator(Call) ? enclose(MEMSCOPE_KIND_ALLOCKIND)
                                   : Callee();
  if (compat::startsWith(Function->getName(), "llvm."))
    return {};
  Callee What = byName(*Function);
  if (What.Do == Action::None && isMarkedAllocator(Call))
    return enclose(MEMSCOPE_KIND_ALLOCKIND);
  bool Replaces = What.Do == Action::Allocate || What.Do == Action::Free ||
                  What.Do == Action::StartThread || What.Do == Action::Switch;
  // Declared otherwise than the standard has it, as in `char *malloc();`.
  if (Replaces &&
      (Call.getCallingConv() != CallingConv::C ||
       !Hooks.replaces(Call, What.Replacement, What.Do != Action::Free)))
    return keepCall(What);
  return What;
}

} // namespace memscope
