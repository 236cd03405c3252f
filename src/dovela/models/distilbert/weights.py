"""DistilBERT's names in files, joined to the names of its parts here."""

from __future__ import annotations

from ...weights import Ignore, Rename, WeightMap

DISTILBERT = WeightMap(
    Rename("distilbert.embeddings.word_embeddings.{*}", "embeddings.tokens.{*}"),
    Rename("distilbert.embeddings.position_embeddings.{*}", "embeddings.positions.{*}"),
    Rename("distilbert.embeddings.LayerNorm.{*}", "embeddings.norm.{*}"),
    Rename("distilbert.transformer.layer.{i}.attention.q_lin.{*}", "layers.{i}.attention.q_proj.{*}"),
    Rename("distilbert.transformer.layer.{i}.attention.k_lin.{*}", "layers.{i}.attention.k_proj.{*}"),
    Rename("distilbert.transformer.layer.{i}.attention.v_lin.{*}", "layers.{i}.attention.v_proj.{*}"),
    Rename("distilbert.transformer.layer.{i}.attention.out_lin.{*}", "layers.{i}.attention.o_proj.{*}"),
    Rename("distilbert.transformer.layer.{i}.sa_layer_norm.{*}", "layers.{i}.attention_norm.{*}"),
    Rename("distilbert.transformer.layer.{i}.ffn.lin1.{*}", "layers.{i}.mlp.up_proj.{*}"),
    Rename("distilbert.transformer.layer.{i}.ffn.lin2.{*}", "layers.{i}.mlp.down_proj.{*}"),
    Rename("distilbert.transformer.layer.{i}.output_layer_norm.{*}", "layers.{i}.mlp_norm.{*}"),
    Rename("vocab_transform.{*}", "masked_lm.transform.{*}"),
    Rename("vocab_layer_norm.{*}", "masked_lm.norm.{*}"),
    Rename("vocab_projector.{*}", "masked_lm.decoder.{*}"),
    Rename("pre_classifier.{*}", "classifier.hidden.{*}"),
    Rename("classifier.{*}", "classifier.out.{*}"),
    Rename("qa_outputs.{*}", "spans.{*}"),
    Ignore("distilbert.embeddings.position_ids", why="a buffer that old versions saved"),
    prefix="distilbert.",
    aliases={".gamma": ".weight", ".beta": ".bias"},
)
