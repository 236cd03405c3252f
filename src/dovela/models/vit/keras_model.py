"""ViT on Keras (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929).

Letters: B batch, C channels, P patches, D hidden size.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from ...image_rules import check_mask_token
from ...keras.blocks import Layers, final_norm, through
from ...keras.image_heads import ImageClassification, MaskedImageModeling
from ...keras.inputs import ImageInputs
from ...keras.model import TFPreTrainedModel
from ...keras.patches import ImageEmbeddings
from ...keras.poolers import make_pooler
from ...outputs import BaseModelOutputWithPooling
from .config import ViTConfig
from .weights import VIT


class TFViTModel(TFPreTrainedModel, config=ViTConfig):
    """Patches as tokens, blocks with their norms before attention and feed-forward, a norm at the end, and a pooler."""

    weight_map = VIT
    optional_parts = ("pooler", "mask_token")
    main_input_name = "pixel_values"

    def __init__(self, config: ViTConfig, add_pooling_layer: bool = True, use_mask_token: bool = False) -> None:
        super().__init__(config)
        self.embeddings = ImageEmbeddings(config)
        self.mask_token: Any = None
        self.use_mask_token = use_mask_token
        self.stack = Layers(config)
        self.norm = final_norm(config, self.stack)
        self.pooler = make_pooler(config) if add_pooling_layer else None

    def build(self, input_shape: Any = None) -> None:
        super().build(input_shape)
        if self.use_mask_token:
            shape = (1, 1, self.config.hidden_size)
            self.mask_token = self.add_weight(shape=shape, initializer="zeros", name="mask_token")

    def signature(self) -> dict[str, tuple[tuple[int | None, ...], str]]:
        return {"pixel_values": ((None, self.config.num_channels, *self.config.image_shape), "float32")}

    def get_input_embeddings(self) -> Any:
        """The layer that makes a token of each patch."""
        return self.embeddings.patches

    def call(
        self,
        pixel_values: Any = None,
        bool_masked_pos: Any = None,
        interpolate_pos_encoding: bool | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        training: bool | None = None,
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
            inputs.pixel_values,
            inputs.bool_masked_pos,
            None if self.mask_token is None else ops.convert_to_tensor(self.mask_token),
            interpolate_pos_encoding=inputs.interpolate_pos_encoding,
            training=training,
        )
        output = through(
            self.stack, self.norm, x, None, inputs.output_attentions, inputs.output_hidden_states, training
        )
        state = output.last_hidden_state
        return BaseModelOutputWithPooling(
            last_hidden_state=state,
            pooler_output=None if self.pooler is None else self.pooler(state),
            hidden_states=output.hidden_states,  # the last of them before the norm
            attentions=output.attentions,
        )


class TFViTForImageClassification(ImageClassification, backbone=TFViTModel):
    """ViT with a classifier on the class token."""

    backbone_options = {"add_pooling_layer": False}


class TFViTForMaskedImageModeling(MaskedImageModeling, backbone=TFViTModel):
    """ViT that fills in the patches that were hidden."""

    backbone_options = {"add_pooling_layer": False, "use_mask_token": True}
