"""The weight files of a checkpoint: finding them, checking them, and naming those that a save writes. No framework.

One file, `model.safetensors`, or shards with an index that says which tensor is in which; under a variant such as
"fp16": `model.fp16.safetensors`, `model.fp16-00001-of-00002.safetensors` and `model.safetensors.index.fp16.json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .disk import reason
from .errors import CheckpointError
from .folder import listing
from .foreign import convert_safetensors, open_foreign
from .header import Entry, no_duplicates, read_header
from .hub import Source

UNITS = {
    "B": 1,
    **{f"{p}B": 1000**i for i, p in enumerate("KMGT", 1)},
    **{f"{p}iB": 1024**i for i, p in enumerate("KMGT", 1)},
}
PICKLED = re.compile(r"pytorch_model(\.[\w-]+)?\.bin(\.index(\.[\w-]+)?\.json)?")


@dataclass(frozen=True)
class WeightFiles:
    """`entries` tells where each tensor lies; or `arrays` holds what was written by another framework's transformers.

    Or, where the caller allowed it, `pickles` are the files to unpickle.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    pickles: tuple[Path, ...] = ()
    arrays: dict[str, Any] | None = None

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: entry.shape for name, entry in self.entries.items()}


def open_weights(src: Source, *, variant: str | None = None, allow_pickle: bool = False) -> WeightFiles:
    """Find the weights of `src` and read the headers; the data stays on disk.

    Every entry lies inside its file and is disjoint from the others. Pickled weights (`pytorch_model.bin`) are found
    only with `allow_pickle`, and only where there is no safetensors file. Then come the formats of Flax and TensorFlow
    models (see `foreign.py`), which have no variants.
    """
    single, index = weights_name(variant), index_name(variant)
    if path := src.find(single):
        return _as_torch(*read_header(path))
    if path := src.find(index):
        return _as_torch(*_open_shards(src, path))
    if allow_pickle and (pickles := _find_pickles(src, variant)):
        return WeightFiles(pickles=pickles)
    if variant is None and (arrays := open_foreign(src, _weight_map)) is not None:
        return WeightFiles(arrays=arrays)
    raise _no_weights(src, single, index, allow_pickle)


def _as_torch(entries: dict[str, Entry], metadata: dict[str, str]) -> WeightFiles:
    return WeightFiles(entries, metadata, arrays=convert_safetensors(entries, metadata.get("format", "")))


def read_json(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in the file `path`; `what` names its role in messages ("configuration", "vocabulary")."""
    where = f"{what} {str(path)!r}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=no_duplicates)
    except OSError as error:
        raise CheckpointError(where, f"cannot be read ({reason(error)})") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(where, f"is not UTF-8 text (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise CheckpointError(
            where, f"is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except (ValueError, RecursionError) as error:  # a key twice, a number of 10,000 digits, brackets without end
        raise CheckpointError(where, f"is not acceptable JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(where, f"holds {type(value).__name__}, where a JSON object {{…}} is expected")
    return value


def weights_name(variant: str | None = None) -> str:
    """ "model.safetensors", or "model.fp16.safetensors"."""
    return f"model{_infix(variant)}.safetensors"


def index_name(variant: str | None = None) -> str:
    """ "model.safetensors.index.json", or "model.safetensors.index.fp16.json"."""
    return f"model.safetensors.index{_infix(variant)}.json"


def shard_names(count: int, variant: str | None = None) -> list[str]:
    """["model-00001-of-00002.safetensors", …]; a single one has the plain name."""
    if count == 1:
        return [weights_name(variant)]
    return [f"model{_infix(variant)}-{i:05d}-of-{count:05d}.safetensors" for i in range(1, count + 1)]


def shard_index(shards: Mapping[str, Iterable[str]], sizes: Mapping[str, int]) -> bytes:
    """The index file for `shards` (file name -> its tensors), `sizes` in bytes by tensor."""
    weight_map = {name: shard for shard, names in shards.items() for name in names}
    index = {
        "metadata": {"total_size": sum(sizes[name] for name in weight_map)},
        "weight_map": dict(sorted(weight_map.items())),
    }
    return (json.dumps(index, indent=2) + "\n").encode()


def plan_shards(sizes: Mapping[str, int], max_shard_size: int | str) -> list[list[str]]:
    """Names of tensors, shard by shard, in order: each at most `max_shard_size` bytes, or one tensor that is larger."""
    limit = room = parse_size(max_shard_size)
    shards: list[list[str]] = [[]]
    for name, size in sizes.items():
        if size > room and shards[-1]:
            shards.append([])
            room = limit
        shards[-1].append(name)
        room -= size
    return shards


def parse_size(size: int | str) -> int:
    """Bytes in `size`: a number, or text such as "5GB" (10⁹) or "1GiB" (2³⁰)."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?i?B)\s*", size, re.ASCII) if isinstance(size, str) else None
    number = float(match[1]) * UNITS.get(match[2], 0) if match else size if type(size) is int else 0
    if not isinstance(number, (int, float)) or int(number) < 1:
        raise CheckpointError(
            "max_shard_size", f"expected a number of bytes, or text such as '5GB', '200MB' or '1GiB', got {size!r}"
        )
    return int(number)


def stale_weights(folder: str | Path, keep: Iterable[str], variant: str | None = None) -> list[str]:
    """Weight files of `variant` in `folder` that a save writing `keep` must remove; of other programs' files, none."""
    shard = rf"model{re.escape(_infix(variant))}-\d{{5}}-of-\d{{5}}\.safetensors"
    ours = re.compile("|".join([shard, re.escape(weights_name(variant)), re.escape(index_name(variant))]), re.ASCII)
    names = listing(folder) if Path(folder).is_dir() else []
    return sorted({name for name in names if ours.fullmatch(name)} - set(keep))


def _infix(variant: str | None) -> str:
    if variant is not None and not re.fullmatch(r"[\w-]+", variant, re.ASCII):
        raise CheckpointError("variant", f"expected a word such as 'fp16', got {variant!r}")
    return f".{variant}" if variant else ""


def _weight_map(src: Source, index: Path) -> dict[str, str]:
    """Tensor -> shard, as `index` has it, with all shards present."""
    weight_map = read_json(index, "index of the shards").get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
        raise CheckpointError(str(index), "has no 'weight_map' from tensor names to file names")
    shards = sorted(set(weight_map.values()))
    problems = [f"names a file outside of its folder: {name!r}" for name in shards if re.search(r"[/\\\0]|^\.*$", name)]
    problems = problems or [f"the shard {name!r} is missing" for name in shards if src.find(name) is None]
    if problems:
        raise CheckpointError(str(index), *problems, hint="The checkpoint is incomplete or damaged; fetch it again.")
    return weight_map


def _open_shards(src: Source, index: Path) -> tuple[dict[str, Entry], dict[str, str]]:
    weight_map = _weight_map(src, index)
    entries: dict[str, Entry] = {}
    metadata: dict[str, str] = {}
    problems = []
    for shard in sorted(set(weight_map.values())):
        found, stated = read_header(src.require(shard))
        metadata.update(stated)
        wanted = {name for name, file in weight_map.items() if file == shard}
        problems += [
            f"puts {name!r} into {shard!r}, which has no such tensor" for name in sorted(wanted - found.keys())
        ]
        problems += [
            f"{name!r} is in {entries[name].file.name!r} and in {shard!r}" for name in found if name in entries
        ]
        entries.update(found)  # also what the index does not list: nothing is lost in silence
    if problems:
        raise CheckpointError(
            str(index), *problems[:20], hint="The shards are not those of this index; fetch all again."
        )
    return entries, metadata


def _find_pickles(src: Source, variant: str | None) -> tuple[Path, ...]:
    if path := src.find(f"pytorch_model{_infix(variant)}.bin"):
        return (path,)
    if path := src.find(f"pytorch_model.bin.index{_infix(variant)}.json"):
        return tuple(src.require(shard) for shard in sorted(set(_weight_map(src, path).values())))
    return ()


def _no_weights(src: Source, single: str, index: str, allow_pickle: bool) -> CheckpointError:
    names = src.names()
    there = ", ".join(names[:20]) or "nothing"
    problem = f"has no weights: looked for {single} and {index}; there is {there}"
    if not allow_pickle and any(PICKLED.fullmatch(name) for name in names):
        problem = f"has only pickled weights, which can run code when opened; looked for {single} and {index}"
        hint = "If you trust them, pass allow_pickle=True, and save_pretrained then writes them as safetensors."
    elif others := [
        name for name in names if re.fullmatch(r"model(\.[\w-]+)?\.safetensors(\.index(\.[\w-]+)?\.json)?", name)
    ]:
        hint = f"For {others[0]} pass the variant in its name, or none."
    else:
        hint = "Is this the folder or name of a model?"
    return CheckpointError(src.label, problem, hint=hint)
