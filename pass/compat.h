// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What differs between LLVM 14, 19 and 22. The only file of the pass that looks
// at LLVM_VERSION_MAJOR.

#ifndef MEMSCOPE_PASS_COMPAT_H
#define MEMSCOPE_PASS_COMPAT_H

#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/IR/Attributes.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/DerivedTypes.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

#if LLVM_VERSION_MAJOR >= 17
#include "llvm/TargetParser/Triple.h"
#else
#include "llvm/ADT/Triple.h"
#endif
#if LLVM_VERSION_MAJOR >= 22
#include "llvm/Plugins/PassPlugin.h"
#else
#include "llvm/Passes/PassPlugin.h"
#endif

namespace memscope::compat {

// StringRef::starts_with, which 14 spells otherwise.
inline bool startsWith(llvm::StringRef Text, llvm::StringRef Beginning) {
  return Text.take_front(Beginning.size()) == Beginning;
}

// The module's triple is a string before 22.
inline bool isAArch64(const llvm::Module &M) {
  return llvm::Triple(M.getTargetTriple()).isAArch64();
}

// The pointer type of every hook parameter: `i8*` where pointers have types.
inline llvm::PointerType *pointerType(llvm::LLVMContext &Context) {
#if LLVM_VERSION_MAJOR >= 15
  return llvm::PointerType::get(Context, 0);
#else
  return llvm::Type::getInt8PtrTy(Context);
#endif
}

// Unwind tables that hold at every instruction, unless the function has some.
inline void keepUnwindTables(llvm::Function &F) {
#if LLVM_VERSION_MAJOR >= 15
  if (F.getUWTableKind() == llvm::UWTableKind::None)
    F.setUWTableKind(llvm::UWTableKind::Async);
#else
  if (!F.hasUWTable())
    F.setHasUWTable();
#endif
}

// Adds a pass at the end of the optimizer, at every level.
template <typename PassT>
void registerAtOptimizerLast(llvm::PassBuilder &Builder) {
  Builder.registerOptimizerLastEPCallback(
      [](llvm::ModulePassManager &Manager, auto...) {
        Manager.addPass(PassT());
      });
}

// Whether the callee is marked `allockind("alloc"...)` or `("realloc"...)`.
inline bool hasAllocatingAllocKind(const llvm::CallBase &Call) {
#if LLVM_VERSION_MAJOR >= 15
  llvm::Attribute Kind = Call.getFnAttr(llvm::Attribute::AllocKind);
  if (!Kind.isValid())
    return false;
  return (Kind.getAllocKind() &
          (llvm::AllocFnKind::Alloc | llvm::AllocFnKind::Realloc)) !=
         llvm::AllocFnKind::Unknown;
#else
  (void)Call;
  return false;
#endif
}

// Whether awaits look as coroutine_shape.cpp reads them.
constexpr bool TaskBoundaries = LLVM_VERSION_MAJOR >= 19;

// Whether CoroSplit is still to come (ThinLTO of 22).
inline bool isUnsplitCoroutine(const llvm::Function &F) {
#if LLVM_VERSION_MAJOR >= 15
  return F.isPresplitCoroutine();
#else
  (void)F;
  return false;
#endif
}

// The source variable that the slot holds, or null.
inline const llvm::DILocalVariable *declaredVariable(llvm::AllocaInst &Slot) {
#if LLVM_VERSION_MAJOR >= 19
  for (const llvm::DbgVariableRecord *Each : llvm::findDVRDeclares(&Slot))
    return Each->getVariable();
  // Where clang optimizes, assignments stand for the declaration.
  for (const llvm::DbgVariableRecord *Each :
       llvm::at::getDVRAssignmentMarkers(&Slot))
    return Each->getVariable();
#else
  (void)Slot;
#endif
  return nullptr;
}

// The source variable whose memory is all of what `Slot` points to, or null.
inline const llvm::DILocalVariable *variableAt(llvm::Value &Slot) {
#if LLVM_VERSION_MAJOR >= 19
  for (const llvm::DbgVariableRecord *Each : llvm::findDVRDeclares(&Slot))
    if (Each->getExpression()->getNumElements() == 0)
      return Each->getVariable();
  if (auto *Local = llvm::dyn_cast<llvm::AllocaInst>(&Slot))
    for (const llvm::DbgVariableRecord *Each :
         llvm::at::getDVRAssignmentMarkers(Local))
      if (Each->getExpression()->getNumElements() == 0 &&
          Each->getAddressExpression()->getNumElements() == 0)
        return Each->getVariable();
#else
  for (const llvm::DbgDeclareInst *Each : llvm::FindDbgDeclareUses(&Slot))
    if (Each->getExpression()->getNumElements() == 0)
      return Each->getVariable();
#endif
  return nullptr;
}

// The variable of each thread's own whose address it is, or null.
inline llvm::Value *threadLocalAt(llvm::Value &Address) {
#if LLVM_VERSION_MAJOR >= 15
  if (auto *Call = llvm::dyn_cast<llvm::IntrinsicInst>(&Address))
    if (Call->getIntrinsicID() == llvm::Intrinsic::threadlocal_address)
      return Call->getArgOperand(0);
#else
  (void)Address;
#endif
  return nullptr;
}

inline bool isC(const llvm::DICompileUnit &Unit) {
#if LLVM_VERSION_MAJOR >= 22
  llvm::DISourceLanguageName Language = Unit.getSourceLanguage();
  if (Language.hasVersionedName())
    return Language.getName() == llvm::dwarf::DW_LNAME_C;
  return llvm::dwarf::isC(
      static_cast<llvm::dwarf::SourceLanguage>(Language.getName()));
#elif LLVM_VERSION_MAJOR >= 19
  return llvm::dwarf::isC(
      static_cast<llvm::dwarf::SourceLanguage>(Unit.getSourceLanguage()));
#else
  unsigned Language = Unit.getSourceLanguage();
  return Language == llvm::dwarf::DW_LANG_C89 ||
         Language == llvm::dwarf::DW_LANG_C ||
         Language == llvm::dwarf::DW_LANG_C99 ||
         Language == llvm::dwarf::DW_LANG_C11;
#endif
}

// Gives the unwind edges from `Preds` a landing pad of their own.
inline void splitLandingPad(llvm::BasicBlock *Pad,
                            llvm::ArrayRef<llvm::BasicBlock *> Preds) {
  llvm::SmallVector<llvm::BasicBlock *, 2> NewBlocks;
  llvm::DomTreeUpdater *NoUpdater = nullptr;
  llvm::SplitLandingPadPredecessors(Pad, Preds, ".memscope", ".rest", NewBlocks,
                                    NoUpdater);
}

} // namespace memscope::compat

#endif
