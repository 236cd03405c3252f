"""Layers that draw their own weights as transformers do: normal with a given deviation, biases zero.

Each layer initialises itself (`reset_parameters`, torch's own convention), and nothing walks over a model afterwards: a
weight that a user or a checkpoint has set is never drawn again.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..tables import sinusoids


def _normal(weight: Tensor, std: float) -> None:
    if not weight.is_meta:  # torch spends more on drawing nothing than on mapping a file
        nn.init.normal_(weight, std=std)


class Linear(nn.Linear):
    def __init__(self, in_features: int, out_features: int, *, std: float, bias: bool = True) -> None:
        self.std = std
        super().__init__(in_features, out_features, bias)

    def reset_parameters(self) -> None:
        _normal(self.weight, self.std)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class Embedding(nn.Embedding):
    """A table of vectors; the row at `padding_idx` starts at zero and gets no gradient."""

    def __init__(self, num: int, dim: int, *, std: float, padding_idx: int | None = None) -> None:
        self.std = std
        super().__init__(num, dim, padding_idx)

    def reset_parameters(self) -> None:
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
