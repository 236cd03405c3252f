"""A vocabulary small enough to write down, so that tests of text mean something without any data."""

from __future__ import annotations

import string

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
# fmt: off
WORDS = [
    "the", "quick", "brown", "fox", "jump", "over", "lazy", "dog", "hello", "world", "un", "##aff", "##able", "new",
    "york", "low", "##er", "##est", "it", "is", "n't", "t", "s", "1", "12",
]
# fmt: on
PIECES = [*string.ascii_letters, *(f"##{c}" for c in string.ascii_letters), *string.digits, *"!?.,'-()[]<>#@", "##1"]
OTHERS = [
    "é",
    "ü",
    "中",
    "文",
    "가",
    "ᄀ",
    "##ᅡ",
    "я",
    "й",
    "и",
    "ñ",
    "##é",
    "ß",
    "α",
    "σ",
    "ς",
    "##ς",
    "##σ",
    "😀",
    "i̇",
    "##̇",
    "­",
]


def small_vocab() -> dict[str, int]:
    return {token: index for index, token in enumerate(dict.fromkeys([*SPECIAL, *WORDS, *PIECES, *OTHERS]))}
