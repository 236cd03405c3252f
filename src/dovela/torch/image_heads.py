"""Heads of image models, written once for every architecture.

An architecture's head is a line or two:

    class ViTForImageClassification(ImageClassification, backbone=ViTModel): ...

Letters: B batch, C channels, P patches, D hidden size, L labels.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from .. import tasks
from ..image_rules import check_comparable
from ..notices import notice
from ..outputs import MaskedImageModelingOutput
from ..tasks import does
from .heads import Classification, HeadedModel
from .init import Conv2d, spread
from .losses import sequence_loss
from .model_classes import is_builtin


class ImageModel(HeadedModel):
    """A head on a backbone that reads pixels."""

    main_input_name = "pixel_values"

    def get_input_embeddings(self) -> nn.Module:  # type: ignore[override]
        return self.backbone.get_input_embeddings()


@does(tasks.IMAGE_CLASSIFICATION)
class ImageClassification(Classification, ImageModel):
    """Classes, or numbers, for whole images: labels (B,) or (B, L) -> logits (B, L).

    Labels are class numbers (B,), numbers to regress (B,) or (B, L), or yes and no as floats (B, L). It reads what the
    backbone returns as `pooler_output`, or else the first place of `last_hidden_state`.
    """

    def forward(self, pixel_values: Tensor | None = None, *, labels: Tensor | None = None, **inputs: Any) -> Any:
        """Pixels (B, C, height, width), labels as the class says; other inputs go to the backbone."""
        return self.answer(labels, pixel_values=pixel_values, **inputs)

    def scores(self, output: Any) -> Tensor:
        if getattr(output, "pooler_output", None) is None and not is_builtin(type(self.backbone)):
            name, places = type(self.backbone).__name__, output.last_hidden_state.shape[1]
            notice(
                f"{type(self).__name__} reads the first of {places} places alone, since {name} "
                "returns no pooler_output; for their mean, return BaseModelOutputWithPooling(last_hidden_state=x, "
                "pooler_output=x.mean(1))"
            )
        return super().scores(output)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return sequence_loss(logits, labels, self.config.problem_type)


@does(tasks.MASKED_IMAGE_MODELING)
class MaskedImageModeling(ImageModel):
    """Fills in patches that were hidden (Xie et al. 2021, SimMIM, https://arxiv.org/abs/2111.09886).

    Each token becomes a square of `encoder_stride` pixels a side. The loss is the mean absolute difference from the
    image over the hidden pixels.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        made = config.encoder_stride**2 * config.num_channels
        self.decoder = nn.Sequential(
            Conv2d(config.hidden_size, made, (1, 1), **spread(config)), nn.PixelShuffle(config.encoder_stride)
        )

    def forward(
        self, pixel_values: Tensor | None = None, bool_masked_pos: Tensor | None = None, **inputs: Any
    ) -> MaskedImageModelingOutput:
        """Pixels (B, C, height, width), hidden patches (B, P) -> reconstruction (B, C, height, width), loss.

        Without `bool_masked_pos` nothing is hidden, and there is no loss.
        """
        down, across = self.config.patch_shape
        if bool_masked_pos is not None:
            check_comparable(self.config)
        output = self.encode(pixel_values=pixel_values, bool_masked_pos=bool_masked_pos, **inputs)
        grid = pixel_values.shape[2] // down, pixel_values.shape[3] // across  # type: ignore[union-attr]
        x = output.last_hidden_state[:, 1:].transpose(1, 2).unflatten(-1, grid)  # (B, D, rows, columns)
        reconstruction = self.decoder(x)
        return MaskedImageModelingOutput(
            loss=None if bool_masked_pos is None else _hidden_loss(reconstruction, pixel_values, bool_masked_pos, grid),
            reconstruction=reconstruction,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


def _hidden_loss(made: Tensor, pixels: Any, hidden: Tensor, grid: tuple[int, int]) -> Tensor:
    """The mean absolute difference over the pixels of hidden patches; what no patch covers is left out."""
    height, width = made.shape[-2:]
    mask = (hidden != 0).view(-1, 1, *grid)
    mask = mask.repeat_interleave(height // grid[0], 2).repeat_interleave(width // grid[1], 3)  # (B, 1, height, width)
    difference = (pixels[..., :height, :width] - made).abs()
    return (difference * mask).sum() / (mask.sum() + 1e-5) / made.shape[1]  # type: ignore[no-any-return]
