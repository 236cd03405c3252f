"""Layers that draw their own weights as transformers do: normal with a given deviation, biases zero.

Each layer initialises itself (`reset_parameters`, torch's own convention), and nothing walks over a model afterwards: a
weight that a user or a checkpoint has set is never drawn again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn

from ..tables import sinusoids

CHUNK = 1 << 18  # numbers that one generator draws


def spread(config: Any) -> dict[str, Any]:
    """How far the weights of a configuration's layers spread when they are drawn: arguments of the layers below."""
    return {"std": getattr(config, "initializer_range", 0.02), "limit": getattr(config, "initializer_limit", None)}


def _normal(weight: Tensor, std: float, limit: float | None = None) -> None:
    """Draw from a normal distribution, on every core: each chunk has a generator, seeded from torch's own.

    So `torch.manual_seed` decides the result, whatever the number of threads. With a `limit`, values lie within it; ten
    deviations away no value is ever drawn, and nothing needs to be done.
    """
    if limit is not None and limit < 10 * std:
        nn.init.trunc_normal_(weight, std=std, a=-limit, b=limit)
        return
    flat = weight.detach().view(-1)
    if weight.numel() <= CHUNK or weight.device.type != "cpu" or type(flat) is not Tensor:
        nn.init.normal_(weight, std=std)
        return
    chunks = torch.split(flat, CHUNK)
    seeds = torch.randint(2**63 - 1, (len(chunks),), device="cpu").tolist()

    def draw(chunk: Tensor, seed: int) -> None:
        chunk.normal_(std=std, generator=torch.Generator().manual_seed(seed))

    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(draw, chunks, seeds))


class Linear(nn.Linear):
    """`nn.Linear`, drawn from a normal distribution with the deviation `std` (within `limit`), and its bias zero."""

    def __init__(
        self, in_features: int, out_features: int, *, std: float, bias: bool = True, limit: float | None = None
    ) -> None:
        self.std, self.limit = std, limit
        super().__init__(in_features, out_features, bias)

    def reset_parameters(self) -> None:
        if self.weight.is_meta:  # drawing nothing takes torch longer than mapping the file does
            return
        _normal(self.weight, self.std, self.limit)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Conv2d(nn.Conv2d):
    """`nn.Conv2d` whose kernels do not overlap, drawn as `Linear` is."""

    def __init__(
        self, in_channels: int, out_channels: int, size: tuple[int, int], *, std: float, limit: float | None = None
    ) -> None:
        self.std, self.limit = std, limit
        super().__init__(in_channels, out_channels, size, stride=size)

    def reset_parameters(self) -> None:
        if self.weight.is_meta:
            return
        _normal(self.weight, self.std, self.limit)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


def drawn(*shape: int, std: float, limit: float | None = None) -> nn.Parameter:
    """A parameter that is no layer's, drawn in the same way."""
    weight = torch.empty(shape)
    if not weight.is_meta:
        _normal(weight, std, limit)
    return nn.Parameter(weight)


class Embedding(nn.Embedding):
    """A table of vectors; the row at `padding_idx` starts at zero and gets no gradient."""

    def __init__(self, num: int, dim: int, *, std: float, padding_idx: int | None = None) -> None:
        self.std = std
        super().__init__(num, dim, padding_idx)

    def reset_parameters(self) -> None:
        if self.weight.is_meta:
            return
        _normal(self.weight, self.std)
        self._fill_padding_idx_with_zero()


class SinusoidalEmbedding(nn.Embedding):
    """Fixed sinusoids, kept as a weight without gradient because checkpoints store it so."""

    def __init__(self, num: int, dim: int) -> None:
        super().__init__(num, dim)
        self.weight.requires_grad_(False)

    def reset_parameters(self) -> None:
        with torch.no_grad():
            self.weight.copy_(torch.from_numpy(sinusoids(self.num_embeddings, self.embedding_dim)))
