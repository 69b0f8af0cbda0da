# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims about programs of several processes and about how threads and processes begin and end. Each
# process writes its own truth; each must have a profile that equals it.

wanted_status() {
    case $1 in
    under_exit) echo 7 ;;
    quick_exit) echo 8 ;;
    abort) echo 134 ;;
    segfault) echo 139 ;;
    *) echo 0 ;;
    esac
}

# expect_process_sites JSON TRUTH: every line of the truth, in one process's profile.
expect_process_sites() {
    cp "$1" pair.json
    expect_sites pair "$2" no
}

# $WAY in $COUNT programs-in-processes: one truth and one profile each. Several of one pid (exec)
# are matched in the order of their start.
processes() {
    compile app "$programs/processes.c"
    export TRUTH_OUT=$PWD/truth
    WANT_STATUS=$(wanted_status "$WAY") profile_all app ./app "$WAY"
    local pid truth profile seen=0
    for truth in truth.*; do
        pid=$(jq .pid "$truth")
        profile=$(profile_of "$truth" "$pid")
        [ -n "$profile" ] || fail "no profile of process $pid"
        expect_process_sites "$profile" "$truth"
        expect_whole "$profile"
        seen=$((seen + 1))
    done
    [ "$seen" = "$COUNT" ] || fail "$seen truths, $COUNT expected"
}

# The n-th truth of a pid belongs to its n-th profile by start time.
profile_of() {
    local number=${1##*.} pid=$2 file
    case $1 in
    truth.*.*) ;;
    *) number=0 ;;
    esac
    for file in app.d/*.json; do
        jq -r --argjson pid "$pid" 'select(.process.pid == $pid)
            | "\(.process.start_time) \(input_filename)"' "$file"
    done | sort | sed -n "$((number + 1))s/^[^ ]* //p"
}

# Threads that begin and end in every way; constructors, atexit and destructors around them.
lifetimes() {
    compile app "$programs/lifetimes.c"
    profile app ./app "$WAY"
    expect_sites app app.out no
    expect_whole app
    # The runtime keeps 1,000 records; further threads share one and are told by shared_by.
    case $WAY in
    thousand) expect_json app '(.threads | length) >= 1000 and ([.threads[].shared_by] | add) == 1001' ;;
    many_at_once) expect_json app '(.threads | length) == 401' ;;
    five_thousand) expect_json app '([.threads[].shared_by] | add) == 5001' ;;
    esac
}
