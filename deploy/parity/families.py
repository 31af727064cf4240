#!/usr/bin/env python3
"""Compares keyhold with transformers and llama.cpp on a tiny random model of every family.

    python3 -m venv .parity && .parity/bin/pip install torch transformers tokenizers
    .parity/bin/python deploy/parity/families.py --keyhold .build/debug/keyhold [--llama-server PATH] [--only NAME …]
                                                 [--out FOLDER] [--vectors FOLDER]

For each model the logits of some token ids, with the prompt in one piece and token by token, are compared in float32;
with --llama-server also those of the model converted to GGUF (`keyhold convert`). --out gets families.json and
families.md; --vectors gets the models and transformers' logits as `swift test` reads them. Exits with 1 where a
difference is above the bound.
"""
import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
import transformers

sys.path.insert(0, str(Path(__file__).parent))
import llama_reference
import tiny_families
import tiny_tokenizer

BOUND = 1e-4


def keyhold_logits(keyhold, model, ids, prompt_tokens, storage="f32"):
    """[len(ids), vocabulary]"""
    command = [
        keyhold, "logits", "--model", str(model), "--ids", ",".join(map(str, ids)), "--prompt-tokens",
        str(prompt_tokens), "--kv-storage", storage, "--threads", "2", "--log-level", "error"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or done.stdout.strip())
    return torch.tensor([json.loads(line)["logits"] for line in done.stdout.splitlines()])


def reference_logits(model, ids, by_token):
    """transformers' logits, in one piece or token by token through its cache."""
    with torch.no_grad():
        if not by_token:
            return model(torch.tensor([ids]), use_cache=False).logits[0]
        rows, cache = [], None
        for position, token in enumerate(ids):
            out = model(
                torch.tensor([[token]]), past_key_values=cache, use_cache=True,
                attention_mask=torch.ones(1, position + 1, dtype=torch.long))
            cache = out.past_key_values
            rows.append(out.logits[0, -1])
        return torch.stack(rows)


def largest(left, right):
    assert left.shape == right.shape, (left.shape, right.shape)
    return float((left - right).abs().max())


def save(name, family, folder):
    """The folder as a user has it: config.json, model.safetensors in half precision, tokenizer.json. The model is
    made again, because half precision would round its table of frequencies too."""
    tiny_families.build(name, family).half().save_pretrained(folder)
    (Path(folder) / "generation_config.json").unlink(missing_ok=True)
    tiny_tokenizer.write(folder, tiny_families.VOCAB)


def compare(name, family, arguments, folder):
    save(name, family, folder)
    model = tiny_families.build(name, family)
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(3, tiny_families.VOCAB, (family.tokens,), generator=generator).tolist()
    whole = reference_logits(model, ids, by_token=False)
    result = dict(family=name, model_type=family.config.model_type, tokens=len(ids))
    result["spread"] = float(whole.std())
    result["prompt"] = largest(keyhold_logits(arguments.keyhold, folder, ids, len(ids)), whole)
    result["prompt_and_decode"] = largest(keyhold_logits(arguments.keyhold, folder, ids, len(ids) // 2), whole)
    if family.by_token:
        stepped = reference_logits(model, ids, by_token=True)
        result["token_by_token"] = largest(keyhold_logits(arguments.keyhold, folder, ids, 1), stepped)
    if arguments.llama_server:
        if family.llama_cpp:
            result["llama_cpp_reason"] = family.llama_cpp
        else:
            result.update(llama_reference.compare(arguments, folder, ids, whole, keyhold_logits))
    return result, ids, whole


def write_vectors(target, source, ids, logits):
    target.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(Path(source) / name, target / name)
    rows = [0, len(ids) // 2, len(ids) - 1]
    expected = {str(row): [round(x, 6) for x in logits[row].tolist()] for row in rows}
    (target / "logits.json").write_text(json.dumps(dict(ids=ids, logits=expected), separators=(",", ":")) + "\n")


def markdown(results, versions):
    def cell(result, key):
        if key in result:
            return f"{result[key]:.1e}"
        return result.get("llama_cpp_reason", "-") if key == "llama_cpp" else "-"
    lines = [
        f"transformers {versions['transformers']}, torch {versions['torch']}, "
        f"llama.cpp {versions.get('llama.cpp', 'not compared')}", "",
        "| Model | Prompt | Half decoded | Token by token | llama.cpp |", "|---|---|---|---|---|"]
    for result in results:
        cells = [cell(result, key) for key in ("prompt", "prompt_and_decode", "token_by_token", "llama_cpp")]
        lines.append(f"| {result['family']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keyhold", required=True)
    parser.add_argument("--llama-server")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--out")
    parser.add_argument("--vectors")
    parser.add_argument("--keep", help="folder for the models instead of a temporary one")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    versions = dict(transformers=transformers.__version__, torch=torch.__version__.split("+")[0])
    if arguments.llama_server:
        versions["llama.cpp"] = llama_reference.version(arguments.llama_server)
    results, failed = [], []
    for name, family in tiny_families.families().items():
        if arguments.only and name not in arguments.only:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(arguments.keep or temporary) / name
            folder.mkdir(parents=True, exist_ok=True)
            try:
                result, ids, logits = compare(name, family, arguments, folder)
            except RuntimeError as error:
                print(f"{name}: {error}", flush=True)
                failed.append(name)
                continue
            if arguments.vectors:
                write_vectors(Path(arguments.vectors) / name, folder, ids, logits)
        results.append(result)
        worst = max((v for k, v in result.items() if k in ("prompt", "prompt_and_decode", "token_by_token")))
        if not worst <= BOUND:
            failed.append(name)
        print(json.dumps(result), flush=True)
    if arguments.out:
        out = Path(arguments.out)
        out.mkdir(parents=True, exist_ok=True)
        (out / "families.json").write_text(json.dumps(dict(versions=versions, results=results), indent=1) + "\n")
        (out / "families.md").write_text(markdown(results, versions))
    if failed:
        sys.exit(f"above {BOUND} or not run: {', '.join(failed)}")


if __name__ == "__main__":
    main()
