"""Jobs for the processes of `peers`: the Flax and TensorFlow classes of transformers 4."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_pickle(name: str, folder: str) -> None:
    """Write the weights of a torch checkpoint once more as pytorch_model.bin, which its TensorFlow classes convert."""
    import transformers

    model = getattr(transformers, name).from_pretrained(folder)
    model.save_pretrained(folder, safe_serialization=False)


def torch_outputs(name: str, folder: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """What the torch class computes, as numpy arrays."""
    import torch
    import transformers

    model = getattr(transformers, name).from_pretrained(folder).eval()
    with torch.no_grad():
        return arrays(model(**{key: torch.from_numpy(value) for key, value in inputs.items()}))


def flax_outputs(name: str, folder: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """What the class "Flax…" computes of a torch checkpoint, as numpy arrays."""
    import transformers

    model = getattr(transformers, "Flax" + name).from_pretrained(folder, from_pt=True)
    return arrays(model(**inputs, train=False, return_dict=True))


def tf_outputs(name: str, folder: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """What the class "TF…" computes of a torch checkpoint, as numpy arrays."""
    import transformers

    model = getattr(transformers, "TF" + name).from_pretrained(folder, from_pt=True)
    return arrays(model(inputs, training=False, return_dict=True))


def save_flax(name: str, folder: str, out: str, shard: str = "10GB") -> None:
    """A checkpoint as the peer's Flax classes write it."""
    import transformers

    model = getattr(transformers, "Flax" + name).from_pretrained(folder, from_pt=True)
    model.save_pretrained(out, max_shard_size=shard)


def save_tf(name: str, folder: str, out: str, safe: bool = False, shard: str = "10GB") -> None:
    """A checkpoint as the peer's TensorFlow classes write it: tf_model.h5, or safetensors if `safe`."""
    import transformers

    model = getattr(transformers, "TF" + name).from_pretrained(folder, from_pt=True)
    model.save_pretrained(out, safe_serialization=safe, max_shard_size=shard)


def arrays(output: Any) -> dict[str, Any]:
    return {
        key: [np.asarray(v) for v in value] if isinstance(value, tuple) else np.asarray(value)
        for key, value in output.items()
        if value is not None
    }
