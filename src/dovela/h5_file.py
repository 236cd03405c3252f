"""Arrays out of an HDF5 file as Keras writes weights: groups of names, and datasets that lie in one piece.

Only such datasets are read. What the format knows beside them (links into other files, data that lies elsewhere,
filters, objects) no weights need, and each can lead out of the file.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .arrays import mapped
from .disk import reason
from .errors import CheckpointError, MissingBackend

DEEPEST = 32  # groups inside groups
DAMAGED = "The file is damaged or was made to deceive; fetch it again from its source."


def read_h5(path: Path) -> list[tuple[tuple[str, ...], Any]]:
    """(names from the top, array) for each dataset of the file, by memory map."""
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise MissingBackend(
            str(path), "needs the package 'h5py', which is not installed", hint="Run: pip install h5py"
        ) from error
    maps: dict[Path, mmap.mmap] = {}
    size = path.stat().st_size
    found = []
    try:
        with h5py.File(path, "r") as file:
            if file.userblock_size:
                raise _refused(path, f"begins with {file.userblock_size} bytes of something else")
            for names, dataset in _datasets(path, h5py, file, ()):
                start = _place(path, h5py, names, dataset, size)
                dtype = dataset.dtype.newbyteorder("<")
                found.append((names, mapped(maps, path, dtype, dataset.shape, start)))
    except CheckpointError:
        raise
    except OSError as error:
        why = reason(error) if error.errno else "its structure is broken"
        problem = f"cannot be read as an HDF5 file ({why})"
        raise CheckpointError(str(path), problem, hint=_lfs(path) or DAMAGED) from error
    except (RuntimeError, ValueError, TypeError, KeyError) as error:  # h5py's, for what is broken deeper inside
        raise _refused(path, f"is not a whole HDF5 file ({error})") from error
    return found


def _datasets(path: Path, h5py: Any, group: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if len(above) > DEEPEST:
        raise _refused(path, f"has groups inside groups more than {DEEPEST} deep")
    for name in group:
        names = (*above, name)
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _refused(path, f"{'/'.join(names)!r} is a link to something else")
        item = group[name]
        if isinstance(item, h5py.Dataset):
            yield names, item
        elif isinstance(item, h5py.Group):
            yield from _datasets(path, h5py, item, names)
        else:
            raise _refused(path, f"{'/'.join(names)!r} is neither a group nor an array")


def _place(path: Path, h5py: Any, names: tuple[str, ...], dataset: Any, size: int) -> int:
    """The byte where the dataset's data begins; refused where they do not lie in one piece in this file."""
    name, stored = "/".join(names), dataset.id.get_create_plist()
    if dataset.shape is None or dataset.dtype.kind not in "fiub" or dataset.dtype.byteorder == ">":
        raise _refused(path, f"{name!r} is no array of little-endian numbers (its dtype is {dataset.dtype})")
    if stored.get_layout() != h5py.h5d.CONTIGUOUS or stored.get_external_count() or stored.get_nfilters():
        problem = f"the data of {name!r} are compressed, in pieces or in another file"
        raise CheckpointError(str(path), problem, hint="Write the file anew with plain datasets: h5repack -l CONTI.")
    if not dataset.nbytes:
        return 0
    start = dataset.id.get_offset()
    if start is None or start + dataset.nbytes > size:
        raise _refused(path, f"{name!r} needs {dataset.nbytes} bytes that the file of {size} bytes does not have")
    return int(start)


def _refused(path: Path, problem: str) -> CheckpointError:
    return CheckpointError(str(path), problem, hint=DAMAGED)


def _lfs(path: Path) -> str:
    with path.open("rb") as file:
        return "It is a Git LFS pointer; run: git lfs pull" if file.read(8) == b"version " else ""
