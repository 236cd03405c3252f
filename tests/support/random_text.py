"""Random strings that mix what tokenizers get wrong: scripts, marks, emoji, controls, whitespace, look-alikes."""

from __future__ import annotations

import random
import string

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LOOK_ALIKES = ["[", "]", "[[", "[CLS", "CLS]", "[cls]", "[ CLS ]", "[CLS]]", "[MA\u0301SK]", "##", "##s", "[UNK][UNK]"]
WORDS = [
    "the",
    "unaffable",
    "embeddings",
    "NAÏVE",
    "isn't",
    "don't",
    "e-mail",
    "U.S.A.",
    "3.14",
    "1st",
    "ſtraße",
    "ΌΣΟΣ",
]
SPACES = [
    " ",
    "  ",
    "\t",
    "\n",
    "\r\n",
    "\x0b",
    "\x0c",
    "\x85",
    "\xa0",
    "\u1680",
    "\u2003",
    "\u2028",
    "\u202f",
    "\u3000",
]
CONTROLS = ["\x00", "\x01", "\x1c", "\x1f", "\x7f", "\x9f", "\xad", "\u200b", "\u200c", "\u200d", "\u200e", "\u2060"]
ODD = ["\ufeff", "\ufffd", "\ufffe", "\uffff", "\ue000", "\U0010ffff", "\U000e0041", "\u0378", "\U000323b0", "\ufdd0"]
EMOJI = ["😀", "👍🏽", "👨\u200d👩\u200d👧\u200d👦", "🏳\ufe0f\u200d🌈", "🇺🇳", "1\ufe0f\u20e3", "❤\ufe0f", "☃"]
MARKS = "\u0300\u0301\u0308\u030a\u0323\u0327\u0345\u0315\u031b\u0338"
MARKS += "\u0591\u05b0\u064b\u0651\u093c\u094d\u0e38\u0e48\u302a\u302e"
CASES = "İıſßẞǅǆŉΣςσᾳῼﬁﬄꟵⅣⓐ𝐀𐐀𞤀"
# First and last code point of stretches of letters, one line a family.
# fmt: off
SCRIPTS = [
    (0x41, 0x7A), (0xC0, 0x17F), (0x180, 0x24F), (0x1E00, 0x1EFF), (0x370, 0x3FF), (0x1F00, 0x1FFF), (0x400, 0x52F),
    (0x531, 0x587), (0x5D0, 0x5EA), (0x620, 0x6D3), (0x900, 0x97F), (0x980, 0x9FF), (0xB80, 0xBFF), (0xE01, 0xE5B),
    (0xF00, 0xFBC), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1780, 0x17F9), (0x13A0, 0x13FD),
    (0x3041, 0x30FF), (0xAC00, 0xD7A3), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2B740, 0x2EBE0),
    (0x2010, 0x205E), (0x20A0, 0x20C0), (0x2190, 0x23FF), (0xFF01, 0xFFEE), (0x1D400, 0x1D7FF), (0x1F300, 0x1FAFF),
]
# fmt: on
KINDS = [SPECIAL, LOOK_ALIKES, WORDS, SPACES, CONTROLS, ODD, EMOJI, list(MARKS), list(CASES), list(string.punctuation)]


def random_text(rng: random.Random, longest: int = 24) -> str:
    """Up to `longest` bits, of which neighbours are often of one script, as in real text."""
    bits: list[str] = []
    first, last = rng.choice(SCRIPTS)
    for _ in range(rng.randint(0, longest)):
        chance = rng.random()
        if chance < 0.35:
            bits.append(rng.choice(rng.choice(KINDS)))
        elif chance < 0.45:
            bits.append(rng.choice(SPACES[:2]))
        elif chance < 0.5:
            code = rng.randrange(0x110000)
            bits.append(chr(code if not 0xD800 <= code < 0xE000 else code - 0xD800))
        else:
            if rng.random() < 0.2:
                first, last = rng.choice(SCRIPTS)
            bits.append(chr(rng.randint(first, last)))
    return "".join(bits)


def random_texts(seed: str, number: int, longest: int = 24) -> list[str]:
    rng = random.Random(seed)
    return [random_text(rng, longest) for _ in range(number)]
