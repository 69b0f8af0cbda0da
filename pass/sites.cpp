// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "sites.h"
#include "compat.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalVariable.h"
#include <limits>

using namespace llvm;

namespace memscope {

SiteTable::SiteTable(Module &M)
    : Mod(M), PointerTy(compat::pointerType(M.getContext())) {
  LLVMContext &Context = M.getContext();
  Type *I16 = Type::getInt16Ty(Context);
  Type *I32 = Type::getInt32Ty(Context);
  SiteTy =
      StructType::get(Context, {I32, I16, I16, I32, I32, PointerTy, PointerTy,
                                PointerTy, PointerTy, PointerTy, I32, I32});
  FrameTy = StructType::get(Context, {PointerTy, PointerTy, I32, I32});
}

Constant *SiteTable::string(StringRef Text) {
  if (Text.empty())
    return ConstantPointerNull::get(PointerTy);
  Constant *&Known = Strings[Text];
  if (Known)
    return Known;
  Constant *Bytes = ConstantDataArray::getString(Mod.getContext(), Text);
  auto *Global =
      new GlobalVariable(Mod, Bytes->getType(), /*isConstant=*/true,
                         GlobalValue::PrivateLinkage, Bytes, "memscope.text");
  Global->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  Global->setAlignment(Align(1));
  Known = ConstantExpr::getPointerCast(Global, PointerTy);
  return Known;
}

Constant *SiteTable::frames(ArrayRef<SourcePlace> Places) {
  if (Places.empty())
    return ConstantPointerNull::get(PointerTy);
  Type *I32 = Type::getInt32Ty(Mod.getContext());
  SmallVector<Constant *, 8> Rows;
  for (const SourcePlace &Place : Places)
    Rows.push_back(ConstantStruct::get(
        FrameTy, {string(Place.Function), string(Place.File),
                  ConstantInt::get(I32, Place.Line),
                  ConstantInt::get(I32, Place.Column)}));
  ArrayType *Ty = ArrayType::get(FrameTy, Rows.size());
  auto *Global = new GlobalVariable(
      Mod, Ty, /*isConstant=*/true, GlobalValue::PrivateLinkage,
      ConstantArray::get(Ty, Rows), "memscope.inlined");
  return ConstantExpr::getPointerCast(Global, PointerTy);
}

Constant *SiteTable::create(enum memscope_kind Kind, const SourceOrigin &Origin,
                            const TypeFacts &Facts, unsigned WrapperFrames) {
  LLVMContext &Context = Mod.getContext();
  Type *I16 = Type::getInt16Ty(Context);
  Type *I32 = Type::getInt32Ty(Context);
  // inlined_count has 16 bits; the outermost frames beyond them are left out.
  ArrayRef<SourcePlace> Inlined =
      ArrayRef<SourcePlace>(Origin.InlinedInto)
          .take_front(std::numeric_limits<uint16_t>::max());
  SiteWithoutLine |= Origin.Call.Line == 0;
  Constant *Fields[] = {
      ConstantInt::get(I32, MEMSCOPE_SITE_UNREGISTERED),
      ConstantInt::get(I16, Kind),
      ConstantInt::get(I16, Inlined.size()),
      ConstantInt::get(I32, Origin.Call.Line),
      ConstantInt::get(I32, Origin.Call.Column),
      string(Origin.Call.Function),
      string(Origin.Call.File),
      string(Facts.Type),
      string(Facts.Variable),
      frames(Inlined),
      ConstantInt::get(I32, isUInt<32>(Facts.Bytes) ? Facts.Bytes : 0),
      ConstantInt::get(I32, WrapperFrames),
  };
  auto *Site = new GlobalVariable(
      Mod, SiteTy, /*isConstant=*/false, GlobalValue::PrivateLinkage,
      ConstantStruct::get(SiteTy, Fields), "memscope.site");
  return ConstantExpr::getPointerCast(Site, PointerTy);
}

} // namespace memscope
