"""ViT in Keras: torch's numbers from torch's file, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dovela
from architectures import config_of
from dovela import InputError

keras = pytest.importorskip("keras")
from keras_parity import assert_same, pair  # noqa: E402

RNG = np.random.default_rng(0)
PIXELS = RNG.normal(size=(4, 2, 12, 12)).astype(np.float32)
HIDDEN = RNG.random((4, 16)) > 0.5
LABELS = np.array([0, 2, 1, 1])

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "base": ("ViTModel", {"pixel_values": PIXELS}, {}, {}),
    "hidden": ("ViTModel", {"pixel_values": PIXELS, "bool_masked_pos": HIDDEN}, {}, {"use_mask_token": True}),
    "no pooler": ("ViTModel", {"pixel_values": PIXELS}, {}, {"add_pooling_layer": False}),
    "stretched": (
        "ViTModel",
        {"pixel_values": RNG.normal(size=(2, 2, 20, 10)).astype(np.float32), "interpolate_pos_encoding": True},
        {},
        {},
    ),
    "pruned": ("ViTModel", {"pixel_values": PIXELS}, {"pruned_heads": {0: [1]}}, {}),
    "classes": ("ViTForImageClassification", {"pixel_values": PIXELS, "labels": LABELS}, {}, {}),
    "numbers": (
        "ViTForImageClassification",
        {"pixel_values": PIXELS, "labels": RNG.normal(size=4).astype(np.float32)},
        {"num_labels": 1, "id2label": None, "label2id": None},
        {},
    ),
    "yes and no": (
        "ViTForImageClassification",
        {"pixel_values": PIXELS, "labels": (RNG.random((4, 3)) > 0.5).astype(np.float32)},
        {"hidden_act": "relu", "qkv_bias": False},
        {},
    ),
    "pixels": ("ViTForMaskedImageModeling", {"pixel_values": PIXELS, "bool_masked_pos": HIDDEN}, {}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_it_does_what_torch_does(case: str, tmp_path: Path) -> None:
    name, inputs, changes, build = CASES[case]
    changes = {key: value for key, value in changes.items() if value is not None}
    if "num_labels" in changes:
        config = {k: v for k, v in config_of(name).items() if k not in ("id2label", "label2id")}
        cls = getattr(dovela, name)
        cls(cls.config_class(**{**config, **changes})).eval().save_pretrained(tmp_path)
        theirs, ours = cls.from_pretrained(tmp_path), getattr(dovela, f"TF{name}").from_pretrained(tmp_path)
    else:
        theirs, ours = pair(name, tmp_path, build, **changes)
    assert_same(ours, theirs, inputs)


def small(name: str = "ViTForImageClassification", **build: Any) -> Any:
    keras.utils.set_random_seed(0)
    cls = getattr(dovela, f"TF{name}")
    return cls(cls.config_class(**config_of(name)), **build)


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "pixel_values: expected images, and none are given. Prepare images with a feature extractor"),
    ({"pixel_values": PIXELS[0]}, r"the shape \[2, 12, 12\]. One image alone is a batch of one"),
    ({"pixel_values": PIXELS.transpose(0, 2, 3, 1)}, r"expected 2 channels, got 12 .* The channels come before"),
    ({"pixel_values": (PIXELS * 9).astype(np.uint8)}, "floating-point numbers, got uint8"),
    ({"pixel_values": PIXELS[:, :, :9]}, "expected images of 12 × 12 pixels, got 9 × 12. Resize them"),
    ({"pixel_values": PIXELS * np.nan}, "has values that are NaN or infinite"),
    ({"pixel_values": PIXELS, "bool_masked_pos": HIDDEN[:, :5]}, r"expected the shape \[4, 16\]"),
    (
        {"pixel_values": PIXELS, "bool_masked_pos": HIDDEN},
        "no mask token to hide patches behind. Build it with use_mask",
    ),
    ({"pixel_values": PIXELS, "interpolate_pos_encoding": 1}, "expected True or False, got 1"),
]


@pytest.mark.parametrize(("inputs", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_bad_input_is_refused(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        small("ViTModel")(**inputs)


def test_what_is_hidden_is_compared_only_where_the_squares_are_patches() -> None:
    cls = dovela.TFViTForMaskedImageModeling
    model = cls(cls.config_class(**{**config_of("ViTForMaskedImageModeling"), "encoder_stride": 4}))
    assert tuple(model(PIXELS).reconstruction.shape) == (4, 2, 16, 16)
    with pytest.raises(InputError, match="patches have 3 × 3 pixels, and the model makes 4 × 4 of each"):
        model(PIXELS, HIDDEN)


def test_a_graph_for_images_of_any_size_stretches_no_positions() -> None:
    model = small("ViTModel")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("JAX traces graphs of any size with sizes of its own")
    with pytest.raises(InputError, match=r"a graph for images of any size has no grid yet\. Build the graph"):
        model(keras.Input((2, None, None)), interpolate_pos_encoding=True)
    made = model(keras.Input((2, 15, 9)), interpolate_pos_encoding=True)
    assert made.last_hidden_state.shape == (None, 16, model.config.hidden_size)


def test_sinusoidal_positions_are_the_grid_s_and_are_not_trained() -> None:
    from dovela.keras.patches import ImageEmbeddings
    from dovela.tables import grid_sinusoids

    class Waves(dovela.ViTConfig, model_type="waves"):
        positions = "sinusoidal"

    layer = ImageEmbeddings(Waves(image_size=12, patch_size=3, hidden_size=8, num_attention_heads=2))
    layer.build()
    assert not layer.positions.trainable
    np.testing.assert_allclose(np.asarray(layer.positions.value)[0], grid_sinusoids(4, 4, 8))


@pytest.mark.parametrize("given", ["x", "y", "array", "loss"])
def test_fit_learns(given: str) -> None:
    model, x = small(), {"pixel_values": PIXELS, "labels": LABELS}
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True) if given == "loss" else None
    model.compile(keras.optimizers.Adam(0.01), loss=loss, metrics=["accuracy"] if loss else None, jit_compile=False)
    data = (x,) if given == "x" else ({"pixel_values": PIXELS}, LABELS) if given == "y" else (PIXELS, LABELS)
    losses = model.fit(*data, batch_size=4, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_masked_images_are_fitted_evaluated_and_predicted() -> None:
    model, x = small("ViTForMaskedImageModeling"), {"pixel_values": PIXELS, "bool_masked_pos": HIDDEN}
    model.compile(keras.optimizers.Adam(0.01), jit_compile=False)
    losses = model.fit(x, batch_size=2, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert np.isfinite(model.evaluate(x, batch_size=2, verbose=0))
    assert model.predict(x, batch_size=2, verbose=0).reconstruction.shape == PIXELS.shape
    with pytest.raises(InputError, match="expected the hidden patches as bool_masked_pos in x, and nothing as y"):
        model.fit({"pixel_values": PIXELS}, batch_size=2, verbose=0)


def test_it_is_kept_in_a_keras_file(tmp_path: Path) -> None:
    model = small("ViTModel", use_mask_token=True)
    model.mask_token.assign(model.mask_token + 1)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    inputs = {"pixel_values": PIXELS, "bool_masked_pos": HIDDEN}
    np.testing.assert_array_equal(again(**inputs).last_hidden_state, model(**inputs).last_hidden_state)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a SavedModel is TensorFlow's")
def test_it_is_exported(tmp_path: Path) -> None:
    import tensorflow as tf

    model = small()
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served"))
    logits = served.serve({"pixel_values": tf.constant(PIXELS[:3])})["logits"]
    np.testing.assert_allclose(logits, model(PIXELS[:3]).logits, atol=1e-6)
