#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# fuzz.sh FUZZER MAKER FOLDER RUNS [KIND...]: fuzzes from seeds made by construction: by MAKER KIND
# FILE for each kind, else by MAKER FOLDER. The same RUNS inputs each time, some 30 s of work; with
# MEMSCOPE_FUZZ_SECONDS=N others each time, for so long. Fails on a crash, on a broken promise, on 1 GB
# of memory, and where not all was tried.

set -eu
fuzzer=$1 maker=$2 folder=$3 wanted=$4
shift 4
rm -rf "$folder"
mkdir -p "$folder/corpus"
for kind; do
    "$maker" "$kind" "$folder/corpus/$kind"
done
[ $# -gt 0 ] || "$maker" "$folder/corpus"
cd "$folder"
much="-seed=1 -runs=$wanted"
[ -z "${MEMSCOPE_FUZZ_SECONDS:-}" ] || much="-max_total_time=$MEMSCOPE_FUZZ_SECONDS" wanted=1
# The fuzzer's own leak check is run at the end of each input.
# shellcheck disable=SC2086 # several words
"$fuzzer" $much -max_len=20480 -rss_limit_mb=1024 -timeout=60 -print_final_stats=1 corpus >log 2>&1 || {
    tail -60 log
    exit 1
}
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' log)
[ "${runs:-0}" -ge "$wanted" ] || {
    echo "only ${runs:-0} inputs"
    exit 1
}
echo "$runs inputs, no fault"
