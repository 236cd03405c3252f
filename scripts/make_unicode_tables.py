"""Write src/dovela/text/unicode_tables.py: what the Rust library `tokenizers` knows about every code point.

Its tables come from several crates with Unicode versions of their own, and Python's `unicodedata` changes with every
Python. So nothing is looked up: each code point is put through the library and what comes out is written down.

    python scripts/make_unicode_tables.py           # rewrite the file (about 20 seconds)
    python scripts/make_unicode_tables.py --check   # exit 1 where the file differs
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

TARGET = Path(__file__).parents[1] / "src/dovela/text/unicode_tables.py"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]  # a lone surrogate is no text
HANGUL = range(0xAC00, 0xAC00 + 11172)  # decomposed by arithmetic

HEADER = '''\
"""What the Rust library `tokenizers` knows about code points. Made by scripts/make_unicode_tables.py: do not edit.

A range is "first-last" in hexadecimal. A mapping is two strings of equal length, from and to.
"""
# fmt: off

'''


def changes(normalizer: normalizers.Normalizer) -> dict[int, str]:
    """Every code point that `normalizer` does not leave alone, with what becomes of it."""
    out = {c: normalizer.normalize_str(chr(c)) for c in CODE_POINTS}
    return {c: text for c, text in out.items() if text != chr(c)}


def split_roles() -> tuple[list[int], list[int]]:
    """The code points that the BERT pre-tokeniser drops as whitespace, and those it isolates as punctuation."""
    pieces = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    count = {c: len(pieces(f"a{chr(c)}a")) for c in CODE_POINTS}
    return [c for c, n in count.items() if n == 2], [c for c, n in count.items() if n == 3]


def word_characters() -> list[int]:
    """The code points that keep a `single_word` added token from matching beside them (Rust's `\\\\w`)."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0, "\N{SECTION SIGN}": 1}, unk_token="?"))
    tokenizer.add_tokens([AddedToken("\N{SECTION SIGN}", single_word=True, normalized=False)])
    word = []
    for start in range(0, len(CODE_POINTS), 100_000):
        chunk = CODE_POINTS[start : start + 100_000]
        encoded = tokenizer.encode_batch(["\N{SECTION SIGN}" + chr(c) for c in chunk])
        word += [c for c, e in zip(chunk, encoded, strict=True) if 1 not in e.ids]
    return word


def combining_classes() -> dict[int, int]:
    """Code point -> rank of its canonical combining class, found by watching how NFD reorders pairs."""
    nfd: Callable[[str], str] = normalizers.NFD().normalize_str
    low, high = "\u0334", "\u0345"  # of the lowest class in use and of the highest
    plain = [c for c in CODE_POINTS if nfd(chr(c)) == chr(c)]
    marks = [
        c for c in plain if nfd(f"a{chr(c)}{low}") != f"a{chr(c)}{low}" or nfd(f"a{high}{chr(c)}") != f"a{high}{chr(c)}"
    ]
    marks = sorted({*marks, ord(low), ord(high)})

    def before(a: int, b: int) -> bool:  # whether a's class is lower than b's
        return nfd(f"a{chr(b)}{chr(a)}") == f"a{chr(a)}{chr(b)}"

    ordered: list[list[int]] = []  # groups of equal class, lowest first
    for mark in marks:
        place = next((i for i, group in enumerate(ordered) if not before(group[0], mark)), len(ordered))
        if place < len(ordered) and not before(mark, ordered[place][0]):
            ordered[place].append(mark)
        else:
            ordered.insert(place, [mark])
    return {mark: rank for rank, group in enumerate(ordered, 1) for mark in group}


def ranges(codes: Iterable[int]) -> str:
    codes = sorted(codes)
    starts = [codes[0]] + [b for a, b in pairwise(codes) if b != a + 1]
    ends = [a for a, b in pairwise(codes) if b != a + 1] + [codes[-1]]
    return " ".join(f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in zip(starts, ends, strict=True))


def literal(name: str, why: str, text: str) -> str:
    lines = textwrap.wrap(text, 110)
    body = (
        "\n".join(f'    "{line} "' for line in lines[:-1]) + f'\n    "{lines[-1]}"\n'
        if len(lines) > 1
        else f'    "{text}"\n'
    )
    return f"# {why}\n{name} = (\n{body.lstrip(chr(10))})\n\n"


def characters(name: str, text: str) -> str:
    escaped = [ascii(c)[1:-1] if c not in "\"'\\" else "\\" + c for c in text]
    rows = ["".join(escaped[i : i + 18]) for i in range(0, len(escaped), 18)]
    return f"{name} = (\n" + "".join(f'    "{row}"\n' for row in rows) + ")\n\n"


def mapping(name: str, why: str, table: dict[int, str]) -> str:
    one = {c: text for c, text in table.items() if len(text) == 1}
    more = {c: text for c, text in table.items() if len(text) > 1}
    out = (
        f"# {why}\n"
        + characters(f"{name}_FROM", "".join(map(chr, one)))
        + characters(f"{name}_TO", "".join(one.values()))
    )
    rows = "".join(f'    0x{c:X}: "{ascii(text)[1:-1]}",\n' for c, text in more.items())
    return out + f"{name}_LONG = {{\n{rows}}}\n\n"


def build() -> str:
    bert = normalizers.BertNormalizer
    clean = changes(bert(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False))
    cjk = changes(bert(clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False))
    strip = changes(bert(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False))
    lower = changes(bert(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=True))
    whitespace, punctuation = split_roles()
    classes = combining_classes()
    drop = [c for c, text in strip.items() if not text]
    strip = {c: text for c, text in strip.items() if text and c not in HANGUL}
    groups = [ranges(c for c in classes if classes[c] == rank) for rank in sorted(set(classes.values()))]
    return (
        HEADER
        + literal("WHITESPACE", "Splits words.", ranges(whitespace))
        + literal("PUNCTUATION", "Becomes a word of its own.", ranges(punctuation))
        + literal(
            "WORD", "Letters, marks, digits and connectors: what `single_word` looks at.", ranges(word_characters())
        )
        + literal("IDEOGRAPHS", "Spaced apart by `tokenize_chinese_chars`.", ranges(cjk))
        + literal("CLEAN_DROPS", "Removed by `clean_text`.", ranges(c for c, text in clean.items() if text == ""))
        + literal(
            "CLEAN_SPACES",
            "Turned into a space by `clean_text`.",
            ranges(c for c, text in clean.items() if text == " "),
        )
        + literal("ACCENTS", "Removed by `strip_accents`.", ranges(drop))
        + mapping("STRIP", "The decomposition without its accents (Hangul is decomposed by arithmetic).", strip)
        + mapping("LOWER", "The lower case.", lower)
        + literal(
            "COMBINING", "Marks by combining class, lowest first, classes separated by a bar.", " | ".join(groups)
        )
    ).rstrip("\n") + "\n"


if __name__ == "__main__":
    text = build()
    if "--check" in sys.argv:
        sys.exit(0 if TARGET.read_text("utf-8") == text else f"{TARGET} is not what this `tokenizers` says")
    TARGET.write_text(text, "utf-8")
