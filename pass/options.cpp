// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "options.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;

namespace memscope {

namespace {

// Strings throughout: LLVM's own parsers do not say which values they allow.
cl::opt<std::string>
    RuntimeOption("memscope-runtime", cl::init("auto"),
                  cl::desc("auto: test for the runtime before each hook; "
                           "linked: the runtime is linked into the program"));
cl::opt<std::string>
    FramePointersOption("memscope-frame-pointers", cl::init("1"),
                        cl::desc("1: keep frame pointers where an allocation "
                                 "may be reached; all: in every function; "
                                 "0: leave that to the compiler"));
cl::list<std::string>
    AllocOption("memscope-alloc", cl::value_desc("NAME:SIZEARG:KIND"),
                cl::desc("An allocation function of the program's own"));

cl::list<std::string>
    WrapperOption("memscope-wrapper", cl::value_desc("NAME"),
                  cl::desc("A function that allocates what its callers ask "
                           "for: reports show the caller"));

struct KindName {
  StringRef Name;
  enum memscope_kind Kind;
};

const KindName KindNames[] = {
#define MEMSCOPE_KIND(number, name, text) {#name, MEMSCOPE_KIND_##name},
#include <memscope/kinds.def>
};

// What a listed allocator may be: any kind of a call that allocates.
bool isAllocationKind(enum memscope_kind Kind) {
  return Kind >= MEMSCOPE_KIND_MALLOC && Kind <= MEMSCOPE_KIND_USER;
}

std::string allowedKinds() {
  std::string List;
  for (const KindName &Row : KindNames)
    if (isAllocationKind(Row.Kind))
      List += (List.empty() ? "" : ", ") + Row.Name.lower();
  return List;
}

bool refuse(LLVMContext *Context, StringRef Option, StringRef Value,
            const Twine &Allowed) {
  if (Context)
    Context->emitError("memscope: -" + Option + "=" + Value + ": " + Allowed);
  return false;
}

bool readListed(LLVMContext *Context, StringRef Spelling,
                ListedAllocator &Out) {
  // From the right: a C++ name has colons of its own.
  auto [Front, KindText] = Spelling.rsplit(':');
  auto [Name, SizeText] = Front.rsplit(':');
  if (Name.empty() || SizeText.empty() || KindText.empty())
    return refuse(Context, AllocOption.ArgStr, Spelling,
                  "expected NAME:SIZEARG:KIND, as in pool_alloc:1:user");
  if (SizeText.getAsInteger(10, Out.SizeArgument))
    return refuse(Context, AllocOption.ArgStr, Spelling,
                  "SIZEARG '" + SizeText +
                      "' is not a number; it is the position of the size "
                      "argument counted from 1, 0 = none");
  for (const KindName &Row : KindNames) {
    if (!isAllocationKind(Row.Kind) || Row.Name.lower() != KindText)
      continue;
    Out.Spelling = Spelling.str();
    Out.Name = Name.str();
    Out.Kind = Row.Kind;
    return true;
  }
  return refuse(Context, AllocOption.ArgStr, Spelling,
                "KIND '" + KindText + "' is not one of " + allowedKinds());
}

} // namespace

bool Options::read(LLVMContext *Context, Options &Out) {
  if (RuntimeOption != "auto" && RuntimeOption != "linked")
    return refuse(Context, RuntimeOption.ArgStr, RuntimeOption,
                  "expected auto or linked");
  if (FramePointersOption != "0" && FramePointersOption != "1" &&
      FramePointersOption != "all")
    return refuse(Context, FramePointersOption.ArgStr, FramePointersOption,
                  "expected 0, 1 or all");
  Out.Linked = RuntimeOption == "linked";
  Out.Frames = FramePointersOption == "0" ? FramePointers::None
               : FramePointersOption == "all"
                   ? FramePointers::All
                   : FramePointers::WhereAllocationsAreReached;
  for (const std::string &Spelling : AllocOption) {
    ListedAllocator Listed;
    if (!readListed(Context, Spelling, Listed))
      return false;
    Out.Listed.push_back(Listed);
  }
  for (const std::string &Name : WrapperOption) {
    if (Name.empty())
      return refuse(Context, WrapperOption.ArgStr, Name,
                    "expected the name of a function");
    Out.Wrappers.push_back(Name);
  }
  return true;
}

} // namespace memscope
