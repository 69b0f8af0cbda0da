# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of the harness
#
# Claims about sampling, what tracking costs, and the budget (docs/sampling.md).

programs=$MS_SOURCE/tests/sampling/programs

estimates_of_200_runs_are_unbiased() {
    compile known "$programs/known.c"
    python3 "$MS_SOURCE/tests/sampling/check_runs.py" "$memscope" "$PWD/known" "$RATE" 200 ||
        fail "rate $RATE"
}

# The weight stays with a block: what another thread frees of a task's takes away what it added.
estimates_of_blocks_freed_elsewhere_are_unbiased() {
    compile known "$programs/known.c" -DREMOTE -I"$MS_SOURCE/include"
    python3 "$MS_SOURCE/tests/sampling/check_runs.py" "$memscope" "$PWD/known" "$RATE" 200 ||
        fail "rate $RATE"
}

# At every rate; what is not sampled has a place of its own, and no site is made up.
totals_are_exact_at_every_rate() {
    local rate
    compile known "$programs/known.c"
    compile_plain plain_known "$programs/known.c"
    witness known ./plain_known
    for rate in 0.5 0.1 0.001 0; do
        MEMSCOPE_OPTIONS="strict=1:sample_rate=$rate" profile known ./known
        expect_totals known
        expect_whole known
        expect_json known '[.tracking[-1].level] == [if '$rate' == 0 then "totals" else "sampled" end]'
        expect_json known '.sampling.unsampled_blocks > 0
            and .sampling.unsampled_blocks + .sampling.sampled_blocks == .statistics.total_allocations
            and .sampling.unsampled_bytes + .sampling.sampled_bytes == .statistics.total_bytes'
        rm known.msp
    done
}

# Some 100 ns of work for each pair: tracking costs more than 1 % for certain, and the report says how
# much. (Of nothing but pairs the estimate may be more than all of the time, and is none then.)
overhead_is_told() {
    compile phases "$programs/phases.c"
    compile_plain plain_phases "$programs/phases.c"
    witness phases ./plain_phases 1000000 0 100
    profile phases ./phases 1000000 0 100
    expect_totals phases
    expect_json phases '.overhead.percent > 1 and .overhead.error > 0 and .overhead.cpu_ms > 0'
    expect_json phases '.tracking | length == 1 and .[0].level == "contexts"'
    expect_json phases '.overhead.percent == .sessions[0].overhead_percent and .overhead.error == .sessions[0].overhead_error'
    "$memscope" report phases.msp | grep '^tracking cost about' >/dev/null || fail "the text does not tell"
}

# First stacks go, then single blocks; totals stay exact.
budget_that_is_passed_gives_detail_up() {
    compile phases "$programs/phases.c"
    compile_plain plain_phases "$programs/phases.c"
    witness phases ./plain_phases 5000000 0
    MEMSCOPE_OPTIONS=strict=1:max_overhead_percent=5 profile phases ./phases 5000000 0
    expect_totals phases
    expect_json phases '[.tracking[].level] | .[0:3] == ["contexts", "sites", "sampled"]'
    expect_json phases '.tracking[1:] | all(.[0:2][]; .reason == "over_budget")
        and all(.[] | select(.reason == "over_budget"); .overhead_percent > 5 and .budget_percent == 5)'
    "$memscope" report phases.msp | grep '^given up: ' >/dev/null || fail "the text does not tell"
}

# When there is room again, all comes back.
budget_with_room_takes_detail_back() {
    compile phases "$programs/phases.c"
    MEMSCOPE_OPTIONS=strict=1:max_overhead_percent=5 profile phases ./phases 4000000 320000
    expect_json phases '.tracking | map(.reason) | index("under_budget") > index("over_budget")'
    expect_json phases 'any(.tracking[]; .level == "contexts" and .reason == "under_budget")'
    expect_json phases ".statistics.total_allocations == $(head -1 phases.err)"
}

# What a start cost that met thousands of stacks for the first time says nothing of the rest.
budget_forgets_a_costly_start() {
    compile start "$programs/start.c"
    MEMSCOPE_OPTIONS=strict=1:max_overhead_percent=5 profile start ./start 14 800000
    expect_json start '.tracking[1].reason == "over_budget" and any(.tracking[2:][]; .level == "contexts")'
    expect_json start '[.tracking[].overhead_percent | numbers] | max <= 9900'
    expect_json start ".statistics.total_allocations == $(head -1 start.err)"
}

budget_of_100_gives_nothing_up() {
    compile phases "$programs/phases.c"
    MEMSCOPE_OPTIONS=strict=1:max_overhead_percent=100 profile phases ./phases 0 5000
    expect_json phases '.tracking | length == 1'
    expect_json phases '[.sites[].estimated] | any | not'
}

# Sampled blocks of an exited child of fork, and a child that goes on alone.
fork_child_samples_by_itself() {
    compile forks "$programs/forks.c"
    MEMSCOPE_OPTIONS=strict=1:sample_rate=0.1 profile_all forks ./forks
    jq -se 'length == 2 and (map(.statistics.total_bytes) | sort) == [20000 * 500, 40000 * 500]
        and ([.[].sampling.sampled_blocks > 0] | all)' forks.d/*.json >/dev/null || fail "a child lost something"
}

# By all functions, up to a new peak again and again, on one thread, where the peak is exact, too; and
# where threads free each other's blocks, what does not hang on which comes first: each thread makes
# the same calls for the same sizes, whoever frees them.
blocks_that_are_no_samples_are_counted_exactly() {
    local rate made='(.statistics | [.total_allocations, .total_bytes])'
    compile mixed "$programs/mixed.c"
    compile_plain plain_mixed "$programs/mixed.c"
    witness mixed ./plain_mixed
    profile exact ./mixed threads # a witness would see threads with less thread-local memory
    for rate in 0.5 0.01 0.0001 0; do
        MEMSCOPE_OPTIONS="strict=1:sample_rate=$rate" profile mixed ./mixed
        expect_totals mixed
        expect_whole mixed
        expect_json mixed '.threads | length == 1 and .[0].live_bytes > 0'
        expect_json mixed '([.threads[].live_bytes] | add) == .statistics.live_bytes
            and ([.threads[].allocations] | add) == .statistics.total_allocations
            and .threads[0].at_peak_bytes == .statistics.peak_live_bytes'
        MEMSCOPE_OPTIONS="strict=1:sample_rate=$rate" profile threads ./mixed threads
        jq -e --slurpfile exact exact.json "$made == (\$exact[0] | $made)" threads.json >/dev/null ||
            fail "threads at $rate: $(jq -c "$made" threads.json exact.json)"
        expect_whole threads
        expect_json threads '.strategy == "ThreadLocal" and (.threads | length == 4)
            and ([.threads[].live_bytes] | add) == .statistics.live_bytes
            and ([.threads[].frees] | add) == .statistics.total_frees
            and .statistics.total_bytes - .statistics.freed_bytes == .statistics.live_bytes
            and .statistics.total_allocations - .statistics.total_frees == .statistics.live_allocations
            and .statistics.unknown_frees == 0'
        rm mixed.msp threads.msp
    done
}
