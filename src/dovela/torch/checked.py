"""What a person's own part returns, checked where it comes back: the error names the class, not a line inside torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError


def tensor_like(part: Any, y: Any, x: Tensor, what: str = "forward") -> Tensor:
    """y, if it is a tensor of the shape and dtype of x (under autocast, which changes dtypes, of the shape alone).

    Here and below nothing is asked while a graph is captured: an answer would fix the sizes in it.
    """
    if torch.compiler.is_compiling():
        return y  # type: ignore[no-any-return]
    fits = isinstance(y, Tensor) and y.shape == x.shape
    if fits and (y.dtype is x.dtype or torch.is_autocast_enabled(x.device.type)):
        return y  # type: ignore[no-any-return]
    expected = f"expected {list(x.shape)} of {x.dtype}, as it was given"
    raise InputError(_where(part, what), f"{expected}, got {described(y)}")


def pair_like(part: Any, y: Any, x: Tensor, what: str = "forward") -> tuple[Tensor, Any]:
    """y, if it is a pair of a tensor like x and of attention weights or None."""
    if not isinstance(y, tuple) or len(y) != 2:
        raise InputError(_where(part, what), f"expected (output, weights or None), got {described(y)}")
    return tensor_like(part, y[0], x, what), y[1]


def addable(part: Any, y: Any, x: Tensor, what: str) -> Tensor:
    """y, if it is a tensor of the dtype of x (B, S, D) that broadcasts to its shape."""
    if torch.compiler.is_compiling():
        return y  # type: ignore[no-any-return]
    fits = (
        isinstance(y, Tensor)
        and y.dim() <= x.dim()
        and (y.dtype is x.dtype or torch.is_autocast_enabled(x.device.type))
    )
    if fits and all(a in (1, b) for a, b in zip(y.shape[::-1], x.shape[::-1], strict=False)):
        return y  # type: ignore[no-any-return]
    expected = f"expected what can be added to {list(x.shape)} of {x.dtype}"
    raise InputError(_where(part, what), f"{expected}, got {described(y)}")


def boolean_table(part: Any, y: Any, heads: int, queries: int, keys: int, what: str) -> Tensor | None:
    """y, if it is None or a boolean tensor that broadcasts to (…, heads, queries, keys)."""
    if y is None or torch.compiler.is_compiling():
        return y  # type: ignore[no-any-return]
    fits = isinstance(y, Tensor) and y.dtype is torch.bool and _broadcasts(y, heads, queries, keys)
    if not fits:
        raise InputError(
            f"{type(part).__name__}.{what}",
            f"expected a boolean tensor (queries, keys), here {[queries, keys]}, or None, got {described(y)}",
            hint="True: may attend." if isinstance(y, Tensor) else "",
        )
    return y  # type: ignore[no-any-return]


def score_table(part: Any, y: Any, heads: int, queries: int, keys: int, what: str) -> Tensor | None:
    """y, if it is None or a floating tensor that broadcasts to (…, heads, queries, keys)."""
    if y is None or torch.compiler.is_compiling():
        return y  # type: ignore[no-any-return]
    if isinstance(y, Tensor) and y.is_floating_point() and _broadcasts(y, heads, queries, keys):
        return y
    expected = f"expected a floating tensor (heads, queries, keys), here {[heads, queries, keys]}, or None"
    raise InputError(f"{type(part).__name__}.{what}", f"{expected}, got {described(y)}")


def _broadcasts(y: Tensor, heads: int, queries: int, keys: int) -> bool:
    if y.dim() < 2 or y.shape[-2] not in (1, queries) or y.shape[-1] not in (1, keys):
        return False
    return y.dim() == 2 or (y.dim() <= 4 and y.shape[-3] in (1, heads))


def _where(part: Any, what: str) -> str:
    """A module's class and its method, or a function by its name."""
    return f"{type(part).__name__}.{what}" if isinstance(part, nn.Module) else getattr(part, "__name__", repr(part))


def described(y: Any) -> str:
    """A tensor by shape and dtype, anything else by its type."""
    return f"{list(y.shape)} of {y.dtype}" if isinstance(y, Tensor) else type(y).__name__
