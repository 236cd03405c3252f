"""Calls give what transformers 4.57's fast tokenizers give; so do both of our engines."""

from __future__ import annotations

from itertools import product

import pytest

from dovela.errors import InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.models.distilbert.tokenizer import DistilBertTokenizer, DistilBertTokenizerFast
from peer_text_jobs import answers, calls
from peers import peer4
from small_vocab import small_vocab

pytestmark = pytest.mark.peer
ONE, TWO = "The quick brown fox, unaffable!", "hello world it isn't new york"
BATCH = [ONE, "a", TWO, ""]
INPUTS = [
    (((ONE,)), {}),
    (((ONE, TWO)), {}),
    (((BATCH,)), {}),
    (((BATCH, BATCH[::-1])), {}),
    (([(ONE, TWO), ("a", "b")],), {}),
    ((["the", "Unaffable", "fox!"],), {"is_split_into_words": True}),
    (([["the", "lowest"], ["a"]],), {"is_split_into_words": True}),
    ((["the", "lowest"], ["a", "fox"]), {"is_split_into_words": True}),
    (([["the", "lowest"], ["a"]], [["b"], ["new", "york"]]), {"is_split_into_words": True}),
]
EVERYTHING = {"return_special_tokens_mask": True, "return_offsets_mapping": True, "return_length": True}
LENGTHS = [
    {},
    {"padding": True},
    {"padding": "max_length", "max_length": 24},
    {"padding": True, "pad_to_multiple_of": 8},
    {"padding": True, "padding_side": "left", "return_token_type_ids": True},
    {"truncation": True, "max_length": 7},
    {"truncation": "longest_first", "max_length": 9, "padding": "max_length"},
    {"truncation": "only_first", "max_length": 8, "stride": 1, "return_overflowing_tokens": True},
    {"truncation": True, "max_length": 8, "stride": 1, "return_overflowing_tokens": True, "padding": True},
    {"truncation": True, "max_length": 5, "add_special_tokens": False},
    {"return_attention_mask": False, "return_token_type_ids": False},
    {"truncation": True, "max_length": 12, "padding": "max_length", "return_tensors": "np"},
    {"padding": "longest", "return_tensors": "pt"},
    {"max_length": 6},
]
CASES = [(args, words | EVERYTHING | length) for (args, words), length in product(INPUTS, LENGTHS)]


@pytest.fixture(scope="module")
def vocab_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("".join(f"{token}\n" for token in small_vocab()), "utf-8")
    return str(path)


def plain(value):
    if hasattr(value, "tolist"):
        return value.tolist()
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def ours(tokenizer, args, kwargs):
    try:
        return {name: plain(column) for name, column in tokenizer(*args, **kwargs).items()}
    except InputError:
        return "refused"


@pytest.mark.parametrize("options", [{}, {"padding_side": "left", "truncation_side": "left"}], ids=["right", "left"])
@pytest.mark.parametrize("pair", [(BertTokenizer, BertTokenizerFast), (DistilBertTokenizer, DistilBertTokenizerFast)])
def test_a_call_gives_what_the_peer_gives(pair, options, vocab_file):
    slow, fast = (cls(vocab_file, **options) for cls in pair)
    compared = 0
    for case, wanted in zip(CASES, peer4(calls, pair[1].__name__, vocab_file, options, CASES), strict=True):
        first, second = ours(slow, *case), ours(fast, *case)
        assert first == second, case
        if isinstance(wanted, str):  # the name of an exception
            assert first == "refused", (case, wanted)
        else:
            compared += 1
            assert first == wanted, case
    assert compared > len(CASES) * 0.8


VOCAB = small_vocab()
ASKS = [
    ("tokenize", (ONE,), {}),
    ("encode", (ONE, TWO), {}),
    ("encode", (ONE,), {"add_special_tokens": False}),
    ("encode", (ONE,), {"padding": "max_length", "max_length": 30, "truncation": True}),
    ("decode", ([2, 5, 6, 16, 17, 18, 4, 3],), {}),
    ("decode", ([2, 5, 6, 16, 17, 18, 4, 3],), {"skip_special_tokens": True}),
    ("decode", ([VOCAB[t] for t in ["it", "is", "n't", ",", "hello", "!", "'", "s", "un", "##aff"]],), {}),
    ("decode", ([VOCAB["##aff"], VOCAB["the"], VOCAB["##er"]],), {}),
    ("batch_decode", ([[2, 5, 6, 3], [7, 0]],), {}),
    ("convert_tokens_to_ids", (["the", "no such token"],), {}),
    ("convert_tokens_to_ids", ("the",), {}),
    ("convert_ids_to_tokens", ([5, 6, 2],), {"skip_special_tokens": True}),
    ("convert_tokens_to_string", (["un", "##aff", "##able", "dog"],), {}),
    ("num_special_tokens_to_add", (), {"pair": True}),
    ("num_special_tokens_to_add", (), {}),
    ("build_inputs_with_special_tokens", ([7, 8], [9]), {}),
    ("build_inputs_with_special_tokens", ([7, 8],), {}),
    ("create_token_type_ids_from_sequences", ([7, 8], [9]), {}),
    ("create_token_type_ids_from_sequences", ([7, 8],), {}),
    ("get_special_tokens_mask", ([2, 7, 8, 3],), {"already_has_special_tokens": True}),
    ("all_special_tokens", (), {}),
    ("all_special_ids", (), {}),
    ("special_tokens_map", (), {}),
    ("pad_token", (), {}),
    ("mask_token_id", (), {}),
    ("bos_token", (), {}),
    ("bos_token_id", (), {}),
    ("vocab_size", (), {}),
    ("__len__", (), {}),
    ("is_fast", (), {}),
    ("padding_side", (), {}),
    ("model_max_length", (), {}),
    ("model_input_names", (), {}),
    ("add_tokens", (["foo-bar"],), {}),
    ("tokenize", ("the foo-bar FOO-BAR",), {}),
    ("add_special_tokens", ({"additional_special_tokens": ["<a>", "<b>"], "bos_token": "<s>"},), {}),
    ("tokenize", ("the <a> <b><s>",), {}),
    ("all_special_tokens", (), {}),
    ("get_added_vocab", (), {}),
    ("get_vocab", (), {}),
    ("__len__", (), {}),
    ("decode", ([5, len(VOCAB), 6],), {"skip_special_tokens": True}),
    ("pad", ({"input_ids": [[1, 2, 3], [4]], "labels": [0, 1]},), {}),
    ("pad", ([{"input_ids": [1, 2, 3]}, {"input_ids": [4]}],), {"pad_to_multiple_of": 4, "return_tensors": "np"}),
    ("pad", ({"input_ids": [1, 2], "token_type_ids": [0, 1]},), {"padding": "max_length", "max_length": 4}),
]


@pytest.mark.parametrize(
    "name", ["BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer", "DistilBertTokenizerFast"]
)
def test_methods_and_properties_give_what_the_peers_do(name, vocab_file):
    classes = (BertTokenizer, BertTokenizerFast, DistilBertTokenizer, DistilBertTokenizerFast)
    tokenizer = {cls.__name__: cls for cls in classes}[name](vocab_file)
    for (method, args, kwargs), wanted in zip(ASKS, peer4(answers, name, vocab_file, {}, ASKS), strict=True):
        found = getattr(tokenizer, method)
        value = found(*args, **kwargs) if callable(found) else found
        value = {k: plain(v) for k, v in value.items()} if hasattr(value, "items") else plain(value)
        assert value == wanted, (method, args)
