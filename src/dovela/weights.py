"""How the names in a checkpoint's files meet the names of a model's parts, for every framework.

Two spellings of one tensor:
  file   "distilbert.transformer.layer.0.attention.q_lin.weight", as Hugging Face names it
  state  "backbone.layers.0.attention.q_proj.weight", in the same dotted words in every architecture

A `WeightMap` joins them. A model without a head leaves `BACKBONE` out, and so do the rules.
"""

from __future__ import annotations

from collections.abc import Mapping

from .errors import CheckpointError

BACKBONE = "backbone."  # where a model with a head keeps the model without one


class Rename:
    """`file` and `name` are the same tensor. `{i}` stands for a number, `{*}` for the last word.

    `also` is another spelling, which files may carry beside the first or alone. Both are written; where both are found,
    this one counts.
    """

    def __init__(self, file: str, name: str, *, also: str | None = None) -> None:
        self.file, self.name, self.also = file, name, also


class Ignore:
    """A tensor that files may have and no model needs; `why` is told in the load report."""

    def __init__(self, file: str, *, why: str) -> None:
        self.file, self.why = file, why


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
        self._by_file: dict[str, list[Rename | Ignore]] = {}
        self._by_state: dict[str, list[Rename | Ignore]] = {}
        for rule in rules:
            for file in filter(None, (rule.file, getattr(rule, "also", None))):
                for spelling in {file, file.removeprefix(prefix)}:
                    self._by_file.setdefault(spelling, []).append(rule)
            if isinstance(rule, Rename):
                self._by_state.setdefault(self._front(rule) + rule.name, []).append(rule)

    def read(self, file: str) -> str | Ignore | None:
        """The state name (of a model with a head) of a file's name, the rule that ignores it, or None: no rule."""
        rule = _the_rule(self._by_file, file)
        return self._front(rule) + _fill(rule.name, file) if isinstance(rule, Rename) else rule

    def spellings(self, file: str) -> list[str]:
        """`file` as it is, and with each old ending that it has replaced by the new one."""
        old = [file.removesuffix(old) + new for old, new in self.aliases.items() if file.endswith(old)]
        return [file, *old]

    def write(self, state: str, *, headed: bool) -> str:
        """The file's name of a tensor that is called `state` in a model with (`headed`) or without a head."""
        full = state if headed else BACKBONE + state
        rule = _the_rule(self._by_state, full)
        if rule is not None:
            file = _fill(rule.file, full)
        else:
            file = self.prefix + full.removeprefix(BACKBONE) if full.startswith(BACKBONE) else full
        return file if headed else file.removeprefix(self.prefix)

    def also(self, state: str, *, headed: bool) -> str | None:
        """The other spelling under which the file carries the tensor called `state`, if there is one."""
        full = state if headed else BACKBONE + state
        rule = _the_rule(self._by_state, full)
        also = getattr(rule, "also", None)
        return _fill(also, full) if also else None

    def as_is(self, file: str, *, headed: bool) -> str:
        """The state name of a file's name that no rule knows; `headed`: whether the file's backbone has its prefix."""
        if file.startswith(self.prefix):
            return BACKBONE + file.removeprefix(self.prefix)
        return file if headed else BACKBONE + file

    def _front(self, rule: Rename) -> str:
        return BACKBONE if rule.file.startswith(self.prefix) else ""


def _the_rule(table: Mapping[str, list[Rename | Ignore]], name: str) -> Rename | Ignore | None:
    """The one rule whose pattern `name` fits, looked up by its words with `{i}` for numbers and `{*}` for the last."""
    words = ["{i}" if word.isdecimal() else word for word in name.split(".")]
    rules = [*table.get(".".join(words), ()), *table.get(".".join([*words[:-1], "{*}"]), ())]
    if len(rules) > 1:
        matched = ", ".join(rule.file for rule in rules)
        raise CheckpointError(name, f"matches {len(rules)} rules of the weight table: {matched}")
    return rules[0] if rules else None


def _fill(template: str, name: str) -> str:
    """`template` with the numbers and the last word of `name`."""
    words = name.split(".")
    numbers = (word for word in words if word.isdecimal())
    fills = {"{i}": lambda: next(numbers), "{*}": lambda: words[-1]}
    return ".".join(fills[word]() if word in fills else word for word in template.split("."))
