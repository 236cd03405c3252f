"""Small configurations of Wav2Vec2, and inputs that fit them."""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
RATIO, FIELD = 20, 40  # samples from frame to frame, and of each frame
WAV2VEC2: dict[str, Any] = {
    "hidden_size": 48,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "intermediate_size": 80,
    "conv_dim": [24, 20, 16],
    "conv_stride": [5, 2, 2],
    "conv_kernel": [10, 3, 3],
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 4,
    "num_codevectors_per_group": 12,
    "codevector_dim": 16,
    "proj_codevector_dim": 20,
    "num_negatives": 7,
    "ctc_loss_reduction": "mean",  # sums have gradients so large that float32 rounds them beyond the tolerance
    "classifier_proj_size": 28,
    "tdnn_dim": [32, 24, 40],
    "tdnn_kernel": [3, 3, 1],
    "tdnn_dilation": [1, 2, 1],
    "xvector_output_dim": 36,
    "id2label": {0: "red", 1: "green", 2: "blue"},
    "label2id": {"red": 0, "green": 1, "blue": 2},
}
HEADS = ["Model", "ForCTC", "ForPreTraining", "ForSequenceClassification", "ForAudioFrameClassification", "ForXVector"]
AUTO = {
    "Wav2Vec2ForSequenceClassification": "ForAudioClassification",
    "Wav2Vec2ForXVector": "ForAudioXVector",
}


def frames(samples: Any) -> Any:
    return (samples - FIELD) // RATIO + 1


def sounds(model: str, rng: np.random.Generator, batch: int = 5, samples: int = 1650, ragged: bool = True) -> Arrays:
    """Samples, a ragged mask, and what the head learns from."""
    if model.endswith("CTC"):  # whose float32 sums of logarithms round off the tolerance over many frames
        batch, samples = 2 * batch, samples * 2 // 5
    lengths = rng.integers(samples // 3, samples, batch) if ragged else np.full(batch, samples)
    lengths[0] = samples
    mask = (np.arange(samples) < lengths[:, None]).astype(np.int64)
    inputs = {"input_values": (rng.standard_normal((batch, samples)) * mask).astype(np.float32), "attention_mask": mask}
    real = real_frames(inputs)
    if model.endswith("CTC"):
        labels = 1 + rng.integers(1, 30, (batch, 12)).cumsum(1) % 31  # no neighbours are equal
        counts = np.minimum(rng.integers(2, 13, batch), frames(lengths) // 9)  # an adapter makes frames fewer
        inputs["labels"] = np.where(np.arange(12) < counts[:, None], labels, -100)
    if model.endswith("PreTraining"):
        chosen = (rng.random(real.shape) < 0.4) & real
        chosen[:, :3] = True
        inputs["mask_time_indices"] = chosen
        inputs["sampled_negative_indices"] = negatives(rng, chosen, 7)
    if model.endswith(("SequenceClassification", "XVector")):
        inputs["labels"] = rng.integers(0, 3, batch)
    if model.endswith("FrameClassification"):
        inputs["labels"] = np.eye(3, dtype=np.int64)[rng.integers(0, 3, real.shape)]
    return inputs


def negatives(rng: np.random.Generator, chosen: np.ndarray, count: int) -> np.ndarray:
    """Other chosen frames of the same row, drawn one by one."""
    drawn = np.zeros((*chosen.shape, count), np.int64)
    for row, frame in zip(*chosen.nonzero(), strict=True):
        others = [place for place in chosen[row].nonzero()[0] if place != frame]
        drawn[row, frame] = row * chosen.shape[1] + rng.choice(others, count)
    return drawn


def real_frames(inputs: Arrays) -> np.ndarray:
    mask = inputs["attention_mask"]
    lengths = frames(mask.sum(1))
    return np.arange(frames(mask.shape[1])) < lengths[:, None]
