# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about the `memscope` command, each a function; run by tests/support/run-claim.

make_profile=$MS_BUILD/tests/unit/memscope_make_profile
export TMPDIR=$PWD/tmp
mkdir -p "$TMPDIR"

# expect CODE WORDS COMMAND…: the exit code, and words in stdout or stderr.
expect() {
    local code=$1 words=$2 got=0
    shift 2
    "$@" >out 2>&1 || got=$?
    [ "$got" = "$code" ] || { cat out; fail "exit code $got, not $code: $*"; }
    grep -qF -- "$words" out || { cat out; fail "\"$words\" is missing in the output of: $*"; }
}

json_of_every_profile_follows_the_schema() {
    local kind files=()
    for kind in picture bare running killed odd damaged cut server sampled; do
        "$make_profile" $kind $kind.msp
        "$memscope" report --json $kind.msp >$kind.json 2>/dev/null || case $kind in
            damaged | cut) ;;
            *) fail "$kind" ;;
        esac
        files+=("$kind.json")
    done
    python3 "$HERE/tool_schema.py" "$MS_SOURCE/docs/report.schema.json" "${files[@]}" ||
        fail "the JSON and its schema differ"
}

json_of_a_real_run_follows_the_schema() {
    "$memscope" run -q --strict -o real.msp sh -c 'ls / >/dev/null' || fail "run"
    "$memscope" report --json real.msp >real.json || fail "report"
    python3 "$HERE/tool_schema.py" "$MS_SOURCE/docs/report.schema.json" real.json || fail "schema"
}

json_is_the_same_each_time() {
    "$make_profile" odd x.msp
    "$memscope" report --json x.msp >one.json
    "$memscope" report --json x.msp >two.json
    cmp one.json two.json
    [ "$(jq -r 'keys_unsorted | join(" ")' one.json)" = "memscope profile process environment strategy forced_strategy statistics coverage sampling tracking overhead sessions sites types contexts context_keys threads modules units_without_debug_info tasks task_classes transfers losses" ]
}

# Two estimated sites, a level that was left, what lives.
sampled_json_adds_up_and_says_what_is_estimated() {
    "$make_profile" sampled x.msp
    MEMSCOPE_SYMBOLIZER= "$memscope" report --sort total --json x.msp >x.json
    python3 "$HERE/tool_schema.py" "$MS_SOURCE/docs/report.schema.json" x.json || fail "schema"
    jq -e '.statistics.total_bytes == 6100000 and .statistics.total_allocations == 7903 and
        ([.threads[].bytes] | add) == .statistics.total_bytes and
        ([.sites[].bytes] | add) == ([.types[].bytes] | add) and
        ([.sites[].bytes] | add) == ([.sites[].threads[].bytes] | add) and
        ([.sites[].bytes] | add) == .coverage.bytes_with_site and .coverage.percent == 100 and
        .sites[0].estimated and .sites[0].peak_bytes == null and
        (.sites[0].error.allocations - 1240.1 | fabs) < 0.1 and
        (.sites[1].estimated | not) and .sites[1].error == null and .sites[1].peak_bytes == 3000000 and
        ([.contexts[].estimated] | all) and
        .sampling.estimated and .sampling.sampled_blocks + .sampling.unsampled_blocks == 6400 and
        .sampling.intervals == [{interval_bytes: 9719, sample_rate: 0.1, blocks: 290, bytes: 260000}] and
        [.tracking[].level] == ["contexts", "sites", "sampled", "contexts"] and
        [.tracking[].estimated] == [false, false, true, false] and
        .tracking[2].since_ms == 2000 and .tracking[2].reason == "over_budget" and
        .tracking[2].overhead_percent == 9.1 and
        (.overhead.percent - 24000 / 7760 | fabs) < 1e-9 and .overhead.cpu_ms == 8000' x.json \
        >/dev/null || fail "$(cat x.json)"
    "$memscope" tree --json x.msp | jq -e '.tree.estimated and
        .tree.process.sum_of_peaks_bytes == null and .nodes[0].estimated and .nodes[0].error > 0 and
        ([.nodes[] | select(.kind == "no_stack")][0] | .estimated == false and .error == null)' \
        >/dev/null || fail "tree"
    "$memscope" leaks --json x.msp | jq -e '.alive.estimated and .alive.process_bytes == 3728040 and
        .alive.process_blocks == 723 and ([.leaks[].bytes] | add) == .alive.bytes and
        ([.leaks[] | .estimated == (.bytes_error != null)] | all)' >/dev/null || fail "leaks"
    "$memscope" export --format pprof -o x.pb.gz x.msp
    gunzip -c x.pb.gz | grep -aF "sampled: 290 of 6,400 blocks" >/dev/null || fail "pprof without a comment"
}

json_sums_are_the_text_sums() {
    "$make_profile" picture x.msp
    expect 0 "1,204 B       9.0 MB       1.2 GB        80,122  all 2 sites" "$memscope" report x.msp
    "$memscope" report --json x.msp >x.json
    jq -e '.statistics.live_bytes == 1204 and .statistics.at_peak_bytes == 9000184 and
        .statistics.total_allocations == 80122 and .statistics.peak_error_bytes == 262144 and
        ([.sites[].bytes] | add) == .statistics.total_bytes and
        ([.threads[].bytes] | add) == .statistics.total_bytes and
        ([.sites[].threads[].bytes] | add) == .statistics.total_bytes and
        .coverage.percent == 98.71 and .environment.kind == "MultiThreaded" and
        .process.exit == {code: 0} and .statistics.session_duration_ms == 8200' x.json >/dev/null ||
        fail "$(cat x.json)"
}

bad_profiles_give_words_and_exit_1() {
    local kind
    for kind in picture newer cut damaged; do "$make_profile" $kind $kind.msp; done
    : >empty.msp
    head -c 20000 /dev/zero >zeros.msp
    printf "no profile %.0s" $(seq 2000) >text.msp
    head -c 100 picture.msp >head.msp
    expect 1 "empty.msp: offset 0x0: the file is empty" "$memscope" report empty.msp
    expect 1 "zeros.msp: offset 0x0: only zeros" "$memscope" report zeros.msp
    expect 1 "text.msp: offset 0x0: not a MemScope profile" "$memscope" report text.msp
    expect 1 "head.msp: offset 0x64: cut short inside the header" "$memscope" report head.msp
    expect 1 "newer.msp: offset 0x8: format version 4 is newer" "$memscope" report newer.msp
    expect 1 "nothere.msp: No such file" "$memscope" report nothere.msp
    # What can be read is shown, and the exit code tells.
    expect 1 "cut short: its last 500 of" "$memscope" report cut.msp
    grep -q "session.cc:88 parse()" out
    expect 1 "damaged.msp: offset 0x1000: the profile is damaged" "$memscope" report damaged.msp
    grep -q "session.cc:88 parse()" out
    expect 1 "offset 0x1000" "$memscope" info damaged.msp
    "$memscope" report --json cut.msp 2>/dev/null >cut.json && fail "exit code 0"
    jq -e '.profile.complete == false and .profile.missing_bytes == 500' cut.json >/dev/null
}

wrong_words_are_named_with_the_nearest_and_exit_2() {
    "$make_profile" picture x.msp
    expect 2 'unknown verb "reprot" (did you mean "report"?)' "$memscope" reprot
    expect 2 'unknown option "--versoin" (did you mean "--version"?)' "$memscope" --versoin
    expect 2 'unknown option "--sotr" (did you mean "--sort"?)' "$memscope" report --sotr live
    expect 2 'unknown key "totl" (did you mean "total"?)' "$memscope" report --sort totl x.msp
    expect 2 'unknown word "allways" (did you mean "always"?)' "$memscope" report --color allways
    expect 2 'unknown word "typ" (did you mean "type"?)' "$memscope" report --by typ x.msp
    expect 2 '--by is a table of its own' "$memscope" report --by type --json x.msp
    expect 2 '"many" is not a number' "$memscope" report --top many x.msp
    expect 2 '"-1" is not a number' "$memscope" report --top -1 x.msp
    expect 2 '"x.c" is not FILE:LINE' "$memscope" report --site x.c x.msp
    expect 2 'option "--top" lacks its argument' "$memscope" report --top
    expect 2 '"y.msp" is one too many' "$memscope" report x.msp y.msp
    expect 2 'no program to run' "$memscope" run
    expect 2 'unknown option "-z"' "$memscope" run -z true
    expect 2 'say which' "$memscope" flags
    expect 2 '"19x" is not a major version' "$memscope" flags --cflags --clang=19x
    expect 2 'takes no argument "x"' "$memscope" config x
    expect 2 'usage: memscope VERB' "$memscope"
}

help_and_version_exit_0() {
    local verb
    expect 0 "memscope 0." "$memscope" --version
    expect 0 "usage: memscope VERB" "$memscope" --help
    for verb in run report tasks tree flame leaks export info flags config; do
        expect 0 "usage: memscope $verb " "$memscope" $verb --help
        grep -q -- '--help' out
        "$memscope" --help | grep "^  $verb " >/dev/null || fail "$verb is not in --help"
    done
}

# as_text PAGE: without the escapes of roff.
as_text() {
    sed 's/\\-/-/g' "$MS_SOURCE/docs/man/$1.1"
}

man_pages_have_every_verb_and_option() {
    local verb word count=0
    for verb in run report tasks tree flame leaks export info flags config; do
        [ -e "$MS_SOURCE/docs/man/memscope-$verb.1" ] || fail "no memscope-$verb.1"
        as_text memscope >page
        grep -q "memscope-$verb" page || fail "$verb"
        as_text "memscope-$verb" >page
        grep -A1 -Fx .TP page >heads || fail "no paragraphs in memscope-$verb.1"
        "$memscope" $verb --help >help
        # Every option, in its short and its long form, in bold at the head of a paragraph of its own.
        for word in $(sed -nE 's/^  ((-[a-z], )?--[a-z-]+).*/\1/p' help | tr ', ' '\n' | grep .); do
            grep -qE -- "^\.B (.*, )?$word( |,|\$)" heads ||
                fail "$word is not in memscope-$verb.1"
            count=$((count + 1))
        done
        # And none that is not there.
        for word in $(sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' page | grep '^\.B' | grep -o -- '--[a-z-]*'); do
            grep -q -- "$word" help || fail "memscope $verb has no $word"
        done
    done
    [ $count -ge 18 ] || fail "$count options only"
    count=0
    as_text memscope-config >page
    for word in $(sed -n 's/^MEMSCOPE_OPTION_[A-Z]*(\([a-z_]*\),.*/\1/p' "$MS_SOURCE/include/memscope/options.def"); do
        grep -qx "\.B $word" page || fail "$word is not in memscope-config.1"
        count=$((count + 1))
    done
    [ $count -ge 4 ] || fail "$count keys only"
}

man_pages_are_sound_roff() {
    local page
    for page in "$MS_SOURCE"/docs/man/*.1; do
        groff -man -ww -z -Tutf8 "$page" >roff 2>&1 || fail "$(cat roff)"
        [ ! -s roff ] || fail "$(cat roff)"
        grep -q "^\.TH .* \"MemScope $("$memscope" --version | cut -d' ' -f2)\"" "$page" || fail "$page: another version"
    done
}

closed_pipe_is_no_failure_but_a_full_disk_is() {
    "$make_profile" picture x.msp
    set +e
    (trap '' PIPE; "$memscope" report --json x.msp; echo $? >code) 2>err | true
    sleep 0.2
    [ "$(cat code)" = 0 ] || fail "closed pipe: $(cat code) $(cat err)"
    expect 1 "cannot write the output" sh -c "'$memscope' report x.msp >/dev/full"
    expect 1 "cannot write the output" sh -c "'$memscope' config --json >/dev/full"
}

site_detail_finds_and_suggests() {
    "$make_profile" picture x.msp
    expect 0 "inlined into read_request(int, char const*)" "$memscope" report --site session.cc:88 x.msp
    expect 1 "the nearest is at line 88" "$memscope" report --site session.cc:80 x.msp
    expect 1 "no site in a file other.cc" "$memscope" report --site other.cc:80 x.msp
    expect 1 "the nearest is at line 88" "$memscope" report --json --site session.cc:80 x.msp
    "$memscope" report --json --site src/session.cc:88 x.msp | jq -e '.sites | length == 1' >/dev/null
}

colour_follows_the_option_and_no_color() {
    "$make_profile" picture x.msp
    "$memscope" report x.msp | grep $'\033' >/dev/null && fail "colour into a pipe"
    "$memscope" report --color=always x.msp | grep $'\033' >/dev/null || fail "no colour where asked"
    TERM=xterm script -qec "'$memscope' report x.msp" /dev/null | grep $'\033' >/dev/null || fail "terminal"
    TERM=xterm NO_COLOR=1 script -qec "'$memscope' report x.msp" /dev/null | grep $'\033' >/dev/null &&
        fail "NO_COLOR is not heeded"
    return 0
}

report_without_a_file_takes_the_newest() {
    expect 1 "no profile in the current folder" "$memscope" report
    "$memscope" run -q sh -c 'exit 3' || true
    "$memscope" run -q -o "memscope.second.msp" ls / >/dev/null
    expect 0 "ls " "$memscope" report
    # One of a program run on its own, in the temporary folder, is newer still.
    LD_PRELOAD=$MS_BUILD/lib/libmemscope_rt.so sort /dev/null
    expect 0 "sort " "$memscope" report
}

report_of_a_pid_shows_the_running_program() {
    "$memscope" run -q sleep 300 &
    local run=$! pid=
    for _ in $(seq 600); do
        pid=$(pgrep -P $run -x sleep || true)
        [ -n "$pid" ] && "$memscope" report "$pid" >/dev/null 2>&1 && break
        sleep 0.1
    done
    expect 0 "sleep $pid  still running after" "$memscope" report "$pid"
    kill $run
    wait $run && fail "exit code 0 after SIGTERM"
    expect 0 "sleep $pid  killed by SIGTERM after" "$memscope" report "$pid"
    expect 1 "no profile of process 999999999" "$memscope" report 999999999
}

report_of_a_crashed_program_tells_how_it_ended() {
    printf '#include <stdlib.h>\nint main(int c, char **v) { void *volatile p = malloc(77); if (p && c > 1) abort(); *(volatile int *)8 = *v[0]; }\n' >crash.c
    MODE=linked compile crash "$PWD/crash.c"
    "$memscope" run -q ./crash && fail "exit code 0"
    expect 0 "crash " "$memscope" report
    grep -q "killed by SIGSEGV after .*  exact" out && grep -q "live at the end 77 B in 1 block " out || fail "$(cat out)"
    rm memscope.*.msp
    # On its own nobody waits: an abort is told by the runtime, a fault by nobody.
    ./crash x 2>/dev/null && fail "exit code 0"
    expect 0 "killed by SIGABRT" "$memscope" report
    ./crash 2>/dev/null && fail "exit code 0"
    expect 0 "ended without a word (killed, or replaced by exec)" "$memscope" report
    grep -q "live at the end 77 B in 1 block " out || fail "$(cat out)"
}

report_of_a_fork_child_names_its_parent() {
    printf '#include <stdlib.h>\n#include <sys/wait.h>\n#include <unistd.h>\nint main(void) { void *volatile p = malloc(10); if (fork() == 0) { p = malloc(20); exit(!p); } wait(0); }\n' >tree.c
    MODE=auto compile tree "$PWD/tree.c"
    "$memscope" run --strict ./tree 2>err || fail "$(cat err)"
    local parent
    parent=$(sed -n 's/^memscope: read it with: .*memscope\.tree\.\([0-9]*\)\.msp/\1/p' err)
    expect 0 "a fork child; its parent is process $parent (memscope report $parent)" "$memscope" report
    grep -q "live at exit 20 B" out || fail "$(cat out)"
    expect 0 "live at exit 10 B" "$memscope" report "$parent"
    grep -q "fork child" out && fail "$(cat out)"
    return 0
}

report_of_no_allocations_says_so() {
    printf 'int main(void) { return 0; }\n' >none.c
    MODE=none compile none "$PWD/none.c"
    "$memscope" run -q --strict ./none || fail run
    expect 0 "no allocations" "$memscope" report
    grep -q "LIVE\|sites known" out && fail "$(cat out)"
    "$memscope" report --json | jq -e '.statistics.total_allocations == 0 and .coverage.percent == null and
        ([.sites[].bytes] | add // 0) == 0' >/dev/null || fail "JSON"
}

config_lists_every_option_of_the_table() {
    local key count=0
    for key in $(sed -n 's/^MEMSCOPE_OPTION_[A-Z]*(\([a-z_]*\),.*/\1/p' \
        "$MS_SOURCE/include/memscope/options.def"); do
        "$memscope" config | grep -x "$key" >/dev/null || fail "$key"
        "$memscope" config --json | jq -e --arg key "$key" '.options[] | select(.key == $key) |
            has("meaning") and has("default") and (has("range") or has("maximum"))' >/dev/null ||
            fail "$key in JSON"
        count=$((count + 1))
    done
    [ $count -ge 4 ]
}

flags_build_a_program_that_profiles_itself() {
    cat >p.c <<'C'
#include <stdlib.h>
int main(void) {
    void *volatile p = malloc(4321);
    return p == NULL;
}
C
    # shellcheck disable=SC2046
    "clang-$LLVM" $("$memscope" flags --cflags --clang="$LLVM") -O2 -c p.c -o p.o || fail compile
    # shellcheck disable=SC2046
    "clang-$LLVM" p.o $("$memscope" flags --ldflags) -o p || fail link
    expect 1 "lib/llvm-9/memscope.so is missing" "$memscope" flags --cxxflags --clang 9
    "$memscope" run --strict -o p.msp ./p || fail run
    "$memscope" report --json p.msp >p.json
    jq -e '[.sites[] | select(.line == 3 and .bytes == 4321)] | length == 1' p.json >/dev/null ||
        fail "$(cat p.json)"
    # make gives the words to a shell as they are
    printf 'p2: p.c\n\tclang-%s $(shell %s flags --cflags --clang=%s) p.c $(shell %s flags --ldflags) -o p2\n' \
        "$LLVM" "$memscope" "$LLVM" "$memscope" >Makefile
    make -s p2 || fail make
    ./p2
}

memscope_rs_files_of_every_profile_follow_their_schemas() {
    local kind file
    for kind in picture bare running killed odd damaged cut blocks server; do
        "$make_profile" $kind $kind.msp
        "$memscope" export --format=memscope-rs -o $kind $kind.msp >/dev/null 2>&1 || case $kind in
            damaged | cut) ;;
            *) fail "$kind" ;;
        esac
        for file in "$MS_SOURCE"/docs/memscope-rs/[!s]*.schema.json "$MS_SOURCE"/docs/memscope-rs/system*.schema.json; do
            python3 "$HERE/tool_schema.py" "$file" "$kind/$(basename "${file%.schema.json}").json" || fail "$kind"
        done
        "$memscope" export --format=memscope-strategy $kind.msp >$kind.strategy.json 2>/dev/null || true
        python3 "$HERE/tool_schema.py" "$MS_SOURCE/docs/memscope-rs/strategy.schema.json" $kind.strategy.json ||
            fail "$kind"
    done
    "$memscope" report --json blocks.msp >blocks.json || fail report
    python3 "$MS_SOURCE/tests/records/compare.py" sums blocks blocks.json || fail "sums"
    jq -e '[.allocations[] | select(.is_alive | not)] | length == 8 and all(.[]; .lifetime_ms == 5 and .size == 100)' \
        blocks/memory_analysis.json >/dev/null || fail "$(cat blocks/memory_analysis.json)"
    jq -e '.strategy_type == "hybrid" and (.thread_data.allocations | length) == 16' blocks.strategy.json >/dev/null ||
        fail "$(cat blocks.strategy.json)"
}
