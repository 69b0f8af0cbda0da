# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Instruments an untouched project whole:
#
#   cmake -S project -B build -DCMAKE_TOOLCHAIN_FILE=<prefix>/lib/cmake/MemScope/memscope-toolchain.cmake
#
# -DMEMSCOPE_LLVM_MAJOR=N chooses the clang; without it the wrapper does. Works from the build tree
# and from the install tree.

get_filename_component(memscope_root "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(memscope_suffix "")
if(MEMSCOPE_LLVM_MAJOR)
    set(memscope_suffix "-${MEMSCOPE_LLVM_MAJOR}")
    if(NOT EXISTS "${memscope_root}/lib/llvm-${MEMSCOPE_LLVM_MAJOR}/memscope.so")
        file(GLOB memscope_plugins RELATIVE "${memscope_root}/lib"
             "${memscope_root}/lib/llvm-*/memscope.so")
        message(FATAL_ERROR "MEMSCOPE_LLVM_MAJOR=${MEMSCOPE_LLVM_MAJOR}: no plugin for it in "
                            "${memscope_root}/lib, which has: ${memscope_plugins}")
    endif()
endif()
# try_compile reads this file again, in a project that does not know the cache.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MEMSCOPE_LLVM_MAJOR)

set(CMAKE_C_COMPILER "${memscope_root}/bin/memscope-clang${memscope_suffix}")
set(CMAKE_CXX_COMPILER "${memscope_root}/bin/memscope-clang++${memscope_suffix}")
