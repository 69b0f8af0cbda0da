#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compare.py sums FOLDER REPORT.json: the sums of memscope-rs's files against the report's.
compare.py blocks FOLDER TRUTH.json [some]: the listed blocks against what a program itself knows:
all of them, or `some`: none that is not so. Exits 1 where anything differs."""

import collections
import json
import re
import sys

folder = sys.argv[2]
failures = []


def load(name):
    return json.load(open(f"{folder}/{name}.json"))


def same(what, got, wanted):
    if got != wanted:
        failures.append(f"{what}: {got}, not {wanted}")


def add(items, key):
    return sum(item[key] for item in items)


def sums():
    report = json.load(open(sys.argv[3]))
    total = report["statistics"]
    memory, threads = load("memory_analysis"), load("thread_analysis")
    graph, tasks, leaks = load("task_graph"), load("async_analysis"), load("leak_detection")
    if total["total_allocations"] == 0:
        failures.append("an empty profile")
    for part in (memory["metadata"], memory["statistics"]):
        same("allocations", part["total_allocations"], total["total_allocations"])
        same("bytes", part["total_size_bytes"], total["total_bytes"])
    if not memory["metadata"]["sites_estimated"]:
        same("categories", sum(memory["type_distribution"].values()), total["total_allocations"])
    meta = threads["metadata"]
    rows = threads["thread_analysis"]
    same("threads", meta["threads_listed"], len(report["threads"]))
    for key, nobody, wanted in (("allocation_count", "threadless_allocation_count", "total_allocations"),
                                ("total_allocated", "threadless_total_allocated", "total_bytes"),
                                ("current_memory", "threadless_current_memory", "live_bytes")):
        same(f"threads' {key}", add(rows, key) + meta[nobody], total[wanted])
    for row, thread in zip(rows, report["threads"]):
        same("a thread", [row["allocation_count"], row["total_allocated"], row["current_memory"], row["peak_memory"]],
             [thread[key] for key in ("allocations", "bytes", "live_bytes", "peak_bytes")])
    same("nodes' allocations", add(graph["nodes"], "allocation_count"), total["total_allocations"])
    same("nodes' bytes", add(graph["nodes"], "memory_usage"), total["live_bytes"])
    for key, wanted in (("total_allocations", "total_allocations"), ("total_bytes", "total_bytes"),
                        ("current_memory", "live_bytes"), ("total_deallocations", "total_frees")):
        same(f"tasks' {key}", add(tasks["task_profiles"], key), total[wanted])
    summary = tasks["summary"]
    same("the tasks' summary", [summary[key] for key in ("total_allocations", "total_memory_bytes",
                                                        "active_memory_bytes", "peak_memory_bytes")],
         [total[key] for key in ("total_allocations", "total_bytes", "live_bytes", "peak_live_bytes")])
    same("the number of tasks", summary["total_tasks"], add(tasks["task_profiles"], "task_count"))
    same("nodes and tasks", [node["id"] for node in graph["nodes"]],
         [task["task_id"] for task in tasks["task_profiles"]])
    ids = {node["id"] for node in graph["nodes"]}
    same("twice the same id", len(ids), len(graph["nodes"]))
    for edge in graph["edges"]:
        if edge["from"] not in ids or edge["to"] not in ids:
            failures.append(f"an edge of no node: {edge}")
    same("leaks", leaks["leak_detection"]["total_leaks"], total["live_allocations"])
    same("leaked bytes", leaks["leak_detection"]["total_leaked_bytes"], total["live_bytes"])
    lists(total, memory, tasks, leaks)


def lists(total, memory, tasks, leaks):
    """What is said of the lists, and that they agree with each other and, where whole, with the sums."""
    meta, blocks = memory["metadata"], memory["allocations"]
    alive = [block for block in blocks if block["is_alive"]]
    freed = [block for block in blocks if not block["is_alive"]]
    histories = load("lifetime")["ownership_histories"]
    same("alive", meta["alive_blocks"], total["live_allocations"])
    same("freed", meta["freed_blocks"], total["total_frees"])
    same("listed", [meta["alive_blocks_listed"], meta["freed_blocks_listed"]], [len(alive), len(freed)])
    same("alive listed", len(alive), min(meta["records_limit"], len(alive)))
    same("freed listed", len(freed), min(meta["records_limit"], total["total_frees"]))
    whole = len(alive) == total["live_allocations"] and len(freed) == total["total_frees"]
    same("truncated", meta["truncated"], not whole)
    if len(alive) == total["live_allocations"]:
        same("bytes of those alive", add(alive, "size"), total["live_bytes"])
    if len(freed) == total["total_frees"]:
        same("bytes of the freed", add(freed, "size"), total["freed_bytes"])
    same("histories", [(h["address"], h["size"], h["timestamp_alloc"], h["lifetime_ms"]) for h in histories],
         [(b["address"], b["size"], b["timestamp"], b["lifetime_ms"]) for b in blocks])
    same("blocks of tasks", [(b["ptr"], b["size"], b["task_id"]) for b in tasks["allocations"]],
         [(b["address"], b["size"], b["task_id"]) for b in blocks])
    same("leaks listed", [d["memory_address"] for d in leaks["leak_detection"]["leak_details"]],
         [b["address"] for b in alive])
    passports = [d["passport_id"] for d in leaks["leak_detection"]["leak_details"]]
    same("passports", len(set(passports)), len(passports))
    for history, block in zip(histories, blocks):
        if block["is_alive"] != (block["lifetime_ms"] is None) or history["timestamp_alloc"] is None:
            failures.append(f"no time: {history}")
        end = history["timestamp_dealloc"]
        if end is not None and (end < history["timestamp_alloc"] or
                                (end - history["timestamp_alloc"]) // 10**6 != history["lifetime_ms"]):
            failures.append(f"times: {history}")
        same("events", len(history["events"]), 1 if block["is_alive"] else 2)


def blocks():
    truth = json.load(open(sys.argv[3]))
    some = sys.argv[4:] == ["some"]
    for key, is_alive in (("alive", True), ("freed", False)):
        wanted = collections.Counter(tuple(entry) for entry in truth[key])
        got = collections.Counter()
        for block in load("memory_analysis")["allocations"]:
            line = re.match(r"blocks\.c:(\d+) ", block["site"])
            if line and block["is_alive"] == is_alive:
                got[(int(block["address"], 16), block["size"], int(line.group(1)))] += 1
        if not got or not wanted:
            failures.append(f"{key}: nothing is listed, or nothing was there")
        surplus, missing = got - wanted, wanted - got
        if surplus or (missing and not some):
            failures.append(f"{key}: {sum(surplus.values())} too many {list(surplus)[:5]}, "
                            f"{sum(missing.values())} missing {list(missing)[:5]}")


{"sums": sums, "blocks": blocks}[sys.argv[1]]()
for failure in failures[:20]:
    print(failure)
sys.exit(bool(failures))
