# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims of exactness: totals against the witness (a plain build, a run of its own), lines against
# the program's own books. PROGRAM, CHECKS, FLAGS, ARGUMENTS and ALLOWED come from the table.

# The generic claim: builds $PROGRAM plain and instrumented, runs each, compares what $CHECKS names:
#   totals  every figure equals the witness's      sites   each line's figures, one thread: peaks too
#   lines   each line's counts (threads)           threads each named thread's counts
program() {
    local source=$programs/$PROGRAM check
    # shellcheck disable=SC2086
    compile program "$source" ${FLAGS:-}
    # shellcheck disable=SC2086
    profile program ./program ${ARGUMENTS:-}
    # shellcheck disable=SC2086
    expect_whole program ${ALLOWED:-}
    for check in $CHECKS; do
        "check_$check"
    done
}

check_totals() {
    # shellcheck disable=SC2086
    compile_plain plain "$programs/$PROGRAM" ${FLAGS:-}
    # shellcheck disable=SC2086
    witness program ./plain ${ARGUMENTS:-}
    expect_totals program
}

# A new handler is called between attempts: one call of operator new, many of malloc.
check_totals_but_failures() {
    compile_plain plain "$programs/$PROGRAM"
    witness program ./plain
    expect_totals program total_allocations total_bytes total_frees freed_bytes live_bytes \
        peak_live_bytes
    expect_json program '.statistics.failed_allocations > 0'
}

check_sites() {
    expect_sites program program.out yes
}

check_lines() {
    expect_sites program program.out no
}

check_threads() {
    local name want got field
    for name in $(jq -r '.threads[].name | select(. != "main")' program.out); do
        for field in allocations bytes live_bytes; do
            want=$(jq --arg n "$name" ".threads[] | select(.name == \$n).$field" program.out)
            got=$(jq --arg n "$name" "[.threads[] | select(.name == \$n).$field] | add" program.json)
            [ "$want" = "$got" ] || fail "thread $name: $field is $got, the program knows $want"
        done
    done
}
