"""ViT on Flax (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929).

Letters: B batch, C channels, P patches, D hidden size.
"""

from __future__ import annotations

from typing import Any

import jax
from flax import linen as nn

from ...flax.blocks import final_norm, make_layers
from ...flax.image_heads import ImageClassification, MaskedImageModeling
from ...flax.inputs import ImageInputs
from ...flax.layers import dtypes
from ...flax.model import FlaxPreTrainedModel
from ...flax.patches import ImageEmbeddings
from ...flax.poolers import make_pooler
from ...image_rules import check_mask_token
from ...outputs import BaseModelOutputWithPooling
from .config import ViTConfig
from .weights import VIT

Array = jax.Array


class FlaxViTModel(FlaxPreTrainedModel, config=ViTConfig):
    """Patches as tokens, blocks with their norms before attention and feed-forward, a norm at the end, and a pooler."""

    weight_map = VIT
    optional_parts = ("pooler", "mask_token")
    main_input_name = "pixel_values"

    add_pooling_layer: bool = True
    use_mask_token: bool = False

    def setup(self) -> None:
        self.embeddings = ImageEmbeddings(self.config, **dtypes(self))
        zeros, shape = nn.initializers.zeros, (1, 1, self.config.hidden_size)
        self.mask_token = self.param("mask_token", zeros, shape, self.param_dtype) if self.use_mask_token else None
        self.layers = make_layers(self)
        self.norm = final_norm(self)
        self.pooler = make_pooler(self) if self.add_pooling_layer else None

    def __call__(
        self,
        pixel_values: Array | None = None,
        bool_masked_pos: Array | None = None,
        interpolate_pos_encoding: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        train: bool = False,
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
        x = self.embeddings(
            inputs.pixel_values, inputs.bool_masked_pos, self.mask_token, inputs.interpolate_pos_encoding, train
        )
        output: Any = self.layers(x, None, train, inputs.output_attentions, inputs.output_hidden_states)
        state = output.last_hidden_state if self.norm is None else self.norm(output.last_hidden_state)
        return BaseModelOutputWithPooling(
            last_hidden_state=state,
            pooler_output=None if self.pooler is None else self.pooler(state),
            hidden_states=output.hidden_states,  # the last of them before the norm
            attentions=output.attentions,
        )


class FlaxViTForImageClassification(ImageClassification, backbone=FlaxViTModel):
    """ViT with a classifier on the class token."""

    backbone_options = {"add_pooling_layer": False}


class FlaxViTForMaskedImageModeling(MaskedImageModeling, backbone=FlaxViTModel):
    """ViT that fills in the patches that were hidden."""

    backbone_options = {"add_pooling_layer": False, "use_mask_token": True}
