"""Text files to token ids on disk: the same bytes however it is run, and killed; bounded memory; what is refused."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import corpus_tools
from corpus_tools import Words, contents, write_words
from dovela.errors import CheckpointError, InputError, MissingBackend
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.text import lines, token_shards
from dovela.text.corpus import Progress, open_tokens, tokenize_files
from dovela.text.corpus_workers import Job
from small_vocab import small_vocab

SMALL: dict[str, Any] = {"shard_size": 300, "batch": 200}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_words(tmp_path / "text.txt", 400)


def program(*arguments: object, env: dict[str, str] | None = None) -> list[str]:
    done = subprocess.run(
        [sys.executable, corpus_tools.__file__, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **(env or {})},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


# What is written.


@pytest.mark.parametrize("engine", [BertTokenizer, BertTokenizerFast])
@pytest.mark.parametrize("options", [{}, {"add_special_tokens": False}, {"max_length": 5}])
def test_rows_are_what_the_tokenizer_gives_for_each_line(tmp_path: Path, engine: Any, options: dict[str, Any]) -> None:
    tokenizer = engine(small_vocab())
    texts = ["The quick brown fox, un\u0085affable!", "", " ", "中文 New York " * 9, "café\u2028 dog", "it isn't"] * 20
    path = tmp_path / "text.txt"
    path.write_bytes("\n".join(texts).encode())
    rows = tokenize_files(tokenizer, path, tmp_path / "out", **SMALL, **options)
    cut = {"truncation": True} if "max_length" in options else {}
    assert [row.tolist() for row in rows] == tokenizer(texts, **options, **cut)["input_ids"]
    assert len(rows.header["shards"]) > 1
    assert rows.tokens == sum(map(len, rows))
    assert rows.header["bytes"] == path.stat().st_size


@pytest.mark.parametrize("engine", [BertTokenizer, BertTokenizerFast])
@pytest.mark.parametrize("options", [{}, {"max_length": 5}, {"add_special_tokens": False}])
def test_ids_without_an_object_for_each_are_those_of_rows(engine: Any, options: dict[str, Any]) -> None:
    texts = ["The quick brown fox", "", " ", "a [SEP] b c d e f g", "中文 ☃"]
    for side in ("left", "right"):
        tokenizer = engine(small_vocab(), truncation_side=side)
        cut, special = options.get("max_length"), options.get("add_special_tokens", True)
        job = Job(tokenizer, "uint16", cut, special, skip_blank=False, errors="strict")
        rows, flat = job.rows(texts), job.flat(texts)
        assert flat is not None
        assert np.split(flat[0], flat[1].cumsum())[:-1] == [pytest.approx(row) for row in rows]


def test_a_run_does_not_ask_for_the_slower_engine(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever takes `backend_tokenizer` may change it, and the tokenizer runs in Rust from then on."""
    tokenizer = BertTokenizerFast(small_vocab())
    monkeypatch.setattr(BertTokenizerFast, "backend_tokenizer", property(lambda _: pytest.fail("was asked for")))
    tokenize_files(tokenizer, text, tmp_path / "out", **SMALL)


def test_what_a_tokenizer_was_used_for_before_does_not_make_another_run(tmp_path: Path, text: Path) -> None:
    fresh, used = (BertTokenizerFast(small_vocab()) for _ in range(2))
    assert used.backend_tokenizer
    used("the fox jumps", truncation=True, max_length=3)  # which the library keeps as a setting of its own
    tokenize_files(fresh, text, tmp_path / "out", **SMALL)
    assert len(tokenize_files(used, text, tmp_path / "out", **SMALL)) == 400


def test_npy_files_are_what_the_description_says(tmp_path: Path, text: Path) -> None:
    rows = tokenize_files(Words(), text, tmp_path / "out", **SMALL)
    position = 0
    for shard in rows.header["shards"]:
        ids, offsets = (np.load(tmp_path / "out" / name, mmap_mode="r") for name in shard["files"])
        assert (ids.dtype, offsets.dtype) == (np.dtype("uint16"), np.dtype("int64"))
        assert (len(ids), len(offsets) - 1) == (shard["tokens"], shard["documents"])
        for i in range(len(offsets) - 1):
            assert ids[offsets[i] : offsets[i + 1]].tolist() == rows[position + i].tolist()
        position += shard["documents"]
    assert position == len(rows) == 400
    assert all(shard["tokens"] >= 300 for shard in rows.header["shards"][:-1])


def test_a_large_vocabulary_takes_32_bits(tmp_path: Path) -> None:
    tokenizer = BertTokenizer(small_vocab() | {f"w{i}": i + 1000 for i in range(70_000)})
    (tmp_path / "text.txt").write_text("the w69999\n")
    rows = tokenize_files(tokenizer, tmp_path / "text.txt", tmp_path / "out", add_special_tokens=False)
    assert rows.dtype == rows[0].dtype == np.uint32
    assert rows[0].tolist() == [tokenizer.vocab["the"], tokenizer.vocab["w"], 70999][::2]


def test_line_ends_marks_and_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfa b\r\n\n  \r\nc\x0ba")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "b.txt").write_bytes(b"b\n\n")
    files = [tmp_path / name for name in ("a.txt", "empty.txt", "b.txt")]
    rows = tokenize_files(Words(), files, tmp_path / "out")
    assert [row.tolist() for row in rows] == [[2, 3], [], [], [4, 2], [3], []]
    kept = tokenize_files(Words(), files, tmp_path / "kept", skip_blank=True)
    assert [row.tolist() for row in kept] == [[2, 3], [4, 2], [3]]
    nothing = tokenize_files(Words(), tmp_path / "empty.txt", tmp_path / "nothing")
    assert (len(nothing), nothing.tokens, list(nothing)) == (0, 0, [])


def test_arrow_is_opened_by_arrow_and_by_us(tmp_path: Path, text: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    rows = tokenize_files(Words(), text, tmp_path / "arrow", format="arrow", **SMALL)
    same = tokenize_files(Words(), text, tmp_path / "npy", **SMALL)
    assert [row.tolist() for row in rows] == [row.tolist() for row in same]
    assert rows[-1].dtype == np.uint16
    found = []
    for shard in rows.header["shards"]:
        with pa.memory_map(str(tmp_path / "arrow" / shard["files"][0])) as file:
            found += pa.ipc.open_stream(file).read_all().column("input_ids").to_pylist()
    assert found == [row.tolist() for row in rows]


def test_arrow_without_its_package(tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.ipc", None)
    with pytest.raises(MissingBackend, match=r"needs the package 'pyarrow'.*pip install \"dovela\[arrow\]\""):
        tokenize_files(Words(), text, tmp_path / "out", format="arrow")
    assert not (tmp_path / "out").exists()


def test_the_header_is_numpys(tmp_path: Path) -> None:
    for dtype, count in (("<u2", 0), ("<i8", 7), ("<u4", 10**15)):
        stream = io.BytesIO(token_shards.npy_header(dtype, count))
        version = np.lib.format.read_magic(stream)
        assert version == (1, 0)
        assert np.lib.format.read_array_header_1_0(stream) == ((count,), False, np.dtype(dtype))
        assert stream.tell() == token_shards.HEADER


# The sequence.


def test_rows_are_a_sequence(tmp_path: Path, text: Path) -> None:
    rows = tokenize_files(Words(), text, tmp_path / "out", **SMALL)
    whole = [row.tolist() for row in rows]
    assert whole == [[Words().vocab[word] for word in line.split()] for line in text.read_text().splitlines()]
    assert rows[-1].tolist() == whole[-1]
    assert [row.tolist() for row in rows[5:9]] == whole[5:9]
    assert repr(rows).endswith(f"documents=400, tokens={sum(map(len, whole))})")
    for index in (400, -401):
        with pytest.raises(IndexError, match=f"row {index} is out of range, there are 400"):
            rows[index]
    with pytest.raises(ValueError, match="read-only"):
        rows[1][...] = 0
    again = pickle.loads(pickle.dumps(rows))
    assert [row.tolist() for row in again] == whole
    assert len(pickle.dumps(rows)) < 1000


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda out: (out / "ids-00001.npy").unlink(), r"ids-00001.npy cannot be read \(No such file"),
        (lambda out: os.truncate(out / "ids-00000.npy", 200), "ids-00000.npy has 200 bytes, and was written with"),
        (lambda out: (out / "index.json").unlink(), "has no index.json, so there are no tokens in it"),
        (lambda out: (out / "index.json").write_text("[]"), "it is not that of tokens"),
        (lambda out: (out / "index.json").write_text('{"format": "x", "version": 3}'), "it is x, version 3"),
    ],
)
def test_a_damaged_folder_is_told(tmp_path: Path, text: Path, damage: Callable[[Path], Any], message: str) -> None:
    tokenize_files(Words(), text, tmp_path / "out", **SMALL)
    damage(tmp_path / "out")
    with pytest.raises(CheckpointError, match=message):
        open_tokens(tmp_path / "out")
    if "index" not in message:
        with pytest.raises(CheckpointError, match=message.partition(" cannot")[0]):
            tokenize_files(Words(), text, tmp_path / "out", **SMALL)


def test_a_shard_that_lies_is_told(tmp_path: Path, text: Path) -> None:
    tokenize_files(Words(), text, tmp_path / "out", **SMALL)
    file = tmp_path / "out" / "ids-00000.npy"
    file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(CheckpointError, match=r"ids-00000\.npy: cannot be read"):
        open_tokens(tmp_path / "out")[0]


# However it is run, the same bytes.


@pytest.mark.parametrize("start_method", ["spawn", "fork"])
def test_workers_change_nothing(tmp_path: Path, text: Path, start_method: str) -> None:
    tokenizer = BertTokenizerFast(small_vocab())
    tokenize_files(tokenizer, text, tmp_path / "one", **SMALL)
    tokenize_files(tokenizer, text, tmp_path / "two", workers=2, start_method=start_method, **SMALL)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


@pytest.mark.parametrize("format", ["npy", "arrow"])
def test_a_run_killed_at_any_file_operation_is_resumed(tmp_path: Path, format: str) -> None:
    if format == "arrow":
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    kills, _, shards, _ = program("every", tmp_path, format)[0].split()
    assert int(kills) > 40
    assert int(shards) > 3


class Stop(Exception):
    pass


def stop_after(count: int) -> Callable[[Progress], None]:
    """A progress function that ends the run at its `count`-th call."""
    calls = iter(range(1, count))

    def stop(_: Progress) -> None:
        if next(calls, None) is None:
            raise Stop

    return stop


@pytest.fixture(params=["plain", "gzip", "stdin", "stdin, gzip", "two files"])
def files(request: pytest.FixtureRequest, text: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Any]]:
    packed = text.with_suffix(".gz")
    packed.write_bytes(gzip.compress(text.read_bytes()))
    other = write_words(text.with_name("other.txt"), 30, seed=1)

    def give() -> list[Any]:
        kind = request.param
        if kind.startswith("stdin"):
            data = (packed if "gzip" in kind else text).read_bytes()
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))  # type: ignore[arg-type]
            return ["-"]
        return {"plain": [text], "gzip": [packed], "two files": [other, text]}[kind]

    return give


def test_stopped_and_resumed_from_every_kind_of_input(tmp_path: Path, files: Callable[[], list[Any]]) -> None:
    whole = tokenize_files(Words(), files(), tmp_path / "whole", **SMALL)
    stops = 0
    for count in (12, 3, 9, 99):
        try:
            tokenize_files(Words(), files(), tmp_path / "out", progress=stop_after(count), **SMALL)
        except Stop:
            stops += 1
            with pytest.raises(CheckpointError, match=r"the run that writes it is not finished \(\d shards so far\)"):
                open_tokens(tmp_path / "out")
    assert stops == 3
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    assert len(whole.header["shards"]) > 3


def test_another_stream_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: Path) -> None:
    def give(data: bytes) -> list[str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))  # type: ignore[arg-type]
        return ["-"]

    with pytest.raises(Stop):
        tokenize_files(Words(), give(text.read_bytes()), tmp_path / "out", progress=stop_after(9), **SMALL)
    for data in (b"x" + text.read_bytes()[1:], b"a\n"):
        with pytest.raises(
            InputError, match=r"standard input: does not begin with the \d+ bytes of the run that is to"
        ):
            tokenize_files(Words(), give(data), tmp_path / "out", **SMALL)


def test_progress_ends_at_the_whole_and_a_finished_run_is_left_alone(tmp_path: Path, text: Path) -> None:
    told: list[Progress] = []
    rows = tokenize_files(Words(), text, tmp_path / "out", progress=told.append, **SMALL)
    size = text.stat().st_size
    assert (told[0].consumed, told[0].documents, told[0].total) == (0, 0, size)
    assert told[-1] == Progress(size, size, size, 400, rows.tokens)
    assert told == sorted(told, key=lambda progress: progress.consumed)
    before, times = contents(tmp_path / "out"), (tmp_path / "out" / "ids-00000.npy").stat().st_mtime_ns
    again: list[Progress] = []
    tokenize_files(Words(), text, tmp_path / "out", progress=again.append, workers=2, **SMALL)
    assert again == []
    assert contents(tmp_path / "out") == before
    assert (tmp_path / "out" / "ids-00000.npy").stat().st_mtime_ns == times


# Another run is refused.


def half(text: Path, out: Path, **options: Any) -> None:
    with pytest.raises(Stop):
        tokenize_files(Words(), text, out, progress=stop_after(9), **SMALL | options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_length": 3}, "max_length was None, and is 3"),
        ({"add_special_tokens": False}, "add_special_tokens was True, and is False"),
        ({"shard_size": 301}, "shard_size was 300, and is 301"),
        ({"batch": 201}, "batch was 200, and is 201"),
        ({"skip_blank": True}, "skip_blank was False, and is True"),
        ({"tokenizer": BertTokenizer(small_vocab())}, "the tokenizer was Words from ''; now BertTokenizer from ''"),
        ({"tokenizer": Words(truncation_side="left")}, "now Words from '', with another vocabulary or other settings"),
    ],
)
def test_another_call_is_refused(tmp_path: Path, text: Path, options: dict[str, Any], message: str) -> None:
    half(text, tmp_path / "out")
    before = contents(tmp_path / "out")
    arguments = {"tokenizer": Words(), "files": text, "out": tmp_path / "out", **SMALL, **options}
    with pytest.raises(CheckpointError, match="holds another run: ") as caught:
        tokenize_files(**arguments)
    assert message in str(caught.value)
    assert "begin anew with restart=True (--restart)" in str(caught.value)
    assert contents(tmp_path / "out") == before
    rows = tokenize_files(**arguments, restart=True)
    tokenize_files(**arguments | {"out": tmp_path / "fresh"})
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
    assert rows.header["complete"]


def test_changed_files_are_refused(tmp_path: Path, text: Path) -> None:
    half(text, tmp_path / "out")
    size, times = text.stat().st_size, text.stat()
    os.utime(text, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    with pytest.raises(CheckpointError, match=r"text\.txt was modified since"):
        tokenize_files(Words(), text, tmp_path / "out", **SMALL)
    with text.open("a") as stream:
        stream.write("a\n")
    with pytest.raises(CheckpointError, match=rf"text\.txt had {size} bytes, and has {size + 2}"):
        tokenize_files(Words(), text, tmp_path / "out", **SMALL)
    with pytest.raises(CheckpointError, match=r"the files were .*text\.txt; now .*text\.txt, .*text\.txt"):
        tokenize_files(Words(), [text, text], tmp_path / "out", **SMALL)


def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path, text: Path) -> None:
    with pytest.raises(InputError, match=r"text\.txt: changed while it was read"):
        tokenize_files(Words(), text, tmp_path / "out", progress=lambda _: os.utime(text, ns=(1, 1)), **SMALL)


def test_bytes_that_are_no_text_can_be_replaced_in_what_is_left(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_bytes(b"a b c\n" * 300 + b"a \xff b\0\n")
    with pytest.raises(InputError, match=r"text\.txt, line 301, byte 3: is not UTF-8|NUL"):
        tokenize_files(Words(), tmp_path / "text.txt", tmp_path / "out", **SMALL)
    rows = tokenize_files(Words(), tmp_path / "text.txt", tmp_path / "out", errors="replace", **SMALL)
    assert (len(rows), rows[-1].tolist()) == (301, [2, 1, 1])
    tokenize_files(Words(), tmp_path / "text.txt", tmp_path / "fresh", errors="replace", **SMALL)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


# What cannot be read.


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a\n" * 90 + b"b\xe9\n", r"text\.txt, line 91, byte 2: is not UTF-8 text: byte 0xe9"),
        (b"a\n" * 90 + b"cc\0\n", r"text\.txt, line 91, byte 3: holds a NUL byte"),
        (b"a\n\xe2\x82", r"text\.txt, line 2, byte 1: is not UTF-8 text: byte 0xe2, unexpected end of data"),
        ("a\n".encode("utf-16"), r"text\.txt: is UTF-16 text. Convert it: iconv"),
        (b"\x28\xb5\x2f\xfd....", r"text\.txt: is a zstd file. Unpack it into a pipe"),
        (gzip.compress(os.urandom(900).hex().encode())[:-20], r"text\.txt, after line 0: the gzip data is damaged"),
        (b"\x1f\x8bnonsense", r"text\.txt, after line 0: the gzip data is damaged or cut short"),
    ],
)
def test_what_is_no_text(tmp_path: Path, data: bytes, message: str, workers: int) -> None:
    (tmp_path / "text.txt").write_bytes(data)
    with pytest.raises(InputError, match=message):
        tokenize_files(Words(), tmp_path / "text.txt", tmp_path / "out", batch=50, workers=workers, start_method="fork")


def test_files_that_are_not_there_are_all_named(tmp_path: Path, text: Path) -> None:
    with pytest.raises(InputError, match="tokenize_files: 2 problems") as caught:
        tokenize_files(Words(), [tmp_path / "no.txt", text, tmp_path], tmp_path / "out")
    assert f"{tmp_path / 'no.txt'} does not exist" in str(caught.value)
    assert f"{tmp_path} is a folder; name the files in it" in str(caught.value)
    with pytest.raises(InputError, match="expected at least one file, got none"):
        tokenize_files(Words(), [], tmp_path / "out")
    with pytest.raises(InputError, match=r"standard input \('-'\) can be read only once"):
        tokenize_files(Words(), ["-", "-"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everything")
def test_what_may_not_be_read_or_written(tmp_path: Path, text: Path) -> None:
    (tmp_path / "shut").mkdir(mode=0o500)
    with pytest.raises(CheckpointError, match=r"cannot be written \(Permission denied\)"):
        tokenize_files(Words(), text, tmp_path / "shut" / "out")
    text.chmod(0)
    with pytest.raises(InputError, match=r"text\.txt cannot be read \(Permission denied\)"):
        tokenize_files(Words(), text, tmp_path / "out")


def test_a_line_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 1 << 20)
    (tmp_path / "text.txt").write_bytes(b"a\nb\n" + b"a " * (1 << 20))
    with pytest.raises(InputError, match=r"text\.txt, line 3: is longer than 1 MiB. Expected one document a line"):
        tokenize_files(Words(), tmp_path / "text.txt", tmp_path / "out", batch=10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "workers must be an integer of at least 1, got 0"),
        ({"shard_size": 1.5}, "shard_size must be an integer of at least 1, got 1.5"),
        ({"batch": True}, "batch must be an integer of at least 1, got True"),
        ({"format": "arow"}, "format='arow' is not one of 'npy', 'arrow'; did you mean 'arrow'?"),
        ({"errors": "ignore"}, "errors='ignore' is not one of 'strict', 'replace'"),
        ({"start_method": "spwan"}, "did you mean 'spawn'?"),
        ({"max_length": -1}, "max_length must be an integer of at least 0, got -1"),
    ],
)
def test_wrong_arguments(tmp_path: Path, text: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        tokenize_files(Words(), text, tmp_path / "out", **options)
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


# What cannot be written.


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, text: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "index.json.tmp").write_text("{")  # all that a run killed at once leaves
    tokenize_files(Words(), text, out)
    (out / "notes.txt").write_text("mine")
    tokenize_files(Words(), text, out, max_length=4, restart=True)
    assert (out / "notes.txt").read_text() == "mine"
    (out / "index.json").unlink()
    for restart in (False, True):
        with pytest.raises(CheckpointError, match=r"holds something else: ids-00000\.npy, notes\.txt, offsets-"):
            tokenize_files(Words(), text, out, restart=restart)
    (out / "index.json").write_text("{}")
    with pytest.raises(CheckpointError, match="expected the index of dovela-tokens"):
        tokenize_files(Words(), text, out, restart=True)
    with pytest.raises(CheckpointError, match="is, or lies under, a file"):
        tokenize_files(Words(), text, text / "out")


def test_a_full_disk_leaves_what_is_finished(tmp_path: Path, text: Path) -> None:
    told, left, rows = program("refuse", text, tmp_path / "out")
    assert told.startswith(f"CheckpointError: {tmp_path / 'out'}: cannot be written (File too large). What is finished")
    assert left == "['index.json']"
    assert rows == "400"


@pytest.mark.parametrize("start_method", ["spawn", "fork"])
def test_a_worker_that_dies(tmp_path: Path, start_method: str) -> None:
    path = tmp_path / "text.txt"
    path.write_text("a b c\n" * 200 + "deadly\n")
    with pytest.raises(CheckpointError, match=r"a worker process died\. What is finished is kept, and the same call"):
        tokenize_files(Words(), path, tmp_path / "out", workers=2, start_method=start_method, **SMALL)


def test_an_interruption_leaves_a_run_to_resume(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("a b c\n" * 200 + "interrupting\n")
    with pytest.raises(KeyboardInterrupt):
        tokenize_files(Words(), path, tmp_path / "out", **SMALL)
    assert sorted(contents(tmp_path / "out")) == ["ids-00000.npy", "index.json", "offsets-00000.npy"]


# Memory.


def long_words(path: Path, size: int) -> Path:
    """Lines of long words, which take a tokenizer no time."""
    line = " ".join("abcdefgh" * 6 + str(i) for i in range(60))
    with path.open("w") as stream:
        for i in range(size // len(line)):
            stream.write(line[: len(line) - i % 50] + "\n")
    return path


def peak(tmp_path: Path, size: int) -> Iterator[int]:
    file = long_words(tmp_path / f"{size}.txt", size)
    yield int(program("memory", file, tmp_path / f"out-{size}")[0])
    file.unlink()


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    small, large = (next(peak(tmp_path, size)) for size in (10_000_000, 100_000_000))
    assert large - small < 8_000_000


@pytest.mark.slow
def test_memory_does_not_grow_with_a_file_of_a_gigabyte(tmp_path: Path) -> None:
    small, large = (next(peak(tmp_path, size)) for size in (10_000_000, 1_000_000_000))
    assert large - small < 8_000_000
    assert large < 200_000_000
