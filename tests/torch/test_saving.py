"""Saving whole models: shards, ties, and a process killed in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

import dovela
from dovela import CheckpointError


def test_shards_and_index_and_back_to_one_file(small: Any, tmp_path: Path) -> None:
    model = small("BertForPreTraining")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "runs").mkdir()
    (tmp_path / "pytorch_model.bin").write_bytes(b"somebody else's")
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    shards = sorted(path.name for path in tmp_path.glob("model-*.safetensors"))
    assert sorted(set(index["weight_map"].values())) == shards
    assert shards[0].endswith(f"-of-{len(shards):05}.safetensors")
    assert index["metadata"]["total_size"] == sum(
        t.nbytes for shard in shards for t in load_file(tmp_path / shard).values()
    )
    for shard in shards:
        with safe_open(tmp_path / shard, "pt") as handle:
            assert handle.metadata() == {"format": "pt"}
        tensors = load_file(tmp_path / shard)
        assert sum(t.nbytes for t in tensors.values()) <= 20_000 or len(tensors) == 1
    again = dovela.BertForPreTraining.from_pretrained(tmp_path)
    assert all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())

    model.save_pretrained(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "config.json",
        "model.safetensors",
        "notes.txt",
        "pytorch_model.bin",
        "runs",
    ]


def test_views_and_transposed_weights_are_saved_whole(small: Any, tmp_path: Path) -> None:
    model = small("DistilBertModel")
    big = torch.randn(100, 48)
    model.embeddings.tokens.weight = torch.nn.Parameter(big[5:66])  # a view into more
    block = model.layers[0].mlp
    block.up_proj.weight = torch.nn.Parameter(block.up_proj.weight.detach().t().contiguous().t())
    model.save_pretrained(tmp_path)
    again = dovela.DistilBertModel.from_pretrained(tmp_path)
    assert torch.equal(again.embeddings.tokens.weight, big[5:66])
    assert torch.equal(again.layers[0].mlp.up_proj.weight, block.up_proj.weight)
    assert (tmp_path / "model.safetensors").stat().st_size < 4 * model.num_parameters() + 20_000


def test_a_state_dict_is_saved_in_place_of_the_models(small: Any, tmp_path: Path) -> None:
    model = small("DistilBertModel")
    model.save_pretrained(tmp_path, state_dict={k: v * 2 for k, v in model.state_dict().items()})
    again = dovela.DistilBertModel.from_pretrained(tmp_path)
    assert torch.equal(again.embeddings.tokens.weight, model.embeddings.tokens.weight * 2)


def test_a_model_without_values_is_not_saved(tmp_path: Path) -> None:
    with torch.device("meta"):
        model = dovela.DistilBertModel(dovela.DistilBertConfig())
    with pytest.raises(CheckpointError, match="is on the meta device"):
        model.save_pretrained(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written(small: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CheckpointError, match=r"file"):
        small("DistilBertModel").save_pretrained(tmp_path / "file" / "inside")


SAVER = """
import sys, time, torch
from dovela import DistilBertConfig, DistilBertModel

sizes = {"a": 24, "b": 40}  # two models that differ in shape, configuration and number of shards
models = {}
for name, dim in sizes.items():
    models[name] = DistilBertModel(DistilBertConfig(n_layers=2, dim=dim, n_heads=4, hidden_dim=900, vocab_size=900))
    with torch.no_grad():
        for p in models[name].parameters():
            p.fill_(dim)
def save():
    models["b"].save_pretrained(sys.argv[1], max_shard_size="150KB")
    models["a"].save_pretrained(sys.argv[1], max_shard_size="100KB")

began = time.perf_counter()
save()
print("ready", time.perf_counter() - began, flush=True)
while True:
    save()
"""


def test_two_hundred_kills_leave_two_hundred_whole_checkpoints(tmp_path: Path) -> None:
    """A saver is killed at a random instant, 200 times; config and every weight are then of one and the same save."""
    rng = random.Random(0)
    (tmp_path / "saver.py").write_text(textwrap.dedent(SAVER))
    forked = tmp_path / "fork.py"
    forked.write_text(  # one import of torch for 200 savers: each is a fork
        "import os, sys, dovela, torch\n"
        "torch.set_num_threads(1)\n"
        "from dovela import DistilBertModel\n"
        "code = compile(open(sys.argv[1]).read(), 'saver', 'exec')\n"
        "for line in sys.stdin:\n"
        "    pid = os.fork()\n"
        "    if not pid:\n"
        "        sys.argv = ['saver', line.strip()]\n"
        "        exec(code, {})\n"
        "    print(pid, flush=True)\n"
        "    os.waitpid(pid, 0)\n"
    )
    whole = {24: 0, 40: 0}
    folder = tmp_path / "checkpoint"
    command = [sys.executable, str(forked), str(tmp_path / "saver.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for _ in range(200):
            parent.stdin.write(f"{folder}\n")
            parent.stdin.flush()
            answers = sorted([parent.stdout.readline().split(), parent.stdout.readline().split()], key=len)
            (pid,), (_, seconds) = answers  # a pair of saves took so long here and now: a busy machine is slower
            time.sleep(rng.uniform(0, 2 * float(seconds)))
            os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.002)
            model = dovela.DistilBertModel.from_pretrained(folder)
            assert {int(p.unique()) for p in model.parameters()} == {model.config.dim}
            whole[model.config.dim] += 1
        parent.kill()
    assert sum(whole.values()) == 200
    assert min(whole.values()) > 10, "the kills always fell into the same phase"
