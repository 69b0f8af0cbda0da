#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# hooks_defined.sh HOOKS_DEF LIBRARY...: each runtime library defines every hook of the table
# and exactly one ABI symbol.

set -eu
table=$1
shift
expected=$(sed -n 's/^MEMSCOPE_HOOK(\([a-z_]*\),.*/__memscope_\1/p' "$table" | sort)
[ "$(echo "$expected" | wc -l)" -gt 30 ] || { echo "$table: not read"; exit 1; }
status=0
for library in "$@"; do
    case $library in *.so) dynamic=-D ;; *) dynamic= ;; esac
    # shellcheck disable=SC2086 # empty or one word
    defined=$(nm $dynamic --defined-only "$library" 2>/dev/null | awk 'NF == 3 && $2 ~ /[TWDRBV]/ { print $3 }' |
        sed 's/@.*//' | sort -u)
    hooks=$(echo "$defined" | grep '^__memscope_' | grep -v '^__memscope_abi_' || true)
    missing=$(for hook in $expected; do echo "$hooks" | grep -x "$hook" >/dev/null || echo "$hook"; done)
    if [ -n "$missing" ]; then
        echo "$library: does not define: $missing"
        status=1
    fi
    abi=$(echo "$defined" | grep -c '^__memscope_abi_' || true)
    if [ "$abi" != 1 ]; then
        echo "$library: defines $abi ABI symbols, not one"
        status=1
    fi
done
exit $status
