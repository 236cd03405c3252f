"""Opening a checkpoint: shapes without memory, what fits, the file's arrays in linen's layout; the rest is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..fitting import Wanted
from ..leaves import FLAX_LEAVES
from ..opening import opening
from ..tasks import BASE
from .binding import is_key
from .blocks import Encoder, Layers
from .embeddings import TextEmbeddings
from .model import FlaxPreTrainedModel, floating
from .trees import Path as Leaf
from .trees import flat, nested


def load(
    cls: type[FlaxPreTrainedModel],
    name_or_path: str | Path | None,
    *,
    config: Any = None,
    dtype: Any = None,
    param_dtype: Any = None,
    seed: int = 0,
    state_dict: Any = None,
    new_head: bool = False,
    ignore_mismatched_sizes: bool = False,
    output_loading_info: bool = False,
    variant: str | None = None,
    allow_pickle: bool = False,
    **rest: Any,
) -> Any:
    """See `FlaxPreTrainedModel.from_pretrained`."""
    target = floating("param_dtype", param_dtype)
    key_of(seed)  # is refused at once, though nothing may be drawn
    if "torch_dtype" in rest:
        hint = "dtype=… is what the model computes in, param_dtype=… what its weights are kept in."
        raise InputError("torch_dtype", "is an option of torch's models", hint=hint)
    files: dict[str, Any] = {"state_dict": state_dict, "variant": variant, "allow_pickle": allow_pickle}
    with opening(cls, name_or_path, config=config, rest=rest, **files) as opened:
        module = cls(opened.config, dtype=dtype, **opened.build)
        shapes = flat(module.weight_shapes())
        wanted = asked(module, shapes)
        sources, report = opened.fit(wanted, cls.weight_map, new_head=new_head, keep_going=ignore_mismatched_sizes)
        arrays = opened.arrays(sources)
        leaves = {}
        for path in shapes:
            if (name := FLAX_LEAVES.name(path)) in arrays:
                array = np.asarray(FLAX_LEAVES.from_file(path, arrays.pop(name)), order="C")
                leaves[path] = jnp.asarray(array, target)  # what is not turned stays mapped, and is read when used
    kept = target or next((leaf.dtype for leaf in leaves.values()), module.param_dtype)
    module = module.clone(param_dtype=kept)
    if lacking := [path for path in shapes if path not in leaves]:
        leaves |= draw_some(module, seed, lacking)
    opened.tell(report)
    model = module.bind({"params": nested({path: leaves[path] for path in shapes})})
    return (model, report) if output_loading_info else model


def asked(module: FlaxPreTrainedModel, shapes: dict[Leaf, Any]) -> Wanted:
    """What a checkpoint must have for these weights, in torch's names."""
    paths = FLAX_LEAVES.by_name(shapes, type(module).__name__)
    found = {name: FLAX_LEAVES.shape(path, shapes[path].shape) for name, path in paths.items()}
    ties = [list(group) for group in type(module).ties(module.config)]
    for first, *others in ties:
        found.update(dict.fromkeys(others, found[first]))
    return Wanted(
        shapes=found,
        ties=ties,
        optional=type(module).optional_parts,
        headed=any(path[0] == "backbone" for path in shapes),
        heads=_heads(module, {path[0] for path in shapes}),
    )


def _heads(module: Any, words: set[str]) -> set[str]:
    """First words of the head's weights: what is not the backbone, an encoder or another model."""
    if module.task in ("", BASE):
        return set()
    bodies = (FlaxPreTrainedModel, Encoder, Layers, TextEmbeddings)
    bound = module.bind({"params": {}})
    return {word for word in words - {"backbone"} if not isinstance(getattr(bound, word, None), bodies)}


def draw(module: FlaxPreTrainedModel, rng: Any) -> Any:
    """All weights of a model, from a key or a seed."""
    return nested(draw_some(module, rng, list(flat(module.weight_shapes()))))


def key_of(rng: Any) -> Any:
    """A key of jax's from itself or a seed."""
    if isinstance(rng, (int, np.integer)) and not isinstance(rng, bool):
        return jax.random.key(rng)
    if not is_key(rng):
        raise InputError("seed", f"expected a whole number or a key of jax's, got {rng!r}")
    return rng


def draw_some(module: FlaxPreTrainedModel, rng: Any, paths: Iterable[Leaf]) -> dict[Leaf, Any]:
    """These weights as linen's `init` draws them among all others.

    The steps of `init` are traced, and those taken that lead to these weights: the model itself is never computed, and
    nothing compiled but a draw for each shape (a jitted `init` of BERT compiles for many seconds).
    """
    key = key_of(rng)
    module, wanted = module.clone(parent=None, name=None, gradient_checkpointing=False), list(paths)

    def some(key: Any) -> list[Any]:
        drawn = flat(module.init(key, **module.dummy_inputs())["params"])
        return [drawn[path] for path in wanted]

    traced = jax.make_jaxpr(some)(key)
    needed, steps = {id(out) for out in traced.jaxpr.outvars}, []
    for step in reversed(traced.jaxpr.eqns):
        if any(id(out) in needed for out in step.outvars):
            needed |= {id(given) for given in step.invars}
            steps.append(step)
    drawn = jax.core.eval_jaxpr(traced.jaxpr.replace(eqns=steps[::-1]), traced.consts, key)
    return dict(zip(wanted, drawn, strict=True))
