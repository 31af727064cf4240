"""Trains the built-in model from scratch. `run` beside this file sets everything up."""

import argparse
import csv
import dataclasses
import json
import pathlib
import time
import warnings

import numpy as np
import torch
from tokenizers import Tokenizer

import books
import vocabulary
from abilities import Abilities, answer
from model import Decoder, Shape
from optimizer import Optimizer
from tasks import ANSWER, FILLER, PROSE, Encoder, Tasks
from trigram import Trigram

# (million tokens, sequences, length, mixture of tasks). Order matters: copying first, then looking up, then texts.
# Prose learns slowest and has most of the later stages.
FIRST = {"recall": 0.36, "table": 0.22, "copy": 0.12, "gather": 0.10, "dialogue": 0.08, "plain": 0.12}
MIDDLE = {"recall": 0.30, "table": 0.09, "copy": 0.07, "gather": 0.12, "dialogue": 0.16, "plain": 0.26}
LATE = {"recall": 0.22, "table": 0.03, "copy": 0.04, "gather": 0.12, "dialogue": 0.16, "plain": 0.43}
LAST = {"recall": 0.17, "table": 0.02, "copy": 0.03, "gather": 0.16, "dialogue": 0.32, "plain": 0.30}
STAGES = [
    (0.84, 96, 64, {"echo": 1}),
    (1.40, 96, 64, {"echo": 0.3, "lookup": 0.7}),
    (3.08, 56, 128, FIRST),
    (2.08, 30, 256, MIDDLE),
    (3.85, 30, 256, LATE),
    (2.05, 15, 512, LATE),
    (2.85, 7, 1024, LATE),
    (2.85, 4, 2048, LATE),
    (0.80, 15, 512, LAST),
]
SMOKE_STAGES = [(0.15, 32, 64, {"echo": 1}), (0.2, 16, 128, FIRST), (0.15, 8, 256, MIDDLE)]
# Steps of warm-up, and the share of the tokens over which the rate falls at the end.
WARM_UP, FALL = 100, 0.35


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prose", required=True, help="folder of books, AUTHOR/TITLE.md")
    parser.add_argument("--out", required=True, help="folder for checkpoints, figures and the model")
    parser.add_argument("--tokens", type=float, help="tokens to train on; stages shrink or grow with them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--smoke", action="store_true", help="a tiny model in minutes, to see that everything runs")
    return parser.parse_args()


def corpus(folder, out, size, seed):
    """(encoder, training tokens, sentence starts, held-out tokens and bytes by author), kept in `out`."""
    training, held_out = books.read(folder)
    parts = books.training_parts(training)
    saved = out / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(saved)) if saved.exists() else vocabulary.train(parts, size, seed)
    tokenizer.save(str(saved))
    encoder = Encoder(tokenizer)
    stream = [np.array(e.ids, np.uint16) for e in tokenizer.encode_batch(books.chunks(parts, 20_000, seed))]
    prose = np.concatenate(stream)
    starts = np.flatnonzero(prose[:-1] == encoder("\n")[0]) + 1
    held = {}
    for author, texts in held_out.items():
        text = "".join(book[20_000:140_000] for book in texts)[:400_000]
        held[author] = (np.array(tokenizer.encode(text).ids, np.uint16), len(text.encode()))
    return encoder, prose, starts, held


class Training:
    def __init__(self, options, shape, stages, encoder, prose, starts, out):
        torch.manual_seed(options.seed)
        self.options, self.stages, self.out = options, stages, out
        self.encoder, self.prose, self.starts = encoder, prose, starts
        self.model = Decoder(shape)
        self.optimizer = Optimizer(self.model)
        self.loss = torch.compile(self.model.loss, dynamic=False)
        self.step = self.tokens = 0
        self.seconds = 0.0
        planned = sum(stage[0] for stage in stages)
        self.goal = options.tokens or planned * 1e6
        self.edges = np.cumsum([stage[0] / planned for stage in stages])

    def rate(self):
        left = 1 - self.tokens / self.goal
        return min(1, (self.step + 1) / WARM_UP, max(0.02, left / FALL))

    def checkpoint(self):
        return self.out / "checkpoint.pt"

    def save(self):
        state = dict(shape=dataclasses.asdict(self.model.shape), model=self.model.state_dict(),
                     optimizer=self.optimizer.state(), step=self.step, tokens=self.tokens, seconds=self.seconds)
        torch.save(state, self.out / "checkpoint.new")
        (self.out / "checkpoint.new").replace(self.checkpoint())

    def resume(self):
        if not self.checkpoint().exists():
            return
        state = torch.load(self.checkpoint())
        self.model.load_state_dict(state["model"])
        self.optimizer.restore(state["optimizer"])
        self.step, self.tokens, self.seconds = state["step"], state["tokens"], state["seconds"]

    def run(self, abilities):
        log = open(self.out / "loss.csv", "a", newline="")
        table = csv.writer(log)
        if self.step == 0:
            table.writerow(["step", "seconds", "tokens", "length", "rate", "loss", "answers", "prose"])
        recent, current, saved, measured = [], None, time.time(), time.time()
        while self.tokens < self.goal:
            began = time.time()
            index = min(int(np.searchsorted(self.edges, self.tokens / self.goal, side="right")),
                        len(self.stages) - 1)
            _, count, length, mixture = self.stages[index]
            if index != current:
                current = index
                seed = self.options.seed * 1000 + index + self.step
                far = 0 if length >= 2048 else 4096 if length == 1024 else 2304
                tasks = Tasks(self.encoder, self.prose, self.starts, seed, jump_to=far)
                print(f"stage {index}: {count} x {length} at {self.tokens / 1e6:.2f} Mtok", flush=True)
            ids, targets, weights, positions = map(torch.from_numpy, tasks.batch(count, length, mixture))
            loss, nats = self.loss(ids, positions, targets, weights)
            loss.backward()
            self.optimizer.step(self.rate())
            self.model.zero_grad()
            self.step += 1
            self.tokens += ids.numel()
            self.seconds += time.time() - began
            flat = weights.reshape(-1)
            is_prose = (flat == PROSE) | (flat == FILLER) if "plain" in mixture else flat < 0
            recent.append([loss.item(), nats[flat == ANSWER].mean().item(), nats[is_prose].mean().item()])
            if self.step % 50 == 0:
                with warnings.catch_warnings():
                    # A stage without prose or answers has no mean of them.
                    warnings.simplefilter("ignore", RuntimeWarning)
                    means = np.nanmean(np.array(recent), 0)
                recent = []
                table.writerow([self.step, round(self.seconds, 1), self.tokens, length, round(self.rate(), 4),
                                *[round(float(x), 4) for x in means]])
                log.flush()
                print(f"{self.step} {self.seconds:.0f} s {self.tokens / 1e6:.2f} Mtok, {length}:"
                      f" loss {means[0]:.3f} answers {means[1]:.3f} prose {means[2]:.3f}", flush=True)
            if time.time() - saved > 300:
                self.save()
                saved = time.time()
            if time.time() - measured > 600:
                print(json.dumps(abilities.summary(12)), flush=True)
                measured = time.time()
        self.save()


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    out = pathlib.Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    shape, stages = Shape(), STAGES
    if options.smoke:
        shape = Shape(vocabulary=1024, width=96, layers=2, heads=3, kv_heads=1, feed_forward=192, context=512)
        stages = SMOKE_STAGES
    encoder, prose, starts, held = corpus(options.prose, out, shape.vocabulary, options.seed)
    print(f"{len(prose) / 1e6:.1f} M tokens of prose", flush=True)
    training = Training(options, shape, stages, encoder, prose, starts, out)
    print(f"{sum(p.numel() for p in training.model.parameters())} parameters", flush=True)
    training.resume()
    abilities = Abilities(training.model, encoder, held)
    training.run(abilities)
    figures = abilities.summary(4 if options.smoke else 100)
    trigram = Trigram(prose, shape.vocabulary)
    for author, (tokens, size) in held.items():
        figures[f"bits per byte of a trigram, {author}"] = trigram.bits_per_byte(tokens, size)
    figures["parameters"] = sum(p.numel() for p in training.model.parameters())
    figures["tokens"], figures["steps"] = training.tokens, training.step
    figures["seconds"] = round(training.seconds)
    (out / "abilities.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    for text in ("Hello!", "The code of Ann is 48213. What is the code of Ann?", "Tell me a story."):
        print(f"> {text}\n{answer(training.model, encoder, text)}")


if __name__ == "__main__":
    main()
