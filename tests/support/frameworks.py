"""One harness for every model in every framework: what it computes, learns and saves is what torch's does.

    for framework, name in cases():
        examine(framework, name, folder)     # {"forward": "", "gradient": "gradient of norm.weight: differs by …", …}

Each check opens one checkpoint, saved by a small random torch model, in torch and in the framework. The support table
of the docs (`support.py`) is made from these checks alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

import dovela
import in_flax
import in_keras
import peer_models
from architectures import CONFIGS, config_of, inputs_for, real_places
from comparing import assert_gradients, assert_outputs
from dovela import parts
from peers import keras_on_jax

Arrays = dict[str, Any]
CHECKS = ("forward", "gradient", "save", "train")
FRAMEWORKS = {"flax": "Flax", "keras": "Keras on TensorFlow", "keras-jax": "Keras on JAX"}
PREFIXES = {"flax": "Flax", "keras": "TF", "keras-jax": "TF"}
PACKAGES = {"flax": ("jax", "flax", "optax"), "keras": ("keras", "tensorflow"), "keras-jax": ("keras", "jax")}
STILL = {"layerdrop": 0.0}  # a layer that is left out learns nothing in that step, and which one is chance


def torch_models() -> list[str]:
    """Every head of the architectures that have one of their own in other frameworks."""
    kinds = {getattr(dovela, f"{name}Config").model_type: name for name in CONFIGS}
    keys = [key.partition("/") for key in parts.MODELS._builtin]
    return [parts.MODELS._builtin[f"{kind}/{task}"].partition(":")[2] for kind, _, task in keys if kind in kinds]


def models(framework: str) -> list[str]:
    """What a framework's registry has, by torch's class names."""
    registry = parts.FLAX_MODELS if framework == "flax" else parts.KERAS_MODELS
    names = [place.partition(":")[2].removeprefix(PREFIXES[framework]) for place in registry._builtin.values()]
    return [name for name in torch_models() if name in names]


def cases() -> list[tuple[str, str]]:
    """(framework, model) of all there is."""
    return [(framework, name) for framework in FRAMEWORKS for name in models(framework)]


def in_framework(framework: str, job: str, *args: Any) -> Any:
    """What a function of `in_flax` or `in_keras` gives, run where that framework is."""
    if framework == "flax":
        return getattr(in_flax, job)(*args)
    if framework == "keras":
        return getattr(in_keras, job)(*args)
    return keras_on_jax(getattr(in_keras, job), *args)


def installed(framework: str) -> bool:
    return all(find_spec(package) for package in PACKAGES[framework])


def tolerance(name: str) -> float:
    return 2e-5 if name.startswith("Wav2Vec2") else 1e-5


def small_config(name: str) -> dict[str, Any]:
    config = config_of(name)
    return config | {key: 2 for key in ("n_layers", "num_hidden_layers") if key in config}


def make(name: str, folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A checkpoint of a small torch model, all of whose weights are a little away from their defaults."""
    config = small_config(name) | changes
    cls = getattr(dovela, name)
    torch.manual_seed(seed)
    model = cls(cls.config_class(**config))
    spread = 0.04 if name.startswith("Wav2Vec2") else 0.1  # float32 rounds the gradients of wilder weights too far
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    return folder


# ---- torch -----------------------------------------------------------------------------------------------------------


def reference(name: str, folder: Path, inputs: Arrays, seed: int) -> tuple[Arrays, Arrays]:
    """What torch computes: every output and the gradients, and by what outputs were weighted if there is no loss."""
    model = getattr(dovela, name).from_pretrained(folder, attn_implementation="eager")
    output = model(**tensors(inputs), output_hidden_states=True, output_attentions=True)
    weights = weighting(output, real_places(name, inputs), seed)
    in_flax.total(output, {key: torch.from_numpy(value) for key, value in weights.items()}).backward()
    gradients = {n: p.grad.numpy() for n, p in model.named_parameters() if p.grad is not None}
    return {**peer_models.flatten(output), "gradients": gradients}, weights


def tensors(inputs: Arrays) -> dict[str, Any]:
    return {key: torch.from_numpy(value) for key, value in inputs.items()}


def weighting(output: Any, real: np.ndarray | None, seed: int) -> Arrays:
    """Random weights for the outputs of a model without a loss, 0 where there is padding."""
    if "loss" in output:
        return {}
    rng = np.random.default_rng(seed)
    weights = {}
    for key in ("last_hidden_state", "pooler_output", "extract_features"):
        if key in output:
            shape = tuple(output[key].shape)
            weights[key] = (rng.standard_normal(shape) / shape[-1]).astype(np.float32)
            if real is not None and shape[:2] == real.shape:
                weights[key] = weights[key] * real[..., None].astype(np.float32)
    return weights


def torch_step(name: str, folder: Path, inputs: Arrays, weights: Arrays) -> Arrays:
    """How far one step of plain gradient descent takes each parameter in training; None: it takes no part."""
    torch.manual_seed(0)
    model = getattr(dovela, name).from_pretrained(folder).train()
    in_flax.total(model(**tensors(inputs)), {k: torch.from_numpy(v) for k, v in weights.items()}).backward()
    return {n: None if p.grad is None else float(p.grad.abs().max()) for n, p in model.named_parameters()}


# ---- checks ----------------------------------------------------------------------------------------------------------


def examine(framework: str, name: str, folder: Path) -> dict[str, str]:
    """By check, what is wrong; nothing where all is well."""
    found = {}
    seed = len(name)
    make(name, folder / "torch", seed, **(STILL if name.startswith("Wav2Vec2") else {}))
    inputs = inputs_for(name, seed)
    theirs, weights = reference(name, folder / "torch", inputs, seed)
    where = (framework, name, folder / "torch")
    gradients = theirs.pop("gradients")
    ours, failure = _attempt(in_framework, framework, "run", name, str(folder / "torch"), inputs, weights)
    if ours is None:
        found["forward"] = found["gradient"] = failure
    else:
        learnt = ours.pop("gradients")
        found["forward"] = _attempt(assert_outputs, ours, theirs, tolerance(name), real_places(name, inputs))[1]
        found["gradient"] = _attempt(assert_gradients, learnt, gradients, tolerance(name))[1]
    found["save"] = _attempt(check_saved, *where, folder / "saved")[1]
    found["train"] = _attempt(check_step, *where, inputs, weights)[1]
    return found


def _attempt(function: Callable[..., Any], *args: Any) -> tuple[Any, str]:
    """What it gives, and what went wrong."""
    try:
        return function(*args), ""
    except Exception as error:  # of whatever kind: the table says that it does not work, and the test shows why
        return None, f"{type(error).__name__}: {error}"


def check_saved(framework: str, name: str, source: Path, out: Path) -> None:
    """What the framework writes is the file that it opened, whole or in shards."""
    in_framework(framework, "save", name, str(source), str(out / "whole"))
    in_framework(framework, "save", name, str(source), str(out / "shards"), "30KB")
    assert_same_checkpoint(out / "whole", source)
    assert len(list((out / "shards").glob("model-*.safetensors"))) > 1
    cls = getattr(dovela, name)
    first, again = (cls.from_pretrained(folder).state_dict() for folder in (source, out / "shards"))
    assert all(torch.equal(again[key], value) for key, value in first.items())


def assert_same_checkpoint(ours: Path, theirs: Path) -> None:
    """The same tensors to the bit under the same names, said to be in the same layout, and the same configuration."""
    with safe_open(ours / "model.safetensors", "np") as a, safe_open(theirs / "model.safetensors", "np") as b:
        assert a.metadata() == b.metadata()
        assert set(a.keys()) == set(b.keys())
        for key in b.keys():  # noqa: SIM118
            mine, other = a.get_tensor(key), b.get_tensor(key)
            assert mine.dtype == other.dtype, key
            assert np.array_equal(mine, other), key
    assert json.loads((ours / "config.json").read_bytes()) == json.loads((theirs / "config.json").read_bytes())


def check_step(framework: str, name: str, source: Path, inputs: Arrays, weights: Arrays) -> None:
    """A step of training moves what torch's moves."""
    theirs = torch_step(name, source, inputs, weights)
    ours = in_framework(framework, "step", name, str(source), inputs, weights)
    assert set(ours) == set(theirs)
    for key, moved in theirs.items():
        assert np.isfinite(ours[key]), key
        if moved is None:
            assert ours[key] == 0, f"{key} moves, and torch's does not"
        elif moved > 1e-5:  # above what rounding gives to a parameter that has no effect, as the keys' biases
            assert ours[key] > 0, f"{key} stays as it was"
