# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Sourced by run-claim before a script of claims. Compiles test programs, runs them under the
# witness and under MemScope, and compares. Everything is written into the current folder.
#
#   LLVM=19|14|22     the compiler
#   OPT=-O2|-O0|…     the level
#   MODE=auto         the bare flag: weak hooks, runtime preloaded by `memscope run`
#        linked       direct hooks, runtime linked in
#        none         not instrumented at all

: "${OPT:=-O2}" "${MODE:=auto}"
export MEMSCOPE_OPTIONS=${MEMSCOPE_OPTIONS-strict=1}
memscope=$MS_BUILD/bin/memscope
programs=$MS_SOURCE/tests/integration/programs
support=$MS_BUILD/tests/support
witness_library=$support/libms_witness.so

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

skip() {
    echo "SKIPPED: $*"
    exit 77
}

need_root() {
    [ "$(id -u)" = 0 ] || skip "needs root: $1"
}

# compiler_of SOURCE: the clang for its language, in words.
compiler_of() {
    case $1 in
    *.cc | *.cpp) echo "clang++-$LLVM -std=c++17 -fsized-deallocation" ;;
    *) echo "clang-$LLVM" ;;
    esac
}

plugin() {
    echo "$MS_BUILD/lib/llvm-$LLVM/memscope.so"
}

# instrument_flags: how $MODE compiles.
instrument_flags() {
    case $MODE in
    auto) echo "-fpass-plugin=$(plugin)" ;;
    linked) echo "-fplugin=$(plugin) -fpass-plugin=$(plugin) -mllvm -memscope-runtime=linked" ;;
    none) ;;
    *) fail "MODE=$MODE is none of auto, linked, none" ;;
    esac
}

# runtime_flags: how $MODE links an executable.
runtime_flags() {
    [ "$MODE" = linked ] || return 0
    echo "-Wl,--whole-archive $MS_BUILD/lib/libmemscope_rt.a -Wl,--no-whole-archive" \
        "-Wl,--export-dynamic-symbol=__memscope_* -lpthread -ldl"
}

# compile_object OUT SOURCE [FLAG…]
compile_object() {
    local out=$1 source=$2
    shift 2
    # shellcheck disable=SC2046,SC2086
    $(compiler_of "$source") -g $OPT -Wall -Wextra -Werror -D_GNU_SOURCE \
        -I"$MS_SOURCE/tests/support" $(instrument_flags) "$@" -c "$source" -o "$out" ||
        fail "$source does not compile"
}

# compile OUT SOURCE [FLAG…]: an executable in $MODE; flags go to both steps (libraries last).
compile() {
    local out=$1 source=$2
    shift 2
    compile_object "$out.o" "$source" "$@" -Wno-unused-command-line-argument
    # shellcheck disable=SC2046
    $(compiler_of "$source") "$out.o" "$support/libms_truth.a" $(runtime_flags) "$@" \
        -lpthread -ldl -o "$out" || fail "$source does not link"
}

compile_plain() {
    MODE=none compile "$@"
}

# compile_library OUT SOURCE [FLAG…]: a shared object in $MODE (weak hooks, no runtime in it).
compile_library() {
    local out=$1 source=$2
    shift 2
    compile_object "$out.o" "$source" -fPIC "$@" -Wno-unused-command-line-argument
    $(compiler_of "$source") -shared "$out.o" "$@" -o "$out" || fail "$source does not link"
}

# expect_status NAME WANTED: the exit code of the last `profile NAME`.
expect_status() {
    local got
    got=$(cat "$1.status")
    [ "$got" = "$2" ] || {
        cat "$1.err" >&2
        fail "$1 exited $got, $2 expected"
    }
}

# run_under NAME COMMAND…: runs it, keeping NAME.out, NAME.err, NAME.status.
run_under() {
    local name=$1 status=0
    shift
    "$@" >"$name.out" 2>"$name.err" || status=$?
    echo "$status" >"$name.status"
}

# profile NAME COMMAND…: runs it under `memscope run`, leaves NAME.msp and NAME.json; exit code 0
# is expected unless WANT_STATUS says otherwise.
profile() {
    local name=$1
    shift
    run_under "$name" "$memscope" run -o "$name.msp" -- "$@"
    expect_status "$name" "${WANT_STATUS:-0}"
    report "$name.msp" "$name.json"
}

# profile_all NAME COMMAND…: for programs of several processes: NAME.d/*.msp, one JSON each.
profile_all() {
    local name=$1 file
    shift
    mkdir "$name.d"
    run_under "$name" "$memscope" run -o "$name.d/%p.msp" -- "$@"
    expect_status "$name" "${WANT_STATUS:-0}"
    wait_for_quiet "$name.d"
    for file in "$name.d"/*.msp; do
        report "$file" "${file%.msp}.json"
    done
}

# Daemons and orphans go on after `memscope run` has ended: wait until no profile is written by a
# living process any more.
wait_for_quiet() {
    local turn file pid busy
    for turn in $(seq 600); do
        busy=no
        for file in "$1"/*.msp; do
            pid=$(basename "$file")
            pid=${pid%%[!0-9]*}
            [ -z "$pid" ] || ! kill -0 "$pid" 2>/dev/null || busy=yes
        done
        # A daemon may not have had its first event yet: it is waited for where the number is known.
        [ "$busy" = yes ] || [ "$(find "$1" -name '*.msp' | wc -l)" -lt "${PROFILES:-1}" ] || return 0
        sleep 0.1
    done
    fail "a process of $1 does not end, or has no profile ($turn turns)"
}

# report PROFILE JSON: the reader's word on it, and that it is not empty.
report() {
    [ -s "$1" ] || fail "no profile $1"
    "$memscope" report --json "$1" >"$2" || fail "memscope report --json $1 failed"
    jq -e '.statistics.total_allocations > 0 and (.sites | length) > 0 and (.threads | length) > 0' \
        "$2" >/dev/null || fail "$2 is empty"
}

# expect_json NAME EXPRESSION: a jq condition on NAME.json.
expect_json() {
    local file=$1.json
    [ -e "$file" ] || file=$1
    jq -e "$2" "$file" >/dev/null || {
        jq -c '{process, strategy, statistics, losses}' "$file" >&2
        jq -c .coverage "$file" >&2
        fail "$file: not $2"
    }
}

# expect_whole NAME [LOSS…]: no loss is told, but those named.
expect_whole() {
    local name=$1 allowed
    shift
    allowed=$(printf '"%s",' "$@" "")
    expect_json "$name" "[.losses | to_entries[] | select((.value | if type == \"object\" then .count else . end) != 0)
        | .key] - [${allowed%,}] == []"
}

# witness NAME COMMAND…: runs it with the counter; NAME.witness.json.
witness() {
    local name=$1
    shift
    run_under "$name.plain" env LD_PRELOAD="$witness_library" MS_WITNESS="$PWD/$name.w" "$@"
    expect_status "$name.plain" "${WANT_STATUS:-0}"
    set -- "$name".w.*
    [ $# = 1 ] || fail "the witness wrote $# files, not one"
    witness_json "$1" >"$name.witness.json"
}

witness_json() {
    od -v -An -w64 -t u8 "$1" | jq -R '[scan("[0-9]+") | tonumber]
        | {total_allocations: .[0], total_bytes: .[1], total_frees: .[2], freed_bytes: .[3],
           live_allocations: (.[0] - .[2]), live_bytes: (.[1] - .[3]), peak_live_bytes: .[4],
           failed_allocations: .[5]}'
}

# expect_totals NAME [FIELD…]: the profile's statistics equal the witness's, difference 0.
expect_totals() {
    local name=$1 field want got
    shift
    [ $# -gt 0 ] || set -- total_allocations total_bytes total_frees freed_bytes \
        live_allocations live_bytes peak_live_bytes failed_allocations
    jq -e '.total_allocations > 0' "$name.witness.json" >/dev/null || fail "the witness saw nothing"
    for field in "$@"; do
        want=$(jq ".$field" "$name.witness.json")
        got=$(jq ".statistics.$field" "$name.json")
        [ "$got" = "$want" ] || {
            jq -c .statistics "$name.json" >&2
            jq -c . "$name.witness.json" >&2
            jq -c .losses "$name.json" >&2
            fail "$name: $field is $got, the witness counted $want"
        }
    done
}

# expect_sites NAME TRUTH [yes|no]: every line's figures equal the program's own books; with `yes`
# (one thread) also peaks, the composition of the peak, and temporaries.
expect_sites() {
    jq -e '.sites | length > 0' "$2" >/dev/null || fail "$2 has no truth"
    jq -rn --slurpfile truth "$2" --slurpfile profile "$1.json" --arg peaks "${3:-no}" \
        -f "$MS_SOURCE/tests/support/compare-sites.jq" >"$1.differences" ||
        fail "cannot compare $1"
    [ ! -s "$1.differences" ] || {
        head -20 "$1.differences" >&2
        fail "$1: sites differ"
    }
}
