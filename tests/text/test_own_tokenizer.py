"""A tokenizer of one's own: a vocabulary and `_tokenize`, and the whole contract works."""

from __future__ import annotations

import json

import pytest

from dovela.auto import AutoTokenizer
from dovela.errors import InputError, RegistryError
from dovela.text.base import TOKENIZERS
from dovela.text.tokenizer import PreTrainedTokenizer


class LetterTokenizer(PreTrainedTokenizer, model_type="letters"):
    """Every letter is a token."""

    def __init__(self, vocab_file=None, *, upper: bool = False, **options):
        self.upper = upper
        super().__init__(vocab_file, **{"unk_token": "?", "pad_token": "_"} | options)

    def _tokenize(self, text):
        return [c.upper() if self.upper else c for c in text if not c.isspace()]


class FramedTokenizer(LetterTokenizer):
    """With special tokens of its own."""

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None):
        return [
            self.bos_token_id,
            *token_ids_0,
            *([self.bos_token_id, *token_ids_1] if token_ids_1 is not None else []),
        ]

    def _find(self, token, text, start):
        at = text.lower().find(token.lower(), start)
        return at, at + 1


@pytest.fixture
def vocab(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("_\n?\na\nb\nc\n")
    return path


def test_it_works_at_once_with_everything(vocab):
    tokenizer = LetterTokenizer(vocab)
    batch = tokenizer(["ab c", "z"], padding=True, return_offsets_mapping=False)
    assert batch["input_ids"] == [[2, 3, 4], [1, 0, 0]]
    assert batch.word_ids(0) == [0, 0, 1]
    assert batch.token_to_chars(0, 2) == (3, 4)
    assert tokenizer.decode([2, 3]) == "a b"
    assert tokenizer(["abc"], truncation=True, max_length=2, return_overflowing_tokens=True)["input_ids"] == [
        [2, 3],
        [4],
    ]
    tokenizer.add_tokens(["ab"])
    assert tokenizer("cab", return_offsets_mapping=True)["offset_mapping"] == [(0, 1), (1, 3)]
    assert tokenizer.num_special_tokens_to_add(pair=True) == 0


def test_special_tokens_of_its_own(vocab):
    tokenizer = FramedTokenizer(vocab, bos_token="<s>", upper=False)
    pair = tokenizer("ab", "c", return_special_tokens_mask=True)
    assert pair["input_ids"] == [5, 2, 3, 5, 4]
    assert pair["token_type_ids"] == [0, 0, 0, 1, 1]
    assert pair["special_tokens_mask"] == [1, 0, 0, 1, 0]
    assert tokenizer.get_special_tokens_mask([9], [9]) == [1, 0, 1, 0]


def test_it_saves_and_reopens_by_its_name_or_its_model_type(vocab, tmp_path):
    tokenizer = FramedTokenizer(vocab, bos_token="<s>", upper=True, model_max_length=9)
    tokenizer.save_pretrained(tmp_path / "a")
    again = AutoTokenizer.from_pretrained(tmp_path / "a")
    assert type(again) is FramedTokenizer
    assert (again.upper, again.bos_token, again.model_max_length) == (True, "<s>", 9)
    (tmp_path / "b").mkdir()
    (tmp_path / "b/vocab.txt").write_bytes(vocab.read_bytes())
    (tmp_path / "b/config.json").write_text(json.dumps({"model_type": "letters"}))
    assert type(AutoTokenizer.from_pretrained(tmp_path / "b", use_fast=False)) is LetterTokenizer


def test_a_token_that_is_not_in_the_text_has_no_offset(vocab):
    tokenizer = LetterTokenizer(vocab, upper=True)
    assert tokenizer("ab")["input_ids"] == [1, 1]
    with pytest.raises(InputError, match=r"token 'A' is not in 'ab', so its offset is not known\. Override _find"):
        tokenizer("ab", return_offsets_mapping=True)


class JsonLetters(LetterTokenizer):
    vocab_files_names = {"vocab_file": "vocab.json"}


def test_a_vocabulary_in_json(vocab, tmp_path):
    vocabulary = {"_": 0, "?": 1, "a": 7}
    JsonLetters(vocabulary).save_pretrained(tmp_path / "a")
    again = AutoTokenizer.from_pretrained(tmp_path / "a")
    assert type(again) is JsonLetters
    assert again.vocab == json.loads((tmp_path / "a/vocab.json").read_text()) == vocabulary
    assert again.add_tokens("b") == 1
    assert again("ab")["input_ids"] == [7, 8]


def test_a_misspelt_argument_is_refused_with_the_names_of_all_levels(vocab):
    with pytest.raises(InputError, match=r"unknown argument 'uper'; did you mean 'upper'.*padding_side"):
        LetterTokenizer(vocab, uper=True)


def test_two_classes_of_one_name_are_an_error():
    def define():
        class LetterTokenizer(PreTrainedTokenizer):
            pass

    with pytest.raises(RegistryError, match=r"tokenizer 'LetterTokenizer'.*cannot take the name"):
        define()
    assert TOKENIZERS.get("LetterTokenizer") is LetterTokenizer


def test_without_tokenize_it_says_what_to_write(vocab):
    class Empty(PreTrainedTokenizer, register=False):
        pass

    with pytest.raises(NotImplementedError, match="Empty must define _tokenize"):
        Empty(vocab)("a")


def test_registering_a_class_that_is_not_ones_own():
    AutoTokenizer.register("letters-2", LetterTokenizer)
    with pytest.raises(RegistryError, match=r"'letters-2'.*is already"):
        AutoTokenizer.register("letters-2", FramedTokenizer)
    with pytest.raises(RegistryError, match="expected a model type or a config class, got 3"):
        AutoTokenizer.register(3, LetterTokenizer)
    with pytest.raises(RegistryError, match=r"has no instances\. Use AutoTokenizer\.from_pretrained"):
        AutoTokenizer()
