# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# SIGKILL at 100 moments of a loop that keeps its own count (seeded, as far as a scheduler allows).

sigkill() {
    local turn pid events got difference
    MODE=linked
    compile kill_loop "$programs/kill_loop.c"
    RANDOM=4711
    for turn in $(seq 100); do
        MEMSCOPE_OPTIONS="strict=1:output='$PWD/$turn.msp'" ./kill_loop "$turn.events" &
        pid=$!
        until [ -s "$turn.events" ]; do sleep 0.002; done
        sleep "0.0$((RANDOM % 90 + 10))"
        kill -KILL "$pid"
        wait "$pid" 2>/dev/null || true
        report "$turn.msp" "$turn.json"
        expect_whole "$turn"
        read -r -a events < <(od -v -An -N16 -w16 -t u8 "$turn.events")
        [ "${events[0]}" -gt 0 ] || fail "turn $turn: killed before its first event"
        got=$(jq '.statistics | .total_allocations + .total_frees' "$turn.json")
        difference=$((got - events[0] - events[1]))
        [ "$difference" -ge 0 ] && [ "$difference" -le 1 ] ||
            fail "turn $turn: the profile has $got events, the program ${events[*]}"
    done
}
