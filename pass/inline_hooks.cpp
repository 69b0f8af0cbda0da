// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The usual way of coro_resume, coro_suspend and coro_pop, written out; what
// their memory looks like is in abi.h. Of a call that stays:
//
//     %top = load ptr, ptr (@__memscope_thread + 56)
//     %mark = load i64, ptr (%top + 8)
//     br i1 (%mark == 2), label %memscope.next, label %memscope.slow
//   memscope.next:
//     store ptr (%top - 16), ptr (@__memscope_thread + 56)
//     store i64 0, ptr (%top + 8)
//     br label %join
//   memscope.slow:
//     call void @__memscope_coro_pop()
//     br label %join
//
// Where nothing is called between a suspension and its pop, both happen where
// the suspension stands: nobody can see the task leaving.

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
    Value *Top = top(B);
    D.test(B.CreateICmpNE(B.CreateLoad(B.getInt64Ty(), mark(B, Top)),
                          B.getInt64(0)));
    // The acquire pairs with the release of a suspension, here or there.
    Value *State = at(B, Task, MEMSCOPE_INLINE_TASK_STATE);
    LoadInst *Now = B.CreateLoad(B.getInt32Ty(), State);
    Now->setAtomic(AtomicOrdering::Acquire);
    Now->setAlignment(Align(4));
    D.test(B.CreateICmpEQ(Now, B.getInt32(MEMSCOPE_INLINE_STATE_SUSPENDED)));
    Value *Own =
        B.CreateLoad(B.getInt32Ty(), at(B, Thread, MEMSCOPE_INLINE_THREAD_REF));
    Value *Last = B.CreateLoad(B.getInt32Ty(),
                               at(B, Task, MEMSCOPE_INLINE_TASK_THREAD_REF));
    D.test(B.CreateICmpEQ(Own, Last));
    Value *Entry = at(B, Top, MEMSCOPE_INLINE_ENTRY_BYTES);
    Value *InRegion = B.CreateAnd(B.CreatePtrToInt(Entry, B.getInt64Ty()),
                                  B.getInt64(MEMSCOPE_INLINE_REGION - 1));
    D.test(B.CreateICmpNE(InRegion, B.getInt64(0)));
    store(B, Task, Entry, AtomicOrdering::Monotonic);
    store(B, B.getInt64(MEMSCOPE_INLINE_MARK_RUNNING), mark(B, Entry),
          AtomicOrdering::Monotonic);
    setTop(B, Entry);
    Value *Resumes = at(B, Task, MEMSCOPE_INLINE_TASK_RESUMES);
    B.CreateStore(
        B.CreateAdd(B.CreateLoad(B.getInt32Ty(), Resumes), B.getInt32(1)),
        Resumes);
    store(B, B.getInt32(MEMSCOPE_INLINE_STATE_RUNNING), State,
          AtomicOrdering::Monotonic);
    D.finish();
  }

  // `ItsPop`: of popOf, or null.
  void suspend(CallInst &Call, CallInst *ItsPop) {
    Value *Task = Call.getArgOperand(0);
    Diamond D(Call);
    IRBuilder<> &B = D.Builder;
    if (ItsPop)
      D.goSlowly(*ItsPop);
    Value *Top = top(B);
    D.test(B.CreateICmpEQ(B.CreateLoad(Task->getType(), Top), Task));
    LoadInst *Waiting = B.CreateLoad(B.getInt64Ty(), NotStarted);
    Waiting->setAtomic(AtomicOrdering::Monotonic);
    Waiting->setAlignment(Align(8));
    D.test(B.CreateICmpEQ(Waiting, B.getInt64(0)));
    if (ItsPop)
      popEntry(B, Top);
    else
      store(B, B.getInt64(MEMSCOPE_INLINE_MARK_LEAVING), mark(B, Top),
            AtomicOrdering::Monotonic);
    // What this thread wrote of the task, the mark included, before anyone
    // resumes it.
    store(B, B.getInt32(MEMSCOPE_INLINE_STATE_SUSPENDED),
          at(B, Task, MEMSCOPE_INLINE_TASK_STATE), AtomicOrdering::Release);
    D.finish();
  }

  void pop(CallInst &Call) {
    Diamond D(Call);
    IRBuilder<> &B = D.Builder;
    Value *Top = top(B);
    D.test(B.CreateICmpEQ(B.CreateLoad(B.getInt64Ty(), mark(B, Top)),
                          B.getInt64(MEMSCOPE_INLINE_MARK_LEAVING)));
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
  static Value *mark(IRBuilder<> &B, Value *Entry) {
    return at(B, Entry, MEMSCOPE_INLINE_ENTRY_MARK);
  }
  static void store(IRBuilder<> &B, Value *What, Value *Place,
                    AtomicOrdering Order) {
    StoreInst *Store = B.CreateStore(What, Place);
    Store->setAtomic(Order);
    Store->setAlignment(Align(What->getType()->isIntegerTy(32) ? 4 : 8));
  }

  Value *top(IRBuilder<> &B) {
    return B.CreateLoad(compat::pointerType(M.getContext()),
                        at(B, Thread, MEMSCOPE_INLINE_THREAD_TOP));
  }
  // In this order for the thread's signal handlers.
  void setTop(IRBuilder<> &B, Value *Entry) {
    B.CreateFence(AtomicOrdering::SequentiallyConsistent,
                  SyncScope::SingleThread);
    B.CreateStore(Entry, at(B, Thread, MEMSCOPE_INLINE_THREAD_TOP));
  }
  void popEntry(IRBuilder<> &B, Value *Top) {
    setTop(B, at(B, Top, -MEMSCOPE_INLINE_ENTRY_BYTES));
    B.CreateFence(AtomicOrdering::SequentiallyConsistent,
                  SyncScope::SingleThread);
    // Pairs with the runtime's look for tasks that are leaving.
    store(B, B.getInt64(0), mark(B, Top), AtomicOrdering::Release);
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
  return Kind && (Kind->getZExtValue() == MEMSCOPE_SUSPEND_AWAIT ||
                  Kind->getZExtValue() == MEMSCOPE_SUSPEND_YIELD);
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
