"""What `dovela new` was asked for, checked before a file is written. Needs no framework.

Whether parts are known and go together is for the configuration classes to say, in their own words.
"""

from __future__ import annotations

import importlib.util
import keyword
import re
from dataclasses import dataclass
from typing import Any

from ..config import CONFIGS
from ..encoder_rules import CAUSAL, each_layer, is_causal
from ..errors import InputError, suggest
from ..parts import ATTENTIONS, FEED_FORWARDS, NORMS, POOLERS, POSITIONS
from ..registry import Registry

WHERE = "dovela new"
LONGEST_NAME = 24  # lines with the names of classes then fit into 120 columns

TASKS = {
    "sequence-classification": ("text", "SequenceClassification"),
    "token-classification": ("text", "TokenClassification"),
    "masked-lm": ("text", "MaskedLM"),
    "causal-lm": ("text", "CausalLM"),
    "image-classification": ("images", "ImageClassification"),
}
"""Task -> what it reads, and the class of its head."""

STARTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "encoder": ("text", "a transformer encoder", {}),
    "distilbert": ("text", "DistilBERT", {}),
    "bert": ("text", "BERT", {"type_vocab_size": 2, "pooler": "dense"}),
    "image-encoder": ("images", "a transformer over patches", {}),
    "vit": ("images", "ViT", {}),
}
"""What one may start from -> what it reads, what it is called, and how it differs from the open configuration."""

OWN: dict[str, tuple[str, Registry[Any] | None]] = {
    "attention": ("attention", ATTENTIONS),
    "feed-forward": ("feed_forward", FEED_FORWARDS),
    "norm": ("norm", NORMS),
    "positions": ("positions", POSITIONS),
    "pooler": ("pooler", POOLERS),
    "head": ("", None),
    "model": ("", None),
}
"""Parts of one's own -> the word of the configuration that names them, and where the name is registered."""

SIZES = {
    "text": {"num_hidden_layers": 3, "hidden_size": 128, "num_attention_heads": 4},
    "images": {"num_hidden_layers": 3, "hidden_size": 64, "num_attention_heads": 4},
}
MORE = {
    "text": {"initializer_range": 0.08},
    "images": {"image_size": 8, "patch_size": 2, "num_channels": 1, "initializer_range": 0.08},
}
FIELDS = {"layers": "num_hidden_layers", "heads": "num_attention_heads"}
"""Options whose names are shorter than those of the fields."""


@dataclass(frozen=True)
class Request:
    """A project that can be written. `words` are the fields to set, with `own` parts under the project's name."""

    kind: str
    start: str
    task: str
    own: tuple[str, ...]
    words: dict[str, Any]

    @classmethod
    def of(
        cls, name: str, start: str | None, task: str | None, own: tuple[str, ...], options: dict[str, Any]
    ) -> Request:
        """`options` are those of the command that name parts or sizes, None where they are not given.

        Raises InputError for what no project can be, ConfigError for parts that are unknown or do not go together.
        """
        _check_name(name)
        start, task = _starting(start, task)
        given = {FIELDS.get(word, word): _split(word, value) for word, value in options.items() if value is not None}
        _check_numbers(given)
        own = tuple(dict.fromkeys(own))
        _check_own(name, own, task, given)
        if "model" in own:
            words = _sizes(start, given)
        else:
            words = _words(name, start, task, own, given)
        return cls(name, start, task, own, words)

    @property
    def module(self) -> str:
        return self.kind.replace("-", "_")

    @property
    def cls(self) -> str:
        """How the names of its classes begin."""
        return "".join(word.capitalize() for word in self.module.split("_"))

    def named(self, part: str) -> str:
        """The name under which a part of one's own is registered."""
        return _own_names(self.kind, self.own)[part]

    @property
    def reads(self) -> str:
        return TASKS[self.task][0]

    @property
    def head(self) -> str:
        """The class of the head, which the names of models end with."""
        return TASKS[self.task][1]

    @property
    def summary(self) -> str:
        """One line: what it starts from, and what is different."""
        if "model" in self.own:
            return f"a model of its own, for {self.task}"
        parts = [f"{_shown(self.words[word])} {label}" for word, label in LABELS.items() if label and self.chose(word)]
        if self.own:
            parts.append(f"its own {_joined(list(self.own))}")
        return f"{STARTS[self.start][1]}{' with ' if parts else ''}{_joined(parts)}, for {self.task}"

    def chose(self, word: str) -> bool:
        """Whether a part is named that is neither one's own nor what the start has anyhow."""
        preset = STARTS[self.start][2]
        mine = [OWN[part][0] for part in self.own]
        return word in self.words and word not in mine and self.words[word] != preset.get(word)

    def missing(self) -> list[str]:
        """Packages that the project imports and that are not installed."""
        needed = ["torch", "pytest", *(["PIL", "sklearn"] if self.reads == "images" else [])]
        names = {"PIL": "Pillow", "sklearn": "scikit-learn"}
        return [names.get(package, package) for package in needed if importlib.util.find_spec(package) is None]


LABELS = {
    "attention": "attention",
    "window": "",
    "num_key_value_heads": "",
    "positions": "positions",
    "norm": "norm",
    "norm_order": "norm order",
    "feed_forward": "feed-forward",
    "activation": "activation",
    "pooler": "pooling",
}
"""The words that name parts, in the order in which they are written, and how a summary calls them."""


def _shown(choice: str | list[str]) -> str:
    return choice if isinstance(choice, str) else "/".join(choice)


def _joined(parts: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def pools(task: str) -> bool:
    """Whether a task is about whole texts or images, for which a model makes one vector of each."""
    return task in ("sequence-classification", "image-classification")


def open_type(reads: str) -> str:
    """The model type whose parts are all fields."""
    return "encoder" if reads == "text" else "image-encoder"


def _check_name(name: str) -> None:
    hint = "For example my-near."
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", name):
        raise InputError(f"{WHERE} {name}", "expected a name of small letters, digits and - between them", hint=hint)
    if len(name) > LONGEST_NAME:
        raise InputError(f"{WHERE} {name}", f"is longer than {LONGEST_NAME} characters", hint=hint)
    module = name.replace("-", "_")
    if keyword.iskeyword(module):
        raise InputError(f"{WHERE} {name}", "is a word of Python's own", hint=hint)
    if module in ("train", "corpus", "sklearn", "torch") or importlib.util.find_spec(module) is not None:
        problem = f"a module {module!r} is there already, and `import {module}` could find either"
        raise InputError(f"{WHERE} {name}", problem, hint="Choose another name.")
    if name in CONFIGS:
        raise InputError(f"{WHERE} {name}", "is a model type of dovela", hint="Choose another name.")


def _starting(start: str | None, task: str | None) -> tuple[str, str]:
    """What to start from and the task, each found from the other if it is not given."""
    if task is not None and task not in TASKS:
        raise InputError(
            f"{WHERE} --task {task}",
            f"is no task that it writes{suggest(task, TASKS)}",
            hint=f"It writes: {', '.join(TASKS)}.",
        )
    if start in ("wav2vec2", "audio-encoder"):
        hint = "Derive a class from AudioEncoderModel, with a configuration from AudioEncoderConfig."
        raise InputError(
            f"{WHERE} --from {start}", "no real speech comes with Python or scikit-learn to train on", hint=hint
        )
    if start is not None and start not in STARTS:
        hint = f"One starts from: {', '.join(STARTS)}."
        if "/" in start:
            hint += " Trained weights keep theirs, and get other parts by dovela.torch.change_parts."
        raise InputError(f"{WHERE} --from {start}", f"is nothing to start from{suggest(start, STARTS)}", hint=hint)
    reads = STARTS[start][0] if start is not None else TASKS[task][0] if task is not None else "text"
    start = start or open_type(reads)
    task = task or ("sequence-classification" if reads == "text" else "image-classification")
    if TASKS[task][0] != reads:
        fitting = [name for name, (what, _) in TASKS.items() if what == reads]
        problem = f"reads {TASKS[task][0]}, and --from {start} reads {reads}"
        raise InputError(f"{WHERE} --task {task}", problem, hint=f"Its tasks: {', '.join(fitting)}.")
    return start, task


def _split(word: str, value: Any) -> Any:
    """A pattern over the layers, where the option is one."""
    if word in ("attention", "feed_forward") and "," in value:
        return [name.strip() for name in value.split(",")]
    return value


def _own_names(kind: str, own: tuple[str, ...]) -> dict[str, str]:
    """Parts of one's own that are registered -> their names: the project's, and of several the part's too."""
    parts = [part for part in own if OWN.get(part, ("",))[0]]
    return {part: kind if len(parts) == 1 else f"{kind}-{part}" for part in parts}


def _option(word: str) -> str:
    """A field as the option that sets it."""
    options = {field: option for option, field in FIELDS.items()}
    return f"--{options.get(word, word).replace('_', '-')}"


def _check_numbers(given: dict[str, Any]) -> None:
    for word, value in given.items():
        if isinstance(value, int) and value < 1:
            raise InputError(f"{WHERE} {_option(word)} {value}", "is not a number of at least 1")


def _check_heads(given: dict[str, Any], sizes: dict[str, Any]) -> None:
    """Heads share the width equally; told in the name of the option that was given."""
    width, heads = sizes["hidden_size"], sizes["num_attention_heads"]
    if width % heads == 0:
        return
    if "num_attention_heads" in given:
        problem = f"the hidden size of {width} is no multiple of it"
        raise InputError(f"{WHERE} --heads {heads}", problem, hint="Heads share the width equally; see --hidden-size.")
    problem = f"is no multiple of the {heads} heads that share it"
    raise InputError(f"{WHERE} --hidden-size {width}", problem, hint="See --heads.")


def _check_own(name: str, own: tuple[str, ...], task: str, given: dict[str, Any]) -> None:
    names = _own_names(name, own)
    for part in own:
        where = f"{WHERE} --own {part}"
        if part not in OWN:
            raise InputError(where, f"is no part to write{suggest(part, OWN)}", hint=f"There are: {', '.join(OWN)}.")
        word, registry = OWN[part]
        if word and word in given:
            raise InputError(where, f"--{part} {given[word]} is asked for too", hint="Leave one of them out.")
        if registry is not None and names[part] in registry:
            raise InputError(
                where, f"there is a part {names[part]!r} already", hint="Choose another name for the project."
            )
    if "model" in own:
        others = [f"--own {part}" for part in own if part != "model"]
        others += [_option(word) for word in given if word not in ("num_hidden_layers", "hidden_size")]
        if others:
            problem = f"a whole model reads no named parts: {', '.join(others)}"
            raise InputError(f"{WHERE} --own model", problem, hint="Leave them out.")
        if not pools(task):
            raise InputError(
                f"{WHERE} --own model",
                f"is written for sequence-classification and image-classification, not for {task}",
            )


def _sizes(start: str, given: dict[str, Any]) -> dict[str, Any]:
    sizes = dict(SIZES[STARTS[start][0]])
    patterns = [len(value) for value in given.values() if isinstance(value, list)]
    sizes["num_hidden_layers"] = max([sizes["num_hidden_layers"], *patterns])
    return sizes | {word: value for word, value in given.items() if word in sizes}


def _words(name: str, start: str, task: str, own: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    """The fields that the project's configuration sets: those that differ from the open one, and sizes."""
    reads, _, preset = STARTS[start]
    if not pools(task):
        asked = ["--own pooler"] * ("pooler" in own) + [f"--pooler {given.get('pooler')}"] * ("pooler" in given)
        if asked:
            raise InputError(f"{WHERE} {asked[0]}", f"{task} makes no vector of a whole sequence")
        preset = {word: value for word, value in preset.items() if word != "pooler"}
    parts = preset | {word: value for word, value in given.items() if word not in SIZES[reads]}
    mine = {OWN[part][0]: named for part, named in _own_names(name, own).items()}
    if task == "causal-lm" and "attention" not in {*parts, *mine}:
        parts["attention"] = "causal"
    sizes = _sizes(start, given)
    _check_heads(given, sizes)
    sizes |= {"intermediate_size": 4 * sizes["hidden_size"]} | MORE[reads]
    if _has_window(task, reads, mine, parts, sizes):
        parts.setdefault("window", 8)  # sentences are short
    default = CONFIGS.get(open_type(reads))()
    parts = {word: value for word, value in parts.items() if getattr(default, word) != value} | mine
    order = [*LABELS, *parts]
    return {word: parts[word] for word in sorted(parts, key=order.index)} | sizes


def _has_window(task: str, reads: str, mine: dict[str, str], parts: dict[str, Any], sizes: dict[str, Any]) -> bool:
    """Whether attention reads `window`; raises for parts that are unknown, or that do not go together."""
    harmless = {"attention": "causal" if task == "causal-lm" else "full", "positions": "none"}  # for one's own
    known = {word: value for word, value in parts.items() if word not in mine}
    known |= {word: harmless[word] for word in mine if word in harmless}
    config: Any = CONFIGS.get(open_type(reads))(**known, **sizes)
    kinds = each_layer(config.attention, config.num_hidden_layers)
    if task == "causal-lm" and not is_causal(config):
        seeing = next(kind for kind in kinds if kind not in CAUSAL)
        problem = f"with attention {seeing!r} tokens would see those that they are to guess"
        raise InputError(f"{WHERE} --task causal-lm", problem, hint="Choose causal, causal-window or --own attention.")
    near = any("window" in kind for kind in kinds) or ("attention" in mine and reads == "text")
    if "window" in parts and not near:
        raise InputError(f"{WHERE} --window {parts['window']}", "no attention that is asked for has a window")
    return near
