"""Added tokens with whitespace in them are found where the Rust library finds them, and nothing else is slowed down."""

from __future__ import annotations

import random

import pytest

from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.special_tokens import AddedToken
from small_vocab import small_vocab

VOCAB = small_vocab()
LETTERS = "ab  nw.é中\t\x00A"


@pytest.mark.parametrize("seed", range(12))
def test_random_tokens_in_random_texts(seed):
    rng = random.Random(seed)
    contents = {"".join(rng.choices(LETTERS, k=rng.randint(1, 6))) for _ in range(rng.randint(1, 5))}
    contents = {text for text in contents if text.strip("\x00")}  # the library never returns where nothing is left
    added = [AddedToken(text, normalized=rng.random() < 0.6, special=rng.random() < 0.3) for text in sorted(contents)]
    options = {"do_lower_case": rng.random() < 0.7, "tokenize_chinese_chars": rng.random() < 0.7}
    slow, fast, rust = (cls(VOCAB, **options) for cls in (BertTokenizer, BertTokenizerFast, BertTokenizerFast))
    for tokenizer in (slow, fast, rust):
        tokenizer.add_tokens(added)
    assert rust.backend_tokenizer is not None  # from here on it runs in Rust
    texts = ["".join(rng.choices(LETTERS, k=rng.randint(0, 14))) for _ in range(40)]
    texts += ["".join(rng.choice([t.content + " ", t.content, "ab ", " w"]) for t in added * 2) for _ in range(10)]
    expected = rust(texts, return_offsets_mapping=True).data
    for tokenizer in (slow, fast):
        for _ in range(2):  # the second time from memory
            assert tokenizer(texts, return_offsets_mapping=True).data == expected
            assert tokenizer(texts)["input_ids"] == expected["input_ids"]
        padded = tokenizer(texts, padding=True, return_tensors="np")["input_ids"].tolist()
        assert padded == rust(texts, padding=True)["input_ids"]


def test_a_first_part_without_the_second_is_no_reason_to_go_the_long_way(monkeypatch):
    tokenizer = BertTokenizer(VOCAB)
    tokenizer.add_tokens(["new york", "the low"])
    pipeline = tokenizer._current_pipeline()
    texts = ["a new fox is the quick anew", "newyork the"]
    expected = tokenizer(texts)["input_ids"]
    monkeypatch.setattr(pipeline, "tokens", None)
    assert tokenizer(texts)["input_ids"] == expected
    monkeypatch.undo()
    assert tokenizer.convert_tokens_to_ids("new york") in tokenizer("a new york fox")["input_ids"]


def test_only_the_stretches_that_a_token_joins_go_the_long_way(monkeypatch):
    tokenizer = BertTokenizer(VOCAB)
    tokenizer.add_tokens(["new york", "the low"])
    pipeline = tokenizer._current_pipeline()
    seen, long_way = [], pipeline.tokens
    monkeypatch.setattr(pipeline, "tokens", lambda text: seen.append(text) or long_way(text))
    texts = ["a new york fox is the low quick new york", "a  new york  fox", "the lower new york is"]
    ids = tokenizer(texts)["input_ids"]
    assert set(seen) == {"new york", "the low", "the lower"}  # the last begins as a token does
    monkeypatch.undo()
    assert ids == [[tokenizer.cls_token_id, *long_way(text).ids, tokenizer.sep_token_id] for text in texts]
