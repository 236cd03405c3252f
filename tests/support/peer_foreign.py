"""Jobs for the processes of `peers`: checkpoints as its Flax and TensorFlow classes write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEXT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 37, "vocab_size": 50}
DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 37, "vocab_size": 50}
SOUND = {
    **TEXT,
    "conv_dim": (32, 32, 32),
    "conv_stride": (5, 2, 2),
    "conv_kernel": (10, 3, 2),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "codevector_dim": 16,
    "proj_codevector_dim": 16,
    "num_codevectors_per_group": 6,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "DistilBert": DISTILBERT,
    "Bert": TEXT,
    "ViT": {**TEXT, "image_size": 16, "patch_size": 4},
    "Wav2Vec2": {**SOUND, "do_stable_layer_norm": True, "feat_extract_norm": "layer"},
}
PEER_ALONE = {"ViT": ("vocab_size",)}  # what its configuration has not


def write_torch(names: list[str], root: str) -> None:
    """A folder "name-pt" for each model, with random weights: as safetensors, and as what the other classes convert."""
    import torch
    import transformers

    for seed, name in enumerate(names):
        arch = next(arch for arch in CONFIGS if name.startswith(arch))
        fields = {key: value for key, value in CONFIGS[arch].items() if key not in PEER_ALONE.get(arch, ())}
        torch.manual_seed(seed)
        model = getattr(transformers, name)(getattr(transformers, f"{arch}Config")(**fields))
        for parameter in model.parameters():
            parameter.data.normal_()
        for safe in (True, False):
            model.save_pretrained(Path(root) / f"{name}-{'pt' if safe else 'bin'}", safe_serialization=safe)


def write(prefix: str, names: list[str], root: str) -> None:
    """Beside it what the classes that begin with `prefix` make of it: one file, shards, and safetensors."""
    import transformers

    for name in names:
        made = getattr(transformers, prefix + name).from_pretrained(Path(root) / f"{name}-bin", from_pt=True)
        made.save_pretrained(Path(root) / f"{name}-one", safe_serialization=False)
        made.save_pretrained(Path(root) / f"{name}-shards", safe_serialization=False, max_shard_size="20KB")
        made.save_pretrained(Path(root) / f"{name}-safe", safe_serialization=True)
