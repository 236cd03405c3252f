"""Reading text off CTC outputs (Graves et al. 2006): group repeats, drop the blank, put the pieces together.

A model emits an id a frame. Runs of one id are one symbol, and the blank between two runs of the same id keeps them
apart: `H E L - L O` (and `H H E L L - L O O`) is HELLO. All rows of a batch are read at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..outputs import ModelOutput
from .id_rows import Rows

if TYPE_CHECKING:
    import numpy as np

Offsets = list[dict[str, Any]]


class Wav2Vec2CTCTokenizerOutput(ModelOutput):
    """A decoded text and where it was heard; of a batch, a list of each.

    Offsets are [start_offset, end_offset) in frames of the model's output; `in_seconds` turns them into times.
    """

    text: Any = None  # str
    char_offsets: Any = None  # list of {"char", "start_offset", "end_offset"}, spaces among them
    word_offsets: Any = None  # list of {"word", "start_offset", "end_offset"}

    def in_seconds(self, inputs_to_logits_ratio: int, sampling_rate: int) -> Wav2Vec2CTCTokenizerOutput:
        """The same, with "start_time" and "end_time" in seconds beside each pair of offsets.

        A frame lasts `inputs_to_logits_ratio / sampling_rate` seconds: `model.config.inputs_to_logits_ratio` samples
        (320 for all usual models) at `feature_extractor.sampling_rate` samples a second.
        """
        where = f"{type(self).__name__}.in_seconds"
        for name, value in (("inputs_to_logits_ratio", inputs_to_logits_ratio), ("sampling_rate", sampling_rate)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise InputError(where, f"{name} must be a positive number, got {value!r}")
        offsets = {"char_offsets": self.char_offsets, "word_offsets": self.word_offsets}
        offsets = {name: found for name, found in offsets.items() if found is not None}
        if not offsets:
            raise InputError(where, "has no offsets", hint="Decode with output_word_offsets=True.")

        def timed(found: Any) -> Any:
            if isinstance(found, list):
                return [timed(item) for item in found]
            times = (found[name] * inputs_to_logits_ratio / sampling_rate for name in ("start_offset", "end_offset"))
            return found | dict(zip(("start_time", "end_time"), times, strict=True))

        return type(self)(text=self.text, **{name: timed(found) for name, found in offsets.items()})


class CTCDecoder:
    """What each id stands for, and how rows of ids are read with it."""

    def __init__(
        self, pieces: Mapping[int, str], *, blank: int | None, unknown: int | None, space: str, lower: bool = False
    ) -> None:
        """`pieces`: id -> text; one that is `space` lies between words. `unknown`: the id that stands for those that
        are none. `lower`: text is put in lower case."""
        import numpy as np

        ids = sorted(pieces)
        self._ids = np.array(ids, np.int64)
        self._pieces = [pieces[index] for index in ids]
        self._spaces = np.array([piece == space for piece in self._pieces])
        self._place = {index: place for place, index in enumerate(ids)}
        self._blank = -1 if blank is None else self._place[blank]
        self._unknown = None if unknown is None else self._place[unknown]
        self._lower = lower

    def read(self, where: str, rows: Rows, *, group: bool, skip: Collection[int]) -> Reading:
        """The symbols of a batch. `skip`: ids that are left out, after grouping, as the blank is."""
        import numpy as np

        ids, bounds = rows.ids, rows.bounds
        starts = np.arange(len(ids))
        if group:
            first = np.ones(len(ids), bool)
            np.not_equal(ids[1:], ids[:-1], out=first[1:])
            first[bounds[:-1][bounds[:-1] < bounds[1:]]] = True
            starts = np.flatnonzero(first)
        places, odd = self._places(where, ids[starts])
        if group and odd:  # two ids in a row that are none are one unknown symbol
            again = np.isin(starts, bounds)
            again[1:] |= places[1:] != places[:-1]
            starts, places = starts[again], places[again]
        drop = [self._blank, *(self._place[index] for index in skip if index in self._place)]
        kept = np.flatnonzero(places != self._blank if len(drop) == 1 else ~np.isin(places, drop))
        stops = np.append(starts[1:], len(ids))
        return Reading(self._pieces, self._spaces, self._lower, places[kept], starts[kept], stops[kept], bounds)

    def _places(self, where: str, ids: np.ndarray) -> tuple[np.ndarray, bool]:
        """The index of each id's piece, and whether there were ids that are none."""
        import numpy as np

        places = np.searchsorted(self._ids, ids)
        places[places == len(self._ids)] = 0
        wrong = self._ids[places] != ids
        if not wrong.any():
            return places, False
        lowest = int(ids.min())
        if lowest < 0:
            hint = "For labels, put the padding token's id back first: labels[labels == -100] = pad_token_id."
            raise InputError(where, f"{lowest} is not an id", hint=hint if lowest == -100 else "")
        if self._unknown is None:
            first = int(ids[wrong][0])
            raise InputError(where, f"{first} is not an id of this vocabulary, and there is no unk_token for it")
        places[wrong] = self._unknown
        return places, True


class Reading:
    """The symbols of a batch: what each is, where it was, and which are of which row."""

    def __init__(
        self,
        pieces: list[str],
        spaces: np.ndarray,
        lower: bool,
        places: np.ndarray,
        starts: np.ndarray,
        stops: np.ndarray,
        bounds: np.ndarray,
    ) -> None:
        """Symbol k is `pieces[places[k]]`, at [starts[k], stops[k]) of the ids; row i is [bounds[i], bounds[i + 1]) of
        them."""
        import numpy as np

        self._symbols = [pieces[place] for place in places.tolist()]
        self._is_space, self._lower = spaces[places], lower
        self._starts, self._stops, self._bounds = starts, stops, bounds
        self._splits: list[int] = np.searchsorted(starts, bounds).tolist()

    def texts(self, between: str) -> list[str]:
        """A text for each row, with `between` between any two symbols."""
        texts = [between.join(self._symbols[a:b]).strip() for a, b in pairwise(self._splits)]
        return [text.lower() for text in texts] if self._lower else texts

    def char_offsets(self) -> list[Offsets]:
        symbols = [symbol.lower() for symbol in self._symbols] if self._lower else self._symbols
        found = [
            {"char": symbol, "start_offset": start, "end_offset": stop}
            for symbol, start, stop in zip(symbols, *self._in_rows(), strict=True)
        ]
        return [found[a:b] for a, b in pairwise(self._splits)]

    def word_offsets(self) -> list[Offsets]:
        """A word is what lies between two spaces, if anything does."""
        import numpy as np

        starts, stops = self._in_rows()
        found = np.flatnonzero(self._is_space)
        within, spaces = np.searchsorted(found, self._splits).tolist(), found.tolist()
        rows: list[Offsets] = []
        for (a, b), (x, y) in zip(pairwise(self._splits), pairwise(within), strict=True):
            spans = [(left + 1, right) for left, right in pairwise([a - 1, *spaces[x:y], b]) if left + 1 < right]
            words = ["".join(self._symbols[left:right]) for left, right in spans]
            rows.append(
                [
                    {
                        "word": word.lower() if self._lower else word,
                        "start_offset": starts[left],
                        "end_offset": stops[right - 1],
                    }
                    for word, (left, right) in zip(words, spans, strict=True)
                ]
            )
        return rows

    def _in_rows(self) -> tuple[list[int], list[int]]:
        """Starts and stops, each counted from its row's first frame."""
        import numpy as np

        base = np.repeat(self._bounds[:-1], np.diff(self._splits))
        return (self._starts - base).tolist(), (self._stops - base).tolist()
