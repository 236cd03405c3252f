"""`dovela show`: the numbers, where they come from, and what is wrong with the rest."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from command import run
from dovela import BertConfig, DistilBertConfig, EncoderConfig, ViTConfig
from dovela.cli import main
from dovela.cli.show import ranges
from dovela.cli.show_table import as_table, sections
from dovela.cli.terminal import quantity
from dovela.inventory import Inventory, Measure, Part, inventory
from hub_server import HubServer


def show(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["show", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.output


def failure(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["show", *map(str, arguments)])
    return result.exit_code, result.output


def row(output: str, name: str) -> list[str]:
    """The cells of the row that begins with `name`."""
    line = next(line for line in output.splitlines() if line.strip().startswith(name + " "))
    return re.split(r"\s{2,}", line.strip())[1:]


def test_the_table_of_bert() -> None:
    output = show("bert")
    assert output.startswith("bert, without a head")
    assert row(output, "tokens") == ["30522 × 768", "23,440,896", "93.8 MB", "46.9 MB"]
    assert row(output, "layers 0-11 (12 alike)") == ["85,054,464", "340 MB", "170 MB", "175 M"]
    assert row(output, "mlp.up_proj") == ["3072 × 768", "2,362,368", "9.45 MB", "4.72 MB", "4.72 M"]
    assert row(output, "attention over 128 tokens") == ["393 k"]  # 4 × 128 × 768
    assert row(output, "pooler.dense")[:2] == ["768 × 768", "590,592"]
    assert row(output, "in all") == ["109,482,240", "438 MB", "219 MB", "175 M"]
    assert "over 1 × 128 tokens takes 22.3 GFLOP" in output
    words = " ".join(output.split())
    assert "The weights take 438 MB in fp32, 219 MB in bf16. Training in fp32 takes 1.75 GB for weights, grad" in words
    assert "and about 75.9 MB for the activations of that batch (fused attention, nothing computed twice)." in words


def test_the_table_of_vit() -> None:
    output = show("vit", "--batch", 8)
    assert row(output, "patches")[:2] == ["768 × 3 × 16 × 16", "590,592"]
    assert row(output, "class_token")[:2] == ["1 × 1 × 768", "768"]
    assert row(output, "attention over 197 tokens") == ["119 M"]  # 4 × 197² × 768
    assert row(output, "in all") == ["86,389,248", "346 MB", "173 MB", "35.1 G"]
    assert "FLOP/image" in output
    assert "over 8 images of 224 × 224 pixels (197 tokens each) takes 281 GFLOP" in output
    data = json.loads(show("vit", "--json", "--batch", 8))
    assert data["flops"] == 8 * data["flops_per_image"] == inventory(ViTConfig()).flops(batch=8)
    assert data["parts"][1]["shapes"] == {"class_token": [1, 1, 768]}
    assert (data["unit"], data["length"]) == ("image", 1)
    code, text = failure("vit", "--length", 2)
    assert (code, text) == (1, "error: --length 2: this 'vit' takes at most 1 image. --batch counts inputs.\n")


def test_it_works_without_torch_and_numpy(tmp_path: Path) -> None:
    DistilBertConfig(n_layers=2, architectures=["DistilBertForMaskedLM"]).save_pretrained(tmp_path)
    result = run("show", str(tmp_path), blocked=("torch", "numpy", "safetensors", "tokenizers", "huggingface_hub"))
    assert (result.returncode, result.stderr) == (0, "")
    assert row(result.stdout, "decoder")[:2] == ["tied: 30522 × 768", "30,522"]  # only its bias is its own


def test_json_holds_the_same_numbers() -> None:
    config = BertConfig()
    data = json.loads(show("bert", "--json", "--batch", 4, "--length", 64))
    stock = inventory(config)
    assert data["parameters"] == stock.parameters == sum(part["parameters"] for part in data["parts"])
    assert data["bytes"] == {"float32": 4 * stock.parameters, "bfloat16": 2 * stock.parameters}
    assert data["training_bytes"]["state"] == 16 * stock.parameters
    assert data["training_bytes"]["in_all"] == stock.training_bytes(64, 4)
    assert data["training_bytes"]["activations"] == stock.activation_bytes(64, 4)
    assert data["flops"] == stock.flops(64, 4) == 4 * 64 * data["flops_per_token"]
    assert data["flops_per_token"] == pytest.approx(sum(part["flops_per_token"] for part in data["parts"]))
    assert data["parts"][0]["shapes"] == {"weight": [30522, 768]}
    assert (data["batch"], data["length"], data["notes"]) == (4, 64, [])


def test_a_folder_a_file_and_a_type_are_the_same(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    assert show(tmp_path) == show(tmp_path / "config.json") == show("bert")


def test_a_folder_goes_before_a_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    DistilBertConfig(n_layers=1).save_pretrained("bert")
    assert show("bert").startswith("distilbert, without a head")


def test_pruned_layers_are_told_apart(tmp_path: Path) -> None:
    config = DistilBertConfig(
        pruned_heads={1: [0], 4: [2], 5: [0, 1]}, architectures=["DistilBertForQuestionAnswering"]
    )
    config.save_pretrained(tmp_path)
    output = show(tmp_path)
    assert output.startswith("DistilBertForQuestionAnswering")
    assert row(output, "layers 0, 2-3 (3 alike)")[0] == "21,263,616"
    one_head_less = 4 * 768 * 64 + 3 * 64  # q, k, v and o for 64 of 768; the biases of q, k, v
    assert row(output, "layers 1, 4 (2 alike)")[0] == f"{2 * (7_087_872 - one_head_less):,}"
    assert row(output, "layer 5")[0] == f"{7_087_872 - 2 * one_head_less:,}"
    assert row(output, "spans")[:2] == ["2 × 768", "1,538"]


def test_short_positions_shorten_the_length(tmp_path: Path) -> None:
    BertConfig(max_position_embeddings=16).save_pretrained(tmp_path)
    assert "over 1 × 16 tokens" in show(tmp_path)
    code, output = failure(tmp_path, "--length", 17)
    assert code == 1
    assert output == "error: --length 17: this 'bert' takes at most 16 tokens\n"


def test_a_type_of_ones_own_is_imported_on_request(tmp_path: Path) -> None:
    (tmp_path / "near_module.py").write_text(
        "from dovela import EncoderConfig\nclass Near(EncoderConfig, model_type='near-shown'):\n    window: int = 64\n"
    )
    data: dict[str, Any] = {
        "model_type": "near-shown",
        "num_hidden_layers": 4,
        "hidden_size": 36,
        "architectures": ["NearModel"],
    }
    (tmp_path / "config.json").write_text(json.dumps(data))
    program = ["show", "config.json", "--json"]
    refused, shown = run(*program, cwd=tmp_path), run(*program, "--import", "near_module.py", cwd=tmp_path)
    missing = run(*program, "--import", "far_module", cwd=tmp_path)
    assert refused.returncode == 1
    assert "'near-shown': is not registered" in refused.stderr
    assert "A class of your own must be imported first" in refused.stderr
    assert json.loads(shown.stdout)["parts"][0]["shapes"] == {"weight": [30522, 36]}
    assert missing.returncode == 1
    assert missing.stderr.startswith("error: --import far_module: No module named 'far_module' (looked in ")


OWN = """
from typing import Any
import torch
from torch import nn
from dovela import EncoderConfig, PreTrainedModel
from dovela.config import PretrainedConfig
from dovela.torch import Attention, register_attention

class ShownConfig(PretrainedConfig, model_type="shown-own"):
    width: int = 16
    depth: int = 3

class ShownModel(PreTrainedModel, config=ShownConfig, task="token-classification"):
    def __init__(self, config: ShownConfig) -> None:
        super().__init__(config)
        self.tokens = nn.Embedding(9, config.width)
        self.steps = nn.ModuleList(nn.Linear(config.width, config.width) for _ in range(config.depth))

    def forward(self, input_ids: torch.Tensor) -> Any:
        x = self.tokens(input_ids)
        for step in self.steps:
            x = step(x)
        return x

class NearConfig(EncoderConfig, model_type="shown-near"):
    attention: str = "shown-near"

@register_attention("shown-near")
class NearAttention(Attention):
    def __init__(self, config: Any, layer: int = 0) -> None:
        super().__init__(config, layer)
        self.slope = nn.Parameter(torch.ones(config.num_attention_heads))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a module of one's own, and configurations of its types as saving writes them."""
    (tmp_path / "own_module.py").write_text(OWN)
    for kind, data in {
        "shown-own": {"architectures": ["ShownModel"], "width": 24},
        "encoder": {"architectures": ["EncoderForMaskedLM"], "attention": "shown-near", "num_hidden_layers": 2},
        "shown-near": {"architectures": ["NearGone"], "defined_in": {"NearGone": "gone_module"}},
    }.items():
        (tmp_path / f"{kind}.json").write_text(json.dumps({"model_type": kind, **data}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "own_module", raising=False)
    return tmp_path


@pytest.mark.usefixtures("own")
def test_a_model_of_ones_own_is_watched() -> None:
    output = show("shown-own.json", "--import", "own_module", "--batch", "2", "--length", "8")
    assert output.startswith("ShownModel")
    assert row(output, "steps 0-2 (3 alike)") == ["24 × 24", "1,800", "7.2 kB", "3.6 kB", "3.46 k"]
    assert row(output, "in all")[0] == "2,016"
    words = " ".join(output.split())
    assert "over 2 × 8 tokens takes 55.3 kFLOP" in words  # 2 · 16 · 3 · 24²
    assert "(nothing computed twice). Note: measured as ShownModel runs." in words  # which has no attention
    by_type = json.loads(show("shown-own", "--import", "own_module.py", "--json"))
    assert by_type["architecture"] == "ShownModel"  # the only one


def test_a_part_of_ones_own_in_a_model_that_is_not(own: Path) -> None:
    missing = run("show", "encoder.json", cwd=own)
    assert missing.returncode == 1
    assert "'shown-near'" in missing.stderr
    data = json.loads(show("encoder.json", "--import", "own_module", "--json"))
    shapes = {part["name"]: part["shapes"] for part in data["parts"]}
    assert data["architecture"] == "EncoderForMaskedLM"
    assert shapes["layers.0.attention"] == {"slope": [12]}


@pytest.mark.usefixtures("own")
def test_a_model_class_that_is_not_imported() -> None:
    assert failure("shown-near.json", "--import", "own_module") == (
        1,
        "error: shown-near.json: was saved from NearGone, defined in 'gone_module', which is not imported. "
        "Run `dovela show shown-near.json --import own_module --import gone_module`.\n",
    )


def test_the_command_that_imports_what_a_file_was_saved_from(tmp_path: Path) -> None:
    noted = {"model_type": "shown-far", "defined_in": {"FarConfig": "far", "FarModel": "far"}}
    (tmp_path / "config.json").write_text(json.dumps(noted))
    code, output = failure(tmp_path)
    assert code == 1
    assert output.endswith(f"is not registered. Run `dovela show {tmp_path} --import far`.\n")
    part = {"model_type": "encoder", "attention": "far", "defined_in": {"attention 'far'": "far.parts"}}
    (tmp_path / "config.json").write_text(json.dumps(part))
    assert failure(tmp_path)[1].endswith(f"Run `dovela show {tmp_path} --import far.parts`.\n")


@pytest.mark.usefixtures("own")
def test_layers_of_ones_own_are_told_from_others() -> None:
    pattern = {"attention": ["shown-near", "window"], "num_hidden_layers": 4, "model_type": "encoder"}
    Path("mixed.json").write_text(json.dumps({**pattern, "architectures": ["EncoderForMaskedLM"]}))
    lines = [line.strip() for line in show("mixed.json", "--import", "own_module").splitlines()]
    first = next(i for i, line in enumerate(lines) if line.startswith("layers 0, 2 (2 alike)"))
    second = next(i for i, line in enumerate(lines) if line.startswith("layers 1, 3 (2 alike)"))
    assert (lines[first + 1], lines[second + 1]) == ("NearAttention", "WindowAttention")
    assert "Note: measured as EncoderForMaskedLM runs: what a mask hides is computed" in " ".join(lines)


def titles(config: EncoderConfig, *, length: int = 8) -> list[tuple[str, tuple[str, ...]]]:
    return [(s.title, s.kinds) for s in sections(inventory(config).parts, length) if "layer" in s.title]


def test_kinds_that_look_alike_are_told_apart() -> None:
    """With 8 tokens a window of 64 hides nothing, so shapes and operations are the same."""
    config = EncoderConfig(num_hidden_layers=3, attention=["window", "window", "full"], window=64)
    window, full = ("attention 'window'",), ("attention 'full'",)
    assert titles(config) == [("layers 0-1", window), ("layer 2", full)]
    two = EncoderConfig(num_hidden_layers=2, attention=["window", "full"], feed_forward=["mlp", "glu"], window=64)
    assert titles(two) == [
        ("layer 0", (*window, "feed-forward 'mlp'")),
        ("layer 1", (*full, "feed-forward 'glu'")),
    ]
    assert titles(EncoderConfig(num_hidden_layers=2)) == [("layers 0-1", ())]


def test_what_layers_share_is_counted_once() -> None:
    first = Part("steps.0", {"weight": (4, 4)})
    others = [Part(f"steps.{n}", {"weight": (4, 4)}, tied={"weight": "steps.0.weight"}) for n in (1, 2, 3)]
    stock = Inventory("own", "Own", (first, *others), measure=Measure())
    terminal = Console(width=120, file=io.StringIO())
    terminal.print(as_table(stock, 1, 8))
    output = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert row(output, "steps 0-3 (4 alike)")[:2] == ["4 × 4", "16"]
    assert row(output, "in all")[0] == "16"
    assert "Tied, and counted once: steps.0.weight = steps.1.weight = steps.2.weight = … (4 names)." in output


def test_a_bare_word_that_is_no_type(tmp_path: Path) -> None:
    DistilBertConfig(n_layers=2).save_pretrained(tmp_path / "model")
    with HubServer() as hub:
        hub.add("old-name", tmp_path / "model")
        environment = hub.env(tmp_path / "cache") | {"HF_HUB_OFFLINE": "0"}
        there, gone = run("show", "old-name", **environment), run("show", "distilbrt", **environment)
    kept = run("show", "old-name", **environment)  # nothing answers any more
    lost = run("show", "mixr", **environment)
    assert (there.returncode, there.stderr) == (0, "")
    assert gone.stderr.startswith(
        "error: distilbrt: model type 'distilbrt': is not registered; did you mean 'distilbert'? Registered: audio-enc"
    )
    assert "For a type of your own add --import MODULE, the module that defines it. There is no folder" in gone.stderr
    assert "has no such name" in gone.stderr
    assert lost.stderr.count("\n") == 1
    assert "was not reached" in lost.stderr
    assert kept.stdout == there.stdout


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_into_a_terminal(width: int) -> None:
    config = EncoderConfig(
        attention=["window", "window", "full"],
        feed_forward=["moe", "geglu"],
        num_key_value_heads=4,
        positions="rotary",
        hidden_size=1024,
        num_attention_heads=16,
    )
    terminal = Console(width=width, file=io.StringIO())
    terminal.print(as_table(inventory(config, "EncoderForSequenceClassification"), 8, 512, width))
    output = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "…" not in output
    assert ("bf16  " in output) == (width == 120)
    assert row(output, "layers 0, 4, 6, 10 (4 alike)")
    assert "attention over 121 of 512 tokens" in output
    assert "8 experts" in output
    assert "Note: 2 of 8 experts work on a token" in output
    assert "counted for the pairs that may attend" in " ".join(output.split())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"words", "is not valid JSON"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"[1]", "a JSON object"),
        (b"{}", "its configuration names no model_type"),
        (b'{"model_type": "brt"}', "did you mean 'bert'?"),
        (b'{"model_type": "bert", "hidden_size": "wide"}', "BertConfig"),
    ],
)
def test_a_wrong_file(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "config.json").write_bytes(content)
    code, output = failure(tmp_path)
    assert code == 1
    assert output.startswith("error: ")
    assert message in output
    assert "config.json" in output or str(tmp_path) in output or "model type" in output


def test_a_folder_without_a_configuration(tmp_path: Path) -> None:
    code, output = failure(tmp_path)
    assert code == 1
    assert "has no file 'config.json'" in output


def test_numbers_out_of_range() -> None:
    code, output = failure("bert", "--batch", 0)
    assert code == 2
    assert "0 is not in the range x>=1" in output


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (999, "999"), (1000, "1 k"), (786_432, "786 k"), (2.5e13, "25 T"), (3e16, "30,000 T")]
)
def test_quantities(value: float, text: str) -> None:
    assert quantity(value) == text


def test_ranges() -> None:
    assert ranges([0]) == "0"
    assert ranges([0, 1, 2, 4, 6, 7]) == "0-2, 4, 6-7"


def test_a_name_on_the_hub_and_then_offline(tmp_path: Path) -> None:
    DistilBertConfig(n_layers=2).save_pretrained(tmp_path / "model")
    with HubServer() as hub:
        hub.add("org/model", tmp_path / "model")
        environment = hub.env(tmp_path / "cache") | {"HF_HUB_OFFLINE": "0"}
        online, unknown = run("show", "org/model", "--json", **environment), run("show", "org/modle", **environment)
        asked = [request for request in hub.requests if "/org/model/" in request]
    offline = run("show", "org/model", "--json", **environment | {"HF_HUB_OFFLINE": "1"})
    assert json.loads(online.stdout) == json.loads(offline.stdout)
    assert json.loads(online.stdout)["parameters"] == inventory(DistilBertConfig(n_layers=2)).parameters
    assert not [request for request in asked if "config.json" not in request]  # no weights are fetched
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("error: org/modle: there is no such name on http://127.0.0.1:")
