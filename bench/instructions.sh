# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# Instructions by callgrind: exact, whatever else the machine does. A path's cost is the difference
# of two loop lengths, per round, against the plain program; a hook's is what callgrind counted
# inside it, callees left out (the difference again).

instruction_paths() {
    if [ $quick = yes ]; then
        echo malloc_free
    else
        echo malloc_free calloc_free realloc_in_place posix_memalign_free new_delete \
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

# collect PATH ROUNDS STRATEGY VARIANT: callgrind's figures, by function, in ROUNDS.txt.
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
    callgrind_annotate --threshold=100 --inclusive=no "$2".callgrind.* >"$2.txt"
}

# difference SHORT LONG PATH STRATEGY VARIANT: instructions a round, and of each hook of ours.
difference() {
    awk -v rounds=$(($2 - $1)) -v path="$3" -v strategy="$4" -v variant="$5" '
        { gsub(/,/, "", $1) }
        /PROGRAM TOTALS/ { total[FILENAME] = $1 }
        /(__memscope_|ms_own_|ms_note_)[A-Za-z_0-9]* / {
            match($0, /(__memscope_|ms_own_|ms_note_)[A-Za-z_0-9]*/)
            name = substr($0, RSTART, RLENGTH)
            own[name] += FILENAME == ARGV[2] ? $1 : -$1
        }
        END {
            printf "{\"path\": \"%s\", \"strategy\": \"%s\", \"variant\": \"%s\", \"instructions\": %.2f, \"hooks\": {",
                path, strategy, variant, (total[ARGV[2]] - total[ARGV[1]]) / rounds
            for (name in own)
                if (own[name] / rounds >= 1)
                    printf "%s\"%s\": %.2f", many++ ? ", " : "", name, own[name] / rounds
            print "}}"
        }' "$1.txt" "$2.txt"
}
