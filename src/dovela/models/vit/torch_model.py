"""ViT on torch (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929).

Letters: B batch, C channels, P patches, D hidden size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...image_rules import check_mask_token
from ...outputs import BaseModelOutputWithPooling
from ...torch.blocks import Layers, final_norm, through
from ...torch.image_heads import ImageClassification, MaskedImageModeling
from ...torch.inputs import ImageInputs
from ...torch.model import PreTrainedModel
from ...torch.norms import normed
from ...torch.patches import ImageEmbeddings
from ...torch.poolers import make_pooler, pool
from .config import ViTConfig
from .weights import VIT


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
        self.norm = final_norm(config, self.layers)
        self.pooler: nn.Module | None = make_pooler(config) if add_pooling_layer else None

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
        )
        if bool_masked_pos is not None:
            check_mask_token(type(self).__name__, self.mask_token)
        pixels = inputs.pixel_values.to(self.embeddings.class_token.dtype)
        x = self.embeddings(pixels, inputs.bool_masked_pos, self.mask_token, inputs.interpolate_pos_encoding)
        places = self.embeddings.places(pixels) if self.layers.uses_places else None
        output = through(self.layers, x, None, inputs.output_attentions, inputs.output_hidden_states, places=places)
        state = output.last_hidden_state if self.norm is None else normed(self.norm, output.last_hidden_state)
        return BaseModelOutputWithPooling(
            last_hidden_state=state,
            pooler_output=None if self.pooler is None else pool(self.pooler, state, None),
            hidden_states=output.hidden_states,  # the last of them before the norm
            attentions=output.attentions,
        )


class ViTForImageClassification(ImageClassification, backbone=ViTModel):
    """ViT with a classifier on the class token."""

    backbone_options = {"add_pooling_layer": False}


class ViTForMaskedImageModeling(MaskedImageModeling, backbone=ViTModel):
    """ViT that fills in the patches that were hidden."""

    backbone_options = {"add_pooling_layer": False, "use_mask_token": True}
