"""Text models in Keras against torch's, on whichever backend is on: what the harness of every head leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

SIZES = {
    "vocab_size": 61,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 16,
}
Arrays = dict[str, Any]


def inputs() -> Arrays:
    """Ids of three texts, of which the second is padded and the third is nothing but padding."""
    mask = np.ones((3, 7), np.int64)
    mask[1, 4:], mask[2] = 0, 0
    return {"input_ids": np.random.default_rng(0).integers(1, 61, (3, 7)), "attention_mask": mask}


def cases() -> dict[str, tuple[str, Arrays, Arrays]]:
    """Name -> torch's class, changes of its configuration, and inputs."""
    rng, given = np.random.default_rng(1), inputs()
    ids, mask = given["input_ids"], given["attention_mask"]
    squares = np.tril(np.ones((3, 7, 7), np.int64))
    squares[1, 2] = 0
    vectors = rng.standard_normal((3, 7, 32)).astype(np.float32)
    numbers = rng.standard_normal((3, 2)).astype(np.float32)
    activations = ("gelu_new", "quick_gelu", "relu", "relu2", "relu6", "leaky_relu", "silu", "mish", "tanh", "sigmoid")
    return {
        "padding": ("BertModel", {}, given),
        "bool mask": ("BertModel", {}, {**given, "attention_mask": mask > 0}),
        "no mask": ("BertModel", {}, {"input_ids": ids}),
        "square masks": ("BertModel", {}, {"input_ids": ids, "attention_mask": squares}),
        "vectors": ("BertModel", {}, {"inputs_embeds": vectors, "attention_mask": mask}),
        "places": ("BertModel", {}, {**given, "position_ids": np.arange(7)[::-1].copy()}),
        "places of each": ("DistilBertModel", {}, {**given, "position_ids": rng.integers(0, 16, (3, 7))}),
        "types": ("BertModel", {"type_vocab_size": 3}, {**given, "token_type_ids": rng.integers(0, 3, (3, 7))}),
        "pruned": ("BertForMaskedLM", {"pruned_heads": {0: [1], 1: [0, 3]}}, {**given, "labels": ids}),
        "untied": ("BertForMaskedLM", {"tie_word_embeddings": False}, {**given, "labels": ids}),
        "nothing labelled": ("BertForMaskedLM", {}, {**given, "labels": np.full((3, 7), -100)}),
        "waves": ("DistilBertForMaskedLM", {"sinusoidal_pos_embds": True}, {**given, "labels": ids}),
        "no padding row": ("DistilBertModel", {"pad_token_id": None}, given),
        "regression": ("BertForSequenceClassification", {"problem_type": "regression"}, {**given, "labels": numbers}),
        "yes and no": ("BertForSequenceClassification", {}, {**given, "labels": np.abs(numbers) % 1}),
        "one number": (
            "DistilBertForSequenceClassification",
            {"num_labels": 1},
            {**given, "labels": numbers[:, 0]},
        ),
        "spans beyond": (
            "DistilBertForQuestionAnswering",
            {},
            {**given, "start_positions": np.array([1, 7, 3]), "end_positions": np.array([2, 99, 5])},
        ),
        **{f"activation {name}": ("BertForMaskedLM", {"hidden_act": name}, given) for name in activations},
    }


def compare(case: str, folder: Path) -> None:
    """Outputs, states, weights, loss and gradients, at padding too."""
    import torch

    import dovela
    from keras_parity import assert_same

    name, changes, given = cases()[case]
    torch.manual_seed(0)
    cls = getattr(dovela, name)
    theirs = cls(cls.config_class(**SIZES, **changes)).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    theirs.save_pretrained(folder)
    theirs = cls.from_pretrained(folder, attn_implementation="eager")  # sdpa's gradients of rows of padding are others
    assert_same(getattr(dovela, f"TF{name}").from_pretrained(folder), theirs, given)


def compare_all(folder: str) -> list[str]:
    """What differs, of all cases: for a process with another backend."""
    wrong = []
    for index, case in enumerate(cases()):
        try:
            compare(case, Path(folder) / str(index))
        except AssertionError as error:
            wrong.append(f"{case}: {error}")
    return wrong


def fitted_with_labels(labels: list[int]) -> float:
    """The loss of one step of `fit` with whatever labels, in a compiled graph, from a stream of batches."""
    import keras

    import dovela

    model = dovela.TFBertForSequenceClassification(dovela.BertConfig(**{**SIZES, "num_hidden_layers": 1}))
    model.compile(keras.optimizers.SGD(0.0))
    rows = {"input_ids": np.ones((len(labels), 3), "int32")}
    batches = (batch for batch in [(rows, np.array(labels, "int32"))])
    return float(model.fit(batches, steps_per_epoch=1, verbose=0).history["loss"][0])
