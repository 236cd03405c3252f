"""Feature extractors of one's own: arguments, printed form, files; and what a call returns."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dovela import features
from dovela.batch_feature import BatchFeature
from dovela.checks import Positive
from dovela.errors import CheckpointError, InputError, MissingBackend, RegistryError
from dovela.features import FEATURE_EXTRACTORS, MODEL_EXTRACTORS, FeatureExtractionMixin
from dovela.vision.filters import Filter


@pytest.fixture(autouse=True)
def clean_registries(monkeypatch):
    for registry in (FEATURE_EXTRACTORS, MODEL_EXTRACTORS):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


@pytest.fixture
def edge():
    class EdgeExtractor(FeatureExtractionMixin, model_type="edges"):
        """Three lines of one's own."""

        model_input_names = ("edge_values",)
        quiet = frozenset({"smooth"})

        def __init__(self, size: Positive = 32, smooth: float | None = None, **options: Any) -> None:
            super().__init__(**options)
            self.size, self.smooth = size, smooth

    return EdgeExtractor


PRINTED = 'EdgeExtractor {\n  "feature_extractor_type": "EdgeExtractor",\n  "size": 32\n}'


def test_it_is_printed_as_sorted_json_and_quiet_arguments_only_when_changed(edge):
    assert repr(edge()) == PRINTED
    assert '"smooth": 0.5' in repr(edge(smooth=0.5))


def test_a_definition_registers(edge):
    assert FEATURE_EXTRACTORS.get("EdgeExtractor") is edge
    assert MODEL_EXTRACTORS.get("edges") == "EdgeExtractor"
    with pytest.raises(RegistryError, match="'EdgeExtractor': is already"):
        type("EdgeExtractor", (FeatureExtractionMixin,), {})


@pytest.mark.parametrize("form", ["folder", "file", "string"])
def test_a_saved_extractor_reopens_the_same(edge, form, tmp_path):
    made = edge(size=7, smooth=0.25)
    assert made.save_pretrained(tmp_path / "new") == [str(tmp_path / "new/preprocessor_config.json")]
    folder = tmp_path / "new"
    place = {"folder": folder, "file": folder / "preprocessor_config.json", "string": str(folder)}[form]
    again = edge.from_pretrained(place)
    assert repr(again) == repr(made)
    assert again.to_dict() == made.to_dict() == json.loads(made.to_json_string())
    assert edge.from_pretrained(place, size=9).size == 9


def test_every_door_to_json(edge, tmp_path):
    made = edge(size=7)
    made.to_json_file(tmp_path / "mine.json")
    assert edge.from_json_file(tmp_path / "mine.json").to_dict() == made.to_dict()
    assert edge.from_dict(made.to_dict()).to_dict() == made.to_dict()
    assert edge.from_dict({"size": 4}, smooth=1).smooth == 1.0
    data, rest = edge.get_feature_extractor_dict(tmp_path / "mine.json", revision="main", smooth=3)
    assert (data, rest) == (made.to_dict(), {"smooth": 3})


def test_unused_arguments_come_back_on_request(edge, tmp_path):
    edge().save_pretrained(tmp_path)
    found, unused = edge.from_pretrained(tmp_path, return_unused_kwargs=True, size=3, colour="red")
    assert (found.size, unused) == (3, {"colour": "red"})


def test_copies_and_pickles():
    from dovela.models.vit.features import ViTFeatureExtractor

    made = ViTFeatureExtractor(size=(3, 4), resample="box")
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert repr(again) == repr(made)


def test_wrong_arguments(edge, tmp_path):
    edge().save_pretrained(tmp_path)
    unknown = "unknown argument 'sise'; did you mean 'size'\\? Known: size, smooth."
    for call in (
        lambda: edge(sise=3),
        lambda: edge.from_pretrained(tmp_path, sise=3),
        lambda: edge.from_dict({}, sise=3),
        lambda: edge().settings_with("here", {"sise": 3}),
    ):
        with pytest.raises(InputError, match=unknown):
            call()
    with pytest.raises(InputError, match=r"^EdgeExtractor.size: 1.5 is not an integer"):
        edge(size=1.5)
    with pytest.raises(InputError, match=r"^EdgeExtractor.size: 0 is not a number of at least 1"):
        edge().size = 0
    with pytest.raises(InputError, match=r"^EdgeExtractor.size: '(x{76})…"):
        edge(size="x" * 500)
    with pytest.raises(InputError, match="unknown argument 'push'"):
        edge().save_pretrained(tmp_path, push=True)


def test_an_argument_that_is_not_kept_cannot_be_saved():
    class ForgetfulExtractor(FeatureExtractionMixin):
        """Keeps nothing."""

        def __init__(self, size: int = 3, **options: Any) -> None:
            super().__init__(**options)

    with pytest.raises(InputError, match=r"does not keep its argument 'size'.* Write self.size = size in its constr"):
        ForgetfulExtractor().to_dict()
    with pytest.raises(InputError, match=r"^ForgetfulExtractor: does not keep its argument 'size'"):
        ForgetfulExtractor().to_json_string()


def test_what_is_no_json_is_not_saved(tmp_path):
    class OpaqueExtractor(FeatureExtractionMixin):
        """Takes anything."""

        def __init__(self, thing=None, **options):
            super().__init__(**options)
            self.thing = thing

    with pytest.raises(InputError, match="OpaqueExtractor: cannot be written as JSON"):
        OpaqueExtractor(object()).save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert "object" in repr(OpaqueExtractor(object()))
    assert '"thing": 3' in repr(OpaqueExtractor(np.int64(3)))


def test_what_is_handed_up_is_kept():
    class BriefExtractor(FeatureExtractionMixin):
        """As short as it can be."""

        def __init__(self, size: int = 3, **options: Any) -> None:
            super().__init__(size=size, **options)

    assert BriefExtractor(size=4).to_dict()["size"] == 4
    with pytest.raises(InputError, match="'4' is not an integer"):
        BriefExtractor(size="4")


def test_annotations_that_only_a_type_checker_sees_are_not_checked():
    class LooseExtractor(FeatureExtractionMixin):
        """Annotated with a name that is nowhere."""

        def __init__(self, size: NowhereToBeFound = 3, **options):  # noqa: F821
            super().__init__(**options)
            self.size = size

    assert LooseExtractor(size="any").to_dict()["size"] == "any"


# Files.


def write(folder: Path, name: str = "preprocessor_config.json", **content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return folder


def test_unknown_keys_of_a_file_are_kept_and_near_misses_told(edge, tmp_path, told):
    write(tmp_path, feature_extractor_type="EdgeExtractor", size=5, smoth=3, processor_class="P", smooth=None)
    found = edge.from_pretrained(tmp_path)
    assert found.extra == {"smoth": 3, "processor_class": "P"}
    assert found.smooth is None
    assert [line for line in told() if "'smoth' is no field and changes nothing; did you mean 'smooth'?" in line]
    found.save_pretrained(tmp_path / "again")
    assert json.loads((tmp_path / "again/preprocessor_config.json").read_text()) == {
        "feature_extractor_type": "EdgeExtractor",
        "processor_class": "P",
        "size": 5,
        "smooth": None,
        "smoth": 3,
    }


def test_null_in_a_file_is_leaving_it_out(edge, tmp_path):
    assert edge.from_pretrained(write(tmp_path, size=None)).size == 32


@pytest.mark.parametrize("key", ["feature_extractor", "image_processor"])
def test_settings_inside_a_processors_file(edge, key, tmp_path):
    write(tmp_path, "processor_config.json", **{key: {"size": 5}, "processor_class": "P"})
    assert edge.from_pretrained(tmp_path).size == 5
    assert edge.from_pretrained(tmp_path / "processor_config.json").size == 5
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    edge(size=6).save_pretrained(tmp_path)  # both places, so that no reader meets the old one
    assert json.loads((tmp_path / "processor_config.json").read_text())[key]["size"] == 6
    assert json.loads((tmp_path / "processor_config.json").read_text())["processor_class"] == "P"
    assert json.loads((tmp_path / "preprocessor_config.json").read_text())["size"] == 6
    assert edge.from_pretrained(tmp_path).size == 6
    assert (tmp_path / "model.safetensors").read_bytes() == b"weights"


def test_a_processors_file_without_an_extractor_is_left_alone(edge, tmp_path):
    write(tmp_path, "processor_config.json", processor_class="P")
    edge(size=6).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "processor_config.json").read_text()) == {"processor_class": "P"}
    assert edge.from_pretrained(tmp_path).size == 6


def test_files_that_do_not_fit(edge, tmp_path):
    with pytest.raises(CheckpointError, match=r"has no file 'preprocessor_config.json' \(it has other.json\)"):
        edge.from_pretrained(write(tmp_path / "other", "other.json"))
    with pytest.raises(CheckpointError, match="there is no such file"):
        edge.from_pretrained(tmp_path / "absent.json")
    with pytest.raises(CheckpointError, match="there is no such folder"):
        edge.from_pretrained(tmp_path / "absent")
    with pytest.raises(InputError, match=r"expected a folder, a JSON file .* A dictionary is opened by from_dict"):
        edge.from_pretrained({"size": 3})
    with pytest.raises(InputError, match="expected a dictionary with names as keys, got \\[1\\]"):
        edge.from_dict([1])
    (tmp_path / "preprocessor_config.json").write_text("[1]")
    with pytest.raises(CheckpointError, match="holds list, where a JSON object"):
        edge.from_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(CheckpointError, match="is not valid JSON: line 1"):
        edge.from_pretrained(tmp_path)
    write(tmp_path, size="big")
    with pytest.raises(InputError, match=f"^EdgeExtractor.size from {tmp_path}: 'big' is not an integer"):
        edge.from_pretrained(tmp_path)
    write(tmp_path, feature_extractor_type="ViTFeatureExtractor")
    with pytest.raises(CheckpointError, match=r"'ViTFeatureExtractor', not of 'EdgeExtractor'. AutoFeatureExtractor"):
        edge.from_pretrained(tmp_path)
    write(tmp_path, feature_extractor_type="StrangeExtractor")
    with pytest.raises(CheckpointError, match=r"'StrangeExtractor', not .* must be imported first"):
        edge.from_pretrained(tmp_path)


def test_a_subclass_opens_the_files_of_its_parent_and_the_other_way(edge, tmp_path):
    class FineEdgeExtractor(edge):
        """A special case."""

    edge(size=5).save_pretrained(tmp_path / "parent")
    FineEdgeExtractor(size=6).save_pretrained(tmp_path / "child")
    assert FineEdgeExtractor.from_pretrained(tmp_path / "parent").size == 5
    assert edge.from_pretrained(tmp_path / "child").size == 6


def test_settings_that_are_not_implemented_are_refused(edge, tmp_path, monkeypatch):
    monkeypatch.setattr(edge, "inert_settings", {"do_pad": (False, None)})
    assert edge.from_pretrained(write(tmp_path, do_pad=False)).extra == {"do_pad": False}
    with pytest.raises(CheckpointError, match=r"do_pad=True is not implemented. Take do_pad out of the file."):
        edge.from_pretrained(write(tmp_path, do_pad=True))


def test_saving_uploads_on_request(edge, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(edge, "push_to_hub", lambda self, repo_id, **options: calls.append((repo_id, options)))
    edge().save_pretrained(tmp_path / "mine", push_to_hub=True)
    edge().save_pretrained(tmp_path / "mine", push_to_hub=True, repo_id="me/mine", private=True)
    assert calls == [("mine", {}), ("me/mine", {"private": True})]


def test_the_checks_of_a_filter_come_from_its_annotation():
    class FilteringExtractor(FeatureExtractionMixin):
        """With a rule that is more than a type."""

        def __init__(self, resample: Filter = 2, **options: Any) -> None:
            super().__init__(**options)
            self.resample = resample

    assert FilteringExtractor(resample="box").resample == "box"
    with pytest.raises(InputError, match=r"'boxx' is not one of Pillow's filters .*did you mean 'box'"):
        FilteringExtractor(resample="boxx")


def test_the_former_names_that_other_modules_use():
    assert features.BatchFeature is BatchFeature


# What a call returns.


def test_columns_by_name_and_attribute():
    batch = BatchFeature({"values": [1.0, 2.0], "labels": [1]})
    assert batch["labels"] is batch.labels
    assert batch["values"] == [1.0, 2.0]  # `batch.values` is the method of every mapping
    assert (len(batch), list(batch.keys()), "values" in batch, "x" in batch) == (2, ["values", "labels"], True, False)
    assert dict(batch.items()) == dict(**batch) == batch.data
    with pytest.raises(KeyError, match="'valus' is not in this BatchFeature, which has values, labels"):
        batch["valus"]
    with pytest.raises(AttributeError, match="no attribute or column 'valus'"):
        _ = batch.valus


def test_batches_are_copied_and_pickled():
    batch = BatchFeature({"pixel_values": [1.0, 2.0], "mask": [True, False]}, "np")
    for again in (copy.copy(batch), copy.deepcopy(batch), pickle.loads(pickle.dumps(batch))):
        assert type(again) is BatchFeature
        assert np.array_equal(again.pixel_values, batch.pixel_values)


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        ([1.0, 2.0], "float32"),
        ([[1, 2], [3, 4]], "int64"),
        ([True, False], "bool"),
        (np.zeros((2, 3), np.float64), "float64"),
        ([np.zeros(3, np.float16)] * 2, "float16"),
        ([np.float64(3), np.float64(4)], "float64"),
        (np.zeros((2, 2), np.int32), "int32"),
    ],
    ids=str,
)
def test_tensors_keep_the_dtype_of_arrays(column, dtype):
    torch = pytest.importorskip("torch")
    assert BatchFeature({"x": column}, "np").x.dtype == dtype
    made = BatchFeature({"x": column}, "pt").x
    assert made.dtype == getattr(torch, dtype)
    assert made.tolist() == np.asarray(column).tolist()


def test_torch_takes_arrays_that_are_read_only_or_reversed():
    pytest.importorskip("torch")
    fixed = np.arange(3.0)
    fixed.flags.writeable = False
    batch = BatchFeature({"a": fixed, "b": np.arange(4)[::-1]}, "pt")
    assert (batch.a.tolist(), batch.b.tolist()) == ([0, 1, 2], [3, 2, 1, 0])


def test_tensors_of_one_framework_become_those_of_another():
    torch = pytest.importorskip("torch")
    weights = torch.ones(2, requires_grad=True)
    assert BatchFeature({"a": [torch.ones(2), weights], "b": weights}, "np").a.tolist() == [[1, 1], [1, 1]]
    batch = BatchFeature({"a": weights}, "pt")
    assert batch.a is weights


def test_what_makes_no_tensor():
    with pytest.raises(InputError, match=r"BatchFeature\['x'\]: rows of shapes \(2,\) to \(3,\) make no tensor"):
        BatchFeature({"x": [[1, 2], [1, 2, 3]]}, "np")
    with pytest.raises(
        InputError, match=r"rows of shapes \(2, 2\) to \(2, 3\) make no tensor. Bring them to one shape"
    ):
        BatchFeature({"x": [np.zeros((2, 3)), np.zeros((2, 2))]}, "np")
    with pytest.raises(InputError, match=r"BatchFeature\['x'\]: holds str \('a'\), of which there are no tensors"):
        BatchFeature({"x": ["a", "b"]}, "np")
    with pytest.raises(InputError, match="holds NoneType"):
        BatchFeature({"x": None}, "np")
    with pytest.raises(InputError, match="BatchFeature: expected columns by name, got list"):
        BatchFeature([1])
    with pytest.raises(KeyError, match="is not in this BatchFeature, which has x"):
        BatchFeature({"x": [1]})[:1]
    with pytest.raises(InputError, match=r"return_tensors='pl' is not known. Choose from 'np', 'pt', 'jax', 'tf'"):
        BatchFeature({"x": [1]}, "pl")


def test_a_framework_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax.numpy", None)
    with pytest.raises(MissingBackend, match=r"return_tensors='jax': needs the package 'jax', .* Run: pip install jax"):
        BatchFeature({"x": [1]}, "jax")


def test_to_casts_floats_alone():
    torch = pytest.importorskip("torch")
    data = {"x": torch.ones(2), "mask": torch.ones(2, dtype=torch.bool), "ids": torch.ones(2).long(), "name": ["a"]}
    for call in (
        lambda batch: batch.to(torch.float16),
        lambda batch: batch.to("cpu", torch.float16),
        lambda batch: batch.to(device="cpu", dtype=torch.float16, non_blocking=True),
        lambda batch: batch.to(dtype=torch.float16),
    ):
        batch = BatchFeature(data)
        assert call(batch) is batch
        assert [batch[n].dtype for n in ("x", "mask", "ids")] == [torch.float16, torch.bool, torch.int64]
        assert batch.name == ["a"]
    assert BatchFeature({"x": [torch.ones(2), (torch.ones(1),)]}).to("meta").x[1][0].device.type == "meta"
    with pytest.raises(
        InputError, match=r'BatchFeature.to: there is no torch tensor to move. Ask for return_tensors="pt"'
    ):
        BatchFeature({"x": [1]}).to("cpu")
