// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "source_sums.h"
#include "source.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace memscope {

void SourceSums::add(const CallBase &Call) {
  const DILocation *Location = Call.getDebugLoc();
  const DISubprogram *Holder =
      Location ? Location->getScope()->getSubprogram() : nullptr;
  if (Holder && Holder->getUnit() && Location->getFile())
    Files.insert({Holder->getUnit()->getFile(), Location->getFile()});
}

void SourceSums::add(const DISubprogram &Holder) {
  if (Holder.getUnit() && Holder.getFile())
    Files.insert({Holder.getUnit()->getFile(), Holder.getFile()});
}

void SourceSums::emit(Module &M) const {
  std::string Text;
  for (const UnitAndFile &Each : Files) {
    const auto Sum = Each.second->getChecksum();
    if (!Sum || Sum->Kind != DIFile::CSK_MD5)
      continue;
    for (const std::string &Part :
         {absolutePath(*Each.first), absolutePath(*Each.second),
          Sum->Value.str()}) {
      Text += Part;
      Text += '\0';
    }
  }
  if (Text.empty())
    return;
  Constant *Bytes = ConstantDataArray::getString(M.getContext(), Text,
                                                 /*AddNull=*/false);
  auto *Global = new GlobalVariable(M, Bytes->getType(), /*isConstant=*/true,
                                    GlobalValue::PrivateLinkage, Bytes,
                                    "memscope.sources");
  Global->setSection("memscope_sources");
  Global->setAlignment(Align(1)); // entries of several objects stand together
  appendToUsed(M, {Global});
}

} // namespace memscope
