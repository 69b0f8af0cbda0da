// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "wrappers.h"
#include "compat.h"
#include "type_places.h"
#include "types.h"
#include "llvm/ADT/SmallVector.h"
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
  void follow(const Value &V) {
    if (!Seen.insert(&V).second || Seen.size() > MostValues)
      return;
    if (isa<CallBase>(V)) {
      Calls.push_back(const_cast<CallBase *>(cast<CallBase>(&V)));
    } else if (const auto *Load = dyn_cast<LoadInst>(&V)) {
      if (const AllocaInst *Slot = slotOf(*Load->getPointerOperand()))
        followSlot(*Slot);
    } else if (const auto *Step = dyn_cast<GEPOperator>(&V)) {
      follow(*Step->getPointerOperand());
    } else if (isa<CastInst>(V) || isa<PHINode>(V) || isa<SelectInst>(V) ||
               isa<BinaryOperator>(V)) {
      for (const Use &Each : cast<Instruction>(V).operands())
        follow(*Each);
    }
  }

  SmallVector<CallBase *, 4> Calls;

private:
  void followSlot(const Value &Slot) {
    forEachStored(Slot, [&](const Value &Each) { follow(Each); });
    // Given its address, a call may fill it.
    for (const User *Each : Slot.users())
      if (isa<CallBase>(Each) && !isa<IntrinsicInst>(Each))
        Calls.push_back(const_cast<CallBase *>(cast<CallBase>(Each)));
  }

  SmallPtrSet<const Value *, 16> Seen;
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
  static const StringRef Others[] = {
      "memchr",  "memcpy",  "memmove", "memset",  "mempcpy",
      "strchr",  "strstr",  "strrchr", "strncpy", "strcpy",
      "strncat", "strcat",  "stpcpy",  "stpncpy", "strtok",
      "fgets",   "bsearch", "getenv",  "fopen",   "setlocale"};
  for (StringRef Other : Others)
    if (Callee->getName() == Other)
      return false;
  return Callee->isDeclaration() && !isOfLibrary(Callee->getName());
}

// A wrapper by mistake does no harm: readers look past one only where all that
// it called on the way to the allocation are wrappers, too.
bool WrapperFinder::isSource(const CallBase &Call) {
  Action Do = Callees.classify(Call).Do;
  return Do == Action::Allocate || Do == Action::Enclose || mayAllocate(Call);
}

// getline of glibc's headers: the address is stored where its caller says.
bool WrapperFinder::passesOutOn(Function &F) {
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    if (!Call || Call->arg_size() == 0 ||
        !Call->getArgOperand(0)->getType()->isPointerTy())
      continue;
    Callee What = Callees.classify(*Call);
    if (What.Do != Action::None && storesResult(What.Kind) &&
        isParameter(*Call->getArgOperand(0)))
      return true;
  }
  return false;
}

bool WrapperFinder::judge(Function &F, const Callee &What) {
  if (What.Do == Action::Enclose &&
      (What.Listed || What.Kind == MEMSCOPE_KIND_NEW ||
       What.Kind == MEMSCOPE_KIND_NEW_ARRAY ||
       What.Kind == MEMSCOPE_KIND_CLASS_NEW))
    return true;
  Result Kind = resultOf(F);
  OriginTrace Origins;
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
}

} // namespace memscope
