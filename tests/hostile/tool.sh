# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# The command in hostile places, and in front of files that are no profiles.

. "$HERE/common.sh"

# Its own folder is closed to it, or gone: the program runs, in the same folder, and ends as it ends.
unwritable_folder() {
    MODE=auto steps auto
    mkdir -m 555 closed
    local without=()
    [ "$(id -u)" != 0 ] || without=(setpriv "--bounding-set=-dac_override,-dac_read_search")
    MEMSCOPE_OPTIONS='' run in_closed bash -c 'cd closed && exec "$@"' - "${without[@]}" \
        "$memscope" run ../steps work:10 say:alive exit:7
    expect_unharmed in_closed 7 "alive 0"
    expect_said in_closed "no profile, the program runs on without: permission denied"
    expect_said in_closed "memscope: no profile was written"
    run strict bash -c 'cd closed && exec "$@"' - "${without[@]}" "$memscope" run --strict ../steps work:10
    expect_status strict 99
    run gone bash -c 'mkdir gone && cd gone && rmdir ../gone && exec "$@"' - \
        "$memscope" run -o "$PWD/gone.msp" "$PWD/steps" work:10 tell say:alive exit:7
    expect_unharmed gone 7 "alive 0"
    run nowhere bash -c 'mkdir gone && cd gone && rmdir ../gone && exec "$@"' - \
        "$memscope" run "$PWD/steps" work:10
    expect_status nowhere 1
    expect_said nowhere "the current folder cannot be told"
}

# SIGKILL to the command alone: the program goes on, and its profile is whole.
killed_command() {
    steps auto
    mkfifo go
    # As run does it, since the program's output must be kept.
    "$memscope" run --strict -o killed.msp ./steps work:100 wait:go work:100 tell >killed.out 2>killed.err &
    local run=$! child='' turn
    for turn in $(seq 1000); do
        child=$(pgrep -P $run -x steps || true)
        [ -z "$child" ] || [ ! -s killed.msp ] || break
        sleep 0.05
    done
    [ -n "$child" ] || fail "it does not start ($turn)"
    kill -KILL $run
    wait $run 2>/dev/null && fail "not killed"
    timeout 60 sh -c 'echo >go' || fail "the program is gone"
    for turn in $(seq 1000); do
        grep -s '^State:.[^Z]' "/proc/$child/status" >/dev/null || break
        sleep 0.05
    done
    expect_exact killed
    expect_json killed '.process.state == "exited" and .process.exit.code == 0'
}

# What cannot be run gives the shell's code, and a word.
not_runnable() {
    printf 'no-program-of-this-name' >text # a file without #! is a shell's script, to execvp too
    printf '#!/nowhere/shell\n' >orphan
    chmod +x text orphan
    local what
    for what in text orphan; do
        run $what "$memscope" run -q ./$what
        expect_status $what 127
        [ -s $what.err ] || fail "$what: no word"
    done
}

# Every way of reading a file that is no sound profile ends with 1 and the file's name; no way ends by
# a signal, or hangs.
bad_profiles() {
    local make_profile=$MS_BUILD/tests/unit/memscope_make_profile kind verb seed tries=0
    for kind in newer cut damaged picture; do "$make_profile" $kind $kind.msp; done
    : >empty.msp
    head -c 100000 /dev/zero >zeros.msp
    head -c 100 picture.msp >head.msp
    head -c 70000 /dev/urandom >random.msp
    { head -c 4096 picture.msp && head -c 70000 /dev/urandom; } >half.msp
    mkfifo fifo.msp
    mkdir folder.msp
    ln -s nowhere dangling.msp
    rm picture.msp
    for kind in newer cut damaged empty zeros head random half fifo folder dangling missing; do
        for verb in report "report --json" info; do
            # shellcheck disable=SC2086
            run bad "$memscope" $verb $kind.msp
            expect_status bad 1
            expect_said bad "$kind.msp: "
            case $kind in cut | damaged | half) ;; *) [ ! -s bad.out ] || fail "$verb $kind: output" ;; esac
            [ "$verb" != "report --json" ] || [ ! -s bad.out ] || jq . bad.out >/dev/null || fail "no JSON"
            tries=$((tries + 1))
        done
    done
    [ $tries = 36 ] || fail "$tries"
    for seed in $(seq 20); do
        head -c $((seed * 997)) /dev/urandom >"noise.msp"
        run noise "$memscope" report noise.msp
        expect_status noise 1
        expect_said noise "noise.msp: "
    done
}
