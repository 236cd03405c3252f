"""What the Flax models do with a checkpoint, as numpy arrays under torch's state names."""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, Any]


def opened(name: str, folder: str, **options: Any) -> Any:
    import dovela

    return getattr(dovela, "Flax" + name).from_pretrained(folder, **options)


def by_state_name(tree: Any) -> Arrays:
    """A tree of parameters, or of their gradients, as torch names and lays them out."""
    from flax.traverse_util import flatten_dict

    from dovela.leaves import FLAX_LEAVES

    leaves = {path: np.asarray(leaf) for path, leaf in flatten_dict(dict(tree)).items()}
    return {FLAX_LEAVES.name(path): FLAX_LEAVES.to_file(path, leaf) for path, leaf in leaves.items()}


def run(name: str, folder: str, inputs: Arrays, weights: Arrays) -> Arrays:
    """Every output, and the gradients of the loss or else of the outputs weighted; jitted."""
    import jax

    model = opened(name, folder)

    def objective(params: Any) -> Any:
        output = model(**inputs, params=params, output_hidden_states=True, output_attentions=True)
        return total(output, weights), output

    gradients, output = jax.jit(jax.grad(objective, has_aux=True))(model.params)
    return {**flatten(output), "gradients": by_state_name(gradients)}


def eagerly(name: str, folder: str, inputs: Arrays) -> Arrays:
    """Every output of a plain call."""
    return flatten(opened(name, folder)(**inputs))


def step(name: str, folder: str, inputs: Arrays, weights: Arrays) -> Arrays:
    """How far one step of training takes each parameter."""
    import jax
    import optax

    model = opened(name, folder)
    optimizer = optax.sgd(1.0)
    state = optimizer.init(model.params)

    @jax.jit
    def after(params: Any, key: Any) -> Any:
        def objective(params: Any) -> Any:
            return total(model(**inputs, params=params, dropout_rng=key, train=True), weights)

        updates, _ = optimizer.update(jax.grad(objective)(params), state, params)
        return optax.apply_updates(params, updates)

    return moved(by_state_name(model.params), by_state_name(after(model.params, jax.random.key(0))))


def save(name: str, folder: str, out: str, shard: str = "5GB") -> None:
    opened(name, folder).save_pretrained(out, max_shard_size=shard)


def train(name: str, folder: str, data: Arrays, held_out: Arrays, epochs: int, batch: int, out: str) -> np.ndarray:
    """Train on `data`, batch after batch in its order; the logits of what is held out. The model is saved in `out`."""
    import jax
    import optax

    model = opened(name, folder)
    optimizer = optax.adamw(1e-3, weight_decay=0.01)
    params, key = model.params, jax.random.key(0)
    state = optimizer.init(params)

    @jax.jit
    def learn(params: Any, state: Any, key: Any, rows: Arrays) -> Any:
        gradients = jax.grad(lambda p: model(**rows, params=p, dropout_rng=key, train=True).loss)(params)
        updates, state = optimizer.update(gradients, state, params)
        return optax.apply_updates(params, updates), state

    starts = range(0, len(next(iter(data.values()))), batch)
    for number, start in enumerate(list(starts) * epochs):
        rows = {key: value[start : start + batch] for key, value in data.items()}
        params, state = learn(params, state, jax.random.fold_in(key, number), rows)
    model.save_pretrained(out, params=params)
    return np.asarray(model(**held_out, params=params).logits)


def shapes(name: str, config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shape of every parameter of a new model in torch's layout, by state name."""
    import dovela

    cls = getattr(dovela, "Flax" + name)
    params = cls.from_config(cls.config_class(**config), seed=0).params
    return {key: value.shape for key, value in by_state_name(params).items()}


# ---- for Keras too ---------------------------------------------------------------------------------------------------


def total(output: Any, weights: Arrays) -> Any:
    if not weights:
        return output["loss"]
    return sum((output[key] * weight).sum() for key, weight in weights.items())


def moved(before: Arrays, after: Arrays) -> Arrays:
    assert set(before) == set(after)
    return {name: float(np.abs(after[name] - before[name]).max()) for name in before}


def flatten(output: Any) -> Arrays:
    return {
        key: [np.asarray(v) for v in value] if isinstance(value, tuple | list) else np.asarray(value)
        for key, value in output.items()
    }
