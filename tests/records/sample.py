#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""sample.py COUNT LIMIT <SAMPLES: blocks of 1000, 1001, … bytes were freed in order; lines
{"seed": n, "sizes": [...]} tell which were kept. Each must be what algorithm R keeps with splitmix64,
and all sizes must be kept equally often, by chi-square at 1 in 1,000."""

import json
import sys

MASK = (1 << 64) - 1


def random_of(seed, number):
    z = (seed + (number + 1) * 0x9E3779B97F4A7C15) & MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
    return z ^ z >> 31


def algorithm_r(seed, count, limit):
    kept = list(range(limit))
    for number in range(limit, count):
        place = random_of(seed, number) * (number + 1) >> 64
        if place < limit:
            kept[place] = number
    return sorted(kept)


count, limit = int(sys.argv[1]), int(sys.argv[2])
samples = [json.loads(line) for line in sys.stdin]
times = [0] * count
for sample in samples:
    wanted = [1000 + number for number in algorithm_r(sample["seed"], count, limit)]
    if sorted(sample["sizes"]) != wanted:
        sys.exit(f"seed {sample['seed']}: {sample['sizes']}, not {wanted}")
    for size in sample["sizes"]:
        times[size - 1000] += 1
share = limit / count
expected = len(samples) * share
# Drawn without putting back: the variance of each is expected * (1 - share).
chi_square = sum((n - expected) ** 2 for n in times) / (expected * (1 - share)) * (count - 1) / count
critical = {40: 72.05}[count]  # 39 degrees of freedom
print(f"{len(samples)} samples, chi-square {chi_square:.1f}, at most {critical}")
sys.exit(len(samples) < 100 or chi_square > critical)
