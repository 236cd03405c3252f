"""How the names in a checkpoint's files meet the names of a model's parts, for every framework.

Three spellings of one tensor:
  file        "distilbert.transformer.layer.0.attention.q_lin.weight", as Hugging Face names it
  canonical   "layers.0.attention.q_proj.weight", the same dotted words in every architecture
  state       "backbone.layers.0.attention.q_proj.weight", where the tensor sits in a model that has a head

A `WeightMap` joins the first two; `BACKBONE` in front makes the third.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from .errors import CheckpointError

BACKBONE = "backbone."  # where a model with a head keeps the model without one


class Rename:
    """`file` and `name` are the same tensor. `{i}` stands for a number, `{*}` for the rest of the name.

    `also` is another spelling found in files, read but never written.
    """

    def __init__(self, file: str, name: str, *, also: str | None = None) -> None:
        self.file, self.name, self.also = file, name, also

    @cached_property
    def spellings(self) -> list[re.Pattern[str]]:
        return [_pattern(text) for text in (self.file, self.also) if text]

    @cached_property
    def canonical(self) -> re.Pattern[str]:
        return _pattern(self.name)


class Ignore:
    """A tensor that files may have and no model needs; `why` is told in the load report."""

    def __init__(self, file: str, *, why: str) -> None:
        self.file, self.why = file, why

    @cached_property
    def spellings(self) -> list[re.Pattern[str]]:
        return [_pattern(self.file)]


class WeightMap:
    """The table of one architecture: total (each name matches exactly one rule) and invertible.

    `prefix` is what files put in front of the backbone's names when there is a head, and leave out when there is none.
    `aliases` are old endings, read only. A map without rules leaves names as they are: a user's own architecture.
    """

    def __init__(self, *rules: Rename | Ignore, prefix: str = BACKBONE, aliases: Mapping[str, str] | None = None) -> None:
        self.rules, self.prefix, self.aliases = rules, prefix, dict(aliases or {})

    def read(self, file: str) -> str | Ignore | None:
        """The canonical name of a file's name, the rule that ignores it, or None where the table has no such name."""
        if not self.rules:
            return file.removeprefix(self.prefix)
        for old, new in self.aliases.items():
            if file.endswith(old):
                file = file.removesuffix(old) + new
        found: dict[str, str | Ignore] = {}
        for rule in self.rules:
            for pattern in rule.spellings:
                match = pattern.fullmatch(file) or pattern.fullmatch(self.prefix + file)
                if match:
                    found[rule.file] = rule if isinstance(rule, Ignore) else _fill(rule.name, match)
        if len(found) > 1:
            raise CheckpointError(file, f"matches {len(found)} rules of the weight table: {', '.join(found)}")
        return next(iter(found.values()), None)

    def write(self, state: str, *, headed: bool) -> str:
        """The file's name of a tensor that is called `state` in a model with (`headed`) or without a head."""
        if not self.rules:
            return state
        canonical = state.removeprefix(BACKBONE)
        files = [_fill(r.file, m) for r in self.rules if isinstance(r, Rename) and (m := r.canonical.fullmatch(canonical))]
        if len(files) != 1:
            raise CheckpointError(state, f"matches {len(files)} rules of the weight table, and must match one")
        return files[0] if headed else files[0].removeprefix(self.prefix)

    def is_head(self, canonical: str) -> bool:
        """Whether a canonical name belongs to a head of the architecture, by the table."""
        part = canonical.partition(".")[0]
        return any(
            isinstance(rule, Rename) and rule.name.partition(".")[0] == part and not rule.file.startswith(self.prefix)
            for rule in self.rules
        )


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\{i\}", r"(\d+)").replace(r"\{\*\}", "(.+)"))


def _fill(template: str, match: re.Match[str]) -> str:
    values = iter(match.groups())
    return re.sub(r"\{i\}|\{\*\}", lambda _: next(values), template)
