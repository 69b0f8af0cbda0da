#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cross_aarch64.sh SOURCE FOLDER: the runtime builds for 64-bit ARM, warnings as errors, into
# objects of that CPU.

set -eu
rm -rf "$2"
cmake -S "$1" -B "$2" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$1/cmake/aarch64-linux-gnu.cmake" \
    -DMEMSCOPE_RUNTIME_ONLY=ON -DMEMSCOPE_WERROR=ON
cmake --build "$2" -j 2
for library in libmemscope_rt.a libmemscope_rt.so; do
    aarch64-linux-gnu-readelf -h "$2/lib/$library" | grep 'Machine:.*AArch64' >/dev/null ||
        { echo "$2/lib/$library: not for AArch64"; exit 1; }
done
