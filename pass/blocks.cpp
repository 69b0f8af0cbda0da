// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "blocks.h"
#include "compat.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Local.h"

using namespace llvm;

namespace memscope {

Instruction *insertIf(Value *Condition, Instruction *Before,
                      const DebugLoc &Location) {
  BasicBlock *Head = Before->getParent();
  BasicBlock *Join = Head->splitBasicBlock(Before->getIterator(),
                                           Head->getName() + ".memscope.join");
  BasicBlock *Then = BasicBlock::Create(Head->getContext(), "memscope.then",
                                        Head->getParent(), Join);
  Head->getTerminator()->eraseFromParent();
  IRBuilder<> Builder(Head);
  Builder.SetCurrentDebugLocation(Location);
  Builder.CreateCondBr(Condition, Then, Join);
  Builder.SetInsertPoint(Then);
  return Builder.CreateBr(Join);
}

Instruction *insertOnEdge(Instruction *Terminator, unsigned Successor) {
  BasicBlock *From = Terminator->getParent();
  BasicBlock *To = Terminator->getSuccessor(Successor);
  BasicBlock *Edge = BasicBlock::Create(To->getContext(), "memscope.edge",
                                        To->getParent(), To);
  IRBuilder<> Builder(Edge);
  Builder.SetCurrentDebugLocation(Terminator->getDebugLoc());
  Instruction *End = Builder.CreateBr(To);
  Terminator->setSuccessor(Successor, Edge);
  // One entry each: other edges from the same block may stay.
  for (PHINode &Phi : To->phis())
    Phi.setIncomingBlock(Phi.getBasicBlockIndex(From), Edge);
  return End;
}

void gatherStaticAllocas(Function &F) {
  BasicBlock &Entry = F.getEntryBlock();
  Instruction *FirstOther = nullptr;
  for (auto It = Entry.begin(); It != Entry.end();) {
    Instruction &I = *It++;
    auto *Alloca = dyn_cast<AllocaInst>(&I);
    bool IsStatic = Alloca && isa<ConstantInt>(Alloca->getArraySize()) &&
                    !Alloca->isUsedWithInAlloca();
    if (!IsStatic && !FirstOther)
      FirstOther = &I;
    else if (IsStatic && FirstOther)
      Alloca->moveBefore(Entry, FirstOther->getIterator());
  }
}

namespace {

// C++ code has a personality that every C++ program links; in C, the one for
// cleanups alone is part of the compiler's support library.
Constant *cleanupPersonality(Module &M) {
  Function *Cxx = M.getFunction("__gxx_personality_v0");
  StringRef Name = Cxx ? "__gxx_personality_v0" : "__gcc_personality_v0";
  FunctionType *Type =
      FunctionType::get(llvm::Type::getInt32Ty(M.getContext()), true);
  return cast<Constant>(M.getOrInsertFunction(Name, Type).getCallee());
}

} // namespace

InvokeInst *makeInvoke(CallInst &Call, const DebugLoc &Location) {
  Function &F = *Call.getFunction();
  LLVMContext &Context = F.getContext();
  if (!F.hasPersonalityFn())
    F.setPersonalityFn(cleanupPersonality(*F.getParent()));
  BasicBlock *Unwind = BasicBlock::Create(Context, "memscope.unwind", &F);
  IRBuilder<> Builder(Unwind);
  Builder.SetCurrentDebugLocation(Location);
  LandingPadInst *Pad = Builder.CreateLandingPad(
      StructType::get(compat::pointerType(Context), Builder.getInt32Ty()), 0);
  Pad->setCleanup(true);
  Builder.CreateResume(Pad);
  BasicBlock *Head = Call.getParent();
  changeToInvokeAndSplitBasicBlock(&Call, Unwind);
  return cast<InvokeInst>(Head->getTerminator());
}

} // namespace memscope
