"""All of Unicode and of the test data: the Python engine, the fast one and the bare Rust library give the same rows."""

from __future__ import annotations

from itertools import product

import pytest
from tokenizers import normalizers

from bare_tokenizers import bare, view
from data import data_path
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.normalize import BertNormalizer
from dovela.text.vocabulary import read_vocabulary
from random_text import random_texts
from small_vocab import small_vocab

CODE_POINTS = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]  # all that a text may hold
IN_USE = [c for c in CODE_POINTS if ord(c) < 0x33500 or 0xE0000 <= ord(c) < 0xE0200]
LOWER = {
    "bert-base-uncased": True,
    "bert-base-cased": False,
    "bert-base-chinese": True,
    "bert-base-multilingual-cased": False,
}
OPTIONS = [
    dict(zip(("clean_text", "tokenize_chinese_chars", "strip_accents", "do_lower_case"), values, strict=True))
    for values in product((True, False), (True, False), (None, True, False), (True, False))
]


def batched(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def engines(vocab, **options):
    return BertTokenizer(vocab, **options), BertTokenizerFast(vocab, **options), bare(vocab, **options)


def agree(triple, inputs, size=20_000):
    slow, fast, rust = triple
    for some in batched(inputs, size):
        expected = [view(row) for row in rust.encode_batch(list(some))]
        for tokenizer in (slow, fast):
            rows = tokenizer(list(some)).encodings
            wrong = [
                (ascii(text), view(row), wanted)
                for text, row, wanted in zip(some, rows, expected, strict=True)
                if view(row) != wanted
            ]
            assert not wrong, (type(tokenizer).__name__, len(wrong), wrong[:3])


@pytest.fixture(scope="module")
def telling_vocab():
    """Every code point in use is a token, at the start of a word and within: ids tell each character apart."""
    tokens = dict.fromkeys([*small_vocab(), *IN_USE, *(f"##{c}" for c in IN_USE)])
    return {token: index for index, token in enumerate(tokens)}


@pytest.mark.slow
@pytest.mark.parametrize("lower", [True, False])
def test_every_code_point_between_letters_and_between_spaces(telling_vocab, lower):
    triple = engines(telling_vocab, do_lower_case=lower)
    for form in ("a{}b ", "a {} b "):
        agree(triple, ["".join(map(form.format, some)) for some in batched(CODE_POINTS, 512)], size=200)


@pytest.mark.slow
@pytest.mark.parametrize("lower", [True, False])
def test_every_code_point_alone(telling_vocab, lower):
    agree(engines(telling_vocab, do_lower_case=lower), CODE_POINTS)


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_every_code_point_becomes_the_same_under_every_option(options):
    theirs = {"tokenize_chinese_chars": "handle_chinese_chars", "do_lower_case": "lowercase"}
    named = {theirs.get(name, name): value for name, value in options.items()}
    ours, rust = BertNormalizer(**named), normalizers.BertNormalizer(**named)
    text = "x".join(CODE_POINTS)
    assert ours.normalize(text) == rust.normalize_str(text)


@pytest.mark.parametrize("name", LOWER)
def test_random_strings(name):
    """Each vocabulary with the case it was made for."""
    vocab = read_vocabulary("test", data_path(f"vocab/{name}/vocab.txt"))
    agree(engines(vocab, do_lower_case=LOWER[name]), random_texts(name, 1250))


@pytest.mark.slow
@pytest.mark.parametrize("lower", [True, False])
def test_many_random_strings(telling_vocab, lower):
    agree(engines(telling_vocab, do_lower_case=lower), random_texts(f"many {lower}", 50_000))


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_random_strings_under_every_option(options):
    agree(engines(small_vocab(), **options), random_texts(str(options), 200))


@pytest.mark.slow
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_many_random_strings_under_every_option(telling_vocab, options):
    agree(engines(telling_vocab, **options), random_texts(f"options {options}", 2_000))


@pytest.mark.parametrize("seed", range(3))
def test_random_pairs(seed):
    texts = random_texts(f"pairs {seed}", 400, longest=12)
    agree(engines(small_vocab()), list(zip(texts[::2], texts[1::2], strict=True)))


@pytest.mark.slow
@pytest.mark.parametrize("name", LOWER)
@pytest.mark.parametrize(
    "options",
    [
        {"do_lower_case": True},
        {"do_lower_case": False},
        {"strip_accents": False, "do_lower_case": True},
        {"strip_accents": True, "do_lower_case": False},
        {"tokenize_chinese_chars": False},
        {"clean_text": False},
    ],
    ids=str,
)
def test_every_text_with_every_vocabulary_and_option(name, options):
    vocab = read_vocabulary("test", data_path(f"vocab/{name}/vocab.txt"))
    files = sorted(path for path in data_path("text").rglob("*") if path.is_file())
    texts = [path.read_bytes().decode() for path in files]
    lines = list(dict.fromkeys(line for text in texts for line in text.split("\n")))
    triple = engines(vocab, **{"do_lower_case": LOWER[name]} | options)
    agree(triple, lines)
    if "do_lower_case" in options:  # whole files too, for what happens across lines
        agree(triple, texts, size=4)
