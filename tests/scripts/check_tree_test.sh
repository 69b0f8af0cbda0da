#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# check_tree_test.sh SCRIPTS: each rule of check_tree.sh passes on a small sound tree and fails on
# the same tree with one violation.

set -u
check=$1/check_tree.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
licence='SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception'
status=0

sound_tree() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/pass" "$work/tree/runtime/platform" "$work/tree/profile" "$work/tree/include/memscope" "$work/tree/tests"
    cd "$work/tree" || exit 2
    printf '// %s\nMEMSCOPE_HOOK(malloc, void *, (size_t size), "pz")\n' "$licence" >include/memscope/hooks.def
    printf '// %s\n#include <memscope/hooks.def>\n' "$licence" >pass/hooks.cpp
    printf '// %s\n#if LLVM_VERSION_MAJOR >= 19\n#endif\n' "$licence" >pass/LLVMCompat.h
    printf '// %s\n#if defined(__x86_64__)\n#endif\n' "$licence" >runtime/platform/cpu.h
    printf '// %s\n#include <memscope/profile_format.h>\n' "$licence" >profile/reader.c
    printf '# %s\na | grep x >/dev/null || grep -q y z |\n    cat\n' "$licence" >tests/claim.sh
}

# bites CHECK FILE TEXT: the check holds on the sound tree, and not with TEXT appended to FILE.
bites() {
    sound_tree
    if ! "$check" "$1" . >"$work/out"; then
        echo "$1: finds fault with the sound tree:"
        cat "$work/out"
        status=1
    fi
    [ -e "$2" ] || printf '// %s\n' "$licence" >"$2"
    printf '%s\n' "$3" >>"$2"
    if "$check" "$1" . >"$work/out" || ! grep -q "$2" "$work/out"; then
        echo "$1: does not see '$3' in $2"
        status=1
    fi
}

bites pass_never_includes_runtime pass/hooks.cpp '#include "../runtime/base/arena.h"'
bites readers_never_include_pass_or_runtime profile/reader.c '#include <memscope/abi.h>'
bites runtime_never_includes_a_later_stage runtime/start.c '#include "../profile/reader.h"'
bites llvm_versions_stand_in_one_header pass/hooks.cpp '#if LLVM_VERSION_MAJOR < 19'
bites platform_conditionals_stand_in_platform runtime/start.c '#ifdef A
#elif defined(__aarch64__)'
bites hook_names_come_from_the_table pass/hooks.cpp 'auto name = "__memscope_malloc";'
bites one_licence_line_per_file profile/reader.c "// $licence"
bites files_stay_under_500_lines profile/reader.c "$(seq 501)"
bites grep_reads_a_pipe_to_its_end tests/claim.sh 'report | gr''ep -Fq x || exit 1'
bites grep_reads_a_pipe_to_its_end tests/claim.sh 'report |
    LC_ALL=C gr''ep -i --quiet "x y"'
bites nothing_is_left_unfinished profile/reader.c "// TO""DO"
exit $status
