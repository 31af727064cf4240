"""A byte-level BPE tokenizer of a given size without training data: all bytes, some merges, three special tokens."""
import json
from pathlib import Path

from tokenizers import pre_tokenizers


def write(folder, size):
    bytes_ = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [(a, b) for a in "ethaoinsr" for b in "ethaoinsr" if a != b]
    special = ["<s>", "</s>", "<pad>"]
    words = special + bytes_
    merges = merges[: size - len(words)]
    words += [a + b for a, b in merges]
    assert len(words) == size
    tokenizer = dict(
        version="1.0", truncation=None, padding=None,
        added_tokens=[
            dict(id=i, content=s, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
            for i, s in enumerate(special)],
        normalizer=None, pre_tokenizer=dict(
            type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True),
        post_processor=None, decoder=dict(type="ByteLevel", add_prefix_space=True, trim_offsets=True, use_regex=True),
        model=dict(
            type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
            fuse_unk=False, byte_fallback=False, ignore_merges=False, vocab={w: i for i, w in enumerate(words)},
            merges=[list(m) for m in merges]))
    folder = Path(folder)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(
        tokenizer_class="PreTrainedTokenizerFast", bos_token="<s>", eos_token="</s>", pad_token="<pad>",
        add_bos_token=False, chat_template="{% for m in messages %}{{ m['content'] }}{% endfor %}")))
