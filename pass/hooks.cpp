// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "hooks.h"
#include "compat.h"
#include "llvm/ADT/StringRef.h"

using namespace llvm;

namespace memscope {

namespace {

struct HookRow {
  const char *Symbol;
  const char *Signature;
};

const HookRow Rows[] = {
#define MEMSCOPE_HOOK(name, ret, params, signature)                            \
  {"__memscope_" #name, signature},
#include <memscope/hooks.def>
};

const HookRow &rowOf(Hook Which) { return Rows[static_cast<size_t>(Which)]; }

// Hooks of our own, which never throw; a replacing hook throws what the
// function it replaces throws (operator new: std::bad_alloc).
bool isServiceHook(Hook Which) {
  return Which >= Hook::coro_alloc_hook || Which == Hook::enter_site_hook ||
         Which == Hook::leave_site_hook || Which == Hook::next_site_hook ||
         Which == Hook::landed_hook || Which == Hook::making_context_hook ||
         Which == Hook::module_load_hook || Which == Hook::module_unload_hook;
}

} // namespace

bool needsWeakHooks(const Module &M, const Options &Opts) {
  bool ForSharedObject = M.getPICLevel() != PICLevel::NotPIC &&
                         M.getPIELevel() == PIELevel::Default;
  return !Opts.Linked || ForSharedObject;
}

HookTable::HookTable(Module &M, bool Weak) : Mod(M), Weak(Weak) {}

Type *HookTable::typeOf(char Letter) const {
  LLVMContext &Context = Mod.getContext();
  switch (Letter) {
  case 'v':
    return Type::getVoidTy(Context);
  case 'p':
    return compat::pointerType(Context);
  case 'z':
    return Mod.getDataLayout().getIntPtrType(Context);
  case 't':
    // As clang returns it by value.
    if (compat::isAArch64(Mod))
      return ArrayType::get(Type::getInt64Ty(Context), 2);
    return StructType::get(compat::pointerType(Context),
                           compat::pointerType(Context));
  default: // 'i', 'u'
    return Type::getInt32Ty(Context);
  }
}

FunctionCallee HookTable::get(Hook Which) {
  const HookRow &Row = rowOf(Which);
  if (Function *Known = Mod.getFunction(Row.Symbol))
    return {Known->getFunctionType(), Known};
  SmallVector<Type *, 6> Parameters;
  for (const char *Letter = Row.Signature + 1; *Letter; ++Letter)
    Parameters.push_back(typeOf(*Letter));
  FunctionType *Type =
      FunctionType::get(typeOf(Row.Signature[0]), Parameters, false);
  Function *Hook = Function::Create(Type,
                                    Weak ? GlobalValue::ExternalWeakLinkage
                                         : GlobalValue::ExternalLinkage,
                                    Row.Symbol, Mod);
  if (isServiceHook(Which))
    Hook->setDoesNotThrow();
  return {Type, Hook};
}

Function *HookTable::find(Hook Which) const {
  return Mod.getFunction(rowOf(Which).Symbol);
}

Value *HookTable::createIsPresent(IRBuilderBase &Builder, Hook Which) {
  Value *Address = get(Which).getCallee();
  // Not CreateICmpNE, which makes a constant expression of it in 14.
  return Builder.Insert(
      new ICmpInst(ICmpInst::ICMP_NE, Address,
                   Constant::getNullValue(Address->getType())),
      "memscope.present");
}

bool HookTable::replaces(const CallBase &Call, Hook Which, bool HasMore) const {
  StringRef Signature(rowOf(Which).Signature);
  StringRef Parameters = Signature.drop_front(1).drop_back(HasMore ? 1 : 0);
  if (Call.arg_size() != Parameters.size())
    return false;
  auto Matches = [this](Type *Actual, char Letter) {
    return Letter == 'p'
               ? Actual->isPointerTy() && Actual->getPointerAddressSpace() == 0
               : Actual == typeOf(Letter);
  };
  if (!Matches(Call.getType(), Signature[0]))
    return false;
  for (unsigned I = 0; I < Call.arg_size(); ++I)
    if (!Matches(Call.getArgOperand(I)->getType(), Parameters[I]))
      return false;
  return true;
}

bool HookTable::definesHooks(const Module &M) {
  for (const HookRow &Row : Rows)
    if (const Function *Known = M.getFunction(Row.Symbol))
      if (!Known->isDeclaration())
        return true;
  return false;
}

} // namespace memscope
