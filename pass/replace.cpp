// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   %p = call ptr @malloc(i64 %n)
//
// becomes, where the runtime is linked in,
//
//   %p = call ptr @__memscope_malloc(i64 %n, ptr @memscope.site)
//
// and elsewhere
//
//     %memscope.present = icmp ne ptr @__memscope_malloc, null
//     br i1 %memscope.present, label %memscope.hook, label %memscope.plain
//   memscope.hook:
//     %h = call ptr @__memscope_malloc(i64 %n, ptr @memscope.site)
//     br label %memscope.join
//   memscope.plain:
//     %q = call ptr @malloc(i64 %n)
//     br label %memscope.join
//   memscope.join:
//     %p = phi ptr [ %h, %memscope.hook ], [ %q, %memscope.plain ]
//
// An invoke becomes two invokes with the same unwind edge. A switch of stacks
// has its callee in the site's place.

#include "compat.h"
#include "rewrite.h"
#include "source.h"

using namespace llvm;

namespace memscope {

namespace {

struct Diamond {
  BasicBlock *HookBlock;
  BasicBlock *PlainBlock;
  BasicBlock *Join;
};

// What holds for the result of the replaced function holds for the hook's;
// nothing else of the call's attributes is known to the hook.
AttributeList hookAttributes(const CallBase &Call, bool SameReturnType) {
  LLVMContext &Context = Call.getContext();
  AttrBuilder Return(Context, SameReturnType
                                  ? Call.getAttributes().getRetAttrs()
                                  : AttributeSet());
  if (SameReturnType && Call.hasRetAttr(Attribute::NoAlias))
    Return.addAttribute(Attribute::NoAlias);
  AttrBuilder Function(Context);
  if (Call.doesNotThrow())
    Function.addAttribute(Attribute::NoUnwind);
  return AttributeList::get(Context, AttributeSet::get(Context, Function),
                            AttributeSet::get(Context, Return), {});
}

// The hook's call at the builder's place; an invoke goes to `Normal`.
CallBase *createHookCall(IRBuilderBase &Builder, CallBase &Call,
                         FunctionCallee Callee, Constant *Last,
                         BasicBlock *Normal) {
  FunctionType *Type = Callee.getFunctionType();
  SmallVector<Value *, 6> Arguments;
  for (unsigned I = 0; I < Call.arg_size(); ++I)
    Arguments.push_back(
        Builder.CreateBitCast(Call.getArgOperand(I), Type->getParamType(I)));
  if (Last)
    Arguments.push_back(Last);
  SmallVector<OperandBundleDef, 1> Bundles;
  Call.getOperandBundlesAsDefs(Bundles);
  CallBase *New;
  if (auto *Invoke = dyn_cast<InvokeInst>(&Call)) {
    New = Builder.CreateInvoke(Callee, Normal, Invoke->getUnwindDest(),
                               Arguments, Bundles);
  } else {
    CallInst *Plain = Builder.CreateCall(Callee, Arguments, Bundles);
    Plain->setTailCallKind(cast<CallInst>(Call).getTailCallKind());
    New = Plain;
  }
  New->setAttributes(
      hookAttributes(Call, Call.getType() == Type->getReturnType()));
  return New;
}

Diamond splitAroundCall(CallInst &Call, Value *Condition,
                        IRBuilderBase &Builder) {
  BasicBlock *Head = Call.getParent();
  BasicBlock *Join =
      Head->splitBasicBlock(std::next(Call.getIterator()), "memscope.join");
  Function *F = Head->getParent();
  LLVMContext &Context = F->getContext();
  Diamond New{BasicBlock::Create(Context, "memscope.hook", F, Join),
              BasicBlock::Create(Context, "memscope.plain", F, Join), Join};
  Head->getTerminator()->eraseFromParent();
  Builder.SetInsertPoint(New.PlainBlock);
  Instruction *End = Builder.CreateBr(Join);
  Call.moveBefore(*New.PlainBlock, End->getIterator());
  Builder.SetInsertPoint(Head);
  Builder.CreateCondBr(Condition, New.HookBlock, New.PlainBlock);
  return New;
}

Diamond splitAroundInvoke(InvokeInst &Invoke, Value *Condition,
                          IRBuilderBase &Builder) {
  BasicBlock *Head = Invoke.getParent();
  Function *F = Head->getParent();
  LLVMContext &Context = F->getContext();
  BasicBlock *Normal = Invoke.getNormalDest();
  BasicBlock *Unwind = Invoke.getUnwindDest();
  Diamond New{BasicBlock::Create(Context, "memscope.hook", F, Normal),
              BasicBlock::Create(Context, "memscope.plain", F, Normal),
              BasicBlock::Create(Context, "memscope.join", F, Normal)};
  Normal->replacePhiUsesWith(Head, New.Join);
  for (PHINode &Phi : Unwind->phis()) {
    Phi.replaceIncomingBlockWith(Head, New.PlainBlock);
    Phi.addIncoming(Phi.getIncomingValueForBlock(New.PlainBlock),
                    New.HookBlock);
  }
  Invoke.moveBefore(*New.PlainBlock, New.PlainBlock->end());
  Invoke.setNormalDest(New.Join);
  Builder.SetInsertPoint(New.Join);
  Builder.CreateBr(Normal);
  Builder.SetInsertPoint(Head);
  Builder.CreateCondBr(Condition, New.HookBlock, New.PlainBlock);
  return New;
}

void replaceTested(CallBase &Call, Hook Which, Constant *Last, HookTable &Hooks,
                   IRBuilderBase &Builder) {
  Value *Present = Hooks.createIsPresent(Builder, Which);
  auto *Invoke = dyn_cast<InvokeInst>(&Call);
  Diamond New = Invoke
                    ? splitAroundInvoke(*Invoke, Present, Builder)
                    : splitAroundCall(cast<CallInst>(Call), Present, Builder);
  Builder.SetInsertPoint(New.HookBlock);
  CallBase *HookCall =
      createHookCall(Builder, Call, Hooks.get(Which), Last, New.Join);
  if (!Invoke)
    Builder.CreateBr(New.Join);
  if (Call.use_empty())
    return;
  Builder.SetInsertPoint(New.Join, New.Join->begin());
  PHINode *Result = Builder.CreatePHI(Call.getType(), 2);
  Call.replaceAllUsesWith(Result);
  Value *FromHook = HookCall;
  if (HookCall->getType() != Call.getType()) {
    // Pointers with types (LLVM 14), and the program declared the function
    // with another one: the cast stands before the hook block's end, or, the
    // hook being invoked, in a block of its own.
    Instruction *At = New.HookBlock->getTerminator();
    if (Invoke) {
      BasicBlock *Edge = BasicBlock::Create(Call.getContext(), "memscope.cast",
                                            Call.getFunction(), New.Join);
      Builder.SetInsertPoint(Edge);
      At = Builder.CreateBr(New.Join);
      cast<InvokeInst>(HookCall)->setNormalDest(Edge);
      New.HookBlock = Edge;
    }
    Builder.SetInsertPoint(At);
    FromHook = Builder.CreateBitCast(HookCall, Call.getType());
  }
  Result->addIncoming(FromHook, New.HookBlock);
  Result->addIncoming(&Call, New.PlainBlock);
}

void replaceDirectly(CallBase &Call, Hook Which, Constant *Last,
                     HookTable &Hooks, IRBuilderBase &Builder) {
  BasicBlock *Normal = nullptr;
  if (auto *Invoke = dyn_cast<InvokeInst>(&Call))
    Normal = Invoke->getNormalDest();
  CallBase *HookCall =
      createHookCall(Builder, Call, Hooks.get(Which), Last, Normal);
  if (!Call.use_empty()) {
    Value *Result = HookCall;
    if (HookCall->getType() != Call.getType()) {
      if (Normal) { // the cast needs a block on the normal edge
        BasicBlock *Edge = BasicBlock::Create(
            Call.getContext(), "memscope.cast", Call.getFunction(), Normal);
        Normal->replacePhiUsesWith(Call.getParent(), Edge);
        Builder.SetInsertPoint(Edge);
        Builder.SetInsertPoint(Builder.CreateBr(Normal));
        cast<InvokeInst>(HookCall)->setNormalDest(Edge);
      }
      Result = Builder.CreateBitCast(HookCall, Call.getType());
    }
    Call.replaceAllUsesWith(Result);
  }
  Call.eraseFromParent();
}

} // namespace

void replaceCall(CallBase &Call, Hook Which, Constant *Last, HookTable &Hooks) {
  IRBuilder<> Builder(&Call);
  Builder.SetCurrentDebugLocation(locationFor(Call));
  if (Hooks.weak())
    replaceTested(Call, Which, Last, Hooks, Builder);
  else
    replaceDirectly(Call, Which, Last, Hooks, Builder);
}

void replaceSwitch(CallBase &Call, Hook Which, HookTable &Hooks) {
  // The hook's return address tells the place.
  if (auto *Plain = dyn_cast<CallInst>(&Call))
    Plain->setTailCallKind(CallInst::TCK_NoTail);
  auto *Callee = cast<Constant>(Call.getCalledOperand());
  replaceCall(Call, Which,
              ConstantExpr::getPointerCast(
                  Callee, compat::pointerType(Call.getContext())),
              Hooks);
}

} // namespace memscope
