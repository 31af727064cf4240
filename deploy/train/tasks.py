"""Training sequences: token ids, and the weight of predicting each of them.

What cannot be predicted (a random code, a name that was not seen) weighs nothing, so that the model learns to look
things up rather than to guess. Positions may jump, so that long distances are met in short sequences (PoSE, Zhu et
al., arXiv 2309.10400).
"""

import numpy as np

import wording
from vocabulary import END_OF_TEXT, TURN_END, TURN_START

# Weights of predicting a token.
NOTHING, TEMPLATE, FILLER, PROSE, SAID, ANSWER = 0.0, 0.2, 0.4, 1.0, 1.0, 2.0


class Encoder:
    """Text to ids, remembering what it has seen."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.known = {}
        self.digits = [self("0123456789"[i])[0] for i in range(10)]
        self.size = tokenizer.get_vocab_size()
        code = self(" 48213")
        if code[1:] != [self.digits[i] for i in (4, 8, 2, 1, 3)]:
            raise SystemExit("digits are not single tokens in this vocabulary")

    def __call__(self, text):
        ids = self.known.get(text)
        if ids is None:
            ids = self.known[text] = self.tokenizer.encode(text).ids
        return ids


class Piece:
    """Ids with their weights, grown from the left."""

    def __init__(self):
        self.ids, self.weights = [], []

    def add(self, ids, weight):
        self.ids += ids
        self.weights += [weight] * len(ids)
        return self

    def join(self, other):
        self.ids += other.ids
        self.weights += other.weights
        return self

    def __len__(self):
        return len(self.ids)


class Fact:
    """One thing to remember: `the KIND JOIN KEY is VALUE`."""

    def __init__(self, kind, join, key, value):
        self.kind, self.join, self.key, self.value = kind, join, key, value

    @property
    def subject(self):
        return f"{self.kind} {self.join}{self.key}"


class Tasks:
    """Draws sequences from a stream of prose tokens and a seed."""

    def __init__(self, encoder, prose, sentence_starts, seed, jump_to=0):
        self.encode, self.prose, self.starts = encoder, prose, sentence_starts
        self.random = np.random.default_rng(seed)
        # Largest position of sequences whose positions jump; 0: none jump.
        self.jump_to = jump_to

    # Material

    def some_prose(self, count):
        start = self.random.integers(0, len(self.prose) - count - 1)
        return self.prose[start : start + count].tolist()

    def prose_from_a_sentence(self, count):
        while True:
            start = self.starts[self.random.integers(0, len(self.starts))]
            if start + count < len(self.prose):
                return self.prose[start : start + count].tolist()

    def value(self):
        length = 5 if self.random.random() < 0.6 else int(self.random.integers(4, 9))
        return [self.encode.digits[i] for i in self.random.integers(0, 10, length)]

    def facts(self, count):
        names = self.random.random() < 0.55 and count <= len(wording.NAMES)
        pool = len(wording.NAMES) if names else len(wording.KEYS)
        kind = "code" if self.random.random() < 0.6 else wording.KINDS[self.random.integers(0, len(wording.KINDS))]
        join = wording.JOINS[0 if self.random.random() < 0.7 else 1]
        return [Fact(kind, join, wording.KEYS[i], self.value()) for i in self.random.permutation(pool)[:count]]

    # Doc style

    def statement(self, fact):
        """The fact within prose; its own words are near certain, its key and value are not."""
        lead = f" The {fact.subject} is " if self.random.random() < 0.6 else f" Remember: the {fact.subject} is "
        lead = self.encode(lead)
        piece = Piece().add(lead[:2], NOTHING).add(lead[2:], TEMPLATE / 2)
        return piece.add(fact.value, NOTHING).add(self.encode("."), TEMPLATE)

    def question(self, fact):
        head = self.encode(f"\nQuestion: What is the {fact.subject}?")
        lead = self.encode(f"\nAnswer: The {fact.subject} is ")
        piece = Piece().add(head, NOTHING).add(lead, TEMPLATE * 1.5)
        return piece.add(fact.value, ANSWER).add(self.encode("."), SAID).add(self.encode("\n"), TEMPLATE)

    def listing(self, facts, lead):
        """All facts in the order of the text: ` Ann 48213, Ben 11111.`"""
        piece = Piece().add(self.encode(lead), TEMPLATE / 2)
        for index, fact in enumerate(facts):
            piece.add(self.encode(fact.key), ANSWER if len(self.encode(fact.key)) == 1 else ANSWER * 0.6)
            piece.add(self.encode(" ")[-1:], TEMPLATE).add(fact.value, SAID)
            piece.add(self.encode("." if index == len(facts) - 1 else ","), ANSWER * 0.6)
        return piece

    # Dialogue in ChatML

    def turn(self, role, content):
        """A turn; only the assistant's words are learnt."""
        piece = Piece().add([TURN_START], NOTHING).add(self.encode(f"{role}\n"), NOTHING).join(content)
        return piece.add([TURN_END], SAID if role == "assistant" else NOTHING).add(self.encode("\n"), NOTHING)

    def told(self, text):
        return Piece().add(self.encode(text), NOTHING)

    def said(self, text, weight=SAID):
        return Piece().add(self.encode(text), weight)

    def fact_turns(self, fact):
        subject = fact.subject
        ways = [f"The {subject} is ", f"Please remember: the {subject} is ", f"Remember that the {subject} is ",
                f"Remember: the {subject} is "]
        told = self.told(ways[self.random.integers(0, len(ways))]).add(fact.value, NOTHING).add(self.encode("."), NOTHING)
        answer = self.said(f"I will remember the {subject}.", SAID / 2)
        return self.turn("user", told).join(self.turn("assistant", answer))

    def ask_turns(self, fact):
        ways = [f"What is the {fact.subject}?", f"What was the {fact.subject}?", f"Tell me the {fact.subject}."]
        asked = self.told(ways[self.random.integers(0, len(ways))])
        return self.turn("user", asked).join(self.turn("assistant", self.answer(fact)))

    def answer(self, fact):
        answer = self.said(f"The {fact.subject} is ", SAID / 2)
        return answer.add(fact.value, ANSWER).add(self.encode("."), SAID)

    def list_turns(self, facts):
        kind = facts[0].kind
        ways = [f"List all {kind}s.", f"What are all the {kind}s?", f"Give me a list of all {kind}s."]
        asked = self.told(ways[self.random.integers(0, len(ways))])
        return self.turn("user", asked).join(self.turn("assistant", self.listing(facts, f"The {kind}s are")))

    def talk_turns(self):
        ways, answer = wording.TALK[self.random.integers(0, len(wording.TALK))]
        asked = self.told(ways[self.random.integers(0, len(ways))])
        return self.turn("user", asked).join(self.turn("assistant", self.said(answer, SAID / 2)))

    def story_turns(self, room):
        length = int(self.random.integers(40, max(41, min(room, 220))))
        if self.random.random() < 0.5:
            way = wording.STORY_REQUESTS[self.random.integers(0, len(wording.STORY_REQUESTS))]
            asked, told = self.told(way), Piece().add(self.prose_from_a_sentence(length), PROSE)
        else:
            way = wording.CONTINUE_REQUESTS[self.random.integers(0, len(wording.CONTINUE_REQUESTS))]
            story = self.prose_from_a_sentence(length)
            cut = length // 3
            asked, told = self.told(way).add(story[:cut], NOTHING), Piece().add(story[cut:], PROSE)
        return self.turn("user", asked).join(self.turn("assistant", told))

    def repeat_turns(self):
        way = wording.REPEAT_REQUESTS[self.random.integers(0, len(wording.REPEAT_REQUESTS))]
        words = self.prose_from_a_sentence(int(self.random.integers(4, 30)))
        asked = self.told(way).add(words, NOTHING)
        return self.turn("user", asked).join(self.turn("assistant", Piece().add(words, SAID)))

    def reading_turns(self, facts, room):
        """A long text with facts in it, and a question or list in the same turn."""
        way = wording.READ_REQUESTS[self.random.integers(0, len(wording.READ_REQUESTS))]
        told = self.told(way).join(self.scattered([self.statement(fact) for fact in facts], room))
        if self.random.random() < 0.4:
            turns = self.turn("user", told).join(self.turn("assistant", self.said(wording.READ_ANSWERS, SAID / 2)))
            return turns.join(self.ask_turns(facts[self.random.integers(0, len(facts))]))
        if self.random.random() < 0.3 and len(facts) <= 6:
            told.join(self.told(f"\nList all {facts[0].kind}s."))
            return self.turn("user", told).join(
                self.turn("assistant", self.listing(facts, f"The {facts[0].kind}s are")))
        fact = facts[self.random.integers(0, len(facts))]
        told.join(self.told(f"\nWhat is the {fact.subject}?"))
        return self.turn("user", told).join(self.turn("assistant", self.answer(fact)))

    # Laying out

    def scattered(self, pieces, room):
        """The pieces in their order with prose in the gaps, `room` tokens together."""
        left = max(0, room - sum(len(piece) for piece in pieces))
        shares = self.random.exponential(1, len(pieces) + 1) ** 2
        gaps = np.floor(shares / shares.sum() * left).astype(int)
        whole = Piece()
        for piece, gap in zip(pieces + [Piece()], gaps):
            if gap > 0:
                prose = self.some_prose(int(gap))
                whole.add(prose[:1], NOTHING).add(prose[1:], FILLER)
            whole.join(piece)
        return whole

    # Sequences of `length` + 1 tokens, the end of the last text before them first

    def start(self):
        return Piece().add([END_OF_TEXT], NOTHING)

    def recall(self, length):
        """Facts stated and asked for, in prose."""
        dense = self.random.random() < (0.6 if length <= 256 else 0.35)
        filled = self.random.uniform(0, 0.35) if dense else self.random.uniform(0.4, 0.9)
        room = (length - 1) * (1 - filled)
        most = max(1, int(room / 40 * self.random.uniform(0.5, 1.3)))
        count = min(most, 24) if self.random.random() < 0.75 else 1 + int(self.random.integers(0, 3))
        facts = self.facts(count)
        mixed = self.random.random() < 0.4
        events, used, stated, asked = [], 0, [], set()
        waiting = list(facts)
        while True:
            if waiting and (not mixed or not stated or self.random.random() < 0.5):
                fact = waiting.pop()
                event = self.statement(fact)
                stated.append(fact)
            else:
                fresh = [fact for fact in stated if fact not in asked]
                if not fresh and not waiting:
                    if not dense:
                        break
                    asked.clear()
                    fresh = stated
                if not fresh:
                    continue
                fact = fresh[self.random.integers(0, len(fresh))]
                asked.add(fact)
                event = self.question(fact)
            if events and used + len(event) > room:
                break
            events.append(event)
            used += len(event)
        return self.start().join(self.scattered(events, length))

    def gather(self, length):
        """Texts that end in a list of their facts; short ones, several in a sequence."""
        whole = self.start()
        while len(whole) < length:
            left = length + 1 - len(whole)
            room = left if self.random.random() < 0.3 else int(self.random.integers(50, max(51, min(left, 400))))
            most = max(1, min(8, (room - 20) // 24))
            count = int(self.random.integers(1, most + 1))
            facts = self.facts(count)
            listing = self.listing(facts, f"\nList all {facts[0].kind}s:")
            text = self.scattered([self.statement(fact) for fact in facts], max(0, room - len(listing) - 2))
            whole.join(text).join(listing).add(self.encode("\n"), TEMPLATE)
            whole.add([END_OF_TEXT], NOTHING)
        return whole

    def dialogue(self, length):
        """A conversation of facts, questions, lists, stories and small talk."""
        whole = self.start()
        if self.random.random() < 0.25:
            whole.join(self.turn("system", self.told(wording.SYSTEM[self.random.integers(0, len(wording.SYSTEM))])))
        left = length + 1 - len(whole)
        if left > 120 and self.random.random() < 0.5:
            count = 1 + int(self.random.integers(0, max(1, min(8, left // 60))))
            room = left - 90 if self.random.random() < 0.6 else int(self.random.integers(60, left - 60))
            whole.join(self.reading_turns(self.facts(count), room))
        facts = self.facts(1 + int(self.random.integers(0, max(1, min(10, length // 90)))))
        stated = []
        while len(whole) < length:
            draw = self.random.random()
            if len(stated) < len(facts) and draw < 0.35:
                stated.append(facts[len(stated)])
                whole.join(self.fact_turns(stated[-1]))
            elif stated and draw < 0.65:
                whole.join(self.ask_turns(stated[self.random.integers(0, len(stated))]))
            elif stated and draw < 0.72:
                whole.join(self.list_turns(stated))
            elif draw < 0.82:
                whole.join(self.talk_turns())
            elif draw < 0.94:
                whole.join(self.story_turns(length + 1 - len(whole)))
            else:
                whole.join(self.repeat_turns())
        return whole

    def table(self, length):
        """Lines of key and value, then the keys again."""
        size = int(self.random.integers(1, 6))
        most = max(2, int((length - 8) // (4 + size) * self.random.uniform(0.2, 0.5)))
        keys = [wording.KEYS[i] for i in self.random.permutation(len(wording.KEYS))[:most]]
        words = self.random.random() < 0.25
        values = {key: self.random_tokens(size) if words else self.value()[:size] for key in keys}
        whole = self.start()
        for key in keys:
            whole.add(self.encode(f"\n{key}: "), NOTHING).add(values[key], NOTHING)
        whole.add(self.encode("\nAgain:"), NOTHING)
        while len(whole) <= length:
            for index in self.random.permutation(len(keys)):
                line = self.encode(f"\n{keys[index]}: ")
                whole.add(line[:-2], NOTHING).add(line[-2:], TEMPLATE).add(values[keys[index]], ANSWER)
        return whole

    def copy(self, length):
        """Spans of random tokens, digits or prose, again after a gap."""
        whole = self.start()
        while len(whole) <= length:
            long = self.random.random() < 0.3
            most = max(6, min(length // 2 - 4, 200)) if long else 40
            size = int(self.random.integers(4, most))
            draw = self.random.random()
            if draw < 0.5:
                span, weight = self.random_tokens(size), NOTHING
            elif draw < 0.6:
                span, weight = [self.encode.digits[i] for i in self.random.integers(0, 10, size)], NOTHING
            else:
                span, weight = self.some_prose(size), FILLER
            whole.add(self.encode("\nCopy:"), NOTHING).add(span[:1], NOTHING).add(span[1:], weight)
            if self.random.random() < 0.4:
                gap = self.some_prose(int(self.random.integers(2, max(3, length // 3))))
                whole.add(gap[:1], NOTHING).add(gap[1:], FILLER)
            whole.add(self.encode("\nAgain:"), NOTHING).add(span, SAID)
        return whole

    def echo(self, length):
        """Warm-up: random spans, each at once followed by its copy."""
        whole = self.start()
        while len(whole) <= length:
            span = self.random_tokens(int(self.random.integers(6, 32)))
            whole.add(span, NOTHING).add(span[:1], NOTHING).add(span[1:], SAID)
        return whole

    def lookup(self, length):
        """Warm-up: random keys and values with the same filler between them, then the keys again."""
        count, size = int(self.random.integers(3, max(4, length // 10))), int(self.random.integers(1, 4))
        keys = self.random.permutation(self.encode.size - 3)[:count] + 3
        between, before = self.random_tokens(self.random.integers(0, 4)), self.random_tokens(self.random.integers(0, 3))
        digits = self.random.random() < 0.4
        values = [self.value()[:size] if digits else self.random_tokens(size) for _ in range(count)]
        whole, again = self.start(), False
        while len(whole) <= length:
            for index in self.random.permutation(count):
                whole.add(before + [int(keys[index])], NOTHING).add(between, 0.1 if again else NOTHING)
                value = values[index]
                whole.add(value[:1], ANSWER if again else NOTHING).add(value[1:], SAID if again else NOTHING)
            again = True
        return whole

    def plain(self, length):
        prose = self.some_prose(length)
        return self.start().add(prose[:1], NOTHING).add(prose[1:], PROSE)

    def random_tokens(self, count):
        return self.random.integers(3, self.encode.size, count).tolist()

    # Batches

    def sequence(self, length, mixture):
        """(ids [length + 1], weights [length + 1], positions [length]); `mixture` maps task names to shares."""
        names = list(mixture)
        shares = np.cumsum([mixture[name] for name in names])
        name = names[int(np.searchsorted(shares, self.random.random() * shares[-1], side="right"))]
        piece = getattr(self, name)(length)
        if len(piece) < length + 1:
            piece.add([END_OF_TEXT], NOTHING)
        if len(piece) < length + 1:
            prose = self.some_prose(length + 1 - len(piece))
            piece.add(prose[:1], NOTHING).add(prose[1:], FILLER)
        return piece.ids[: length + 1], piece.weights[: length + 1], self.positions(length)

    def positions(self, length):
        positions = np.arange(length)
        room = self.jump_to - length
        if room > 0 and self.random.random() < 0.5:
            jumps = int(self.random.integers(1, 4))
            sizes = self.random.dirichlet(np.ones(jumps + 1))[:jumps] * room
            for place, size in zip(np.sort(self.random.integers(1, length, jumps)), sizes):
                positions[place:] += int(size)
        return positions

    def batch(self, count, length, mixture):
        """(inputs, targets, weights, positions), each [count, length]."""
        rows = [self.sequence(length, mixture) for _ in range(count)]
        ids = np.array([row[0] for row in rows])
        weights = np.array([row[1] for row in rows], np.float32)
        return ids[:, :-1], ids[:, 1:], weights[:, 1:], np.stack([row[2] for row in rows])
