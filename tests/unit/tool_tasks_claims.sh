# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about `memscope tasks`, each a function; run by tests/support/run-claim.

make_profile=$MS_BUILD/tests/unit/memscope_make_profile

# expect_said CODE WORDS COMMAND…: the exit code, and words in stdout or stderr.
expect_said() {
    local code=$1 words=$2 got=0
    shift 2
    "$@" >out 2>&1 || got=$?
    [ "$got" = "$code" ] || { cat out; fail "exit code $got, not $code: $*"; }
    grep -qF -- "$words" out || { cat out; fail "\"$words\" is missing in the output of: $*"; }
}

# expect_json FILE FILTER
expect_json() {
    jq -e "$2" "$1" >/dev/null || { jq . "$1"; fail "not so: $2"; }
}

tasks_json_is_a_part_of_the_reports_and_follows_its_schema() {
    "$make_profile" server x.msp
    "$memscope" report --json x.msp >report.json || fail report
    "$memscope" tasks --json x.msp >tasks.json || fail tasks
    [ "$(jq -r 'keys_unsorted | join(" ")' tasks.json)" = \
        "memscope profile environment tasks task_classes transfers" ] || fail "$(jq -c keys tasks.json)"
    # The schema test looks into the first of each list: into a task with all there is.
    jq -s '.[0] * .[1] | .tasks |= map(select(.id == 3)) | .task_classes |= reverse | .sites = [] |
        .threads = [] | .modules = []' report.json tasks.json >both.json
    python3 "$HERE/tool_schema.py" "$MS_SOURCE/docs/report.schema.json" both.json || fail "schema"
    jq -S '.tasks | sort_by(.id)' report.json >one
    jq -S '.tasks | sort_by(.id)' tasks.json >two
    cmp one two
}

tasks_in_json_add_up_to_the_process() {
    "$make_profile" server x.msp
    "$memscope" report --json x.msp >x.json
    expect_json x.json '([.task_classes[].bytes, (.tasks[] | select(.id < 0) | .bytes)] | add) == .statistics.total_bytes'
    expect_json x.json '([.task_classes[].live_bytes, (.tasks[] | select(.id < 0) | .live_bytes)] | add) == .statistics.live_bytes'
    expect_json x.json 'all(.task_classes[]; .bytes == .task_bytes and .live_bytes == .task_live_bytes)'
    expect_json x.json '.environment.kind == "Hybrid" and .environment.thread_count == 2 and
        .environment.async_task_count == 4 and .strategy == "HybridTracking" and
        ([.environment.runtimes[] | select(.used) | .name]) == ["Boost.Asio", "C++20 coroutines"] and
        .environment.evidence.upgrade.reason == "task_started"'
    expect_json x.json '.tasks[] | select(.id == 1) | .parent == -1 and .edge == "spawned" and
        .edge_rule == 4 and .spawn.line == 30 and .label == "request 17" and .ended_ms == null'
    expect_json x.json '.tasks[] | select(.id == 3) | .parent == 1 and .edge == "awaits" and .elided and
        .spawn.module == "/usr/lib/libnet.so" and .spawn.offset == 7980 and .spawn.file == null'
    expect_json x.json '.tasks[] | select(.id == 4) | .parent == 99'
    expect_json x.json '.transfers[0] as $t | $t.to == -1 and $t.bytes == 900 and $t.last_ms == 1200 and
        (.task_classes[] | select(.id == $t.from) | .function == "session(Socket)" and .count == 102)'
}

views_show_what_they_say() {
    "$make_profile" server x.msp
    expect_said 0 "awaits read()" "$memscope" tasks x.msp
    expect_said 0 "a task, p50 p90 p99:" "$memscope" tasks --by-class x.msp
    expect_said 0 "running    read()" "$memscope" tasks --live x.msp
    expect_said 0 "in 2 blocks freed by main, the latest after 1.2 s" "$memscope" tasks --outlived x.msp
    expect_said 0 "session()  (server.cc:30) → main" "$memscope" tasks x.msp --transfers
    "$memscope" tasks --json --live x.msp >live.json
    expect_json live.json '[.tasks[].id] == [1, 3, 4, 2]'
    "$memscope" tasks --json --live --sort age --top 2 x.msp >age.json
    expect_json age.json '[.tasks[].id] == [1, 2]'
    "$memscope" tasks --json --outlived x.msp >outlived.json
    expect_json outlived.json '[.tasks[].id] == [5, 6]'
    "$memscope" tasks --json --by-class --sort count --top 1 x.msp >classes.json
    expect_json classes.json '[.task_classes[].count] == [102]'
    expect_said 0 "… 2 more, live 1,100 B (--top 0 shows all)" "$memscope" tasks --top 1 x.msp
    expect_said 0 "… 5 more, live 400 B (--top 0 shows all)" "$memscope" tasks --top 1 x.msp
    "$memscope" tasks --color=always x.msp | grep $'\033' >/dev/null || fail "no colour where asked"
    "$memscope" tasks x.msp | grep $'\033' >/dev/null && fail "colour into a pipe"
    return 0
}

wrong_command_lines_of_tasks_exit_2() {
    "$make_profile" server x.msp
    expect_said 2 'unknown option "--by-klass" (did you mean "--by-class"?)' "$memscope" tasks --by-klass x.msp
    expect_said 2 'unknown key "lives" (did you mean "live"?)' "$memscope" tasks --sort lives x.msp
    expect_said 2 'one view at a time: --live and --outlived' "$memscope" tasks --live --outlived x.msp
    expect_said 2 '--sort age: classes have no age' "$memscope" tasks --sort age --by-class x.msp
    expect_said 2 '--sort count: only with --by-class' "$memscope" tasks --sort count x.msp
    expect_said 2 '--transfers are sorted by bytes' "$memscope" tasks --transfers --sort live x.msp
    expect_said 2 '"-1" is not a number' "$memscope" tasks --top -1 x.msp
    expect_said 2 'one profile at a time' "$memscope" tasks x.msp y.msp
    expect_said 1 'nothere.msp: No such file' "$memscope" tasks nothere.msp
    "$make_profile" cut cut.msp
    expect_said 1 'cut short: its last 500 of' "$memscope" tasks cut.msp
    expect_said 1 'incomplete: cut.msp' "$memscope" tasks cut.msp
    expect_said 1 '"complete": false' "$memscope" tasks --json cut.msp
    expect_said 1 "cannot write the output" sh -c "'$memscope' tasks x.msp >/dev/full"
}

# CPU time, since other work may hold the machine up.
million_tasks_alive_are_reported_in_seconds() {
    local line TIMEFORMAT='%U %S'
    "$make_profile" crowd crowd.msp
    "$make_profile" chain chain.msp
    for line in "tasks crowd.msp" "tasks --live --sort age crowd.msp" "tasks chain.msp" "report crowd.msp"; do
        # shellcheck disable=SC2086 # words
        { time "$memscope" $line >out; } 2>cpu || fail "$line: $(cat cpu)"
        grep -q "1,000,000 started, 1,000,000 alive" out || fail "$line: $(cat out)"
        awk '{ exit $1 + $2 > 5 }' cpu || fail "$line took $(cat cpu) s of CPU"
    done
    rm crowd.msp chain.msp
}
