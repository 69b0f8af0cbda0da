// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "types.h"
#include "compat.h"
#include "type_places.h"
#include "type_record.h"
#include "type_sizes.h"
#include "wrappers.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Demangle/Demangle.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace memscope {

namespace {

const char TypeAttribute[] = "memscope-type";
const char BytesAttribute[] = "memscope-type-bytes";
const char VariableAttribute[] = "memscope-variable";

// One use of the result that the source gave a type or a name.
struct Sink {
  const DIType *Pointee = nullptr; // null = void
  std::string Variable;
};

// std::unique_ptr<T>(p), std::shared_ptr<T>(p), and reset(p).
bool keepsArgument(const CallBase &Call) {
  const Function *Callee = Call.getCalledFunction();
  if (!Callee || Call.arg_size() < 2)
    return false;
  for (StringRef Class :
       {"_ZNSt10unique_ptrI", "_ZNSt10shared_ptrI", "_ZNSt12__shared_ptrI",
        "_ZNSt3__110unique_ptrI", "_ZNSt3__110shared_ptrI"})
    if (compat::startsWith(Callee->getName(), Class))
      return true;
  return false;
}

// Follows the result of a call to what the source does with it.
class ResultWalk {
public:
  ResultWalk(const PlaceFinder &Places, const DISubprogram *Holder,
             bool IsArray)
      : Places(Places), Holder(Holder), IsArray(IsArray) {}

  // The uses of the value, in the order of the source.
  void follow(Value &V) {
    if (!Seen.insert(&V).second || Seen.size() > MostValues)
      return;
    SmallVector<const Use *, 8> Uses;
    for (const Use &Each : V.uses())
      Uses.push_back(&Each);
    for (const Use *Each : reverse(Uses))
      followUse(V, *Each);
  }

  // The slot's value goes on where it is read.
  void followSlot(Value &Slot) {
    for (User *Each : Slot.users()) {
      auto *Load = dyn_cast<LoadInst>(Each);
      if (Load && Load->getPointerOperand() == &Slot)
        follow(*Load);
      else if (isa<BitCastInst>(Each))
        followSlot(*Each);
    }
  }

  void storeTo(Value &Pointer) {
    Value *Slot = Pointer.stripPointerCasts();
    if (isa<AllocaInst>(Slot) && !compat::variableAt(*Slot) &&
        Seen.insert(Slot).second) {
      followSlot(*Slot); // clang's own, as of `a ? b : c`
      return;
    }
    Place At = Places.scalarAt(Pointer);
    Sink New{pointeeOf(At.Type), At.Name};
    Stores.push_back(New);
    if (isa<AllocaInst>(Slot))
      (New.Pointee ? Typed : Untyped).push_back(Slot);
  }

  SmallVector<Sink, 2> Stores;
  SmallVector<Sink, 2> Others;     // returned, or passed on
  SmallVector<Value *, 2> Untyped; // variables that are pointers to void
  SmallVector<Value *, 2> Typed;   // other variables

private:
  static constexpr unsigned MostValues = 64;

  void followUse(Value &V, const Use &Each) {
    User *Using = Each.getUser();
    if (auto *Store = dyn_cast<StoreInst>(Using)) {
      if (Store->getValueOperand() == &V)
        storeTo(*Store->getPointerOperand());
    } else if (isa<BitCastInst>(Using) || isa<PHINode>(Using) ||
               isa<SelectInst>(Using)) {
      follow(*Using);
    } else if (auto *Step = dyn_cast<GetElementPtrInst>(Using)) {
      // Behind the length, or to the first part.
      if (IsArray ? Step->hasAllConstantIndices() : Step->hasAllZeroIndices())
        follow(*Step);
    } else if (isa<ReturnInst>(Using)) {
      if (const DIType *Type = pointeeOf(PlaceFinder::returnType(Holder)))
        Others.push_back({Type, ""});
    } else if (auto *Call = dyn_cast<CallBase>(Using)) {
      if (!Call->isArgOperand(&Each))
        return;
      if (keepsArgument(*Call) && Call->getArgOperandNo(&Each) == 1) {
        Stores.push_back({nullptr, Places.nameAt(*Call->getArgOperand(0))});
        return;
      }
      if (const DIType *Type = PlaceFinder::parameterPointee(
              *Call, Call->getArgOperandNo(&Each)))
        Others.push_back({Type, ""});
    }
  }

  const PlaceFinder &Places;
  const DISubprogram *Holder;
  bool IsArray; // operator new[]: the objects may stand behind their number
  SmallPtrSet<const Value *, 16> Seen;
};

// Nothing but null is stored there besides.
bool isStoredOnce(const Value &Slot) {
  unsigned Stores = 0;
  for (const User *Each : Slot.users())
    if (const auto *Store = dyn_cast<StoreInst>(Each))
      Stores += Store->getPointerOperand() == &Slot &&
                !isa<Constant>(Store->getValueOperand());
  return Stores == 1;
}

// What all sinks that have a type agree on; false: they differ.
bool agreeOn(ArrayRef<Sink> Sinks, const DIType *&Pointee) {
  for (const Sink &Each : Sinks) {
    if (!Each.Pointee)
      continue;
    if (Pointee && plainType(Pointee) != plainType(Each.Pointee))
      return false;
    if (!Pointee)
      Pointee = Each.Pointee;
  }
  return true;
}

// --- results ---------------------------------------------------------------

bool storesText(enum memscope_kind Kind) {
  return Kind == MEMSCOPE_KIND_GETLINE || Kind == MEMSCOPE_KIND_GETDELIM ||
         Kind == MEMSCOPE_KIND_ASPRINTF || Kind == MEMSCOPE_KIND_VASPRINTF;
}

bool isString(enum memscope_kind Kind) {
  return Kind == MEMSCOPE_KIND_STRDUP || Kind == MEMSCOPE_KIND_STRNDUP ||
         storesText(Kind);
}

// --- C++ -------------------------------------------------------------------

// The first argument of a template's class; null = none, or no type.
const DIType *firstArgument(const DICompositeType &Class) {
  if (Class.getTemplateParams().empty())
    return nullptr;
  const auto *First = dyn_cast_or_null<DITemplateTypeParameter>(
      static_cast<const DINode *>(Class.getTemplateParams()[0]));
  return First ? First->getType() : nullptr;
}

bool isOfTemplate(const DIType &Type, StringRef Name) {
  return compat::startsWith(Type.getName(), (Name + "<").str());
}

// What the containers' own functions allocate: the T of std::allocator<T>.
const DIType *allocatedByLibrary(const DISubprogram *Holder) {
  const auto *Class = dyn_cast_or_null<DICompositeType>(Holder->getScope());
  if (!Class || Holder->getName() != "allocate")
    return nullptr;
  for (StringRef Name : {"new_allocator", "__new_allocator", "allocator"})
    if (isOfTemplate(*Class, Name))
      return firstArgument(*Class);
  return nullptr;
}

// The element that a node of a container, or of make_shared, holds.
const DIType *elementOfNode(const DIType *Node) {
  const auto *Class = dyn_cast_or_null<DICompositeType>(plainType(Node));
  if (!Class)
    return nullptr;
  for (StringRef Name :
       {"_Rb_tree_node", "_List_node", "_Fwd_list_node", "_Hash_node",
        "_Sp_counted_ptr_inplace", "__tree_node", "__list_node",
        "__forward_list_node", "__hash_node", "__shared_ptr_emplace"})
    if (isOfTemplate(*Class, Name))
      return firstArgument(*Class);
  return nullptr;
}

// What the source says at the call itself: `new T`, or std::allocator<T>.
const DIType *declaredType(const CallBase &Call, const DISubprogram *Holder) {
  const MDNode *Declared = Call.getMetadata("heapallocsite");
  if (const auto *Type = dyn_cast_or_null<DIType>(Declared))
    return Type;
  return allocatedByLibrary(Holder);
}

// The exception's type, by the throw that follows; "" = none does.
std::string thrownType(const CallBase &Call) {
  for (const User *Each : Call.users()) {
    const auto *Throw = dyn_cast<CallBase>(Each);
    const Function *Callee = Throw ? Throw->getCalledFunction() : nullptr;
    if (!Callee || Callee->getName() != "__cxa_throw" || Throw->arg_size() != 3)
      continue;
    const auto *Info =
        dyn_cast<GlobalVariable>(Throw->getArgOperand(1)->stripPointerCasts());
    StringRef Beginning = "typeinfo for ";
    std::string Text = Info ? demangle(Info->getName().str()) : "";
    if (compat::startsWith(Text, Beginning))
      return Text.substr(Beginning.size());
  }
  return "";
}

bool isCoroutineFrame(const CallBase &Call) {
  for (const Use &Each : Call.args())
    if (const auto *Size = dyn_cast<IntrinsicInst>(Each))
      if (Size->getIntrinsicID() == Intrinsic::coro_size)
        return true;
  return false;
}

// Sinks that differ: the one of just that size is the object, the others point
// to parts of it.
const DIType *bySize(ResultWalk &Walk, ArrayRef<Size> Asked) {
  for (size_t I = 0; I < Walk.Typed.size(); ++I)
    if (isStoredOnce(*Walk.Typed[I]))
      Walk.followSlot(*Walk.Typed[I]);
  const DIType *Found = nullptr;
  for (ArrayRef<Sink> Sinks :
       {ArrayRef<Sink>(Walk.Stores), ArrayRef<Sink>(Walk.Others)})
    for (const Sink &Each : Sinks) {
      if (!isAggregate(Each.Pointee) || !fitsExactly(Each.Pointee, Asked))
        continue;
      if (Found && plainType(Found) != plainType(Each.Pointee))
        return nullptr;
      Found = Each.Pointee;
    }
  return Found;
}

// Whether bytes, as the variable has them, are then used as a structure.
bool becomesObject(ResultWalk &Walk) {
  size_t Direct = Walk.Stores.size();
  for (size_t I = 0; I < Walk.Typed.size(); ++I)
    Walk.followSlot(*Walk.Typed[I]);
  for (const Sink &Each : ArrayRef<Sink>(Walk.Stores).drop_front(Direct))
    if (isAggregate(Each.Pointee))
      return true;
  return false;
}

// Pointers to void alone: what becomes of their values?
void followUntyped(ResultWalk &Walk, TypeFacts &Facts) {
  size_t Direct = Walk.Stores.size();
  for (size_t I = 0; I < Walk.Untyped.size(); ++I)
    if (isStoredOnce(*Walk.Untyped[I]))
      Walk.followSlot(*Walk.Untyped[I]);
  for (const Sink &Each : ArrayRef<Sink>(Walk.Stores).drop_front(Direct))
    if (Each.Pointee && !Each.Variable.empty()) {
      Facts.Variable = Each.Variable;
      return;
    }
}

TypeFacts factsOf(CallBase &Call, enum memscope_kind Kind) {
  const DISubprogram *Holder = Call.getFunction()->getSubprogram();
  // Line tables alone tell of no type.
  if (!Holder ||
      Holder->getUnit()->getEmissionKind() != DICompileUnit::FullDebug)
    return {};
  TypeFacts Facts;
  if (isCoroutineFrame(Call)) {
    Facts.Type =
        "coroutine frame of " + qualifiedName(Call.getFunction()->getName());
    return Facts;
  }
  if (Kind == MEMSCOPE_KIND_EXCEPTION) {
    Facts.Type = thrownType(Call);
    return Facts;
  }
  TypeNamer Namer(Holder->getUnit());
  PlaceFinder Places(Namer, Call.getModule()->getDataLayout());
  ResultWalk Walk(Places, Holder, Kind == MEMSCOPE_KIND_NEW_ARRAY);
  if (storesResult(Kind))
    Walk.storeTo(*Call.getArgOperand(0));
  else
    Walk.follow(Call);

  for (const Sink &Each : Walk.Stores)
    if (Facts.Variable.empty())
      Facts.Variable = Each.Variable;
  if (const DIType *Declared = declaredType(Call, Holder)) {
    const DIType *Element = elementOfNode(Declared);
    Facts.Type = Namer.name(Element ? Element : Declared);
    Facts.Bytes = bytesOf(Declared);
    return Facts;
  }
  SmallVector<Size, 2> Asked = sizesAsked(Call, Kind);
  const DIType *Type = nullptr;
  bool Agree = agreeOn(Walk.Stores, Type);
  if (Agree && !Type) {
    followUntyped(Walk, Facts);
    Agree = agreeOn(Walk.Stores, Type);
  }
  if (Agree && !Type)
    Agree = agreeOn(Walk.Others, Type);
  // A wrapper that is given no size makes texts, or objects of its own.
  bool IsTold = Kind != MEMSCOPE_KIND_UNKNOWN || !Asked.empty();
  if (!Agree || (Type && !(IsTold || !isAggregate(Type))) ||
      (Type && !fits(Type, Asked)))
    Type = bySize(Walk, Asked);
  if (Type && !isAggregate(Type) && bytesOf(Type) == 1 && becomesObject(Walk))
    Type = bySize(Walk, Asked);
  if (Type) {
    const DIType *Element = elementOfNode(Type);
    Facts.Type = Namer.name(Element ? Element : Type);
    Facts.Bytes = bytesOf(Type);
  }
  if (Facts.Type.empty() && isString(Kind))
    Facts.Type = "char", Facts.Bytes = 1;
  return Facts;
}

} // namespace

bool storesResult(enum memscope_kind Kind) {
  return Kind == MEMSCOPE_KIND_POSIX_MEMALIGN || storesText(Kind);
}

void noteType(CallBase &Call, const Callee &What,
              const WrapperFinder &Wrappers) {
  bool IsAllocation = What.Do == Action::Allocate || What.Do == Action::Enclose;
  TypeFacts Facts = factsOf(Call, What.Kind);
  // A wrapper's own variable is of any type that its caller wants.
  if (Wrappers.isUntyped(*Call.getFunction()) && Wrappers.passesOn(Call))
    Facts.Type.clear(), Facts.Bytes = 0;
  if (isOfLibrary(Call.getFunction()->getName()))
    Facts.Variable.clear();
  recordFacts(Call, Facts,
              !IsAllocation || What.Kind == MEMSCOPE_KIND_USER ||
                  What.Kind == MEMSCOPE_KIND_ALLOCKIND ||
                  What.Kind == MEMSCOPE_KIND_CLASS_NEW);
  if (!IsAllocation)
    return;
  LLVMContext &Context = Call.getContext();
  if (!Facts.Type.empty())
    Call.addFnAttr(Attribute::get(Context, TypeAttribute, Facts.Type));
  if (Facts.Bytes)
    Call.addFnAttr(
        Attribute::get(Context, BytesAttribute, utostr(Facts.Bytes)));
  if (!Facts.Variable.empty())
    Call.addFnAttr(Attribute::get(Context, VariableAttribute, Facts.Variable));
}

TypeFacts takeType(CallBase &Call) {
  TypeFacts Facts;
  Facts.Type = Call.getFnAttr(TypeAttribute).getValueAsString().str();
  Facts.Variable = Call.getFnAttr(VariableAttribute).getValueAsString().str();
  Call.getFnAttr(BytesAttribute)
      .getValueAsString()
      .getAsInteger(10, Facts.Bytes);
  for (const char *Each : {TypeAttribute, BytesAttribute, VariableAttribute})
    Call.setAttributes(
        Call.getAttributes().removeFnAttribute(Call.getContext(), Each));
  return Facts;
}

} // namespace memscope
