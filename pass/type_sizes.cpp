// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "type_sizes.h"
#include "type_names.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace memscope {

namespace {

constexpr unsigned MostSteps = 16;

Size unknownSize() {
  Size Result;
  Result.Varies = Result.IsOpaque = true;
  return Result;
}

Size decompose(const Value &V, unsigned Depth);

// The one value that is stored to a variable; null = there are several.
const Value *onlyStored(const Value &Slot) {
  const Value *Found = nullptr;
  for (const User *Each : Slot.users()) {
    const auto *Store = dyn_cast<StoreInst>(Each);
    if (Store && Store->getPointerOperand() == &Slot) {
      if (Found)
        return nullptr;
      Found = Store->getValueOperand();
    } else if (!isa<LoadInst>(Each) && !isa<IntrinsicInst>(Each)) {
      return nullptr; // its address goes elsewhere
    }
  }
  return Found;
}

Size sum(const Size &A, const Size &B) {
  Size Result;
  Result.Constant = A.Constant + B.Constant;
  Result.Varies = A.Varies || B.Varies;
  if (A.Varies && B.Varies)
    copy_if(A.Factors, std::back_inserter(Result.Factors),
            [&](uint64_t Each) { return is_contained(B.Factors, Each); });
  else
    Result.Factors = A.Varies ? A.Factors : B.Factors;
  Result.IsOpaque = Result.Varies && Result.Factors.empty();
  return Result;
}

Size product(const Size &A, const Size &B) {
  Size Result;
  if (!A.Varies && !B.Varies) {
    Result.Constant = A.Constant * B.Constant;
    return Result;
  }
  if (!A.Varies && A.Constant == 1)
    return B;
  if (!B.Varies && B.Constant == 1)
    return A;
  Result.Varies = true;
  for (const Size *Each : {&A, &B}) {
    if (!Each->Varies)
      Result.Factors.push_back(Each->Constant);
    else if (Each->Constant == 0)
      append_range(Result.Factors, Each->Factors);
  }
  Result.IsOpaque = Result.Factors.empty();
  return Result;
}

Size ofOperation(Instruction::BinaryOps Operation, const Value &Left,
                 const Value &Right, unsigned Depth) {
  Size A = decompose(Left, Depth + 1), B = decompose(Right, Depth + 1);
  switch (Operation) {
  case Instruction::Add:
    return sum(A, B);
  case Instruction::Mul:
    return product(A, B);
  case Instruction::Shl:
    if (!B.Varies && B.Constant < 32) {
      B.Constant = UINT64_C(1) << B.Constant;
      return product(A, B);
    }
    return unknownSize();
  default:
    return unknownSize();
  }
}

Size decompose(const Value &V, unsigned Depth) {
  if (Depth > MostSteps)
    return unknownSize();
  if (const auto *Constant = dyn_cast<ConstantInt>(&V)) {
    Size Result;
    Result.Constant = Constant->getValue().getActiveBits() <= 64
                          ? Constant->getZExtValue()
                          : 0;
    return Result;
  }
  if (isa<Argument>(V)) {
    Size Result = unknownSize();
    Result.IsParameter = true;
    return Result;
  }
  if (const auto *Cast = dyn_cast<CastInst>(&V))
    return decompose(*Cast->getOperand(0), Depth + 1);
  if (const auto *Load = dyn_cast<LoadInst>(&V)) {
    const auto *Slot = dyn_cast<AllocaInst>(Load->getPointerOperand());
    const Value *Stored = Slot ? onlyStored(*Slot) : nullptr;
    return Stored ? decompose(*Stored, Depth + 1) : unknownSize();
  }
  if (const auto *Part = dyn_cast<ExtractValueInst>(&V))
    if (const auto *Checked =
            dyn_cast<WithOverflowInst>(Part->getAggregateOperand()))
      return ofOperation(Checked->getBinaryOp(), *Checked->getLHS(),
                         *Checked->getRHS(), Depth);
  if (const auto *Operation = dyn_cast<BinaryOperator>(&V))
    return ofOperation(Operation->getOpcode(), *Operation->getOperand(0),
                       *Operation->getOperand(1), Depth);
  // operator new[]: all ones where the product overflows.
  if (const auto *Choice = dyn_cast<SelectInst>(&V))
    if (const auto *Limit = dyn_cast<ConstantInt>(Choice->getTrueValue()))
      if (Limit->isMinusOne())
        return decompose(*Choice->getFalseValue(), Depth + 1);
  return unknownSize();
}

// `count` objects of `size`.
Size ofArray(const Value &Count, const Value &Bytes) {
  Size One = sizeOf(Count), Two = sizeOf(Bytes);
  if (One.Varies || Two.Varies || One.Constant == 1 || Two.Constant == 1)
    return product(One, Two);
  Size Result;
  Result.Varies = true;
  Result.Factors.push_back(Two.Constant);
  return Result;
}

bool fitsScalar(uint64_t Bytes, const Size &Asked) {
  if (Asked.IsOpaque)
    return true;
  if (Asked.Constant % Bytes != 0)
    return false;
  return !Asked.Varies || any_of(Asked.Factors, [Bytes](uint64_t Each) {
    return Each % Bytes == 0;
  });
}

bool fitsObject(const DIType *Type, uint64_t Bytes, const Size &Asked,
                bool IsOnlyNumber) {
  if (fitsExactly(Type, Asked) ||
      (Asked.Constant == 0 && is_contained(Asked.Factors, Bytes)))
    return true;
  // Something behind it: what, the source does not tell. A few bytes more end a
  // text; a larger structure has more, for its alignment.
  uint64_t Slack = Bytes % 4 == 0 ? 4 : 1;
  if (Asked.Varies && Asked.Constant >= Bytes && Asked.Constant < Bytes + Slack)
    return true;
  if (!IsOnlyNumber || Asked.IsParameter)
    return false;
  // Doubled, as of a buffer that grows: that tells of no object.
  bool SaysNothing =
      Asked.IsOpaque ||
      all_of(Asked.Factors, [Bytes](uint64_t Each) { return Each < Bytes; });
  return Asked.Varies && SaysNothing && Asked.Constant == 0
             ? true
             : hasOpenEnd(Type) && Asked.Constant * 2 > Bytes;
}

} // namespace

Size sizeOf(const Value &V) { return decompose(V, 0); }

SmallVector<Size, 2> sizesAsked(const CallBase &Call, enum memscope_kind Kind) {
  SmallVector<Size, 2> Sizes;
  switch (Kind) {
  case MEMSCOPE_KIND_MALLOC:
  case MEMSCOPE_KIND_VALLOC:
  case MEMSCOPE_KIND_PVALLOC:
  case MEMSCOPE_KIND_NEW:
  case MEMSCOPE_KIND_NEW_ARRAY:
    Sizes.push_back(sizeOf(*Call.getArgOperand(0)));
    break;
  case MEMSCOPE_KIND_REALLOC:
  case MEMSCOPE_KIND_ALIGNED_ALLOC:
  case MEMSCOPE_KIND_MEMALIGN:
    Sizes.push_back(sizeOf(*Call.getArgOperand(1)));
    break;
  case MEMSCOPE_KIND_POSIX_MEMALIGN:
    Sizes.push_back(sizeOf(*Call.getArgOperand(2)));
    break;
  case MEMSCOPE_KIND_CALLOC:
    Sizes.push_back(ofArray(*Call.getArgOperand(0), *Call.getArgOperand(1)));
    break;
  case MEMSCOPE_KIND_REALLOCARRAY:
    Sizes.push_back(ofArray(*Call.getArgOperand(1), *Call.getArgOperand(2)));
    break;
  case MEMSCOPE_KIND_UNKNOWN:
  case MEMSCOPE_KIND_CLASS_NEW:
  case MEMSCOPE_KIND_ALLOCKIND:
  case MEMSCOPE_KIND_USER:
    for (const Use &Each : Call.args())
      if (Each->getType()->isIntegerTy())
        Sizes.push_back(sizeOf(*Each));
    break;
  default:
    break;
  }
  return Sizes;
}

bool fitsExactly(const DIType *Type, ArrayRef<Size> Asked) {
  uint64_t Bytes = bytesOf(Type), Tail = openEndOffset(Type);
  return any_of(Asked, [=](const Size &Each) {
    return Each.Constant > 0 &&
           (Each.Constant == Bytes ||
            // offsetof and what the last member holds, text and its end too
            (Each.Varies && Tail && Each.Constant >= Tail &&
             Each.Constant <= Tail + 1));
  });
}

bool fits(const DIType *Type, ArrayRef<Size> Asked) {
  uint64_t Bytes = bytesOf(Type);
  if (Bytes == 0 || Asked.empty())
    return true;
  if (isAggregate(Type))
    return any_of(Asked, [&](const Size &Each) {
      return fitsObject(Type, Bytes, Each, Asked.size() == 1);
    });
  return any_of(Asked,
                [Bytes](const Size &Each) { return fitsScalar(Bytes, Each); });
}

} // namespace memscope
