// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Types of the debug info, as their author writes them.

#ifndef MEMSCOPE_PASS_TYPE_NAMES_H
#define MEMSCOPE_PASS_TYPE_NAMES_H

#include "llvm/IR/DebugInfoMetadata.h"
#include <string>

namespace memscope {

// Without typedefs and qualifiers; null is void.
const llvm::DIType *plainType(const llvm::DIType *Type);

// What a pointer or reference points to; null: it is none, or points to void.
const llvm::DIType *pointeeOf(const llvm::DIType *Type);

// Of one object; 0 = not known here.
uint64_t bytesOf(const llvm::DIType *Type);

bool isAggregate(const llvm::DIType *Type);
// A structure whose last member is an array may be allocated with any length.
bool hasOpenEnd(const llvm::DIType *Type);
// Where that array begins; 0 = it has none of its own.
uint64_t openEndOffset(const llvm::DIType *Type);

class TypeNamer {
public:
  // `Unit` tells the language; null = C++.
  explicit TypeNamer(const llvm::DICompileUnit *Unit);

  // "struct node", "ns::Order", "std::vector<int>", "char *"; "" of void.
  // Typedefs of named structures are seen through, default arguments of
  // templates left out.
  std::string name(const llvm::DIType *Type) const;
  // The same without "struct"; "" where the type has no name.
  std::string owner(const llvm::DIType *Type) const;
  // "node.next" in C, "Node::next" in C++.
  std::string member(llvm::StringRef Owner, llvm::StringRef Name) const;

private:
  std::string composite(const llvm::DICompositeType &Type) const;
  std::string templateName(const llvm::DICompositeType &Type) const;
  std::string array(const llvm::DICompositeType &Type) const;
  std::string function(const llvm::DISubroutineType &Type,
                       llvm::StringRef Declarator) const;
  std::string derived(const llvm::DIDerivedType &Type) const;

  bool IsC = false;
};

} // namespace memscope

#endif
