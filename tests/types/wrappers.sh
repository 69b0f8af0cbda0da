# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims of wrappers: their callers are the sites, byte by byte.

build() {
    MODE=${LIBRARY_MODE:-$MODE} compile_object allocate.o "$HERE/wrappers/allocate.c" "$@"
    # shellcheck disable=SC2046
    compile program "$HERE/wrappers/callers.c" "$PWD/allocate.o" "$@"
}

run_and_read() {
    TRUTH_OUT=$PWD/truth profile program ./program
    expect_whole program
    mv truth.* truth.json
}

sums_hold() {
    expect_json program '[["allocations", "total_allocations"], ["bytes", "total_bytes"],
        ["frees", "total_frees"], ["live_bytes", "live_bytes"], ["at_peak_bytes", "at_peak_bytes"]] as $sums
        | . as $all | all($sums[]; . as $pair
            | ($all.sites | map(.[$pair[0]]) | add) == $all.statistics[$pair[1]])'
}

# types_are_told FILE: of its lines with `//= TYPE | VARIABLE` each says that.
types_are_told() {
    jq -r --arg file "/$1" '.sites[] | .user_frame as $at | select($at != null and ($at.file | endswith($file)))
        | [$at.line, .type // "?", .variable // "?"] | join(" | ")' program.json | sort -u >got
    grep -n '//= ' "$HERE/wrappers/$1" | grep -v '^[0-9]*:// ' |
        sed -E 's,^([0-9]+):.*//= ,\1 | ,' >want
    [ -s want ] || fail "no line says what it wants"
    grep -vxFf got want >missing && { cat got && fail "not told: $(cat missing)"; }
    return 0
}

callers_of_wrappers_are_the_sites() {
    build -mllvm -memscope-wrapper=listed "-fplugin=$(plugin)"
    run_and_read
    expect_sites program truth.json yes
    sums_hold
    types_are_told callers.c
    expect_json program '[.sites[] | select(.user_frame != null) | select(.user_frame.file | endswith("/callers.c")) | .wrapper]
        - ["checked", "cleared", "grown", "copied", "formatted", "twice_wrapped", "with_header", "with_capacity", "into", "by_hook",
           "numbers", "listed", "inline_checked"] == [null]'
    # Stacks still show the wrapper.
    "$memscope" report --stacks 100 --top 0 program.msp >text || fail "report"
    grep -q 'callers.c:[0-9]* kinds() (text: char) \[malloc by copied() in allocate.c' text ||
        { cat text && fail "the wrapper is not named"; }
}

# A wrapper's own blocks are its own, byte by byte; its callers have theirs, and no other type.
blocks_that_a_wrapper_keeps_are_its_own() {
    compile program "$HERE/wrappers/keeps.c"
    run_and_read
    sums_hold
    types_are_told keeps.c
    grep -vxFf want got | grep -v '^[0-9]* | ? |' >wrong && { fail "told wrong: $(cat wrong)"; }
    # Each figure where the report has it.
    jq '.sites |= map(if .user_frame then .file = .user_frame.file | .line = .user_frame.line else . end)' \
        program.json >shown.json
    expect_sites shown truth.json
}

# Nothing is known of who called.
without_stacks_the_wrapper_is_the_site() {
    build
    MEMSCOPE_OPTIONS=strict=1:depth=0
    export MEMSCOPE_OPTIONS
    run_and_read
    sums_hold
    expect_json program '[.sites[] | select(.wrapper == "checked")] | length == 1
        and .[0].user_frame.function == "checked" and .[0].type == null'
}

# A caller without debug info is a function; what it allocates is not known, and no guess.
callers_without_debug_info_are_functions() {
    build -g0
    TRUTH_OUT=$PWD/truth profile program ./program
    sums_hold
    expect_json program '[.sites[] | select(.wrapper != null) | .type, .variable] | unique == [null]'
}

# Line tables alone: who called is known, the types are not.
line_tables_alone_tell_the_callers() {
    build -gline-tables-only -mllvm -memscope-wrapper=listed "-fplugin=$(plugin)"
    run_and_read
    expect_sites program truth.json yes
    sums_hold
}
