"""Which parts go together: every combination of names is accepted, or refused with the sentence that says why."""

from __future__ import annotations

from typing import Any

import pytest

from combinations import CHOICES, Words, product, senseless
from dovela import AudioEncoderConfig, ConfigError, EncoderConfig, ImageEncoderConfig
from dovela.parts import ATTENTIONS, BLOCKS, FEED_FORWARDS, NORMS, POOLERS, POSITIONS
from parts import config_for


def problems(reads: str, words: Words) -> tuple[str, ...]:
    try:
        config_for(reads, **words)
    except ConfigError as error:
        return error.problems
    return ()


def tally(reads: str, **less: list[Any]) -> list[int]:
    """How many combinations are accepted and refused; each refusal has exactly the reasons that there are."""
    counts = [0, 0]
    for words in product(**less):
        expected, got = senseless(reads, words), problems(reads, words)
        counts[bool(got)] += 1
        assert len(got) >= len(expected), words
        assert all(any(phrase in problem for problem in got) for phrase in expected), (words, got)
        assert all(any(phrase in problem for phrase in expected) for problem in got), (words, got)
    return counts


def test_every_part_is_among_the_combinations() -> None:
    registries = {"attention": ATTENTIONS, "positions": POSITIONS, "norm": NORMS, "norm_order": BLOCKS}
    for word, registry in {**registries, "feed_forward": FEED_FORWARDS, "pooler": POOLERS}.items():
        singles = {choice for choice in CHOICES[word] if isinstance(choice, str)}
        assert singles == {*registry._builtin}


@pytest.mark.parametrize(
    ("reads", "accepted", "refused"), [("text", 736, 398), ("images", 266, 868), ("sound", 900, 234)]
)
def test_combinations_that_rules_ask_about(reads: str, accepted: int, refused: int) -> None:
    """Of attention kinds, positions, poolers and shared heads; norms, orders and feed-forwards go with everything."""
    assert tally(reads, norm=["layer"], norm_order=["post"], feed_forward=["mlp"]) == [accepted, refused]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reads", "accepted", "refused"), [("text", 26496, 14328), ("images", 9576, 31248), ("sound", 32400, 8424)]
)
def test_all_combinations(reads: str, accepted: int, refused: int) -> None:
    """40,824 for each kind of input."""
    assert tally(reads) == [accepted, refused]


REFUSED = [
    (
        "text",
        {"attention": "linear", "positions": "rotary"},
        "positions 'rotary' act on the score of each pair of tokens, and attention 'linear' never has them; give it "
        "'learned', 'sinusoidal' or 'none'",
    ),
    (
        "text",
        {"attention": "grouped-query", "num_key_value_heads": 4},
        "attention 'grouped-query' needs a num_key_value_heads below num_attention_heads (4)",
    ),
    (
        "text",
        {"num_key_value_heads": 3},
        "num_attention_heads (4) is no multiple of num_key_value_heads (3)",
    ),
    (
        "text",
        {"num_key_value_heads": 8},
        "num_attention_heads (4) is no multiple of num_key_value_heads (8)",
    ),
    (
        "text",
        {"attention": ["causal", "causal-window"], "pooler": "dense"},
        "pooler 'dense' reads the first token, and with causal attention that has seen itself alone; choose 'last', "
        "'mean', 'max' or 'attention'",
    ),
    (
        "text",
        {"positions": "convolutional"},
        "positions 'convolutional' are for frames of sound, and this encoder reads text",
    ),
    (
        "text",
        {"positions": "rotary", "hidden_size": 12},
        "positions 'rotary' turn pairs of numbers along 1 axis, and a head has 3 numbers",
    ),
    (
        "images",
        {"positions": "rotary", "hidden_size": 24},
        "positions 'rotary' turn pairs of numbers along 2 axes, and a head has 6 numbers",
    ),
    (
        "images",
        {"positions": "alibi"},
        "positions 'alibi' measure a distance along one line, and an image has rows and columns",
    ),
    (
        "images",
        {"attention": "window"},
        "attention 'window' counts places along one line, and an image has rows and columns",
    ),
    (
        "text",
        {"attention": ["full", "window", "full"]},
        "attention names 3 layers in a pattern, and there are 2",
    ),
    ("text", {"feed_forward": []}, "feed_forward names 0 layers in a pattern, and there are 2"),
    (
        "text",
        {"feed_forward": "moe", "experts_per_token": 9},
        "experts_per_token (9) is more than num_experts (8)",
    ),
    (
        "text",
        {"feed_forward": ["mlp", "moe"], "expert": "moe"},
        "expert 'moe' would be made of experts itself; name another feed-forward",
    ),
    (
        "text",
        {"num_key_value_heads": 2, "pruned_heads": {0: [1]}},
        "pruned_heads cuts heads that share keys and values (num_key_value_heads 2)",
    ),
    (
        "sound",
        {"do_stable_layer_norm": True},
        'do_stable_layer_norm is said by norm_order here: leave it out, and choose norm_order="pre"',
    ),
    (
        "sound",
        {"adapter_attn_dim": 4, "norm_order": "parallel"},
        'adapter_attn_dim has adapters in layers of norm_order="pre" only',
    ),
]


@pytest.mark.parametrize(("reads", "words", "sentence"), REFUSED)
def test_a_refusal_is_one_sentence(reads: str, words: Words, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config_for(reads, **words)
    assert caught.value.problems == (sentence,)
    assert str(caught.value) == f"{type(config_for(reads)).__name__}: {sentence}"


@pytest.mark.parametrize("word", ["attention", "positions", "norm", "norm_order", "feed_forward", "expert", "pooler"])
@pytest.mark.parametrize("cls", [EncoderConfig, ImageEncoderConfig, AudioEncoderConfig])
def test_an_unknown_name_is_told_with_those_there_are(cls: Any, word: str) -> None:
    with pytest.raises(ConfigError, match=rf"{cls.__name__}\.{word}: 'smth' is not a registered "):
        cls(**{word: "smth"})


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ({"attention": "windw"}, "window"),
        ({"attention": ["full", "casual"]}, "causal"),
        ({"positions": "rotray"}, "rotary"),
        ({"feed_forward": "swigloo"}, "swiglu"),
        ({"norm": "rmsn"}, "rms"),
        ({"norm_order": "parralel"}, "parallel"),
        ({"pooler": "maen"}, "mean"),
        ({"activation": "gelou"}, "gelu"),
    ],
)
def test_a_misspelt_name_has_a_suggestion(words: Words, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"did you mean '{meant}'"):
        EncoderConfig(**words)


@pytest.mark.parametrize("words", [{"window": 0}, {"rope_theta": 0.0}, {"num_experts": 0}, {"router_balance": -1.0}])
def test_numbers_of_the_parts_have_ranges(words: Words) -> None:
    with pytest.raises(ConfigError, match=next(iter(words))):
        EncoderConfig(**words)
