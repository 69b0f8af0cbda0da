# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims about single programs: totals against the witness, lines against the program's own truth.

# program_named NAME: its source file, C or C++.
program_named() {
    local source
    for source in "$programs/$1".c "$programs/$1".cc; do
        [ -e "$source" ] && echo "$source" && return
    done
    fail "no program $1"
}

# The witness's run is of a plain build, MemScope's of one in $MODE: what the compiler removes, it
# removes in both.
totals() {
    # shellcheck disable=SC2086
    compile_plain plain "$(program_named "$PROGRAM")" ${FLAGS-}
    # shellcheck disable=SC2086
    compile app "$(program_named "$PROGRAM")" ${FLAGS-}
    # One name for both, as argv[0] must have one length: programs may copy it.
    mkdir w m
    mv plain w/app
    mv app m/app
    # shellcheck disable=SC2086
    witness app w/app ${ARGS-}
    # shellcheck disable=SC2086
    profile app m/app ${ARGS-}
    # shellcheck disable=SC2086
    expect_totals app ${FIELDS-}
    # shellcheck disable=SC2086
    expect_whole app ${LOSSES-}
}

# Known bytes at known lines, peaks and what was alive at the peak.
lines() {
    # shellcheck disable=SC2086
    compile app "$(program_named "$PROGRAM")" ${FLAGS-}
    # shellcheck disable=SC2086
    profile app ./app ${ARGS-}
    expect_sites app app.out "${PEAKS-yes}"
    expect_whole app
}

# A program in threads: each line exact, each thread exact, the peak within the printed bound.
thread_lines() {
    PEAKS=no lines
    expect_threads app app.out
    expect_peak app app.out
    expect_json app '.strategy == "ThreadLocal"'
}

# expect_threads NAME TRUTH: totals of the threads of each name.
expect_threads() {
    jq -e -n --slurpfile truth "$2" --slurpfile profile "$1.json" '
        ($truth[0].threads | map(select(.name != "main"))) as $want
        | $profile[0].threads as $got
        | ($want | length) > 0 and all($want[]; . as $w
            | ($got | map(select(.name == $w.name))) as $g
            | ($g | map(.allocations) | add) == $w.allocations
              and ($g | map(.bytes) | add) == $w.bytes
              and ($g | map(.live_bytes) | add) == $w.live_bytes)' >/dev/null || {
        jq -c '.threads[]' "$2" >&2
        jq -c '.threads[] | {name, allocations, bytes, live_bytes}' "$1.json" >&2
        fail "$1: threads differ from the truth"
    }
}

# expect_peak NAME TRUTH: |peak - truth| is at most the bound plus what libc holds of its own.
expect_peak() {
    local own
    own=$(jq '[.sites[] | select(.foreign) | .peak_bytes] | add // 0' "$1.json")
    jq -e -n --slurpfile truth "$2" --slurpfile profile "$1.json" --argjson own "$own" '
        $profile[0].statistics as $s | $truth[0].peak_live_bytes as $want
        | $want > 0 and $s.peak_live_bytes + $s.peak_error_bytes >= $want
          and $s.peak_live_bytes <= $want + $s.peak_error_bytes + $own' >/dev/null || {
        jq -c .statistics "$1.json" >&2
        fail "$1: the peak is not within its bound of $(jq .peak_live_bytes "$2")"
    }
}

# malloc through a pointer: counted, at a foreign site; the direct call beside it has its line.
address_taken() {
    totals
    expect_sites app app.out no
    expect_json app '.coverage.bytes_foreign == 30000 and .coverage.bytes_with_site == 11'
    expect_json app '[.sites[] | select(.foreign) | .allocations] | add == 20'
}

# new and delete of the program's own: as often as in a plain build, counted once.
own_operators() {
    totals
    cmp app.plain.out app.out || fail "the program's operators ran otherwise than in a plain build"
    expect_json app '[.sites[] | select(.foreign | not) | select(.file | endswith("own_operators.cc"))
        | .allocations] | add >= 160'
}

# A program that nobody instrumented: all of it at foreign sites, totals exact.
preload_uninstrumented() {
    MODE=none totals
    expect_json app '.coverage.bytes_with_site == 0 and .coverage.bytes_foreign == .statistics.total_bytes'
}

# The runtime linked in and preloaded as well: one of the two counts, once.
both_runtimes() {
    MODE=linked compile app "$programs/family.c"
    compile_plain plain "$programs/family.c"
    witness app ./plain
    MEMSCOPE_OPTIONS="strict=1:output=$PWD/app.msp" run_under app \
        env LD_PRELOAD="$MS_BUILD/lib/libmemscope_rt.so" ./app
    expect_status app 0
    report app.msp app.json
    expect_totals app
    expect_sites app app.out yes
}

# A linked program on its own, and a bare-flag one without any runtime, run as if nothing were there.
plain_output_is_the_same() {
    compile_plain plain "$programs/family.c"
    compile app "$programs/family.c"
    ./plain >plain.out
    MEMSCOPE_OPTIONS="strict=1:output=$PWD/app.msp" ./app >app.out
    jq -S 'del(.pid)' plain.out >plain.json
    jq -S 'del(.pid)' app.out >app.truth.json
    cmp plain.json app.truth.json || fail "the program's own figures changed"
    if [ "$MODE" = linked ]; then
        report app.msp app.json
        expect_sites app app.out yes
    elif [ -e app.msp ]; then
        fail "a profile without a runtime"
    fi
}
