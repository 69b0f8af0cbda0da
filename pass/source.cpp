// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "source.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/Function.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace memscope {

namespace {

template <typename PlaceT> std::string pathOf(const PlaceT &Place) {
  SmallString<128> Path(Place.getFilename());
  if (Path.empty())
    return "";
  if (!sys::path::is_absolute(Path)) {
    SmallString<128> Joined(Place.getDirectory());
    sys::path::append(Joined, Path);
    Path = Joined;
  }
  // Only `./`: `a/../b` is not `b` where `a` is a symbolic link.
  sys::path::remove_dots(Path);
  return Path.str().str();
}

SourcePlace placeOf(const DILocation &Location, const Function &Holder,
                    const NameTable &Names) {
  SourcePlace Place;
  Place.Function =
      Names.displayName(*Location.getScope()->getSubprogram(), Holder);
  Place.File = pathOf(Location);
  Place.Line = Location.getLine();
  Place.Column = Location.getColumn();
  return Place;
}

} // namespace

SourceOrigin originOf(const Instruction &Call, const NameTable &Names) {
  SourceOrigin Origin;
  const Function &Holder = *Call.getFunction();
  const DILocation *Location = Call.getDebugLoc();
  if (!Location)
    Location = locationFor(Call);
  if (!Location) {
    Origin.Call.Function = Names.displayName(Holder);
    return Origin;
  }
  return originOf(*Location, Holder, Names);
}

SourceOrigin originOf(const DILocation &Place, const Function &Holder,
                      const NameTable &Names) {
  SourceOrigin Origin;
  Origin.Call = placeOf(Place, Holder, Names);
  const DILocation *Outer = &Place;
  while ((Outer = Outer->getInlinedAt()))
    Origin.InlinedInto.push_back(placeOf(*Outer, Holder, Names));
  return Origin;
}

std::string absolutePath(const DISubprogram &Subprogram) {
  return pathOf(Subprogram);
}

std::string absolutePath(const DIFile &File) { return pathOf(File); }

DebugLoc locationFor(const Instruction &Call) {
  for (const Instruction *I = &Call; I; I = I->getPrevNode())
    if (const DebugLoc &Location = I->getDebugLoc())
      return Location;
  if (DISubprogram *Subprogram = Call.getFunction()->getSubprogram())
    return DILocation::get(Call.getContext(), Subprogram->getLine(), 0,
                           Subprogram);
  return DebugLoc();
}

} // namespace memscope
