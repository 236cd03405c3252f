"""Wav2Vec2's own behaviours: what it takes, what it masks, what it trains, what it leaves out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import dovela
import sounds
from dovela import CheckpointError, ConfigError, InputError, MissingWeights, ShapeMismatch, UnexpectedWeights, notices
from dovela.torch import Padded
from dovela.torch.layout import padded
from sounds import WAV2VEC2, frames

STABLE = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
SOUND = torch.sin(torch.arange(2 * 900).view(2, 900) * 0.1)


def tensors(name: str, seed: int = 0, **options: Any) -> dict[str, torch.Tensor]:
    return {k: torch.from_numpy(v) for k, v in sounds.sounds(name, np.random.default_rng(seed), **options).items()}


def mask_of(*lengths: int) -> torch.Tensor:
    return (torch.arange(900) < torch.tensor(lengths)[:, None]).long()


def characters(*rows: list[int]) -> torch.Tensor:
    return torch.tensor([row + [-100] * (max(map(len, rows)) - len(row)) for row in rows])


NAN = SOUND.clone()
NAN[1, 7] = float("nan")
BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("nothing", "Model", {}, "input_values: is missing. Give samples"),
    ("list", "Model", {"input_values": [[0.0] * 900]}, r'got list. Extract with return_tensors="pt"'),
    (
        "whole numbers",
        "Model",
        {"input_values": SOUND.short()},
        "floating-point samples, got torch.int16. A feature ext",
    ),
    ("one clip", "Model", {"input_values": SOUND[0]}, r"the shape \[900\]. One clip alone is a batch of one: samples"),
    ("channels", "Model", {"input_values": SOUND[None]}, r"the shape \[1, 2, 900\]. Sound has one channel"),
    ("empty", "Model", {"input_values": SOUND[:0]}, "the batch is empty"),
    ("too short", "Model", {"input_values": SOUND[:, :39]}, "clips of 39 samples, and one frame takes 40. Pad shorter"),
    ("not a number", "Model", {"input_values": NAN}, r"nan at \[1, 7\] is not a finite number"),
    ("mask list", "Model", {"input_values": SOUND, "attention_mask": [[1]]}, "attention_mask: expected a torch tensor"),
    (
        "mask shape",
        "Model",
        {"input_values": SOUND, "attention_mask": torch.ones(2, 44)},
        r"attention_mask: expected the shape \[2, 900\] of the input, got \[2, 44\]",
    ),
    ("mask values", "Model", {"input_values": SOUND, "attention_mask": SOUND}, "values other than 0 and 1. 1 = a real"),
    (
        "a row too short",
        "Model",
        {"input_values": SOUND, "attention_mask": mask_of(900, 20)},
        "attention_mask: row 1 has 20 real samples, and one frame takes 40",
    ),
    (
        "a row without a whole frame",
        "Model",
        {"input_values": SOUND, "attention_mask": torch.ones(2, 900) - torch.eye(900)[::30].sum(0)},
        "attention_mask: row 0 has no frame of 40 real samples without a gap. Put padding behind the samples",
    ),
    (
        "a question's answer",
        "ForCTC",
        {"input_values": SOUND, "output_attentions": "no"},
        "output_attentions: expected True or False, got 'no'",
    ),
    (
        "an answer that a mixture would hide",
        "ForXVector",
        {"input_values": SOUND, "output_hidden_states": 1},
        "output_hidden_states: expected True or False, got 1",
    ),
    (
        "nothing to learn from",
        "ForPreTraining",
        {"input_values": SOUND, "mask_time_indices": torch.zeros(2, 44)},
        "mask_time_indices: masks no frame, so there is nothing to learn from",
    ),
    (
        "masked frames' shape",
        "Model",
        {"input_values": SOUND, "mask_time_indices": torch.zeros(2, 900)},
        r"mask_time_indices: expected the shape \[2, 44\] of the frames, got \[2, 900\]. config.frames",
    ),
    (
        "masked frames' values",
        "Model",
        {"input_values": SOUND, "mask_time_indices": torch.full((2, 44), 3)},
        "mask_time_indices: has values other than 0 and 1",
    ),
    (
        "masked frames' type",
        "Model",
        {"input_values": SOUND, "mask_time_indices": np.zeros((2, 44))},
        "mask_time_indices: expected a torch tensor, got ndarray",
    ),
    ("misspelt", "Model", {"input_value": SOUND}, "no input 'input_value'; did you mean 'input_values'"),
    (
        "character out of range",
        "ForCTC",
        {"input_values": SOUND, "labels": characters([1, 32], [3])},
        r"labels: 32 at \[0, 1\] is outside 0 … 31 \(and not -100\). Does the tokenizer belong",
    ),
    (
        "negative character",
        "ForCTC",
        {"input_values": SOUND, "labels": -characters([1], [2])},
        r"-1 at \[0, 0\] is out",
    ),
    (
        "float characters",
        "ForCTC",
        {"input_values": SOUND, "labels": torch.ones(2, 3)},
        "character ids, got torch.float",
    ),
    (
        "labels' shape",
        "ForCTC",
        {"input_values": SOUND, "labels": torch.ones(3, 3).long()},
        r"a batch of 2, got \[3, 3\]",
    ),
    (
        "more characters than frames",
        "ForCTC",
        {"input_values": SOUND, "attention_mask": mask_of(900, 100), "labels": characters([1], [1, 2, 3, 4, 5])},
        "row 1 has 5 characters, which take 5 frames, and its sound has 4. Give longer sound, or .*ctc_zero_infinity",
    ),
    (
        "repeats need frames between",
        "ForCTC",
        {"input_values": SOUND, "attention_mask": mask_of(900, 100), "labels": characters([1], [1, 1, 1])},
        "row 1 has 3 characters, which take 5 frames, and its sound has 4",
    ),
    (
        "class out of range",
        "ForSequenceClassification",
        {"input_values": SOUND, "labels": torch.tensor([0, 3])},
        r"labels: .* is outside 0 … 2",
    ),
    (
        "frames' labels",
        "ForAudioFrameClassification",
        {"input_values": SOUND, "labels": torch.zeros(2, 900).long()},
        r"labels: expected the shape \[2, 44\], got \[2, 900\]",
    ),
    (
        "frames of no class",
        "ForAudioFrameClassification",
        {"input_values": SOUND, "labels": torch.zeros(2, 44, 3)},
        "labels: has frames that are not of exactly one class. Give class numbers .*-100 where a frame has none",
    ),
    ("voice out of range", "ForXVector", {"input_values": SOUND, "labels": torch.tensor([0, 9])}, "outside 0 … 2"),
    ("too short for a voice", "ForXVector", {"input_values": SOUND[:, :120]}, "clips of 5 frames, .* takes at least 8"),
    (
        "a row too short for a voice",
        "ForXVector",
        {"input_values": SOUND, "attention_mask": mask_of(900, 120)},
        "attention_mask: row 1 has 5 frames, a voice takes at least 8$",
    ),
    (
        "a row too short for a voice between its gaps",
        "ForXVector",
        {"input_values": SOUND, "attention_mask": (torch.arange(900) % 140 < 120).long().expand(2, -1)},
        "attention_mask: row 0 has 32 frames, a voice takes at least 8 without a gap",
    ),
    (
        "negatives alone",
        "ForPreTraining",
        {"input_values": SOUND, "sampled_negative_indices": torch.zeros(2, 44, 3).long()},
        "sampled_negative_indices: is given, and mask_time_indices is not",
    ),
]
CHOSEN = torch.arange(44).expand(2, 44) % 3 == 0
for what, negatives, message in (
    ("negatives out of range", torch.full((2, 44, 3), 88), "indices outside 0 … 87"),
    ("negatives' shape", torch.zeros(2, 44).long(), r"expected the shape \[2, 44, 'negatives'\], got \[2, 44\]"),
    ("no negatives", torch.zeros(2, 44, 0).long(), r"expected the shape \[2, 44, 'negatives'\], got \[2, 44, 0\]"),
    ("negatives that are a choice", torch.zeros(2, 44, 3).bool(), "tensor of whole numbers, got torch.bool"),
    ("negatives' dtype", torch.zeros(2, 44, 3), "tensor of whole numbers, got torch.float32"),
):
    given = {"input_values": SOUND, "mask_time_indices": CHOSEN, "sampled_negative_indices": negatives}
    BAD.append((what, "ForPreTraining", given, f"sampled_negative_indices: .*{message}"))


@pytest.mark.parametrize(("head", "inputs", "message"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_named(head: str, inputs: dict[str, Any], message: str, small: Any) -> None:
    with pytest.raises(InputError, match=message):
        small("Wav2Vec2" + head)(**inputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"conv_dim": [8, 8]},
            "conv_dim, conv_stride, conv_kernel describe the same layers, .*conv_dim 2, conv_stride 3",
        ),
        ({"conv_dim": [], "conv_stride": [], "conv_kernel": []}, "lengths that differ or are 0"),
        ({"tdnn_kernel": [1]}, "tdnn_dim, tdnn_kernel, tdnn_dilation describe the same layers"),
        ({"num_attention_heads": 5}, r"hidden_size \(48\) is no multiple of num_attention_heads \(5\)"),
        ({"num_conv_pos_embedding_groups": 5}, r"hidden_size \(48\) is no multiple of num_conv_pos_embedding_groups"),
        ({"codevector_dim": 15}, r"codevector_dim \(15\) is no multiple of num_codevector_groups \(2\)"),
        ({"adapter_attn_dim": 8}, "adapter_attn_dim has adapters in layers of do_stable_layer_norm=True only"),
        ({"add_adapter": True, "adapter_kernel_size": 1}, "adapter_kernel_size .* starts at 2"),
        ({"pad_token_id": 32}, "lies outside the vocabulary"),
        ({"feat_extract_norm": "batch"}, "'batch' is not one of 'group', 'layer'"),
        ({"ctc_loss_reduction": "summ"}, "is not one of 'sum', 'mean', 'none'"),
        ({"layerdrop": 1.5}, r"a number in \[0, 1\]"),
        ({"hidden_droput": 0.1}, "did you mean 'hidden_dropout'"),
    ],
)
def test_bad_configurations_are_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dovela.Wav2Vec2Config(**WAV2VEC2 | changes)


def test_heads_that_a_configuration_does_not_fit(small: Any) -> None:
    for head in ("ForSequenceClassification", "ForAudioFrameClassification", "ForXVector", "ForPreTraining"):
        with pytest.raises(ConfigError, match=r"does not take an adapter. Set add_adapter=False"):
            small("Wav2Vec2" + head, add_adapter=True)
    with pytest.raises(ConfigError, match="pad_token_id is None, and CTC needs it for its blank"):
        small("Wav2Vec2ForCTC", pad_token_id=None)


def test_sizes_that_follow_from_a_configuration() -> None:
    config = dovela.Wav2Vec2Config()
    assert (config.inputs_to_logits_ratio, config.receptive_field, config.num_feat_extract_layers) == (320, 400, 7)
    assert [config.frames(n) for n in (399, 400, 719, 720, 16000)] == [0, 1, 1, 2, 49]
    assert config.output_hidden_size == 768
    assert config.replace(hidden_size=384, num_attention_heads=6).output_hidden_size == 384
    assert config.replace(output_hidden_size=99).output_hidden_size == 99
    assert dovela.Wav2Vec2Config(**WAV2VEC2).receptive_field == sounds.FIELD


def test_structure_that_does_not_show_in_shapes_is_the_checkpoints(small: Any, tmp_path: Path) -> None:
    small("Wav2Vec2Model").save_pretrained(tmp_path)
    for change in ({"do_stable_layer_norm": True}, {"conv_stride": [4, 2, 2]}):
        with pytest.raises(ConfigError, match=r"the weights of .* were trained with"):
            dovela.Wav2Vec2Model.from_pretrained(tmp_path, **change)


@pytest.mark.parametrize("options", [{}, STABLE, {"feat_extract_norm": "layer"}])
def test_packed_and_padded_are_the_same(options: dict[str, Any], small: Any) -> None:
    model, inputs = small("Wav2Vec2Model", **options), tensors("Wav2Vec2Model")
    real = torch.from_numpy(sounds.real_frames({k: v.numpy() for k, v in inputs.items()}))
    with torch.no_grad():
        packed = model(**inputs, output_hidden_states=True)
        with padded():
            plain = model(**inputs, output_hidden_states=True)
    for a, b in zip(packed.hidden_states, plain.hidden_states, strict=True):
        assert (a - b)[real].abs().max() < 1e-5
    assert (packed.extract_features - plain.extract_features)[real].abs().max() < 1e-5


@pytest.mark.parametrize("head", ["Model", "ForCTC", "ForSequenceClassification", "ForXVector"])
def test_a_clip_means_the_same_alone_and_in_a_batch(head: str, small: Any) -> None:
    """With norms over channels, which see one frame at a time. Padding holds what it likes."""
    model = small("Wav2Vec2" + head, **STABLE)
    inputs = tensors("Wav2Vec2Model", 3)
    samples, mask = inputs["input_values"], inputs["attention_mask"]
    noisy = torch.where(mask == 1, samples, torch.randn_like(samples))
    with torch.no_grad():
        batches = [model(noisy, attention_mask=mask), model(samples, attention_mask=mask)]
        for row in range(5):
            length = int(mask[row].sum())
            alone = model(samples[row : row + 1, :length])
            for batch in batches:
                for key in alone.keys():  # noqa: SIM118
                    value = batch[key][row]
                    if value.dim() == 2:
                        value = value[: frames(length)]
                    assert (alone[key][0] - value).abs().max() < 1e-5, key


def test_padding_on_the_left_is_padding(small: Any) -> None:
    model = small("Wav2Vec2ForCTC", **STABLE)
    clip, labels = SOUND[:1, :600], characters([4, 5, 6])
    left = torch.cat([torch.zeros(1, 300), clip], 1)
    mask = torch.cat([torch.zeros(1, 300), torch.ones(1, 600)], 1)
    alone, within = model(clip, labels=labels), model(left, attention_mask=mask, labels=labels)
    assert (alone.logits - within.logits[:, 15:]).abs().max() < 1e-5
    assert torch.allclose(alone.loss, within.loss, rtol=1e-5)


def test_ctc_leaves_rows_out_that_are_too_long_where_it_is_asked_to(small: Any) -> None:
    inputs = {"input_values": SOUND, "attention_mask": mask_of(900, 100), "labels": characters([1, 2], [1] * 9)}
    loss = small("Wav2Vec2ForCTC", ctc_zero_infinity=True, ctc_loss_reduction="none")(**inputs).loss
    assert loss[0] > 0
    assert loss[1] == 0


def test_ctc_reductions_and_holes_in_labels(small: Any) -> None:
    def loss(labels: torch.Tensor, **options: Any) -> torch.Tensor:
        torch.manual_seed(0)
        return small("Wav2Vec2ForCTC", **options)(SOUND, labels=labels).loss

    labels = characters([1, 2, 3], [4])
    rows = loss(labels, ctc_loss_reduction="none")
    assert torch.allclose(loss(labels, ctc_loss_reduction="sum"), rows.sum())
    assert torch.allclose(loss(labels), (rows / torch.tensor([3.0, 1.0])).mean())
    holes = torch.tensor([[1, -100, 2, 3], [-100, 4, -100, -100]])
    assert torch.allclose(loss(holes), loss(labels))


def test_a_batch_of_silence_has_a_loss(small: Any) -> None:
    model = small("Wav2Vec2ForCTC")
    silence = model(SOUND, labels=torch.full((2, 3), -100)).loss
    assert torch.equal(model(SOUND, labels=torch.zeros(2, 0).long()).loss, silence)
    blank = -model(SOUND).logits.log_softmax(-1)[..., 0].sum(1)
    assert torch.allclose(silence, blank.mean())


def test_gradients_and_inference_take_the_same_convolutions(small: Any) -> None:
    """Which are laid out in two ways."""
    for options in ({}, STABLE, {"add_adapter": True, "conv_kernel": [10, 2, 1], "conv_stride": [5, 2, 1]}):
        model = small("Wav2Vec2Model", **options)
        with torch.no_grad():
            inferred = model(SOUND).last_hidden_state
        assert torch.allclose(model(SOUND).last_hidden_state, inferred, atol=1e-5)


def test_padding_labels_by_the_blank_is_told_once(small: Any, caplog: Any) -> None:
    notices._seen.clear()
    with caplog.at_level(logging.WARNING, logger="dovela"):
        for _ in range(2):
            small("Wav2Vec2ForCTC")(SOUND, labels=torch.tensor([[1, 2, 0], [3, 4, 5]]))
    told = [record.message for record in caplog.records if "keeps for its blank" in record.message]
    assert len(told) == 1
    assert "labels.masked_fill(labels == 0, -100)" in told[0]


def test_what_is_frozen(small: Any) -> None:
    model = small("Wav2Vec2ForCTC")
    model.freeze_feature_encoder()
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    assert frozen == {name for name, _ in model.named_parameters() if name.startswith("backbone.features.")}
    model.freeze_base_model()
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {"lm_head.weight", "lm_head.bias"}
    model.train()(SOUND, labels=characters([1], [2])).loss.backward()
    assert model.lm_head.weight.grad is not None


def test_spec_augment_masks_in_training_alone(small: Any) -> None:
    quiet = dict.fromkeys(("hidden_dropout", "activation_dropout", "attention_dropout", "layerdrop"), 0.0)
    for options, acts in (
        ({"mask_time_prob": 0.5, "mask_time_length": 2}, True),
        ({"mask_time_prob": 0.0, "mask_feature_prob": 0.5, "mask_feature_length": 4}, True),
        ({"mask_time_prob": 0.5, "mask_time_length": 2, "apply_spec_augment": False}, False),
        ({"mask_time_prob": 0.5, "mask_time_length": 500}, False),  # longer than the clip
    ):
        model = small("Wav2Vec2Model", **quiet, **options)
        calm = model(SOUND).last_hidden_state
        assert torch.equal(calm, model(SOUND).last_hidden_state)
        torch.manual_seed(1)
        first = model.train()(SOUND).last_hidden_state
        torch.manual_seed(1)
        assert torch.equal(first, model(SOUND).last_hidden_state)
        assert torch.allclose(first, calm, atol=1e-5) is not acts


def test_masks_that_a_model_cannot_make(small: Any) -> None:
    chosen = torch.ones(2, 44)
    with pytest.raises(
        InputError, match=r"mask_time_indices: the model has no vector for them \(mask_time_prob is 0\)"
    ):
        small("Wav2Vec2Model", mask_time_prob=0.0)(SOUND, mask_time_indices=chosen)
    with pytest.raises(InputError, match=r"the model masks no frames \(apply_spec_augment is False\)"):
        small("Wav2Vec2Model", apply_spec_augment=False)(SOUND, mask_time_indices=chosen)


def test_a_masked_frame_is_the_vector_whatever_was_there(small: Any) -> None:
    model = small("Wav2Vec2Model", **STABLE)
    chosen = torch.ones(2, 44, dtype=torch.bool)
    assert torch.allclose(
        model(SOUND, mask_time_indices=chosen).last_hidden_state,
        model(torch.randn(2, 900), mask_time_indices=chosen).last_hidden_state,
        atol=1e-6,
    )


def test_layers_are_dropped_in_training_alone(small: Any) -> None:
    model = small("Wav2Vec2Model", layerdrop=1.0, apply_spec_augment=False, hidden_dropout=0.0)
    assert torch.equal(model(SOUND).last_hidden_state, model(SOUND).last_hidden_state)
    output = model.train()(SOUND, output_hidden_states=True, output_attentions=True)
    assert len(output.hidden_states) == 4
    assert all(torch.equal(output.hidden_states[0], state) for state in output.hidden_states)
    assert output.attentions == (None, None, None)


def test_dropped_layers_compile_and_keep_their_gradients(small: Any) -> None:
    torch._dynamo.reset()
    model = small("Wav2Vec2Model", layerdrop=0.5).train()
    output = torch.compile(model, fullgraph=True, backend="aot_eager")(SOUND)
    output.last_hidden_state.square().sum().backward()
    assert all(p.grad is not None for p in model.layers.parameters())


def test_checkpointing_changes_no_gradient(small: Any) -> None:
    inputs = tensors("Wav2Vec2ForCTC")
    gradients = []
    for enable in (False, True):
        torch.manual_seed(0)
        model = small("Wav2Vec2ForCTC", layerdrop=0.5).train()
        if enable:
            model.gradient_checkpointing_enable()
        torch.manual_seed(1)
        model(**inputs).loss.backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    for name, gradient in gradients[0].items():
        again = gradients[1][name]
        assert (gradient is None) == (again is None), name
        assert gradient is None or torch.allclose(gradient, again, atol=1e-5), name


def test_a_file_that_asks_for_checkpointing_gets_it(small: Any, tmp_path: Path) -> None:
    small("Wav2Vec2Model").save_pretrained(tmp_path)
    file = tmp_path / "config.json"
    file.write_text(file.read_text().replace("{", '{"gradient_checkpointing": true,', 1))
    assert dovela.Wav2Vec2Model.from_pretrained(tmp_path).is_gradient_checkpointing


def test_fresh_parts_of_a_checkpoint(small: Any, tmp_path: Path) -> None:
    """An adapter on top and the mask vector may be new; the quantizer of pre-training is left behind."""
    small("Wav2Vec2ForPreTraining", mask_time_prob=0.0).save_pretrained(tmp_path)
    model, report = dovela.Wav2Vec2ForCTC.from_pretrained(
        tmp_path, add_adapter=True, mask_time_prob=0.1, output_loading_info=True
    )
    assert {name.split(".")[0 if name.startswith("lm") else 1] for name in report.fresh} == {
        "lm_head",
        "adapter",
        "mask_vector",
    }
    assert {name.split(".")[0] for name in report.ignored} == {"quantizer", "project_q", "project_hid"}
    assert model(SOUND).logits.shape[1] == 6


def test_classifiers_of_clips_and_of_frames_are_not_the_same_head(small: Any, tmp_path: Path) -> None:
    small("Wav2Vec2ForSequenceClassification", classifier_proj_size=48).save_pretrained(tmp_path)
    _, report = dovela.Wav2Vec2ForAudioFrameClassification.from_pretrained(tmp_path, output_loading_info=True)
    assert report.fresh == ["classifier.weight", "classifier.bias"]


def test_labels_that_are_numbers_to_regress(small: Any) -> None:
    model = small("Wav2Vec2ForSequenceClassification", id2label={0: "loudness"}, label2id={"loudness": 0})
    output = model(SOUND, labels=torch.tensor([0.5, 2.0]))
    assert torch.allclose(output.loss, (output.logits[:, 0] - torch.tensor([0.5, 2.0])).square().mean())


def test_frames_without_a_class_are_left_out(small: Any) -> None:
    model = small("Wav2Vec2ForAudioFrameClassification")
    labels = torch.full((2, 44), -100)
    labels[:, :5] = 1
    output = model(SOUND, labels=labels)
    expected = torch.nn.functional.cross_entropy(output.logits[:, :5].flatten(0, 1), labels[:, :5].flatten())
    assert torch.allclose(output.loss, expected)


def test_statistics_of_a_voice_read_no_padding(small: Any) -> None:
    """The mean and deviation are those of the frames whose whole window is real, dilation included."""
    model = small("Wav2Vec2ForXVector")
    x, real = torch.randn(2, 30, 32), torch.arange(30) < torch.tensor([[30], [17]])
    made, kept = model.tdnn(x, real)
    alone, _ = model.tdnn(x[1:, :17], None)
    assert kept[1].sum() == alone.shape[1] == 17 - 2 - 4
    assert torch.allclose(model.pool(made, kept)[1], model.pool(alone, None)[0], atol=1e-6)


@pytest.mark.parametrize("ragged", [True, False])
def test_a_channel_that_is_off_has_gradients_too(ragged: bool, small: Any) -> None:
    """Its deviation is 0, where a root has no slope."""
    model = small("Wav2Vec2ForXVector")
    with torch.no_grad():
        model.tdnn[-1].bias[3] = -1e4
    model(**tensors("Wav2Vec2ForXVector", ragged=ragged)).loss.backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)


def test_the_temperature_of_the_quantizer(small: Any) -> None:
    model = small("Wav2Vec2ForPreTraining")
    assert model.quantizer.temperature == 2
    model.set_gumbel_temperature(0.5)
    assert model.quantizer.temperature == 0.5
    for wrong in (0, "2", float("nan"), float("inf")):
        with pytest.raises(InputError, match=f"expected a number above 0, got {wrong!r}"):
            model.set_gumbel_temperature(wrong)


def test_frames_of_padding_count_where_they_are_chosen(small: Any) -> None:
    """Whether or not padding is left out on the way elsewhere."""
    inputs = tensors("Wav2Vec2ForPreTraining")
    inputs["mask_time_indices"] = torch.ones_like(inputs["mask_time_indices"])
    model = small("Wav2Vec2ForPreTraining")
    loss = model(**inputs).loss
    with padded():
        assert torch.equal(model(**inputs).loss, loss)


def test_a_row_shorter_than_a_frame_has_none() -> None:
    config = dovela.Wav2Vec2Config(**WAV2VEC2)
    assert [config.frames(samples) for samples in (0, 3, 39, 40)] == [0, 0, 0, 1]
    assert config.frames(torch.tensor([3, 40])).tolist() == config.frames(np.array([3, 40])).tolist() == [0, 1]


def test_pre_training_learns(small: Any) -> None:
    """The loss of telling masked frames apart falls, with choices made by the public helpers."""
    model = small("Wav2Vec2ForPreTraining", layerdrop=0.0, hidden_dropout=0.0).train()
    shape = (2, 44)
    chosen = dovela.compute_mask_indices(shape, 0.5, 3, min_masks=2)
    negatives = dovela.sample_negative_indices(shape, model.config.num_negatives, chosen)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    losses = []
    for _ in range(15):
        output = model(SOUND, mask_time_indices=chosen, sampled_negative_indices=negatives)
        assert torch.allclose(output.loss, output.contrastive_loss + 0.1 * output.diversity_loss)
        optimiser.zero_grad()
        output.loss.backward()
        optimiser.step()
        losses.append(output.loss.item())
    assert np.mean(losses[-3:]) < np.mean(losses[:3])


def test_any_attention_of_ones_own_sees_frames(small: Any) -> None:
    seen: list[Any] = []
    model = small("Wav2Vec2Model", output_attentions=True)
    model.layers[0].attention.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    output = model(SOUND, attention_mask=mask_of(900, 300))
    assert isinstance(seen[0], Padded)
    assert seen[0].mask.sum(1).tolist() == [44, 14]
    assert output.attentions[0].shape == (2, 4, 44, 44)
    assert not output.attentions[0][1, :, :, 14:].any()


def test_other_dtypes(small: Any) -> None:
    model = small("Wav2Vec2ForCTC")
    exact = model(SOUND).logits
    assert torch.equal(model(SOUND.double()).logits, exact)
    double = model.double()(SOUND).logits
    assert double.dtype == torch.float64
    assert (double - exact).abs().max() < 1e-5
    labels = characters([1], [2])
    half = model.to(torch.bfloat16)(SOUND, labels=labels)
    assert half.logits.dtype == torch.bfloat16
    assert half.loss.dtype == torch.float32


def test_fresh_weights(small: Any) -> None:
    model = small("Wav2Vec2ForPreTraining", initializer_range=0.3, hidden_size=96, conv_bias=True)
    body = model.backbone
    assert abs(body.layers[0].attention.q_proj.weight.std().item() - 0.3) < 0.05
    assert not body.layers[0].attention.q_proj.bias.any()
    conv = body.features[1].conv
    assert abs(conv.weight.std().item() - (2 / (24 * 3)) ** 0.5) < 0.03
    assert conv.bias.abs().max() <= (1 / (24 * 3)) ** 0.5
    norm = body.positions.direction.norm(dim=(0, 1), keepdim=True)
    assert torch.allclose(body.positions.magnitude, norm)
    assert abs(body.positions.direction.std().item() - 2 / (96 * 8) ** 0.5) < 0.01
    assert abs(model.quantizer.scores.weight.std().item() - 1) < 0.1
    assert model.quantizer.codevectors.min() >= 0
    assert model.quantizer.codevectors.max() <= 1


class TestLanguages:
    """Adapters that are exchanged for each language."""

    @pytest.fixture
    def folder(self, small: Any, tmp_path: Path) -> Path:
        from safetensors.torch import save_file

        model = small("Wav2Vec2ForCTC", adapter_attn_dim=6, **STABLE)
        model.save_pretrained(tmp_path)
        names = [name for name in model.state_dict() if ".adapter." in name or name.startswith("lm_head")]
        self.weights = {model.weight_names.write(name, headed=True): model.state_dict()[name] + 1 for name in names}
        save_file(self.weights, tmp_path / "adapter.fra.safetensors")
        return tmp_path

    def test_they_are_exchanged(self, folder: Path) -> None:
        model = dovela.Wav2Vec2ForCTC.from_pretrained(folder)
        before = model(SOUND).logits
        model.load_adapter("fra")
        assert torch.equal(model.lm_head.bias, self.weights["lm_head.bias"])
        assert not torch.allclose(model(SOUND).logits, before)
        model.init_adapter_layers()
        assert not model.lm_head.bias.any()

    def test_what_does_not_fit(self, folder: Path, small: Any) -> None:
        from safetensors.torch import save_file

        model = dovela.Wav2Vec2ForCTC.from_pretrained(folder)
        first = next(name for name in self.weights if name.endswith("linear_1.weight"))

        def save(changed: dict[str, Any]) -> None:
            save_file(
                {k: v for k, v in (self.weights | changed).items() if v is not None}, folder / "adapter.x.safetensors"
            )

        for changed, error, message in (
            ({"other": torch.ones(1)}, UnexpectedWeights, "1 tensors belong to no adapter, as 'other'"),
            ({first: None}, MissingWeights, "1 tensors of the adapters are missing, as 'backbone.layers"),
            ({first: torch.ones(5, 48)}, ShapeMismatch, r"is \[5, 48\] where the model has \[6, 48\]"),
            ({"lm_head.bias": torch.ones(9)}, CheckpointError, "of different numbers of characters"),
        ):
            save(changed)
            with pytest.raises(error, match=message):
                model.load_adapter("x")
        with pytest.raises(CheckpointError, match=r"has no file 'adapter.deu.safetensors'"):
            model.load_adapter("deu")
        with pytest.raises(InputError, match=r"has no language adapters. Build it with adapter_attn_dim"):
            small("Wav2Vec2ForCTC").load_adapter("fra")
        with pytest.raises(InputError, match=r"comes from no checkpoint. Open it with from_pretrained"):
            small("Wav2Vec2ForCTC", adapter_attn_dim=6, **STABLE).load_adapter("fra")
