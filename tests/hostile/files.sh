# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Where a profile cannot go, or must not; and options that are wrong. One message on stderr, and the
# program runs on; under strict=1 it ends with the message.

. "$HERE/common.sh"

# refused NAME OUTPUT WORDS [COMMAND…]: nothing can be written at OUTPUT: told, harmless, strict.
refused() {
    local name=$1 output=$2 words=$3
    shift 3
    run "$name" "$@" ./with output="$output" ./steps work:100 say:alive exit:7
    expect_unharmed "$name" 7 "alive 0"
    expect_said "$name" "memscope: $words"
    [ "$(grep -c memscope "$name.err")" = 1 ] || fail "$name: more than one message: $(cat "$name.err")"
    run "$name.strict" "$@" ./with strict=1:output="$output" ./steps work:100 say:alive exit:7
    expect_status "$name.strict" 99
    expect_said "$name.strict" "memscope: $words"
    expect_said "$name.strict" "strict=1: the program ends here"
}

unwritable_places() {
    steps "$MODE"
    local long
    long=$(printf 'n%.0s' $(seq 300))
    refused missing missing/x.msp \
        "missing/x.msp: no profile, the program runs on without: no such folder"
    touch file
    refused file file/x.msp "file/x.msp: no profile, the program runs on without: not a folder"
    refused long "$long.msp" "$long.msp: no profile, the program runs on without: the name is too long"
    ln -s loop loop
    refused loop loop/x.msp "loop/x.msp: no profile, the program runs on without: it is a symbolic link"
    mkdir -m 555 closed
    # Root, too, must ask here: without the right to pass over permissions.
    local without=()
    [ "$(id -u)" != 0 ] || without=(setpriv "--bounding-set=-dac_override,-dac_read_search")
    refused closed closed/x.msp \
        "closed/x.msp: no profile, the program runs on without: permission denied" "${without[@]}"
    [ -z "$(ls -A closed)" ] || fail "something was made there"
    need_mounts
    mkdir fixed
    cat >fixed_disk <<'SH'
#!/bin/bash
if [ "$(id -u)" = 0 ]; then options=-m; else options=-rm; fi
exec unshare $options bash -c 'mount -t tmpfs -o ro memscope-test fixed || exit 90; exec "$@"' - "$@"
SH
    chmod +x fixed_disk
    refused fixed fixed/x.msp \
        "fixed/x.msp: no profile, the program runs on without: the file system is read-only" ./fixed_disk
}

# What has the name already stays as it is: the profile takes the next name.
existing_output() {
    steps "$MODE"
    local kind
    echo "somebody's" >precious
    for kind in file link dangling folder fifo; do
        case $kind in
        file) cp precious out.msp ;;
        link) ln -s precious out.msp ;;
        dangling) ln -s nothing out.msp ;;
        folder) mkdir out.msp ;;
        fifo) mkfifo out.msp ;;
        esac
        run "$kind" ./with strict=1:output=out.msp ./steps work:100 tell
        expect_status "$kind" 0
        mv out.1.msp "$kind.msp"
        [ "$(stat -c %a "$kind.msp")" = 600 ] || fail "mode $(stat -c %a "$kind.msp")"
        expect_exact "$kind"
        [ "$(cat precious)" = "somebody's" ] || fail "$kind: overwritten"
        [ ! -e nothing ] || fail "made through a symbolic link"
        [ $kind != file ] || cmp out.msp precious
        [ $kind != folder ] || [ -z "$(ls -A out.msp)" ] || fail "written into the folder"
        rm -rf out.msp
    done
    umask 0
    run umask ./with strict=1:output=umask.msp ./steps work:100
    [ "$(stat -c %a umask.msp)" = 600 ] || fail "open to others"
}

# A test suite's processes leave thousands of one name; what is free is found without asking for
# each of them: of the calls that open or look for a file, 2 a doubling, and some for all else.
many_of_one_name() {
    steps "$MODE"
    touch out.msp
    seq -f 'out.%.0f.msp' 2999 | xargs touch
    run last strace -f -o calls -e trace=openat,statx ./with strict=1:output=out.msp ./steps work:100 tell
    mv out.3000.msp last.msp
    expect_exact last
    [ "$(grep -c 'out\.[0-9]*\.msp' calls)" -le 30 ] || fail "$(grep -c out calls) calls"
    rm out.3.msp # a hole changes nothing
    touch out.3000.msp
    run after ./with strict=1:output=out.msp ./steps work:100 tell
    mv out.3001.msp after.msp
    expect_exact after
}

# memscope-<uid> in the temporary folder: ours, 0700, no symlink; or it is not used.
temporary_folder() {
    steps "$MODE"
    local name kind words
    name=memscope-$(id -u)
    mkdir tmp real
    export TMPDIR=$PWD/tmp
    for kind in link dangling open file foreign; do
        words="not a folder"
        case $kind in
        link) ln -s "$PWD/real" "tmp/$name" ;;
        dangling) ln -s "$PWD/nothing" "tmp/$name" ;;
        open)
            mkdir "tmp/$name"
            chmod 777 "tmp/$name"
            words="not ours, or open to others"
            ;;
        file) touch "tmp/$name" ;;
        foreign)
            [ "$(id -u)" = 0 ] || continue
            mkdir -m 700 "tmp/$name"
            chown 65534 "tmp/$name"
            words="not ours, or open to others"
            ;;
        esac
        run "$kind" ./with verbosity=1 ./steps work:100 say:alive exit:7
        expect_unharmed "$kind" 7 "alive 0"
        expect_said "$kind" \
            "$TMPDIR/$name: no profile, the program runs on without: $words; MEMSCOPE_OPTIONS=output=FILE puts it elsewhere"
        run "$kind.strict" ./with strict=1 ./steps work:100 say:alive exit:7
        expect_status "$kind.strict" 99
        [ -z "$(ls -A real)" ] || fail "$kind: written through it"
        [ ! -e nothing ] || fail "$kind: made through it"
        rm -rf "tmp/${name:?}"
    done
    run whole ./with strict=1 ./steps work:100 tell
    [ "$(stat -c %a "tmp/$name")" = 700 ] || fail "mode of the folder: $(stat -c %a "tmp/$name")"
    mv "tmp/$name"/memscope.steps.*.msp whole.msp
    [ "$(stat -c %a whole.msp)" = 600 ] || fail "mode of the profile"
    expect_exact whole
}

# A set-user-ID program takes no orders from its environment, and its profile is its own.
set_user_id() {
    need_root "a program of another user"
    [ "$(id -u nobody)" = 65534 ] || skip "nobody is not 65534"
    steps linked
    local folder=/tmp/memscope-65534 place
    place=$(mktemp -d) # others must reach the program
    chmod 755 "$place"
    cp steps "$place/steps"
    chown 65534 "$place/steps"
    chmod 4755 "$place/steps"
    if findmnt -no OPTIONS -T "$place" | grep nosuid >/dev/null; then skip "$place is nosuid"; fi
    mkdir -m 777 tmp
    ls -A $folder >before 2>/dev/null || true
    run secret env TMPDIR="$PWD/tmp" \
        MEMSCOPE_OPTIONS="output=$PWD/tmp/taken.msp:strict=1:verbosity=3:help=1:unknown=1" \
        "$place/steps" work:100 tell
    rm -r "$place"
    expect_status secret 0
    expect_silent secret
    [ -z "$(ls -A tmp)" ] || fail "the environment was obeyed: $(ls tmp)"
    ls -A $folder | comm -13 before - | grep -x 'memscope\.steps\..*\.msp' >new
    [ "$(wc -l <new)" = 1 ] || fail "profiles: $(cat new)"
    mv "$folder/$(cat new)" secret.msp
    [ "$(stat -c %u:%a secret.msp)" = 65534:600 ] || fail "$(stat -c %u:%a secret.msp)"
    expect_exact secret
    expect_json secret '.profile.strict == false'
}

# options_say TEXT WORDS: the message, and the profile all the same.
options_say() {
    number=$((${number:-0} + 1))
    run o$number ./with "output=o$number.msp:$1" ./steps work:100 tell say:alive exit:7
    expect_unharmed o$number 7 "alive 0"
    if [ -n "$2" ]; then expect_said o$number "memscope: MEMSCOPE_OPTIONS: $2"; else expect_silent o$number; fi
    expect_exact o$number
}

bad_options() {
    steps "$MODE"
    local huge
    huge=$(printf 'x%.0s' $(seq 20000))
    options_say "bogus=1" "unknown option 'bogus' (ignored; MEMSCOPE_OPTIONS=help=1 lists all)"
    options_say "Strict=1" "unknown option 'Strict' (ignored"
    options_say "strict=2" "bad value '2' of option strict (ignored); it takes 0 to 1"
    options_say "verbosity=-1" "bad value '-1' of option verbosity (ignored); it takes 0 to 3"
    options_say "verbosity=one" "bad value 'one' of option verbosity (ignored); it takes 0 to 3"
    options_say "verbosity=99999999999999999999" "bad value '99999999999999999999' of option verbosity"
    options_say "verbosity=" "bad value '' of option verbosity"
    options_say "strict" "no value for 'strict' (ignored); write key=value"
    options_say "=1" "unknown option '' (ignored"
    options_say "verbosity='1" "no closing quote in the value of 'verbosity' (ignored)"
    options_say "verbosity=\"1" "no closing quote in the value of 'verbosity' (ignored)"
    options_say "verbosity='1':strict=\"0\"" ""
    options_say ":::verbosity=1::" ""
    options_say "$huge=1" "unknown option 'xxxx"
    options_say "$huge" "no value for 'xxxx"
    options_say "verbosity=$huge" "bad value 'xxxx"
    options_say "output=$huge" "too long a value of 'output' (ignored)"
    # Quotes hold what separates options.
    run quoted ./with "output='a:b=c.msp':strict=1" ./steps work:100 tell
    expect_status quoted 0
    mv 'a:b=c.msp' quoted.msp
    expect_exact quoted
    # The strict of a line with a fault in it counts.
    run strict ./with "bogus=1:strict=1:output=/nowhere/x.msp" ./steps work:100
    expect_status strict 99
    expect_said strict "unknown option 'bogus'"
    expect_said strict "/nowhere/x.msp: no profile"
    # An environment of any size before them.
    run large env A="$huge" B="$huge" ./with strict=1:output=large.msp ./steps work:100 tell
    expect_status large 0
    expect_exact large
    # Silent means silent.
    run quiet ./with verbosity=0:bogus=1:output=/nowhere/x.msp ./steps work:100 exit:7
    expect_status quiet 7
}
