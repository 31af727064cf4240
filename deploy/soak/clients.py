"""Clients that misbehave, and what they make of the answers."""

import collections
import http.client
import json
import socket
import threading
import time

# Sent with every request that is not nonsense.
KEY = ""
PROMPT = "It was a bright cold day in April, and the clocks were striking thirteen. "


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def head_of(body, path="/v1/completions", extra=b""):
    return (b"POST " + path.encode() + b" HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\n"
            + b"Authorization: Bearer " + KEY.encode()
            + b"\r\nContent-Length: %d\r\n" % len(body) + extra + b"\r\n" + body)


def generation(rng, **more):
    """A request of random size with a random budget."""
    body = {
        "prompt": PROMPT * rng.randint(1, 12), "max_tokens": rng.randint(1, 200), "ignore_eos": True,
        "temperature": rng.choice([0, 0.8]), "n": rng.choice([1, 1, 1, 2]),
    }
    if rng.random() < 0.8:
        cache = {"policy": rng.choice(["keyformer", "h2o", "window", "full", "tova"])}
        if cache["policy"] != "full":
            cache |= rng.choice([{"budget_ratio": rng.uniform(0.1, 1)}, {"budget_tokens": rng.randint(16, 400)}])
        body["kv_cache"] = cache
    return body | more


def refusal_fault(status, headers, body, allowed=(400, 429, 503)):
    """Why a refusal is not well-formed, or None."""
    if status not in allowed:
        return f"status {status}"
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return f"{status} without an error object: {body[:100]!r}"
    if not all(key in error for key in ("message", "type", "param", "code")) or not error["message"]:
        return f"{status} with the error {error}"
    if status in (409, 429, 503) and not 1 <= int(headers.get("Retry-After", 0)) <= 120:
        return f"{status} with Retry-After {headers.get('Retry-After')}"
    return None


class Tally:
    """Runs clients of one kind until a time and counts what they saw."""

    def __init__(self, kind):
        self.kind = kind
        self.name = kind.__name__
        self.count = 0
        self.seen = collections.Counter()
        self.faults = []
        self.lock = threading.Lock()

    def start(self, port, until, rng):
        def loop(own):
            client = self.kind(port, own)
            while time.monotonic() < until:
                try:
                    seen, fault = client.act()
                except (OSError, http.client.HTTPException) as error:
                    seen, fault = type(error).__name__, f"{type(error).__name__}: {error}"
                with self.lock:
                    self.count += 1
                    self.seen[seen] += 1
                    if fault and len(self.faults) < 20:
                        self.faults.append(f"{seen}: {fault}")
                time.sleep(own.uniform(0, 2 * self.kind.pause))

        threads = []
        for _ in range(self.kind.clients):
            thread = threading.Thread(target=loop, args=(type(rng)(rng.random()),), daemon=True)
            thread.start()
            threads.append(thread)
        return threads

    def report(self):
        return {"count": self.count, "seen": dict(self.seen), "faults": self.faults}


class Disconnecting:
    """Leaves at a random moment: before the answer, in the middle of a stream, in the middle of its own body."""

    clients, pause = 4, 0.05

    def __init__(self, port, rng):
        self.port, self.rng = port, rng

    def act(self):
        body = json.dumps(generation(self.rng, stream=self.rng.random() < 0.7)).encode()
        data = head_of(body)
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        try:
            if self.rng.random() < 0.2:
                connection.sendall(data[:self.rng.randint(1, len(data) - 1)])
                return "left within the request", None
            connection.sendall(data)
            if self.rng.random() < 0.4:
                time.sleep(self.rng.uniform(0, 0.2))
                return "left before the answer", None
            connection.recv(self.rng.randint(1, 2000))
            return "left within the answer", None
        except TimeoutError:
            return "left the queue", None
        finally:
            connection.close()


class SlowReader:
    """Takes a long stream a few bytes at a time; it may be cut off, but what it got must be whole events."""

    clients, pause = 3, 0.5

    def __init__(self, port, rng):
        self.port, self.rng = port, rng

    def act(self):
        body = json.dumps(generation(self.rng, stream=True, max_tokens=1500, n=1, prompt=PROMPT)).encode()
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(60)
        try:
            connection.connect(("127.0.0.1", self.port))
            connection.sendall(head_of(body, extra=b"Connection: close\r\n"))
            first = connection.recv(400)
            if not first.startswith(b"HTTP/1.1 200"):
                head, _, rest = first.partition(b"\r\n\r\n")
                status = int(first.split()[1])
                while data := connection.recv(4096):
                    rest += data
                headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
                headers = {key.title(): value for key, value in headers.items()}
                return f"refused with {status}", refusal_fault(status, headers, rest)
            end = time.monotonic() + self.rng.uniform(1, 12)
            while time.monotonic() < end:
                if not connection.recv(self.rng.randint(1, 300)):
                    return "read to the end", None
                time.sleep(self.rng.uniform(0, 0.3))
            return "left", None
        except (ConnectionResetError, BrokenPipeError):
            return "cut off", None
        finally:
            connection.close()


class Nonsense:
    """Requests that must be refused, each with a whole error and the connection left in order."""

    clients, pause = 3, 0.05

    BODIES = [
        b"", b"{", b"[]", b"null", b'{"prompt":5}', b'{"prompt":"a","max_tokens":-1}', b"\xff\xfe", b'{"a":1,"a":2}',
        b'{"prompt":"a","temperature":9}', b'{"prompt":["a","b",3]}', b'{"prompt":"a","n":1000}',
        b'{"prompt":[999999999]}', b'{"prompt":"a","kv_cache":{"budget_ratio":0}}',
        b'{"prompt":"a","kv_cache":{"budget_ratio":0.5,"budget_tokens":5}}',
        b'{"prompt":"a","kv_cache":{"policy":"best"}}', b'{"prompt":"a","kv_cache":[]}',
        b'{"prompt":"a","kv_cache":{"no_such":1}}', b'{"prompt":"a","max_tokens":100000}',
        b'{"prompt":"\\ud800"}', b'{"prompt":"a","stop":["1","2","3","4","5"]}', b'{"messages":"a"}',
        b'{"prompt":"a","model":"no-such-model"}', b"[" * 10000, b'{"prompt":"' + b"a" * 300000 + b'"}',
    ]
    RAW = [
        b"GET /nowhere HTTP/1.1\r\nHost: t\r\n\r\n", b"GET /../etc/passwd HTTP/1.1\r\nHost: t\r\n\r\n",
        b"DELETE /v1/completions HTTP/1.1\r\nHost: t\r\n\r\n",
        b"PUT /metrics HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n",
        b"GET /v1/models/" + b"a" * 3000 + b" HTTP/1.1\r\nHost: t\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 99999999\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: t\r\nX: " + b"b" * 100000 + b"\r\n\r\n",
    ]
    # Bytes that are no HTTP: an answer or a closed connection, but nothing else.
    GARBAGE = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET\r\n\r\n", b"\r\n\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /v1/completions HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]

    def __init__(self, port, rng):
        self.port, self.rng = port, rng

    def act(self):
        kind = self.rng.choice(["body", "body", "body", "raw", "garbage"])
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        try:
            if kind == "garbage":
                connection.sendall(self.rng.choice(self.GARBAGE))
                connection.shutdown(socket.SHUT_WR)
                data = connection.recv(100)
                return "garbage", None if not data or data.startswith(b"HTTP/1.") else f"{data!r}"
            if kind == "raw":
                connection.sendall(self.rng.choice(self.RAW))
            else:
                path = self.rng.choice(["/v1/completions", "/v1/chat/completions"])
                connection.sendall(head_of(self.rng.choice(self.BODIES), path))
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            allowed = (400, 401, 404, 405, 413, 415, 429, 431, 503)
            return f"{answer.status}", refusal_fault(answer.status, answer.headers, answer.read(), allowed)
        except (ConnectionResetError, BrokenPipeError):
            # A body that is refused while it is on its way may be cut off.
            return "closed", None
        finally:
            connection.close()


class Sessions:
    """Makes, continues, forks, shrinks, saves, restores and deletes sessions; some are left to their time to live."""

    clients, pause = 3, 0.1
    # What may be said to a turn while memory is short: the session may have had to go.
    REFUSALS = (400, 404, 409, 429, 503)

    def __init__(self, port, rng):
        self.port, self.rng = port, rng
        self.file = f"client-{rng.randrange(1 << 30)}"
        self.has_file = False
        self.fault = None

    def call(self, method, path, body=None, allowed=REFUSALS):
        """The decoded answer, or None for a refusal, which must be well-formed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"})
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status in (200, 201):
            return json.loads(data)
        if fault := refusal_fault(answer.status, answer.headers, data, allowed):
            self.fault = self.fault or f"{method} {path}: {fault}"
        return None

    def turn(self, session, messages, number):
        messages.append({"role": "user", "content": f"Turn {number}. {PROMPT}"})
        answer = self.call("POST", "/v1/chat/completions", {
            "messages": messages, "max_completion_tokens": 20, "temperature": 0, "session_id": session,
            "session_mode": "rebase"})
        if answer is None:
            return False
        usage = answer["usage"]
        if usage["prompt_tokens_details"]["cached_tokens"] > usage["prompt_tokens"]:
            self.fault = self.fault or f"more tokens were cached than sent: {usage}"
        messages.append(answer["choices"][0]["message"])
        return True

    def act(self):
        self.fault = None
        cache = self.rng.choice([{}, {"policy": "full"}, {"budget_tokens": self.rng.randint(64, 256)}])
        made = self.call("POST", "/v1/sessions", {"kv_cache": cache, "ttl": self.rng.choice([5, 60])})
        if made is None:
            return "refused", self.fault
        sessions = [made["id"]]
        messages = []
        for number in range(self.rng.randint(1, 4)):
            if not self.turn(sessions[0], messages, number):
                break
            if self.rng.random() < 0.3:
                if fork := self.call("POST", f"/v1/sessions/{sessions[0]}/fork", {}):
                    sessions.append(fork["id"])
                    self.turn(fork["id"], list(messages), number + 1)
            if self.rng.random() < 0.3:
                self.call("PATCH", f"/v1/sessions/{sessions[0]}", {"kv_cache": {"budget_tokens": 48}})
            if self.rng.random() < 0.3:
                body = {"filename": self.file}
                if self.call("POST", f"/v1/sessions/{sessions[0]}/save", body):
                    self.has_file = True
            if self.has_file and self.rng.random() < 0.3:
                restored = f"{self.file}-{self.rng.randrange(1 << 30)}"
                if self.call("POST", f"/v1/sessions/{restored}/restore", {"filename": self.file}):
                    sessions.append(restored)
                    self.turn(restored, list(messages), number + 1)
        for one in sessions:
            if self.rng.random() < 0.8:
                self.call("DELETE", f"/v1/sessions/{one}")
        return f"{len(sessions)} sessions", self.fault
