"""Where a checkpoint's files come from: a folder on this machine, or a name on a Hugging Face hub.

`huggingface_hub` does the downloading, so its cache and its settings are honoured (`HF_ENDPOINT`, `HF_HOME`,
`HF_TOKEN`, `HF_HUB_OFFLINE`); what goes wrong there is told in one CheckpointError that says what to do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from . import folder as folders
from .errors import CheckpointError, InputError
from .hub_errors import check_address, explain, got_no_answer

OPTIONS = frozenset({"subfolder", "revision", "token", "cache_dir", "local_files_only", "force_download"})


def split_options(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(those of `source`, the others)."""
    options = {name: value for name, value in arguments.items() if name in OPTIONS}
    return options, {name: value for name, value in arguments.items() if name not in OPTIONS}


def source(
    name_or_path: str | os.PathLike[str],
    *,
    subfolder: str = "",
    revision: str | None = None,
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Source:
    """The files under `name_or_path`: a folder if there is one of that name, else a name on the hub ("org/model").

    `revision` is a branch, tag or commit; `token` is for private and gated names; `local_files_only` takes what is in
    the cache without asking the hub; `force_download` asks for all anew. For a folder these do nothing.
    """
    given: object = name_or_path
    if not isinstance(given, (str, os.PathLike)):
        what = f"expected a folder, or a name on the hub, got {type(given).__name__} {given!r}"
        raise InputError("from_pretrained", what)
    name = os.fspath(name_or_path)
    if subfolder:
        _check_inside(name, subfolder)
    path = Path(name).expanduser() if name.startswith("~") else Path(name)
    if name and os.path.isdir(path):  # noqa: PTH112  (false for a name too long, where Path raises)
        inner = path / subfolder
        if not inner.is_dir():
            raise CheckpointError(name, f"has no subfolder {subfolder!r}{_there(folders.listing(path))}")
        return Folder(str(inner), inner)
    if name and os.path.exists(path):  # noqa: PTH110
        raise CheckpointError(name, "is a file, where a folder or a name on the hub is expected")
    if _looks_like_path(name_or_path):
        advice = "A name on the hub looks like 'org/model'."
        raise CheckpointError(name, f"there is no such folder (looked in {Path.cwd()})", hint=advice)
    if local_files_only and force_download:
        raise CheckpointError(name, "local_files_only and force_download contradict each other", hint="Pass one.")
    options = {"revision": revision, "token": token, "cache_dir": cache_dir}
    return Hub(name, subfolder, {**options, "local_files_only": local_files_only}, force_download)


class Source:
    """A set of files under one name: `find` and `require` give paths on this machine. `label` is for messages."""

    label: str
    is_local: bool

    def find(self, filename: str) -> Path | None:
        """The path of `filename`, downloaded if need be; None where the source has no such file."""
        raise NotImplementedError

    def names(self) -> list[str]:
        """The names of the files that are there, as far as that can be known."""
        raise NotImplementedError

    def require(self, filename: str) -> Path:
        """The path of `filename`; a CheckpointError that lists what is there where it is missing."""
        path = self.find(filename)
        if path is None:
            raise CheckpointError(self.label, f"has no file {filename!r}{_there(self.names())}")
        return path

    def reading(self) -> AbstractContextManager[None]:
        """While this is entered, no save of another process changes the files between one `find` and the next."""
        return nullcontext()


@dataclass(frozen=True)
class Folder(Source):
    """A folder on this machine, after a save that was cut short too (see `folder.py`)."""

    label: str
    path: Path
    is_local = True

    def find(self, filename: str) -> Path | None:
        _check_inside(self.label, filename)
        return folders.resolve(self.path, filename)

    def names(self) -> list[str]:
        return folders.listing(self.path)

    def reading(self) -> AbstractContextManager[None]:
        return folders.reading(self.path)


@dataclass
class Hub(Source):
    """A name on the hub. The first file found pins the commit, so that all files come from one."""

    repo_id: str
    subfolder: str
    options: dict[str, Any]  # revision, token, cache_dir, local_files_only
    force_download: bool
    is_local = False
    _found: dict[str, Path | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from huggingface_hub import constants

        self.offline = bool(self.options["local_files_only"] or constants.HF_HUB_OFFLINE)
        name = f"{self.repo_id}/{self.subfolder}" if self.subfolder else self.repo_id
        self.label = f"{name} (offline, from the cache)" if self.offline else name

    def find(self, filename: str) -> Path | None:
        _check_inside(self.label, filename)
        if filename not in self._found:
            path = self._found[filename] = self._download(self._inside(filename))
            if path and (commit := re.search(r"[/\\]snapshots[/\\]([0-9a-f]{40})[/\\]", str(path))):
                self.options["revision"] = commit[1]
        return self._found[filename]

    def names(self) -> list[str]:
        from huggingface_hub import HfApi

        names: list[str] = []
        if snapshot := self._snapshot():
            names = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()]
        if not self.offline:
            api = HfApi(token=self.options["token"])
            with suppress(Exception):  # this only serves another error's message
                names = api.list_repo_files(self.repo_id, revision=self.options["revision"])
        prefix = self._inside("")
        return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def _inside(self, filename: str) -> str:
        return f"{self.subfolder.strip('/')}/{filename}" if self.subfolder else filename

    def _download(self, filename: str) -> Path | None:
        from huggingface_hub import errors, hf_hub_download, try_to_load_from_cache

        started, cached = self._half_written(), None
        try:
            known = {key: self.options[key] for key in ("cache_dir", "revision")}
            cached = try_to_load_from_cache(self.repo_id, filename, **known)  # raises for what no hub can have
            if not self.offline:
                check_address()
            return Path(hf_hub_download(self.repo_id, filename, force_download=self.force_download, **self.options))
        except Exception as error:  # the client's HTTP libraries have errors of many families
            if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
                return None
            if isinstance(cached, str) and not self.force_download and got_no_answer(error):
                return Path(cached)
            if cached is not None and not isinstance(cached, str):  # the hub said once that there is none
                return None
            if self.offline and self._snapshot() is not None:
                return None
            raise explain(error, self.repo_id, filename, self.options["revision"]) from error
        finally:
            self._sweep(started)

    def _snapshot(self) -> Path | None:
        revision = self.options["revision"] or "main"
        with suppress(OSError):
            ref = self._cache / "refs" / revision
            snapshot = self._cache / "snapshots" / (ref.read_text() if ref.is_file() else revision)
            return snapshot if snapshot.is_dir() else None
        return None

    @property
    def _cache(self) -> Path:
        from huggingface_hub import constants

        return Path(self.options["cache_dir"] or constants.HF_HUB_CACHE) / f"models--{self.repo_id.replace('/', '--')}"

    def _half_written(self) -> dict[Path, float]:
        with suppress(OSError):
            return {path: path.stat().st_mtime for path in self._cache.glob("blobs/*.incomplete")}
        return {}

    def _sweep(self, started: dict[Path, float]) -> None:
        """Delete what this download left half-written, and nothing that another process is still writing."""
        from filelock import FileLock, Timeout

        for path, changed in self._half_written().items():
            if started.get(path) != changed:
                lock = self._cache.parent / ".locks" / self._cache.name / f"{path.name.partition('.')[0]}.lock"
                with suppress(Timeout, OSError), FileLock(lock, timeout=0):
                    path.unlink(missing_ok=True)


def push_saved(thing: Any, repo_id: str, **options: Any) -> str:
    """Upload what `thing.save_pretrained` writes; `options` as in `push_to_hub`."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        thing.save_pretrained(folder)
        return push_to_hub(folder, repo_id, **options)


def push_to_hub(
    folder: str | os.PathLike[str],
    repo_id: str,
    *,
    token: str | bool | None = None,
    private: bool | None = None,
    commit_message: str = "Upload with dovela",
    revision: str | None = None,
) -> str:
    """Upload `folder` to `repo_id` on the hub, which is created if it does not exist; returns the commit's address."""
    from huggingface_hub import HfApi

    path = Path(folder)
    if not path.is_dir():
        raise CheckpointError(str(folder), "there is no such folder to upload")
    folders.recover(path)
    try:
        api = HfApi(token=token)
        api.create_repo(repo_id, private=private, exist_ok=True)
        commit = api.upload_folder(
            repo_id=repo_id,
            folder_path=path,
            commit_message=commit_message,
            revision=revision,
            ignore_patterns=[f"{folders.STAGING}/*"],
        )
    except Exception as error:
        raise explain(error, repo_id, "", revision) from error
    return str(commit.commit_url)


def _looks_like_path(name: str | os.PathLike[str]) -> bool:
    if not isinstance(name, str):
        return True
    separators = {"/", os.sep}
    return (
        not name
        or name[0] in {".", "~", *separators}
        or name[-1] in separators
        or name.count("/") > 1
        or (os.sep != "/" and os.sep in name)
    )


def _check_inside(where: str, filename: str) -> None:
    path = PurePosixPath(filename.replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0] or "\0" in filename:
        advice = "File names are relative to the checkpoint."
        raise CheckpointError(where, f"{filename!r} would lie outside of it", hint=advice)


def _there(names: list[str]) -> str:
    return f" (it has {', '.join(names[:12])}{', …' if len(names) > 12 else ''})" if names else ""
