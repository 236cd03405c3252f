"""The parts of Wav2Vec2's models, told without a framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...inventory import Measure, Part, convolution, linear, norm, over, parameter
from ...inventory_parts import blocks, pooler, position_table
from .config import Wav2Vec2Config

RATE = 16_000  # samples a second, as every published checkpoint has them


def parts(config: Wav2Vec2Config) -> dict[str, list[Part]]:
    """Head -> all parts; inputs are seconds of sound, and tokens the frames that these become."""

    def frames(seconds: int) -> int:
        return int(config.frames(RATE * seconds, adapter=False))

    def last_frames(seconds: int) -> int:
        return int(config.frames(RATE * seconds))

    width = config.hidden_size
    encoder = [
        *_convolutions(config),
        *over([norm("projection.norm", config.conv_dim[-1])], frames),
        *over([linear("projection.dense", config.conv_dim[-1], width)], frames),
        *_positions(config, frames),
        *over([norm("norm", width, config.norm), *blocks(config), *_language_adapters(config)], frames),
    ]
    if config.mask_time_prob > 0 or config.mask_feature_prob > 0:
        encoder.append(parameter("mask_vector", width))
    if config.add_adapter:
        encoder += _adapter(config, frames)
    heads = {
        "": encoder,
        "CTC": encoder + over([linear("lm_head", config.output_size, config.vocab_size)], last_frames),
    }
    if config.add_adapter:  # which the other heads do not take
        return heads
    mixture = [Part("mixture", {"weight": (config.num_hidden_layers + 1,)})] if config.use_weighted_layer_sum else []
    return heads | {
        "PreTraining": encoder + over(_quantizer(config), frames),
        "SequenceClassification": [
            *encoder,
            *mixture,
            *over(pooler(config), frames),
            linear("projector", width, config.classifier_proj_size, once=True),
            linear("classifier", config.classifier_proj_size, config.num_labels, once=True),
        ],
        "AudioFrameClassification": encoder + mixture + over([linear("classifier", width, config.num_labels)], frames),
        "XVector": [*encoder, *mixture, *_voices(config, frames)],
    }


def measure(config: Wav2Vec2Config) -> Measure:
    """Of sound: its seconds."""
    return Measure("second", usual=1, of="sound at 16 kHz")


def _convolutions(config: Wav2Vec2Config) -> Iterator[Part]:
    before = 1
    for layer, (after, kernel) in enumerate(zip(config.conv_dim, config.conv_kernel, strict=True)):

        def made(seconds: int, layers: int = layer + 1) -> int:
            samples = RATE * seconds
            for size, stride in zip(config.conv_kernel[:layers], config.conv_stride[:layers], strict=True):
                samples = (samples - size) // stride + 1
            return max(0, samples)

        conv = convolution(f"features.{layer}.conv", before, after, (kernel,), bias=config.conv_bias, activated=True)
        normed = config.feat_extract_norm == "layer" or layer == 0
        yield from over([conv, *([norm(f"features.{layer}.norm", after)] if normed else [])], made)
        before = after


def _positions(config: Wav2Vec2Config, frames: Callable[[int], int]) -> list[Part]:
    width, kernel = config.hidden_size, config.num_conv_pos_embeddings
    direction = (width, width // config.num_conv_pos_embedding_groups, kernel)
    tensors = {"direction": direction, "magnitude": (1, 1, kernel), "bias": (width,)}
    part = Part("positions", tensors, per_token=direction[0] * direction[1] * direction[2], kept=2 * width)
    if config.positions != "convolutional":
        return over(position_table("positions", config), frames)
    spare = 1 - kernel % 2  # a frame that is computed and dropped
    return over([part], lambda seconds: frames(seconds) + spare)


def _language_adapters(config: Wav2Vec2Config) -> Iterator[Part]:
    width, inner = config.hidden_size, config.adapter_attn_dim
    for layer in range(config.num_hidden_layers if inner is not None else 0):
        yield norm(f"layers.{layer}.adapter.norm", width)
        yield linear(f"layers.{layer}.adapter.down_proj", width, inner or 0)
        yield linear(f"layers.{layer}.adapter.up_proj", inner or 0, width)


def _adapter(config: Wav2Vec2Config, frames: Callable[[int], int]) -> Iterator[Part]:
    width = config.output_size
    if width != config.hidden_size:
        yield from over([linear("adapter.dense", config.hidden_size, width), norm("adapter.norm", width)], frames)
    for layer in range(config.num_adapter_layers):

        def made(seconds: int, layers: int = layer + 1) -> int:
            count = frames(seconds)
            for _ in range(layers):
                count = (count + 2 - config.adapter_kernel_size) // config.adapter_stride + 1
            return count

        yield from over([convolution(f"adapter.layers.{layer}", width, 2 * width, (config.adapter_kernel_size,))], made)


def _quantizer(config: Wav2Vec2Config) -> list[Part]:
    entries, width = config.num_codevector_groups * config.num_codevectors_per_group, config.codevector_dim
    book = (1, entries, width // config.num_codevector_groups)
    return [
        linear("quantizer.scores", config.conv_dim[-1], entries),
        Part("quantizer", {"codevectors": book}, per_token=book[1] * book[2]),
        linear("project_q", width, config.proj_codevector_dim),
        linear("project_hid", config.hidden_size, config.proj_codevector_dim),
    ]


def _voices(config: Wav2Vec2Config, frames: Callable[[int], int]) -> Iterator[Part]:
    before, lost = config.tdnn_dim[0], 0
    yield from over([linear("projector", config.hidden_size, before)], frames)
    layers = zip(config.tdnn_dim, config.tdnn_kernel, config.tdnn_dilation, strict=True)
    for layer, (after, kernel, dilation) in enumerate(layers):
        lost += (kernel - 1) * dilation
        delay = linear(f"tdnn.{layer}", before * kernel, after)
        yield from over([delay], lambda seconds, lost=lost: max(0, frames(seconds) - lost))  # type: ignore[misc]
        before = after
    yield linear("embedding", 2 * before, config.xvector_output_dim, once=True)
    yield linear("classifier", config.xvector_output_dim, config.xvector_output_dim, once=True)
    yield parameter("objective.weight", config.xvector_output_dim, config.num_labels)
