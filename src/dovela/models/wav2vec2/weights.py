"""Wav2Vec2's names in files, joined to the names of its parts here."""

from __future__ import annotations

from ...weights import Rename, WeightMap

_LAYER = "wav2vec2.encoder.layers.{i}"

WAV2VEC2 = WeightMap(
    Rename("wav2vec2.feature_extractor.conv_layers.{i}.conv.{*}", "features.{i}.conv.{*}"),
    Rename("wav2vec2.feature_extractor.conv_layers.{i}.layer_norm.{*}", "features.{i}.norm.{*}"),
    Rename("wav2vec2.feature_projection.layer_norm.{*}", "projection.norm.{*}"),
    Rename("wav2vec2.feature_projection.projection.{*}", "projection.dense.{*}"),
    Rename("wav2vec2.masked_spec_embed", "mask_vector"),
    Rename("wav2vec2.encoder.pos_conv_embed.conv.parametrizations.weight.original0", "positions.magnitude"),
    Rename("wav2vec2.encoder.pos_conv_embed.conv.parametrizations.weight.original1", "positions.direction"),
    Rename("wav2vec2.encoder.pos_conv_embed.conv.bias", "positions.bias"),
    Rename("wav2vec2.encoder.layer_norm.{*}", "norm.{*}"),
    Rename(f"{_LAYER}.attention.q_proj.{{*}}", "layers.{i}.attention.q_proj.{*}"),
    Rename(f"{_LAYER}.attention.k_proj.{{*}}", "layers.{i}.attention.k_proj.{*}"),
    Rename(f"{_LAYER}.attention.v_proj.{{*}}", "layers.{i}.attention.v_proj.{*}"),
    Rename(f"{_LAYER}.attention.out_proj.{{*}}", "layers.{i}.attention.o_proj.{*}"),
    Rename(f"{_LAYER}.layer_norm.{{*}}", "layers.{i}.attention_norm.{*}"),
    Rename(f"{_LAYER}.feed_forward.intermediate_dense.{{*}}", "layers.{i}.mlp.up_proj.{*}"),
    Rename(f"{_LAYER}.feed_forward.output_dense.{{*}}", "layers.{i}.mlp.down_proj.{*}"),
    Rename(f"{_LAYER}.final_layer_norm.{{*}}", "layers.{i}.mlp_norm.{*}"),
    Rename(f"{_LAYER}.adapter_layer.norm.{{*}}", "layers.{i}.adapter.norm.{*}"),
    Rename(f"{_LAYER}.adapter_layer.linear_1.{{*}}", "layers.{i}.adapter.down_proj.{*}"),
    Rename(f"{_LAYER}.adapter_layer.linear_2.{{*}}", "layers.{i}.adapter.up_proj.{*}"),
    Rename("wav2vec2.adapter.proj.{*}", "adapter.dense.{*}"),
    Rename("wav2vec2.adapter.proj_layer_norm.{*}", "adapter.norm.{*}"),
    Rename("wav2vec2.adapter.layers.{i}.conv.{*}", "adapter.layers.{i}.{*}"),
    Rename("lm_head.{*}", "lm_head.{*}"),
    Rename("quantizer.codevectors", "quantizer.codevectors"),
    Rename("quantizer.weight_proj.{*}", "quantizer.scores.{*}"),
    Rename("project_q.{*}", "project_q.{*}"),
    Rename("project_hid.{*}", "project_hid.{*}"),
    Rename("layer_weights", "mixture.weight"),
    Rename("projector.{*}", "projector.{*}"),
    Rename("classifier.{*}", "classifier.{*}"),
    Rename("tdnn.{i}.kernel.{*}", "tdnn.{i}.{*}"),
    Rename("feature_extractor.{*}", "embedding.{*}"),
    Rename("objective.weight", "objective.weight"),
    prefix="wav2vec2.",
    aliases={  # weight norm's older spelling
        ".weight_g": ".parametrizations.weight.original0",
        ".weight_v": ".parametrizations.weight.original1",
    },
)
