"""What a model is called with: bad input is an error that names the place."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from dovela import InputError

IDS = torch.arange(1, 25).view(2, 12)
BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("nothing", "BertModel", {}, "expected input_ids or inputs_embeds, and neither is given"),
    (
        "both",
        "BertModel",
        {"input_ids": IDS, "inputs_embeds": torch.zeros(2, 12, 48)},
        "expected input_ids or inputs_embeds, and both are given",
    ),
    ("list", "BertModel", {"input_ids": [[1, 2]]}, r"got list. Tokenise with return_tensors=\"pt\""),
    ("float", "BertModel", {"input_ids": IDS.float()}, "input_ids: expected int64 or int32, got torch.float32"),
    ("one text", "BertModel", {"input_ids": IDS[0]}, r"got the shape \[12\]. One text alone is a batch of one"),
    ("three axes", "BertModel", {"input_ids": IDS[None]}, r"expected \(batch, sequence\), got the shape \[1, 2, 12\]"),
    ("id too large", "BertModel", {"input_ids": IDS + 40}, r"64 at \[1, 11\] is outside 0 … 60 \(vocab_size 61\)"),
    ("negative id", "BertModel", {"input_ids": IDS - 2}, r"-1 at \[0, 0\] is outside 0 … 60"),
    ("empty", "BertModel", {"input_ids": IDS[:, :0]}, "the sequences are empty"),
    (
        "too long",
        "DistilBertModel",
        {"input_ids": IDS.repeat(1, 4)},
        "sequences of 48 tokens, and the model has 40 positions. Tokenise with truncation=True, max_length=40",
    ),
    (
        "mask shape",
        "BertModel",
        {"input_ids": IDS, "attention_mask": torch.ones(2, 11)},
        r"attention_mask: expected the shape \[2, 12\] of the input, or \[2, 12, 12\], got \[2, 11\]",
    ),
    (
        "mask values",
        "BertModel",
        {"input_ids": IDS, "attention_mask": torch.full((2, 12), -10000.0)},
        "has values other than 0 and 1. 1 = a real token, 0 = padding",
    ),
    ("mask type", "BertModel", {"input_ids": IDS, "attention_mask": [[1] * 12] * 2}, "attention_mask: .* got list"),
    (
        "types of an architecture without",
        "DistilBertModel",
        {"input_ids": IDS, "token_type_ids": IDS * 0},
        "DistilBertModel.*: there is no input 'token_type_ids'. It takes input_ids, attention_mask",
    ),
    (
        "token type",
        "BertModel",
        {"input_ids": IDS, "token_type_ids": IDS},
        r"token_type_ids: 24 at \[1, 11\] is outside 0 … 2",
    ),
    (
        "token types' shape",
        "BertModel",
        {"input_ids": IDS, "token_type_ids": IDS[:, :5] * 0},
        r"token_type_ids: expected the shape \[2, 12\]",
    ),
    ("position", "BertModel", {"input_ids": IDS, "position_ids": IDS + 30}, "position_ids: 54 at .* outside 0 … 39"),
    (
        "width",
        "BertModel",
        {"inputs_embeds": torch.zeros(2, 12, 50)},
        r"inputs_embeds: expected floating-point \(batch, sequence, 48\), got \[2, 12, 50\]",
    ),
    (
        "misspelt",
        "BertForMaskedLM",
        {"input_ids": IDS, "attention_msk": IDS},
        r"BertForMaskedLM\(…\): there is no input 'attention_msk'; did you mean 'attention_mask'\?",
    ),
    (
        "another head's labels",
        "BertForQuestionAnswering",
        {"input_ids": IDS, "labels": IDS},
        "there is no input 'labels'",
    ),
    (
        "one end",
        "BertForQuestionAnswering",
        {"input_ids": IDS, "start_positions": torch.tensor([1, 2])},
        "expected start_positions and end_positions, and only one is given",
    ),
    (
        "label out of range",
        "BertForSequenceClassification",
        {"input_ids": IDS, "labels": torch.tensor([0, 3])},
        r"labels: .* is outside 0 … 2 \(and not -100\)",
    ),
    (
        "labels' shape",
        "BertForTokenClassification",
        {"input_ids": IDS, "labels": torch.tensor([0, 1])},
        r"labels: expected the shape \[2, 12\], got \[2\]",
    ),
    (
        "labels' dtype",
        "BertForMaskedLM",
        {"input_ids": IDS, "labels": IDS.float()},
        "labels: expected int64 class numbers, got torch.float32",
    ),
    (
        "multi-label shape",
        "BertForSequenceClassification",
        {"input_ids": IDS, "labels": torch.ones(2, 4)},
        r"labels: expected the shape \[2, 3\] for multi_label_classification, got \[2, 4\]",
    ),
    (
        "choices",
        "BertForMultipleChoice",
        {"input_ids": IDS},
        r"expected inputs of the shape \(batch, choices, sequence\), got \[2, 12\]",
    ),
    (
        "next sentence",
        "BertForPreTraining",
        {"input_ids": IDS, "next_sentence_label": torch.tensor([0, 2])},
        "next_sentence_label: .* is outside 0 … 1",
    ),
]


@pytest.mark.parametrize(("name", "inputs", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_named(name: str, inputs: dict[str, Any], message: str, small: Any) -> None:
    with pytest.raises(InputError, match=message):
        small(name)(**inputs)


def test_masks_of_every_dtype_mean_the_same(small: Any) -> None:
    model, mask = small("BertModel"), torch.ones(2, 12, dtype=torch.long)
    mask[1, 7:] = 0
    reference = model(IDS, attention_mask=mask).last_hidden_state
    for dtype in (torch.bool, torch.float32, torch.int32, torch.uint8):
        assert torch.equal(model(IDS, attention_mask=mask.to(dtype)).last_hidden_state, reference)
    square = mask[:, None, :].expand(2, 12, 12)
    real = mask == 1
    assert torch.allclose(model(IDS, attention_mask=square).last_hidden_state[real], reference[real], atol=1e-6)


def test_int32_ids_positions_and_vectors(small: Any) -> None:
    model = small("BertModel")
    reference = model(IDS).last_hidden_state
    assert torch.equal(model(IDS.int()).last_hidden_state, reference)
    for positions in (torch.arange(12), torch.arange(12)[None], torch.arange(12).expand(2, 12)):
        assert torch.equal(model(IDS, position_ids=positions).last_hidden_state, reference)
    vectors = model.get_input_embeddings()(IDS)
    assert torch.equal(model(inputs_embeds=vectors).last_hidden_state, reference)
    shifted = model(IDS, position_ids=torch.arange(12) + 3).last_hidden_state
    assert not torch.allclose(shifted, reference)
