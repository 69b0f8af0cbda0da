# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about the backend, end to end.

backend=$MS_SOURCE/tests/backend/programs
include="-I$MS_SOURCE/include"

a_forced_strategy_by_option_is_upgraded_with_a_warning_on_record() {
    local way
    compile program "$backend/session.c" "$include"
    for way in option flag; do
        if [ $way = option ]; then
            MEMSCOPE_OPTIONS=strict=1:strategy=global-direct profile $way ./program thread
        else
            run_under $way "$memscope" run --strategy global-direct -o $way.msp -- ./program thread
            expect_status $way 0
            report $way.msp $way.json
        fi
        expect_whole $way
        expect_json $way '.strategy == "ThreadLocal" and .forced_strategy == {"name": "GlobalDirect", "upgraded": true}'
        grep -q "the strategy is forced: GlobalDirect" $way.err || fail "$(cat $way.err)"
        grep -q "cannot be exact, since a thread is started: it is upgraded" $way.err || fail "$(cat $way.err)"
        "$memscope" report $way.msp | grep "GlobalDirect was forced and could not have been exact: upgraded to ThreadLocal" >/dev/null ||
            fail "the report does not tell"
    done
    MEMSCOPE_OPTIONS=strict=1:strategy=hybrid-tracking profile forced ./program
    expect_whole forced
    expect_json forced '.strategy == "HybridTracking" and .environment.kind == "SingleThreaded" and
        .forced_strategy.upgraded == false and .environment.evidence.upgrade.reason == "forced"'
    MEMSCOPE_OPTIONS=strict=1:auto_detect=0 profile blind ./program thread
    expect_json blind '.sessions[0].environment.kind == "SingleThreaded" and .forced_strategy.upgraded and .strategy == "ThreadLocal"'
}

flags_and_options_are_validated_alike() {
    compile program "$backend/session.c" "$include"
    local flag value key
    while read -r flag value; do
        key=${flag//-/_}
        run_under flag "$memscope" run "--$flag" "$value" -- ./program
        expect_status flag 2
        grep -q -- "--$flag: \"$value\" is none; it takes" flag.err || fail "$(cat flag.err)"
        MEMSCOPE_OPTIONS="strict=1:$key=$value" run_under option "$memscope" run -o option.msp -- ./program
        expect_status option 0
        grep -q "bad value '$value' of option $key" option.err || fail "$key=$value: $(cat option.err)"
    done <<'END'
strategy fast
auto-detect 2
sample-rate 1.5
sample-rate nan
sample-rate -1
max-overhead-percent 100.1
max-overhead-percent inf
END
    run_under good "$memscope" run --sample-rate 1.0 --max-overhead-percent 0 --auto-detect 1 --strategy thread-local -o good.msp -- ./program
    expect_status good 0
    report good.msp good.json
    expect_whole good
    expect_json good '.strategy == "ThreadLocal" and (.process.options | contains("sample_rate=1.0:max_overhead_percent=0"))'
}

without_any_call_one_session_is_the_programs_life() {
    compile program "$programs/peaks.c"
    profile program ./program
    expect_whole program
    expect_json program '(.sessions | length) == 1 and (.sessions[0] | .whole_process and .ended and
        (.id | test("^[0-9a-f]{32}-0$")))'
    expect_json program '[.sessions[0] | .overhead_percent, .overhead_error] == [.overhead | .percent, .error]'
    expect_json program '.sessions[0].statistics.total_bytes == .statistics.total_bytes and
        .sessions[0].statistics.peak_memory_bytes == .statistics.peak_live_bytes and
        .sessions[0].start == .process.start_time and .sessions[0].environment.kind == "SingleThreaded"'
}

an_open_session_of_a_killed_program_is_told() {
    compile program "$backend/session.c" "$include"
    WANT_STATUS=137 profile program ./program kill
    expect_json program '[.sessions[] | (.ended | not) and .statistics.total_allocations == 1 and .statistics.total_bytes == 12345
        and .statistics.peak_memory_bytes == .statistics.live_bytes and .statistics.earlier_frees == null] == [true]'
    "$memscope" report program.msp | grep "^session 1: .*1 call, 12,345 B, .*not ended" >/dev/null || fail "the text does not tell"
}

# The configuration's output: the profile goes on there, whole, and the old file is gone.
output_moves_the_profile() {
    MODE=linked
    compile program "$backend/session.c" "$include"
    run_under moved env MEMSCOPE_OPTIONS=strict=1 TMPDIR="$PWD" ./program "$PWD/moved.%e.msp"
    expect_status moved 0
    report moved.program.msp moved.json
    expect_whole moved
    expect_json moved '.sessions[0].statistics.total_bytes == 12345 and .process.state == "exited"'
    [ -z "$(find memscope-* -name '*.msp' 2>/dev/null)" ] || fail "the old profile is there"
    run_under refused env MEMSCOPE_OPTIONS=strict=1 TMPDIR="$PWD" ./program /nowhere/x.msp
    expect_status refused 1
    [ "$(cat refused.err)" = "15 /nowhere/x.msp: no such folder" ] || fail "$(cat refused.err)"
    # The user's word has precedence.
    profile stays ./program "$PWD/elsewhere.msp"
    [ ! -e elsewhere.msp ] || fail "moved away from memscope run -o"
}

coroutines_that_move_between_sessions_are_exact() {
    # shellcheck disable=SC2086
    compile program "$backend/coroutines.cc" -std=c++20 $include
    profile program ./program
    expect_whole program
    grep -q "^wrong: 0$" program.out || fail "$(cat program.out)"
    expect_json program '(.sessions | length) == 4 and .sessions[0].environment.kind == "AsyncRuntime"'
}

the_documented_example_counts_with_and_without_the_runtime() {
    awk '/^```/ { inside = !inside && $0 == "```c"; next } inside' "$MS_SOURCE/docs/backend.md" >api.c
    "clang-$LLVM" -Wall -Wextra -Werror "$include" api.c -o plain || fail "it does not compile"
    [ "$(./plain)" = "no MemScope runtime in this process" ] || fail "without the runtime: $(./plain)"
    "$MS_BUILD/bin/memscope-clang-$LLVM" -g "$include" api.c -o linked || fail "it does not compile with the plugin"
    for program in plain linked; do
        profile $program ./$program
        [ "$(cat $program.out)" = "1000 bytes in 1 calls" ] || fail "$program says $(cat $program.out)"
    done
}

the_example_measures_itself() {
    cmake -S "$MS_SOURCE/examples/measure" -B build -G Ninja -DMEMSCOPE_LLVM_MAJOR="$LLVM" -DMEMSCOPE_INCLUDE="$MS_SOURCE/include" \
        -DCMAKE_TOOLCHAIN_FILE="$MS_BUILD/lib/cmake/MemScope/memscope-toolchain.cmake" >build.log 2>&1 &&
        cmake --build build >>build.log 2>&1 || { tail -n 30 build.log >&2; fail "it does not build"; }
    profile measure build/measure "$PWD/copy.msp"
    expect_whole measure
    grep -qx "by one: 1000 calls, 2002000 bytes, 2002 bytes a call" measure.out || fail "$(cat measure.out)"
    grep -qx "SingleThreaded, GlobalDirect" measure.out || fail "$(cat measure.out)"
    expect_json measure '[.sessions[] | .ended] == [true, true, true] and .sessions[1].statistics.total_bytes == 2002000
        and .sessions[1].statistics.peak_memory_bytes - .sessions[1].statistics.live_bytes == 4000'
    report copy.msp copy.json
    expect_whole copy
    expect_json copy '.process.state == "copied" and (.sessions | length) == 3'
    [ "$(jq -c '.sessions[1]' copy.json)" = "$(jq -c '.sessions[1]' measure.json)" ] || fail "the copy tells another session"
}

linked_in_and_used_are_told_apart() {
    gcc -O1 -fopenmp -Wall -Wextra -Werror "$include" "$backend/runtimes.c" -o program || skip "needs gcc's OpenMP"
    profile program ./program
    openmp_is_told libgomp
}

# By its regions, where the compiler's own library has no descriptor.
openmp_of_clang_is_told() {
    "clang-$LLVM" -fopenmp -xc /dev/null -c -o x.o 2>/dev/null && [ -e "/usr/lib/llvm-$LLVM/lib/libomp.so" ] ||
        skip "needs clang-$LLVM's OpenMP"
    compile program "$backend/runtimes.c" "$include" -fopenmp
    profile program ./program
    expect_whole program
    openmp_is_told libomp
}

# openmp_is_told LIBRARY: three threads, the program's first among them.
openmp_is_told() {
    grep -qx "before: SingleThreaded, primary none -, 0 alive of 0" program.out || fail "$(cat program.out)"
    grep -qx "before: OpenMP, $1: linked 1 used 0, 0 of 0" program.out || fail "$(cat program.out)"
    grep -qx "after: MultiThreaded, primary OpenMP $1, 0 alive of 0" program.out || fail "$(cat program.out)"
    grep -qx "after: OpenMP, $1: linked 1 used 1, 2 of 2" program.out || fail "$(cat program.out)"
}

# Nothing that a collection does holds up who allocates: 99.9 of 100 pairs take less than 20 us of their
# thread's CPU time more than the same pairs of libc's own functions, whose locks eight threads share.
# What is first seen takes the slow path, and is listed apart.
hooks_stay_short_while_another_thread_collects() {
    local usual plain
    compile collecting "$backend/collecting.c" "$include"
    profile collecting ./collecting
    expect_whole collecting
    cat collecting.out
    grep -qx "collections 1000 backward 0 failed 0" collecting.out || fail "a collection was not consistent"
    awk '$1 == "usual" || $1 == "plain" { if ($2 < 10000) exit 1 } $1 == "first" && $2 < 100 { exit 1 }' \
        collecting.out || fail "too few events: $(cat collecting.out)"
    plain=$(awk '$1 == "plain" { print $8 }' collecting.out)
    usual=$(awk '$1 == "usual" { print $8 }' collecting.out)
    [ $((usual - plain)) -lt 20000 ] || fail "$(cat collecting.out)"
}
