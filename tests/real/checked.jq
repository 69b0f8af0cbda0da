# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# jq -r -f checked.jq PROFILE.json: `FILE FUNCTION | TYPE | VARIABLE | CONTAINER` of the sites with a
# line, without folders and parameters: lines differ from one release of a program to the next.

.sites[] | .user_frame as $at | select($at.file and $at.function and .allocations > 0)
| ($at.function | gsub("\\(anonymous namespace\\)::"; "") | gsub("\\[abi:[a-z0-9]*\\]"; "")
   | sub("\\(.*"; "") | sub("^.*[ :]"; "")) as $function
| "\($at.file | sub("^.*/"; "")) \($function) | \(.type // "?") | \(.variable // "?") | \(.container // "?")"
