# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Programs that bring their own allocator keep it, and are counted exactly. ALLOCATOR (jemalloc,
# mimalloc, tcmalloc), HOW it comes (linked, preloaded, static) and MODE come from the table.

allocator_flags() {
    case $HOW in
    linked) echo "-l$ALLOCATOR" ;;
    static)
        echo "-Wl,--whole-archive -l:lib${ALLOCATOR/tcmalloc/tcmalloc_minimal}.a" \
            "-Wl,--no-whole-archive -Wl,--export-dynamic -lstdc++ -lm"
        ;;
    esac
}

preload() {
    [ "$HOW" != preloaded ] || echo "lib$ALLOCATOR.so"
}

# counted NAME SOURCE [FLAG…]: builds the program with the allocator and profiles it as NAME.
counted() {
    local name=$1 source=$2
    shift 2
    # shellcheck disable=SC2046
    compile "$name" "$programs/$source" "$@" $(allocator_flags)
    mkdir -p m
    mv "$name" m/
    # shellcheck disable=SC2086
    LD_PRELOAD=$(preload) profile "$name" "m/$name" ${ARGUMENTS:-}
    # A program's own definition hides ours from its libraries, and the report says so.
    if [ "$HOW" = static ]; then
        expect_json "$name" ".process.allocator | endswith(\"/m/$name\")"
        expect_json "$name" '.losses.hidden_allocator != 0'
        expect_whole "$name" hidden_allocator
    else
        expect_json "$name" ".process.allocator | test(\"/lib${ALLOCATOR}[.]\")"
        expect_whole "$name"
    fi
}

# The witness counts the same program, allocator included, on glibc's malloc. It knows no operator
# new: the C++ library's, preloaded beside it, keeps the allocator's own from bypassing it. tcmalloc
# is its minimal form here, as the full one copies the environment, which differs between the runs.
counted_as_by_the_witness() {
    local ALLOCATOR=${ALLOCATOR/tcmalloc/tcmalloc_minimal} name=$1 source=$2
    counted "$@"
    shift 2
    mkdir w
    # shellcheck disable=SC2046
    if [ "$MODE" = none ]; then
        cp "m/$name" w/
    else
        compile_plain "w/$name" "$programs/$source" "$@" $(allocator_flags)
    fi
    witness_library="$witness_library libstdc++.so.6 $(preload)" witness "$name" "w/$name"
    expect_totals "$name"
}

# Blocks that would be 8 bytes apart; the program asks its allocator whether they are its own.
small_blocks() {
    ARGUMENTS=$ALLOCATOR counted own_allocator own_allocator.c
    expect_sites own_allocator own_allocator.out yes
}

lines_are_exact() {
    counted family family.c
    expect_sites family family.out yes
    counted odd_calls odd_calls.c -DOTHER_ALLOCATOR
    expect_sites odd_calls odd_calls.out yes
    ARGUMENTS=2 counted threads threads.c
    expect_sites threads threads.out no
}

totals_are_exact() {
    counted_as_by_the_witness containers containers.cc -std=c++17
}
