#!/usr/bin/env python3
"""Overloads a server for a long time, misbehaves towards it, and looks at what is left.

    deploy/soak/run.py KEYHOLD_BINARY [--minutes 30] [--report FILE] [--page FILE] [--model FILE]

The server's capacity is measured first. Then `keyhold bench load` sends twice as much in an open loop with mixed
budgets, while other clients with another key disconnect, read slowly, send nonsense and use sessions, and SIGHUP comes
now and then with other weights of the keys. At the end nothing may have crashed, leaked or been answered badly. Ends
with 1 where something has. `--report` gets everything as JSON, `--page` a page for the documentation.
"""

import argparse
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import clients
from clients import Disconnecting, Nonsense, Sessions, SlowReader, Tally, get

MIX = [
    '4:{"budget_ratio":0.5}', '2:{"budget_ratio":0.25,"policy":"h2o"}', '2:none',
    '1:{"budget_tokens":48,"policy":"window"}', '1:{"policy":"full","storage":"q8"}',
]
PROMPT, NEW = 200, 60


def say(text):
    print(f"soak: {text}", file=sys.stderr, flush=True)


class Server:
    """A server under observation: its memory, its descriptors and its metrics, every second."""

    def __init__(self, binary, folder, arguments):
        self.log = folder / "server.log"
        output = folder / "server.out"
        with open(self.log, "w") as log, open(output, "w") as out:
            self.process = subprocess.Popen(
                [binary, "serve", "--port", "0", "--log-format", "json", *arguments], stdout=out, stderr=log)
        self.port = None
        for _ in range(1200):
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", output.read_text()):
                self.port = int(found[1])
                break
            if self.process.poll() is not None:
                raise SystemExit(f"the server did not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.05)
        self.samples = []
        self.watching = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def is_alive(self):
        return self.process.poll() is None

    def metrics(self):
        text = get(self.port, "/metrics")[1].decode()
        found = {}
        for line in text.splitlines():
            if line and line[0] != "#":
                name, value = line.rsplit(" ", 1)
                found[name] = float(value)
        return found

    def observe(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return {
            "time": time.monotonic(), "rss": int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024,
            "descriptors": len(os.listdir(f"/proc/{self.process.pid}/fd")),
        }

    def watch(self):
        def loop():
            while not self.watching.wait(1):
                if not self.is_alive():
                    return
                try:
                    self.samples.append(self.observe())
                except (OSError, TypeError):
                    return

        thread = threading.Thread(target=loop, daemon=True)
        thread.start()
        return thread


class Keys:
    """Two keys, in a file that the server reads anew on SIGHUP: one for the load, one for everybody else."""

    def __init__(self, binary, file):
        self.file = file
        self.entries = []
        for name in ("load", "others"):
            key, entry = re.search(r"^(kh-\S+)$.*?name: (\S+, hash: \w+)", subprocess.run(
                [binary, "key", "new", name], capture_output=True, text=True, check=True).stdout, re.M | re.S).groups()
            setattr(self, name, key)
            self.entries.append(entry)
        self.write(1, 1)

    def write(self, *weights):
        lines = [f"  - {{name: {entry}, admin: true, weight: {weight}}}\n"
                 for entry, weight in zip(self.entries, weights)]
        self.file.write_text("api_keys:\n" + "".join(lines))


def load(binary, url, json_file, key, *arguments):
    command = [
        binary, "bench", "load", "--url", url, "--api-key", key, "--prompt-tokens", str(PROMPT), "--new-tokens",
        str(NEW), "--json", str(json_file), *arguments,
    ]
    for budget in MIX:
        command += ["--kv-cache", budget]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def rows(json_file, name):
    """The first row of a name, which is the one of all requests."""
    return next((row for row in json.loads(json_file.read_text())["results"] if row["name"] == name), None)


def capacity(binary, server, folder, key, seconds):
    file = folder / "capacity.json"
    if load(binary, server.url, file, key, "--concurrency", "16", "--duration", str(seconds)).wait() != 0:
        raise SystemExit("the capacity could not be measured")
    return rows(file, "requests")["median"]


def is_idle(metrics):
    """Nothing runs, waits or is kept."""
    names = ["requests_running", "requests_waiting", 'sessions{state="idle"}', 'sessions{state="busy"}']
    return not any(metrics[f"keyhold_{name}"] for name in names)


def wait_until_idle(server, seconds=120):
    for _ in range(seconds * 5):
        if is_idle(metrics := server.metrics()):
            return metrics
        time.sleep(0.2)
    return server.metrics()


def hang_up(server, keys, every, until, rng, count):
    """SIGHUP at random times: a server reads its keys and limits anew and goes on."""
    while every and time.monotonic() < until and server.is_alive():
        time.sleep(min(rng.uniform(0.5, 1.5) * every, max(0.1, until - time.monotonic())))
        keys.write(rng.choice([0.5, 1, 4]), rng.choice([0.5, 1, 4]))
        server.process.send_signal(signal.SIGHUP)
        count.append(time.monotonic())


def growth(samples, key):
    """Medians of the second and the last quarter: the first one is for warming up."""
    quarter = len(samples) // 4
    values = [sample[key] for sample in samples]
    if quarter < 5:
        return None
    return statistics.median(values[quarter:2 * quarter]), statistics.median(values[-quarter:])


def retry_after(metrics):
    """How many refusals told when to come back, and the share of them that missed by 1.3 seconds or less."""
    name = "keyhold_retry_after_error_seconds"
    count = metrics.get(f"{name}_count", 0)
    return {"refusals": int(count), "within_1_3_seconds": metrics.get(f'{name}_bucket{{le="1.28"}}', 0) / max(1, count)}


def requests_by(metrics, label):
    found = {}
    for name, value in metrics.items():
        if name.startswith("keyhold_requests_total{") and value:
            key = re.search(label + r'="([^"]*)"', name)[1]
            found[key] = found.get(key, 0) + int(value)
    return found


def verdicts(server, metrics, outcome, tallies, log):
    """Every promise with what was seen of it."""
    found = []

    def verdict(promise, is_kept, seen):
        found.append({"promise": promise, "kept": bool(is_kept), "seen": seen})

    verdict("the server runs to the end", outcome["exit_status"] == 0, outcome["exit_status"])
    verdict("it drained", "ended" in log.splitlines()[-1], log.splitlines()[-1][:200])
    if memory := growth(server.samples, "rss"):
        verdict("memory is flat", memory[1] <= memory[0] * 1.05 + (8 << 20), [int(value) for value in memory])
    if descriptors := growth(server.samples, "descriptors"):
        verdict("descriptors do not pile up", descriptors[1] <= descriptors[0] * 1.5 + 64, list(descriptors))
    verdict("nothing runs or waits any more", is_idle(metrics), metrics["keyhold_requests_running"])
    seen = {state: metrics[f'keyhold_sessions{{state="{state}"}}'] for state in ("idle", "busy")}
    verdict("no session is left", not any(seen.values()), seen)
    for state in ("used", "reserved", "session_idle"):
        seen = metrics[f'keyhold_kv_pool_bytes{{state="{state}"}}']
        verdict(f"no byte of the pool is {state} at the end", seen == 0, seen)
    finishes = requests_by(metrics, "finish_reason")
    verdict("no sequence ended with an error", finishes.get("error", 0) == 0, finishes)
    codes = requests_by(metrics, "code")
    verdict("no answer was a 500", codes.get("500", 0) == 0, codes)
    kinds = outcome["load"]["failures"]
    # A stream that has begun while its request waits hears of the queue's time limit in an event.
    allowed = re.compile(r"^(429|503) |^error event queue_timeout$")
    verdict("every request of the load is answered or refused", all(map(allowed.match, kinds)), kinds)
    verdict("the load was more than the server could serve", any(map(allowed.match, kinds)), kinds)
    for tally in tallies:
        verdict(f"{tally.name}: every answer is well-formed", not tally.faults, tally.report())
        verdict(f"{tally.name}: it happened", tally.count > 0, tally.count)
    broken = [line for line in log.splitlines() if "broken invariant" in line or '"critical"' in line]
    verdict("no invariant was broken", not broken, broken[:3])
    return found


def page(report):
    """The report as a page of the documentation."""
    load, outcome = report["outcome"]["load"], report["outcome"]
    lines = [
        "# Soak", "", "What was left after the server had been overloaded and mistreated.", "", "## Overview", "",
        f"{report['minutes']:g} minutes at {load['rate'] / load['capacity']:.1f} times the capacity, which was",
        f"measured before: {load['capacity']:.1f} requests",
        f"per second of {PROMPT} prompt tokens and {NEW} new ones with mixed budgets, with a pool and a queue too",
        "small for the load. Meanwhile clients with another API key left at random moments, read slowly, sent nonsense and",
        f"made, continued, forked, shrank, saved, restored and deleted sessions, and {outcome['hang_ups']} SIGHUPs",
        "changed the weights of the keys:", "",
        f"    deploy/soak/run.py .build/release/keyhold --minutes {report['minutes']:g} --report soak.json \\",
        "        --page Soak.md",
        "", f"The server refused {outcome['retry_after']['refusals']:,} requests and sequences with a time to come back;",
        "there was room again within 1.3 seconds of it (whole seconds are told, 1 at least) in "
        f"{100 * outcome['retry_after']['within_1_3_seconds']:.1f} % of them.",
        "Of memory and descriptors the medians of the second and of the last quarter are shown, in bytes and open files;",
        "answers are counted by status, clients by what they did. One request in six names a policy that does not exist,",
        "which is a 400.", "", "| promise | kept | seen |", "|---|---|---|",
    ]
    for verdict in report["verdicts"]:
        seen = json.dumps(verdict["seen"]).replace("|", "\\|")
        seen = seen if len(seen) <= 300 else seen[:300] + " …"
        lines.append(f"| {verdict['promise']} | {'yes' if verdict['kept'] else '**no**'} | `{seen}` |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--report", type=Path, default=Path("soak.json"))
    parser.add_argument("--page", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--overload", type=float, default=2.0, help="times the capacity")
    parser.add_argument("--hang-up", type=float, default=20, help="seconds between SIGHUPs, on average; 0 for none")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    binary = str(Path(options.binary).resolve())
    # A pool and a queue that are too small for the load, so that refusals are part of it.
    arguments = [
        "--kv-pool-bytes", "8MiB", "--max-queue", "64", "--write-stall-timeout", "5s", "--queue-timeout", "20s",
    ]
    if options.model:
        arguments += ["--model", options.model]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = Keys(binary, folder / "keys.yaml")
        clients.KEY = keys.others
        (folder / "saved").mkdir()
        paths = ["--api-keys-file", str(keys.file), "--session-save-path", str(folder / "saved")]
        server = Server(binary, folder, arguments + paths)
        try:
            rate = capacity(binary, server, folder, keys.load, min(20, 6 * options.minutes))
            say(f"capacity: {rate:.1f} requests/s; {options.overload} times as many for {options.minutes} minutes")
            seconds = options.minutes * 60
            until = time.monotonic() + seconds
            server.watch()
            file = folder / "load.json"
            generator = load(
                binary, server.url, file, keys.load, "--rate", str(options.overload * rate), "--duration", str(seconds),
                "--timeout", "120")
            tallies = [Tally(kind) for kind in (Disconnecting, SlowReader, Nonsense, Sessions)]
            threads = [tally.start(server.port, until, random.Random(rng.random())) for tally in tallies]
            hang_ups = []
            hanging = threading.Thread(target=hang_up, args=(server, keys, options.hang_up, until, rng, hang_ups))
            hanging.start()
            for thread in [thread for group in threads for thread in group] + [hanging]:
                thread.join()
            generated = generator.wait()
            metrics = wait_until_idle(server) if server.is_alive() else {}
        finally:
            server.watching.set()
            if server.is_alive():
                server.process.send_signal(signal.SIGTERM)
            status = server.process.wait(90)
        failures = rows(file, "failures") or {}
        outcome = {
            "exit_status": status, "hang_ups": len(hang_ups), "retry_after": retry_after(metrics),
            "load": {
                "generator": generated, "rate": options.overload * rate, "capacity": rate,
                "requests": (rows(file, "requests") or {}).get("median"),
                "goodput": (rows(file, "goodput") or {}).get("median"),
                "ttft": rows(file, "time to first token"), "itl": rows(file, "inter-token latency"),
                "failures": {key: value for key, value in failures.get("details", {}).items() if key != "first"},
            },
        }
        found = verdicts(server, metrics, outcome, tallies, server.log.read_text())
        report = {
            "minutes": options.minutes, "arguments": arguments, "seed": options.seed, "outcome": outcome,
            "tallies": {tally.name: tally.report() for tally in tallies}, "verdicts": found,
        }
        options.report.write_text(json.dumps(report, indent=1) + "\n")
        if options.page:
            options.page.write_text(page(report))
    for verdict in found:
        say(f"{'ok' if verdict['kept'] else 'BROKEN'}: {verdict['promise']}: {json.dumps(verdict['seen'])[:300]}")
    return 0 if all(verdict["kept"] for verdict in found) else 1


if __name__ == "__main__":
    sys.exit(main())
