"""What a model is made of, told from its configuration alone: parts, shapes, parameters, operations. No framework.

    inventory(BertConfig()).parameters          # 109482240
    inventory(BertConfig(), "BertForMaskedLM")  # with that head
    inventory(ViTConfig()).flops()              # operations for an image

Operations are those of matrix products, two for each multiply-add (a product of (m, k) and (k, n) takes 2·m·k·n);
look-ups, norms, activations, softmax and biases are left out, as profilers do.

An input has a length in units that its kind decides (`Measure`): tokens of a text, seconds of sound, one image.

Letters: S tokens of a sequence, D hidden size, F intermediate size, H heads, V vocabulary.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .config import BUILTIN, PretrainedConfig
from .errors import ConfigError
from .registry import Registry

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """A layer: its tensors, and its multiply-adds for each token, each pair of tokens and each sequence."""

    name: str
    "Its canonical name, as `layers.0.attention.q_proj`."
    tensors: Mapping[str, Shape] = field(default_factory=dict)
    "By the last word of their names; nothing where the part is itself a tensor."
    per_token: int = 0
    per_pair: int = 0
    per_sequence: int = 0
    tied: Mapping[str, str] = field(default_factory=dict)
    "Tensors that are another part's, and whose: they are counted there."
    tokens: Callable[[int], int] = int
    "How many tokens the part works on, of an input of a length; for a text they are the same."

    @property
    def parameters(self) -> int:
        return sum(math.prod(shape) for name, shape in self.tensors.items() if name not in self.tied)

    def flops(self, length: int, batch: int = 1) -> int:
        """Operations of one forward pass over `batch` inputs of a length, in units of their `Measure`."""
        tokens = self.tokens(length)
        return 2 * batch * (self.per_token * tokens + self.per_pair * tokens**2 + self.per_sequence)


@dataclass(frozen=True)
class Measure:
    """What the length of an input is counted in."""

    unit: str = "token"
    "In the singular."
    usual: int = 128
    "A length to tell figures for."
    longest: int | None = None
    "None: any."
    of: str = ""
    'What an input is, where its length alone does not say, as "224 × 224 pixels".'


@dataclass(frozen=True)
class Inventory:
    """All parts of a model, in the order in which they are used."""

    model_type: str
    architecture: str
    "The model class that is described; empty: the model without a head."
    parts: tuple[Part, ...]
    notes: tuple[str, ...] = ()
    "What could not be told from the configuration."
    measure: Measure = Measure()

    @property
    def parameters(self) -> int:
        """Shared ones count once."""
        return sum(part.parameters for part in self.parts)

    def bytes(self, bits: int) -> int:
        """Of the weights, at so many bits for a parameter."""
        return self.parameters * bits // 8

    def flops(self, length: int | None = None, batch: int = 1) -> int:
        """Operations of one forward pass over `batch` inputs of a length (by default the usual), no padding left out.

        The length is in tokens, in seconds of sound, or 1 for images: in units of `measure`.
        """
        return sum(part.flops(self.measure.usual if length is None else length, batch) for part in self.parts)


def inventory(config: PretrainedConfig, architecture: str | None = None) -> Inventory:
    """The parts of a model class ("BertForMaskedLM"), by default of the one that `config.architectures` names.

    Architectures describe themselves in `PARTS`; any other configuration is read as the text encoder that its
    `hidden_size`, `num_hidden_layers`, … stand for. Raises ConfigError where it lacks one of these words.
    """
    name = (config.architectures or [""])[0] if architecture is None else architecture
    described = next(
        (kind for base in type(config).__mro__ if (kind := vars(base).get("model_type", "")) in PARTS), None
    )
    heads = (PARTS.get(described) if described else text_encoder_with_heads)(config)
    head, notes = _head(name), []
    if head not in heads:
        notes.append(f"the head of {name} is not known here, and not counted")
        head = ""
    elif not described and head:
        notes.append(f"{name} is a class of its own: its head is counted as dovela.torch.text_heads writes it")
    if (kind := getattr(config, "attention", "full")) != "full":
        notes.append(f"attention of the kind {kind!r} is counted as full attention")
    measure = (MEASURES.get(described) if described and described in MEASURES else text_measure)(config)
    return Inventory(config.model_type, name, tuple(heads[head]), tuple(notes), measure)


def _head(architecture: str) -> str | None:
    """ "MaskedLM" of "BertForMaskedLM", nothing of "BertModel", None where the name does not tell."""
    match = re.search(r"For([A-Z]\w*)$|(?<!Head)Model$|^$", architecture)
    return (match[1] or "") if match else None


# ---- layers ----------------------------------------------------------------------------------------------------------


def linear(name: str, inputs: int, outputs: int, *, once: bool = False, bias: bool = True) -> Part:
    """A matrix and a bias, applied to every token or, with `once`, to one vector a sequence."""
    products = inputs * outputs
    return Part(
        name,
        {"weight": (outputs, inputs)} | ({"bias": (outputs,)} if bias else {}),
        per_token=0 if once else products,
        per_sequence=products if once else 0,
    )


def convolution(name: str, inputs: int, outputs: int, size: Shape, *, groups: int = 1, bias: bool = True) -> Part:
    """A kernel of a size (along one or two axes), applied to every token that it makes."""
    weight = (outputs, inputs // groups, *size)
    return Part(name, {"weight": weight} | ({"bias": (outputs,)} if bias else {}), per_token=math.prod(weight))


def parameter(name: str, *shape: int) -> Part:
    """A tensor that is no layer's."""
    return Part(name, {"": shape})


def embedding(name: str, rows: int, width: int) -> Part:
    return Part(name, {"weight": (rows, width)})


def norm(name: str, width: int) -> Part:
    return Part(name, {"weight": (width,), "bias": (width,)})


def over(parts: Iterable[Part], tokens: Callable[[int], int]) -> list[Part]:
    """The parts, working on as many tokens as `tokens` makes of an input's length."""
    return [replace(part, tokens=tokens) for part in parts]


# ---- the text encoder and its heads ----------------------------------------------------------------------------------

_WORDS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)


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
        embedding("embeddings.positions", config.max_position_embeddings, width),
        embedding("embeddings.token_types", config.type_vocab_size, width),
        norm("embeddings.norm", width),
        *blocks(config),
    ]
    return [part for part in parts if part.parameters or not part.tensors]  # an architecture may have no token types


def blocks(config: Any) -> list[Part]:
    """The stack, each layer with the heads that are left, from the common words."""
    parts, width = [], config.hidden_size
    for layer in range(config.num_hidden_layers):
        heads = config.num_attention_heads - len(set(config.pruned_heads.get(layer, ())))
        attended = heads * (width // config.num_attention_heads)
        bias = getattr(config, "qkv_bias", True)
        parts += block(f"layers.{layer}", width, config.intermediate_size, attended, qkv_bias=bias)
    return parts


def block(name: str, width: int, inner: int, attended: int, *, qkv_bias: bool = True) -> list[Part]:
    """Attention, `attended` wide over all its heads, and feed-forward, `inner` wide, with their norms."""
    return [
        *(linear(f"{name}.attention.{x}_proj", width, attended, bias=qkv_bias) for x in "qkv"),
        Part(f"{name}.attention.kernel", per_pair=2 * attended),  # queries by keys, weights by values
        linear(f"{name}.attention.o_proj", attended, width),
        norm(f"{name}.attention_norm", width),
        linear(f"{name}.mlp.up_proj", width, inner),
        linear(f"{name}.mlp.down_proj", inner, width),
        norm(f"{name}.mlp_norm", width),
    ]


def masked_lm(config: Any) -> list[Part]:
    width, decoder = config.hidden_size, linear("masked_lm.decoder", config.hidden_size, config.vocab_size)
    if config.tie_word_embeddings:
        decoder = Part(decoder.name, decoder.tensors, decoder.per_token, tied={"weight": "embeddings.tokens.weight"})
    return [linear("masked_lm.transform", width, width), norm("masked_lm.norm", width), decoder]


def classifier(config: Any, labels: int, *, once: bool = True, hidden: bool = False) -> list[Part]:
    """For whole sequences, or for every token without `once`; `hidden` puts a layer of the model's width in between."""
    first = [linear("classifier.hidden", config.hidden_size, config.hidden_size, once=once)] if hidden else []
    return [*first, linear("classifier.out", config.hidden_size, labels, once=once)]


def spans(config: Any) -> list[Part]:
    return [linear("spans", config.hidden_size, 2)]


def text_encoder_with_heads(config: Any) -> dict[str, list[Part]]:
    """Head (the words after "For" in a class's name; empty: none) -> all parts, for an encoder without a pooler."""
    encoder = text_encoder(config)
    return {
        "": encoder,
        "MaskedLM": encoder + masked_lm(config),
        "SequenceClassification": encoder + classifier(config, config.num_labels),
        "TokenClassification": encoder + classifier(config, config.num_labels, once=False),
        "MultipleChoice": encoder + classifier(config, 1),
        "QuestionAnswering": encoder + spans(config),
    }


def text_measure(config: Any) -> Measure:
    """Of a text: its tokens, as many as there are positions."""
    longest = getattr(config, "max_position_embeddings", None)
    usual = Measure.usual
    return Measure(usual=min(usual, longest or usual), longest=longest or usual)


PARTS: Registry[Callable[[Any], dict[str, list[Part]]]] = Registry(
    "description of parts", {kind: f"dovela.models.{kind}.inventory:parts" for kind in BUILTIN}
)
"""Model type -> function from a configuration to its heads and their parts, as `text_encoder_with_heads`."""

MEASURES: Registry[Callable[[Any], Measure]] = Registry(
    "measure of inputs", {kind: f"dovela.models.{kind}.inventory:measure" for kind in ("vit", "wav2vec2")}
)
"""Model type -> function from a configuration to what its inputs are counted in; without one they are texts."""
