"""Byte-level BPE in the GPT-2 form, trained on the prose and the synthetic wording."""

import random

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import wording

END_OF_TEXT, TURN_START, TURN_END = 0, 1, 2
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def train(parts, size, seed):
    """A vocabulary of `size` tokens. Digits are left out of the sample, so that each digit stays one token."""
    rng = random.Random(seed)
    without_digits = str.maketrans("", "", "0123456789")
    sample = [part[len(part) // 3 :][:80_000].translate(without_digits) for part in parts]
    sample += _synthetic_sample(rng)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False)
    tokenizer.train_from_iterator(sample, trainer)
    return tokenizer


def _synthetic_sample(rng):
    lines = []
    for _ in range(6000):
        key = rng.choice(wording.KEYS)
        kind, join = rng.choice(wording.KINDS), rng.choice(wording.JOINS)
        lines.append(
            f" The {kind} {join}{key} is. Remember: the {kind} {join}{key} is. Please remember: the {kind}."
            f"\nQuestion: What is the {kind} {join}{key}?\nAnswer: The {kind} {join}{key} is.\nList all {kind}s:"
            f"\nThe {kind}s are{key}\nsystem\nuser\nassistant\nI will remember the {kind} {join}{key}.\nCopy:\nAgain:")
    names = " " + " ".join(wording.NAMES)
    talk = [answer for _, answer in wording.TALK] + [way for ways, _ in wording.TALK for way in ways]
    talk += wording.SYSTEM + wording.STORY_REQUESTS + wording.CONTINUE_REQUESTS + wording.REPEAT_REQUESTS
    return lines + [names] * 6000 + [" " + line for line in talk] * 60 + talk * 60
