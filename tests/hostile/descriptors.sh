# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# The profile's descriptor and name taken away: closed, its number used again, another root, another
# user, another folder, a deleted file.

. "$HERE/common.sh"

closed_descriptor() {
    steps "$MODE"
    run closed ./with strict=1:output=closed.msp ./steps work:100 close grow:2048 tell say:alive
    expect_unharmed closed 0 "alive 0"
    expect_silent closed
    expect_exact closed
    # By a relative name, from another folder.
    mkdir elsewhere
    run moved ./with strict=1:output=moved.msp ./steps work:100 chdir:elsewhere close grow:2048 tell
    expect_status moved 0
    expect_exact moved
}

# Every number the runtime may have had is the program's: no byte of the profile goes there.
reused_descriptor() {
    steps "$MODE"
    run reused prlimit --nofile=1024: ./with output=reused.msp \
        ./steps work:100 close reuse:mine grow:2048 kept say:alive exit:7
    expect_unharmed reused 7 "alive 0"
    [ ! -s mine ] || fail "the program's file was written to"
    # All numbers are taken, so the profile cannot be opened again: told.
    expect_said reused "reused.msp: the profile cannot grow"
    expect_told reused memory_only_bytes
    # A fork child lets go of its parent's profile, not of what has its number.
    run child prlimit --nofile=1024: ./with output=child.msp \
        ./steps work:100 close reuse:theirs fork kept say:alive exit:7
    expect_unharmed child 7 "alive 0"
    [ ! -s theirs ] || fail "the program's file was written to"
}

chrooted() {
    need_mounts
    steps "$MODE"
    mkdir root
    run kept "${rooted[@]}" ./with strict=1:output=kept.msp \
        ./steps work:100 chroot:root grow:2048 tell say:alive
    expect_unharmed kept 0 "alive 0"
    expect_exact kept
    # Also closed: its name leads nowhere.
    run lost "${rooted[@]}" ./with output=lost.msp \
        ./steps work:100 chroot:root close grow:2048 say:alive exit:7
    expect_unharmed lost 7 "alive 0"
    expect_said lost "lost.msp: the profile cannot grow: its descriptor was closed"
    expect_said lost "part of the profile is lost"
    expect_told lost memory_only_bytes
    run strict "${rooted[@]}" ./with strict=1:output=strict.msp \
        ./steps work:100 chroot:root close grow:2048 say:alive exit:7
    expect_status strict 99
    expect_said strict "its descriptor was closed"
    # A child's profile has no place there.
    run child "${rooted[@]}" ./with output="$PWD/child.msp" \
        ./steps work:100 chroot:root fork say:alive exit:7
    expect_unharmed child 7 "alive 0"
    expect_unharmed child 7 "child 17"
    expect_said child "child.msp: no profile, the program runs on without: no such folder"
}

changed_user() {
    need_root "setuid to another user"
    steps "$MODE"
    run kept ./with strict=1:output=kept.msp ./steps work:100 setuid:65534 grow:2048 tell say:alive
    expect_unharmed kept 0 "alive 0"
    expect_exact kept
    run lost ./with output=lost.msp ./steps work:100 setuid:65534 close grow:2048 say:alive exit:7
    expect_unharmed lost 7 "alive 0"
    expect_said lost "lost.msp: the profile cannot grow: its descriptor was closed"
    expect_told lost memory_only_bytes
}

# The file is gone, its contents are not: nothing of this is a matter for the program.
deleted_profile() {
    steps "$MODE"
    run deleted ./with strict=1:output=deleted.msp \
        ./steps work:100 unlink:deleted.msp grow:2048 say:alive exit:7
    expect_unharmed deleted 7 "alive 0"
    expect_silent deleted
    run closed ./with output=closed.msp \
        ./steps work:100 unlink:closed.msp close grow:2048 say:alive exit:7
    expect_unharmed closed 7 "alive 0"
    expect_said closed "the profile cannot grow"
}

rooted=()
[ "$(id -u)" = 0 ] || rooted=(unshare -r)
