"""Tokenizing in Python imports no framework, no array library and no Rust library."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from dovela.models.distilbert.tokenizer import DistilBertTokenizer, DistilBertTokenizerFast
tokenizer = DistilBertTokenizer({"[UNK]": 0, "a": 1})
assert tokenizer(["a", "b"], padding=True, return_offsets_mapping=True)["input_ids"][0][1] == 1
print(sorted({"torch", "numpy", "tokenizers", "huggingface_hub", "jax", "tensorflow"} & sys.modules.keys()))
"""


def test_the_python_engine_needs_nothing():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
