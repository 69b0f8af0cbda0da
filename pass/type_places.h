// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the source calls the memory that a pointer leads to, in IR that no pass
// has changed yet.

#ifndef MEMSCOPE_PASS_TYPE_PLACES_H
#define MEMSCOPE_PASS_TYPE_PLACES_H

#include "type_names.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Operator.h"

namespace memscope {

// `Offset` bytes into an object of that type.
struct Place {
  const llvm::DIType *Type = nullptr; // null = not known
  std::string Name; // "p", "*p", "p[]", "node.next"; "" = none
  uint64_t Offset = 0;
  bool Pointed = false; // reached through a pointer: others may stand beside it
};

class PlaceFinder {
public:
  PlaceFinder(const TypeNamer &Namer, const llvm::DataLayout &Layout)
      : Namer(Namer), Layout(Layout) {}

  // The scalar that is stored to `Pointer`; no type where none is known.
  Place scalarAt(llvm::Value &Pointer) const;
  // The name of what lies there, be it an object of any type; "" = none.
  std::string nameAt(llvm::Value &Pointer) const;
  // What the function returns; null = void or not known.
  static const llvm::DIType *returnType(const llvm::DISubprogram *Subprogram);
  // What the callee's parameter of that number points to; null = void or not
  // known.
  static const llvm::DIType *parameterPointee(const llvm::CallBase &Call,
                                              unsigned Argument);

private:
  Place at(llvm::Value &Pointer, unsigned Depth) const;
  Place pointedTo(llvm::Value &Pointer, unsigned Depth) const;
  Place moved(Place From, const llvm::GEPOperator &Step) const;
  bool index(Place &At, uint64_t ElementBytes) const;
  bool toScalar(Place &At) const;
  bool toNamed(Place &At) const;
  bool descend(Place &At) const;
  const llvm::DIDerivedType *memberAt(const llvm::DICompositeType &Type,
                                      uint64_t Offset) const;

  const TypeNamer &Namer;
  const llvm::DataLayout &Layout;
};

} // namespace memscope

#endif
