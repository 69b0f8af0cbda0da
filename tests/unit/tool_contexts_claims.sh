# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about stacks as the command shows them, and about `memscope leaks`, each a function; run by
# tests/support/run-claim.

make_profile=$MS_BUILD/tests/unit/memscope_make_profile
export TMPDIR=$PWD/tmp
mkdir -p "$TMPDIR"

# A profile with stacks, the module they stand in, and a symbolizer that knows it.
expect_stacks_made() {
    printf 'int main(void) { return 0; }\n' >app.c
    "clang-$LLVM" -Wl,--build-id=0xabababababababababababababababababababab app.c -o app || fail app
    "$make_profile" stacks x.msp "$PWD/app" || fail "no profile"
    cat >names <<'EOF'
#!/bin/sh
while read -r kind path address; do
    echo "$kind $path $address" >>"$0.asked"
    case $address in
        0x1020) echo '{"Symbol": [{"FunctionName": "main", "FileName": "/src/main.cc", "Line": 5}]}' ;;
        0x1060) echo '{"Symbol": [{"FunctionName": "walk(node*)", "FileName": "/src/tree.cc", "Line": 7}]}' ;;
        0x1070) echo '{"Symbol": [{"FunctionName": "leaf(node*)", "FileName": "/src/tree.cc", "Line": 15}]}' ;;
        0x10[345]0) echo '{"Symbol": [{"FunctionName": "__libc_start_main"}]}' ;;
        *) echo '{"Symbol": []}' ;;
    esac
done
EOF
    chmod +x names
    export MEMSCOPE_SYMBOLIZER=$PWD/names
}

# expect_code CODE COMMAND…: output goes to out and err.
expect_code() {
    local code=$1 got=0
    shift
    "$@" >out 2>err || got=$?
    [ "$got" = "$code" ] || fail "exit code $got, not $code: $* $(cat out err)"
}

expect_line() {
    grep -qxF -- "$1" out || fail "no line \"$1\" in: $(cat out)"
}

contexts_json_follows_its_schema() {
    expect_stacks_made
    "$memscope" report --json x.msp >x.json || fail report
    # The schema test looks into the first of each list: a context with a frame that has no name.
    local rest='.sites = [] | .threads = [] | .modules = [] | .tasks = [] | .task_classes = []'
    jq "$rest | .contexts |= map(select(.cut)) | .contexts[].frames |= .[:1]" x.json >nameless.json
    jq "$rest | .contexts |= map(select(.bytes == 20000)) | .contexts[].frames |= .[:1]" x.json >named.json
    [ "$(jq -c '[.contexts[].frames[] | .function]' nameless.json named.json | tr '\n' ' ')" = \
        '[null] ["leaf(node*)"] ' ] || fail "$(jq .contexts nameless.json named.json)"
    python3 "$HERE/tool_schema.py" "$MS_SOURCE/docs/report.schema.json" nameless.json named.json ||
        fail schema
}

contexts_in_json_add_up_to_their_sites() {
    expect_stacks_made
    "$memscope" report --json x.msp >x.json || fail report
    jq -e '. as $all | [.sites[] | .id as $id | .bytes - ([$all.contexts[] | select(.site == $id) | .bytes] | add // 0)]
        | map(select(. != 0)) == [7]' x.json >/dev/null || fail "$(jq -c '.contexts' x.json)"
    "$memscope" report --json --site tree.cc:15 x.msp | jq -e '[.contexts[].bytes] == [20000]' >/dev/null || fail site
    "$memscope" report --json --top 1 x.msp | jq -e '[.contexts[].bytes] == [20000]' >/dev/null || fail top
}

summary_shows_stacks_of_the_first_sites() {
    expect_stacks_made
    expect_code 0 "$memscope" report x.msp
    expect_line '    20,000 B  tree.cc:15 leaf()'
    expect_line '              tree.cc:7 walk()  ×3'
    expect_line '              main.cc:5 main()'
    grep -q __libc_start_main out && fail "the process's start is shown"
    expect_line 'no names from libfoo.so: gone (--debug-path DIR)'
    [ "$(grep -c '' out)" -le 40 ] || fail "more than a screen: $(cat out)"
    expect_code 0 "$memscope" report --stacks 0 x.msp
    grep -q 'walk()' out && fail "stacks that nobody asked for"
    expect_code 0 "$memscope" report --stacks 1 x.msp
    [ "$(grep -c '×3\|awaited by' out)" = 1 ] || fail "$(cat out)"
    expect_code 2 "$memscope" report --stacks many x.msp
    grep -q -- '--stacks: "many" is not a number' err || fail "$(cat err)"
}

second_report_starts_no_symbolizer() {
    expect_stacks_made
    "$memscope" report --json x.msp >first.json || fail first
    [ -s names.asked ] || fail "nothing was asked"
    rm names.asked
    [ "$(stat -c %a x.msp.symbols)" = 600 ] || fail "$(ls -l x.msp.symbols)"
    "$memscope" report --json x.msp >second.json || fail second
    [ ! -e names.asked ] || fail "asked again: $(cat names.asked)"
    cmp first.json second.json
    # Each place once, whoever wants it.
    rm x.msp.symbols
    "$memscope" report --json x.msp >/dev/null
    [ -z "$(sort names.asked | uniq -d)" ] || fail "asked twice: $(sort names.asked | uniq -d)"
}

leaks_are_told_by_stack_most_bytes_first() {
    expect_stacks_made
    expect_code 0 "$memscope" leaks x.msp
    [ "$(head -1 out)" = '27,640 B in 9 blocks alive at exit, from 8 places' ] || fail "$(cat out)"
    [ "$(grep -o '^  *[0-9,]* B' out | tr -d ' B,' | tr '\n' ' ')" = "20000 4000 3000 500 100 21 12 7 " ] ||
        fail "$(cat out)"
    expect_line '     4,000 B  in 1 block  task read(), thread main'
    expect_line '              awaited by net.cc:27 session()'
    expect_line '              started at main.cc:12 accept_loop()'
    expect_line '         7 B  in 1 block  (its stacks were not kept)'
    expect_code 0 "$memscope" leaks --top 3 x.msp
    expect_line '… 5 more with 640 B (--top 0 shows all)'
    "$memscope" leaks --json x.msp >x.json || fail json
    jq -e '([.leaks[].bytes] | add) == .alive.bytes and .alive.bytes == 27640 and (.leaks | length) == 8' x.json >/dev/null ||
        fail "$(jq -c . x.json)"
}

leaks_exit_with_the_code_asked_for() {
    expect_stacks_made
    expect_code 0 "$memscope" leaks x.msp
    expect_code 23 "$memscope" leaks --exit-code 23 x.msp
    expect_code 23 "$memscope" leaks --exit-code 23 --json x.msp
    printf '# all of it\nleak:*\n' >all
    expect_code 0 "$memscope" leaks --exit-code 23 --suppressions all x.msp
    [ "$(head -1 out)" = 'nothing else is alive at exit' ] || fail "$(cat out)"
    "$make_profile" bare bare.msp
    expect_code 0 "$memscope" leaks --exit-code 23 bare.msp
    [ "$(cat out)" = 'nothing is alive at exit' ] || fail "$(cat out)"
    # What could not be read is no proof of anything.
    "$make_profile" damaged damaged.msp
    expect_code 1 "$memscope" leaks --exit-code 23 damaged.msp
    local word
    for word in 0 256 -1 x ''; do
        expect_code 2 "$memscope" leaks "--exit-code=$word" x.msp
    done
}

leaks_are_filtered_as_the_tree_is() {
    expect_stacks_made
    expect_code 23 "$memscope" leaks --exit-code 23 --focus 'net\.cc' x.msp
    [ "$(head -2 out)" = $'4,500 B in 2 blocks alive at exit, from 2 places\nthe filters leave 4,500 B of 27,640 B, 16.2%' ] ||
        fail "$(cat out)"
    expect_line '              awaited by net.cc:27 session()'
    "$memscope" tree --by live --focus 'net\.cc' x.msp >tree
    grep -qxF 'the filters leave 4,500 B of 27,640 B, 16.2%' tree || fail "$(cat tree)"
    # Options behind the profile, in any order; nothing is left, so nothing is held against it.
    expect_code 0 "$memscope" leaks x.msp --ignore 'main|net' --exit-code 23 --focus '^read'
    [ "$(head -2 out)" = $'nothing the filters leave is alive at exit\nthe filters leave 0 B of 27,640 B, 0.0%' ] ||
        fail "$(cat out)"
    # What one drops the other keeps; what is hidden stays in the sums.
    local regex filter
    for regex in 'net\.cc' '^walk' libfoo 'main\.cc' nothing .; do
        for filter in focus ignore hide; do
            "$memscope" leaks --json --$filter "$regex" x.msp >$filter.json || fail json
            jq -e '([.leaks[].bytes] | add // 0) == .alive.bytes and ([.leaks[].blocks] | add // 0) == .alive.blocks and
                .alive.all_bytes == 27640 and .alive.all_blocks == 9 and .alive.process_bytes == 27640' $filter.json \
                >/dev/null || fail "$filter $regex: $(jq -c .alive $filter.json)"
        done
        jq -se '(.[0].alive.bytes + .[1].alive.bytes) == 27640 and (.[0].alive.blocks + .[1].alive.blocks) == 9 and
            ((.[0].leaks + .[1].leaks) | length) == 8 and .[2].alive.bytes == 27640 and (.[2].leaks | length) == 8' \
            focus.json ignore.json hide.json >/dev/null || fail "$regex: no sum"
    done
    # Of the last one: no frame is left.
    jq -e 'all(.leaks[]; .frames == [])' hide.json >/dev/null || fail "frames: $(jq -c .leaks hide.json)"
    expect_code 0 "$memscope" leaks --hide . x.msp
    [ "$(grep -cx '              \[all frames hidden\]' out)" = 8 ] || fail "$(cat out)"
    [ "$(head -1 out)" = '27,640 B in 9 blocks alive at exit, from 8 places' ] || fail "$(cat out)"
    grep -q 'the filters leave' out && fail "hidden frames took bytes along"
    "$memscope" leaks --json --hide '^walk|^main' x.msp |
        jq -e '[.leaks[0].frames[].function] == ["leaf(node*)"]' >/dev/null || fail "hide in JSON"
}

suppressions_see_what_is_hidden_but_not_what_is_dropped() {
    expect_stacks_made
    printf 'leak:^walk\nleak:net.cc$\n' >some
    expect_code 23 "$memscope" leaks --suppressions some --exit-code 23 --hide 'walk|net' --ignore libfoo x.msp
    [ "$(head -2 out)" = $'140 B in 5 blocks alive at exit, from 4 places\nthe filters leave 24,640 B of 27,640 B, 89.1%' ] ||
        fail "$(cat out)"
    expect_line 'suppressed 20,000 B in 1 block by leak:^walk'
    expect_line 'suppressed 4,500 B in 2 blocks by leak:net.cc$'
    expect_code 0 "$memscope" leaks --suppressions some --exit-code 23 --focus '^walk' x.msp
    [ "$(head -2 out)" = $'nothing else the filters leave is alive at exit\nthe filters leave 20,000 B of 27,640 B, 72.3%' ] ||
        fail "$(cat out)"
    grep -q 'leak:net' out && fail "what is dropped is suppressed"
    "$memscope" leaks --json --suppressions some --focus '^walk|libfoo' x.msp >x.json
    jq -e '.filters == {focus: "^walk|libfoo", ignore: null, hide: null}' x.json >/dev/null ||
        fail "$(jq -c .filters x.json)"
    jq -e '.alive | .bytes == 23000 and .suppressed_bytes == 20000 and .blocks == 2 and .suppressed_blocks == 1 and
        .all_bytes == 27640' x.json >/dev/null || fail "$(jq -c .alive x.json)"
}

suppressions_take_functions_files_and_modules() {
    expect_stacks_made
    printf 'leak:libfoo\n\n  # comment\nleak:^walk(node\\*\n  leak:^walk(node* \nleak:net.cc$\nleak:nowhere\n' >some
    expect_code 23 "$memscope" leaks --exit-code 23 --suppressions some x.msp
    expect_line 'suppressed 3,000 B in 1 block by leak:libfoo'
    expect_line 'suppressed 20,000 B in 1 block by leak:^walk(node*'
    expect_line 'suppressed 4,500 B in 2 blocks by leak:net.cc$'
    [ "$(head -1 out)" = '140 B in 5 blocks alive at exit, from 4 places' ] || fail "$(cat out)"
    grep -q nowhere out && fail "one that took nothing is told"
    "$memscope" leaks --json --suppressions some x.msp >x.json
    jq -e '[.suppressions[] | [.line, .bytes, .stacks]] ==
        [[1, 3000, 1], [4, 0, 0], [5, 20000, 1], [6, 4500, 2], [7, 0, 0]] and
        .alive.suppressed_bytes == 27500 and
        ([.leaks[] | select(.suppressed_by == "net.cc$") | .bytes] == [4000, 500])' x.json >/dev/null ||
        fail "$(jq -c '.alive, .suppressions' x.json)"
}

bad_suppressions_name_file_and_line() {
    expect_stacks_made
    printf 'leak:good\nleek:bad\n' >bad
    expect_code 1 "$memscope" leaks --suppressions bad x.msp
    [ "$(cat err)" = 'memscope leaks: bad:2: "leek:bad" is not leak:PATTERN' ] || fail "$(cat err)"
    printf 'leak:  \n' >bad
    expect_code 1 "$memscope" leaks --suppressions bad x.msp
    grep -q 'bad:1: "leak:" has no pattern' err || fail "$(cat err)"
    printf 'leak:good\n\0\n' >bad
    expect_code 1 "$memscope" leaks --suppressions bad x.msp
    grep -q 'bad:2: no text' err || fail "$(cat err)"
    expect_code 1 "$memscope" leaks --suppressions nowhere x.msp
    grep -q 'nowhere: No such file' err || fail "$(cat err)"
    expect_code 1 "$memscope" leaks --suppressions . x.msp
    [ -s err ] || fail "a folder is read"
}
