#!/usr/bin/env python3
"""Kills a server with SIGKILL while it saves sessions: what was acknowledged must restore.

    session_kill.py KEYHOLD [KILLS] [SEED]

Each round starts `KEYHOLD serve` on a folder that the rounds share, restores files that earlier rounds saved, lets
threads take turns and save under few names, and kills the process at a random moment. A file must hold at least the
tokens of the last save that was acknowledged for its name, or a later save's that was not. Restored sessions go on with
the text that an undisturbed conversation has.
"""

import http.client
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

NAMES = [f"file-{index}" for index in range(6)]
WORDS = "the code of Ann is 48213 and Ben likes to walk along the river when it rains".split()
BUDGETS = [{}, {"policy": "keyformer", "budget_tokens": 24}, {"policy": "full"}, {"policy": "h2o", "budget_ratio": 0.5}]


class Server:
    """One process; `call` is one exchange on a connection of its own."""

    def __init__(self, binary, folder):
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--threads", "1", "--log-level", "error", "--session-save-path", folder],
            stdout=subprocess.PIPE,
            text=True,
        )
        for line in self.process.stdout:
            if match := re.match(r"listening on .*:(\d+)$", line.strip()):
                self.port = int(match.group(1))
                return
        raise SystemExit("the server did not start")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


class Ledger:
    """What was acknowledged, and what may be in the files."""

    def __init__(self):
        self.lock = threading.Lock()
        # By name: (prompt, expected continuation, cache) of the last acknowledged save, and of those begun since.
        self.saved = {}
        self.begun = {name: [] for name in NAMES}

    def begin(self, name, state):
        with self.lock:
            self.begun[name].append(state)

    def acknowledge(self, name, state):
        with self.lock:
            self.saved[name] = state
            self.begun[name] = []


def turn(server, session, prompt):
    """One greedy turn: the text that follows the prompt."""
    status, answer = server.call(
        "POST",
        "/v1/completions",
        {"prompt": prompt, "max_tokens": 6, "temperature": 0, "session_id": session},
    )
    assert status == 200, answer
    return answer["choices"][0]["text"]


def work(server, worker, seed, ledger, counts):
    """Conversations that are saved after each turn, until the server is gone. A name belongs to one worker."""
    rng = random.Random(seed)
    own = NAMES[worker::2]
    try:
        for number in range(1000):
            session, cache = f"w{worker}-{number}", rng.choice(BUDGETS)
            status, answer = server.call("POST", "/v1/sessions", {"id": session, "kv_cache": cache})
            assert status == 201, answer
            prompt = ""
            for _ in range(rng.randint(1, 5)):
                prompt += " " + " ".join(rng.choices(WORDS, k=rng.randint(3, 40)))
                prompt += turn(server, session, prompt)
                if "\ufffd" in prompt:
                    break  # Bytes that are no text: the next prompt could not repeat them.
                _, report = server.call("GET", f"/v1/sessions/{session}")
                # What follows is asked of a copy, so that the saved session stays as it is.
                probe = f"{session}-probe-{rng.random()}"
                status, answer = server.call("POST", f"/v1/sessions/{session}/fork", {"id": probe})
                assert status == 201, answer
                ending = " " + rng.choice(WORDS)
                expected = turn(server, probe, prompt + ending)
                name = rng.choice(own)
                state = (report["tokens_seen"], prompt + ending, expected)
                ledger.begin(name, state)
                status, answer = server.call("POST", f"/v1/sessions/{session}/save", {"filename": name})
                assert status == 200, answer
                ledger.acknowledge(name, state)
                counts["saves"] += 1
                server.call("DELETE", f"/v1/sessions/{probe}")
            server.call("DELETE", f"/v1/sessions/{session}")
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        counts["cut"] += 1


def check(server, ledger, rng, counts):
    """Every acknowledged file restores; its session is one that was saved, and goes on as that one did."""
    for name in rng.sample(NAMES, len(NAMES)):
        status, answer = server.call("POST", f"/v1/sessions/check-{name}/restore", {"filename": name})
        candidates = ([ledger.saved[name]] if name in ledger.saved else []) + ledger.begun[name]
        if status == 404 and name not in ledger.saved:
            continue
        assert status == 201, f"{name}: {answer}"
        matching = [state for state in candidates if state[0] == answer["tokens_seen"]]
        assert matching, f"{name} holds {answer['tokens_seen']} tokens, saved were {[state[0] for state in candidates]}"
        texts = []
        for index, (_, prompt, expected) in enumerate(matching):
            fork = f"check-{name}-{index}"
            server.call("POST", f"/v1/sessions/check-{name}/fork", {"id": fork})
            status, answer = server.call(
                "POST",
                "/v1/completions",
                {"prompt": prompt, "max_tokens": 6, "temperature": 0, "session_id": fork},
            )
            texts.append(status == 200 and answer["choices"][0]["text"] == expected)
            server.call("DELETE", f"/v1/sessions/{fork}")
        assert any(texts), f"{name} goes on otherwise than what was saved"
        # What is in the file now was there: it is as good as acknowledged.
        ledger.acknowledge(name, matching[texts.index(True)])
        server.call("DELETE", f"/v1/sessions/check-{name}")
        counts["restores"] += 1


def main():
    if len(sys.argv) not in (2, 3, 4) or sys.argv[1].startswith("-"):
        raise SystemExit(__doc__)
    binary, kills = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    ledger = Ledger()
    counts = {"saves": 0, "cut": 0, "restores": 0}
    with tempfile.TemporaryDirectory() as folder:
        for round_number in range(kills + 1):
            server = Server(binary, folder)
            try:
                check(server, ledger, rng, counts)
                assert not [name for name in os.listdir(folder) if name.startswith(".")], os.listdir(folder)
                if round_number == kills:
                    break
                workers = [
                    threading.Thread(target=work, args=(server, index, rng.random(), ledger, counts))
                    for index in range(2)
                ]
                for worker in workers:
                    worker.start()
                time.sleep(rng.uniform(0.01, 0.5))
            finally:
                server.kill()
            for worker in workers:
                worker.join()
    print(f"{kills} kills: {counts['saves']} saves acknowledged, {counts['restores']} restores, all as saved")


main()
