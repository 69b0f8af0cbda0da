# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# Instructions by callgrind: exact, whatever else the machine does. A path's cost is the difference
# of two loop lengths, per round, against the plain program.

instruction_paths() {
    if [ $quick = yes ]; then
        echo malloc_free
    else
        echo malloc_free malloc_alone calloc_free realloc_in_place posix_memalign_free new_delete \
            new_delete_aligned temporary
    fi
}

count_instructions() {
    local path strategy variant
    local short=1000 long=11000
    mkdir -p "$out/instructions"
    cd "$out/instructions"
    mkdir -p p l w
    say_step "counting instructions"
    compile_plain p/paths "$here/programs/paths.cc"
    MODE=linked compile l/paths "$here/programs/paths.cc"
    MODE=auto compile w/paths "$here/programs/paths.cc"
    for path in $(instruction_paths); do
        for strategy in GlobalDirect ThreadLocal; do
            for variant in plain linked weak foreign; do
                collect "$path" $short $strategy $variant
                collect "$path" $long $strategy $variant
                difference $short $long "$path" $strategy $variant >>"$out/instructions.jsonl"
            done
        done
    done
}

# collect PATH ROUNDS STRATEGY VARIANT: callgrind's figures in ROUNDS.callgrind.PID.
collect() {
    local folder=p setting=() threads=() file=$2.paths.msp
    rm -f "$2".*.msp "$2".callgrind.*
    case $4 in
    plain) setting=(BENCH=plain) ;;
    linked) folder=l setting=("MEMSCOPE_OPTIONS=strict=1:output=$PWD/$2.%e.msp") ;;
    *) setting=("MEMSCOPE_OPTIONS=strict=1:output=$PWD/$2.%e.msp"
        "LD_PRELOAD=$MS_BUILD/lib/libmemscope_rt.so") ;;
    esac
    [ "$4" != weak ] || folder=w
    [ "$3" = GlobalDirect ] || threads=(threads)
    # The preload is for the program alone, not for valgrind: `env` is traced, and left at exec,
    # where valgrind's starter runs for a moment, with a profile of its own name.
    valgrind -q --tool=callgrind --trace-children=yes --callgrind-out-file="$2.callgrind.%p" \
        env "${setting[@]}" $folder/paths "$1" "$2" "${threads[@]}" 2>valgrind.err || {
        cat valgrind.err >&2
        fail "$1, $4: does not run under callgrind"
    }
    if [ "$4" != plain ]; then
        report "$file" "$2.json"
        expect_whole "$2"
        expect_json "$2" ".strategy == \"$3\" and .statistics.total_allocations >= $2"
    fi
}

# difference SHORT LONG PATH STRATEGY VARIANT: one line of instructions.jsonl.
difference() {
    jq -n -c --arg path "$3" --arg strategy "$4" --arg variant "$5" \
        --argjson short "$(total_of "$1")" --argjson long "$(total_of "$2")" \
        "{path: \$path, strategy: \$strategy, variant: \$variant,
          instructions: ((\$long - \$short) / $(($2 - $1)))}"
}

total_of() {
    sed -n 's/^\(summary\|totals\): //p' "$1".callgrind.* | head -1
}
