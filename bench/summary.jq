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
| ($runs | map(select(.variant == "bare") | {key: "\(.subject) \(.round)", value: .cpu_ns}) | from_entries)
    as $untracked
| ($runs | group_by([.subject, .variant]) | map(
    map(. + {against: $plain["\(.subject) \(.round)"], untracked_ns: $untracked["\(.subject) \(.round)"]})
    | {subject: .[0].subject, variant: .[0].variant, rounds: length,
       cpu_ns: (map(.cpu_ns) | spread),
       cpu_ratio: (map(.cpu_ns / .against.cpu_ns) | spread),
       tracking_ratio: (map(select(.untracked_ns) | .cpu_ns / .untracked_ns) | spread),
       wall_ratio: (map(.wall_ns / .against.wall_ns) | spread),
       peak_rss_bytes: (map(.peak_rss_bytes) | spread),
       peak_rss_ratio: (map(.peak_rss_bytes / .against.peak_rss_bytes) | spread),
       peak_rss_added_bytes: (map(.peak_rss_bytes - .against.peak_rss_bytes) | spread),
       units: .[0].units,
       told_percent: (map(.told.percent // empty) | spread),
       told_error: (map(.told.error // empty) | spread),
       profile_bytes: (map(.profile_bytes // empty) | max)})) as $measured
| ($instructions | map(select(.variant == "plain") | {key: "\(.path) \(.strategy)", value: .instructions})
    | from_entries) as $bare
| ($governor | group_by(.rate) | map(
    {rate: .[0].rate, budget: .[0].budget, pairs: length,
     per_cpu_second: (map(.pairs * 1e9 / .plain_cpu_ns) | spread),
     cpu_ratio: (map(.cpu_ns / .plain_cpu_ns) | spread),
     told_percent: (map(.told.percent // empty) | spread), told_error: (map(.told.error // empty) | spread),
     changes: (map(.changes) | spread),
     share: (map(.levels) | {
         contexts: (map((.contexts // 0) / ([.[]] | add)) | add / length),
         sites: (map((.sites // 0) / ([.[]] | add)) | add / length),
         sampled: (map((.sampled // 0) / ([.[]] | add)) | add / length)})})) as $governed
| ($floor | group_by(.number) | map(
    {step: .[0].step, rounds: length, ns: (map(.ns) | spread),
     ratio: ([., ($floor | map(select(.number == 0)))] | transpose | map(.[0].ns / .[1].ns) | spread)})) as $steps
| {date: $date, command: $command, machine: $machine, rounds: $rounds,
   measured: $measured, floor: $steps, governed: $governed, pairs: $governor,
   instructions: ($instructions | map(. + {added: (.instructions - $bare["\(.path) \(.strategy)"])})),
   runs: $runs}

# ---- the targets ----
| def of($subject; $variant): .measured[] | select(.subject == $subject and .variant == $variant);
  def cpu($subject; $variant): of($subject; $variant).cpu_ratio.median // null;
  # Frames are as large in both.
  def rss_each($subject): of($subject; "linked") as $linked | of($subject; "bare") as $bare
      | ($linked.peak_rss_bytes.median - $bare.peak_rss_bytes.median) / $linked.units;
  def within($measured; $bound; $better):
      if $measured == null or $bound == null then null
      elif $better == "less" then $measured <= $bound else $measured >= $bound end;
  # `measured` with whole call stacks, `sites` without; null = the target has no such figure.
  def target($what; $must; $aim; $measured; $sites; $better):
      {what: $what, must: $must, aim: $aim, measured: $measured, sites: $sites,
       reached: within($measured; $must; $better), aim_reached: within($measured; $aim; $better),
       sites_reached: within($sites; $must; $better)};
  def first_or_null(f): [f] | first;
  # Below a thousandth nothing is measured: MemScope's added CPU counts as at least that.
  def heaptrack_over($subject; $recording; $variant):
      first_or_null(of($subject; $recording).cpu_ratio.median) as $peer
      | first_or_null(cpu($subject; $variant)) as $ours
      | if $peer == null or $ours == null then null
        else ($peer - 1) / ([$ours - 1, 0.001] | max) end;
  def instructions($path):
      [.instructions[] | select(.path == $path and .variant == "linked") | .added] | max;
  # A million tasks alive at once are a million records in the profile: they have a target of their own.
  def others($variant): .measured[] | select(.variant == $variant and .subject != "million_tasks");
  # 4 MiB more are no matter (trap 16).
  def rss($variant):
      [others($variant)
       | (.peak_rss_bytes.median - 4194304) / (.peak_rss_bytes.median - .peak_rss_added_bytes.median)
       | [., 1] | max] | max;
  def profile_mb($variant): [others($variant).profile_bytes] | max | if . == null then . else . / 1e6 end;
  def budget_target($rate):
      first_or_null(.governed[] | select(.rate == $rate) | .cpu_ratio.median) as $ratio
      | target("\($rate) million allocations a CPU second, a budget of 5 %: CPU ratio"; 1.07; 1.05;
               $ratio; null; "less");
  def cpu_target($subject; $what; $must; $aim):
      target($what + ": CPU ratio"; $must; $aim;
             first_or_null(cpu($subject; "linked")); first_or_null(cpu($subject; "sites")); "less");
  # "heaptrack recording" is --raw, by its own word: record, do not interpret. The others are shown beside it.
  def heaptrack_targets($subject):
      (["heaptrack_raw", "`heaptrack --raw`"], ["heaptrack_whole", "`heaptrack` as it is run"],
       ["heaptrack", "heaptrack\u0027s recorder alone, uncompressed"]) as [$recording, $name]
      | target("\($subject): added CPU of \($name), over MemScope\u0027s"; 10; 30;
               heaptrack_over($subject; $recording; "linked");
               heaptrack_over($subject; $recording; "sites"); "more");
  .targets = [
      cpu_target("sqlite"; "sqlite"; 1.10; 1.03),
      cpu_target("jq"; "jq"; 1.10; 1.03),
      cpu_target("lua"; "lua"; 1.20; 1.08),
      cpu_target("gawk"; "gawk"; 1.20; 1.08),
      cpu_target("malloc_loop"; "pure malloc loop"; 1.60; 1.30),
      target("a coroutine's resumption and suspension: instructions"; 24; 8;
             instructions("resume_suspend"); null; "less"),
      target("an echo server of Asio: messages a second, plain over MemScope"; 1.05; 1.02;
             first_or_null(of("echo"; "linked").wall_ratio.median);
             first_or_null(of("echo"; "sites").wall_ratio.median); "less"),
      target("a million tasks alive: bytes of RSS each, beside their frames"; 256; null;
             first_or_null(rss_each("million_tasks")); null; "less"),
      heaptrack_targets("sqlite"),
      heaptrack_targets("jq"),
      target("peak RSS ratio, 4 MiB let pass, the worst of the others"; 1.35; 1.15;
             rss("linked"); rss("sites"); "less"),
      target("profile size in MB, the largest of the others"; 8; 2;
             profile_mb("linked"); profile_mb("sites"); "less"),
      budget_target(1), budget_target(5), budget_target(10)]
