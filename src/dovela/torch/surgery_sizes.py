"""Longer or shorter tables: positions and vocabularies.

Letters: S positions, D hidden size.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError, suggest
from .embeddings import TextEmbeddings
from .init import SinusoidalEmbedding
from .patches import ImageEmbeddings
from .rebuilding import Made, check_model, rebuild
from .surgery import with_rows
from .surgery_report import SurgeryReport

HOW = ("repeat", "interpolate", "fresh")
NEW_ROWS = ("drawn", "mean")


def resize_positions(model: Any, size: int, how: str | None = None) -> tuple[Any, SurgeryReport]:
    """A model for sequences of up to `size` tokens, and what became of each tensor.

    how, for a learned table that grows:
      "repeat"       the rows again from the first on (Beltagy et al. 2020, Longformer): what was short enough before
                     gives what it gave; the default
      "interpolate"  the rows stretched over the new length (as Chen et al. 2023 do with rotary positions), the first
                     and the last staying as they are; also when it shrinks
      "fresh"        the rows as they are, and more of them drawn
    A table that shrinks keeps its first rows, but for "interpolate". Sinusoids are computed for any length.

    Raises InputError where positions are no table (rotary, ALiBi, convolutional or none), ConfigError for a wrong size.
    """
    where = "resize_positions"
    check_model(where, model)
    if how is not None and how not in HOW:
        raise InputError(where, f"how={how!r} is none of {', '.join(map(repr, HOW))}{suggest(how, HOW)}")
    tables = _tables(where, model)
    config = model.config.replace(max_position_embeddings=size)
    made = {}
    for path, table in tables.items():
        if isinstance(table, SinusoidalEmbedding) and how is not None:
            raise InputError(where, f"how={how!r} is for learned positions, and {path} are computed sinusoids")
        if size != table.num_embeddings:
            made[f"{path}.weight"] = _resized(table, size, how or "repeat", model.config.initializer_range)
    new, report = rebuild(where, model, config, made=made)
    before = next(iter(tables.values())).num_embeddings
    report.title = f"{type(model).__name__}: {before} positions → {size}"
    return new, report


def _tables(where: str, model: Any) -> dict[str, nn.Embedding]:
    """The tables of positions by their paths."""
    found = {path: module for path, module in model.named_modules() if isinstance(module, TextEmbeddings)}
    if not found:
        images = any(isinstance(module, ImageEmbeddings) for module in model.modules())
        hint = "resize_images changes the positions of an image model." if images else ""
        raise InputError(where, f"{type(model).__name__} has no table of text positions", hint=hint)
    tables: dict[str, nn.Embedding] = {}
    for path, embeddings in found.items():
        table = getattr(embeddings, "positions", None)
        if not isinstance(table, nn.Embedding):
            scheme = getattr(model.config, "positions", type(table).__name__)
            hint = "Sequences of any length can be read; change_parts(model, positions=…) gives it another scheme."
            raise InputError(where, f"positions are {scheme!r} here, which is no table: nothing to resize", hint=hint)
        tables[f"{path}.positions" if path else "positions"] = table
    return tables


def _resized(table: nn.Embedding, size: int, how: str, std: float) -> Made:
    old = table.weight.detach()  # (S, D)
    count = len(old)
    if how == "interpolate":
        stretched = F.interpolate(old.T[None].float(), size=size, mode="linear", align_corners=True)[0].T
        return Made("interpolated", stretched.to(old.dtype).contiguous(), f"{count} rows stretched to {size}, linearly")
    if size < count:
        return Made("cut", old[:size].clone(), _rows(size, count))
    if isinstance(table, SinusoidalEmbedding):
        longer = SinusoidalEmbedding(size, old.shape[1]).weight.to(old)
        return Made("fresh", torch.cat([old, longer[count:]]), f"{_rows(count, size)}, computed")
    if how == "repeat":
        again = old[torch.arange(size, device=old.device) % count]
        return Made("interpolated", again, f"{_rows(count, size)} repeat those from 0 on")
    return Made("fresh", with_rows(table.weight, size, std), _rows(count, size))


def _rows(start: int, end: int) -> str:
    return f"row {start}" if end - start == 1 else f"rows {start} to {end - 1}"


def resize_vocabulary(
    model: Any, size: int | None = None, *, new: str = "drawn", pad_to_multiple_of: int | None = None
) -> tuple[Any, SurgeryReport]:
    """A model with `size` tokens, and what became of each tensor; `model.resize_token_embeddings` does it in place.

    new: "drawn" as in training from scratch, or "mean": each new row is the mean of the old ones, so that a new token
    starts as likely as an average one (Hewitt 2021, "Initializing new word embeddings")
    pad_to_multiple_of: rounds the number up

    Raises InputError for a wrong size, ConfigError if `pad_token_id` would be cut.
    """
    where = "resize_vocabulary"
    check_model(where, model)
    if new not in NEW_ROWS:
        raise InputError(where, f"new={new!r} is none of {', '.join(map(repr, NEW_ROWS))}{suggest(new, NEW_ROWS)}")
    other = copy.deepcopy(model)
    other.zero_grad(set_to_none=True)
    other.resize_token_embeddings(size, pad_to_multiple_of)
    report = SurgeryReport()
    before = model.state_dict()
    for name, tensor in other.state_dict().items():
        there, here = len(before[name]) if tensor.dim() else 0, len(tensor) if tensor.dim() else 0
        if tensor.shape == before[name].shape:
            report.kept[name] = name
        elif here < there:
            report.cut[name] = _rows(here, there)
        elif new == "mean":
            tensor[there:] = _mean(before[name])
            report.merged[name] = f"{_rows(there, here)} are the mean of the others"
        else:
            report.fresh[name] = _rows(there, here)
    sizes = model.config.vocab_size, other.config.vocab_size
    report.changed = {"vocab_size": sizes} if sizes[0] != sizes[1] else {}
    report.title = f"{type(model).__name__}: {sizes[0]} tokens → {sizes[1]}"
    return other, report


def _mean(rows: Tensor) -> Tensor:
    return rows.float().mean(0).to(rows.dtype)
