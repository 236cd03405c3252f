"""A user's own architecture: the example of the guide, in this process and in a new one."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch

EXAMPLE = """
import torch
from torch import nn
from dovela import AutoModelForSequenceClassification, EncoderConfig, PreTrainedModel, SequenceClassifierOutput
from dovela.torch import Attention, Encoder, register_attention


class NearConfig(EncoderConfig, model_type="near-encoder"):
    attention: str = "near"
    window: int = 64


@register_attention("near")
class NearAttention(Attention):
    def allow(self, q_pos, k_pos):
        return (q_pos - k_pos).abs() <= self.config.window


class NearForSequenceClassification(PreTrainedModel, config=NearConfig, task="sequence-classification"):
    def __init__(self, config):
        super().__init__(config)
        self.encoder, self.head = Encoder(config), nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, input_ids, attention_mask=None):
        states = self.encoder(input_ids, attention_mask).last_hidden_state
        return SequenceClassifierOutput(logits=self.head(states[:, 0]))
"""
BUILD = """
torch.manual_seed(0)
model = NearForSequenceClassification(NearConfig(num_hidden_layers=4, window=3, hidden_size=48, num_attention_heads=4,
                                                 intermediate_size=64, vocab_size=99))
model.save_pretrained(sys.argv[1])
torch.save(model.eval()(torch.arange(1, 41).view(2, 20)).logits, sys.argv[2])
"""
REOPEN = """
model = AutoModelForSequenceClassification.from_pretrained(sys.argv[1])
assert type(model) is NearForSequenceClassification and model.config.window == 3
assert torch.equal(model(torch.arange(1, 41).view(2, 20)).logits, torch.load(sys.argv[2], weights_only=True))
"""


def run(code: str, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-c", "import sys\n" + code, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_example_reloads_bit_equal_through_auto_in_a_new_process(tmp_path: Path) -> None:
    run(EXAMPLE + BUILD, str(tmp_path / "tiny"), str(tmp_path / "logits.pt"))
    run(EXAMPLE + REOPEN, str(tmp_path / "tiny"), str(tmp_path / "logits.pt"))


def test_without_the_import_the_error_says_which_type_is_missing(tmp_path: Path) -> None:
    run(EXAMPLE + BUILD, str(tmp_path / "tiny"), str(tmp_path / "logits.pt"))
    run(
        """
from dovela import AutoModelForSequenceClassification, RegistryError
try:
    AutoModelForSequenceClassification.from_pretrained(sys.argv[1])
except RegistryError as error:
    assert "'near-encoder'" in str(error) and "must be imported first" in str(error), error
else:
    raise SystemExit("no error")
""",
        str(tmp_path / "tiny"),
    )


def test_a_window_lets_nothing_through_from_afar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One layer of a window of 2: a token three places away changes nothing, one two places away does."""
    (tmp_path / "near_example.py").write_text(EXAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    near = importlib.import_module("near_example")
    config = near.NearConfig(
        num_hidden_layers=1, window=2, hidden_size=16, num_attention_heads=2, intermediate_size=16, vocab_size=99
    )
    model = near.NearForSequenceClassification(config).eval().encoder
    ids = torch.arange(1, 13)[None]
    changed = ids.clone()
    changed[0, 5] = 77
    moved = (model(ids).last_hidden_state - model(changed).last_hidden_state).abs().amax(-1)[0] > 1e-7
    assert moved.tolist() == [3 <= place <= 7 for place in range(12)]
