// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "type_names.h"
#include "compat.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/IR/Constants.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace memscope {

namespace {

bool isQualifier(unsigned Tag) {
  return Tag == dwarf::DW_TAG_const_type ||
         Tag == dwarf::DW_TAG_volatile_type ||
         Tag == dwarf::DW_TAG_restrict_type || Tag == dwarf::DW_TAG_atomic_type;
}

bool isPointer(unsigned Tag) {
  return Tag == dwarf::DW_TAG_pointer_type ||
         Tag == dwarf::DW_TAG_reference_type ||
         Tag == dwarf::DW_TAG_rvalue_reference_type;
}

const DIType *withoutQualifiers(const DIType *Type) {
  const auto *Derived = dyn_cast_or_null<DIDerivedType>(Type);
  while (Derived && isQualifier(Derived->getTag())) {
    Type = Derived->getBaseType();
    Derived = dyn_cast_or_null<DIDerivedType>(Type);
  }
  return Type;
}

const DICompositeType *asArray(const DIType *Type) {
  const auto *Composite = dyn_cast_or_null<DICompositeType>(Type);
  return Composite && Composite->getTag() == dwarf::DW_TAG_array_type
             ? Composite
             : nullptr;
}

// Namespaces, classes and functions around it, each followed by "::".
std::string scopesOf(const DIScope *Scope, const TypeNamer &Namer) {
  if (const auto *Type = dyn_cast_or_null<DIType>(Scope)) {
    std::string Owner = Namer.owner(Type);
    return Owner.empty() ? "" : Owner + "::";
  }
  const auto *Space = dyn_cast_or_null<DINamespace>(Scope);
  if (!Space)
    return "";
  std::string Outer = scopesOf(Space->getScope(), Namer);
  // Inline namespaces are not written: std::__cxx11.
  if (Space->getExportSymbols() || Space->getName().empty())
    return Outer;
  return Outer + Space->getName().str() + "::";
}

} // namespace

const DIType *plainType(const DIType *Type) {
  while (true) {
    Type = withoutQualifiers(Type);
    const auto *Derived = dyn_cast_or_null<DIDerivedType>(Type);
    if (!Derived || (Derived->getTag() != dwarf::DW_TAG_typedef &&
                     Derived->getTag() != dwarf::DW_TAG_template_alias))
      return Type;
    Type = Derived->getBaseType();
  }
}

const DIType *pointeeOf(const DIType *Type) {
  const auto *Derived = dyn_cast_or_null<DIDerivedType>(plainType(Type));
  return Derived && isPointer(Derived->getTag()) ? Derived->getBaseType()
                                                 : nullptr;
}

uint64_t bytesOf(const DIType *Type) {
  const DIType *Plain = plainType(Type);
  if (!Plain || Plain->isForwardDecl())
    return 0;
  return Plain->getSizeInBits() / 8;
}

bool isAggregate(const DIType *Type) {
  return isa_and_nonnull<DICompositeType>(plainType(Type)) &&
         plainType(Type)->getTag() != dwarf::DW_TAG_enumeration_type;
}

static const DIDerivedType *lastMember(const DIType *Type) {
  const auto *Composite = dyn_cast_or_null<DICompositeType>(plainType(Type));
  if (!Composite || asArray(Composite) ||
      Composite->getTag() == dwarf::DW_TAG_enumeration_type)
    return nullptr;
  const DIDerivedType *Last = nullptr;
  for (const DINode *Element : Composite->getElements())
    if (const auto *Member = dyn_cast_or_null<DIDerivedType>(Element))
      if (Member->getTag() == dwarf::DW_TAG_member &&
          !Member->isStaticMember() &&
          (!Last || Member->getOffsetInBits() >= Last->getOffsetInBits()))
        Last = Member;
  return Last;
}

bool hasOpenEnd(const DIType *Type) {
  const DIDerivedType *Last = lastMember(Type);
  return Last && (asArray(plainType(Last->getBaseType())) ||
                  hasOpenEnd(Last->getBaseType()));
}

uint64_t openEndOffset(const DIType *Type) {
  const DIDerivedType *Last = lastMember(Type);
  return Last && asArray(plainType(Last->getBaseType()))
             ? Last->getOffsetInBits() / 8
             : 0;
}

TypeNamer::TypeNamer(const DICompileUnit *Unit)
    : IsC(Unit && compat::isC(*Unit)) {}

std::string TypeNamer::member(StringRef Owner, StringRef Name) const {
  return (Owner + (IsC ? "." : "::") + Name).str();
}

// "vector<Order>" of "vector<Order, std::allocator<Order> >".
std::string TypeNamer::templateName(const DICompositeType &Type) const {
  StringRef Whole = Type.getName();
  size_t Open = Whole.find('<');
  if (Open == StringRef::npos || Type.getTemplateParams().empty())
    return Whole.str();
  std::string Arguments;
  for (const DITemplateParameter *Each : Type.getTemplateParams()) {
    const auto *Parameter = dyn_cast_or_null<DITemplateTypeParameter>(Each);
    // A value or a pack: as clang wrote it.
    if (!Parameter)
      return Whole.str();
    if (Parameter->isDefault())
      break;
    std::string Argument = name(Parameter->getType());
    // Qualifiers are part of what an argument means.
    const auto *Qualified =
        dyn_cast_or_null<DIDerivedType>(Parameter->getType());
    if (Qualified && Qualified->getTag() == dwarf::DW_TAG_const_type)
      Argument = "const " + Argument;
    Arguments += (Arguments.empty() ? "" : ", ") +
                 (Argument.empty() ? "void" : Argument);
  }
  return (Whole.take_front(Open) + "<" + Arguments + ">").str();
}

std::string TypeNamer::composite(const DICompositeType &Type) const {
  if (Type.getTag() == dwarf::DW_TAG_array_type)
    return array(Type);
  std::string Name = templateName(Type);
  if (Name.empty())
    return ("(unnamed at " + sys::path::filename(Type.getFilename()) + ":" +
            Twine(Type.getLine()) + ")")
        .str();
  if (IsC)
    return (Type.getTag() == dwarf::DW_TAG_union_type         ? "union "
            : Type.getTag() == dwarf::DW_TAG_enumeration_type ? "enum "
                                                              : "struct ") +
           Name;
  Name = scopesOf(Type.getScope(), *this) + Name;
  return Name == "std::basic_string<char>" ? "std::string" : Name;
}

std::string TypeNamer::array(const DICompositeType &Type) const {
  std::string Name = name(Type.getBaseType());
  for (const DINode *Element : Type.getElements()) {
    Name += "[";
    if (const auto *Range = dyn_cast_or_null<DISubrange>(Element))
      if (auto *Count = mdconst::dyn_extract_or_null<ConstantInt>(
              Range->getRawCountNode()))
        if (!Count->isNegative())
          Name += std::to_string(Count->getZExtValue());
    Name += "]";
  }
  return Name;
}

std::string TypeNamer::function(const DISubroutineType &Type,
                                StringRef Declarator) const {
  std::string Result, Parameters;
  auto Types = Type.getTypeArray();
  for (unsigned I = 0; I < Types.size(); ++I) {
    std::string Name = name(Types[I]);
    if (Name.empty())
      Name = I == 0 ? "void" : "...";
    if (I == 0)
      Result = Name;
    else
      Parameters += (I == 1 ? "" : ", ") + Name;
  }
  return (Result + " " + Declarator + "(" + Parameters + ")").str();
}

std::string TypeNamer::derived(const DIDerivedType &Type) const {
  const DIType *Base = Type.getBaseType();
  if (isPointer(Type.getTag())) {
    if (const auto *Function =
            dyn_cast_or_null<DISubroutineType>(plainType(Base)))
      if (!isa<DIDerivedType>(withoutQualifiers(Base)))
        return function(*Function, "(*)");
    std::string Name = name(Base);
    if (Name.empty())
      Name = "void";
    if (Name.back() != '*')
      Name += " ";
    return Name + (Type.getTag() == dwarf::DW_TAG_pointer_type     ? "*"
                   : Type.getTag() == dwarf::DW_TAG_reference_type ? "&"
                                                                   : "&&");
  }
  // A typedef, or what has no spelling of its own (pointers to members).
  if (const auto *Named = dyn_cast_or_null<DICompositeType>(plainType(&Type)))
    if (!Named->getName().empty())
      return composite(*Named);
  // An alias that computes, or is a class's own: std::remove_extent<T>::type.
  // Or what a function of the library calls it: std::make_unique's _Up.
  if (Type.getName().contains('<') ||
      isa_and_nonnull<DICompositeType>(Type.getScope()) ||
      (isa_and_nonnull<DILocalScope>(Type.getScope()) &&
       compat::startsWith(Type.getName(), "_")))
    return name(Base);
  return Type.getName().empty()
             ? ""
             : scopesOf(Type.getScope(), *this) + Type.getName().str();
}

std::string TypeNamer::name(const DIType *Type) const {
  Type = withoutQualifiers(Type);
  if (const auto *Composite = dyn_cast_or_null<DICompositeType>(Type))
    return composite(*Composite);
  if (const auto *Derived = dyn_cast_or_null<DIDerivedType>(Type))
    return derived(*Derived);
  if (const auto *Function = dyn_cast_or_null<DISubroutineType>(Type))
    return function(*Function, "");
  return Type ? Type->getName().str() : "";
}

std::string TypeNamer::owner(const DIType *Type) const {
  const auto *Composite = dyn_cast_or_null<DICompositeType>(plainType(Type));
  if (!Composite)
    return "";
  if (!Composite->getName().empty())
    return IsC ? Composite->getName().str() : composite(*Composite);
  const auto *Typedef =
      dyn_cast_or_null<DIDerivedType>(withoutQualifiers(Type));
  return Typedef ? Typedef->getName().str() : "";
}

} // namespace memscope
