// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "names.h"
#include "compat.h"
#include "llvm/Demangle/Demangle.h"
#include "llvm/IR/Constants.h"

using namespace llvm;

namespace memscope {

namespace {

const char RecordName[] = "memscope.prepared";

// A coroutine's parts have its name: nobody wrote "f(int) (.resume)". Without
// debug info that of the function says so, and since LLVM 22 the linkage name.
std::string plainName(StringRef Symbol) {
  for (StringRef Part : {".resume", ".destroy", ".cleanup"})
    if (Symbol.size() > Part.size() && Symbol.take_back(Part.size()) == Part)
      return demangle(Symbol.drop_back(Part.size()).str());
  return demangle(Symbol.str());
}

} // namespace

bool NameTable::isRecorded(const Module &M) {
  return M.getNamedMetadata(RecordName) != nullptr;
}

void NameTable::record(Module &M, unsigned CoroutineFunctions) {
  LLVMContext &Context = M.getContext();
  NamedMDNode *Record = M.getOrInsertNamedMetadata(RecordName);
  Record->addOperand(MDNode::get(
      Context, ConstantAsMetadata::get(ConstantInt::get(
                   Type::getInt32Ty(Context), CoroutineFunctions))));
  for (Function &F : M) {
    DISubprogram *Subprogram = F.getSubprogram();
    if (Subprogram && Subprogram->getLinkageName().empty() &&
        compat::startsWith(F.getName(), "_Z"))
      Record->addOperand(MDNode::get(
          Context, {Subprogram, MDString::get(Context, F.getName())}));
  }
}

NameTable::NameTable(Module &M) {
  NamedMDNode *Record = M.getNamedMetadata(RecordName);
  if (!Record)
    return;
  for (const MDNode *Row : Record->operands()) {
    if (Row->getNumOperands() == 1) {
      auto *Count = mdconst::extract<ConstantInt>(Row->getOperand(0));
      CoroutineFunctions += static_cast<unsigned>(Count->getZExtValue());
    } else if (auto *Subprogram =
                   dyn_cast_or_null<DISubprogram>(Row->getOperand(0).get())) {
      Symbols[Subprogram] =
          cast<MDString>(Row->getOperand(1))->getString().str();
    }
  }
  Record->eraseFromParent();
}

std::string NameTable::displayName(const DISubprogram &Subprogram,
                                   const Function &Holder) const {
  std::string Name = displayName(Subprogram);
  return Name.empty() ? displayName(Holder) : Name;
}

std::string NameTable::displayName(const DISubprogram &Subprogram) const {
  if (!Subprogram.getLinkageName().empty())
    return plainName(Subprogram.getLinkageName());
  auto Known = Symbols.find(&Subprogram);
  if (Known != Symbols.end())
    return plainName(Known->second);
  return Subprogram.getName().str();
}

std::string NameTable::displayName(const Function &Function) {
  return plainName(GlobalValue::dropLLVMManglingEscape(Function.getName()));
}

} // namespace memscope
