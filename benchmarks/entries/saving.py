"""From a model in memory to a folder on disk."""

from ..entry import Entry, each_library, floor
from .building import SHAPES

TENSORS = (
    "import os, torch\n"
    "from safetensors.torch import save_file\n"
    f"tensors = {{str(i): torch.zeros(shape) for i, shape in enumerate({SHAPES})}}"
)

ENTRIES = [
    Entry(
        name="save DistilBERT-base",
        measures="`save_pretrained` over an earlier save.",
        contenders=[
            *each_library(
                "model.save_pretrained('model')",
                "from LIBRARY import DistilBertConfig, DistilBertModel; model = DistilBertModel(DistilBertConfig())",
            ),
            floor("safetensors alone", "save_file(tensors, 'model.safetensors')", TENSORS),
            floor(
                "safetensors, flushed to disk",
                "save_file(tensors, 'model.safetensors')\n"
                "with open('model.safetensors', 'rb+') as file: os.fsync(file.fileno())",
                TENSORS,
            ),
        ],
        rounds=7,
        note="dovela writes beside the old checkpoint, flushes to disk and only then puts the new one in its place, so "
        "that a crash leaves one of them whole. The peers overwrite in place and return once the page cache has the "
        "data. What dovela takes beyond them is the price of that promise; the flushed floor shows the disk's part.",
    ),
]
