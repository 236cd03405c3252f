"""Only the framework in use is imported: models of each work where none of the others is installed."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from alone import FRAMEWORKS, python

CONFIG = {
    "vocab_size": 30,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 16,
}
USES = {  # what runs, the packages it needs, and those that it may have imported
    "torch": ("AutoModelForMaskedLM", "BertForMaskedLM", "pt", ("torch",)),
    "flax": ("FlaxAutoModelForMaskedLM", "FlaxBertForMaskedLM", "jax", ("jax", "jaxlib", "flax")),
    "keras-tensorflow": ("TFAutoModelForMaskedLM", "TFBertForMaskedLM", "tf", ("keras", "tensorflow")),
    "keras-jax": ("TFAutoModelForMaskedLM", "TFBertForMaskedLM", "jax", ("keras", "jax", "jaxlib")),
}


def need(*packages: str) -> None:
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A small masked language model, saved by torch."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("checkpoint")
    code = f"""
        import torch
        from dovela import BertConfig, BertForMaskedLM
        torch.manual_seed(0)
        BertForMaskedLM(BertConfig(**{CONFIG!r})).save_pretrained({str(folder)!r})
    """
    python(code)
    return folder


@pytest.mark.parametrize("use", USES)
def test_models_work_without_the_other_frameworks(use, checkpoint, tmp_path):
    door, model, code, packages = USES[use]
    need(packages[0])
    others = [name for name in FRAMEWORKS if name not in packages]
    program = f"""
        import json
        import numpy as np
        import dovela
        from dovela.tensors import from_array
        model = dovela.{door}.from_pretrained({str(checkpoint)!r})
        assert type(model) is dovela.{model}, type(model)
        ids = np.arange(24).reshape(2, 12)
        output = model(input_ids=from_array(ids, {code!r}), labels=from_array(ids, {code!r}))
        model.save_pretrained({str(tmp_path)!r})
        dovela.{model}.from_pretrained({str(tmp_path)!r})
        assert not loaded{tuple(others)!r}, loaded{tuple(others)!r}
        loss = output.loss.detach() if loaded("torch") else output.loss
        print(json.dumps([float(loss), model.config.hidden_size]))
    """
    environment = {"KERAS_BACKEND": use.partition("-")[2]} if use.startswith("keras") else {}
    loss, width = json.loads(python(program, blocked=others, **environment))
    assert width == CONFIG["hidden_size"]
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == ["BertForMaskedLM"]
    assert loss == pytest.approx(_loss(checkpoint), abs=1e-5)
    assert (tmp_path / "model.safetensors").stat().st_size == (checkpoint / "model.safetensors").stat().st_size


def _loss(folder):
    import torch

    from dovela import BertForMaskedLM

    ids = torch.arange(24).view(2, 12)
    return BertForMaskedLM.from_pretrained(folder)(ids, labels=ids).loss.item()


@pytest.mark.parametrize(
    ("statement", "user", "blocked", "package", "extra"),
    [
        ("from dovela import FlaxBertModel", "dovela.FlaxBertModel", ["jax"], "jax", "flax"),
        ("from dovela import FlaxBertModel", "dovela.FlaxBertModel", ["flax"], "flax", "flax"),
        ("import dovela.flax", "dovela.flax", ["jax"], "jax", "flax"),
        (
            "from dovela import FlaxAutoModel, BertConfig; FlaxAutoModel.from_config(BertConfig())",
            "FlaxAutoModel",
            ["flax"],
            "flax",
            "flax",
        ),
        ("from dovela import TFBertModel", "dovela.TFBertModel", ["keras"], "keras", "keras"),
        ("import dovela.keras", "dovela.keras", ["keras"], "keras", "keras"),
        (
            "from dovela import TFAutoModel, BertConfig; TFAutoModel.from_config(BertConfig())",
            "TFAutoModel",
            ["keras"],
            "keras",
            "keras",
        ),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_installs_it(statement, user, blocked, package, extra):
    code = f"""
        from dovela import MissingBackend
        try:
            {statement}
        except ImportError as error:
            assert type(error) is MissingBackend, type(error)
            print(error)
    """
    need("jax", "flax", "keras", "tensorflow")
    told = f'{user}: needs the package {package!r}, which is not installed. Run: pip install "dovela[{extra}]"'
    assert python(code, blocked=blocked) == told


@pytest.mark.parametrize(("package", "version", "least"), [("jax", "0.4.30", "0.4.35"), ("flax", "0.8.5", "0.10")])
def test_a_version_that_is_too_old_is_named(package, version, least):
    need("jax", "flax")
    code = f"""
        from importlib import metadata
        real = metadata.version
        metadata.version = lambda name: {version!r} if name == {package!r} else real(name)
        from dovela import MissingBackend
        try:
            from dovela import FlaxBertModel
        except MissingBackend as error:
            print(error)
    """
    assert python(code) == (
        f"dovela.FlaxBertModel: needs {package} {least} or later, and {version} is installed. "
        'Run: pip install --upgrade "dovela[flax]"'
    )


def test_the_doors_and_the_parts_of_others_are_no_import():
    """Names are listed, and doors imported, with no framework there."""
    code = """
        import dovela
        from dovela import AutoModel, FlaxAutoModel, TFAutoModelForCTC
        assert {"FlaxBertModel", "TFViTModel", "FlaxPreTrainedModel"} <= set(dir(dovela))
        print(*loaded("numpy", "safetensors"))
    """
    assert python(code, blocked=FRAMEWORKS) == ""
