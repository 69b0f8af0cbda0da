# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims of types from the source. Programs are built with -gline-tables-only, of which the plugin
# knows no types: what a site says comes from libclang.

# commands FILE [FLAG…]: compile_commands.json for one file.
commands() {
    local file=$1
    shift
    jq -n --arg folder "$PWD" --arg file "$file" --arg command "$(compiler_of "$file") -D_GNU_SOURCE $* -c $file" \
        '[{directory: $folder, file: $file, command: $command}]' >compile_commands.json
}

# profile_quietly NAME: as `profile`, without a report that would look into the source.
profile_quietly() {
    run_under "$1" "$memscope" run -o "$1.msp" -- "./$1"
    expect_status "$1" 0
}

# build NAME SOURCE [FLAG…]: a program without types, its profile, and its compile commands.
build() {
    local name=$1 source=$2
    shift 2
    compile "$name" "$PWD/$source" -gline-tables-only "$@"
    profile_quietly "$name"
    commands "$source"
}

# sites_of JSON FILE…: LINE | COLUMN | TYPE | VARIABLE of the sites whose call is there.
sites_of() {
    local json=$1
    shift
    jq -r '.sites[] | select(.file != null and (.file | endswith("/" + $ARGS.positional[0])))
        | [.line, .column, .type // "?", .variable // "?"] | map(tostring) | join(" | ")' "$json" --args "$@" | sort
}

take_forms() {
    cp "$HERE/forms/"* .
}

small() {
    cat >small.h <<'C'
struct node { int value; };
C
    cat >small.c <<'C'
#include <stdlib.h>
#include "small.h"
struct node *volatile kept;
int main(void) {
    kept = malloc(sizeof *kept);
    return 0;
}
C
    touch -d '2 hours ago' small.h small.c
}

# The one site of small.c says what it should.
expect_small_type() {
    "$memscope" report --json "$@" small.msp >small.json 2>small.err || fail "report $*: $(cat small.err)"
    jq -e '[.sites[] | select(.line == 5) | [.type, .variable, .type_bytes, .type_from, .variable_from]]
           == [["struct node", "kept", 4, "source", "source"]]' small.json >/dev/null ||
        fail "$(jq -c '.sites[] | [.line, .type, .variable, .type_from]' small.json) $(cat small.err)"
}

# expect_untold WORDS [OPTION…]: no type, these words on stderr, the report whole.
expect_untold() {
    local words=$1 code=${WANT_CODE:-0} got=0
    shift
    "$memscope" report --json "$@" small.msp >small.json 2>small.err || got=$?
    [ $got = "$code" ] || fail "report $* exits $got, not $code: $(cat small.err)"
    jq -e '[.sites[] | select(.line == 5) | [.type, .type_from]] == [[null, null]]
           and .statistics.total_allocations > 0' small.json >/dev/null || fail "$(cat small.json)"
    if [ -n "$words" ]; then
        grep -qF -- "$words" small.err || fail "not told \"$words\": $(cat small.err)"
    else
        [ ! -s small.err ] || fail "told: $(cat small.err)"
    fi
    "$memscope" report "$@" small.msp >small.txt 2>/dev/null || [ $? = "$code" ] || fail "report exits otherwise"
    grep -q 'small.c:5' small.txt || fail "the text report lacks the site"
}

# --- names ---------------------------------------------------------------------------------------

# None is named otherwise than told; all that the forms tell are named.
forms_are_named_right() {
    take_forms
    build program "$FORMS"
    report program.msp program.json
    expect_whole program
    local file wrong=0
    for file in "$FORMS" shapes.h; do
        [ "$FORMS $file" != "forms.cc shapes.h" ] || continue # it calls nothing there
        sites_of program.json "$file" | cut -d '|' -f 1,3- >got
        awk -F ' [|] ' '
            NR == FNR { seen[$1] = 1; if ($1 in type && type[$1] != $2) differ[$1] = 1; type[$1] = $2; variable[$1] = $3; next }
            !/\/\/= / || /^\/\// { next }
            { split(substr($0, index($0, "//= ") + 4), want, " [|] "); forms++
              if (!(FNR in seen)) { print FILENAME ":" FNR ": no site"; bad++ }
              else if (type[FNR] != want[1] || variable[FNR] != want[2] || FNR in differ) {
                  print FILENAME ":" FNR ": " type[FNR] " | " variable[FNR] ", " want[1] " | " want[2] " expected"; bad++ } }
            END { print forms + 0 " forms, " bad + 0 " wrong"; exit bad > 0 || forms == 0 }
        ' got "$file" >verdict || { cat verdict; wrong=1; }
        cat verdict
    done
    [ $wrong = 0 ] || fail "not all forms of $FORMS are named right"
    # Enough of them.
    grep -c '//= ' "$FORMS" | awk -v least="$([ "$FORMS" = forms.c ] && echo 45 || echo 25)" '{ exit $1 < least }' || fail "too few forms"
}

# Two witnesses that know nothing of each other: where both name something, it is the same.
source_and_debug_info_agree() {
    cp "$MS_SOURCE/tests/types/forms/"* .
    compile with "$PWD/$FORMS"
    build without "$FORMS"
    profile_quietly with
    "$memscope" report --json --no-source with.msp >with.json || fail "no report"
    report without.msp without.json
    # Of a wrapper the one tells its caller's variable, the other its own.
    jq '.sites |= map(select(.wrapper == null))' with.json >with.own.json
    sites_of with.own.json "$FORMS" >debug
    sites_of without.json "$FORMS" >source
    awk -F ' [|] ' '
        { place = $1 ":" $2 }
        NR == FNR { type[place] = $3; variable[place] = $4; next }
        !(place in type) { next }
        { both += $3 != "?" && type[place] != "?"; compare("type", type[place], $3); compare("variable", variable[place], $4) }
        function compare(what, debug, source) {
            if (source == "?" || debug == "?" || source == debug)
                return
            print place ": " what " " debug " by the debug info, " source " by the source"
            bad++
        }
        END { print both + 0 " named by both, " bad + 0 " otherwise"; exit bad > 0 || both < 15 }
    ' debug source >verdict || { cat verdict; fail "the two do not agree on $FORMS"; }
    cat verdict
}

# Of a wrapper its caller's place in the source tells, whatever lies between.
callers_of_wrappers_are_asked() {
    local wrappers=$MS_SOURCE/tests/types/wrappers file=callers.c
    cp "$wrappers"/*.[ch] .
    compile_object allocate.o "$PWD/allocate.c" -gline-tables-only
    compile program "$PWD/callers.c" "$PWD/allocate.o" -gline-tables-only
    profile_quietly program
    commands callers.c -I"$MS_SOURCE/tests/support"
    local verb
    for verb in "report --json" "types"; do # the report finds what `types` has kept, and the other way round
        rm -f program.msp.types
        # shellcheck disable=SC2086
        "$memscope" $verb program.msp >/dev/null 2>err || fail "$verb: $(cat err)"
        "$memscope" report --json program.msp >program.json || fail "report"
        jq -r '.sites[] | .user_frame as $at | select($at != null and ($at.file | endswith("/callers.c")))
            | [$at.line, .type // "?", .variable // "?"] | join(" | ")' program.json | sort -u >got
        grep -n '//= ' callers.c | grep -v '^[0-9]*:// ' | sed -E 's,^([0-9]+):.*//= ,\1 | ,' >want
        # Type and variable of each; nothing else where one is wanted.
        awk -F ' [|] ' 'NR == FNR { type[$1] = $2; variable[$1] = $3; next }
            $1 in type { lines[$1] = 1
                if ($2 != "?" && $2 != type[$1] && type[$1] != "?") { print "wrong: " $0; bad++ }
                if ($3 != "?" && $3 != variable[$1]) { print "wrong: " $0; bad++ }
                named += $2 == type[$1] && $2 != "?" }
            END { print named + 0 " named"; exit bad > 0 || named < 12 }' want got >verdict ||
            { cat verdict got; fail "$verb: callers of wrappers"; }
    done
}

# Without types in the debug info std::allocator's name tells what a container holds; what the debug
# info of another build says is the same.
names_of_allocators_tell_elements() {
    cp "$MS_SOURCE/tests/types/forms/containers.cc" .
    compile with "$PWD/containers.cc" -std=c++20
    compile without "$PWD/containers.cc" -std=c++20 -gline-tables-only
    local each
    for each in with without; do
        profile_quietly $each
        "$memscope" report --json --no-source $each.msp >$each.json || fail "report"
        jq -r '.sites[] | select(.kind == "operator new" and .user_frame != null)
            | [.user_frame.line, .user_frame.column, .bytes, .type // "?"] | map(tostring) | join(" | ")' \
            $each.json | sort >$each.types
    done
    awk -F ' [|] ' '{ place = $1 " " $2 " " $3 }
        NR == FNR { types[place] = types[place] "|" $4 "|"; all++; next }
        $4 == "?" { next }
        { named++ }
        !index(types[place], "|" $4 "|") { print place ": " $4 ", by the debug info " types[place]; bad++ }
        END { print named + 0 " of " all + 0; exit bad > 0 || named * 10 < all * 8 }' with.types without.types >verdict ||
        { cat verdict; fail "elements by names"; }
    cat verdict
}

report_finds_types_by_itself() {
    take_forms
    build program forms.c
    "$memscope" report --no-source --by type program.msp >before
    "$memscope" report --by type program.msp >after
    ! grep -q 'struct node' before || fail "types without source: $(cat before)"
    grep -q 'struct node of 16 B' after || fail "$(cat after)"
    # The calls of all rows are the same, before and after.
    [ "$(tail -1 before | awk '{ print $7 }')" = "$(tail -1 after | awk '{ print $7 }')" ] || fail "the sums differ"
    "$memscope" report program.msp | grep 'forms.c:[0-9]* main() (list: struct list)' >/dev/null || fail "no type in the table"
    "$memscope" report --site "forms.c:$(grep -n 'cast = ' forms.c | cut -d : -f 1)" program.msp >site
    grep -q 'type       .*(from the source)' site || fail "$(cat site)"
    "$memscope" types program.msp >types || fail "memscope types"
    grep -Eq '^[0-9]+ of [0-9]+ sites without a type have one from the source; [89][0-9.]*% of all bytes' types || fail "$(tail -1 types)"
}

# --- the cache -----------------------------------------------------------------------------------

answers_are_kept_beside_the_profile() {
    small
    build small small.c
    expect_small_type
    [ -s small.msp.types ] || fail "nothing is kept"
    [ "$(stat -c %a small.msp.types)" = 600 ] || fail "others may read it"
    # Nothing is parsed any more, and nothing is missed.
    MEMSCOPE_LIBCLANG=/nowhere expect_small_type
    mv small.c gone.c
    mv compile_commands.json gone.json
    expect_small_type
    mv gone.c small.c
    # A broken library would be told if it were asked: another command is asked anew.
    commands small.c -DOTHER
    MEMSCOPE_LIBCLANG=/nowhere expect_untold "/nowhere cannot be loaded"
    expect_small_type
}

kept_answers_hold_for_their_build_alone() {
    small
    build small small.c
    expect_small_type
    sed -i 's/struct node \*volatile/struct other { long l; } *volatile/' small.c
    sed -i 's/sizeof \*kept/sizeof(long)/' small.c
    rm small.msp
    compile small "$PWD/small.c" -gline-tables-only
    profile_quietly small
    [ -e small.msp.types ] || fail "the cache is gone"
    "$memscope" report --json small.msp >small.json
    jq -e '[.sites[] | select(.line == 5) | .type] == ["struct other"]' small.json >/dev/null || fail "$(jq -c .sites small.json)"
}

line_table_tells_checksums_too() {
    small
    build small small.c
    objcopy --remove-section memscope_sources small || skip "no objcopy"
    expect_small_type
    rm small.msp.types
    echo >>small.c
    expect_untold "small.c: changed since the build"
}

damaged_cache_is_told() { # that is: passed over
    small
    build small small.c
    expect_small_type
    local bytes turn
    bytes=$(stat -c %s small.msp.types)
    for turn in $(seq 1 40); do
        printf '\377' | dd of=small.msp.types bs=1 seek=$((turn * 7919 % bytes)) conv=notrunc status=none
        MEMSCOPE_LIBCLANG=/nowhere "$memscope" report --json small.msp >damaged.json 2>damaged.err || fail "turn $turn: $(cat damaged.err)"
        jq -e '[.sites[] | select(.line == 5) | .type | select(. != null and . != "struct node")] == []' damaged.json >/dev/null ||
            fail "turn $turn: $(jq -c .sites damaged.json)"
    done
    printf 'not a cache of ours' >small.msp.types
    expect_small_type
    [ "$(cat small.msp.types)" = 'not a cache of ours' ] || fail "somebody else's file is gone"
}

cache_that_cannot_be_written_is_told() {
    small
    build small small.c
    mkdir small.msp.types
    expect_small_type
    grep -qF "small.msp.types cannot be written" small.err || fail "$(cat small.err)"
}

# --- bad input -----------------------------------------------------------------------------------

missing_source_is_told() {
    small
    build small small.c
    mv small.c gone.c
    expect_untold "small.c: the source is missing"
}

changed_source_is_told() {
    small
    build small small.c
    sed -i 's/struct node \*volatile/struct node * volatile/' small.c
    touch -d '1 hour ago' small.c # its age does not tell
    expect_untold "small.c: changed since the build"
    "$memscope" types small.msp 2>types.err | grep 'small.c:5 main(): ? changed since the build' >/dev/null || fail "memscope types"
}

changed_header_is_told() {
    small
    build small small.c
    echo 'struct node { long value; };' >small.h
    touch -d '+1 hour' small.h
    expect_untold "small.h changed since the build"
}

source_that_does_not_parse_is_told() {
    small
    build small small.c
    commands small.c -Dmalloc=+++
    expect_untold "small.c: does not parse: "
}

missing_entry_is_told() {
    small
    build small small.c
    echo '[]' >compile_commands.json
    expect_untold "small.c: no compile command is known" -p .
    expect_untold "" # nobody asked for these
    "$memscope" types small.msp 2>&1 >types | grep 'no types of 1 site: .*small.c: no compile command is known' >/dev/null || fail "memscope types"
}

broken_commands_is_told() {
    small
    build small small.c
    local content
    for content in '[{"directory": "/"' '{}' '' '[1]' '[{"file": "a.c", "directory": "/", "command": "cc '\''"}]' '[{"directory": 1, "file": 2}]'; do
        printf '%s' "$content" >compile_commands.json
        expect_untold "compile_commands.json:"
    done
    head -c 4096 /dev/urandom >compile_commands.json
    expect_untold "compile_commands.json:"
}

broken_commands_by_name_is_told() {
    small
    build small small.c
    mkdir other
    echo '[' >other/compile_commands.json
    WANT_CODE=1 expect_untold "other/compile_commands.json:" -p other
    ! "$memscope" types -p other small.msp >out 2>err || fail "types goes on"
    grep -q 'other/compile_commands.json:[0-9]*: ' err || fail "$(cat err)"
}

missing_commands_by_name_is_told() {
    local away
    away=$(mktemp -d) # the build tree has commands of its own
    # shellcheck disable=SC2064
    trap "rm -r '$away'" EXIT
    cd "$away"
    small
    build small small.c
    WANT_CODE=1 expect_untold "nowhere.json: No such file" -p nowhere.json
    rm compile_commands.json
    "$memscope" report --json small.msp 2>err >/dev/null || fail "report: $(cat err)"
    [ ! -s err ] || fail "a report without commands says: $(cat err)"
    ! "$memscope" types small.msp 2>err || fail "types has nothing to go by"
    grep -q 'no compile_commands.json' err || fail "$(cat err)"
}

absent_libclang_is_told() {
    small
    build small small.c
    MEMSCOPE_LIBCLANG=libnowhere.so expect_untold "libnowhere.so cannot be loaded"
    MEMSCOPE_LIBCLANG=libjansson.so.4 expect_untold "libclang lacks clang_"
    # Nothing of it was kept.
    expect_small_type
}

turned_off_is_told() { # by silence
    small
    build small small.c
    expect_untold "" --no-source
    MEMSCOPE_LIBCLANG='' expect_untold ""
    [ ! -e small.msp.types ] || fail "something was kept"
}

dwarf_4_is_told() {
    small
    build small small.c -gdwarf-4 -gline-tables-only
    expect_untold "small.c: no module that is there tells its checksum"
}

two_ways_to_compile_is_told() {
    small
    sed -i 's/struct node { int value; };/#ifdef WIDE\n#define node wide\n#endif\nstruct node { int value; };/' small.h
    touch -d '2 hours ago' small.h
    build small small.c
    jq '. + [.[0] | .command += " -DWIDE"]' compile_commands.json >both.json
    "$memscope" types -p both.json small.msp >types || fail "types"
    grep -q 'small.c:5 main().*: ? it depends on how the file is compiled' types || fail "$(cat types)"
    # The same twice, but for its output, is one way.
    jq '. + [.[0] | .command += " -o other.o -fPIC"]' compile_commands.json >both.json
    expect_small_type -p both.json
}

# What such a file says is done: one that anybody can write is not looked for.
commands_of_others_is_told() {
    small
    build small small.c
    chmod 666 compile_commands.json
    "$memscope" report --json small.msp 2>err | jq -e '[.sites[] | select(.line == 5) | .type] == [null]' >/dev/null || fail "it was used"
    expect_small_type -p compile_commands.json
}

response_file_is_told() {
    small
    build small small.c
    commands small.c @flags
    expect_untold "small.c: its command has a response file"
}

hundred_thousand_lines_are_read() {
    {
        echo '#include <stdlib.h>'
        seq 1 97990 | sed 's/.*/struct other_& { int value[&]; };/'
        seq 1 2000 | sed 's/.*/int value_&(int x) { return x + (int)sizeof(struct other_&); }/'
        printf 'struct node { int value; } *volatile kept;\nint main(void) {\n    kept = malloc(sizeof *kept);\n    return 0;\n}\n'
    } >long.c
    build long long.c
    SECONDS=0
    report long.msp long.json
    jq -e '[.sites[] | select(.line == 99994) | [.type, .variable]] == [["struct node", "kept"]]' long.json >/dev/null || fail "$(jq -c '.sites' long.json)"
    [ $SECONDS -lt 60 ] || fail "it took $SECONDS s"
}
