// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The part of `memscope export` that writes memscope-rs's JSON. Both return an exit code.

#ifndef MEMSCOPE_TOOLS_EXPORT_RS_H
#define MEMSCOPE_TOOLS_EXPORT_RS_H

#include "tool.h"

// The file set into `folder`, which is made where it is not there. Where one of the files is there
// already and `force` is not given, none is written.
int ms_export_rs_files(const struct ms_verb *verb, const struct ms_opened *opened, bool force,
                       const char *folder);
int ms_export_rs_strategy(const struct ms_verb *verb, const struct ms_opened *opened, bool force,
                          const char *path);

#endif
