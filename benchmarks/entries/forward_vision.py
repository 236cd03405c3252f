"""ViT-base on eight images of 224 x 224: forward, and forward and backward."""

from ..entry import Entry, Metric, Target, each_library


def setup(training: bool) -> str:
    """A classifier of 1,000 classes, which attends by torch's fused kernel in every library, and a random batch."""
    return (
        "import torch\n"
        "from LIBRARY import ViTConfig, ViTForImageClassification\n"
        "torch.manual_seed(0)\n"
        "model = ViTForImageClassification(ViTConfig(num_labels=1000, attn_implementation='sdpa'))\n"
        f"model.train({training})\n"
        f"torch.set_grad_enabled({training})\n"
        "pixels, labels = torch.randn(8, 3, 224, 224), torch.arange(8)\n"
    )


ENTRIES = [
    Entry(
        name="forward, images",
        measures="8 images of 224 x 224, ViT-base with 1,000 classes; evaluation, no gradient.",
        contenders=each_library("model(pixel_values=pixels).logits", setup(training=False)),
        targets=[Target(Metric.WALL, 1.05, of=peer) for peer in ("transformers-4", "transformers-5")],
        rounds=5,
    ),
    Entry(
        name="forward and backward, images",
        measures="The same batch in training: gradients of every parameter.",
        contenders=each_library(
            "model(pixel_values=pixels, labels=labels).loss.backward()\nmodel.zero_grad()", setup(training=True)
        ),
        rounds=3,
    ),
]
