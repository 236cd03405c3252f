"""Text files of any size to token ids on disk, by several processes, resumed after a kill.

The folder that is written holds shards and `index.json`, which is the journal too:

    {"format": "dovela-tokens", "version": 1, "complete": true, "dtype": "uint16",
     "documents": D, "tokens": T, "bytes": of text,
     "shards": [{"files": [...], "bytes": [...], "documents": d, "tokens": t}, ...],
     "run": what decides the bytes that are written: the tokenizer, the options and the input files,
     "position": where in the input the next shard begins, while the run is not complete}

A shard is written to temporary files, flushed, renamed, and only then entered in the index, which is replaced by one
rename. So whatever a killed run leaves, the index lists whole shards, and a position. The next run throws away what is
not listed and goes on from there. Batches are cut, and shards are closed, at places that depend on the input and the
options alone: not on the number of workers, nor on where a run was interrupted.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from .._version import __version__
from ..disk import flush, locked, reason
from ..errors import CheckpointError, InputError, suggest
from .base import PreTrainedTokenizerBase
from .corpus_workers import Done, Job, encoded
from .lines import Position, TextFiles, as_json, changes
from .token_rows import FORMAT, INDEX, VERSION, TokenRows, check_shards, open_tokens, read_index
from .token_shards import FORMATS, TMP, ArrowShard, NpyShard, publish, pyarrow

__all__ = ["Progress", "open_tokens", "tokenize_files"]

SHARD_SIZE = 32_000_000  # ids
BATCH = 500_000  # bytes
ERRORS, STARTS = ("strict", "replace"), ("spawn", "forkserver", "fork")
_OURS = re.compile(rf"((ids|offsets)-\d{{5,}}\.npy|tokens-\d{{5,}}\.arrow)({re.escape(TMP)})?|{INDEX}{TMP}")


@dataclass(frozen=True)
class Progress:
    """How far a run is, those before it included."""

    consumed: int  # bytes, as they lie on the disk
    total: int | None  # bytes on the disk; None where a stream is read
    text: int  # bytes of text
    documents: int
    tokens: int


def tokenize_files(
    tokenizer: PreTrainedTokenizerBase,
    files: Iterable[str | PathLike[str]] | str | PathLike[str],
    out: str | PathLike[str],
    *,
    workers: int = 1,
    format: str = "npy",
    max_length: int | None = None,
    add_special_tokens: bool = True,
    shard_size: int = SHARD_SIZE,
    batch: int = BATCH,
    skip_blank: bool = False,
    errors: str = "strict",
    restart: bool = False,
    start_method: str = "spawn",
    progress: Callable[[Progress], None] | None = None,
) -> TokenRows:
    """Write the ids of every line of `files` (UTF-8; gzip too; "-" is standard input) into the folder `out`.

    Line i of all files is document i, a blank one too unless `skip_blank`. Memory is bounded by `workers`, `batch`
    (bytes of text handed to a worker at a time) and the longest line, not by the files. A shard is closed at the first
    batch that brings it to `shard_size` ids. `format`: "npy", or "arrow", which `datasets.Dataset.from_file` maps.
    `max_length` cuts longer documents. `errors="replace"` reads what is not UTF-8 as U+FFFD.

    Called again after an interruption, it goes on where it was, and the files come out the same. `restart` begins
    anew. `start_method` is multiprocessing's. `progress` is called after every batch.

    Raises InputError for arguments and input files, and CheckpointError for `out`: what was finished is kept.
    """
    where, out = "tokenize_files", Path(out).absolute()
    choices = {"format": (format, tuple(FORMATS)), "errors": (errors, ERRORS), "start_method": (start_method, STARTS)}
    _check(where, workers=workers, shard_size=shard_size, batch=batch, **choices)
    if format == "arrow":
        pyarrow()
    source = TextFiles(where, files)
    dtype = "uint16" if max(tokenizer.get_vocab().values()) < 1 << 16 else "uint32"
    job = Job(tokenizer, dtype, max_length, add_special_tokens, skip_blank, errors)
    job.rows(["a"])  # what is wrong with the options is known at once
    options = {
        "format": format,
        "max_length": max_length,
        "add_special_tokens": add_special_tokens,
        "shard_size": shard_size,
        "batch": batch,
        "skip_blank": skip_blank,
        "errors": errors,
    }
    run = {"dovela_version": __version__, "tokenizer": _fingerprint(tokenizer), **options, "inputs": source.identities}
    with _writing(out):
        out.mkdir(parents=True, exist_ok=True)
    with locked(out, exclusive=True):
        index = _begin(out, run, dtype, restart)
        if not index["complete"]:
            batches = source.batches(batch, Position(**index["position"]))
            with contextlib.closing(encoded(job, batches, workers, start_method, str(out))) as done:
                _write(out, index, done, source.size, progress)
    return open_tokens(out)


def _write(
    out: Path,
    index: dict[str, Any],
    batches: Iterator[Done],
    total: int | None,
    progress: Callable[[Progress], None] | None,
) -> None:
    """Write what is left of a run."""
    text, documents, tokens, consumed = (index[name] for name in ("bytes", "documents", "tokens", "consumed"))
    shard: NpyShard | ArrowShard | None = None
    full = index["run"]["shard_size"]

    def tell() -> None:
        if progress is not None:
            progress(Progress(consumed, total, text, documents, tokens))

    def close(shard: NpyShard | ArrowShard, end: Position) -> None:
        shard.finish()
        entry = {
            "files": shard.names,
            "bytes": publish(out, shard.names),
            "documents": documents - index["documents"],
            "tokens": tokens - index["tokens"],
        }
        index["shards"].append(entry)
        index.update(documents=documents, tokens=tokens, bytes=text, consumed=consumed, position=as_json(end))
        _save(out, index)

    tell()
    try:
        for end, size, consumed, batch in batches:  # noqa: B007 - `tell` and `close` read it
            with _writing(out):
                if shard is None:
                    shard = FORMATS[index["run"]["format"]](out, len(index["shards"]), index["dtype"])
                shard.add(batch)
                text, documents, tokens = text + size, documents + len(batch.lengths), tokens + len(batch.ids)
                if tokens - index["tokens"] >= full:
                    close(shard, end)
                    shard = None
            tell()
        with _writing(out):
            if shard is not None:
                close(shard, end)
                shard = None
            del index["position"], index["consumed"]
            index["complete"] = True
            _save(out, index)
    finally:
        if shard is not None:  # it will be made again
            shard.close()
            for name in shard.names:
                (out / (name + TMP)).unlink(missing_ok=True)


def _begin(out: Path, run: dict[str, Any], dtype: str, restart: bool) -> dict[str, Any]:
    """The index to go on from, and nothing in the folder that it does not list."""
    with _writing(out):
        names = {path.name for path in out.iterdir()}
    if INDEX not in names and (others := sorted(name for name in names if name != INDEX + TMP)):
        shown = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
        raise CheckpointError(str(out), f"holds something else: {shown}", hint="Choose an empty or a new folder.")
    index = read_index(out) if INDEX in names else None
    if index is None or restart:
        index = {
            "format": FORMAT, "version": VERSION, "complete": False, "dtype": dtype, "documents": 0, "tokens": 0,
            "bytes": 0, "shards": [], "run": run, "consumed": 0, "position": as_json(Position()),
        }  # fmt: skip
    else:
        problems = _differences(index["run"], run)
        if problems:
            hint = "Repeat the call as it was, choose another folder, or begin anew with restart=True (--restart)."
            raise CheckpointError(f"{out} holds another run", *problems, hint=hint)
        check_shards(out, index)
        index["run"] = run
    with _writing(out):
        _save(out, index)
        listed = {name for shard in index["shards"] for name in shard["files"]}
        for name in names - listed:
            if _OURS.fullmatch(name):
                (out / name).unlink(missing_ok=True)
    return index


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """In words, what makes two runs write other bytes."""
    problems = changes(old["inputs"], new["inputs"])
    ours, theirs = new["tokenizer"], old["tokenizer"]
    if ours["sha256"] != theirs["sha256"]:
        problems.append(
            f"the tokenizer was {theirs['class']} from {theirs['name_or_path']!r}; "
            f"now {ours['class']} from {ours['name_or_path']!r}, with another vocabulary or other settings"
        )
    for name in sorted(new.keys() - {"inputs", "tokenizer"}):
        lenient = name == "errors" and old[name] == "strict"  # what is there has nothing that was replaced
        if old[name] != new[name] and not lenient:
            problems.append(f"{name} was {old[name]!r}, and is {new[name]!r}")
    return problems


def _fingerprint(tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    """What tells a tokenizer from another: its class, its vocabulary and all its settings."""
    backend = getattr(tokenizer, "_backend", None)  # not `backend_tokenizer`: who takes that gets the slower engine
    vocabulary: Any = sorted(tokenizer.get_vocab().items())
    if backend is not None:  # in which truncation and padding are what the last call left
        vocabulary = {n: v for n, v in json.loads(backend.to_str()).items() if n not in ("truncation", "padding")}
    content = json.dumps([vocabulary, tokenizer._settings()], sort_keys=True, default=str)
    name = str(tokenizer.name_or_path)
    return {
        "class": type(tokenizer).__name__,
        "name_or_path": name,
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
    }


def _save(out: Path, index: dict[str, Any]) -> None:
    path = out / (INDEX + TMP)
    path.write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    flush(path)
    path.replace(out / INDEX)
    flush(out)


@contextlib.contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise CheckpointError(str(out), "is, or lies under, a file", hint="Choose another folder.") from error
    except OSError as error:
        raise CheckpointError(
            str(out),
            f"cannot be written ({reason(error)})",
            hint="What is finished is kept: once there is room and permission, the same call goes on from there.",
        ) from error


def _check(where: str, **values: Any) -> None:
    """Every number is at least 1, and every choice is one of its."""
    problems = []
    for name, value in values.items():
        if isinstance(value, tuple):
            chosen, choices = value
            if chosen not in choices:
                near = suggest(chosen, choices)
                problems.append(f"{name}={chosen!r} is not one of {', '.join(map(repr, choices))}{near}")
        elif isinstance(value, bool) or not isinstance(value, int) or value < 1:
            problems.append(f"{name} must be an integer of at least 1, got {value!r}")
    if problems:
        raise InputError(where, *problems)
