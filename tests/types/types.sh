# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims of types: each line of $FORMS with `//= TYPE | VARIABLE` has a site that says so.

# No form is named otherwise than told; of type and variable at least 95% are named.
forms_are_named_right() {
    # shellcheck disable=SC2086
    compile program "$HERE/forms/$FORMS" ${FLAGS:-}
    profile program ./program
    expect_whole program
    judge_forms 95
}

# judge_forms LEAST [OWN]: of what program.json says of $FORMS nothing is wrong, LEAST percent are
# named. Types that begin with OWN are of the library's making and not judged.
judge_forms() {
    jq -r --arg file "$FORMS" '.sites[] | .user_frame as $at
        | select($at != null and ($at.file | endswith("/" + $file)))
        | [$at.line, .type // "?", .variable // "?", .container // "?"] | join(" | ")' \
        program.json >got
    awk -F ' [|] ' -v least="$1" -v own="${2-?}" '
        NR == FNR {
            row = ++rows[$1]
            for (i = 2; i <= 4; i++)
                said[$1, row, i - 1] = $i
            next
        }
        !/\/\/= / || /^\/\// { next }
        {
            count = split(substr($0, index($0, "//= ") + 4), want, " [|] ")
            also = ""
            if (split(want[count], parts, " also ") == 2) {
                want[count] = parts[1]
                also = parts[2]
            }
            judge(1, "type")
            judge(2, "variable")
            if (count > 2)
                judge(3, "container")
        }
        # Of several sites one says what is wanted; no other one says anything else.
        function judge(which, what, row, got, right, others) {
            for (row = 1; row <= rows[FNR]; row++) {
                got = said[FNR, row, which]
                if (got == want[which])
                    right = 1
                else if (got != "?" && !(which == 1 && (got == also || index(got, own) == 1)))
                    others = others " " got
            }
            if (want[which] == "?" && !rows[FNR])
                right = 1
            forms += want[which] != "?"
            named += right && want[which] != "?"
            if (!right || others)
                print FNR ": " what (rows[FNR] ? "" : " (no site)") others ", " want[which] " expected"
            wrong += others != ""
        }
        END { print named + 0 " of " forms + 0 " named, " wrong + 0 " wrong"
              exit !(forms > 0 && wrong == 0 && named * 100 >= forms * least) }
    ' got "$HERE/forms/$FORMS" >verdict || { cat verdict; fail "not all forms of $FORMS are named right"; }
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

# Of blocks that are recorded one by one, alive or freed: how many objects each has room for.
recorded_blocks_tell_their_objects() {
    compile program "$HERE/shapes/objects.c"
    MEMSCOPE_OPTIONS=strict=1:records=100 profile program ./program
    expect_whole program
    expect_json program '[.types[] | select(.name == "struct node") | [.size, .allocations, .bytes, .recorded]]
        == [[16, 4, 338, {blocks: 4, objects: 20, least: 1, most: 10, beyond_bytes: 18}]]'
    expect_json program '[.types[] | select(.name == "struct text") | .recorded]
        == [{blocks: 1, objects: 3, least: 3, most: 3, beyond_bytes: 5}]'
    "$memscope" report --by type program.msp >by.type || fail "report --by type"
    grep -qF 'struct node of 16 B, 5.3 a block; 1 to 10 in each of 4 blocks, 18 B beyond' by.type || fail "$(cat by.type)"
    grep -qF '; 3 in each of 1 block, 5 B beyond' by.type || fail "$(cat by.type)"
    # Without records nothing is told of them.
    profile without ./program
    expect_json without '[.types[].recorded] | unique == [null]'
    ! "$memscope" report --by type without.msp | grep 'in each of' || fail "told without records"
}

# libc++ as Debian has it, unpacked beside the build: its -dev package and libunwind-dev, which other
# tests need, cannot both be installed. Fails where it cannot be fetched.
fetch_libcxx() {
    local folder=$MS_BUILD/tests/libcxx
    mkdir -p "$folder"
    (
        flock 9
        cd "$folder" || exit 1
        [ ! -e complete ] || exit 0
        apt-get -o Acquire::Retries=3 download libc++-19-dev libc++abi-19-dev libc++1-19 libc++abi1-19 libunwind-19 >log 2>&1 || exit 1
        for package in *.deb; do
            dpkg-deb -x "$package" . || exit 1
        done
        rm -- *.deb
        touch complete
    ) 9>"$folder/lock" || fail "libc++ cannot be fetched: $(tail -2 "$folder/log")"
    libcxx=$folder/usr/lib
}

# Of libc++ nothing is named wrong; types that begin with std::__, or hold such, are its own.
libcxx_is_not_named_wrong() {
    fetch_libcxx
    local folder=$libcxx/x86_64-linux-gnu
    compile program "$HERE/forms/$FORMS" -std=c++20 -nostdinc++ -isystem "$libcxx/llvm-19/include/c++/v1" \
        -nostdlib++ -L"$folder" -l:libc++.so.1 -l:libc++abi.so.1 -fexperimental-library -Wno-error
    LD_LIBRARY_PATH=$folder profile program ./program
    sed -i 's/"std::tuple<std::__1::unique_ptr<std::__1::__thread_struct/"std::__tuple/' program.json
    judge_forms 60 std::__
}
