# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# pprof_stacks.py VALUE: reads what `go tool pprof -raw` prints, writes collapsed stacks by the
# value of that number, sorted. Go takes empty parentheses off names; so do we off all.

import collections
import re
import sys

value = int(sys.argv[1])
part = ""
samples, names, location = [], collections.defaultdict(list), None
for line in sys.stdin:
    line = line.rstrip("\n")
    if line in ("Samples:", "Locations", "Mappings"):
        part = line
    elif part == "Samples:" and (found := re.fullmatch(r"((?: +-?\d+)+): ([\d ]*)", line)):
        samples.append(([int(n) for n in found[1].split()], found[2].split()))
    elif part == "Locations":
        # "    16: 0x10c0 M=1 read(int) /src/net.cc:44 s=0(read)", inlined ones on lines of their own
        found = re.fullmatch(r" +(?:(\d+): 0x[0-9a-f]+ (?:M=\d+ )?)?(.*) [^ ]*:\d+ s=\d+(\(.*\))?", line)
        location = found[1] or location
        names[location].append(found[3][1:-1] if found[3] else found[2].strip())

sums = collections.Counter()
for values, locations in samples:
    stack = [name for one in locations for name in names[one]]
    sums[";".join(name.replace("()", "") for name in reversed(stack))] += values[value]
for stack in sorted(sums):
    if sums[stack]:
        print(stack, sums[stack])
