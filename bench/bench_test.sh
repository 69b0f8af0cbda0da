# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of the harness
#
# Claims about the benchmark itself. How fast anything is depends on the machine and is no test.

quick_run() {
    local results=results.json
    LLVM=$LLVM MEMSCOPE_BENCH_OUT=$PWD "$MS_SOURCE/bench/run" --quick >bench.out 2>bench.err ||
        { tail -20 bench.err >&2 && fail "bench/run --quick"; }
    jq -e '[.targets[].what] | length == 18' $results >/dev/null || fail "a target has no row"
    jq -e '[.measured[] | select(.cpu_ns.median > 0 and .peak_rss_bytes.median > 0
            and .rounds == 2 and .cpu_ratio.first_quartile <= .cpu_ratio.third_quartile)]
        | group_by(.subject) | map({key: .[0].subject, value: map(.variant)}) | from_entries
        | keys == ["containers", "echo", "malloc_loop", "million_tasks", "two_threads"]
          and all(.[]; sort == ["bare", "foreign", "heaptrack", "linked", "plain", "sites", "weak"])' \
        $results >/dev/null || fail "not every subject was measured in every way"
    jq -e '.runs as $runs | [.measured[] | .subject as $s | .variant as $v
        | .cpu_ns.median == ([$runs[] | select(.subject == $s and .variant == $v) | .cpu_ns] | add / 2)] | all' \
        $results >/dev/null || fail "a median of two is not their mean"
    # Threads that free each other's blocks wait for lines in hooks: the estimate of a run that short may be
    # more than all of its time, and is none then.
    jq -e '[.measured[] | select(.subject != "two_threads" and (.variant == "linked" or .variant == "foreign"))
            | .told_percent.median > 0 and .told_error.median > 0] | length == 8 and all' \
        $results >/dev/null || fail "a profile does not tell what it cost"
    jq -e '[.measured[] | select(.variant == "linked") | .profile_bytes > 4096] | all' \
        $results >/dev/null || fail "a profile is empty"
    jq -e '[.instructions[] | select(.variant != "plain") | .added > 10 and .added < 3000] | length == 68 and all' \
        $results >/dev/null || fail "instructions are missing, or no hook ran"
    jq -e '[.targets[] | select(.what | test("Asio|tasks alive")) | .measured] | length == 2 and all(. > 0)' \
        $results >/dev/null || fail "no messages, or no tasks"
    jq -e '[.governed[] | select(.pairs == 2 and .cpu_ratio.median > 0.5 and .told_percent.median >= 0
            and (.share | .contexts + .sites + .sampled | . > 0.99 and . < 1.01)) | .rate] == [1, 5, 10]' \
        $results >/dev/null || fail "the budget was not looked at"
    jq -e '[.floor[] | select(.rounds == 2 and .ns.median > 0 and .ratio.median > 0.3)]
        | length == 9 and .[0].ratio.median == 1 and .[8].ratio.median > .[2].ratio.median' \
        $results >/dev/null || fail "the floor was not measured"
    grep -q '^| pure malloc loop: CPU ratio | 1.6 | 1.3 | [0-9]' bench.out || fail "no table of targets"
    copies_into_docs
}

# write-docs replaces what it has and leaves the rest.
copies_into_docs() {
    printf '%s\n' before '<!-- bench: times -->' old '<!-- bench: end -->' between \
        '<!-- bench: kept -->' kept '<!-- bench: end -->' after >docs.md
    printf '%s\n' '<!-- bench: times -->' new '<!-- bench: end -->' '<!-- bench: none of kept -->' \
        gone '<!-- bench: end -->' >tables.md
    "$MS_SOURCE/bench/write-docs" tables.md docs.md
    printf '%s\n' before '<!-- bench: times -->' new '<!-- bench: end -->' between \
        '<!-- bench: kept -->' kept '<!-- bench: end -->' after | cmp - docs.md || fail "write-docs"
}
