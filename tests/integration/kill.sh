# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# SIGKILL at 100 seeded moments of a loop that keeps its own count in a mapped file: every profile
# reads, and each thread's count differs by the event in flight at most. THREADS from the table.

killed_at_random() {
    local turn
    compile program "$programs/counted_loop.c"
    RANDOM=4711
    for turn in $(seq 100); do
        kill_once "$turn"
        report program.msp program.json
        expect_whole program
        compare_counts "$turn"
    done
}

# Waits for the first event of every thread, so that each kill falls into the loop.
kill_once() {
    local pid launcher=()
    rm -f count program.msp
    [ "$MODE" = linked ] || launcher=(env LD_PRELOAD="$MS_BUILD/lib/libmemscope_rt.so")
    MEMSCOPE_OPTIONS="strict=1:output='$PWD/program.msp'" "${launcher[@]}" \
        ./program count "$THREADS" &
    pid=$!
    until [ "$(started)" = "$THREADS" ]; do
        kill -0 "$pid" || fail "the loop ended by itself (turn $1)"
    done
    sleep "0.0$((RANDOM % 900 + 100))"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
}

# How many threads have counted an event.
started() {
    [ ! -e count ] || od -v -An -w32 -t u8 count | grep -vc '^ *0 '
}

compare_counts() {
    od -v -An -w32 -t u8 count | jq -R '[scan("[0-9]+") | tonumber]' | jq -s . >count.json
    jq -e -n --argjson threads "$THREADS" --slurpfile count count.json \
        --slurpfile profile program.json '
        all(range($threads); . as $i | $count[0][$i] as [$made, $freed]
            | [$profile[0].threads[] | select(.name == "loop-\($i)")] as [$t]
            | (($t.allocations - $made) | fabs) + (($t.frees - $freed) | fabs) <= 1)' \
        >/dev/null || {
        jq -c '.[0:4]' count.json >&2
        jq -c '.threads[] | {name, allocations, frees}' program.json >&2
        fail "turn $1: more than one event of a thread is missing"
    }
}
