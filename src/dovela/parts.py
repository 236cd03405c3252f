"""The names that a configuration may give to a part. What they stand for is imported when a model is built."""

from __future__ import annotations

from typing import Any

from .registry import Registry

_ACTIVATIONS = ["gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu"]
_ACTIVATIONS += ["relu", "relu2", "relu6", "leaky_relu", "silu", "swish", "mish", "tanh", "sigmoid", "linear"]

ACTIVATIONS: Registry[Any] = Registry(
    "activation", {name: f"dovela.torch.activations:{'silu' if name == 'swish' else name}" for name in _ACTIVATIONS}
)
ATTENTIONS: Registry[Any] = Registry("attention", {"full": "dovela.torch.attention:Attention"})
MODELS: Registry[Any] = Registry("model")
"""Model classes by "model type/task"; each is registered by its definition."""
KERNELS: Registry[Any] = Registry(
    "attention kernel", {name: f"dovela.torch.kernels:{name}" for name in ("eager", "sdpa", "flex")}
)
