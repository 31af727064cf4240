"""The vocabularies that are compared, each with its reference implementation.

`shared(folder)` yields those of published models; trained_vocabularies.py has ones of our own.
"""

import base64
import functools
import os
import struct
import unicodedata

import gguf
import sentencepiece
import tiktoken
import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

import patterns


class Vocabulary:
    """`encode(strings, parse)` and `decode(lists)` of a reference, and the file that keyhold reads."""

    def __init__(self, name, path, reference, encode, decode=None, specials=(), pieces=(), options=(), modes=(False,),
                 note="", excluded=frozenset()):
        self.excluded = excluded
        self.name, self.path, self.reference, self.encode, self.decode = name, path, reference, encode, decode
        self.specials, self.pieces, self.options, self.modes, self.note = specials, pieces, list(options), modes, note


@functools.cache
def newer_characters():
    """Characters that the Unicode tables in `tokenizers` do not know as Unicode 14 has them."""
    found = set()
    forms = {form: getattr(normalizers, form)() for form in ["NFC", "NFD", "NFKC", "NFKD"]}
    accents, punctuation = normalizers.StripAccents(), pre_tokenizers.Punctuation()
    cleaner = normalizers.BertNormalizer(lowercase=False, handle_chinese_chars=False)
    stripper = normalizers.BertNormalizer(
        clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    for code in list(range(0x80, 0xD800)) + list(range(0xE000, 0x110000)):
        text = chr(code)
        category = unicodedata.category(text)
        if category == "Cn":
            continue
        if (any(forms[form].normalize_str(text) != unicodedata.normalize(form, text) for form in forms)
                or (accents.normalize_str(text) == "") != (category[0] == "M")
                or (len(punctuation.pre_tokenize_str("a" + text)) == 2) != (category[0] == "P")
                or (stripper.normalize_str(text) == "") != (category == "Mn")
                or (category == "Cf" and cleaner.normalize_str(text) != "")):
            found.add(text)
    return frozenset(found)


def hugging_face(name, path, tokenizer=None, modes=(True, False), note="", uses_tables=False):
    """A tokenizer.json against `tokenizers`. `uses_tables` says that it normalises or classes characters by Unicode
    tables of its own, which are older than others': newer characters are left out then."""
    tokenizer = tokenizer or Tokenizer.from_file(path if path.endswith(".json") else path + "/tokenizer.json")
    added = [token.content for token in tokenizer.get_added_tokens_decoder().values()]

    def encode(strings, parse):
        tokenizer.encode_special_tokens = not parse
        return [encoding.ids for encoding in tokenizer.encode_batch(strings, add_special_tokens=False)]

    # The reference spells added tokens that are matched in normalised text as normalising leaves them: left out.
    changed = {id for id, token in tokenizer.get_added_tokens_decoder().items() if token.normalized and
               tokenizer.normalizer and tokenizer.normalizer.normalize_str(token.content) != token.content}

    # A run of byte tokens that is not UTF-8 becomes one U+FFFD for each of its bytes in the reference, also for those
    # of whole characters before the fault, which a stream has sent by then: left out.
    bytes_of = {tokenizer.token_to_id(f"<0x{byte:02X}>"): byte for byte in range(256)}
    bytes_of.pop(None, None)

    def is_broken(ids):
        run = bytearray()
        try:
            for id in [*ids, None]:
                if id in bytes_of:
                    run.append(bytes_of[id])
                else:
                    run.decode()
                    run.clear()
        except UnicodeDecodeError:
            return True
        return False

    def decode(lists):
        texts = tokenizer.decode_batch(lists, skip_special_tokens=False)
        return [None if changed.intersection(ids) or is_broken(ids) else text for ids, text in zip(lists, texts)]

    pieces = [text for text in list(tokenizer.get_vocab())[:3000]]
    return Vocabulary(name, path, f"tokenizers {tokenizers.__version__}", encode, decode, added[:40], pieces, modes=modes,
                      note=note, excluded=newer_characters() if uses_tables else frozenset())


def sentence_piece(name, path, processor=None, note=""):
    """A tokenizer.model against `sentencepiece`, which knows no control tokens in text."""
    processor = processor or sentencepiece.SentencePieceProcessor(model_file=path)
    pieces = [processor.id_to_piece(id).replace("▁", " ") for id in range(min(3000, len(processor)))]
    unknown = processor.unk_id()

    def decode(lists):
        # The reference writes a question mark for unknown text: such lists are left out.
        return [None if unknown in ids else processor.decode(ids) for ids in lists]

    return Vocabulary(name, path, f"sentencepiece {sentencepiece.__version__}",
                      lambda strings, parse: processor.encode(strings, out_type=int), decode,
                      ["<s>", "</s>", "<unk>", "[INST]"], pieces, note=note)


def _ranks(name, path, file, pattern, specials, composes=False, note=""):
    """A rank file against `tiktoken`."""
    ranks = {}
    for line in open(file, "rb"):
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=specials)

    def encode(strings, parse):
        if composes:
            strings = [unicodedata.normalize("NFC", text) for text in strings]
        return encoding.encode_batch(strings, allowed_special="all" if parse else set(), disallowed_special=())

    pieces = [token.decode("utf-8", "ignore") for token in list(ranks)[:3000]]
    return Vocabulary(name, path, f"tiktoken {tiktoken.__version__}", encode,
                      lambda lists: [encoding.decode(ids) for ids in lists], list(specials), pieces, modes=(True, False),
                      note=note)


LLAMA3_SPECIALS = (["<|begin_of_text|>", "<|end_of_text|>"] + [f"<|reserved_special_token_{i}|>" for i in range(4)]
                   + ["<|start_header_id|>", "<|end_header_id|>", "<|reserved_special_token_4|>", "<|eot_id|>"]
                   + [f"<|reserved_special_token_{i}|>" for i in range(5, 251)])


def _gguf_fields(path):
    """Texts, scores, types and merges of a GGUF vocabulary."""
    reader = gguf.GGUFReader(path)

    def array(key):
        field = reader.fields.get("tokenizer.ggml." + key)
        return [field.parts[index] for index in field.data] if field else []

    tokens = [bytes(part).decode("utf-8") for part in array("tokens")]
    merges = [bytes(part).decode("utf-8") for part in array("merges")]
    return tokens, [float(part[0]) for part in array("scores")], [int(part[0]) for part in array("token_type")], merges


def _gguf_byte_level(name, path, pre_tokenizer, note=""):
    """A byte-level GGUF vocabulary against `tokenizers` with the same tokens and merges."""
    tokens, _, types, merges = _gguf_fields(path)
    vocabulary = {text: id for id, text in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [_halves(merge) for merge in merges]))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    for kind, add in ((3, tokenizer.add_special_tokens), (4, tokenizer.add_tokens)):
        add([tokenizers.AddedToken(tokens[id], normalized=False) for id in range(len(tokens)) if types[id] == kind])
    return hugging_face(name, path, tokenizer, note=note)


def _halves(merge):
    cut = merge.index(" ", 1)
    return merge[:cut], merge[cut + 1:]


def _protobuf(number, kind, payload):
    """One field of a protocol buffer."""
    def varint(value):
        text = b""
        while True:
            text += bytes([value & 127 | (128 if value > 127 else 0)])
            value >>= 7
            if not value:
                return text
    key = varint(number << 3 | kind)
    return key + (varint(payload) if kind == 0 else payload if kind == 5 else varint(len(payload)) + payload)


def _gguf_sentence_piece(name, path, note=""):
    """A SentencePiece GGUF vocabulary against `sentencepiece` with the same pieces."""
    tokens, scores, types, _ = _gguf_fields(path)
    model = b""
    for text, score, type in zip(tokens, scores, types):
        piece = _protobuf(1, 2, text.encode()) + _protobuf(2, 5, struct.pack("<f", score)) + _protobuf(3, 0, type)
        model += _protobuf(1, 2, piece)
    model += _protobuf(2, 2, _protobuf(3, 0, 2) + _protobuf(35, 0, 1))
    model += _protobuf(3, 2, _protobuf(1, 2, b"identity") + _protobuf(3, 0, 1) + _protobuf(4, 0, 0) + _protobuf(5, 0, 1))
    return sentence_piece(name, path, sentencepiece.SentencePieceProcessor(model_proto=model), note=note)


def shared(folder):
    """Vocabularies of published models below `folder`; those that are not there are left out."""
    def there(path):
        return os.path.exists(f"{folder}/{path}")

    for name in ["gpt2", "llama2-hf", "mistral-7b-v0.3"]:
        if there(f"hf/{name}/tokenizer.json"):
            yield hugging_face(f"{name} (tokenizer.json)", f"{folder}/hf/{name}")
    for name, path in [("mistral v1", "mistral/tokenizer.model.v1"),
                       ("mistral v3", "mistral/mistral_instruct_tokenizer_240323.model.v3")]:
        if there(path):
            yield sentence_piece(f"{name} (tokenizer.model)", f"{folder}/{path}")
    if there("hf/llama3/tokenizer.model"):
        yield _ranks("llama 3 (ranks)", f"{folder}/hf/llama3", f"{folder}/hf/llama3/tokenizer.model",
                     patterns.CL100K % "{1,3}", {text: 128000 + place for place, text in enumerate(LLAMA3_SPECIALS)})
    if there("hf/qwen/qwen.tiktoken"):
        specials = {"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645}
        yield _ranks("qwen (ranks)", f"{folder}/hf/qwen", f"{folder}/hf/qwen/qwen.tiktoken", patterns.CL100K % "",
                     specials, composes=True, note="text composed (NFC) before, as Qwen's own tokenizer does")
    if there("vocab/ggml-vocab-llama-spm.gguf"):
        yield _gguf_sentence_piece("llama 2 (GGUF)", f"{folder}/vocab/ggml-vocab-llama-spm.gguf")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    falcon = patterns.isolated([r"[\p{P}\$\+<=>\^~\|`]+", patterns.GPT2, "[0-9][0-9][0-9]"])
    for name, pre_tokenizer in [("gpt-2", byte_level), ("mpt", byte_level), ("starcoder", digits), ("falcon", falcon)]:
        path = f"vocab/ggml-vocab-{name}.gguf"
        if there(path):
            yield _gguf_byte_level(f"{name} (GGUF)", f"{folder}/{path}", pre_tokenizer)
