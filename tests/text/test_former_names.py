"""What other libraries call differently is named, and is not there."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.former_names import ELSEWHERE
from small_vocab import small_vocab

ENGINES = [BertTokenizer, BertTokenizerFast]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_former_name_says_what_to_use(name):
    for cls in ENGINES:
        tokenizer = cls(small_vocab())
        if name == "vocab" and not tokenizer.is_fast:
            continue  # the Python engine keeps its constructor's argument under that name
        if name == "train_new_from_iterator" and tokenizer.is_fast:
            continue
        assert not hasattr(tokenizer, name)
        with pytest.raises(AttributeError, match=re.escape(f"{cls.__name__} has no attribute {name!r}: ")) as caught:
            getattr(tokenizer, name)
        named = set(re.findall(r"[a-z]+(?:_[a-z]+)+", ELSEWHERE[name])) - {"text_pair", "max_length"}
        assert all(hasattr(tokenizer, other) for other in named), named
        assert caught.value.name == name


@pytest.mark.parametrize("cls", ENGINES)
def test_any_other_name_is_simply_absent(cls):
    with pytest.raises(AttributeError, match=f"^{cls.__name__} has no attribute 'encode_fast'$"):
        cls(small_vocab()).encode_fast  # noqa: B018
    for again in (copy.copy(cls(small_vocab())), pickle.loads(pickle.dumps(cls(small_vocab())))):
        assert again.tokenize("the fox") == ["the", "fox"]
