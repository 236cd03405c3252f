"""From samples to frames: the convolutions of a speech encoder (Baevski et al. 2020, https://arxiv.org/abs/2006.11477).

Letters: B batch, T samples or frames, S frames of the last convolution, C channels, D hidden size.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax import lax

from .activations import activation
from .layers import Dropout, dense, dtypes
from .norms import LayerNorm

Array = jax.Array


def frame_conv(
    inputs: int, outputs: int, kernel: int, stride: int, *, padding: int = 0, bias: bool = True, **options: Any
) -> nn.Conv:
    """A convolution (B, T, C) -> (B, T', C'), drawn as He et al. 2015 do, for each input it reads."""
    read = inputs * kernel
    return nn.Conv(
        outputs,
        (kernel,),
        (stride,),
        padding=((padding, padding),),
        use_bias=bias,
        kernel_init=nn.initializers.normal(math.sqrt(2 / read)),
        bias_init=even(math.sqrt(1 / read)),
        **options,
    )


def even(most: float) -> Any:
    """An initialiser: anything from -most to most alike."""

    def draw(key: Any, shape: Any, dtype: Any = jnp.float32) -> Array:
        return jax.random.uniform(key, shape, dtype, -most, most)

    return draw


def plain_dense(inputs: int, outputs: int, **options: Any) -> nn.Dense:
    """A linear layer drawn by its number of inputs alone, whatever the configuration's `initializer_range`."""
    most = math.sqrt(1 / inputs)
    return nn.Dense(outputs, kernel_init=even(most), bias_init=even(most), **options)


class ConvLayer(nn.Module):
    """A convolution over time, its norm if it has one, and an activation: (B, T, C) -> (B, T', C')."""

    config: Any
    layer: int
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config, layer, options = self.config, self.layer, dtypes(self)
        width, before = config.conv_dim[layer], config.conv_dim[layer - 1] if layer else 1
        kernel, stride = config.conv_kernel[layer], config.conv_stride[layer]
        self.conv = frame_conv(before, width, kernel, stride, bias=config.conv_bias, **options)
        self.norm: nn.Module | None = None
        if config.feat_extract_norm == "layer":
            self.norm = LayerNorm(epsilon=1e-5, **options)
        elif layer == 0:  # each channel over time
            self.norm = nn.GroupNorm(num_groups=width, epsilon=1e-5, use_fast_variance=False, **options)
        self.activation = activation(config.feat_extract_activation)

    def __call__(self, x: Array) -> Array:
        x = self.conv(x)
        return self.activation(x if self.norm is None else self.norm(x))


class FeatureEncoder(nn.Module):
    """The convolutions over samples: (B, T) -> frames (B, S, C)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        options = dtypes(self)
        self.stack = [ConvLayer(self.config, i, name=str(i), **options) for i in range(len(self.config.conv_dim))]

    def __call__(self, samples: Array) -> Array:
        weights = jax.tree.leaves(self.variables.get("params", {}))
        kept_in = weights[0].dtype if weights else self.param_dtype
        x = samples[..., None].astype(self.dtype or kept_in)  # (B, T, 1)
        for layer in self.stack:
            x = layer(x)
        return x


def whole_windows(mask: Array, field: int, stride: int = 1) -> Array:
    """Which windows of `field` neighbours are all True: mask (B, T) -> (B, S)."""
    before = jnp.pad(jnp.cumsum(mask, 1), ((0, 0), (1, 0)))  # (B, T + 1)
    ends = before[:, field::stride]
    return ends - before[:, ::stride][:, : ends.shape[1]] == field


class FeatureProjection(nn.Module):
    """Frames (B, S, C) -> (B, S, D), and the normalised frames (B, S, C), which pre-training quantises."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config, options = self.config, dtypes(self)
        self.norm = LayerNorm(epsilon=config.norm_eps, **options)
        self.dense = plain_dense(config.conv_dim[-1], config.hidden_size, **options)
        self.dropout = Dropout(config.feat_proj_dropout)

    def __call__(self, x: Array, train: bool = False) -> tuple[Array, Array]:
        x = self.norm(x)
        return self.dropout(self.dense(x), train), x


class PositionalConv(nn.Module):
    """Relative positions as a wide convolution over neighbouring frames: (B, S, D) -> (B, S, D).

    Its weight is a magnitude for each place of the kernel times a direction (Salimans & Kingma 2016, weight norm). They
    lie as torch has them, since they are no layer's kernel: (outputs, inputs of a group, places).
    """

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config = self.config
        width, kernel = config.hidden_size, config.num_conv_pos_embeddings
        shape = (width, width // config.num_conv_pos_embedding_groups, kernel)
        spread = nn.initializers.normal(2 / math.sqrt(width * kernel))
        self.direction = self.param("direction", spread, shape, self.param_dtype)
        self.magnitude = self.param("magnitude", lambda _: _length(self.direction))
        self.bias = self.param("bias", nn.initializers.zeros, (width,), self.param_dtype)
        self.activation = activation(config.feat_extract_activation)

    def __call__(self, x: Array, position_ids: Array | None = None) -> Array:
        x, direction, magnitude, bias = nn.dtypes.promote_dtype(
            x, self.direction, self.magnitude, self.bias, dtype=self.dtype
        )
        weight = direction * (magnitude / _length(direction))
        return self.activation(wide_conv(x, weight, self.config.num_conv_pos_embedding_groups) + bias)


@partial(jax.custom_jvp, nondiff_argnums=(2,))
def wide_conv(x: Array, weight: Array, groups: int) -> Array:
    """A grouped convolution with a wide kernel in the middle: x (B, S, D), weight (D, D / groups, places) -> (B, S, D).

    Its derivatives are taken by Fourier transforms: those of XLA's own are many times slower on a CPU (2.6 s to 0.25 s
    in Wav2Vec2 of base size, for 150 frames).
    """
    half = weight.shape[-1] // 2
    y = lax.conv_general_dilated(
        x,
        weight,
        window_strides=(1,),
        padding=[(half, half)],
        dimension_numbers=("NWC", "OIW", "NWC"),
        feature_group_count=groups,
    )
    return y[:, : x.shape[1]]


@wide_conv.defjvp
def _(groups: int, at: tuple[Array, Array], along: tuple[Array, Array]) -> tuple[Array, Array]:
    (x, weight), (dx, dweight) = at, along
    return wide_conv(x, weight, groups), by_waves(dx, weight, groups) + by_waves(x, dweight, groups)


def by_waves(x: Array, weight: Array, groups: int) -> Array:
    """`wide_conv` as a product for each frequency."""
    (batch, frames, width), places = x.shape, weight.shape[-1]
    size = _even_length(frames + places // 2)  # what wraps around meets zeros
    kind = jnp.promote_types(x.dtype, jnp.float32)  # there is no transform in half precision
    waves = jnp.fft.rfft(x.astype(kind).reshape(batch, frames, groups, width // groups), size, axis=1)
    kernel = jnp.fft.rfft(weight.astype(kind).reshape(groups, width // groups, width // groups, places), size)
    product = jnp.einsum("bfgi,goif->bfgo", waves, kernel.conj(), precision="highest")
    y = jnp.fft.irfft(product, size, axis=1).reshape(batch, size, width)
    return jnp.roll(y, places // 2, axis=1)[:, :frames].astype(x.dtype)


def _even_length(least: int) -> int:
    """The next length that has small factors only, 4 to 8 times a power of 2, which transforms are quick for."""
    step = 1 << max(least.bit_length() - 3, 1)
    return -(-least // step) * step


def _length(direction: Array) -> Array:
    """The norm for each place of the kernel: (…, …, places) -> (1, 1, places)."""
    return jnp.sqrt(jnp.square(direction).sum((0, 1), keepdims=True))


class AdapterConvs(nn.Module):
    """The adapter's convolutions, each twice as wide as what its gate leaves: (B, S, E) -> (B, S', E)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config, width, options = self.config, self.config.output_size, dtypes(self)
        kernel, stride = config.adapter_kernel_size, config.adapter_stride
        self.stack = [
            frame_conv(width, 2 * width, kernel, stride, padding=1, name=str(i), **options)
            for i in range(config.num_adapter_layers)
        ]

    def __call__(self, x: Array) -> Array:
        for layer in self.stack:
            x = nn.glu(layer(x))
        return x


class FrameAdapter(nn.Module):
    """Convolutions with gates after the layers, which make the frames fewer: (B, S, D) -> (B, S', E)."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config, width, options = self.config, self.config.output_size, dtypes(self)
        narrowed = width != config.hidden_size
        self.dense = dense(self, width) if narrowed else None
        self.norm = LayerNorm(epsilon=1e-5, **options) if narrowed else None
        self.layers = AdapterConvs(config, **options)

    def __call__(self, x: Array) -> Array:
        if self.dense is not None and self.norm is not None:
            x = self.norm(self.dense(x))
        return self.layers(x)


def adapted_frames(config: Any, mask: Array) -> Array:
    """Which frames are real after the adapter: mask (B, S), True = real -> (B, S')."""
    kernel, stride = config.adapter_kernel_size, config.adapter_stride
    for _ in range(config.num_adapter_layers):
        frames = (mask.shape[1] + 2 - kernel) // stride + 1
        last = jnp.arange(frames) * stride + kernel - 3  # but for the padding at the end
        mask = mask[:, jnp.maximum(last, 0)]
    return mask
