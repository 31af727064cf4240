"""Interpolated Kneser-Ney trigram of token ids (Kneser and Ney, 1995; Chen and Goodman, 1998): what prose costs
without a neural network."""

import math

import numpy as np


class Counts:
    """Distinct rows of context and token, how often each came, and what its context knows."""

    def __init__(self, codes, counts, vocabulary):
        self.codes, self.counts = codes, counts
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        self.discount = once / (once + 2 * twice)
        contexts = codes // vocabulary
        self.contexts, first = np.unique(contexts, return_index=True)
        self.totals = np.add.reduceat(counts, first)
        self.kinds = np.diff(np.append(first, len(codes)))

    def probability(self, codes, contexts, lower):
        """Discounted relative frequency, and the rest of the mass times `lower`."""
        count = _looked_up(self.codes, self.counts, codes)
        total = _looked_up(self.contexts, self.totals, contexts)
        kinds = _looked_up(self.contexts, self.kinds, contexts)
        known = np.maximum(total, 1)
        mixed = np.maximum(count - self.discount, 0) / known + self.discount * kinds / known * lower
        return np.where(total > 0, mixed, lower)


def _looked_up(keys, values, wanted):
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)


class Trigram:
    def __init__(self, tokens, vocabulary):
        t, v = tokens.astype(np.int64), vocabulary
        self.vocabulary = v
        triples, counts = np.unique((t[:-2] * v + t[1:-1]) * v + t[2:], return_counts=True)
        self.third = Counts(triples, counts, v)
        # Below the highest order a row counts the different tokens before it, not its occurrences.
        pairs, before = np.unique(triples % (v * v), return_counts=True)
        self.second = Counts(pairs, before, v)
        singles, before = np.unique(pairs % v, return_counts=True)
        self.first = np.full(v, 0.5)
        self.first[singles] += before
        self.first /= self.first.sum()

    def bits_per_byte(self, tokens, size):
        """Of tokens that stand for `size` bytes; the first two are left out."""
        t, v = tokens.astype(np.int64), self.vocabulary
        a, b, c = t[:-2], t[1:-1], t[2:]
        second = self.second.probability(b * v + c, b, self.first[c])
        third = self.third.probability((a * v + b) * v + c, a * v + b, second)
        return -np.log(third).sum() / math.log(2) / len(c) / (size / len(t))
