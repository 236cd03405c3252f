"""Tokens of texts -> rows: special tokens around them, cut to length."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .arguments import Input
from .pipeline import Pipeline
from .rows import Encoding, Place, Tokens
from .truncation import Truncation

Template = Callable[[bool], list[Place]]  # of a single sequence (False) or a pair (True)


class Assembly:
    """Rows in the Python engine: a pipeline, where special tokens go, and what is cut."""

    def __init__(
        self,
        pipeline: Pipeline,
        template: Template,
        names: Callable[[list[int]], list[str]],
        truncation: Truncation | None,
        most_special: Callable[[bool], int],
        where: str,
    ) -> None:
        """`names` turns ids into tokens. `most_special`: how many special tokens a row has if none are left out."""
        self.pipeline, self.names, self.truncation, self.where = pipeline, names, truncation, where
        self._template, self._most_special = template, most_special
        self._templates: dict[bool, list[Place]] = {}

    def template(self, pair: bool) -> list[Place]:
        if pair not in self._templates:
            places = self._templates[pair] = self._template(pair)
            if self.truncation is not None:
                self.truncation.check(self.where, len(places) - 1 - pair, self._most_special(pair))
        return self._templates[pair]

    def rows(self, first: str | list[str], second: str | list[str] | None = None) -> list[Encoding]:
        """The row of one input, and one for each combination of windows over what was cut."""
        template = self.template(second is not None)
        sequences = [self._sequence(text) for text in (first, second) if text is not None]
        sizes = [len(sequence.ids) for sequence in sequences]
        if self.truncation is None:
            return [Encoding(template, sequences, [(0, size) for size in sizes], self.names)]
        special = len(template) - len(sequences)
        keep = self.truncation.lengths(self.where, special, sizes[0], sizes[1] if len(sizes) > 1 else None)
        spans = [self.truncation.windows(self.where, size, k) for size, k in zip(sizes, keep, strict=False)]
        if len(spans) == 1:
            return [Encoding(template, sequences, [span], self.names) for span in spans[0]]
        one, two = spans
        order = [(one[0], two[0])]  # then, as the Rust library has it: the first's windows before the second's
        order += [(a, b) for a in one[1:] for b in two] + [(one[0], b) for b in two[1:]]
        return [Encoding(template, sequences, pair, self.names) for pair in order]

    def all_rows(self, inputs: Sequence[Input]) -> list[list[Encoding]]:
        return [self.rows(first, second) for first, second in inputs]

    def _sequence(self, text: str | list[str]) -> Tokens:
        tokens = self.pipeline.tokens
        return tokens(text) if isinstance(text, str) else Tokens.of_words([tokens(word) for word in text])
