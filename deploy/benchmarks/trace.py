#!/usr/bin/env python3
"""Replays a trace of conversations with a full cache and with budgets of 50 % and 25 %, and counts kept sessions.

    trace.py KEYHOLD MODEL TRACE.csv [--seconds 60] [--speed 1] [--length-scale 0.25] [--pool 32MiB] [--json FILE]

Each budget has a server of its own. `keyhold bench load` replays the trace in an open loop; then as many of its requests
as `--sessions` says, one after the other, become sessions, and the server says how many of them the pool still holds.
"""

import argparse
import csv
import http.client
import json
import random
import re
import subprocess
import tempfile
from pathlib import Path

BUDGETS = {
    "full cache": {"policy": "full"}, "budget 50 %": {"budget_ratio": 0.5}, "budget 25 %": {"budget_ratio": 0.25},
}


class Server:
    def __init__(self, options):
        self.process = subprocess.Popen(
            [options.keyhold, "serve", "--port", "0", "--model", options.model, "--kv-pool-bytes", options.pool,
             "--log-level", "warning"], stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if match := re.match(r"listening on .*:(\d+)$", line.strip()):
                self.port = int(match.group(1))
                return
        raise SystemExit("the server did not start")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, data.decode()

    def kept_sessions(self):
        text = self.call("GET", "/metrics")[1]
        return int(float(re.search(r'^keyhold_sessions\{state="idle"\} (\S+)$', text, re.M)[1]))

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def replay(options, server, cache, folder):
    """Rows of the report by name."""
    file = Path(folder) / "load.json"
    subprocess.run([
        options.keyhold, "bench", "load", "--url", f"http://127.0.0.1:{server.port}", "--trace", options.trace,
        "--trace-seconds", str(options.seconds), "--speed", str(options.speed), "--length-scale",
        str(options.length_scale), "--slo-ttft-ms", str(options.slo_ttft_ms), "--slo-itl-ms",
        str(options.slo_itl_ms), "--kv-cache", "1:" + json.dumps(cache), "--json", str(file),
    ], check=True, stdout=subprocess.DEVNULL)
    return {row["name"]: row for row in reversed(json.loads(file.read_text())["results"])}


def keep_sessions(options, server, cache):
    """The trace's first requests as sessions: how many were made, and how many are kept."""
    rng = random.Random(1)
    made = 0
    with open(options.trace) as file:
        for row in list(csv.DictReader(file))[:options.sessions]:
            prompt, new = (max(1, round(int(row[name]) * options.length_scale))
                           for name in ("ContextTokens", "GeneratedTokens"))
            server.call("POST", "/v1/sessions", {"id": f"s{made}", "kv_cache": cache})
            status, text = server.call("POST", "/v1/completions", {
                "prompt": [rng.randrange(300, 20000) for _ in range(prompt)], "max_tokens": new, "ignore_eos": True,
                "session_id": f"s{made}"})
            if status != 200:
                raise SystemExit(f"a session's request was refused: {status} {text}")
            made += 1
    return made, server.kept_sessions()


def percentiles(row, names=("median", "p95", "p99"), scale=1000):
    if row is None:
        return {name: None for name in names}
    return {name: round(scale * float(row.get(name, row.get("details", {}).get(name))), 3) for name in names}


def figures(options, cache, folder):
    server = Server(options)
    try:
        rows = replay(options, server, cache, folder)
        made, kept = keep_sessions(options, server, cache)
    finally:
        server.stop()
    failures = rows["failures"].get("details", {})
    return {
        "sessions_made": made, "sessions_kept": kept,
        "requests_per_second": rows["requests"]["median"],
        "goodput_share": rows["goodput"]["details"]["share"],
        "ttft_ms": percentiles(rows.get("time to first token")),
        "itl_ms": percentiles(rows.get("inter-token latency")),
        "pool_used_bytes": percentiles(rows.get("KV pool used"), ("median", "p95"), 1),
        "sequences_running": percentiles(rows.get("sequences running"), ("median", "p95"), 1),
        "failures": {key: value for key, value in failures.items() if key != "first"},
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("keyhold")
    parser.add_argument("model")
    parser.add_argument("trace")
    parser.add_argument("--seconds", type=float, default=60, help="of the trace")
    parser.add_argument("--speed", type=float, default=1)
    parser.add_argument("--length-scale", type=float, default=0.25)
    parser.add_argument("--pool", default="32MiB")
    parser.add_argument("--sessions", type=int, default=60)
    parser.add_argument("--slo-ttft-ms", type=float, default=1000)
    parser.add_argument("--slo-itl-ms", type=float, default=50)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = {name: getattr(options, name) for name in (
        "seconds", "speed", "length_scale", "pool", "sessions", "slo_ttft_ms", "slo_itl_ms")}
    report["budgets"] = {}
    print("| | sessions kept | requests a second | goodput | first token, p50 / p95 / p99 | "
          "between tokens, p50 / p95 / p99 | failed |\n|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, cache in BUDGETS.items():
            one = report["budgets"][name] = figures(options, cache, folder)
            times = (" / ".join(f"{value:.3g}" for value in one[key].values()) for key in ("ttft_ms", "itl_ms"))
            print(f"| {name} | {one['sessions_kept']} of {one['sessions_made']} | {one['requests_per_second']:.2f} | "
                  f"{one['goodput_share']:.1%} | {' ms | '.join(times)} ms | {sum(one['failures'].values())} |",
                  flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


main()
