// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plugin's options, given as `-fplugin=memscope.so -mllvm -memscope-...`
// (`-fplugin` makes them known to the command line early enough).

#ifndef MEMSCOPE_PASS_OPTIONS_H
#define MEMSCOPE_PASS_OPTIONS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/IR/LLVMContext.h"
#include <memscope/abi.h>
#include <string>
#include <vector>

namespace memscope {

// One -memscope-alloc=NAME:SIZEARG:KIND.
struct ListedAllocator {
  std::string Spelling;  // as given, for messages
  std::string Name;      // symbol, or qualified C++ name without parameters
  unsigned SizeArgument; // counted from 1; 0 = none
  enum memscope_kind Kind;
};

// Of which functions the pass keeps frame pointers.
enum class FramePointers { None, WhereAllocationsAreReached, All };

struct Options {
  bool Linked = false; // the runtime is linked in: strong hooks where possible
  FramePointers Frames = FramePointers::WhereAllocationsAreReached;
  std::vector<ListedAllocator> Listed;
  // Symbols, or qualified C++ names, of functions that only pass allocations
  // on.
  std::vector<std::string> Wrappers;

  // Reads the command line. False: a value is not allowed; an error that names
  // it has been given to `Context`, unless that is null.
  static bool read(llvm::LLVMContext *Context, Options &Out);
};

} // namespace memscope

#endif
