// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "type_record.h"
#include "source.h"
#include "llvm/IR/Constants.h"

using namespace llvm;

namespace memscope {

namespace {

const char RecordName[] = "memscope.types";
const char WrapperAttribute[] = "memscope-wrapper"; // of pure ones
const char PassingAttribute[] = "memscope-passes";

Metadata *number(LLVMContext &Context, unsigned Bits, uint64_t Value) {
  return ConstantAsMetadata::get(
      ConstantInt::get(IntegerType::get(Context, Bits), Value));
}

void addRow(Module &M, ArrayRef<Metadata *> Fields) {
  M.getOrInsertNamedMetadata(RecordName)
      ->addOperand(MDNode::get(M.getContext(), Fields));
}

uint64_t numberAt(const MDNode &Row, unsigned At) {
  return mdconst::extract<ConstantInt>(Row.getOperand(At))->getZExtValue();
}

std::string textAt(const MDNode &Row, unsigned At) {
  return cast<MDString>(Row.getOperand(At))->getString().str();
}

bool same(const TypeFacts &A, const TypeFacts &B) {
  return A.Type == B.Type && A.Variable == B.Variable && A.Bytes == B.Bytes;
}

// As .asciz of an assembler reads it.
void appendQuoted(std::string &Text, StringRef Content) {
  static const char Digits[] = "01234567";
  Text += "\t.asciz\t\"";
  for (unsigned char Each : Content) {
    if (Each == '"' || Each == '\\')
      Text += '\\';
    if (Each >= ' ' && Each < 0x7F) {
      Text += static_cast<char>(Each);
      continue;
    }
    Text += '\\';
    for (int Shift = 6; Shift >= 0; Shift -= 3)
      Text += Digits[Each >> Shift & 7];
  }
  Text += "\"\n";
}

// A tab would end the field.
std::string field(StringRef Text) {
  std::string Clean = Text.str();
  for (char &Each : Clean)
    if (Each == '\t' || Each == '\0')
      Each = ' ';
  return "\t" + Clean;
}

} // namespace

void recordWrapper(Function &F, bool IsPure) {
  if (!IsPure)
    return;
  F.addFnAttr(WrapperAttribute);
  if (DISubprogram *Subprogram = F.getSubprogram())
    addRow(*F.getParent(), {Subprogram});
}

void recordCall(CallBase &Call, bool PassesOn) {
  const DILocation *At = Call.getDebugLoc();
  LLVMContext &Context = Call.getContext();
  if (!At && PassesOn)
    Call.addFnAttr(Attribute::get(Context, PassingAttribute));
  if (At && At->getLine() != 0)
    addRow(*Call.getModule(),
           {At->getScope()->getSubprogram(), number(Context, 32, At->getLine()),
            number(Context, 32, At->getColumn()),
            number(Context, 1, PassesOn)});
}

void recordFacts(const CallBase &Call, const TypeFacts &Facts,
                 bool IsWrapperCall) {
  const DILocation *At = Call.getDebugLoc();
  if (!At || At->getLine() == 0)
    return;
  LLVMContext &Context = Call.getContext();
  Metadata *Fields[] = {
      At->getScope()->getSubprogram(),
      number(Context, 32, At->getLine()),
      number(Context, 32, At->getColumn()),
      MDString::get(Context, Facts.Type),
      number(Context, 64, Facts.Bytes),
      MDString::get(Context, Facts.Variable),
      number(Context, 1, IsWrapperCall),
  };
  addRow(*const_cast<Module *>(Call.getModule()), Fields);
}

TypeRecord::TypeRecord(Module &M) {
  NamedMDNode *Record = M.getNamedMetadata(RecordName);
  if (!Record)
    return;
  for (const MDNode *Each : Record->operands()) {
    const auto *Subprogram =
        dyn_cast_or_null<DISubprogram>(Each->getOperand(0).get());
    if (!Subprogram)
      continue;
    if (Each->getNumOperands() == 1) {
      if (Wrappers.insert(Subprogram).second)
        WrapperOrder.push_back(Subprogram);
      continue;
    }
    Place At{Subprogram, static_cast<unsigned>(numberAt(*Each, 1)),
             static_cast<unsigned>(numberAt(*Each, 2))};
    if (Each->getNumOperands() == 4) {
      bool IsPassing = numberAt(*Each, 3) != 0;
      if ((IsPassing ? Passing : Kept).insert(At).second && IsPassing)
        PassingOrder.push_back(At);
      continue;
    }
    TypeFacts Facts;
    Facts.Type = textAt(*Each, 3);
    Facts.Bytes = numberAt(*Each, 4);
    Facts.Variable = textAt(*Each, 5);
    auto [Known, IsNew] = Rows.try_emplace(At);
    if (IsNew)
      Order.push_back(At);
    else if (!same(Known->second.Facts, Facts))
      Known->second.IsAmbiguous = true;
    if (IsNew)
      Known->second.Facts = Facts;
    Known->second.IsWrapperCall |= numberAt(*Each, 6) != 0;
  }
  Record->eraseFromParent();
}

bool TypeRecord::isWrapper(const DILocation &At) const {
  const DISubprogram *Subprogram = At.getScope()->getSubprogram();
  return Wrappers.count(Subprogram) != 0 ||
         passesOn(Place{Subprogram, At.getLine(), At.getColumn()});
}

const TypeFacts *TypeRecord::find(const DILocation &At) const {
  auto Known = Rows.find(
      Place{At.getScope()->getSubprogram(), At.getLine(), At.getColumn()});
  return Known == Rows.end() || Known->second.IsAmbiguous
             ? nullptr
             : &Known->second.Facts;
}

unsigned TypeRecord::wrapperFrames(const Instruction &Call) const {
  const DILocation *At = Call.getDebugLoc();
  if (!At)
    return Call.getFunction()->hasFnAttribute(WrapperAttribute) ||
           cast<CallBase>(Call).hasFnAttr(PassingAttribute);
  unsigned Frames = 0;
  for (; At && isWrapper(*At); At = At->getInlinedAt())
    ++Frames;
  return Frames;
}

TypeFacts TypeRecord::complete(const Instruction &Call, TypeFacts Own,
                               unsigned WrapperFrames) const {
  const DILocation *At = Call.getDebugLoc();
  if (!At)
    return Own;
  if (Own.Type.empty() && Own.Variable.empty())
    if (const TypeFacts *Known = find(*At))
      Own = *Known;
  // Outwards: who asked knows better than the wrapper.
  for (unsigned Frame = 0; Frame < WrapperFrames; ++Frame) {
    At = At->getInlinedAt();
    if (!At)
      break;
    const TypeFacts *Known = find(*At);
    Own.Variable = Known ? Known->Variable : "";
    if (Known && !Known->Type.empty()) {
      Own.Type = Known->Type;
      Own.Bytes = Known->Bytes;
    }
  }
  return Own;
}

void TypeRecord::addFiles(SourceSums &Sums) const {
  for (const Place &Each : Order)
    if (Rows.find(Each)->second.IsWrapperCall)
      Sums.add(*std::get<0>(Each));
}

void TypeRecord::emit(Module &M, const NameTable &Names) const {
  std::string Rows;
  auto NameOf = [&](const DISubprogram &Subprogram) {
    return field(Names.displayName(Subprogram)) +
           field(Subprogram.isDefinition() ? absolutePath(Subprogram) : "");
  };
  for (const DISubprogram *Each : WrapperOrder)
    appendQuoted(Rows, "W" + NameOf(*Each));
  for (const Place &Each : PassingOrder) {
    if (!passesOn(Each))
      continue;
    auto [Subprogram, Line, Column] = Each;
    appendQuoted(Rows, "W" + NameOf(*Subprogram) + "\t" + std::to_string(Line) +
                           "\t" + std::to_string(Column));
  }
  for (const Function &F : M)
    if (F.hasFnAttribute(WrapperAttribute) && !F.getSubprogram())
      appendQuoted(Rows, "W" + field(NameTable::displayName(F)) + "\t");
  for (const Place &Each : Order) {
    const Row &Known = this->Rows.find(Each)->second;
    if (!Known.IsWrapperCall || Known.IsAmbiguous ||
        (Known.Facts.Type.empty() && Known.Facts.Variable.empty()))
      continue;
    auto [Subprogram, Line, Column] = Each;
    appendQuoted(Rows, "C" + NameOf(*Subprogram) + "\t" + std::to_string(Line) +
                           "\t" + std::to_string(Column) +
                           field(Known.Facts.Type) + "\t" +
                           std::to_string(Known.Facts.Bytes) +
                           field(Known.Facts.Variable));
  }
  if (Rows.empty())
    return;
  M.appendModuleInlineAsm("\t.pushsection\t.memscope,\"MS\",%progbits,1\n" +
                          Rows + "\t.popsection");
}

} // namespace memscope
