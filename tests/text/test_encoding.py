"""What a batch and its rows can be asked; the Rust library's own rows answer for the expected values."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest

from bare_tokenizers import bare
from dovela.errors import InputError, MissingBackend
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.encoding import BatchEncoding, CharSpan, TokenSpan
from small_vocab import small_vocab

VOCAB = small_vocab()
TEXTS = ["Unaffable fox, é!", "hello", "中文 [MASK] lowest"]
PAIRS = ["new york isn't lower", "", "the é"]
BOTH = pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])


@BOTH
@pytest.mark.parametrize("side", ["left", "right"])
def test_look_ups_agree_with_the_library(cls, side):
    batch = cls(VOCAB)(TEXTS, PAIRS, padding=True, padding_side=side)
    rust = bare(VOCAB)
    rust.enable_padding(direction=side)
    assert batch.n_sequences == 2
    for i, row in enumerate(rust.encode_batch(list(zip(TEXTS, PAIRS, strict=True)))):
        assert batch.tokens(i) == row.tokens
        assert batch.word_ids(i) == batch.words(i) == row.word_ids
        assert batch.sequence_ids(i) == row.sequence_ids
        for sequence in (0, 1):
            for k in range(20):
                assert batch.char_to_token(i, k, sequence) == row.char_to_token(k, sequence)
                assert batch.char_to_word(i, k, sequence) == row.char_to_word(k, sequence)
                assert batch.word_to_tokens(i, k, sequence) == row.word_to_tokens(k, sequence)
                assert batch.word_to_chars(i, k, sequence) == row.word_to_chars(k, sequence)
        for k in range(len(row.ids)):
            found = row.token_to_chars(k)
            assert batch.token_to_chars(i, k) == (found if found is None else tuple(found))
            assert batch.token_to_sequence(i, k) == row.sequence_ids[k]
            assert batch.token_to_word(i, k) == row.word_ids[k]


@BOTH
def test_one_row_needs_no_number(cls):
    batch = cls(VOCAB)("Unaffable fox")
    assert batch.char_to_token(10) == batch.char_to_token(0, 10) == 4
    assert batch.token_to_chars(1) == CharSpan(0, 2)
    assert batch.word_to_tokens(0) == TokenSpan(1, 4)
    assert batch.word_to_tokens(9) is None
    assert batch.n_sequences == 1
    assert batch.is_fast == (cls is BertTokenizerFast)


@BOTH
def test_columns_by_name_attribute_and_slice(cls):
    batch = cls(VOCAB)(TEXTS)
    assert batch.input_ids is batch["input_ids"]
    assert list(batch) == list(batch.keys()) == ["input_ids", "token_type_ids", "attention_mask"]
    assert batch[:2]["input_ids"] == batch["input_ids"][:2]
    assert batch[1].ids == batch["input_ids"][1]
    assert dict(**batch) == batch.data
    assert not hasattr(batch, "nothing")
    with pytest.raises(InputError, match="row 7 is out of range, there are 3 rows"):
        batch.tokens(7)
    with pytest.raises(InputError, match="token 99 is out of range, the row has"):
        batch.token_to_word(0, 99)
    with pytest.raises(InputError, match=r"expected a column's name, a row's number or a slice, got 1\.5"):
        batch[1.5]
    with pytest.raises(InputError, match="has columns only"):
        BatchEncoding({"input_ids": [1]}).tokens()


@BOTH
def test_a_batch_and_a_tokenizer_survive_pickle(cls):
    tokenizer = cls(VOCAB)
    tokenizer.add_tokens(["foo"])
    batch = pickle.loads(pickle.dumps(tokenizer(TEXTS, padding=True)))
    assert batch.data == tokenizer(TEXTS, padding=True).data
    assert batch.word_ids(2) == tokenizer(TEXTS, padding=True).word_ids(2)
    assert batch.tokens(0)[:2] == ["[CLS]", "un"]
    copy = pickle.loads(pickle.dumps(tokenizer))
    copy.add_tokens(["bar"])
    assert copy.tokenize("foobar") == ["foo", "bar"]
    assert tokenizer.tokenize("foobar") == ["foo", "b", "##a", "##r"]


@BOTH
def test_tensors(cls):
    tokenizer = cls(VOCAB)
    lists = tokenizer(TEXTS, padding=True)
    arrays = tokenizer(TEXTS, padding=True, return_tensors="np", return_offsets_mapping=True)
    assert arrays["input_ids"].dtype == np.int64
    assert arrays["input_ids"].tolist() == lists["input_ids"]
    assert arrays["offset_mapping"].shape == (*arrays["input_ids"].shape, 2)
    assert tokenizer("hello", return_tensors="np")["input_ids"].shape == (1, 3)
    with pytest.raises(InputError, match=r"rows of lengths 3 to \d+ make no tensor\. Call with padding=True"):
        tokenizer(TEXTS, return_tensors="np")
    with pytest.raises(InputError, match="return_tensors='pt2' is not known; did you mean 'pt'"):
        tokenizer("a", return_tensors="pt2")


def test_torch_tensors_move():
    torch = pytest.importorskip("torch")
    batch = BertTokenizer(VOCAB)(TEXTS, padding=True, return_tensors="pt")
    assert batch["input_ids"].dtype == torch.int64
    assert batch.to("meta") is batch
    assert batch["attention_mask"].device.type == "meta"
    with pytest.raises(InputError, match="no torch tensor to move"):
        BertTokenizer(VOCAB)(TEXTS).to("cpu")


@pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])
@pytest.mark.parametrize("kind", ["jax", "tf"])
def test_tensors_of_other_frameworks_hold_the_same(cls, kind):
    pytest.importorskip({"jax": "jax", "tf": "tensorflow"}[kind], reason=f"return_tensors={kind!r} needs it")
    tokenizer, every = cls(VOCAB), {"return_offsets_mapping": True, "return_length": True, "padding": True}
    made, wanted = (tokenizer(TEXTS, PAIRS, return_tensors=k, **every) for k in (kind, "np"))
    assert made.keys() == wanted.keys()
    for name, column in made.items():
        assert type(column).__module__.startswith({"jax": "jax", "tf": "tensorflow"}[kind])
        assert (np.asarray(column) == wanted[name]).all()
    rows = [{"input_ids": row["input_ids"][0]} for row in (tokenizer(text, return_tensors=kind) for text in TEXTS)]
    assert type(tokenizer.pad(rows)["input_ids"]) is type(made["input_ids"])
    assert tokenizer.decode(made["input_ids"][0]) == tokenizer.decode(wanted["input_ids"][0])
    assert tokenizer.batch_decode(made["input_ids"]) == tokenizer.batch_decode(wanted["input_ids"])
    with pytest.raises(InputError, match="no torch tensor to move"):
        made.to("cpu")


@pytest.mark.parametrize(("kind", "package"), [("pt", "torch"), ("jax", "jax"), ("tf", "tensorflow")])
def test_a_framework_that_is_not_installed_is_named(kind, package, monkeypatch):
    for name in [name for name in sys.modules if name == package or name.startswith(package + ".")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingBackend, match=rf"return_tensors='{kind}': needs the package '{package}'.*pip install"):
        BertTokenizer(VOCAB)("a", return_tensors=kind)
