#!/usr/bin/env python3
"""Takes from a running server what it needs, and gives it back: faults.py KEYHOLD

A full disk and a read-only folder under saved sessions, no descriptor left, a calendar that jumps a day. Every time the
error must say what is wrong, everything else must go on, and afterwards all must work again. Mounting needs root; what
cannot be tried here is left out with a message.
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DAY = 86400
HERE = Path(__file__).parent


class Skipped(Exception):
    """This machine cannot try it."""


def run(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Skipped(f"{command[0]}: {error}") from None
    if done.returncode != 0:
        raise Skipped(f"{' '.join(command)}: {done.stderr.strip()}")


class Server:
    """One process; `call` is one exchange on a connection of its own."""

    def __init__(self, binary, *arguments, **environment):
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [binary, "serve", "--port", "0", "--threads", "1", "--log-format", "json", *arguments],
            stdout=subprocess.PIPE, stderr=self.log, text=True, env=os.environ | environment)
        for line in self.process.stdout:
            if match := re.match(r"listening on .*:(\d+)$", line.strip()):
                self.port = int(match.group(1))
                return
        raise SystemExit(f"the server did not start: {self.lines()}")

    def call(self, method, path, body=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, json.loads(data) if data.startswith(b"{") else data
        finally:
            connection.close()

    def expect(self, status, method, path, body=None):
        got, answer = self.call(method, path, body)
        assert got == status, f"{method} {path}: {got} {answer}"
        return answer

    def complete(self, **more):
        return self.expect(200, "POST", "/v1/completions", {"prompt": "Once", "max_tokens": 4, **more})

    def processor_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def lines(self):
        self.log.seek(0)
        return self.log.read().splitlines()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(60) == 0, f"exit status {self.process.returncode}: {self.lines()[-3:]}"
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            return self.stop()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class SmallDisk:
    """A file system of its own in memory."""

    def __init__(self, size):
        self.size = size

    def __enter__(self):
        self.folder = tempfile.mkdtemp()
        try:
            run("mount", "-t", "tmpfs", "-o", f"size={self.size},mode=700", "keyhold-faults", self.folder)
        except Skipped:
            os.rmdir(self.folder)
            raise
        return self.folder

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.folder], check=True)
        os.rmdir(self.folder)


def failed_save(server, name, reason):
    """A save that must be refused for `reason`."""
    status, answer = server.call("POST", "/v1/sessions/a/save", {"filename": name})
    message = answer["error"]["message"]
    assert status >= 500 and reason in message and name in message, f"{status} {answer}"
    return f"{status} {message}"


def check_restores(server, name, tokens):
    answer = server.expect(201, "POST", "/v1/sessions/restored/restore", {"filename": name})
    assert answer["tokens_seen"] == tokens, answer
    server.complete(session_id="restored", prompt="Once upon a time there was a river. ", session_mode="rebase")
    server.expect(200, "DELETE", "/v1/sessions/restored")


def begin_session(server):
    server.expect(201, "POST", "/v1/sessions", {"id": "a", "kv_cache": {"policy": "full"}})
    server.complete(session_id="a", prompt="Once upon a time there was a river and a boat on it. " * 8)
    return server.expect(200, "GET", "/v1/sessions/a")["tokens_seen"]


def full_disk(binary):
    """Saving until nothing fits, and again after something was removed."""
    with SmallDisk("1m") as folder, Server(binary, "--session-save-path", folder) as server:
        tokens = begin_session(server)
        size = server.expect(200, "POST", "/v1/sessions/a/save", {"filename": "first"})["bytes"]
        (Path(folder) / "ballast").write_bytes(bytes((1 << 20) - size - (64 << 10)))
        seen = failed_save(server, "second", "No space left")
        # What was there stays whole, also under the name that could not be written again.
        failed_save(server, "first", "No space left")
        assert sorted(os.listdir(folder)) == ["ballast", "first"], os.listdir(folder)
        check_restores(server, "first", tokens)
        server.complete()
        os.remove(Path(folder) / "ballast")
        server.expect(200, "POST", "/v1/sessions/a/save", {"filename": "second"})
        check_restores(server, "second", tokens)
    return seen


def read_only_folder(binary):
    """The folder's file system is mounted read-only while the server runs, and back."""
    with SmallDisk("4m") as folder, Server(binary, "--session-save-path", folder) as server:
        tokens = begin_session(server)
        server.expect(200, "POST", "/v1/sessions/a/save", {"filename": "first"})
        run("mount", "-o", "remount,ro", folder)
        seen = failed_save(server, "second", "Read-only file system")
        check_restores(server, "first", tokens)
        server.complete()
        run("mount", "-o", "remount,rw", folder)
        server.expect(200, "POST", "/v1/sessions/a/save", {"filename": "second"})
    return seen


def read_only_start(binary):
    """A server whose folder is read-only starts: it can restore."""
    with SmallDisk("4m") as folder:
        with Server(binary, "--session-save-path", folder) as server:
            tokens = begin_session(server)
            server.expect(200, "POST", "/v1/sessions/a/save", {"filename": "first"})
        run("mount", "-o", "remount,ro", folder)
        with Server(binary, "--session-save-path", folder) as server:
            check_restores(server, "first", tokens)
            begin_session(server)
            return failed_save(server, "second", "Read-only file system")


def no_descriptor(binary):
    """Idle connections take every descriptor that the process may have, then leave."""
    with tempfile.TemporaryDirectory() as folder, Server(binary, "--session-save-path", folder) as server:
        begin_session(server)
        old = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        old.request("GET", "/health")
        assert old.getresponse().read()
        limit = len(os.listdir(f"/proc/{server.process.pid}/fd")) + 16
        run("prlimit", "--pid", str(server.process.pid), f"--nofile={limit}:{limit}")
        idle = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(60)]
        time.sleep(0.5)
        taken = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        assert taken == limit, f"{taken} descriptors of {limit}"
        # Who was here before goes on, and saving says why it cannot.
        old.request("POST", "/v1/completions", json.dumps({"prompt": "Once", "max_tokens": 4}))
        answer = old.getresponse()
        assert answer.status == 200 and answer.read(), answer.status
        old.request("POST", "/v1/sessions/a/save", json.dumps({"filename": "first"}))
        answer = old.getresponse()
        error = json.loads(answer.read())["error"]["message"]
        assert answer.status >= 500 and "Too many open files" in error, f"{answer.status} {error}"
        # Waiting for descriptors takes no processor time.
        before, start = server.processor_seconds(), time.monotonic()
        time.sleep(2)
        share = (server.processor_seconds() - before) / (time.monotonic() - start)
        assert share < 0.1, f"{share:.0%} of a processor is used with no descriptor left"
        # Newcomers get the places of idle connections, though none was given back.
        start = time.monotonic()
        server.complete()
        waited = time.monotonic() - start
        for connection in idle:
            connection.close()
        time.sleep(0.5)
        start = time.monotonic()
        server.complete()
        assert time.monotonic() - start < 2, "no place after the idle connections had left"
        server.expect(200, "POST", "/v1/sessions/a/save", {"filename": "first"})
        return f"{error} {share:.1%} of a processor; a newcomer waited {waited:.1f} s"


def jumping_clock(binary):
    """The calendar jumps a day, forth and back, within a stream and within a session's life."""
    with tempfile.TemporaryDirectory() as name:
        shim, shift = Path(name) / "clock.so", Path(name) / "shift"
        run("clang", "-shared", "-fPIC", "-O1", "-o", str(shim), str(HERE / "shifted_clock.c"))
        shift.write_text("0")
        environment = {"LD_PRELOAD": str(shim), "KEYHOLD_CLOCK_SHIFT": str(shift)}
        arguments = ["--idle-timeout", "20s", "--request-timeout", "20s", "--queue-timeout", "20s"]
        with Server(binary, *arguments, **environment) as server:
            server.expect(201, "POST", "/v1/sessions", {"id": "long", "ttl": 60})
            idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            idle.request("GET", "/health")
            idle.getresponse().read()
            seen = []
            for jump in (DAY, -DAY, 0):
                server.expect(201, "POST", "/v1/sessions", {"id": "short", "ttl": 2})
                stream = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
                body = {"prompt": "Once", "max_tokens": 200, "ignore_eos": True, "stream": True}
                stream.request("POST", "/v1/completions", json.dumps(body))
                answer = stream.getresponse()
                lines = [answer.readline()]
                shift.write_text(str(jump))
                lines += answer.read().splitlines()
                assert b"data: [DONE]" in lines, f"the stream ended with {lines[-3:]}"
                # A connection from before the jump is still open, no timeout of a day has passed.
                idle.request("GET", "/health")
                assert idle.getresponse().read()
                card = server.complete(max_tokens=1)
                drift = card["created"] - time.time() - jump
                assert abs(drift) < 5, f"created is {drift} s off the calendar"
                session = server.expect(200, "GET", "/v1/sessions/short")
                left = session["expires_at"] - time.time() - jump
                assert -1 <= left <= 4, f"a session of 2 s expires in {left} s"
                time.sleep(3)
                server.expect(404, "GET", "/v1/sessions/short")
                server.expect(200, "GET", "/v1/sessions/long")
                seen.append(f"{jump:+d} s: {len(lines)} lines of a stream")
            metrics = server.call("GET", "/metrics")[1].decode()
            assert not re.search(r"_(sum|total)[^ ]* -", metrics), "a time or a counter is negative"
            for line in server.lines():
                times = [value for key, value in json.loads(line).items() if key.endswith("_ms")]
                assert all(0 <= value < 60_000 for value in times), line
        return "; ".join(seen)


def main():
    binary = str(Path(sys.argv[1]).resolve())
    for check in (full_disk, read_only_folder, read_only_start, no_descriptor, jumping_clock):
        name = check.__name__.replace("_", " ")
        try:
            print(f"{name}: {check(binary)}", flush=True)
        except Skipped as reason:
            print(f"{name}: LEFT OUT, {reason}", flush=True)


main()
