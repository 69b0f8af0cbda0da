# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# Is the budget kept, seen from outside? A program that allocates so many million times in a second
# of its CPU time (bench/programs/rate.c), plain and with max_overhead_percent, in pairs.

governor_rates="1 5 10"
budget=5

# keep_budget: five pairs at least; lines of governor.jsonl.
keep_budget() {
    local rate round pairs=$rounds
    [ $quick = yes ] || [ "$pairs" -ge 5 ] || pairs=5
    for rate in $governor_rates; do
        prepare_rate "$rate"
        say_step "governor, $rate million a second: are the counts right?"
        run_variant rate plain
        counted_by_witness rate witness
        for round in $(seq "$pairs"); do
            say_step "governor, $rate million a second: pair $round of $pairs"
            run_variant rate plain "$measure" plain_run.json
            run_variant rate governed "$measure" run.json
            expect_governed
            jq -c --slurpfile plain plain_run.json --slurpfile profile governed.json \
                --argjson rate "$rate" --argjson round "$round" --argjson pairs "${arguments[1]}" \
                --argjson budget "$budget" "$what_it_kept" run.json >>"$out/governor.jsonl"
        done
    done
}

# Into `arguments`: two seconds of work, a tenth of one where that is enough.
prepare_rate() {
    mkdir -p "$out/governor-$1/p" "$out/governor-$1/l"
    cd "$out/governor-$1"
    compile_plain p/rate "$here/programs/rate.c"
    MODE=linked compile l/rate "$here/programs/rate.c"
    local units
    units=$(p/rate calibrate "$1") || fail "this machine does not reach $1 million a second"
    arguments=("$units" "$1$([ $quick = yes ] && echo 00000 || echo 000000)")
    [ $quick = yes ] || arguments[1]=$((arguments[1] * 2))
}

expect_governed() {
    cmp -s plain.out governed.out || fail "governed: other output than plain"
    report governed.msp governed.json
    expect_whole governed
    cp witness.json governed.witness.json
    expect_totals governed
}

# What one pair says: how the time went by levels (the first one is the start's), and whether all
# that was given up is on record.
# shellcheck disable=SC2016 # variables of jq
what_it_kept='
    . as $run | $profile[0] as $p | $p.sessions[0].elapsed_ms as $until
    | [$p.tracking, $p.tracking[1:] + [{since_ms: $until}]] | transpose
    | map({level: .[0].level, ms: ([.[1].since_ms - .[0].since_ms, 0] | max)}) as $levels
    | $run | {rate: $rate, round: $round, pairs: $pairs, budget: $budget,
               plain_cpu_ns: $plain[0].cpu_ns, cpu_ns: .cpu_ns,
               told: ($p.overhead | {percent, error}), changes: ($p.tracking | length - 1),
               levels: ($levels | group_by(.level)
                        | map({key: .[0].level, value: (map(.ms) | add)}) | from_entries)}'
