# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Libraries loaded past the runtime, and the runtime loaded as a library.

. "$HERE/common.sh"

loader() {
    compile loader "$HERE/programs/loader.c"
    compile_library guest.so "$HERE/programs/guest.c"
    MODE=none compile_library foreign.so "$HERE/programs/guest.c"
}

# exact_but_unseen NAME COUNT STEP…: so many libraries are told; the program's lines are exact.
exact_but_unseen() {
    local name=$1 count=$2
    shift 2
    run "$name" ./with strict=1:output="$name.msp" ./loader "$@"
    expect_status "$name" 0
    report "$name.msp" "$name.json"
    expect_whole "$name" hidden_libraries
    expect_json "$name" ".losses.hidden_libraries == $count"
    expect_sites "$name" "$name.out" no
}

libraries_past_us() {
    loader
    exact_but_unseen none 0 plain:./foreign.so plain:./guest.so base:./foreign.so
    exact_but_unseen namespace 1 namespace:./foreign.so
    exact_but_unseen instrumented 1 namespace:./guest.so
    exact_but_unseen deepbind 1 deepbind:./foreign.so
    expect_json deepbind '.statistics.unknown_frees >= 1'
    exact_but_unseen all 3 deepbind:./guest.so namespace:./guest.so namespace:./foreign.so
    "$memscope" info all.msp | grep "3 libraries loaded with RTLD_DEEPBIND or dlmopen" >/dev/null ||
        fail "info does not tell: $("$memscope" info all.msp)"
}

# libc looks along the caller's RUNPATH: our dlopen is not the caller.
callers_path() {
    loader
    mkdir -p inner
    cp foreign.so inner/libinner.so
    # shellcheck disable=SC2016
    compile_library outer.so "$HERE/programs/guest.c" '-DINNER="libinner.so"' \
        '-Wl,-rpath,$ORIGIN/inner' -Wno-unused-command-line-argument
    exact_but_unseen path 0 plain:./outer.so
}

# A program that was started without: the runtime comes with a dlopen, as does an instrumented
# library after it. Only that one's rewritten calls count, and the profile says so.
loaded_runtime() {
    MODE=none compile loader "$HERE/programs/loader.c"
    MODE=auto compile_library guest.so "$HERE/programs/guest.c"
    run late env MEMSCOPE_OPTIONS=strict=1:output=late.msp \
        ./loader global:"$runtime" plain:./guest.so
    expect_status late 0
    report late.msp late.json
    expect_whole late hidden_allocator
    expect_json late '.losses.hidden_allocator == 1'
    expect_json late '[.sites[] | select(.file // "" | endswith("guest.c")) | .bytes] | add == 1064'
    # Where nobody can see it, it does no harm.
    run local env MEMSCOPE_OPTIONS=output=local.msp ./loader plain:"$runtime" plain:./guest.so
    expect_status local 0
}

# One runtime a process: the one that comes second stays passive.
second_runtime() {
    loader
    run twice ./with strict=1:output=twice.msp ./loader global:"$runtime" plain:./guest.so
    expect_status twice 0
    [ "$(ls ./*.msp)" = ./twice.msp ] || fail "more than one profile: $(ls ./*.msp)"
    expect_exact twice
}
