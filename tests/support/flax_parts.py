"""A part in Flax with the weights of the same part in torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


def with_weights_of(part: torch.nn.Module, module: Any, *inputs: Any, **options: Any) -> Any:
    """The variables of a linen module: a part's weights, and nothing else, under the names that the leaf rules give."""
    import jax
    from flax.traverse_util import flatten_dict, unflatten_dict

    from dovela.leaves import FLAX_LEAVES

    keys = {name: jax.random.key(0) for name in ("params", "dropout", "gumbel")}
    shapes = jax.eval_shape(lambda: module.init(keys, *inputs, **options))["params"]
    state = {name: tensor.detach().numpy() for name, tensor in part.state_dict().items()}
    flat = {path: FLAX_LEAVES.from_file(path, state.pop(FLAX_LEAVES.name(path))) for path in flatten_dict(shapes)}
    assert not state
    for path, leaf in flatten_dict(shapes).items():
        assert leaf.shape == flat[path].shape, path
    return {"params": unflatten_dict({path: jax.numpy.asarray(array) for path, array in flat.items()})}


def by_state_name(tree: Any) -> dict[str, np.ndarray]:
    """A tree of parameters or gradients as torch names and lays them out."""
    from in_flax import by_state_name

    return by_state_name(tree)


def both(name: str, folder: Any, inputs: dict[str, Any], asked: dict[str, Any] | None = None, **changes: Any) -> Any:
    """Flax's and torch's outputs, and gradients of the loss or of weighted outputs, from one file of random weights."""
    import jax

    import dovela
    from architectures import config_of
    from in_flax import flatten, opened

    torch.manual_seed(0)
    there = getattr(dovela, name)
    there = there(there.config_class(**{**config_of(name), "num_hidden_layers": 2, **changes})).eval()
    with torch.no_grad():
        for parameter in there.parameters():  # biases too, that would be zero
            parameter.add_(torch.randn_like(parameter) * 0.05 * parameter.requires_grad)
    there.save_pretrained(folder)
    tensors = {key: torch.from_numpy(value) for key, value in inputs.items()}
    asked = {"output_hidden_states": True, **(asked or {})}
    if asked.get("output_attentions"):
        there.config.attn_implementation = "eager"
    theirs = there(**tensors, **{key: value for key, value in asked.items() if key != "freeze_feature_encoder"})
    weights = {}
    if "loss" not in theirs:
        main = next(iter(theirs))
        weights[main] = np.random.default_rng(1).standard_normal(theirs[main].shape).astype(np.float32)
        if name.startswith("Wav2Vec2") and "attention_mask" in inputs:
            backbone = getattr(there, "backbone", there)
            weights[main] *= backbone.frame_mask(tensors["attention_mask"]).numpy()[..., None]
    total = theirs["loss"] if not weights else sum((theirs[k] * torch.from_numpy(w)).sum() for k, w in weights.items())
    total.backward()
    expected = flatten(
        {
            key: [v.detach() for v in value] if isinstance(value, tuple) else value.detach()
            for key, value in theirs.items()
        }
    )
    slopes = {key: p.grad.numpy() for key, p in there.named_parameters() if p.grad is not None}
    model = opened(name, str(folder))

    def objective(params: Any, inputs: Any) -> Any:  # inputs as arguments: XLA computes constants at length beforehand
        output = model(**inputs, **asked, params=params)
        value = output["loss"] if not weights else sum((output[k] * w).sum() for k, w in weights.items())
        return value, output

    gradients, output = jax.jit(jax.grad(objective, has_aux=True))(model.params, inputs)
    return (flatten(output), by_state_name(gradients)), (expected, slopes)
