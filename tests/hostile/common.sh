# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Sourced by the scripts here: programs that are compiled once for all claims, and what every hostile
# environment must leave alone: the program's output and its exit code.

runtime=$MS_BUILD/lib/libmemscope_rt.so

# steps MODE: copies the program steps into this folder as ./steps, built for MODE.
steps() {
    local kept=$MS_BUILD/tests/hostile/steps.$1.$LLVM
    mkdir -p "$(dirname "$kept")"
    (
        flock 9
        for newer in "$HERE/programs/steps.c" "$MS_BUILD/lib/libmemscope_rt.a" "$(plugin)" \
            "$support/libms_truth.a"; do
            [ "$kept" -nt "$newer" ] || rm -f "$kept"
        done
        [ -e "$kept" ] || {
            MODE=$1 compile "$kept.$$" "$HERE/programs/steps.c"
            rm "$kept.$$.o"
            mv "$kept.$$" "$kept"
        }
    ) 9>"$kept.lock"
    cp "$kept" steps
}

# run NAME COMMAND…: with a time limit, stdout through a pipe (a file would meet the limits, too);
# NAME.out, NAME.err, NAME.status.
run() {
    local name=$1 status=0 reader
    shift
    mkfifo "$name.pipe"
    cat <"$name.pipe" >"$name.err" &
    reader=$!
    {
        timeout -k 5 60 "$@" 2>"$name.pipe" || status=$?
        echo "$status" >"$name.status"
    } | cat >"$name.out"
    wait $reader # or the last words might not be there yet
    rm "$name.pipe"
    [ "$(cat "$name.status")" != 124 ] || fail "$name hangs: $*"
}

# expect_said NAME WORDS: in stderr.
expect_said() {
    grep -qF -- "$2" "$1.err" || {
        cat "$1.err" >&2
        fail "$1: stderr lacks \"$2\""
    }
}

expect_silent() {
    if grep -F "memscope" "$1.err" >&2; then fail "$1: it was to say nothing"; fi
}

# expect_unharmed NAME STATUS WORDS: the program ended so, and its last words reached stdout.
expect_unharmed() {
    expect_status "$1" "$2"
    grep -qxF -- "$3" "$1.out" || {
        cat "$1.out" "$1.err" >&2
        fail "$1: the program's output lacks \"$3\""
    }
}

# expect_exact NAME: NAME.msp is whole, and its lines equal the truth that stands in NAME.out.
expect_exact() {
    report "$1.msp" "$1.json"
    grep -v '^[a-z]* [0-9]*$' "$1.out" >"$1.truth"
    expect_whole "$1"
    expect_json "$1" '.profile.complete'
    expect_sites "$1" "$1.truth" yes
}

# expect_told NAME LOSS: the profile, read as far as it goes, tells this loss.
expect_told() {
    "$memscope" report --json "$1.msp" >"$1.json" 2>/dev/null || true
    expect_json "$1" ".losses.$2 > 0"
}

# Scripts, since `run` cannot limit the time of a function.
#
# ./with OPTIONS PROGRAM…: as a program is profiled that runs on its own.
cat >with <<SH
#!/bin/sh
export MEMSCOPE_OPTIONS="\$1"
shift
[ "${MODE:-}" != auto ] || exec env LD_PRELOAD="$runtime" "\$@"
exec "\$@"
SH
# as_env OPTIONS: the same in words, for limits that no shell lives with.
as_env() {
    echo env MEMSCOPE_OPTIONS="$1"
    [ "$MODE" != auto ] || echo LD_PRELOAD="$runtime"
}
# ./on_disk KIB COMMAND…: disk/ is a file system of that size, gone when the command ends; the
# profiles on it are copied here.
cat >on_disk <<'SH'
#!/bin/bash
mkdir -p disk
if [ "$(id -u)" = 0 ]; then options=-m; else options=-rm; fi
exec unshare $options bash -c 'mount -t tmpfs -o size=$0k memscope-test disk || exit 90
    status=0
    "$@" || status=$?
    cp disk/*.msp . 2>/dev/null
    exit $status' "$@"
SH
chmod +x with on_disk

need_mounts() {
    [ "$(id -u)" = 0 ] || unshare -rm true 2>/dev/null || skip "needs root, or user namespaces"
}
