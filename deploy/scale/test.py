#!/usr/bin/env python3
"""Three replicas of keyhold in network namespaces behind a router.

    deploy/scale/test.py KEYHOLD_BINARY [--router haproxy|vllm-router] [--model FILE]

Checks that the turns of a session stay on one replica, that losing a replica moves only its own sessions, that saved
ones are restored on others and go on with the same bits, that a replica which drains loses no request, and that events
of a stream are not held back. Needs root, iproute2 and the router; says so and ends with 77 where something is missing.
Ends with 1 at the first check that fails.
"""

import argparse
import concurrent.futures
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BRIDGE = "khbr0"
NETWORK = "10.77.0"
REPLICAS = 3
ROUTER_PORT = 18000


def say(text):
    print(f"scale: {text}", file=sys.stderr, flush=True)


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Failed(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failed(text)
    say(f"ok: {text}")


class Network:
    """A bridge with one namespace for each replica: as many machines as far as TCP can see."""

    def __enter__(self):
        self.__exit__()
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for index in range(1, REPLICAS + 1):
            space, outer, inner = f"kh{index}", f"khv{index}", f"khn{index}"
            run("ip", "netns", "add", space)
            run("ip", "link", "add", outer, "type", "veth", "peer", "name", inner)
            run("ip", "link", "set", inner, "netns", space)
            run("ip", "link", "set", outer, "master", BRIDGE, "up")
            run("ip", "-n", space, "addr", "add", f"{NETWORK}.{10 + index}/24", "dev", inner)
            run("ip", "-n", space, "link", "set", inner, "up")
            run("ip", "-n", space, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for index in range(1, REPLICAS + 1):
            subprocess.run(["ip", "netns", "del", f"kh{index}"], **quiet)
            subprocess.run(["ip", "link", "del", f"khv{index}"], **quiet)
        subprocess.run(["ip", "link", "del", BRIDGE], **quiet)


class Replica:
    """One server in its namespace. Its model name says which one answered."""

    def __init__(self, index, binary, arguments, folder):
        self.index = index
        self.name = f"replica{index}"
        self.address = f"{NETWORK}.{10 + index}"
        self.log = open(folder / f"{self.name}.log", "a")
        self.command = [
            "ip", "netns", "exec", f"kh{index}", binary, "serve", "--host", self.address, "--port", "8080",
            "--model-name", self.name, "--threads", "1", "--log-format", "json", *arguments,
        ]
        self.process = None

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        wait_until(lambda: status(self.address, 8080, "/ready") == 200, f"{self.name} serves", 120)

    def end(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)


def wait_until(condition, text, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {text}")
        time.sleep(0.05)


def status(host, port, path):
    try:
        connection = http.client.HTTPConnection(host, port, timeout=2)
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None


def completion(session=None, in_body=False, tokens=4, host="127.0.0.1", port=ROUTER_PORT):
    """The status of an answer and the replica that gave it. A session that is not there is made."""
    answer = completed(session, in_body, tokens, host, port)
    if session and answer[0] == 404:
        code, refusal = call("POST", "/v1/sessions", {"id": session}, None if in_body else session, host, port)
        if code not in (200, 201):
            return code, refusal
        answer = completed(session, in_body, tokens, host, port)
    return answer


def completed(session, in_body, tokens, host, port):
    body = {"prompt": "Once upon a time", "max_tokens": tokens, "temperature": 0, "ignore_eos": True}
    if session:
        body["session_mode"] = "rebase"
    headers = {"Content-Type": "application/json"}
    if session and in_body:
        body["session_id"] = session
    elif session:
        headers["X-Session-ID"] = session
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request("POST", "/v1/completions", json.dumps(body), headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data).get("model") if answer.status == 200 else data


def places(sessions, turns=1, in_body=False):
    """The replica of each session, and how many requests failed."""
    found, failures = {}, 0
    for _ in range(turns):
        for session in sessions:
            code, replica = completion(session, in_body)
            if code != 200:
                failures += 1
                say(f"{session}: {code} {replica}")
                continue
            found.setdefault(session, set()).add(replica)
    return found, failures


def event_times(host, port, session):
    """When each event of a stream came, in seconds."""
    body = json.dumps({"prompt": "Once upon a time", "max_tokens": 30, "stream": True}).encode()
    connection = socket.create_connection((host, port), timeout=60)
    connection.sendall(
        b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nConnection: close\r\n"
        + b"X-Session-ID: " + session.encode() + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    times, pending = [], b""
    while data := connection.recv(65536):
        now = time.monotonic()
        pending += data
        count = pending.count(b"data: ")
        if count:
            pending = pending[pending.rindex(b"data: ") + 6:]
            times += [now] * count
    connection.close()
    return times


def together(times):
    """The share of events that came with the one before, and the longest gap in ms."""
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    return sum(gap < 0.01 for gap in gaps) / max(1, len(gaps)), max(gaps, default=0) * 1000


def check_affinity(router):
    sessions = [f"session-{index}" for index in range(24)]
    found, failures = places(sessions, turns=4)
    check(failures == 0, "96 requests of 24 sessions are answered")
    check(all(len(replicas) == 1 for replicas in found.values()), "the turns of a session stay on one replica")
    used = {next(iter(replicas)) for replicas in found.values()}
    check(len(used) == REPLICAS, f"sessions are spread over all replicas: {sorted(used)}")
    if router.reads_bodies:
        again, failures = places(sessions, in_body=True)
        check(failures == 0 and again == found, "session_id in the body leads to the same replica as the header")
    return {session: next(iter(replicas)) for session, replicas in found.items()}


def check_stream(replicas, before, router):
    """A source of slow events takes the place of a replica: one event every 50 ms must stay one event every 50 ms."""
    place = replicas[0]
    session = next(session for session, replica in before.items() if replica == place.name)
    place.end(signal.SIGTERM)
    source = subprocess.Popen(
        ["ip", "netns", "exec", f"kh{place.index}", sys.executable, str(HERE / "slow_events.py"), place.address,
         "8080"])
    try:
        wait_until(lambda: status(place.address, 8080, "/ready") == 200, "the source of events serves", 30)
        time.sleep(3)
        direct = event_times(place.address, 8080, session)
        routed = event_times("127.0.0.1", ROUTER_PORT, session)
        (expected, direct_gap), (share, gap) = together(direct), together(routed)
        say(f"events together: {expected:.0%} direct, {share:.0%} routed; "
            f"longest gaps {direct_gap:.0f} and {gap:.0f} ms")
        check(len(direct) == len(routed) == 30, "all events of a stream arrive")
        check(share <= expected + 0.15 and gap < direct_gap + 100, "events of a stream are not held back")
        if held_back := router.without_care():
            with held_back:
                share, gap = together(event_times("127.0.0.1", ROUTER_PORT, session))
            check(share > expected + 0.15, f"this check sees the option that matters: {share:.0%} together without it")
    finally:
        source.kill()
        source.wait()
    place.start()
    wait_for_places(before)


def wait_for_places(before):
    """Until the router sends the sessions where they were: a session made before that is looked for elsewhere later."""
    wait_until(lambda: places(list(before))[0] == {session: {replica} for session, replica in before.items()},
               "the router uses all replicas again", 60)


def check_loss(replicas, before, router):
    lost = replicas[1]
    lost.end(signal.SIGKILL)
    # A router that does not try elsewhere has failed requests until it has noticed.
    time.sleep(router.detection_seconds)
    found, failures = places(list(before))
    when = f"{router.detection_seconds} s" if router.detection_seconds else "right"
    check(failures == 0, f"requests are answered {when} after {lost.name} is lost")
    moved = {session for session in before if found[session] != {before[session]}}
    own = {session for session, replica in before.items() if replica == lost.name}
    check(moved == own, f"only its {len(own)} sessions have moved")
    lost.start()
    wait_for_places(before)
    say("ok: its sessions return to it")


def call(method, path, body=None, session=None, host="127.0.0.1", port=ROUTER_PORT):
    connection = http.client.HTTPConnection(host, port, timeout=60)
    headers = {"Content-Type": "application/json"} | ({"X-Session-ID": session} if session else {})
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, json.loads(data) if data else {}


def turn(session, prompt):
    body = {
        "prompt": prompt, "max_tokens": 12, "temperature": 0, "ignore_eos": True, "logprobs": 1, "session_id": session}
    return call("POST", "/v1/completions", body, session)


def check_restore(replicas):
    """Saved sessions of a lost replica go on elsewhere, with the tokens and log probabilities they would have had."""
    expected, owners = {}, {}
    for index in range(9):
        session = f"kept-{index}"
        body = {"id": session, "kv_cache": {"policy": "keyformer", "budget_tokens": 24}}
        code, answer = call("POST", "/v1/sessions", body, session)
        if code not in (200, 201):
            raise Failed(f"a session cannot be made: {code} {answer}")
        prompt = f"Number {index}. Once upon a time there was a king who had a daughter, and"
        first = turn(session, prompt)[1]
        prompt += first["choices"][0]["text"] + " Then"
        code, answer = call("POST", f"/v1/sessions/{session}/save", {"filename": session}, session)
        if code != 200:
            raise Failed(f"a session cannot be saved: {code} {answer}")
        expected[session] = prompt, turn(session, prompt)[1]["choices"][0]
        owners[session] = first["model"]
    lost = replicas[1]
    lost.end(signal.SIGKILL)
    time.sleep(3)
    orphans = [session for session, owner in owners.items() if owner == lost.name]
    check(orphans, f"{lost.name} had {len(orphans)} of {len(owners)} saved sessions")
    for session, owner in owners.items():
        code, answer = call("GET", f"/v1/sessions/{session}", session=session)
        if code != (404 if owner == lost.name else 200):
            raise Failed(f"{session} of {owner}: {code} {answer}")
    say("ok: only its sessions are gone")
    for session in orphans:
        prompt, choice = expected[session]
        code, answer = call("POST", f"/v1/sessions/{session}/restore", {"filename": session}, session)
        if code not in (200, 201):
            raise Failed(f"{session} cannot be restored: {code} {answer}")
        code, answer = turn(session, prompt)
        if code != 200 or answer["choices"][0] != choice:
            raise Failed(f"{session} goes on with {code} {answer} instead of {choice}")
        if answer["model"] == lost.name:
            raise Failed(f"{session} is still on {lost.name}")
    say("ok: they are restored on other replicas and go on with the same tokens and log probabilities")
    for session in owners:
        call("DELETE", f"/v1/sessions/{session}", session=session)
    lost.start()


def check_drain(replicas, before):
    """Requests of many sessions come all the time; one replica gets SIGTERM in between."""
    leaving = replicas[2]
    stop, outcomes = threading.Event(), []

    def client(index):
        turn = 0
        while not stop.is_set():
            turn += 1
            try:
                outcomes.append(completion(f"drain-{index}-{turn % 5}", tokens=60)[0])
            except (OSError, http.client.HTTPException) as error:
                outcomes.append(repr(error))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        clients = [pool.submit(client, index) for index in range(8)]
        time.sleep(1.5)
        answered = len(outcomes)
        leaving.end(signal.SIGTERM)
        during = len(outcomes)
        time.sleep(1.5)
        stop.set()
        for one in clients:
            one.result()
    check(leaving.process.returncode == 0, f"{leaving.name} has drained and ended with 0")
    failures = [outcome for outcome in outcomes if outcome != 200]
    check(answered > 0 and not failures,
          f"none of {len(outcomes)} requests is lost while it drains ({during - answered} meanwhile): {failures[:3]}")
    leaving.start()
    wait_for_places(before)


class HAProxy:
    reads_bodies = True
    detection_seconds = 0

    def __init__(self, replicas, folder):
        self.environment = dict(os.environ)
        for replica in replicas:
            self.environment[f"KEYHOLD_REPLICA_{replica.index}"] = f"{replica.address}:8080"
        self.environment["KEYHOLD_LISTEN"] = f"127.0.0.1:{ROUTER_PORT}"
        self.environment["KEYHOLD_ADMIN_SOCKET"] = str(folder / "admin.sock")
        self.environment["KEYHOLD_PROXY_METRICS"] = f"127.0.0.1:{ROUTER_PORT + 1}"
        self.file = folder / "haproxy.cfg"
        self.file.write_text((HERE / "haproxy.cfg").read_text())
        self.log = open(folder / "haproxy.log", "w")

    @contextlib.contextmanager
    def without_care(self):
        """The same without the option that keeps events apart."""
        self.__exit__()
        text = self.file.read_text()
        self.file.write_text(text.replace("    option http-no-delay\n", ""))
        try:
            with self:
                yield
        finally:
            self.file.write_text(text)
            self.__enter__()

    @staticmethod
    def missing():
        return None if shutil.which("haproxy") else "haproxy (Debian package haproxy)"

    def __enter__(self):
        command = ["haproxy", "-db", "-q", "-f", str(self.file)]
        subprocess.run([*command, "-c"], check=True, env=self.environment, stdout=self.log)
        self.process = subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log)
        wait_until(lambda: status("127.0.0.1", ROUTER_PORT, "/ready") == 200, "the router routes", 30)
        # All replicas have passed their checks.
        time.sleep(1.5)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


class VLLMRouter:
    # It takes the key from the header alone.
    reads_bodies = False
    detection_seconds = 4

    def __init__(self, replicas, folder):
        self.urls = [f"http://{replica.address}:8080" for replica in replicas]
        self.log = open(folder / "vllm-router.log", "w")

    def without_care(self):
        return None

    @staticmethod
    def missing():
        return None

    def __enter__(self):
        self.process = subprocess.Popen(
            [str(HERE / "vllm-router"), "--port", str(ROUTER_PORT), *self.urls], stdout=self.log, stderr=self.log)
        wait_until(lambda: status("127.0.0.1", ROUTER_PORT, "/health") == 200, "the router routes", 300)
        time.sleep(2)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)


def missing_parts(router):
    if os.geteuid() != 0:
        return "root"
    if not shutil.which("ip"):
        return "ip (Debian package iproute2)"
    return router.missing()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", type=Path)
    parser.add_argument("--router", choices=["haproxy", "vllm-router"], default="haproxy")
    parser.add_argument("--model")
    options = parser.parse_args()
    kind = {"haproxy": HAProxy, "vllm-router": VLLMRouter}[options.router]
    if missing := missing_parts(kind):
        say(f"LEFT OUT: this test needs {missing}")
        return 77
    arguments = ["--model", options.model] if options.model else []
    with tempfile.TemporaryDirectory() as name, Network():
        folder = Path(name)
        binary = str(options.binary.resolve())
        keeps_sessions = "--session-save-path" in subprocess.check_output([binary, "serve", "--help"], text=True)
        if keeps_sessions:
            (folder / "saved").mkdir()
            arguments += ["--session-save-path", str(folder / "saved")]
        replicas = [Replica(index, binary, arguments, folder) for index in range(1, REPLICAS + 1)]
        try:
            for replica in replicas:
                replica.start()
            with kind(replicas, folder) as router:
                before = check_affinity(router)
                check_stream(replicas, before, router)
                check_loss(replicas, before, router)
                check_drain(replicas, before)
                if keeps_sessions:
                    check_restore(replicas)
                else:
                    say("LEFT OUT: this server saves no sessions")
        except (Failed, subprocess.SubprocessError) as error:
            say(f"FAILED: {error}")
            for log in sorted(folder.glob("*.log")):
                say(f"{log.name}: ...{log.read_text()[-1500:]}")
            return 1
        finally:
            for replica in replicas:
                replica.end(signal.SIGKILL)
    say(f"all checks passed with {options.router}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
