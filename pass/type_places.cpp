// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "type_places.h"
#include "compat.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GetElementPtrTypeIterator.h"
#include "llvm/IR/GlobalVariable.h"

using namespace llvm;

namespace memscope {

namespace {

constexpr unsigned MostSteps = 16;

const DICompositeType *asComposite(const DIType *Type) {
  return dyn_cast_or_null<DICompositeType>(plainType(Type));
}

bool isArray(const DIType *Type) {
  const DICompositeType *Composite = asComposite(Type);
  return Composite && Composite->getTag() == dwarf::DW_TAG_array_type;
}

std::string elementOf(const std::string &Name) {
  if (Name.empty() || Name.back() == ']')
    return Name;
  return (Name[0] == '*' ? Name.substr(1) : Name) + "[]";
}

// Whether some scalar of the type at that offset is a pointer.
bool leadsToPointer(const DIType *Type, uint64_t Offset, unsigned Depth) {
  if (Depth > MostSteps)
    return false;
  const DICompositeType *Composite = asComposite(Type);
  if (!Composite) {
    const auto *Derived = dyn_cast_or_null<DIDerivedType>(plainType(Type));
    return Offset == 0 && Derived;
  }
  if (isArray(Type)) {
    uint64_t Bytes = bytesOf(Composite->getBaseType());
    return Bytes &&
           leadsToPointer(Composite->getBaseType(), Offset % Bytes, Depth + 1);
  }
  for (const DINode *Element : Composite->getElements()) {
    const auto *Member = dyn_cast_or_null<DIDerivedType>(Element);
    if (!Member || Member->isStaticMember())
      continue;
    uint64_t Start = Member->getOffsetInBits() / 8;
    if (Start <= Offset && Offset < Start + bytesOf(Member->getBaseType()) &&
        leadsToPointer(Member->getBaseType(), Offset - Start, Depth + 1))
      return true;
  }
  return false;
}

} // namespace

const DIType *PlaceFinder::returnType(const DISubprogram *Subprogram) {
  if (!Subprogram || !Subprogram->getType())
    return nullptr;
  auto Types = Subprogram->getType()->getTypeArray();
  return Types.size() ? Types[0] : nullptr;
}

const DIType *PlaceFinder::parameterPointee(const CallBase &Call,
                                            unsigned Argument) {
  const Function *Callee = Call.getCalledFunction();
  const DISubprogram *Subprogram = Callee ? Callee->getSubprogram() : nullptr;
  if (!Subprogram || !Subprogram->getType())
    return nullptr;
  // Arguments that are passed in several parts have other numbers.
  auto Types = Subprogram->getType()->getTypeArray();
  if (Types.size() != Call.arg_size() + 1)
    return nullptr;
  return pointeeOf(Types[Argument + 1]);
}

// The one member at the offset that a pointer can be stored to.
const DIDerivedType *PlaceFinder::memberAt(const DICompositeType &Type,
                                           uint64_t Offset) const {
  const DIDerivedType *Found = nullptr;
  for (const DINode *Element : Type.getElements()) {
    const auto *Member = dyn_cast_or_null<DIDerivedType>(Element);
    if (!Member ||
        (Member->getTag() != dwarf::DW_TAG_member &&
         Member->getTag() != dwarf::DW_TAG_inheritance) ||
        Member->isStaticMember() || Member->isBitField())
      continue;
    uint64_t Start = Member->getOffsetInBits() / 8;
    if (Offset < Start || Offset >= Start + bytesOf(Member->getBaseType()) ||
        !leadsToPointer(Member->getBaseType(), Offset - Start, 0))
      continue;
    if (Found)
      return nullptr;
    Found = Member;
  }
  return Found;
}

// One level down into a structure or array.
bool PlaceFinder::descend(Place &At) const {
  const DICompositeType *Composite = asComposite(At.Type);
  if (isArray(At.Type)) {
    uint64_t Bytes = bytesOf(Composite->getBaseType());
    if (Bytes == 0)
      return false;
    At.Offset %= Bytes;
    At.Type = Composite->getBaseType();
    At.Name = elementOf(At.Name);
    At.Pointed = false;
    return true;
  }
  uint64_t Bytes = bytesOf(At.Type);
  if (Bytes && At.Offset >= Bytes) {
    if (!At.Pointed)
      return false;
    At.Offset %= Bytes;
  }
  const DIDerivedType *Member = memberAt(*Composite, At.Offset);
  if (!Member)
    return false;
  std::string Owner = Namer.owner(At.Type);
  if (Owner.empty())
    Owner = At.Name;
  At.Offset -= Member->getOffsetInBits() / 8;
  At.Type = Member->getBaseType();
  At.Pointed = false;
  if (Member->getTag() == dwarf::DW_TAG_member)
    At.Name = Member->getName().empty()
                  ? Owner
                  : Namer.member(Owner, Member->getName());
  return true;
}

bool PlaceFinder::toScalar(Place &At) const {
  for (unsigned I = 0; At.Type && isAggregate(At.Type); ++I)
    if (I > MostSteps || !descend(At))
      return false;
  if (At.Offset && At.Pointed && bytesOf(At.Type) &&
      At.Offset % bytesOf(At.Type) == 0) {
    At.Offset = 0;
    At.Name = elementOf(At.Name);
  }
  return At.Type && At.Offset == 0;
}

// To an element of unknown number among those of that size.
bool PlaceFinder::index(Place &At, uint64_t ElementBytes) const {
  while (At.Type) {
    if (isArray(At.Type) && At.Offset == 0 &&
        bytesOf(asComposite(At.Type)->getBaseType()) == ElementBytes)
      return descend(At);
    if (At.Pointed && At.Offset == 0 && bytesOf(At.Type) == ElementBytes) {
      At.Name = elementOf(At.Name);
      return true;
    }
    // Inner dimensions: the debug info has one array for all of them.
    if (isArray(At.Type) && At.Offset == 0)
      return ElementBytes %
                     std::max<uint64_t>(
                         bytesOf(asComposite(At.Type)->getBaseType()), 1) ==
                 0 &&
             bytesOf(asComposite(At.Type)->getBaseType()) != 0;
    if (!isAggregate(At.Type) || !descend(At))
      return false;
  }
  return false;
}

Place PlaceFinder::moved(Place At, const GEPOperator &Step) const {
  bool IsFirst = true;
  for (auto I = gep_type_begin(Step), End = gep_type_end(Step); I != End; ++I) {
    auto *Index = dyn_cast<ConstantInt>(I.getOperand());
    if (StructType *Struct = I.getStructTypeOrNull()) {
      At.Offset += Layout.getStructLayout(Struct)->getElementOffset(
          static_cast<unsigned>(Index->getZExtValue()));
    } else {
      uint64_t Bytes = Layout.getTypeAllocSize(I.getIndexedType());
      if (Index && Index->isNegative())
        return {};
      if (IsFirst && At.Pointed && !isAggregate(At.Type))
        At.Name = elementOf(At.Name);
      if (Index)
        At.Offset += Index->getZExtValue() * Bytes;
      else if (!index(At, Bytes))
        return {};
    }
    IsFirst = false;
  }
  return At;
}

Place PlaceFinder::at(Value &Pointer, unsigned Depth) const {
  if (Depth > MostSteps)
    return {};
  if (auto *Step = dyn_cast<GEPOperator>(&Pointer)) {
    Place From = at(*Step->getPointerOperand(), Depth + 1);
    return From.Type ? moved(From, *Step) : From;
  }
  if (auto *Cast = dyn_cast<BitCastOperator>(&Pointer))
    return at(*Cast->getOperand(0), Depth + 1);
  if (Value *Variable = compat::threadLocalAt(Pointer))
    return at(*Variable, Depth + 1);
  if (auto *Global = dyn_cast<GlobalVariable>(&Pointer)) {
    SmallVector<DIGlobalVariableExpression *, 1> Known;
    Global->getDebugInfo(Known);
    if (Known.size() != 1)
      return {};
    const DIGlobalVariable *Variable = Known[0]->getVariable();
    std::string Name = Variable->getName().str();
    if (const auto *Member = Variable->getStaticDataMemberDeclaration())
      Name = Namer.member(
          Namer.owner(dyn_cast_or_null<DIType>(Member->getScope())), Name);
    return {Variable->getType(), Name, 0, false};
  }
  if (const DILocalVariable *Variable = compat::variableAt(Pointer))
    return {Variable->getType(), Variable->getName().str(), 0, false};
  return pointedTo(Pointer, Depth);
}

Place PlaceFinder::pointedTo(Value &Pointer, unsigned Depth) const {
  Place At;
  if (auto *Load = dyn_cast<LoadInst>(&Pointer)) {
    At = at(*Load->getPointerOperand(), Depth + 1);
    if (!toScalar(At))
      return {};
    bool IsReference = plainType(At.Type) && plainType(At.Type)->getTag() !=
                                                 dwarf::DW_TAG_pointer_type;
    At.Type = pointeeOf(At.Type);
    if (!IsReference && !At.Name.empty())
      At.Name = "*" + At.Name;
  } else if (auto *Call = dyn_cast<CallBase>(&Pointer)) {
    if (const Function *Callee = Call->getCalledFunction())
      At.Type = pointeeOf(returnType(Callee->getSubprogram()));
  }
  At.Offset = 0;
  At.Pointed = true;
  return At;
}

// A member that begins there, whatever it is.
bool PlaceFinder::toNamed(Place &At) const {
  const DICompositeType *Composite = asComposite(At.Type);
  while (Composite && !isArray(At.Type) &&
         (At.Offset || At.Pointed || At.Name.empty())) {
    if (!descend(At))
      return false;
    Composite = asComposite(At.Type);
  }
  return At.Offset == 0;
}

std::string PlaceFinder::nameAt(Value &Pointer) const {
  Place At = at(Pointer, 0);
  return At.Type && toNamed(At) ? At.Name : "";
}

Place PlaceFinder::scalarAt(Value &Pointer) const {
  Place At = at(Pointer, 0);
  if (!toScalar(At))
    return {};
  return At;
}

} // namespace memscope
