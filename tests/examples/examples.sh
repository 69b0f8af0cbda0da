# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about the programs of examples/ that run tasks: each is built by its own CMakeLists, run
# under `memscope run` with a runtime that verifies, and its report must name who holds what.

export MEMSCOPE_OPTIONS=strict=1:verify=1

# example NAME [ARGUMENT…]: NAME.json, and NAME.tree as `memscope tasks` shows it.
example() {
    local name=$1
    cmake -S "$MS_SOURCE/examples/$name" -B build -G Ninja -DMEMSCOPE_LLVM_MAJOR="$LLVM" \
        -DCMAKE_TOOLCHAIN_FILE="$MS_BUILD/lib/cmake/MemScope/memscope-toolchain.cmake" >build.log 2>&1 &&
        cmake --build build >>build.log 2>&1 || { tail -n 30 build.log >&2; fail "$name does not build"; }
    profile "$name" "build/$@"
    "$memscope" tasks "$name.msp" >"$name.tree" || fail "memscope tasks $name.msp"
    expect_tasks "$name"
}

# No loss, no mistake; no task is alive; all tasks and root tasks together are the process.
expect_tasks() {
    expect_whole "$1"
    expect_json "$1" '.losses.task_mistakes == 0 and .losses.unfollowed_tasks == 0'
    expect_json "$1" '.task_classes | length > 0 and all(.count == .ended and .alive == 0)'
    expect_json "$1" '.task_classes | all(.bytes == .task_bytes and .live_bytes == .task_live_bytes)'
    local sum
    for sum in bytes live_bytes allocations; do
        expect_json "$1" "([(.task_classes[], (.tasks[] | select(.id < 0))) | .$sum] | add) ==
            ([.sites[].$sum] | add)"
    done
}

# expect_class NAME FUNCTION CONDITION: on the sums of the classes of that function.
expect_class() {
    expect_json "$1" "[.task_classes[] | select(.function != null and
            (.function | test(\"(^|::)$2(\\\\[abi:cxx11\\\\])?(\\\\(|\$)\")))] |
        {count: (map(.count) | add), live: (map(.live_bytes) | add), bytes: (map(.bytes) | add),
         resumes: (map(.resumes) | add), moves: (map(.migrations) | add),
         outlived: (map(.outlived.sum) | add), peak: (map(.peak.max) | max)} | $3"
}

who_holds_and_who_leaks_in_an_asio_server_is_told() {
    [ -e /usr/include/asio.hpp ] || skip "needs libasio-dev"
    local threads
    for threads in 1 2; do
        rm -f echo.*
        example echo $threads 16 50
        expect_class echo client '.count == 16 and .live == 0'
        expect_class echo listen '.count == 1 and .live == 0'
        # The leak: 48 bytes a connection.
        expect_class echo connection '.count == 16 and .live == 16 * 48 and .outlived == .live'
        expect_class echo answer '.count == 16 * 50 and .live == 0'
        expect_class echo read_line '.count == 2 * 16 * 50 + 2 * 16 and .live == 0'
        # What it keeps: 50 lines of more than 200 bytes. The other kind of session keeps none.
        expect_class echo record_session '.count == 2 and .live == 0 and .outlived == 0 and .peak > 50 * 200'
        expect_class echo echo_session '.count == 14 and .live == 0 and .outlived == 0 and .peak < 1000'
        expect_json echo '.environment.runtimes | any(.name == "Asio" and .used and .tested)'
        expect_json echo ".environment.kind == \"$([ $threads = 1 ] && echo AsyncRuntime || echo Hybrid)\""
        # In one row or in several: those that are alike are one.
        awk '/connection\(\)  \(server.cc:[0-9]+\)  outlived$/ { leaked += $1 } END { exit leaked != 768 }' \
            echo.tree || { cat echo.tree; fail "the tree does not tell the leak"; }
        grep -q "of Asio's own" echo.tree || { cat echo.tree; fail "Asio's own are not folded"; }
        ! grep -E 'initiate|co_spawn_entry_point' echo.tree || fail "Asio's own are in the tree"
        [ "$(wc -l <echo.tree)" -le 40 ] || fail "the tree does not fit a screen"
        "$memscope" tasks --all echo.msp | grep 'Asio: initiate<initiate_async_read_until' >/dev/null ||
            fail "--all does not name Asio's own"
    done
}

jobs_that_change_threads_keep_their_bytes() {
    example pool
    # 50 rows of 1,000 bytes and a vector of up to 64 pointers; destroying the frame is a resumption.
    expect_class pool collect '.count == 200 and .live == 0 and .bytes >= 200 * (50000 + 8 * 127)
        and .peak >= 50000 + 512 and .resumes == 200 * 52 and .moves > 0'
    expect_class pool query '.count == 200 and .live == 20 * 64'
    expect_json pool '.environment.kind == "Hybrid" and .environment.thread_count == 4'
}

generators_have_bytes_of_their_own() {
    example generator
    expect_class generator words '.count == 900 and .live == 0 and .outlived == 0 and .peak < 1000'
    expect_class generator lines '.count == 1 and .live == 0 and .peak > 20000'
    expect_json generator '.environment.kind == "AsyncRuntime"'
}

fibers_have_bytes_of_their_own() {
    example fibers
    expect_class fibers logger '.count == 1 and .bytes == 8000 and .live == 8000 and .outlived == 8000'
    expect_class fibers parser '.count == 4 and .bytes == 4 * 24800 and .live == 0 and .peak == 24800'
    expect_json fibers '.task_classes | all(.kind == "fiber")'
}

# The programs of docs/tasks.md: each prints what it thinks its task holds.
documented_api_works_with_and_without_the_runtime() {
    awk '/^```/ { name = $0 == "```c" ? "api.c" : $0 == "```cpp" ? "api.cc" : ""; next }
         name { print > name }' "$MS_SOURCE/docs/tasks.md"
    local source compiler
    for source in api.c api.cc; do
        compiler=clang
        [ $source = api.c ] || compiler=clang++
        "$compiler-$LLVM" -Wall -Wextra -Werror -I"$MS_SOURCE/include" $source -o $source.plain ||
            fail "$source does not compile"
        ./$source.plain >$source.out || fail "$source exits $? without the runtime"
        grep -q 'no runtime' $source.out || fail "without the runtime $source says: $(cat $source.out)"
        "$MS_BUILD/bin/memscope-$compiler-$LLVM" -g -I"$MS_SOURCE/include" $source -o $source.linked ||
            fail "$source does not compile with the plugin"
        profile $source ./$source.linked
        grep -q 'holds 1000 bytes' $source.out || fail "$source says: $(cat $source.out)"
        expect_tasks $source
        expect_json $source '.task_classes | any(.kind == "scope" and .name == "request" and .count == 3)'
        profile $source.preloaded ./$source.plain
        grep -q 'holds 1000 bytes' $source.preloaded.out || fail "preloaded, $source says: $(cat $source.preloaded.out)"
    done
    expect_json api.c '.task_classes | any(.kind == "fiber" and .name == "reader" and .bytes == 500)'
    expect_json api.c '.task_classes | any(.name == "job" and .resumes == 2)'
    "$memscope" tasks api.c.msp | grep 'request  .*customer 2' || fail "the label is not told"
}
