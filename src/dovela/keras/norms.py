"""Norms by name, made from a width and an epsilon: (…, D) -> (…, D)."""

from __future__ import annotations

from typing import Any

from ..kit_parts import part_name
from .parts import NORMS

register_norm = NORMS.decorator


def make_norm(config: Any) -> Any:
    """The norm that a configuration names, for its hidden states."""
    return NORMS.make(part_name(NORMS, config, "norm"), config.hidden_size, epsilon=config.norm_eps)
