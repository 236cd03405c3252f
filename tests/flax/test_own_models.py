"""A model of one's own on the Flax parts: defined, saved, opened by its task; parts of one's own; what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import dovela
import dovela.flax
from dovela import ConfigError, EncoderConfig, FlaxPreTrainedModel, InputError, RegistryError
from dovela.flax import (
    Attention,
    DensePooler,
    Encoder,
    HeadedModel,
    LabelledModel,
    MaskedLM,
    MeanPooler,
    QuestionAnswering,
    SequenceClassification,
    TextEncoder,
    register_attention,
    register_pooler,
)
from dovela.flax.text_heads import NextSentencePrediction
from dovela.outputs import SequenceClassifierOutput
from dovela.torch import poolers as torch_poolers
from flax_text import SIZES

IDS = np.random.default_rng(1).integers(1, 61, (2, 6))


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    class NearConfig(EncoderConfig, model_type="near-encoder"):
        attention: str = "near"
        window: int = 2

    @register_attention("near")
    class NearAttention(Attention):
        def allow(self, q_pos: Any, k_pos: Any) -> Any:
            return jnp.abs(q_pos - k_pos) <= self.config.window

    class FlaxNear(FlaxPreTrainedModel, config=NearConfig, task="sequence-classification"):
        def setup(self) -> None:
            self.encoder, self.head = Encoder(self.config), nn.Dense(self.config.num_labels)

        def __call__(self, input_ids: Any = None, attention_mask: Any = None, train: bool = False) -> Any:
            output = self.encoder(input_ids, attention_mask, output_attentions=True, train=train)
            return SequenceClassifierOutput(
                logits=self.head(output.last_hidden_state[:, 0]), attentions=output.attentions
            )

    model = FlaxNear.from_config(NearConfig(**SIZES, num_labels=3))
    output = jax.jit(lambda: model(input_ids=IDS, attention_mask=np.ones_like(IDS)))()
    assert output.logits.shape == (2, 3)
    far = np.abs(np.arange(6)[:, None] - np.arange(6)) > 2
    assert not output.attentions[0][..., far].any()
    assert jnp.isclose(output.attentions[0].sum(-1), 1, atol=1e-6).all()
    model.save_pretrained(tmp_path)
    back = dovela.FlaxAutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert type(back) is FlaxNear
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), dict(back.params), dict(model.params)))
    with pytest.raises(InputError, match="there is no input 'labels'"):
        model(input_ids=IDS, labels=IDS)
    grown, report = FlaxNear.from_pretrained(tmp_path, num_labels=5, new_head=True, output_loading_info=True)
    assert sorted(report.fresh) == ["head.bias", "head.weight"]
    assert grown.params["head"]["kernel"].shape == (16, 5)


def test_heads_on_a_backbone_of_ones_own(tmp_path: Path) -> None:
    class OwnConfig(EncoderConfig, model_type="own-encoder"):
        norm_order: str = "pre"
        pooler: str | None = "mean"

    class FlaxOwnModel(TextEncoder, config=OwnConfig):
        pass

    class FlaxOwnForMaskedLM(MaskedLM, backbone=FlaxOwnModel):
        pass

    class FlaxOwnForFollowing(NextSentencePrediction, backbone=FlaxOwnModel):
        backbone_options = {"add_pooling_layer": False}

    module = FlaxOwnForMaskedLM(OwnConfig(**SIZES))
    shapes = module.weight_shapes()
    assert {"embeddings", "layers", "norm"} == set(shapes["backbone"])
    assert set(shapes["masked_lm"]["decoder"]) == {"bias"}
    with pytest.raises(ConfigError, match="its head reads what the backbone pooled, and the backbone has no `pooler`"):
        FlaxOwnForFollowing(OwnConfig(**SIZES)).weight_shapes()


@pytest.mark.parametrize("mask", [None, [[1, 1, 1, 0], [0, 0, 0, 0]]])
def test_poolers_are_torchs(mask: Any) -> None:
    import torch

    x = np.random.default_rng(0).standard_normal((2, 4, 3)).astype(np.float32)
    seen = None if mask is None else np.array(mask, bool)
    there = None if seen is None else torch_poolers.real_tokens(torch.from_numpy(seen))
    expected = torch_poolers.MeanPooler(None)(torch.from_numpy(x), there)
    np.testing.assert_allclose(MeanPooler(None).apply({}, x, seen), expected, atol=1e-6)


def test_poolers_see_pairs_as_real_where_anyone_attends() -> None:
    x, pairs = np.arange(6, dtype=np.float32).reshape(1, 3, 2), np.zeros((1, 3, 3), bool)
    pairs[0, 0, :2] = True
    np.testing.assert_allclose(MeanPooler(None).apply({}, x, pairs), x[:, :2].mean(1))


# ---- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"attention": "window"}, "EncoderConfig.attention: there is no Flax attention 'window'. There are: full."),
        ({"norm": "rms"}, "EncoderConfig.norm: there is no Flax norm 'rms'"),
        ({"norm_order": "parallel"}, "EncoderConfig.norm_order: there is no Flax block order 'parallel'"),
        ({"feed_forward": "swiglu"}, "EncoderConfig.feed_forward: there is no Flax feed-forward 'swiglu'"),
        ({"positions": "rotary"}, "EncoderConfig.positions: there is no Flax position scheme 'rotary'"),
        ({"pooler": "max"}, "EncoderConfig.pooler: there is no Flax pooler 'max'. There are: dense, first, mean"),
    ],
)
def test_parts_that_only_torch_has(changes: dict[str, Any], said: str) -> None:
    class FlaxEncoderModel(TextEncoder, config=EncoderConfig):
        pass

    with pytest.raises(ConfigError, match=said):
        FlaxEncoderModel(EncoderConfig(**SIZES, **changes)).weight_shapes()


def test_positions_of_ones_own_may_be_only_so_many() -> None:
    class HalvedConfig(EncoderConfig, model_type="halved-positions"):
        positions: str = "halved"

    @dovela.flax.register_positions("halved")
    class Halved(dovela.flax.LearnedPositions):
        def __call__(self, x: Any, position_ids: Any) -> Any:
            return super().__call__(x, position_ids) / 2

    class FlaxHalvedModel(TextEncoder, config=HalvedConfig):
        pass

    most = SIZES["max_position_embeddings"]
    model = FlaxHalvedModel.from_config(HalvedConfig(**SIZES))
    assert model(input_ids=np.ones((1, most), int)).last_hidden_state.shape[1] == most
    with pytest.raises(InputError, match=f"sequences of {most + 1} tokens, and the model has {most} positions"):
        model(input_ids=np.ones((1, most + 1), int))


def test_a_part_without_the_dtypes_is_told_so() -> None:
    class HalfConfig(EncoderConfig, model_type="half-a-part"):
        feed_forward: str = "half"

    @dovela.flax.register_feed_forward("half")
    class Half(nn.Module):
        config: Any
        dtype: Any = None

        @nn.compact
        def __call__(self, x: Any, train: bool = False) -> Any:
            return nn.Dense(self.config.hidden_size)(x)

    class FlaxHalfModel(dovela.flax.TextEncoder, config=HalfConfig):
        pass

    told = "Flax feed-forward 'half': Half has no field 'param_dtype'. Write in it: param_dtype: Any = jnp.float32"
    with pytest.raises(ConfigError, match=told):
        FlaxHalfModel.from_config(HalfConfig(**SIZES))


def test_a_part_is_registered_under_a_name_once() -> None:
    with pytest.raises(RegistryError, match=r"Flax attention 'full'.*is already"):
        register_attention("full")(type("Own", (Attention,), {}))
    register_pooler("own")(type("OwnPooler", (DensePooler,), {}))


def test_model_classes_are_defined_whole() -> None:
    class OwnConfig(EncoderConfig, model_type="whole-encoder"):
        pass

    class Untyped(OwnConfig):
        pass

    class FlaxOwnModel(TextEncoder, config=OwnConfig):
        pass

    with pytest.raises(ConfigError, match=r"names no configuration class. Write: class Bare"):
        type("Bare", (FlaxPreTrainedModel,), {}, task="ranking")
    with pytest.raises(ConfigError, match="its configuration Untyped has no model type of its own"):
        type("Own", (TextEncoder,), {}, config=Untyped)
    with pytest.raises(RegistryError, match=r"Each model type has one class for a task. Give Another another task"):
        type("Another", (TextEncoder,), {}, config=OwnConfig)
    with pytest.raises(ConfigError, match=r"Headed: backbone=OwnConfig is no Flax model class"):
        type("Headed", (MaskedLM,), {}, backbone=OwnConfig)
    with pytest.raises(ConfigError, match="Headed: has no task, which tells a model with a head from the one without"):
        type("Headed", (HeadedModel,), {}, backbone=FlaxOwnModel)
    with pytest.raises(ConfigError, match=r"names no configuration class. Write: class TextEncoder"):
        TextEncoder(OwnConfig())
    with pytest.raises(ConfigError, match=r"Write: class SequenceClassification\(…, backbone=YourModel\)"):
        SequenceClassification(OwnConfig())

    class FlaxOwnForRanking(LabelledModel, backbone=FlaxOwnModel, task="ranking"):
        output_class = SequenceClassifierOutput

        def __call__(self, input_ids: Any = None, train: bool = False) -> Any:
            return self.answer(None, train, input_ids=input_ids)

    with pytest.raises(ConfigError, match=r"must define scores\(self, output, train\) -> logits"):
        FlaxOwnForRanking(OwnConfig(**SIZES)).weight_shapes()


def test_heads_read_outputs() -> None:
    class OddConfig(EncoderConfig, model_type="odd-encoder"):
        pass

    class FlaxOddModel(FlaxPreTrainedModel, config=OddConfig):
        def __call__(self, input_ids: Any = None, attention_mask: Any = None, train: bool = False) -> Any:
            return jnp.zeros((2, 3))

    class FlaxOddForAnswers(QuestionAnswering, backbone=FlaxOddModel):
        pass

    with pytest.raises(InputError, match=r"FlaxOddModel.__call__: expected what heads read, a BaseModelOutput"):
        FlaxOddForAnswers(OddConfig(**SIZES)).weight_shapes()
