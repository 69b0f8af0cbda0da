// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "shared.h"

union ms_shared_page ms_shared_page MS_ALIGNED(MS_SHARED_PAGE);
