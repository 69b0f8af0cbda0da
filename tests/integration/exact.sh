# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims of exactness: totals against the witness (a plain build, a run of its own), lines against
# the program's own books. PROGRAM, CHECKS, FLAGS, ARGUMENTS and ALLOWED come from the table.

# The generic claim: builds $PROGRAM, profiles it, compares what $CHECKS names (check_* below).
program() {
    local check
    # shellcheck disable=SC2086
    compile program "$programs/$PROGRAM" ${FLAGS:-}
    # shellcheck disable=SC2086
    profile program ./program ${ARGUMENTS:-}
    # shellcheck disable=SC2086
    expect_whole program ${ALLOWED:-}
    for check in $CHECKS; do
        "check_$check"
    done
}

# The plain build under the witness; its name is as long as the other's: programs may copy argv[0].
run_witness() {
    # shellcheck disable=SC2086
    compile_plain witness "$programs/$PROGRAM" ${FLAGS:-}
    # shellcheck disable=SC2086
    witness program ./witness ${ARGUMENTS:-}
}

# Every figure equals the witness's.
check_totals() {
    run_witness
    expect_totals program
}

# A new handler is called between attempts: one call of operator new, many of malloc.
check_totals_but_failures() {
    run_witness
    expect_totals program total_allocations total_bytes total_frees freed_bytes live_bytes \
        peak_live_bytes
    expect_json program '.statistics.failed_allocations > 0'
}

# Each line's figures, in one thread: peaks, at-peak and temporaries too.
check_sites() {
    expect_sites program program.out yes
}

# Each line's counts and bytes.
check_lines() {
    expect_sites program program.out no
}

# The totals of the threads of each name.
check_threads() {
    expect_json program '.strategy == "ThreadLocal"'
    jq -e -n --slurpfile truth program.out --slurpfile profile program.json '
        ($truth[0].threads | map(select(.name != "main"))) as $want
        | $profile[0].threads as $got
        | ($want | length) > 0 and all($want[]; . as $w
            | ($got | map(select(.name == $w.name))) as $g
            | ($g | map(.allocations) | add) == $w.allocations
              and ($g | map(.bytes) | add) == $w.bytes
              and ($g | map(.live_bytes) | add) == $w.live_bytes)' >/dev/null || {
        jq -c '.threads[]' program.out >&2
        jq -c '.threads[] | {name, allocations, bytes, live_bytes}' program.json >&2
        fail "threads differ from the truth"
    }
}

# The peak lies within [truth - bound, truth], each line's share of it within the bound of its own.
# What libc holds for its threads counts too: it is known by its foreign sites.
check_peak() {
    jq -n --slurpfile truth program.out --slurpfile profile program.json '
        $profile[0] as $p | $truth[0] as $t | $p.statistics.peak_error_bytes as $error
        | ([$p.sites[] | select(.foreign) | .at_peak_bytes] | add // 0) as $own
        | {peak: $p.statistics.peak_live_bytes, error: $error,
           truth: ($t.peak_live_bytes + $own),
           threads: $p.environment.thread_count,
           sites: [$t.sites[] | . as $want
               | {line, want: .at_peak_bytes,
                  got: ([$p.sites[] | select(.line == $want.line) | .at_peak_bytes] | add)}]}
        ' >peak.json
    jq -e '.truth > 0 and .error == .threads * 65536
        and .peak <= .truth and .peak >= .truth - .error
        and all(.sites[]; .got <= .want + $peak.error and .got >= .want - $peak.error)' \
        --argjson peak "$(cat peak.json)" peak.json >/dev/null || {
        cat peak.json >&2
        fail "the peak is not within its bound"
    }
}

# malloc through a pointer: at a foreign site; the direct call beside it has its line.
check_address_taken() {
    expect_json program '.coverage.bytes_foreign == 30000 and .coverage.bytes_with_site == 11'
    expect_json program '[.sites[] | select(.foreign) | .allocations] | add == 20'
}

# new and delete of the program's own ran as often as in the plain build.
check_own_operators() {
    cmp program.plain.out program.out ||
        fail "the program's operators ran otherwise than in a plain build"
    expect_json program '[.sites[] | select(.foreign | not)
        | select(.file | endswith("own_operators.cc")) | .allocations] | add >= 160'
    # Its operator ends in a jump to malloc: the line of `new` is charged all the same.
    expect_json program '[.sites[] | select(.function and (.function | startswith("make_pooled")))
        | .allocations] | add == 100'
}

# Nobody instrumented it: all of it is at foreign sites.
check_foreign() {
    expect_json program '.coverage.bytes_with_site == 0
        and .coverage.bytes_foreign == .statistics.total_bytes'
}

# The runtime linked in and preloaded as well: one of the two counts, once.
both_runtimes() {
    PROGRAM=family.c
    MODE=linked compile program "$programs/family.c"
    run_witness
    MEMSCOPE_OPTIONS="strict=1:output=$PWD/program.msp" run_under program \
        env LD_PRELOAD="$MS_BUILD/lib/libmemscope_rt.so" ./program
    expect_status program 0
    report program.msp program.json
    expect_whole program
    expect_totals program
    expect_sites program program.out yes
}

# A linked program on its own, and a bare-flag one without any runtime, run as if nothing were there.
plain_output_is_the_same() {
    compile_plain plain "$programs/family.c"
    compile program "$programs/family.c"
    ./plain >plain.out
    MEMSCOPE_OPTIONS="strict=1:output=$PWD/program.msp" ./program >program.out
    jq -S 'del(.pid)' plain.out >plain.json
    jq -S 'del(.pid)' program.out >program.truth.json
    cmp plain.json program.truth.json || fail "the program's own figures changed"
    if [ "$MODE" = linked ]; then
        report program.msp program.json
        expect_whole program
        expect_sites program program.out yes
    elif [ -e program.msp ]; then
        fail "a profile without a runtime"
    fi
}

# OpenMP's threads were started for the parallel region.
check_region() {
    local line
    line=$(grep -n 'the region$' "$programs/$PROGRAM" | cut -d: -f1)
    expect_json program "[.threads[] | select(.index > 0)] | length == 3"
    expect_json program ". as \$p | all(.threads[] | select(.index > 0);
        .spawn_site as \$id | any(\$p.sites[]; .id == \$id and .line == $line and .kind == \"parallel region\"))"
}
