"""What holds for every registered head, on an encoder whose parts are chosen by name; and what each computes.

The heads of images and of sound are the presets' to the bit (test_presets.py), which the peer decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import dovela
from architectures import inputs_for
from dovela import ConfigError, EncoderConfig
from dovela.parts import HEADS, MODELS
from dovela.torch import Attention, register_attention
from dovela.torch.model_classes import with_backbone
from parts import SOUND, config_for, near

TASKS = sorted(HEADS._builtin)
BASES = {
    "input_ids": ("text", "Encoder"),
    "pixel_values": ("images", "ImageEncoder"),
    "input_values": ("sound", "AudioEncoder"),
}
LABELS = {"id2label": {0: "red", 1: "green", 2: "blue"}}
# An architecture whose heads learn from the same inputs and labels.
LIKE = {"text": "Bert", "images": "ViT", "sound": "Wav2Vec2"}
NAMES = {
    "masked-lm": "ForMaskedLM",
    "causal-lm": "ForMaskedLM",
    "sequence-classification": "ForSequenceClassification",
    "token-classification": "ForTokenClassification",
    "question-answering": "ForQuestionAnswering",
    "multiple-choice": "ForMultipleChoice",
    "next-sentence-prediction": "ForNextSentencePrediction",
    "pre-training": "ForPreTraining",
    "image-classification": "ForImageClassification",
    "masked-image-modeling": "ForMaskedImageModeling",
    "ctc": "ForCTC",
    "audio-classification": "ForSequenceClassification",
    "audio-frame-classification": "ForAudioFrameClassification",
    "audio-xvector": "ForXVector",
}


def head_class(task: str) -> tuple[str, Any]:
    """What it reads, and the class of the head on the encoder."""
    head = HEADS.get(task)
    reads, name = BASES[head.main_input_name]
    registered = f"{name.lower().replace('encoder', '-encoder').lstrip('-')}/{task}"
    return reads, MODELS.get(registered) if registered in MODELS else with_backbone(
        head, getattr(dovela, f"{name}Model"), task
    )


def model_for(task: str, **words: Any) -> Any:
    reads, cls = head_class(task)
    words |= {"attention": "causal"} if task == "causal-lm" else {}
    words |= {"ctc_loss_reduction": "mean"} if reads == "sound" else {"vocab_size": 61} if reads == "text" else {}
    words |= {} if task == "question-answering" else LABELS
    torch.manual_seed(0)
    return cls(config_for(reads, **words)).eval()


def inputs(task: str) -> dict[str, Tensor]:
    given = inputs_for(LIKE[head_class(task)[0]] + NAMES[task])
    given.pop("token_type_ids", None)
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in given.items()}


def double(values: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: x.double() if x.is_floating_point() else x for name, x in values.items()}


@pytest.mark.parametrize("task", TASKS)
def test_saves_and_reloads_bit_equal_and_a_seed_decides(task: str, tmp_path: Path) -> None:
    model, given = model_for(task), inputs(task)
    one, two = model(**given), model_for(task)(**given)
    model.save_pretrained(tmp_path)
    three = type(model).from_pretrained(tmp_path)(**given)
    for key in one.keys():  # noqa: SIM118
        assert torch.equal(one[key], two[key]), key
        assert torch.equal(one[key], three[key]), key


@pytest.mark.slow  # the presets' heads, which are these, are compiled by the quick tests
@pytest.mark.parametrize("task", TASKS)
def test_compiles_as_one_graph(task: str) -> None:
    torch._dynamo.reset()
    model, given = model_for(task, num_hidden_layers=1), inputs(task)
    with torch.no_grad():
        one, two = model(**given), torch.compile(model, fullgraph=True, backend="eager")(**given)
    for key in one.keys():  # noqa: SIM118
        mask = given.get("attention_mask")
        if mask is not None and one[key].shape[:2] == mask.shape:
            assert near(two[key][mask == 1], one[key][mask == 1], 1e-4), key
        elif one[key].dim() < 3:
            assert near(two[key], one[key], 1e-4), key


SLOW = {"audio-classification", "audio-frame-classification", "audio-xvector"}


@pytest.mark.parametrize("task", [pytest.param(t, marks=[pytest.mark.slow] * (t in SLOW)) for t in TASKS if t != "ctc"])
def test_gradients_of_the_loss_are_those_of_finite_differences(task: str) -> None:
    model, given = model_for(task, num_hidden_layers=1).double(), double(inputs(task))
    if "input_ids" in given:  # the vector of padding gets no gradient, and answers look at padding too
        given["input_ids"] = given["input_ids"].clamp(min=1)
    weights = {key: p for key, p in model.named_parameters() if p.requires_grad}

    def loss(*values: Tensor) -> Tensor:
        return torch.func.functional_call(
            model, dict(zip(weights, values, strict=True)), (), given, tie_weights=True
        ).loss

    values = tuple(p.detach().clone().requires_grad_() for p in weights.values())
    assert torch.autograd.gradcheck(loss, values, fast_mode=True, atol=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_half_precision_is_near(task: str) -> None:
    model, given = model_for(task, num_hidden_layers=1, initializer_range=0.1), inputs(task)
    with torch.no_grad():
        full, half = model(**given).loss, model.bfloat16()(**given).loss
    if full is not None:
        assert abs(float(half) - float(full)) < 0.05 * abs(float(full))


# ---- formulas ----------------------------------------------------------------------------------------------------


def dense(layer: Any, x: Tensor) -> Tensor:
    return x @ layer.weight.T + (0 if layer.bias is None else layer.bias)


def masked_lm(model: Any, output: Any, given: Any) -> tuple[Tensor, Tensor]:
    head = model.masked_lm
    x = F.gelu(dense(head.transform, output.last_hidden_state))
    logits = F.layer_norm(x, (16,), head.norm.weight, head.norm.bias, 1e-12) @ model.backbone.embeddings.tokens.weight.T
    logits = logits + head.decoder.bias
    return logits, F.cross_entropy(logits.flatten(0, 1), given["labels"].flatten())


def causal_lm(model: Any, output: Any, given: Any) -> tuple[Tensor, Tensor]:
    logits = output.last_hidden_state @ model.backbone.embeddings.tokens.weight.T
    return logits, F.cross_entropy(logits[:, :-1].flatten(0, 1), given["labels"][:, 1:].flatten())


def sequences(model: Any, output: Any, given: Any) -> tuple[Tensor, Tensor]:
    logits = dense(model.classifier.out, output.pooler_output)
    return logits, F.cross_entropy(logits, given["labels"])


def tokens(model: Any, output: Any, given: Any) -> tuple[Tensor, Tensor]:
    logits = dense(model.classifier.out, output.last_hidden_state)
    return logits, F.cross_entropy(logits.flatten(0, 1), given["labels"].flatten())


def choices(model: Any, output: Any, given: Any) -> tuple[Tensor, Tensor]:
    logits = dense(model.classifier.out, output.pooler_output).view(5, 3)
    return logits, F.cross_entropy(logits, given["labels"])


def answers(model: Any, output: Any, given: Any) -> tuple[Tensor, Tensor]:
    start, end = dense(model.spans, output.last_hidden_state).unbind(-1)
    ends = given["end_positions"].clone()
    ends[ends >= 33] = -100  # answers that were cut away
    return start, (F.cross_entropy(start, given["start_positions"]) + F.cross_entropy(end, ends)) / 2


def follows(model: Any, output: Any, given: Any) -> tuple[Tensor, Tensor]:
    logits = dense(model.next_sentence, output.pooler_output)
    return logits, F.cross_entropy(logits, given["labels"])


def both(model: Any, output: Any, given: Any) -> tuple[Tensor, Tensor]:
    logits, loss = masked_lm(model, output, given)
    return logits, loss + F.cross_entropy(
        dense(model.next_sentence, output.pooler_output), given["next_sentence_label"]
    )


FORMULAS: dict[str, Any] = {
    "masked-lm": masked_lm,
    "causal-lm": causal_lm,
    "sequence-classification": sequences,
    "token-classification": tokens,
    "multiple-choice": choices,
    "question-answering": answers,
    "next-sentence-prediction": follows,
    "pre-training": both,
}
AS_PRESETS = {"image-classification", "masked-image-modeling", "ctc", "audio-classification"}
AS_PRESETS |= {"audio-frame-classification", "audio-xvector"}


def test_every_registered_head_has_a_reference() -> None:
    assert {*FORMULAS} | AS_PRESETS == {*TASKS}


@pytest.mark.parametrize("task", sorted(FORMULAS))
def test_a_head_is_what_its_formula_says(task: str) -> None:
    model, given = model_for(task), inputs(task)
    got = model(**given)
    read = {name: given[name].flatten(0, -2) for name in ("input_ids", "attention_mask")}
    with dovela.torch.layout.padded():
        output = model.backbone(**read)
    logits, loss = FORMULAS[task](model, output, given)
    assert near(got[next(key for key in got.keys() if "logits" in key)], logits, 1e-5)  # noqa: SIM118
    assert near(got.loss, loss, 1e-5)


def test_a_next_token_is_guessed_from_what_stands_before_it() -> None:
    model, given = model_for("causal-lm"), inputs("causal-lm")
    ids = given["input_ids"][:1]
    later = ids.clone()
    later[:, 20:] = later[:, 20:].flip(1) % 60 + 1
    with torch.no_grad():
        a, b = model(ids).logits, model(later).logits
    assert torch.equal(a[:, :20], b[:, :20])
    assert not near(a[:, 20:], b[:, 20:])


@pytest.mark.parametrize(("attention", "seen"), [("full", "Attention"), (["causal", "window"], "WindowAttention")])
def test_a_language_model_must_not_see_what_it_guesses(attention: Any, seen: str) -> None:
    config = config_for(attention=attention)
    with pytest.raises(ConfigError, match=rf"tokens would see those that they are to guess, by {seen}\. Configure att"):
        dovela.EncoderForCausalLM(config)
    assert dovela.EncoderForCausalLM(config_for(attention="causal-window", positions="alibi"))


def test_sound_is_pooled_as_configured() -> None:
    """A classifier of clips reads real frames alone, whatever pools them."""
    for pooler in ("mean", "max", "last", "attention"):
        model = dovela.AudioEncoderForSequenceClassification(config_for("sound", pooler=pooler)).eval()
        given = inputs("audio-classification")
        batch = model(**{name: given[name] for name in ("input_values", "attention_mask")}).logits
        for row in range(5):
            length = int(given["attention_mask"][row].sum())
            assert near(model(given["input_values"][row : row + 1, :length]).logits[0], batch[row]), (pooler, SOUND)


class Liar(Attention):
    causal = True


class Leaking(nn.Module):
    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__()

    def forward(self, x: Any, layout: Any, output_attentions: bool = False) -> Any:
        return x + x.mean(1, keepdim=True), None


class Honest(Attention):
    causal = True

    def allow(self, q_pos: Any, k_pos: Any) -> Any:
        return (k_pos <= q_pos) & ((q_pos - k_pos) % 2 == 0)


@pytest.mark.parametrize("kind", [Liar, Leaking])
def test_attention_that_sees_ahead_learns_no_next_token(kind: type) -> None:
    register_attention("seeing-in-tests")(kind)
    with pytest.raises(ConfigError, match=f"would see those that they are to guess, by {kind.__name__}"):
        dovela.EncoderForCausalLM(EncoderConfig(attention="seeing-in-tests", hidden_size=16, num_attention_heads=2))


def test_causal_attention_of_ones_own_pools_the_last_token() -> None:
    register_attention("honest-in-tests")(Honest)
    sizes: dict[str, Any] = {"hidden_size": 16, "num_attention_heads": 2, "vocab_size": 20, "num_hidden_layers": 1}
    dovela.EncoderForCausalLM(EncoderConfig(attention="honest-in-tests", **sizes))
    model = dovela.EncoderModel(EncoderConfig(attention="honest-in-tests", **sizes)).eval()
    output = model(torch.tensor([[3, 4, 5, 0]]), attention_mask=torch.tensor([[1, 1, 1, 0]]))
    assert torch.equal(output.pooler_output, output.last_hidden_state[:, 2])
    with pytest.raises(ConfigError, match="pooler 'dense' reads the first token, which has seen itself alone"):
        dovela.EncoderModel(EncoderConfig(attention="honest-in-tests", pooler="dense", **sizes))


def test_nothing_labelled_is_no_loss() -> None:
    sizes: dict[str, Any] = {"hidden_size": 16, "num_attention_heads": 2, "vocab_size": 20, "num_hidden_layers": 1}
    model = dovela.EncoderForMaskedLM(EncoderConfig(**sizes))
    loss = model(torch.ones(1, 4, dtype=torch.long), labels=torch.full((1, 4), -100)).loss
    loss.backward()
    assert loss == 0
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
