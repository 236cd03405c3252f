"""Small text models in Flax, with weights from NumPy: drawing them with jax compiles for longer than a test takes."""

from __future__ import annotations

from typing import Any

import numpy as np

SIZES = {
    "vocab_size": 61,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 12,
}


def small(name: str, *, fields: dict[str, Any] | None = None, spread: float = 0.3, **changes: Any) -> Any:
    """The Flax class of a torch class's `name`, bound to random weights."""
    import jax

    import dovela

    cls = getattr(dovela, f"Flax{name}")
    module = cls(cls.config_class(**{**SIZES, **changes}), **(fields or {}))
    rng = np.random.default_rng(0)
    draw = lambda leaf: jax.numpy.asarray(rng.standard_normal(leaf.shape) * spread, leaf.dtype)  # noqa: E731
    return module.bind({"params": jax.tree.map(draw, module.weight_shapes())})
