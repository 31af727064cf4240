"""Writes a checkpoint as GGUF, in F32 and in Q8_0."""

import argparse
import json
import pathlib

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFWriter, quants
from tokenizers import Tokenizer

from model import Shape
from vocabulary import END_OF_TEXT, SPECIAL, TURN_END

CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")

NAMES = {
    "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output", "gate": "ffn_gate", "up": "ffn_up",
    "down": "ffn_down", "attention_norm": "attn_norm", "feed_forward_norm": "ffn_norm",
}


def interleaved(matrix, heads):
    """Rows of rotated halves in the order of rotated pairs, as GGUF's llama architecture has them."""
    rows, columns = matrix.shape
    return matrix.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def tensors(state, shape):
    """(GGUF name, f32 values) of every weight."""
    for name, value in state.items():
        values = value.numpy().astype(np.float32)
        if name == "embedding":
            yield "token_embd.weight", values
        elif name == "norm":
            yield "output_norm.weight", values
        else:
            _, layer, part = name.split(".")
            if part in ("q", "k"):
                values = interleaved(values, shape.heads if part == "q" else shape.kv_heads)
            yield f"blk.{layer}.{NAMES[part]}.weight", values


def write_metadata(writer, name, shape, file_type):
    writer.add_name(name)
    writer.add_description("Recall of facts over long texts, English prose and short dialogue; trained from scratch.")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(file_type)


def write_vocabulary(writer, path):
    tokenizer = Tokenizer.from_file(str(path))
    texts = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    kinds = [gguf.TokenType.CONTROL if text in SPECIAL else gguf.TokenType.NORMAL for text in texts]
    model = json.loads(path.read_text())["model"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(texts)
    writer.add_token_types(kinds)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]])
    writer.add_bos_token_id(END_OF_TEXT)
    writer.add_eos_token_id(TURN_END)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def write(path, name, state, shape, vocabulary, is_quantised):
    writer = GGUFWriter(str(path), "llama")
    kind = gguf.LlamaFileType.MOSTLY_Q8_0 if is_quantised else gguf.LlamaFileType.ALL_F32
    write_metadata(writer, name, shape, kind)
    write_vocabulary(writer, vocabulary)
    for tensor, values in tensors(state, shape):
        if is_quantised and values.ndim == 2:
            q8 = GGMLQuantizationType.Q8_0
            writer.add_tensor(tensor, quants.quantize(np.ascontiguousarray(values), q8), raw_dtype=q8)
        else:
            writer.add_tensor(tensor, np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, help="folder of the training run")
    parser.add_argument("--name", default="recall3M")
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    checkpoint = torch.load(out / "checkpoint.pt")
    shape = Shape(**checkpoint["shape"])
    for is_quantised, suffix in ((True, "Q8_0"), (False, "F32")):
        path = out / f"{options.name}-{suffix}.gguf"
        write(path, options.name, checkpoint["model"], shape, out / "tokenizer.json", is_quantised)
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
