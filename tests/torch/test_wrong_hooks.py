"""What a part of one's own returns is checked where it comes back: the error names the class and what was expected."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dovela import AudioEncoderModel, EncoderConfig, EncoderModel, InputError, RegistryError, SequenceClassifierOutput
from dovela.torch import (
    MLP,
    AddedPositions,
    Attention,
    AttentionPositions,
    Block,
    LabelledModel,
    LearnedPositions,
    SequenceClassification,
    class_loss,
    register_activation,
    register_feed_forward,
    register_kernel,
    register_norm,
    register_positions,
    sequence_loss,
)
from parts import REGISTER, config_for, inputs_for, model_with, text_batch


def returning(base: Any, hook: str, value: Any, **members: Any) -> Any:
    """A class whose hook returns `value(self, *arguments)`."""
    return type("Wrong", (base,), {hook: lambda self, *arguments, **options: value(*arguments), **members})


class Plain(nn.Module):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__()


def first(x: Tensor, *rest: Any) -> Tensor:
    return x


X, TABLE = (
    r"\[5, 33, 16\] of torch\.float32, as it was given",
    r"a boolean tensor \(queries, keys\), here \[33, 33\], or None",
)
SCORES = r"a floating tensor \(heads, queries, keys\), here \[4, 33, 33\], or None"
WRONG: list[tuple[str, str, Any, str]] = [
    (
        "attention",
        "allow",
        lambda q, k: (q - k).float(),
        rf"Wrong\.allow: expected {TABLE}, got \[33, 33\] of torch.float32",
    ),
    (
        "attention",
        "allow",
        lambda q, k: (q - k)[1:] > 0,
        rf"Wrong\.allow: expected {TABLE}, got \[32, 33\] of torch.bool",
    ),
    (
        "attention",
        "allow",
        lambda q, k: (q - k > 0).expand(3, -1, -1),
        rf"Wrong\.allow: expected {TABLE}, got \[3, 33, 33\]",
    ),
    ("attention", "allow", lambda q, k: True, rf"Wrong\.allow: expected {TABLE}, got bool"),
    ("attention", "forward", first, r"Wrong\.forward: expected \(output, weights or None\), got \[5, 33, 16\]"),
    ("attention", "forward", lambda x, *_: (x[0], None), rf"Wrong\.forward: expected {X}, got \[33, 16\]"),
    (
        "attention",
        "forward",
        lambda x, *_: (x.double(), None),
        rf"Wrong\.forward: expected {X}, got .* of torch\.float64",
    ),
    ("feed_forward", "forward", lambda x: x[..., :8], rf"Wrong\.forward: expected {X}, got \[5, 33, 8\]"),
    ("feed_forward", "forward", lambda x: x[..., :1], rf"Wrong\.forward: expected {X}, got \[5, 33, 1\]"),
    ("feed_forward", "forward", lambda x: None, rf"Wrong\.forward: expected {X}, got NoneType"),
    ("norm", "forward", lambda x: x.mean(-1, keepdim=True), rf"Wrong\.forward: expected {X}, got \[5, 33, 1\]"),
    ("norm", "forward", lambda x: x.double(), rf"Wrong\.forward: expected {X}, got \[5, 33, 16\] of torch.float64"),
    ("norm_order", "forward", first, r"Wrong\.forward: expected \(output, weights or None\), got \[5, 33, 16\]"),
    ("norm_order", "forward", lambda x, *_: (x[:, 1:], None), rf"Wrong\.forward: expected {X}, got \[5, 32, 16\]"),
    (
        "pooler",
        "forward",
        first,
        r"Wrong\.forward: expected one vector for each of 5 sequences, \(batch, width\), here \[5, 16\], got \[5, 33",
    ),
    ("pooler", "forward", lambda x, mask: x[0], r"Wrong\.forward: expected one vector for each of 5 sequences"),
    ("pooler", "forward", lambda x, mask: x.sum(2), r"here \[5, 16\], got \[5, 33\] .* says so .*: self\.width = …"),
    ("pooler", "forward", lambda x, mask: mask, r"Wrong\.forward: expected one vector .* got \[5, 33\] of torch.bool"),
]
BASES = {"attention": Attention, "norm_order": Block}


@pytest.mark.parametrize(("word", "hook", "value", "message"), WRONG)
def test_what_a_hook_returns_is_checked(word: str, hook: str, value: Any, message: str) -> None:
    model = model_with(word, returning(BASES.get(word, Plain), hook, value))
    ids, mask = text_batch()
    with pytest.raises(InputError, match=message):
        model(ids, mask if hook == "forward" else None)


@pytest.mark.parametrize(
    ("base", "hook", "value", "message"),
    [
        (
            AttentionPositions,
            "turn",
            lambda x, places: x[..., :2],
            r"Wrong\.turn: expected \[\d+, 4, 4\].*, got \[\d+, 4, 2\]",
        ),
        (AttentionPositions, "turn", lambda x, places: x.double(), r"Wrong\.turn: .*got .* of torch\.float64"),
        (
            AttentionPositions,
            "bias",
            lambda q, k: q - k,
            rf"Wrong\.bias: expected {SCORES}, got \[1, 1, 33, 33\] of torch.int64",
        ),
        (AttentionPositions, "bias", lambda q, k: q.float(), r""),
        (
            AttentionPositions,
            "bias",
            lambda q, k: (q - k)[..., 1:].float(),
            rf"Wrong\.bias: expected {SCORES}, got \[1, 1, 33, 32\]",
        ),
        (
            AttentionPositions,
            "bias",
            lambda q, k: torch.zeros(3, 33, 33),
            rf"Wrong\.bias: expected {SCORES}, got \[3, 33, 33\]",
        ),
        (
            AddedPositions,
            "added",
            lambda x, ids: x[:, 1:],
            r"Wrong\.added: expected what can be added to \[5, 33, 16\].*got \[5, 32",
        ),
        (
            AddedPositions,
            "added",
            lambda x, ids: x.double(),
            r"Wrong\.added: .* of torch\.float32, got .* of torch\.float64",
        ),
        (AddedPositions, "added", lambda x, ids: None, r"Wrong\.added: .*, got NoneType"),
        (AddedPositions, "added", lambda x, ids: x[None], r"Wrong\.added: .*, got \[1, 5, 33, 16\]"),
    ],
)
def test_what_positions_return_is_checked(base: Any, hook: str, value: Any, message: str) -> None:
    REGISTER["positions"]("mine")(returning(base, hook, value))
    model = EncoderModel(config_for(positions="mine"))
    ids, mask = text_batch()
    if not message:  # what broadcasts is taken
        model(ids, mask)
        return
    with pytest.raises(InputError, match=message):
        model(ids, mask if hook == "turn" else None)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda q, v: v, r"narrow: expected \(output, weights or None\), got \[2, 4, 7, 4\]"),
        (
            lambda q, v: (v[:, :1], None),
            r"narrow: expected \[2, 4, 7, 4\] of torch.float32, as it was given, got \[2, 1, 7, 4\]",
        ),
        (lambda q, v: (v.double(), None), r"narrow: expected .* got .* of torch\.float64"),
    ],
)
def test_what_a_kernel_returns_is_checked(value: Any, message: str) -> None:
    def narrow(q: Tensor, k: Tensor, v: Tensor, allow: Any, **options: Any) -> Any:
        return value(q, v)

    with pytest.raises(InputError, match=message):
        model_with("attn_implementation", narrow)(text_batch()[0][:2, :7])


def test_an_expert_that_narrows_is_found() -> None:
    wrong = returning(MLP, "forward", lambda x: x[:, :1], packs=True)
    REGISTER["feed_forward"]("mine")(wrong)
    model = EncoderModel(config_for(feed_forward="moe", expert="mine"))
    with pytest.raises(
        InputError, match=r"Wrong\.forward: expected \[\d+, 16\] of torch\.float32, as it was given, got \[\d+, 1\]"
    ):
        model(text_batch()[0])


@pytest.mark.parametrize("orders", ["post", "pre", "parallel"])
def test_a_norm_is_checked_in_every_order(orders: str) -> None:
    class Half(nn.LayerNorm):
        calls = 0

        def __init__(self, width: int, eps: float) -> None:
            super().__init__(width, eps)

        def forward(self, x: Tensor) -> Tensor:
            Half.calls += 1
            return super().forward(x)[..., : 8 if Half.calls == self.bad else 16]

    for place in (1, 2, 3, 4):
        Half.bad, Half.calls = place, 0
        with pytest.raises(InputError, match=r"Half\.forward: expected .*, got \[5, 33, 8\]"):
            model_with("norm", Half, norm_order=orders, num_hidden_layers=2)(text_batch()[0])


def test_a_block_without_a_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Bare must define forward"):
        model_with("norm_order", type("Bare", (Block,), {}))(text_batch()[0])


def test_scores_and_losses_of_a_head_are_checked() -> None:
    class Head(SequenceClassification, backbone=EncoderModel, task="wrong-in-tests"):
        result: Any = None

        def scores(self, output: Any) -> Any:
            return self.result

    model = Head(config_for(num_labels=3))
    ids = text_batch()[0]
    for result, got in ((None, "NoneType"), (torch.ones(5, 3, dtype=torch.long), r"\[5, 3\] of torch.int64")):
        model.result = result
        with pytest.raises(InputError, match=rf"Head\.scores: expected logits .*, got {got}"):
            model(ids)


def test_the_logits_of_a_head_have_a_row_for_each_input_and_a_number_for_each_label() -> None:
    class Rows(LabelledModel, backbone=EncoderModel, task="rows-in-tests"):
        output_class = SequenceClassifierOutput

        def forward(self, input_ids: Any, attention_mask: Any = None) -> Any:
            return self.answer(None, input_ids=input_ids, attention_mask=attention_mask)

        def scores(self, output: Any) -> Any:
            return output.last_hidden_state[0, :, :2]

    class Wide(SequenceClassification, backbone=EncoderModel, task="wide-in-tests"):
        made: Any = None

        def make_head(self, config: Any, labels: int) -> Any:
            return self.made

    ids = text_batch()[0]
    with pytest.raises(
        InputError, match=r"Rows\.scores: expected logits for 5 inputs, \(5, …\), got \[33, 2\] of torch\.float32"
    ):
        Rows(config_for())(ids)
    Wide.made = nn.Linear(16, 5)
    with pytest.raises(
        InputError, match=r"Wide\.make_head: expected 3 scores in the last axis, \(…, 3\), got \[5, 5\] .*num_labels"
    ):
        Wide(config_for(num_labels=3))(ids)
    Wide.classes = lambda self, config: 5  # type: ignore[method-assign]
    assert Wide(config_for(num_labels=3))(ids).logits.shape == (5, 5)
    Wide.made = staticmethod(lambda x: x)
    with pytest.raises(InputError, match=r"Wide\.make_head: expected a torch module, got function"):
        Wide(config_for(num_labels=3))


def test_losses_call_labels_as_the_caller_does() -> None:
    logits = torch.zeros(2, 3)
    with pytest.raises(InputError, match=r"topics: .* is outside 0 … 2"):
        class_loss(logits, torch.tensor([0, 3]), name="topics")
    with pytest.raises(InputError, match=r"stars: expected the shape \[2, 3\] for regression, got \[2\]"):
        sequence_loss(logits, torch.zeros(2), "regression", name="stars")
    with pytest.raises(InputError, match=r"problem_type: expected None or one of .*; did you mean 'regression'\?, got"):
        sequence_loss(logits, torch.zeros(2), "regresion")
    stars = torch.tensor([1.0, 3.0])
    assert sequence_loss(torch.zeros(2, 1), stars, "regression").item() == 5.0  # the mean of 1 and 9


def test_a_pooler_of_another_width_says_so_and_ready_made_classifiers_refuse_it() -> None:
    class Both(Plain):
        def __init__(self, config: Any) -> None:
            super().__init__()
            self.width = 2 * config.hidden_size

        def forward(self, x: Tensor, mask: Any = None) -> Tensor:
            return torch.cat([x[:, 0], x.mean(1)], -1)

    model = model_with("pooler", Both)
    ids = text_batch()[0]
    assert model(ids).pooler_output.shape == (5, 32)
    with pytest.raises(InputError, match=r"ClassifierHead: expected \(…, 16\), as hidden_size says, got \[5, 32\]"):
        model.with_head("sequence-classification")(ids)


def test_learned_positions_end_where_they_end() -> None:
    register_positions("mine")(type("Table", (LearnedPositions,), {}))
    model = EncoderModel(config_for(positions="mine", max_position_embeddings=8))
    with pytest.raises(InputError, match="sequences of 33 tokens, and the model has 8 positions"):
        model(text_batch()[0])


def test_sound_ends_where_its_table_does() -> None:
    model = AudioEncoderModel(config_for("sound", positions="learned", max_position_embeddings=8))
    with pytest.raises(InputError, match=r"max_position_embeddings: is 8, and a sequence has 49 places\. Give shorter"):
        model(**inputs_for("sound"))


SMALL: dict[str, Any] = {
    "vocab_size": 20,
    "hidden_size": 16,
    "num_attention_heads": 4,
    "num_hidden_layers": 1,
    "intermediate_size": 24,
}


class NoConfig(nn.Module):
    def __init__(self) -> None:
        super().__init__()


class NoEpsilon(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()


class Failing(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        len(3)  # type: ignore[arg-type]  # a mistake of its own


def test_a_part_that_cannot_be_made_as_parts_are() -> None:
    register_feed_forward("without-config")(NoConfig)
    with pytest.raises(
        RegistryError, match=r"feed-forward 'without-config': NoConfig is to be made from \(config\), and"
    ):
        EncoderModel(EncoderConfig(feed_forward="without-config"))
    register_norm("without-epsilon")(NoEpsilon)
    with pytest.raises(
        RegistryError, match=r"NoEpsilon is to be made from \(width, eps=…\), and that does not fit: .*eps"
    ):
        EncoderModel(EncoderConfig(norm="without-epsilon"))
    register_feed_forward("failing")(Failing)
    with pytest.raises(TypeError, match="has no len"):  # as it is, with the line that it came from
        EncoderModel(EncoderConfig(feed_forward="failing"))
    with pytest.raises(
        RegistryError, match=r"norm 'a-function': expected a class, to be made from \(width, eps=…\), got"
    ):
        register_norm("a-function")(torch.relu)


def test_an_activation_that_changes_the_shape() -> None:
    @register_activation("halving")
    def halving(x: Tensor) -> Tensor:
        return x.chunk(2, -1)[0]

    model = EncoderModel(EncoderConfig(activation="halving", **SMALL))
    with pytest.raises(
        InputError, match=r"halving: expected \[1, 4, \d+\] of torch.float32, as it was given, got \[1, 4,"
    ):
        model(torch.ones(1, 4, dtype=torch.long))


def test_a_kernel_without_a_bias_under_positions_that_need_one() -> None:
    @register_kernel("unbiased")
    def unbiased(q: Tensor, k: Tensor, v: Tensor, allow: Any, *, scale: float, dropout: float) -> Any:
        return v, None

    model = EncoderModel(EncoderConfig(positions="alibi", **SMALL))
    model.set_attn_implementation("unbiased")
    with pytest.raises(
        InputError, match="attention kernel unbiased: takes no `bias`, and the positions of this model add"
    ):
        model(torch.ones(1, 4, dtype=torch.long))
