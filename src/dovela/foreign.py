"""Weights that were written by Flax and TensorFlow models of transformers, under the names that torch's files have.

    flax_model.msgpack, tf_model.h5                     one file
    flax_model.msgpack.index.json, tf_model.h5.index.json   shards, and which tensor is in which
    model.safetensors with the metadata format "flax" or "tf"

They hold the same tensors as torch's files. Their names differ by the framework's own words for leaves and scopes, and
kernels lie transposed; `leaves.py` turns both. Nothing in a file is ever run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arrays import read_arrays, same
from .errors import CheckpointError
from .h5_file import read_h5
from .header import Entry
from .leaves import FLAX_LEAVES, KERAS_LEAVES, LeafRules
from .msgpack_file import read_msgpack

if TYPE_CHECKING:
    from .hub import Source

Words = tuple[str, ...]
Weights = list[tuple[Words, Any]]


@dataclass(frozen=True)
class Format:
    """One framework's own files."""

    file: str
    rules: LeafRules
    read: Callable[[Path, bool], Weights]
    """What a file holds, or a shard."""
    listed: Callable[[str], Words]
    """The words of a name in an index of shards."""


def open_foreign(src: Source, weight_map: Callable[[Source, Path], Mapping[str, str]]) -> dict[str, Any] | None:
    """File name (as torch has it) -> array in torch's layout, or None where `src` has no such weights.

    `weight_map` reads an index of shards.
    """
    for form in FORMATS:
        if path := src.find(form.file):
            return _join([(path, form.read(path, False))], form.rules)
        if index := src.find(f"{form.file}.index.json"):
            shards = weight_map(src, index)
            paths = [src.require(shard) for shard in sorted(set(shards.values()))]
            found = _join([(path, form.read(path, True)) for path in paths], form.rules)
            if lost := sorted({form.rules.name(form.listed(name)) for name in shards} - found.keys()):
                problem = f"names {len(lost)} tensors that no shard has, as {lost[0]!r}"
                raise CheckpointError(str(index), problem, hint="Fetch all the shards again.")
            return found
    return None


def convert_safetensors(entries: Mapping[str, Entry], written_by: str) -> dict[str, Any] | None:
    """The same out of safetensors files whose metadata say the format; None where it is torch's or unknown."""
    rules = {"flax": FLAX_LEAVES, "tf": KERAS_LEAVES}.get(written_by)
    if rules is None or not entries:
        return None
    words = _keras_words if rules is KERAS_LEAVES else _dotted_words
    arrays = read_arrays(entries, dict(zip(entries, entries, strict=True)))
    file = next(iter(entries.values())).file
    return _join([(file, [(words(name), array) for name, array in arrays.items()])], rules)


def _flax_file(path: Path, shard: bool) -> Weights:
    """In a shard a key is a whole path."""
    return [(_flax_words("/".join(words)), array) for words, array in read_msgpack(path)]


def _keras_file(path: Path, shard: bool) -> Weights:
    """In one file a layer's group comes first and then the model's name; shards leave both out."""
    found = [(_keras_words("/".join(words)), array) for words, array in read_h5(path)]
    return found if shard else [(words[min(2, len(words) - 1) :], array) for words, array in found]


def _flax_words(name: str) -> Words:
    return tuple(name.split("/"))


def _dotted_words(name: str) -> Words:
    return tuple(name.split("."))


def _keras_words(name: str) -> Words:
    """ "bert/encoder/layer_._0/output/dense/kernel:0": a number after "_._" or a dot, a task before "___"."""
    words = re.sub(r":\d+$", "", name).split("/")
    return tuple(word.rpartition("___")[2].replace("_._", ".") for word in words)


def _keras_listed(name: str) -> Words:
    words = _keras_words(name)
    return words[1:] or words  # the first is the model's name


def _join(files: Sequence[tuple[Path, Weights]], rules: LeafRules) -> dict[str, Any]:
    """All the tensors under torch's names. A file may hold a shared one several times, but not with other values."""
    found: dict[str, Any] = {}
    for file, tensors in files:
        for words, array in tensors:
            name, value = rules.name(words), rules.to_file(words, array)
            if (
                rules is KERAS_LEAVES and words[-1] == "weight_g"
            ):  # weight norm's magnitudes lie with their axes reversed
                value = value.transpose()
            if name in found and not same(found[name], value):
                problem = f"holds {name!r} twice, with different values"
                raise CheckpointError(str(file), problem, hint="The file is damaged; fetch it again.")
            found.setdefault(name, value)
    return found


FORMATS = (
    Format("flax_model.msgpack", FLAX_LEAVES, _flax_file, _flax_words),
    Format("tf_model.h5", KERAS_LEAVES, _keras_file, _keras_listed),
)
