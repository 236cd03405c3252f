"""One specification: the Python engine, the fast one and the bare Rust library give the same rows."""

from __future__ import annotations

import random

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from bare_tokenizers import bare, view
from data import data_path
from dovela.errors import InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.normalize import BertNormalizer
from dovela.text.special_tokens import AddedToken
from dovela.text.vocabulary import read_vocabulary
from small_vocab import small_vocab

VOCAB = small_vocab()
CASED = {
    "bert-base-uncased": False,
    "bert-base-cased": True,
    "bert-base-chinese": False,
    "bert-base-multilingual-cased": True,
}
OPTIONS = [
    {"do_lower_case": False},
    {"strip_accents": True, "do_lower_case": False},
    {"strip_accents": False},
    {"tokenize_chinese_chars": False},
    {"clean_text": False},
    {"clean_text": False, "tokenize_chinese_chars": False, "strip_accents": False, "do_lower_case": False},
]
# Special tokens and their look-alikes, what added tokens are made of, marks, controls, and whitespace of all sorts.
ATOMS = [
    *("[CLS]", "[SEP]", "[MASK]", "[UNK]", "[PAD]", "[", "]", "[CL", "MASK]", "[mask]", "<x>", "<x", "##", "##a"),
    *(
        "foo",
        "foobar",
        "Foo",
        "bar",
        "é",
        "e\u0301",
        "É",
        "naïve",
        "a",
        "ab",
        "the",
        "unaffable",
        "_",
        "1",
        "12",
        "!",
        "'",
    ),
    *(
        " ",
        "  ",
        "\t",
        "\n",
        "\r",
        "\u3000",
        "\xa0",
        "\u2028",
        "\x00",
        "\x0b",
        "\x1c",
        "\x85",
        "\u200d",
        "\ufeff",
        "\ufffd",
    ),
    *(
        "中",
        "東京",
        "가",
        "각",
        "İ",
        "ǅ",
        "ß",
        "ẞ",
        "Σ",
        "ς",
        "ﬁ",
        "😀",
        "👨\u200d👩\u200d👧",
        "\u0301",
        "\u0327",
        "\u302e",
        "\u302a",
    ),
    *("x" * 100, "x" * 101, "\ue000", "\U000e0001", "\U0001d160", "\u0f73"),
]
ADDED = [
    "foo",
    "foobar",
    "É",
    "<x>",
    "ab",
    "Foo Bar",
    "a",
    "[X]",
    " lead",
    "中",
    "e\u0301",
    "naïve",
    "!",
    "ſ",
    "가",
    "\u0301x",
]

texts = st.lists(st.sampled_from(ATOMS) | st.characters(codec="utf-8"), max_size=12).map("".join)
added = st.lists(
    st.builds(
        AddedToken,
        st.sampled_from(ADDED),
        single_word=st.booleans(),
        lstrip=st.booleans(),
        rstrip=st.booleans(),
        normalized=st.booleans(),
        special=st.booleans(),
    ),
    max_size=5,
    # Of two that normalise alike the library takes either, by the order of a hash table.
    unique_by=lambda token: BertNormalizer().normalize(token.content),
)
options = st.fixed_dictionaries(
    {
        "clean_text": st.booleans(),
        "tokenize_chinese_chars": st.booleans(),
        "strip_accents": st.sampled_from([None, True, False]),
        "do_lower_case": st.booleans(),
    }
)


def engines(vocab, tokens=(), **options):
    """The two engines and the bare library, set up alike."""
    slow, fast = BertTokenizer(vocab, **options), BertTokenizerFast(vocab, **options)
    slow.add_tokens(list(tokens))
    fast.add_tokens(list(tokens))
    return slow, fast, bare(vocab, [tokenizers.AddedToken(**t.to_dict()) for t in tokens], **options)


def agree(slow, fast, rust, inputs, words=False):
    expected = rust.encode_batch(inputs, is_pretokenized=words)
    for tokenizer in (slow, fast):
        rows = tokenizer(inputs, is_split_into_words=words).encodings
        for text, row, wanted in zip(inputs, rows, expected, strict=True):
            assert view(row) == view(wanted), (type(tokenizer).__name__, text)


def lines():
    files = sorted(path for path in data_path("text").rglob("*") if path.is_file())
    return list(dict.fromkeys(line for path in files for line in path.read_bytes().decode().split("\n")))


@pytest.mark.parametrize("name", CASED)
def test_every_line_of_the_test_texts(name):
    vocab = read_vocabulary("test", data_path(f"vocab/{name}/vocab.txt"))
    agree(*engines(vocab, do_lower_case=not CASED[name]), lines())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_lines_under_each_option_of_the_normalizer(options):
    vocab = read_vocabulary("test", data_path("vocab/bert-base-multilingual-cased/vocab.txt"))
    agree(*engines(vocab, **options), lines()[::40])


@pytest.mark.parametrize("lower", [True, False])
def test_every_code_point_alone_and_between_letters(lower):
    codes = [chr(c) for c in range(0x20000) if not 0xD800 <= c < 0xE000 and (c < 0x3400 or c % 11 == 0)]
    triple = engines(VOCAB, do_lower_case=lower)
    agree(*triple, codes)
    agree(*triple, [f"a{c}b {c}" for c in codes])


@settings(max_examples=250, deadline=None)
@given(added, options, st.lists(texts, min_size=1, max_size=6))
def test_any_text_with_any_added_tokens(tokens, options, inputs):
    agree(*engines(VOCAB, tokens, **options), inputs)


@settings(max_examples=100, deadline=None)
@given(added, st.lists(st.tuples(texts, texts), min_size=1, max_size=3), st.lists(texts, min_size=1, max_size=4))
def test_pairs_and_split_words(tokens, pairs, words):
    triple = engines(VOCAB, tokens)
    agree(*triple, pairs)
    agree(*triple, [words], words=True)


def test_added_tokens_get_the_same_ids_in_both_engines():
    tokens = [AddedToken("b b", special=True), "zz", AddedToken("the"), "zz", AddedToken("yy", normalized=False)]
    slow, fast = BertTokenizer(VOCAB), BertTokenizerFast(VOCAB)
    assert slow.add_tokens(tokens) == fast.add_tokens(tokens) == 3
    assert slow.get_vocab() == fast.get_vocab()
    assert slow.get_added_vocab() == fast.get_added_vocab()
    assert slow.added_tokens_decoder == fast.added_tokens_decoder
    assert len(slow) == len(fast) == len(VOCAB) + 3
    assert slow.vocab_size == fast.vocab_size == len(VOCAB)


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("strategy", ["longest_first", "only_first", "only_second"])
def test_truncation_overflow_and_stride(strategy, side, special):
    slow, fast, rust = engines(VOCAB)
    slow.truncation_side = fast.truncation_side = side
    rng = random.Random(0)
    compared = 0
    for _ in range(150):
        first, second = (" ".join(rng.choices(["a", "b", "c", "d", "e"], k=rng.randint(0, 9))) for _ in range(2))
        inputs = (first, second) if strategy == "only_second" or rng.random() < 0.6 else (first,)
        length, stride = rng.randint(3, 14), rng.choice([0, 0, 1, 2])
        outcome = []
        for tokenizer in (slow, fast):
            try:
                made = tokenizer(
                    *inputs,
                    truncation=strategy,
                    max_length=length,
                    stride=stride,
                    add_special_tokens=special,
                    return_overflowing_tokens=True,
                )
                outcome.append([view(row) for row in made.encodings])
            except InputError:
                outcome.append("refused")
        assert outcome[0] == outcome[1]
        if outcome[0] != "refused":
            rust.enable_truncation(length, stride=stride, strategy=strategy, direction=side)
            row = rust.encode(*inputs, add_special_tokens=special)
            assert outcome[0] == [view(r) for r in [row, *row.overflowing]]
            compared += 1
    assert compared > 50


def test_special_tokens_may_be_ordinary_text():
    slow, fast = (cls(VOCAB, split_special_tokens=True) for cls in (BertTokenizer, BertTokenizerFast))
    rust = bare(VOCAB)
    rust.encode_special_tokens = True
    agree(slow, fast, rust, ["the [MASK] fox [SEP]", "[CLS]", "a[UNK]b"])
    assert VOCAB["[MASK]"] not in slow("the [MASK] fox")["input_ids"]
