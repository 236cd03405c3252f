"""What a Keras model is called with and made from: calls by every way, refusals, files, models of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

keras = pytest.importorskip("keras")
from keras import ops  # noqa: E402

import dovela  # noqa: E402
from dovela import (  # noqa: E402
    CheckpointError,
    ConfigError,
    EncoderConfig,
    InputError,
    MissingWeights,
    RegistryError,
    ShapeMismatch,
    TFPreTrainedModel,
)
from dovela.keras import (  # noqa: E402
    Attention,
    Encoder,
    LearnedPositions,
    NextSentencePrediction,
    Pooler,
    SequenceClassification,
    TextEncoder,
    register_activation,
    register_attention,
    register_feed_forward,
    register_pooler,
    register_positions,
)
from dovela.leaves import KERAS_LEAVES  # noqa: E402
from dovela.outputs import SequenceClassifierOutput  # noqa: E402
from dovela.torch import sharing  # noqa: E402
from keras_text import SIZES  # noqa: E402

CONFIG = dovela.BertConfig(**SIZES)
IDS = np.random.default_rng(1).integers(1, 61, (3, 6))
MASK = np.ones((3, 6), np.int64)


def names(model: Any) -> set[str]:
    return {KERAS_LEAVES.name(weight.path.split("/")[1:]) for weight in model.weights}


def same(one: Any, other: Any) -> bool:
    return np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize(
    "head",
    ["Model", "ForMaskedLM", "ForPreTraining", "ForSequenceClassification", "ForQuestionAnswering"],
)
def test_weights_are_called_as_in_torch(head: str) -> None:
    theirs = getattr(dovela, f"Bert{head}")(CONFIG)
    tied = {name for group in sharing.ties(theirs) for name in group[1:]}
    assert names(getattr(dovela, f"TFBert{head}")(CONFIG)) == theirs.state_dict().keys() - tied


def test_the_ways_to_call() -> None:
    model = dovela.TFBertModel(CONFIG)
    expected = model(input_ids=IDS, attention_mask=MASK).last_hidden_state
    by_dict = model({"input_ids": IDS, "attention_mask": MASK}).last_hidden_state
    by_place = model(ops.convert_to_tensor(IDS), MASK, training=False).last_hidden_state
    mixed = model({"input_ids": IDS}, attention_mask=MASK).last_hidden_state
    assert all(same(expected, x) for x in (by_dict, by_place, mixed))
    assert not same(model(IDS, training=True).last_hidden_state, expected)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"input_ids": [[1, 2]]},
            "input_ids: expected a tensorflow or numpy array, got list. Tokenise with return_ten",
        ),
        ({"input_ids": torch.tensor(IDS)}, "input_ids: expected a tensorflow or numpy array, got Tensor"),
        ({"labels": [1, 2, 3]}, r"labels: expected a tensorflow or numpy array, got list. Make it an array first\."),
        ({"input_ids": IDS, "atention_mask": MASK}, "no input 'atention_mask'; did you mean 'attention_mask'"),
        ({"input_ids": IDS * 100}, r"^input_ids: \d+ at .* is outside 0 … 60 \(vocab_size 61\)"),
        ({"input_ids": IDS.astype("float32")}, r"expected int64 or int32, got float32. .* tf.cast"),
        ({"input_ids": IDS[0]}, "One text alone is a batch of one"),
        ({}, "expected input_ids or inputs_embeds, and neither is given"),
        ({"input_ids": IDS, "attention_mask": MASK[:, :3]}, r"attention_mask: expected the shape \[3, 6\]"),
        ({"input_ids": IDS, "labels": np.array([0, 7, 1])}, "labels: .* is outside 0 … 1"),
        ({"input_ids": IDS, "labels": np.array([0, 1])}, r"labels: expected the shape \[3\], got \[2\]"),
        ({"input_ids": IDS, "output_attentions": 3}, "output_attentions: expected True or False, got 3"),
    ],
)
def test_bad_input(inputs: dict[str, Any], message: str) -> None:
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the messages name the backend")
    with pytest.raises(InputError, match=message):
        dovela.TFBertForSequenceClassification(CONFIG)(**inputs)


def test_a_head_passes_on_tensors_and_flags_together() -> None:
    output = dovela.TFBertForMaskedLM(CONFIG)(IDS, token_type_ids=IDS % 2, output_attentions=True)
    assert output.keys() == ["logits", "attentions"]


def test_inputs_given_twice_or_too_many() -> None:
    model = dovela.TFBertModel(CONFIG)
    with pytest.raises(InputError, match="'input_ids' is given by position and by name"):
        model(IDS, input_ids=IDS)
    with pytest.raises(InputError, match="'input_ids' is given in the dict and beside it"):
        model({"input_ids": IDS}, input_ids=IDS)
    with pytest.raises(InputError, match="expected at most 7 inputs, got 8"):
        model(*[IDS] * 8)
    with pytest.raises(InputError, match=r"expected inputs of the shape \(batch, choices, sequence\), got \[3, 6\]"):
        dovela.TFBertForMultipleChoice(CONFIG)(IDS)
    with pytest.raises(InputError, match="expected start_positions and end_positions, and only one is given"):
        dovela.TFBertForQuestionAnswering(CONFIG)(IDS, start_positions=IDS[:, 0])


def test_files(tmp_path: Path) -> None:
    theirs = dovela.BertForSequenceClassification(CONFIG)
    theirs.save_pretrained(tmp_path)
    cls = dovela.TFBertForSequenceClassification
    model, report = cls.from_pretrained(tmp_path, output_loading_info=True)
    assert not report.fresh
    assert not report.missing
    assert model.config.name_or_path == str(tmp_path)
    assert type(dovela.TFAutoModelForSequenceClassification.from_pretrained(tmp_path)) is cls
    changed, report = dovela.TFBertForTokenClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert {name.partition(".")[0] for name in report.fresh} == {"classifier"}
    assert 0 < np.abs(np.asarray(changed.classifier.out.kernel)).max() < 0.2  # drawn
    fresh = cls.from_pretrained(tmp_path, num_labels=5, new_head=True)
    assert fresh(IDS).logits.shape == (3, 5)
    with pytest.raises(ShapeMismatch, match="Pass new_head=True"):
        cls.from_pretrained(tmp_path, num_labels=5)
    state = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    given = cls.from_pretrained(None, config=CONFIG, state_dict=state)
    assert same(given(IDS).logits, model(IDS).logits)
    del state["backbone.layers.0.mlp.up_proj.bias"]
    with pytest.raises(MissingWeights):
        cls.from_pretrained(None, config=CONFIG, state_dict=state)
    with pytest.raises(InputError, match="both config and state_dict are needed"):
        cls.from_pretrained(None)


def test_what_a_file_ties_must_be_equal(tmp_path: Path) -> None:
    theirs = dovela.BertForMaskedLM(CONFIG.replace(tie_word_embeddings=False))
    theirs.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="Pass tie_word_embeddings=False"):
        dovela.TFBertForMaskedLM.from_pretrained(tmp_path, tie_word_embeddings=True)
    theirs.masked_lm.decoder.weight = theirs.backbone.embeddings.tokens.weight
    theirs.save_pretrained(tmp_path)
    opened = dovela.TFBertForMaskedLM.from_pretrained(tmp_path, tie_word_embeddings=True)
    assert np.allclose(opened(IDS).logits, theirs.eval()(torch.tensor(IDS)).logits.detach(), atol=1e-5)


def test_a_model_of_ones_own(tmp_path: Path) -> None:
    class NearConfig(EncoderConfig, model_type="near-encoder"):
        attention: str = "near"
        window: int = 2

    @register_attention("near")
    class NearAttention(Attention):
        def allow(self, q_pos: Any, k_pos: Any) -> Any:
            return ops.abs(q_pos - k_pos) <= self.config.window

    class TFNear(TFPreTrainedModel, config=NearConfig, task="sequence-classification"):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.encoder, self.head = Encoder(config), keras.layers.Dense(config.num_labels)

        def call(self, input_ids: Any, attention_mask: Any = None) -> Any:
            states = self.encoder(input_ids, attention_mask).last_hidden_state
            return SequenceClassifierOutput(logits=self.head(states[:, 0]))

    model = TFNear(NearConfig(**SIZES))
    assert {"head.weight", "head.bias", "encoder.layers.1.attention.q_proj.weight"} <= names(model)
    attentions = model.encoder(IDS, output_attentions=True).attentions
    assert float(ops.max(attentions[0][:, :, 0, 3:])) == 0.0
    model.save_pretrained(tmp_path)
    again = dovela.TFAutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert type(again) is TFNear
    assert same(again(IDS).logits, model(IDS).logits)
    model.save(tmp_path / "near.keras")
    assert same(keras.models.load_model(tmp_path / "near.keras")(IDS).logits, model(IDS).logits)
    model.compile("adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    model.fit(IDS, np.array([0, 1, 0]), verbose=0)


def test_parts_of_ones_own() -> None:
    class OwnConfig(EncoderConfig, model_type="own-keras-encoder"):
        activation: str = "sine"
        pooler: str | None = "last-one"
        norm_order: str = "pre"
        positions: str = "none"

    register_activation("sine")(ops.sin)

    @register_pooler("last-one")
    class LastOne(Pooler):
        def call(self, x: Any, real: Any = None) -> Any:
            return x[:, -1]

    class TFOwnModel(TextEncoder, config=OwnConfig):
        pass

    class TFOwnForSequenceClassification(SequenceClassification, backbone=TFOwnModel):
        pass

    model = TFOwnForSequenceClassification(OwnConfig(**SIZES))
    output = model.backbone(IDS)
    assert same(output.pooler_output, output.last_hidden_state[:, -1])
    assert model(IDS, labels=np.array([0, 1, 0])).loss.shape == ()
    assert not any("positions" in name for name in names(model))


def test_positions_of_ones_own_may_be_only_so_many() -> None:
    class HalvedConfig(EncoderConfig, model_type="halved-keras-positions"):
        positions: str = "halved"

    @register_positions("halved")
    class Halved(LearnedPositions):
        def call(self, places: Any) -> Any:
            return super().call(places) / 2

    class TFHalvedModel(TextEncoder, config=HalvedConfig):
        pass

    most = SIZES["max_position_embeddings"]
    model = TFHalvedModel(HalvedConfig(**SIZES))
    assert model(np.ones((1, most), int)).last_hidden_state.shape[1] == most
    with pytest.raises(InputError, match=f"sequences of {most + 1} tokens, and the model has {most} positions"):
        model(np.ones((1, most + 1), int))


def test_a_plain_layer_as_a_part_keeps_the_names_of_its_attributes(tmp_path: Path) -> None:
    class PlainConfig(EncoderConfig, model_type="plain-keras-encoder"):
        feed_forward: str = "plain"

    @register_feed_forward("plain")
    class Plain(keras.layers.Layer):
        def __init__(self, config: Any, **options: Any) -> None:
            super().__init__(**options)
            self.width = config.hidden_size
            self.up, self.downs = keras.layers.Dense(7, activation="relu"), [keras.layers.Dense(self.width)]

        def build(self, shape: Any = None) -> None:
            self.up.build((None, None, self.width))
            self.downs[0].build((None, None, 7))

        def call(self, x: Any, training: Any = None) -> Any:
            return self.downs[0](self.up(x))

    class TFPlainModel(TextEncoder, config=PlainConfig):
        pass

    for _ in range(2):  # Keras counts the layers of a process
        model = TFPlainModel(PlainConfig(**SIZES))
    assert {"layers.0.mlp.up.weight", "layers.1.mlp.downs.0.bias"} <= names(model)
    model.save_pretrained(tmp_path)
    assert same(TFPlainModel.from_pretrained(tmp_path)(IDS).last_hidden_state, model(IDS).last_hidden_state)


def test_parts_that_are_not_there() -> None:
    class TFPlainEncoder(TextEncoder):
        config_class = EncoderConfig

    for word, value, there in (
        ("attention", "window", "There are: full."),
        ("norm", "rms", "There are: layer."),
        ("norm_order", "parallel", "There are: post, pre."),
        ("positions", "rotary", "There are: learned, none, sinusoidal."),
        ("feed_forward", "swiglu", "There are: mlp."),
        ("pooler", "max", "There are: dense, first, mean."),
    ):
        with pytest.raises(ConfigError, match=rf"EncoderConfig\.{word}: there is no Keras .* '{value}'.*{there}"):
            TFPlainEncoder(EncoderConfig(**SIZES, **{word: value}))


def test_a_mean_pooler() -> None:
    class TFMean(TextEncoder):
        config_class = EncoderConfig

    mask = np.ones((3, 6), np.int64)
    mask[0, 2:], mask[1] = 0, 0
    output = TFMean(EncoderConfig(**SIZES, pooler="mean"))(IDS, attention_mask=mask)
    x = np.asarray(output.last_hidden_state)
    assert np.allclose(output.pooler_output, [x[0, :2].mean(0), x[1].mean(0), x[2].mean(0)], atol=1e-6)


def test_classes_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match=r"TFBertModel\(config\): expected a BertConfig, got str"):
        dovela.TFBertModel("a-name")
    with pytest.raises(ConfigError, match=r"got the class BertConfig. Call it first: TFBertModel\(BertConfig\(\)\)"):
        dovela.TFBertModel(dovela.BertConfig)
    with pytest.raises(RegistryError, match="Each model type has one class for a task"):

        class TFAnother(TFPreTrainedModel, config=dovela.BertConfig):
            pass

    with pytest.raises(ConfigError, match="is no Keras model class"):

        class TFHead(SequenceClassification, backbone=dovela.BertModel):
            pass

    class Forgetful(dovela.TFBertModel):
        def __init__(self, config: Any) -> None:
            keras.Model.__init__(self)

    with pytest.raises(ConfigError, match=r"Begin it with: super\(\).__init__\(config\)"):
        Forgetful(CONFIG)

    class Reader(dovela.TFBertModel):
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self.width = config.hiden_size

    with pytest.raises(ConfigError, match="reads 'hiden_size', which BertConfig has not; did you mean 'hidden_size'"):
        Reader(CONFIG)

    class TFBare(NextSentencePrediction):
        backbone_class, config_class = dovela.TFBertModel, dovela.BertConfig
        backbone_options = {"add_pooling_layer": False}

    with pytest.raises(ConfigError, match="reads what the backbone pooled, and TFBertModel has no `pooler`"):
        TFBare(CONFIG)


def test_the_configuration_is_the_models_own_and_locked() -> None:
    config = dovela.BertConfig(**SIZES)
    model = dovela.TFBertForMaskedLM(config)
    assert model.config is not config
    assert model.backbone.config is model.config
    with pytest.raises(ConfigError, match="replace"):
        model.config.hidden_size = 64
