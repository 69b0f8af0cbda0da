# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about `memscope tree`, `flame` and `export`, each a function; run by
# tests/support/run-claim. What is written for other programs they have to read: xmllint, go's pprof.

make_profile=$MS_BUILD/tests/unit/memscope_make_profile
make_views=$MS_BUILD/tests/unit/memscope_make_views
measures="live peak at-peak total count temporary"

# expect_said CODE WORDS COMMAND…: the exit code, and words in stdout or stderr.
expect_said() {
    local code=$1 words=$2 got=0
    shift 2
    "$@" >out 2>&1 || got=$?
    [ "$got" = "$code" ] || { cat out; fail "exit code $got, not $code: $*"; }
    grep -qF -- "$words" out || { cat out; fail "\"$words\" is missing in the output of: $*"; }
}

# expect_so FILE FILTER
expect_so() {
    jq -e "$2" "$1" >/dev/null || { jq . "$1"; fail "not so: $2"; }
}

# real_run: the profile of a program as it runs, run.msp.
real_run() {
    "$memscope" run -q --strict -o run.msp sh -c 'ls / >/dev/null; : "$(id)"' || fail run
}

# --- tree --------------------------------------------------------------------------------------

# expect_sums PROFILE VIEW MEASURE
expect_sums() {
    "$memscope" tree --json "--$2" --by "$3" "$1.msp" >tree.json || fail "$*"
    jq -e --slurpfile report "$1.report.json" '.nodes[0] as $root | $report[0].statistics as $all |
        .tree.process == ($root |
            {live_bytes, sum_of_peaks_bytes, at_peak_bytes, bytes, allocations, temporary}) and
        $root.bytes == $all.total_bytes and $root.live_bytes == $all.live_bytes and
        $root.at_peak_bytes == $all.at_peak_bytes and $root.allocations == $all.total_allocations and
        $root.temporary == $all.temporary_allocations and ({live: "live_bytes", total: "bytes",
            peak: "sum_of_peaks_bytes", "at-peak": "at_peak_bytes", count: "allocations",
            temporary: "temporary"}[.tree.by] as $key |
        (reduce .nodes[1:][] as $n ({}; .["\($n.parent)"] += $n[$key])) as $below |
        all(.nodes[]; .[$key] == .own + ($below["\(.id)"] // 0) and .hidden == 0)) and
        (.nodes | length) > 1' tree.json >/dev/null || { jq -c .nodes[] tree.json; fail "no sums: $*"; }
}

nodes_in_json_add_up_to_the_report() {
    local profile view by
    "$make_profile" stacks x.msp
    real_run
    export MEMSCOPE_SYMBOLIZER= # names cost time and change no sum
    for profile in x run; do
        "$memscope" report --json $profile.msp >$profile.report.json || fail report
    done
    for by in $measures; do
        for view in callees callers tasks; do
            expect_sums x $view "$by"
        done
    done
    expect_sums run callees total
    expect_sums run callers at-peak
    expect_sums run tasks count
}

json_tells_what_it_leaves_out() {
    "$make_profile" stacks x.msp
    "$memscope" tree --json --depth 2 --min 1 x.msp >x.json
    expect_so x.json 'all(.nodes[]; .at_peak_bytes >= .own + .hidden) and .nodes[0].hidden == 40 and
        .nodes[0].hidden_children == 3 and ([.nodes[] | select(.parent == 0) | .at_peak_bytes] | add) ==
        .nodes[0].at_peak_bytes - 40 and .tree.cut_stacks == 1 and .tree.unresolved[0] == "libfoo.so: gone"'
    "$memscope" tree --json --top 1 x.msp >x.json
    expect_so x.json '(.nodes | length) == 2 and .nodes[0].hidden == .nodes[0].at_peak_bytes - .nodes[1].at_peak_bytes'
}

tree_shows_what_it_is_asked_for() {
    "$make_profile" stacks x.msp
    expect_said 0 "awaits: session()  net.cc:27" "$memscope" tree x.msp
    expect_said 0 "task session()  (main.cc:12)" "$memscope" tree --tasks x.msp
    expect_said 0 "├ leaf()  tree.cc:15" "$memscope" tree x.msp --callers
    expect_said 0 "the filters leave 4,500 B of 27,640 B, 16.2%" "$memscope" tree --focus 'net\.cc' x.msp
    expect_said 0 "the filters leave 23,140 B of 27,640 B" "$memscope" tree --ignore '^read' x.msp
    expect_said 0 "SUM OF PEAKS" "$memscope" tree --by peak x.msp
    expect_said 0 "│ libfoo.so+0x2011" "$memscope" tree x.msp
    expect_said 0 "no names: libfoo.so: gone" "$memscope" tree x.msp
    "$memscope" tree --hide 'net\.cc' x.msp | grep 'read()' && fail "hidden frames are shown"
    "$memscope" tree --color=always x.msp | grep $'\033' >/dev/null || fail "no colour where asked"
    "$memscope" tree x.msp | grep $'\033' >/dev/null && fail "colour into a pipe"
    "$make_profile" server x.msp
    expect_said 0 "the profile holds no stacks" "$memscope" tree x.msp
    "$make_profile" cut cut.msp
    expect_said 1 "incomplete: cut.msp" "$memscope" tree cut.msp
    expect_said 1 '"complete": false' "$memscope" tree --json cut.msp
    expect_said 1 "cut short" "$memscope" export --format collapsed cut.msp
    expect_said 1 "cut short" "$memscope" flame cut.msp
    xmllint --noout cut.svg
}

wrong_command_lines_of_stacks_exit_2() {
    local verb
    "$make_profile" stacks x.msp
    for verb in tree flame leaks "export --format collapsed" "export --format pprof"; do
        # shellcheck disable=SC2086 # words
        {
            expect_said 2 '--focus: "(a" is no regular expression' "$memscope" $verb --focus '(a' x.msp
            expect_said 2 '--focus: "(a" is no regular expression' "$memscope" $verb x.msp --hide b --focus '(a'
            expect_said 2 '--hide: "*" is no regular expression' "$memscope" $verb --hide '*' x.msp
            expect_said 2 '--ignore: one expression' "$memscope" $verb --ignore a --ignore b x.msp
            expect_said 2 'option "--hide" lacks its argument' "$memscope" $verb x.msp --hide
        }
    done
    for verb in memscope-rs memscope-strategy; do
        expect_said 2 "--focus: $verb files hold all" "$memscope" export --format $verb --focus a x.msp
        expect_said 2 "--ignore: $verb files hold all" "$memscope" export --hide b --ignore a --format $verb x.msp
        expect_said 2 "--hide: $verb files hold all" "$memscope" export x.msp --hide a --format=$verb
    done
    for verb in tree flame; do
        expect_said 2 'one view at a time: --callers and --tasks' "$memscope" $verb --callers --tasks x.msp
        expect_said 2 '--by: unknown key "totals" (did you mean "total"?)' "$memscope" $verb --by totals x.msp
    done
    expect_said 2 '--min: "-1" is no percentage' "$memscope" tree --min -1 x.msp
    expect_said 2 '--min: "101" is no percentage' "$memscope" tree --min 101 x.msp
    expect_said 2 '--depth: "x" is not a number' "$memscope" tree --depth x x.msp
    expect_said 2 '--colour: unknown key "tasks" (did you mean "task"?)' "$memscope" flame --colour tasks x.msp
    expect_said 2 '--format: collapsed, pprof, memscope-rs or memscope-strategy?' "$memscope" export x.msp
    expect_said 2 '--format: unknown format "prof" (did you mean "pprof"?)' "$memscope" export --format prof x.msp
    expect_said 2 '--by: pprof files hold all' "$memscope" export --format pprof --by total x.msp
    for verb in tree flame "export --format pprof"; do
        # shellcheck disable=SC2086 # words
        expect_said 2 'one profile at a time' "$memscope" $verb x.msp y.msp
        # shellcheck disable=SC2086
        expect_said 1 'nothere.msp: No such file' "$memscope" $verb nothere.msp
    done
    [ ! -e x.svg ] && [ ! -e x.pb.gz ] && [ ! -e x.memscope-rs ]
}

template_arguments_fold_on_demand() {
    cat >p.cc <<'EOF'
#include <cstdlib>
#include <vector>
template <class T> __attribute__((noinline)) void *grow(std::vector<T> &, size_t bytes) {
    void *volatile block = malloc(bytes);
    return block;
}
int main() {
    std::vector<int> a;
    std::vector<std::vector<char>> b;
    grow(a, 1000);
    grow(b, 500);
    return 0;
}
EOF
    MODE=auto compile p "$PWD/p.cc"
    "$memscope" run -q --strict -o p.msp ./p || fail run
    local of_grow='[.nodes[] | select(.kind == "stack" and (.function | test("grow")))
        | [.function | gsub(" "; "")]  + [.bytes]] | sort'
    "$memscope" tree --json --callers --by total --focus grow p.msp >tree.json || fail tree
    [ "$(jq -c "$of_grow | map(.[1]) | sort" tree.json)" = '[500,1000]' ] || fail "$(jq -c .nodes tree.json)"
    "$memscope" tree --json --callers --by total --focus grow --fold-templates p.msp >tree.json || fail tree
    [ "$(jq -c "$of_grow" tree.json)" = '[["void*grow<…>(std::vector<…>&,unsignedlong)",1500]]' ] ||
        fail "$(jq -c .nodes tree.json)"
    "$memscope" export --format collapsed --by total --fold-templates p.msp >folded || fail export
    [ "$(grep -c 'main;void\* grow<…>(std::vector<…>&, unsigned long) 1500$' folded)" = 1 ] || fail "$(cat folded)"
    "$memscope" report --json --fold-templates p.msp >report.json || fail report
    expect_so report.json '[.contexts[] | select(.frames[0].function // "" | test("grow")) |
        [.frames[0].function, .bytes]] | sort == [["void* grow<…>(std::vector<…>&, unsigned long)", 500],
        ["void* grow<…>(std::vector<…>&, unsigned long)", 1000]]'
    "$memscope" flame --fold-templates -o p.svg p.msp && xmllint --noout p.svg
    grep -q '<title>grow&lt;…&gt;()$' p.svg || fail "the flame graph folds nothing"
}

# --- files -------------------------------------------------------------------------------------

files_that_are_there_stay_unless_forced() {
    "$make_profile" stacks x.msp
    cp x.msp same.msp
    echo precious >x.svg
    cp x.svg x.pb.gz
    expect_said 1 "x.svg is there already; --force replaces it" "$memscope" flame x.msp
    expect_said 1 "x.pb.gz is there already; --force replaces it" "$memscope" export --format pprof x.msp
    expect_said 1 "x.svg is there already" "$memscope" export --format collapsed -o x.svg x.msp
    [ "$(cat x.svg x.pb.gz)" = $'precious\nprecious' ]
    expect_said 0 "wrote x.svg" "$memscope" flame --force x.msp
    xmllint --noout x.svg
    expect_said 0 "wrote x.pb.gz" "$memscope" export --format pprof --force x.msp
    gzip -t x.pb.gz
    ln x.msp other-name
    expect_said 1 "other-name is the profile itself" "$memscope" flame --force -o other-name x.msp
    cmp x.msp same.msp
    expect_said 1 "cannot write nofolder/x.svg: No such file" "$memscope" flame -o nofolder/x.svg x.msp
    expect_said 1 "cannot write /dev/full: No space left" "$memscope" flame -o /dev/full x.msp
    [ -c /dev/full ]
    expect_said 1 "cannot write the output" sh -c "'$memscope' export --format=collapsed x.msp >/dev/full"
    "$memscope" flame -o - x.msp | cmp - x.svg
    "$memscope" export --format pprof -o - x.msp | cmp - x.pb.gz
}

# --- flame -------------------------------------------------------------------------------------

flame_graphs_are_well_formed_and_ask_nobody() {
    local kind
    for kind in flame icicle by-task odd empty; do
        "$make_views" $kind $kind.svg
        xmllint --noout $kind.svg || fail "$kind is no XML"
        # The name of SVG itself is the only address in it, and nothing is there that loads.
        [ "$(grep -oE '[a-z]+://[^"]*' $kind.svg | sort -u)" = http://www.w3.org/2000/svg ] || fail "$kind: an address"
        ! grep -nE 'href|src=|url\(|@import|fetch|XMLHttpRequest|import\(|WebSocket|eval' $kind.svg || fail "$kind loads"
        [ "$(xmllint --xpath 'count(//*[local-name()="script"])' $kind.svg)" = 1 ] || fail "$kind: a script of others"
    done
    [ "$(xmllint --xpath 'string(//*[local-name()="g"][@data-d="3"]/*[local-name()="title"])' odd.svg | head -1)" = \
        ']]></text><script>alert()' ] || fail "odd names"
    grep -q 'id="left-out".*>1 frame narrower than 0.1 pixels left out: 100 B, 0.0%<' odd.svg || fail "left out"
}

flame_graph_zooms_and_searches() {
    command -v node >/dev/null || skip "needs Debian's nodejs"
    "$make_views" flame flame.svg
    node "$HERE/flame_script.js" flame.svg >said || fail "$(cat said)"
    [ "$(cat said)" = "ok" ] || fail "$(cat said)"
}

flame_graph_is_the_same_each_time() {
    "$make_profile" stacks x.msp
    "$memscope" flame -o one.svg x.msp
    "$memscope" flame -o two.svg x.msp
    cmp one.svg two.svg
    "$memscope" flame --icicle --tasks --colour task -o three.svg x.msp
    xmllint --noout three.svg
    ! cmp -s one.svg three.svg
}

# --- pprof -------------------------------------------------------------------------------------

go_pprof() {
    PPROF_TMPDIR=$PWD go tool pprof "$@" 2>pprof.err || { cat pprof.err; fail "go tool pprof $*"; }
}

need_go() {
    command -v go >/dev/null || skip "needs Debian's golang-go"
}

# expect_stacks FILE VALUE COLLAPSED: go's pprof reads the same stacks with the same numbers.
expect_stacks() {
    go_pprof -raw "$1" | python3 "$HERE/pprof_stacks.py" "$2" >from-pprof
    sed -E 's/\(\)//g; s/(^|;)(awaits: |spawned by )/\1/g' "$3" | awk '{ n = $NF; sub(/ [0-9]+$/, "")
        sum[$0] += n } END { for (stack in sum) print stack, sum[stack] }' | LC_ALL=C sort >wanted
    [ -s wanted ] || fail "no stacks"
    LC_ALL=C sort from-pprof | diff wanted - || fail "$1: value $2 differs"
}

go_pprof_reads_every_stack_with_its_numbers() {
    need_go
    local profile
    "$make_profile" stacks x.msp
    real_run
    for profile in x run; do
        "$memscope" export --format=pprof $profile.msp
        "$memscope" export --format=collapsed --by count $profile.msp >count
        "$memscope" export --format=collapsed --by total $profile.msp >total
        "$memscope" export --format=collapsed --by live $profile.msp >live
        expect_stacks $profile.pb.gz 0 count
        expect_stacks $profile.pb.gz 1 total
        expect_stacks $profile.pb.gz 3 live
        "$memscope" report --json $profile.msp >report.json
        # All values of all samples against the process's own.
        go_pprof -raw $profile.pb.gz | awk '/^Samples:/ { on = 1; next } /^Locations/ { on = 0 }
            on && /^ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+: / { for (i = 1; i <= 4; i++) sum[i] += $i }
            END { printf "[%d,%d,%d,%d]\n", sum[1], sum[2], sum[3], sum[4] }' >sums
        [ "$(cat sums)" = "$(jq -c '.statistics | [.total_allocations, .total_bytes, .live_allocations, .live_bytes]' report.json)" ] ||
            fail "sums: $(cat sums)"
    done
}

# expect_filtered PROFILE FILTER…: both formats leave the same, and say what was asked for. Stacks
# are counted in PROFILE.counts.
expect_filtered() {
    local profile=$1 measure
    shift
    "$memscope" export --format=pprof --force -o x.pb.gz "$@" "$profile.msp"
    go_pprof -comments x.pb.gz >comments
    [ "$(cat comments)" = "filtered ($*)" ] || fail "$*: $(cat comments)"
    for measure in 0:count 1:total 3:live; do
        "$memscope" export --format=collapsed --by "${measure#*:}" "$@" "$profile.msp" >all
        [ "$(head -1 all)" = "# filtered ($*)" ] || fail "$*: $(head -1 all)"
        sed 1d all >left
        expect_stacks x.pb.gz "${measure%:*}" left
        [ "$measure" != 1:total ] || grep -c '' left >>"$profile.counts"
    done
}

go_pprof_reads_filtered_stacks_as_collapsed_ones() {
    need_go
    "$make_profile" stacks x.msp
    real_run
    export MEMSCOPE_SYMBOLIZER= # exported names will do
    expect_filtered x '--focus=net|libc'
    expect_filtered x '--ignore=net|libc'
    expect_filtered x '--hide=^grow' # inlined into push()
    expect_filtered x '--hide=^push'
    expect_filtered x '--hide=session|accept'
    expect_filtered x --hide=.
    expect_filtered x '--focus=.' --ignore=pool '--hide=app$'
    # What has no whole stack, or none, keeps its line.
    [ "$(tr '\n' ' ' <x.counts)" = '2 6 8 8 8 4 5 ' ] || fail "$(tr '\n' ' ' <x.counts)"
    expect_filtered run '--focus=libc\.' '--hide=/ls$|dash$'
    expect_filtered run '--ignore=libc\.'
}

go_pprof_reads_inlined_frames_labels_and_modules() {
    need_go
    "$make_views" pprof x.pb.gz
    go_pprof -raw x.pb.gz >raw
    grep -q '^alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes\[dflt\]$' raw || fail types
    # One address, two functions: the inner one first.
    grep -A1 -E '0x60104f M=[0-9]+ std::__cxx11::basic_string.*:328 ' raw | grep -F ' log /src/log.cc:5 s=0(log<&"quoted">(int))' >/dev/null || fail inlined
    grep -qE '^[0-9]+: 0x400000/0x500000/0x0 /opt/app/bin/app deadbeef \[FN\]\[FL\]\[LN\]\[IN\]$' raw || fail module
    grep -q '^Duration: 8.2s' raw || fail duration
    grep -q 'task:\[answer(int)\]$' raw || fail task
    [ "$(grep -c 'thread:\[main\]' raw)" = 7 ] || fail thread
    go_pprof -top -sample_index=alloc_space -unit=B -tagfocus='task=answer' x.pb.gz >top
    grep -qE '^Showing nodes accounting for 4096B, 30.23% of 13548B total' top || { cat top; fail tagfocus; }
}

names_of_any_kind_are_exported() {
    "$make_views" odd-collapsed odd
    # Two frames, a space, a number: what a name holds parts nothing.
    [ "$(cat odd)" = $'f\xEF\xBF\xBF\xEF\xBF\xBE\xEF\xBF\xBD\\x1b\\x0a(int);]]></text><script>alert("&amp:")</script>:operator<(X&&, \'y\') 10000000\nnarrow 100' ] ||
        { cat odd; fail "collapsed"; }
    need_go
    "$make_views" odd-pprof x.pb.gz
    go_pprof -raw x.pb.gz >raw
    grep -qF ']]></text><script>alert("&amp;")</script>;operator<(X&&, '"'y')" raw || { cat raw; fail "pprof"; }
    grep -qF 'task:[t<"&>]' raw || fail label
}

