# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# check_runs.py MEMSCOPE PROGRAM RATE RUNS: runs the program RUNS times with seeds 1, 2, ... and
# compares what the report estimates with what the program says of itself. Of sites with at least
# 1,000 expected samples the mean of all estimates must lie within 1 % of the truth, and of all 95 %
# intervals 93 to 97 % must hold it.

import json
import math
import os
import subprocess
import sys

memscope, program, rate, runs = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
profile = os.path.abspath("sampled.msp")


def run(seed):
    """One run: its report and its own books."""
    if os.path.exists(profile):
        os.remove(profile)
    options = f"strict=1:sample_rate={rate}:sample_seed={seed}:output={profile}"
    out = subprocess.run([program], check=True, capture_output=True, text=True,
                         env={**os.environ, "MEMSCOPE_OPTIONS": options}).stdout
    report = subprocess.run([memscope, "report", "--json", profile], check=True,
                            capture_output=True, text=True).stdout
    truth = {}
    for line in out.splitlines():
        number, calls, size, live = map(int, line.split())
        truth[number] = {"allocations": calls, "bytes": size, "live_bytes": live}
    return json.loads(report), truth


def expected_samples(site):
    """By the definition of sample_rate; sizes here are within 1/16 of what they count for."""
    mean_distance = -1024 / math.log(1 - rate)
    return site["allocations"] * (1 - math.exp(-site["bytes"] / site["allocations"] / mean_distance))


sums, intervals, held = {}, 0, 0
for seed in range(1, runs + 1):
    report, truth = run(seed)
    sites = {site["line"]: site for site in report["sites"] if site["line"]}
    for line, of in truth.items():
        if expected_samples(of) < 1000:
            continue
        site = sites[line]
        # One block in ten stays: of these, too, there are 1,000 samples or more.
        for key in ("allocations", "bytes") + (("live_bytes",) if expected_samples(of) >= 10000 else ()):
            sums.setdefault((line, key), [of[key], 0])[1] += site[key]
        error = site["error"]["bytes"] if site["estimated"] else 0
        if error == 0:
            continue
        for key in ("bytes", "live_bytes"):
            if key == "live_bytes" and expected_samples(of) < 10000:
                continue
            intervals += 1
            held += abs(site[key] - of[key]) <= site["error"][key]

if len(sums) < 4 or intervals < runs:
    sys.exit(f"too few sites have samples: {len(sums) // 2}")
for (line, key), (wanted, got) in sums.items():
    if abs(got / runs - wanted) > 0.01 * wanted:
        sys.exit(f"line {line}: {key} is {got / runs:.1f} on average, not {wanted}")
share = held / intervals
print(f"rate {rate}: {share:.1%} of {intervals} intervals hold the truth")
if not 0.93 <= share <= 0.97:
    sys.exit("the stated errors are wrong")
