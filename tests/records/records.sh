# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about single blocks (records=N) and memscope-rs's JSON, which lists them.

programs=$MS_SOURCE/tests/records/programs
compare=$MS_SOURCE/tests/records/compare.py

# record LIMIT NAME COMMAND…: NAME.msp, NAME.json, the file set in NAME.rs, NAME.strategy.json.
record() {
    local limit=$1 name=$2
    shift 2
    run_under "$name" "$memscope" run --strict --records "$limit" -o "$name.msp" -- "$@"
    expect_status "$name" "${WANT_STATUS:-0}"
    export_all "$name"
}

export_all() {
    report "$1.msp" "$1.json"
    "$memscope" export --format=memscope-rs -o "$1.rs" "$1.msp" 2>"$1.export" || fail "$(cat "$1.export")"
    "$memscope" export --format=memscope-strategy "$1.msp" >"$1.strategy.json" || fail "strategy"
}

# expect_sums NAME: the files' sums are the report's.
expect_sums() {
    python3 "$compare" sums "$1.rs" "$1.json" || fail "$1: sums differ"
}

# expect_blocks NAME [some]: the lists are the program's own.
expect_blocks() {
    python3 "$compare" blocks "$1.rs" "$1.out" "${@:2}" || fail "$1: blocks differ"
}

# expect_schemas NAME: every file follows its schema, which notices any key that is not as it is. Slow
# on long lists.
expect_schemas() {
    local file count=0
    for file in "$1.rs"/*.json; do
        python3 "$MS_SOURCE/tests/unit/tool_schema.py" \
            "$MS_SOURCE/docs/memscope-rs/$(basename "${file%.json}").schema.json" "$file" || fail "$file"
        count=$((count + 1))
    done
    [ $count = 7 ] || fail "$count files"
    python3 "$MS_SOURCE/tests/unit/tool_schema.py" "$MS_SOURCE/docs/memscope-rs/strategy.schema.json" \
        "$1.strategy.json" || fail "$1.strategy.json"
}

# All blocks fit: both lists are exactly the program's books.
all_blocks_are_the_programs_own() {
    compile blocks "$programs/blocks.c"
    record 1000000 all ./blocks "$THREADS" 20000 3
    expect_whole all
    expect_sums all
    expect_blocks all
    jq -e '.metadata.truncated == false' all.rs/memory_analysis.json >/dev/null || fail "truncated"
}

# Few fit: never more than that, each of them true, and the sums the same.
few_blocks_are_true() {
    compile blocks "$programs/blocks.c"
    record 50 few ./blocks "$THREADS" 20000 4
    expect_whole few
    expect_sums few
    expect_blocks few some
    expect_schemas few
    # What libc gives back when threads end is not followed by other blocks.
    jq -e '.metadata | .truncated and .alive_blocks > 50 and .alive_blocks_listed <= 50 and
        .alive_blocks_listed >= 40 and .freed_blocks_listed == 50' few.rs/memory_analysis.json >/dev/null || fail "$(head -3 few.rs/memory_analysis.json)"
}

lists_are_empty_without_records() {
    compile blocks "$programs/blocks.c"
    record 0 none ./blocks 2 1000 5
    expect_sums none
    jq -e '.allocations == [] and .metadata.truncated and .metadata.alive_blocks > 0' \
        none.rs/memory_analysis.json >/dev/null || fail "lists"
    jq -e '.leak_detection.total_leaks > 0 and .leak_detection.leak_details == []' \
        none.rs/leak_detection.json >/dev/null || fail "leaks"
}

fork_child_lists_its_own_blocks_alone() {
    local child
    compile blocks "$programs/blocks.c"
    CHILD=child.out run_under parent "$memscope" run --strict --records 1000000 -o "%p.msp" -- ./blocks 3 5000 6 fork
    expect_status parent 0
    set -- *.msp
    [ $# = 2 ] || fail "$# profiles"
    for child in "$@"; do
        report "$child" "x.json"
        if jq -e .profile.forked x.json >/dev/null; then mv "$child" child.msp; else mv "$child" parent.msp; fi
    done
    for child in parent child; do
        export_all $child
        expect_sums $child
        expect_blocks $child
    done
    jq -e '.statistics.inherited_frees > 0' child.json >/dev/null || fail "nothing was inherited"
}

# killed_lists NAME LIMIT MODE CONDITION: of a run that SIGKILL ended, with $listed alive blocks listed
# of $alive.
killed_lists() {
    local name=$1 limit=$2 mode=$3 condition=$4
    WANT_STATUS=137 record "$limit" "$name" ./blocks 4 "$((limit == 20 ? 200000 : 20000))" 7 "$mode"
    expect_json "$name" '.process.exit.signal == 9 and .profile.damaged_places == 0'
    jq -e --argjson limit "$limit" '.metadata | .alive_blocks as $alive | .alive_blocks_listed as $listed |
        .freed_blocks_listed <= $limit and .freed_blocks_listed > 0 and '"$condition" \
        "$name.rs/memory_analysis.json" >/dev/null || fail "$(head -3 "$name.rs/memory_analysis.json")"
}

killed_process_leaves_its_blocks() {
    compile blocks "$programs/blocks.c"
    # The place of a listed block that was freed is empty until the next is allocated: after 64
    # allocations none is; while threads run, five at once were empty once in some million runs.
    # shellcheck disable=SC2016
    killed_lists settled 20 settle '$alive > 64 and $listed == $limit'
    killed_lists killed20 20 kill '$listed <= $limit and $listed >= $limit - 4'
    expect_schemas killed20
    killed_lists killed 1000000 kill '$listed > 0 and ($alive - $listed | fabs) <= 4'
}

# Each coroutine's blocks have its id: numbered by their sizes.
blocks_of_coroutines_have_their_tasks() {
    compile tasks "$programs/tasks.cc" -std=c++20
    record 1000 tasks ./tasks
    expect_whole tasks
    expect_sums tasks
    expect_schemas tasks
    jq -e '[.allocations[] | select(.size >= 1000 and .size < 3100)] as $blocks |
        [range(20) as $i | [$blocks[] | select(.size % 1000 == $i)] |
            {task: (map(select(.size < 3000) | .task_id) | unique), own: (map(select(.size >= 3000) | .task_id) | unique),
             sizes: (map(.size) | sort), i: $i}] |
        (map(.task[]) | unique | length) == 20 and (map(.own[]) | unique | length) == 1 and
        all(.[]; (.task | length) == 1 and .sizes == [.i + 1000, .i + 2000, .i + 3000]) and
        (map(.own[0]) - map(.task[]) | length) == 20' tasks.rs/async_analysis.json >/dev/null ||
        fail "$(jq -c '.allocations[] | [.size, .task_id]' tasks.rs/async_analysis.json)"
    jq -e '[.allocations[] | select(.size >= 1000 and .size < 1100)] | (map(select(.is_alive) | .size) | sort) ==
        [range(10) + 1000] and (map(select(.is_alive | not) | .size) | sort) == [range(10) + 1010]' \
        tasks.rs/memory_analysis.json >/dev/null || fail "which are alive"
}

hybrid_strategy_has_two_parts() {
    compile late "$MS_SOURCE/tests/tasks/programs/late.cc" -std=c++20 -I"$MS_SOURCE/include"
    record 100000 late ./late
    expect_sums late
    record 20 short ./late
    expect_sums short
    expect_schemas short
    jq -n --slurpfile all late.strategy.json --slurpfile report late.json '$all[0] as $it | $report[0].statistics as $sum |
        $it.strategy_type == "hybrid" and
        ([$it.thread_data, $it.async_data] | (map(.strategy_metadata.total_bytes) | add) == $sum.total_bytes and
            (map(.strategy_metadata.total_allocations) | add) == $sum.total_allocations and
            (map(.allocations | length) | add) == $sum.live_allocations + $sum.total_frees and
            all(.[]; .allocations | length > 0))' | grep -x true >/dev/null || fail "$(tail -3 late.strategy.json)"
}

# Algorithm R with the runtime's generator, made here once more: the same blocks are drawn; and over
# many seeds each is drawn as often as any other, by chi-square.
sample_of_freed_blocks_is_even() {
    compile in_order "$programs/in_order.c"
    local seed
    for seed in $(seq 150); do
        rm -f one.msp
        MEMSCOPE_OPTIONS=strict=1:verbosity=0:output=one.msp:records=8:records_seed=$seed \
            LD_PRELOAD=$MS_BUILD/lib/libmemscope_rt.so ./in_order 40 || fail "seed $seed"
        "$memscope" export --format=memscope-strategy one.msp |
            jq -c "{seed: $seed, sizes: [.allocations[] | select(.timestamp_dealloc) | .size]}"
    done >samples.json
    python3 "$MS_SOURCE/tests/records/sample.py" 40 8 <samples.json || fail "the sample is not even"
}

files_that_are_there_stay() {
    compile in_order "$programs/in_order.c"
    record 10 x ./in_order 5
    cp -r x.rs before
    echo mine >x.rs/lifetime.json
    run_under again "$memscope" export --format=memscope-rs -o x.rs x.msp
    expect_status again 1
    grep -q "is there already; --force replaces it" again.err || fail "$(cat again.err)"
    [ "$(cat x.rs/lifetime.json)" = mine ] || fail "a file was replaced"
    rm x.rs/memory_analysis.json
    run_under again "$memscope" export --format=memscope-rs -o x.rs x.msp
    expect_status again 1
    [ ! -e x.rs/memory_analysis.json ] || fail "half of a set was written"
    "$memscope" export --format=memscope-rs --force -o x.rs x.msp || fail "--force"
    [ "$(jq -c .ownership_histories x.rs/lifetime.json)" = "$(jq -c .ownership_histories before/lifetime.json)" ] ||
        fail "another file"
    "$memscope" export --format=memscope-rs x.msp || fail "no output named"
    [ -s x.memscope-rs/task_graph.json ] || fail "no folder beside the profile"
    run_under file "$memscope" export --format=memscope-rs -o x.msp x.msp
    expect_status file 1
    run_under stdout "$memscope" export --format=memscope-rs -o - x.msp
    expect_status stdout 2
    run_under by "$memscope" export --format=memscope-strategy --by live x.msp
    expect_status by 2
    run_under nowhere "$memscope" export --format=memscope-rs -o no/such x.msp
    expect_status nowhere 1
    grep -q "no/such" nowhere.err || fail "$(cat nowhere.err)"
}

# A program that goes on has no leaks yet, and the kernel is asked about it.
running_process_has_no_leaks_and_a_size() {
    cat >waits.c <<'C'
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    void *volatile block = malloc(4321);
    puts("ready");
    fflush(stdout);
    return getchar() == 'x' && block;
}
C
    compile waits "$PWD/waits.c"
    mkfifo in out
    MEMSCOPE_OPTIONS=strict=1:output=waits.msp:records=10 LD_PRELOAD=$MS_BUILD/lib/libmemscope_rt.so ./waits <in >out &
    exec 7>in 8<out
    read -r <&8
    "$memscope" export --format=memscope-rs -o running waits.msp || fail export
    exec 7>&-
    wait $! || fail "the program"
    jq -e '.leak_detection.total_leaks == 0 and .metadata.process_state == "running" and
        .metadata.alive_blocks_listed > 0' running/leak_detection.json >/dev/null || fail "leaks"
    jq -e '.memory_stats | .virtual_memory.process_bytes > .physical_memory.process_bytes and
        .physical_memory.process_bytes > 4321 and .system_memory.total_bytes > 0' \
        running/system_resources.json >/dev/null || fail "$(cat running/system_resources.json)"
    jq -e '[.task_profiles[0] | .is_completed, .completed_at_ms] == [false, null]' running/async_analysis.json \
        >/dev/null || fail "tasks"
    python3 "$MS_SOURCE/tests/unit/tool_schema.py" \
        "$MS_SOURCE/docs/memscope-rs/system_resources.schema.json" running/system_resources.json || fail schema
}

# Totals are exact all the same; what sites say is an estimate, and told to be one.
sampled_runs_tell_what_is_estimated() {
    compile known "$MS_SOURCE/tests/sampling/programs/known.c"
    MEMSCOPE_OPTIONS=strict=1:sample_rate=0.1 profile sampled ./known
    profile exact ./known
    export_all sampled
    export_all exact
    expect_sums sampled
    expect_schemas sampled
    expect_schemas exact
    local file
    for file in memory_analysis lifetime thread_analysis leak_detection system_resources; do
        jq -e --slurpfile report sampled.json '.metadata | .sites_estimated
            and .sampled_blocks == $report[0].sampling.sampled_blocks
            and .unsampled_blocks == $report[0].sampling.unsampled_blocks
            and .sampled_blocks > 0 and .unsampled_blocks > .sampled_blocks' "sampled.rs/$file.json" \
            >/dev/null || fail "$file does not tell of samples"
        jq -e '.metadata | [.sites_estimated, .sampled_blocks, .unsampled_blocks] == [false, 0, 0]' \
            "exact.rs/$file.json" >/dev/null || fail "$file: nothing was sampled"
    done
    # Of 239,500 blocks (and what libc takes) the categories are estimates, near but no sum.
    jq -e '([.type_distribution[]] | add) as $all
        | $all != .metadata.total_allocations and $all > 200000 and $all < 280000' \
        sampled.rs/memory_analysis.json >/dev/null || fail "$(jq -c .type_distribution sampled.rs/memory_analysis.json)"
}
