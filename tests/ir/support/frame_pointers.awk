# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Of each function with a body in a module's text, but for those that the pass adds: its name and
# its attribute "frame-pointer" (`none` where it has none).

/^define / && !/@memscope\./ {
    match($0, /@[^(]*\(/)
    names[++count] = substr($0, RSTART + 1, RLENGTH - 2)
    groups[count] = match($0, / #[0-9]+ /) ? substr($0, RSTART + 1, RLENGTH - 2) : ""
}

/^attributes #/ && match($0, /"frame-pointer"="[a-z-]*"/) {
    kept[$2] = substr($0, RSTART + 17, RLENGTH - 18)
}

END {
    for (i = 1; i <= count; i++)
        print names[i], (groups[i] in kept ? kept[groups[i]] : "none")
}
