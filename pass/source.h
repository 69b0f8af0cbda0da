// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a call stands in the source, as the debug info tells.

#ifndef MEMSCOPE_PASS_SOURCE_H
#define MEMSCOPE_PASS_SOURCE_H

#include "names.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/Instruction.h"
#include <string>

namespace memscope {

struct SourcePlace {
  std::string Function; // demangled
  std::string File;     // empty = no debug info
  unsigned Line = 0;
  unsigned Column = 0;
};

struct SourceOrigin {
  SourcePlace Call;
  llvm::SmallVector<SourcePlace, 4> InlinedInto; // innermost caller first
};

// The origin of a call: its own location and the calls it was inlined through.
SourceOrigin originOf(const llvm::Instruction &Call, const NameTable &Names);

// The same for a place itself, in the code of `Holder`.
SourceOrigin originOf(const llvm::DILocation &Place,
                      const llvm::Function &Holder, const NameTable &Names);

// The file of a function, absolute where the debug info tells.
std::string absolutePath(const llvm::DISubprogram &Subprogram);
std::string absolutePath(const llvm::DIFile &File);

// A location for code inserted at `Call`: its own, else that of the nearest
// instruction before it, else the function's line; null without debug info.
llvm::DebugLoc locationFor(const llvm::Instruction &Call);

} // namespace memscope

#endif
