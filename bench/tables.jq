# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# results.json as Markdown, in parts that write-docs puts into docs/performance.md.

def fixed(n): if . == null then "-" else
    (. * pow(10; n) | round) as $scaled
    | ($scaled | fabs | tostring) as $digits
    | ("0" * ([n + 1 - ($digits | length), 0] | max)) as $zeros
    | (($zeros // "") + $digits) as $all
    | (if $scaled < 0 then "-" else "" end)
      + (if n == 0 then $all else $all[:-n] + "." + $all[-n:] end) end;
def row: "| " + join(" | ") + " |";
def head: row, (map("---") | "|" + join("|") + "|");
def part($name; rows; $holds): if $holds then "<!-- bench: \($name) -->" else "<!-- bench: none of \($name) -->" end,
    rows, "<!-- bench: end -->", "";
def ratio: "\(.median | fixed(3)) (\(.first_quartile | fixed(3))–\(.third_quartile | fixed(3)))";
def mib: . / 1048576 | fixed(1);
def yes: if . == null then "not run" elif . then "yes" else "no" end;
def order: {plain: 0, linked: 1, sites: 2, weak: 3, bare: 4, foreign: 5, heaptrack: 6,
            heaptrack_raw: 7, heaptrack_whole: 8}[.];

. as $all
# Tables of targets and times stand for whole runs: one subject alone does not replace them.
| all(.targets[]; .measured != null) as $is_whole
| "made by `\(.command)` on \(.date): \(.machine)" as $made
| part("targets";
    (["target", "must", "aim", "with call stacks", "must reached?", "aim reached?", "sites alone", "must reached?"]
     | head),
    (.targets[] | [.what, "\(.must)", "\(.aim // "-")", (.measured | fixed(3)), (.reached | yes),
                  (if .aim == null then "-" else .aim_reached | yes end),
                  (.sites | fixed(3)), (if .sites == null then "-" else .sites_reached | yes end)] | row),
    "", "Medians of \(.rounds) paired runs; \($made).";
    $is_whole),
  part("times";
    (["subject", "run as", "CPU s", "CPU ratio (quartiles)", "over bare (quartiles)", "told by itself", "wall ratio", "peak RSS MiB", "ratio", "record MB"]
     | head),
    (.measured | sort_by([.subject, (.variant | order)])[]
     | [.subject, .variant, (.cpu_ns.median / 1e9 | fixed(3)), (.cpu_ratio | ratio),
        (if .told_percent.median == null or .tracking_ratio.median == null or .variant == "foreign" then ""
         else .tracking_ratio | ratio end),
        (if .told_percent.median == null then "" else
             "\(.told_percent.median / 100 + 1 | fixed(3)) ± \(.told_error.median / 100 | fixed(3))" end),
        (.wall_ratio.median | fixed(3)),
        # Of several processes the largest one's memory is nothing to compare.
        (if .variant | startswith("heaptrack_") then "", ""
         else (.peak_rss_bytes.median | mib), (.peak_rss_ratio.median | fixed(2)) end),
        (if .profile_bytes == null then "" else .profile_bytes / 1e6 | fixed(2) end)] | row),
    "", "Medians of \(.rounds) paired runs; \($made).";
    $is_whole),
  part("floor";
    (["what a hook does, each beside those above", "ns a pair", "ratio (quartiles)"] | head),
    (.floor[] | [.step, (.ns.median | fixed(2)), (.ratio | ratio)] | row),
    "", "Medians of \([.floor[].rounds] | min // 0) rounds; \($made).";
    (.floor | length) > 0),
  part("governor";
    (["million allocations a CPU second", "as measured", "must", "CPU ratio (quartiles)", "reached?", "told by itself",
      "of the time with stacks", "sites alone", "sampled"] | head),
    (.governed[]
     | [(.rate | tostring), (.per_cpu_second.median / 1e6 | fixed(2)), "1.07", (.cpu_ratio | ratio),
        (.cpu_ratio.median <= 1.07 | yes),
        (if .told_percent.median == null then "" else
             "\(.told_percent.median / 100 + 1 | fixed(3)) ± \(.told_error.median / 100 | fixed(3))" end),
        ([.share.contexts, .share.sites, .share.sampled][] | "\(. * 100 | fixed(0)) %")] | row),
    "", "A budget of 5 %; medians of \([.governed[].pairs] | min // 0) paired runs, of the shares of the time the means; \($made).";
    (.governed | length) > 0),
  part("instructions";
    (["path", "strategy", "plain", "linked", "weak", "foreign"] | head),
    (.instructions | group_by([.path, .strategy])[]
     | (map({key: .variant, value: .}) | from_entries) as $v
     | ["`\(.[0].path)`", .[0].strategy, ($v.plain.instructions | fixed(1)),
        (["linked", "weak", "foreign"][] | $v[.].added | if . == null then "" else "+\(fixed(1))" end)] | row),
    "", "Each round; \($made).";
    (.instructions | length) > 0)
