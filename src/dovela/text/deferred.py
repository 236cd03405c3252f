"""Long tables of added tokens in a tokenizer's files, left unread until somebody needs what is in them.

A file that holds 50,000 added tokens is some 9 MB of JSON, of which loading a tokenizer needs the handful of tokens
that have a role. So such a table is cut out of the file's text and read at its first use, all at once. Only the layout
that all writers of the format use (indented by two spaces) is known here; any other is read at once, and so is a table
that is not long.
"""

from __future__ import annotations

import json
import re
from collections.abc import ItemsView, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, DovelaError
from .memory import no_collection
from .special_tokens import AddedToken, read_tokens
from .vocabulary import as_text, parse_json, read_bytes

LONG = 1 << 16  # bytes; what is shorter is read in a millisecond
STAND_IN = b'"\\u0000"'  # a value that no table is
_KEY = re.compile(rb'"(\d+)":\s*\Z')


class DeferredTokens(Mapping[int, AddedToken]):
    """Added tokens by id, from a part of a file that is read when they are asked for.

    A part that cannot be read is a CheckpointError then.
    """

    def __init__(self, where: str, data: bytes, start: int, stop: int) -> None:
        """A JSON object from ids to tokens, or a list of tokens with ids, is data[start:stop]; `where` names the file.

        (10 MB are not copied before they must be.)
        """
        self.where = where
        self._table = data, start, stop
        self._all: dict[int, AddedToken] | None = None

    def named(self, content: str) -> tuple[int, AddedToken] | None:
        """A token and its id by its content, without reading the others."""
        data, start, stop = self._table
        if self._all is not None:
            return next((item for item in self._all.items() if item[1].content == content), None)
        forms = {f'"content": {json.dumps(content, ensure_ascii=escape)}'.encode() for escape in (True, False)}
        places = [at for form in forms if (at := data.find(form, start, stop)) >= 0]
        if not places:
            return None
        found = _around(data, min(places))
        if found is None or found[1].content != content:  # laid out in another way
            self.read()
            return self.named(content)
        return found

    def read(self) -> dict[int, AddedToken]:
        """All of them."""
        data, start, stop = self._table
        if self._all is None:
            try:
                with no_collection():
                    value = json.loads(data[start:stop])
                    entries = value.items() if isinstance(value, dict) else [(entry["id"], entry) for entry in value]
                    self._all = read_tokens(entries)
            except (DovelaError, ValueError, TypeError, LookupError, AttributeError) as error:
                raise CheckpointError(self.where, f"holds an added token that cannot be read: {error}") from error
            self._table = b"", 0, 0
        return self._all

    def items(self) -> ItemsView[int, AddedToken]:
        return self.read().items()

    def __getitem__(self, index: int) -> AddedToken:
        return self.read()[index]

    def __iter__(self) -> Iterator[int]:
        return iter(self.read())

    def __len__(self) -> int:
        return len(self.read())

    def __bool__(self) -> bool:  # a long table has something in it
        return True


def _around(data: bytes, at: int) -> tuple[int, AddedToken] | None:
    """The id and token of the entry in which there is the place `at`; None where it cannot be read by itself."""
    start, stop = data.rfind(b"{", 0, at), data.find(b"}", at)
    key = _KEY.search(data[max(start - 32, 0) : max(start, 0)])
    try:
        entry = json.JSONDecoder().raw_decode(data[start : stop + LONG].decode(errors="replace"))[0]
        return read_tokens([(int(key[1]) if key else entry["id"], entry)]).popitem()
    except (DovelaError, ValueError, TypeError, LookupError, AttributeError):
        return None


def find_table(data: bytes, key: str, brackets: str) -> tuple[int, int] | None:
    """[start, stop) of the value of `key` in a JSON object, if it is long and laid out as usual.

    Line breaks are no part of a JSON string, so the first line that closes what `key` opens is its end. In a file that
    only looks like the usual layout it may be another, and then the table cannot be read, or what is left without it.
    """
    opening, closing = f'\n  "{key}": {brackets[0]}\n    '.encode(), f"\n    }}\n  {brackets[1]}".encode()
    start = data.find(opening)
    stop = data.find(closing, start) if start >= 0 else -1
    if stop - start < LONG:
        return None
    return start + len(opening) - len("{\n    "), stop + len(closing)


def read_but(path: Path, key: str, brackets: str) -> tuple[dict[str, Any], DeferredTokens | None]:
    """The object in a JSON file; without the value of `key` if that is long, which is the second value then."""
    data = read_bytes(path)
    place = find_table(data, key, brackets)
    if place is not None:
        start, stop = place
        try:
            value = json.loads(data[:start] + STAND_IN + data[stop:])
        except ValueError:
            value = None  # the file is broken, or it only looks like the usual layout
        if isinstance(value, dict) and value.get(key) == json.loads(STAND_IN):
            del value[key]
            return value, DeferredTokens(str(path), data, start, stop)
    return parse_json(path, as_text(path, data)), None
