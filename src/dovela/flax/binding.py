"""What a call of a model means, outside linen's `init` and `apply` and inside them.

Inside them a model is any linen module. Outside, one that `from_pretrained` or `bind` gave is called with its own
weights, and any with `params=…`. Each such call is an `apply` of its own, so that it may stand within `jax.jit`,
`jax.grad` and `jax.vmap`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import errors as linen_errors

from ..calling import check_names
from ..errors import ConfigError, InputError
from ..input_rules import flag

STREAMS = ("gumbel", "spec_augment", "layerdrop")
"""Random numbers beside those of dropout; their keys are made from the one that is given."""

_MISFITS = (
    linen_errors.ScopeCollectionNotFound,
    linen_errors.ScopeParamNotFoundError,
    linen_errors.ScopeParamShapeError,
)
TRAINING = "Write train=True, with a dropout_rng, in training; without it nothing is drawn."
KEYWORDS = ("params", "dropout_rng")
_GIVEN = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Any) for name in KEYWORDS]


def streams(key: Any) -> dict[str, Any]:
    """A key for each stream of random numbers."""
    return {"dropout": key} | {name: jax.random.fold_in(key, i) for i, name in enumerate(STREAMS)}


def called(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A model's `__call__` that also takes `params` and `dropout_rng`, and checks its own keywords."""

    @functools.wraps(inner)
    def __call__(self: Any, *args: Any, params: Any = None, dropout_rng: Any = None, **inputs: Any) -> Any:
        check_names(self, inputs, self.input_names(), training=TRAINING)
        if "train" in inputs:
            inputs["train"] = check_train(inputs["train"])
        if params is None and dropout_rng is None and self.scope is not None and not self.is_bound:
            return inner(self, *args, **inputs)
        return _apply(self, params, dropout_rng, args, inputs)

    own = inspect.signature(inner)
    parameters = list(own.parameters.values())
    for name in KEYWORDS:
        if name in own.parameters:
            raise ConfigError(inner.__qualname__, f"takes {name!r}, which every model is given already")
    rest = [parameters.pop()] if parameters[-1].kind is inspect.Parameter.VAR_KEYWORD else []
    __call__.__signature__ = own.replace(parameters=[*parameters, *_GIVEN, *rest])  # type: ignore[attr-defined]
    __call__.is_called = True  # type: ignore[attr-defined]
    return __call__


def is_called(call: Any) -> bool:
    """Whether `called` made it, though `nn.remat` or another of linen's transformations lies around it."""
    return bool(getattr(call, "is_called", False))


def check_train(train: Any) -> bool:
    if isinstance(train, jax.core.Tracer):
        hint = 'Under jax.jit it is a static argument: jax.jit(step, static_argnames="train").'
        raise InputError("train", "expected True or False, got a value that is not known while tracing", hint=hint)
    return flag("train", train, False)


def _apply(model: Any, params: Any, dropout_rng: Any, args: Any, inputs: dict[str, Any]) -> Any:
    if params is None and not model.is_bound:
        name = type(model).__name__
        raise InputError(
            f"{name}(…)",
            "has no weights, so it cannot be called",
            hint=f"Take a model with weights, {name}.from_pretrained(…) or {name}.from_config(config, seed=0); or as "
            "with any linen module: model.bind(variables), model.apply(variables, …), or model(…, params=params).",
        )
    variables = {} if model.scope is None else {k: v for k, v in model.variables.items() if k != "params"}
    variables["params"] = own_params(model) if params is None else unwrapped(params)
    rngs = model.__dict__.get("_keys") if dropout_rng is None else streams(check_rng(dropout_rng))
    try:
        return model.clone(parent=None, name=None).apply(variables, *args, rngs=rngs, **inputs)
    except _MISFITS as error:
        told = str(error).partition(" (https:")[0]
        raise InputError("params", f"are not the weights of {type(model).__name__}: {told}") from error


def is_key(x: Any) -> bool:
    """One key of jax's, new (`jax.random.key`) or old (`jax.random.PRNGKey`)."""
    dtype, shape = getattr(x, "dtype", None), getattr(x, "shape", None)
    if dtype is None or shape is None:
        return False
    return shape == () if jnp.issubdtype(dtype, jax.dtypes.prng_key) else dtype == jnp.uint32 and len(shape) == 1


def check_rng(key: Any) -> Any:
    if not is_key(key):
        got = f"{key.dtype}{list(key.shape)}" if hasattr(key, "shape") else repr(key)
        hint = "Write: dropout_rng=jax.random.key(0), and another for every step (jax.random.split)."
        raise InputError("dropout_rng", f"expected one key of jax's, got {got}", hint=hint)
    return key


def own_params(model: Any) -> Any:
    """The weights that a model is bound to."""
    if model.scope is None:
        hint = f"{type(model).__name__}.from_pretrained(…) has some, and so has model.bind(variables)."
        raise InputError(f"{type(model).__name__}.params", "this model has no weights", hint=hint)
    return model.variables.get("params", {})


def unwrapped(params: Any) -> Any:
    """Weights, if they are a tree of them; InputError for variables, which hold them under "params"."""
    if not hasattr(params, "keys"):
        raise InputError("params", f"expected a dictionary of weights, got {type(params).__name__}")
    if set(params.keys()) == {"params"}:
        raise InputError(
            "params", "expected the weights, got variables that hold them", hint="Give variables['params']."
        )
    return params
