"""Heads of image models, written once for every architecture.

An architecture's head is a line or two:

    class TFViTForImageClassification(ImageClassification, backbone=TFViTModel): ...

Letters: B batch, C channels, P patches, D hidden size, L labels, R pixels of a side that a patch becomes.
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from .. import tasks
from ..errors import InputError
from ..image_rules import check_comparable
from ..outputs import MaskedImageModelingOutput
from ..tasks import does
from .heads import Classification, HeadedModel
from .init import Numbered, normal
from .losses import sequence_loss


class ImageModel(HeadedModel):
    """A head on a backbone that reads pixels."""

    def get_input_embeddings(self) -> Any:
        return self.backbone.get_input_embeddings()


@does(tasks.IMAGE_CLASSIFICATION)
class ImageClassification(Classification, ImageModel):
    """Classes, or numbers, for whole images: labels (B,) or (B, L) -> logits (B, L).

    Labels are class numbers (B,), numbers to regress (B,) or (B, L), or yes and no as floats (B, L). It reads what the
    backbone returns as `pooler_output`, or else the first place of `last_hidden_state`.
    """

    def label_loss(self, logits: Any, labels: Any) -> Any:
        return sequence_loss(logits, labels, self.config.problem_type)

    def call(self, pixel_values: Any = None, *, labels: Any = None, training: bool | None = None, **inputs: Any) -> Any:
        """Pixels (B, C, height, width), labels as the class says; other inputs go to the backbone."""
        return self.answer(labels, training, pixel_values=pixel_values, **inputs)


class PixelDecoder(Numbered):
    """A vector for each patch -> a square of pixels: (B, rows, columns, D) -> (B, C, rows R, columns R)."""

    def __init__(self, config: Any, **options: Any) -> None:
        self.side, self.channels = config.encoder_stride, config.num_channels
        made = layers.Conv2D(
            self.side**2 * self.channels, 1, data_format="channels_last", kernel_initializer=normal(config)
        )
        made.reads = (None, None, None, config.hidden_size)
        super().__init__([made], **options)

    def call(self, x: Any) -> Any:
        x = self.parts[0](x)  # (B, rows, columns, C R R)
        batch, rows, columns = ops.shape(x)[:3]
        x = ops.reshape(x, (batch, rows, columns, self.channels, self.side, self.side))
        x = ops.transpose(x, (0, 3, 1, 4, 2, 5))  # (B, C, rows, R, columns, R)
        return ops.reshape(x, (batch, self.channels, rows * self.side, columns * self.side))


@does(tasks.MASKED_IMAGE_MODELING)
class MaskedImageModeling(ImageModel):
    """Fills in patches that were hidden (Xie et al. 2021, SimMIM, https://arxiv.org/abs/2111.09886).

    Each token becomes a square of `encoder_stride` pixels a side. The loss is the mean absolute difference from the
    image over the hidden pixels.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.decoder = PixelDecoder(config)

    def call(
        self, pixel_values: Any = None, bool_masked_pos: Any = None, *, training: bool | None = None, **inputs: Any
    ) -> MaskedImageModelingOutput:
        """Pixels (B, C, height, width), hidden patches (B, P) -> reconstruction (B, C, height, width), loss.

        Without `bool_masked_pos` nothing is hidden, and there is no loss.
        """
        down, across = self.config.patch_shape
        if bool_masked_pos is not None:
            check_comparable(self.config)
        output = self.encode(pixel_values=pixel_values, bool_masked_pos=bool_masked_pos, training=training, **inputs)
        batch, _, height, width = ops.shape(pixel_values)
        grid = (height // down, width // across)
        x = output.last_hidden_state[:, 1:]
        reconstruction = self.decoder(ops.reshape(x, (batch, *grid, x.shape[-1])))
        return MaskedImageModelingOutput(
            loss=None if bool_masked_pos is None else _hidden_loss(reconstruction, pixel_values, bool_masked_pos, grid),
            reconstruction=reconstruction,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )

    def predictions(self, output: Any) -> Any:
        return output.reconstruction

    def predict_step(self, *arguments: Any) -> Any:
        """One batch, without its loss, which has no rows."""
        found = super().predict_step(*arguments)
        (found[0] if isinstance(found, tuple) else found).loss = None  # JAX hands its state back, too
        return found

    def _own_loss(self, y: Any, output: Any) -> Any:
        if y is not None or output.loss is None:
            problem = (
                "expected the hidden patches as bool_masked_pos in x, and nothing as y: the image is its own label"
            )
            raise InputError(f"{type(self).__name__}.fit", problem)
        return output.loss


def _hidden_loss(made: Any, pixels: Any, hidden: Any, grid: tuple[Any, Any]) -> Any:
    """The mean absolute difference over the pixels of hidden patches; what no patch covers is left out."""
    height, width = ops.shape(made)[2:]
    side = made.shape[2] // grid[0] if isinstance(grid[0], int) else height // grid[0]
    mask = ops.reshape(ops.cast(ops.cast(hidden, "bool"), "float32"), (-1, 1, *grid))
    mask = ops.repeat(ops.repeat(mask, side, axis=2), side, axis=3)  # (B, 1, height, width)
    pixels = ops.cast(pixels, "float32")[:, :, :height, :width]
    difference = ops.abs(pixels - ops.cast(made, "float32"))
    return ops.sum(difference * mask) / (ops.sum(mask) + 1e-5) / made.shape[1]
