# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of the harness
#
# Claims about the benchmark itself. How fast anything is depends on the machine and is no test.

quick_run() {
    local results=results.json
    LLVM=$LLVM MEMSCOPE_BENCH_OUT=$PWD "$MS_SOURCE/bench/run" --quick >bench.out 2>bench.err ||
        { tail -20 bench.err >&2 && fail "bench/run --quick"; }
    jq -e '[.targets[].what] | length == 19' $results >/dev/null || fail "a target has no row"
    jq -e '[.measured[] | select(.cpu_ns.median > 0 and .peak_rss_bytes.median > 0
            and .rounds == 2 and .cpu_ratio.first_quartile <= .cpu_ratio.third_quartile)]
        | group_by(.subject) | map({key: .[0].subject, value: map(.variant)}) | from_entries
        | keys == ["containers", "echo", "malloc_loop", "million_tasks", "two_threads"]
          and all(.[]; sort == ["bare", "foreign", "heaptrack", "linked", "plain", "sites", "weak"])' \
        $results >/dev/null || fail "not every subject was measured in every way"
    jq -e '.runs as $runs | [.measured[] | .subject as $s | .variant as $v
        | .cpu_ns.median == ([$runs[] | select(.subject == $s and .variant == $v) | .cpu_ns] | add / 2)] | all' \
        $results >/dev/null || fail "a median of two is not their mean"
    # In runs this short three programs do nothing but allocate: the estimate may be more than all of their
    # time, and is none then.
    jq -e '[.measured[] | select(.variant == "linked" or .variant == "foreign")
            | .subject as $subject | [.told_percent.median, .told_error.median] | all(. > 0 or . == null and ($subject | IN("echo", "containers") | not))]
        | length == 10 and all' $results >/dev/null || fail "a profile does not tell what it cost"
    jq -e '[.measured[] | select(.variant == "linked") | .profile_bytes > 4096] | all' \
        $results >/dev/null || fail "a profile is empty"
    jq -e '[.instructions[] | select(.variant != "plain") | .added > 10 and .added < 3000] | length == 68 and all' \
        $results >/dev/null || fail "instructions are missing, or no hook ran"
    jq -e '[.targets[] | select(.what | test("Asio|tasks alive")) | .measured] | length == 2 and all(. > 0)' \
        $results >/dev/null || fail "no messages, or no tasks"
    # The middle of two is computed in another way than the mean here: the last bit may differ.
    local near='def near($other): . - $other | fabs < 1e-9;'
    jq -e "$near"'.pairs as $pairs | [.governed[] | .rate as $rate | ($pairs | map(select(.rate == $rate))) as $its
        | select(.pairs == 2 and ($its | length) == 2 and (.told_percent.median | . == null or . >= 0)
            and (.cpu_ratio.median | near($its | map(.cpu_ns / .plain_cpu_ns) | add / 2))
            and (.share | .contexts + .sites + .sampled | . > 0.99 and . < 1.01)) | .rate] == [1, 5, 10]' \
        $results >/dev/null || fail "the budget was not looked at"
    jq -e --slurpfile lines floor.jsonl "$near"'[.floor[] | .step as $step
            | ($lines | map(select(.step == $step).ns)) as $ns | ($lines | map(select(.number == 0).ns)) as $plain
            | select(.rounds == 2 and ($ns | min) > 0 and (.ns.median | near($ns | add / 2))
                and (.ratio.median | near(($ns[0] / $plain[0] + $ns[1] / $plain[1]) / 2)))]
        | length == 9 and .[0].ratio.median == 1' $results >/dev/null || fail "the floor was not measured"
    grep -q '^| pure malloc loop: CPU ratio | 1.6 | 1.3 | [0-9]' bench.out || fail "no table of targets"
    copies_into_docs
}

# Each step of the floor does what the one before does, and more: in callgrind's instructions, since
# what a step costs in time depends on the machine.
each_step_of_the_floor_does_more() {
    compile_plain floor "$MS_SOURCE/bench/programs/floor.c" -fno-omit-frame-pointer
    valgrind -q --tool=callgrind --callgrind-out-file=floor.callgrind ./floor 1 16000 >floor.jsonl ||
        fail "the floor does not count all"
    [ "$(wc -l <floor.jsonl)" = 9 ] || fail "not nine steps"
    # 17,000 pairs a step: a sixteenth more, not timed, goes before.
    callgrind_annotate --inclusive=yes --threshold=100 floor.callgrind |
        sed -nE 's/^ *([0-9,]+) .*:run_([0-8]) \[.*/\2 \1/p' | tr -d , | sort | tee steps |
        awk '$1 != NR - 1 || $2 < last + 17000 { exit 1 } { last = $2 } END { if (NR != 9) exit 1 }' || {
        cat steps >&2
        fail "a step does no more than the one before"
    }
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
