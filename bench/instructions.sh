# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# Instructions by callgrind: exact, whatever else the machine does. A path's cost is the difference
# of two loop lengths, per round, against the plain program.

instruction_paths="malloc_free malloc_alone calloc_free realloc_in_place posix_memalign_free new_delete
    new_delete_aligned temporary"

count_instructions() {
    local strategy variant
    mkdir -p "$out/instructions/p" "$out/instructions/l" "$out/instructions/w"
    cd "$out/instructions"
    say_step "counting instructions"
    compile_plain p/paths "$here/programs/paths.cc"
    MODE=linked compile l/paths "$here/programs/paths.cc"
    MODE=auto compile w/paths "$here/programs/paths.cc"
    for strategy in GlobalDirect ThreadLocal; do
        for variant in plain linked weak foreign; do
            collect $strategy $variant
            differences $strategy $variant >>"$out/instructions.jsonl"
        done
    done
}

short=1000 long=11000

# collect STRATEGY VARIANT: callgrind's dumps, two of each path, in VARIANT.callgrind.PID.
collect() {
    local folder=p setting=() file=$2.paths.msp
    rm -f "$2".*.msp "$2".callgrind.*
    case $2 in
    plain) setting=(BENCH=plain) ;;
    linked) folder=l setting=("MEMSCOPE_OPTIONS=strict=1:output=$PWD/$2.%e.msp") ;;
    *) setting=("MEMSCOPE_OPTIONS=strict=1:output=$PWD/$2.%e.msp"
        "LD_PRELOAD=$MS_BUILD/lib/libmemscope_rt.so") ;;
    esac
    [ "$2" != weak ] || folder=w
    # The preload is for the program alone, not for valgrind: `env` is traced, and left at exec,
    # where valgrind's starter runs for a moment, with a profile of its own name.
    # shellcheck disable=SC2086
    valgrind -q --tool=callgrind --trace-children=yes --combine-dumps=yes \
        --callgrind-out-file="$2.callgrind.%p" \
        env "${setting[@]}" $folder/paths "$1" $short $long $instruction_paths 2>valgrind.err || {
        cat valgrind.err >&2
        fail "$2: does not run under callgrind"
    }
    [ "$2" = plain ] || {
        report "$file" "$2.json"
        expect_whole "$2"
        expect_json "$2" ".strategy == \"$1\" and .statistics.total_allocations > $short + $long"
    }
}

# differences STRATEGY VARIANT: a line of instructions.jsonl for each path.
differences() {
    awk -v strategy="$1" -v variant="$2" -v rounds=$((long - short)) '
        /^desc: Trigger: Client Request: / { path = $NF }
        /^(totals|summary): / && path != "" {
            if (path in first)
                printf "{\"path\": \"%s\", \"strategy\": \"%s\", \"variant\": \"%s\", \"instructions\": %.2f}\n",
                    path, strategy, variant, ($2 - first[path]) / rounds
            else
                first[path] = $2
            path = ""
        }' "$2".callgrind.*
}
