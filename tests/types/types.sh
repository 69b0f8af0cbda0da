# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims of types: each line of $FORMS with `//= TYPE | VARIABLE` has a site that says so.

# No form is named otherwise than told; of type and variable at least 95% are named.
forms_are_named_right() {
    local source=$HERE/forms/$FORMS
    # shellcheck disable=SC2086
    compile program "$source" ${FLAGS:-}
    profile program ./program
    expect_whole program
    jq -r --arg file "$FORMS" '.sites[] | .user_frame as $at
        | select($at != null and ($at.file | endswith("/" + $file)))
        | [$at.line, .type // "?", .variable // "?"] | join(" | ")' program.json >got
    awk -F ' [|] ' '
        NR == FNR { type[$1] = $2; variable[$1] = $3; next }
        !/\/\/= / || /^\/\// { next }
        { split(substr($0, index($0, "//= ") + 4), want, " [|] ")
          judge(want[1], type[FNR], "type"); judge(want[2], variable[FNR], "variable") }
        function judge(want, got, what) {
            if (want == "?" && got == "")
                got = "?"
            forms += want != "?"
            if (got == want) { named += want != "?"; return }
            print FNR ": " what " " (got == "" ? "(no site)" : got) ", " want " expected"
            wrong += got != "?" && got != ""
        }
        END { print named + 0 " of " forms + 0 " named, " wrong + 0 " wrong"
              exit !(forms > 0 && wrong == 0 && named * 100 >= forms * 95) }
    ' got "$source" >verdict || { cat verdict; fail "not all forms of $FORMS are named right"; }
}

# What is unknown is a row as well, so that all rows are the whole.
types_sum_to_the_totals() {
    # shellcheck disable=SC2086
    compile program "$HERE/forms/$FORMS" ${FLAGS:-}
    profile program ./program
    expect_whole program
    jq -e '[["allocations", "total_allocations"], ["bytes", "total_bytes"], ["frees", "total_frees"],
            ["live_bytes", "live_bytes"], ["at_peak_bytes", "at_peak_bytes"]] as $sums
        | . as $all | (.types | length) > 3
          and all($sums[]; . as $pair | ($all.types | map(.[$pair[0]]) | add) == $all.statistics[$pair[1]])
          and (.types | map(.sites) | add) == (.sites | length)' program.json >/dev/null ||
        fail "types: $(jq -c '.types, .statistics' program.json)"
    local by calls
    for by in type container variable; do
        "$memscope" report --by $by --top 0 program.msp >"by.$by" || fail "report --by $by"
        # The calls of all rows but the last, which is their sum.
        calls=$(awk 'NR > 1 { gsub(",", ""); calls[NR] = $7 }
            END { for (i = 2; i < NR; i++) sum += calls[i]; print (sum == calls[NR] && NR > 2) }' "by.$by")
        [ "$calls" = 1 ] || { cat "by.$by" && fail "--by $by: its rows are not their sum"; }
    done
    grep -q "$WANTED" by.type || { cat by.type && fail "no row says $WANTED"; }
}
