"""What the peer's own tests expect of a tokenizer, asked of ours and of the peer's in the same words."""

from __future__ import annotations

import functools

import pytest

from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.models.distilbert.tokenizer import DistilBertTokenizer, DistilBertTokenizerFast
from dovela.text.special_tokens import AddedToken
from peer_text_expectations import BEHAVIOURS, SLOW_ONLY, all_of, in_peer, plain
from peers import peer4
from small_vocab import small_vocab

pytestmark = pytest.mark.peer
ENGINES = {"Bert": (BertTokenizer, BertTokenizerFast), "DistilBert": (DistilBertTokenizer, DistilBertTokenizerFast)}
OPTIONS = {"uncased": {}, "cased, left": {"do_lower_case": False, "padding_side": "left", "truncation_side": "left"}}


@pytest.fixture(scope="module")
def vocab_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("".join(f"{token}\n" for token in small_vocab()), "utf-8")
    return str(path)


@functools.cache
def expected(model, fast, vocab_file, setting):
    names = [name for name in BEHAVIOURS if (name in SLOW_ONLY) != fast]
    return peer4(in_peer, f"{model}Tokenizer{'Fast' if fast else ''}", vocab_file, OPTIONS[setting], names)


def same(found, wanted, path=""):
    """The first place at which two results differ, or nothing."""
    found, wanted = plain(found), plain(wanted)
    if type(found) is type(wanted) is list and len(found) == len(wanted):
        return next(
            filter(None, (same(f, w, f"{path}[{i}]") for i, (f, w) in enumerate(zip(found, wanted, strict=True)))), None
        )
    if type(found) is type(wanted) is dict and found.keys() == wanted.keys():
        return next(filter(None, (same(found[k], wanted[k], f"{path}.{k}") for k in found)), None)
    return None if found == wanted else f"at {path or 'the top'}: {found!r} is not the peer's {wanted!r}"


@pytest.mark.parametrize("setting", OPTIONS)
@pytest.mark.parametrize("model", ENGINES)
@pytest.mark.parametrize("name", BEHAVIOURS)
def test_it_is_as_the_peer_has_it(name, model, setting, vocab_file):
    wanted = expected(model, name not in SLOW_ONLY, vocab_file, setting)[name]
    slow, fast = (cls(vocab_file, **OPTIONS[setting]) for cls in ENGINES[model])
    backed = type(fast)(vocab_file, **OPTIONS[setting])
    assert backed.backend_tokenizer  # once it was handed out, the Rust library does all the work
    for engine, tokenizer in (("Python", slow), ("fast", fast), ("Rust", backed)):
        found = all_of(tokenizer, AddedToken, [name])[name]
        assert not same(found, wanted), engine
