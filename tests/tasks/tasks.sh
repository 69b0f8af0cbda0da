# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about tasks: each program's own books (programs/books.h) against the profile, task by task,
# byte for byte; the totals against the witness. PROGRAM, FLAGS, ARGUMENTS, … come from the table.

export MEMSCOPE_OPTIONS=${TASK_OPTIONS:-verify=1:strict=1}
tasks=$MS_SOURCE/tests/tasks
cxx="-std=c++20 -I$MS_SOURCE/include"

# expect_tasks NAME: the profile of NAME equals the books in NAME.out.
expect_tasks() {
    jq -e '.tasks | length > 0' "$1.out" >/dev/null || fail "$1.out has no books"
    jq -rn --slurpfile truth "$1.out" --slurpfile profile "$1.json" --arg all "${ALL:-yes}" \
        -f "$tasks/compare-tasks.jq" >"$1.differences" || fail "cannot compare $1"
    [ ! -s "$1.differences" ] || {
        head -30 "$1.differences" >&2
        fail "$1: tasks differ"
    }
}

# expect_environment NAME KIND RUNTIME…: those runtimes were used, and no other.
expect_environment() {
    local name=$1 kind=$2
    shift 2
    [ "$(jq -r .environment.kind "$name.json")" = "$kind" ] ||
        fail "$name is $(jq -c .environment "$name.json"), not $kind"
    [ "$(jq -r '[.environment.runtimes[] | select(.used) | .name] | sort | join(", ")' "$name.json")" = \
        "$*" ] || fail "$name used $(jq -c .environment.runtimes "$name.json"), not $*"
}

# The generic claim. COUNTED: what equals the witness's count of the same program without a runtime.
program() {
    # shellcheck disable=SC2086
    compile program "$tasks/programs/$PROGRAM" $cxx ${FLAGS:-}
    # shellcheck disable=SC2086
    profile program ./program ${ARGUMENTS:-}
    expect_whole program
    expect_tasks program
    # shellcheck disable=SC2086
    expect_environment program ${KIND:-AsyncRuntime} "${RUNTIMES:-C++20 coroutines}"
    [ "${WITNESS:-yes}" = no ] || expect_witness program
}

# The bare flag's program without a runtime has the same frames; linked, a plain one has as many.
expect_witness() {
    if [ "$MODE" = auto ]; then
        # shellcheck disable=SC2086
        witness "$1" ./program ${ARGUMENTS:-}
        expect_totals "$1"
    else
        # shellcheck disable=SC2086
        compile_plain witness "$tasks/programs/$PROGRAM" $cxx ${FLAGS:-}
        # shellcheck disable=SC2086
        witness "$1" ./witness ${ARGUMENTS:-}
        expect_totals "$1" total_allocations total_frees live_allocations
    fi
}

# memscope/tasks.h without a runtime, and in C: it links, runs, and says that it is not linked.
annotations_without_a_runtime_say_so() {
    local program
    compile cxx "$tasks/programs/annotated.cc" $cxx
    compile c "$tasks/programs/annotated.c" -std=c11 -pedantic -I"$MS_SOURCE/include"
    compile_plain plain "$tasks/programs/annotated.c" -std=c11 -pedantic -I"$MS_SOURCE/include"
    echo '#include <memscope/memscope.h>' >header.cc
    "clang++-$LLVM" -std=c++11 -Wall -Wextra -Werror -pedantic -fsyntax-only -I"$MS_SOURCE/include" header.cc ||
        fail "not C++11"
    for program in cxx c plain; do
        [ "$(./$program)" = "not linked" ] || fail "$program: $(./$program)"
    done
}

annotations_in_c_are_linked() {
    compile c "$tasks/programs/annotated.c" -std=c11 -pedantic -I"$MS_SOURCE/include"
    profile c ./c
    expect_whole c
    [ "$(cat c.out)" = linked ] || fail "$(cat c.out)"
    expect_json c '[.task_classes[] | select(.name == "scope in C")
        | .kind == "scope" and .count == 1 and .ended == 1 and .bytes == 700 and .frees == 1] == [true]'
    expect_json c '.tasks[] | select(.label == "seven") | .parent == -1 and .state == "ended"'
}

# What does not fit is refused, counted as task_mistakes, and told.
mistakes_are_counted_and_told() {
    compile program "$tasks/programs/mistakes.cc" $cxx
    profile program ./program
    expect_whole program task_mistakes
    expect_json program ".losses.task_mistakes == $(cat program.out)"
    "$memscope" report program.msp >text
    grep -q "^not exact: $(cat program.out) task switches that did not fit" text || fail "the report does not tell: $(cat text)"
}

coroutines_in_a_shared_library_are_exact() {
    # shellcheck disable=SC2086
    compile_library libtasks.so "$tasks/programs/library.cc" $cxx -DLIBRARY
    compile program "$tasks/programs/library.cc" $cxx "$PWD/libtasks.so" "-Wl,-rpath,$PWD"
    profile program ./program
    expect_whole program
    expect_tasks program
    expect_environment program AsyncRuntime "C++20 coroutines"
}

# Linked statically, Boost.Context's functions are the program's own: call sites alone tell. The
# archive comes before the runtime.
fibers_of_a_static_boost_context_are_exact() {
    # shellcheck disable=SC2086
    compile_object program.o "$tasks/programs/boost_fiber.cc" $cxx -DCONTEXT
    # shellcheck disable=SC2046
    $(compiler_of program.cc) program.o "$support/libms_truth.a" -l:libboost_context.a \
        $(runtime_flags) -lpthread -ldl -o program || fail "does not link"
    [ -n "$(nm program | grep -i " t jump_fcontext")" ] || fail "not linked statically"
    profile program ./program
    expect_whole program
    expect_tasks program
    expect_environment program AsyncRuntime Boost.Context
    PROGRAM=boost_fiber.cc FLAGS="-DCONTEXT -l:libboost_context.a" expect_witness program
}

# It switches inside itself, and nobody tells: the stack that a fiber allocates on does, and the
# report says so.
fibers_of_a_static_boost_fiber_are_exact() {
    # shellcheck disable=SC2086
    compile_object program.o "$tasks/programs/boost_fiber.cc" $cxx
    # shellcheck disable=SC2046
    $(compiler_of program.cc) program.o "$support/libms_truth.a" -l:libboost_fiber.a \
        -l:libboost_context.a $(runtime_flags) -lpthread -ldl -o program || fail "does not link"
    [ -n "$(nm program | grep -i " t jump_fcontext")" ] || fail "not linked statically"
    profile program ./program
    expect_whole program untold_switches
    expect_json program '.losses.untold_switches >= 15'
    expect_tasks program
    expect_json program 'all(.tasks[]; .state != "created" and .state != "suspended")'
    expect_environment program AsyncRuntime Boost.Fiber
    "$memscope" report program.msp | grep 'switches to a fiber that nobody told' >/dev/null ||
        fail "the report says nothing of it"
}

# Fully static, by the wrappers: nothing can be interposed.
fibers_of_a_static_program_are_exact() {
    # shellcheck disable=SC2086
    "$MS_BUILD/bin/memscope-clang++-$LLVM" -static -g $OPT $cxx -Wno-unused-command-line-argument \
        -I"$MS_SOURCE/tests/support" "$tasks/programs/$PROGRAM" ${FLAGS:-} -o program || fail "does not build"
    [ -z "$(readelf -l program | grep INTERP)" ] || fail "not static"
    # shellcheck disable=SC2086
    run_under program env MEMSCOPE_OPTIONS="$MEMSCOPE_OPTIONS:output='$PWD/program.msp'" ./program ${ARGUMENTS:-}
    expect_status program 0
    report program.msp program.json
    expect_whole program
    expect_tasks program
    expect_environment program AsyncRuntime "$RUNTIMES"
}

# Threads are root tasks, with the line that started them and all that they allocate themselves.
threads_are_root_tasks_with_a_spawn_place() {
    PROGRAM=threads.cc WITNESS=no KIND=Hybrid program
    local kind line
    for kind in "std::thread:1000" "std::async:2000" "thrd_create:3000"; do
        line=$(grep -n "// spawn: ${kind%:*}" "$tasks/programs/threads.cc")
        jq -e --argjson line "${line%%:*}" --argjson bytes "${kind##*:}" '
            . as $p | [.tasks[] | select(.kind == "thread" and .spawn.line == $line)] as [$root]
            | $root.id < 0 and ($root.spawn.file | endswith("threads.cc")) and $root.bytes == $bytes
              and any(.tasks[]; .parent == $root.id and .function == "work(book*, int)"
                  and .thread == -1 - $root.id)' program.json >/dev/null || {
            jq -c '.tasks[]' program.json >&2
            fail "$kind is no root task with its line"
        }
    done
}

# Both sides of a fork inside a coroutine run on; the child counts what it itself has started.
fork_inside_a_coroutine_leaves_both_sides_whole() {
    local file
    compile program "$tasks/programs/forks.cc" $cxx
    profile_all all ./program
    set -- all.d/*.json
    [ $# = 2 ] || fail "$# profiles, not two"
    for file in "$@"; do
        if [ "$(jq .process.parent_pid "$file")" = "$(jq .process.pid "$1")" ]; then
            cp "$file" child.json
        else
            cp "$file" parent.json
        fi
    done
    expect_whole parent
    expect_whole child ${CHILD_LOSSES:-}
    expect_tasks parent
    expect_tasks child
}

# A scope's class is the line that began it, not one of the header's.
scopes_are_known_by_the_callers_line() {
    local line
    compile program "$tasks/programs/annotated.cc" $cxx
    profile program ./program
    for line in $(grep -nE 'task_scope scope|_create\("(machine|fiber)' "$tasks/programs/annotated.cc" | cut -d: -f1); do
        expect_json program "any(.task_classes[]; .spawn.line == $line and (.spawn.file | endswith(\"annotated.cc\")))"
    done
    expect_json program '.task_classes | length == 4'
}

# Boost.Asio under load, on one thread and two: no violation, all that began has ended, all adds up.
asio_echo_ends_with_no_task_alive() {
    local threads kind=AsyncRuntime
    compile program "$tasks/programs/echo.cc" $cxx -Wno-deprecated-declarations
    for threads in 1 2; do
        profile $threads ./program $threads
        expect_whole $threads
        expect_environment $threads $kind Boost.Asio
        expect_json $threads '.environment.runtimes[] | select(.used) | .tested'
        expect_json $threads '([.task_classes[].count] | add) > 3000'
        expect_json $threads '.environment.async_task_count == 0 and all(.task_classes[];
            .alive == 0 and .count == .ended and .in_flight == 0 and .bytes == .task_bytes and
            .live_bytes == .task_live_bytes)'
        expect_json $threads 'all((["bytes", "total_bytes"], ["live_bytes", "live_bytes"],
            ["allocations", "total_allocations"], ["frees", "total_frees"]) as [$field, $total]
            | ([.task_classes[][$field], (.tasks[] | select(.id < 0)[$field])] | add) == .statistics[$total]; .)'
        expect_json $threads '[.task_classes[] | select(.function // "" | startswith("exchange(")) | .count] | add == 2400'
        kind=Hybrid
    done
}

# SIGKILL in the middle of a pool's work, ten times: the profile reads, has its tasks with their
# parents, and its sums agree within one event of each thread.
sigkill_leaves_a_readable_task_tree() {
    local turn pid launcher=()
    [ "$MODE" = linked ] || launcher=(env LD_PRELOAD="$MS_BUILD/lib/libmemscope_rt.so")
    compile program "$tasks/programs/kill.cc" $cxx
    mkfifo started
    RANDOM=4711
    for turn in $(seq 10); do
        MEMSCOPE_OPTIONS="$MEMSCOPE_OPTIONS:output='$PWD/$turn.msp'" "${launcher[@]}" ./program >started &
        pid=$!
        read -r _ <started || fail "it ended by itself"
        sleep "0.0$((RANDOM % 500 + 10))"
        kill -KILL "$pid"
        wait "$pid" 2>/dev/null || true
        report "$turn.msp" "$turn.json"
        expect_whole "$turn"
        # A pool task or its child is at most 4096 bytes: the biggest event.
        expect_json "$turn" '([.task_classes[].in_flight] | add) <= 3
            and all(.task_classes[]; (.bytes - .task_bytes | fabs) <= 3 * 4096
                and (.live_bytes - .task_live_bytes | fabs) <= 3 * 4096)
            and (([.task_classes[].bytes, (.tasks[] | select(.id < 0) | .bytes)] | add) - .statistics.total_bytes
                | fabs) <= 3 * 4096'
        expect_json "$turn" '(.tasks | INDEX(.id)) as $by | [.tasks[] | select(.id > 0 and .ended_ms == null)]
            | length >= 60 and ([.[] | select(.function == "worker(book*)") | .label] | unique | length >= 60)
              and all(.[] | select(.function == "child(book*, int)" and .parent != null and $by[.parent | tostring] != null);
                $by[.parent | tostring].function == "worker(book*)")'
        "$memscope" tasks "$turn.msp" >tree || fail "memscope tasks $turn.msp"
        grep -q 'worker' tree || fail "no tree: $(cat tree)"
    done
}

# An await_suspend that goes on after its coroutine has ended on another thread: counted in it all
# the same, and its record is used again.
allocations_after_the_end_add_up() {
    compile program "$tasks/programs/after_end.cc" $cxx
    profile program ./program
    expect_whole program
    expect_json program '.task_classes | length == 1 and all(.[]; .count == 3000 and .ended == 3000 and .alive == 0 and
        .allocations == 9000 and .frees == 8000 and .live_bytes == 100000 and .bytes == .task_bytes and
        .live_bytes == .task_live_bytes and .total.sum == .bytes)'
    expect_json program '[.tasks[] | select(.state == "outlived") | .live_bytes] == [range(1000) | 100]'
    [ "$(stat -c %s program.msp)" -le 400000 ] || fail "the profile has $(stat -c %s program.msp) bytes"
}
