"""How a model knows where a token stands: vectors added to the embeddings, or what attention makes of places.

Letters: B batch, S sequence, D hidden size, H heads, A axes of a place (1 in texts and sound, 2 in images).

A scheme of one's own is a class of one of two kinds, with one hook, registered by `@register_positions("name")`:

    AddedPositions      added(x, position_ids)           what to add to the embeddings
    AttentionPositions  turn(x, places)                  what to do to queries and keys
                        bias(q_pos, k_pos)               what to add to the scores
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from ..errors import InputError, RegistryError
from ..parts import POSITIONS
from ..tables import alibi_slopes
from .init import Embedding, SinusoidalEmbedding

T = TypeVar("T", bound=type[nn.Module])


class AddedPositions(nn.Module):
    """Places as vectors that are added to the embeddings."""

    limited: ClassVar[bool] = False
    """Whether `max_position_embeddings` is the longest sequence there can be."""

    def __init__(self, config: Any = None) -> None:
        super().__init__()
        self.config = config

    def added(self, x: Tensor, position_ids: Tensor | None) -> Tensor:
        """Hook: x (B, S, D) and places (S,) or (B, S), None for 0 … S - 1 -> what broadcasts to (B, S, D)."""
        raise NotImplementedError(f"{type(self).__name__} must define added(self, x, position_ids)")


class _Table(AddedPositions):
    """A row for each place."""

    limited = True
    weight: Tensor

    def added(self, x: Tensor, position_ids: Tensor | None) -> Tensor:
        if position_ids is None:
            self._check(x.shape[1])
            position_ids = torch.arange(x.shape[1], device=x.device)
        return self(position_ids)  # type: ignore[no-any-return]

    def _check(self, length: int) -> None:
        rows = len(self.weight)
        if not torch.compiler.is_compiling() and length > rows:
            hint = "Give shorter ones, or configure more; 'rotary', 'alibi' and 'none' have no end."
            raise InputError("max_position_embeddings", f"is {rows}, and a sequence has {length} places", hint=hint)


class LearnedPositions(_Table, Embedding):
    """A learned vector for each place (Devlin et al. 2018)."""

    def __init__(self, config: Any) -> None:
        Embedding.__init__(self, config.max_position_embeddings, config.hidden_size, std=config.initializer_range)


class SinusoidalPositions(_Table, SinusoidalEmbedding):
    """Fixed waves of growing length (Vaswani et al. 2017, section 3.5)."""

    def __init__(self, config: Any) -> None:
        SinusoidalEmbedding.__init__(self, config.max_position_embeddings, config.hidden_size)


def added_positions(config: Any) -> AddedPositions | None:
    """What a configuration's scheme adds to the embeddings, if it is of that kind."""
    scheme = POSITIONS.get(config.positions)
    return POSITIONS.make(config.positions, config) if issubclass(scheme, AddedPositions) else None


class AttentionPositions(nn.Module):
    """Places as attention sees them. Each attention layer makes one of its own from the configuration."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    def turn(self, x: Tensor, places: Tensor) -> Tensor:
        """Hook: queries or keys x (…, H, D/H) at places (…, A) -> the same shape."""
        return x

    def bias(self, q_pos: Tensor, k_pos: Tensor) -> Tensor | None:
        """Hook: places (…, 1, S, 1) and (…, 1, 1, S) -> what is added to the scores, (…, H, S, S), or None.

        In images a place is a row and a column: (…, 1, S, 1, 2) and (…, 1, 1, S, 2).
        """
        return None


class RotaryPositions(AttentionPositions):
    """Queries and keys turned by an angle that grows with the place (Su et al. 2021, https://arxiv.org/abs/2104.09864).

    The i-th number of a head's first half and that of its second turn together, as GPT-NeoX and Llama have it. In
    images one half of the head turns with the row and the other with the column.
    """

    def turn(self, x: Tensor, places: Tensor) -> Tensor:
        axes = places.shape[-1]
        return torch.cat([self._turned(part, places[..., i]) for i, part in enumerate(x.chunk(axes, -1))], -1)

    def _turned(self, x: Tensor, place: Tensor) -> Tensor:
        """x (…, H, W) by places (…,)."""
        half = x.shape[-1] // 2
        power = torch.arange(half, device=x.device, dtype=torch.float32) / half
        angle = place[..., None, None].float() * (1 / self.config.rope_theta**power)  # (…, 1, W/2)
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        left, right = x[..., :half], x[..., half:]
        return torch.cat([left * cos - right * sin, right * cos + left * sin], -1)


class AlibiPositions(AttentionPositions):
    """Scores lowered in proportion to the distance (Press et al. 2021, https://arxiv.org/abs/2108.12409).

    Each head has its own slope. Where attention looks both ways, so does the distance.
    """

    def bias(self, q_pos: Tensor, k_pos: Tensor) -> Tensor:
        slopes = torch.tensor(alibi_slopes(self.config.num_attention_heads), device=q_pos.device)
        return -slopes[:, None, None] * (q_pos - k_pos).abs()


class NoPositions(nn.Module):
    """Nothing tells where a token stands (Haviv et al. 2022, https://arxiv.org/abs/2203.16634)."""


def register_positions(name: str) -> Callable[[T], T]:
    """`@register_positions("name")` before a class of one of the two kinds."""

    def register(cls: T) -> T:
        if not isinstance(cls, type) or not issubclass(cls, (AddedPositions, AttentionPositions)):
            raise RegistryError(
                f"position scheme {name!r}",
                f"{getattr(cls, '__name__', cls)!r} is neither added to the embeddings nor seen by attention",
                hint="Derive it from dovela.torch.AddedPositions or dovela.torch.AttentionPositions.",
            )
        return POSITIONS.register(name, cls)  # type: ignore[no-any-return]

    return register
