# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Claims about the names that `memscope report` gives foreign sites, each a function; run by
# tests/support/run-claim. The symbolizer is the real one.

plain_program() {
    printf '#include <stdlib.h>\n#include <string.h>\nint main(void) {\n    char *volatile p = malloc(4321);\n    char *volatile q = strdup("seven");\n    free(q);\n    return !p;\n}\n' >"$1.c"
    MODE=none compile "$1" "$PWD/$1.c"
}

# expect_named FILE EXPRESSION
expect_named() {
    "$memscope" report --json "$1" >report.json 2>report.err || fail "$(cat report.err)"
    [ ! -s report.err ] || fail "$(cat report.err)"
    jq -e "$2" report.json >/dev/null || fail "not $2: $(jq -c .sites report.json)"
}

lines_of_programs_that_nobody_instrumented() {
    plain_program p
    "$memscope" run -q --strict -o p.msp ./p || fail run
    expect_named p.msp '[.sites[] | select(.bytes == 4321 and .foreign and .file == null and
        (.user_frame.file | endswith("/p.c")) and .user_frame.line == 4 and
        .user_frame.function == "main" and .symbols[0] == .user_frame)] | length == 1'
    "$memscope" report p.msp | grep ' p\.c:4 main() \[foreign in p+0x' >/dev/null || fail "$("$memscope" report p.msp)"
    "$memscope" report --site p.c:4 p.msp | grep '  total      4,321 B in 1 calls' >/dev/null || fail site
    # What the C library allocates inside has at least the exported function's name.
    expect_named p.msp '[.sites[] | select(.bytes == 6) | .symbols[-1].function | test("strdup")] == [true]'
}

another_build_of_the_program_gives_no_names() {
    plain_program p
    "$memscope" run -q --strict -o p.msp ./p || fail run
    sed -i 's/4321/43210/' p.c
    MODE=none compile p "$PWD/p.c"
    expect_named p.msp '[.sites[] | select(.bytes == 4321)][0] | .symbols == [] and .user_frame == null'
    "$memscope" report p.msp | grep ' p+0x[0-9a-f]* \[foreign\]' >/dev/null || fail "$("$memscope" report p.msp)"
}

report_without_a_symbolizer_tells_addresses() {
    plain_program p
    "$memscope" run -q --strict -o p.msp ./p || fail run
    local none
    for none in "" /nonexistent "$PWD" /bin/false; do
        MEMSCOPE_SYMBOLIZER=$none expect_named p.msp '[.sites[] | .symbols[]] == []'
        MEMSCOPE_SYMBOLIZER=$none "$memscope" report p.msp | grep ' p+0x[0-9a-f]* \[foreign\]' >/dev/null || fail "'$none'"
    done
    # Nothing named llvm-symbolizer in the PATH.
    PATH=$PWD expect_nothing_found
}

expect_nothing_found() {
    "$memscope" report p.msp >none.txt 2>&1 || return 1
    while IFS= read -r line; do
        case $line in *" p+0x"*" [foreign]") return 0 ;; esac
    done <none.txt
    fail "names without a symbolizer"
}

odd_names_of_programs_are_asked_for_or_left() {
    plain_program p
    local name
    mkdir d
    for name in 'a b' 'a"b' '$(touch owned)' "a'b" $'a\nb' '-x'; do
        cp p "d/$name"
        "$memscope" run -q --strict -o "d/x.msp" -- "./d/$name" || fail "$name"
        case $name in
            *'"'* | *$'\n'*) expect_named d/x.msp '[.sites[] | select(.bytes == 4321)][0].symbols == []' ;;
            *) expect_named d/x.msp '[.sites[] | select(.bytes == 4321)][0].user_frame.line == 4' ;;
        esac
        rm d/x.msp
    done
    [ ! -e owned ] || fail "a shell ran"
}

reports_leave_no_process_behind() {
    plain_program p
    "$memscope" run -q --strict -o p.msp ./p || fail run
    printf '#!/bin/sh\necho $$ >pid\nexec sleep 300\n' >slow
    chmod +x slow
    MEMSCOPE_SYMBOLIZER=$PWD/slow "$memscope" report p.msp >/dev/null 2>&1 &
    local report=$! turn
    for turn in $(seq 1000); do [ -s pid ] && break; sleep 0.05; done
    [ -s pid ] || fail "the symbolizer was not started ($turn turns)"
    kill -INT $report 2>/dev/null || true
    kill $report
    wait $report 2>/dev/null || true
    for turn in $(seq 1000); do kill -0 "$(cat pid)" 2>/dev/null || return 0; sleep 0.05; done
    kill "$(cat pid)"
    fail "the symbolizer lives on"
}

build_id_of_the_program_is_told_in_every_mode() {
    local mode id
    for mode in none auto linked; do
        printf '#include <stdlib.h>\nvoid *volatile p;\nint main(void) { p = malloc(7); return 0; }\n' >"$mode.c"
        MODE=$mode compile $mode "$PWD/$mode.c" -Wl,--build-id
        "$memscope" run -q --strict -o $mode.msp "./$mode" || fail "$mode"
        id=$(readelf -n $mode | sed -n 's/.*Build ID: //p')
        [ -n "$id" ] || fail "$mode has no build ID"
        "$memscope" info $mode.msp >info || fail info
        grep -qx "main module     $PWD/$mode  $id" info || fail "$mode is not $id: $(cat info)"
    done
}

slow_names_show_progress_on_a_terminal_only() {
    plain_program p
    "$memscope" run -q --strict -o p.msp ./p || fail run
    printf '#!/bin/sh\nwhile read -r line; do sleep 1.1; echo "{}"; done\n' >slow
    chmod +x slow
    export MEMSCOPE_SYMBOLIZER=$PWD/slow TERM=xterm
    script -qec "'$memscope' report p.msp >/dev/null" /dev/null >terminal & # stderr is the terminal
    "$memscope" report p.msp >out 2>err || fail "$(cat err)"
    wait $! || fail "report on a terminal"
    [ ! -s err ] || fail "progress into a file: $(cat err)"
    grep -q 'memscope report: names of 2 of [2-9] places' terminal || fail "no progress: $(cat -v terminal)"
}

# Line 4 of p.c, or nothing: $1 is the line wanted, the rest are options.
expect_line_of_p() {
    local wanted=$1
    shift
    "$memscope" report --json "$@" p.msp >report.json 2>report.err || fail "$(cat report.err)"
    [ "$(jq '[.sites[] | select(.bytes == 4321)][0].user_frame.line' report.json)" = "$wanted" ] ||
        fail "not $wanted with $*: $(jq -c '[.sites[] | select(.bytes == 4321)]' report.json)"
}

names_come_from_debug_info_wherever_it_lies() {
    plain_program p
    objcopy --only-keep-debug p p.whole
    objcopy --strip-all p
    "$memscope" run -q --strict -o p.msp ./p || fail run
    local id
    id=$(readelf -n p | sed -n 's/.*Build ID: //p')
    [ ${#id} -ge 16 ] || fail "p has no build ID"
    expect_line_of_p null
    mkdir -p d/.build-id/"${id:0:2}" e moved root"$PWD"
    cp p.whole "d/.build-id/${id:0:2}/${id:2}.debug"
    expect_line_of_p 4 --debug-path nowhere --debug-path d
    expect_line_of_p null # nothing of it is kept for reports that do not look there
    cp p.whole e/p.debug
    expect_line_of_p 4 --debug-path e
    # Beside the program, as its section .gnu_debuglink says.
    objcopy --add-gnu-debuglink=p.whole p
    expect_line_of_p 4
    mkdir .debug
    mv p.whole .debug/
    expect_line_of_p 4
    # The program moved, or the profile came from elsewhere.
    cp .debug/p.whole "root$PWD/p"
    mv .debug/p.whole moved/p
    mv p p.gone
    rm p.msp.symbols
    expect_line_of_p null
    expect_line_of_p 4 --debug-path moved
    rm p.msp.symbols
    expect_line_of_p 4 --debug-path "$PWD/root"
    expect_line_of_p 4 # by its build ID, from p.msp.symbols
    # Debug info of another build is none.
    rm p.msp.symbols
    sed -i 's/4321/43210/' p.c
    MODE=none compile p "$PWD/p.c"
    mv p moved/p
    expect_line_of_p null --debug-path moved
}

# expect_frames NAMES [OPTION…]: the innermost functions of the stack of 777 bytes, as JSON.
expect_frames() {
    local wanted=$1
    shift
    "$memscope" report --json "$@" p.msp >report.json 2>report.err || fail "$(cat report.err)"
    jq -e --argjson wanted "$wanted" '[.contexts[] | select(.bytes == 777).frames[].function
        ][0:3] == $wanted' report.json >/dev/null ||
        fail "not $wanted with $*: $(jq -c '.contexts[] | select(.bytes == 777).frames' report.json)"
}

# The library of a stack: what is lacking is told, and not guessed.
names_of_stacks_come_from_debug_info_wherever_it_lies() {
    local relative=$MS_SOURCE/tests/contexts/programs/relative.c id
    local whole='["deep_inside","enter_library","main"]' bare='[null,"enter_library","main"]'
    MODE=none compile_library liba.so "$relative" -DLIBRARY
    MODE=none compile program "$relative"
    objcopy --only-keep-debug liba.so liba.whole
    objcopy --strip-all liba.so
    id=$(readelf -n liba.so | sed -n 's/.*Build ID: //p')
    "$memscope" run -q --strict -o p.msp -- ./program ./liba.so . || fail run
    expect_frames "$bare"
    mkdir -p d/.build-id/"${id:0:2}" moved .debug
    cp liba.whole "d/.build-id/${id:0:2}/${id:2}.debug"
    expect_frames "$whole" --debug-path d
    rm -f p.msp.symbols
    expect_frames "$bare"
    objcopy --add-gnu-debuglink=liba.whole liba.so
    mv liba.whole .debug/
    expect_frames "$whole"
    # Gone: by its build ID from what was kept; then not at all, and told.
    mv liba.so moved/
    expect_frames "$whole"
    rm -f p.msp.symbols
    expect_frames '[null,null,"main"]'
    "$memscope" report p.msp | grep -x 'no names from liba.so: gone (--debug-path DIR)' >/dev/null ||
        fail "not told: $("$memscope" report p.msp)"
    cp .debug/liba.whole moved/liba.so
    rm -f p.msp.symbols
    expect_frames "$whole" --debug-path moved
    # Rebuilt.
    rm -f p.msp.symbols
    (cat "$relative" && echo 'int rebuilt = 1;') >rebuilt.c
    MODE=none compile_library liba.so "$PWD/rebuilt.c" -DLIBRARY
    expect_frames '[null,null,"main"]'
    "$memscope" report p.msp |
        grep -x 'no names from liba.so: rebuilt, its build ID differs (--debug-path DIR)' >/dev/null ||
        fail "not told: $("$memscope" report p.msp)"
}

# A library whose file begins at another address than 0, as prelink makes them; a program that lies
# where its file says.
names_are_found_wherever_a_file_puts_its_code() {
    local relative=$MS_SOURCE/tests/contexts/programs/relative.c linker
    MODE=none compile program "$relative" -no-pie -fno-pie
    for linker in -Wl,-Ttext-segment=0x3000000 "-fuse-ld=lld -Wl,--image-base=0x5000000"; do
        # shellcheck disable=SC2086
        MODE=none compile_library liba.so "$relative" -DLIBRARY $linker
        readelf -lW liba.so >segments
        grep -Eq '^ +LOAD +0x0+ 0x0*[35]000000 ' segments || fail "$linker: $(cat segments)"
        rm -f p.msp*
        "$memscope" run -q --strict -o p.msp -- ./program ./liba.so . || fail run
        expect_frames '["deep_inside","enter_library","main"]'
        expect_named p.msp '.contexts[] | select(.bytes == 777) | .frames[0:3] | map(.line) | all(. > 0)'
    done
    readelf -h program >head
    grep -q 'Type: *EXEC ' head || fail "the program is a PIE"
}

# Where Debian puts debug info. The line of strdup in libc can come from nowhere else.
names_of_libc_come_from_usr_lib_debug() {
    plain_program p
    "$memscope" run -q --strict -o p.msp ./p || fail run
    local libc id
    libc=$(ldd ./p | sed -n 's/.*libc\.so\.6 => \([^ ]*\).*/\1/p')
    id=$(readelf -n "$libc" 2>/dev/null | sed -n 's/.*Build ID: //p')
    [ -e "/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" ] || skip "needs Debian's libc6-dbg"
    expect_named p.msp '[.sites[] | select(.bytes == 6) | .symbols[-1] |
        (.file // "" | endswith("/strdup.c")) and .line > 0] == [true]'
}

# What is known from FILE.symbols is more than was asked for at first: reports must not differ by it.
reports_are_the_same_with_and_without_kept_names() {
    cat >threads.cc <<'EOF'
#include <cstdlib>
#include <thread>
#include <vector>
static void *volatile block;
__attribute__((noinline)) static void work(int bytes) {
    block = malloc(bytes);
    if (bytes > 100) work(bytes - 100);
}
int main() {
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; i++) threads.emplace_back(work, 300);
    for (auto &thread : threads) thread.join();
    return 0;
}
EOF
    local level verb
    for level in -O0 -O2; do
        rm -f p.msp*
        OPT=$level MODE=auto compile p "$PWD/threads.cc"
        "$memscope" run -q --strict -o p.msp ./p || fail run
        for verb in "report --json" "report --top 0 --stacks 9" "leaks --top 0" "tree --min 0" "tasks"; do
            rm -f p.msp.symbols
            # shellcheck disable=SC2086
            "$memscope" $verb p.msp >first || fail "$verb"
            [ -e p.msp.symbols ] || fail "$verb keeps no names"
            # shellcheck disable=SC2086
            "$memscope" $verb p.msp >second || fail "$verb"
            cmp first second || fail "$level: $verb differs: $(diff first second)"
        done
        expect_named p.msp '[.sites[] | select(.kind == "thread start") |
            .user_frame.function // ""] |
            length > 0 and all(. == "main")'
        # What libstdc++ starts a thread with has no name, and is no frame.
        expect_named p.msp '[.contexts[] | select(.frames[0].function == "work(int)") | .frames | map(.function)]
            | length > 0 and all(all(. != null) and .[-1] == "main")'
    done
}

names_of_rust_are_demangled() {
    printf '#include <stdlib.h>\nvoid *grow(size_t n) __asm__("_RNvNtCs1234_8my_crate4vecs4grow");\n__attribute__((noinline)) void *grow(size_t n) { void *volatile p = malloc(n); return p; }\nint main(void) { free(grow(4321)); return 0; }\n' >p.c
    local flags
    for flags in -g -g0; do
        MODE=none compile p "$PWD/p.c" $flags
        rm -f p.msp*
        "$memscope" run -q --strict -o p.msp ./p || fail "run $flags"
        expect_named p.msp '[.sites[] | select(.bytes == 4321) | .symbols[0].function] == ["my_crate::vecs::grow"]'
    done
}
