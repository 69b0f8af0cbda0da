// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Site descriptors: struct memscope_site of abi.h, one private global per call.
//
//   @memscope.site = private global %memscope.site { i32 1, i16 <kind>,
//       i16 <inlined frames>, i32 <line>, i32 <column>, ptr <function>,
//       ptr <file>, ptr <type>, ptr <variable>, ptr <frames>,
//       i32 <type bytes>, i32 <wrapper frames> }
//
// Sites never join the comdat of the function that uses them: the linker then
// drops at most the function, and no reference into a dropped group is left.

#ifndef MEMSCOPE_PASS_SITES_H
#define MEMSCOPE_PASS_SITES_H

#include "source.h"
#include "types.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/Module.h"
#include <memscope/abi.h>

namespace memscope {

class SiteTable {
public:
  explicit SiteTable(llvm::Module &M);

  // The address of a new site, of the hooks' pointer type.
  llvm::Constant *create(enum memscope_kind Kind, const SourceOrigin &Origin,
                         const TypeFacts &Facts = {},
                         unsigned WrapperFrames = 0);
  // A private string, one per content; null for "".
  llvm::Constant *string(llvm::StringRef Text);

  bool hasSiteWithoutLine() const { return SiteWithoutLine; }

private:
  llvm::Constant *frames(llvm::ArrayRef<SourcePlace> Places);

  llvm::Module &Mod;
  llvm::PointerType *PointerTy;
  llvm::StructType *SiteTy;
  llvm::StructType *FrameTy;
  llvm::StringMap<llvm::Constant *> Strings;
  bool SiteWithoutLine = false;
};

} // namespace memscope

#endif
