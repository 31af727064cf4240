#!/usr/bin/env python3
"""Compares keyhold with llama.cpp on quantised weights, file by file.

    .build/parity-venv/bin/python deploy/parity/quantised.py --keyhold .build/release/keyhold --llama FOLDER --out FOLDER
                                  [--shared ../shared] [--only NAME …]

A tiny random model of every family that llama.cpp has, and trained models from the shared folder, in every type that one
of the two programs writes. Three differences of log-probabilities, each the largest over positions and tokens: keyhold
to llama.cpp; and each of the two to exact arithmetic on the same weights, which is keyhold on a float32 file with the
values that PyPI `gguf` reads from the quantised one. Ends with 1 where keyhold is further from exact arithmetic than
twice what llama.cpp is.
"""
import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import torch
import transformers
from gguf.quants import dequantize

import llama_reference
import tiny_families
from families import keyhold_logits, save

# Written by keyhold; the others by llama-quantize.
OWN = ["Q8_0", "Q6_K", "Q5_K_M", "Q5_1", "Q5_0", "Q4_K_M", "Q4_1", "Q4_0"]
OTHERS = ["Q3_K_M", "Q2_K", "IQ4_NL", "IQ4_XS", "TQ2_0", "TQ1_0"]
# Of every family; all of them of the models named here.
FEW = ["Q8_0", "Q6_K", "Q4_K_M", "Q4_0"]
WIDTH, TOKENS = 256, 40
STORY = ("Once upon a time, there was a little girl named Lily. She loved to play outside in the park with her dog. "
         "One day, she saw a big red ball and wanted to play with it.")


def exact_copy(source, quantised, path):
    """The float32 file `source` with the values of `quantised`."""
    shutil.copy(source, path)
    values = {tensor.name: tensor for tensor in gguf.GGUFReader(quantised).tensors}
    for tensor in gguf.GGUFReader(path, "r+").tensors:
        other = values[tensor.name]
        tensor.data[:] = dequantize(other.data, other.tensor_type).reshape(tensor.data.shape)


def kinds(path):
    """Element types of the matrices, the most frequent first."""
    found = {}
    for tensor in gguf.GGUFReader(path).tensors:
        if len(tensor.shape) > 1:
            found[tensor.tensor_type.name] = found.get(tensor.tensor_type.name, 0) + 1
    return sorted(found, key=lambda name: (-found[name], name))


def letter(path):
    """A token that is one ASCII letter."""
    field = gguf.GGUFReader(path).fields["tokenizer.ggml.tokens"]
    return next(id for id, part in enumerate(field.data) if bytes(field.parts[part]) == b"a")


def compare(arguments, name, source, ids, kind, folder, seen):
    """The row of one model in one type; None where its matrices have the types of a row before, because the blocks of
    this one do not fit their rows."""
    quantised, exact = folder / f"{kind}.gguf", folder / "exact.gguf"
    program = arguments.keyhold if kind in OWN else f"{arguments.llama}/llama-quantize"
    command = [program, "quantize", source, quantised, kind] if kind in OWN else [program, source, quantised, kind]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name} as {kind}: {(done.stderr or done.stdout).strip()[-300:]}")
    mix = [tensor.tensor_type for tensor in gguf.GGUFReader(quantised).tensors]
    if mix in seen:
        return None
    seen.append(mix)
    exact_copy(source, quantised, exact)
    expected = torch.log_softmax(keyhold_logits(arguments.keyhold, exact, ids, len(ids)), -1)
    ours = torch.log_softmax(keyhold_logits(arguments.keyhold, quantised, ids, len(ids)), -1)
    row = dict(model=name, type=kind, matrices=kinds(quantised), written_by="keyhold" if kind in OWN else "llama.cpp",
               keyhold_to_llama_cpp=0.0, keyhold_to_exact=0.0, llama_cpp_to_exact=0.0)
    token = letter(source)
    with llama_reference.serving(f"{arguments.llama}/llama-server", quantised) as port:
        for count in llama_reference.prefixes(ids):
            theirs = llama_reference.log_probabilities(port, ids[:count], expected.shape[1], token)
            known = ~theirs.isnan()
            here, right = ours[count - 1], expected[count - 1]
            for key, left, other in (("keyhold_to_llama_cpp", here, theirs), ("keyhold_to_exact", here, right),
                                     ("llama_cpp_to_exact", theirs, right)):
                row[key] = max(row[key], float((left - other)[known].abs().max()))
    row["spread"] = float(expected.std())
    return row


def tiny_models(arguments, folder):
    with tiny_families.rows_of(WIDTH):
        for name, family in tiny_families.families().items():
            if family.llama_cpp or family.config.hidden_size != WIDTH:
                continue
            place = folder / name
            place.mkdir(parents=True)
            save(name, family, place)
            source = place / "f32.gguf"
            llama_reference.convert(arguments.keyhold, place, source)
            generator = torch.Generator().manual_seed(5)
            ids = torch.randint(3, tiny_families.VOCAB, (TOKENS,), generator=generator).tolist()
            yield name, source, ids, OWN + OTHERS if name == "llama" else FEW


def trained_models(arguments, folder):
    for name in ["stories3M", "recall1M"]:
        source = Path(arguments.shared) / f"models/{name}/{name}-F32.gguf"
        if not source.exists():
            print(f"{name}: not there", flush=True)
            continue
        place = folder / name
        place.mkdir(parents=True)
        copy = Path(shutil.copy(source, place / "f32.gguf"))
        done = subprocess.run([arguments.keyhold, "tokenize", "--model", copy, "--bos"], input=STORY.encode(),
                              capture_output=True, check=True)
        yield name, copy, [int(word) for word in done.stdout.split()][:TOKENS], OWN + OTHERS


def table(rows, versions):
    lines = [f"llama.cpp {versions['llama.cpp']}, gguf {versions['gguf']}", "",
             "| Model | Type | Matrices | keyhold − llama.cpp | keyhold − exact | llama.cpp − exact |",
             "|---|---|---|---|---|---|"]
    for row in rows:
        cells = [f"{row[key]:.1e}" for key in ("keyhold_to_llama_cpp", "keyhold_to_exact", "llama_cpp_to_exact")]
        lines.append(f"| {row['model']} | {row['type']} | {', '.join(row['matrices'])} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keyhold", required=True)
    parser.add_argument("--llama", required=True, help="folder with llama-server and llama-quantize")
    parser.add_argument("--shared", default="../shared")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rows, failed = [], []
    with tempfile.TemporaryDirectory() as folder:
        for models in (tiny_models, trained_models):
            for name, source, ids, types in models(arguments, Path(folder)):
                seen = []
                for kind in types:
                    if arguments.only and name not in arguments.only:
                        continue
                    try:
                        row = compare(arguments, name, source, ids, kind, source.parent, seen)
                    except RuntimeError as error:
                        print(error, flush=True)
                        failed.append(f"{name} {kind}")
                        continue
                    if row is None:
                        continue
                    rows.append(row)
                    print(json.dumps(row), flush=True)
                    if not row["keyhold_to_exact"] <= 2 * row["llama_cpp_to_exact"] + 1e-4:
                        failed.append(f"{name} {kind}")
    versions = {"llama.cpp": llama_reference.version(f"{arguments.llama}/llama-server"), "gguf": gguf_version()}
    if arguments.out:
        out = Path(arguments.out)
        out.mkdir(parents=True, exist_ok=True)
        (out / "quantised.json").write_text(json.dumps(dict(versions=versions, results=rows), indent=1) + "\n")
        (out / "quantised.md").write_text(table(rows, versions))
    if failed:
        sys.exit("further from exact arithmetic than llama.cpp, or not run: " + ", ".join(failed))


def gguf_version():
    from importlib.metadata import version
    return version("gguf")


if __name__ == "__main__":
    main()
