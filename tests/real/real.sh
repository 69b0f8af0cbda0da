# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Real programs, exact: SQLite, lua, jq, tcc and ninja from Debian's source packages, doing the fixed work of
# scripts/workload. PROGRAM, MODE (auto, linked, none) and the library PRELOADED come from the table.

built=$MS_BUILD/tests/real

# build: one build of $PROGRAM in $MODE, which every test of it uses. It fails where the source
# package cannot be had.
build() {
    local compiler=clang-$LLVM cxx=clang++-$LLVM
    case $MODE in
    auto) compiler="$compiler $(instrument_flags)" cxx="$cxx $(instrument_flags)" ;;
    linked) compiler=$MS_BUILD/bin/memscope-clang-$LLVM cxx=$MS_BUILD/bin/memscope-clang++-$LLVM ;;
    esac
    CC=$compiler CXX=$cxx CFLAGS="-O2 -g" "$MS_SOURCE/scripts/build-program" "$PROGRAM" "$built/$MODE" ||
        fail "$PROGRAM does not build"
}

# The counter and MemScope each see a run of their own: the plain build, and the one in $MODE.
equals_the_witness() {
    # One length of argv[0] in both runs: lua copies it.
    mkdir w m
    ln "$built/none/$PROGRAM" "w/$PROGRAM"
    ln "$built/$MODE/$PROGRAM" "m/$PROGRAM"
    "$MS_SOURCE/scripts/workload" "$PROGRAM" test . >arguments
    mapfile -t arguments <arguments
    local before=
    # tcmalloc allocates with its own operator new, which the witness does not know.
    [[ ${PRELOADED-} != *tcmalloc* ]] || before=libstdc++.so.6
    witness_library="$witness_library $before ${PRELOADED-}" witness real "w/$PROGRAM" "${arguments[@]}"
    LD_PRELOAD=${PRELOADED-} profile real "m/$PROGRAM" "${arguments[@]}"
    [ -z "${PRELOADED-}" ] ||
        expect_json real ".process.allocator | endswith(\"/$PRELOADED\")"
    cmp real.plain.out real.out || fail "$PROGRAM did not do the same work in both runs"
    expect_totals real
    expect_whole real
    if [ "$MODE" = none ]; then
        expect_json real '.coverage.bytes_with_site == 0'
    else
        expect_json real '.coverage.percent >= 95'
    fi
}
