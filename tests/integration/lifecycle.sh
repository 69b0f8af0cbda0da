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

# The n-th truth of a pid (exec leaves several) belongs to its n-th profile: PID.msp, PID.1.msp, …
profile_of() {
    local pid number=0
    pid=$(jq .pid "$1")
    case $1 in
    truth.*.*) number=${1##*.} ;;
    esac
    jq -r --argjson pid "$pid" 'select(.process.pid == $pid)
        | "\(input_filename | capture("[0-9]+([.](?<n>[0-9]+))?[.]json$") | .n // 0) \(.process.start_time) \(input_filename)"' \
        run.d/"$pid"*.json | sort -n >"profiles.$pid"
    cut -d ' ' -f 2 "profiles.$pid" | sort -c || fail "profiles of $pid are numbered in another order than they began"
    sed -n "$((number + 1))s/^[^ ]* [^ ]* //p" "profiles.$pid"
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

# A coroutine that forks: the parent's coroutines have what the parent did, resumptions and
# destructions included; the child, which follows none of those it inherited, has its allocations.
forking_coroutines() {
    local profile parents=0
    compile fork_in_coroutine "$programs/fork_in_coroutine.cc" -std=c++20
    profile_all run "$PWD/fork_in_coroutine" "$RUN_MODE"
    set -- run.d/*.json
    [ $# = 2 ] || fail "$# profiles, 2 expected"
    for profile in "$@"; do
        profile=${profile%.json}
        expect_whole "$profile"
        if jq -e '.task_classes | length == 0' "$profile.json" >/dev/null; then
            expect_json "$profile" '
                [.sites[] | select(.function // "" | test("allocating|forking")) | .allocations]
                | add == 7'
        else
            parents=$((parents + 1))
            expect_json "$profile" '[.task_classes[]
                | [(.function | split("(")[0]), .count, .ended, .resumes, .allocations]] | sort
                == [["allocating", 1, 1, 5, 5], ["forking", 1, 1, 4, 2]]'
        fi
    done
    [ $parents = 1 ] || fail "$parents profiles have coroutines, 1 expected"
}

# What a fork child has of its parent's profile is a copy; nothing lies at address 0, where a root's
# child could have it.
mappings() {
    compile mappings "$programs/mappings.c"
    profile_all run ./mappings "$RUN_MODE"
    local own copies
    own=$(grep -c " rw-s .*\.msp$" run.out) || true
    copies=$(grep -c " rw-p .*\.msp$" run.out) || true
    [ "$own $copies" = "1 1" ] && [ "$(wc -l <run.out)" = 2 ] || fail "$(cat run.out)"
}
