# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Limits: file size, address space, descriptors, full disks. What cannot be kept is told, the
# program's output and exit code are its own.

. "$HERE/common.sh"

# ---- RLIMIT_FSIZE ------------------------------------------------------------------------------

# Nothing can be written from the start; then the limit is met by growth.
file_size_limit() {
    steps "$MODE"
    local bytes
    for bytes in 0 100000; do
        run none$bytes prlimit --fsize=$bytes ./with output=none$bytes.msp \
            ./steps work:100 grow:2048 say:alive exit:7
        expect_unharmed none$bytes 7 "alive 0"
        expect_said none$bytes "none$bytes.msp: the profile cannot grow: the file size limit (ulimit -f) is reached"
        expect_said none$bytes "part of the profile is lost: it never reached the file"
        [ "$(stat -c %s none$bytes.msp)" -le $bytes ] || fail "past the limit"
    done
    run grown prlimit --fsize=300000 ./with output=grown.msp \
        ./steps work:100 grow:2048 say:alive exit:7
    expect_unharmed grown 7 "alive 0"
    expect_said grown "the file size limit (ulimit -f) is reached"
    expect_said grown "part of the profile is lost: it never reached the file"
    expect_told grown memory_only_bytes
    "$memscope" report grown.msp >report 2>&1 && fail "the report of a cut profile ends with 0"
    grep -q "cut short: its last" report || fail "the report tells no cut: $(cat report)"
}

file_size_limit_that_ends() {
    steps "$MODE"
    local before
    for before in 0 300000; do
        run end$before prlimit --fsize=$before: ./with output=end$before.msp \
            ./steps work:100 grow:2048 fsize:-1 tell say:alive
        expect_unharmed end$before 0 "alive 0"
        expect_said end$before "the rest of the profile was written at exit"
        expect_exact end$before
        expect_json end$before '.profile.memory_only'
    done
}

file_size_limit_under_strict() {
    steps "$MODE"
    run strict prlimit --fsize=300000 ./with strict=1:output=strict.msp \
        ./steps work:100 grow:2048 say:alive
    expect_status strict 99
    expect_said strict "the file size limit (ulimit -f) is reached"
    expect_said strict "strict=1: the program ends here"
    if grep alive strict.out; then fail "it ran on"; fi
}

# A message must not kill: stderr is a file at its limit, or a pipe that nobody reads.
messages_raise_no_signal() {
    steps "$MODE"
    head -c 10000 /dev/zero >log
    local status=0
    prlimit --fsize=10000 ./with output=/nowhere/x.msp  ./steps work:100 exit:7 2>>log || status=$?
    [ $status = 7 ] || fail "a full stderr: $status"
    mkfifo pipe
    exec 8<>pipe 9>pipe
    exec 8<&- # the reader is gone
    status=0
    ./with output=/nowhere/x.msp ./steps work:100 exit:7 2>&9 || status=$?
    [ $status = 7 ] || fail "a closed stderr: $status"
    status=0
    "$memscope" run -o x.msp ./steps work:100 exit:7 2>&9 || status=$?
    [ $status = 7 ] || fail "memscope run, a closed stderr: $status"
}

# ---- full disks --------------------------------------------------------------------------------

full_disk() {
    need_mounts
    steps "$MODE"
    run full ./on_disk 300 ./with output=disk/full.msp \
        ./steps fill:disk/filler work:100 grow:2048 say:alive exit:7
    expect_unharmed full 7 "alive 0"
    expect_said full "full.msp: the profile cannot grow: no space left on the device"
    expect_said full "part of the profile is lost: it never reached the file"
    expect_told full memory_only_bytes
    # From the start: not one block.
    run start ./on_disk 100 ./with output=disk/start.msp \
        ./steps work:100 grow:2048 say:alive exit:7
    expect_unharmed start 7 "alive 0"
    expect_said start "no space left on the device"
    expect_said start "part of the profile is lost"
}

full_disk_with_room_at_exit() {
    need_mounts
    steps "$MODE"
    run room ./on_disk 1000 ./with output=disk/room.msp \
        ./steps work:10 fill:disk/filler work:100 grow:2048 unlink:disk/filler tell say:alive
    expect_unharmed room 0 "alive 0"
    expect_said room "no space left on the device"
    expect_said room "the rest of the profile was written at exit"
    expect_exact room
}

full_disk_under_strict() {
    need_mounts
    steps "$MODE"
    run strict ./on_disk 300 ./with strict=1:output=disk/strict.msp \
        ./steps fill:disk/filler work:100 grow:2048 say:alive
    expect_status strict 99
    expect_said strict "no space left on the device"
    expect_said strict "strict=1: the program ends here"
}

# ---- ulimit -v ---------------------------------------------------------------------------------

# The address space the plain program needs, found by halving, in KiB.
least_kib() {
    local low=4096 high=262144 middle
    while [ $((high - low)) -gt 256 ]; do
        middle=$(((low + high) / 2))
        if (ulimit -v $middle && exec ./plain work:1000 grow:2048 say:alive) >/dev/null 2>&1; then
            high=$middle
        else
            low=$middle
        fi
    done
    echo $high
}

# From what the plain program just lives with to plenty. The runtime itself is 17 MiB large; once
# it could be loaded it must leave the program what it needs.
address_space_limit() {
    local least room whole=0 told=0
    steps none
    mv steps plain
    steps "$MODE"
    least=$(least_kib)
    for room in 18 24 32 48 64 72 80 96 128 192; do
        run v$room prlimit --as=$(((least + room * 1024) * 1024)) ./with output=v$room.msp \
            ./steps work:1000 grow:2048 tell say:alive exit:7
        expect_unharmed v$room 7 "alive 0"
        if grep -q "the address space limit (ulimit -v) leaves too little room" v$room.err; then
            told=$((told + 1))
            [ ! -e v$room.msp ] || fail "$room: a profile all the same"
        else
            expect_silent v$room
            report v$room.msp v$room.json
            # Tight: what could not be tracked is told. Else all of it is exact.
            jq -e '.losses.untracked_blocks > 0' v$room.json >/dev/null || {
                expect_exact v$room
                whole=$((whole + 1))
            }
        fi
    done
    [ $whole -ge 3 ] || fail "only $whole profiles are whole"
    [ $told -ge 3 ] || fail "only $told limits were found too tight"
    # Less than the runtime: the loader's matter, or the kernel's. Nothing hangs.
    for room in 0 4 8 12 16; do
        run v$room prlimit --as=$(((least + room * 1024) * 1024)) ./with output=v$room.msp ./steps work:10 exit:7
    done
    run strict prlimit --as=$(((least + 24 * 1024) * 1024)) ./with strict=1:output=strict.msp ./steps work:10 exit:7
    expect_status strict 99
    expect_said strict "the address space limit (ulimit -v) leaves too little room"
    expect_said strict "strict=1: the program ends here"
}

# ---- RLIMIT_NOFILE -----------------------------------------------------------------------------

# Where descriptors are few the runtime keeps none; else it keeps one.
descriptor_limit() {
    local count plain fd
    for fd in "/proc/$$/fd"/*; do # what CTest leaves open
        fd=${fd##*/}
        [ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
    done
    steps none
    mv steps plain
    steps "$MODE"
    for count in 4 5 8 16 48 256; do
        run p$count prlimit --nofile=$count ./plain descriptors
        plain=$(sed 's/.* //' p$count.out)
        [ $count -le 64 ] || plain=$((plain - 1))
        # shellcheck disable=SC2046
        run n$count prlimit --nofile=$count $(as_env strict=1:output=n$count.msp) \
            ./steps work:100 descriptors close grow:2048 tell exit:7
        expect_unharmed n$count 7 "descriptors $plain"
        expect_exact n$count
    done
    # None is left when the profile wants to grow, and at its end.
    # shellcheck disable=SC2046
    run starved prlimit --nofile=16 $(as_env output=starved.msp) \
        ./steps work:100 descriptors grow:2048 say:alive exit:7
    expect_unharmed starved 7 "alive 0"
    expect_said starved "starved.msp: the profile cannot grow"
    expect_told starved memory_only_bytes
}
