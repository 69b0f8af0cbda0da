# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Processes and threads that begin and end in every way: each process's truth file against the
# profile of its pid. RUN_MODE, WANT_STATUS and PROFILES come from the table.

# Every process's truth has a profile whose lines are equal.
processes() {
    local truth pid matched profile want=${PROFILES:?}
    compile processes "$programs/processes.c"
    TRUTH_OUT=$PWD/truth profile_all run "$PWD/processes" "$RUN_MODE"
    set -- run.d/*.msp
    [ $# = "$want" ] || fail "$# profiles, $want expected: $*"
    set -- truth.*
    [ $# = "$want" ] || fail "$# processes told their truth, $want expected"
    for truth in truth.*; do
        pid=$(jq .pid "$truth")
        matched=no
        # exec leaves two profiles of one pid: one of them must be equal.
        for profile in run.d/"$pid"*.json; do
            [ "$(jq .process.pid "$profile")" = "$pid" ] || continue
            expect_whole "$profile"
            (expect_sites "${profile%.json}" "$truth" no) 2>>differences && matched=yes
        done
        [ "$matched" = yes ] || {
            tail -20 differences >&2
            fail "no profile equals $truth"
        }
    done
}

# Threads: every line's counts, and the number of threads that started.
lifetimes() {
    compile lifetimes "$programs/lifetimes.c"
    # shellcheck disable=SC2086
    profile run ./lifetimes ${RUN_MODE:-}
    expect_whole run
    expect_sites run run.out no
    [ -z "${THREADS:-}" ] || expect_json run ".environment.evidence.threads_started == $THREADS"
    [ -z "${LISTED:-}" ] || expect_json run "[.threads[].shared_by] | add == $LISTED"
}
