# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Libraries that come and go: their lines, or their addresses where nobody instrumented them, are
# counted exactly, also what is freed after they have gone. RUN_MODE and TIMES from the table.

# build_library FILE [FLAG…]
build_library() {
    local out=$1
    shift
    compile_library "$out" "$programs/dl_library.c" "$@"
}

run_dl() {
    compile dl "$programs/dl.c"
    profile dl ./dl "$RUN_MODE" "$TIMES" "$@"
}

# expect_counts SELECTION OWN_BYTES: what dl.c does with a library $TIMES times, at the sites
# SELECTION (one of them the constructor's).
expect_counts() {
    local selected
    selected=$(jq -c ".modules as \$modules
        | [.sites[] | select($1) | . + {own: (.bytes == $2 * .allocations)}]
        | group_by(.own) | map([(map(.allocations) | add), (map(.bytes) | add),
                                (map(.frees) | add), (map(.live_bytes) | add)])" dl.json)
    jq -en --argjson got "$selected" --argjson n "$TIMES" --argjson own "$2" '
        $got == [[$n * 3, $n * 60, $n * 2, $n * 30], [$n, $n * $own, $n, 0]]' >/dev/null ||
        fail "$TIMES times with $2 bytes of its own: $selected"
}

instrumented_library() {
    build_library libone.so
    run_dl ./libone.so
    expect_whole dl
    expect_counts '.file and (.file | endswith("dl_library.c"))' 1000
    expect_json dl '[.sites[] | select(.file and (.file | endswith("dl_library.c"))) | .line]
        | unique | length == 2'
}

# Two libraries of one shape, so that the second is loaded where the first was: each has its own.
foreign_libraries() {
    MODE=none build_library libone.so
    MODE=none build_library libtwo.so -DDL_OWN_BYTES=2000
    run_dl ./libone.so ./libtwo.so
    expect_whole dl
    expect_counts '.module as $m | any($modules[]; .id == $m and (.path | endswith("libone.so")))' 1000
    expect_counts '.module as $m | any($modules[]; .id == $m and (.path | endswith("libtwo.so")))' 2000
}

# What a library that went away has left counts for the peak also when threads start later.
left_by_foreign_libraries() {
    MODE=none build_library libone.so
    run_dl ./libone.so
    expect_whole dl
    expect_json dl ".statistics | .live_bytes >= 30000 * $TIMES
        and .peak_live_bytes >= .live_bytes + 1000000 - .peak_error_bytes
        and .peak_live_bytes <= .live_bytes + 1065536"
}

# What such a library takes from libc by itself is not seen; how many there were is told.
hidden_library() {
    MODE=none build_library libone.so
    run_dl ./libone.so
    expect_whole dl hidden_libraries
    expect_json dl ".losses.hidden_libraries == $TIMES"
}

# dlopen looks for libraries where its caller's RUNPATH says.
runpath() {
    mkdir below
    build_library libone.so -Wl,--enable-new-dtags,-rpath,"$PWD/below"
    build_library below/libtwo.so
    run_dl ./libone.so
    expect_whole dl
}
