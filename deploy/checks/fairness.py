"""How much a key with many long requests holds up another:

    fairness.py URL HEAVY_KEY LIGHT_KEY [--samples 120] [--pause SECONDS] [--json FILE]

The light key sends short requests one after the other, first alone, then while the heavy key, in another process,
keeps 50 long ones open. Prints the time to the first token of the short ones both times and how many tokens the heavy
key got. Fails where the 95th percentile under load is more than twice the idle one. Needs nothing but Python; the keys
come from `keyhold key new`.
"""

import argparse
import http.client
import json
import multiprocessing
import selectors
import socket
import sys
import time
import urllib.parse

LONG = {"prompt": "Once upon a time " * 60, "max_tokens": 1200, "ignore_eos": True, "stream": True}
SHORT = {"prompt": "Once upon a time", "max_tokens": 8, "ignore_eos": True, "stream": True}
OPEN = 50


def first_token(url, key):
    """Seconds from sending a request to the first event of its answer."""
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=600)
    connection.connect()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    start = time.monotonic()
    connection.request("POST", "/v1/completions", json.dumps(SHORT), headers)
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"status {response.status}: {response.read().decode()}")
    seconds = None
    for line in response:
        if line.startswith(b"data: {"):
            seconds = seconds or time.monotonic() - start
    connection.close()
    return seconds


def occupy(url, key, received, stop):
    """Keeps long requests open and throws away what comes; `received` counts events."""
    body = json.dumps(LONG)
    request = (
        f"POST /v1/completions HTTP/1.1\r\nhost: {url.netloc}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}"
    ).encode()
    selector = selectors.DefaultSelector()

    def begin():
        connection = socket.create_connection((url.hostname, url.port))
        connection.sendall(request)
        selector.register(connection, selectors.EVENT_READ)

    for _ in range(OPEN):
        begin()
    while not stop.is_set():
        for ready, _ in selector.select(0.1):
            data = ready.fileobj.recv(1 << 16)
            received.value += data.count(b"data: {")
            if not data:
                selector.unregister(ready.fileobj)
                ready.fileobj.close()
                begin()
        time.sleep(0.005)  # Takes little of the processor away from the server.


def percentile(samples, share):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(samples):
    return {f"p{round(share * 100)}": round(percentile(samples, share) * 1000, 2) for share in (0.5, 0.9, 0.95, 0.99)}


def sample(url, key, count, pause):
    samples = []
    for _ in range(count):
        samples.append(first_token(url, key))
        time.sleep(pause)
    return samples


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url", type=urllib.parse.urlsplit)
    parser.add_argument("heavy_key")
    parser.add_argument("light_key")
    parser.add_argument("--samples", type=int, default=120)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between the short requests")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    sample(options.url, options.light_key, 10, options.pause)
    idle = sample(options.url, options.light_key, options.samples, options.pause)
    received, stop = multiprocessing.Value("l", 0), multiprocessing.Event()
    heavy = multiprocessing.Process(
        target=occupy, args=(options.url, options.heavy_key, received, stop), daemon=True)
    heavy.start()
    time.sleep(3)
    before, start = received.value, time.monotonic()
    loaded = sample(options.url, options.light_key, options.samples, options.pause)
    rate = (received.value - before) / (time.monotonic() - start)
    stop.set()
    heavy.join()
    ratio = percentile(loaded, 0.95) / percentile(idle, 0.95)
    result = {
        "requests": options.samples, "pause_seconds": options.pause, "open_long_requests": OPEN,
        "idle_ttft_ms": summary(idle), "loaded_ttft_ms": summary(loaded), "p95_ratio": round(ratio, 3),
        "heavy_events_per_second": round(rate, 1),
    }
    print(json.dumps(result, indent=2))
    if options.json:
        with open(options.json, "w") as file:
            file.write(json.dumps(result, indent=2) + "\n")
    sys.exit(0 if ratio <= 2 else 1)


main()
