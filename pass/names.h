// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What phase 1 (start of the pipeline) hands to phase 2 (its end) in the named
// metadata `memscope.prepared`, which phase 2 removes:
//
//   !memscope.prepared = !{!0, !1, ...}
//   !0 = !{i32 2}                          number of coroutine functions
//   !1 = !{!DISubprogram, !"_ZN1A1fEv"}    a function and its symbol
//
// Line tables alone (-gline-tables-only) have no symbol names: once such a
// function is inlined and gone, its qualified name would be lost.

#ifndef MEMSCOPE_PASS_NAMES_H
#define MEMSCOPE_PASS_NAMES_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Module.h"
#include <string>

namespace memscope {

class NameTable {
public:
  static bool isRecorded(const llvm::Module &M);
  static void record(llvm::Module &M, unsigned CoroutineFunctions);

  // Reads the record, and removes it from the module.
  explicit NameTable(llvm::Module &M);

  unsigned coroutineFunctions() const { return CoroutineFunctions; }
  // The demangled name; `Holder` is the function that holds the code now.
  std::string displayName(const llvm::DISubprogram &Subprogram,
                          const llvm::Function &Holder) const;
  // The same without one: "" where the debug info has no name.
  std::string displayName(const llvm::DISubprogram &Subprogram) const;
  static std::string displayName(const llvm::Function &Function);

private:
  llvm::DenseMap<const llvm::DISubprogram *, std::string> Symbols;
  unsigned CoroutineFunctions = 0;
};

} // namespace memscope

#endif
