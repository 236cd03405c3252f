"""Wrong input of every kind is refused by both engines in the same words; hard input is not, and takes linear time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dovela.errors import CheckpointError, InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.arguments import SETTINGS
from dovela.text.fast import PreTrainedTokenizerFast
from dovela.text.special_tokens import AddedToken
from small_vocab import small_vocab

VOCAB = small_vocab()
ENGINES = [BertTokenizer, BertTokenizerFast]


@pytest.fixture(params=ENGINES)
def tokenizer(request):
    return request.param(VOCAB)


@pytest.mark.parametrize("args", [(b"a",), ({"a": 1},), (np.array(["a"]),), (float("nan"),), (iter("a"),), ([b"a"],)])
def test_what_is_not_a_string_is_named(tokenizer, args):
    what = type(args[0][0] if isinstance(args[0], list) else args[0]).__name__
    with pytest.raises(InputError, match=rf"expected a string, got {what}"):
        tokenizer(*args)


@pytest.mark.parametrize(
    ("args", "kwargs", "place"),
    [
        (("ab\ud800",), {}, r"\(\): has a lone surrogate, U\+D800, as character 2"),
        ((["a", "\udfff"],), {}, r"row 1: has a lone surrogate, U\+DFFF, as character 0"),
        ((["a", "b"], ["c", "\udc80"]), {}, r"row 1: has a lone surrogate, U\+DC80"),
        ((["a", "b\udcff"],), {"is_split_into_words": True}, r"has a lone surrogate, U\+DCFF, as character 1"),
    ],
)
def test_lone_surrogates_are_placed(tokenizer, args, kwargs, place):
    with pytest.raises(InputError, match=place):
        tokenizer(*args, **kwargs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"padding": "max_length", "max_length": 1 << 40}, "needs a length, and max_length=1099511627776 is none"),
        ({"truncation": True, "max_length": 10**40}, "needs a length, and max_length=10+ is none"),
        ({"padding": True, "pad_to_multiple_of": 1 << 40}, "pad_to_multiple_of=1099511627776 is longer than any row"),
        ({"truncation": True, "max_length": 8, "stride": 1 << 70}, r"stride=\d+ must be less than"),
        ({"truncation": True, "max_length": 2}, "max_length=2 is less than the 3 special tokens of a row"),
    ],
)
def test_lengths_that_no_row_can_have(tokenizer, options, message):
    with pytest.raises(InputError, match=message):
        tokenizer("the fox", "jumps", **options)


@pytest.mark.parametrize(
    ("method", "args", "message"),
    [
        ("convert_tokens_to_ids", (None,), "convert_tokens_to_ids: expected a token or tokens, got NoneType None"),
        ("convert_tokens_to_ids", (5,), "convert_tokens_to_ids: expected a token or tokens, got int 5"),
        ("convert_tokens_to_ids", (b"the",), "convert_tokens_to_ids: expected a token or tokens, got bytes"),
        ("convert_tokens_to_ids", (["the", 5],), "expected tokens, which are strings, got int 5"),
        ("convert_tokens_to_ids", ([["the"]],), r"expected tokens, which are strings, got list \['the'\]"),
        ("convert_ids_to_tokens", (None,), "decode: None is not an id of this vocabulary"),
        ("decode", (None,), "decode: None is not an id of this vocabulary"),
        ("decode", ("the",), "decode: 'the' is not an id of this vocabulary"),
        ("decode", ([1.5],), r"decode: 1\.5 is not an id of this vocabulary"),
        ("decode", ([True],), "decode: True is not an id of this vocabulary"),
        ("decode", ([1 << 70],), r"decode: \d+ is not an id of this vocabulary"),
        ("decode", (np.array([[1, 2]]),), "expected one row of ids. Use batch_decode for several"),
        ("batch_decode", (None,), "batch_decode: expected rows of ids, got NoneType None"),
        ("batch_decode", (5,), "batch_decode: expected rows of ids, got int 5"),
        ("batch_decode", ("the",), "batch_decode: expected rows of ids, got str 'the'"),
        ("batch_decode", ([[5], [1000]],), "decode: 1000 is not an id of this vocabulary, whose ids are below"),
        ("add_tokens", (None,), "AddedToken: expected a string or an AddedToken, got NoneType None"),
        ("add_tokens", ([""],), "AddedToken.content: expected a string of at least one character, got ''"),
        ("add_tokens", (["a\ud800"],), r"AddedToken.content: 'a\\ud800' has a lone surrogate, which is no text"),
        ("add_tokens", ({"a": 1},), "expected a mapping with 'content'"),
        ("add_special_tokens", ({"pad_token": None},), "expected a string or an AddedToken, got NoneType None"),
        ("tokenize", (None,), "expected a string, got NoneType None"),
        ("decode", ({5: 6},), r"decode: expected ids in their order, got dict \{5: 6\}"),
        ("decode", ({5},), r"decode: expected ids in their order, got set \{5\}"),
        ("decode", ([5], "yes"), "convert_ids_to_tokens: skip_special_tokens must be True or False, got 'yes'"),
        ("decode", ([5], False, 1), "decode: clean_up_tokenization_spaces must be True or False, or None, got 1"),
        ("batch_decode", ({5: [6]},), r"batch_decode: expected rows of ids, got dict"),
        ("batch_decode", (np.array(5),), r"batch_decode: expected rows of ids, got ndarray array\(5\)"),
        ("convert_ids_to_tokens", ({5},), "convert_ids_to_tokens: expected ids in their order, got set"),
        ("convert_tokens_to_string", (None,), "expected tokens in a list, got NoneType None"),
        ("convert_tokens_to_string", ("the",), "expected tokens in a list, got str 'the'"),
        ("convert_tokens_to_string", ([5],), "expected tokens, which are strings, got int 5"),
        ("num_special_tokens_to_add", ("yes",), "pair must be True or False, got 'yes'"),
        ("add_tokens", ("a", "yes"), "add_tokens: special_tokens must be True or False, got 'yes'"),
        ("add_special_tokens", ({}, 1), "replace_additional_special_tokens must be True or False, got 1"),
        ("save_pretrained", (None,), "save_pretrained: expected the path of a folder, got None"),
        ("save_pretrained", ("",), "save_pretrained: expected the path of a folder, got ''"),
        ("save_vocabulary", (3,), "save_vocabulary: expected the path of a folder, got 3"),
        ("save_vocabulary", (".", 3), "save_vocabulary: filename_prefix must be a string, got 3"),
        ("from_pretrained", (None,), "expected a folder, or a name on the hub, got NoneType None"),
        ("from_pretrained", (3,), "expected a folder, or a name on the hub, got int 3"),
    ],
)
def test_methods(tokenizer, method, args, message):
    with pytest.raises(InputError, match=message):
        getattr(tokenizer, method)(*args)


@pytest.mark.parametrize("method", ["decode", "batch_decode"])
def test_options_of_decoding_that_are_unknown(tokenizer, method):
    with pytest.raises(InputError, match="unknown argument 'skip_specials'; did you mean 'skip_special_tokens'"):
        getattr(tokenizer, method)([5], skip_specials=True)


@pytest.mark.parametrize("name", ["single_word", "lstrip", "rstrip", "normalized", "special"])
def test_properties_of_an_added_token_are_true_or_false(name):
    with pytest.raises(InputError, match=rf"AddedToken\.{name}: expected True or False, got 'yes'"):
        AddedToken("<a>", **{name: "yes"})


@pytest.mark.parametrize("value", ["a", 1.5, -1, True, 1 << 40])
def test_an_id_that_is_none(tokenizer, value):
    with pytest.raises(InputError, match=r"pad_token_id: .* is not an id of the vocabulary"):
        tokenizer.pad_token_id = value


@pytest.mark.parametrize("number", ["x", 1.5, True])
def test_a_number_of_a_character_or_token(tokenizer, number):
    batch = tokenizer("the fox")
    for ask in (batch.char_to_token, batch.word_to_tokens, batch.token_to_chars):
        with pytest.raises(InputError, match=f"expected the number of a row, token, word or character, got {number!r}"):
            ask(number)


def test_words_that_are_none(tokenizer):
    with pytest.raises(InputError, match="expected words, got NoneType None"):
        tokenizer([None], is_split_into_words=True)


@pytest.mark.parametrize("texts", [None, 5, b"a", {"a": 1}])
def test_texts_to_learn_from(texts):
    with pytest.raises(InputError, match=f"expected texts one by one or in lists, got {type(texts).__name__}"):
        BertTokenizerFast(VOCAB).train_new_from_iterator(texts, 100)


@pytest.mark.parametrize("skip", [True, False])
def test_a_wrong_id_is_refused_also_where_special_tokens_are_left_out(tokenizer, skip):
    with pytest.raises(InputError, match=r"-100 is not an id of this vocabulary.*replace the ignored -100 first"):
        tokenizer.decode([-100, 5], skip_special_tokens=skip)
    with pytest.raises(InputError, match=r"1\.0 is not an id of this vocabulary"):
        tokenizer.decode([1.0, 5], skip_special_tokens=skip)


@pytest.mark.parametrize(
    ("vocab", "kind", "message"),
    [
        (None, InputError, "vocab_file: expected the path of a vocabulary file or a mapping .*, got None"),
        ("", InputError, "vocab_file: expected the path of a vocabulary file or a mapping .*, got ''"),
        (["[UNK]"], InputError, r"vocab_file: expected the path of a vocabulary file or a mapping .*, got \['\[UNK\]"),
        ("no/such/file.txt", CheckpointError, r"no/such/file\.txt: there is no such file"),
        ({}, InputError, "vocab_file: expected|is empty, where a vocabulary is expected"),
        ({"a": 0}, CheckpointError, r"has no '\[UNK\]' among its 1 tokens"),
        ({"[UNK]": "0"}, CheckpointError, r"expected ids by token, got '\[UNK\]': '0'"),
        ({"[UNK]": 0, "a": 0}, CheckpointError, r"'a' and '\[UNK\]' have the same id 0"),
        ({"[UNK]": 0, "a": -1}, CheckpointError, "'a' has the id -1, where ids are 0 to"),
        ({"[UNK]": 1 << 33}, CheckpointError, r"'\[UNK\]' has the id 8589934592, where ids are 0 to"),
        ({"[UNK]": 0, "": 1}, CheckpointError, "id 1 is of '', which is empty"),
        ({"[UNK]": 0, "\ud800": 1}, CheckpointError, r"id 1 is of '\\ud800', which is no text"),
    ],
)
@pytest.mark.parametrize("cls", ENGINES)
def test_vocabularies(cls, vocab, kind, message):
    with pytest.raises((InputError, CheckpointError), match=message) as caught:
        cls(vocab)
    assert isinstance(caught.value, kind) or vocab == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[UNK]\n\nthe\n", "line 2 is empty"),
        (b"[UNK]\nthe\nfox\nthe\n", "line 4 repeats 'the' of line 2"),
        (b"[UNK]\n\xff\xfe\n", "line 2 is not UTF-8"),
        (b"", "is empty, where a vocabulary is expected"),
        (b"{", r"line 1 is not JSON: .*\(column 2\)"),
        (b'{"[UNK]": 0, "a": 0.5}', "expected ids by token, got 'a': 0.5"),
    ],
)
@pytest.mark.parametrize("cls", ENGINES)
def test_vocabulary_files(cls, content, message, tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        cls(path)
    assert str(path) in str(caught.value)


def test_a_vocabulary_with_gaps(tmp_path):
    """It can be used as a mapping by the Python engine, but not be written as lines, which would close the gap."""
    vocab = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4, "fox": 9}
    for cls in ENGINES:
        tokenizer = cls(vocab)
        assert tokenizer("fox [SEP]")["input_ids"] == [2, 9, 3, 3]
        with pytest.raises(InputError, match="7 is not an id of this vocabulary"):
            tokenizer.decode([7])
        with pytest.raises(InputError, match="ids must be 0 to 5 without a gap to be written as lines"):
            tokenizer.save_vocabulary(tmp_path)


def test_added_tokens_that_clash():
    for cls in ENGINES:
        with pytest.raises(InputError, match=r"added_tokens_decoder: .*'other'.*in the vocabulary.*two different"):
            cls(VOCAB, added_tokens_decoder={5: "other"})


@pytest.mark.parametrize("role", ["cls_token", "sep_token"])
@pytest.mark.parametrize("token", ["a:b", "$A", "$0", "the fox:1", "::", "$"])
def test_special_tokens_may_hold_what_means_something_in_a_template(role, token, tmp_path):
    slow, fast = (cls(VOCAB, **{role: token}) for cls in ENGINES)
    fast.save_pretrained(tmp_path)
    again = PreTrainedTokenizerFast.from_pretrained(tmp_path)
    for args in (("hello world",), ("hello", "world")):
        wanted = slow(*args).data
        assert fast(*args).data == again(*args).data == wanted
        fast.backend_tokenizer  # noqa: B018 - from here on the library does the work
        assert fast(*args).data == wanted
        assert fast.convert_ids_to_tokens(wanted["input_ids"])[-1 if role == "sep_token" else 0] == token


@pytest.mark.parametrize("damage", ["cut short", "no model", "type", "added", "list"])
def test_a_corrupt_tokenizer_json(damage, tmp_path):
    BertTokenizerFast(VOCAB).save_pretrained(tmp_path)
    path = tmp_path / "tokenizer.json"
    whole = json.loads(path.read_text("utf-8"))
    if damage == "no model":
        del whole["model"]
    elif damage == "type":
        whole["model"]["type"] = "Piecewise"
    elif damage == "added":
        whole["added_tokens"][0]["id"] = "zero"
    text = "[]" if damage == "list" else json.dumps(whole)
    path.write_text(text[:500] if damage == "cut short" else text, "utf-8")
    for cls in (BertTokenizerFast, PreTrainedTokenizerFast):
        with pytest.raises(CheckpointError) as caught:
            cls.from_pretrained(tmp_path)
        assert str(path) in str(caught.value)


HARD = {
    "one word": "x" * 200_000,
    "one word of marks": "a" + "\u0301\u0323" * 40_000,
    "marks that stay": "\u302e\u0301" * 15_000,
    "punctuation": "!" * 50_000,
    "ideographs": "\u4e2d" * 50_000,
    "blanks": " " * 300_000,
    "nothing but controls": "\x01" * 100_000,
    "nearly special": "[MASK" * 15_000,
    "special": "[MASK]" * 15_000,
    "blanks before a token": (" " * 10_000 + "<l>") * 10,
    "blanks without a token": " " * 300_000 + "<",
    "nearly an added token": "ab" * 30_000,
    "emoji": "👨\u200d👩\u200d👧" * 15_000,
}


@pytest.mark.parametrize("name", HARD)
def test_hard_strings(name):
    """That would take hours if any step looked at all before it for every character."""
    rows = []
    for cls in ENGINES:
        tokenizer = cls(VOCAB)
        tokenizer.add_tokens(
            [AddedToken("<l>", lstrip=True, rstrip=True), "ab" * 500 + "c", AddedToken("ac", single_word=True)]
        )
        row = tokenizer(HARD[name], return_offsets_mapping=True)
        rows.append((row["input_ids"], row["offset_mapping"]))
    assert rows[0] == rows[1]


@pytest.mark.slow
@pytest.mark.parametrize("cls", ENGINES)
def test_fifty_megabytes_in_one_string(cls):
    words = "The quick brown fox isn't UNAFFABLE, é 中! "
    times = 50_000_000 // len(words)
    tokenizer = cls(VOCAB)
    alone = tokenizer(words, add_special_tokens=False)["input_ids"]
    found = tokenizer(words * times, return_tensors="np", return_token_type_ids=False)["input_ids"]
    assert found.shape == (1, times * len(alone) + 2)
    assert (found[0, 1:-1].reshape(times, -1) == alone).all()


@pytest.mark.parametrize("lent", [False, True])
def test_nothing_reaches_the_standard_streams(tokenizer, lent, capfd):
    """The Rust library prints its panics, unless what would lead to one is refused before."""
    if lent and tokenizer.is_fast:
        assert tokenizer.backend_tokenizer  # from here on the library does the work
    long = "a b c d e f g h"
    for args, options in (
        ((long, long), {"max_length": 9, "truncation": True, "stride": 4}),
        ((long, long), {"max_length": 8, "truncation": "only_first"}),
        ((long,), {"max_length": 3, "truncation": "only_second"}),
        ((long,), {"max_length": 5, "truncation": True, "stride": 3}),
        ((long,), {"max_length": 1, "truncation": True}),
        (([long, "a"], ["a", long]), {"max_length": 9, "truncation": "only_first", "stride": 4}),
        ((long, long), {"max_length": 6, "truncation": True, "stride": 3, "add_special_tokens": False}),
        (("\ud800",), {}),
    ):
        with pytest.raises(InputError):
            tokenizer(*args, **options)
    with pytest.raises(InputError):
        tokenizer.decode([1 << 33])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("additional_special_tokens", "<a>", "expected a list of tokens, got '<a>'"),
        ("split_special_tokens", "no", "expected True or False, got 'no'"),
        ("clean_up_tokenization_spaces", 1, "expected True or False, got 1"),
        ("pad_token_type_id", "0", "expected an integer of at least 0, got '0'"),
        ("pad_token_type_id", -1, "expected an integer of at least 0, got -1"),
        ("name_or_path", 3, "expected a string, got 3"),
        ("model_input_names", "input_ids", "expected a list of names, got 'input_ids'"),
        ("model_input_names", [1], r"expected a list of names, got \[1\]"),
        ("model_max_length", True, "expected a positive integer, got True"),
        ("model_max_length", 2.5, r"expected a positive integer, got 2\.5"),
        ("model_max_length", float("nan"), "expected a positive integer, got nan"),
        ("model_max_length", float("inf"), "expected a positive integer, got inf"),
        ("added_tokens_decoder", {"one": "<a>"}, "expected integers as keys, which are ids, got 'one'"),
        ("added_tokens_decoder", {1.5: "<a>"}, r"expected integers as keys, which are ids, got 1\.5"),
        ("added_tokens_decoder", ["<a>"], r"expected a mapping from ids to tokens, got \['<a>'\]"),
        (
            "unk_token",
            None,
            r"expected a token of the vocabulary for words that no pieces make up, got None\. Leave unk_token out for",
        ),
    ],
)
def test_a_setting_of_the_wrong_kind_is_refused(engine, name, value, message):
    with pytest.raises(InputError, match=rf"{engine.__name__}\.{name}: {message}"):
        engine(VOCAB, **{name: value})


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("settings", "length"),
    [
        ({"model_max_length": 1e30}, int(1e30)),
        ({"model_max_length": 512.0}, 512),
        (
            dict.fromkeys(SETTINGS),
            int(1e30),
        ),
    ],
)
def test_what_is_odd_in_a_file_and_harmless_is_read(engine, settings, length, tmp_path):
    engine(VOCAB).save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    again = engine.from_pretrained(tmp_path)
    assert again.model_max_length == length
    assert again("the fox")["input_ids"] == engine(VOCAB)("the fox")["input_ids"]


def test_a_string_for_a_list_of_tokens_in_a_file_is_refused(tmp_path):
    BertTokenizer(VOCAB).save_pretrained(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"additional_special_tokens": "<a>"}))
    with pytest.raises(CheckpointError, match="additional_special_tokens: expected a list of tokens, got a string"):
        BertTokenizer.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("add_special_tokens", "no", "must be True or False, got 'no'"),
        ("add_special_tokens", None, "must be True or False, got None"),
        ("is_split_into_words", 1, "must be True or False, got 1"),
        ("return_length", 0, "must be True or False, got 0"),
        ("return_offsets_mapping", "yes", "must be True or False, got 'yes'"),
        ("return_overflowing_tokens", [], r"must be True or False, got \[\]"),
        ("return_special_tokens_mask", 1, "must be True or False, got 1"),
        ("return_token_type_ids", 1, "must be True or False, or None, got 1"),
        ("return_attention_mask", "no", "must be True or False, or None, got 'no'"),
    ],
)
def test_flags_of_a_call_are_true_or_false(tokenizer, name, value, message):
    with pytest.raises(InputError, match=f"{name} {message}"):
        tokenizer("a", **{name: value})


def test_tokenize_takes_one_text(tokenizer):
    with pytest.raises(InputError, match=r"\.tokenize: expected one text, got a list of 2\. For a batch, call tokeniz"):
        tokenizer.tokenize(["a", "b"])
    assert tokenizer.tokenize(["the", "fox"], is_split_into_words=True) == tokenizer.tokenize("the fox")
