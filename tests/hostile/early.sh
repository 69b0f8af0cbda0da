# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Odd moments and odd neighbours: before our constructor, after our end, other people's wrappers of
# malloc, handlers on a stack of their own.

. "$HERE/common.sh"

before_and_after() {
    compile early "$HERE/programs/early.c"
    compile_library first.so "$HERE/programs/early.c" -DLIBRARY -Wl,-z,initfirst \
        -Wno-unused-command-line-argument
    # shellcheck disable=SC2046
    clang-"$LLVM" early.o "$support/libms_truth.a" $(runtime_flags) -Wl,--no-as-needed ./first.so \
        -lpthread -ldl -o early || fail "early does not link"
    run early ./with strict=1:output=early.msp ./early
    expect_status early 0
    report early.msp early.json
    expect_whole early
    expect_json early '[.sites[] | select(.bytes == 707 or .bytes == 303 or .bytes == 101)
        | .allocations] == [1, 1, 1]'
    expect_json early '[.sites[] | select(.bytes == 707 or .bytes == 303) | .frees] == [1, 1]'
    # The library's sites stand in the program's source, too: its books know nothing of them.
    jq '.sites |= map(select(.bytes != 707 and .bytes != 303 and .bytes != 101))' early.json >own.json
    expect_sites own early.out no
}

# dlsym allocates while we, or others, look for the real malloc.
others_wrapper() {
    compile steps "$HERE/programs/steps.c"
    MODE=none compile_library bootstrap.so "$HERE/programs/bootstrap.c"
    local order
    case $MODE in
    auto) order=$runtime:./bootstrap.so ;;
    *) order=./bootstrap.so ;;
    esac
    run ours env MEMSCOPE_OPTIONS=strict=1:output=ours.msp LD_PRELOAD="$order" \
        ./steps work:1000 fork tell say:alive
    expect_unharmed ours 0 "alive 0"
    expect_said ours "bootstrap: called"
    expect_exact ours
    expect_json ours '.losses.hidden_allocator == 0'
    [ "$MODE" = auto ] || return 0
    # Theirs first: it would call us, and we it.
    run theirs env MEMSCOPE_OPTIONS=output=theirs.msp LD_PRELOAD="./bootstrap.so:$runtime" \
        ./steps work:1000 fork tell say:alive
    expect_unharmed theirs 0 "alive 0"
    expect_said theirs "bootstrap: called"
    expect_said theirs "bootstrap.so stands before the runtime and has a malloc of its own: the program runs on without a profile"
    run strict env MEMSCOPE_OPTIONS=strict=1 LD_PRELOAD="./bootstrap.so:$runtime" ./steps work:1000
    expect_status strict 99
}

handler_on_its_own_stack() {
    MODE=none compile_library libbump.so "$HERE/programs/bump.c" -fno-builtin
    compile altstack "$HERE/programs/altstack.c" -Wl,--no-as-needed ./libbump.so
    # The usual way of one thread has no inside: what is counted there is whole at every instruction.
    local strategy
    for strategy in global-direct thread-local; do
        run app ./with "strict=1:strategy=$strategy:output=$strategy.msp" ./altstack
        expect_status app 0
        report $strategy.msp app.json
        expect_whole app reentrant_events reentrant_bytes
        jq -e '.handler >= 2000' app.out >/dev/null || fail "too few handlers: $(cat app.out)"
        jq -n --slurpfile p app.json --slurpfile b app.out '
            def at($text): [$p[0].sites[] | select(.bytes == .allocations * $text)];
            ([at(33)[] | .allocations] | add) as $main
            | ([at(77)[] | .allocations] | add) as $handler
            | ([at(77)[] | .frees] | add) as $freed
            | {main: $main, handler: $handler, freed: $freed, books: $b[0],
               inside: $p[0].losses.reentrant_events}' >counts
        jq -e '.main == .books.main and .handler == .books.handler and .freed == .books.handler' counts \
            >/dev/null || fail "$strategy: $(cat counts)"
    done
    jq -e '.inside > 0' counts >/dev/null || fail "no handler came inside a hook: $(cat counts)"
}
