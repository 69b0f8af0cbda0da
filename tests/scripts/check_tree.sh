#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# check_tree.sh CHECK ROOT: one rule about the source tree at ROOT. Prints each violation as
# file:line and exits 1; exits 0 where there is none. check_tree_test.sh shows that each rule bites.

set -u
check=$1
cd "$2" || exit 2
found=$(mktemp)
trap 'rm -f "$found"' EXIT

sources() { # of the given folders
    find "$@" -type f \( -name '*.c' -o -name '*.h' -o -name '*.cpp' -o -name '*.cc' -o -name '*.def' \) \
        2>/dev/null
}

# search PATTERN FILES-ON-STDIN: extended regular expression, matches as violations.
search() {
    xargs -r -d '\n' grep -HnE "$1" >>"$found"
}

tree_files() {
    find . \( -name .git -o -path './build*' \) -prune -o -type f -print
}

case $check in
    pass_never_includes_runtime)
        rule='pass/ includes a header of runtime/, profile/, source/, report/ or tools/'
        sources pass | search '#[[:space:]]*include[[:space:]]*["<](\.\./)*(runtime|profile|source|report|tools)/'
        ;;
    readers_never_include_pass_or_runtime)
        rule='profile/, source/, report/ and tools/ include neither pass/ nor runtime/ nor their contract abi.h'
        sources profile source report tools |
            search '#[[:space:]]*include[[:space:]]*["<](\.\./)*((pass|runtime)/|memscope/(abi\.h|hooks\.def))'
        ;;
    runtime_never_includes_a_later_stage)
        rule='runtime/ includes nothing of pass/, profile/, source/, report/ or tools/'
        sources runtime | search '#[[:space:]]*include[[:space:]]*["<](\.\./)*(pass|profile|source|report|tools)/'
        ;;
    llvm_versions_stand_in_one_header)
        rule='LLVM_VERSION_MAJOR stands in one header of pass/ only'
        files=$(sources pass runtime profile source report tools include | xargs -r grep -lE 'LLVM_VERSION_(MAJOR|MINOR)')
        [ "$(echo "$files" | grep -c .)" -le 1 ] || echo "$files" >>"$found"
        case $files in '' | pass/*[Cc]ompat*.h) ;; *) echo "$files" >>"$found" ;; esac
        ;;
    platform_conditionals_stand_in_platform)
        rule='#if on an operating system, CPU or libc stands in runtime/platform/ only'
        sources pass runtime profile source report tools include | grep -v '^runtime/platform/' |
            search '#[[:space:]]*(el)?if.*(__linux__|__APPLE__|__FreeBSD__|_WIN32|__x86_64__|__aarch64__|__i386__|__arm__|__riscv|__GLIBC__|__BIONIC__|__SSE4_2__|__ARM_FEATURE)'
        ;;
    hook_names_come_from_the_table)
        rule='pass/ spells a hook by itself instead of reading hooks.def'
        names=$(sed -n 's/^MEMSCOPE_HOOK(\([a-z_]*\),.*/\1/p' include/memscope/hooks.def | paste -sd '|')
        [ -n "$names" ] || echo 'include/memscope/hooks.def: holds no hook' >>"$found"
        sources pass | search "\"__memscope_($names)\""
        grep -rqs 'memscope/hooks\.def' pass || echo 'pass/: includes hooks.def nowhere' >>"$found"
        ;;
    one_licence_line_per_file)
        rule='each file holds its licence line exactly once, near its top'
        # No comment can stand in JSON; expected outputs and data are compared byte by byte; Markdown
        # is prose under LICENSE.
        tree_files | grep -vE '\.(json|md|expected|txt\.in|msp|bin)$|/LICENSE$|/corpus/' | while read -r file; do
            count=$(head -n 8 "$file" | grep -acE '(//|#|--|;|\.\\"|<!--|/\*|dnl) ?SPDX-License-Identifier: Apache-2\.0 WITH LLVM-exception')
            [ "$count" = 1 ] || echo "$file: $count licence lines"
        done >>"$found"
        ;;
    files_stay_under_500_lines)
        rule='over 500 lines without a reason ("More than 500 lines because …" in the first 30)'
        tree_files | grep -E '\.(c|h|cc|cpp|def|sh|py|cmake|txt)$' | while read -r file; do
            lines=$(wc -l <"$file")
            if [ "$lines" -gt 500 ] && ! head -n 30 "$file" | grep 'More than 500 lines because' >/dev/null; then
                echo "$file: $lines lines"
            fi
        done >>"$found"
        ;;
    grep_reads_a_pipe_to_its_end)
        rule='a pipe into grep -q, which leaves at the first match: under pipefail what writes fails by SIGPIPE (grep … >/dev/null reads on)'
        # The pipe may stand at the end of the line before.
        find tests bench scripts cmake examples .ci -type f -exec grep -Il grep {} + 2>/dev/null |
            xargs -r -d '\n' awk '
                FNR == 1 { piped = "" }
                piped $0 ~ /(^|[^|])[|]&?[ \t]*([A-Za-z_]+=[^ ]* )*[efz]?grep[ \t]+([^|;&]*[ \t])?(-[A-Za-z0-9]*q|--quiet|--silent)/ {
                    print FILENAME ":" FNR ":" $0
                }
                { piped = $0 ~ /(^|[^|])[|]&?[ \t]*\\?$/ ? "|" : "" }' >>"$found"
        ;;
    nothing_is_left_unfinished)
        rule='a word that stands on unfinished work'
        marks='TO''DO|FIX''ME|XX''X|HA''CK'
        sources pass include runtime profile source report tools tests bench examples | search "\\b($marks)\\b"
        ;;
    *)
        echo "unknown check: $check" >&2
        exit 2
        ;;
esac

if [ -s "$found" ]; then
    echo "$rule:"
    cat "$found"
    exit 1
fi
