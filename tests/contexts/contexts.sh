# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about contexts: every allocation's whole stack. Two truths: the program's own word
# (programs/chain.h) and libunwind's (support/stack_witness.c). PROGRAM, FLAGS, … come from the table.

contexts=$MS_SOURCE/tests/contexts
chain=$support/libms_chain.a
stack_witness=$support/libms_stack_witness.so

# stacks NAME [FLAG…]: NAME.msp's contexts as text, and that there are some.
stacks_of() {
    "$support/contexts_of" "${@:2}" "$1.msp" >"$1.contexts" || fail "no contexts of $1.msp"
    [ -s "$1.contexts" ] || fail "$1 has no contexts"
}

compare() {
    python3 "$support_source/compare_stacks.py" "$@" >differences || {
        tail -n 1 differences >&2
        head -n 20 differences | cut -c 1-1000 >&2
        fail "stacks differ"
    }
    tail -n 1 differences
}
support_source=$MS_SOURCE/tests/support

# by_libunwind NAME COMMAND…: each (stack, calls, bytes) of the profile NAME equals libunwind's in a
# run of the same binary without a runtime.
by_libunwind() {
    local name=$1 elf=${elf_of_hooks:-$2}
    run_under "$name.plain" env LD_PRELOAD="$stack_witness" MS_WITNESS="$PWD/$name.w" "${@:2}"
    expect_status "$name.plain" "${WANT_STATUS:-0}"
    stacks_of "$name"
    [ "$MODE" = auto ] || elf=
    compare "$name".w.* "$name.contexts" ${elf:+"$elf"}
}

# by_its_own_word NAME TRUTH: of each, the functions that the program tells.
by_its_own_word() {
    stacks_of "$1" --names
    compare "$2" "$1.contexts" --names
}

# ---- real programs -----------------------------------------------------------------------------

built=$MS_BUILD/tests/real

# WORK: a script in this folder instead of the test workload.
real() {
    local arguments
    if [ -n "${WORK-}" ]; then
        case $PROGRAM in
        sqlite) arguments=(:memory: ".read '$contexts/inputs/$WORK'") ;;
        lua) arguments=("$contexts/inputs/$WORK") ;;
        jq) arguments=(-n -f "$contexts/inputs/$WORK") ;;
        esac
    else
        "$MS_SOURCE/scripts/workload" "$PROGRAM" test . >arguments
        mapfile -t arguments <arguments
    fi
    profile real "$built/$MODE/$PROGRAM" "${arguments[@]}"
    expect_whole real
    by_libunwind real "$built/$MODE/$PROGRAM" "${arguments[@]}"
    cmp real.plain.out real.out || fail "$PROGRAM did not do the same work in both runs"
    [ -z "${WORK-}" ] || grep -q '^[0-9]* [0-9]* cut ' real.contexts ||
        fail "nothing of $WORK is deeper than the cap"
}

# ---- programs that tell their own truth --------------------------------------------------------

# LIBRARY: made from programs/$LIBRARY before, with gcc and LIBRARY_FLAGS.
program() {
    # shellcheck disable=SC2086
    [ -z "${LIBRARY-}" ] || gcc -g -O2 -Wall -Wextra -Werror -fPIC -shared ${LIBRARY_FLAGS-} \
        "$contexts/programs/$LIBRARY" -o libother.so || fail "$LIBRARY does not compile"
    # shellcheck disable=SC2086
    compile program "$contexts/programs/$PROGRAM" -I"$contexts/programs" -rdynamic ${FLAGS-} \
        ${LIBRARY:+-L. -lother -Wl,-rpath,.} "$chain"
    TRUTH_OUT=$PWD/truth profile program ./program
    # shellcheck disable=SC2086
    expect_whole program ${LOSSES-}
    by_its_own_word program truth.*
    [ "${WITNESS:-yes}" = no ] || TRUTH_OUT=$PWD/other by_libunwind program ./program
}

# The library alone has hooks; the program is gcc's, at its usual setting without frame pointers.
library_of_a_plain_program() {
    gcc -g $OPT -Wall -Wextra -Werror -fPIE -pie -fomit-frame-pointer -D_GNU_SOURCE \
        -c "$contexts/programs/plugged.c" -o program.o || fail "plugged.c does not compile"
    compile_library libplugged.so "$contexts/programs/plugged.c" -DLIBRARY
    gcc -pie program.o -rdynamic "$chain" -L. -lplugged -Wl,-rpath,. -o program || fail "no link"
    TRUTH_OUT=$PWD/truth profile program ./program
    expect_whole program
    by_its_own_word program truth.*
    elf_of_hooks=libplugged.so TRUTH_OUT=$PWD/other by_libunwind program ./program
}

# Each process tells its own; the profile of a child has what it allocated itself.
forks() {
    local name truth
    compile program "$contexts/programs/$PROGRAM" -I"$contexts/programs" "$chain"
    TRUTH_OUT=$PWD/truth PROFILES=3 profile_all program ./program forks
    [ "$(find . -name 'truth.*' | wc -l)" = 3 ] || fail "there are not three processes"
    for truth in truth.*; do
        name=program.d/${truth#truth.}
        expect_whole "$name"
        by_its_own_word "$name" "$truth"
    done
}

# MODE_OF_LIBRARIES: auto or none. At the end the profile's size must not have grown with the turns.
libraries_come_and_go() {
    local name turns
    for name in a b; do
        MODE=$MODE_OF_LIBRARIES compile_library lib$name.so "$contexts/programs/dlclose.c" \
            -DLIBRARY=$name -I"$contexts/programs"
    done
    compile program "$contexts/programs/dlclose.c" -I"$contexts/programs" -rdynamic "$chain"
    for turns in 10 1000; do
        TRUTH_OUT=$PWD/truth.$turns profile $turns ./program $turns "$PWD/liba.so" "$PWD/libb.so"
        expect_whole $turns
        by_its_own_word $turns truth.$turns.*
    done
    [ "$(grep -c . 10.contexts)" = "$(grep -c . 1000.contexts)" ] ||
        fail "1,000 turns have other contexts than 10"
    same_size 10.msp 1000.msp
}

# MODE_OF_LIBRARIES: auto or none.
library_of_a_relative_path_has_names() {
    mkdir -p elsewhere "in side"
    MODE=$MODE_OF_LIBRARIES compile_library "in side/liba.so" "$contexts/programs/relative.c" \
        -DLIBRARY
    compile program "$contexts/programs/relative.c"
    local path
    for path in "in side/liba.so" "./in side/../in side/liba.so"; do
        profile program ./program "$path" elsewhere
        expect_whole program
        (cd elsewhere && rm -f ../program.msp.symbols && "$memscope" report --json ../program.msp) \
            >elsewhere.json || fail "no report elsewhere"
        jq -e --arg path "$PWD/in side/liba.so" '
            [.modules[] | select(.path | endswith("liba.so")) | .path] == [$path]' \
            elsewhere.json >/dev/null || fail "$path: $(jq -c '.modules' elsewhere.json)"
        jq -e '[.contexts[] | select(.bytes == 777) | .frames[] | select(.kind == "stack").function
            ][0:3] == ["deep_inside", "enter_library", "main"]' elsewhere.json >/dev/null ||
            fail "$path: $(jq -c '.contexts[] | select(.bytes == 777).frames' elsewhere.json)"
    done
}

# MODE_OF_LIBRARIES: auto or none. Its frames are the same wherever it lies.
library_loaded_elsewhere_is_the_same_context() {
    MODE=$MODE_OF_LIBRARIES compile_library liba.so "$contexts/programs/relative.c" -DLIBRARY
    compile program "$contexts/programs/relative.c"
    profile program ./program ./liba.so . twice
    expect_whole program
    expect_json program '[.modules[] | select(.path | endswith("/liba.so"))] | length == 2'
    expect_json program '[.contexts[] | select(.bytes == 1554 or .bytes == 777)] | length == 1'
    expect_json program '[.contexts[] | select(.bytes == 1554 and .allocations == 2).frames[].function
        ][0:3] == ["deep_inside", "enter_library", "main"]'
}

# same_size PROFILE LATER: what is stored is not more than a quarter more.
same_size() {
    local few many
    few=$(du -k "$1" | cut -f 1) many=$(du -k "$2" | cut -f 1)
    [ $((many * 4)) -le $((few * 5)) ] || fail "$2 has $many KiB, $1 $few"
}

# Asio's frames and operations are its own: those of the program's functions are told.
asio() {
    compile program "$contexts/programs/asio.cc" -I"$contexts/programs" -std=c++20 -DUNKNOWN_SPAWN \
        -DASIO_HAS_CO_AWAIT -DASIO_HAS_STD_COROUTINE -Wno-deprecated-declarations \
        ${FLAGS:+"$FLAGS"} "$chain"
    TRUTH_OUT=$PWD/truth profile program ./program
    expect_whole program
    by_its_own_word program truth.*
}

# With and without debug info: a coroutine is split into functions that nobody wrote.
parts_of_coroutines_have_its_name() {
    local debug
    for debug in -g -g0; do
        rm -f program.msp*
        compile program "$contexts/programs/odd_tasks.cc" -I"$contexts/programs" -std=c++20 "$chain" $debug
        TRUTH_OUT=$PWD/truth profile program ./program
        expect_json program '[.contexts[].frames[].function] | map(select(. != null)) | any(test("t_around"))'
        expect_json program '[.. | strings | select(test("\\.(resume|destroy|cleanup)\\)?$"))] == []'
    done
}

# Asio's own frames: one where they stand between others, each where asked for.
asio_is_folded() {
    local options tree
    compile program "$contexts/programs/asio.cc" -I"$contexts/programs" -std=c++20 -DUNKNOWN_SPAWN \
        -DASIO_HAS_CO_AWAIT -DASIO_HAS_STD_COROUTINE -Wno-deprecated-declarations "$chain"
    TRUTH_OUT=$PWD/truth profile program ./program
    for options in "" --callers --tasks; do
        tree=tree$options
        "$memscope" tree --json --by total $options program.msp >"$tree" || fail "no tree"
        "$memscope" tree --json --by total --plumbing $options program.msp >"$tree.all" ||
            fail "no tree of all"
        # What stays is the call itself, and where all was started.
        jq -e '[.nodes[] | select(.kind == "folded")] | length > 0 and all(.function == "Asio")' \
            "$tree" >/dev/null || fail "$tree: nothing is folded"
        jq -e '.nodes[0].bytes == ([.nodes[] | select(.parent == 0) | .bytes] | add)' "$tree" \
            >/dev/null || fail "$tree: it does not add up"
        jq -e '[.nodes[] | select(.kind == "folded")] == []' "$tree.all" >/dev/null ||
            fail "$tree: --plumbing folds"
        [ "$(jq '.nodes[0].bytes' "$tree")" = "$(jq '.nodes[0].bytes' "$tree.all")" ] ||
            fail "$tree: bytes are lost"
    done
    jq -e '([.nodes[] | select(.kind != "spawn") | .parent] | unique) as $parents
        | [.nodes[] | select(.kind == "stack" or .kind == "await")
                    | select(.function // "" | test("^([^(<]* )?(boost::)?asio[:_]"))
                    | select(.id as $id | $parents | index($id))] == []' tree >/dev/null ||
        fail "frames of Asio call something"
    jq -e '[.nodes[] | select(.kind == "await" and (.function | test("co_spawn_entry_point")))]
        | length > 0' tree.all >/dev/null || fail "--plumbing has no co_spawn_entry_point"
    "$memscope" report --stacks 100 --top 0 program.msp >text || fail "no report"
    grep -Eq '^ {14}Asio: [0-9]+ frames?$' text || fail "the report folds nothing"
    ! sed -n '/ STACK /,/^tasks:/p' text | grep -E '^ {14}(awaited by )?[^ ]+ asio::' ||
        fail "the report has frames of Asio"
    "$memscope" report --stacks 100 --top 0 --plumbing program.msp >text || fail "no report of all"
    ! grep -q 'Asio: [0-9]* frame' text || fail "--plumbing folds in the report"
    sed -n '/ STACK /,/^tasks:/p' text >stacks
    grep -Eq '^ {14}awaited by .* asio::detail::co_spawn_entry' stacks ||
        fail "the report of all has no co_spawn_entry_point"
}

# A site's peak is its own, no sum of what its stacks reached at different times.
site_peak() {
    local line
    line=$(grep -n '// the line' "$contexts/programs/site_peak.c" | cut -d: -f1)
    compile program "$contexts/programs/site_peak.c"
    profile program ./program
    expect_whole program
    expect_json program "[.contexts[] | select(.frames[0].line == $line)] | length == 6"
    expect_json program "[.sites[] | select(.line == $line)]
        | length == 1 and .[0].allocations == 6 and .[0].peak_bytes == 130
          and .[0].peak_error_bytes == 0"
}

# verify=1 finds each allocation under a key that is another stack's; without it none is looked for.
verifying_finds_collisions() {
    compile program "$contexts/programs/collide.c" -I"$MS_SOURCE/include"
    local found verify
    for verify in 0 1; do
        rm -f program.msp*
        MEMSCOPE_OPTIONS=strict=1:verify=$verify profile program ./program program.msp
        found=$((verify * 8))
        expect_json program ".losses.context_collisions == $found"
        expect_json program ".context_keys.verified == ($verify == 1)"
        [ $verify = 1 ] || expect_whole program
    done
    "$memscope" report program.msp >text || fail "no report"
    grep -q '^not exact: 8 allocations under the stack of another one whose key is the same' text ||
        fail "not told: $(cat text)"
}

# The bound is that of the keys in the profile.
bound_of_collisions_is_told() {
    compile program "$contexts/programs/tree.c"
    local options
    for options in "" :verify=1 :depth=0; do
        rm -f program.msp*
        MEMSCOPE_OPTIONS=strict=1$options profile program ./program 4 2
        "$memscope" report program.msp >text || fail "no report"
        expect_json program '.context_keys.bits == 64 and .losses.context_collisions == 0'
        case $options in
        "")
            expect_json program '.context_keys.count >= 10000 and .context_keys.count < 10100 and
                ((.context_keys.count as $n | $n * $n / pow(2; 65)) / .context_keys.collision_bound
                    | . > 0.999999 and . < 1.000001)'
            grep -Eq '^stacks by 10,0[0-9]{2} keys of 64 bits: .* below 3e-12$' text ;;
        *verify*) grep -Eq '^stacks by .* each checked, no two stacks are one$' text ;;
        *)
            expect_json program '.context_keys.count == 0 and .context_keys.collision_bound == 0'
            ! grep -q '^stacks by' text ;;
        esac || fail "$options: $(cat text)"
    done
}

# A program without unwind tables, which nobody instrumented: its stacks say that they end too early,
# also where that is near the stack's start.
code_without_tables_is_told() {
    MODE=none compile program "$contexts/programs/tree.c" -fno-asynchronous-unwind-tables
    profile program ./program 1
    expect_whole program
    stacks_of program
    grep -q '^10 240 broken program+0x[0-9a-f]*$' program.contexts || fail "$(cat program.contexts)"
    ! grep -v ' broken ' program.contexts || fail "some are told to be whole"
    "$memscope" report program.msp >text || fail "no report"
    grep -q 'could not be followed to the start$' text || fail "not told: $(cat text)"
}

# ---- limits ------------------------------------------------------------------------------------

# sums NAME: calls and bytes over all its contexts, and over those of 24-byte blocks.
sums() {
    awk '{ calls += $1; bytes += $2; if ($2 == 24 * $1) small += $1 }
        END { print calls, bytes, small }' "$1.contexts"
}

totals_of() {
    jq -r '.statistics | "\(.total_allocations) \(.total_bytes)"' "$1.json"
}

# Of 10^LEVELS contexts each is counted alone, and they add up to the witness's totals. The JSON has
# all of them (of a million 2.5 GB), made in addresses for the profile and 600 bytes each.
every_context_is_counted() {
    local wanted=$((10 ** LEVELS)) counted
    compile program "$contexts/programs/tree.c"
    witness program ./program "$LEVELS" 2
    MEMSCOPE_OPTIONS=strict=1:contexts=$((wanted * 2)) \
        run_under program "$memscope" run -o program.msp -- ./program "$LEVELS" 2
    expect_status program 0
    stacks_of program
    counted=$(grep -c '^2 48 - ' program.contexts) || true
    [ "$counted" = "$wanted" ] || fail "$counted contexts, not $wanted"
    ! grep -q without program.contexts || fail "some have no context"
    [ "$(sums program | cut -d ' ' -f 1,2)" = \
        "$(jq -r '"\(.total_allocations) \(.total_bytes)"' program.witness.json)" ] ||
        fail "they do not add up"
    echo "$wanted contexts: $(cat program.out) KiB resident, $(cat program.plain.out) without;" \
        "profile $(du -k program.msp | cut -f 1) KiB"
    counted=$(
        ulimit -v $((100000 + $(du -k program.msp | cut -f 1) + wanted * 600 / 1024))
        "$memscope" report --json program.msp |
            grep -c '^    {"id": [0-9]*, "site": [0-9]*, "frames": \[.*"allocations": 2, "bytes": 48,'
    ) || true
    [ "$counted" = "$wanted" ] || fail "the JSON has $counted contexts, not $wanted"
    [ "$(cat program.out)" -lt "$((10000 + wanted / 1000 * 500))" ] || fail "more than 500 B a context"
}

# What finds no room for its context is counted by its site, and the report says so.
beyond_the_limit_sites_are_counted() {
    local without
    compile program "$contexts/programs/tree.c"
    witness program ./program 4 2
    MEMSCOPE_OPTIONS=strict=1:contexts=100 profile program ./program 4 2
    expect_whole program events_without_context
    expect_totals program
    expect_json program '.losses.events_without_context > 0'
    "$memscope" report program.msp >program.text || fail "no report"
    grep -qi context program.text || fail "the report says nothing of it"
    stacks_of program
    [ "$(sums program | cut -d ' ' -f 1,2)" = "$(totals_of program)" ] || fail "they do not add up"
    without=$(awk '$4 == "without" { print $1 }' program.contexts)
    [ "$without" -gt 19000 ] || fail "$without without a context"
    [ "$(grep -vc without program.contexts)" = 100 ] || fail "there are not 100 contexts"
}

# DEPTH frames of each stack; 0 = sites alone.
depth_cuts() {
    compile program "$contexts/programs/recursion.c" -I"$contexts/programs" "$chain"
    MEMSCOPE_OPTIONS=strict=1:depth=$DEPTH CHAIN_CUT=$DEPTH TRUTH_OUT=$PWD/truth \
        profile program ./program
    expect_whole program
    if [ "$DEPTH" = 0 ]; then
        CHAIN_CUT=64 TRUTH_OUT=$PWD/other witness program ./program
        expect_totals program
        [ "$(jq '[.sites[].allocations] | add' program.json)" = \
            "$(awk '{ calls += $1 } END { print calls }' truth.*)" ] || fail "sites do not add up"
    else
        by_its_own_word program truth.*
        MS_DEPTH=$DEPTH TRUTH_OUT=$PWD/other by_libunwind program ./program
    fi
}
