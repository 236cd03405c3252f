"""What is assigned to a tokenizer acts from the next call on, in both engines alike, or is refused with the way out."""

from __future__ import annotations

import pickle

import pytest

from dovela.errors import InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.tokenizer import PreTrainedTokenizer
from small_vocab import small_vocab

VOCAB = small_vocab()


def rust(vocab, **options):
    """The fast tokenizer with the library itself at work."""
    tokenizer = BertTokenizerFast(vocab, **options)
    assert tokenizer.backend_tokenizer
    return tokenizer


@pytest.fixture(params=[BertTokenizer, BertTokenizerFast, rust])
def make(request):
    return request.param


SETTINGS = [
    ("split_special_tokens", True),
    ("padding_side", "left"),
    ("truncation_side", "left"),
    ("model_max_length", 5),
    ("pad_token_type_id", 1),
    ("model_input_names", ["attention_mask"]),
    ("unk_token", "the"),
]


@pytest.mark.parametrize(("name", "value"), SETTINGS)
def test_assigned_is_as_constructed(make, name, value):
    def rows(tokenizer):
        cut = {"truncation": True, "max_length": None if name == "model_max_length" else 4}
        texts = ["the [SEP] quick ☃ fox", "a", "b c d e f g"]
        return tokenizer(texts).data, tokenizer(texts, padding=True, **cut).data

    tokenizer, plain = make(VOCAB), make(VOCAB, model_max_length=6)
    tokenizer.model_max_length = 6
    before = rows(tokenizer)
    assert before == rows(plain)
    setattr(tokenizer, name, value)
    assert rows(tokenizer) == rows(make(VOCAB, **{"model_max_length": 6, name: value})) != before
    again = pickle.loads(pickle.dumps(tokenizer))
    setattr(again, name, getattr(plain, name))
    assert rows(again) == before


def test_cleaning_up_is_assigned(make):
    tokenizer = make(VOCAB)
    ids = tokenizer("hello , world")["input_ids"]
    assert tokenizer.decode(ids) == "[CLS] hello, world [SEP]"
    tokenizer.clean_up_tokenization_spaces = False
    assert tokenizer.decode(ids) == "[CLS] hello , world [SEP]"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "do_lower_case",
            False,
            r"is fixed .* and is True here\. Make another: .*from_pretrained\(…, do_lower_case=False",
        ),
        ("strip_accents", True, r"is fixed when a tokenizer is made, and is None here"),
        ("tokenize_chinese_chars", False, r"is fixed when a tokenizer is made, and is True here"),
        ("clean_text", False, r"is fixed when a tokenizer is made, and is True here"),
        ("unk_token", None, r"expected a token of the vocabulary for words that no pieces make up, got None"),
        ("unk_token_id", None, r"unk_token: expected a token of the vocabulary .*, got None"),
        ("unk_token", "<new>", r"expected a token of the vocabulary for words that no pieces make up, got '<new>'"),
        ("padding_side", "lft", r"expected 'left' or 'right', got 'lft'"),
        ("truncation_side", None, r"expected 'left' or 'right', got None"),
        ("model_max_length", "x", r"expected a positive integer, got 'x'"),
        ("model_max_length", 3.5, r"expected a positive integer, got 3\.5"),
        ("model_max_length", 0, r"expected a positive integer, got 0"),
        ("pad_token_type_id", -1, r"expected an integer of at least 0, got -1"),
        ("split_special_tokens", "no", r"expected True or False, got 'no'"),
        ("clean_up_tokenization_spaces", 1, r"expected True or False, got 1"),
        ("model_input_names", "input_ids", r"expected a list of names, got 'input_ids'"),
        ("additional_special_tokens", "<a>", r"expected a list of tokens, got '<a>'"),
        ("added_tokens_decoder", {}, r"is not assigned\. Use add_tokens, or add_special_tokens"),
        ("pading_side", "left", r"is not a setting of this tokenizer; did you mean 'padding_side'\?"),
        ("do_lowercase", False, r"is not a setting of this tokenizer; did you mean 'do_lower_case'\?"),
        ("max_len", 5, r"is not a setting of this tokenizer; use model_max_length"),
    ],
)
def test_refused(make, name, value, message):
    tokenizer = make(VOCAB)
    before = tokenizer("The É fox ☃ [SEP]").data
    with pytest.raises(InputError, match=rf"^{type(tokenizer).__name__}\.{name.replace('_id', '|')}.*{message}"):
        setattr(tokenizer, name, value)
    assert tokenizer("The É fox ☃ [SEP]").data == before


def test_an_added_token_cannot_stand_for_the_unknown(make):
    """The library looks for it in the vocabulary proper, and nowhere else."""
    tokenizer = make(VOCAB)
    with pytest.raises(InputError, match=r"unk_token: expected a token of the vocabulary .*, got '<new>'"):
        tokenizer.add_special_tokens({"unk_token": "<new>"})
    assert len(tokenizer) == len(VOCAB)


def test_the_value_that_is_there_may_be_assigned(make):
    tokenizer = make(VOCAB, do_lower_case=False)
    tokenizer.do_lower_case = False
    tokenizer.model_max_length = None
    assert tokenizer.model_max_length == make(VOCAB).model_max_length


def test_a_subclass_has_attributes_of_its_own():
    class Odd(PreTrainedTokenizer, register=False):
        def __init__(self, vocab, paddings=3, **options):
            super().__init__(vocab, **options)
            self.paddings = paddings
            self.lowered, self._pading_side = True, 1

        def _tokenize(self, text):
            return text.split()

    tokenizer = Odd(VOCAB, paddings=4, unk_token="[UNK]")
    tokenizer.unk_token = None  # an engine that need not know one
    assert (tokenizer.paddings, tokenizer.lowered, tokenizer._pading_side) == (4, True, 1)
    with pytest.raises(InputError, match="'☃' is not in the vocabulary, and there is no unk_token"):
        tokenizer("☃")
