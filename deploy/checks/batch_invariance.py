"""Sixteen requests with different budgets and policies, one by one and then together: batch_invariance.py [URL]

Texts, log probabilities and cache reports must be equal, byte for byte. Needs nothing but Python.
"""

import http.client
import json
import sys
import threading
import urllib.parse

POLICIES = [
    {"policy": "full"},
    {"policy": "window", "budget_tokens": 24},
    {"policy": "streaming", "budget_tokens": 32, "sink_tokens": 4},
    {"policy": "h2o", "budget_ratio": 0.5},
    {"policy": "keyformer", "budget_ratio": 0.4},
    {"policy": "keyformer", "budget_tokens": 40, "storage": "f32"},
    {"policy": "keyformer", "budget_tokens": 30, "policy_params": {"noise": "fixed", "seed": 5}},
    {"policy": "keyformer", "budget_ratio": 0.6, "recent_ratio": 0.2},
]


def body(index):
    story = " ".join(["Once upon a time there was a little dog who loved the park."] * (1 + index % 5))
    return {
        "prompt": f"{story} Then dog number {index} said:",
        "max_tokens": 24 + index,
        "temperature": 0 if index % 3 == 0 else 0.9,
        "seed": index,
        "logprobs": 3,
        "kv_cache": POLICIES[index % len(POLICIES)],
    }


def ask(url, index, answers):
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=600)
    connection.request("POST", "/v1/completions", json.dumps(body(index)), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    if response.status != 200:
        raise SystemExit(f"request {index}: {response.status} {answer}")
    # What is measured or drawn may differ; what is computed may not.
    answer["usage"]["kv_cache"].pop("byte_seconds")
    answers[index] = {"choices": answer["choices"], "usage": answer["usage"]}


def main():
    url = urllib.parse.urlsplit(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080")
    alone, together = {}, {}
    for index in range(16):
        ask(url, index, alone)
    threads = [threading.Thread(target=ask, args=(url, index, together)) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    different = [index for index in range(16) if alone[index] != together.get(index)]
    if different:
        raise SystemExit(f"requests {different} differ when run together")
    evicted = sum(answer["usage"]["kv_cache"]["evicted_tokens"] for answer in alone.values())
    print(f"16 of 16 requests equal alone and together; {evicted} tokens evicted")


if __name__ == "__main__":
    main()
