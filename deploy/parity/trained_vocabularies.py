"""Vocabularies that are trained here on text of our own: the kinds that no published file at hand covers (unigram,
WordPiece, every `tokenizer.ggml.pre`)."""

import io
import json
import random
import re

import gguf
import sentencepiece
import tokenizers
from tokenizers import (Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers)

import patterns
import texts
from vocabularies import hugging_face, sentence_piece


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
    symbols = ["<tool>", "▁user▁", "ab", "e\u0301x"]
    common = {"vocab_size": 700, "character_coverage": 0.99}
    kinds = {
        "unigram": dict(model_type="unigram", normalization_rule_tsv=rules, user_defined_symbols=symbols[:2], **common),
        "unigram-bytes": dict(model_type="unigram", normalization_rule_name="identity", byte_fallback=True,
                              remove_extra_whitespaces=False, add_dummy_prefix=False, **common),
        "merges": dict(model_type="bpe", normalization_rule_tsv=rules, user_defined_symbols=symbols, byte_fallback=True,
                       **common),
        "suffix": dict(model_type="unigram", normalization_rule_name="identity", treat_whitespace_as_suffix=True, **common),
        # Whose user-defined tokens cover a text in many ways that are equally probable.
        "unigram-ties": dict(model_type="unigram", normalization_rule_name="identity",
                             user_defined_symbols=[*symbols, "a", "b", "aa", "ba", "bab", "é", "日本"], **common),
        "unigram-nfkc": dict(model_type="unigram", normalization_rule_name="nmt_nfkc", vocab_size=2000),
        "merges-nfkc": dict(model_type="bpe", normalization_rule_name="nfkc_cf", vocab_size=2000, split_digits=True),
    }
    for name, options in kinds.items():
        path = f"{folder}/{name}.model"
        yield sentence_piece(f"{name} (tokenizer.model)", _train_sentence_piece(path, **options))


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
        return hugging_face(f"{name} (tokenizer.json)", path, uses_tables=uses_tables, modes=modes)

    word_piece = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    word_piece.normalizer = normalizers.BertNormalizer(lowercase=True)
    word_piece.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    word_piece.decoder = decoders.WordPiece()
    word_piece.train_from_iterator(lines, trainers.WordPieceTrainer(
        vocab_size=700, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    yield finished("wordpiece", word_piece, uses_tables=True)
    yield _bert_file(f"{folder}/wordpiece.gguf", word_piece)

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


def _bert_file(path, word_piece):
    """The same as GGUF has it: U+2581 before what begins a word, nothing before what continues one."""
    vocabulary = word_piece.get_vocab()
    specials = {token.content for token in word_piece.get_added_tokens_decoder().values()}
    tokens = sorted(vocabulary, key=vocabulary.get)
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("jina-v2-en")
    writer.add_token_list([token if token in specials else token[2:] if token.startswith("##") else "▁" + token
                           for token in tokens])
    writer.add_token_types([3 if token in specials else 1 for token in tokens])
    writer.add_unk_token_id(vocabulary["[UNK]"])
    writer.add_uint32("tokenizer.ggml.cls_token_id", vocabulary["[CLS]"])
    writer.add_sep_token_id(vocabulary["[SEP]"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return hugging_face("wordpiece (GGUF)", path, word_piece, uses_tables=True)


def _line_merges(folder):
    """A GGUF file whose merges are of characters, as Gemma 4 has it."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trained.train_from_iterator(list(corpus()), trainers.BpeTrainer(
        vocab_size=900, limit_alphabet=200, show_progress=False))
    model = json.loads(trained.to_str())["model"]
    specials = ["<unk>", "<bos>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = specials + [text for text in sorted(model["vocab"], key=model["vocab"].get) if text not in specials]
    tokens += [text for text in ["\n", "\n\n", "\n\n\n"] if text not in tokens]
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in model["merges"]]
    merges = [merge for merge in merges if not {*merge, "".join(merge)}.intersection(specials)]
    path = f"{folder}/pre-gemma4.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gemma4")
    writer.add_token_list(tokens)
    writer.add_token_types([2, 3] + [6] * 256 + [1] * (len(tokens) - 258))
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    ids = {text: id for id, text in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(ids, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    vocabulary = hugging_face("pre gemma4 (GGUF)", path, tokenizer, modes=(False,))
    whole = vocabulary.encode

    def encode(strings, parse):
        """Line by line; a run of line breaks is one token where there is one."""
        parts = [re.findall(r"[^\n]+|\n+", text) for text in strings]
        flat = [part for line in parts for part in line]
        encoded = iter([[ids[part]] if part[0] == "\n" and part in ids else found
                        for part, found in zip(flat, whole(flat, parse))])
        return [[id for _ in line for id in next(encoded)] for line in parts]

    vocabulary.encode = encode
    return vocabulary


def named_patterns(folder):
    """One byte-level GGUF vocabulary for each pattern that `tokenizer.ggml.pre` names."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = patterns.isolated([r"\s?\S+"])
    trained.train_from_iterator(list(corpus()), trainers.BpeTrainer(
        vocab_size=1500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    model = json.loads(trained.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ")) for merge in model["merges"]]
    for name, steps in patterns.PATTERNS.items():
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
        tokenizer = Tokenizer(models.BPE(model["vocab"], merges, ignore_merges=name in patterns.WHOLE_WORDS))
        tokenizer.pre_tokenizer = patterns.isolated(steps)
        tokenizer.decoder = decoders.ByteLevel()
        yield hugging_face(f"pre {name} (GGUF)", path, tokenizer, modes=(False,))


def trained(folder):
    yield from sentence_pieces(folder)
    yield from hugging_face_files(folder)
    yield from named_patterns(folder)
    yield _line_merges(folder)
