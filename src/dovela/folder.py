"""Saving a set of files into a folder, so that a process killed at any instant leaves the old set or the new one.

The files of one save belong together: weights, index and config of two saves must never be mixed, although no
file system renames several files at once. So a save keeps a journal inside the folder (hence on the same file system,
which lets the folder be the working directory or a mount point):

1. Stage. Each new file is written to `.dovela-save/` and flushed. Nothing that was there has been touched.
2. Commit. A manifest, `{"files": [...], "removed": [...]}`, gets its name in `.dovela-save/` by one atomic rename.
3. Retire. What is replaced or removed is unlinked: first the entry points, by which weights are found
   (`model.safetensors`, `model.safetensors.index.json`), then the rest. A save of one file skips this.
4. Publish. The staged files are renamed into the folder, entry points last.
5. Forget. The staging folder goes, and the manifest with it.

Precedence for a reader (`resolve`): where a manifest exists, a name it removed is absent, and a name it lists is the
staged file, or the one in the folder once that was published; every other name is the folder's own. Without a manifest
`.dovela-save/` means nothing. The next save finishes a committed one (3-5) and throws away an uncommitted one.
A reader that knows nothing of the journal meets files of the old set alone or of the new set alone, and weights only
where their set is whole.

Savers take turns by a lock on the folder itself, which ends with the process that held it. Where the platform cannot
lock a folder (Windows, some network file systems), only one process may save to a folder at a time.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from .disk import flush, locked, readable, reason
from .errors import CheckpointError

STAGING, MANIFEST = ".dovela-save", ".dovela-save.json"
MANIFEST_TMP = f"{MANIFEST}.tmp"
SHARD = r"-\d{5}-of-\d{5}"
ENTRY_POINT = re.compile(
    rf"model(\.(?![\w-]*{SHARD}\.)[\w-]+)?\.safetensors|model\.safetensors\.index(\.[\w-]+)?\.json"
)
Content = bytes | Callable[[Path], None]


def save_files(
    folder: str | Path, files: Mapping[str, Content], *, remove: Iterable[str] | Callable[[], Iterable[str]] = ()
) -> None:
    """Write all `files` (name -> bytes, or a function that writes to the path it is given) and delete `remove`, as one.

    What to remove may depend on what is there; then pass a function, which is asked when no other save is under way.
    Files of other names, and subfolders, are left alone. On a CheckpointError the old files are as they were, except
    where the message says that the save was already committed.
    """
    folder = Path(folder).absolute()
    for name in files:
        _check_name(folder, name)
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if made:
            flush(folder.parent)
    except OSError as error:
        raise _unwritable(folder, error) from error
    with locked(folder, exclusive=True):
        _recover(folder)
        removed = sorted(set(remove() if callable(remove) else remove) - files.keys())
        for name in removed:
            _check_name(folder, name)
        try:
            _stage(folder, files, removed)
        except BaseException as error:
            _discard(folder / STAGING)
            if made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            if isinstance(error, OSError) or type(error).__name__ == "SafetensorError":  # its name for a full disk, too
                raise _unwritable(folder, error) from error
            raise
        _publish(folder)


def resolve(folder: str | Path, filename: str) -> Path | None:
    """The file that `filename` means in `folder`, whatever became of the last save; None if there is none."""
    folder = Path(folder)
    while True:
        manifest = _manifest(folder)
        found = None if manifest and filename in manifest["removed"] else folder / filename
        with readable(folder):
            if manifest and filename in manifest["files"] and (folder / STAGING / filename).is_file():
                found = folder / STAGING / filename
            if found is not None and found.is_file():
                return found
        if _manifest(folder) == manifest:  # else a save was committed or finished while we looked
            return None


def listing(folder: str | Path) -> list[str]:
    """The names of the files that `resolve` finds in `folder`, sorted."""
    folder = Path(folder)
    manifest = _manifest(folder) or {"files": [], "removed": []}
    with readable(folder):
        names = {path.name for path in folder.iterdir() if path.is_file()}
    return sorted((names | set(manifest["files"])) - set(manifest["removed"]))


@contextlib.contextmanager
def reading(folder: str | Path) -> Iterator[None]:
    """Hold off savers, so that several files read from `folder` come from one save."""
    with locked(Path(folder), exclusive=False):
        yield


def recover(folder: str | Path) -> None:
    """Finish or undo a save that was interrupted, so that other programs see what `resolve` sees."""
    folder = Path(folder).absolute()
    with locked(folder, exclusive=True):
        _recover(folder)


def _stage(folder: Path, files: Mapping[str, Content], removed: list[str]) -> None:
    staging = folder / STAGING
    staging.mkdir()
    manifest = json.dumps({"files": list(files), "removed": removed}).encode()
    for name, content in {**files, MANIFEST_TMP: manifest}.items():
        if callable(content):
            content(staging / name)
        else:
            (staging / name).write_bytes(content)
        flush(staging / name)
    flush(staging)
    (staging / MANIFEST_TMP).replace(staging / MANIFEST)  # the commit
    flush(staging)
    flush(folder)


def _publish(folder: Path) -> None:
    manifest = _manifest(folder)
    if manifest is None:
        return
    staging = folder / STAGING
    staged = sorted((name for name in manifest["files"] if (staging / name).exists()), key=_is_entry_point)
    old = sorted([*staged, *manifest["removed"]], key=_is_entry_point, reverse=True)
    try:
        for name in old if len(old) > 1 else ():  # a single file is replaced in one step
            (folder / name).unlink(missing_ok=True)
        flush(folder)
        for name in staged:
            (staging / name).replace(folder / name)
        flush(folder)
        shutil.rmtree(staging)  # in any order: all that the manifest lists is in its place
    except OSError as error:
        raise CheckpointError(
            str(folder),
            f"the new files are complete, but not all could be moved out of {STAGING} ({reason(error)})",
            hint="dovela reads them from there, and the next save to this folder moves them.",
        ) from error


def _recover(folder: Path) -> None:
    _publish(folder)  # if it was committed
    _discard(folder / STAGING)  # if it was not


def _discard(staging: Path) -> None:
    with contextlib.suppress(OSError):
        (staging / MANIFEST).unlink(missing_ok=True)  # first: it must not outlive the files that it lists
    shutil.rmtree(staging, ignore_errors=True)


def _manifest(folder: Path) -> dict[str, list[str]] | None:
    path = folder / STAGING / MANIFEST
    try:
        with readable(path):
            manifest = json.loads(path.read_bytes())
        names = [*manifest["files"], *manifest["removed"]]
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path) from error
    if path.parent.is_symlink() or not all(isinstance(name, str) and _is_plain(name) for name in names):
        raise _damaged(path)
    return {"files": list(manifest["files"]), "removed": list(manifest["removed"])}


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(
        str(path),
        "is not the record of a save that dovela wrote",
        hint=f"Delete {str(path.parent)!r} if you do not know it.",
    )


def _is_plain(name: str) -> bool:
    return name not in ("", ".", "..") and not name.startswith(STAGING) and not set(name) & set("/\\\0")


def _check_name(folder: Path, name: str) -> None:
    if not _is_plain(name):
        raise CheckpointError(str(folder), f"{name!r} is not the name of a file in this folder")
    if (folder / name).is_dir():
        raise CheckpointError(str(folder / name), "is a folder, where a file is to be written", hint="Move it away.")


def _is_entry_point(name: str) -> bool:
    return ENTRY_POINT.fullmatch(name) is not None


def _unwritable(folder: Path, error: BaseException) -> CheckpointError:
    if not folder.is_dir() and isinstance(error, (FileExistsError, NotADirectoryError)):
        return CheckpointError(str(folder), "is, or lies under, a file and not a folder", hint="Choose another folder.")
    return CheckpointError(
        str(folder),
        f"the files could not be written ({reason(error)})",
        hint="What was there before is untouched. Free some space, or choose a folder that you may write to.",
    )
