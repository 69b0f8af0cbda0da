// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "instrument.h"
#include "allocators.h"
#include "blocks.h"
#include "compat.h"
#include "coroutines.h"
#include "module.h"
#include "names.h"
#include "reach.h"
#include "rewrite.h"
#include "sites.h"
#include "source.h"
#include "source_sums.h"
#include "type_record.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace memscope {

namespace {

// A body that is never emitted here, that has no frame, or whose author asked
// for no instrumentation. What such a function allocates is counted by the
// interposed functions, as foreign.
bool isLeftAlone(const Function &F) {
  return F.isDeclaration() || F.hasAvailableExternallyLinkage() ||
         F.hasFnAttribute(Attribute::Naked) ||
         F.hasFnAttribute(Attribute::DisableSanitizerInstrumentation);
}

// "non-leaf" unless the function keeps more than that.
void keepFramePointer(Function &F) {
  StringRef Now = F.getFnAttribute("frame-pointer").getValueAsString();
  if (Now.empty() || Now == "none" || Now == "reserved")
    F.addFnAttr("frame-pointer", "non-leaf");
}

bool checkListed(const CallBase &Call, const ListedAllocator &Listed) {
  if (Listed.SizeArgument == 0)
    return true;
  bool Fits =
      Listed.SizeArgument <= Call.arg_size() &&
      Call.getArgOperand(Listed.SizeArgument - 1)->getType()->isIntegerTy();
  if (!Fits)
    Call.getContext().emitError(
        "memscope: -memscope-alloc=" + Listed.Spelling + ": argument " +
        Twine(Listed.SizeArgument) + " of " + Listed.Name +
        " is not an integer in " + Call.getModule()->getSourceFileName());
  return Fits;
}

class Instrumenter {
public:
  Instrumenter(Module &M, const Options &Opts)
      : M(M), Opts(Opts), Names(M), Types(M), Sites(M),
        Hooks(M, needsWeakHooks(M, Opts)), Callees(Opts, Hooks) {}

  void run() {
    SmallVector<Function *, 32> Functions;
    for (Function &F : M)
      if (!isLeftAlone(F))
        Functions.push_back(&F);
    if (Functions.empty())
      return;
    keepFrames(Functions);
    for (Function *F : Functions)
      instrument(*F);
    finishCoroutines(Names, Sites, Hooks);
    if (!Hooks.weak())
      inlineCoroutineHooks(M, Hooks);
    Facts.CoroutineSites = Names.coroutineFunctions();
    if (lacksDebugInfo())
      Facts.Flags |= MEMSCOPE_MODULE_NO_DEBUG_INFO;
    emitModuleDescriptor(M, Facts, Sites, Hooks);
    Types.addFiles(Sums);
    Sums.emit(M);
    Types.emit(M, Names);
    warnOfMissingDebugInfo();
    warnOfMissingTaskBoundaries();
  }

private:
  using Found = std::pair<CallBase *, Callee>;

  // Before any call is rewritten. That a function keeps its frame pointer, or
  // how its caller is found where it does not, only unwind tables tell.
  void keepFrames(ArrayRef<Function *> Functions) {
    if (Opts.Frames == FramePointers::None)
      return;
    for (Function *F : Functions)
      compat::keepUnwindTables(*F);
    if (Opts.Frames == FramePointers::All) {
      for (Function *F : Functions)
        keepFramePointer(*F);
      return;
    }
    AllocationReach Reach(M, Callees);
    for (Function *F : Functions)
      if (Reach.reaches(*F))
        keepFramePointer(*F);
  }

  void instrument(Function &F) {
    SmallVector<Found, 16> Calls;
    SmallVector<CallInst *, 2> Landings;
    for (Instruction &I : instructions(F))
      if (auto *Call = dyn_cast<CallBase>(&I)) {
        if (isa<CallInst>(Call) && Call->hasFnAttr(Attribute::ReturnsTwice))
          Landings.push_back(cast<CallInst>(Call));
        Callee What = Callees.classify(*Call);
        if (What.Do != Action::None)
          Calls.push_back({Call, What});
      }
    if (Calls.empty() && Landings.empty())
      return;
    gatherStaticAllocas(F);
    // Locations first: a split block hides a call's neighbours.
    SmallVector<Constant *, 16> CallSites;
    for (const Found &Each : Calls) {
      if (needsSite(Each.second.Do))
        Sums.add(*Each.first);
      CallSites.push_back(needsSite(Each.second.Do)
                              ? createSite(*Each.first, Each.second.Kind)
                              : nullptr);
    }
    for (size_t I = 0; I < Calls.size(); ++I)
      rewrite(*Calls[I].first, Calls[I].second, CallSites[I]);
    for (CallInst *Landing : Landings)
      markLanding(*Landing, Hooks);
  }

  Constant *createSite(CallBase &Call, enum memscope_kind Kind) {
    unsigned WrapperFrames = Types.wrapperFrames(Call);
    TypeFacts Facts = Types.complete(Call, takeType(Call), WrapperFrames);
    return Sites.create(Kind, originOf(Call, Names), Facts, WrapperFrames);
  }

  static bool needsSite(Action What) {
    return What != Action::Free && What != Action::Switch &&
           What != Action::CountFiber && What != Action::NoteFiber;
  }

  void count(Action What) {
    switch (What) {
    case Action::Allocate:
    case Action::Enclose:
      ++Facts.AllocSites;
      break;
    case Action::StartThread:
    case Action::EncloseStart:
      ++Facts.ThreadSites;
      break;
    case Action::Switch:
    case Action::CountFiber:
    case Action::NoteFiber:
      ++Facts.FiberSites;
      break;
    case Action::None:
    case Action::Free:
      break;
    }
  }

  void rewrite(CallBase &Call, const Callee &What, Constant *Site) {
    count(What.Do);
    if (What.Listed && !checkListed(Call, *What.Listed))
      return;
    if (Call.isMustTailCall()) {
      if (Site)
        announceSite(cast<CallInst>(Call), Site, Hooks);
      else if (What.Do == Action::Free)
        replaceMustTailFree(cast<CallInst>(Call), What.Replacement, Hooks);
      return;
    }
    switch (What.Do) {
    case Action::Allocate:
    case Action::Free:
    case Action::StartThread:
      replaceCall(Call, What.Replacement, Site, Hooks);
      break;
    case Action::Enclose:
    case Action::EncloseStart:
      encloseCall(Call, Site, Hooks);
      break;
    case Action::Switch:
      replaceSwitch(Call, What.Replacement, Hooks);
      break;
    case Action::NoteFiber:
      noteBefore(Call, What.Replacement, Hooks);
      break;
    case Action::None:
    case Action::CountFiber:
      break;
    }
  }

  // One site without a line is no lack: the optimizer drops lines, and a
  // function may be marked `nodebug`. Nor is a module that needs no line.
  bool lacksDebugInfo() const {
    return Sites.hasSiteWithoutLine() && M.debug_compile_units().empty();
  }

  // To stderr and not as a diagnostic: under -Werror that would break builds,
  // and the tests of `configure` scripts.
  void warnOfMissingDebugInfo() {
    if (!lacksDebugInfo())
      return;
    errs() << "memscope: " << M.getSourceFileName()
           << ": no debug info; sites have no lines (compile with -g or "
              "-gline-tables-only)\n";
  }

  void warnOfMissingTaskBoundaries() {
    if (Facts.CoroutineSites == 0 || compat::TaskBoundaries)
      return;
    errs() << "memscope: " << M.getSourceFileName()
           << ": its coroutines are not followed as tasks; that needs LLVM 19 "
              "or later\n";
  }

  Module &M;
  const Options &Opts;
  NameTable Names;
  TypeRecord Types;
  SiteTable Sites;
  SourceSums Sums;
  HookTable Hooks;
  CalleeTable Callees;
  ModuleFacts Facts;
};

} // namespace

PreservedAnalyses InstrumentPass::run(Module &M, ModuleAnalysisManager &) {
  if (M.getModuleFlag(InstrumentedFlag) || HookTable::definesHooks(M))
    return PreservedAnalyses::all();
  Options Opts;
  if (!Options::read(&M.getContext(), Opts))
    return PreservedAnalyses::all();
  M.addModuleFlag(Module::Warning, InstrumentedFlag, MEMSCOPE_ABI_VERSION);
  Instrumenter(M, Opts).run();
  return PreservedAnalyses::none();
}

} // namespace memscope
