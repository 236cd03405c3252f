"""Heads of image models, written once for every architecture.

An architecture's head is a line or two:

    class FlaxViTForImageClassification(ImageClassification, backbone=FlaxViTModel): ...

Letters: B batch, C channels, P patches, D hidden size, L labels, R pixels that are made of a side of a patch.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from .. import tasks
from ..image_rules import check_comparable
from ..outputs import MaskedImageModelingOutput
from ..tasks import does
from .heads import Classification, HeadedModel
from .init import kernel_init
from .layers import dtypes
from .losses import sequence_loss

Array = jax.Array


class ImageModel(HeadedModel):
    """A head on a backbone that reads pixels."""

    main_input_name = "pixel_values"


@does(tasks.IMAGE_CLASSIFICATION)
class ImageClassification(Classification, ImageModel):
    """Classes, or numbers, for whole images: labels (B,) or (B, L) -> logits (B, L).

    Labels are class numbers (B,), numbers to regress (B,) or (B, L), or yes and no as floats (B, L). It reads what the
    backbone returns as `pooler_output`, or else the first place of `last_hidden_state`.
    """

    def __call__(
        self, pixel_values: Array | None = None, *, labels: Array | None = None, train: bool = False, **inputs: Any
    ) -> Any:
        """Pixels (B, C, height, width), labels as the class says; other inputs go to the backbone."""
        return self.answer(labels, train, pixel_values=pixel_values, **inputs)

    def loss(self, logits: Array, labels: Any) -> Array:
        return sequence_loss(logits, labels, self.config.problem_type)


class PixelDecoder(nn.Module):
    """A square of pixels from each token: (B, rows, columns, D) -> (B, C, rows x R, columns x R)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        made = self.config.encoder_stride**2 * self.config.num_channels
        drawn = kernel_init(self.config)
        self.stack = [nn.Conv(made, (1, 1), kernel_init=drawn, name="0", **dtypes(self))]  # as torch counts it

    def __call__(self, x: Array) -> Array:
        side, channels, (batch, rows, columns, _) = self.config.encoder_stride, self.config.num_channels, x.shape
        x = self.stack[0](x).reshape(batch, rows, columns, channels, side, side)
        return x.transpose(0, 3, 1, 4, 2, 5).reshape(batch, channels, rows * side, columns * side)


@does(tasks.MASKED_IMAGE_MODELING)
class MaskedImageModeling(ImageModel):
    """Fills in patches that were hidden (Xie et al. 2021, SimMIM, https://arxiv.org/abs/2111.09886).

    Each token becomes a square of `encoder_stride` pixels a side. The loss is the mean absolute difference from the
    image over the hidden pixels.
    """

    def setup(self) -> None:
        super().setup()
        self.decoder = PixelDecoder(self.config, **dtypes(self))

    def __call__(
        self,
        pixel_values: Array | None = None,
        bool_masked_pos: Array | None = None,
        *,
        train: bool = False,
        **inputs: Any,
    ) -> MaskedImageModelingOutput:
        """Pixels (B, C, height, width), hidden patches (B, P) -> reconstruction (B, C, height, width), loss.

        Without `bool_masked_pos` nothing is hidden, and there is no loss.
        """
        down, across = self.config.patch_shape
        if bool_masked_pos is not None:
            check_comparable(self.config)
        output = self.encode(pixel_values=pixel_values, bool_masked_pos=bool_masked_pos, train=train, **inputs)
        height, width = jnp.shape(pixel_values)[2:]  # type: ignore[arg-type]
        grid = height // down, width // across
        x = output.last_hidden_state[:, 1:]  # (B, P, D)
        made = self.decoder(x.reshape(x.shape[0], *grid, x.shape[-1]))
        return MaskedImageModelingOutput(
            loss=None if bool_masked_pos is None else _hidden_loss(made, pixel_values, bool_masked_pos, grid),
            reconstruction=made,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


def _hidden_loss(made: Array, pixels: Any, hidden: Any, grid: tuple[int, int]) -> Array:
    """The mean absolute difference over the pixels of hidden patches; what no patch covers is left out."""
    height, width = made.shape[-2:]
    mask = (jnp.asarray(hidden) != 0).reshape(-1, 1, *grid)
    mask = mask.repeat(height // grid[0], 2).repeat(width // grid[1], 3)  # (B, 1, height, width)
    difference = jnp.abs(jnp.asarray(pixels)[..., :height, :width] - made)
    return (difference * mask).sum() / (mask.sum() + 1e-5) / made.shape[1]
