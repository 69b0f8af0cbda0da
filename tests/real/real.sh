# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Real programs, exact: SQLite, lua, jq, gawk, tcc and ninja from Debian's source packages, doing the fixed
# work of scripts/workload. PROGRAM, MODE (auto, linked, none) and the library PRELOADED come from the table.

built=$MS_BUILD/tests/real

# build: one build of $PROGRAM in $MODE, which every test of it uses. It fails where the source
# package cannot be had.
build() {
    local compiler=clang-$LLVM cxx=clang++-$LLVM
    case $MODE in
    auto) compiler="$compiler $(instrument_flags)" cxx="$cxx $(instrument_flags)" ;;
    linked) compiler=$MS_BUILD/bin/memscope-clang-$LLVM cxx=$MS_BUILD/bin/memscope-clang++-$LLVM ;;
    esac
    local flags="-O2 -g"
    if [ "$MODE" = lines ]; then # the plugin without types, and what the source needs
        compiler="$compiler $(MODE=auto instrument_flags)" cxx="$cxx $(MODE=auto instrument_flags)"
        mkdir -p "$built/lines"
        flags="-O2 -gline-tables-only -gdwarf-5 -MJ $built/lines/$PROGRAM.commands"
    fi
    CC=$compiler CXX=$cxx CFLAGS=$flags "$MS_SOURCE/scripts/build-program" "$PROGRAM" "$built/$MODE" ||
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
    # tcmalloc allocates with its own operator new, and C++ with that of each: the witness knows none.
    [[ ${PRELOADED-} != *tcmalloc* && ( -z ${PRELOADED-} || $PROGRAM != ninja ) ]] || before=libstdc++.so.6
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
        expect_json real ".coverage.percent >= ${COVERAGE:-95}"
    fi
}

profile_fixed_work() {
    ln "$built/$MODE/$PROGRAM" .
    "$MS_SOURCE/scripts/workload" "$PROGRAM" test . >arguments
    mapfile -t arguments <arguments
    MODE=auto profile real "./$PROGRAM" "${arguments[@]}"
}

# typed PERCENT: so much of the bytes have a type.
typed() {
    expect_json real '(.sites | map(select(.type) | .bytes) | add) * 100 >= (.sites | map(.bytes) | add) * '"$1"
}

rows_of() {
    jq -rf "$HERE/checked.jq" real.json | sort -u >rows
    grep -v '^#' "$HERE/types/$PROGRAM" >checked
    # Of the functions that were read.
    awk -F ' [|] ' 'NR == FNR { read[$1]; next } $1 in read' checked rows >read
}

# The heaviest sites are what a reader of the source found them to be.
types_are_as_checked() {
    profile_fixed_work
    typed "$PERCENT"
    rows_of
    grep -v '^[^|]*| ? |' read | diff checked - || fail "$PROGRAM: types differ from those that were checked"
}

# The same from the source alone, as far as it tells; nothing else.
source_names_what_was_checked() {
    { echo '[' && sed '$ s/,$//' "$built/lines/$PROGRAM.commands" && echo ']'; } >compile_commands.json
    profile_fixed_work
    "$memscope" types -p compile_commands.json real.msp >types || fail "memscope types: $(cat types)"
    "$memscope" report --json -p compile_commands.json real.msp >real.json || fail "report"
    typed "$PERCENT"
    rows_of
    awk -F ' [|] ' '
        NR == FNR { types[$1] = types[$1] "|" $2 "|"; variables[$1] = variables[$1] "|" $3 "|"; next }
        ($2 != "?" && !index(types[$1], "|" $2 "|")) || ($3 != "?" && !index(variables[$1], "|" $3 "|")) { print; bad++ }
        END { exit bad > 0 }' checked read >wrong || fail "$PROGRAM: $(cat wrong)"
}
