// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The usual way of coro_resume, coro_suspend and coro_pop, written out; what
// their memory looks like is in abi.h. Of a call that stays:
//
//     %top = load ptr, ptr (@__memscope_thread + 56)
//     %mark = load i8, ptr %top
//     br i1 (%mark & 1), label %memscope.next, label %memscope.slow
//   memscope.next:
//     (@__memscope_thread + 56) -= 16
//     store i64 0, ptr %top
//     br label %join
//   memscope.slow:
//     call void @__memscope_coro_pop()
//     br label %join
//
// Where nothing is called between a suspension and its pop, both happen where
// the suspension stands: nobody can see the task leaving.
//
// Each change of memory is one load, one operation, one store, side by side:
// one instruction on x86-64. What the thread alone writes is loaded plainly,
// so that a comparison takes it from memory; ThreadSanitizer is told to look
// away (`nosanitize`).

#include "blocks.h"
#include "compat.h"
#include "coroutines.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"

using namespace llvm;

namespace memscope {

namespace {

// One call that becomes tests, a fast way, and the call where a test fails.
class Diamond {
public:
  explicit Diamond(CallInst &Call)
      : Builder(Call.getContext()), Location(Call.getDebugLoc()) {
    BasicBlock *Head = Call.getParent();
    Join = Head->splitBasicBlock(Call.getIterator(), "memscope.join");
    Slow = BasicBlock::Create(Call.getContext(), "memscope.slow",
                              Head->getParent(), Join);
    Builder.SetInsertPoint(Slow);
    Builder.SetCurrentDebugLocation(Location);
    SlowEnd = Builder.CreateBr(Join);
    goSlowly(Call);
    Head->getTerminator()->eraseFromParent();
    Builder.SetInsertPoint(Head);
  }

  void goSlowly(CallInst &Call) {
    Call.moveBefore(*Slow, SlowEnd->getIterator());
  }

  void test(Value *Usual) {
    BasicBlock *Next = BasicBlock::Create(Builder.getContext(), "memscope.next",
                                          Slow->getParent(), Slow);
    MDNode *Weights =
        MDBuilder(Builder.getContext()).createBranchWeights(1 << 20, 1);
    Builder.CreateCondBr(Usual, Next, Slow, Weights);
    Builder.SetInsertPoint(Next);
  }

  void finish() { Builder.CreateBr(Join); }

  IRBuilder<> Builder;

private:
  DebugLoc Location;
  BasicBlock *Join, *Slow;
  Instruction *SlowEnd;
};

class InlineHooks {
public:
  InlineHooks(Module &M, HookTable &Hooks)
      : M(M), Pop(Hooks.find(Hook::coro_pop_hook)) {
    Type *Byte = Type::getInt8Ty(M.getContext());
    Thread = external(ArrayType::get(Byte, 64), MEMSCOPE_INLINE_THREAD);
    Thread->setThreadLocalMode(GlobalValue::LocalExecTLSModel);
    NotStarted =
        external(Type::getInt64Ty(M.getContext()), MEMSCOPE_INLINE_NOT_STARTED);
  }

  // Nothing in between can allocate, nor be called back.
  CallInst *popOf(CallInst &Suspend) const {
    for (Instruction *I = Suspend.getNextNode(); I; I = I->getNextNode()) {
      auto *Call = dyn_cast<CallBase>(I);
      if (!Call || isa<IntrinsicInst>(Call))
        continue;
      return Call->getCalledOperand() == Pop ? cast<CallInst>(Call) : nullptr;
    }
    return nullptr;
  }

  void resume(CallInst &Call) {
    Value *Task = Call.getArgOperand(0);
    Diamond D(Call);
    IRBuilder<> &B = D.Builder;
    callKept(Call);
    Value *Top = top(B);
    Value *Entry = at(B, Top, MEMSCOPE_INLINE_ENTRY_BYTES);
    // The acquire pairs with the release of a suspension, here or there.
    Value *Word = at(B, Task, MEMSCOPE_INLINE_TASK_WORD);
    LoadInst *Now = load(B, B.getInt64Ty(), Word);
    Now->setAtomic(AtomicOrdering::Acquire);
    D.test(B.CreateICmpEQ(
        Now,
        load(B, B.getInt64Ty(), at(B, Entry, MEMSCOPE_INLINE_ENTRY_EXPECTED))));
    store(B, Task, Entry, AtomicOrdering::Monotonic);
    moveTop(B, MEMSCOPE_INLINE_ENTRY_BYTES);
    Value *Resumes = at(B, Task, MEMSCOPE_INLINE_TASK_RESUMES);
    B.CreateStore(B.CreateAdd(load(B, B.getInt32Ty(), Resumes), B.getInt32(1)),
                  Resumes);
    change(B, Instruction::Add, Word,
           MEMSCOPE_INLINE_STATE_RUNNING - MEMSCOPE_INLINE_STATE_SUSPENDED,
           AtomicOrdering::Monotonic);
    D.finish();
  }

  // `ItsPop`: of popOf, or null.
  void suspend(CallInst &Call, CallInst *ItsPop) {
    Value *Task = Call.getArgOperand(0);
    Diamond D(Call);
    IRBuilder<> &B = D.Builder;
    if (ItsPop) {
      auto *Kind = cast<ConstantInt>(Call.getArgOperand(3));
      Call.setArgOperand(
          3, B.getInt32(Kind->getZExtValue() | MEMSCOPE_SUSPEND_AND_POP));
      ItsPop->eraseFromParent(); // what is left may end in a jump to the hook
    } else {
      callKept(Call);
    }
    Value *Top = top(B);
    D.test(B.CreateICmpEQ(load(B, Task->getType(), Top), Task));
    if (holdsPointer(Call))
      D.test(
          B.CreateICmpEQ(load(B, B.getInt64Ty(), NotStarted), B.getInt64(0)));
    if (ItsPop)
      popEntry(B, Top);
    else
      change(B, Instruction::Or, Top, MEMSCOPE_INLINE_MARK_LEAVING,
             AtomicOrdering::Monotonic);
    // What this thread wrote of the task, the mark included, before anyone
    // resumes it.
    change(B, Instruction::Add, at(B, Task, MEMSCOPE_INLINE_TASK_WORD),
           MEMSCOPE_INLINE_STATE_SUSPENDED - MEMSCOPE_INLINE_STATE_RUNNING,
           AtomicOrdering::Release);
    D.finish();
  }

  void pop(CallInst &Call) {
    Diamond D(Call);
    IRBuilder<> &B = D.Builder;
    callKept(Call);
    Value *Top = top(B);
    Value *Mark = B.CreateAnd(load(B, B.getInt8Ty(), Top),
                              B.getInt8(MEMSCOPE_INLINE_MARK_LEAVING));
    D.test(B.CreateICmpNE(Mark, B.getInt8(0)));
    popEntry(B, Top);
    D.finish();
  }

private:
  GlobalVariable *external(Type *Ty, StringRef Name) {
    auto *Symbol =
        new GlobalVariable(M, Ty, /*isConstant=*/false,
                           GlobalValue::ExternalLinkage, nullptr, Name);
    Symbol->setVisibility(GlobalValue::HiddenVisibility);
    Symbol->setDSOLocal(true);
    return Symbol;
  }

  static Value *at(IRBuilder<> &B, Value *Base, int64_t Offset) {
    return B.CreateGEP(B.getInt8Ty(), Base, B.getInt64(Offset));
  }
  static LoadInst *load(IRBuilder<> &B, Type *Ty, Value *Place) {
    LoadInst *Load = B.CreateLoad(Ty, Place);
    Load->setMetadata("nosanitize", MDNode::get(B.getContext(), {}));
    return Load;
  }
  static void store(IRBuilder<> &B, Value *What, Value *Place,
                    AtomicOrdering Order) {
    StoreInst *Store = B.CreateStore(What, Place);
    Store->setAtomic(Order);
    Store->setAlignment(Align(8));
  }
  // Of 64 bits that no other thread writes.
  static void change(IRBuilder<> &B, Instruction::BinaryOps How, Value *Place,
                     int64_t By, AtomicOrdering Order) {
    LoadInst *Before = B.CreateLoad(B.getInt64Ty(), Place);
    Before->setAtomic(AtomicOrdering::Monotonic);
    Before->setAlignment(Align(8));
    store(B, B.CreateBinOp(How, Before, B.getInt64(By)), Place, Order);
  }

  // Can it hold the frame of a coroutine that has not started?
  static bool holdsPointer(const CallInst &Suspend) {
    auto *Bytes = dyn_cast<ConstantInt>(Suspend.getArgOperand(2));
    return !Bytes || Bytes->getZExtValue() >= sizeof(uint64_t);
  }

  void callKept(CallInst &Call) {
    if (Triple(M.getTargetTriple()).getArch() != Triple::x86_64)
      return;
    const Function *Hook = Call.getCalledFunction();
    FunctionCallee Kept =
        M.getOrInsertFunction((Hook->getName() + MEMSCOPE_INLINE_KEPT).str(),
                              Hook->getFunctionType());
    auto *F = cast<Function>(Kept.getCallee());
    F->setCallingConv(CallingConv::PreserveMost);
    F->setVisibility(GlobalValue::HiddenVisibility);
    F->setDSOLocal(true);
    F->setDoesNotThrow();
    Call.setCalledFunction(Kept);
    Call.setCallingConv(CallingConv::PreserveMost);
  }

  Value *top(IRBuilder<> &B) {
    return load(B, compat::pointerType(M.getContext()), placeOfTop(B));
  }
  Value *placeOfTop(IRBuilder<> &B) {
    return at(B, Thread, MEMSCOPE_INLINE_THREAD_TOP);
  }
  // In this order for the thread's signal handlers.
  void moveTop(IRBuilder<> &B, int64_t Bytes) {
    B.CreateFence(AtomicOrdering::SequentiallyConsistent,
                  SyncScope::SingleThread);
    change(B, Instruction::Add, placeOfTop(B), Bytes,
           AtomicOrdering::Monotonic);
  }
  void popEntry(IRBuilder<> &B, Value *Top) {
    moveTop(B, -MEMSCOPE_INLINE_ENTRY_BYTES);
    B.CreateFence(AtomicOrdering::SequentiallyConsistent,
                  SyncScope::SingleThread);
    // Pairs with the runtime's look for tasks that are leaving.
    store(B, B.getInt64(0), Top, AtomicOrdering::Release);
  }

  Module &M;
  Function *Pop;
  GlobalVariable *Thread, *NotStarted;
};

SmallVector<CallInst *, 16> callsOf(HookTable &Hooks, Hook Which) {
  SmallVector<CallInst *, 16> Calls;
  if (Function *Callee = Hooks.find(Which))
    for (User *Each : Callee->users())
      if (auto *Call = dyn_cast<CallInst>(Each))
        if (Call->getCalledOperand() == Callee &&
            !compat::isUnsplitCoroutine(*Call->getFunction()))
          Calls.push_back(Call);
  return Calls;
}

// A coroutine that suspends before it has started, or for good, is a case of
// the hook's.
bool isUsual(const CallInst &Suspend) {
  auto *Kind = dyn_cast<ConstantInt>(Suspend.getArgOperand(3));
  if (!Kind)
    return false;
  enum memscope_suspend Point = memscope_suspend_kind(Kind->getZExtValue());
  return Point == MEMSCOPE_SUSPEND_AWAIT || Point == MEMSCOPE_SUSPEND_YIELD;
}

} // namespace

void inlineCoroutineHooks(Module &M, HookTable &Hooks) {
  SmallVector<CallInst *, 16> Resumes = callsOf(Hooks, Hook::coro_resume_hook),
                              Suspends =
                                  callsOf(Hooks, Hook::coro_suspend_hook),
                              Pops = callsOf(Hooks, Hook::coro_pop_hook);
  if (Resumes.empty() && Suspends.empty() && Pops.empty())
    return;
  InlineHooks Inline(M, Hooks);
  SmallPtrSet<CallInst *, 16> Done;
  SmallPtrSet<Function *, 16> Gathered;
  auto prepare = [&Gathered](CallInst &Call) {
    Function *F = Call.getParent()->getParent();
    if (Gathered.insert(F).second)
      gatherStaticAllocas(*F);
  };
  for (CallInst *Suspend : Suspends) {
    if (!isUsual(*Suspend))
      continue;
    prepare(*Suspend);
    CallInst *ItsPop = Inline.popOf(*Suspend);
    Inline.suspend(*Suspend, ItsPop);
    if (ItsPop)
      Done.insert(ItsPop);
  }
  for (CallInst *Resume : Resumes) {
    prepare(*Resume);
    Inline.resume(*Resume);
  }
  for (CallInst *Pop : Pops) {
    if (Done.count(Pop))
      continue;
    prepare(*Pop);
    Inline.pop(*Pop);
  }
}

} // namespace memscope
