// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The module descriptor (struct memscope_module), and the constructor and
// destructor that tell the runtime of it.

#ifndef MEMSCOPE_PASS_MODULE_H
#define MEMSCOPE_PASS_MODULE_H

#include "hooks.h"
#include "sites.h"

namespace memscope {

struct ModuleFacts {
  uint32_t Flags = 0; // MEMSCOPE_MODULE_*
  uint32_t AllocSites = 0;
  uint32_t ThreadSites = 0;
  uint32_t CoroutineSites = 0;
  uint32_t FiberSites = 0;
};

void emitModuleDescriptor(llvm::Module &M, const ModuleFacts &Facts,
                          SiteTable &Sites, HookTable &Hooks);

} // namespace memscope

#endif
