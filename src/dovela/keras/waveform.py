"""From samples to frames: the convolutions of a speech encoder (Baevski et al. 2020, https://arxiv.org/abs/2006.11477).

Letters: B batch, T samples or frames, S frames of the last convolution, C channels, D hidden size, K kernel, G groups.
"""

from __future__ import annotations

import math
from typing import Any

from keras import initializers, layers, ops

from .activations import activation
from .init import Dense, LayerNorm, Normal, Numbered, Part, spread


class FrameConv(layers.Conv1D):
    """A convolution over (B, T, C) -> (B, T', C'), drawn as He et al. 2015 do, for each input it reads."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, *, bias: bool, **options: Any) -> None:
        bound = math.sqrt(1 / (inputs * kernel))
        super().__init__(
            outputs,
            kernel,
            strides=stride,
            padding="valid",
            data_format="channels_last",  # whatever Keras is set to
            use_bias=bias,
            kernel_initializer=Normal(math.sqrt(2) * bound),
            bias_initializer=initializers.RandomUniform(-bound, bound),
            **options,
        )
        self.reads = (None, None, inputs)


class TimeNorm(layers.Layer):
    """Each channel normalised over time: (B, T, C) -> (B, T, C)."""

    def __init__(self, width: int, *, epsilon: float = 1e-5, **options: Any) -> None:
        super().__init__(**options)
        self.width, self.epsilon = width, epsilon

    def build(self, input_shape: Any = None) -> None:
        self.gamma = self.add_weight(shape=(self.width,), initializer="ones", name="gamma")
        self.beta = self.add_weight(shape=(self.width,), initializer="zeros", name="beta")

    def call(self, x: Any) -> Any:
        wide = ops.cast(x, "float32")  # sums over thousands of samples
        mean, variance = ops.moments(wide, axes=[1], keepdims=True)
        wide = (wide - mean) * ops.rsqrt(variance + self.epsilon)
        return ops.cast(wide, x.dtype) * self.gamma + self.beta


class ConvLayer(Part):
    """A convolution over time, its norm if it has one, and an activation: (B, T, C) -> (B, T', C')."""

    def __init__(self, config: Any, layer: int, **options: Any) -> None:
        super().__init__(**options)
        width, before = config.conv_dim[layer], config.conv_dim[layer - 1] if layer else 1
        kernel, stride = config.conv_kernel[layer], config.conv_stride[layer]
        self.conv = FrameConv(before, width, kernel, stride, bias=config.conv_bias)
        self.norm: Any = None
        if config.feat_extract_norm == "layer":
            self.norm = LayerNorm(width, epsilon=1e-5)
        elif layer == 0:
            self.norm = TimeNorm(width)
        self.activation = activation(config.feat_extract_activation)

    def call(self, x: Any) -> Any:
        x = self.conv(x)
        return self.activation(x if self.norm is None else self.norm(x))


class FeatureEncoder(Numbered):
    """The convolutions over samples: (B, T) -> frames (B, S, C)."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__([ConvLayer(config, layer) for layer in range(len(config.conv_dim))], **options)

    def call(self, samples: Any) -> Any:
        x = samples[..., None]  # (B, T, 1)
        for layer in self.parts:
            x = layer(x)
        return x


def whole_windows(mask: Any, field: int, stride: int = 1) -> Any:
    """Which windows of `field` neighbours are all True, or not 0: mask (B, T) -> (B, S)."""
    before = ops.pad(ops.cumsum(ops.cast(ops.cast(mask, "bool"), "int32"), axis=1), ((0, 0), (1, 0)))  # (B, T + 1)
    ends = before[:, field::stride]
    return ends - before[:, ::stride][:, : ops.shape(ends)[1]] == field


def evenly(units: int, *, reads: int, **options: Any) -> layers.Dense:
    """A dense layer whose weights and biases are drawn evenly between -1/√n and 1/√n, for n inputs."""
    bound = math.sqrt(1 / reads)
    dense = layers.Dense(
        units,
        kernel_initializer=initializers.RandomUniform(-bound, bound),
        bias_initializer=initializers.RandomUniform(-bound, bound),
        **options,
    )
    dense.reads = (None, None, reads)
    return dense


class FeatureProjection(Part):
    """Frames (B, S, C) -> (B, S, D), and the normalised frames (B, S, C), which pre-training quantises."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        width = config.conv_dim[-1]
        self.norm = LayerNorm(width, epsilon=config.norm_eps)
        self.dense = evenly(config.hidden_size, reads=width)
        self.dropout = layers.Dropout(config.feat_proj_dropout)

    def call(self, x: Any, training: bool | None = None) -> tuple[Any, Any]:
        x = self.norm(x)
        return self.dropout(self.dense(x), training=training), x


class PositionalConv(layers.Layer):
    """Relative positions as a wide convolution over neighbouring frames: (B, S, D) -> (B, S, D).

    Its weight is a magnitude for each place of the kernel times a direction (Salimans & Kingma 2016, weight norm).
    """

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        self.groups, self.kernel_size = config.num_conv_pos_embedding_groups, config.num_conv_pos_embeddings
        self.width = config.hidden_size
        self.activation = activation(config.feat_extract_activation)

    def build(self, input_shape: Any = None) -> None:
        shape = (self.width, self.width // self.groups, self.kernel_size)  # as torch has it
        drawn = Normal(2 / math.sqrt(self.width * self.kernel_size))
        self.direction = self.add_weight(shape=shape, initializer=drawn, name="direction")
        self.magnitude = self.add_weight(shape=(1, 1, self.kernel_size), initializer=self._length, name="magnitude")
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")

    def _length(self, shape: Any, dtype: Any = None) -> Any:
        """The directions' own length, so that the weight starts as they were drawn."""
        return ops.cast(_length(ops.convert_to_tensor(self.direction)), dtype)

    def call(self, x: Any) -> Any:
        direction = ops.cast(self.direction, "float32")
        weight = direction * (ops.cast(self.magnitude, "float32") / _length(direction))  # (D, D/G, K)
        weight = ops.cast(ops.transpose(weight, (2, 1, 0)), x.dtype)  # (K, D/G, D)
        around = self.kernel_size // 2
        padded = ops.pad(x, ((0, 0), (around, around), (0, 0)))
        # Group by group: convolutions that know of groups are many times slower on a CPU, above all their gradients.
        groups = zip(ops.split(padded, self.groups, axis=2), ops.split(weight, self.groups, axis=2), strict=True)
        y = ops.concatenate([_conv(part, kernel) for part, kernel in groups], axis=2)
        return self.activation(y[:, : ops.shape(x)[1]] + self.bias)  # an even kernel makes a frame too many


def _length(direction: Any) -> Any:
    """(D, D/G, K) -> (1, 1, K)."""
    return ops.sqrt(ops.sum(ops.square(direction), axis=(0, 1), keepdims=True))


def _conv(x: Any, kernel: Any) -> Any:
    return ops.conv(x, kernel, strides=1, padding="valid", data_format="channels_last")


class FrameAdapter(Part):
    """Convolutions with gates after the layers, which make the frames fewer: (B, S, D) -> (B, S', E).

    None is ever left out by chance: the others would give another number of frames.
    """

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        width, narrowed = config.output_size, config.output_size != config.hidden_size
        self.kernel_size, self.stride = config.adapter_kernel_size, config.adapter_stride
        self.dense = Dense(width, reads=config.hidden_size, **spread(config)) if narrowed else None
        self.norm = LayerNorm(width, epsilon=1e-5) if narrowed else None
        convs = range(config.num_adapter_layers)
        self.convs = Numbered(
            [FrameConv(width, 2 * width, self.kernel_size, self.stride, bias=True) for _ in convs], name="layers"
        )

    def call(self, x: Any) -> Any:
        if self.dense is not None and self.norm is not None:
            x = self.norm(self.dense(x))
        for conv in self.convs.parts:
            made, gate = ops.split(conv(ops.pad(x, ((0, 0), (1, 1), (0, 0)))), 2, axis=-1)
            x = made * ops.sigmoid(gate)
        return x

    def real_frames(self, mask: Any) -> Any:
        """mask (B, S), True = real -> (B, S')."""
        for _ in self.convs.parts:
            frames = (ops.shape(mask)[1] + 2 - self.kernel_size) // self.stride + 1
            last = ops.arange(frames) * self.stride + self.kernel_size - 3  # but for the padding at the end
            mask = ops.take(mask, ops.maximum(last, 0), axis=1)
        return mask
