# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about the backend in programs such as people write: however they are compiled and linked,
# configured by whichever way, with coroutines, libraries, plugins, servers, and late ends.

backend=$MS_SOURCE/tests/backend/programs
include="-I$MS_SOURCE/include"

# expect_line NAME LINE: the program said so.
expect_line() {
    grep -qxF -- "$2" "$1.out" || fail "not \"$2\" but: $(cat "$1.out" "$1.err")"
}

sessions_of_four_threads_with_coroutines_that_move_are_exact() {
    # shellcheck disable=SC2086
    compile program "$backend/four_threads.cc" -std=c++20 $include
    profile program ./program
    expect_whole program
    expect_line program "wrong: 0"
    # What a session says to the program is what the report says of it.
    expect_json program '(.sessions | length) == 4 and .strategy == "HybridTracking"'
    [ "$(jq -r '.sessions[] | "\(.statistics.total_allocations) calls \(.statistics.total_bytes) bytes"' program.json)" = \
        "$(sed -nE 's/^session .: ([0-9]+) calls of .* ([0-9]+) bytes of .*/\1 calls \2 bytes/p' program.out)" ] ||
        fail "the report: $(jq -c '.sessions[].statistics' program.json)"
}

# Long before the first call of the API: exact on one thread, low by at most 64 a thread among several.
highest_number_of_tasks_is_told() {
    local highest
    # shellcheck disable=SC2086
    compile program "$backend/highest.cc" -std=c++20 $include
    profile program ./program
    expect_whole program
    expect_line program "50 alive of 1000"
    profile program ./program 3
    expect_whole program
    grep -qE '^350 alive of [0-9]+$' program.out || fail "$(cat program.out)"
    highest=$(sed 's/.* of //' program.out)
    [ "$highest" -le 3200 ] && [ "$highest" -ge $((3200 - 4 * 64)) ] || fail "$(cat program.out)"
}

# By the names of their promises; the primary one is that with most tasks.
several_runtimes_at_once_are_told_by_name() {
    local before='linked 1 used 0, 0 of 0'
    # shellcheck disable=SC2086
    compile program "$backend/libraries.cc" -std=c++20 -Wno-deprecated-declarations $include
    profile program ./program
    expect_line program "before: SingleThreaded, primary none -, 0 alive of 0"
    expect_line program "before: C++20 coroutines, -: $before"
    expect_line program "before: fibers, -: $before"
    expect_line program "first: AsyncRuntime, primary C++20 coroutines Boost.Asio, 1 alive of 2"
    expect_line program "all: AsyncRuntime, primary C++20 coroutines cppcoro, 9 alive of 10"
    local library count
    while read -r library count; do
        expect_line program "all: C++20 coroutines, $library: linked 1 used 1, 1 of $count"
    done <<'END'
Boost.Asio 3
Asio 4
Boost.Cobalt 5
cppcoro 16
libcoro 7
folly::coro 8
stdexec 9
std::generator 10
- 11
END
    expect_line program "all: fibers, -: linked 1 used 1, 0 of 12"
    expect_line program "all: annotated tasks, -: linked 1 used 1, 0 of 13"
    expect_line program "fibers: AsyncRuntime, primary fibers -, 9 alive of 10"
    # The order is by tasks.
    [ "$(grep '^fibers: .*linked' program.out | sed 's/.* of //' | tr '\n' ' ')" = "32 16 13 11 10 9 8 7 5 4 3 " ] ||
        fail "$(cat program.out)"
}

# A fiber is known by the module of its library; those that ended are no more.
fibers_of_boost_context_are_told_by_name() {
    # shellcheck disable=SC2086
    compile program "$backend/boost.cc" $include -lboost_context
    profile program ./program
    expect_whole program
    expect_line program "before: SingleThreaded, primary none -, 0 alive of 0"
    expect_line program "before: fibers, Boost.Context: linked 1 used 0, 0 of 0"
    expect_line program "while: AsyncRuntime, primary fibers Boost.Context, 5 alive of 7"
    expect_line program "while: fibers, Boost.Context: linked 1 used 1, 5 of 7"
    expect_line program "after: AsyncRuntime, primary fibers Boost.Context, 0 alive of 7"
    expect_line program "after: fibers, Boost.Context: linked 1 used 1, 0 of 7"
}

# The header alone, by all languages, compilers and warnings that its users may have.
the_header_compiles_everywhere() {
    local compiler standard
    echo '#include <memscope/backend.h>
int main(void) { memscope_backend backend; return memscope_backend_initialize(0, &backend) == MEMSCOPE_OK; }' >c.c
    sed 's/, &backend) ==/, \&backend) ==/; s/(0,/(nullptr,/; s/(void)/()/' c.c >cc.cc
    for compiler in gcc clang-14 clang-19 clang-22; do
        command -v $compiler >/dev/null || continue
        for standard in c11 gnu11 c17 c2x; do
            $compiler -std=$standard -Wall -Wextra -pedantic-errors -Wconversion -Wshadow -Wstrict-prototypes -Wundef \
                -Werror "$include" c.c -o out || fail "$compiler $standard"
        done
    done
    for compiler in g++ clang++-14 clang++-19 clang++-22; do
        command -v $compiler >/dev/null || continue
        for standard in c++11 c++14 c++17 c++20 c++2b; do
            $compiler -std=$standard -Wall -Wextra -pedantic-errors -Wconversion -Wshadow -Wold-style-cast -Wundef \
                -Werror "$include" cc.cc -o out || fail "$compiler $standard"
            ./out || fail "it is linked to nothing"
        done
    done
}

# Whether a runtime is there is asked as the program runs. What is linked with -no-pie without one, or
# static, has none whatever is preloaded; with one linked in it has.
calls_find_the_runtime_however_a_program_is_linked() {
    local compiler way number=0 counted="20000 calls, 2000000 bytes, 20000 frees, 0 alive"
    local none="10 no MemScope runtime in this process"
    for compiler in gcc "clang-$LLVM"; do
        for way in "-fPIE -pie" "-fno-pie -no-pie" "-fno-pic -no-pie -O0" "-fPIE -pie -flto" "-fPIC -pie -Wl,-z,now" \
            "-fPIE -pie -fuse-ld=lld-$LLVM" "-fno-pie -no-pie -fuse-ld=lld-$LLVM" "-fPIE -pie -fvisibility=hidden -O2"; do
            case $compiler:$way in
            gcc:*lld* | clang*:*-flto) continue ;;
            esac
            number=$((number + 1))
            # shellcheck disable=SC2086
            $compiler -Wall -Wextra -Werror -fno-builtin $way "$include" "$backend/configured.c" -o plain$number ||
                fail "$compiler $way"
            [ "$(./plain$number - -)" = "$none" ] || fail "$compiler $way: $(./plain$number - -)"
            profile plain$number ./plain$number - -
            case $way in
            *-no-pie*) expect_line plain$number "$none" ;;
            *) expect_line plain$number "$counted" ;;
            esac
        done
    done
    # shellcheck disable=SC2046
    "clang-$LLVM" -fno-pic -no-pie -fno-builtin "$include" "$backend/configured.c" $(MODE=linked runtime_flags) -o linked ||
        fail "with the runtime"
    MEMSCOPE_OPTIONS=strict=1:output=linked.msp ./linked - - >linked.out 2>linked.err
    expect_line linked "$counted"
    gcc -Wall -Wextra -Werror -static "$include" "$backend/configured.c" -o static || skip "needs a static libc"
    [ "$(./static - -)" = "$none" ] || fail "static: $(./static - -)"
}

# by_option|by_flag RATE BUDGET NAME: one way of asking ("-" = not asked for); the program asks for nothing.
ask_by() {
    local way=$1 rate=$2 budget=$3 name=$4 options=strict=1 flags=()
    case $way in
    option)
        [ "$rate" = - ] || options=$options:sample_rate=$rate
        [ "$budget" = - ] || options=$options:max_overhead_percent=$budget
        MEMSCOPE_OPTIONS=$options profile "$name" ./program - -
        ;;
    flag)
        [ "$rate" = - ] || flags+=(--sample-rate "$rate")
        [ "$budget" = - ] || flags+=(--max-overhead-percent "$budget")
        run_under "$name" "$memscope" run "${flags[@]}" -o "$name.msp" -- ./program - -
        expect_status "$name" 0
        report "$name.msp" "$name.json"
        ;;
    call) profile "$name" ./program "$rate" "$budget" ;;
    esac
}

# The same is counted, and on record, by whichever way it is asked for: totals exact, level and budget as said.
rates_and_budgets_are_the_same_by_each_way() {
    local way rate budget level told
    # shellcheck disable=SC2086
    compile program "$backend/configured.c" $include
    while read -r rate budget level told; do
        for way in option flag call; do
            ask_by $way "$rate" "$budget" x
            expect_line x "20000 calls, 2000000 bytes, 20000 frees, 0 alive"
            expect_whole x
            [ "$budget" != - ] || budget=5
            # What is enforced may give detail up later, where the program is interrupted for long.
            expect_json x "[.tracking[] | select(.reason == \"configured\")][-1] | .level == \"$level\"
                and (.sample_rate - $told | fabs) <= 1e-3 * $told
                and (.budget_percent // 0) == ($budget | tonumber? // $budget)"
            expect_json x "[.tracking[] | select(.reason != \"configured\")] | if $budget == 0 then . == []
                else all(.[]; .budget_percent == ($budget | tonumber? // $budget)) end"
            rm x.msp
            [ "$budget" != 5 ] || budget=-
        done
    done <<'END'
1 0 contexts 1
1.0 100 contexts 1
0 0 totals 0
0.0 100 totals 0
1e-9 0 sampled 1e-9
0.000000001 100 sampled 1e-9
.25 100.0 sampled 0.25
0.3333333333333333 0 sampled 0.3333333
0.999999 0 sampled 0.999999
0.5 - sampled 0.5
END
}

# refused WAY FIELD VALUE: what it says.
refused() {
    local way=$1 field=$2 value=$3
    case $way in
    option)
        MEMSCOPE_OPTIONS=strict=1:$field=$value run_under x "$memscope" run -o x.msp -- ./program - -
        expect_status x 0
        grep -qF "bad value '$value' of option $field (ignored); it takes 0.0 to" x.err || fail "$way $field=$value: $(cat x.err)"
        ;;
    flag)
        run_under x "$memscope" run "--${field//_/-}" "$value" -o x.msp -- ./program - -
        expect_status x 2
        grep -qF -- "--${field//_/-}: \"$value\" is none; it takes 0 to" x.err || fail "$way $field=$value: $(cat x.err)"
        ;;
    call)
        run_under x "$memscope" run -o x.msp -- ./program "$4" "$5"
        expect_status x 0
        grep -qE "^12 $field is .*; it takes 0\.0 to 1(00)?\.0$" x.out || fail "$way $field=$value: $(cat x.out)"
        ;;
    esac
    rm -f x.msp
}

what_is_no_rate_or_budget_is_refused_by_each_way() {
    local value way
    # shellcheck disable=SC2086
    compile program "$backend/configured.c" $include
    for value in nan NaN inf -inf -0.1 1.0000001 101 1e400 -1e-9; do
        for way in option flag call; do
            refused $way sample_rate "$value" "$value" -
            [ "$value" = 1.0000001 ] || refused $way max_overhead_percent "$value" - "$value"
        done
    done
    for value in '' x 1,5 0x1 1e 1e+ . +1 '1 ' --1 1..2 1e5e5; do
        for way in option flag; do
            refused $way sample_rate "$value"
        done
    done
}

# Without the program's own word the options rule; with it, what was given, be it what it is anyway.
an_option_of_the_default_has_precedence_over_the_program() {
    # shellcheck disable=SC2086
    compile program "$backend/configured.c" $include
    run_under x "$memscope" run --strict --sample-rate 1 --max-overhead-percent 0 -o x.msp -- ./program 0.01 1
    report x.msp x.json
    expect_line x "20000 calls, 2000000 bytes, 20000 frees, 0 alive"
    expect_json x '[.tracking[].level] == ["contexts"] and ([.sites[].estimated] | any | not)'
    grep -q "the option sample_rate has precedence over the configuration" x.err || fail "$(cat x.err)"
    grep -q "the option max_overhead_percent has precedence over the configuration" x.err || fail "$(cat x.err)"
}

a_plugin_and_its_program_share_one_backend() {
    # shellcheck disable=SC2086
    compile_library ./plugin.so "$backend/plugin.c" -DLIBRARY $include
    # shellcheck disable=SC2086
    compile program "$backend/plugin.c" $include
    profile program ./program ./plugin.so
    expect_whole program
    # dlopen and dlsym are before; the first session's plugin has the program's block beside it in none.
    expect_line program "same 1, plugin 100 and 200, program 301"
    expect_json program '(.sessions | length) == 3'
    MODE=none compile plain "$backend/plugin.c" "$include"
    MODE=none compile_library ./plain.so "$backend/plugin.c" -DLIBRARY "$include"
    [ "$(./plain ./plain.so)" = "10, plugin 0" ] || fail "without a runtime: $(./plain ./plain.so)"
}

# However it is counted: whole, sampled, in totals alone, with less detail for a budget's sake, by site, or with
# single blocks kept.
a_pool_of_threads_is_measured_exactly() {
    local how number=0
    # shellcheck disable=SC2086
    compile program "$backend/pool.cc" $include
    for how in "1 0" "1 0.01" "0.1 0" "0 0" "1e-9 5" "1 5 depth=0" "1 0 records=100" "1 0 verify=1" "1 0 strategy=hybrid-tracking"; do
        number=$((number + 1))
        # shellcheck disable=SC2086
        set -- $how
        MEMSCOPE_OPTIONS=strict=1${3:+:$3} profile pool$number ./program "$1" "$2"
        expect_whole pool$number
        expect_line pool$number "right: 200"
        expect_json pool$number '(.sessions | length) == 200 and .statistics.live_allocations >= 1000'
    done
}

a_static_program_measures_itself() {
    "$MS_BUILD/bin/memscope-clang-$LLVM" -O1 -g -static -fno-builtin "$include" "$backend/configured.c" -o program ||
        fail "it does not link"
    MEMSCOPE_OPTIONS=strict=1:output=program.msp run_under program ./program 1 0
    expect_line program "20000 calls, 2000000 bytes, 20000 frees, 0 alive"
    report program.msp program.json
    expect_json program '.sessions | length == 1 and .[0].statistics.total_bytes == 2000000'
}

# Where the runtime is there and has no profile, the calls say what they say without one.
a_runtime_that_is_switched_off_says_so() {
    # shellcheck disable=SC2086
    MODE=linked compile program "$backend/configured.c" $include
    MEMSCOPE_OPTIONS=output=/nowhere/x.msp run_under program ./program 1 0
    expect_status program 0
    expect_line program "10 no MemScope runtime in this process, or it is switched off"
    grep -q "/nowhere/x.msp: no profile, the program runs on without: no such folder" program.err || fail "$(cat program.err)"
}

# Whatever call of the other thread meets it.
a_runtime_that_is_switched_off_meanwhile_ends_each_call() {
    local round
    # shellcheck disable=SC2086
    MODE=linked compile program "$backend/switched_off.c" $include
    for round in $(seq 50); do
        run_under program timeout 60 env MEMSCOPE_OPTIONS=output=p.msp ./program
        expect_status program 0
        expect_line program "10 no MemScope runtime in this process, or it is switched off"
        grep -q "a module was instrumented by another version of memscope.so" program.err || fail "$round: $(cat program.err)"
    done
}

# On one thread each request's session is the request's alone, to the byte; on four at least that.
a_server_measures_each_request() {
    # shellcheck disable=SC2086
    compile program "$backend/requests.cc" -std=c++20 $include
    profile one ./program 1
    expect_whole one
    expect_line one "exact 300, at least 300, failed 0, whole 1, library Boost.Asio"
    profile four ./program 4
    expect_whole four
    grep -qE "^exact [0-9]+, at least 300, failed 0, whole 1, library Boost.Asio$" four.out || fail "$(cat four.out)"
    expect_json four '(.sessions | length) == 301 and ([.sessions[] | .ended] | all)
        and ([.sessions[].statistics | .total_allocations > 0 and .peak_memory_bytes >= .live_bytes - .peak_error_bytes] | all)'
}

sessions_end_late() {
    # shellcheck disable=SC2086
    compile program "$backend/ends.cc" -std=c++20 $include
    profile program ./program
    expect_whole program
    expect_line program "thread_local: 0, 2 calls, 30 bytes"
    expect_line program "atexit: 0, 2 calls, 40 bytes"
    grep -qE "^static: 0, [0-9]+ calls, [0-9]+ bytes$" program.out || fail "$(cat program.out)"
    expect_json program '[.sessions[].ended] == [true, true, true, false]' # nobody ends the last one
    profile quick ./program quick
    expect_line quick "quick_exit: 0, 2 calls, 40 bytes"
}
