# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# SIGKILL at 100 seeded moments of a loop that keeps its own count in a mapped file: every profile
# reads, and each thread's count differs by the event in flight at most.

killed_at_random() {
    compile app "$programs/counted_loop.c"
    RANDOM=4711
    local turn pid short=0
    for turn in $(seq 100); do
        rm -f count app.msp
        MEMSCOPE_OPTIONS="strict=1:output=$PWD/app.msp" ./app count "$THREADS" &
        pid=$!
        # Wait for the loop's first event, so that each kill falls into it.
        until [ -e count ] && [ "$(od -An -t u8 -N 8 count)" -gt 0 ] 2>/dev/null; do
            kill -0 "$pid" || fail "the loop ended by itself (turn $turn)"
        done
        sleep "0.0$((RANDOM % 900 + 100))"
        kill -KILL "$pid"
        wait "$pid" 2>/dev/null || true
        report app.msp app.json
        compare_counts "$turn"
    done
}

# Per thread: what the loop began and what it finished bracket what the profile has.
compare_counts() {
    od -v -An -w32 -t u8 count | jq -R '[scan("[0-9]+") | tonumber]' | jq -s . >count.json
    jq -e -n --slurpfile count count.json --slurpfile profile app.json '
        ($profile[0].threads | map(select(.name | startswith("loop-")))) as $threads
        | $count[0][:('"$THREADS"')] | to_entries
        | all(.[]; .value as [$made, $freed] | .key as $i
            | ($threads | map(select(.name == "loop-\($i)"))) as [$t]
            | (($t.allocations // 0) - $made) as $a | (($t.frees // 0) - $freed) as $f
            | ($a | fabs) + ($f | fabs) <= 1)' >/dev/null || {
        jq -c . count.json >&2
        jq -c '.threads[] | {name, allocations, frees}' app.json >&2
        fail "turn $1: more than one event of a thread is missing"
    }
}
