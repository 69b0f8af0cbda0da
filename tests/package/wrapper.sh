# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims about memscope-clang and memscope-clang++ in $ROOT/bin.

cc=$ROOT/bin/memscope-clang-$LLVM
cxx=$ROOT/bin/memscope-clang++-$LLVM
memscope=$ROOT/bin/memscope

# kept.c: 1234 bytes kept, on line 5.
write_kept() {
    cat >kept.c <<'C'
#include <stdio.h>
#include <stdlib.h>
void *kept;
int main(void) {
    kept = malloc(1234);
    puts("done");
    return 0;
}
C
    cp kept.c kept.cc
}

# A `w` of nm is a weak reference, not a definition.
# (grep -q would end the pipe early, and nm with it.)
has_runtime() { nm "$1" | grep ' [TtW] __memscope_malloc$' >/dev/null; }
has_hooks() { nm "$1" | grep ' [UTtWwv] __memscope_malloc$' >/dev/null; }

expect_profile() { # PROGRAM [LINE]: it writes a profile by itself, with the 1234 bytes at that line
    rm -f kept.msp
    MEMSCOPE_OPTIONS="strict=1:output='$PWD/kept.msp'" "$1" >kept.out || fail "$1 exits $?"
    [ "$(cat kept.out)" = done ] || fail "$1 says '$(cat kept.out)'"
    report kept.msp kept.json
    expect_json kept "[.sites[] | select(.line == ${2:-5} and .bytes == 1234 and .live_bytes == 1234)] | length == 1"
}

# ok COMMAND…: it succeeds and prints nothing to stderr.
ok() {
    "$@" 2>ok.err || { cat ok.err >&2; fail "fails: $*"; }
    [ ! -s ok.err ] || { cat ok.err >&2; fail "not silent: $*"; }
}

compiles_and_links_in_one_step_or_two() {
    write_kept
    ok "$cc" -Wall -Werror kept.c -o one
    expect_profile ./one
    ok "$cc" -Wall -Werror -O2 -c kept.c -o kept.o
    has_hooks kept.o || fail "kept.o is not instrumented"
    ok "$cc" -Wall -Werror kept.o -o two
    expect_profile ./two
    ok "$cxx" -Wall -Werror kept.cc -o three
    expect_profile ./three
    ok "$cc" -O2 -flto=thin -fuse-ld=lld kept.c -o four
    expect_profile ./four
    ok "$cc" -no-pie -fno-pie kept.c -o five
    expect_profile ./five
    ok "$cc" -fPIC kept.c -o six
    expect_profile ./six
}

links_the_runtime_into_executables_only() {
    write_kept
    echo 'void *made_by_library(void) { return 0; }' >library.c
    ok "$cc" -shared -fPIC kept.c library.c -o libkept.so
    ! has_runtime libkept.so || fail "a shared library holds the runtime"
    ok "$cc" -fPIC -c library.c -o library.o
    ok "$cc" -Wl,-shared -nostartfiles library.o -o libother.so
    ! has_runtime libother.so || fail "a shared library (-Wl,-shared) holds the runtime"
    ok "$cc" -r library.o -o joined.o -nostdlib
    ! has_runtime joined.o || fail "a relocatable object holds the runtime"
    ok "$cc" -S kept.c -o kept.s
    grep -q __memscope_malloc kept.s || fail "-S does not instrument"
    ok "$cc" -E kept.c -o kept.i
    ok "$cc" -M kept.c -o kept.d
    ok "$cc" -fsyntax-only kept.c
    ok "$cc" -emit-llvm -c kept.c -o kept.bc
}

response_files_are_read() {
    write_kept
    printf '%s\n' '-c "kept.c"' "-o 'kept one.o'" >compile.rsp
    ok "$cc" @compile.rsp
    [ -e 'kept one.o' ] || fail "no object"
    ! has_runtime 'kept one.o' || fail "the runtime was linked into an object"
    printf '%s\n' -shared -fPIC >inner.rsp
    printf '%s\n' '@inner.rsp' 'kept.c' >outer.rsp
    ok "$cc" @outer.rsp -o libkept.so
    ! has_runtime libkept.so || fail "a shared library holds the runtime"
    printf '"kept one.o" -o linked\n' >link.rsp
    ok "$cc" @link.rsp
    expect_profile ./linked
}

languages_and_assembler_are_accepted() {
    write_kept
    cp kept.c kept.text
    ok "$cc" -x c kept.text -o named
    expect_profile ./named
    ok "$cc" -x c - -o piped <kept.c
    expect_profile ./piped
    ok "$cc" -S kept.c -o kept.s
    ok "$cc" -Werror -c kept.s -o assembled.o
    ok "$cc" -Werror assembled.o -o assembled
    expect_profile ./assembled
    cp kept.s kept.S
    ok "$cc" -Werror kept.S -o preprocessed
    expect_profile ./preprocessed
    ok "$cc" -S -emit-llvm kept.c -o kept.ll
    ok "$cc" kept.ll -o from_ir
    expect_profile ./from_ir
    echo '#include <stdlib.h>' >header.h
    ok "$cc" header.h -o header.h.pch
    ok "$cc" -x c-header header.h -o header.h.pch
    ok "$cc" -include-pch header.h.pch kept.c -o with_pch
    expect_profile ./with_pch
    mkdir 'a b'
    cp kept.c 'a b/it'\''s, kept.c'
    ok "$cc" "a b/it's, kept.c" -o 'a b/spaced'
    expect_profile './a b/spaced'
    ok "$cc" -o after_dashes -- kept.c
    expect_profile ./after_dashes
}

own_debug_level_is_kept() {
    cat >seen.c <<'C'
struct seen { int member; };
int main(void) { struct seen s = {0}; return s.member; }
C
    local flag
    ok "$cc" -c seen.c -o default.o
    "llvm-dwarfdump-$LLVM" --debug-line default.o | grep 'seen\.c' >/dev/null || fail "no line tables"
    ! "llvm-dwarfdump-$LLVM" default.o | grep '"seen"' >/dev/null || fail "more than line tables"
    for flag in -g -g2 -ggdb -gdwarf-4; do
        ok "$cc" $flag -c seen.c -o level.o
        "llvm-dwarfdump-$LLVM" level.o | grep '"seen"' >/dev/null || fail "$flag is lost"
    done
    ok "$cc" -g0 -c seen.c -o none.o
    ! "llvm-dwarfdump-$LLVM" --debug-line none.o | grep 'seen\.c' >/dev/null || fail "-g0 is lost"
}

questions_are_passed_on() {
    local question
    for question in --version -dumpversion -dumpmachine -print-search-dirs -v; do
        "$cc" $question >ours 2>&1 || fail "$question fails"
        "clang-$LLVM" $question >theirs 2>&1
        cmp ours theirs || fail "$question is answered otherwise"
    done
    "$cxx" --version >ours 2>&1
    "clang++-$LLVM" --version >theirs 2>&1
    cmp ours theirs || fail "memscope-clang++ --version is answered otherwise"
    write_kept
    "$cc" '-###' kept.c 2>planned || fail "-### fails"
    grep -q memscope.so planned || fail "-### does not show the plugin"
    ! "$cc" 2>none || fail "no input is no error"
    grep -q 'no input files' none || fail "no input: $(cat none)"
    ! "$cc" absent.c -o absent 2>none || fail "a missing file is no error"
    grep -q 'absent.c' none || fail "a missing file: $(cat none)"
}

off_is_plain_clang() {
    write_kept
    MEMSCOPE=off ok "$cc" kept.c -o off
    ! has_hooks off || fail "MEMSCOPE=off instruments"
    ok "clang-$LLVM" kept.c -o plain
    cmp off plain || fail "MEMSCOPE=off does not make what clang makes"
    MEMSCOPE=off ok "$cxx" kept.cc -o off++
    ok "clang++-$LLVM" kept.cc -o plain++
    cmp off++ plain++ || fail "MEMSCOPE=off does not make what clang++ makes"
}

clang_is_chosen_by_environment_or_name() {
    MEMSCOPE_CLANG=$(command -v "clang-$LLVM") "$ROOT/bin/memscope-clang" --version >ours
    "clang-$LLVM" --version | cmp - ours || fail "MEMSCOPE_CLANG is not heeded"
    MEMSCOPE_CLANG=clang-$LLVM "$ROOT/bin/memscope-clang++" '-###' -x c++ /dev/null 2>planned
    grep -q 'lstdc++' planned || fail "memscope-clang++ with MEMSCOPE_CLANG is no C++ driver"
    ln -s "$cc" "my-link-clang-$LLVM"
    write_kept
    ok "./my-link-clang-$LLVM" kept.c -o linked
    expect_profile ./linked
}

clang_without_plugin_is_an_error_with_a_remedy() {
    printf '#!/bin/sh\n[ "$1" = -dumpversion ] && echo 99.0.1\n' >clang-odd
    chmod +x clang-odd
    write_kept
    ! MEMSCOPE_CLANG=$PWD/clang-odd "$ROOT/bin/memscope-clang" -c kept.c 2>message || fail "clang 99 is taken"
    grep -q 'no plugin for clang 99' message || fail "unclear: $(cat message)"
    grep -q 'MEMSCOPE=off' message || fail "no remedy: $(cat message)"
    ! MEMSCOPE_CLANG=/nonexistent/clang "$ROOT/bin/memscope-clang" -c kept.c 2>message || fail "a missing clang is taken"
    grep -q '/nonexistent/clang: not found' message || fail "unclear: $(cat message)"
}

static_programs_are_linked() {
    write_kept
    ok "$cc" -static kept.c -o static
    expect_profile ./static
    ok "$cc" -static-pie kept.c -o static_pie
    expect_profile ./static_pie
}

# What a configure script asks of a compiler, by hand.
configure_probes_pass() {
    cat >conftest.c <<'C'
char malloc(void);
int main(void) { return malloc() != 0; }
C
    "$cc" -w -o conftest conftest.c || fail "a link probe for malloc fails"
    printf 'int main(void) { return 0; }\n' >conftest.c
    ok "$cc" -Werror -o conftest conftest.c -lm
    ./conftest || fail "an empty program exits $?"
    printf 'int main(void) { return no_such_function(); }\n' >conftest.c
    ! "$cc" -w -o conftest conftest.c 2>/dev/null || fail "a probe that must fail passes"
    printf '#include <no_such_header.h>\n' >conftest.c
    ! "$cc" -E conftest.c >/dev/null 2>&1 || fail "a header probe that must fail passes"
    : >empty.c
    ok "$cc" -c empty.c -o empty.o
    ok "$cc" -Wl,--version -o /dev/null empty.o >linker_version
    grep -qi 'ld' linker_version || fail "-Wl,--version is not passed on"
}
