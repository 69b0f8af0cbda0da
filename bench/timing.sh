# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# No time is believed before the profile is whole and its totals are right.

# trust SUBJECT: totals of every variant against the witness (a run of its own, of a program with
# frames as large), or, in threads, against the program's own books. heaptrack's command must have
# recorded everything.
trust() {
    local subject=$1 variant counter
    say_step "$subject: are the counts right?"
    run_variant "$subject" plain
    [ "$subject" = two_threads ] || counted_by_witness "$subject" witness
    ! has_tasks "$subject" || counted_by_witness "$subject" bare_witness
    for variant in $(variants_of "$subject"); do
        case $variant in plain | bare | heaptrack) continue ;; esac
        run_variant "$subject" "$variant"
        case $variant in
        heaptrack_*)
            expect_recorded "$variant"
            rm "$variant.msp"
            continue
            ;;
        esac
        report "$variant.msp" "$variant.json"
        expect_whole "$variant"
        if [ "$subject" = two_threads ]; then
            expect_books "$variant"
        else
            cmp -s plain.out "$variant.out" || fail "$subject, $variant: other output than plain"
            counter=witness
            ! has_tasks "$subject" || [ "$variant" = foreign ] || counter=bare_witness
            cp "$counter.json" "$variant.witness.json"
            expect_totals "$variant"
        fi
        jq -c "$totals" "$variant.json" >"$variant.totals"
    done
}

totals='.statistics | {total_allocations, total_bytes, total_frees, freed_bytes}'

# counted_by_witness SUBJECT VARIANT: VARIANT.json.
counted_by_witness() {
    local variant=$2
    rm -f "$variant".w.*
    run_variant "$1" "$variant"
    cmp -s plain.out "$variant.out" || fail "$1, $variant: other output than plain"
    set -- "$variant".w.*
    [ $# = 1 ] || fail "the witness wrote $# files, not one"
    witness_json "$1" >"$variant.json"
}

# Against what the program printed, difference 0: its own sites together, or, uninstrumented, the
# one foreign site of its malloc (libc's own calls are other sites).
expect_books() {
    jq -e --slurpfile books "$1.out" '
        $books[0] as $b
        | (if any(.sites[]; .foreign | not) then [.sites[] | select(.foreign | not)]
           else [.sites[] | select(.allocations == $b.allocations)] end) as $own
        | $b.allocations > 0 and ($own | map(.allocations) | add) == $b.allocations
          and ($own | map(.bytes) | add) == $b.bytes and ($own | map(.frees) | add) == $b.frees
          and ($own | map(.live_bytes) | add) == $b.bytes - $b.freed_bytes' "$1.json" >/dev/null || {
        cat "$1.out" >&2
        jq -c '.sites[] | {file, line, foreign, allocations, bytes, frees, live_bytes}' "$1.json" >&2
        fail "$1: not what the program knows"
    }
}

# time_subject SUBJECT: rounds of every variant in turn, one line of runs.jsonl a run. Units are the
# tasks, or the messages.
time_subject() {
    local subject=$1 round variant units=null
    ! has_tasks "$subject" || units=${arguments[0]}
    for round in $(seq "$rounds"); do
        say_step "$subject: round $round of $rounds"
        for variant in $(variants_of "$subject"); do
            ! left_out "$subject" "$variant" "$round" || continue
            run_variant "$subject" "$variant" "$measure" run.json
            still_right "$subject" "$variant"
            jq -c --arg subject "$subject" --arg variant "$variant" --argjson round "$round" \
                --argjson profile "$(size_of "$variant.msp")" --argjson units "$units" \
                --argjson told "$(told_by "$variant")" \
                '{subject: $subject, variant: $variant, round: $round, profile_bytes: $profile,
                  units: $units, told: $told} + .' run.json >>"$out/runs.jsonl"
            case $variant in heaptrack*) rm -f "$variant.msp" ;; esac
        done
    done
}

# left_out SUBJECT VARIANT ROUND: heaptrack takes up to twenty times as long where nothing but
# allocations happens; no target is about that, and three rounds tell.
left_out() {
    [ "$2" = heaptrack ] && ! is_real "$1" && [ "$3" -gt 3 ]
}

still_right() {
    case $2 in plain | bare | heaptrack*) return ;; esac
    report "$2.msp" "$2.json"
    expect_whole "$2"
    jq -c "$totals" "$2.json" | cmp -s - "$2.totals" || fail "$1, $2: other totals than before"
}

# What the profile of the run just made says of its own cost: {percent, error}.
told_by() {
    case $1 in
    plain | bare | heaptrack*) echo null ;;
    *) jq -c '.overhead | if . == null then null else {percent, error} end' "$1.json" ;;
    esac
}

size_of() {
    if [ -e "$1" ]; then stat -c %s "$1"; else echo null; fi
}

say_step() {
    echo "==> $*" >&2
}
