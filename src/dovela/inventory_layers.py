"""The layers that a model is described with: their tensors, what they compute, and what training keeps of them.

Operations are multiply-adds of matrix products; look-ups, norms, activations, softmax and biases are left out, as
profilers do. Kept is what autograd holds from the forward pass for the backward pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

Shape = tuple[int, ...]


def every_pair(tokens: int) -> int:
    return tokens**2


@dataclass(frozen=True)
class Part:
    """A layer: its tensors, and its multiply-adds for each token, each pair of tokens and each sequence."""

    name: str
    "Its canonical name, as `layers.0.attention.q_proj`."
    tensors: Mapping[str, Shape] = field(default_factory=dict)
    "By the last word of their names; nothing where the part is itself a tensor."
    per_token: int = 0
    per_pair: int = 0
    per_sequence: int = 0
    tied: Mapping[str, str] = field(default_factory=dict)
    "Tensors that are another part's, and whose: they are counted there."
    tokens: Callable[[int], int] = int
    "How many tokens the part works on, of an input of a length; for a text they are the same."
    pairs: Callable[[int], int] = every_pair
    "How many pairs of so many tokens it works on: those that may attend to each other."
    kept: int = 0
    "Numbers that training keeps for each token."
    frozen: bool = False
    "Its tensors are never trained."
    kinds: tuple[tuple[str, str], ...] = ()
    "What the layer of a stack that it lies in consists of, by path: layers of other kinds are not alike."

    @property
    def parameters(self) -> int:
        return sum(math.prod(shape) for name, shape in self.tensors.items() if name not in self.tied)

    def flops(self, length: int, batch: int = 1) -> int:
        """Operations of one forward pass over `batch` inputs of a length, in units of their `Measure`."""
        tokens = self.tokens(length)
        return 2 * batch * (self.per_token * tokens + self.per_pair * self.pairs(tokens) + self.per_sequence)


def linear(
    name: str, inputs: int, outputs: int, *, once: bool = False, bias: bool = True, activated: bool = False
) -> Part:
    """A matrix and a bias, applied to every token or, with `once`, to one vector a sequence."""
    products = inputs * outputs
    return Part(
        name,
        {"weight": (outputs, inputs)} | ({"bias": (outputs,)} if bias else {}),
        per_token=0 if once else products,
        per_sequence=products if once else 0,
        kept=0 if once else outputs * (1 + activated),  # what it gives, and what an activation makes of that
    )


def convolution(
    name: str,
    inputs: int,
    outputs: int,
    size: Shape,
    *,
    groups: int = 1,
    bias: bool = True,
    activated: bool = False,
) -> Part:
    """A kernel of a size (along one or two axes), applied to every token that it makes."""
    weight = (outputs, inputs // groups, *size)
    tensors = {"weight": weight} | ({"bias": (outputs,)} if bias else {})
    return Part(name, tensors, per_token=math.prod(weight), kept=outputs * (1 + activated))


def parameter(name: str, *shape: int) -> Part:
    """A tensor that is no layer's."""
    return Part(name, {"": shape})


def embedding(name: str, rows: int, width: int, *, frozen: bool = False) -> Part:
    return Part(name, {"weight": (rows, width)}, frozen=frozen)


def norm(name: str, width: int, kind: str = "layer") -> Part:
    """LayerNorm or, of the kind "rms", RMSNorm, which has no bias."""
    tensors: dict[str, Shape] = {"weight": (width,)}
    return Part(name, tensors if kind == "rms" else tensors | {"bias": (width,)}, kept=width)


def tied_names(parts: Iterable[Part]) -> list[list[str]]:
    """The tensors that are one, by all the names that they have; the first is where it is counted."""
    found: dict[str, list[str]] = {}
    for part in parts:
        for leaf, owner in part.tied.items():
            found.setdefault(owner, [owner]).append(f"{part.name}.{leaf}".rstrip("."))
    return list(found.values())


def over(parts: Iterable[Part], tokens: Callable[[int], int]) -> list[Part]:
    """The parts, working on as many tokens as `tokens` makes of an input's length."""
    return [replace(part, tokens=tokens) for part in parts]
