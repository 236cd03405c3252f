import json
import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from dovela.checkpoint import (
    open_weights,
    parse_size,
    plan_shards,
    read_json,
    shard_index,
    shard_names,
    stale_weights,
    weights_name,
)
from dovela.errors import CheckpointError
from dovela.hub import source

TENSORS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.bias": np.zeros(3, np.float16),
    "ids": np.arange(4, dtype=np.int64),
    "empty": np.zeros((0, 4), np.float32),
    "scalar": np.array(True),
}


def write(path: Path, header: object, data: bytes = b"", length: int | None = None) -> Path:
    """A safetensors file with any header at all (bytes, or what becomes JSON)."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def tensor(begin: int, end: int, dtype: str = "U8", shape: list | None = None) -> dict:
    return {"dtype": dtype, "shape": [end - begin] if shape is None else shape, "data_offsets": [begin, end]}


def peer_accepts(path: Path) -> bool:
    try:
        with safe_open(path, framework="np") as file:
            list(file.keys())
        return True
    except (SafetensorError, OSError):
        return False


# One file.


def test_entries_are_where_the_library_put_the_tensors(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(TENSORS, path, metadata={"format": "pt"})
    files = open_weights(source(tmp_path))
    assert files.metadata == {"format": "pt"}
    assert files.pickles == ()
    assert files.entries.keys() == TENSORS.keys()
    raw = path.read_bytes()
    for name, value in TENSORS.items():
        entry = files.entries[name]
        assert (entry.file, entry.shape, entry.nbytes) == (path, value.shape, value.nbytes)
        assert raw[entry.start : entry.start + entry.nbytes] == value.tobytes()
    assert [files.entries[name].dtype for name in TENSORS] == ["F32", "F16", "I64", "F32", "BOOL"]


def test_a_file_of_no_tensors_is_a_file(tmp_path):
    save_file({}, tmp_path / "model.safetensors")
    assert open_weights(source(tmp_path)).entries == {}


LIES = {
    "cannot hold the header of 9999 bytes": ({}, b"", 9999),
    "cannot hold the header of 18446744073709551615 bytes": ({}, b"", 2**64 - 1),
    "the header is not a JSON object": ([1], b""),
    "the header is not valid JSON": (b'{"a": ', b""),
    "header is not valid JSON (maximum recursion": (b'{"a":' * 50_000, b""),
    "header is not valid JSON ('utf-8' codec": (b'{"\xff": 1}', b""),
    "'a' is given twice": (b'{"a": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}, "a": 1}', b""),
    "__metadata__ is not a mapping of text to text": ({"__metadata__": {"a": 1}}, b""),
    "__metadata__ is not a mapping": ({"__metadata__": []}, b""),
    "tensor 'a': expected the keys dtype, shape and data_offsets": ({"a": {"dtype": "U8", "shape": [0]}}, b""),
    "tensor 'b': expected the keys": ({"b": 7}, b""),
    "unknown dtype 'F31'": ({"a": tensor(0, 4, "F31")}, b"1234"),
    "unknown dtype ['F32']": ({"a": {**tensor(0, 4), "dtype": ["F32"]}}, b"1234"),
    "shape [-1] is not a list of sizes": ({"a": tensor(0, 4, shape=[-1])}, b"1234"),
    "shape [True, 4] is not": ({"a": tensor(0, 4, shape=[True, 4])}, b"1234"),
    "shape [4.0] is not": ({"a": tensor(0, 4, shape=[4.0])}, b"1234"),
    "shape 4 is not": ({"a": {**tensor(0, 4), "shape": 4}}, b"1234"),
    "data_offsets [4, 0] are not [begin, end]": ({"a": {**tensor(0, 4), "data_offsets": [4, 0]}}, b"1234"),
    "data_offsets [0] are not": ({"a": {**tensor(0, 4), "data_offsets": [0]}}, b"1234"),
    "F32 of shape [2, 3] takes 24 bytes, but data_offsets [0, 8]": ({"a": tensor(0, 8, "F32", [2, 3])}, bytes(8)),
    "U8 of shape [4294967296, 4294967296]": ({"a": tensor(0, 0, shape=[2**32, 2**32])}, b""),
    "tensor 'b': overlaps 'a'": ({"a": tensor(0, 4), "b": tensor(2, 6)}, bytes(6)),
    "tensor 'a': leaves 4 bytes unused after the header": ({"a": tensor(4, 8)}, bytes(8)),
    "tensor 'b': leaves 2 bytes unused after 'a'": ({"a": tensor(0, 4), "b": tensor(6, 8)}, bytes(8)),
    "the file is cut short": ({"a": tensor(0, 4)}, bytes(3)),
    "3 bytes after the last tensor belong to none": ({"a": tensor(0, 4)}, bytes(7)),
    "tensor '\\ud800': unknown dtype": (b'{"\\ud800": {"dtype":"X","shape":[0],"data_offsets":[0,0]}}', b""),
}


@pytest.mark.parametrize("message", LIES, ids=range(len(LIES)))
def test_a_header_that_lies_is_refused_by_name(tmp_path, message):
    path = write(tmp_path / "model.safetensors", *LIES[message])
    with pytest.raises(CheckpointError, match=re.escape(message)) as caught:
        open_weights(source(tmp_path))
    assert str(path) in str(caught.value)
    assert re.search(r"etch it again", str(caught.value))


@pytest.mark.parametrize("length", range(0, 200, 7))
def test_a_file_cut_short_anywhere_is_refused(tmp_path, length):
    save_file(TENSORS, tmp_path / "whole")
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "whole").read_bytes()[:length])
    with pytest.raises(CheckpointError, match=r"model\.safetensors: .*(whole safetensors file|cut short)"):
        open_weights(source(tmp_path))


def test_we_believe_exactly_what_the_library_believes(tmp_path):
    """1,500 files with random damage to their bytes or to what the header says."""
    chance = random.Random(0)
    whole = tmp_path / "whole"
    save_file(TENSORS, whole, metadata={"format": "pt"})
    raw = whole.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    path = tmp_path / "model.safetensors"
    src, outcomes = source(tmp_path), {True: 0, False: 0}
    for _ in range(1500):
        if chance.random() < 0.5:
            damaged = bytearray(raw)
            for _ in range(chance.choice([1, 1, 2])):
                damaged[chance.randrange(8 + length)] = chance.choice(b'0123456789[]{},:" UFI\x00\x7f')
            path.write_bytes(damaged)
        else:
            header = json.loads(raw[8 : 8 + length])
            victim = chance.choice([name for name in header if name != "__metadata__"])
            key = chance.choice(["dtype", "shape", "data_offsets"])
            old = header[victim][key]
            changed = [value + chance.choice([-1, 0, 1, 8, 2**40]) for value in old] if isinstance(old, list) else "F64"
            header[victim][key] = changed
            write(path, header, raw[8 + length :])
        believed = peer_accepts(path)
        outcomes[believed] += 1
        if believed:
            with safe_open(path, framework="np") as file:
                expected = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        try:
            found, refusal = {name: entry.shape for name, entry in open_weights(src).entries.items()}, ""
        except CheckpointError as error:
            found, refusal = None, str(error)
        stricter = "given twice" in refusal or "expected the keys" in refusal  # than the library, in these alone
        assert found == (expected if believed and not stricter else None), (refusal, path.read_bytes()[: 8 + length])
    assert min(outcomes.values()) > 100


def test_a_git_lfs_pointer_is_told_from_damage(tmp_path):
    (tmp_path / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(CheckpointError, match=r"is a Git LFS pointer and not the weights\. Run: git lfs pull"):
        open_weights(source(tmp_path))


# Shards.


@pytest.fixture
def sharded(tmp_path):
    shards = dict(zip(shard_names(2), (["a.weight", "a.bias"], ["ids", "empty", "scalar"]), strict=True))
    for shard, names in shards.items():
        save_file({name: TENSORS[name] for name in names}, tmp_path / shard, metadata={"format": "pt"})
    sizes = {name: value.nbytes for name, value in TENSORS.items()}
    (tmp_path / "model.safetensors.index.json").write_bytes(shard_index(shards, sizes))
    return tmp_path


def reindex(folder: Path, change) -> None:
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    change(index["weight_map"])
    path.write_text(json.dumps(index))


def test_shards_are_one_set_of_entries(sharded):
    files = open_weights(source(sharded))
    assert files.entries.keys() == TENSORS.keys()
    assert files.entries["a.bias"].file == sharded / "model-00001-of-00002.safetensors"
    assert files.entries["ids"].file == sharded / "model-00002-of-00002.safetensors"
    assert files.metadata == {"format": "pt"}
    index = json.loads((sharded / "model.safetensors.index.json").read_text())
    assert index["metadata"] == {"total_size": sum(value.nbytes for value in TENSORS.values())}


def test_all_missing_shards_are_named(sharded):
    for shard in shard_names(2):
        (sharded / shard).unlink()
    with pytest.raises(CheckpointError, match=r"(?s)2 problems.*'model-00001-of.*is missing.*'model-00002-of.*missing"):
        open_weights(source(sharded))


@pytest.mark.parametrize("name", ["../x.safetensors", "/etc/passwd", "a/b", "..", "", "a\\b"])
def test_an_index_cannot_name_a_file_outside(sharded, name):
    reindex(sharded, lambda weight_map: weight_map.update(ids=name))
    with pytest.raises(CheckpointError, match=r"index\.json: names a file outside of its folder"):
        open_weights(source(sharded))


def test_an_index_that_does_not_fit_its_shards_lists_all_that_is_wrong(sharded):
    def change(weight_map: dict) -> None:
        weight_map["ghost"] = weight_map["other"] = "model-00001-of-00002.safetensors"

    reindex(sharded, change)
    save_file({"ids": TENSORS["ids"], "a.bias": TENSORS["a.bias"]}, sharded / "model-00002-of-00002.safetensors")
    with pytest.raises(CheckpointError) as caught:
        open_weights(source(sharded))
    message = str(caught.value)
    assert "5 problems" in message
    for name in ("ghost", "other"):
        assert f"puts '{name}' into 'model-00001-of-00002.safetensors', which has no such tensor" in message
    assert "'a.bias' is in 'model-00001-of-00002.safetensors' and in 'model-00002-of-00002.safetensors'" in message
    assert message.endswith("fetch all again.")


def test_a_tensor_that_the_index_forgot_is_not_lost(sharded):
    reindex(sharded, lambda weight_map: weight_map.pop("a.bias"))
    assert open_weights(source(sharded)).entries["a.bias"].shape == (3,)


@pytest.mark.parametrize("index", ["{}", '{"weight_map": []}', '{"weight_map": {"a": 1}}'])
def test_an_index_without_a_weight_map(tmp_path, index):
    (tmp_path / "model.safetensors.index.json").write_text(index)
    with pytest.raises(CheckpointError, match="has no 'weight_map' from tensor names to file names"):
        open_weights(source(tmp_path))


def test_a_shard_listed_twice_for_one_tensor(tmp_path):
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "x", "a": "y"}}')
    with pytest.raises(CheckpointError, match=r"index of the shards .*: is not acceptable JSON: 'a' is given twice"):
        open_weights(source(tmp_path))


# Variants, other formats, nothing.


def test_a_variant_is_a_set_of_its_own(tmp_path):
    save_file({"a": TENSORS["ids"]}, tmp_path / "model.fp16.safetensors")
    assert open_weights(source(tmp_path), variant="fp16").entries.keys() == {"a"}
    with pytest.raises(
        CheckpointError, match=r"looked for model.safetensors and .*For model.fp16.safetensors pass the"
    ):
        open_weights(source(tmp_path))
    (tmp_path / "model.safetensors.index.bf16.json").write_text('{"weight_map": {"a": "model.fp16.safetensors"}}')
    assert open_weights(source(tmp_path), variant="bf16").entries.keys() == {"a"}
    for variant in ("../x", "", "a.b"):
        with pytest.raises(CheckpointError, match=r"variant: expected a word such as 'fp16'"):
            open_weights(source(tmp_path), variant=variant)


def test_pickled_weights_are_not_touched_unless_asked_for(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(
        CheckpointError, match=r"only pickled weights, which can run code.*pass allow_pickle=True.*safetens"
    ):
        open_weights(source(tmp_path))
    files = open_weights(source(tmp_path), allow_pickle=True)
    assert files.pickles == (tmp_path / "pytorch_model.bin",)
    assert files.entries == {}
    save_file({}, tmp_path / "model.safetensors")
    assert open_weights(source(tmp_path), allow_pickle=True).pickles == ()


def test_pickled_shards(tmp_path):
    (tmp_path / "pytorch_model.bin.index.json").write_text('{"weight_map": {"a": "1.bin", "b": "2.bin", "c": "1.bin"}}')
    (tmp_path / "1.bin").touch()
    with pytest.raises(CheckpointError, match="only pickled weights"):
        open_weights(source(tmp_path))
    with pytest.raises(CheckpointError, match=r"the shard '2.bin' is missing"):
        open_weights(source(tmp_path), allow_pickle=True)
    (tmp_path / "2.bin").touch()
    assert open_weights(source(tmp_path), allow_pickle=True).pickles == (tmp_path / "1.bin", tmp_path / "2.bin")


def test_no_weights_at_all(tmp_path):
    with pytest.raises(
        CheckpointError, match=r"looked for model.safetensors and .*index.json; there is nothing\. Is this"
    ):
        open_weights(source(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"there is config\.json\. Is this the folder or name"):
        open_weights(source(tmp_path), allow_pickle=True)


# JSON.


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1,\n  "b": }', "is not valid JSON: line 2, column 8: Expecting value"),
        (b"", "is not valid JSON: line 1, column 1"),
        (b"[1]", r"holds list, where a JSON object {…} is expected"),
        (b"null", "holds NoneType, where"),
        (b'{"a": "\xff"}', r"is not UTF-8 text (byte 7)"),
        (b'{"a": 1, "a": 2}', "is not acceptable JSON: 'a' is given twice"),
        (b'{"a": ' + b"1" * 10_000 + b"}", "is not acceptable JSON: Exceeds the limit"),
        (b'{"a":' * 100_000, "is not acceptable JSON: maximum recursion"),
    ],
)
def test_json_that_is_none_is_located(tmp_path, content, message):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=re.escape(f"configuration {str(path)!r}: {message}")):
        read_json(path, "configuration")


def test_json_that_cannot_be_read(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot be read .No such file"):
        read_json(tmp_path / "none", "configuration")
    with pytest.raises(CheckpointError, match=r"cannot be read .Is a directory"):
        read_json(tmp_path, "configuration")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    (tmp_path / "config.json").write_bytes(b'\xef\xbb\xbf{"a": "\xc3\xa4"}')
    assert read_json(tmp_path / "config.json", "configuration") == {"a": "ä"}


# Saving.


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (10, [["a"], ["b", "c"], ["d"], ["e"]]),
        ("1KB", [["a", "b", "c", "d", "e"]]),
        (1, [["a"], ["b"], ["c"], ["d"], ["e"]]),
        (36, [["a", "b", "c", "d"], ["e"]]),
    ],
)
def test_shards_in_order_each_within_the_limit_or_one_tensor(limit, expected):
    sizes = {"a": 7, "b": 4, "c": 5, "d": 20, "e": 3}
    assert plan_shards(sizes, limit) == expected


def test_no_tensors_are_one_shard():
    assert plan_shards({}, "5GB") == [[]]


@pytest.mark.parametrize(
    ("text", "size"), [("5GB", 5 * 10**9), ("200MB", 2 * 10**8), ("1GiB", 2**30), ("1.5 KB", 1500), ("7B", 7), (3, 3)]
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "size", ["", "5", "5 gigs", "-1GB", "0GB", 0, -5, True, None, 1.5, "GB", "1GBB", "1iB", "1e3MB"]
)
def test_sizes_that_are_none(size):
    with pytest.raises(CheckpointError, match=r"max_shard_size: expected .*'5GB', '200MB' or '1GiB', got "):
        plan_shards({"a": 1}, size)


def test_names_of_shards():
    assert shard_names(1) == [weights_name()] == ["model.safetensors"]
    assert shard_names(2) == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    assert shard_names(12, "fp16")[11] == "model.fp16-00012-of-00012.safetensors"


def test_only_our_own_weights_of_the_same_variant_are_stale(tmp_path):
    plain = {"model.safetensors", "model.safetensors.index.json", *shard_names(2), "model-00001-of-00003.safetensors"}
    half = {"model.fp16.safetensors", "model.safetensors.index.fp16.json", *shard_names(2, "fp16")}
    others = {
        "pytorch_model.bin",
        "model-1-of-2.safetensors",
        "my-model.safetensors",
        "model.safetensors.bak",
        "config.json",
    }
    for name in plain | half | others:
        (tmp_path / name).touch()
    (tmp_path / "sub").mkdir()
    assert set(stale_weights(tmp_path, [])) == plain
    assert set(stale_weights(tmp_path, ["model.safetensors"])) == plain - {"model.safetensors"}
    assert set(stale_weights(tmp_path, shard_names(2, "fp16"), "fp16")) == half - set(shard_names(2, "fp16"))
    assert stale_weights(tmp_path / "none", []) == []
