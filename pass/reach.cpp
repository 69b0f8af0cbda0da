// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "reach.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace memscope {

namespace {

// quiet.def: of the C library's and C++ library's functions those that neither
// allocate nor call back.
bool isQuiet(StringRef Symbol) {
  static const StringSet<> Names = {
#define MEMSCOPE_QUIET(...) __VA_ARGS__,
#define MEMSCOPE_QUIET_MATH(...)
#include "quiet.def"
  };
  static const StringSet<> MathNames = {
#define MEMSCOPE_QUIET(...)
#define MEMSCOPE_QUIET_MATH(...) __VA_ARGS__,
#include "quiet.def"
  };
  StringRef Name = GlobalValue::dropLLVMManglingEscape(Symbol);
  if (Names.count(Name) != 0 || MathNames.count(Name) != 0)
    return true;
  return !Name.empty() && (Name.back() == 'f' || Name.back() == 'l') &&
         MathNames.count(Name.drop_back()) != 0;
}

// jv_mem_free, sqlite3_free: another module's functions have nothing but a
// name.
bool isNamedAsFree(const Function &F) {
  StringRef Name = F.getName();
  return F.getReturnType()->isVoidTy() && F.arg_size() != 0 &&
         Name.size() >= 4 && Name.take_back(4).equals_insensitive("free");
}

// The function that runs, where its body is here and nothing else can take its
// place when the program is linked.
const Function *bodyOf(const Value *Called) {
  const auto *Symbol = dyn_cast<GlobalValue>(Called);
  if (!Symbol || Symbol->isInterposable())
    return nullptr;
  if (const auto *Alias = dyn_cast<GlobalAlias>(Symbol))
    Symbol = Alias->getAliaseeObject();
  const auto *F = dyn_cast_or_null<Function>(Symbol);
  return F && !F->isDeclaration() ? F : nullptr;
}

bool mayReturn(const Function &F) {
  for (const BasicBlock &Block : F)
    if (isa<ReturnInst>(Block.getTerminator()))
      return true;
  return false;
}

// One function's calls.
class Outward {
public:
  Outward(const Function &F, CalleeTable &Callees)
      : Callees(Callees), MayReturn(mayReturn(F)) {
    for (const Instruction &I : instructions(F))
      if (const auto *Call = dyn_cast<CallBase>(&I))
        add(*Call);
  }

  bool ReachesByItself = false;
  SmallVector<const Function *, 8> Bodies;

private:
  void add(const CallBase &Call) {
    const Value *Called = Call.getCalledOperand()->stripPointerCasts();
    Action Do = Callees.classify(Call).Do;
    if (Do == Action::Free)
      return;
    if (Do != Action::None)
      ReachesByItself = true;
    else if (const Function *Body = bodyOf(Called))
      Bodies.push_back(Body);
    else if (!isHarmless(Call, Called))
      ReachesByItself = true;
  }

  // An allocator writes memory that is no argument's. Calls that do not return
  // end the program or are exceptional; but if a function has no other end, it
  // may be what all of the program runs in.
  bool isHarmless(const CallBase &Call, const Value *Called) const {
    if (isa<IntrinsicInst>(Call) || Call.onlyReadsMemory() ||
        Call.onlyAccessesArgMemory())
      return true;
    const auto *F = dyn_cast<Function>(Called);
    return F && F->isDeclaration() &&
           (isQuiet(F->getName()) || isNamedAsFree(*F) ||
            (MayReturn && Call.doesNotReturn()));
  }

  CalleeTable &Callees;
  bool MayReturn;
};

} // namespace

AllocationReach::AllocationReach(const Module &M, CalleeTable &Callees) {
  DenseMap<const Function *, SmallVector<const Function *, 4>> Callers;
  SmallVector<const Function *, 32> Open;
  auto Reach = [&](const Function *F) {
    if (Found.insert(F).second)
      Open.push_back(F);
  };
  for (const Function &F : M) {
    if (F.isDeclaration())
      continue;
    Outward Calls(F, Callees);
    if (Calls.ReachesByItself)
      Reach(&F);
    else
      for (const Function *Body : Calls.Bodies)
        Callers[Body].push_back(&F);
  }
  while (!Open.empty())
    for (const Function *Caller : Callers.lookup(Open.pop_back_val()))
      Reach(Caller);
}

} // namespace memscope
