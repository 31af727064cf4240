"""All figures of the page "Speed": measure.py --peer FOLDER [--out FOLDER] [--alternations N] [PART ...]

PEER is the folder of llama.cpp's programs; "Benchmarks" in the documentation says how they are built. Models with
random weights are written to OUT/models, results to OUT/NAME.json, and plot.py draws them. Parts: compare, policy,
paper, growth, memory; all if none is named. Nothing else may run on the machine. Needs nothing but Python.
"""

import argparse
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import statistics
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
KEYHOLD = ROOT / ".build" / "release" / "keyhold"
PARTS = ["compare", "policy", "paper", "growth", "memory"]
COMPARED = [
    ("smol135m-q8_0", "prefill=512,decode=0,decode=8192,batch=16,server=8,requests=4"),
    ("story15m-q8_0", "requests=4"),
    ("llama1b-q4_k_m", "prefill=512,decode=0"),
    ("llama1b-q4_0", "decode=0,batch=8,decode=8192"),
]
PAPER_CACHES = {"full": {"policy": "full"}, "keyformer": {"policy": "keyformer", "budget_ratio": 0.5}}
# Model, pool, and how many fit it: pools of one whole cache of 4096 tokens, and of four.
PAPER_POOLS = [
    ("llama1b-q8_0", "160MiB", {"full": 1, "keyformer": 4}),
    ("smol135m-q8_0", "100MiB", {"full": 1, "keyformer": 4}),
    ("smol135m-q8_0", "400MiB", {"full": 4, "keyformer": 16}),
]
IDLE_COUNTS = [1, 10, 100, 1000, 10000]


def keyhold(*arguments):
    command = [str(KEYHOLD), *map(str, arguments)]
    print("$ keyhold", *map(str, arguments), flush=True)
    subprocess.run(command, check=True)


class Bench:
    def __init__(self, options):
        self.out = options.out
        self.peer = options.peer
        self.alternations = options.alternations
        (self.out / "models").mkdir(parents=True, exist_ok=True)

    def model(self, name):
        """The file of a shape and type, written where it is missing."""
        path = self.out / "models" / f"{name}.gguf"
        shape, kind = name.split("-")
        if path.exists():
            return path
        if kind != "q4_k_m":
            keyhold("bench", "model", path, "--shape", shape, "--type", kind)
            return path
        wide = self.out / "models" / f"{shape}-f16.gguf"
        keyhold("bench", "model", wide, "--shape", shape, "--type", "f16")
        subprocess.run([self.peer / "llama-quantize", wide, path, "Q4_K_M"], check=True, stdout=subprocess.DEVNULL)
        wide.unlink()
        return path

    def json(self, name):
        return ["--json", self.out / f"{name}.json"]

    def compare(self):
        for name, work in COMPARED:
            keyhold(
                "bench", "compare", "--model", self.model(name), "--peer-binary", self.peer, "--work", work,
                "--alternations", self.alternations, *self.json(f"compare-{name}"))

    def policy(self):
        keyhold(
            "bench", "policy", "--model", self.model("smol135m-q8_0"), "--fill", "--sequences", 8, "--depth", 8192,
            "--budgets", "100,50,25,12.5", "--steps", 32, *self.json("policy"))

    def growth(self):
        model = self.model("smol135m-q8_0")
        depths = "1024,2048,4096,8192,16384,32768"
        keyhold("bench", "decode", "--model", model, "--fill", "--depth", depths, *self.json("growth-depth"))
        keyhold("bench", "batch", "--model", model, "--sizes", "1,2,4,8,16,32,64", *self.json("growth-batch"))
        keyhold(
            "bench", "prefill", "--model", model, "--tokens", "128,256,512,1024,2048,4096,8192", "--repetitions", 3,
            *self.json("growth-prefill"))
        self.idle()
        self.idle_sessions()

    def idle(self):
        """Completions of one client while others are connected and silent."""
        rows = []
        # Each connection takes a file here and one in the server, which inherits the limit.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        with Server(self.model("story15m-q8_0"), "--max-connections", 11000,
                    "--max-connections-per-address", 11000) as server:
            idle = []
            for count in IDLE_COUNTS:
                while len(idle) < count:
                    connection = http.client.HTTPConnection("127.0.0.1", server.port)
                    connection.request("GET", "/health")
                    connection.getresponse().read()
                    idle.append(connection)
                seconds = sorted(server.completion_seconds() for _ in range(200))
                rows.append({"idle_connections": count, "median_seconds": seconds[100], "p99_seconds": seconds[198]})
                print(f"{count} idle connections: {1e3 * seconds[100]:.2f} ms", flush=True)
            for connection in idle:
                connection.close()
        self.write("growth-idle", "growth", rows)

    def idle_sessions(self):
        """Completions of one client while sessions, each with a cache, wait for their next turn."""
        rows = []
        options = ["--sessions-max", 11000, "--kv-pool-bytes", "8GiB"]
        with Server(self.model("story15m-q8_0"), *options) as server:
            for count in IDLE_COUNTS:
                for number in range(len(rows) and rows[-1]["idle_sessions"], count):
                    server.post("/v1/sessions", {"id": f"idle-{number}"})
                    server.complete([5, 6, 7, 8], 1, session_id=f"idle-{number}")
                seconds = sorted(server.completion_seconds() for _ in range(200))
                rows.append({"idle_sessions": count, "median_seconds": seconds[100], "p99_seconds": seconds[198]})
                print(f"{count} idle sessions: {1e3 * seconds[100]:.2f} ms", flush=True)
        self.write("growth-sessions", "growth", rows)

    def paper(self):
        """The same pool for whole caches and for half of the prompt, in turns: 2048 tokens in, 2048 out."""
        for model, pool, requests in PAPER_POOLS:
            turns = []
            with Server(self.model(model), "--kv-pool-bytes", pool) as server:
                for _ in range(self.alternations):
                    rates = {}
                    for name, cache in PAPER_CACHES.items():
                        file = self.out / "paper.json"
                        keyhold(
                            "bench", "load", "--url", server.url, "--concurrency", requests[name], "--requests",
                            requests[name], "--prompt-tokens", 2048, "--new-tokens", 2048, "--kv-cache",
                            json.dumps(cache), "--json", file)
                        rows = {row["name"]: row for row in json.loads(file.read_text())["results"]}
                        file.unlink()
                        if rows["failures"]["median"] or rows["sequences running"]["median"] != requests[name]:
                            raise SystemExit(f"{model}, {pool}, {name}: not all ran at once: {rows}")
                        rates[name] = rows["new tokens"]["median"]
                    turns.append(rates | {"gain": rates["keyformer"] / rates["full"]})
                    print(f"{model} in {pool}: {turns[-1]}", flush=True)
            self.write(
                f"paper-{model}-{pool}", "paper", turns, model=model, pool=pool, prompt_tokens=2048, new_tokens=2048,
                kv_cache=PAPER_CACHES, at_once=requests, unit="tokens/s",
                median_gain=statistics.median(turn["gain"] for turn in turns))

    def memory(self):
        """Resident memory beyond the model file with one session of 4096 tokens."""
        rows = []
        for name in ["llama1b-q4_0", "smol135m-q8_0"]:
            model = self.model(name)
            with Server(model) as server:
                loaded = server.resident_bytes()
                usage, resident = server.watched_completion([1 + i % 255 for i in range(4080)], 16)
                rows.append({
                    "model": name, "file_bytes": model.stat().st_size, "resident_bytes_loaded": loaded,
                    "resident_bytes": resident, "kv_bytes": usage["kv_cache"]["peak_bytes"]})
                row = rows[-1]
                beyond = row["resident_bytes"] - row["file_bytes"]
                row["beyond_file"] = beyond
                row["allowed"] = int(1.15 * row["kv_bytes"]) + (64 << 20)
                print(f"{name}: {beyond >> 20} MiB beyond the file, {row['allowed'] >> 20} MiB allowed", flush=True)
        self.write("memory", "memory", rows)

    def write(self, name, part, results, **facts):
        """A report of this script's own, with what those of `keyhold bench` have beside their results."""
        processor = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        version = subprocess.run([KEYHOLD, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        report = {
            "product": version, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "command": ["measure.py", part],
            "machine": {"processor": processor and processor[1], "cores": len(os.sched_getaffinity(0))},
        } | facts | {"results": results}
        (self.out / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n")


class Server:
    """`keyhold serve` on a free port, ended with the block. It reads every prompt, also one that it has read before."""

    def __init__(self, model, *options):
        command = [
            KEYHOLD, "serve", "--model", model, "--port", "0", "--log-level", "error", "--prefix-sharing", "false",
            *map(str, options)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in self.process.stdout:
            if found := re.search(r"listening on (http://127\.0\.0\.1:(\d+))", line):
                self.url, self.port = found[1], int(found[2])
                break
        else:
            raise SystemExit(f"the server ended with status {self.process.wait()}")
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            connection.request("GET", "/ready")
            if connection.getresponse().status == 200:
                break
            time.sleep(0.05)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def complete(self, prompt, tokens, **fields):
        body = {"prompt": prompt, "max_tokens": tokens, "ignore_eos": True, "temperature": 0} | fields
        return self.post("/v1/completions", body)

    def post(self, path, body):
        self.connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status not in (200, 201):
            raise SystemExit(f"the server answered {response.status}: {answer}")
        return answer

    def completion_seconds(self):
        start = time.perf_counter()
        self.complete([5, 6, 7, 8], 1)
        return time.perf_counter() - start

    def watched_completion(self, prompt, tokens):
        """The usage of a completion, and the most memory that was resident meanwhile."""
        most, ended = 0, threading.Event()

        def watch():
            nonlocal most
            while not ended.wait(0.01):
                most = max(most, self.resident_bytes())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            usage = self.complete(prompt, tokens)["usage"]
        finally:
            ended.set()
            watcher.join()
        return usage, most

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / ".build" / "benchmarks")
    parser.add_argument("--alternations", type=int, default=5)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    options.out = options.out.resolve()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"no part {part}; allowed are {', '.join(PARTS)}")
    parts = options.parts or PARTS
    if "compare" in parts and options.peer is None:
        parser.error("compare needs --peer FOLDER")
    os.chdir(ROOT)
    bench = Bench(options)
    for part in parts:
        getattr(bench, part)()


main()
