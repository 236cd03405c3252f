"""The texts that tokenizers are measured on: real where the test data is, made up in the same sizes elsewhere."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

from .environments import ROOT

DATA = Path(os.environ.get("DOVELA_TEST_DATA", ROOT.parent / "shared" / "data")) / "text"
ENGLISH = ("wiki_en/wiki_00", "ewt_en/dev.txt", "ewt_en/test.txt", "sst2/train.tsv", "sst2/dev.tsv", "sst2/test.tsv")
MESSAGES = "sms_spam/SMSSpamCollection"
ALPHABETS = {
    "ar": range(0x0627, 0x064B),
    "de": "abcdefghiklmnoprstuvwzäöüß",
    "fr": "abcdefghijlmnopqrstuvxéèàçê",
    "hi": range(0x0905, 0x0940),
    "ko": range(0xAC00, 0xAE00),
    "ru": range(0x0430, 0x0450),
    "th": range(0x0E01, 0x0E2F),
    "tr": "abcçdefgğhıijklmnoöprsştuüvyz",
    "zh": range(0x4E00, 0x5000),
}
"""Language -> the letters that its made-up words consist of."""
MB = 1_000_000


def prose() -> list[str]:
    """6 MB of English lines: encyclopedia, web, reviews, messages, then the same lines joined in random pairs."""
    return stretch(english(), 6 * MB)


def sample() -> list[str]:
    """1 MB of `prose`, its lines drawn at random."""
    lines = prose()
    random.Random(1).shuffle(lines)
    return stretch(lines, MB)


def mentions() -> list[str]:
    """`sample` with a name at the end of every tenth line; `fixtures.py` adds such names to vocabularies."""
    return [f"{line} name{i % 10:05}x" if i % 10 == 0 else line for i, line in enumerate(sample())]


def languages() -> list[str]:
    """1.5 MB in nine languages of seven scripts, in turn."""
    columns = [
        read(f"multilingual_pud/{language}.txt") or made_up(letters, 1000) for language, letters in ALPHABETS.items()
    ]
    return stretch([line for row in zip(*columns, strict=False) for line in row], 3 * MB // 2)


def messages() -> list[str]:
    """0.4 MB of text messages, 80 characters each or so."""
    lines = [line.partition("\t")[2] for line in read(MESSAGES)] or [line[:80] for line in made_up(ALPHABETS["de"], MB)]
    return stretch(lines, 2 * MB // 5)


def long_text() -> list[str]:
    """One text of 1 MB."""
    return [" ".join(sample())]


TEXTS: dict[str, Callable[[], list[str]]] = {
    function.__name__: function for function in (prose, sample, mentions, languages, messages, long_text)
}


def english() -> list[str]:
    """Every different English line of the test data."""
    lines = [line.partition("\t")[0] for name in ENGLISH for line in read(name) if not line.startswith("<")]
    lines += [line.partition("\t")[2] for line in read(MESSAGES)]
    return list(dict.fromkeys(lines)) or made_up("abcdefghijklmnopqrstuvwxyz", 20_000)


def read(name: str) -> list[str]:
    """The lines of a file of the test data that are not blank; none where the file is absent."""
    path = DATA / name
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [line.strip().replace("\r", " ") for line in lines if line.strip()]


def made_up(letters: Sequence[str] | range, lines: int) -> list[str]:
    """Lines of 12 words on average, frequent and rare ones as language has them (Zipf)."""
    draw = random.Random(0)
    alphabet = [letter if isinstance(letter, str) else chr(letter) for letter in letters]
    words = ["".join(draw.choices(alphabet, k=draw.randint(2, 9))) for _ in range(20_000)]
    ranks = [1 / rank for rank in range(1, len(words) + 1)]
    return [" ".join(draw.choices(words, ranks, k=draw.randint(4, 20))) + "." for _ in range(min(lines, 20_000))]


def stretch(lines: Sequence[str], size: int) -> list[str]:
    """`size` bytes of UTF-8: the lines, then random pairs of them, so that hardly a line comes twice."""
    draw = random.Random(0)
    found, total = [], 0
    for number in range(size):
        line = lines[number] if number < len(lines) else f"{draw.choice(lines)} {draw.choice(lines)}"
        found.append(line)
        total += len(line.encode()) + 1
        if total >= size:
            break
    return found
