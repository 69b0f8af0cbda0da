# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2034,SC2154 # variables of the harness and of bench/run's parts
#
# Claims about how the bench takes its peer, heaptrack: all its processes, its whole record, and
# what is told of it.

measure=$MS_BUILD/bench/measure

# make_burn: `burn FILE` takes some CPU time and writes into FILE what the kernel told it of that.
make_burn() {
    cat >burn <<'END'
#!/bin/sh
i=0
while [ $i -lt 150000 ]; do i=$((i + 1)); done
times >"$1"
END
    chmod +x burn
}

# told_ns FILE…: what shells wrote there, by their `times`: of themselves and of their children, in
# ticks of 10 ms that are rounded down.
told_ns() {
    cat "$@" | tr ' ' '\n' | awk -F '[ms]' '{ sum += $1 * 60 + $2 } END { printf "%.0f\n", sum * 1e9 }'
}

# Two shells that burn, waited for and left behind: what was measured is what they were told, each
# number of theirs up to a tick short, and what starting them took.
measure_counts_all_processes() {
    local command told status
    make_burn
    for command in './burn a; ./burn b & wait; exit 3' './burn a | ./burn b; exit 3' \
        '(./burn a &); ./burn b & exit 3'; do
        rm -f a b
        status=0
        "$measure" run.json sh -c "$command" || status=$?
        [ $status = 3 ] || fail "$command: exit code $status"
        told=$(told_ns a b)
        [ "$told" -ge 40000000 ] || fail "burns nothing: $told ns"
        jq -e --argjson told "$told" '.cpu_ns >= $told and .cpu_ns < $told + 120e6' run.json >/dev/null ||
            fail "$command: took $told ns at least, measured: $(cat run.json)"
    done
    status=0
    # shellcheck disable=SC2016 # that shell's own
    "$measure" run.json sh -c 'kill -9 $$' || status=$?
    [ $status = 137 ] || fail "killed: exit code $status"
}

# A program of this folder in place of a real one, by the bench's own functions.
heaptracks_command_is_measured_whole() {
    local here=$MS_SOURCE/bench out=$PWD quick=yes only='' rounds=2 subject
    . "$here/heaptrack.sh"
    . "$here/subjects.sh"
    . "$here/timing.sh"
    for subject in sqlite lua jq gawk; do
        [[ "$(variants_of $subject)" = *" heaptrack heaptrack_raw heaptrack_whole" ]] ||
            fail "$subject is not run under heaptrack in three ways"
    done
    prepare malloc_loop 2>/dev/null
    set_heaptrack_command
    variants_of() { echo plain heaptrack heaptrack_raw heaptrack_whole; }
    trust malloc_loop
    [ "$compressor" = zstd ] || fail "compressed by $compressor"
    heaptrack_version >version
    grep -qx 'heaptrack [0-9.]* with zstd' version || fail "version: $(cat version)"
    time_subject malloc_loop
    jq -s -e '(map(.variant) | group_by(.) | map("\(.[0]) \(length)"))
            == ["heaptrack 2", "heaptrack_raw 2", "heaptrack_whole 2", "plain 2"]
        and all(.[] | select(.variant != "plain"); .profile_bytes > 100 and .told == null)' \
        "$out/runs.jsonl" >/dev/null || fail "not measured: $(cat "$out/runs.jsonl")"
    # Not so much as a compressed name of theirs is left.
    [ -z "$(compgen -G '*.msp*')" ] || fail "left behind: $(echo ./*.msp*)"
    the_compressor_counts
    lost_records_are_noticed
    gzip_does_where_zstd_is_not
}

# A compressor that burns: its time is in what is measured of the command, whoever waits for it.
the_compressor_counts() {
    local variant told
    make_burn
    mkdir -p burning
    printf '#!/bin/sh\n%s "$@"\n./burn own\ntimes >with_children\n' "$(command -v zstd)" >burning/zstd
    chmod +x burning/zstd
    for variant in heaptrack_raw heaptrack_whole; do
        rm -f own with_children
        run_variant malloc_loop $variant env "PATH=$PWD/burning:$PATH" "$measure" run.json
        told=$(told_ns with_children)
        [ "$told" -ge 40000000 ] || fail "burns nothing: $told ns"
        jq -e --argjson told "$told" '.cpu_ns >= $told' run.json >/dev/null ||
            fail "$variant: its compressor took $told ns, measured: $(cat run.json)"
        expect_recorded $variant
    done
}

# Of the record that is there now: an allocation more than it has, a thousandth fewer; cut off.
lost_records_are_noticed() {
    local recorded wrong
    recorded=$(zstd -dc <heaptrack_raw.msp | grep -c '^+')
    cp witness.json right.json
    for wrong in $((recorded + 1)) $((recorded - recorded / 500 - 20)); do
        jq ".total_allocations = $wrong" right.json >witness.json
        ! (expect_recorded heaptrack_raw) 2>/dev/null || fail "$recorded pass for $wrong"
    done
    cp right.json witness.json
    truncate -s -100 heaptrack_raw.msp
    ! (expect_recorded heaptrack_raw) 2>/dev/null || fail "a record cut off passes"
    ! (take_record heaptrack_raw) 2>/dev/null || fail "no record passes"
}

gzip_does_where_zstd_is_not() {
    local name
    mkdir -p without
    for name in basename dirname env gzip hostname mkdir mkfifo readlink rm sed sh uname; do
        ln -sf "$(command -v $name)" without/
    done
    run_variant malloc_loop heaptrack_raw env "PATH=$PWD/without"
    [ "$compressor" = gzip ] || fail "compressed by $compressor"
    expect_recorded heaptrack_raw
}

# Runs as they might have been: what is told of each is what they say.
three_readings_of_heaptrack_are_told() {
    local subject variant cpu
    while read -r subject variant cpu; do
        jq -n -c --arg subject "$subject" --arg variant "$variant" --argjson cpu "$cpu" \
            '{subject: $subject, variant: $variant, round: 1, cpu_ns: $cpu, wall_ns: $cpu, units: null,
              told: null, peak_rss_bytes: 12345678, profile_bytes: 1000}'
    done >runs.jsonl <<'END'
sqlite plain 1000000
sqlite linked 1050000
sqlite sites 1020000
sqlite heaptrack 1350000
sqlite heaptrack_raw 1700000
sqlite heaptrack_whole 2600000
jq plain 2000000
jq linked 1990000
jq sites 2100000
jq heaptrack 2500000
jq heaptrack_raw 2900000
END
    : >none
    jq -n --arg command c --arg machine m --arg date d --argjson rounds 1 --slurpfile runs runs.jsonl \
        --slurpfile governor none --slurpfile floor none --slurpfile instructions none \
        -f "$MS_SOURCE/bench/summary.jq" >results.json
    jq -r '.targets[] | select(.what | test("heaptrack"))
        | [.what, (.measured, .sites | if . == null then "-" else . * 1000 | round / 1000 end),
           .must, .aim, .reached, .aim_reached, .sites_reached] | map(tostring) | join("; ")' results.json >told
    # MemScope's added CPU counts as a thousandth at least.
    diff - told <<'END' || fail "other targets"
sqlite: added CPU of `heaptrack --raw`, over MemScope's; 14; 35; 10; 30; true; false; true
sqlite: added CPU of `heaptrack` as it is run, over MemScope's; 32; 80; 10; 30; true; true; true
sqlite: added CPU of heaptrack's recorder alone, uncompressed, over MemScope's; 7; 17.5; 10; 30; false; false; true
jq: added CPU of `heaptrack --raw`, over MemScope's; 450; 9; 10; 30; true; true; false
jq: added CPU of `heaptrack` as it is run, over MemScope's; -; -; 10; 30; null; null; null
jq: added CPU of heaptrack's recorder alone, uncompressed, over MemScope's; 250; 5; 10; 30; true; true; false
END
    # One process's memory is told, that of several is not.
    jq -r -f "$MS_SOURCE/bench/tables.jq" results.json | grep '^| sqlite | heaptrack' >rows
    cut -d '|' -f 3,8-11 rows | diff - <(printf '%s\n' ' heaptrack | 1.350 | 11.8 | 1.00 | 0.00 ' \
        ' heaptrack_raw | 1.700 |  |  | 0.00 ' ' heaptrack_whole | 2.600 |  |  | 0.00 ') || fail "other rows"
}
