"""Weights that Flax and TensorFlow models of transformers wrote: read whole, or refused with place and reason."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import dovela
import peer_foreign
import peers
from architectures import config_of
from dovela import CheckpointError, MissingBackend
from dovela.checkpoint import open_weights
from dovela.hub import source
from dovela.leaves import FLAX_LEAVES, KERAS_LEAVES

h5py = pytest.importorskip("h5py")
msgpack = pytest.importorskip("msgpack")

TEXT = ["Model", "ForMaskedLM", "ForQuestionAnswering", "ForSequenceClassification", "ForTokenClassification"]
TEXT += ["ForMultipleChoice"]
BOTH = [f"DistilBert{head}" for head in TEXT]
BOTH += [f"Bert{head}" for head in [*TEXT, "ForPreTraining", "ForNextSentencePrediction"]]
BOTH += ["ViTModel", "ViTForImageClassification", "Wav2Vec2Model", "Wav2Vec2ForCTC"]
MODELS = {"Flax": [*BOTH, "Wav2Vec2ForPreTraining"], "TF": [*BOTH, "Wav2Vec2ForSequenceClassification"]}


# What the peer writes.


@pytest.mark.slow
@pytest.mark.parametrize(("prefix", "run"), [("Flax", peers.peer4_flax), ("TF", peers.peer4_tf)])
def test_models_of_the_peers_other_frameworks_open_bit_equal(prefix: str, run: Any, tmp_path: Path) -> None:
    peers.peer4(peer_foreign.write_torch, MODELS[prefix], str(tmp_path))
    run(peer_foreign.write, prefix, MODELS[prefix], str(tmp_path))
    for name in MODELS[prefix]:
        cls = getattr(dovela, name)
        expected = cls.from_pretrained(tmp_path / f"{name}-pt").state_dict()
        for way in ("one", "shards", "safe"):
            model, report = cls.from_pretrained(tmp_path / f"{name}-{way}", output_loading_info=True)
            state = model.state_dict()
            assert report.fresh == [], (name, way)
            assert all(torch.equal(state[key], tensor) for key, tensor in expected.items()), (name, way)


# The same made by hand, so that it can be spoilt.


def flax_array(array: Any) -> Any:
    return msgpack.ExtType(1, msgpack.packb((array.shape, array.dtype.name, array.tobytes()), use_bin_type=True))


def flax_bytes(tree: Any) -> bytes:
    return bytes(msgpack.packb(tree, default=flax_array, strict_types=True))


def flax_tree(tensors: dict[str, Any]) -> dict[str, Any]:
    """The tensors of a file by Flax's names, in Flax's layout."""
    tree: dict[str, Any] = {}
    for name, array in tensors.items():
        *above, leaf = name.split(".")
        if leaf == "weight":
            leaf = "scale" if array.ndim == 1 else "embedding" if "_embeddings" in above[-1] else "kernel"
        place = tree
        for word in above:
            place = place.setdefault(word, {})
        place[leaf] = np.ascontiguousarray(FLAX_LEAVES.from_file((leaf,), array))
    return tree


def write_h5(path: Path, tensors: dict[str, Any], model: str = "tf_bert_model") -> None:
    with h5py.File(path, "w") as file:
        for name, array in tensors.items():
            *above, leaf = name.split(".")
            if leaf == "weight":
                leaf = "gamma" if array.ndim == 1 else "embeddings" if "_embeddings" in above[-1] else "kernel"
            elif leaf == "bias" and above[-1] == "LayerNorm":
                leaf = "beta"
            names = ["bert", model, "bert", *above, f"{leaf}:0"]
            file["/".join(names).replace("/layer/", "/layer_._")] = KERAS_LEAVES.from_file((leaf,), array)


@pytest.fixture
def bert(tmp_path: Path) -> Any:
    """A folder with config.json alone, the tensors that belong beside it, and the model."""
    torch.manual_seed(0)
    model = dovela.BertModel(dovela.BertConfig(**config_of("BertModel")))
    model.save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    return tmp_path, tensors, model.state_dict()


def opens(folder: Path, state: Any) -> None:
    found = dovela.BertModel.from_pretrained(folder).state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())


def test_flax_and_tensorflow_weights_open(bert: Any) -> None:
    folder, tensors, state = bert
    (folder / "flax_model.msgpack").write_bytes(flax_bytes(flax_tree(tensors)))
    opens(folder, state)
    (folder / "flax_model.msgpack").unlink()
    write_h5(folder / "tf_model.h5", tensors)
    opens(folder, state)


def test_torchs_own_file_comes_first(bert: Any) -> None:
    folder, tensors, state = bert
    (folder / "flax_model.msgpack").write_bytes(b"never looked at")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    opens(folder, state)


def test_large_arrays_come_in_pieces_and_small_floats_stay(tmp_path: Path) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    flat = np.arange(12, dtype="f")
    pieces = {"0": flat[:5], "1": flat[5:]}
    tree = {
        "a": {"kernel": {"__msgpack_chunked_array__": True, "shape": {"0": 3, "1": 4}, "chunks": pieces}},
        "b": {"bias": flat.astype(ml_dtypes.bfloat16)},
    }
    (tmp_path / "flax_model.msgpack").write_bytes(flax_bytes(tree))
    arrays: Any = open_weights(source(tmp_path)).arrays
    np.testing.assert_array_equal(arrays["a.weight"], flat.reshape(3, 4).T)
    assert arrays["b.bias"].dtype == ml_dtypes.bfloat16

    serialization = pytest.importorskip("flax.serialization")
    assert arrays["a.weight"].T.tolist() == serialization.msgpack_restore(flax_bytes(tree))["a"]["kernel"].tolist()


ARRAY = flax_array(np.zeros((2, 3), "f"))
BROKEN_FLAX = [
    (b"", "is empty"),
    (b"\xc1", "is not a whole msgpack file of arrays"),
    (flax_bytes({"a": np.zeros(9)})[:-4], "is not a whole msgpack file of arrays"),
    (flax_bytes({"a": np.zeros(9)}) + b"\x00", "is not a whole msgpack file of arrays"),
    (flax_bytes({"a": 1.5}), "holds float at 'a', where a map of names or an array is expected"),
    (flax_bytes({"a": {"b": [np.zeros(2)]}}), "holds list at 'a/b'"),
    (flax_bytes(np.zeros(2)), "holds ndarray at ''"),
    (msgpack.packb({"a": {1: ARRAY}}), "int is not allowed for map key"),
    (msgpack.packb({"a": {b"b": ARRAY}}), "holds dict at 'a'"),
    (b"\x82" + 2 * (msgpack.packb("a") + msgpack.packb(ARRAY)), "'a' is given twice"),
    (msgpack.packb({"a": msgpack.ExtType(2, b"\x00")}), "holds an extension of code 2"),
    (msgpack.packb({"a": msgpack.ExtType(1, b"\x00")}), "is not a list of a shape, a dtype and bytes"),
    (msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb([[2], "float32", b"1234567"]))}), "takes 8 bytes, in 7"),
    (msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb([[-2], "float32", b""]))}), "is not a list of a shape"),
    (msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb([[1], "object", b"12345678"]))}), "of dtype 'object'"),
    (msgpack.packb({"a": msgpack.ExtType(1, msgpack.packb([[1], [], b"12345678"]))}), "of dtype \\[\\]"),
    (b"\x81\xa1a" * 5000 + msgpack.packb(ARRAY), "is not a whole msgpack file of arrays"),
    (flax_bytes({"a": {"__msgpack_chunked_array__": True}}), "in pieces at 'a' without its shape or its pieces"),
    (
        flax_bytes({"__msgpack_chunked_array__": True, "shape": {"0": 3}, "chunks": {"0": np.zeros(2)}}),
        "do not make one of shape \\[3\\]",
    ),
]


@pytest.mark.parametrize(("content", "message"), BROKEN_FLAX)
def test_a_broken_flax_file_is_named(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "flax_model.msgpack"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as raised:
        open_weights(source(tmp_path))
    assert str(path) in str(raised.value)
    assert "fetch it again" in raised.value.hint


@pytest.mark.parametrize("name", ["flax_model.msgpack", "tf_model.h5"])
def test_whatever_is_cut_off_or_flipped_is_an_error_of_ours_or_nothing(name: str, bert: Any) -> None:
    folder, tensors, _ = bert
    few = {key: tensors[key] for key in list(tensors)[-3:]}
    (folder / "flax_model.msgpack").write_bytes(flax_bytes(flax_tree(few)))
    write_h5(folder / "tf_model.h5", few)
    whole = (folder / name).read_bytes()
    (folder / "flax_model.msgpack").unlink()
    (folder / "tf_model.h5").unlink()
    random = np.random.default_rng(0)
    for _ in range(150):
        content = bytearray(whole[: random.integers(len(whole))] if random.random() < 0.5 else whole)
        for place in random.integers(0, min(len(content), 3000) or 1, 3):
            content[place : place + 1] = bytes([random.integers(256)])
        (folder / name).write_bytes(bytes(content))
        try:
            arrays = open_weights(source(folder)).arrays
        except CheckpointError:
            continue
        assert all(array.nbytes <= len(whole) for array in (arrays or {}).values())


def linked(file: Any, elsewhere: Path) -> None:
    file["a/b"] = h5py.ExternalLink(str(elsewhere), "secret")


def soft(file: Any, elsewhere: Path) -> None:
    file["a/b"] = h5py.SoftLink("/a")


def outside(file: Any, elsewhere: Path) -> None:
    file.create_dataset("a/b", (3,), "f", external=[(str(elsewhere), 0, 12)])


def virtual(file: Any, elsewhere: Path) -> None:
    layout = h5py.VirtualLayout((3,), "f")
    layout[:] = h5py.VirtualSource(str(elsewhere), "secret", (3,))
    file.create_virtual_dataset("a/b", layout)


def squeezed(file: Any, elsewhere: Path) -> None:
    file.create_dataset("a/b", data=np.zeros(3), compression="gzip")


def words(file: Any, elsewhere: Path) -> None:
    file["a/b"] = ["x", "y"]


def big(file: Any, elsewhere: Path) -> None:
    file["a/b"] = np.zeros(3, ">f4")


def huge(file: Any, elsewhere: Path) -> None:
    file.create_dataset("a/b", (2**40,), "f")


def deep(file: Any, elsewhere: Path) -> None:
    file["/".join("a" * 40)] = np.zeros(3)


def kind(file: Any, elsewhere: Path) -> None:
    file["a/b"] = np.dtype("f4")


def turned(file: Any, elsewhere: Path) -> None:
    group = file.create_group("a")
    group["b"] = group


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (linked, "'a/b' is a link to something else"),
        (soft, "'a/b' is a link to something else"),
        (outside, "the data of 'a/b' are compressed, in pieces or in another file.*h5repack -l CONTI"),
        (virtual, "the data of 'a/b' are compressed, in pieces or in another file"),
        (squeezed, "the data of 'a/b' are compressed, in pieces or in another file"),
        (words, "'a/b' is no array of little-endian numbers .its dtype is object"),
        (big, "'a/b' is no array of little-endian numbers .its dtype is >f4"),
        (huge, "'a/b' needs 4398046511104 bytes that the file of [0-9]+ bytes does not have"),
        (deep, "has groups inside groups more than 32 deep"),
        (turned, "has groups inside groups more than 32 deep"),
        (kind, "'a/b' is neither a group nor an array"),
    ],
)
def test_what_leads_out_of_a_tensorflow_file_is_refused(make: Any, message: str, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "elsewhere.h5", "w") as file:
        file["secret"] = np.ones(3, "f")
    with h5py.File(tmp_path / "tf_model.h5", "w") as file:
        make(file, tmp_path / "elsewhere.h5")
    with pytest.raises(CheckpointError, match=message):
        open_weights(source(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as an HDF5 file.*damaged"),
        (b"no HDF5" * 100, "cannot be read as an HDF5 file.*damaged"),
        (b"version https://git-lfs", "cannot be read as an HDF5 file.*git lfs pull"),
    ],
)
def test_files_that_are_no_hdf5(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "tf_model.h5").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        open_weights(source(tmp_path))


def test_something_before_the_hdf5_file(tmp_path: Path) -> None:
    h5py.File(tmp_path / "tf_model.h5", "w", userblock_size=512).close()
    with pytest.raises(CheckpointError, match="begins with 512 bytes of something else"):
        open_weights(source(tmp_path))


def test_one_tensor_twice_must_be_one(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "tf_model.h5", "w") as file:
        file["bert/m/bert/tokens/weight:0"] = np.ones((2, 3), "f")
        file["head/m/bert/tokens/weight:0"] = np.ones((2, 3), "f")
        file["head/m/head/kernel:0"] = np.ones((2, 3), "f")
    arrays: Any = open_weights(source(tmp_path)).arrays
    assert {name: array.shape for name, array in arrays.items()} == {
        "bert.tokens.weight": (2, 3),
        "head.weight": (3, 2),
    }
    with h5py.File(tmp_path / "tf_model.h5", "a") as file:
        file["head/m/bert/tokens/weight:0"][0] = 7
    with pytest.raises(CheckpointError, match=r"holds 'bert\.tokens\.weight' twice, with different values"):
        open_weights(source(tmp_path))


def test_shards_and_an_index_that_lies(tmp_path: Path) -> None:
    for i in (1, 2):
        (tmp_path / f"flax_model-{i}.msgpack").write_bytes(flax_bytes({f"bert/{i}/kernel": np.ones((i, 3), "f")}))
    index = tmp_path / "flax_model.msgpack.index.json"
    listed = {f"bert/{i}/kernel": f"flax_model-{i}.msgpack" for i in (1, 2)}
    index.write_text(json.dumps({"weight_map": listed}))
    arrays: Any = open_weights(source(tmp_path)).arrays
    assert {name: array.shape for name, array in arrays.items()} == {"bert.1.weight": (3, 1), "bert.2.weight": (3, 2)}
    index.write_text(json.dumps({"weight_map": {**listed, "bert/3/bias": "flax_model-2.msgpack"}}))
    with pytest.raises(CheckpointError, match=r"names 1 tensors that no shard has, as 'bert\.3\.bias'.*Fetch all"):
        open_weights(source(tmp_path))
    index.write_text(json.dumps({"weight_map": {"bert/3/bias": "flax_model-3.msgpack"}}))
    with pytest.raises(CheckpointError, match=r"the shard 'flax_model-3\.msgpack' is missing"):
        open_weights(source(tmp_path))


@pytest.mark.parametrize(("package", "name"), [("h5py", "tf_model.h5"), ("msgpack", "flax_model.msgpack")])
def test_a_package_that_is_missing(package: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).touch()
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingBackend, match=f"{name}: needs the package '{package}', .* Run: pip install {package}"):
        open_weights(source(tmp_path))


def test_a_variant_has_no_such_files(tmp_path: Path) -> None:
    (tmp_path / "flax_model.msgpack").touch()
    with pytest.raises(CheckpointError, match=r"has no weights: looked for model\.fp16\.safetensors"):
        open_weights(source(tmp_path), variant="fp16")
