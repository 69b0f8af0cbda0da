// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler loads with -fpass-plugin. Registration only.

#include "compat.h"
#include "instrument.h"
#include "prepare.h"

using namespace llvm;

namespace {

void registerPasses(PassBuilder &Builder) {
  Builder.registerPipelineStartEPCallback(
      [](ModulePassManager &Manager, auto...) {
        Manager.addPass(memscope::PreparePass());
      });
  memscope::compat::registerAtOptimizerLast<memscope::InstrumentPass>(Builder);
  // For opt: -passes=memscope-prepare,memscope-instrument.
  Builder.registerPipelineParsingCallback(
      [](StringRef Name, ModulePassManager &Manager,
         ArrayRef<PassBuilder::PipelineElement>) {
        if (Name == "memscope-prepare")
          Manager.addPass(memscope::PreparePass());
        else if (Name == "memscope-instrument")
          Manager.addPass(memscope::InstrumentPass());
        else
          return false;
        return true;
      });
}

} // namespace

extern "C" __attribute__((visibility("default"))) PassPluginLibraryInfo
llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "MemScope", "1", registerPasses};
}
