// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What phase 1 knows of wrappers and of places in the source, for phase 2, in
// the named metadata `memscope.types`, which phase 2 removes:
//
//   !0 = !{!DISubprogram}                    its function is a wrapper
//   !1 = !{!DISubprogram, i32 12, i32 5, i1 1}
//        a call of a wrapper some of whose calls alone do pass on: this one
//   !2 = !{!DISubprogram, i32 12, i32 5, !"struct node", i64 16, !"head", i1 1}
//        the function, line and column of a call, what it allocates, and
//        whether it calls what may be a wrapper
//
// Once a wrapper is inlined, or a call made anew by the optimizer, attributes
// of the call do not tell any more; its place does.
//
// For wrappers that are not inlined the reader has to know the same. Phase 2
// writes it into a section of the object that is not loaded, `.memscope`, of
// texts ended by a zero byte each; the linker merges equal ones. Fields are
// separated by tabs:
//
//   W function file                            the function is a wrapper
//   W function file line column                for its call there alone
//   C function file line column type bytes variable     a call of one

#ifndef MEMSCOPE_PASS_TYPE_RECORD_H
#define MEMSCOPE_PASS_TYPE_RECORD_H

#include "names.h"
#include "source_sums.h"
#include "types.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/Module.h"
#include <tuple>

namespace memscope {

// Phase 1.
// Of one that is not pure each call is recorded.
void recordWrapper(llvm::Function &F, bool IsPure);
void recordCall(llvm::CallBase &Call, bool PassesOn);
void recordFacts(const llvm::CallBase &Call, const TypeFacts &Facts,
                 bool IsWrapperCall);

// Phase 2.
class TypeRecord {
public:
  // Reads the record, and removes it from the module.
  explicit TypeRecord(llvm::Module &M);

  // What stands outside of wrappers of the call and what it was inlined into:
  // the number of frames that are a wrapper's.
  unsigned wrapperFrames(const llvm::Instruction &Call) const;
  // `Own` with what the places know that the call stands in.
  TypeFacts complete(const llvm::Instruction &Call, TypeFacts Own,
                     unsigned WrapperFrames) const;
  // The files of calls that may be wrappers'.
  void addFiles(SourceSums &Sums) const;
  // Tells the reader.
  void emit(llvm::Module &M, const NameTable &Names) const;

private:
  struct Row {
    TypeFacts Facts;
    bool IsWrapperCall = false;
    bool IsAmbiguous = false; // two calls there differ: nothing is known
  };
  using Place = std::tuple<const llvm::DISubprogram *, unsigned, unsigned>;

  bool isWrapper(const llvm::DILocation &At) const;
  bool passesOn(const Place &At) const {
    return Passing.count(At) != 0 && Kept.count(At) == 0;
  }
  const TypeFacts *find(const llvm::DILocation &Place) const;

  llvm::SmallPtrSet<const llvm::DISubprogram *, 8> Wrappers;
  // Of wrappers that are not pure. A macro may have both at one place.
  llvm::DenseSet<Place> Passing, Kept;
  llvm::DenseMap<Place, Row> Rows;
  llvm::SmallVector<Place, 16> Order;
  llvm::SmallVector<const llvm::DISubprogram *, 8> WrapperOrder;
  llvm::SmallVector<Place, 8> PassingOrder;
};

} // namespace memscope

#endif
