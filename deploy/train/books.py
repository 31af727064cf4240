"""Prose: cleaning books, choosing what to train on, and what no training step may see."""

import pathlib
import random
import re
import sys

# Authors whose books are kept for measuring; neither vocabulary nor weights see them.
HELD_OUT = ["H.G. Wells", "Jane Austen", "Kenneth Grahame"]

# Characters per author, so that no one dominates.
LARGEST_SHARE = 1_600_000
SMALLEST_SHARE = 250_000

PLAIN = {"\u2019": "'", "\u2018": "'", "\u201c": '"', "\u201d": '"', "_": "", "\u2014": "--"}


def clean(text):
    """Headings, rules and typographic marks go; a paragraph becomes one line."""
    lines = [line for line in text.split("\n") if not line.startswith(("#", "----"))]
    text = "\n".join(lines)
    for mark, plain in PLAIN.items():
        text = text.replace(mark, plain)
    text = re.sub(r"[ \t]+", " ", text)
    return re.sub(r" ?\n\n+ ?", "\n", text).strip()


def read(folder):
    """Cleaned books as (training, held out), each a dictionary from author to a list of texts."""
    training, held_out = {}, {}
    for path in sorted(pathlib.Path(folder).glob("*/*.md")):
        author = path.parent.name
        books = held_out if author in HELD_OUT else training
        books.setdefault(author, []).append(clean(path.read_text(encoding="utf-8", errors="ignore")))
    if not training or not held_out:
        raise SystemExit(f"no books in {folder}: expected AUTHOR/TITLE.md, with {', '.join(HELD_OUT)} among the authors")
    return training, held_out


def training_parts(books):
    """One text for each book, cut so that every author has a like share."""
    parts = []
    for author in sorted(books):
        share = LARGEST_SHARE // len(books[author])
        parts += [book[: max(SMALLEST_SHARE, share)] for book in books[author]]
    return parts


def chunks(parts, length, seed):
    """The parts in pieces of `length` characters, shuffled."""
    pieces = [part[start : start + length] for part in parts for start in range(0, len(part), length)]
    random.Random(seed).shuffle(pieces)
    return pieces


if __name__ == "__main__":
    # The held-out books as one text, for `keyhold evaluate --text`.
    for texts in read(sys.argv[1])[1].values():
        print("\n".join(text[20_000:] for text in texts))
