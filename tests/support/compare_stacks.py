#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# compare_stacks.py WITNESS PROFILE [ELF | --names]: do two listings of stacks (stack_witness.c, contexts_of)
# hold the same (stack, calls, bytes)? Prints each difference, and last how many stacks, calls and
# bytes there are; exits 1 where they differ or are empty.
#
# With ELF, the program that the bare flag has instrumented: its hooks stand for the calls, so that
# in the innermost frame of ELF its function is compared, not the place in it. With --names, frames
# are functions: `main` and those named t_* are compared, and the line of an await.

import bisect
import collections
import os
import re
import subprocess
import sys


def read(path):
    sums = collections.defaultdict(lambda: [0, 0])
    with open(path) as lines:
        for line in lines:
            calls, size, flags, frames = line.rstrip("\n").split(" ", 3)
            frames = [f for f in frames.split(";") if not f.startswith("libmemscope.so")]
            modules = [f.split("+")[0].split(".so")[0] for f in frames[:4]]
            if modules[:3] == ["ld-linux-x86-64", "ld-linux-x86-64", "libc"] and len(modules) > 3 \
                    and modules[3] not in modules[:3]:
                continue  # pthread_create's vector of TLS blocks: one a module, the preloaded too
            sums[flags, tuple(frames)][0] += int(calls)
            sums[flags, tuple(frames)][1] += int(size)
    return sums


def plain_name(frame):
    """The t_* function of a frame, without its namespace, class and parameters; None = not one."""
    kind = re.match("(await |spawn )?", frame).group()
    line = re.search(r"(?<!:)(:\d+)?$", frame).group() if kind == "await " else ""
    if " thunk to " in frame:
        return None  # "covariant return thunk to f()": a frame of the compiler's own
    name, before = frame[len(kind):len(frame) - len(line)], None
    while before != name:
        before, name = name, re.sub(r"<[^<>]*>|\([^()]*\)", "", name)
    name = re.sub(r"\[[^\]]*\]| const$", "", name).split(" ")[-1]  # without a return type
    inner = re.search(r"(?:^|::)(main|t_\w+)((?:::.*|\.lambda)?)", name)
    if not inner:
        return None
    is_lambda = re.search(r"operator|\$_|lambda", inner.group(2))
    return kind + inner.group(1) + (".lambda" if is_lambda else "") + line


def only_named(sums, told=None):
    # What libraries allocate by themselves counts where the program has told it.
    named = collections.defaultdict(lambda: [0, 0])
    spawns = told is None or any(f.startswith("spawn ") for _, frames in told for f in frames)
    for (flags, frames), counts in sums.items():
        names = filter(None, map(plain_name, frames))
        key = flags, tuple(n for n in names if spawns or not n.startswith("spawn "))
        if key[1] and (told is None or key in told or plain_name(frames[0])):
            named[key][0] += counts[0]
            named[key][1] += counts[1]
    return named


class Functions:
    def __init__(self, elf):
        self.name = os.path.basename(elf)
        symbols = subprocess.run(["nm", "--defined-only", elf], check=True, text=True,
                                 capture_output=True).stdout.split("\n")
        named = [s.split() for s in symbols if s.split()[1:2] and s.split()[1] in "tTwW"]
        self.symbols = sorted((int(s[0], 16), s[2]) for s in named)
        self.starts = [s[0] for s in self.symbols]

    def innermost(self, frames):
        for i, frame in enumerate(frames):
            module, _, offset = frame.rpartition("+")
            if module == self.name:
                place = bisect.bisect_right(self.starts, int(offset, 16) - 1) - 1
                return frames[:i] + (self.symbols[place][1],) + frames[i + 1:]
        return frames

    def fold(self, sums):
        folded = collections.defaultdict(lambda: [0, 0])
        for (flags, frames), counts in sums.items():
            key = flags, self.innermost(frames)
            folded[key][0] += counts[0]
            folded[key][1] += counts[1]
        return folded


def without_spawn(sums):
    stacks = collections.defaultdict(lambda: [0, 0])
    for (flags, frames), counts in sums.items():
        key = flags, tuple(f for f in frames if not f.startswith("spawn "))
        stacks[key][0] += counts[0]
        stacks[key][1] += counts[1]
    return stacks


def main():
    witness, profile = read(sys.argv[1]), read(sys.argv[2])
    if sys.argv[3:] == ["--names"]:
        witness = only_named(witness)
        profile = only_named(profile, witness)
    else:
        profile = without_spawn(profile)
    if sys.argv[3:] and sys.argv[3] != "--names":
        functions = Functions(sys.argv[3])
        witness, profile = functions.fold(witness), functions.fold(profile)
    differences = 0
    for key in sorted(set(witness) | set(profile)):
        want, got = witness.get(key, [0, 0]), profile.get(key, [0, 0])
        if want != got:
            differences += 1
            print(f"witness {want[0]} calls {want[1]} B, profile {got[0]} calls {got[1]} B, "
                  f"{key[0]}: {';'.join(key[1])}")
    calls, size = (sum(v[i] for v in witness.values()) for i in (0, 1))
    deepest = max((len(frames) for _, frames in witness), default=0)
    print(f"{differences} differences in {len(witness)} stacks, {calls} calls, {size} bytes; "
          f"deepest {deepest}")
    return 0 if differences == 0 and calls > 0 else 1


sys.exit(main())
