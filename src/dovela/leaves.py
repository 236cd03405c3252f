"""What the frameworks call a parameter, and how they lay it out: between a path in a Flax or Keras model and torch.

Modules and layers have torch's names, so only the last word of a path differs, and a kernel's axes: torch puts output
and input before the window, the others put the window first and the output last. A checkpoint holds torch's names and
layout whichever framework wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import ConfigError

KERNEL = "kernel"


@dataclass(frozen=True)
class LeafRules:
    """A framework's words for torch's leaves. A path is the words from the model, itself left out, to the parameter."""

    words: Mapping[str, str]

    def name(self, path: Sequence[str]) -> str:
        """torch's state name: ("norm", "scale") -> "norm.weight"."""
        return ".".join([*path[:-1], self.words.get(path[-1], path[-1])])

    def by_name(self, paths: Iterable[Sequence[str]], owner: str) -> dict[str, tuple[str, ...]]:
        """State name -> path; ConfigError, about the class `owner`, where a file could not tell two weights apart."""
        found: dict[str, tuple[str, ...]] = {}
        for path in paths:
            name, own = self.name(path), tuple(path)
            if (other := found.get(name)) is not None:
                hint = "Keep each layer under an attribute of its own, and let a layer make its weights in build()."
                if other != own:
                    others = sorted(word for word, called in self.words.items() if called == name.rpartition(".")[2])
                    hint = f"Give one another name: in a file {' and '.join(others)} of one layer have the same."
                problem = f"two weights are called {name!r}, so that no file could tell them apart"
                raise ConfigError(
                    owner, problem + (f": {'.'.join(other)}, {'.'.join(own)}" if other != own else ""), hint=hint
                )
            found[name] = own
        return found

    def shape(self, path: Sequence[str], shape: Sequence[int]) -> tuple[int, ...]:
        """torch's shape of what the framework keeps in `shape`."""
        return tuple(shape[axis] for axis in self._to_file(path, len(shape)))

    def to_file(self, path: Sequence[str], array: Any) -> Any:
        """The framework's `array` in torch's layout. For NumPy a view."""
        return array.transpose(axes) if (axes := self._to_file(path, array.ndim)) != (*range(array.ndim),) else array

    def from_file(self, path: Sequence[str], array: Any) -> Any:
        """An `array` of torch's layout as the framework keeps it. For NumPy a view."""
        axes = self._to_file(path, array.ndim)
        back = tuple(sorted(range(array.ndim), key=lambda axis: axes[axis]))
        return array.transpose(back) if back != (*range(array.ndim),) else array

    def _to_file(self, path: Sequence[str], rank: int) -> tuple[int, ...]:
        if path[-1] != KERNEL or rank < 2:
            return (*range(rank),)
        return (rank - 1, rank - 2, *range(rank - 2))


FLAX_LEAVES = LeafRules({KERNEL: "weight", "scale": "weight", "embedding": "weight"})
KERAS_LEAVES = LeafRules({KERNEL: "weight", "gamma": "weight", "beta": "bias", "embeddings": "weight"})
