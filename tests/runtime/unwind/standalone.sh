#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# standalone.sh SOURCE FOLDER RUN COMPILER OPTION...: builds standalone.c with the unwinder by that
# compiler, and runs it by the command RUN ("" = as it is).

set -eu
source=$1 folder=$2 run=$3
shift 3
mkdir -p "$folder"
cd "$folder"
tests=$source/tests/runtime/unwind
set -- "$@" -std=gnu11 -O2 -g -Wall -Wextra -Werror -D_GNU_SOURCE -I"$source/runtime" \
    -I"$source/include" -funwind-tables
"$@" -fno-omit-frame-pointer -DSUFFIX=_fp -DTWIN=_no -c "$tests/shapes.c" -o shapes_fp.o
"$@" -fomit-frame-pointer -DSUFFIX=_no -DTWIN=_fp -c "$tests/shapes.c" -o shapes_no.o
"$@" "$tests/standalone.c" "$source"/runtime/context/unwind*.c shapes_fp.o shapes_no.o -o standalone
# shellcheck disable=SC2086 # a command and its arguments
$run ./standalone
