"""How much a key with many long requests holds up another: fairness.py URL HEAVY_KEY LIGHT_KEY

The light key sends short requests one after the other, first alone, then while the heavy key keeps 50 long ones open.
Prints the time to the first token of the short ones both times. Fails where the 95th percentile under load is more than
twice the idle one. Needs nothing but Python; the keys come from `keyhold key new`.
"""

import http.client
import json
import sys
import threading
import time
import urllib.parse

LONG = {"prompt": "Once upon a time " * 60, "max_tokens": 1200, "ignore_eos": True, "stream": True}
SHORT = {"prompt": "Once upon a time", "max_tokens": 8, "ignore_eos": True, "stream": True}
OPEN = 50
SAMPLES = 60


def begin(url, key, body):
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=600)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    connection.request("POST", "/v1/completions", json.dumps(body), headers)
    response = connection.getresponse()
    if response.status != 200:
        sys.exit(f"status {response.status}: {response.read().decode()}")
    return connection, response


def first_token(url, key):
    start = time.monotonic()
    connection, response = begin(url, key, SHORT)
    seconds = None
    for line in response:
        if line.startswith(b"data: {"):
            seconds = seconds or time.monotonic() - start
    connection.close()
    return seconds


def occupy(url, key, stop):
    while not stop.is_set():
        connection, response = begin(url, key, LONG)
        for _ in response:
            if stop.is_set():
                break
        connection.close()


def percentile(samples, share):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def line(name, samples):
    values = [f"p{round(share * 100)} {percentile(samples, share) * 1000:.1f} ms" for share in (0.5, 0.95, 0.99)]
    print(f"{name}: {', '.join(values)} ({len(samples)} requests)")


def main():
    url = urllib.parse.urlsplit(sys.argv[1])
    heavy, light = sys.argv[2:4]
    for _ in range(5):
        first_token(url, light)
    idle = [first_token(url, light) for _ in range(SAMPLES)]
    line("idle ", idle)
    stop = threading.Event()
    threads = [threading.Thread(target=occupy, args=(url, heavy, stop), daemon=True) for _ in range(OPEN)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    loaded = [first_token(url, light) for _ in range(SAMPLES)]
    line("loaded", loaded)
    stop.set()
    for thread in threads:
        thread.join(timeout=60)
    before, after = percentile(idle, 0.95), percentile(loaded, 0.95)
    print(f"p95 is {after / before:.2f} times the idle one")
    sys.exit(0 if after <= 2 * before else 1)


main()
