"""Images of other sizes, in other patches, with other channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

import dovela
from dovela import ConfigError, ImageEncoderConfig, InputError
from dovela.torch import resize_images
from surgeries import check_surgery, snapshot

IMAGE_MODELS = ["ViTModel", "ViTForImageClassification", "ViTForMaskedImageModeling"]


def first(model: Any, x: torch.Tensor, **options: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(x, **options)[0]


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_a_larger_image_is_seen_as_with_stretched_positions(name: str, small: Any, tmp_path: Path) -> None:
    model, x = small(name), torch.randn(2, 2, 24, 18)
    before = snapshot(model)
    new, report = resize_images(model, (24, 18))
    check_surgery(model, before, new, report, tmp_path)
    assert new.config.image_size == (24, 18)
    assert torch.equal(first(new, x), first(model, x, interpolate_pos_encoding=True))
    assert list(report.interpolated.values()) == ["4 × 4 patches stretched to 8 × 6, bicubically"]
    assert report.title == f"{name}: image_size 12 → (24, 18)"


@pytest.mark.parametrize("name", IMAGE_MODELS)
@pytest.mark.parametrize("size", [6, (4, 5)])
def test_larger_patches_see_what_smaller_ones_saw(name: str, size: Any, small: Any, tmp_path: Path) -> None:
    """A patch that was made larger gives the token that it gave, exactly (Beyer et al. 2022, section 3.4)."""
    model = small(name)
    new, report = resize_images(model, patch_size=size)
    check_surgery(model, snapshot(model), new, report, tmp_path)
    old_patches, new_patches = (m.base_model.embeddings.patches for m in (model, new))
    patch = torch.randn(5, 2, 3, 3)
    larger = F.interpolate(patch, size=new.config.patch_shape, mode="bilinear", antialias=True)
    assert torch.allclose(new_patches(larger), old_patches(patch), atol=1e-6)
    assert new.config.grid == new.base_model.embeddings.grid == tuple(12 // side for side in new.config.patch_shape)
    assert new.config.encoder_stride == (6 if size == 6 else 3)
    assert (report.fresh.keys() == {"decoder.0.weight", "decoder.0.bias"}) == (
        name == "ViTForMaskedImageModeling" and size == 6
    )
    first(new, torch.randn(2, 2, 12, 12))


def test_smaller_patches_are_the_nearest_there_are(small: Any) -> None:
    """No kernel gives tokens nearer to the old ones, over patches that are white noise."""
    model = small("ViTModel", image_size=16, patch_size=8)
    new, report = resize_images(model, patch_size=4)
    old, got = (m.embeddings.patches.weight.detach().double() for m in (model, new))
    eye = torch.eye(64, dtype=torch.float64).view(64, 1, 8, 8)
    resize = F.interpolate(eye, size=(4, 4), mode="bilinear", antialias=True).flatten(1).T  # (16, 64)
    best = torch.linalg.lstsq(resize.T, old.flatten(0, 1).flatten(1).T).solution.T
    assert torch.allclose(got.flatten(0, 1).flatten(1), best, atol=1e-6)
    assert report.interpolated["embeddings.patches.weight"] == "patches of 8 × 8 pixels resampled to 4 × 4"


@pytest.mark.parametrize("name", IMAGE_MODELS)
def test_a_grey_image_gives_what_it_gave(name: str, small: Any, tmp_path: Path) -> None:
    grey = torch.randn(2, 1, 12, 12)
    colours = small(name, num_channels=3)
    new, report = resize_images(colours, num_channels=1)
    check_surgery(colours, snapshot(colours), new, report, tmp_path / "one")
    path = "embeddings.patches.weight" if name == "ViTModel" else "backbone.embeddings.patches.weight"
    assert report.merged == {path: "the sum over 3 channels"}
    back, report = resize_images(new, num_channels=3)
    check_surgery(new, snapshot(new), back, report, tmp_path / "three")
    assert report.interpolated == {path: "one channel shared by 3"}
    more, report = resize_images(colours, num_channels=5)
    check_surgery(colours, snapshot(colours), more, report, tmp_path / "five")
    assert report.fresh[path] == "channels 3 to 4, at zero"
    if name == "ViTForMaskedImageModeling":  # what it paints is other, and its decoder new
        assert report.fresh.keys() == {path, "decoder.0.weight", "decoder.0.bias"}
        return
    expected = first(colours, grey.expand(-1, 3, -1, -1))
    assert torch.allclose(first(new, grey), expected, atol=1e-5)
    assert torch.allclose(first(back, grey.expand(-1, 3, -1, -1)), expected, atol=1e-5)
    with_more = torch.cat([grey.expand(-1, 3, -1, -1), torch.randn(2, 2, 12, 12)], 1)
    assert torch.allclose(first(more, with_more), expected, atol=1e-5)


def test_everything_at_once_and_computed_positions(small: Any, tmp_path: Path) -> None:
    model = small("ViTForImageClassification")
    new, report = resize_images(model, image_size=16, patch_size=4, num_channels=1)
    check_surgery(model, snapshot(model), new, report, tmp_path / "all")
    assert report.changed == {
        "encoder_stride": (3, 4),
        "image_size": (12, 16),
        "num_channels": (2, 1),
        "patch_size": (3, 4),
    }
    assert list(report.interpolated.values()) == ["the sum over 2 channels; patches of 3 × 3 pixels resampled to 4 × 4"]
    parts = {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 16}
    for positions, size in (("sinusoidal", (6, 24)), ("rotary", 24)):
        config = ImageEncoderConfig(**parts, image_size=12, patch_size=3, positions=positions)
        model = dovela.ImageEncoderModel(config)
        new, report = resize_images(model, size)
        check_surgery(model, snapshot(model), new, report, tmp_path / positions)
        fresh = dovela.ImageEncoderModel(new.config.replace())
        assert new.embeddings.positions is fresh.embeddings.positions or torch.equal(
            new.embeddings.positions, fresh.embeddings.positions
        )
        assert ("embeddings.positions" in report.fresh) == (positions == "sinusoidal")


def test_images_that_make_no_sense(small: Any) -> None:
    model = small("ViTModel", num_channels=4)
    with pytest.raises(InputError, match="needs one part that cuts images into patches, and BertModel has 0"):
        resize_images(small("BertModel"), 30)
    with pytest.raises(InputError, match="expected image_size, patch_size or num_channels, and none is given"):
        resize_images(model)
    with pytest.raises(InputError, match=r"from 4 channels to 3 it must be said which to keep. num_channels=1 adds"):
        resize_images(model, num_channels=3)
    for wrong in ({"image_size": 0}, {"image_size": "big"}, {"patch_size": 20}, {"num_channels": 0}):
        with pytest.raises(ConfigError, match=r"ViTConfig"):
            resize_images(model, **wrong)
