"""The engine that remembers gives what a fresh one gives, whoever else uses it, and forgets what it need not carry."""

from __future__ import annotations

import pickle
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text import memory
from dovela.text.added_tokens import AnyOf
from dovela.text.special_tokens import AddedToken
from small_vocab import small_vocab

VOCAB = small_vocab()
TEXTS = [
    "the fox, unaffable!",
    " two  spaces\tand a tab ",
    "a\x0bb \x1c c\x85d",
    "new york [MASK]. foo bar <x>",
    "",
    "中文 é\u0301 x",
    "one",
]
ADDED = [
    AddedToken("foo bar"),
    AddedToken("<x>", normalized=False, lstrip=True),
    AddedToken("fox", single_word=True),
    AddedToken(" lead"),
    AddedToken("wide", rstrip=True),
]
BOTH = pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])


@pytest.mark.parametrize("added", [[], ADDED, [AddedToken("  ")]], ids=["none", "some", "whitespace"])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("length", [None, 2, 5])
def test_columns_are_what_the_rows_and_the_library_say(added, side, length):
    fast = BertTokenizerFast(VOCAB, truncation_side=side, padding_side=side)
    rust = BertTokenizerFast(VOCAB, truncation_side=side, padding_side=side)
    slow = BertTokenizer(VOCAB, truncation_side=side, padding_side=side)
    options = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
    options |= {"truncation": True, "max_length": length, "padding": True} if length else {}
    for tokenizer in (fast, rust, slow):
        tokenizer.add_tokens(added)
    texts = [*TEXTS, "so wide a lead <x> fox"]
    assert rust.backend_tokenizer is not None  # from here on it runs in Rust
    expected = rust(texts, **options)
    for tokenizer in (fast, slow):
        for _ in range(2):  # the second time from memory
            batch = tokenizer(texts, **options)
            assert batch.data == expected.data
            assert [row.ids for row in batch.encodings] == expected["input_ids"]
            assert [row.offsets for row in batch.encodings] == expected["offset_mapping"]
            assert [row.word_ids for row in batch.encodings] == [row.word_ids for row in expected.encodings]
    arrays = slow(texts, padding=True, return_tensors="np", **({"max_length": 5, "truncation": True} if length else {}))
    lists = slow(texts, padding=True, **({"max_length": 5, "truncation": True} if length else {}))
    assert {name: array.tolist() for name, array in arrays.items()} == lists.data


@BOTH
def test_a_full_memory_is_emptied_and_threads_may_share_it(cls, monkeypatch):
    monkeypatch.setattr(memory, "MOST_KEYS", 3)
    tokenizer, texts = cls(VOCAB), TEXTS * 20
    expected = [cls(VOCAB)(text)["input_ids"] for text in texts]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: tokenizer(texts)["input_ids"], range(8)):
            assert found == expected
    assert pickle.loads(pickle.dumps(tokenizer))(texts)["input_ids"] == expected


@BOTH
def test_rows_made_later_are_those_of_the_call(cls):
    tokenizer = cls(VOCAB)
    batch = tokenizer(["the foxes"])
    tokenizer.add_tokens(["fox"])
    assert [row.ids for row in batch.encodings] == batch["input_ids"]
    assert tokenizer(["the foxes"])["input_ids"] != batch["input_ids"]


def test_what_is_changed_on_the_backend_counts():
    tokenizer = BertTokenizerFast(VOCAB)
    before = tokenizer(["The fox"])["input_ids"]
    tokenizer.backend_tokenizer.normalizer.lowercase = False
    assert tokenizer(["The fox"])["input_ids"] != before


def test_the_longest_of_those_that_start_leftmost():
    search = AnyOf({"a", "abc", "abcd", "x", "]^-"})
    assert search.find("zzabcx") == (2, 5)
    assert search.find("zzabx", 3) == (4, 5)
    assert AnyOf({"fox", "foxes"}).find("a fox") == (2, 5)
    assert search.find("ab]^-") == (0, 1)
    assert search.find("]^-") == (0, 3)
    assert search.find("nothing: bcd") is None


def test_any_of_many_is_found_as_by_trying_each():
    rng = random.Random(0)
    for _ in range(200):
        strings = {"".join(rng.choices("ab ", k=rng.randint(1, 7))) for _ in range(rng.randint(1, 12))}
        search, text = AnyOf(strings), "".join(rng.choices("abc ", k=30))
        tried = ((i, i + n) for i in range(30) for n in range(7, 0, -1) if i + n <= 30 and text[i : i + n] in strings)
        assert search.find(text) == next(tried, None)
