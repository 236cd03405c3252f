"""Offsets of a batch of texts, by what is remembered of each text's pieces.

A piece is remembered as three numbers a token: its id; the characters between the end of the token before it and its
start; its length. Before the piece's first token is the end of the piece before, one space earlier. So the ends of a
text's tokens are a running sum over its pieces. The sum is right if each space is single and each piece ends with a
token, and only then does it come out at the text's length, since all else makes it fall short.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence

from .rows import Offset, Tokens

FAR = 1 << 40  # by so much a sum falls short of any text's length
FEW = 1 << 12  # bytes; fewer are summed sooner than numpy is called
TRIPLE = 3 * array("q").itemsize


def packed_steps(tokens: Tokens, *, certain: bool) -> bytes:
    """A piece's tokens as it is remembered. Not `certain`: an offset depends on the whitespace around the piece."""
    steps, last = array("q"), -1 if certain else FAR
    for index, (start, stop) in zip(tokens.ids, tokens.detail[0], strict=True):
        steps.extend((index, start - last, stop - start))
        last = stop
    return steps.tobytes()


def summed(rows: Sequence[bytes]) -> Iterator[tuple[list[int], list[Offset], int]]:
    """Of each text the ids, the offsets if its sum is right, and at what its sum comes out; from its pieces' bytes."""
    return map(_summed_alone, rows) if sum(map(len, rows)) < FEW else _summed_together(rows)


def _summed_alone(row: bytes) -> tuple[list[int], list[Offset], int]:
    steps = array("q", row)
    offsets = _placed(steps, -1)
    return steps[::3].tolist(), offsets, offsets[-1][1] if offsets else -1


def _placed(steps: array[int], last: int) -> list[Offset]:
    """The offsets that are these steps on from `last`."""
    offsets = []
    for distance, length in zip(steps[1::3], steps[2::3], strict=True):
        start = last + distance
        last = start + length
        offsets.append((start, last))
    return offsets


def _summed_together(rows: Sequence[bytes]) -> Iterator[tuple[list[int], list[Offset], int]]:
    import numpy as np

    flat = np.frombuffer(b"".join(rows), np.int64).reshape(-1, 3)
    sizes = np.fromiter(map(len, rows), np.int64, len(rows)) // TRIPLE
    stops = sizes.cumsum()
    firsts = stops - sizes
    ends = np.zeros(len(flat) + 1, np.int64)
    np.cumsum(flat[:, 1] + flat[:, 2], out=ends[1:])
    ends[1:] -= np.repeat(ends[firsts] + 1, sizes)
    starts = ends[1:] - flat[:, 2]
    ids, offsets = flat[:, 0].tolist(), list(zip(starts.tolist(), ends[1:].tolist(), strict=True))
    for first, stop, end in zip(firsts.tolist(), stops.tolist(), ends[stops].tolist(), strict=True):
        yield ids[first:stop], offsets[first:stop], end


def by_piece(text: str, pieces: Sequence[str], known: Callable[[str], bytes]) -> list[Offset] | None:
    """Offsets where there is more than a space between pieces, or more in a piece than its tokens; None where what is
    `known` of each does not tell."""
    offsets: list[Offset] = []
    at = 0
    for piece in pieces:
        steps = array("q", known(piece))
        start = text.index(piece, at)  # what lies before it is whitespace
        at = start + len(piece)
        if steps and steps[1] < 0:
            return None
        offsets += _placed(steps, start - 1)
    return offsets
