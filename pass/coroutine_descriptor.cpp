// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   @memscope.coroutine._Z4workv = private global { i32 1, i32 <promise
//       bytes>, i32 <line>, i32 0, ptr <function>, ptr <file>,
//       ptr <promise type>, i32 <awaits>, i32 <yields> }
//
// The symbol in the global's name reaches no object file.

#include "compat.h"
#include "coroutines.h"
#include "source.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalVariable.h"

using namespace llvm;

namespace memscope {

namespace {

const char NamePrefix[] = "memscope.coroutine.";

// With its namespaces and classes, as a reader would write it.
std::string qualifiedName(const DIType *Type) {
  const auto *Derived = dyn_cast_or_null<DIDerivedType>(Type);
  if (Derived && Derived->getTag() == dwarf::DW_TAG_typedef)
    return qualifiedName(Derived->getBaseType());
  if (!Type || Type->getName().empty())
    return "";
  std::string Name = Type->getName().str();
  for (const DIScope *Scope = Type->getScope(); Scope;
       Scope = Scope->getScope()) {
    bool IsNamed = isa<DIType>(Scope) || isa<DINamespace>(Scope) ||
                   isa<DISubprogram>(Scope);
    if (IsNamed && !Scope->getName().empty())
      Name = (Scope->getName() + "::" + Name).str();
  }
  return Name;
}

} // namespace

Constant *describeCoroutine(Function &F, const CoroutineShape &Shape,
                            SiteTable &Strings) {
  Module &M = *F.getParent();
  PointerType *PointerTy = compat::pointerType(M.getContext());
  Type *I32 = Type::getInt32Ty(M.getContext());
  auto Number = [I32](uint64_t Value) { return ConstantInt::get(I32, Value); };

  uint64_t PromiseBytes = 0;
  std::string PromiseType;
  if (auto *Promise = dyn_cast<AllocaInst>(
          Shape.Id->getArgOperand(1)->stripPointerCasts())) {
    PromiseBytes =
        M.getDataLayout().getTypeAllocSize(Promise->getAllocatedType());
    if (const DILocalVariable *Variable = compat::declaredVariable(*Promise))
      PromiseType = qualifiedName(Variable->getType());
  }
  unsigned Awaits = 0;
  unsigned Yields = 0;
  for (const SuspendPoint &Point : Shape.Suspends) {
    Awaits += Point.Kind == MEMSCOPE_SUSPEND_AWAIT;
    Yields += Point.Kind == MEMSCOPE_SUSPEND_YIELD;
  }
  const DISubprogram *Source = F.getSubprogram();
  Constant *Fields[] = {
      Number(MEMSCOPE_SITE_UNREGISTERED),
      Number(PromiseBytes),
      Number(Source ? Source->getLine() : 0),
      Number(0),
      Strings.string(NameTable::displayName(F)),
      Strings.string(Source ? absolutePath(*Source) : ""),
      Strings.string(PromiseType),
      Number(Awaits),
      Number(Yields),
  };
  auto *Ty = StructType::get(M.getContext(), {I32, I32, I32, I32, PointerTy,
                                              PointerTy, PointerTy, I32, I32});
  auto *Global = new GlobalVariable(
      M, Ty, /*isConstant=*/false, GlobalValue::PrivateLinkage,
      ConstantStruct::get(Ty, Fields), NamePrefix + F.getName());
  return ConstantExpr::getPointerCast(Global, PointerTy);
}

bool isInlinedElsewhere(const CallInst &Call) {
  StringRef Symbol = Call.getArgOperand(0)->stripPointerCasts()->getName();
  if (!compat::startsWith(Symbol, NamePrefix))
    return false;
  Symbol = Symbol.drop_front(sizeof NamePrefix - 1);
  // A clone of the coroutine's own has a suffix, as in `.noalloc`.
  StringRef Holder = Call.getFunction()->getName();
  return Holder != Symbol && !compat::startsWith(Holder, (Symbol + ".").str());
}

} // namespace memscope
