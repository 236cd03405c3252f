"""From a folder on disk (already in the page cache) to a model in memory."""

from ..entry import Entry, Metric, Target, each_library, floor

READ_FILE = "load_file(f'{FOLDER}/model.safetensors')"
FROM_DISK = "from safetensors.torch import load_file"
HALF = (
    Target(Metric.WALL, 0.5, of="transformers-4"),
    Target(Metric.WALL, 0.5, of="transformers-5"),
)


def loading(checkpoint: str, model: str) -> list:
    """Load `checkpoint` as the class `model`, beside the memory map of the bare file."""
    return [
        *each_library(f"model = {model}.from_pretrained({checkpoint})", setup=f"from LIBRARY import {model}"),
        floor("safetensors memory map", f"tensors = {READ_FILE.replace('FOLDER', checkpoint)}", FROM_DISK),
    ]


ENTRIES = [
    Entry(
        name="load DistilBERT-base",
        measures="`from_pretrained` on a folder with 66 million random parameters.",
        contenders=loading("distilbert_base", "DistilBertModel"),
        needs=("distilbert_base",),
        targets=HALF,
        note="Whoever maps the file has not read it yet: the next entry makes everybody touch every weight.",
    ),
    Entry(
        name="load DistilBERT-base and touch every weight",
        measures="`from_pretrained`, then the sum of every parameter, so that each mapped page is really read.",
        contenders=[
            *each_library(
                "model = DistilBertModel.from_pretrained(distilbert_base)\n"
                "total = sum(float(p.sum()) for p in model.parameters())",
                setup="import torch; from LIBRARY import DistilBertModel; torch.set_grad_enabled(False)",
            ),
            floor(
                "safetensors memory map",
                "total = sum(float(t.sum()) for t in load_file(f'{distilbert_base}/model.safetensors').values())",
                FROM_DISK,
            ),
        ],
        needs=("distilbert_base",),
    ),
    Entry(
        name="load MiniLM",
        measures="`from_pretrained` on real trained weights: all-MiniLM-L6-v2, 23 million parameters, as a BERT.",
        contenders=loading("minilm", "BertModel"),
        needs=("minilm",),
        targets=HALF,
    ),
]
