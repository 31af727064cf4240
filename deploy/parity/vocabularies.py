"""The vocabularies that are compared, each with its reference implementation.

`shared(folder)` yields those of published models, `trained(folder)` ones that are trained here on text of our own, so
that the kinds no published file at hand covers (unigram, WordPiece, every `tokenizer.ggml.pre`) are compared as well.
"""

import base64
import functools
import io
import json
import os
import random
import struct
import unicodedata

import gguf
import sentencepiece
import tiktoken
import tokenizers
from tokenizers import (Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers)

import texts


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
    for code in list(range(0x80, 0xD800)) + list(range(0xE000, 0x110000)):
        text = chr(code)
        category = unicodedata.category(text)
        if category == "Cn":
            continue
        if (any(forms[form].normalize_str(text) != unicodedata.normalize(form, text) for form in forms)
                or (accents.normalize_str(text) == "") != (category[0] == "M")
                or (len(punctuation.pre_tokenize_str("a" + text)) == 2) != (category[0] == "P")
                or (category == "Cf" and cleaner.normalize_str(text) != "")):
            found.add(text)
    return frozenset(found)


def _hugging_face(name, path, tokenizer=None, modes=(True, False), note="", uses_tables=False):
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

    def decode(lists):
        texts = tokenizer.decode_batch(lists, skip_special_tokens=False)
        return [None if changed.intersection(ids) else text for ids, text in zip(lists, texts)]

    pieces = [text for text in list(tokenizer.get_vocab())[:3000]]
    return Vocabulary(name, path, f"tokenizers {tokenizers.__version__}", encode, decode, added[:40], pieces, modes=modes,
                      note=note, excluded=newer_characters() if uses_tables else frozenset())


def _sentence_piece(name, path, processor=None, note=""):
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


CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
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
    return _hugging_face(name, path, tokenizer, note=note)


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
    return _sentence_piece(name, path, sentencepiece.SentencePieceProcessor(model_proto=model), note=note)


def shared(folder):
    """Vocabularies of published models below `folder`; those that are not there are left out."""
    def there(path):
        return os.path.exists(f"{folder}/{path}")

    for name in ["gpt2", "llama2-hf", "mistral-7b-v0.3"]:
        if there(f"hf/{name}/tokenizer.json"):
            yield _hugging_face(f"{name} (tokenizer.json)", f"{folder}/hf/{name}")
    for name, path in [("mistral v1", "mistral/tokenizer.model.v1"),
                       ("mistral v3", "mistral/mistral_instruct_tokenizer_240323.model.v3")]:
        if there(path):
            yield _sentence_piece(f"{name} (tokenizer.model)", f"{folder}/{path}")
    if there("hf/llama3/tokenizer.model"):
        yield _ranks("llama 3 (ranks)", f"{folder}/hf/llama3", f"{folder}/hf/llama3/tokenizer.model", CL100K % "{1,3}",
                     {text: 128000 + place for place, text in enumerate(LLAMA3_SPECIALS)})
    if there("hf/qwen/qwen.tiktoken"):
        specials = {"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645}
        yield _ranks("qwen (ranks)", f"{folder}/hf/qwen", f"{folder}/hf/qwen/qwen.tiktoken", CL100K % "", specials,
                     composes=True, note="text composed (NFC) before, as Qwen's own tokenizer does")
    if there("vocab/ggml-vocab-llama-spm.gguf"):
        yield _gguf_sentence_piece("llama 2 (GGUF)", f"{folder}/vocab/ggml-vocab-llama-spm.gguf")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    for name, pre_tokenizer in [("gpt-2", byte_level), ("mpt", byte_level), ("starcoder", digits), ("falcon", _isolated(
            [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, "[0-9][0-9][0-9]"]))]:
        path = f"vocab/ggml-vocab-{name}.gguf"
        if there(path):
            yield _gguf_byte_level(f"{name} (GGUF)", f"{folder}/{path}", pre_tokenizer)


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def _isolated(patterns):
    """A pre-tokenizer that splits by each pattern in turn, then spells bytes."""
    steps = [pre_tokenizers.Split(Regex(pattern), "isolated") for pattern in patterns]
    return pre_tokenizers.Sequence(steps + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


_LINES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
_CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s|"
          r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s|")
_CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_O200K = _CASED % (_CONTRACTION + "?", _CONTRACTION + "?") + r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + _LINES
_HAN = "[一-龥ࠀ-一가-퟿]+"
_DEEPSEEK3 = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
              r"| ?[\p{P}\p{S}]+[\r\n]*" + _LINES)
_BLOOM = " ?[^(\\s|.,!?…。，、।۔،)]+"

# Published patterns of the families, by one of the names that GGUF has for them.
PATTERNS = {
    "gpt-2": [GPT2],
    "starcoder": [r"\p{N}", GPT2],
    "llama-bpe": [CL100K % "{1,3}"],
    "dbrx": [CL100K % "{1,3}"],
    "qwen2": [CL100K % ""],
    "qwen35": [_CONTRACTION + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*" + _LINES],
    "tekken": [_CASED % ("", "") + r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*" + _LINES],
    "gpt-4o": [_O200K],
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", _O200K],
    "superbpe": [r"\p{N}+", r"(?=(\d{3})+(?!\d))"],
    "deepseek-coder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", _HAN, r"\p{N}"],
    "deepseek-v3": [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+", _DEEPSEEK3],
    "bloom": [_BLOOM],
    "viking": [_BLOOM, r"\p{N}"],
    "jais-2": [_CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)"
               r"|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)"
               r"|\s{1,2}(?!\S)|\s{1}"],
    "bailingmoe": [r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]"
                   r"|\s+(?!\S)|\s+"],
    "seed-coder": [_CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+" + _LINES],
    "minicpm5": [r"\p{N}{1,3}", CL100K % "+"],
    "exaone-moe": [_CONTRACTION + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?"
                   r"|\s*[\r\n]|\s+(?!\S)|\s+"],
}
# Names whose tokenizer takes a word that is a token as it is.
WHOLE_WORDS = {"llama-bpe", "tekken", "minicpm5"}


def corpus(seed=7, lines=6000):
    """Text of our own to train on."""
    source = texts.Texts(seed)
    chooser = random.Random(seed)
    for _ in range(lines):
        yield " ".join(chooser.choice(texts.WORDS + ["and", "a", "of", "token", "tokens", "model", "cache"])
                       for _ in range(chooser.randint(3, 20))) + chooser.choice([".", "!", "?", " …"])
        yield source._code().replace("\n", " ")
        yield source._digits()


def _train_sentence_piece(path, **options):
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(list(corpus())), model_writer=writer, hard_vocab_limit=False, minloglevel=2, num_threads=1,
        **options)
    with open(path, "wb") as file:
        file.write(writer.getvalue())
    return path


# A small rewriting of our own, so that a fixture has a compiled map without Unicode's whole NFKC.
RULES = [("FF21", "41"), ("FF22", "42"), ("FF23", "43"), ("FB01", "66 69"), ("FB02", "66 6C"), ("B2", "32"), ("BD", "31 2F 32"),
         ("A0", "20"), ("3000", "20"), ("9", "20"), ("A", "20"), ("D A", "20"), ("65 301", "E9"), ("61 308 323", "78"),
         ("AD", ""), ("200B", ""), ("2026", "2E 2E 2E"), ("1F44D 1F3FD", "1F44D"), ("200D", "20")]


def sentence_pieces(folder):
    """SentencePiece models of every kind; the first ones are small enough to be fixtures."""
    rules = f"{folder}/rules.tsv"
    with open(rules, "w") as file:
        file.writelines(f"{source}\t{target}\n" for source, target in RULES)
    # Those of the unigram model tie with nothing: the order of exactly equal segmentations is left to rounding.
    symbols = ["<tool>", "▁user▁", "ab", "e\u0301x"]
    common = {"vocab_size": 700, "character_coverage": 0.99}
    kinds = {
        "unigram": dict(model_type="unigram", normalization_rule_tsv=rules, user_defined_symbols=symbols[:2], **common),
        "unigram-bytes": dict(model_type="unigram", normalization_rule_name="identity", byte_fallback=True,
                              remove_extra_whitespaces=False, add_dummy_prefix=False, **common),
        "merges": dict(model_type="bpe", normalization_rule_tsv=rules, user_defined_symbols=symbols, byte_fallback=True,
                       **common),
        "suffix": dict(model_type="unigram", normalization_rule_name="identity", treat_whitespace_as_suffix=True, **common),
        "unigram-nfkc": dict(model_type="unigram", normalization_rule_name="nmt_nfkc", vocab_size=2000),
        "merges-nfkc": dict(model_type="bpe", normalization_rule_name="nfkc_cf", vocab_size=2000, split_digits=True),
    }
    for name, options in kinds.items():
        path = f"{folder}/{name}.model"
        yield _sentence_piece(f"{name} (tokenizer.model)", _train_sentence_piece(path, **options))


def _charsmap(path):
    """The compiled map of a tokenizer.model, read from its protocol buffer."""
    data = open(path, "rb").read()

    def fields(data):
        place = 0
        while place < len(data):
            def varint():
                nonlocal place
                value = shift = 0
                while True:
                    byte = data[place]
                    place += 1
                    value |= (byte & 127) << shift
                    shift += 7
                    if byte < 128:
                        return value
            key = varint()
            if key & 7 == 0:
                yield key >> 3, varint()
            elif key & 7 == 5:
                yield key >> 3, data[place:place + 4]
                place += 4
            else:
                length = varint()
                yield key >> 3, data[place:place + length]
                place += length
    normalizer = next(value for number, value in fields(data) if number == 3)
    return next(value for number, value in fields(normalizer) if number == 2)


def hugging_face_files(folder):
    """tokenizer.json files with the parts that published families have."""
    lines = list(corpus())
    special = tokenizers.AddedToken

    def finished(name, tokenizer, uses_tables=False, modes=(True, False)):
        path = f"{folder}/{name}.json"
        tokenizer.save(path)
        return _hugging_face(f"{name} (tokenizer.json)", path, uses_tables=uses_tables, modes=modes)

    word_piece = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    word_piece.normalizer = normalizers.BertNormalizer(lowercase=True)
    word_piece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    word_piece.decoder = decoders.WordPiece()
    word_piece.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=700, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    yield finished("wordpiece", word_piece, uses_tables=True)

    for name, rules in [("unigram-precompiled", "unigram"), ("unigram-precompiled-nfkc", "unigram-nfkc")]:
        processor = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/{rules}.model")
        pieces = [(processor.id_to_piece(id), processor.get_score(id)) for id in range(len(processor))]
        unigram = Tokenizer(models.Unigram(pieces, unk_id=processor.unk_id(), byte_fallback=False))
        unigram.normalizer = normalizers.Sequence([
            normalizers.Precompiled(_charsmap(f"{folder}/{rules}.model")), normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), "▁")])
        unigram.pre_tokenizer = pre_tokenizers.Metaspace()
        unigram.decoder = decoders.Metaspace()
        unigram.add_special_tokens(["<s>", "</s>", "<unk>"])
        unigram.add_tokens([special("<mask>", lstrip=True, normalized=False), special("<x>", rstrip=True),
                            special("word", single_word=True, normalized=True)])
        # With special tokens as text the reference still makes them of user text: not compared.
        yield finished(name, unigram, modes=(True,))

    def byte_level(name, steps, normalizer=None, **options):
        tokenizer = Tokenizer(models.BPE(**options))
        if normalizer:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
            vocab_size=1000, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False))
        tokenizer.add_tokens([special("<tool>", normalized=False), special(" é", normalized=True),
                              special("<l>", lstrip=True, rstrip=True, normalized=False)])
        return finished(name, tokenizer, uses_tables=normalizer is not None or "punctuation" in str(steps).lower())

    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    yield byte_level("falcon-like", [pre_tokenizers.Punctuation("contiguous"), level, pre_tokenizers.Digits(False),
                                     pre_tokenizers.Split(Regex("[0-9][0-9][0-9]"), "isolated")])
    yield byte_level("starcoder-like", [pre_tokenizers.Digits(True), level])
    yield byte_level("prefixed", [pre_tokenizers.ByteLevel(add_prefix_space=True)], normalizers.NFC())
    for form in ["NFD", "NFKC", "NFKD"]:
        yield byte_level(form.lower(), [level], normalizers.Sequence([getattr(normalizers, form)()]))
    yield byte_level("stripped", [level], normalizers.Sequence([
        normalizers.Strip(), normalizers.NFD(), normalizers.StripAccents(), normalizers.Lowercase(),
        normalizers.Replace(Regex(r"\d+"), "0"), normalizers.Prepend("_")]))
    for behavior in ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]:
        yield byte_level(f"split-{behavior}", [
            pre_tokenizers.Split(Regex(r"\p{N}|\w(?=\s)"), behavior), pre_tokenizers.Split("e", behavior, invert=False),
            pre_tokenizers.Split(Regex(r"[^\s]+"), behavior, invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    yield byte_level("whitespace", [pre_tokenizers.Whitespace(), level])
    yield byte_level("whitespace-split", [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation(), level])

    for scheme in ["always", "first", "never"]:
        for split in [True, False]:
            tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=split, byte_fallback=not split))
            tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=split)
            tokenizer.decoder = decoders.Sequence([
                decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
                + ([decoders.Strip(" ", 1, 0)] if scheme != "never" else []))
            specials = ["<unk>", "<s>"] + ([] if split else [f"<0x{byte:02X}>" for byte in range(256)])
            tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
                vocab_size=900, special_tokens=specials[:2], show_progress=False, limit_alphabet=120,
                initial_alphabet=[]))
            if not split:
                tokenizer = _with_byte_tokens(tokenizer)
            yield finished(f"metaspace-{scheme}{'-split' if split else '-bytes'}", tokenizer)


def _with_byte_tokens(tokenizer):
    """The same with tokens for all bytes."""
    file = json.loads(tokenizer.to_str())
    vocabulary = file["model"]["vocab"]
    for byte in range(256):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    file["model"]["byte_fallback"] = True
    return Tokenizer.from_str(json.dumps(file))


def named_patterns(folder):
    """One byte-level GGUF vocabulary for each pattern that `tokenizer.ggml.pre` names."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = _isolated([r"\s?\S+"])
    trained.train_from_iterator(list(corpus()), trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in model["merges"]]
    for name, patterns in PATTERNS.items():
        path = f"{folder}/pre-{name}.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(name)
        writer.add_token_list(tokens)
        writer.add_token_types([1] * len(tokens))
        writer.add_token_merges([" ".join(merge) for merge in merges])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        tokenizer = Tokenizer(models.BPE(model["vocab"], merges, ignore_merges=name in WHOLE_WORDS))
        tokenizer.pre_tokenizer = _isolated(patterns)
        tokenizer.decoder = decoders.ByteLevel()
        yield _hugging_face(f"pre {name} (GGUF)", path, tokenizer, modes=(False,))


def trained(folder):
    yield from sentence_pieces(folder)
    yield from hugging_face_files(folder)
    yield from named_patterns(folder)
