"""ViT's names in files, joined to the names of its parts here."""

from __future__ import annotations

from ...weights import Rename, WeightMap

VIT = WeightMap(
    Rename("vit.embeddings.cls_token", "embeddings.class_token"),
    Rename("vit.embeddings.mask_token", "mask_token"),
    Rename("vit.embeddings.position_embeddings", "embeddings.positions"),
    Rename("vit.embeddings.patch_embeddings.projection.{*}", "embeddings.patches.{*}"),
    Rename("vit.encoder.layer.{i}.attention.attention.query.{*}", "layers.{i}.attention.q_proj.{*}"),
    Rename("vit.encoder.layer.{i}.attention.attention.key.{*}", "layers.{i}.attention.k_proj.{*}"),
    Rename("vit.encoder.layer.{i}.attention.attention.value.{*}", "layers.{i}.attention.v_proj.{*}"),
    Rename("vit.encoder.layer.{i}.attention.output.dense.{*}", "layers.{i}.attention.o_proj.{*}"),
    Rename("vit.encoder.layer.{i}.layernorm_before.{*}", "layers.{i}.attention_norm.{*}"),
    Rename("vit.encoder.layer.{i}.intermediate.dense.{*}", "layers.{i}.mlp.up_proj.{*}"),
    Rename("vit.encoder.layer.{i}.output.dense.{*}", "layers.{i}.mlp.down_proj.{*}"),
    Rename("vit.encoder.layer.{i}.layernorm_after.{*}", "layers.{i}.mlp_norm.{*}"),
    Rename("vit.layernorm.{*}", "norm.{*}"),
    Rename("vit.pooler.dense.{*}", "pooler.dense.{*}"),
    Rename("classifier.{*}", "classifier.out.{*}"),
    Rename("decoder.{i}.{*}", "decoder.{i}.{*}"),  # a convolution, and a shuffle that has no weights
    prefix="vit.",
)
