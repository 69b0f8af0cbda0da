// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Before CoroSplit a coroutine is one function. It becomes
//
//   call void @__memscope_coro_alloc(ptr @memscope.coroutine.f, i64 %size,
//                                    ptr null, ptr null)
//   %memory = call ptr @_Znwm(i64 %bytes)
//   ...
//   %frame = call ptr @llvm.coro.begin(token %id, ptr %memory.phi)
//   %task = call i32 @__memscope_coro_begin(ptr @memscope.coroutine.f,
//       ptr %frame, i64 %size, ptr null, ptr null, i32 %elided)
//   ...
//   %save = call token @llvm.coro.save(ptr null)
//   call void @__memscope_coro_suspend(i32 %task, ptr %awaiter, i64 8,
//                                      i32 <line << 3>)
//   <await_suspend>        throws, or returns false: coro_unsuspend(%task)
//   call void @__memscope_coro_pop()
//   %way = call i8 @llvm.coro.suspend(token %save, i1 false)
//   <case 0>               coro_resume(%task)
//   <case 1>               coro_destroy(%task)
//   ...
//   call void @__memscope_coro_end(i32 %task)
//   %free = call ptr @llvm.coro.free(token %id, ptr %frame)
//   ...
//   %kept = call i32 asm sideeffect "", "=r,0"(i32 %task)
//   call void @llvm.coro.end(ptr null, i1 true, token none)
//   <an exception leaves the resumed body>   coro_unwind(%kept)
//
// CoroSplit keeps %task in the frame, as any value that lives across a suspend
// point. From coro_suspend on the frame may be another thread's, or gone:
// coro_pop has no argument. Where await_suspend returns a handle, the call of
// the next coroutine must stay next to the suspend point (it becomes musttail):
// coro_pop then ends the wrapper function that calls await_suspend.

#include "coroutines.h"
#include "blocks.h"
#include "compat.h"
#include "source.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace memscope {

namespace {

class Marker {
public:
  Marker(const CoroutineShape &Shape, Constant *Descriptor, HookTable &Hooks)
      : Shape(Shape), Descriptor(Descriptor), Hooks(Hooks),
        Null(ConstantPointerNull::get(
            compat::pointerType(Shape.Id->getContext()))) {}

  void run() {
    markAllocation();
    markBegin();
    for (const SuspendPoint &Point : Shape.Suspends)
      markSuspend(Point);
    for (IntrinsicInst *Free : Shape.Frees)
      call(Free, Hook::coro_end_hook, {Task});
    for (const UnwindEdge &Each : Shape.Unwinds)
      markUnwind(Each);
  }

private:
  CallInst *call(Instruction *Before, Hook Which, ArrayRef<Value *> Arguments) {
    IRBuilder<> Builder(Before);
    Builder.SetCurrentDebugLocation(locationFor(*Before));
    CallInst *Call = Builder.CreateCall(Hooks.get(Which), Arguments);
    Call->setDoesNotThrow();
    setInlineCost(*Call, "0");
    return Call;
  }

  // The ramp is inlined, and so its frame elided, as without the hooks.
  static void setInlineCost(CallInst &Call, StringRef Cost) {
    Call.addFnAttr(Attribute::get(Call.getContext(), "call-inline-cost", Cost));
  }

  Value *frameBytes(Instruction *Before) {
    IRBuilder<> Builder(Before);
    Builder.SetCurrentDebugLocation(locationFor(*Before));
    Type *Size = Before->getModule()->getDataLayout().getIntPtrType(
        Before->getContext());
    return Builder.CreateIntrinsic(Intrinsic::coro_size, {Size},
                                   ArrayRef<Value *>());
  }

  // Two coroutines started on two branches keep their places.
  static void keepApart(CallInst &Call) { Call.addFnAttr(Attribute::NoMerge); }

  void markAllocation() {
    Instruction *Before = Shape.FrameAllocation;
    if (!Before)
      return;
    keepApart(*call(Before, Hook::coro_alloc_hook,
                    {Descriptor, frameBytes(Before), Null, Null}));
  }

  void markBegin() {
    Instruction *Before = Shape.Begin->getNextNode();
    IRBuilder<> Builder(Before);
    Builder.SetCurrentDebugLocation(locationFor(*Before));
    Value *Elided = Builder.getInt32(0);
    if (Shape.Alloc)
      Elided = Builder.CreateZExt(Builder.CreateNot(Shape.Alloc),
                                  Builder.getInt32Ty(), "memscope.elided");
    CallInst *Begin =
        call(Before, Hook::coro_begin_hook,
             {Descriptor, Shape.Begin, frameBytes(Before), Null, Null, Elided});
    Begin->setName("memscope.task");
    // Less what stands around it: `not`, `zext`, the store in the frame.
    setInlineCost(*Begin, "-15");
    keepApart(*Begin);
    Task = Begin;
  }

  // Of the co_await or co_yield, if it stands in the file of its coroutine.
  static uint32_t suspendedLine(const SuspendPoint &Point) {
    const DILocation *Place = Point.Suspend->getDebugLoc();
    const DISubprogram *Holder = Point.Suspend->getFunction()->getSubprogram();
    bool IsWritten = Point.Kind == MEMSCOPE_SUSPEND_AWAIT ||
                     Point.Kind == MEMSCOPE_SUSPEND_YIELD;
    if (!IsWritten || !Place || !Holder || Place->getInlinedAt() ||
        Place->getFile() != Holder->getFile() ||
        Place->getLine() > MEMSCOPE_SUSPEND_LINE_MOST)
      return 0;
    return Place->getLine();
  }

  void markSuspend(const SuspendPoint &Point) {
    IRBuilder<> Builder(Point.Suspend);
    Type *Size = Point.Suspend->getModule()->getDataLayout().getIntPtrType(
        Builder.getContext());
    call(Point.Save->getNextNode(), Hook::coro_suspend_hook,
         {Task, Point.Await ? Point.Await->getArgOperand(0) : Null,
          ConstantInt::get(Size, awaiterBytes(Point)),
          Builder.getInt32(Point.Kind | suspendedLine(Point)
                                            << MEMSCOPE_SUSPEND_LINE_SHIFT)});
    markPop(Point);
    markWaysBack(Point);
    markWay(*Point.Ways, 0, Hook::coro_resume_hook);
    markWay(*Point.Ways, 1, Hook::coro_destroy_hook);
  }

  void markPop(const SuspendPoint &Point) {
    if (Point.Result != AwaitResult::Handle) {
      call(Point.Suspend, Hook::coro_pop_hook, {});
      return;
    }
    for (BasicBlock &Block : *Point.Wrapper)
      if (auto *Return = dyn_cast<ReturnInst>(Block.getTerminator()))
        call(Return, Hook::coro_pop_hook, {});
  }

  // await_suspend returned false, or threw.
  void markWaysBack(const SuspendPoint &Point) {
    if (Point.Decides)
      call(insertOnEdge(Point.Decides, 1), Hook::coro_unsuspend_hook, {Task});
    auto *Invoke = dyn_cast_or_null<InvokeInst>(Point.Await);
    if (!Invoke)
      return;
    BasicBlock *Unwind = Invoke->getUnwindDest();
    if (!Unwind->getUniquePredecessor())
      compat::splitLandingPad(Unwind, {Invoke->getParent()});
    call(&*Invoke->getUnwindDest()->getFirstInsertionPt(),
         Hook::coro_unsuspend_hook, {Task});
  }

  void markWay(SwitchInst &Ways, uint64_t Value, Hook Which) {
    Type *Ty = Ways.getCondition()->getType();
    auto Case =
        Ways.findCaseValue(cast<ConstantInt>(ConstantInt::get(Ty, Value)));
    if (Case != Ways.case_default())
      call(insertOnEdge(&Ways, Case->getSuccessorIndex()), Which, {Task});
  }

  // CoroSplit does not expect a value of the frame to be used after coro.end:
  // the task is copied before it, in a way that no optimization looks through.
  void markUnwind(const UnwindEdge &Place) {
    IRBuilder<> Builder(Place.End);
    Builder.SetCurrentDebugLocation(locationFor(*Place.End));
    auto *Type = FunctionType::get(Task->getType(), {Task->getType()}, false);
    InlineAsm *Copy = InlineAsm::get(Type, "", "=r,0", /*hasSideEffects=*/true);
    CallInst *Kept = Builder.CreateCall(Copy, {Task});
    Kept->setDoesNotThrow();
    call(insertOnEdge(Place.Branch, Place.Successor), Hook::coro_unwind_hook,
         {Kept});
  }

  const CoroutineShape &Shape;
  Constant *Descriptor;
  HookTable &Hooks;
  Constant *Null;
  Value *Task = nullptr;
};

} // namespace

void markCoroutine(Function &F, SiteTable &Strings, HookTable &Hooks) {
  std::optional<CoroutineShape> Shape = CoroutineShape::read(F);
  if (!Shape) {
    errs() << "memscope: " << F.getParent()->getSourceFileName()
           << ": coroutine " << NameTable::displayName(F)
           << " is not as clang makes them; it is not followed as a task\n";
    return;
  }
  Marker(*Shape, describeCoroutine(F, *Shape, Strings), Hooks).run();
}

} // namespace memscope
