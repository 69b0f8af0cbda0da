# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# $truth: the program's books (programs/books.h); $profile: `report --json`. Prints one line for
# each difference: task by task where the task is in the profile by itself, then the sums of each
# function, then who freed whose. $all = "yes": every task has to be in the profile by itself.

# A name without arguments: of f(int (*)(int)) f, of the lambda f(int)::operator()(int) const
# f::operator, of int f<a<b>>(c) int f.
def bare: sub(" const$"; "")
    | until(test("\\([^()]*\\)|<[^<>]*>") | not; gsub("\\([^()]*\\)|<[^<>]*>"; ""));

# A class of the function `name`, in whatever namespace.
def is_of($name): ($name | bare) as $wanted
    | (.function // .name // "" | bare)
    | . == $wanted or endswith(" " + $wanted) or endswith("::" + $wanted);

$truth[0] as $t | $profile[0] as $p
| ($p.tasks | map({(.id | tostring): (if .id < 0 then "thread" else .label // "without a label" end)})
    | add) as $label_of
| ([$p.tasks[] | select(.label)] | INDEX(.label)) as $by_label
| (INDEX($p.task_classes[]; .id)) as $class_of
| [$t.tasks[].function] as $functions

# ---- task by task
| ($t.tasks[] | select(.is_labelled) | . as $b | $by_label[.label] as $g
   | if $g == null then (if $all == "yes" then "\(.label): not in the profile" else empty end)
     else (if $g.elided or (.has_frame | not) then 0 else 1 end) as $frame
       | ($frame * $g.frame_bytes) as $frame_bytes
       | {allocations: (.allocations + $frame), bytes: (.bytes + $frame_bytes),
          frees: (.frees + (if .is_ended then $frame else 0 end)),
          live_bytes: (.bytes - .freed_bytes + (if .is_ended then 0 else $frame_bytes end)),
          peak_bytes: (.peak + $frame_bytes), outlived_bytes: .outlived,
          state: (if .is_ended | not then .state
                  elif .bytes > .freed_bytes then "outlived" else "ended" end),
          parent, edge} as $want
       | ($g | .parent |= ($label_of[tostring] // "none that is known (\(.))")) as $got
       | $want | keys[] | select($want[.] != $got[.] and (. != "peak_bytes" or $b.is_peak_exact))
       | "\($b.label): \(.) is \($got[.]), the book says \($want[.])"
         + " (\($g.function), frame \($g.frame_bytes) bytes, rule \($g.edge_rule))"
     end),

# ---- the sums of each function
  ($t.tasks | group_by(.function)[] | .[0].function as $name
   | [$p.task_classes[] | select(is_of($name))] as $classes
   | ($classes | map(.elided) | add // 0) as $elided
   | ([map(select(.has_frame)) | length - $elided, 0] | max) as $frames
   | ([map(select(.has_frame and (.is_ended | not))) | length - $elided, 0] | max) as $alive_frames
   | ([$p.tasks[] | select(is_of($name)) | .frame_bytes] | max) as $frame_bytes
   | {count: length, ended: (map(select(.is_ended)) | length),
      allocations: ((map(.allocations) | add) + $frames),
      bytes: ((map(.bytes) | add) + $frames * $frame_bytes),
      outlived: (map(.outlived) | add),
      live_bytes: ((map(.bytes - .freed_bytes) | add)
                   + $alive_frames * $frame_bytes)} as $want
   | {count: ($classes | map(.count) | add), ended: ($classes | map(.ended) | add),
      allocations: ($classes | map(.allocations) | add), bytes: ($classes | map(.bytes) | add),
      outlived: ($classes | map(.outlived.sum) | add),
      live_bytes: ($classes | map(.live_bytes) | add)} as $got
   | $want | keys[] | select($want[.] != $got[.])
   | "class \($name): \(.) is \($got[.]), the books say \($want[.])"),
  ($p.task_classes[] | . as $class | select(.bytes > 0) | select(any($functions[]; . as $name | $class | is_of($name)) | not)
   | "class \(.function // .name): no book"),
  ($p.task_classes[] | select(.bytes != .task_bytes or .live_bytes != .task_live_bytes or .in_flight != 0)
   | "class \(.function): not added up: \(.bytes) \(.task_bytes), \(.live_bytes) \(.task_live_bytes)"),

# ---- all of them are the process
  ((["bytes", "total_bytes"], ["live_bytes", "live_bytes"], ["allocations", "total_allocations"],
    ["frees", "total_frees"]) as [$field, $total]
   | [$p.task_classes[][$field], ($p.tasks[] | select(.id < 0)[$field])] | add
   | select(. != $p.statistics[$total])
   | "\($field) of all tasks: \(.), not \($p.statistics[$total])"),

# ---- who freed whose
  (def sums: group_by([.from, .to]) | map({key: "\(.[0].from) -> \(.[0].to)",
        value: {blocks: (map(.blocks) | add), bytes: (map(.bytes) | add)}}) | from_entries;
   def party: if . < 0 then "thread" else $class_of[tostring] as $c
        | first($functions[] as $name | select($c | is_of($name)) | $name) // "unknown" end;
   ($t.transfers | map(select(.from != .to or .from != "thread") | .blocks = 1) | sums) as $want
   | ($p.transfers | map(.from |= party | .to |= party) | sums) as $got
   | ($want + $got) | keys[] | select($want[.] != $got[.])
   | "\(.): \($got[.]), the books say \($want[.])")
