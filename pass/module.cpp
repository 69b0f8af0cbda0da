// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "module.h"
#include "blocks.h"
#include "compat.h"
#include "llvm/IR/Constants.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace memscope {

namespace {

// Before every constructor of the program's own, whose priorities begin at
// 101, and after every destructor of its own.
constexpr int FirstOfAll = 1;

#define MEMSCOPE_TEXT_OF(name) #name
#define MEMSCOPE_TEXT(name) MEMSCOPE_TEXT_OF(name)
const char AbiSymbol[] = MEMSCOPE_TEXT(MEMSCOPE_ABI_SYMBOL);

Constant *descriptor(Module &M, const ModuleFacts &Facts, SiteTable &Sites) {
  LLVMContext &Context = M.getContext();
  Type *I32 = Type::getInt32Ty(Context);
  PointerType *PointerTy = compat::pointerType(Context);
  auto Number = [I32](uint32_t Value) { return ConstantInt::get(I32, Value); };
  Constant *Fields[] = {
      Number(MEMSCOPE_ABI_VERSION),
      Number(Facts.Flags),
      Sites.string(M.getSourceFileName()),
      Number(Facts.AllocSites),
      Number(Facts.ThreadSites),
      Number(Facts.CoroutineSites),
      Number(Facts.FiberSites),
  };
  Constant *Value = ConstantStruct::getAnon(Fields);
  auto *Global =
      new GlobalVariable(M, Value->getType(), /*isConstant=*/false,
                         GlobalValue::PrivateLinkage, Value, "memscope.module");
  return ConstantExpr::getPointerCast(Global, PointerTy);
}

GlobalVariable *abiSymbol(Module &M, bool Weak) {
  if (GlobalVariable *Known = M.getNamedGlobal(AbiSymbol))
    return Known;
  return new GlobalVariable(M, Type::getInt8Ty(M.getContext()),
                            /*isConstant=*/true,
                            Weak ? GlobalValue::ExternalWeakLinkage
                                 : GlobalValue::ExternalLinkage,
                            nullptr, AbiSymbol);
}

Function *callingFunction(Module &M, StringRef Name, Hook Which,
                          Constant *Descriptor, HookTable &Hooks) {
  LLVMContext &Context = M.getContext();
  Function *F =
      Function::Create(FunctionType::get(Type::getVoidTy(Context), false),
                       GlobalValue::InternalLinkage, Name, M);
  F->setDoesNotThrow();
  IRBuilder<> Builder(BasicBlock::Create(Context, "", F));
  Instruction *End = Builder.CreateRetVoid();
  Builder.SetInsertPoint(End);
  if (Hooks.weak()) {
    Value *Present = Hooks.createIsPresent(Builder, Which);
    Builder.SetInsertPoint(insertIf(Present, End, DebugLoc()));
  } else if (Which == Hook::module_load_hook) {
    // A read that no linker drops, not even with --gc-sections: an object of
    // another version does not link.
    Builder.CreateLoad(Builder.getInt8Ty(), abiSymbol(M, false),
                       /*isVolatile=*/true);
  }
  Builder.CreateCall(Hooks.get(Which), {Descriptor});
  return F;
}

} // namespace

void emitModuleDescriptor(Module &M, const ModuleFacts &Facts, SiteTable &Sites,
                          HookTable &Hooks) {
  Constant *Descriptor = descriptor(M, Facts, Sites);
  appendToGlobalCtors(M,
                      callingFunction(M, "memscope.module_load",
                                      Hook::module_load_hook, Descriptor,
                                      Hooks),
                      FirstOfAll);
  appendToGlobalDtors(M,
                      callingFunction(M, "memscope.module_unload",
                                      Hook::module_unload_hook, Descriptor,
                                      Hooks),
                      FirstOfAll);
  if (!Hooks.weak())
    return;
  // module_load compares versions; this tells `nm` which one the object wants.
  GlobalVariable *Symbol = abiSymbol(M, true);
  auto *Reference =
      new GlobalVariable(M, Symbol->getType(), /*isConstant=*/true,
                         GlobalValue::PrivateLinkage, Symbol, "memscope.abi");
  appendToCompilerUsed(M, {Reference});
}

} // namespace memscope
