#!/usr/bin/env python3
"""How many machines three traces need: machines.py --model MODEL.gguf [--keyhold PROGRAM] [--out machines.json]

Times steps once (`keyhold bench capacity`, on a quiet machine), then simulates ten minutes of Azure's conversation
trace and of Mooncake's two with these costs, and prints a table. The traces are below ../shared or KEYHOLD_SHARED.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TRACES = Path(os.environ.get("KEYHOLD_SHARED", ROOT.parent / "shared")) / "data" / "traces"
LOADS = {
    "Azure, conversations": [TRACES / "azure2023" / "AzureLLMInferenceTrace_conv.csv", "--slo-ttft-ms", "10000"],
    "Mooncake, conversations, an eighth as long": [
        TRACES / "mooncake" / "conversation_trace.jsonl", "--length-scale", "0.125", "--slo-ttft-ms", "30000"],
    "Mooncake, synthetic, an eighth as long": [
        TRACES / "mooncake" / "synthetic_trace.jsonl", "--length-scale", "0.125", "--slo-ttft-ms", "30000"],
}


def capacity(options, file, *arguments):
    command = [options.keyhold, "bench", "capacity", "-m", options.model, "--pool", options.pool, "--slo-itl-ms", "100",
               "--json", str(file), *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads(file.read_text())["results"]


def outcome(rows):
    """What each budget needs."""
    found = {}
    for row in rows:
        budget = found.setdefault(row["parameters"]["budget"], {})
        if row["name"] == "machines":
            budget |= {"machines": round(row["median"])} | row["details"]
        elif row["name"] in ("time to first token", "inter-token latency"):
            budget[row["name"]] = {"p50": row["median"], "p95": row["details"]["p95"]}
            if row["name"] == "time to first token":
                budget["requests"] = row["repetitions"]
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keyhold", default=str(ROOT / ".build" / "release" / "keyhold"))
    parser.add_argument("--model", required=True)
    parser.add_argument("--pool", default="4GiB")
    parser.add_argument("--seconds", default="600", help="of each trace")
    parser.add_argument("--target", default="0.95", help="share of the requests within the objective")
    parser.add_argument("--costs", help="JSON of an earlier run, whose costs are taken")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file, costs = Path(folder) / "report.json", Path(folder) / "costs.json"
        if options.costs:
            costs.write_text(json.dumps({"results": json.loads(Path(options.costs).read_text())["results"]}))
        else:
            capacity(options, costs)
        report = {"results": [row for row in json.loads(costs.read_text())["results"] if "cost" in row["name"]]}
        for row in report["results"]:
            print(row["parameters"]["budget"], f"step {row['median']:.2f} ms", row["details"], file=sys.stderr)
        print("| trace | budget | machines | within the objective | first token, p50 / p95 | between tokens, p95 | "
              "most sequences at once |\n|---|---|---|---|---|---|---|")
        report["traces"] = {}
        for name, (trace, *arguments) in LOADS.items():
            budgets = report["traces"][name] = outcome(capacity(
                options, file, "--costs", costs, "--trace", trace, "--trace-seconds", options.seconds, "--target",
                options.target, *arguments))
            for budget, one in budgets.items():
                first, gap = one["time to first token"], one["inter-token latency"]
                print(f"| {name} ({one['requests']}) | {budget} | {one['machines']} | {one['good_share']:.1%} | "
                      f"{first['p50']:.2f} s / {first['p95']:.1f} s | {gap['p95'] * 1000:.1f} ms | "
                      f"{one['most_sequences']} |", flush=True)
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
