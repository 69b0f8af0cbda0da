# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# What is measured. A subject is built three times below $out/NAME, in folders whose names have one
# length, as a program may copy its argv[0]: p/ plain, l/ runtime linked in, w/ weak hooks.

subject_names() {
    echo malloc_loop containers two_threads million_tasks echo sqlite lua jq gawk
}

is_real() {
    case $1 in sqlite | lua | jq | gawk) return 0 ;; *) return 1 ;; esac
}

wanted() {
    [ -z "$only" ] || [ "$only" = "$1" ] || return 1
    ! { [ $quick = yes ] && is_real "$1" && [ -z "$only" ]; }
}

# Has coroutines: an instrumented frame is larger than a plain one.
has_tasks() {
    case $1 in million_tasks | echo) return 0 ;; *) return 1 ;; esac
}

# Into `arguments`: about a second of work each, plain.
set_arguments() {
    if is_real "$1"; then
        mapfile -t arguments < <("$MS_SOURCE/scripts/workload" "$1" \
            "$([ $quick = yes ] && echo test || echo bench)" "$PWD")
        return
    fi
    case $1-$quick in
    malloc_loop-no) arguments=(40000000) ;;
    malloc_loop-yes) arguments=(1000000) ;;
    containers-no) arguments=(400) ;;
    containers-yes) arguments=(10) ;;
    two_threads-no) arguments=(4000000) ;;
    two_threads-yes) arguments=(200000) ;;
    million_tasks-no) arguments=(1000000) ;;
    million_tasks-yes) arguments=(10000) ;;
    echo-no) arguments=(64000) ;;
    echo-yes) arguments=(3200) ;;
    esac
}

# variants_of SUBJECT: how it is run, plain first.
#   linked     instrumented, runtime linked in: "MemScope" of the targets
#   sites      the same without call stacks: depth=0
#   weak       instrumented by the bare flag, runtime preloaded
#   bare       instrumented by the bare flag, no runtime: the same code and frames without tracking
#   foreign    the plain program, runtime preloaded
#   heaptrack  the plain program, heaptrack's recorder preloaded: into a file, neither compressed nor read
#   heaptrack_raw    the same by `heaptrack --raw`, all its processes: recorder and compressor
#   heaptrack_whole  the same by `heaptrack`, all its processes: recorder, interpreter, compressor
variants_of() {
    if is_real "$1"; then
        echo plain linked sites bare foreign heaptrack heaptrack_raw heaptrack_whole
    else
        echo plain linked sites weak bare foreign heaptrack
    fi
}

prepare() {
    local folder=$out/$1 source flags=()
    mkdir -p "$folder/p" "$folder/l" "$folder/w"
    cd "$folder"
    set_arguments "$1"
    if is_real "$1"; then
        set_heaptrack_command
        prepare_real "$1" p MEMSCOPE=off
        prepare_real "$1" l MEMSCOPE=on
        prepare_real "$1" w MEMSCOPE=bare
        return
    fi
    source=$(echo "$here/programs/$1".c*)
    has_tasks "$1" && flags=(-std=c++20 -Wno-deprecated-declarations)
    compile_plain "p/$1" "$source" "${flags[@]}"
    MODE=linked compile "l/$1" "$source" "${flags[@]}"
    MODE=auto compile "w/$1" "$source" "${flags[@]}"
}

# is_newer FILE THAN…
is_newer() {
    local file=$1 than
    shift
    for than in "$@"; do
        [ "$file" -nt "$than" ] || return 1
    done
}

# prepare_real SUBJECT FOLDER SETTING: the same wrapper, on or off, so that all else is equal; bare:
# the flag alone. Not again where it is newer than what it is made of.
prepare_real() {
    local made=$2/$1 compiler=$MS_BUILD/bin/memscope-clang-$LLVM flags='-O2 -g'
    if [ "$3" = MEMSCOPE=bare ]; then
        compiler=clang-$LLVM flags+=" $(MODE=auto instrument_flags)"
    fi
    is_newer "$made" "$MS_SOURCE/scripts/build-program" &&
        { [ "$3" = MEMSCOPE=off ] || is_newer "$made" "$MS_BUILD/lib/libmemscope_rt.a" \
            "$MS_BUILD/lib/llvm-$LLVM/memscope.so"; } && return
    env "$3" CC="$compiler" CFLAGS="$flags" \
        "$MS_SOURCE/scripts/build-program" "$1" "$2" >/dev/null 2>"$2/build.log" || {
        tail -n 20 "$2/build.log" >&2
        fail "$1 cannot be built"
    }
}

# run_variant SUBJECT VARIANT [WRAPPER…]: runs it in the subject's folder, its output in
# VARIANT.out, its profile (or heaptrack's record) in VARIANT.msp. Two variants are for trust alone:
# the witness preloaded into the plain program, and into the bare one.
run_variant() {
    local subject=$1 variant=$2 folder=p setting=()
    shift 2
    rm -f "$variant.msp"{,.zst,.gz,.raw.zst,.raw.gz}
    case $variant in
    plain | bare) setting=(BENCH=plain) ;;
    witness | bare_witness) setting=("LD_PRELOAD=$witness_library" "MS_WITNESS=$PWD/$variant.w") ;;
    linked) folder=l setting=("MEMSCOPE_OPTIONS=strict=1:output=$PWD/$variant.msp") ;;
    sites) folder=l setting=("MEMSCOPE_OPTIONS=strict=1:depth=0:output=$PWD/$variant.msp") ;;
    governed) folder=l setting=("MEMSCOPE_OPTIONS=strict=1:max_overhead_percent=$budget:output=$PWD/$variant.msp") ;;
    heaptrack) setting=("LD_PRELOAD=$(heaptrack_library)" "DUMP_HEAPTRACK_OUTPUT=$PWD/$variant.msp") ;;
    heaptrack_raw) setting=("$heaptrack_command" --raw -o "$variant.msp") ;;
    heaptrack_whole) setting=("$heaptrack_command" -o "$variant.msp") ;;
    *) setting=("MEMSCOPE_OPTIONS=strict=1:output=$PWD/$variant.msp"
        "LD_PRELOAD=$MS_BUILD/lib/libmemscope_rt.so") ;;
    esac
    case $variant in weak | bare*) folder=w ;; esac
    "$@" env "${setting[@]}" "$folder/$subject" "${arguments[@]}" \
        </dev/null >"$variant.out" 2>"$variant.err" || {
        cat "$variant.err" >&2
        fail "$subject, $variant: the program failed"
    }
    case $variant in heaptrack_*) take_record "$variant" ;; esac
}
