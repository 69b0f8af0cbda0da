# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# What the least costs (bench/programs/floor.c): lines of floor.jsonl.

measure_floor() {
    local pairs=20000000
    [ $quick = no ] || pairs=200000
    say_step "floor: what the least costs, $rounds rounds"
    mkdir -p "$out/floor"
    compile_plain "$out/floor/floor" "$here/programs/floor.c" -fno-omit-frame-pointer
    "$out/floor/floor" "$rounds" "$pairs" >"$out/floor.jsonl" || fail "floor: has not counted all"
}
