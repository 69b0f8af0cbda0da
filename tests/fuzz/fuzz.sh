#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# fuzz.sh FUZZER MAKER FOLDER SECONDS [KIND...]: fuzzes from seeds made by construction: by MAKER KIND
# FILE for each kind, else by MAKER FOLDER. Fails on a crash, on a broken promise, on 1 GB of memory,
# and where nothing was tried.

set -eu
fuzzer=$1 maker=$2 folder=$3 seconds=$4
shift 4
rm -rf "$folder"
mkdir -p "$folder/corpus"
for kind; do
    "$maker" "$kind" "$folder/corpus/$kind"
done
[ $# -gt 0 ] || "$maker" "$folder/corpus"
cd "$folder"
# The fuzzer's own leak check is run at the end of each input; a run too short to try anything proves
# nothing.
"$fuzzer" -max_total_time="$seconds" -max_len=20480 -rss_limit_mb=1024 -timeout=20 -print_final_stats=1 \
    corpus >log 2>&1 || {
    tail -60 log
    exit 1
}
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' log)
[ "${runs:-0}" -ge 1000 ] || {
    echo "only ${runs:-0} inputs in $seconds s"
    exit 1
}
echo "$runs inputs, no fault"
