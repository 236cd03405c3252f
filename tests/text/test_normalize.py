"""The normaliser and the word splitter are the Rust library's, for every code point and for marks in any order."""

from __future__ import annotations

import pickle
import random
import re
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import normalizers, pre_tokenizers

from dovela.text import unicode_tables as tables
from dovela.text.normalize import BertNormalizer, character_class, code_points

# Every code point of the planes in use; of the empty and private ones each 61st.
CODE_POINTS = [
    c
    for c in range(0x110000)
    if not 0xD800 <= c < 0xE000 and (c < 0x33500 or 0xE0000 <= c < 0xE0200 or c % 61 == 0 or c > 0x10FFF0)
]
OPTIONS = list(product((True, False), (True, False), (None, True, False), (True, False)))
MARKS = [chr(c) for group in tables.COMBINING.split(" | ") for c in code_points(group)]
LETTERS = [*"aZÉǟİſßΣς 가각中豈ﬁẛ𝒜ǅ\u0344\u0f73\U0001d160\U00011938", *"\t\r\n\x00\x0b\x85\u200d\u3000\ue000\ufffd"]


def pair(*options: bool | None) -> tuple[BertNormalizer, normalizers.BertNormalizer]:
    return BertNormalizer(*options), normalizers.BertNormalizer(*options)


@pytest.mark.parametrize(
    "options",
    [(True, True, None, True), (True, True, None, False), (False, False, True, False), (False, True, False, True)],
)
def test_every_code_point_becomes_what_the_library_makes_of_it(options):
    ours, theirs = pair(*options)
    text = "x".join(map(chr, CODE_POINTS))
    assert ours.normalize(text) == theirs.normalize_str(text)


@pytest.mark.parametrize("options", OPTIONS)
def test_marks_in_any_order_under_every_option(options):
    ours, theirs = pair(*options)
    rng = random.Random(str(options))
    for _ in range(400):
        text = "".join(rng.choice(MARKS if rng.random() < 0.5 else LETTERS) for _ in range(rng.randint(1, 9)))
        assert ours.normalize(text) == theirs.normalize_str(text), ascii(text)


@settings(max_examples=300, deadline=None)
@given(st.text(), st.sampled_from(OPTIONS))
def test_any_text(text, options):
    ours, theirs = pair(*options)
    aligned, origin = ours.align(text)
    assert ours.normalize(text) == aligned == theirs.normalize_str(text)
    assert len(origin) == len(aligned)
    assert all(0 <= i < len(text) for i in origin)


def test_every_code_point_splits_words_as_in_the_library():
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    space, punctuation = character_class(tables.WHITESPACE), character_class(tables.PUNCTUATION)
    words = re.compile(f"[{punctuation}]|[^{space}{punctuation}]+")
    text = "x".join(map(chr, CODE_POINTS))
    assert words.findall(text) == [word for word, _ in split(text)]


def test_a_normalizer_survives_pickle():
    copy = pickle.loads(pickle.dumps(BertNormalizer(lowercase=False)))
    assert copy.normalize("É\x00 x") == "É x"


@pytest.mark.slow
def test_the_tables_are_what_this_version_of_the_library_says():
    script = Path(__file__).parents[2] / "scripts/make_unicode_tables.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
