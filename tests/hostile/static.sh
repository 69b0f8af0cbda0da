# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Fully static programs, by the wrappers: hooks only, which the profile says; the allocator and the
# operators are the program's own.

. "$HERE/common.sh"

wrapped() {
    local compiler=$1
    shift
    "$MS_BUILD/bin/memscope-$compiler-$LLVM" -g -O2 -Wall -Wextra -Werror -D_GNU_SOURCE \
        -Wno-unused-command-line-argument -I"$MS_SOURCE/tests/support" "$@" || fail "does not build: $*"
}

# expect_hooks_only NAME: it says so, in the JSON and in words.
expect_hooks_only() {
    expect_json "$1" '.profile.static_program'
    "$memscope" info "$1.msp" | grep "hooks only: nothing could be interposed" >/dev/null || fail "info is silent"
    "$memscope" report "$1.msp" >"$1.text" || fail report
    grep -qi "static" "$1.text" || fail "the report is silent: $(cat "$1.text")"
}

# $LINK is -static, -static-pie, or -pie for comparison; $OWN the program's allocator: none, malloc, jemalloc.
static_program() {
    local more=() loss=()
    case $OWN in
    malloc)
        MODE=none compile_object own_malloc.o "$HERE/programs/own_malloc.c" -fno-builtin -fPIE
        more=(own_malloc.o)
        loss=(hidden_allocator)
        ;;
    jemalloc)
        [ -e /usr/lib/"$(uname -m)"-linux-gnu/libjemalloc.a ] || skip "no libjemalloc.a"
        more=(-l:libjemalloc.a -lm -lstdc++)
        loss=(hidden_allocator)
        ;;
    esac
    wrapped clang "$LINK" "$HERE/programs/static_steps.c" "$support/libms_truth.a" "${more[@]}" -o app
    if [ "$LINK" != -pie ] && readelf -l app | grep INTERP >/dev/null; then fail "app is not static"; fi
    run app env MEMSCOPE_OPTIONS=strict=1:output=app.msp ./app thread
    expect_status app 7
    expect_said app quick
    report app.msp app.json
    expect_whole app "${loss[@]}"
    [ ${#loss[@]} = 0 ] || expect_json app '.losses.hidden_allocator == 1'
    expect_sites app app.out no
    expect_json app '[.threads[].name] | index("worker")'
    [ "$LINK" = -pie ] || expect_hooks_only app
    # By memscope run as well: nothing needs to be preloaded.
    run again "$memscope" run --strict -q -o again.msp ./app
    expect_status again 7
    report again.msp again.json
}

static_operators() {
    wrapped clang++ -std=c++17 "$LINK" -fsized-deallocation "$HERE/programs/static_operators.cc" -o app
    MODE=none compile plain "$HERE/programs/static_operators.cc" -std=c++17 -static
    run plain ./plain
    expect_status plain 0
    run app env MEMSCOPE_OPTIONS=strict=1:output=app.msp ./app
    expect_status app 0
    diff plain.out app.out || fail "the operators were called otherwise"
    grep -qx "balanced 1" app.out || fail "$(cat app.out)"
    report app.msp app.json
    expect_whole app
    expect_json app '[.sites[] | select(.bytes == 4321)] | length == 1'
    expect_hooks_only app
}
