"""BERT's names in files, joined to the names of its parts here."""

from __future__ import annotations

from ...weights import Ignore, Rename, WeightMap

BERT = WeightMap(
    Rename("bert.embeddings.word_embeddings.{*}", "embeddings.tokens.{*}"),
    Rename("bert.embeddings.position_embeddings.{*}", "embeddings.positions.{*}"),
    Rename("bert.embeddings.token_type_embeddings.{*}", "embeddings.token_types.{*}"),
    Rename("bert.embeddings.LayerNorm.{*}", "embeddings.norm.{*}"),
    Rename("bert.encoder.layer.{i}.attention.self.query.{*}", "layers.{i}.attention.q_proj.{*}"),
    Rename("bert.encoder.layer.{i}.attention.self.key.{*}", "layers.{i}.attention.k_proj.{*}"),
    Rename("bert.encoder.layer.{i}.attention.self.value.{*}", "layers.{i}.attention.v_proj.{*}"),
    Rename("bert.encoder.layer.{i}.attention.output.dense.{*}", "layers.{i}.attention.o_proj.{*}"),
    Rename("bert.encoder.layer.{i}.attention.output.LayerNorm.{*}", "layers.{i}.attention_norm.{*}"),
    Rename("bert.encoder.layer.{i}.intermediate.dense.{*}", "layers.{i}.mlp.up_proj.{*}"),
    Rename("bert.encoder.layer.{i}.output.dense.{*}", "layers.{i}.mlp.down_proj.{*}"),
    Rename("bert.encoder.layer.{i}.output.LayerNorm.{*}", "layers.{i}.mlp_norm.{*}"),
    Rename("bert.pooler.dense.{*}", "pooler.dense.{*}"),
    Rename("cls.predictions.transform.dense.{*}", "masked_lm.transform.{*}"),
    Rename("cls.predictions.transform.LayerNorm.{*}", "masked_lm.norm.{*}"),
    Rename("cls.predictions.decoder.weight", "masked_lm.decoder.weight"),
    Rename("cls.predictions.bias", "masked_lm.decoder.bias", also="cls.predictions.decoder.bias"),
    Rename("cls.seq_relationship.{*}", "next_sentence.{*}"),
    Rename("classifier.{*}", "classifier.out.{*}"),
    Rename("qa_outputs.{*}", "spans.{*}"),
    Ignore("bert.embeddings.position_ids", why="a buffer that old versions saved"),
    prefix="bert.",
    aliases={".gamma": ".weight", ".beta": ".bias"},
)
