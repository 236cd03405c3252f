"""What is wrong with a call is an error of ours, at once, from both engines alike, that says what to do."""

from __future__ import annotations

import logging

import pytest

from dovela.errors import InputError
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text.special_tokens import AddedToken
from peers import peer4
from small_vocab import small_vocab

VOCAB = small_vocab()
TOP = len(VOCAB)


@pytest.fixture(params=[BertTokenizer, BertTokenizerFast])
def tokenizer(request):
    return request.param(VOCAB)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((None,), {}, r"\(\): expected a string, got NoneType None"),
        ((3,), {}, r"\(\): expected a string, got int 3"),
        ((["a", None],), {}, r"\(\), row 1: expected a string, got NoneType"),
        ((["a", ["b", "c", "d"]],), {}, r"row 1: expected a string, got list .*set is_split_into_words=True"),
        ((["a", 7],), {"is_split_into_words": True}, r"expected words, got int 7"),
        (("a b",), {"is_split_into_words": True}, r"is_split_into_words=True takes lists of words, got str 'a b'"),
        (("a", ["b"]), {}, r"expected a string, got list"),
        ((["a", "b"], ["c"]), {}, r"text_pair must have one entry for each of the 2 texts, got 1"),
        ((["a", "b"], "c"), {}, r"text_pair must have one entry for each of the 2 texts, got one str"),
        (("a",), {"max_lenght": 3}, r"unknown argument 'max_lenght'; did you mean 'max_length'"),
        (("a",), {"padding": "longst"}, r"padding='longst' is not one of True, False, .*; did you mean 'longest'"),
        (("a",), {"padding": 5}, r"padding=5 is not one of"),
        (("a",), {"truncation": "only_frist"}, r"truncation='only_frist' is not one of .*; did you mean 'only_first'"),
        (
            ("a",),
            {"truncation": True},
            r"truncation=True needs a length, and this tokenizer has no model_max_length\. Give max_length",
        ),
        (("a",), {"padding": "max_length"}, r"padding='max_length' needs a length"),
        (("a",), {"padding": True, "padding_side": "top"}, r"padding_side must be 'left' or 'right', got 'top'"),
        (("a",), {"padding_side": "top"}, r"padding_side must be 'left' or 'right', got 'top'"),
        (("a",), {"max_length": -1, "truncation": True}, r"max_length must be an integer of at least 0, got -1"),
        (("a",), {"max_length": "9", "truncation": True}, r"max_length must be an integer of at least 0, got '9'"),
        (
            ("a",),
            {"pad_to_multiple_of": 0, "padding": True},
            r"pad_to_multiple_of must be an integer of at least 1, got 0",
        ),
        (("a",), {"stride": -2}, r"stride must be an integer of at least 0, got -2"),
        (
            ("a",),
            {"max_length": 1, "truncation": True},
            r"max_length=1 is less than the 2 special tokens of a row.*add_special_tokens=False",
        ),
        (
            ("a",),
            {"max_length": 5, "truncation": True, "stride": 3},
            r"stride=3 must be less than what max_length=5 leaves beside 2 special",
        ),
        (
            ("a b c d e f", "a b c d e f"),
            {"max_length": 9, "truncation": True, "stride": 4},
            r"stride=4 must be less than a window, and max_length=9 leaves 3 tokens for one",
        ),
        (
            ("a b c d", "a b c d e f"),
            {"max_length": 8, "truncation": "only_first"},
            r"truncation='only_first' cannot bring .* to max_length=8.*Use truncation='longest_first'",
        ),
        (
            ("a b c d",),
            {"max_length": 3, "truncation": "only_second"},
            r"'only_second' needs a second sequence, and there is none",
        ),
        (
            ("a",),
            {"max_length": 9, "truncation": True, "padding": True, "pad_to_multiple_of": 8},
            r"truncating to 9 and padding to a multiple of 8 contradict each other",
        ),
    ],
)
def test_a_call(tokenizer, args, kwargs, message):
    with pytest.raises(InputError, match=message):
        tokenizer(*args, **kwargs)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([5, TOP], rf"decode: {TOP} is not an id of this vocabulary, whose ids are below {TOP}"),
        ([-100, 5], r"-100 is not an id of this vocabulary.*replace the ignored -100 first"),
        (1 << 40, r"is not an id of this vocabulary"),
        ([[5], [6]], r"expected one row of ids\. Use batch_decode"),
        (["the"], r"'the' is not an id of this vocabulary"),
    ],
)
def test_decode(tokenizer, ids, message):
    with pytest.raises(InputError, match=message):
        tokenizer.decode(ids)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"attention_mask": [[1]]}, r"pad: there is no column 'input_ids', only \['attention_mask'\]"),
        ("text", r"pad: expected a mapping or a list of mappings, got str"),
        ([{"input_ids": [1]}, {"labels": [1]}], r"pad: every row needs the same columns"),
        ({"input_ids": [[1], [2]], "labels": [1]}, r"pad: input_ids has 2 rows, but \{'labels': 1\}"),
    ],
)
def test_pad(tokenizer, columns, message):
    with pytest.raises(InputError, match=message):
        tokenizer.pad(columns)


def test_padding_without_a_padding_token(tokenizer):
    tokenizer.pad_token = None
    with pytest.raises(
        InputError, match=r"padding needs a padding token, and there is none\. Set one: tokenizer\.pad_token = "
    ):
        tokenizer(["a", "b c"], padding=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"do_lowercase": False}, "unknown argument 'do_lowercase'; did you mean 'do_lower_case'"),
        ({"padding_side": "lft"}, r"\.padding_side: expected 'left' or 'right', got 'lft'"),
        ({"do_lower_case": "False"}, r"\.do_lower_case: expected True or False, got 'False'"),
        ({"model_max_length": -5}, r"\.model_max_length: expected a positive integer, got -5"),
        ({"pad_token": 5}, r"AddedToken: expected a string or an AddedToken, got int 5"),
        ({"pad_token": ""}, r"AddedToken\.content: expected a string of at least one character, got ''"),
    ],
)
@pytest.mark.parametrize("cls", [BertTokenizer, BertTokenizerFast])
def test_the_constructor(cls, options, message):
    with pytest.raises(InputError, match=message):
        cls(VOCAB, **options)


def test_special_tokens(tokenizer):
    with pytest.raises(
        InputError, match=r"\.pad_token: '<pad>' is not in the vocabulary\. Add it first: tokenizer\.add_special_tokens"
    ):
        tokenizer.pad_token = "<pad>"
    with pytest.raises(InputError, match=r"\.pad_token_id: 99999 is not an id of the vocabulary"):
        tokenizer.pad_token_id = 99999
    with pytest.raises(InputError, match="unknown role 'pad_tokn'; did you mean 'pad_token'"):
        tokenizer.add_special_tokens({"pad_tokn": "x"})
    with pytest.raises(InputError, match="expected a mapping from roles to tokens, got list"):
        tokenizer.add_special_tokens(["x"])
    with pytest.raises(InputError, match="additional_special_tokens: expected a list of tokens, got 'x'"):
        tokenizer.add_special_tokens({"additional_special_tokens": "x"})
    with pytest.raises(InputError, match="at least one character"):
        tokenizer.add_tokens([""])
    tokenizer.pad_token_id = VOCAB["the"]
    assert tokenizer.pad_token == "the"


def test_a_changed_role_shows_in_the_rows(tokenizer):
    tokenizer.sep_token = "."
    assert tokenizer("a", "b").tokens() == ["[CLS]", "a", ".", "b", "."]
    tokenizer.unk_token = "the"
    assert tokenizer("\u2603").tokens() == ["[CLS]", "the", "."]
    tokenizer.cls_token = None
    batch = tokenizer("a", "b")
    assert batch.tokens() == ["a", ".", "b", "."]
    assert batch["token_type_ids"] == [0, 0, 1, 1]
    assert tokenizer.num_special_tokens_to_add(pair=True) == 2


def test_max_length_alone_cuts_and_says_so(tokenizer, caplog):
    from dovela import notices

    notices._seen.clear()
    with caplog.at_level(logging.WARNING, "dovela"):
        assert len(tokenizer("a b c d e", max_length=4)["input_ids"]) == 4
    assert "max_length was given without truncation" in caplog.text


def rows_the_peer_warns_of(vocab_file: str, calls):
    """For each call, whether the peer says that a row is too long. It says so once a tokenizer."""
    import logging

    from transformers import BertTokenizer, BertTokenizerFast
    from transformers.utils import logging as transformers_logging

    told: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_warning()
    try:
        out = []
        for cls in (BertTokenizer, BertTokenizerFast):
            for texts, options in calls:
                told.clear()
                cls(vocab_file, model_max_length=5)(texts, **options)
                out.append(any("longer than the specified maximum" in message for message in told))
        return out
    finally:
        transformers_logging.set_verbosity(before)
        logger.removeHandler(handler)


LONG_ROWS = [
    ("a b c", {}),
    ("a b c d", {}),
    (["a", "a b c d"], {}),
    (["a", "a b c d"], {"truncation": True}),
    ("a b c d", {"padding": True, "return_tensors": "np"}),
    ("a b c d", {"add_special_tokens": False}),
    ("a b c d", {"max_length": 4, "truncation": True}),
]


@pytest.mark.peer
def test_a_row_longer_than_the_model_takes_is_told_of(tmp_path, told, caplog, monkeypatch):
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in VOCAB), "utf-8")
    found = []
    with caplog.at_level(logging.WARNING, "dovela"):
        for cls in (BertTokenizer, BertTokenizerFast):
            for texts, options in LONG_ROWS:
                monkeypatch.setattr("dovela.notices._seen", set())
                caplog.clear()
                cls(VOCAB, model_max_length=5)(texts, **options)
                found.append(any("a row is longer than the 5 tokens that the model takes" in line for line in told()))
    assert found == peer4(rows_the_peer_warns_of, str(tmp_path / "vocab.txt"), LONG_ROWS)
    assert found[:2] == [False, True]


def test_a_long_row_is_told_of_once(tokenizer, told, caplog):
    tokenizer.model_max_length = 4
    with caplog.at_level(logging.WARNING, "dovela"):
        for text in ("a b c", "a b c d", "a b c d e"):
            tokenizer(text)
    assert len(told()) == 1
    assert told()[0].endswith("(model_max_length); pass truncation=True to cut such rows")


def test_lone_surrogates_and_long_words(tokenizer):
    row = tokenizer("x" * 1_000_000)
    assert row.tokens() == ["[CLS]", "[UNK]", "[SEP]"]
    with pytest.raises(InputError, match=r"a lone surrogate.*character 1"):
        tokenizer("a\ud800")


def test_an_empty_batch_has_empty_columns(tokenizer):
    assert tokenizer([]).data == {"input_ids": [], "token_type_ids": [], "attention_mask": []}
    assert tokenizer("")["input_ids"] == [VOCAB["[CLS]"], VOCAB["[SEP]"]]


def test_roles_of_the_constructor_may_be_added_tokens():
    for cls in (BertTokenizer, BertTokenizerFast):
        tokenizer = cls(VOCAB, mask_token=AddedToken("<mask>", lstrip=True, special=True))
        assert tokenizer("a <mask>", return_offsets_mapping=True)["offset_mapping"][2] == (1, 8)
        assert tokenizer.mask_token_id == TOP
