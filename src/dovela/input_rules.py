"""How what models are called with is looked at, and the rules for all kinds of it, once for every framework.

`text_rules`, `image_rules` and `audio_rules` have those for each kind, and a class for what has been checked.

Shapes and dtypes are always checked; values only where a framework's `Arrays` can look at them.
Sizes that are not known yet (None, while a graph is made for any) are taken as they come.
"""

from __future__ import annotations

from typing import Any

from .errors import InputError

Size = Any  # an int, a framework's symbol for one, or None
Shape = tuple[Size, ...]


class Arrays:
    """How a framework's arrays are looked at and taken. A kit derives its own, with `is_array` and `values`."""

    word: str
    """"torch", "jax", "tensorflow"."""
    code: str
    """What return_tensors calls it: "pt", "jax", "tf"."""

    def is_array(self, x: Any) -> bool:
        """Whether a model of this framework takes it."""
        raise NotImplementedError

    def values(self, x: Any) -> Any:
        """The same as a numpy array, or None where that is not possible or not free."""
        raise NotImplementedError

    def own(self, x: Any) -> Any:
        """As the framework computes with it, where other arrays may be given too. None stays None."""
        return x

    def booleans(self, mask: Any) -> Any:
        """A mask of any dtype as booleans. None stays None."""
        return None if mask is None else self.own(mask) != 0

    def shape(self, x: Any) -> Shape:
        return tuple(x.shape)

    def dtype(self, x: Any) -> str:
        """As messages name it."""
        return getattr(x.dtype, "name", None) or str(x.dtype)

    def kind(self, x: Any) -> str:
        """Of the numbers: "i" whole, "u" whole without a sign, "f" floating, "b" True and False, "c" complex."""
        name = self.dtype(x).rpartition(".")[2]
        return "f" if "float" in name else name[0]

    def ends(self, x: Any) -> tuple[Any, Any] | None:
        """The lowest and the highest value, NaN if there is one; None where values cannot be seen, or are none."""
        values = self.values(x)
        return None if values is None or not values.size else (values.min(), values.max())

    @property
    def called(self) -> str:
        return {"pt": "a torch tensor", "jax": "a jax or numpy array"}.get(self.code, f"a {self.word} or numpy array")


def flag(name: str, given: Any, default: bool) -> bool:
    """What an argument of True or False says, or the configuration where it says nothing."""
    if given is None or isinstance(given, bool):
        return default if given is None else given
    raise InputError(name, f"expected True or False, got {given!r}")


def expect_array(arrays: Arrays, name: str, x: Any, hint: str = "") -> None:
    if not arrays.is_array(x):
        got = f"ndarray of {x.dtype}" if type(x).__name__ == "ndarray" else type(x).__name__
        hint = "Hand over what is in it by name: model(**inputs)." if hasattr(x, "keys") else hint
        raise InputError(name, f"expected {arrays.called}, got {got}", hint=hint)


def fits(shape: Shape, wanted: Shape) -> bool:
    """Whether the shapes are equal as far as both are known."""
    if len(shape) != len(wanted):
        return False
    for size, other in zip(shape, wanted, strict=True):
        if size is not None and other is not None and size != other:
            return False
    return True


def check_zeros_and_ones(arrays: Arrays, name: str, mask: Any, meaning: str) -> None:
    """A mask's values. `meaning`: what 1 and 0 stand for, told where there is something else."""
    if arrays.kind(mask) == "b":
        return
    values = arrays.values(mask)
    if values is not None and not ((values == 0) | (values == 1)).all():
        raise InputError(name, "has values other than 0 and 1", hint=meaning)


def check_ids(arrays: Arrays, name: str, ids: Any, limit: int | None, field: str, dims: tuple[int, ...]) -> None:
    """Whole numbers below `limit`, a field of the configuration, with so many axes."""
    expect_array(arrays, name, ids, hint=f'Tokenise with return_tensors="{arrays.code}".')
    shape = arrays.shape(ids)
    if not whole(arrays, ids):
        raise InputError(
            name,
            f"expected int64 or int32, got {arrays.dtype(ids)}",
            hint=f"Ids are whole numbers: use {_TO_WHOLE[arrays.code]}.",
        )
    if len(shape) not in dims:
        hint = "One text alone is a batch of one: ids[None]." if len(shape) == 1 else ""
        raise InputError(name, f"expected (batch, sequence), got the shape {list(shape)}", hint=hint)
    ends = arrays.ends(ids)
    if ends is not None and (ends[0] < 0 or (limit is not None and ends[1] >= limit)):
        bad = int(ends[0] if ends[0] < 0 else ends[1])
        bounds = "below 0" if limit is None else f"outside 0 … {limit - 1} ({field} {limit})"
        raise InputError(
            name,
            f"{bad} at {first_place(arrays.values(ids) == bad)} is {bounds}",
            hint="Does the tokenizer belong to this model?" if name == "input_ids" else "",
        )


_TO_WHOLE = {"pt": ".long()", "jax": '.astype("int32")', "tf": 'tf.cast(ids, "int32")'}


def whole(arrays: Arrays, x: Any) -> bool:
    """Whether these are integers as indices have them."""
    return arrays.dtype(x).rpartition(".")[2] in ("int64", "int32")


def first_place(found: Any) -> list[int]:
    """Where a numpy array is first True."""
    return [int(axis[0]) for axis in found.nonzero()]


def finite(x: Any) -> bool:
    """Whether a number is neither NaN nor infinite."""
    return -_INFINITE < float(x) < _INFINITE


_INFINITE = float("inf")
