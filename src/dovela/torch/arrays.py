"""How the rules of `input_rules` and `label_rules` look at torch's tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..input_rules import Arrays
from .layout import readable

_WHOLE = {torch.int64, torch.int32, torch.int16, torch.int8}


class TorchArrays(Arrays):
    """Values are seen where that is free: on the CPU, and not while a graph is captured."""

    word, code = "torch", "pt"

    def is_array(self, x: Any) -> bool:
        return isinstance(x, Tensor)

    def dtype(self, x: Any) -> str:
        return str(x.dtype)

    def kind(self, x: Any) -> str:
        if x.is_floating_point():
            return "f"
        return "b" if x.dtype is torch.bool else "c" if x.is_complex() else "i" if x.dtype in _WHOLE else "u"

    def values(self, x: Any) -> Any:
        """In the tensor's own memory, but for bfloat16, which numpy has not."""
        if not readable(x):
            return None
        x = x.detach()
        return (x.float() if x.dtype is torch.bfloat16 else x).numpy()

    def ends(self, x: Any) -> tuple[Any, Any] | None:
        if not readable(x) or not x.numel():
            return None
        low, high = torch.aminmax(x.detach())
        return low.item(), high.item()

    def booleans(self, mask: Any) -> Any:
        return mask if mask is None or mask.dtype is torch.bool else mask != 0


TORCH = TorchArrays()
