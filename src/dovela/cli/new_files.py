"""The files that `dovela new` writes, put together from the templates beside this file."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from string import Template
from typing import Any

from .new_request import OWN, Request

TEMPLATES = Path(__file__).parent / "templates"
WIDTH = 120  # of code
README_WIDTH = 100

NAMES = {  # modules that a model file imports from, and the names that it may use
    "typing": ["Any"],
    "dovela": ["EncoderConfig", "EncoderModel", "ImageEncoderConfig", "ImageEncoderModel"],
    "dovela.torch": [
        "Attention",
        "AttentionPositions",
        "CausalLM",
        "Embedding",
        "ImageClassification",
        "Linear",
        "MaskedLM",
        "SequenceClassification",
        "TokenClassification",
        "register_attention",
        "register_feed_forward",
        "register_norm",
        "register_pooler",
        "register_positions",
    ],
    "torch": ["Tensor", "nn"],
}
COMMENTS = {
    "attention": "who attends to whom",
    "window": "tokens to each side that attention sees",
    "num_key_value_heads": "each serves several heads of queries",
    "positions": "how the model knows where a token stands",
    "norm_order": "where the norms stand in a block",
    "feed_forward": "the part that works on each token alone",
    "pooler": "how a sequence becomes one vector",
    "type_vocab_size": "kinds of segments",
    "intermediate_size": "width inside the feed-forward part",
    "initializer_range": "wider than the usual 0.02: so small a model starts faster",
}
DOES = {
    "SequenceClassification": "A class for each text.",
    "TokenClassification": "A class for each token.",
    "MaskedLM": "Guesses the tokens that are hidden.",
    "CausalLM": "Guesses each next token.",
    "ImageClassification": "A class for each image.",
}
LETTERS = {
    "text": {"B": "batch", "S": "sequence", "D": "hidden size", "V": "vocabulary"},
    "images": {"B": "batch", "S": "sequence (the class token and P patches)", "D": "hidden size"},
}
DATA = {
    "sequence-classification": "About half a minute on one core, on Python's docstrings.",
    "token-classification": "About a minute on one core, on Python's docstrings.",
    "masked-lm": "About a minute on one core, on Python's docstrings.",
    "causal-lm": "About a minute on one core, on Python's docstrings.",
    "image-classification": "Under half a minute on one core, on scikit-learn's digits.",
}


def project_files(request: Request) -> dict[str, str]:
    """File name -> content."""
    text = request.reads == "text"
    words = _common(request)
    files = {
        "README.md": _filled("README.md", words | _readme(request)),
        f"{request.module}.py": _whole_model(request) if "model" in request.own else _model_file(request),
        "train.py": _filled(f"train/{request.task}.py", words),
        **({"corpus.py": _filled("corpus.py", {})} if text else {}),
        f"test_{request.module}.py": _filled(f"test/{request.reads}.py", words | _test_words(request)),
        "pyproject.toml": _filled("pyproject.toml", words | {"dependencies": _dependencies(request)}),
    }
    return files


def described(request: Request, name: str) -> str:
    """What a file is for, in a few words."""
    told = {
        "README.md": "two commands, and what is where",
        f"{request.module}.py": "the configuration and the model: begin here",
        "train.py": "training, and a figure to compare with",
        "corpus.py": "the text that it learns from",
        f"test_{request.module}.py": "what must hold of the model",
        "pyproject.toml": "what it needs",
    }
    return told[name]


def _filled(name: str, words: dict[str, str]) -> str:
    return Template((TEMPLATES / f"{name}.txt").read_text("utf-8")).substitute(words)


def _common(request: Request) -> dict[str, str]:
    model = f"{request.cls}For{request.head}"
    local = [f"from {request.module} import {request.cls}Config, {model}"]
    local += ["from corpus import docstrings"] if request.reads == "text" else []
    return {
        "kind": request.kind,
        "module": request.module,
        "cls": request.cls,
        "model": model,
        "auto": f"AutoModelFor{request.head}",
        "local": "\n".join(sorted(local)),
    }


# ---- the model file -------------------------------------------------------------------------------


def _model_file(request: Request) -> str:
    """Imports, the configuration, parts of one's own, the model and its head."""
    base = "Encoder" if request.reads == "text" else "ImageEncoder"
    pieces = [
        _config_class(request, base),
        *(_own_part(request, part) for part in request.own if part != "head"),
        f"class {request.cls}Model({base}Model, config={request.cls}Config):\n"
        '    """The encoder: embeddings, blocks, and a pooler, as the configuration names them."""\n',
        _head_class(request),
    ]
    body = "\n\n".join(pieces)
    letters = _letters(body, request.reads)
    about = f'"""{_wrapped(_sentence(request))}{letters}"""'
    return f"{about}\n\nfrom __future__ import annotations\n\n{_imports(body)}\n\n{body}"


def _letters(body: str, reads: str) -> str:
    """The legend of those letters that stand in a shape of the file."""
    shapes = " ".join(re.findall(r"\([^()]*\)", body))
    told = [f"{letter} {means}" for letter, means in LETTERS[reads].items() if re.search(rf"\b{letter}\b", shapes)]
    return f"\n\nLetters: {', '.join(told)}.\n" if told else ""


def _config_class(request: Request, base: str) -> str:
    lines = [
        f'class {request.cls}Config({base}Config, model_type="{request.kind}"):',
        f'    """Other defaults for fields of {base}Config. A new field has a type too: `rate: float = 0.5`."""',
        "",
    ]
    for word, value in request.words.items():
        comment = COMMENTS.get(word)
        lines.append(f"    {word} = {_quoted(value)}{f'  # {comment}' if comment else ''}")
    return "\n".join(lines) + "\n"


def _quoted(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_quoted, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _own_part(request: Request, part: str) -> str:
    images = request.reads == "images"
    causal = request.task == "causal-lm" and part == "attention"
    variant = "-causal" if causal else "-images" if images and part in ("attention", "positions") else ""
    words = _common(request) | {"part": request.named(part), "many": "patches" if images else "tokens"}
    return _filled(f"own/{part}{variant}.py", words)


def _head_class(request: Request) -> str:
    lines = f"class {request.cls}For{request.head}({request.head}, backbone={request.cls}Model):\n"
    lines += f'    """{DOES[request.head]}"""\n'
    if "head" not in request.own:
        return lines
    if request.task in ("masked-lm", "causal-lm"):
        return f"{lines}\n{_filled('own/head-tokens.py', {})}"
    tokens = request.task == "token-classification"
    words = _common(request) | {
        "scored": "a token's state (B, S, D)" if tokens else "the pooled vector (B, D)",
        "flat": ".flatten(0, 1)" if tokens else "",
        "flat_labels": ".flatten()" if tokens else "",
    }
    return f"{lines}\n{_filled('own/head-classes.py', words)}"


def _whole_model(request: Request) -> str:
    words = _common(request) | {
        "title": f"{request.cls}: {request.summary}.",
        "hidden": str(request.words["hidden_size"]),
        "layers": str(request.words["num_hidden_layers"]),
    }
    text = _filled(f"own/model-{request.reads}.py", words)
    long = next(line for line in text.splitlines() if line.startswith(f"class {words['model']}("))
    if len(long) > WIDTH:  # broken as a formatter would
        opened, _, arguments = long.removesuffix("):").partition("(")
        text = text.replace(long, f"{opened}(\n    {arguments}\n):")
    return text


def _imports(body: str) -> str:
    """Import lines for the names that a file uses: of Python's library, then of others."""
    code = re.sub(r'(?s:""".*?""")|#.*', "", body)
    used = {module: [n for n in names if re.search(rf"\b{n}\b", code)] for module, names in NAMES.items()}
    lines = {module: _import(module, names) for module, names in used.items() if names}
    library = [lines.pop(module) for module in ("typing",) if module in lines]
    whole = [
        f"import {name}"
        for name, mark in (("torch", "torch."), ("torch.nn.functional as F", "F."))
        if re.search(rf"(?<![\w.]){re.escape(mark)}", code)
    ]
    return "\n".join([*library, *([""] if library else []), *whole, *lines.values()]) + "\n"


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n{''.join(f'    {name},{chr(10)}' for name in names)})"


def _sentence(request: Request) -> str:
    return f"{request.summary[0].upper()}{request.summary[1:]}."


def _wrapped(text: str, width: int = WIDTH - 6) -> str:
    return "\n".join(textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False))


# ---- the other files ------------------------------------------------------------------------------


def _test_words(request: Request) -> dict[str, str]:
    if request.reads == "images":
        return {}
    every, vocabulary = ("tokens" if request.head == "TokenClassification" else ""), request.head.endswith("LM")
    classes = '"num_labels": 3'
    words = {
        "sizes": '"vocab_size": 100' if vocabulary else f'"vocab_size": 100, {classes}',
        "labels": "ids" if vocabulary else f"torch.randint(3, {'(2, 7)' if every else '(2,)'})",
        "many_labels": "ids" if vocabulary else f"torch.randint(3, {'(16, 32)' if every else '(16,)'})",
        "shape": "(2, 7, 100)" if vocabulary else "(2, 7, 3)" if every else "(2, 3)",
        "real": ":1, :5" if vocabulary or every else ":1",
    }
    causal = _filled("test/causal.py", _common(request)) if request.task == "causal-lm" else ""
    return words | {"causal": causal}


def _dependencies(request: Request) -> str:
    return '"dovela[torch]"' if request.reads == "text" else '"dovela[torch,vision]", "scikit-learn"'


def _readme(request: Request) -> dict[str, str]:
    corpus = "| `corpus.py` | the text that it learns from |\n" if request.reads == "text" else ""
    own = [part for part in request.own if OWN[part][0]]
    small = f"It is small, to learn something soon; sizes are fields of `{request.cls}Config`."
    more = ""
    if own:
        names = ", ".join(f"{part} (registered as `{request.named(part)}`)" for part in own)
        more = "\n\n" + _wrapped(f"Yours to change in `{request.module}.py`: {names}.", README_WIDTH)
    return {
        "summary": _wrapped(f"{_sentence(request)} {small}", README_WIDTH),
        "data": DATA[request.task],
        "contents": "the configuration and the model"
        + (", with parts of its own" if own[1:] else ", with a part of its own" if own else ""),
        "corpus": corpus,
        "batching": "padding" if request.reads == "text" else "batches",
        "opening": _wrapped(
            f"Wherever a saved model is opened, `import {request.module}` comes first: a checkpoint holds no code. "
            f"To see it part by part: `dovela show trained --import {request.module}`.",
            README_WIDTH,
        ),
        "more": more,
    }
