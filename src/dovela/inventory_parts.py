"""The parts that a configuration names, as layers: embeddings, blocks, poolers, and the heads of text models.

A name that somebody registered cannot be told from a configuration; it is counted as the usual part in its place, and
`guesses` says so.

Letters: S tokens of a sequence, D hidden size, F intermediate size, H heads, V vocabulary, E experts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from .encoder_rules import each_layer
from .errors import ConfigError
from .inventory_layers import Part, Shape, embedding, every_pair, linear, norm

_WORDS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)
_KNOWN = {  # word -> what is known of it; the first is what anything else is counted as
    "attention": ("full", "causal", "window", "causal-window", "grouped-query", "linear"),
    "norm": ("layer", "rms"),
    "norm_order": ("post", "pre", "parallel"),
    "positions": ("none", "learned", "sinusoidal", "rotary", "alibi", "convolutional"),
    "feed_forward": ("mlp", "glu", "swiglu", "geglu", "moe"),
    "expert": ("mlp", "glu", "swiglu", "geglu"),
    "pooler": ("first", "last", "mean", "max", "attention", "dense"),
}
GATED = ("glu", "swiglu", "geglu")


def _word(config: Any, word: str) -> Any:
    return getattr(config, word, None) or ("learned" if word == "positions" else _KNOWN[word][0])


def _layers(config: Any, word: str) -> list[str]:
    return each_layer(_word(config, word), config.num_hidden_layers)


def guesses(config: Any) -> list[str]:
    """What is counted as something else, since only the code of the part could tell."""
    found = []
    for word, known in _KNOWN.items():
        if word == "expert" and "moe" not in _layers(config, "feed_forward"):
            continue
        names = _layers(config, word) if word in ("attention", "feed_forward") else [_word(config, word)]
        found += [
            f"{word.replace('_', '-')} of the kind {name!r} is counted as {known[0]!r}"
            for name in dict.fromkeys(names)
            if name not in known
        ]
    return found


# ---- attention -------------------------------------------------------------------------------------------------------


def _pairs(kind: str, window: int) -> Callable[[int], int]:
    """How many pairs of tokens may attend: a kernel that skips the others computes no more."""

    def both_ways(tokens: int) -> int:
        near = min(window, tokens - 1)
        return tokens + near * (2 * tokens - near - 1)

    def backwards(tokens: int) -> int:
        return (both_ways(tokens) + tokens) // 2

    if kind == "window":
        return both_ways
    if kind == "causal-window":
        return backwards
    return (lambda tokens: tokens * (tokens + 1) // 2) if kind == "causal" else every_pair


def attention(config: Any, layer: int) -> Iterator[Part]:
    """Projections, and what is computed between tokens, with the heads that are left."""
    name, width, kind = f"layers.{layer}.attention", config.hidden_size, _layers(config, "attention")[layer]
    heads, head = config.num_attention_heads, config.hidden_size // config.num_attention_heads
    shared = getattr(config, "num_key_value_heads", None) or heads
    attended = head * (heads - len(set(config.pruned_heads.get(layer, ()))))
    bias, inner = getattr(config, "qkv_bias", True), attended * shared // heads
    yield linear(f"{name}.q_proj", width, attended, bias=bias)
    yield linear(f"{name}.k_proj", width, inner, bias=bias)
    yield linear(f"{name}.v_proj", width, inner, bias=bias)
    if kind == "linear":  # keys by values, summed; queries by that; queries by the sum of keys
        yield Part(f"{name}.kernel", per_token=attended * (2 * head + 1), kept=9 * attended)
    else:  # queries by keys, weights by values
        pairs = _pairs(kind, getattr(config, "window", 0))
        turned = attended + inner if _word(config, "positions") == "rotary" else 0
        copied = 2 * (attended - inner)
        yield Part(f"{name}.kernel", per_pair=2 * attended, pairs=pairs, kept=attended + turned + copied)
    yield linear(f"{name}.o_proj", attended, width)


# ---- feed-forward ----------------------------------------------------------------------------------------------------


def feed_forward(name: str, width: int, inner: int, kind: str) -> Iterator[Part]:
    """A plain one, or a gated one, whose gate is a third matrix."""
    yield linear(f"{name}.up_proj", width, inner, activated=True)
    if kind in GATED:
        yield linear(f"{name}.gate_proj", width, inner, activated=True)
    yield linear(f"{name}.down_proj", inner, width)


def experts(name: str, config: Any) -> Iterator[Part]:
    """A router and all experts; a token pays for those that it asks."""
    width, asked = config.hidden_size, config.experts_per_token
    one = list(feed_forward("", width, config.intermediate_size, _word(config, "expert")))
    tensors: dict[str, Shape] = {
        f"{e}{part.name}.{leaf}": shape
        for e in range(config.num_experts)
        for part in one
        for leaf, shape in part.tensors.items()
    }
    yield linear(f"{name}.router", width, config.num_experts, bias=False)
    products, kept = sum(part.per_token for part in one), sum(part.kept for part in one)
    yield Part(f"{name}.experts", tensors, per_token=asked * products, kept=asked * (kept + width))


def active_parameters(config: Any) -> str:
    """A note on how many parameters of the experts a token meets; empty where there are none."""
    layers = _layers(config, "feed_forward").count("moe")
    if not layers:
        return ""
    one = feed_forward("", config.hidden_size, config.intermediate_size, _word(config, "expert"))
    spared = (config.num_experts - config.experts_per_token) * layers * sum(part.parameters for part in one)
    asked = f"{config.experts_per_token} of {config.num_experts} experts"
    return f"{asked} work on a token, so {spared:,} of the parameters lie idle for it"


# ---- blocks ----------------------------------------------------------------------------------------------------------


def blocks(config: Any) -> list[Part]:
    """The stack, from the common words."""
    stack: list[Part] = []
    width, kind, looks = config.hidden_size, _word(config, "norm"), _layers(config, "attention")
    for layer, inside in enumerate(_layers(config, "feed_forward")):
        name = f"layers.{layer}"
        parts = [*attention(config, layer), norm(f"{name}.attention_norm", width, kind)]
        if inside == "moe":
            parts += experts(f"{name}.mlp", config)
        else:
            parts += feed_forward(f"{name}.mlp", width, config.intermediate_size, inside)
        if _word(config, "norm_order") != "parallel":
            parts.append(norm(f"{name}.mlp_norm", width, kind))
        kinds = (("attention", f"attention {looks[layer]!r}"), ("mlp", f"feed-forward {inside!r}"))
        stack += [replace(part, kinds=kinds) for part in parts]
    return stack


def last_norm(config: Any) -> list[Part]:
    """The norm after the stack, where each block has its norms before its parts."""
    before = _word(config, "norm_order") in ("pre", "parallel")
    return [norm("norm", config.hidden_size, _word(config, "norm"))] if before else []


def pooler(config: Any) -> list[Part]:
    """What makes one vector of a sequence, where that has weights."""
    width, name = config.hidden_size, _word(config, "pooler")
    if name == "dense":
        return [linear("pooler.dense", width, getattr(config, "pooler_output_size", None) or width, once=True)]
    if name == "attention":
        return [Part("pooler", {"query": (width,)}, per_token=width)]  # the mean of the states
    return []


# ---- the text encoder and its heads ----------------------------------------------------------------------------------


def text_encoder(config: Any) -> list[Part]:
    """Embeddings and blocks, from the common words."""
    if missing := [word for word in _WORDS if not hasattr(config, word)]:
        raise ConfigError(
            type(config).__name__,
            f"has no {', '.join(missing)}, so the parts of its models cannot be told",
            hint=f"Describe them: dovela.inventory.PARTS.register({config.model_type!r}, function).",
        )
    width = config.hidden_size
    parts = [
        embedding("embeddings.tokens", config.vocab_size, width),
        *position_table("embeddings.positions", config),
        embedding("embeddings.token_types", config.type_vocab_size, width),
        norm("embeddings.norm", width, _word(config, "norm")),
        *blocks(config),
        *last_norm(config),
    ]
    return [part for part in parts if part.parameters or not part.tensors]  # there may be no token types


def position_table(name: str, config: Any) -> list[Part]:
    """A vector for each place, where the scheme has a table."""
    kind = _word(config, "positions")
    fixed = kind == "sinusoidal"
    rows = config.max_position_embeddings if fixed or kind == "learned" else 0
    return [embedding(name, rows, config.hidden_size, frozen=fixed)] if rows else []


def _tied(part: Part, config: Any) -> Part:
    """With the matrix of the token embeddings, if the configuration says so."""
    if not config.tie_word_embeddings:
        return part
    tied = {"weight": "embeddings.tokens.weight"}
    return Part(part.name, part.tensors, part.per_token, tied=tied, kept=part.kept)


def masked_lm(config: Any) -> list[Part]:
    width = config.hidden_size
    return [
        linear("masked_lm.transform", width, width, activated=True),
        norm("masked_lm.norm", width),
        _tied(linear("masked_lm.decoder", width, config.vocab_size), config),
    ]


def causal_lm(config: Any) -> list[Part]:
    return [_tied(linear("causal_lm", config.hidden_size, config.vocab_size, bias=False), config)]


def classifier(config: Any, labels: int, *, once: bool = True, hidden: bool = False) -> list[Part]:
    """For whole sequences, or for every token without `once`; `hidden` puts a layer of the model's width in between."""
    first = [linear("classifier.hidden", config.hidden_size, config.hidden_size, once=once)] if hidden else []
    return [*first, linear("classifier.out", config.hidden_size, labels, once=once)]


def spans(config: Any) -> list[Part]:
    return [linear("spans", config.hidden_size, 2)]


def following(config: Any) -> list[Part]:
    return [linear("next_sentence", config.hidden_size, 2, once=True)]


def text_encoder_with_heads(config: Any) -> dict[str, list[Part]]:
    """Head (the words after "For" in a class's name; empty: none) -> all parts.

    The pooler is there where a head reads the sequence as one vector.
    """
    hidden = getattr(config, "classifier_hidden", False)
    encoder = text_encoder(config)
    pooled = [*encoder, *pooler(config)]
    return {
        "": pooled,
        "MaskedLM": encoder + masked_lm(config),
        "CausalLM": encoder + causal_lm(config),
        "PreTraining": pooled + masked_lm(config) + following(config),
        "NextSentencePrediction": pooled + following(config),
        "SequenceClassification": pooled + classifier(config, config.num_labels, hidden=hidden),
        "TokenClassification": encoder + classifier(config, config.num_labels, once=False),
        "MultipleChoice": pooled + classifier(config, 1, hidden=hidden),
        "QuestionAnswering": encoder + spans(config),
    }


def patch_positions(config: Any, patches: int) -> list[Part]:
    """A vector for each patch and for the class token, where the scheme is a table."""
    kind = _word(config, "positions")
    if kind not in ("learned", "sinusoidal"):
        return []
    shape = (1, 1 + patches, config.hidden_size)
    return [Part("embeddings.positions", {"": shape}, frozen=kind == "sinusoidal")]
