"""Added tokens with whitespace in them, such as "new york": where in a text one may be.

Whatever else a tokenizer of BERT's kind does, it does between whitespace, stretch by stretch. A token that crosses
whitespace has its first part at the end of a stretch and its second at the start of the next, and that is what is
looked for here; where it is found, the stretches that the token may reach into are looked at together. Where it is not
found, there is no such token.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .added_tokens import AnyOf, Search, Searches
from .memory import Memory
from .normalize import BertNormalizer
from .wordpiece import Splitter


class Parts:
    """The first two parts of each token that crosses whitespace; in raw or in normalised text."""

    def __init__(self, search: Search | None, splitter: Splitter) -> None:
        tokens: Iterable[str] = () if search is None else search.tokens
        space = splitter.space
        crossing = [form for form in tokens if space(form)] if space("".join(tokens)) else []
        self.seconds: dict[str, set[str]] = {}  # by the first part, if the token starts with it and has a second
        self.alone: set[str] = set()  # first parts with whitespace before them, or nothing after, or at the very end
        self.most = 0  # parts of a token
        self.blank = False  # whether a token is nothing but whitespace: then any text may have it
        for form in crossing:
            parts = splitter.split(form)
            if not parts:
                self.blank = True
            elif len(parts) == 1 or not (form.startswith(parts[0]) and form.endswith(parts[-1])):
                self.alone.add(parts[0])
            else:
                self.most = max(self.most, len(parts))
                self.seconds.setdefault(parts[0], set()).add(parts[1])
        firsts = self.seconds.keys() | self.alone
        self.longest = max(map(len, firsts), default=0)
        self.longest_second = max((len(part) for parts in self.seconds.values() for part in parts), default=0)
        self.anywhere = AnyOf(firsts) if firsts else None

    def seconds_after(self, stretch: str) -> list[set[str]] | None:
        """What may follow for a token to have begun in this stretch; None where that does not decide."""
        size = len(stretch)
        reach = min(size, self.longest)
        if self.alone and any(
            stretch[:n] in self.alone or stretch[size - n :] in self.alone for n in range(1, reach + 1)
        ):
            return None
        ends = (self.seconds.get(stretch[size - n :]) for n in range(1, reach + 1))
        return [parts for parts in ends if parts is not None]

    def begin(self, stretch: str, parts: Sequence[set[str]]) -> bool:
        """Whether the stretch begins with one of `parts`."""
        reach = min(len(stretch), self.longest_second)
        return any(stretch[:n] in part for part in parts for n in range(1, reach + 1))


Suspicion = tuple[list[set[str]], list[set[str]]] | None  # seconds in raw and in normalised text; None: in any case


class Crossing:
    """The tokens that cross whitespace, and of each stretch met whether one of them may begin in it."""

    def __init__(self, searches: Searches, splitter: Splitter, normalizer: BertNormalizer) -> None:
        self._raw, self._normal = (Parts(search, splitter) for search in searches)
        self._raw_search, self._space, self._normalize = searches[0], splitter.space, normalizer.normalize
        self.none = not (self._exist(self._raw) or self._exist(self._normal))
        self.anywhere = self._raw.blank or self._normal.blank
        self._reach = max(self._raw.most, self._normal.most)
        self._odd = Memory(lambda stretch: self._is_odd(self._normalize(stretch)))

    @staticmethod
    def _exist(parts: Parts) -> bool:
        return parts.blank or parts.anywhere is not None

    def suspect(self, stretch: str, normal: str, suspects: dict[str, Suspicion]) -> None:
        """Put the stretch among the suspects if it is one. `normal`: its normalised form."""
        if self._space(stretch) is not None:  # several that have been put together
            return
        raw = self._raw.seconds_after(stretch)
        after: list[set[str]] | None = []
        if self._normal.anywhere is not None:
            if self._raw_search is not None and self._raw_search.find(stretch) is not None:
                after = None  # what is normalised then is a part of it
            elif self._is_odd(normal):
                after = None if self._normal.anywhere.find(normal) is not None else []
            else:
                after = self._normal.seconds_after(normal)
        if raw is None or after is None:
            suspects[stretch] = None
        elif raw or after:
            suspects[stretch] = raw, after

    def joined(
        self, text: str, stretches: list[str], suspects: Mapping[str, Suspicion], joins: Mapping[str, bool | None]
    ) -> list[tuple[slice, str]]:
        """Runs of a text's stretches that a token may join, each with the part of the text that it is, last run first.
        `joins` remembers what the method says."""
        runs = self._runs(stretches, suspects, joins)
        if runs is None:
            return [(slice(None), text)]
        if " ".join(stretches) == text:  # as nearly always
            return [(slice(*run), " ".join(stretches[slice(*run)])) for run in reversed(runs)]
        found = []
        done = at = 0
        for first, last in runs:
            for stretch in stretches[done:first]:
                at = text.index(stretch, at) + len(stretch)
            start = text.index(stretches[first], at)
            for stretch in stretches[first:last]:
                at = text.index(stretch, at) + len(stretch)
            found.append((slice(first, last), text[start:at]))
            done = last
        return found[::-1]

    def _runs(
        self, stretches: Sequence[str], suspects: Mapping[str, Suspicion], joins: Mapping[str, bool | None]
    ) -> list[tuple[int, int]] | None:
        """[first, last) of stretches that a token may join; None where that cannot be told."""
        runs: list[tuple[int, int]] = []
        for place in [n for n, stretch in enumerate(stretches) if stretch in suspects]:
            verdict = joins[" ".join(stretches[place : place + 2])]
            last = min(place + self._reach, len(stretches))
            if verdict is None or (verdict and any(map(self._odd.__getitem__, stretches[place + 1 : last]))):
                return None
            if verdict and runs and place < runs[-1][1]:
                runs[-1] = runs[-1][0], last
            elif verdict:
                runs.append((place, last))
        return runs

    def joins(self, pair: str, suspects: Mapping[str, Suspicion]) -> bool | None:
        """Whether a token may begin in the first of two stretches with a space between, the first of which is suspect,
        and reach into the second; None where that cannot be told."""
        stretch, _, following = pair.partition(" ")
        found = suspects[stretch]
        if found is None:
            return None
        if not following:
            return False
        raw, after = found
        normal = self._normalize(following) if after else ""
        if after and self._is_odd(normal):
            return None
        return self._raw.begin(following, raw) or self._normal.begin(normal, after)

    def _is_odd(self, normal: str) -> bool:
        """Whether normalising made the stretch something else than one stretch."""
        return not normal or self._space(normal) is not None
