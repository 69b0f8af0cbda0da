# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# Instructions by callgrind: exact, whatever else the machine does. A path's cost is the difference
# of two loop lengths, per round, against the plain program.

instruction_paths="malloc_free malloc_alone calloc_free realloc_in_place posix_memalign_free new_delete
    new_delete_aligned temporary"
coroutine_paths="resume_suspend resume_park malloc_free_in_task create_destroy await_child"

count_instructions() {
    mkdir -p "$out/instructions/p" "$out/instructions/l" "$out/instructions/w"
    cd "$out/instructions"
    count_in paths '' 'GlobalDirect ThreadLocal' 'plain linked weak foreign' "$instruction_paths"
    # What was not instrumented has no tasks: there is no foreign run.
    count_in coroutines -std=c++20 'TaskLocal HybridTracking' 'plain linked weak' "$coroutine_paths"
}

# count_in PROGRAM FLAG STRATEGIES VARIANTS PATHS
count_in() {
    local program=$1 flag=$2 strategy variant
    say_step "counting instructions: $program"
    # shellcheck disable=SC2086
    {
        compile_plain "p/$1" "$here/programs/$1.cc" $flag
        MODE=linked compile "l/$1" "$here/programs/$1.cc" $flag
        MODE=auto compile "w/$1" "$here/programs/$1.cc" $flag
    }
    for strategy in $3; do
        for variant in $4; do
            collect "$program" "$strategy" "$variant" "$5"
            differences "$strategy" "$variant" >>"$out/instructions.jsonl"
        done
    done
}

short=1000 long=11000

# collect PROGRAM STRATEGY VARIANT PATHS: callgrind's dumps, two of each path, in
# VARIANT.callgrind.PID.
collect() {
    local program=$1 folder=p setting=() file=$3.$1.msp
    rm -f "$3".*.msp "$3".callgrind.*
    case $3 in
    plain) setting=(BENCH=plain) ;;
    linked) folder=l setting=("MEMSCOPE_OPTIONS=strict=1:output=$PWD/$3.%e.msp") ;;
    *) setting=("MEMSCOPE_OPTIONS=strict=1:output=$PWD/$3.%e.msp"
        "LD_PRELOAD=$MS_BUILD/lib/libmemscope_rt.so") ;;
    esac
    [ "$3" != weak ] || folder=w
    # The preload is for the program alone, not for valgrind: `env` is traced, and left at exec,
    # where valgrind's starter runs for a moment, with a profile of its own name.
    # shellcheck disable=SC2086
    valgrind -q --tool=callgrind --trace-children=yes --combine-dumps=yes \
        --callgrind-out-file="$3.callgrind.%p" \
        env "${setting[@]}" "$folder/$program" "$2" $short $long $4 2>valgrind.err || {
        cat valgrind.err >&2
        fail "$3: does not run under callgrind"
    }
    [ "$3" = plain ] || {
        report "$file" "$3.json"
        expect_whole "$3"
        expect_json "$3" ".strategy == \"$2\" and .statistics.total_allocations > $short + $long"
        [ "$program" = paths ] || expect_coroutines "$3"
    }
}

# Every coroutine was followed: each ran as often as it was resumed, its destruction counted.
expect_coroutines() {
    expect_json "$1" "
        ($short + $long + 64) as \$rounds
        | [.task_classes[] | {key: (.function | ltrimstr(\"(anonymous namespace)::\")
              | split(\"(\")[0]), value: .}] | from_entries
        | .suspending.resumes == \$rounds + 6 and .parking.resumes == \$rounds + 6
          and .awaiting.resumes == \$rounds + 6 and .allocating.count == 3"
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
