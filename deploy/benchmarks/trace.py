#!/usr/bin/env python3
"""Replays a trace of conversations with a full cache and with budgets of 50 % and 25 % of the prompt.

    trace.py --model MODEL.gguf --out trace.json [--keyhold PROGRAM] [--pool 32MiB] [--seconds 75] [--repeats 2]
    trace.py --show trace.json

Every replay has a server of its own with the same pool and gets the same requests at the same times from
`keyhold bench load` in an open loop; budgets take turns. Without --speed the trace is sped up or slowed down until
requests come --load times as fast as the full cache gets through them when all are there at once: then the pool is
what limits the full cache, on a fast machine as on a slow one. After its last replay each budget's server gets
conversations as sessions, one after the other, and says how many of them the pool keeps. The trace is Azure's, below
../shared or KEYHOLD_SHARED. Needs nothing but Python; nothing else may run on the machine.
"""

import argparse
import csv
import datetime
import http.client
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("KEYHOLD_SHARED", ROOT.parent / "shared"))
TRACE = SHARED / "data" / "traces" / "azure2023" / "AzureLLMInferenceTrace_conv.csv"
BUDGETS = {
    "full cache": {"policy": "full"},
    "Keyformer, 50 %": {"policy": "keyformer", "budget_ratio": 0.5},
    "Keyformer, 25 %": {"policy": "keyformer", "budget_ratio": 0.25},
}
CALIBRATION_REQUESTS = 120


def say(text):
    print(text, file=sys.stderr, flush=True)


class Server:
    """A fresh server with an empty pool."""

    def __init__(self, options):
        self.process = subprocess.Popen(
            [options.keyhold, "serve", "--port", "0", "--model", options.model, "--kv-pool-bytes", options.pool,
             "--queue-timeout", "1h", "--max-queue", "100000", "--log-level", "error"],
            stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if match := re.match(r"listening on .*:(\d+)$", line.strip()):
                self.port = int(match.group(1))
                return
        raise SystemExit("the server did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        data = answer.read().decode()
        connection.close()
        return answer.status, data

    def gauges(self):
        """Idle sessions, sessions that gave way, the pool's bytes and those of idle sessions."""
        text = self.call("GET", "/metrics")[1]
        return [float(re.search(rf"^keyhold_{re.escape(name)} (\S+)$", text, re.M)[1]) for name in (
            'sessions{state="idle"}', 'sessions_evicted_total{reason="lru"}', 'kv_pool_bytes{state="total"}',
            'kv_pool_bytes{state="session_idle"}')]


def requests(options):
    """The trace behind --skip: seconds, prompt and answer of each request."""
    with open(options.trace) as file:
        rows = [(datetime.datetime.fromisoformat(row["TIMESTAMP"][:26]), int(row["ContextTokens"]),
                 int(row["GeneratedTokens"])) for row in csv.DictReader(file)]
    start = rows[0][0]
    rows = [((time - start).total_seconds() - options.skip, prompt, new) for time, prompt, new in rows]
    return [row for row in rows if row[0] >= 0]


def load(options, server, cache, folder, *arguments):
    """Rows of the load report by name."""
    file = Path(folder) / "load.json"
    subprocess.run([
        options.keyhold, "bench", "load", "--url", f"http://127.0.0.1:{server.port}", "--length-scale",
        str(options.length_scale), "--slo-ttft-ms", str(options.slo_ttft_ms), "--slo-itl-ms",
        str(options.slo_itl_ms), "--timeout", "3600", "--kv-cache", "1:" + json.dumps(cache), "--json", str(file),
        *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    report = json.loads(file.read_text())
    options.machine = report["machine"]
    return {row["name"]: row for row in report["results"]}


def calibrated_speed(options, rows, folder):
    """The speed at which requests come --load times as fast as the full cache takes them, and that rate."""
    part = [row for row in rows if row[0] < options.seconds]
    part = part[::max(1, len(part) // CALIBRATION_REQUESTS)]
    burst = Path(folder) / "burst.csv"
    burst.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
        f"2023-11-16 00:00:00.0000000,{prompt},{new}\n" for _, prompt, new in part))
    with Server(options) as server:
        report = load(options, server, BUDGETS["full cache"], folder, "--trace", burst)
    rate = report["requests"]["median"]
    count = min(len(rows) - 1, round(rate * options.load * options.seconds))
    say(f"the full cache gets through {rate:.2f} requests a second of {len(part)}")
    return rows[count][0] / options.seconds, rate


def numbers(row, scale=1000):
    if row is None:
        return None
    known = {"p50": row["median"], "p95": row.get("details", {}).get("p95"), "p99": row["p99"]}
    return {name: None if value is None else round(scale * value, 3) for name, value in known.items()}


def replayed(options, server, cache, folder):
    rows = load(
        options, server, cache, folder, "--trace", options.trace, "--trace-skip", options.skip, "--trace-seconds",
        options.seconds * options.speed, "--speed", options.speed)
    failures = rows["failures"]
    running, waiting, pool = (rows[name] for name in ("sequences running", "sequences waiting", "KV pool used"))
    return {
        "requests": rows["sent after its time"]["repetitions"],
        "failures": int(failures["median"]), "failure_kinds": failures.get("details", {}),
        "requests_per_second": rows["requests"]["median"], "tokens_per_second": rows["new tokens"]["median"],
        "goodput_per_second": rows["goodput"]["median"], "goodput_share": rows["goodput"]["details"]["share"],
        "running": {"median": running["median"], "max": running["max"]},
        "waiting": {"median": waiting["median"], "max": waiting["max"]},
        "pool_used_bytes": {"median": pool["median"], "max": pool["max"]},
        "request_peak_bytes": rows["KV peak of a request"]["median"],
        "ttft_ms": numbers(rows.get("time to first token")), "itl_ms": numbers(rows.get("inter-token latency")),
        "e2e_ms": numbers(rows.get("end to end")), "sent_late_ms": numbers(rows["sent after its time"]),
    }


def kept_sessions(options, server, cache, rows):
    """Conversations become sessions; once the first one has given way to others, the pool is full."""
    choice, kept, held = random.Random(1), [], []
    for index, (_, prompt, new) in enumerate(rows[:options.sessions]):
        prompt, new = (max(1, round(count * options.length_scale)) for count in (prompt, new))
        name = f"conversation-{index}"
        server.call("POST", "/v1/sessions", {"id": name, "kv_cache": cache})
        code, text = server.call("POST", "/v1/completions", {
            "prompt": [choice.randrange(256) for _ in range(prompt)], "max_tokens": new, "ignore_eos": True,
            "session_id": name})
        if code != 200:
            raise SystemExit(f"a turn of a session was refused: {code} {text}")
        idle, gone, _, bytes_held = server.gauges()
        if gone:
            kept.append(idle)
            held.append(bytes_held)
    full = bool(kept)
    return {
        "made": min(len(rows), options.sessions), "pool_was_full": full,
        "kept": statistics.median(kept) if full else idle, "kept_max": max(kept) if full else idle,
        "bytes_held": statistics.median(held) if full else bytes_held,
    }


def table(report):
    """Medians over the repeats, as Markdown."""
    lines = [
        "| | requests | failed | running at once, median / most | waiting, most | conversations kept as sessions | "
        "KV bytes of a request | goodput, requests/s | first token, p50 / p95 / p99 | "
        "between tokens, p50 / p95 / p99 | whole answer, p50 |",
        "|---|---|---|---|---|---|---|---|---|---|---|"]
    for name, budget in report["budgets"].items():
        runs = budget["replays"]

        def middle(*path):
            values = []
            for value in runs:
                for key in path:
                    value = value[key]
                values.append(value)
            return statistics.median(values)

        def times(key, unit, scale):
            return " / ".join(f"{middle(key, part) / scale:.3g}" for part in ("p50", "p95", "p99")) + f" {unit}"

        sessions = budget["sessions"]
        kept = f"{'' if sessions['pool_was_full'] else 'at least '}{sessions['kept']:.0f}"
        lines.append(
            f"| {name} | {middle('requests'):.0f} | {max(run['failures'] for run in runs)} | "
            f"{middle('running', 'median'):.0f} / {max(run['running']['max'] for run in runs):.0f} | "
            f"{max(run['waiting']['max'] for run in runs):.0f} | {kept} | "
            f"{middle('request_peak_bytes') / 1e6:.1f} MB | "
            f"{middle('goodput_per_second'):.2f} ({middle('goodput_share'):.0%}) | "
            f"{times('ttft_ms', 's', 1000)} | {times('itl_ms', 'ms', 1)} | {middle('e2e_ms', 'p50') / 1000:.2f} s |")
    return "\n".join(lines)


def measured(options):
    rows = requests(options)
    report = {"schema": 1, "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}
    with tempfile.TemporaryDirectory() as folder:
        if options.speed is None:
            options.speed, report["full_cache_requests_per_second"] = calibrated_speed(options, rows, folder)
        say(f"{options.seconds:.0f} s at {options.speed:.3f} times the trace's speed, {options.repeats} times")
        budgets = report["budgets"] = {name: {"kv_cache": cache, "replays": []} for name, cache in BUDGETS.items()}
        for repeat in range(options.repeats):
            order = list(BUDGETS.items())
            for name, cache in order if repeat % 2 == 0 else reversed(order):
                with Server(options) as server:
                    one = replayed(options, server, cache, folder)
                    if repeat == options.repeats - 1:
                        budgets[name]["sessions"] = kept_sessions(options, server, cache, rows)
                        report["pool_bytes"] = server.gauges()[2]
                budgets[name]["replays"].append(one)
                say(f"{name}: {one['goodput_share']:.0%} good, first token {one['ttft_ms']} ms, "
                    f"between tokens {one['itl_ms']} ms, most running {one['running']['max']:.0f}, "
                    f"failed {one['failures']}")
    report["machine"] = options.machine
    report["settings"] = {key: getattr(options, key) for key in (
        "pool", "seconds", "skip", "speed", "load", "length_scale", "repeats", "sessions", "slo_ttft_ms",
        "slo_itl_ms")} | {"model": Path(options.model).name, "trace": Path(options.trace).name}
    return report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keyhold", default=str(ROOT / ".build" / "release" / "keyhold"))
    parser.add_argument("--model", help="a GGUF file or folder")
    parser.add_argument("--trace", default=str(TRACE))
    parser.add_argument("--out", type=Path, help="the JSON; the table goes to standard output")
    parser.add_argument("--show", type=Path, help="only print the table of such a JSON")
    parser.add_argument("--pool", default="32MiB")
    parser.add_argument("--seconds", type=float, default=75, help="of each replay")
    parser.add_argument("--skip", type=float, default=120, help="seconds of the trace before its first request here")
    parser.add_argument("--speed", type=float, help="how many times faster than it was recorded")
    parser.add_argument("--load", type=float, default=1.0, help="arrivals over what the full cache gets through")
    parser.add_argument("--length-scale", type=float, default=0.25)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--sessions", type=int, default=64)
    parser.add_argument("--slo-ttft-ms", type=float, default=2000)
    parser.add_argument("--slo-itl-ms", type=float, default=100)
    options = parser.parse_args()
    if options.show:
        report = json.loads(options.show.read_text())
    else:
        if not options.model:
            parser.error("--model is needed")
        report = measured(options)
        if options.out:
            options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))


if __name__ == "__main__":
    main()
