"""How the names in a checkpoint's files meet the names of a model's parts, for every framework.

Two spellings of one tensor:
  file   "distilbert.transformer.layer.0.attention.q_lin.weight", as Hugging Face names it
  state  "backbone.layers.0.attention.q_proj.weight", in the same dotted words in every architecture

A `WeightMap` joins them. A model without a head leaves `BACKBONE` out, and so do the rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from .errors import CheckpointError

BACKBONE = "backbone."  # where a model with a head keeps the model without one


class Rename:
    """`file` and `name` are the same tensor. `{i}` stands for a number, `{*}` for the last word.

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
    """The table of one architecture: each of its names matches exactly one rule, and comes back by the same rule.

    `prefix` is what files put in front of the backbone's names when there is a head, and leave out when there is none.
    `aliases` are old endings, read only. Names that no rule knows, such as those of a user's own head, are the same in
    both spellings but for the prefix; a user's own architecture has no rules at all.
    """

    def __init__(
        self, *rules: Rename | Ignore, prefix: str = BACKBONE, aliases: Mapping[str, str] | None = None
    ) -> None:
        self.rules, self.prefix, self.aliases = rules, prefix, dict(aliases or {})

    def read(self, file: str) -> str | Ignore | None:
        """The state name (of a model with a head) of a file's name, the rule that ignores it, or None: no rule."""
        for old, new in self.aliases.items():
            if file.endswith(old):
                file = file.removesuffix(old) + new
        found: dict[str, str | Ignore] = {}
        for rule in self.rules:
            for pattern in rule.spellings:
                match = pattern.fullmatch(file) or pattern.fullmatch(self.prefix + file)
                if match:
                    found[rule.file] = rule if isinstance(rule, Ignore) else self._front(rule) + _fill(rule.name, match)
        if len(found) > 1:
            raise CheckpointError(file, f"matches {len(found)} rules of the weight table: {', '.join(found)}")
        return next(iter(found.values()), None)

    def write(self, state: str, *, headed: bool) -> str:
        """The file's name of a tensor that is called `state` in a model with (`headed`) or without a head."""
        full = state if headed else BACKBONE + state
        files = []
        for rule in self.rules:
            if isinstance(rule, Rename) and full.startswith(self._front(rule)):
                match = rule.canonical.fullmatch(full.removeprefix(self._front(rule)))
                files += [_fill(rule.file, match)] if match else []
        if len(files) > 1:
            raise CheckpointError(state, f"matches {len(files)} rules of the weight table: {', '.join(files)}")
        file = files[0] if files else self.prefix + full[len(BACKBONE) :] if full.startswith(BACKBONE) else full
        return file if headed else file.removeprefix(self.prefix)

    def as_is(self, file: str, *, headed: bool) -> str:
        """The state name of a file's name that no rule knows; `headed`: whether the file's backbone has its prefix."""
        if file.startswith(self.prefix):
            return BACKBONE + file.removeprefix(self.prefix)
        return file if headed else BACKBONE + file

    def _front(self, rule: Rename) -> str:
        return BACKBONE if rule.file.startswith(self.prefix) else ""


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(r"\{i\}", r"(\d+)").replace(r"\{\*\}", r"([^.]+)"))


def _fill(template: str, match: re.Match[str]) -> str:
    values = iter(match.groups())
    return re.sub(r"\{i\}|\{\*\}", lambda _: next(values), template)
