// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//   %id = call token @llvm.coro.id(i32, ptr %promise, ptr null, ptr null)
//   %allocated = call i1 @llvm.coro.alloc(token %id)
//   br i1 %allocated, label %allocate, label %begin    ; operator new, a phi
//   %frame = call ptr @llvm.coro.begin(token %id, ptr %memory)
//   ...
//   %save = call token @llvm.coro.save(ptr null)
//   %goes = invoke i1 @llvm.coro.await.suspend.bool(ptr %awaiter, ptr %frame,
//       ptr @f.__await_suspend_wrapper__await) to ... unwind ...
//   br i1 %goes, label %suspend, label %ready
//   %way = call i8 @llvm.coro.suspend(token %save, i1 false)
//   switch i8 %way, label %leave [ i8 0, label %ready
//                                  i8 1, label %destroy ]
//   ...
//   %free = call ptr @llvm.coro.free(token %id, ptr %frame)
//   ...
//   call void @llvm.coro.end(ptr null, i1 true, token none)   ; 19: its result
//   %ramp = call i1 @llvm.coro.is_in_ramp()                   ; says !%ramp
//   br i1 %ramp, label %cleanup, label %resume

#include "coroutine_shape.h"
#include "compat.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"

using namespace llvm;

namespace memscope {

namespace {

StringRef calleeName(const CallBase &Call) {
  const Function *Callee = Call.getCalledFunction();
  return Callee ? Callee->getName() : StringRef();
}

template <typename UserT> UserT *onlyUser(Value *V) {
  UserT *Found = nullptr;
  for (User *Each : V->users()) {
    auto *Typed = dyn_cast<UserT>(Each);
    if (!Typed || Found)
      return nullptr;
    Found = Typed;
  }
  return Found;
}

AwaitResult awaitResult(const CallBase &Call) {
  StringRef Name = calleeName(Call);
  if (!compat::startsWith(Name, "llvm.coro.await.suspend."))
    return AwaitResult::None;
  if (Call.getType()->isIntegerTy(1))
    return AwaitResult::Bool;
  return Name == "llvm.coro.await.suspend.void" ? AwaitResult::Void
                                                : AwaitResult::Handle;
}

enum memscope_suspend kindOf(const IntrinsicInst &Suspend,
                             const Function *Wrapper) {
  if (Wrapper) {
    // A number may follow, after a dot.
    StringRef Suffix =
        Wrapper->getName().split(".__await_suspend_wrapper__").second;
    Suffix = Suffix.split('.').first;
    if (Suffix == "init")
      return MEMSCOPE_SUSPEND_INITIAL;
    if (Suffix == "final")
      return MEMSCOPE_SUSPEND_FINAL;
    if (Suffix == "yield")
      return MEMSCOPE_SUSPEND_YIELD;
  }
  return cast<ConstantInt>(Suspend.getArgOperand(1))->isOne()
             ? MEMSCOPE_SUSPEND_FINAL
             : MEMSCOPE_SUSPEND_AWAIT;
}

// False: not as clang makes it.
bool readSuspend(IntrinsicInst &Suspend, SuspendPoint &Point) {
  Point = {};
  Point.Suspend = &Suspend;
  Point.Save = dyn_cast<IntrinsicInst>(Suspend.getArgOperand(0));
  Point.Ways = onlyUser<SwitchInst>(&Suspend);
  if (!Point.Save || !Point.Ways)
    return false;
  for (Instruction *I = Point.Save->getNextNode(); I && I != &Suspend;
       I = I->getNextNode()) {
    auto *Call = dyn_cast<CallBase>(I);
    if (!Call || (Point.Result = awaitResult(*Call)) == AwaitResult::None)
      continue;
    Point.Await = Call;
    Point.Wrapper =
        dyn_cast<Function>(Call->getArgOperand(2)->stripPointerCasts());
    break;
  }
  if (Point.Await && (!Point.Wrapper || Point.Wrapper->isDeclaration()))
    return false;
  if (Point.Result == AwaitResult::Bool &&
      !(Point.Decides = onlyUser<BranchInst>(Point.Await)))
    return false;
  Point.Kind = kindOf(Suspend, Point.Wrapper);
  return true;
}

CallBase *frameAllocation(const IntrinsicInst &Begin) {
  Value *Memory = Begin.getArgOperand(1)->stripPointerCasts();
  if (auto *Phi = dyn_cast<PHINode>(Memory))
    for (Value *Each : Phi->incoming_values())
      if (auto *Call = dyn_cast<CallBase>(Each->stripPointerCasts()))
        return Call;
  return dyn_cast<CallBase>(Memory);
}

// False: not as clang makes it. `coro.end` that does not unwind has no edge.
bool readUnwind(IntrinsicInst &End, SmallVectorImpl<UnwindEdge> &Unwinds) {
  if (!cast<ConstantInt>(End.getArgOperand(1))->isOne())
    return true;
  if (!End.getType()->isVoidTy()) {
    auto *Branch = onlyUser<BranchInst>(&End);
    if (Branch)
      Unwinds.push_back({&End, Branch, 0});
    return Branch != nullptr;
  }
  for (Instruction *I = End.getNextNode(); I; I = I->getNextNode()) {
    auto *Call = dyn_cast<CallBase>(I);
    if (!Call || calleeName(*Call) != "llvm.coro.is_in_ramp")
      continue;
    auto *Branch = onlyUser<BranchInst>(Call);
    if (Branch)
      Unwinds.push_back({&End, Branch, 1});
    return Branch != nullptr;
  }
  return false;
}

} // namespace

bool CoroutineShape::isCoroutine(const Function &F) {
  for (const Instruction &I : instructions(F))
    if (const auto *Call = dyn_cast<IntrinsicInst>(&I))
      if (Call->getIntrinsicID() == Intrinsic::coro_id)
        return true;
  return false;
}

std::optional<CoroutineShape> CoroutineShape::read(Function &F) {
  CoroutineShape Shape;
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<IntrinsicInst>(&I);
    if (!Call)
      continue;
    switch (Call->getIntrinsicID()) {
    case Intrinsic::coro_id:
      Shape.Id = Call;
      break;
    case Intrinsic::coro_alloc:
      Shape.Alloc = Call;
      break;
    case Intrinsic::coro_begin:
      Shape.Begin = Call;
      break;
    case Intrinsic::coro_free:
      Shape.Frees.push_back(Call);
      break;
    case Intrinsic::coro_suspend:
      Shape.Suspends.emplace_back();
      if (!readSuspend(*Call, Shape.Suspends.back()))
        return std::nullopt;
      break;
    case Intrinsic::coro_end:
      if (!readUnwind(*Call, Shape.Unwinds))
        return std::nullopt;
      break;
    default:
      break;
    }
  }
  if (!Shape.Id || !Shape.Begin)
    return std::nullopt;
  Shape.FrameAllocation = frameAllocation(*Shape.Begin);
  return Shape;
}

uint64_t awaiterBytes(const SuspendPoint &Point) {
  if (!Point.Await)
    return 0;
  const Argument *Awaiter = Point.Wrapper->getArg(0);
  const AllocaInst *Slot = nullptr;
  for (const User *Each : Awaiter->users())
    if (const auto *Store = dyn_cast<StoreInst>(Each))
      Slot = dyn_cast<AllocaInst>(Store->getPointerOperand());
  for (const Instruction &I : instructions(*Point.Wrapper)) {
    const auto *Call = dyn_cast<CallBase>(&I);
    if (!Call || Call->arg_empty())
      continue;
    const Value *This = Call->getArgOperand(0);
    const auto *Load = dyn_cast<LoadInst>(This);
    if (This == Awaiter || (Slot && Load && Load->getPointerOperand() == Slot))
      if (uint64_t Bytes = Call->getParamDereferenceableBytes(0))
        return Bytes;
  }
  const auto *Object =
      dyn_cast<AllocaInst>(Point.Await->getArgOperand(0)->stripPointerCasts());
  return Object ? Object->getModule()->getDataLayout().getTypeAllocSize(
                      Object->getAllocatedType())
                : 0;
}

} // namespace memscope
