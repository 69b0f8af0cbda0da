# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# shellcheck shell=bash disable=SC2154 # variables of bench/run and the harness
#
# heaptrack's command, measured as the processes that it is: a shell script that preloads the
# recorder and lets it write into a pipe, read by heaptrack_interpret and a compressor, or with
# --raw by the compressor alone. The recorder by itself is another variant (subjects.sh).

compressor=

heaptrack_library() {
    local library
    for library in /usr/lib/heaptrack/libheaptrack_preload.so \
        /usr/lib/*/heaptrack/libheaptrack_preload.so; do
        [ ! -e "$library" ] || { echo "$library" && return; }
    done
    fail "heaptrack's recorder is not installed (package heaptrack)"
}

# Into `heaptrack_command`: a copy of the script where no heaptrack_gui is beside it, which it
# would open at each end.
set_heaptrack_command() {
    local script
    heaptrack_command=$out/heaptrack/bin/heaptrack
    script=$(readlink -f "$(command -v heaptrack)") || fail "heaptrack is not installed (package heaptrack)"
    mkdir -p "$out/heaptrack/bin"
    cp "$script" "$heaptrack_command"
    ln -sfn "${script%/bin/heaptrack}/lib" "$out/heaptrack/lib"
}

# take_record VARIANT: what the command wrote, VARIANT.msp.zst or .msp.raw.gz or the like, becomes
# VARIANT.msp. Its name tells which compressor the script took: into `compressor`.
take_record() {
    local files=("$1".msp.*)
    { [ ${#files[@]} = 1 ] && [ -s "${files[0]}" ]; } || fail "$1: no record, or several: ${files[*]}"
    case ${files[0]} in
    *.zst) compressor=zstd ;;
    *.gz) compressor=gzip ;;
    *) fail "${files[0]}: compressed by what?" ;;
    esac
    mv "${files[0]}" "$1.msp"
}

# expect_recorded VARIANT: the record is whole and has every allocation that the witness counted
# (witness.json), and a thousandth more at most: what the loader and libstdc++ allocate first.
expect_recorded() {
    local counted recorded
    counted=$(jq .total_allocations witness.json)
    recorded=$("$compressor" -dc <"$1.msp" | awk '/^\+ / { n++ } END { print n + 0 }') ||
        fail "$1: its record cannot be read"
    { [ "$recorded" -ge "$counted" ] && [ "$recorded" -le $((counted + counted / 1000 + 10)) ]; } ||
        fail "$1 recorded $recorded allocations, the witness counted $counted"
}

# heaptrack_version: for the table's foot; with the compressor, where the command has run.
heaptrack_version() {
    ! command -v heaptrack >/dev/null || echo "$(heaptrack --version)${compressor:+ with $compressor}"
}
