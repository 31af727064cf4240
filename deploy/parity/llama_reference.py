"""llama.cpp as the reference: its server's log-probabilities of a model that `keyhold convert` wrote."""
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
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def wait(port, process):
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError("llama-server ended: " + process.stdout.read()[-600:])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("llama-server did not come up")


def log_probabilities(port, ids, vocabulary):
    """Of the token that follows `ids`, [vocabulary]; NaN where the server names none."""
    # The bias makes the server choose a letter: it reports nothing beside half a character. The numbers are from before
    # the choice.
    answer = post(port, "/completion", dict(
        logit_bias=[[LETTER, 1000.0]],
        prompt=ids, n_predict=1, n_probs=vocabulary, temperature=1.0, top_k=0, top_p=1.0, min_p=0.0, cache_prompt=False,
        post_sampling_probs=False))
    row = torch.full((vocabulary,), math.nan)
    for entry in answer["completion_probabilities"][0]["top_logprobs"]:
        row[entry["id"]] = entry["logprob"]
    return row


def compare(arguments, folder, ids, reference, keyhold_logits):
    """Converts the model and compares llama.cpp, keyhold on the GGUF and transformers, as log-probabilities."""
    gguf = Path(folder) / "model-f32.gguf"
    # llama.cpp treats the vocabulary of a model by its name, which is the folder's.
    plain = Path(folder).parent / "tiny"
    plain.unlink(missing_ok=True)
    plain.symlink_to(Path(folder).resolve())
    subprocess.run(
        [arguments.keyhold, "convert", str(plain), str(gguf), "--type", "F32"], check=True, capture_output=True)
    plain.unlink()
    port = free_port()
    process = subprocess.Popen(
        [arguments.llama_server, "-m", str(gguf), "--port", str(port), "--host", "127.0.0.1", "-c", "128", "-t", "2",
         "-ctk", "f32", "-ctv", "f32", "-fa", "off", "-np", "1", "--no-warmup"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait(port, process)
        ours = torch.log_softmax(keyhold_logits(arguments.keyhold, gguf, ids, len(ids)), -1)
        expected = torch.log_softmax(reference, -1)
        worst = {"llama_cpp": 0.0, "llama_cpp_to_transformers": 0.0}
        for count in sorted({1, 2, 7, len(ids) // 2, len(ids) - 1, len(ids)}):
            row = log_probabilities(port, ids[:count], reference.shape[1])
            known = ~row.isnan()
            if int(known.sum()) < reference.shape[1] // 2:
                raise RuntimeError(f"llama-server named {int(known.sum())} tokens")
            for key, other in (("llama_cpp", ours), ("llama_cpp_to_transformers", expected)):
                worst[key] = max(worst[key], float((row - other[count - 1])[known].abs().max()))
        worst["gguf_to_folder"] = float((ours - expected).abs().max())
        return worst
    finally:
        process.terminate()
        process.wait()
