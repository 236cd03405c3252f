"""`dovela new`: what it writes runs, learns, and is written as one would; what it refuses."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from command import run
from dovela.cli import main

pytest.importorskip("torch")

PROJECTS = {
    "near": "--from distilbert --attention window --positions rotary",
    "mine": "--own attention --own norm --own positions --own feed-forward --own pooler --own head",
    "pattern": "--task token-classification --attention window,full --window 3 --feed-forward mlp,moe --own head",
    "masked": "--from bert --task masked-lm --norm-order pre --own head",
    "told": "--task causal-lm --num-key-value-heads 2 --attention causal-window --positions alibi --norm rms",
    "teller": "--task causal-lm --own attention --own head --layers 2 --hidden-size 32 --heads 2",
    "tiles": "--from vit --norm rms --feed-forward swiglu --positions rotary --norm-order parallel",
    "my-tiles": "--from vit --own attention --own positions --own pooler --own head --own norm --own feed-forward",
    "whole": "--own model",
    "whole-picture": "--own model --from image-encoder --layers 2",
    "a-name-of-24-letters-now": "--own model",
    "another-name-as-long-one": "--task token-classification --own head --own positions --own attention",
}
QUICK = ("mine",)


def new(folder: Path, options: str = "") -> tuple[int, str]:
    result = CliRunner().invoke(main, ["new", str(folder), *options.split()])
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projects")
    for name, options in PROJECTS.items():
        code, output = new(folder / name, options)
        assert code == 0, output
    return folder


def python(folder: Path, *arguments: str) -> str:
    """What a program prints in a project's folder, with warnings as errors."""
    command = [sys.executable, "-W", "error", *arguments]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# What is written.


def test_it_says_what_it_wrote_and_what_to_do_next(tmp_path: Path) -> None:
    code, output = new(tmp_path / "my-near", "--from distilbert --attention window")
    assert code == 0
    assert output.startswith(
        f"{tmp_path / 'my-near'}/  DistilBERT with window attention, for sequence-classification\n"
    )
    named = re.findall(r"^  (\S+\.\w+)", output, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in (tmp_path / "my-near").iterdir())
    assert "python -m pytest\n  python train.py\n" in output
    assert [path.name for path in tmp_path.iterdir()] == ["my-near"]  # nothing is left beside it


def test_there_is_only_what_was_asked_for(projects: Path) -> None:
    text = (projects / "near/near.py").read_text("utf-8")
    assert re.findall(r"^    (\w+ = \S+)", text, re.MULTILINE) == [
        'attention = "window"',
        "window = 8",
        'positions = "rotary"',
        "num_hidden_layers = 3",
        "hidden_size = 128",
        "num_attention_heads = 4",
        "intermediate_size = 512",
        "initializer_range = 0.08",
    ]
    assert len(text.splitlines()) < 30
    assert '["window", "full"]' in (projects / "pattern/pattern.py").read_text("utf-8")
    assert not (projects / "tiles/corpus.py").exists()


def test_parts_of_ones_own_have_names_of_their_own(projects: Path) -> None:
    assert '@register_attention("teller")' in (projects / "teller/teller.py").read_text("utf-8")
    text = (projects / "my-tiles/my_tiles.py").read_text("utf-8")
    names = [f"my-tiles-{part}" for part in ("attention", "positions", "pooler", "norm", "feed-forward")]
    assert re.findall(r'^@register_\w+\("(.*)"\)', text, re.MULTILINE) == names
    assert 'feed_forward = "my-tiles-feed-forward"' in text


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("mine", "B batch, S sequence, D hidden size"),
        ("teller", "B batch, S sequence, V vocabulary"),
        ("my-tiles", "B batch, S sequence (the class token and P patches), D hidden size"),
        ("whole-picture", "B batch, C channels, P patches, D hidden size, L labels"),
    ],
)
def test_the_legend_has_the_letters_of_the_file(name: str, letters: str, projects: Path) -> None:
    text = (projects / name / f"{name.replace('-', '_')}.py").read_text("utf-8")
    assert f"\n\nLetters: {letters}.\n" in text


def test_paragraphs_of_the_readme_are_narrow(projects: Path) -> None:
    for path in projects.glob("*/README.md"):
        assert max(map(len, path.read_text("utf-8").splitlines())) <= 100, path


def test_every_file_is_formatted(projects: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    if subprocess.run([*ruff, "--version"], capture_output=True).returncode:
        pytest.skip("ruff is not installed")
    assert "already formatted" in python(projects, "-m", "ruff", "format", "--check", "--no-cache", ".")
    for name in PROJECTS:
        python(projects / name, "-m", "ruff", "check", "--no-cache", "--select", "E,F,W,I,B,UP,SIM,C4,T10", ".")


def test_files_have_no_gap_and_name_only_public_things(projects: Path) -> None:
    import dovela
    import dovela.checks
    import dovela.torch

    allowed = {"dovela": dovela.__all__, "dovela.torch": dovela.torch.__all__, "dovela.checks": vars(dovela.checks)}
    for path in projects.glob("*/*.py"):
        text = path.read_text("utf-8")
        assert "$" not in text, path
        for module, names in re.findall(
            r"^from (dovela[\w.]*) import (\(.*?\)|[^(\n]*)$", text, re.MULTILINE | re.DOTALL
        ):
            assert set(re.findall(r"\w+", names)) <= set(allowed[module]), path


def test_it_needs_no_framework(tmp_path: Path) -> None:
    done = run("new", str(tmp_path / "near"), "--own", "attention", blocked=("torch", "numpy", "tokenizers"))
    assert (done.returncode, done.stderr) == (0, "")
    assert run("new", "--help", blocked=("torch", "numpy", "rich")).returncode == 0


def test_it_says_which_packages_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    gone = {"torch", "sklearn"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in gone else find(name))
    assert "They also need: pip install torch scikit-learn" in new(tmp_path / "tiles", "--from vit")[1]
    assert "They also need: pip install torch\n" in new(tmp_path / "near")[1]


# What is written runs.


@pytest.mark.parametrize("name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in PROJECTS])
def test_its_own_test_passes(name: str, projects: Path) -> None:
    output = python(projects / name, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert re.search(r"^[45] passed", output, re.MULTILINE), output


@pytest.mark.parametrize("name", [n if n == "my-tiles" else pytest.param(n, marks=pytest.mark.slow) for n in PROJECTS])
def test_a_training_goes_all_the_way(name: str, projects: Path, tmp_path: Path) -> None:
    output = python(projects / name, "train.py", "--steps", "3", "--out", str(tmp_path / "trained"))
    assert re.search(r"step    3 of 3: loss \d", output), output
    assert "held out: " in output
    assert (tmp_path / "trained/model.safetensors").is_file()


def test_a_whole_model_checks_what_it_gets(projects: Path) -> None:
    program = """
import torch
from whole_picture import WholePictureConfig as Config, WholePictureForImageClassification as Model
for bad in ({"patch_size": 0}, {"hidden_size": -4}, {"patch_size": 3}):
    try:
        Config(**bad)
    except ValueError as error:
        print(error)
model = Model(Config(num_labels=3))
model.gradient_checkpointing_enable()
model(torch.randn(2, 1, 8, 8), labels=torch.tensor([0, 2])).loss.backward()
try:
    model(torch.randn(2, 1, 10, 8))
except ValueError as error:
    print(error)
"""
    assert python(projects / "whole-picture", "-c", program).splitlines() == [
        "WholePictureConfig.patch_size: 0 is not a number of at least 1",
        "WholePictureConfig.hidden_size: -4 is not a number of at least 1",
        "WholePictureConfig: image_size (8) is no multiple of patch_size (3)",
        "WholePictureForImageClassification: expected pixel_values (B, 1, 8, 8), got (2, 1, 10, 8). "
        "Resize them, or build the model for their size.",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["near", "tiles", "pattern", "masked", "told", "whole"])
def test_a_training_learns(name: str, projects: Path, tmp_path: Path) -> None:
    """Better than the baseline that it prints, by a margin."""
    output = python(projects / name, "train.py", "--out", str(tmp_path / "trained"))
    reached, baseline = map(
        float, re.findall(r"([\d.]+)(?:%|;|$)", output.partition("held out: ")[2].partition("\n")[0])
    )
    if "perplexity" in output:  # words that are hidden are slow to learn, as the script says
        assert reached < (0.95 if name == "masked" else 0.7) * baseline, output
    else:
        assert 100 - reached < 0.7 * (100 - baseline), output


@pytest.mark.slow
@pytest.mark.parametrize(("name", "lines"), [("near", "{}\tit is {} day"), ("told", "{1} it is {0} and {1} day")])
def test_it_trains_on_a_file_of_ones_own(name: str, lines: str, projects: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    days = [("good", "a fine"), ("bad", "a wet"), ("bad", "a cold"), ("good", "a warm")] * 20
    file.write_text("\n".join(lines.format(*day) for day in days), "utf-8")
    output = python(projects / name, "train.py", "--steps", "3", "--data", str(file), "--out", str(tmp_path / "out"))
    assert output.startswith("64 sentences to learn from, 16 held out")


@pytest.mark.slow
def test_a_line_without_a_label_is_named(projects: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text("good\ta fine day\na cold day\n", "utf-8")
    command = [sys.executable, "train.py", "--data", str(file)]
    done = subprocess.run(command, cwd=projects / "near", capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr == f"{file}, line 2: expected a label, a tab and a text, got 'a cold day'\n"


# What it refuses: nothing is written then.


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("x", "--attention windw", "EncoderConfig.attention: 'windw' is not a"),
        ("x", "--attention windw", "did you mean 'window'?"),
        ("x", "--positions rotary --attention linear", "positions 'rotary' act on the score of each pair of tokens"),
        ("x", "--from vit --attention window", "an image has rows and columns"),
        ("x", "--layers 2 --attention window,window,full", "attention names 3 layers in a pattern, and there are 2"),
        ("x", "--layers 0", "dovela new --layers 0: is not a number of at least 1"),
        ("x", "--heads 5", "dovela new --heads 5: the hidden size of 128 is no multiple of it. Heads share the"),
        (
            "x",
            "--hidden-size 126",
            "dovela new --hidden-size 126: is no multiple of the 4 heads that share it. See --heads",
        ),
        ("x", "--window 0", "dovela new --window 0: is not a number of at least 1"),
        ("x", "--own atention", "--own atention: is no part to write; did you mean 'attention'? There are: attention,"),
        ("x", "--own norm --norm rms", "--own norm: --norm rms is asked for too. Leave one of them out."),
        ("rms", "--own norm", "--own norm: there is a part 'rms' already. Choose another name for the project."),
        (
            "x",
            "--own model --heads 2 --own norm",
            "a whole model reads no named parts: --own norm, --heads. Leave them",
        ),
        ("x", "--own model --task masked-lm", "sequence-classification and image-classification, not for masked-lm"),
        ("x", "--task masked-lm --pooler mean", "--pooler mean: masked-lm makes no vector of a whole sequence"),
        ("x", "--task causal-lm --own pooler", "--own pooler: causal-lm makes no vector of a whole sequence"),
        ("x", "--window 4", "--window 4: no attention that is asked for has a window"),
        ("x", "--task causal-lm --attention causal,full", "with attention 'full' tokens would see those that they are"),
        ("x", "--task sumarise", "--task sumarise: is no task that it writes. It writes: sequence-classification,"),
        ("x", "--task masked-ml", "did you mean 'masked-lm'? It writes:"),
        (
            "x",
            "--from vit --task causal-lm",
            "reads text, and --from vit reads images. Its tasks: image-classification.",
        ),
        ("x", "--from distilbrt", "is nothing to start from; did you mean 'distilbert'? One starts from: encoder,"),
        ("x", "--from org/model", "Trained weights keep theirs, and get other parts by dovela.torch.change_parts."),
        ("x", "--from wav2vec2", "no real speech comes with Python or scikit-learn to train on. Derive a class from"),
        ("9x", "", "expected a name of small letters, digits and - between them. For example my-near."),
        ("Near", "", "expected a name of small letters"),
        ("a" * 25, "", "is longer than 24 characters"),
        ("class", "", "is a word of Python's own"),
        ("json", "", "a module 'json' is there already, and `import json` could find either. Choose another name."),
        ("train", "", "a module 'train' is there already"),
        ("vit", "", "is a model type of dovela. Choose another name."),
        ("nowhere/x", "", "there is no folder"),
    ],
)
def test_what_it_refuses(name: str, options: str, message: str, tmp_path: Path) -> None:
    code, output = new(tmp_path / name, options)
    assert code == 1
    assert output.startswith("error: ")
    assert message in output
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "near").mkdir()
    code, output = new(tmp_path / "near")
    assert (code, output) == (
        1,
        f"error: {tmp_path / 'near'}: is there already, and nothing is written over. Choose another name.\n",
    )
    assert list((tmp_path / "near").iterdir()) == []


def test_a_disk_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    code, output = new(tmp_path / "near")
    assert (code, output) == (1, f"error: {tmp_path / 'near'}: cannot be written (No space left on device)\n")
    assert list(tmp_path.iterdir()) == []
