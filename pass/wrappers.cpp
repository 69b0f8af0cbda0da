// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "wrappers.h"
#include "compat.h"
#include "type_places.h"
#include "types.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace memscope {

namespace {

constexpr unsigned MostValues = 256;

bool hasIntegerArgument(const CallBase &Call) {
  for (const Use &Each : Call.args())
    if (Each->getType()->isIntegerTy())
      return true;
  return false;
}

const AllocaInst *slotOf(const Value &Pointer) {
  return dyn_cast<AllocaInst>(Pointer.stripPointerCasts());
}

// What is stored to the slot as a whole.
template <typename VisitT> void forEachStored(const Value &Slot, VisitT Visit) {
  for (const User *Each : Slot.users()) {
    if (const auto *Store = dyn_cast<StoreInst>(Each)) {
      if (Store->getPointerOperand() == &Slot)
        Visit(*Store->getValueOperand());
    } else if (isa<BitCastInst>(Each)) {
      forEachStored(*Each, Visit);
    }
  }
}

bool isGiven(const CallBase &Call, const Value &Slot) {
  for (const Use &Each : Call.args())
    if (Each->stripPointerCasts() == &Slot)
      return !isa<IntrinsicInst>(Call);
  return false;
}

// What a read of a variable may find there: the last store on each way to it,
// and the calls after that which were given the variable's address.
SmallVector<const Value *, 4> reaching(const LoadInst &Load,
                                       const Value &Slot) {
  SmallVector<const Value *, 4> Found;
  SmallVector<const Instruction *, 8> Ways{&Load};
  SmallPtrSet<const BasicBlock *, 16> Seen;
  while (!Ways.empty()) {
    const Instruction *At = Ways.pop_back_val();
    const BasicBlock *Block = At->getParent();
    for (; At; At = At->getPrevNode()) {
      const auto *Store = dyn_cast<StoreInst>(At);
      if (Store && Store->getPointerOperand()->stripPointerCasts() == &Slot) {
        Found.push_back(Store->getValueOperand());
        break;
      }
      const auto *Call = dyn_cast<CallBase>(At);
      if (Call && isGiven(*Call, Slot))
        Found.push_back(Call);
    }
    if (At)
      continue;
    for (const BasicBlock *Before : predecessors(Block))
      if (Seen.insert(Before).second)
        Ways.push_back(Before->getTerminator());
  }
  return Found;
}

// Whether a value comes from the parameters of its function: by arithmetic, or
// as the length of a parameter's text.
class ParameterTrace {
public:
  bool reaches(const Value &V) {
    if (!Seen.insert(&V).second || Seen.size() > MostValues)
      return false;
    if (isa<Argument>(V))
      return true;
    if (const auto *Load = dyn_cast<LoadInst>(&V)) {
      const AllocaInst *Slot = slotOf(*Load->getPointerOperand());
      bool Any = false;
      if (Slot)
        forEachStored(*Slot, [&](const Value &Each) { Any |= reaches(Each); });
      return Any;
    }
    if (const auto *Operation = dyn_cast<BinaryOperator>(&V))
      HasArithmetic |= Operation->getOpcode() == Instruction::Add ||
                       Operation->getOpcode() == Instruction::Mul ||
                       Operation->getOpcode() == Instruction::Shl;
    else if (const auto *Call = dyn_cast<CallBase>(&V))
      return reachesThrough(*Call);
    else if (!isa<CastInst>(V) && !isa<PHINode>(V) && !isa<SelectInst>(V) &&
             !isa<ExtractValueInst>(V))
      return false;
    bool Any = false;
    for (const Use &Each : cast<Instruction>(V).operands())
      Any |= reaches(*Each);
    return Any;
  }

  bool HasArithmetic = false;

private:
  bool reachesThrough(const CallBase &Call) {
    const Function *Callee = Call.getCalledFunction();
    bool IsLength = Callee && (Callee->getName() == "strlen" ||
                               Callee->getName() == "strnlen" ||
                               Callee->getName() == "wcslen");
    // A size that a function rounds up.
    bool IsRounded = Call.getType()->isIntegerTy();
    if (!IsLength && !IsRounded && !isa<IntrinsicInst>(Call))
      return false;
    HasArithmetic = true;
    bool Any = false;
    for (const Use &Each : Call.args())
      if (IsLength || Each->getType()->isIntegerTy())
        Any |= reaches(*Each);
    return Any;
  }

  SmallPtrSet<const Value *, 16> Seen;
};

// The calls that what a function hands out comes from.
class OriginTrace {
public:
  explicit OriginTrace(CalleeTable &Callees) : Callees(Callees) {}

  void follow(const Value &V) {
    if (!Seen.insert(&V).second)
      return;
    if (Seen.size() > MostValues) {
      IsWhole = false;
    } else if (const auto *Call = dyn_cast<CallBase>(&V)) {
      Calls.push_back(const_cast<CallBase *>(Call));
      followCall(*Calls.back());
    } else if (const auto *Load = dyn_cast<LoadInst>(&V)) {
      if (const AllocaInst *Slot = slotOf(*Load->getPointerOperand()))
        for (const Value *Each : reaching(*Load, *Slot))
          follow(*Each);
      else
        IsWhole = false;
    } else if (const auto *Step = dyn_cast<GEPOperator>(&V)) {
      follow(*Step->getPointerOperand());
    } else if (isa<CastInst>(V) || isa<PHINode>(V) || isa<SelectInst>(V) ||
               isa<BinaryOperator>(V)) {
      for (const Use &Each : cast<Instruction>(V).operands())
        follow(*Each);
    } else if (const auto *Parameter = dyn_cast<Argument>(&V)) {
      Parameters.push_back(Parameter);
    } else if (!isa<Constant>(V)) {
      IsWhole = false;
    }
  }

  SmallVector<CallBase *, 4> Calls;
  SmallVector<const Argument *, 2> Parameters;
  // Nothing comes from elsewhere in memory.
  bool IsWhole = true;

private:
  // The block that is made another size, and what is handed through.
  void followCall(CallBase &Call) {
    if (const Value *Same = handedThrough(Call))
      follow(*Same);
    if (isa<IntrinsicInst>(Call) || isResize(Callees.classify(Call).Kind))
      for (const Use &Each : Call.args())
        if (Each->getType()->isPointerTy())
          follow(*Each);
  }

  // The argument that the call returns, whatever else it does; NULL = not one
  // alone. Redis has a function of its own for that, which nothing but its
  // body tells of.
  const Value *handedThrough(const CallBase &Call) {
    if (const Value *Same = Call.getReturnedArgOperand())
      return Same;
    const Function *Callee = Call.getCalledFunction();
    if (IsInside || !Callee || Callee->isDeclaration() ||
        Callee->isInterposable())
      return nullptr;
    OriginTrace Inside(Callees);
    Inside.IsInside = true;
    for (const Instruction &I : instructions(*Callee))
      if (const auto *Return = dyn_cast<ReturnInst>(&I))
        if (const Value *Returned = Return->getReturnValue())
          Inside.follow(*Returned);
    if (!Inside.IsWhole || !Inside.Calls.empty() ||
        Inside.Parameters.size() != 1)
      return nullptr;
    return Call.getArgOperand(Inside.Parameters[0]->getArgNo());
  }

  static bool isResize(enum memscope_kind Kind) {
    return Kind == MEMSCOPE_KIND_REALLOC || Kind == MEMSCOPE_KIND_REALLOCARRAY;
  }

  CalleeTable &Callees;
  SmallPtrSet<const Value *, 16> Seen;
  bool IsInside = false; // a function that is called
};

// Whether the address is put anywhere but into variables of the function, or
// handed on.
bool isKept(const Value &V, SmallPtrSetImpl<const Value *> &Seen) {
  if (!Seen.insert(&V).second)
    return false;
  for (const User *Each : V.users()) {
    if (const auto *Store = dyn_cast<StoreInst>(Each)) {
      if (Store->getValueOperand() != &V)
        continue;
      const AllocaInst *Slot = slotOf(*Store->getPointerOperand());
      if (!Slot)
        return true;
      for (const User *Reader : Slot->users())
        if (isa<LoadInst>(Reader) && isKept(*Reader, Seen))
          return true;
    } else if ((isa<CastInst>(Each) || isa<PHINode>(Each) ||
                isa<SelectInst>(Each)) &&
               isKept(*Each, Seen)) {
      return true;
    }
  }
  return false;
}

// Whether what the call asks for comes from the function's parameters.
bool asksForParameter(const CallBase &Call, enum memscope_kind Kind,
                      bool Unchanged) {
  if (Kind == MEMSCOPE_KIND_VASPRINTF)
    return true;
  bool CopiesText =
      Kind == MEMSCOPE_KIND_STRDUP || Kind == MEMSCOPE_KIND_STRNDUP;
  bool Asks = false;
  for (const Use &Each : Call.args()) {
    ParameterTrace Size;
    if (!(Each->getType()->isIntegerTy() || CopiesText) || !Size.reaches(*Each))
      continue;
    if (Unchanged && Size.HasArithmetic)
      return false;
    Asks = true;
  }
  return Asks;
}

// Of the C library: what they allocate, if anything, is their own.
bool allocatesNothing(StringRef Name) {
  static const StringRef Names[] = {
      "memchr",  "memcpy",  "memmove", "memset",  "mempcpy",
      "strchr",  "strstr",  "strrchr", "strncpy", "strcpy",
      "strncat", "strcat",  "stpcpy",  "stpncpy", "strtok",
      "fgets",   "bsearch", "getenv",  "fopen",   "setlocale"};
  return is_contained(Names, Name);
}

enum class Result { None, Untyped, Scalar, Object };

// What the function hands out; without types in the debug info all pointers are
// untyped.
Result resultOf(const Function &F) {
  const DISubprogram *Subprogram = F.getSubprogram();
  bool HasTypes = Subprogram && Subprogram->getType() &&
                  Subprogram->getType()->getTypeArray().size() > 0;
  if (!F.getReturnType()->isPointerTy())
    return Result::None;
  if (!HasTypes)
    return Result::Untyped;
  const DIType *Pointee = pointeeOf(PlaceFinder::returnType(Subprogram));
  return !Pointee               ? Result::Untyped
         : isAggregate(Pointee) ? Result::Object
                                : Result::Scalar;
}

// Whether the pointer is a parameter's value: `*out = ...`.
bool isParameter(const Value &Pointer) {
  if (isa<Argument>(Pointer))
    return true;
  const auto *Load = dyn_cast<LoadInst>(&Pointer);
  const AllocaInst *Slot = Load ? slotOf(*Load->getPointerOperand()) : nullptr;
  bool Any = false;
  if (Slot)
    forEachStored(*Slot,
                  [&](const Value &Each) { Any |= isa<Argument>(Each); });
  return Any;
}

} // namespace

bool WrapperFinder::mayAllocate(const CallBase &Call) const {
  if (Call.isInlineAsm() || isa<IntrinsicInst>(Call))
    return false;
  const auto *Callee =
      dyn_cast<Function>(Call.getCalledOperand()->stripPointerCasts());
  if (Callee && Found.count(Callee))
    return true;
  if (!Call.getType()->isPointerTy() || Call.onlyReadsMemory() ||
      Call.arg_empty())
    return false;
  if (!Callee)
    return hasIntegerArgument(Call);
  return Callee->isDeclaration() && !isOfLibrary(Callee->getName()) &&
         !allocatesNothing(Callee->getName());
}

// A wrapper by mistake does no harm: readers look past one only where all that
// it called on the way to the allocation are wrappers, too.
bool WrapperFinder::isSource(const CallBase &Call) {
  Action Do = Callees.classify(Call).Do;
  return Do == Action::Allocate || Do == Action::Enclose || mayAllocate(Call);
}

// getline of glibc's headers: the address is stored where its caller says.
bool WrapperFinder::isPassedOut(const CallBase &Call) {
  if (Call.arg_size() == 0 || !Call.getArgOperand(0)->getType()->isPointerTy())
    return false;
  Callee What = Callees.classify(Call);
  return What.Do != Action::None && storesResult(What.Kind) &&
         isParameter(*Call.getArgOperand(0));
}

bool WrapperFinder::passesOutOn(Function &F) {
  for (Instruction &I : instructions(F))
    if (auto *Call = dyn_cast<CallBase>(&I))
      if (isPassedOut(*Call))
        return true;
  return false;
}

namespace {

// What a function hands out: what it returns, or stores where a parameter
// points.
void followHandedOut(Function &F, Result Kind, OriginTrace &Origins) {
  for (Instruction &I : instructions(F)) {
    if (auto *Return = dyn_cast<ReturnInst>(&I)) {
      if (Kind != Result::None)
        Origins.follow(*Return->getReturnValue());
    } else if (auto *Store = dyn_cast<StoreInst>(&I)) {
      if (Kind == Result::None &&
          Store->getValueOperand()->getType()->isPointerTy() &&
          isParameter(*Store->getPointerOperand()))
        Origins.follow(*Store->getValueOperand());
    }
  }
}

} // namespace

bool WrapperFinder::judge(Function &F, const Callee &What) {
  if (What.Do == Action::Enclose &&
      (What.Listed || What.Kind == MEMSCOPE_KIND_NEW ||
       What.Kind == MEMSCOPE_KIND_NEW_ARRAY ||
       What.Kind == MEMSCOPE_KIND_CLASS_NEW))
    return true;
  Result Kind = resultOf(F);
  OriginTrace Origins(Callees);
  followHandedOut(F, Kind, Origins);
  if (passesOutOn(F))
    return true;
  for (CallBase *Call : Origins.Calls) {
    if (!isSource(*Call))
      continue;
    // An object made here: its type stands here, not at the caller's.
    bool IsObject =
        Kind == Result::Object && baseNameOf(F.getName()) != "allocate";
    if (!asksForParameter(*Call, Callees.classify(*Call).Kind, IsObject))
      continue;
    SmallPtrSet<const Value *, 16> Seen;
    if (Kind == Result::Scalar && isKept(*Call, Seen))
      continue;
    return true;
  }
  return false;
}

// Whether nothing that the call allocates could be told as the wrapper's
// caller's: it allocates nothing, or in a function that is no wrapper.
bool WrapperFinder::isHarmless(const CallBase &Call) {
  if (isa<IntrinsicInst>(Call) || Call.isInlineAsm() || Call.doesNotReturn() ||
      Call.onlyReadsMemory() || Callees.classify(Call).Do == Action::Free)
    return true;
  const auto *Callee =
      dyn_cast<Function>(Call.getCalledOperand()->stripPointerCasts());
  if (!Callee || isSource(Call) || isOfLibrary(Callee->getName()))
    return false;
  return !Callee->isDeclaration() || allocatesNothing(Callee->getName());
}

// Which of a wrapper's calls lead to what it hands out. Of functions that the
// user names all do where that cannot be seen.
void WrapperFinder::sortCalls(Function &F) {
  OriginTrace Origins(Callees);
  followHandedOut(F, resultOf(F), Origins);
  for (CallBase *Call : Origins.Calls)
    Passing.insert(Call);
  bool IsPure = true;
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    if (!Call || Passing.count(Call))
      continue;
    if (isPassedOut(*Call)) {
      Passing.insert(Call);
    } else if (!isHarmless(*Call)) {
      Kept.insert(Call);
      IsPure = false;
    }
  }
  if (IsPure || (isListed(F) && !Origins.IsWhole))
    Pure.insert(&F);
}

bool WrapperFinder::isUntyped(const Function &F) const {
  Result Kind = resultOf(F);
  return isWrapper(F) && (Kind == Result::Untyped || Kind == Result::None);
}

bool WrapperFinder::isListed(const Function &F) const {
  for (const std::string &Name : Opts.Wrappers)
    if (isNamed(F.getName(), Name))
      return true;
  return false;
}

WrapperFinder::WrapperFinder(Module &M, CalleeTable &Callees,
                             const Options &Opts)
    : Callees(Callees), Opts(Opts) {
  SmallVector<std::pair<Function *, Callee>, 32> Open;
  for (Function &F : M) {
    if (isListed(F) ||
        (!F.isDeclaration() && F.hasFnAttribute(Attribute::AllocSize) &&
         F.hasRetAttribute(Attribute::NoAlias)))
      Found.insert(&F);
    else if (!F.isDeclaration() && !isOfLibrary(F.getName()))
      Open.push_back({&F, Callees.describe(F)});
  }
  // Wrappers of wrappers, until nothing new is found.
  for (size_t Before = Found.size() + 1; Before != Found.size();) {
    Before = Found.size();
    for (auto &[F, What] : Open)
      if (!Found.count(F) && judge(*F, What))
        Found.insert(F);
  }
  for (Function &F : M)
    if (Found.count(&F) && !F.isDeclaration())
      sortCalls(F);
}

} // namespace memscope
