"""What transformers' parts make of given numbers; each function runs in the peer's process."""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def rotated(x: np.ndarray, places: np.ndarray, theta: float) -> np.ndarray:
    """Queries (B, H, S, W) at places (B, S), as Llama turns them."""
    import torch
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    width = x.shape[-1]
    frequency = 1.0 / theta ** (torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = torch.from_numpy(places)[..., None].float() * frequency
    angle = torch.cat([angle, angle], -1)
    query = torch.from_numpy(x)
    return apply_rotary_pos_emb(query, query, angle.cos(), angle.sin())[0].numpy()


def slopes(heads: int) -> np.ndarray:
    """ALiBi's, as BLOOM has them."""
    import torch
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    return build_alibi_tensor(torch.ones(1, 2), heads, torch.float32)[:, 0, 1].numpy()


def windowed(length: int, window: int) -> np.ndarray:
    """Who sees whom in Mistral, whose window counts the token itself."""
    import torch
    from transformers.masking_utils import sliding_window_causal_mask_function

    allow = sliding_window_causal_mask_function(window)
    place = torch.arange(length)
    return allow(0, 0, place[:, None], place[None, :]).numpy()


def gated(x: np.ndarray, weights: Arrays) -> np.ndarray:
    """Llama's feed-forward, with biases."""
    import torch
    from transformers.models.llama.modeling_llama import LlamaConfig, LlamaMLP

    hidden, width = weights["down_proj.weight"].shape
    part = LlamaMLP(LlamaConfig(hidden_size=hidden, intermediate_size=width, mlp_bias=True))
    part.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    with torch.no_grad():
        return part(torch.from_numpy(x)).numpy()


def experts(x: np.ndarray, weights: Arrays, asked: int) -> np.ndarray:
    """Mixtral's sparse block (4.x), which has no biases."""
    import torch
    from transformers.models.mixtral.modeling_mixtral import MixtralConfig, MixtralSparseMoeBlock

    count, hidden = weights["router.weight"].shape
    width = weights["experts.0.up_proj.weight"].shape[0]
    options: dict[str, Any] = {"num_local_experts": count, "num_experts_per_tok": asked}
    block = MixtralSparseMoeBlock(MixtralConfig(hidden_size=hidden, intermediate_size=width, **options)).eval()
    theirs = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}
    state = {"gate.weight": torch.from_numpy(weights["router.weight"])}
    for name, value in weights.items():
        if name.startswith("experts.") and name.endswith(".weight"):
            _, number, layer, _ = name.split(".")
            state[f"experts.{number}.{theirs[layer]}.weight"] = torch.from_numpy(value)
    block.load_state_dict(state)
    with torch.no_grad():
        result = block(torch.from_numpy(x))
    return (result[0] if isinstance(result, tuple) else result).numpy()


def activated(names: list[str], x: np.ndarray) -> list[np.ndarray]:
    import torch
    from transformers.activations import ACT2FN

    return [ACT2FN[name](torch.from_numpy(x)).numpy() for name in names]


def neighbours(x: np.ndarray, weights: Arrays, words: dict[str, Any]) -> np.ndarray:
    """Wav2Vec2's positions (B, S, D), by a convolution with weight norm."""
    import torch
    from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2Config, Wav2Vec2PositionalConvEmbedding

    part = Wav2Vec2PositionalConvEmbedding(Wav2Vec2Config(**words))
    theirs = {"magnitude": "original0", "direction": "original1"}
    state = {f"conv.parametrizations.weight.{theirs[n]}": v for n, v in weights.items() if n in theirs}
    state["conv.bias"] = weights["bias"]
    part.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    with torch.no_grad():
        return part(torch.from_numpy(x)).numpy()
