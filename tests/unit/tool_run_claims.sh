# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about `memscope run`, each a function; run by tests/support/run-claim.

export TMPDIR=$PWD/tmp
mkdir -p "$TMPDIR"

# expect_code CODE COMMAND…
expect_code() {
    local code=$1 got=0
    shift
    "$@" >out 2>err || got=$?
    [ "$got" = "$code" ] || { cat out err; fail "exit code $got, not $code: $*"; }
}

exit_codes_pass_through() {
    local code
    for code in 0 1 3 77 255; do
        expect_code $code "$memscope" run -q sh -c "exit $code"
    done
    expect_code 137 "$memscope" run -q sh -c 'kill -KILL $$'
    expect_code 143 "$memscope" run -q sh -c 'kill -TERM $$'
    expect_code 134 "$memscope" run -q sh -c 'kill -ABRT $$'
    expect_code 127 "$memscope" run -q ./nothere
    grep -q './nothere: No such file' err
    expect_code 127 "$memscope" run -q no-such-command-anywhere
    touch plain
    expect_code 126 "$memscope" run -q ./plain
    grep -q './plain: Permission denied' err
    mkdir folder
    expect_code 126 "$memscope" run -q ./folder
}

death_by_signal_is_written_into_the_profile() {
    expect_code 137 "$memscope" run -q -o k.msp sh -c 'kill -KILL $$'
    "$memscope" report --json k.msp | jq -e '.process.state == "signaled" and
        .process.exit.signal == 9 and .process.exit.signal_name == "KILL" and
        .statistics.session_duration_ms > 0' >/dev/null || fail "$("$memscope" info k.msp)"
}

only_the_last_program_of_an_exec_chain_ended_so() {
    expect_code 5 "$memscope" run -o '%e.msp' sh -c 'exec env sh -c "exit 5"'
    "$memscope" report --json env.msp | jq -e '.process.state == "vanished" and
        .process.exit == null' >/dev/null || fail "$("$memscope" info env.msp)"
    [ "$("$memscope" report --json ./*.1.msp | jq .process.exit.code)" = 5 ] ||
        fail "$(ls) $("$memscope" info ./*.1.msp)"
    # What to type next names the one that ended so.
    grep -q "memscope report .*\.1\.msp" err || fail "$(cat err)"
}

signals_are_handed_on() {
    local signal run
    cat >catch.sh <<'SH'
for s in INT TERM HUP QUIT USR1 USR2; do trap "echo $s >caught; exit 9" $s; done
echo ready >ready
while :; do sleep 0.05; done
SH
    for signal in INT TERM HUP QUIT USR1 USR2; do
        rm -f caught ready
        # A shell starts background commands with INT and QUIT ignored: env gives them back.
        env --default-signal=INT,QUIT "$memscope" run -q bash catch.sh &
        run=$!
        for _ in $(seq 1000); do [ -e ready ] && break; sleep 0.05; done
        [ -e ready ] || fail "the program does not start"
        kill -$signal $run
        local code=0
        wait $run || code=$?
        [ "$(cat caught)" = $signal ] || fail "$signal was not handed on"
        [ $code = 9 ] || fail "$signal: exit code $code"
    done
}

stop_and_continue_are_followed() {
    # A process group of its own: the kernel stops none that is orphaned, as ours may be.
    set -m
    "$memscope" run -q sleep 300 &
    set +m
    local run=$! child status=0
    for _ in $(seq 1000); do child=$(pgrep -P $run -x sleep || true); [ -n "$child" ] && break; sleep 0.05; done
    state() { sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status"; }
    wait_for() { for _ in $(seq 1000); do [ "$(state "$1")" = "$2" ] && return; sleep 0.05; done; fail "$1 is $(state "$1"), not $2"; }
    kill -TSTP $run
    wait_for "$child" T
    wait_for $run T
    kill -CONT $run
    wait_for "$child" S
    wait_for $run S
    kill -TERM "$child"
    wait $run || status=$?
    [ $status = 143 ] || fail "exit code $status"
}

users_options_and_preload_are_kept() {
    expect_code 0 env MEMSCOPE_OPTIONS=verbosity=2 LD_PRELOAD="$MS_BUILD/tests/support/libms_witness.so" \
        MS_WITNESS="$PWD/w" "$memscope" run --strict -o x.msp sh -c 'echo "$MEMSCOPE_OPTIONS" >seen; echo "$LD_PRELOAD" >>seen'
    printf "verbosity=2:output='%s/x.msp':strict=1\n%s/lib/libmemscope_rt.so:%s/tests/support/libms_witness.so\n" \
        "$PWD" "$MS_BUILD" "$MS_BUILD" >wanted
    diff seen wanted || fail "the environment differs"
}

program_with_the_runtime_linked_in_is_not_preloaded() {
    printf '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { puts(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "none"); }\n' >p.c
    MODE=linked compile p "$PWD/p.c"
    expect_code 0 "$memscope" run -q --strict ./p
    [ "$(cat out)" = none ] || fail "preloaded: $(cat out)"
    strip p # the dynamic symbol stays
    expect_code 0 "$memscope" run -q --strict ./p
    [ "$(cat out)" = none ] || fail "preloaded when stripped: $(cat out)"
    MODE=none compile plain "$PWD/p.c"
    expect_code 0 "$memscope" run -q --strict ./plain
    grep -q libmemscope_rt.so out || fail "not preloaded"
    PATH=$PWD:$PATH expect_code 0 "$memscope" run -q --strict p
    [ "$(cat out)" = none ] || fail "preloaded when found by PATH"
}

static_program_runs_and_the_reason_is_told() {
    printf 'int main(void) { return 7; }\n' >s.c
    "clang-$LLVM" -static s.c -o s || fail "static"
    expect_code 7 "$memscope" run ./s
    grep -q "no profile was written: it is a static program" err || fail "$(cat err)"
    expect_code 1 "$memscope" run --strict ./s
    grep -q "cannot be profiled: it is a static program" err || fail "$(cat err)"
}

scripts_and_their_children_leave_a_profile_each() {
    printf '#!/bin/sh\nls / >/dev/null\n(sleep 0; ls / >/dev/null; true)\n' >script
    chmod +x script
    mkdir d
    expect_code 0 "$memscope" run --strict -o 'd/%e.%p.msp' ./script
    [ "$(ls d/ls.*.msp | wc -l)" = 2 ] || fail "$(ls d)"
    local file
    for file in d/*; do
        grep -qx "memscope: profile $file" err || fail "$file is not named: $(cat err)"
        "$memscope" report "$file" >/dev/null || fail "$file"
    done
    [ "$(grep -c "^memscope: profile " err)" = "$(ls d/*.msp | wc -l)" ] || fail "too many: $(cat err)"
}

profiles_of_others_are_not_named() {
    "$memscope" run -q -o 'one.%p.msp' sleep 0.5 &
    sleep 0.2
    expect_code 0 "$memscope" run -o 'two.%p.msp' ls /
    wait $!
    [ "$(grep -c '^memscope: profile ' err)" = 1 ] || fail "$(cat err)"
    grep -q "profile two\." err || fail "$(cat err)"
    cp two.*.msp copy.msp # as new, but of an older run
    expect_code 0 "$memscope" run -o 'two.%p.msp' ls /
    [ "$(grep -c '^memscope: profile ' err)" = 1 ] || fail "$(cat err)"
}

no_profile_overwrites_another() {
    expect_code 0 "$memscope" run -o x.msp ls /
    cp x.msp first
    expect_code 0 "$memscope" run -o x.msp ls /
    cmp x.msp first || fail "x.msp was overwritten"
    [ "$(ls | grep -c 'x.*msp')" = 2 ] || fail "$(ls)"
    [ "$(grep -c '^memscope: profile ' err)" = 1 ] || fail "$(cat err)"
    grep -q "memscope report x.msp" err && fail "the older one is named"
    return 0
}

odd_folders_hold_profiles() {
    local folder
    for folder in 'a b' 'a:b' "a'b" '100%p' 'st*r' '[x]'; do
        mkdir "$folder"
        (cd "$folder" && expect_code 0 "$memscope" run --strict -o out.msp ls / &&
            [ -s out.msp ] && grep -q "profile out.msp" err) || fail "$folder: $(cat "$folder/err")"
    done
}

unwritable_folder_is_told_and_the_program_runs() {
    expect_code 3 env MEMSCOPE_OPTIONS= "$memscope" run -o /nonexistent/x.msp sh -c 'exit 3'
    grep -q "no profile was written" err || fail "$(cat err)"
    expect_code 2 "$memscope" run -o "$TMPDIR" ls /
    grep -q "is a folder" err || fail "$(cat err)"
}

what_to_type_next_works_as_it_stands() {
    local called next
    mkdir lib bin
    cp "$memscope" bin/memscope
    cp "$MS_BUILD/lib/libmemscope_rt.so" lib/
    for called in "$memscope" ../bin/memscope; do
        rm -rf here
        mkdir here
        (cd here && "$called" run ls / >/dev/null 2>err) || fail "$called"
        next=$(sed -n 's/^memscope: read it with: //p' here/err)
        case $next in "$called report "*) ;; *) fail "$called: $(cat here/err)" ;; esac
        (cd here && sh -c "$next") >out || fail "$next"
        grep -q '^ls ' out || fail "$next: $(cat out)"
    done
}

quiet_says_nothing() {
    expect_code 0 "$memscope" run -q -o x.msp ls /
    [ ! -s err ] || fail "$(cat err)"
}

descriptors_and_standard_streams_are_the_programs() {
    echo hello | "$memscope" run -q cat >got || fail "run"
    [ "$(cat got)" = hello ] || fail "stdin or stdout"
    "$memscope" run -q ls -1 /proc/self/fd >with
    ls -1 /proc/self/fd >without
    # The runtime may keep one of its own, far up; nothing of the command's may be left.
    [ "$(awk '$1 < 10' with)" = "$(awk '$1 < 10' without)" ] || fail "$(cat with)"
}
