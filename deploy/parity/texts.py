"""Random and adversarial strings: a function of the seed, the same on every machine."""

import functools
import random
import unicodedata

SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\r", "\u00a0", "\u3000", "\u2003", "\u200b", "\u1680", "\u2028",
          "\u0085", "\x0b", "\x0c", "\u202f", "\u180e", "\ufeff"]
WORDS = ["the", "The", "THE", "hello", "world", "Hello", "I'm", "don't", "We'LL", "it's", "IT'S", "they've", "you'd", "café",
         "naïve", "straße", "ſ", "'ſ", "K", "İstanbul", "ﬁne", "Ωmega", "ångström", "Привет", "мир", "日本語", "東京", "こんにちは",
         "カタカナ", "ｶﾀｶﾅ", "안녕하세요", "한국어", "ᄀ", "ᅡ", "ᆨ", "مرحبا", "שלום", "नमस्ते", "สวัสดี", "ကမ္ဘာ", "தமிழ்", "ABC123def",
         "camelCase", "snake_case", "HTTPServer", "e\u0301", "a\u0308\u0323", "\u0301", "n\u0303o", "x²", "½", "Ⅷ", "①", "٣٤٥",
         "३४", "１２３", "€100", "🙂", "👨‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇫🇷", "❤️", "\u200d", "\u200c", "\ufe0f", "𝔘𝔫𝔦", "𐍈", "ㅎㅎ", "⼀",
         "▁", "▁▁", "##", "Ġ", "Ċ", "<0x0A>", "<0xE2>", "\ufffd", "ﷺ", "㍿", "ǅ", "ß", "ẞ", "Σίσυφος", "ΟΔΟΣ"]
CODE = ["def f(x):\n    return x + 1\n", "for (int i=0; i<10; i++) {", "a==b&&c||d", "https://example.com/a?b=c&d=%20",
        "{\"key\": [1, 2, 3.14]}", "// comment\n", "\\n\\t", "x -> y", "::", "...", "!!!", "?!", "--", "==", "</div>", "$1,000.00",
        "#include <stdio.h>", "```", "'''", "\"\"\"", "@user", "50%", "1e-5", "0xFF", "3.14159", "2024-01-31T12:00:00Z",
        "C:\\Users\\x", "a\u2019s", "“quoted”", "‘x’", "—", "…", "·", "。", "、", "！", "（）"]


@functools.cache
def _assigned():
    """Characters that Unicode 14 assigns, by plane and kind, and some that are none: private use and noncharacters."""
    groups = {}
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        category = unicodedata.category(chr(code))
        if category == "Cn" and (code & 0xFFFE) != 0xFFFE:
            continue
        groups.setdefault((category, code >> 16), []).append(code)
    return groups


class Texts:
    """An endless stream of strings. `specials` are texts of control and added tokens, mixed in where given; the
    characters in `excluded` do not occur."""

    def __init__(self, seed, specials=(), pieces=(), excluded=frozenset()):
        self.excluded = dict.fromkeys(map(ord, excluded))
        self.random = random.Random(seed)
        self.groups = list(_assigned().values())
        self.specials = list(specials)
        self.pieces = list(pieces)

    def character(self):
        return chr(self.random.choice(self.random.choice(self.groups)))

    def _random(self):
        return "".join(self.character() for _ in range(self.random.randint(1, 40)))

    def _words(self):
        parts = []
        for _ in range(self.random.randint(1, 14)):
            parts.append(self.random.choice(WORDS))
            parts.append(self.random.choice(SPACES) if self.random.random() < 0.5 else " ")
        return "".join(parts)

    def _code(self):
        return "".join(self.random.choice(CODE) + self.random.choice(["", " ", "\n", "    "]) for _ in
                       range(self.random.randint(1, 8)))

    def _digits(self):
        alphabet = self.random.choice(["0123456789", "0123456789,. ", "٠١٢٣٤٥٦٧٨٩", "0123456789²½Ⅷ①", "0123456789abc"])
        return "".join(self.random.choice(alphabet) for _ in range(self.random.randint(1, 30)))

    def _runs(self):
        text = ""
        for _ in range(self.random.randint(1, 5)):
            text += self.random.choice(SPACES + ["a", "A", "1", "!", "=", "é", "日", "🙂", "\x00", "\u0301", "'", "ab", "aB"]
                                       ) * self.random.randint(1, 40)
        return text

    def _spaces(self):
        return "".join(self.random.choice(SPACES + ["a", "."]) for _ in range(self.random.randint(1, 20)))

    def _control(self):
        return "".join(chr(self.random.choice(list(range(32)) + [127, 128, 133, 159, 173, 0x200E, 0x202E, 0xE0001]))
                       + self.random.choice(["", "a", " "]) for _ in range(self.random.randint(1, 12)))

    def _marks(self):
        text = ""
        for _ in range(self.random.randint(1, 12)):
            text += self.random.choice(["a", "e", "q", "o", "日", "한", " ", "ᄒ", "Å", "ש", "क"])
            text += "".join(chr(self.random.choice([0x300, 0x301, 0x308, 0x323, 0x327, 0x338, 0x345, 0x5B0, 0x64B, 0x93C, 0x94D,
                                                    0x200D, 0xFE0F, 0x1161, 0x11A8, 0x20DD, 0x1D165]))
                            for _ in range(self.random.randint(0, 3)))
        return text

    def _long_word(self):
        alphabet = self.random.choice(["abcdefghijklmnopqrstuvwxyz", "ab", "абвгд", "가나다라", "ABCdef", "ابتث", "あいう"])
        return "".join(self.random.choice(alphabet) for _ in range(self.random.randint(30, 200)))

    def _special(self):
        if not self.specials:
            return self._words()
        parts = []
        for _ in range(self.random.randint(1, 6)):
            parts.append(self.random.choice(self.specials))
            parts.append(self.random.choice(["", " ", "  ", "\n", "a", " a ", "\u00a0", self.random.choice(WORDS)]))
        text = "".join(parts)
        if self.random.random() < 0.2:
            cut = self.random.randint(0, len(text))
            text = text[cut:] if self.random.random() < 0.5 else text[:cut]
        return text

    def _pieces(self):
        if not self.pieces:
            return self._words()
        return "".join(self.random.choice(self.pieces) for _ in range(self.random.randint(1, 20)))

    def _mixed(self):
        kinds = [self._random, self._words, self._code, self._digits, self._runs, self._marks, self._spaces, self._pieces]
        return "".join(self.random.choice(kinds)()[:40] for _ in range(self.random.randint(2, 4)))

    def next(self):
        kinds = [self._random, self._words, self._code, self._digits, self._runs, self._spaces, self._control, self._marks,
                 self._long_word, self._special, self._pieces, self._mixed]
        return self.random.choice(kinds)().translate(self.excluded)

    def list(self, count):
        return [self.next() for _ in range(count)]

    def long(self):
        """A few texts of tens of thousands of characters."""
        return ["".join(self.list(count)) for count in (700, 2000)]

    def sweep(self):
        """Every assigned character once, private use left out, between letters."""
        codes = [code for (category, _), group in _assigned().items() if category not in ("Co", "Cn") for code in group]
        return ["".join(f"a{chr(code)}" for code in codes[place:place + 20]).translate(self.excluded) + "b"
                for place in range(0, len(codes), 20)]
