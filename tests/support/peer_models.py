"""Jobs for the processes of `peers`: build, save and run models of transformers."""

from __future__ import annotations

from typing import Any

from architectures import real_places


def _randomise(model: Any, seed: int) -> None:
    """Weights, biases and norms away from their defaults, so that none of them can be mixed up unseen."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


def build_and_save(name: str, config: dict[str, Any], folder: str, seed: int = 0, shard: str = "5GB") -> None:
    """Save a random model of the class `name`."""
    import transformers

    cls = getattr(transformers, name)
    model = cls(cls.config_class(**config))
    _randomise(model, seed)
    model.save_pretrained(folder, max_shard_size=shard)


def run(name: str, folder: str, inputs: dict[str, Any], attention: str, seed: int) -> dict[str, Any]:
    """Outputs, loss and gradients (by name in the file) of a saved model, in evaluation mode, as numpy arrays."""
    import transformers

    cls = getattr(transformers, name)
    model = cls.from_pretrained(folder, attn_implementation=attention).eval()
    tensors = as_tensors(inputs)
    output = model(**tensors, output_hidden_states=True, output_attentions=attention == "eager")
    result = flatten(output)
    objective(output, real_places(name, inputs), seed).backward()
    gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    result["gradients"] = {n: g.numpy() for n, g in _as_in_files(model, gradients).items()}
    return result


def _as_in_files(model: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    """Tensors by their names in files, which in 5.x are not always the names of the model's parts."""
    try:
        from transformers.core_model_loading import revert_weight_conversion
    except ImportError:
        return tensors
    return dict(revert_weight_conversion(model, tensors))


def as_tensors(inputs: dict[str, Any]) -> dict[str, Any]:
    """Arrays as tensors; switches as they are."""
    import torch

    return {key: value if isinstance(value, bool) else torch.from_numpy(value) for key, value in inputs.items()}


def flatten(output: Any) -> dict[str, Any]:
    """Every tensor of an output, detached, as numpy."""
    found: dict[str, Any] = {}
    for key in output.keys():  # noqa: SIM118
        value = output[key]
        found[key] = [v.detach().numpy() for v in value] if isinstance(value, tuple) else value.detach().numpy()
    return found


def objective(output: Any, real: Any, seed: int) -> Any:
    """The loss, or for a model without one a random weighting of its states where they are real (None: everywhere)."""
    import torch

    if "loss" in output:
        return output["loss"]
    states = output["last_hidden_state"]
    weight = torch.randn(states.shape, generator=torch.Generator().manual_seed(seed))
    if real is not None:
        weight = weight * torch.from_numpy(real)[..., None]
    total = (states * weight).sum() / states.shape[-1]
    return total + output["pooler_output"].sum() / states.shape[-1] if "pooler_output" in output else total


def loading_info(name: str, folder: str) -> dict[str, Any]:
    """What the peer says about a checkpoint that it opens, and the weights as it has them."""
    import transformers

    cls = getattr(transformers, name)
    model, info = cls.from_pretrained(folder, output_loading_info=True)
    state = {key: value.numpy() for key, value in model.state_dict().items()}
    return {
        "missing": sorted(info["missing_keys"]),
        "unexpected": sorted(info["unexpected_keys"]),
        "mismatched": sorted(map(str, info["mismatched_keys"])),
        "config": model.config.to_dict(),
        "state": state,
    }


def prune_and_save(name: str, folder: str, heads: dict[int, list[int]], out: str) -> None:
    import transformers

    model = getattr(transformers, name).from_pretrained(folder)
    model.prune_heads(heads)
    model.save_pretrained(out)


def num_parameters(name: str, config: dict[str, Any]) -> int:
    import torch
    import transformers

    cls = getattr(transformers, name)
    with torch.device("meta"):
        return cls(cls.config_class(**config)).num_parameters()
