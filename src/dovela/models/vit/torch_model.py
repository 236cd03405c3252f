"""ViT on torch (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929).

Letters: B batch, C channels, P patches, D hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...errors import InputError
from ...outputs import BaseModelOutputWithPooling
from ...parts import ACTIVATIONS
from ...torch.blocks import Layers, through
from ...torch.image_heads import ImageClassification, MaskedImageModeling
from ...torch.image_inputs import ImageInputs
from ...torch.init import Linear, spread
from ...torch.model import PreTrainedModel
from ...torch.patches import ImageEmbeddings
from .config import ViTConfig
from .weights import VIT


class Pooler(nn.Module):
    """The class token's state through one more layer: (B, 1 + P, D) -> (B, pooler_output_size)."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.dense = Linear(config.hidden_size, config.pooler_output_size or config.hidden_size, **spread(config))
        self.activation = ACTIVATIONS.get(config.pooler_act)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(self.dense(x[:, 0]))  # type: ignore[no-any-return]


class ViTModel(PreTrainedModel, config=ViTConfig):
    """Patches as tokens, blocks with their norms before attention and feed-forward, a norm at the end, and a pooler."""

    weight_map = VIT
    optional_parts = ("pooler", "mask_token")
    main_input_name = "pixel_values"

    def __init__(self, config: ViTConfig, add_pooling_layer: bool = True, use_mask_token: bool = False) -> None:
        super().__init__(config)
        self.embeddings = ImageEmbeddings(config)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size)) if use_mask_token else None
        self.layers = Layers(config)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
        self.pooler = Pooler(config) if add_pooling_layer else None

    def get_input_embeddings(self) -> nn.Module:  # type: ignore[override]
        """The layer that makes a token of each patch."""
        return self.embeddings.patches

    def forward(
        self,
        pixel_values: Tensor | None = None,
        bool_masked_pos: Tensor | None = None,
        interpolate_pos_encoding: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
    ) -> BaseModelOutputWithPooling:
        """Pixels (B, C, height, width) -> states (B, 1 + P, D), the class token first.

        bool_masked_pos (B, P): hide these patches behind the mask token
        interpolate_pos_encoding: take images of another size than the configuration's
        """
        inputs = ImageInputs.check(
            self.config,
            pixel_values,
            bool_masked_pos,
            interpolate_pos_encoding,
            output_attentions,
            output_hidden_states,
            self.embeddings.positions.dtype,
        )
        if bool_masked_pos is not None and self.mask_token is None:
            hint = f"Build it with use_mask_token=True: {type(self).__name__}(config, use_mask_token=True)."
            raise InputError("bool_masked_pos", "this model has no mask token to hide patches behind", hint=hint)
        x = self.embeddings(
            inputs.pixel_values, inputs.bool_masked_pos, self.mask_token, inputs.interpolate_pos_encoding
        )
        output = through(self.layers, x, None, inputs.output_attentions, inputs.output_hidden_states)
        state = self.norm(output.last_hidden_state)
        return BaseModelOutputWithPooling(
            last_hidden_state=state,
            pooler_output=None if self.pooler is None else self.pooler(state),
            hidden_states=output.hidden_states,  # the last of them before the norm
            attentions=output.attentions,
        )


class ViTForImageClassification(ImageClassification, backbone=ViTModel):
    """ViT with a classifier on the class token."""

    backbone_options = {"add_pooling_layer": False}


class ViTForMaskedImageModeling(MaskedImageModeling, backbone=ViTModel):
    """ViT that fills in the patches that were hidden."""

    backbone_options = {"add_pooling_layer": False, "use_mask_token": True}
