"""Whether a Keras model does what torch's does with the same checkpoint, on whichever backend is on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

import dovela
import in_keras
from architectures import config_of
from comparing import assert_gradients, assert_outputs
from dovela.torch.layout import padded

ALL = {"output_hidden_states": True, "output_attentions": True}


def pair(name: str, folder: Path, build: dict[str, Any] | None = None, **changes: Any) -> tuple[Any, Any]:
    """A small random torch model, saved in a folder, and the Keras model that opens it."""
    torch.manual_seed(0)
    cls = getattr(dovela, name)
    model = cls(cls.config_class(**{**config_of(name), **changes}), **(build or {})).eval()
    model.save_pretrained(folder)
    return model, in_keras.opened(name, str(folder), **(build or {}))


def assert_same(ours: Any, theirs: Any, inputs: dict[str, Any], tolerance: float = 1e-5) -> None:
    """Outputs, hidden states, attentions, loss and gradients, at padding too."""
    tensors = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in inputs.items()}
    with padded():
        expected = theirs(**tensors, **ALL)
    loss = getattr(expected, "loss", None)
    if loss is None:
        found: Any = ours(**inputs, **ALL)
    else:
        loss.sum().backward()
        found, slopes = in_keras._gradients(ours, {**inputs, **ALL}, {}, training=False)
        named = in_keras.by_state_name(ours.trainable_variables, slopes)
        parameters = {n: None if p.grad is None else p.grad.numpy() for n, p in theirs.named_parameters()}
        assert_gradients(named, {n: g for n, g in parameters.items() if g is not None}, tolerance)
    there = {
        k: [v.detach().numpy() for v in x] if isinstance(x, tuple) else x.detach().numpy() for k, x in expected.items()
    }
    assert_outputs(in_keras.flatten(found), there, tolerance)
