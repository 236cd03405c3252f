"""Wav2Vec2-base on four clips: of one length, and as ragged as clips are."""

from ..entry import Entry, Metric, Target, each_library

FULL, RAGGED = [48_000] * 4, [80_000, 20_000, 32_000, 48_000]


def setup(lengths: list[int], training: bool, **fields: object) -> str:
    """A CTC model, which attends by torch's fused kernel in every library, and a batch of noise."""
    options = ", ".join(f"{name}={value!r}" for name, value in {"attn_implementation": "sdpa", **fields}.items())
    return (
        "import torch\n"
        "from LIBRARY import Wav2Vec2Config, Wav2Vec2ForCTC\n"
        "torch.manual_seed(0)\n"
        f"model = Wav2Vec2ForCTC(Wav2Vec2Config({options})).train({training})\n"
        f"torch.set_grad_enabled({training})\n"
        f"lengths = torch.tensor({lengths})\n"
        "mask = (torch.arange(int(lengths.max()))[None] < lengths[:, None]).long()\n"
        "samples = torch.randn(mask.shape) * mask\n"
        "labels = 1 + torch.arange(20).expand(4, 20)\n"
    )


LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
FORWARD = "model(samples, attention_mask=mask).logits"
BACKWARD = "model(samples, attention_mask=mask, labels=labels).loss.backward()\nmodel.zero_grad()"
PEERS = ("transformers-4", "transformers-5")

ENTRIES = [
    Entry(
        name="forward, sound of one length",
        measures="4 clips of 3 seconds, Wav2Vec2-base with its CTC head; evaluation, no gradient.",
        contenders=each_library(FORWARD, setup(FULL, training=False)),
        targets=[Target(Metric.WALL, 1.05, of=peer) for peer in PEERS],
        rounds=5,
    ),
    Entry(
        name="forward, ragged sound",
        measures="4 clips of 1.25 to 5 seconds, padded to the longest; evaluation, no gradient.",
        contenders=each_library(FORWARD, setup(RAGGED, training=False)),
        targets=[Target(Metric.WALL, 1.0, of=peer) for peer in PEERS],
        rounds=5,
    ),
    Entry(
        name="forward, ragged sound, norms over channels",
        measures="The same clips through the variant with norms over channels and before each part.",
        contenders=each_library(FORWARD, setup(RAGGED, training=False, **LAYER)),
        targets=[Target(Metric.WALL, 1.0, of=peer) for peer in PEERS],
        rounds=5,
    ),
    Entry(
        name="forward and backward, ragged sound",
        measures="The ragged clips in training: dropout, LayerDrop and SpecAugment on, gradients of every parameter.",
        contenders=each_library(BACKWARD, setup(RAGGED, training=True)),
        rounds=3,
    ),
]
