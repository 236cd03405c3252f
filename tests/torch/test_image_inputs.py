"""What an image model is called with: bad input is an error that names the place."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from dovela import InputError

X = torch.randn(2, 2, 12, 12, generator=torch.Generator().manual_seed(0))
MASK = torch.zeros(2, 16, dtype=torch.bool)
HIDING = "ViTForMaskedImageModeling"
BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("nothing", "ViTModel", {}, "pixel_values: expected images, and none are given. Prepare images with a feature"),
    ("list", "ViTModel", {"pixel_values": [[0.5]]}, r"got list. Prepare .* return_tensors=\"pt\""),
    ("array", "ViTModel", {"pixel_values": X.numpy()}, "expected a torch tensor, got ndarray"),
    (
        "bytes",
        "ViTModel",
        {"pixel_values": torch.zeros(2, 2, 12, 12, dtype=torch.uint8)},
        "expected floating-point numbers, got torch.uint8. Bytes are to be rescaled and normalised",
    ),
    (
        "one image",
        "ViTModel",
        {"pixel_values": X[0]},
        r"the shape \[2, 12, 12\]. One image alone is a batch of one: pix",
    ),
    (
        "one channel",
        "ViTModel",
        {"pixel_values": X[0, 0]},
        r"expected \(batch, channels, height, width\), got the shape",
    ),
    ("video", "ViTModel", {"pixel_values": X[None]}, r"got the shape \[1, 2, 2, 12, 12\]"),
    ("channels", "ViTModel", {"pixel_values": X[:, :1]}, r"expected 2 channels, got 1 in the shape \[2, 1, 12, 12\]"),
    (
        "channels last",
        "ViTModel",
        {"pixel_values": X.movedim(1, -1)},
        r"expected 2 channels, got 12 .* come before height and width: pixel_values.movedim\(-1, 1\)",
    ),
    (
        "size",
        "ViTForImageClassification",
        {"pixel_values": X[..., :9]},
        "expected images of 12 × 12 pixels, got 12 × 9. Resize them, or pass interpolate_pos_encoding=True",
    ),
    (
        "too small",
        "ViTModel",
        {"pixel_values": X[..., :2], "interpolate_pos_encoding": True},
        r"images of 12 × 2 pixels are smaller than a patch \(3 × 3\)",
    ),
    ("empty", "ViTModel", {"pixel_values": X[..., :0], "interpolate_pos_encoding": True}, "12 × 0 pixels are smaller"),
    ("NaN", "ViTModel", {"pixel_values": torch.where(X > 1, torch.nan, X)}, "has values that are NaN or infinite"),
    ("infinite", "ViTModel", {"pixel_values": X / 0}, "has values that are NaN or infinite"),
    (
        "no mask token",
        "ViTModel",
        {"pixel_values": X, "bool_masked_pos": MASK},
        r"bool_masked_pos: this model has no mask token .* ViTModel\(config, use_mask_token=True\)",
    ),
    ("mask of a list", HIDING, {"pixel_values": X, "bool_masked_pos": [True]}, "bool_masked_pos: .* got list"),
    (
        "mask of pixels",
        HIDING,
        {"pixel_values": X, "bool_masked_pos": torch.zeros(2, 12, 12)},
        r"expected the shape \[2, 16\], one for each of 4 × 4 patches, got \[2, 12, 12\]",
    ),
    (
        "mask with a class token",
        HIDING,
        {"pixel_values": X, "bool_masked_pos": torch.zeros(2, 17)},
        r"expected the shape \[2, 16\]",
    ),
    (
        "soft mask",
        HIDING,
        {"pixel_values": X, "bool_masked_pos": torch.full((2, 16), 0.5)},
        "has values other than 0 and 1. 1 = the patch is hidden",
    ),
    (
        "misspelt",
        "ViTForImageClassification",
        {"pixel_value": X},
        r"ViTForImageClassification\(…\): there is no input 'pixel_value'; did you mean 'pixel_values'\?",
    ),
    ("text", "ViTModel", {"input_ids": X}, "there is no input 'input_ids'. It takes pixel_values, bool_masked_pos"),
    (
        "label out of range",
        "ViTForImageClassification",
        {"pixel_values": X, "labels": torch.tensor([0, 3])},
        r"labels: .* is outside 0 … 2 \(and not -100\)",
    ),
    (
        "labels' shape",
        "ViTForImageClassification",
        {"pixel_values": X, "labels": torch.tensor([0, 1, 2])},
        r"labels: expected the shape \[2\], got \[3\]",
    ),
    (
        "an answer",
        "ViTModel",
        {"pixel_values": X, "interpolate_pos_encoding": "no"},
        "interpolate_pos_encoding: expected True or False, got 'no'",
    ),
    ("labels of the other head", HIDING, {"pixel_values": X, "labels": X}, "there is no input 'labels'"),
]


@pytest.mark.parametrize(("name", "inputs", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_named(name: str, inputs: dict[str, Any], message: str, small: Any) -> None:
    with pytest.raises(InputError, match=message):
        small(name)(**inputs)


def test_a_stride_that_is_not_the_patchs_size_cannot_learn(small: Any) -> None:
    model = small(HIDING, encoder_stride=6)
    assert model(X).reconstruction.shape == (2, 2, 24, 24)
    with pytest.raises(InputError, match=r"patches have 3 × 3 pixels, and the model makes 6 × 6 .* encoder_stride"):
        model(X, bool_masked_pos=MASK)


def test_an_empty_batch_gives_an_empty_answer(small: Any) -> None:
    assert small("ViTForImageClassification")(X[:0]).logits.shape == (0, 3)


def test_double_pixels_are_taken(small: Any) -> None:
    model = small("ViTModel")
    assert torch.equal(model(X.double()).last_hidden_state, model(X).last_hidden_state)
