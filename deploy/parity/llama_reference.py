"""llama.cpp as the reference: its server's log-probabilities of a model that `keyhold convert` wrote."""
import contextlib
import json
import math
import re
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import torch


# A token that is one ASCII letter (tiny_tokenizer.py).
LETTER = 67
# Long: the machine may have other work, and hold this one up for minutes.
REQUEST_SECONDS = 1800


def version(server):
    text = subprocess.run([server, "--version"], capture_output=True, text=True)
    found = re.search(r"version: (.*)", text.stdout + text.stderr)
    return found.group(1) if found else "unknown"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def post(port, path, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=REQUEST_SECONDS) as answer:
        return json.load(answer)


def wait(port, process):
    for _ in range(3000):
        if process.poll() is not None:
            raise RuntimeError("llama-server ended: " + process.stdout.read()[-600:])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("llama-server did not come up")


@contextlib.contextmanager
def serving(llama_server, gguf):
    """The port of llama-server with one model, its cache in f32."""
    port = free_port()
    process = subprocess.Popen(
        [llama_server, "-m", str(gguf), "--port", str(port), "--host", "127.0.0.1", "-c", "128", "-t", "2",
         "-ctk", "f32", "-ctv", "f32", "-fa", "off", "-np", "1", "--no-warmup"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


def prefixes(ids):
    """Lengths of the beginnings that are compared."""
    return sorted({1, 2, 7, len(ids) // 2, len(ids) - 1, len(ids)})


def convert(keyhold, folder, gguf, kind="F32"):
    # llama.cpp treats the vocabulary of a model by its name, which is the folder's.
    plain = Path(folder).parent / "tiny"
    plain.unlink(missing_ok=True)
    plain.symlink_to(Path(folder).resolve())
    subprocess.run([keyhold, "convert", str(plain), str(gguf), "--type", kind], check=True, capture_output=True)
    plain.unlink()


def log_probabilities(port, ids, vocabulary, letter=LETTER):
    """Of the token that follows `ids`, [vocabulary]; NaN where the server names none."""
    # The bias makes the server choose a letter: it reports nothing beside half a character. The numbers are from before
    # the choice.
    answer = post(port, "/completion", dict(
        logit_bias=[[letter, 1000.0]],
        prompt=ids, n_predict=1, n_probs=vocabulary, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, cache_prompt=False,
        post_sampling_probs=False))
    row = torch.full((vocabulary,), math.nan)
    for entry in answer["completion_probabilities"][0]["top_logprobs"]:
        row[entry["id"]] = entry["logprob"]
    named = int((~row.isnan()).sum())
    if named < vocabulary // 2:
        raise RuntimeError(f"llama-server named {named} tokens")
    return row


def compare(arguments, folder, ids, reference, keyhold_logits):
    """Converts the model and compares llama.cpp, keyhold on the GGUF and transformers, as log-probabilities."""
    gguf = Path(folder) / "model-f32.gguf"
    convert(arguments.keyhold, folder, gguf)
    ours = torch.log_softmax(keyhold_logits(arguments.keyhold, gguf, ids, len(ids)), -1)
    expected = torch.log_softmax(reference, -1)
    worst = {"llama_cpp": 0.0, "llama_cpp_to_transformers": 0.0}
    with serving(arguments.llama_server, gguf) as port:
        for count in prefixes(ids):
            row = log_probabilities(port, ids[:count], reference.shape[1])
            known = ~row.isnan()
            for key, other in (("llama_cpp", ours), ("llama_cpp_to_transformers", expected)):
                worst[key] = max(worst[key], float((row - other[count - 1])[known].abs().max()))
    worst["gguf_to_folder"] = float((ours - expected).abs().max())
    return worst
