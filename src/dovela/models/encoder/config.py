"""Encoders of images and of sound whose parts are chosen by name (that of texts is `dovela.encoder_config`)."""

from __future__ import annotations

from collections.abc import Iterable

from ...checks import Positive
from ...encoder_config import BlockOrder, ChosenParts, PoolerKind, PositionKind
from ..vit.config import ViTConfig
from ..wav2vec2.config import Wav2Vec2Config


class ImageEncoderConfig(ChosenParts, ViTConfig, model_type="image-encoder"):
    """Patches of an image as tokens; as configured by default, a ViT that pools its class token as it is."""

    norm_order: BlockOrder = "pre"


class AudioEncoderConfig(ChosenParts, Wav2Vec2Config, model_type="audio-encoder"):
    """Frames of sound as tokens; as configured by default, a Wav2Vec2."""

    norm_order: BlockOrder = "post"
    positions: PositionKind = "convolutional"
    pooler: PoolerKind | None = "mean"
    max_position_embeddings: Positive = 1500
    "The most frames, where positions are a table; 1,500 are 30 seconds."

    def check(self) -> Iterable[str]:
        yield from super().check()
        if self.do_stable_layer_norm:
            yield 'do_stable_layer_norm is said by norm_order here: leave it out, and choose norm_order="pre"'
        if self.adapter_attn_dim is not None and self.norm_order not in ("pre", "post"):  # "post" is refused above
            yield 'adapter_attn_dim has adapters in layers of norm_order="pre" only'
