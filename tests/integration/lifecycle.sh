# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Processes and threads that begin and end in every way. RUN_MODE, WANT_STATUS, PROFILES, THREADS
# and LISTED come from the table.

# Every process's truth has a profile whose lines are equal.
processes() {
    local truth profile want=${PROFILES:?}
    compile processes "$programs/processes.c"
    TRUTH_OUT=$PWD/truth profile_all run "$PWD/processes" "$RUN_MODE"
    set -- run.d/*.msp
    [ $# = "$want" ] || fail "$# profiles, $want expected: $*"
    set -- truth.*
    [ $# = "$want" ] || fail "$# processes told their truth, $want expected"
    for truth in truth.*; do
        profile=$(profile_of "$truth")
        [ -n "$profile" ] || fail "no profile of $truth"
        expect_whole "$profile"
        expect_sites "${profile%.json}" "$truth" no
    done
}

# The n-th truth of a pid (exec leaves several) belongs to its n-th profile by start time.
profile_of() {
    local pid number=0
    pid=$(jq .pid "$1")
    case $1 in
    truth.*.*) number=${1##*.} ;;
    esac
    jq -r --argjson pid "$pid" 'select(.process.pid == $pid)
        | "\(.process.start_time) \(input_filename)"' run.d/"$pid"*.json | sort | sed -n "$((number + 1))s/^[^ ]* //p"
}

# Threads: every line's counts, the number of threads that started, and how many are listed.
lifetimes() {
    compile lifetimes "$programs/lifetimes.c"
    # shellcheck disable=SC2086
    profile run ./lifetimes ${RUN_MODE:-}
    expect_whole run
    expect_sites run run.out no
    [ -z "${THREADS:-}" ] || {
        expect_json run ".environment.evidence.threads_started == $THREADS"
        expect_json run "([.threads[].shared_by] | add) == $THREADS"
    }
    [ -z "${LISTED:-}" ] || expect_json run "(.threads | length) == $LISTED"
}
