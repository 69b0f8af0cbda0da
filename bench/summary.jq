# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# From runs to results. A ratio is of one run and the plain run of the same round; quartiles are of
# those ratios, so that a slow minute of the machine hits both sides.

def quantile(q):
    sort | if length == 0 then null else
        ((length - 1) * q) as $at | ($at | floor) as $low
        | .[$low] + (.[[$low + 1, length - 1] | min] - .[$low]) * ($at - $low) end;
def spread: {median: quantile(0.5), first_quartile: quantile(0.25), third_quartile: quantile(0.75)};

($runs | map(select(.variant == "plain") | {key: "\(.subject) \(.round)", value: .}) | from_entries)
    as $plain
| ($runs | group_by([.subject, .variant]) | map(
    map(. + {against: $plain["\(.subject) \(.round)"]})
    | {subject: .[0].subject, variant: .[0].variant, rounds: length,
       cpu_ns: (map(.cpu_ns) | spread),
       cpu_ratio: (map(.cpu_ns / .against.cpu_ns) | spread),
       wall_ratio: (map(.wall_ns / .against.wall_ns) | spread),
       peak_rss_bytes: (map(.peak_rss_bytes) | spread),
       peak_rss_ratio: (map(.peak_rss_bytes / .against.peak_rss_bytes) | spread),
       peak_rss_added_bytes: (map(.peak_rss_bytes - .against.peak_rss_bytes) | spread),
       units: .[0].units,
       profile_bytes: (map(.profile_bytes // empty) | max)})) as $measured
| ($instructions | map(select(.variant == "plain") | {key: "\(.path) \(.strategy)", value: .instructions})
    | from_entries) as $bare
| {date: $date, command: $command, machine: $machine, rounds: $rounds,
   measured: $measured,
   instructions: ($instructions | map(. + {added: (.instructions - $bare["\(.path) \(.strategy)"])})),
   runs: $runs}

# ---- the targets ----
| def of($subject; $variant): .measured[] | select(.subject == $subject and .variant == $variant);
  def cpu($subject): of($subject; "linked").cpu_ratio.median // null;
  # Frames are as large in both.
  def rss_each($subject): of($subject; "linked") as $linked | of($subject; "bare") as $bare
      | ($linked.peak_rss_bytes.median - $bare.peak_rss_bytes.median) / $linked.units;
  def target($what; $must; $aim; $measured; $better):
      {what: $what, must: $must, aim: $aim, measured: $measured,
       reached: (if $measured == null then null
                 elif $better == "less" then $measured <= $must else $measured >= $must end),
       aim_reached: (if $measured == null or $aim == null then null
                     elif $better == "less" then $measured <= $aim else $measured >= $aim end)};
  def first_or_null(f): [f] | first;
  # Below a thousandth nothing is measured: MemScope's added CPU counts as at least that.
  def heaptrack_over($subject):
      first_or_null(of($subject; "heaptrack").cpu_ratio.median) as $peer
      | first_or_null(cpu($subject)) as $ours
      | if $peer == null or $ours == null then null
        else ($peer - 1) / ([$ours - 1, 0.001] | max) end;
  def instructions($path):
      [.instructions[] | select(.path == $path and .variant == "linked") | .added] | max;
  # A million tasks alive at once are a million records in the profile: they have a target of their own.
  [.measured[] | select(.variant == "linked" and .subject != "million_tasks")] as $linked
  # 4 MiB more are no matter (trap 16).
  | ([$linked[] | (.peak_rss_bytes.median - 4194304) / (.peak_rss_bytes.median - .peak_rss_added_bytes.median)
      | [., 1] | max] | max) as $worst_rss
  | .targets = [
      target("sqlite: CPU ratio"; 1.10; 1.03; first_or_null(cpu("sqlite")); "less"),
      target("jq: CPU ratio"; 1.10; 1.03; first_or_null(cpu("jq")); "less"),
      target("lua: CPU ratio"; 1.20; 1.08; first_or_null(cpu("lua")); "less"),
      target("pure malloc loop: CPU ratio"; 1.60; 1.30; first_or_null(cpu("malloc_loop")); "less"),
      target("a coroutine's resumption and suspension: instructions"; 24; 8;
             instructions("resume_suspend"); "less"),
      target("an echo server of Asio: messages a second, plain over MemScope"; 1.05; 1.02;
             first_or_null(of("echo"; "linked").wall_ratio.median); "less"),
      target("a million tasks alive: bytes of RSS each, beside their frames"; 256; null;
             first_or_null(rss_each("million_tasks")); "less"),
      target("sqlite: heaptrack's added CPU over MemScope's"; 10; 30; heaptrack_over("sqlite"); "more"),
      target("jq: heaptrack's added CPU over MemScope's"; 10; 30; heaptrack_over("jq"); "more"),
      target("peak RSS ratio, 4 MiB let pass, the worst of the others"; 1.35; 1.15; $worst_rss; "less"),
      target("profile size in MB, the largest of the others"; 8; 2;
             ([$linked[].profile_bytes] | max | if . == null then . else . / 1e6 end); "less")]
