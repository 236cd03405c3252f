"""Sentences from a text file, one a line."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..notices import notice

MOST = 200


def read_sentences(path: str | Path, most: int = MOST) -> list[str]:
    """The first `most` different lines that are not blank; a notice if there are more.

    Raises InputError if the file cannot be read, is not UTF-8 text or has fewer than two such lines.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(str(path), f"is not UTF-8 text (byte {error.start})", hint="Save it as UTF-8.") from error
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror or error})") from error
    lines = list(dict.fromkeys(stripped for line in text.splitlines() if (stripped := line.strip())))
    if len(lines) < 2:
        raise InputError(
            str(path),
            f"expected at least two different sentences, one a line, got {len(lines)}",
            hint="Blank lines do not count.",
        )
    if len(lines) > most:
        notice(f"{path}: the first {most} of {len(lines)} sentences are taken", once=False)
    return lines[:most]
