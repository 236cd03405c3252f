"""Encodings as they are seen: the text with its tokens coloured, in a notebook (HTML) and in a terminal (rich).

Where the text is not known, the tokens stand for it. Special tokens are set apart; what was cut off is grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from ..errors import InputError
from .arguments import Text
from .rows import Offset, Row

if TYPE_CHECKING:
    from .encoding import BatchEncoding

MOST_ROWS, MOST_TOKENS, MOST_CUT = 10, 400, 60  # shown; the last is characters
COLOURS = (210, 35, 140, 280, 0, 175)  # hues, in turn
STYLES = ("on dark_blue", "on dark_orange3", "on dark_green", "on purple4", "on dark_red", "on deep_sky_blue4")
CSS = "".join(
    [
        ".dovela-row{line-height:1.9;white-space:pre-wrap;margin:.3em 0}",
        ".dovela-row span{border-radius:.2em;padding:.1em 0}",
        ".dovela-row .special{border:1px solid currentColor;opacity:.6;font-size:.75em;padding:0 .3em;margin:0 .15em}",
        ".dovela-row .cut,.dovela-row .more{opacity:.4}",
        *(f".dovela-row .t{n}{{background:hsla({hue},80%,55%,.3)}}" for n, hue in enumerate(COLOURS)),
    ]
)


@dataclass
class Piece:
    """A stretch of what is shown."""

    kind: Literal["token", "special", "between", "cut", "more"]
    text: str
    about: list[str] = field(default_factory=list)
    "For each token in it: its id and what else is known."


def pieces(row: Row, texts: Sequence[Text | None] = ()) -> list[Piece]:
    """One row, in the order of its tokens. `texts`: the sequences that it was made from, where they are known."""
    ids, tokens, sequences, shown = row.ids, row.tokens, row.sequence_ids, row.attention_mask
    offsets, words = _detail(row)
    out: list[Piece] = []
    at: dict[int, int] = {}
    last = {sequence: index for index, sequence in enumerate(sequences) if sequence is not None}
    for index, sequence in enumerate(sequences[:MOST_TOKENS]):
        about = f"{ids[index]} {tokens[index]}"
        if sequence is None:
            if not shown[index] and out and out[-1].kind == "special" and out[-1].text.startswith(tokens[index]):
                out[-1].about.append(about)  # padding is one piece
                out[-1].text = f"{tokens[index]} ×{len(out[-1].about)}"
            else:
                out.append(Piece("special", tokens[index], [about]))
            continue
        text, start, stop = _place(texts, sequence, offsets[index] if offsets else None, words[index])
        about += f" · word {words[index]} · characters {start}–{stop}" if offsets else ""
        if text is None or not offsets:
            if offsets and at.get(sequence, 0) < start and sequence in at:
                out.append(Piece("between", " "))
            out.append(Piece("token", tokens[index], [about]))
            if not offsets:
                out.append(Piece("between", " "))
        else:
            done = at.get(sequence, 0)
            if done < start:
                cut = sequence not in at and start > 0 and not text[:start].isspace()
                out.append(Piece("cut", _end(text[:start])) if cut else Piece("between", text[done:start]))
            if stop <= done and out and out[-1].kind == "token":  # several tokens of one character, as of its bytes
                out[-1].about.append(about)
            else:
                out.append(Piece("token", text[max(start, done) : stop], [about]))
            if index == last[sequence] and stop < len(text):
                out.append(Piece("cut", _beginning(text[stop:])))
        at[sequence] = max(stop, at.get(sequence, 0))
    if len(ids) > MOST_TOKENS:
        out.append(Piece("more", f" … {len(ids) - MOST_TOKENS} more tokens"))
    return [piece for piece in out if piece.text or piece.about]


def _beginning(text: str) -> str:
    return text if len(text) <= MOST_CUT else text[:MOST_CUT] + "…"


def _end(text: str) -> str:
    return text if len(text) <= MOST_CUT else "…" + text[-MOST_CUT:]


def _detail(row: Row) -> tuple[list[Offset] | None, list[int | None]]:
    """Offsets and words, or None and nothing: a tokenizer of one's own need not know them."""
    try:
        return row.offsets, row.word_ids
    except InputError:
        return None, [None] * len(row.ids)


def _place(
    texts: Sequence[Text | None], sequence: int, offset: Offset | None, word: int | None
) -> tuple[str | None, int, int]:
    """The text that a token is of, and where in it."""
    start, stop = offset or (0, 0)
    text = texts[sequence] if sequence < len(texts) else None
    if text is None or isinstance(text, str):
        return text, start, stop
    base = sum(len(part) + 1 for part in text[: word or 0])  # words, which are shown with a space between them
    return " ".join(text), base + start, base + stop


def _shown(batch: BatchEncoding) -> tuple[list[list[Piece]], int]:
    """The first rows, and how many there are."""
    rows, texts = batch._rows or (), batch._texts or ()
    sample = batch.data.get("overflow_to_sample_mapping", range(len(rows)))
    return [
        pieces(row, texts[int(sample[i])] if i < len(sample) and int(sample[i]) < len(texts) else ())
        for i, row in enumerate(rows[i] for i in range(min(MOST_ROWS, len(rows))))
    ], len(rows)


def as_html(batch: BatchEncoding) -> str:
    """The rows of a batch as HTML that needs nothing else; without rows, the names and shapes of its columns."""
    if not batch._rows:
        return f"<pre>{escape(_columns(batch))}</pre>"
    shown, number = _shown(batch)
    body = "".join(_html_row(row) for row in shown)
    more = f'<div class="dovela-row"><span class="more">… {number - len(shown)} more rows</span></div>'
    return f"<div><style>{CSS}</style>{body}{more if number > len(shown) else ''}</div>"


def row_as_html(row: Row) -> str:
    """One row as HTML, of which only the tokens are known."""
    return f"<div><style>{CSS}</style>{_html_row(pieces(row))}</div>"


def _html_row(row: list[Piece]) -> str:
    out, number = [], 0
    for piece in row:
        text = escape(piece.text)
        if piece.kind == "between":
            out.append(text)
            continue
        kind = piece.kind
        if kind == "token":
            kind, number = f"t{number % len(COLOURS)}", number + 1  # type: ignore[assignment]
        title = f' title="{escape(_about(piece), quote=True)}"' if piece.about else ""
        out.append(f'<span class="{kind}"{title}>{text}</span>')
    return f'<div class="dovela-row">{"".join(out)}</div>'


def _about(piece: Piece) -> str:
    more = [f"… {len(piece.about) - 8} more"] if len(piece.about) > 8 else []
    return "\n".join(piece.about[:8] + more)


def as_rich(batch: BatchEncoding) -> Any:
    """The rows of a batch for rich's console."""
    from rich.console import Group
    from rich.text import Text as Styled

    if not batch._rows:
        return Styled(_columns(batch))
    shown, number = _shown(batch)
    lines = [row_as_rich(row) for row in shown]
    more = [Styled(f"… {number - len(shown)} more rows", style="dim")] if number > len(shown) else []
    return Group(*lines, *more)


def row_as_rich(row: list[Piece]) -> Any:
    from rich.text import Text as Styled

    line, number = Styled(), 0
    for piece in row:
        if piece.kind == "token":
            line.append(piece.text, style=f"white {STYLES[number % len(STYLES)]}")
            number += 1
        elif piece.kind == "special":
            line.append(f"⟨{piece.text}⟩", style="dim")
        else:
            line.append(piece.text, style="dim" if piece.kind in ("cut", "more") else "")
    return line


def _columns(batch: BatchEncoding) -> str:
    """`input_ids (2, 7), labels (2)`."""
    shapes = []
    for name, column in batch.data.items():
        shape = [str(size) for size in getattr(column, "shape", ())] or _lengths(column)
        shapes.append(f"{name} ({', '.join(shape)})")
    return f"BatchEncoding: {', '.join(shapes) or 'no columns'}"


def _lengths(column: Any) -> list[str]:
    if not isinstance(column, (list, tuple)):
        return []
    inner = sorted({len(row) for row in column if isinstance(row, (list, tuple))})
    return [str(len(column)), *([f"{inner[0]}–{inner[-1]}" if len(inner) > 1 else str(inner[0])] if inner else [])]
