// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checksums of the files that hold sites, or calls that lead to some. The line
// table has them too, but only of units whose every file has one: a header of
// libstdc++ has none, as it says
// `#pragma GCC system_header`. And it may be stripped.
//
//   @memscope.sources = private constant [N x i8]
//       c"<unit>\00<file>\00<MD5, 32 hex digits>\00…", section
//       "memscope_sources"

#ifndef MEMSCOPE_PASS_SOURCE_SUMS_H
#define MEMSCOPE_PASS_SOURCE_SUMS_H

#include "llvm/ADT/SetVector.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Module.h"

namespace memscope {

class SourceSums {
public:
  // The file that the call stands in.
  void add(const llvm::CallBase &Call);
  // The file of a function that calls wrappers.
  void add(const llvm::DISubprogram &Holder);
  // Nothing where no file has a checksum.
  void emit(llvm::Module &M) const;

private:
  using UnitAndFile = std::pair<const llvm::DIFile *, const llvm::DIFile *>;
  llvm::SetVector<UnitAndFile> Files;
};

} // namespace memscope

#endif
