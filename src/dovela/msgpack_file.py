"""Arrays out of a msgpack file as Flax writes it: nested maps of names, and arrays as extensions of one code."""

from __future__ import annotations

import math
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .arrays import DTYPES, dtype_named
from .disk import reason
from .errors import CheckpointError, MissingBackend
from .header import no_duplicates

NDARRAY = 1  # the code of an array: a msgpack list of its shape, its dtype's name and its bytes
CHUNKED = "__msgpack_chunked_array__"  # a map with this key is one large array: its shape, and flat pieces of it
DAMAGED = "The file is damaged or was made to deceive; fetch it again from its source."


def read_msgpack(path: Path) -> list[tuple[tuple[str, ...], Any]]:
    """(names from the top, array) for each array of the file. It is believed only after it was checked."""
    try:
        import msgpack
    except ModuleNotFoundError as error:
        raise MissingBackend(
            str(path), "needs the package 'msgpack', which is not installed", hint="Run: pip install msgpack"
        ) from error

    def extension(code: int, data: bytes) -> Any:
        if code != NDARRAY:
            raise _Faulty(f"holds an extension of code {code}, where arrays alone are expected")
        return _array(path, msgpack.unpackb(data, raw=False))

    try:
        with path.open("rb") as handle:
            if not path.stat().st_size:
                raise _Faulty("is empty")
            with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
                tree = msgpack.unpackb(data, ext_hook=extension, object_pairs_hook=no_duplicates, raw=False)
        return list(_leaves(path, tree, ()))
    except _Faulty as error:
        raise CheckpointError(str(path), str(error), hint=DAMAGED) from None
    except OSError as error:
        raise CheckpointError(str(path), f"cannot be read ({reason(error)})") from error
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        problem = f"is not a whole msgpack file of arrays ({error or type(error).__name__})"
        raise CheckpointError(str(path), problem, hint=DAMAGED) from error


class _Faulty(Exception):
    """What is wrong with the file."""


def _array(path: Path, stated: Any) -> Any:
    """The array of a list [shape, dtype, bytes]."""
    import numpy as np

    if not isinstance(stated, list) or len(stated) != 3 or not _naturals(stated[0]) or not isinstance(stated[2], bytes):
        raise _Faulty("holds an array that is not a list of a shape, a dtype and bytes")
    shape, name, data = stated
    name = name.decode("ascii", "replace") if isinstance(name, bytes) else name
    if name not in DTYPES.values():
        raise _Faulty(f"holds an array of dtype {name!r}, which is not one of {', '.join(DTYPES.values())}")
    dtype = dtype_named(str(path), name)
    if math.prod(shape) * dtype.itemsize != len(data):
        needed = math.prod(shape) * dtype.itemsize
        raise _Faulty(f"holds an array of {name} and shape {shape}, which takes {needed} bytes, in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape)


def _leaves(path: Path, tree: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    import numpy as np

    where = "/".join(above)
    if isinstance(tree, np.ndarray) and above:
        yield above, tree
    elif not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise _Faulty(f"holds {type(tree).__name__} at {where!r}, where a map of names or an array is expected")
    elif CHUNKED in tree:
        yield above, _whole(where, tree)
    else:
        for key, value in tree.items():
            yield from _leaves(path, value, (*above, key))


def _whole(where: str, tree: dict[str, Any]) -> Any:
    """One array of its pieces; sequences are maps from "0", "1", …."""
    import numpy as np

    shape, chunks = (_sequence(tree.get(key)) for key in ("shape", "chunks"))
    if not _naturals(shape) or not chunks or not all(isinstance(c, np.ndarray) and c.ndim == 1 for c in chunks):
        raise _Faulty(f"holds an array in pieces at {where!r} without its shape or its pieces")
    if len({chunk.dtype for chunk in chunks}) > 1 or sum(chunk.size for chunk in chunks) != math.prod(shape):
        raise _Faulty(f"holds an array in pieces at {where!r}, which do not make one of shape {shape}")
    return np.concatenate(chunks).reshape(shape)


def _sequence(value: Any) -> list[Any]:
    whole = isinstance(value, dict) and value.keys() == {str(i) for i in range(len(value))}
    return [value[str(i)] for i in range(len(value))] if whole else [None]


def _naturals(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 2**63 for item in value)
