"""How a sequence becomes one vector: states (B, S, D) and a mask (B, S), True = real, or None -> (B, D).

One of one's own is a module made from a configuration, registered by `@register_pooler("name")`. Its vectors are as
wide as the states, or else as its attribute `width` says.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..encoder_rules import each_layer, pooler_name
from ..errors import ConfigError, InputError
from ..parts import ACTIVATIONS, ATTENTIONS, POOLERS
from .activations import activated
from .checked import described
from .init import Linear, drawn, spread
from .layout import captured

register_pooler = POOLERS.decorator


def make_pooler(config: Any) -> nn.Module:
    """The pooler that a configuration names; attention of one's own tells itself whether it is causal."""
    kinds = {ATTENTIONS.get(kind) for kind in each_layer(config.attention, config.num_hidden_layers)}
    name = pooler_name(config)
    if all(getattr(kind, "causal", False) for kind in kinds):
        if config.pooler in ("first", "dense"):
            problem = f"pooler {config.pooler!r} reads the first token, which has seen itself alone"
            raise ConfigError(type(config).__name__, problem, hint="Choose 'last', 'mean', 'max' or 'attention'.")
        name = config.pooler or "last"
    return POOLERS.make(name, config)  # type: ignore[no-any-return]


def pool(pooler: nn.Module, x: Tensor, mask: Tensor | None) -> Tensor:
    """States (B, S, D), mask (B, S) or (B, S, S) or None -> what the pooler makes of them, (B, D)."""
    y = pooler(x, None if mask is None else real_tokens(mask))
    if captured():
        return y  # type: ignore[no-any-return]
    width = getattr(pooler, "width", x.shape[-1])
    if not isinstance(y, Tensor) or not y.is_floating_point() or y.shape != (len(x), width):
        raise InputError(
            f"{type(pooler).__name__}.forward",
            f"expected one vector for each of {len(x)} sequences, (batch, width), here {[len(x), width]}, "
            f"got {described(y)}",
            hint="One of another width says so in its constructor: self.width = …",
        )
    return y


def real_tokens(mask: Tensor) -> Tensor:
    """A mask (B, S), or (B, S, S) of who attends to whom -> what to pool (B, S); where all is padding, all of it."""
    real = mask if mask.dim() == 2 else mask.any(1)
    return real | ~real.any(1, keepdim=True)


class Pooler(nn.Module):
    """The base of poolers without weights."""

    def __init__(self, config: Any) -> None:
        super().__init__()


class FirstToken(Pooler):
    """The first token's state."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return x[:, 0]


class LastToken(Pooler):
    """The state of the last token that is not padding: with causal attention, the only one that has seen them all."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return x[:, -1]
        place = torch.arange(x.shape[1], device=x.device)
        last = torch.where(mask, place, 0).amax(1)  # (B,)
        return x[torch.arange(len(x), device=x.device), last]


class MeanPooler(Pooler):
    """The mean over real tokens (Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084)."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is None:
            return x.mean(1)
        real = mask[..., None]  # (B, S, 1)
        return x.masked_fill(~real, 0.0).sum(1) / real.sum(1)


class MaxPooler(Pooler):
    """The largest value of each number over real tokens."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        if mask is not None:
            x = x.masked_fill(~mask[..., None], torch.finfo(x.dtype).min)
        return x.amax(1)


class AttentionPooler(nn.Module):
    """A mean whose weights are learned: how well each state fits a query vector (Lin et al. 2017, one hop)."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.query = drawn(config.hidden_size, **spread(config))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        scores = (x @ self.query) * x.shape[-1] ** -0.5  # (B, S)
        if mask is not None:
            scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
            x = x.masked_fill(~mask[..., None], 0.0)
        return (scores.softmax(-1)[:, None] @ x)[:, 0]  # type: ignore[no-any-return]


class DensePooler(nn.Module):
    """The first token's state through one more layer: with tanh (Devlin et al. 2018), or as configured."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.width: int = getattr(config, "pooler_output_size", None) or config.hidden_size
        self.dense = Linear(config.hidden_size, self.width, **spread(config))
        self.activation = ACTIVATIONS.get(getattr(config, "pooler_act", "tanh"))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return activated(self.activation, self.dense(x[:, 0]))
