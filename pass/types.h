// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an allocation is for. Phase 1 reads it from the debug info and writes it
// on the call, as attributes; phase 2 takes it from there into the site.
//
//   %p = call ptr @malloc(i64 24) "memscope-type"="struct node"
//            "memscope-type-bytes"="24" "memscope-variable"="head"
//
// Attributes and no metadata: a call that the inliner makes an invoke keeps
// them, and two calls that differ in them are never made one. A call that the
// optimizer makes anew (calloc of malloc and memset) has none; its place in the
// source tells (type_record.h).

#ifndef MEMSCOPE_PASS_TYPES_H
#define MEMSCOPE_PASS_TYPES_H

#include "allocators.h"
#include <string>

namespace memscope {

struct TypeFacts {
  std::string Type;     // of one object; "" = unknown
  std::string Variable; // that holds the address; "" = unknown
  uint64_t Bytes = 0;   // of one object; 0 = unknown
};

class WrapperFinder;

// Whether the address is not returned but stored to the first argument.
bool storesResult(enum memscope_kind Kind);

// Phase 1: finds the facts of a call that allocates, itself or by a wrapper;
// writes them on the former, and records both (type_record.h).
void noteType(llvm::CallBase &Call, const Callee &What,
              const WrapperFinder &Wrappers);

// Phase 2: reads them, and removes them from the call.
TypeFacts takeType(llvm::CallBase &Call);

} // namespace memscope

#endif
