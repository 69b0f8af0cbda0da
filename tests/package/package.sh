# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash
#
# Claims about the CMake package, from the install tree and from the build tree: ROOT names either.
# The projects are those of examples/.

examples=$MS_SOURCE/examples
package=$ROOT/lib/cmake/MemScope
PATH=/usr/bin:/bin # nothing of MemScope is found by chance

# line_of FILE TEXT: the one line that holds the text.
line_of() {
    local line
    line=$(grep -nF "$2" "$1" | cut -d: -f1)
    [ "$(echo "$line" | wc -w)" = 1 ] || fail "$1 holds '$2' on lines '$line'"
    echo "$line"
}

# expect_site NAME FILE TEXT ALLOCATIONS BYTES: what the line with that text allocated.
expect_site() {
    local line
    line=$(line_of "$2" "$3")
    expect_json "$1" "[.sites[] | select(.line == $line and (.file | endswith(\"/$(basename "$2")\")))]
        | (map(.allocations) | add) == $4 and (map(.bytes) | add) == $5"
}

configure() { # SOURCE [CMAKE ARGUMENT…]
    cmake -S "$1" -B build -G Ninja "${@:2}" >configure.log 2>&1
}

configure_and_build() {
    configure "$@" || { tail -n 30 configure.log >&2; fail "$1 does not configure"; }
    cmake --build build >build.log 2>&1 || { tail -n 30 build.log >&2; fail "$1 does not build"; }
}

with_clang() {
    echo "-DCMAKE_C_COMPILER=clang-$LLVM -DCMAKE_CXX_COMPILER=clang++-$LLVM -DCMAKE_PREFIX_PATH=$ROOT"
}

memscope=$ROOT/bin/memscope

# --- the prefix -----------------------------------------------------------------------------------

installs() {
    rm -rf "$ROOT"
    cmake --install "$MS_BUILD" --prefix "$ROOT" >install.log 2>&1 || { cat install.log >&2; fail "does not install"; }
    local file
    for file in bin/memscope bin/memscope-clang bin/memscope-clang++ "bin/memscope-clang-$LLVM" \
        lib/memscope.so "lib/llvm-$LLVM/memscope.so" lib/libmemscope_rt.a lib/libmemscope_rt.so \
        include/memscope/memscope.h lib/cmake/MemScope/MemScopeConfig.cmake \
        lib/cmake/MemScope/memscope-toolchain.cmake share/doc/memscope/LICENSE; do
        [ -e "$ROOT/$file" ] || fail "$file is not installed"
    done
    ! grep -rlF "$MS_BUILD" "$ROOT/bin/memscope-clang" "$ROOT/lib/cmake" ||
        fail "installed files name the build tree"
}

# --- find_package -----------------------------------------------------------------------------------

instrumented_targets_are_profiled() {
    # shellcheck disable=SC2046
    configure_and_build "$examples/find-package" $(with_clang) ${BUILD_TYPE:+-DCMAKE_BUILD_TYPE=$BUILD_TYPE}
    # The runtime is linked in: no `memscope run`.
    MEMSCOPE_OPTIONS="strict=1:output='$PWD/words.msp'" build/words >out || fail "words exits $?"
    report words.msp words.json
    expect_site words "$examples/find-package/words.cc" '// 10000 bytes, kept' 1 10000
    expect_site words "$examples/find-package/counts.c" '// 2048 bytes' 1 2048
    expect_site words "$examples/find-package/sorting.cc" '// 24 bytes, and what it holds' 1 24
    expect_json words '.coverage.percent > 0'

    # LINK_RUNTIME OFF: plain by itself, profiled under `memscope run`.
    ! nm build/words-bare | grep ' T __memscope_malloc' >/dev/null || fail "words-bare holds the runtime"
    build/words-bare >bare.out || fail "words-bare exits $?"
    cmp out bare.out || fail "words and words-bare differ"
    profile bare build/words-bare
    expect_site bare "$examples/find-package/words.cc" '// 10000 bytes, kept' 1 10000
}

# target_link_libraries has two signatures, which CMake does not let a target mix.
projects_may_link_with_or_without_keywords() {
    mkdir source
    cat >source/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.24)
project(signatures LANGUAGES C)
find_package(MemScope REQUIRED)
foreach(keyword "" PRIVATE)
    add_library(part${keyword} STATIC part.c)
    target_link_libraries(part${keyword} ${keyword} m)
    memscope_instrument(part${keyword} LINK_RUNTIME ON)
    add_executable(program${keyword} main.c)
    memscope_instrument(program${keyword})
    target_link_libraries(program${keyword} ${keyword} part${keyword})
endforeach()
CMAKE
    echo '#include <stdlib.h>
void *part(void) { return malloc(1000); }' >source/part.c
    echo 'void *part(void); int main(void) { return !part(); }' >source/main.c
    # shellcheck disable=SC2046
    configure_and_build source $(with_clang)
    local program
    for program in program programPRIVATE; do
        MEMSCOPE_OPTIONS="strict=1:output='$PWD/$program.msp'" build/$program || fail "$program exits $?"
        report $program.msp $program.json
        expect_site $program "$PWD/source/part.c" 'malloc(1000)' 1 1000
    done
}

# A -g of the target or of the build type is kept, -gline-tables-only does not replace it.
own_debug_level_is_kept() {
    mkdir source
    cat >source/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.24)
project(levels LANGUAGES C)
find_package(MemScope REQUIRED)
foreach(level none target)
    add_executable(${level} main.c)
    memscope_instrument(${level})
endforeach()
target_compile_options(target PRIVATE -g)
CMAKE
    echo 'struct oddly_named { int member; }; int main(void) { struct oddly_named s = {0}; return s.member; }' >source/main.c
    # shellcheck disable=SC2046
    configure_and_build source $(with_clang)
    has_types build/target || fail "the target's -g is lost"
    ! has_types build/none || fail "-gline-tables-only is not what was added"
    has_lines build/none || fail "no line tables were added"
    # shellcheck disable=SC2046
    configure_and_build source $(with_clang) -DCMAKE_BUILD_TYPE=RelWithDebInfo
    has_types build/none || fail "the build type's -g is lost"
}

# grep -q would end the pipe early, and llvm-dwarfdump with it.
has_types() { "llvm-dwarfdump-$LLVM" "$1" | grep '"oddly_named"' >/dev/null; }
has_lines() { "llvm-dwarfdump-$LLVM" --debug-line "$1" | grep 'main\.c' >/dev/null; }

# refuses NAME TEXT… -- CMAKE ARGUMENT…: configuring fails and says each text.
refuses() {
    local texts=()
    while [ "$1" != -- ]; do
        texts+=("$1")
        shift
    done
    shift
    ! configure "$@" || fail "configures with $*"
    local text flat
    flat=$(tr -s ' \n' '  ' <configure.log)
    for text in "${texts[@]}"; do
        case $flat in *"$text"*) ;; *) cat configure.log >&2; fail "does not say '$text'" ;; esac
    done
}

gcc_is_refused_with_a_remedy() {
    refuses 'compiler' 'is GNU' "-DCMAKE_CXX_COMPILER=clang++-$LLVM" -- "$examples/find-package" \
        -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ -DCMAKE_PREFIX_PATH="$ROOT"
}

# A package that was built for another major only.
clang_without_plugin_is_refused_with_a_remedy() {
    mkdir -p other/lib/cmake
    cp -r "$package" other/lib/cmake/MemScope
    sed -i 's/^set(MEMSCOPE_LLVM_MAJORS ".*")/set(MEMSCOPE_LLVM_MAJORS "99")/' other/lib/cmake/MemScope/MemScopeConfig.cmake
    refuses "is clang $LLVM, which has no plugin here" 'LLVM 99' "-DMEMSCOPE_LLVM_MAJORS=$LLVM" -- \
        "$examples/find-package" "-DCMAKE_C_COMPILER=clang-$LLVM" "-DCMAKE_CXX_COMPILER=clang++-$LLVM" \
        -DCMAKE_PREFIX_PATH="$PWD/other"
}

runtime_in_a_shared_library_is_refused() {
    mkdir source
    cat >source/CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.24)
project(shared LANGUAGES C)
find_package(MemScope REQUIRED)
add_library(shared SHARED main.c)
memscope_instrument(shared LINK_RUNTIME ON)
CMAKE
    echo 'int one(void) { return 1; }' >source/main.c
    # shellcheck disable=SC2046
    refuses 'a shared library must not hold the runtime' -- source $(with_clang)
}

# --- the toolchain file -----------------------------------------------------------------------------

untouched_project_is_profiled_whole() {
    configure_and_build "$examples/sessions" -DCMAKE_TOOLCHAIN_FILE="$package/memscope-toolchain.cmake" \
        -DMEMSCOPE_LLVM_MAJOR="$LLVM"
    MEMSCOPE_OPTIONS="strict=1:output='$PWD/sessions.msp'" build/sessions 20000 >out || fail "sessions exits $?"
    report sessions.msp sessions.json
    # About one request in 200 is malformed; each leaves its 48 bytes.
    local refused
    refused=$(sed -n 's/.*, \([0-9]*\) refused.*/\1/p' out)
    [ "$refused" -gt 50 ] || fail "sessions says: $(cat out)"
    expect_site sessions "$examples/sessions/session.cc" 'new AuditEntry{' "$refused" "$((refused * 48))"
    expect_json sessions "[.sites[] | select(.line == $(line_of "$examples/sessions/session.cc" 'new AuditEntry{'))
        | .live_bytes] | add == $((refused * 48))"
    expect_json sessions '.strategy | tostring | test("ThreadLocal"; "i")'
    # The rest was allocated inside libstdc++ and libc, which nobody instrumented.
    expect_json sessions '.coverage.percent > 95'
    expect_json sessions '.coverage.bytes_with_site + .coverage.bytes_foreign == .statistics.total_bytes'
}

toolchain_refuses_a_major_without_plugin() {
    refuses 'MEMSCOPE_LLVM_MAJOR=99: no plugin for it' "llvm-$LLVM" -- "$examples/sessions" \
        -DCMAKE_TOOLCHAIN_FILE="$package/memscope-toolchain.cmake" -DMEMSCOPE_LLVM_MAJOR=99
}

# A project that also calls memscope_instrument() gets no flag twice.
toolchain_and_instrument_agree() {
    configure_and_build "$examples/find-package" -DCMAKE_PREFIX_PATH="$ROOT" \
        -DCMAKE_TOOLCHAIN_FILE="$package/memscope-toolchain.cmake"
    MEMSCOPE_OPTIONS="strict=1:output='$PWD/words.msp'" build/words >out || fail "words exits $?"
    report words.msp words.json
    expect_site words "$examples/find-package/words.cc" '// 10000 bytes, kept' 1 10000
}

# --- CTest ------------------------------------------------------------------------------------------

each_test_leaves_its_profile() {
    # shellcheck disable=SC2046
    configure_and_build "$examples/ctest-project" $(with_clang)
    ctest --test-dir build >ctest.log 2>&1 || { cat ctest.log >&2; fail "the example's tests fail"; }
    local case
    for case in empty_queue_holds_nothing grows_when_full; do
        set -- build/memscope-profiles/queue.$case.*.msp
        { [ $# = 1 ] && [ -s "$1" ]; } || fail "queue.$case left: $*"
        report "$1" "$case.json"
        expect_site $case "$examples/ctest-project/queue.c" '// the first ring' 1 64
        expect_json $case '.statistics.live_bytes == 0'
    done
    expect_site grows_when_full "$examples/ctest-project/queue.c" '// a larger ring' 6 8064
    expect_json empty_queue_holds_nothing \
        "[.sites[] | select(.line == $(line_of "$examples/ctest-project/queue.c" '// a larger ring'))] | map(.allocations) | add // 0 == 0"
}
