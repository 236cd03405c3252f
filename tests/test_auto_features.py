"""AutoFeatureExtractor and AutoImageProcessor: what a checkpoint says it is decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dovela.auto_features import AutoFeatureExtractor, AutoImageProcessor
from dovela.errors import CheckpointError, InputError, RegistryError
from dovela.features import FEATURE_EXTRACTORS, MODEL_EXTRACTORS, FeatureExtractionMixin
from dovela.models.vit.config import ViTConfig
from dovela.models.vit.features import ViTFeatureExtractor, ViTImageProcessor

AUTO = [AutoFeatureExtractor, AutoImageProcessor]


@pytest.fixture(autouse=True)
def clean_registries(monkeypatch):
    for registry in (FEATURE_EXTRACTORS, MODEL_EXTRACTORS):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))


def write(folder: Path, name: str = "preprocessor_config.json", **content: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("auto", AUTO)
@pytest.mark.parametrize("key", ["feature_extractor_type", "image_processor_type"])
@pytest.mark.parametrize(
    "name", ["ViTFeatureExtractor", "ViTImageProcessor", "ViTImageProcessorFast", "ViTImageProcessorPil"]
)
def test_every_name_of_it_opens_it(auto, key, name, tmp_path):
    write(tmp_path, **{key: name, "size": 30})
    for place in (tmp_path, tmp_path / "preprocessor_config.json"):
        found = auto.from_pretrained(place, resample="box")
        assert isinstance(found, ViTFeatureExtractor)
        assert (found.size, found.resample, found.extra) == (30, "box", {})


def test_each_door_opens_what_bears_its_name(tmp_path):
    ViTFeatureExtractor(size=5).save_pretrained(tmp_path)
    assert type(AutoFeatureExtractor.from_pretrained(tmp_path)) is ViTFeatureExtractor
    assert type(AutoImageProcessor.from_pretrained(tmp_path)) is ViTImageProcessor


@pytest.mark.parametrize("auto", AUTO)
def test_else_the_model_type_decides(auto, tmp_path):
    write(tmp_path, size=30)
    ViTConfig(num_hidden_layers=1).save_pretrained(tmp_path)
    assert auto.from_pretrained(tmp_path).size == 30


@pytest.mark.parametrize("auto", AUTO)
def test_inside_a_processors_file(auto, tmp_path):
    inner = {"image_processor_type": "ViTImageProcessor", "size": 30}
    write(tmp_path, "processor_config.json", image_processor=inner)
    assert auto.from_pretrained(tmp_path).size == 30


def test_unused_arguments_come_back_on_request(tmp_path):
    ViTFeatureExtractor().save_pretrained(tmp_path)
    found, unused = AutoFeatureExtractor.from_pretrained(tmp_path, return_unused_kwargs=True, size=3, colour="red")
    assert (found.size, unused) == (3, {"colour": "red"})
    with pytest.raises(InputError, match="unknown argument 'sise'; did you mean 'size'"):
        AutoFeatureExtractor.from_pretrained(tmp_path, sise=3)


def test_there_is_one_engine(tmp_path):
    ViTFeatureExtractor(size=3).save_pretrained(tmp_path)
    assert {AutoImageProcessor.from_pretrained(tmp_path, use_fast=fast).size for fast in (True, False, None)} == {3}
    with pytest.raises(InputError, match="use_fast must be True or False, got 'yes'"):
        AutoImageProcessor.from_pretrained(tmp_path, use_fast="yes")


def test_one_of_your_own_is_known_by_its_definition(tmp_path):
    class OwnExtractor(FeatureExtractionMixin, model_type="own-kind"):
        """A few lines."""

        model_input_names = ("pixel_values",)

        def __init__(self, size: int = 3, **options: Any) -> None:
            super().__init__(**options)
            self.size = size

    OwnExtractor(size=4).save_pretrained(tmp_path / "saved")
    for auto in AUTO:
        found = auto.from_pretrained(tmp_path / "saved")
        assert (type(found), found.size) == (OwnExtractor, 4)
    write(tmp_path / "unnamed", size=6)
    write(tmp_path / "unnamed", "config.json", model_type="own-kind")
    assert AutoFeatureExtractor.from_pretrained(tmp_path / "unnamed").size == 6


def test_registering_what_is_not_yours_to_edit(tmp_path):
    class OtherExtractor(FeatureExtractionMixin, register=False):
        """Somebody's."""

    AutoFeatureExtractor.register("other-kind", OtherExtractor)
    AutoFeatureExtractor.register(ViTConfig, OtherExtractor, exist_ok=True)
    write(tmp_path)
    write(tmp_path, "config.json", model_type="vit")
    assert type(AutoFeatureExtractor.from_pretrained(tmp_path)) is OtherExtractor
    with pytest.raises(RegistryError, match="feature extractor of the model type 'other-kind': is already"):
        AutoFeatureExtractor.register("other-kind", ViTFeatureExtractor)
    with pytest.raises(RegistryError, match=r"AutoFeatureExtractor.register: expected a model type .*, got 3"):
        AutoFeatureExtractor.register(3, OtherExtractor)
    with pytest.raises(RegistryError, match=r"AutoImageProcessor.register: expected a subclass .*, got <class 'int'>"):
        AutoImageProcessor.register("kind", int)


@pytest.mark.parametrize("auto", AUTO)
def test_what_cannot_be_told(auto, tmp_path):
    with pytest.raises(RegistryError, match=f"{auto.__name__}: has no instances. Use {auto.__name__}.from_pretrained"):
        auto()
    write(tmp_path, size=3)
    with pytest.raises(
        CheckpointError, match=r"does not say which feature extractor it has: .* Open it with its own class: ViT"
    ):
        auto.from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="does not say which feature extractor"):
        auto.from_pretrained(tmp_path / "preprocessor_config.json")
    write(tmp_path, sampling_rate=8000, do_normalize=True)
    with pytest.raises(CheckpointError, match=r"own class: Wav2Vec2FeatureExtractor\.from_pretrained\.$"):
        auto.from_pretrained(tmp_path)
    write(tmp_path, colour="blue")
    with pytest.raises(
        CheckpointError, match=r"own class: .*ViTFeature.* or Wav2Vec2FeatureExtractor\.from_pretrained"
    ):
        auto.from_pretrained(tmp_path)
    write(tmp_path, feature_extractor_type="StrangeExtractor")
    with pytest.raises(CheckpointError, match=r"has a StrangeExtractor, which is not registered. .*Registered: "):
        auto.from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="there is no such folder"):
        auto.from_pretrained(tmp_path / "absent")


def test_an_extractor_of_sound_is_no_image_processor(tmp_path):
    class SoundExtractor(FeatureExtractionMixin):
        """For other ears."""

        model_input_names = ("input_values",)

    SoundExtractor().save_pretrained(tmp_path)
    assert type(AutoFeatureExtractor.from_pretrained(tmp_path)) is SoundExtractor
    with pytest.raises(CheckpointError, match=r"has a SoundExtractor, whose input is not images. AutoFeatureExtractor"):
        AutoImageProcessor.from_pretrained(tmp_path)
