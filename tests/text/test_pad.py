"""`tokenizer.pad`: arrays stay arrays of their framework, and what is no row of ids is refused by its place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dovela.errors import InputError
from dovela.models.bert.tokenizer import BertTokenizer
from peers import peer4
from small_vocab import small_vocab

TOKENIZER = BertTokenizer(small_vocab())
ROWS = [[2, 5, 6, 3], [2, 3]]
MAKERS = {"lists": list, "numpy": np.array, "torch": torch.tensor}


def shapes_in(maker: str):
    """Every shape that `pad` takes, made of `maker`'s arrays."""
    make = MAKERS[maker]
    return {
        "columns": {"input_ids": [make(row) for row in ROWS]},
        "rows": [{"input_ids": make(row), "labels": float(i) + 0.5} for i, row in enumerate(ROWS)],
        "a matrix": {"input_ids": make([[2, 5, 3], [2, 6, 3]])},
        "other columns": {
            "input_ids": [make(row) for row in ROWS],
            "token_type_ids": [make([1] * len(r)) for r in ROWS],
        },
    }


def described(batch):
    """What the batch is made of, as a process boundary can carry it."""
    return {
        name: (
            type(column).__name__,
            str(getattr(column, "dtype", "")),
            getattr(column, "tolist", lambda c=column: c)(),
        )
        for name, column in batch.items()
    }


def padded_by_the_peer(vocab_file: str, maker: str, shape: str, kind: str | None):
    from transformers import BertTokenizer

    return described(BertTokenizer(vocab_file).pad(shapes_in(maker)[shape], return_tensors=kind))


@pytest.mark.peer
@pytest.mark.parametrize("kind", [None, "np", "pt"])
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("shape", shapes_in("lists"))
def test_as_the_peer_does(shape, maker, kind, tmp_path):
    (tmp_path / "vocab.txt").write_text("".join(f"{token}\n" for token in small_vocab()), "utf-8")
    found = described(TOKENIZER.pad(shapes_in(maker)[shape], return_tensors=kind))
    wanted = peer4(padded_by_the_peer, str(tmp_path / "vocab.txt"), maker, shape, kind)
    wanted = {
        name: (a, b.replace("float64", "float32"), c) for name, (a, b, c) in wanted.items()
    }  # as models want them
    assert found == wanted


def test_rows_that_make_no_array_stay_lists_where_nothing_is_padded():
    ragged = {"input_ids": [np.array(row) for row in ROWS]}
    assert TOKENIZER.pad(ragged, padding=False)["input_ids"] == ROWS
    assert isinstance(TOKENIZER.pad({"input_ids": np.array([[2, 3]])}, padding=False)["input_ids"], np.ndarray)
    with pytest.raises(InputError, match="rows of lengths 2 to 4 make no tensor"):
        TOKENIZER.pad(ragged, padding=False, return_tensors="np")


def test_numbers_keep_their_kind():
    batch = TOKENIZER.pad({"input_ids": ROWS, "labels": [0.25, 1], "flags": [True, False]}, return_tensors="pt")
    assert batch["labels"].tolist() == [0.25, 1.0]
    assert (batch["labels"].dtype, batch["flags"].dtype) == (torch.float32, torch.bool)


def test_what_is_an_array_already_is_not_made_again():
    labels = torch.tensor([0.5, 1.5], dtype=torch.bfloat16, requires_grad=True)
    batch = TOKENIZER(["a", "b"], return_tensors="pt")
    batch["labels"] = labels
    assert batch.convert_to_tensors("pt")["labels"] is labels


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"input_ids": ["ab"]}, "row 0 of input_ids: expected ids, which are integers, got str 'ab'"),
        ({"input_ids": [[2], ["ab"]]}, "row 1 of input_ids: expected ids, which are integers, got str 'ab'"),
        ({"input_ids": [[2, None]]}, "row 0 of input_ids: expected ids, which are integers, got NoneType None"),
        ({"input_ids": [[2, 1.5]]}, r"row 0 of input_ids: expected ids, which are integers, got float 1\.5"),
        ({"input_ids": [[True]]}, "row 0 of input_ids: expected ids, which are integers, got bool True"),
        ({"input_ids": np.array([[0.5]])}, r"row 0 of input_ids: expected ids, .*, got float 0\.5"),
        ({"input_ids": [[2], 3]}, "row 1 of input_ids: expected a list of ids, got int 3"),
        ({"input_ids": [[[2]], [[3]]]}, r"row 0 of input_ids: .*, got list \[2\]\. Rows made with return_tensors have"),
        ([{"input_ids": torch.tensor([[2]])}], "an axis too many: take input_ids.0. of each"),
        ({"input_ids": 5}, "input_ids: expected a row of ids, or a list of rows, got int 5"),
        ({"input_ids": None}, "input_ids: expected a row of ids, or a list of rows, got NoneType None"),
        ({"input_ids": {2, 3}}, "input_ids: expected a row of ids, or a list of rows, got set"),
        (
            {"input_ids": ROWS, "attention_mask": [[1], [1]]},
            "row 0 of attention_mask has 1 entries, and of input_ids 4",
        ),
        ({"input_ids": ROWS, "token_type_ids": [0, 0]}, "row 0 of token_type_ids has int 0, and of input_ids 4"),
        ({"input_ids": ROWS, "labels": 5}, r"input_ids has 2 rows, but \{'labels': 5\}"),
        (None, "expected a mapping or a list of mappings, got NoneType"),
        ([ROWS], "expected a mapping or a list of mappings, got list"),
    ],
)
def test_refused(given, message):
    with pytest.raises(InputError, match=rf"BertTokenizer\.pad: .*{message}"):
        TOKENIZER.pad(given)


def test_columns_without_numbers_make_no_tensor():
    with pytest.raises(InputError, match=r"BatchEncoding\['text'\]: holds str \('a'\), of which there are no tensors"):
        TOKENIZER.pad({"input_ids": ROWS, "text": ["a", "b"]}, return_tensors="np")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"paddin": True}, "unknown argument 'paddin'; did you mean 'padding'"),
        ({"return_attention_mask": 1}, "return_attention_mask must be True or False, or None, got 1"),
        ({"return_tensors": "numpy"}, "return_tensors='numpy' is not known"),
    ],
)
def test_options(options, message):
    with pytest.raises(InputError, match=rf"BertTokenizer\.pad: {message}"):
        TOKENIZER.pad({"input_ids": ROWS}, **options)
