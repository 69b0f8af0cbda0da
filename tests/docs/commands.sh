# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154
#
# Types what $DOCUMENT tells the reader to type: the lines of its ```sh blocks, of a manual page the
# lines of its EXAMPLE section. They run in order, in a copy of the source tree that holds what they
# speak of: app.c, a.c, a.cc, project/ and a ./configure. PREFIX is the build tree.

# commands_of FILE: one a line, without the comment behind it.
commands_of() {
    case $1 in
    *.md) awk '/^```/ { inside = !inside && $0 == "```sh"; next } inside' "$1" ;;
    *) awk '/^\.SH/ { inside = /EXAMPLE/; next } inside && !/^\./' "$1" | sed 's/\\-/-/g' ;;
    esac | sed -e 's/  *# .*//' -e '/^ *$/d'
}

sandbox() {
    mkdir tree
    find "$MS_SOURCE" -mindepth 1 -maxdepth 1 ! -name 'build*' ! -name .git -exec cp -r {} tree/ \;
    cd tree
    ln -s "$MS_BUILD/lib" lib
    cp -r examples/ctest-project project
    printf '#include <stdlib.h>\nint main(void) {\n    void *volatile p = malloc(1234);\n    return !p;\n}\n' | tee a.c >app.c
    printf '#include <vector>\nint main() {\n    std::vector<int> v(1234);\n    return v[0];\n}\n' >a.cc
    printf '#!/bin/sh\nprintf "all:\\n\\t$CC -O2 app.c -o by-configure\\n\\t$CXX -O2 a.cc -o by-configure++\\n" >Makefile\n' >configure
    chmod +x configure
    export PATH=$MS_BUILD/bin:$PATH TMPDIR=$PWD/tmp CMAKE_PREFIX_PATH=$MS_BUILD
    mkdir tmp
}

# What would take too long here, or begin all over again, is looked at instead.
type_in() {
    local command=${1//PREFIX/$MS_BUILD}
    case $command in
    scripts/test*) [ -x scripts/test ] && grep -q '/scripts/test" --yes$' .ci/run ;;
    scripts/tidy) grep -q 'COMMAND ${scripts}/tidy' tests/scripts/CMakeLists.txt && [ -x scripts/tidy ] ;;
    "scripts/demo sqlite") [ -x scripts/fetch-source ] && [ -x scripts/build-program ] && sh -n scripts/demo ;;
    "scripts/demo sessions") MEMSCOPE_TREE=$MS_BUILD bash -ec "$command" ;;
    scripts/demo*) MEMSCOPE_TREE=$MS_BUILD bash -ec "$command" && picture_is_true ;;
    scripts/check-format*) bash -ec "$command" && diff -r "$MS_SOURCE/report" report ;;
    bench/*) [ -x "${command%% *}" ] ;;
    "cmake --build build/default") bash -ec "$command -- -n" ;;
    "ctest --test-dir build/default"*) bash -ec "$command -N" | grep -E '^Total Tests: [0-9]{3}' ;;
    *clang*-22*) [ ! -e lib/llvm-22 ] || bash -ec "$command" ;;
    *) bash -ec "$command" ;;
    esac
}

# The sites and the task classes that the README's picture shows, and how many tasks each class had,
# are those of the demo that has just run.
picture_is_true() {
    local row sites=0 classes=0
    memscope report --top 0 build/demo/echo.*.msp >../report
    memscope tasks --by-class --top 0 build/demo/echo.*.msp >../tasks
    while read -r row; do
        grep -qF " $row" ../report || { echo "the picture's \"$row\" is not there"; return 1; }
        sites=$((sites + 1))
    done < <(sed -nE 's/^( +[0-9.,]+ [kM]?B){3} +[0-9,]+  ([a-z_]+\.[a-z]+:.*)/\2/p' README.md)
    while read -r row; do
        grep -qF "  $row" ../tasks || { echo "the picture's \"$row\" is not there"; return 1; }
        classes=$((classes + 1))
    done < <(sed -nE 's/^( +[0-9.,]+ [kM]?B){4} +[0-9,]+ +[0-9]+ +([0-9,]+  [a-z_]+\(\)  \(.*\))$/\2/p' README.md)
    [ $sites -ge 5 ] && [ $classes -ge 4 ]
}

commands_work() {
    local command count=0
    sandbox
    while read -r command <&3; do
        echo "+ $command"
        type_in "$command" >../output 2>&1 || { cat ../output; fail "$DOCUMENT: $command"; }
        count=$((count + 1))
    done 3< <(commands_of "$DOCUMENT")
    # A change of style must not leave the main documents without a command that is seen.
    case $DOCUMENT in README.md | CONTRIBUTING.md | docs/integration.md) [ $count -ge 5 ] ;; esac
    [ ! -e by-configure ] || ./by-configure
}

unmarked_blocks_hold_no_command() {
    local file count=0
    for file in "$MS_SOURCE"/*.md "$MS_SOURCE"/docs/*.md; do
        awk '/^```/ { inside = !inside; marked = inside && $0 != "```"; next }
             (inside && !marked || /^    /) && /^ *(scripts\/|bench\/|memscope |clang|cmake |ctest |make )/ {
                 print FILENAME ": " $0; bad = 1 } END { exit bad }' "$file" || fail "mark it with \`\`\`sh"
        count=$((count + 1))
    done
    [ $count -ge 6 ]
}
