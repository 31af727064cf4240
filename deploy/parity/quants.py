#!/usr/bin/env python3
"""Quantised weights against the reference implementations.

  quants.py vectors OUT.json
      Blocks of every quantised type with random contents and the values that gguf.quants.dequantize gives them, as
      hexadecimal bytes: Tests/KernelsTests/Fixtures/quant_blocks.json.
  quants.py quantiser --llama-quantize LLAMA_QUANTIZE OUT.json
      Three kinds of weights and the relative root mean square errors that llama.cpp's quantiser makes of them:
      Tests/QuantizationTests/Fixtures/quantiser.json.
  quants.py errors --keyhold KEYHOLD --llama-quantize LLAMA_QUANTIZE [--folder FOLDER] [--out FOLDER]
      A small model of three kinds of random weights, quantised by both programs to each type: the root mean square
      error of each relative to the weights' own, tensor by tensor and type by type. Ends with 1 where keyhold's is
      larger, or where its file differs from what it should be. --out gets quantiser.json and quantiser.md.

Needs numpy and gguf from PyPI (written with 2.4.6 and 0.19.0).
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import numpy as np
from gguf.quants import dequantize

# Where the f16 numbers of a block stand.
HALVES = {
    "Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "IQ4_NL": [0], "Q2_K": [80, 82],
    "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "Q8_K": [], "IQ4_XS": [0], "TQ1_0": [52],
    "TQ2_0": [64],
}
BLOCKS = 4


def values_of(blocks, name):
    if name != "Q8_K":
        return dequantize(blocks, gguf.GGMLQuantizationType[name])
    # The package has no reader of Q8_K: d, 256 integers and their sums; value = d * q.
    d = np.ascontiguousarray(blocks[:, :4]).view(np.float32)
    return d * np.ascontiguousarray(blocks[:, 4:260]).view(np.int8).astype(np.float32)


def vectors(path):
    random = np.random.default_rng(20240601)
    lines = []
    for name, places in HALVES.items():
        size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]][1]
        blocks = random.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
        for place in places:
            halves = np.array([0.013, -1.75, 3e-7, 211.0], np.float16) * random.uniform(0.5, 1, 4).astype(np.float16)
            blocks[:, place:place + 2] = halves.astype(np.float16).reshape(-1, 1).view(np.uint8)
        if name == "Q8_K":
            blocks[:, :4] = np.array([0.013, -1.75, 3e-39, 211.0], np.float32).reshape(-1, 1).view(np.uint8)
        values = values_of(blocks, name).astype(np.float32)
        lines.append(json.dumps({"type": name, "bytes": blocks.tobytes().hex(), "values": values.tobytes().hex()}))
    pathlib.Path(path).write_text("[\n" + ",\n".join(lines) + "\n]\n")


def source_model(path):
    """A Llama of four layers whose weights are normal, heavy-tailed or normal with a few large columns."""
    random = np.random.default_rng(7)
    hidden, forward, vocabulary, layers = 512, 768, 512, 4
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(128)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(forward)
    writer.add_head_count(8)
    writer.add_head_count_kv(8)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(64)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    alphabet = [chr(0x100 + i) for i in range(vocabulary)]
    writer.add_token_list(alphabet)
    writer.add_token_types([1] * vocabulary)
    writer.add_token_merges([f"{alphabet[i]} {alphabet[i + 1]}" for i in range(2)])
    kinds = 0

    def weight(name, rows, columns):
        nonlocal kinds
        values = random.standard_normal((rows, columns))
        if kinds % 3 == 1:
            values = random.standard_t(4, (rows, columns))
        if kinds % 3 == 2:
            values *= np.where(random.random(columns) < 0.02, 8, 1)
        kinds += 1
        writer.add_tensor(name, (values / np.sqrt(columns)).astype(np.float32))

    weight("token_embd.weight", vocabulary, hidden)
    writer.add_tensor("output_norm.weight", np.ones(hidden, np.float32))
    weight("output.weight", vocabulary, hidden)
    for layer in range(layers):
        for name in ["attn_norm", "ffn_norm"]:
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(hidden, np.float32))
        for name in ["attn_q", "attn_k", "attn_v", "attn_output"]:
            weight(f"blk.{layer}.{name}.weight", hidden, hidden)
        for name in ["ffn_gate", "ffn_up"]:
            weight(f"blk.{layer}.{name}.weight", forward, hidden)
        weight(f"blk.{layer}.ffn_down.weight", hidden, forward)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(path):
    return {t.name: t for t in gguf.GGUFReader(path).tensors}


def error(tensor, exact):
    difference = dequantize(tensor.data, tensor.tensor_type).astype(np.float64).ravel() - exact
    return float(np.sqrt(np.mean(difference**2) / np.mean(exact**2)))


def errors(arguments):
    folder = pathlib.Path(arguments.folder or tempfile.mkdtemp())
    source = folder / "f32.gguf"
    source_model(str(source))
    exact = {name: np.array(t.data, np.float64).ravel() for name, t in tensors(source).items()}
    failed, rows = False, []
    print("type     tensor types (keyhold)          keyhold  llama.cpp  largest ratio of a tensor")
    for name in ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K"]:
        ours, theirs = folder / f"keyhold-{name}.gguf", folder / f"llama-{name}.gguf"
        subprocess.run([arguments.keyhold, "quantize", source, ours, name], check=True, capture_output=True)
        subprocess.run([arguments.llama_quantize, source, theirs, name], check=True, capture_output=True)
        mine, other = tensors(ours), tensors(theirs)
        assert list(mine) == list(exact), "tensors are missing or in another order"
        sums, worst, mix = [0.0, 0.0, 0.0], 0.0, {}
        for tensor in mine:
            kinds = [mine[tensor].tensor_type, other[tensor].tensor_type]
            if kinds[0] != kinds[1]:
                print(f"  {tensor}: {kinds[0].name}, llama.cpp chooses {kinds[1].name}")
                failed = True
            if kinds[0] == gguf.GGMLQuantizationType.F32:
                continue
            mix[kinds[0].name] = mix.get(kinds[0].name, 0) + 1
            pair = [error(mine[tensor], exact[tensor]), error(other[tensor], exact[tensor])]
            worst = max(worst, pair[0] / pair[1])
            energy = np.sum(exact[tensor] ** 2)
            sums = [sums[0] + pair[0] ** 2 * energy, sums[1] + pair[1] ** 2 * energy, sums[2] + energy]
        rms = [float(np.sqrt(s / sums[2])) for s in sums[:2]]
        failed |= worst > 1
        kinds = " ".join(f"{kind}x{count}" for kind, count in sorted(mix.items()))
        print(f"{name:8} {kinds:31} {rms[0]:.6f}  {rms[1]:.6f}  {worst:.4f}", flush=True)
        rows.append(dict(type=name, tensors=mix, keyhold=rms[0], llama_cpp=rms[1], largest_ratio=worst))
    if arguments.out:
        out = pathlib.Path(arguments.out)
        (out / "quantiser.json").write_text(json.dumps(rows, indent=1) + "\n")
        lines = ["| type | keyhold | llama.cpp | largest ratio of a matrix |", "|---|---|---|---|"]
        lines += [f"| {row['type']} | {row['keyhold']:.5f} | {row['llama_cpp']:.5f} | {row['largest_ratio']:.4f} |"
                  for row in rows]
        (out / "quantiser.md").write_text("\n".join(lines) + "\n")
    return 1 if failed else 0


def quantiser(arguments):
    folder = pathlib.Path(tempfile.mkdtemp())
    source = folder / "f32.gguf"
    source_model(str(source))
    exact = tensors(source)
    rows = 4
    kinds = []
    for kind, name in {"normal": "blk.0.attn_k.weight", "heavy tails": "blk.1.attn_k.weight",
                       "large columns": "blk.0.attn_q.weight"}.items():
        kinds.append({"kind": kind, "tensor": name, "values": exact[name].data[:rows].tobytes().hex(), "errors": {}})
    for name in ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K_S", "Q5_K_S", "Q6_K"]:
        path = folder / f"{name}.gguf"
        subprocess.run([arguments.llama_quantize, source, path, name], check=True, capture_output=True)
        found = tensors(path)
        for kind in kinds:
            tensor = found[kind["tensor"]]
            values = exact[kind["tensor"]].data[:rows].astype(np.float64)
            difference = dequantize(tensor.data[:rows], tensor.tensor_type) - values
            error = np.sqrt(np.mean(difference**2) / np.mean(values**2))
            kind["errors"][tensor.tensor_type.name] = float(error)
    lines = ",\n".join(json.dumps(kind) for kind in kinds)
    pathlib.Path(arguments.path).write_text(f"[\n{lines}\n]\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("vectors").add_argument("path")
    recorded = commands.add_parser("quantiser")
    recorded.add_argument("path")
    recorded.add_argument("--llama-quantize", required=True)
    compare = commands.add_parser("errors")
    compare.add_argument("--keyhold", required=True)
    compare.add_argument("--llama-quantize", required=True)
    compare.add_argument("--folder")
    compare.add_argument("--out")
    arguments = parser.parse_args()
    if arguments.command == "vectors":
        vectors(arguments.path)
        return 0
    if arguments.command == "quantiser":
        quantiser(arguments)
        return 0
    return errors(arguments)


if __name__ == "__main__":
    sys.exit(main())
