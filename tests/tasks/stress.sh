# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Many tasks: exact, and what they cost. WHAT, NUMBER, TASKS come from the table.

. "$MS_SOURCE/tests/tasks/tasks.sh"

# The class's sums are the program's own; MOST_BYTES: the profile is no larger.
many_tasks_are_exact() {
    export MEMSCOPE_OPTIONS=strict=1 # verify=1 is for the others: this is how programs are run
    compile program "$tasks/programs/stress.cc" $cxx
    profile program ./program "$WHAT" "$NUMBER"
    expect_whole program
    jq -n --slurpfile truth program.out --slurpfile profile program.json '$truth[0] as $t
        | ([$profile[0].task_classes[] | select(.function | startswith("worker("))] | {count: (map(.count) | add),
           ended: (map(.ended) | add), allocations: (map(.allocations) | add), bytes: (map(.bytes) | add),
           frees: (map(.frees) | add), live_bytes: (map(.live_bytes) | add), resumes: (map(.resumes) | add)}) as $got
        | ([$profile[0].tasks[].frame_bytes] | max) as $frame
        | {tasks: $t, $got, $frame, profile: $profile[0].process.command,
           want: {count: $t.tasks, ended: $t.tasks, allocations: ($t.allocations + $t.tasks),
                  bytes: ($t.bytes + $t.tasks * $frame), frees: ($t.allocations + $t.tasks), live_bytes: 0,
                  resumes: $got.resumes}}' >sums.json
    jq -e '.got == .want and .frame > 0 and .tasks.tasks == ($wanted | tonumber)' --arg wanted "$TASKS" \
        sums.json >/dev/null || fail "$(cat sums.json)"
    [ "$WHAT" != resumes ] || jq -e ".got.resumes >= 2 * $NUMBER" sums.json >/dev/null || fail "$(cat sums.json)"
    expect_json program 'all(.task_classes[]; .bytes == .task_bytes and .live_bytes == .task_live_bytes)'
    [ "$(stat -c %s program.msp)" -le "$MOST_BYTES" ] || fail "the profile has $(stat -c %s program.msp) bytes"
    echo "profile: $(stat -c %s program.msp) bytes"
}

# What a task costs while it is alive, beside its frame: resident memory against the same program
# without a runtime, the profile's pages among it (they are mapped).
a_task_alive_costs_at_most_256_bytes() {
    export MEMSCOPE_OPTIONS=strict=1
    local plain profiled each
    compile program "$tasks/programs/stress.cc" $cxx
    plain=$(./program fanout "$NUMBER" | jq .rss_bytes)
    profile program ./program fanout "$NUMBER"
    expect_whole program
    profiled=$(jq .rss_bytes program.out)
    each=$(((profiled - plain) / NUMBER))
    echo "beside its frame a task costs $each bytes; its profile $(stat -c %s program.msp)"
    [ "$each" -le 256 ] || fail "a task costs $each bytes: $plain without, $profiled with"
}
