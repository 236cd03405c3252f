"""Images of another size, in other patches, with other channels.

Letters: C channels, D hidden size, P patches.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from .patches import ImageEmbeddings
from .rebuilding import Made, check_model, rebuild
from .surgery_report import SurgeryReport


def resize_images(
    model: Any,
    image_size: int | tuple[int, int] | None = None,
    patch_size: int | tuple[int, int] | None = None,
    num_channels: int | None = None,
) -> tuple[Any, SurgeryReport]:
    """An image model for other images, and what became of each tensor. What is not given stays as it is.

    image_size: positions are stretched to the new grid of patches, bicubically, as `interpolate_pos_encoding=True` does
    for one call (Dosovitskiy et al. 2020, section 3.2)
    patch_size: the kernel is resampled so that a patch and its resized self give the same token, exactly where patches
    grow and as nearly as can be where they shrink (Beyer et al. 2022, FlexiViT, section 3.4)
    num_channels: to one, kernels are summed, so that a grey image gives what it gave as a coloured one; from one,
    each has an equal share, for the same reason; otherwise new ones start at zero, and the model as it was

    A model that paints patches (masked image modelling) paints them in their new size, and learns that anew.

    Raises InputError for a model that reads no images or a number of channels that leaves a choice, ConfigError for
    sizes that do not go together.
    """
    where = "resize_images"
    check_model(where, model)
    found = [(path, module) for path, module in model.named_modules() if isinstance(module, ImageEmbeddings)]
    if len(found) != 1:
        raise InputError(
            where, f"needs one part that cuts images into patches, and {type(model).__name__} has {len(found)}"
        )
    asked = {"image_size": image_size, "patch_size": patch_size, "num_channels": num_channels}
    asked = {word: value for word, value in asked.items() if value is not None}
    if not asked:
        raise InputError(where, "expected image_size, patch_size or num_channels, and none is given")
    path, embeddings = found[0]
    old = model.config
    config = old.replace(**asked)
    stride = config.patch_shape[0]
    if (old.encoder_stride,) * 2 == old.patch_shape and config.patch_shape == (stride, stride):
        config = config.replace(encoder_stride=stride)
    front = f"{path}." if path else ""
    made = {}
    if kernel := _kernel(where, embeddings.patches, config):
        made[f"{front}patches.weight"] = kernel
    table = f"{front}positions"
    moved = config.grid != embeddings.grid and embeddings.positions is not None
    computed = moved and getattr(old, "positions", "learned") == "sinusoidal"  # for any grid, by its own constructor
    if moved and not computed:
        (rows, columns), (down, across) = embeddings.grid, config.grid
        detail = f"{rows} × {columns} patches stretched to {down} × {across}, bicubically"
        stretched = embeddings.stretched(torch.Size(config.grid)).detach().contiguous()
        made[table] = Made("interpolated", stretched, detail)

    def origin(name: str) -> str | None:
        return None if computed and name == table else name

    new, report = rebuild(where, model, config, origin=origin, made=made)
    done = (f"{word} {getattr(old, word)} → {getattr(config, word)}" for word in asked)
    report.title = f"{type(model).__name__}: {', '.join(done)}"
    return new, report


def _kernel(where: str, conv: nn.Conv2d, config: Any) -> Made | None:
    """The patches' kernel (D, C, height, width) for other channels and patches; None if it stays as it is."""
    weight, notes = conv.weight.detach(), []
    there, here = weight.shape[1], config.num_channels
    how = "interpolated"
    if here == 1 < there:
        weight, how = weight.float().sum(1, keepdim=True).to(weight), "merged"
        notes.append(f"the sum over {there} channels")
    elif there == 1 < here:
        weight = (weight / here).repeat(1, here, 1, 1)
        notes.append(f"one channel shared by {here}")
    elif here > there:
        weight, how = F.pad(weight, (0, 0, 0, 0, 0, here - there)), "fresh"
        new = f"channel {there}" if here - there == 1 else f"channels {there} to {here - 1}"
        notes.append(f"{new}, at zero")
    elif here < there:
        problem = f"from {there} channels to {here} it must be said which to keep"
        raise InputError(where, problem, hint="num_channels=1 adds them all up.")
    if (old := tuple(weight.shape[2:])) != config.patch_shape:
        weight, how = resampled(weight, config.patch_shape), "interpolated"
        notes.append("patches of {} × {} pixels resampled to {} × {}".format(*old, *config.patch_shape))
    return Made(how, weight.contiguous(), "; ".join(notes)) if notes else None  # type: ignore[arg-type]


def resampled(kernel: Tensor, size: tuple[int, int]) -> Tensor:
    """A kernel (D, C, height, width) for patches of another size: the pseudo-inverse of resizing, transposed.

    Resizing a side is a matrix R, and patch · kernel = (R patch) · new kernel is asked for.
    """
    down, across = (_inverse(old, new) for old, new in zip(kernel.shape[2:], size, strict=True))
    return (down @ kernel.cpu().double() @ across.T).to(kernel)  # not every device has such numbers


def _inverse(old: int, new: int) -> Tensor:
    """The pseudo-inverse of (R transposed), (new, old), where R resizes a side bilinearly."""
    eye = torch.eye(old, dtype=torch.float64)[None, None]
    resize = F.interpolate(eye, size=(new, old), mode="bilinear", antialias=True)[0, 0]  # (new, old)
    inverse: Tensor = torch.linalg.pinv(resize.T)
    return inverse
