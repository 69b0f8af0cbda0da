# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# jq -rn --slurpfile truth T --slurpfile profile P --arg peaks yes|no: prints one line per
# difference between a program's own truth and the profile's sites, nothing where all is equal.
# A line of source may have several sites (inlined or duplicated calls): counts are summed over
# them; a peak cannot be summed, but lies between the highest of theirs and their sum. A call in a
# header's inline function (glibc's getline) belongs to the program's line that called it.

def key: "\(.file):\(.line)";
def total($field): map(.[$field]) | add // 0;
# Input: a field.
def differs($want; $got): . as $field | ($got | total($field)) as $seen
    | select($seen != $want[$field])
    | "\($want | key) \($field): \($seen), the program knows \($want[$field])";

$truth[0] as $t | $profile[0] as $p
| ([$t.sites[].file] | unique) as $files
| ($p.sites | map(select((.foreign | not) and .allocations > 0))
   | map(select(.kind != "exception")) # programs keep no books on what they throw
   | map(. + (first(({file, line}, (.inlined[] | {file, line}))
                    | select(.file as $f | $files | index($f))) // {}))
   | group_by(key) | map({(.[0] | key): .}) | add // {}) as $by_line
| ($t.sites[] | select(.allocations > 0) | . as $want | ($by_line[key] // []) as $got
   | if .partial then
         ("live_bytes" | differs($want; $got))
     else
         ((["allocations", "bytes", "frees", "live_bytes"]
           + (if $peaks == "yes" then ["at_peak_bytes", "temporary"] else [] end))[]
          | differs($want; $got)),
         (if $peaks == "yes" then
              (if ($got | length) > 1 and .peak_bytes <= ($got | total("peak_bytes"))
                  and .peak_bytes >= ($got | map(.peak_bytes) | max) then empty
               elif ($got | total("peak_bytes")) != .peak_bytes then
                   "\(key) peak_bytes: \($got | total("peak_bytes")), the program knows \(.peak_bytes)"
               else empty end)
          else empty end)
     end),
  ($by_line | to_entries[] | select(.value[0].file as $f | $files | index($f) != null)
   | .key as $k | select([$t.sites[] | select(.allocations > 0) | key] | index($k) == null)
   | "\($k): in the profile (\(.value | total("allocations")) allocations), unknown to the program")
