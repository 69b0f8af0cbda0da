# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# SIGKILL at 100 seeded moments of a loop that keeps its own count in a mapped file: every profile
# reads, and each thread's count differs by the event in flight at most. THREADS from the table.

killed_at_random() {
    local turn
    compile program "$programs/counted_loop.c"
    mkfifo started
    RANDOM=4711
    for turn in $(seq 100); do
        kill_once "$turn"
    done
    for turn in $(seq 100); do
        "$memscope" report --json "$turn.msp" >"$turn.json" || fail "$turn.msp does not read"
    done
    # 128 rows of four words a file.
    # shellcheck disable=SC2046
    cat $(seq -f %g.count 100) | od -v -An -w32 -t u8 | jq -Rnc '[inputs | [scan("[0-9]+") | tonumber]]
        | range(100) as $turn | .[$turn * 128:($turn + 1) * 128]' >counts.json
    # The loop's own lines: the first thread also has what libc allocates to start others.
    # shellcheck disable=SC2046 # numbers
    jq -c '[.sites[] | select(.foreign | not) | .threads[]] as $lines
        | {losses: ([.losses[] | if type == "object" then .count else . end] | add),
           threads: [.threads[] | .index as $i
               | {name, allocations: ([$lines[] | select(.thread == $i) | .allocations] | add),
                  frees: ([$lines[] | select(.thread == $i) | .frees] | add)}]}' \
        $(seq -f %g.json 100) >profiles.json
    compare_counts
}

# The program says when each of its threads has had an event, so that the kill falls into the loop.
kill_once() {
    local pid launcher=()
    [ "$MODE" = linked ] || launcher=(env LD_PRELOAD="$MS_BUILD/lib/libmemscope_rt.so")
    MEMSCOPE_OPTIONS="strict=1:output='$PWD/$1.msp'" "${launcher[@]}" \
        ./program "$1.count" "$THREADS" >started &
    pid=$!
    read -r _ <started || fail "the loop ended by itself (turn $1)"
    sleep "0.0$((RANDOM % 500 + 10))"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null || true
}

compare_counts() {
    jq -rn --argjson threads "$THREADS" --slurpfile counts counts.json \
        --slurpfile profiles profiles.json '
        range(100) as $turn | $profiles[$turn] as $p
        | if $p.losses != 0 then "turn \($turn + 1): losses" else empty end,
          (range($threads) as $i | $counts[$turn][$i] as [$made, $freed]
           | [$p.threads[] | select(.name == "loop-\($i)")] as [$t]
           | if (($t.allocations - $made) | fabs) + (($t.frees - $freed) | fabs) <= 1 then empty
             else "turn \($turn + 1), thread \($i): \($made) made, \($freed) freed, not \($t)" end)
        ' >differences
    [ "$(jq -s length profiles.json)" = 100 ] && [ "$(jq -s length counts.json)" = 100 ] ||
        fail "not 100 profiles"
    [ ! -s differences ] || {
        head -5 differences >&2
        fail "more than one event of a thread is missing"
    }
}
