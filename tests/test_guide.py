"""The README and the guides are run, block after block, and print what they show; so does the tutorial they stand on.

Names on the hub are served on loopback: a full-size configuration and tokenizer, with weights that are random.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dovela
from hub_server import HubServer
from small_vocab import small_vocab

ROOT = Path(__file__).parents[1]
NAME = "distilbert/distilbert-base-uncased"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("distilbert")
    (folder / "vocab.txt").write_text("\n".join(small_vocab()))
    config = dovela.DistilBertConfig(n_layers=2, dim=96, hidden_dim=128, n_heads=4)
    dovela.DistilBertForMaskedLM(config).save_pretrained(folder)
    dovela.DistilBertTokenizerFast(folder / "vocab.txt").save_pretrained(folder)
    with HubServer() as server:
        server.add(NAME, folder)
        yield server


def run(script: str, folder: Path, env: dict[str, str]) -> str:
    (folder / "my_vocab_file.txt").write_text("\n".join(small_vocab()))
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


PAGES = ["README.md", "docs/guide.md", "docs/guia.md", "docs/images-and-sound.md", "docs/imagenes-y-sonido.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs_and_prints_what_it_shows(page: str, hub: HubServer, tmp_path: Path) -> None:
    blocks = BLOCK.findall((ROOT / page).read_text())
    script, shown = [], []
    for kind, text in blocks:
        if kind == "python":
            script.append(text + "\nprint('<end of block>')\n")
            shown.append("")
        else:
            shown[-1] = text
    assert len(shown) >= 2
    printed = run("".join(script), tmp_path, hub.env(tmp_path / "cache")).split("<end of block>\n")[:-1]
    assert printed == shown


TUTORIAL = f'''
name = "{NAME}"
from dovela import (AutoTokenizer, DistilBertConfig, DistilBertForQuestionAnswering,
                    DistilBertForSequenceClassification, DistilBertModel, DistilBertTokenizer, DistilBertTokenizerFast)
config = DistilBertConfig(activation="relu", attention_dropout=0.4); print(config)
config = DistilBertConfig.from_pretrained("distilbert/distilbert-base-uncased", activation="relu",
                                          attention_dropout=0.4)
config.save_pretrained(save_directory="./your_model_save_path")
import shutil; shutil.copy("your_model_save_path/config.json", "your_model_save_path/my_config.json")
config = DistilBertConfig.from_pretrained("./your_model_save_path/my_config.json")
model = DistilBertModel(config)
model = DistilBertModel.from_pretrained("distilbert/distilbert-base-uncased")
model = DistilBertModel.from_pretrained("distilbert/distilbert-base-uncased", config=config)
model = DistilBertForSequenceClassification.from_pretrained("distilbert/distilbert-base-uncased")
model = DistilBertForQuestionAnswering.from_pretrained("distilbert/distilbert-base-uncased")
tokenizer = DistilBertTokenizer(vocab_file="my_vocab_file.txt", do_lower_case=False, padding_side="left")
slow, fast = DistilBertTokenizer.from_pretrained(name), DistilBertTokenizerFast.from_pretrained(name)
tokenizer = AutoTokenizer.from_pretrained(name, use_fast=False)
assert not tokenizer.is_fast and AutoTokenizer.from_pretrained(name).is_fast
'''


def test_the_tutorial_runs_on_the_hub_and_then_offline_from_the_cache(hub: HubServer, tmp_path: Path) -> None:
    env = hub.env(tmp_path / "cache")
    online = run(TUTORIAL, tmp_path, env)
    asked = len(hub.requests)
    assert asked
    offline = run(TUTORIAL, tmp_path, {**env, "HF_HUB_OFFLINE": "1"})
    assert len(hub.requests) == asked
    assert online == offline
    assert online.startswith('DistilBertConfig {\n  "activation": "relu",\n  "attention_dropout": 0.4,\n')


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("missing", "there is no such name on"),
        ("gated", "gated"),
        ("drop", "connection"),
        ("truncate", "truncated|consistency|incomplete|size"),
        ("offline", "offline|cache"),
    ],
)
def test_a_hub_that_fails_gives_its_own_error_and_leaves_nothing_half_written(
    fault: str, message: str, tmp_path: Path
) -> None:
    folder, cache = tmp_path / "model", tmp_path / "cache"
    dovela.DistilBertModel(
        dovela.DistilBertConfig(n_layers=1, dim=8, hidden_dim=8, n_heads=2, vocab_size=50)
    ).save_pretrained(folder)
    with HubServer() as server:
        if fault != "missing":
            server.add("org/model", folder, gated=fault == "gated")
        if fault in ("drop", "truncate"):
            server.fault("model.safetensors", fault)
        env = server.env(cache) | ({"HF_HUB_OFFLINE": "1"} if fault == "offline" else {})
        script = (
            "from dovela import DistilBertModel, CheckpointError\n"
            "try:\n    DistilBertModel.from_pretrained('org/model')\n"
            "except CheckpointError as error:\n    print(error)\n"
            "else:\n    raise SystemExit('no error')\n"
        )
        said = run(script, tmp_path, env)
    assert "org/model" in said
    assert re.search(message, said, re.I), said
    assert [path for path in cache.rglob("*") if path.name.endswith(".incomplete")] == []
    assert [path for path in cache.rglob("model.safetensors") if path.exists()] == []


def test_docs_name_no_block_that_is_not_run() -> None:
    """Console blocks are for commands alone; whatever is Python is marked so and run."""
    for page in PAGES:
        kinds = set(re.findall(r"^```(\w+)$", (ROOT / page).read_text(), re.M))
        assert kinds <= {"python", "text", "sh"}, page
