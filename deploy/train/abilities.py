"""What a model can do, measured on unseen authors and fresh seeds."""

import math

import numpy as np
import torch

import wording
from tasks import ANSWER, Piece, Tasks
from vocabulary import TURN_END


class Abilities:
    """`held_out` maps authors to (tokens, bytes)."""

    def __init__(self, model, encoder, held_out, seed=7_000):
        self.model, self.encode, self.held_out, self.seed = model, encoder, held_out, seed

    def tasks(self, seed, author="H.G. Wells"):
        prose = self.held_out[author][0]
        return Tasks(self.encode, prose, np.arange(len(prose) - 1), self.seed + seed)

    @torch.no_grad()
    def logits(self, ids):
        inputs = torch.tensor([ids])
        return self.model(inputs, torch.arange(len(ids))[None])[0]

    def recall(self, facts, distance, samples, style="doc"):
        """Share of (whole values, single digits) right of a 5-digit fact stated `distance` tokens before the answer."""
        tasks = self.tasks(distance * 100 + facts)
        whole = digits = 0
        for _ in range(samples):
            ids, answer = self._probe(tasks, facts, distance, style)
            hits = self.logits(ids[:-1])[answer - 1 :].argmax(-1) == torch.tensor(ids[answer:])
            whole += bool(hits.all())
            digits += hits.float().mean().item()
        return whole / samples, digits / samples

    def _probe(self, tasks, count, distance, style):
        facts = tasks.facts(count)
        for fact in facts:
            fact.kind, fact.join = "code", "of"
            fact.value = [self.encode.digits[i] for i in tasks.random.integers(0, 10, 5)]
        target, others = facts[0], facts[1:]
        state = tasks.statement if style == "doc" else tasks.fact_turns
        head = tasks.question(target).ids[:-7] if style == "doc" else tasks.ask_turns(target).ids[:-8]
        tasks.random.shuffle(others)
        later_count = int(tasks.random.integers(0, len(others) + 1))
        later = [state(fact) for fact in others[:later_count]]
        while sum(map(len, later)) > distance - len(head) - 10:
            later.pop()
            later_count -= 1
        earlier = [state(fact) for fact in others[later_count:]]
        before = tasks.scattered(earlier, 60 + sum(map(len, earlier)) * 2)
        after = tasks.scattered(later, distance - len(head))
        ids = tasks.start().join(before).join(state(target)).join(after).ids + head
        return ids + target.value, len(ids)

    @torch.no_grad()
    def bits_per_byte(self, author, context, tokens=24_576):
        prose, size = self.held_out[author]
        rows = torch.from_numpy(prose[: tokens // context * context].astype(np.int64)).view(-1, context)
        nats = 0.0
        for row in rows:
            ids = torch.cat([torch.zeros(1, dtype=torch.long), row])
            logits = self.model(ids[None, :-1], torch.arange(context)[None])[0]
            nats += torch.nn.functional.cross_entropy(logits, ids[1:], reduction="sum").item()
        return nats / math.log(2) / rows.numel() / (size / len(prose))

    def gather(self, facts, context, samples):
        """Share of (names, digits) right, with everything before them right, and of whole lists."""
        tasks = self.tasks(context * 10 + facts)
        names = digits = whole = 0.0
        for _ in range(samples):
            chosen = tasks.facts(facts)
            for fact, name in zip(chosen, tasks.random.permutation(len(wording.NAMES))):
                fact.kind, fact.join, fact.key = "code", "of", f" {wording.NAMES[name]}"
                fact.value = [self.encode.digits[i] for i in tasks.random.integers(0, 10, 5)]
            text = tasks.scattered([tasks.statement(fact) for fact in chosen], context)
            listing = tasks.listing(chosen, "\nList all codes:")
            ids = tasks.start().join(text).ids
            first = len(ids)
            weights = np.array(listing.weights)
            ids = ids + listing.ids
            hits = (self.logits(ids[:-1])[first - 1 :].argmax(-1) == torch.tensor(ids[first:])).numpy()
            names += hits[weights == ANSWER].mean()
            digits += hits[weights == 1.0].mean()
            whole += hits[len(self.encode("\nList all codes:")) :].all()
        return names / samples, digits / samples, whole / samples

    def summary(self, samples):
        """The figures of the model card."""
        figures = {}
        for facts, distance in ((1, 300), (8, 300), (1, 1000), (8, 1000), (1, 1900), (8, 1900)):
            figures[f"recall {facts} at {distance}"] = self.recall(facts, distance, samples)
        figures["chat 4 at 600"] = self.recall(4, 600, samples, "chat")
        figures["gather 4 in 500"] = self.gather(4, 500, samples)
        for author in self.held_out:
            figures[f"bits per byte, {author}"] = self.bits_per_byte(author, 1024)
        return {name: [round(float(x), 4) for x in np.atleast_1d(value)] for name, value in figures.items()}


def answer(model, encoder, text, most=60):
    """Greedy reply to a user's message."""
    ids = Piece().add([0, 1], 0).add(encoder(f"user\n{text}"), 0).add([2], 0).add(encoder("\n"), 0).add([1], 0)
    ids = ids.add(encoder("assistant\n"), 0).ids
    start = len(ids)
    with torch.no_grad():
        while len(ids) < start + most and ids[-1] != TURN_END:
            ids.append(int(model(torch.tensor([ids]), torch.arange(len(ids))[None])[0, -1].argmax()))
    return encoder.tokenizer.decode(ids[start:])
