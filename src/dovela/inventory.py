"""What a model is made of, told from its configuration alone: parts, shapes, parameters, operations. No framework.

    inventory(BertConfig()).parameters          # 109482240
    inventory(BertConfig(), "BertForMaskedLM")  # with that head
    inventory(ViTConfig()).flops()              # operations for an image
    inventory(BertConfig()).training_bytes(batch=8)

Operations are those of matrix products, two for each multiply-add (a product of (m, k) and (k, n) takes 2·m·k·n);
look-ups, norms, activations, softmax and biases are left out, as profilers do. Attention is counted for the pairs of
tokens that may attend, and experts for the tokens that ask them: a kernel that hides what it has computed takes more.

An input has a length in units that its kind decides (`Measure`): tokens of a text, seconds of sound, one image.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .config import PretrainedConfig
from .inventory_layers import Part, Shape, convolution, embedding, linear, norm, over, parameter
from .inventory_parts import (
    active_parameters,
    blocks,
    classifier,
    guesses,
    masked_lm,
    spans,
    text_encoder,
    text_encoder_with_heads,
)
from .registry import Registry

__all__ = [
    "MEASURES",
    "PARTS",
    "Inventory",
    "Measure",
    "Part",
    "Shape",
    "blocks",
    "classifier",
    "convolution",
    "embedding",
    "inventory",
    "linear",
    "masked_lm",
    "measure_of",
    "norm",
    "over",
    "parameter",
    "spans",
    "text_encoder",
    "text_encoder_with_heads",
]


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
    "What could not be told from the configuration, and what the numbers do not say."
    measure: Measure = Measure()
    kept: int | None = None
    "Bytes that training keeps of one input, where that was measured."
    attends: bool = True
    "Whether there is attention over pairs of tokens, so that masks and fused kernels matter."

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
        return sum(part.flops(self._length(length), batch) for part in self.parts)

    def state_bytes(self) -> int:
        """For training in fp32 with Adam: weights, gradients and two moments, 16 bytes a parameter; 4 if frozen."""
        return sum((4 if part.frozen else 16) * part.parameters for part in self.parts)

    def activation_bytes(self, length: int | None = None, batch: int = 1) -> int:
        """About what training keeps of a forward pass in fp32, from each part's output once, or as measured.

        With fused attention, which keeps no weights of pairs, and without gradient checkpointing or dropout's masks.
        """
        if self.kept is not None:
            return batch * self.kept
        length = self._length(length)
        return 4 * batch * sum(part.kept * part.tokens(length) for part in self.parts)

    def training_bytes(self, length: int | None = None, batch: int = 1) -> int:
        """About what training in fp32 with Adam takes: `state_bytes` and `activation_bytes`."""
        return self.state_bytes() + self.activation_bytes(length, batch)

    def _length(self, length: int | None) -> int:
        return self.measure.usual if length is None else length


def inventory(config: PretrainedConfig, architecture: str | None = None) -> Inventory:
    """The parts of a model class ("BertForMaskedLM"), by default of the one that `config.architectures` names.

    Architectures describe themselves in `PARTS`; any other configuration is read as the text encoder that its
    `hidden_size`, `num_hidden_layers`, … stand for. Raises ConfigError where it lacks one of these words.
    `dovela.torch.measuring.measured` tells of a class of one's own, or of parts that are, from the model itself.
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
    elif head and not described and not name.startswith("Encoder"):
        notes.append(f"{name} is a class of its own: its head is counted as dovela.torch.text_heads writes it")
    notes += guesses(config)
    if idle := active_parameters(config):
        notes.append(idle)
    parts = tuple(heads[head])
    attends = any(part.per_pair for part in parts)
    return Inventory(config.model_type, name, parts, tuple(notes), measure_of(config), attends=attends)


def measure_of(config: PretrainedConfig) -> Measure:
    """What the inputs of a configuration's models are counted in."""
    kinds = (vars(base).get("model_type", "") for base in type(config).__mro__)
    return next((MEASURES.get(kind) for kind in kinds if kind in MEASURES), text_measure)(config)


def _head(architecture: str) -> str | None:
    """ "MaskedLM" of "BertForMaskedLM", nothing of "BertModel", None where the name does not tell."""
    match = re.search(r"For([A-Z]\w*)$|(?<!Head)Model$|^$", architecture)
    return (match[1] or "") if match else None


def text_measure(config: Any) -> Measure:
    """Of a text: its tokens, as many as there are positions."""
    longest = getattr(config, "max_position_embeddings", None)
    if getattr(config, "positions", "learned") not in ("learned", "sinusoidal"):
        longest = None  # no table that would end
    usual = Measure.usual
    return Measure(usual=min(usual, longest or usual), longest=longest)


PARTS: Registry[Callable[[Any], dict[str, list[Part]]]] = Registry(
    "description of parts",
    {kind: f"dovela.models.{kind}.inventory:parts" for kind in ("bert", "distilbert", "vit", "wav2vec2")},
)
"""Model type -> function from a configuration to its heads and their parts, as `text_encoder_with_heads`."""

MEASURES: Registry[Callable[[Any], Measure]] = Registry(
    "measure of inputs", {kind: f"dovela.models.{kind}.inventory:measure" for kind in ("vit", "wav2vec2")}
)
"""Model type -> function from a configuration to what its inputs are counted in; without one they are texts."""
