"""From a configuration to a model with random weights."""

from ..entry import Entry, Metric, Target, each_library, floor

SHAPES = "[(30522, 768), (512, 768)] + 6 * [(768, 768)] * 4 + 6 * [(3072, 768), (768, 3072)]"
"""The matrices of DistilBERT-base, all but a thousandth of its parameters."""

ENTRIES = [
    Entry(
        name="build DistilBERT-base",
        measures="`DistilBertModel(DistilBertConfig())`: 66 million random parameters.",
        contenders=[
            *each_library(
                "model = DistilBertModel(DistilBertConfig())", "from LIBRARY import DistilBertConfig, DistilBertModel"
            ),
            floor(
                "torch's normal_ alone",
                "tensors = [torch.empty(shape).normal_(std=0.02) for shape in shapes]",
                f"import torch; shapes = {SHAPES}",
            ),
        ],
        targets=(
            Target(Metric.WALL, 0.5, of="transformers-4"),
            Target(Metric.WALL, 0.5, of="transformers-5"),
        ),
        rounds=7,
    ),
]
