# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Signal handlers that allocate while hooks run: every event is counted, the ones inside a hook
# without their site and told so. RUN_MODE from the table.

# Builds signals.c on an allocator of its own and runs it; one truth and one profile per process.
run_signals() {
    MODE=none compile_library libsafe.so "$programs/safe_malloc.c" -fno-builtin
    compile signals "$programs/signals.c" -L. -lsafe -Wl,-rpath,"$PWD"
    TRUTH_OUT=$PWD/truth profile_all run ./signals "$RUN_MODE"
}

# compare TRUTH: what the profile of its process says beside it, and what differs.
compare() {
    local profile
    profile=run.d/$(jq .pid "$1").json
    expect_whole "$profile" reentrant_events reentrant_bytes
    jq -c --slurpfile truth "$1" '$truth[0] as $t
        | def at($line): [.sites[] | select(.line == $line and (.foreign | not))];
          def inside: [.sites[] | select(.kind == "inside a hook")];
          def counts: [(map(.allocations) | add // 0), (map(.frees) | add // 0)];
        {child: $t.child, loop: (at($t.loop_line) | counts), want_loop: $t.loop,
         handler: (at($t.handler_line) + inside | counts), want_handler: $t.handler,
         jumps: $t.jumps, inside: (inside | counts), reentrant: .losses.reentrant_events}' "$profile" >>compared
}

# expect_all CONDITION: for every line of `compared`.
expect_all() {
    jq -e "$1" compared >verdicts || {
        jq -c "select($1 | not)" compared | head -5 >&2
        fail "not $1"
    }
    ! grep -qv true verdicts || {
        jq -c "select($1 | not)" compared | head -5 >&2
        fail "not $1"
    }
}

handlers() {
    local truth count=0
    run_signals
    for truth in truth.*; do
        compare "$truth"
        count=$((count + 1))
    done
    [ "$count" = "${PROCESSES:-1}" ] || fail "$count processes told, $PROCESSES expected"
    expect_all '.child == 1 or (.inside[0] > 0 and .inside[1] > 0)' # it bites
    expect_all '.handler == .want_handler'
    if [[ $RUN_MODE = *goes_on ]]; then
        # A child's first event is the one that the fork cut in two: begun by its parent.
        expect_all '.child == 1 or .loop == .want_loop'
        expect_all '.child == 0 or (.loop[0] - .want_loop[0] | fabs) <= 1'
    else
        expect_all '.loop == .want_loop'
    fi
}

# A hook that is interrupted has read of its thread's table what the handler's events replace: one of
# 80 processes died of it. The counts of one are enough.
tables_that_grow_meanwhile() {
    local round
    RUN_MODE=grow run_signals
    compare truth.*
    expect_all '.loop == .want_loop and .handler == .want_handler'
    for round in $(seq 300); do
        TRUTH_OUT=$PWD/another run_under again "$memscope" run -o again.msp -- ./signals grow
        [ "$(cat again.status)" = 0 ] || fail "process $round exited $(cat again.status): $(cat again.err)"
        rm again.msp another.*
    done
}

# A jump leaves at most the event half done that it interrupted, and no hook counts as running on.
jumps() {
    run_signals
    compare truth.*
    expect_all '.jumps >= 500 and .reentrant == 0'
    expect_all '(.loop[0] - .want_loop[0] | fabs) + (.loop[1] - .want_loop[1] | fabs) <= .jumps'
}
