"""A long table of added tokens is read when it is needed, and then says what it would have said at once."""

from __future__ import annotations

import json
import pickle

import pytest

from dovela.errors import CheckpointError, InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text import deferred
from dovela.text.special_tokens import AddedToken
from small_vocab import small_vocab

TOKENS = [f"name{i:03}x" for i in range(40)] + [
    AddedToken("two words", normalized=False),
    AddedToken("é<z>", special=True),
]
TEXTS = ["the name003x and two words", "fox é<z> name039x[SEP]", "two  words"]
BOTH = pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    tokenizer = BertTokenizerFast(small_vocab())
    tokenizer.add_tokens(TOKENS)
    tokenizer.save_pretrained(tmp_path)
    monkeypatch.setattr(deferred, "LONG", 100)
    return tmp_path


def whole(cls, folder, monkeypatch):
    monkeypatch.setattr(deferred, "LONG", 1 << 30)
    made = cls.from_pretrained(folder)
    monkeypatch.setattr(deferred, "LONG", 100)
    return made


@BOTH
@pytest.mark.parametrize(
    "ask",
    [
        lambda t: t(TEXTS, return_offsets_mapping=True).data,
        len,
        lambda t: t.get_vocab(),
        lambda t: t.added_tokens_decoder,
        lambda t: t.convert_tokens_to_ids(["name001x", "fox", "none"]),
        lambda t: t.convert_ids_to_tokens([len(small_vocab()) + 3, 5]),
        lambda t: (t.add_tokens(["name001x", "quite new"]), t.get_vocab()),
        lambda t: t.all_special_ids,
        lambda t: pickle.loads(pickle.dumps(t))(TEXTS).data,
        lambda t: t.backend_tokenizer.encode(TEXTS[0]).ids if t.is_fast else None,
    ],
)
def test_each_first_question_is_answered_as_if_all_had_been_read(cls, ask, folder, monkeypatch):
    late = cls.from_pretrained(folder)
    assert (late._library._deferred if late.is_fast else late._added._later) is not None
    assert ask(late) == ask(whole(cls, folder, monkeypatch))
    assert late(TEXTS).data == whole(cls, folder, monkeypatch)(TEXTS).data or len(late) > len(small_vocab()) + 42


@BOTH
def test_saved_again_unread_it_is_the_same(cls, folder, tmp_path):
    cls.from_pretrained(folder).save_pretrained(tmp_path / "again")
    written = json.loads((tmp_path / "again/tokenizer_config.json").read_text())
    assert (
        written["added_tokens_decoder"]
        == json.loads((folder / "tokenizer_config.json").read_text())["added_tokens_decoder"]
    )


@BOTH
@pytest.mark.parametrize("indent", [None, 1, 2, 4])
def test_any_layout_is_read(cls, indent, folder):
    expected = cls.from_pretrained(folder)(TEXTS).data
    for name in ("tokenizer_config.json", "tokenizer.json"):
        path = folder / name
        path.write_text(json.dumps(json.loads(path.read_text()), indent=indent))
    assert cls.from_pretrained(folder)(TEXTS).data == expected


def test_a_token_that_cannot_be_read_names_the_file_when_it_is_needed(folder):
    path = folder / "tokenizer_config.json"
    path.write_text(path.read_text().replace('"content": "name007x"', '"content": 7'))
    tokenizer = BertTokenizer.from_pretrained(folder)
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json: holds an added token that cannot be read: "):
        tokenizer("the fox")


def test_tokens_of_another_vocabulary_are_refused_when_they_are_needed(folder):
    path = folder / "tokenizer_config.json"
    path.write_text(path.read_text().replace('"content": "name007x"', '"content": "fox"'))
    for cls in (BertTokenizer, BertTokenizerFast):
        tokenizer = cls.from_pretrained(folder)
        with pytest.raises(InputError, match=r"'fox'.*The vocabulary and the tokenizer's other files are of two"):
            tokenizer("the fox")


def test_a_broken_file_is_an_error_at_once(folder):
    path = folder / "tokenizer_config.json"
    path.write_text(path.read_text() + "}")
    with pytest.raises(CheckpointError, match=r"tokenizer_config\.json: line \d+ is not JSON"):
        BertTokenizer.from_pretrained(folder)
