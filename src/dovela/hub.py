"""Where a checkpoint's files come from: a folder on this machine, or a name on a Hugging Face hub.

`huggingface_hub` does the downloading, so its cache and its settings are honoured (`HF_ENDPOINT`, `HF_HOME`,
`HF_TOKEN`, `HF_HUB_OFFLINE`); what goes wrong there is told in one CheckpointError that says what to do.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from . import folder as folders
from .errors import CheckpointError


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
    name = os.fspath(name_or_path)
    if subfolder:
        _check_inside(name, subfolder)
    path = Path(name).expanduser() if name.startswith("~") else Path(name)
    if name and path.is_dir():
        if not (path / subfolder).is_dir():
            raise CheckpointError(
                str(path), f"has no subfolder {subfolder!r}{_there(sorted(p.name for p in path.iterdir()))}"
            )
        return Folder(str(path / subfolder), path / subfolder)
    if name and path.exists():
        raise CheckpointError(name, "is a file, where a folder or a name on the hub is expected")
    if _looks_like_path(name_or_path):
        raise CheckpointError(
            name, f"there is no such folder (looked in {Path.cwd()})", hint="A name on the hub looks like 'org/model'."
        )
    if local_files_only and force_download:
        raise CheckpointError(
            name, "local_files_only and force_download contradict each other", hint="Pass one of them."
        )
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


@dataclass
class Hub(Source):
    """A name on the hub. The first file found pins the commit, so that all files come from one."""

    repo_id: str
    subfolder: str
    options: dict[str, Any]  # revision, token, cache_dir, local_files_only
    force_download: bool
    is_local = False
    _found: dict[str, Path | None] = field(default_factory=dict)

    @property
    def label(self) -> str:  # type: ignore[override]
        return "/".join(filter(None, [self.repo_id, self.subfolder])) + (
            " (offline, from the cache)" if self.offline else ""
        )

    @property
    def offline(self) -> bool:
        from huggingface_hub import constants

        return bool(self.options["local_files_only"] or constants.HF_HUB_OFFLINE)

    def find(self, filename: str) -> Path | None:
        _check_inside(self.label, filename)
        if filename not in self._found:
            path = self._found[filename] = self._download("/".join(filter(None, [self.subfolder, filename])))
            if path and (commit := re.search(r"[/\\]snapshots[/\\]([0-9a-f]{40})[/\\]", str(path))):
                self.options["revision"] = commit[1]
        return self._found[filename]

    def names(self) -> list[str]:
        from huggingface_hub import HfApi

        names: list[str] = []
        snapshot = self._snapshot()
        if snapshot is not None:
            names = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file()]
        if not self.offline:
            with contextlib.suppress(Exception):  # this only serves another error's message
                names = HfApi(token=self.options["token"]).list_repo_files(
                    self.repo_id, revision=self.options["revision"]
                )
        prefix = f"{self.subfolder.rstrip('/')}/" if self.subfolder else ""
        return sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def _download(self, filename: str) -> Path | None:
        from huggingface_hub import errors, hf_hub_download, try_to_load_from_cache

        started = self._half_written()
        try:
            return Path(hf_hub_download(self.repo_id, filename, force_download=self.force_download, **self.options))
        except Exception as error:  # the client's HTTP libraries have errors of many families
            if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
                return None
            cached = None
            with contextlib.suppress(ValueError):
                known = {key: self.options[key] for key in ("cache_dir", "revision")}
                cached = try_to_load_from_cache(self.repo_id, filename, **known)
            if isinstance(cached, str) and not self.force_download and _got_no_answer(error):
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
        with contextlib.suppress(OSError):
            ref = self._cache / "refs" / revision
            snapshot = self._cache / "snapshots" / (ref.read_text() if ref.is_file() else revision)
            return snapshot if snapshot.is_dir() else None
        return None

    @property
    def _cache(self) -> Path:
        from huggingface_hub import constants

        return Path(self.options["cache_dir"] or constants.HF_HUB_CACHE) / f"models--{self.repo_id.replace('/', '--')}"

    def _half_written(self) -> dict[Path, float]:
        with contextlib.suppress(OSError):
            return {path: path.stat().st_mtime for path in self._cache.glob("blobs/*.incomplete")}
        return {}

    def _sweep(self, started: dict[Path, float]) -> None:
        """Delete what this download left half-written, and nothing that another process is still writing."""
        from filelock import FileLock, Timeout

        for path, changed in self._half_written().items():
            if started.get(path) != changed:
                lock = self._cache.parent / ".locks" / self._cache.name / f"{path.name.partition('.')[0]}.lock"
                with contextlib.suppress(Timeout, OSError), FileLock(lock, timeout=0):
                    path.unlink(missing_ok=True)


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


def explain(error: BaseException, repo_id: str, filename: str, revision: str | None) -> CheckpointError:
    """What the hub's client raised, as one CheckpointError that says what to do."""
    from huggingface_hub import constants, errors

    hub, chain = constants.ENDPOINT, list(_chain(error))
    log_in = "log in with `hf auth login`, or pass token=…"

    def first(*kinds: type[BaseException]) -> BaseException | None:
        return next((link for link in chain if isinstance(link, kinds)), None)

    def is_network(link: BaseException) -> bool:
        package = type(link).__module__.partition(".")[0].rstrip("2")
        return isinstance(link, (ConnectionError, TimeoutError)) or package in (
            "requests",
            "urllib3",
            "httpx",
            "httpcore",
        )

    def failure(problem: str, hint: str) -> CheckpointError:
        return CheckpointError(repo_id, problem, hint=hint)

    if first(errors.GatedRepoError):
        return failure(f"is gated on {hub}", f"Accept its terms at {hub}/{repo_id}, then {log_in}.")
    if first(errors.RepositoryNotFoundError):
        return failure(
            f"there is no such name on {hub}, or it is private; nor is there a folder {repo_id!r} in {Path.cwd()}",
            f"Check the spelling; for a private one {log_in}.",
        )
    if first(errors.RevisionNotFoundError):
        return failure(f"has no revision {revision!r}", f"Branches and tags are listed at {hub}/{repo_id}/tree/main.")
    if first(errors.HFValidationError):
        return failure(
            "is neither a folder here nor a name that a hub can have", "A name on the hub looks like 'org/model'."
        )
    if first(errors.OfflineModeIsEnabled) or constants.HF_HUB_OFFLINE:
        return failure(
            f"{filename or 'the hub'} cannot be fetched: offline mode is on, and it is not in the cache",
            "Load it once online, or unset HF_HUB_OFFLINE.",
        )
    status = next((status for link in chain if (status := _status(link)) is not None), None)
    if status is not None:
        advice = log_in[0].upper() + log_in[1:] + "." if status in (401, 403) else "Try again later."
        return failure(f"{hub} answered {filename or 'the upload'} with HTTP status {status}", advice)
    if any("Consistency check" in str(link) for link in chain):
        return failure(
            f"the download of {filename} was cut short: {str(error).splitlines()[0]}",
            "Nothing of it was kept; load again. If it stays so, the hub or a proxy serves a damaged file.",
        )
    if _got_no_answer(error):
        reached = not first(errors.LocalEntryNotFoundError)
        return failure(
            f"the connection to {hub} was lost while {filename or 'uploading'} was on its way"
            if reached
            else f"{hub} cannot be reached, and {filename} is not in the cache",
            "Check the network and load again."
            if reached
            else "Check the network, HF_ENDPOINT and the proxy settings.",
        )
    if isinstance(error, errors.LocalEntryNotFoundError):
        return failure(f"{filename} is not in the cache", "Load it once with local_files_only=False.")
    return failure(str(error) or type(error).__name__, f"This happened between huggingface_hub and {hub}.")


def _got_no_answer(error: BaseException) -> bool:
    """Whether the network failed: `huggingface_hub` changed its HTTP library twice, and lets its errors through."""
    from huggingface_hub import errors

    chain = list(_chain(error))
    if any(_status(link) is not None or isinstance(link, errors.OfflineModeIsEnabled) for link in chain):
        return False
    packages = {type(link).__module__.partition(".")[0].rstrip("2") for link in chain}
    failed = not packages.isdisjoint({"requests", "urllib3", "httpx", "httpcore"})
    return failed or any(isinstance(link, (ConnectionError, TimeoutError)) for link in chain)


def _status(error: BaseException) -> int | None:
    """The HTTP status that the hub answered with, if it did."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


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
        raise CheckpointError(
            where, f"{filename!r} would lie outside of it", hint="File names are relative to the checkpoint."
        )


def _there(names: list[str]) -> str:
    return f" (it has {', '.join(names[:12])}{', …' if len(names) > 12 else ''})" if names else " (it is empty)"


OPTIONS = frozenset({"subfolder", "revision", "token", "cache_dir", "local_files_only", "force_download"})


def split_options(arguments: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keyword arguments that `source` takes, and the others."""
    options = {name: value for name, value in arguments.items() if name in OPTIONS}
    return options, {name: value for name, value in arguments.items() if name not in OPTIONS}


def push_saved(thing: Any, repo_id: str, **options: Any) -> str:
    """Upload what `thing.save_pretrained` writes; `options` as in `push_to_hub`."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        thing.save_pretrained(folder)
        return push_to_hub(folder, repo_id, **options)
