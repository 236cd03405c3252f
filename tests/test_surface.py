"""What the package shows to the outside, and the rules that its source keeps."""

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import dovela
from dovela import parts
from stubs import PACKAGES, stub

SRC = Path(dovela.__file__).parent
FILES = sorted(path for path in SRC.rglob("*.py") if path.parent.name != "guide")  # the tour's scripts are no modules
FRAMEWORKS = ["torch", "jax", "flax", "keras", "tensorflow", "transformers"]
GENERATED = {"text/unicode_tables.py"}  # data, not read as code

# The layers of the map: a module may import its own layer and those below.
GROUND = [
    "_version",
    "audio_rules",
    "checks",
    "disk",
    "errors",
    "image_rules",
    "input_rules",
    "label_rules",
    "lazy",
    "notices",
    "outputs",
    "parts",
    "quantities",
    "registry",
    "tables",
    "tasks",
    "tensors",
    "text_rules",
]
DESCRIPTION = [
    "arrays",
    "batch_feature",
    "calling",
    "checkpoint",
    "config",
    "config_fields",
    "config_files",
    "config_links",
    "declaring",
    "encoder_config",
    "encoder_rules",
    "feature_files",
    "features",
    "fitting",
    "folder",
    "foreign",
    "h5_file",
    "header",
    "hub",
    "hub_errors",
    "inventory",
    "inventory_layers",
    "inventory_parts",
    "kept_arguments",
    "kit_models",
    "kit_parts",
    "labels",
    "leaves",
    "msgpack_file",
    "opening",
    "origins",
    "pickles",
    "weights",
    "writing",
]
DOORS = ["__init__", "auto", "auto_features", "auto_flax", "auto_keras", "auto_model", "auto_processor"]
KITS = {  # the folder: what its files, and the architectures' files for it, may import when they are loaded
    "torch": {"torch"},
    "flax": {"jax", "flax"},
    "keras": {"keras"},
}
FOLDERS = {
    **dict.fromkeys(KITS, 2),
    "text": 4,
    "vision": 4,
    "audio": 4,
    "models": 5,
    "cli": 6,
    "processor": 4,
    "processor_arguments": 4,
    "processor_files": 4,
}


def layer(module: str) -> int:
    """0 ground, 1 description, 2 the frameworks' parts and models, 4 the input side, 5 architectures, 6 doors."""
    first = module.partition(".")[0]
    if first in FOLDERS:
        return FOLDERS[first]
    for number, names in ((0, GROUND), (1, DESCRIPTION), (6, DOORS)):
        if first in names:
            return number
    raise AssertionError(f"{module} has no place on the map: add it to one of the layers in this file")


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, *, everywhere: bool = True) -> Iterator[tuple[str, int]]:
    """The modules that a file imports, with the line; not `everywhere`: only those it imports when loaded."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = set() if everywhere else {n for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    guarded = [n for n in ast.walk(tree) if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    inner |= {n for guard in guarded for n in ast.walk(guard)}
    package = path.relative_to(SRC.parent).parent.parts
    for node in ast.walk(tree):
        if node in inner:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            if node.module is None:  # from . import x
                yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield module, node.lineno


def ours(path: Path) -> Iterator[tuple[str, int]]:
    for module, line in imports(path):
        if module.startswith("dovela."):
            yield module.removeprefix("dovela."), line


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_point_down(path):
    own = name_of(path) or "__init__"
    door = own.startswith(("auto_model", "auto_flax", "auto_keras", "cli"))  # these may reach for anything below
    for module, line in ours(path):
        if module == "_version":
            continue
        assert layer(module) <= layer(own), f"{path}:{line} imports {module}, which lies above"
        if not door:
            first, other = own.partition(".")[0], module.partition(".")[0]
            assert {first, other} != {"torch", "text"}, f"{path}:{line}: torch and text know nothing of each other"
            first = kit_of(path) or first
            assert not {first, other} <= KITS.keys() or first == other, f"{path}:{line}: {first} and {other}"


def kit_of(path: Path) -> str | None:
    """The framework that a file is written for."""
    return next((kit for kit in KITS if path.parent.name == kit or path.name == f"{kit}_model.py"), None)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_a_frameworks_own_files_import_it_when_they_are_loaded(path):
    kit = kit_of(path)
    for module, line in imports(path, everywhere=False):
        known = set(FRAMEWORKS) - KITS.get(kit, set())
        assert module.partition(".")[0] not in known, f"{path}:{line} imports {module}"
        for other in KITS.keys() - {kit}:
            assert not f"{module}.".startswith(f"dovela.{other}."), f"{path}:{line} imports {module}"
            assert not module.endswith(f".{other}_model"), f"{path}:{line} imports {module}"


FORBIDDEN = {
    "an assert": lambda node: isinstance(node, ast.Assert),
    "a print": lambda node: isinstance(node, ast.Call) and ast.unparse(node.func) == "print",
    "a bare exception": lambda node: (
        isinstance(node, ast.Raise)
        and node.exc is not None
        and re.match(r"(Exception|BaseException|RuntimeError)\b", ast.unparse(node.exc))
    ),
    "an eval or exec": lambda node: isinstance(node, ast.Call) and ast.unparse(node.func) in ("eval", "exec"),
}


EXCEPTIONS = {("cli.cells", "an eval or exec")}  # runs the package's own guide


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_no_source_file_has(path):
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        for what, found in FORBIDDEN.items():
            assert (name_of(path), what) in EXCEPTIONS or not found(node), (
                f"{path}:{getattr(node, 'lineno', '?')} has {what}"
            )
    for module, line in imports(path):
        assert module.partition(".")[0] not in ("pickle", "transformers", "dill", "marshal"), f"{path}:{line}"
    assert path.name != "torch.py"
    if path.relative_to(SRC).as_posix() not in GENERATED:
        assert len(text.splitlines()) <= 400
    assert ast.get_docstring(ast.parse(text)), f"{path} does not say what it is"


# Names.


def owner(name: str) -> str:
    return next(module for module, names in dovela._MODULES.items() if name in names)


def test_every_public_name_is_listed_once():
    listed = [name for names in dovela._MODULES.values() for name in names]
    assert len(listed) == len(set(listed))
    assert sorted(dovela.__all__) == sorted({"__version__", *listed})
    assert set(listed) <= set(dir(dovela))


@pytest.mark.parametrize("name", [name for name in dovela.__all__ if name != "__version__"])
def test_every_public_name_is_there_and_documented(name):
    for kit, packages in KITS.items():
        if kit in owner(name) or name.startswith(parts.KITS[kit] or "no prefix"):
            for package in packages:
                pytest.importorskip(package)
    value = getattr(dovela, name)
    assert value.__module__.startswith("dovela.")
    assert value.__name__ == name
    assert value.__doc__, f"{name} has no docstring"
    assert not value.__doc__.startswith(f"{name}("), f"{name} has only the docstring that a dataclass makes"
    if inspect.isclass(value):
        assert not name.startswith("_")


@pytest.mark.parametrize("package", PACKAGES)
def test_editors_see_every_name_of_the_lazy_packages(package):
    for needed in KITS.get(package.rpartition(".")[2], set()) - {"torch"}:
        pytest.importorskip(needed)
    assert PACKAGES[package].read_text() == stub(package), "write the stubs anew: python tests/support/stubs.py"


@pytest.mark.parametrize("kit", KITS)
def test_every_part_is_there_and_documented(kit):
    for needed in KITS[kit]:
        pytest.importorskip(needed)
    package = importlib.import_module(f"dovela.{kit}")
    for name in package.__all__:
        value = getattr(package, name)
        assert value.__module__.startswith("dovela.")
        assert inspect.getdoc(value), name


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(AttributeError, match="has no attribute 'DistilBertModl'; did you mean 'DistilBertModel'"):
        _ = dovela.DistilBertModl
    with pytest.raises(ImportError, match="DistilBertModl"):
        from dovela import DistilBertModl  # noqa: F401


# In a process of its own.


def python(code: str, *, blocked: tuple[str, ...] = ()) -> str:
    """What `code` prints in a new process where importing `blocked` fails as if they were not installed."""
    block = f"""
        import sys
        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {blocked!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        sys.meta_path.insert(0, Absent())
    """
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "HF_HUB_OFFLINE": "1"}
    program = textwrap.dedent(block) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_dovela_imports_nothing_heavy():
    loaded = python("import dovela, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))").split()
    assert not {"numpy", "safetensors", "tokenizers", "huggingface_hub", "click", "rich", *FRAMEWORKS} & set(loaded)


def test_a_configuration_needs_no_package_at_all(tmp_path):
    code = f"""
        from dovela import DistilBertConfig, BertConfig, ViTConfig, EncoderConfig, AutoConfig, ConfigError
        for cls in (DistilBertConfig, BertConfig, ViTConfig, EncoderConfig):
            cls(num_hidden_layers=2).save_pretrained({str(tmp_path)!r})
            assert type(AutoConfig.from_pretrained({str(tmp_path)!r})) is cls
        repr(cls()), cls().replace(dropout=0.5), cls.from_dict(dict(a=1))
        print("fine", *(name for name in ("numpy", "huggingface_hub", "safetensors") if name in sys.modules))
    """
    packages = ("numpy", "safetensors", "tokenizers", "huggingface_hub", "click", "rich", *FRAMEWORKS)
    assert python(code, blocked=packages) == "fine"


def test_text_needs_no_framework(tmp_path):
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world"]))
    code = f"""
        from dovela import BertTokenizer, BertTokenizerFast, DistilBertTokenizer, DistilBertTokenizerFast
        for cls in (BertTokenizer, BertTokenizerFast, DistilBertTokenizer, DistilBertTokenizerFast):
            tokenizer = cls(vocab_file={str(vocabulary)!r})
            assert tokenizer("Hello world")["input_ids"] == [2, 5, 6, 3]
        print("fine")
    """
    assert python(code, blocked=tuple(FRAMEWORKS)) == "fine"


@pytest.mark.parametrize(
    ("statement", "user"),
    [
        ("from dovela import DistilBertModel", "dovela.DistilBertModel"),
        ("import dovela; dovela.BertForMaskedLM", "dovela.BertForMaskedLM"),
        ("from dovela import PreTrainedModel", "dovela.PreTrainedModel"),
        ("from dovela.torch import Attention", "dovela.torch.Attention"),
        ("from dovela import AutoModel, BertConfig; AutoModel.from_config(BertConfig())", "AutoModel"),
    ],
)
def test_without_torch_a_model_says_how_to_install_it(statement, user):
    code = f"""
        from dovela import MissingBackend
        try:
            {statement}
        except ImportError as error:
            assert type(error) is MissingBackend, type(error)
            print(error)
    """
    message = f"{user}: needs the package 'torch', which is not installed. Run: pip install \"dovela[torch]\""
    assert python(code, blocked=tuple(FRAMEWORKS)) == message


# Types, for those who check them.


def test_a_misspelt_field_is_seen_by_a_type_checker(tmp_path):
    pytest.importorskip("mypy")
    file = tmp_path / "user.py"
    file.write_text(
        textwrap.dedent(
            """
            from dovela import DistilBertConfig, EncoderConfig
            from dovela.torch import Attention as Attention

            class NearConfig(EncoderConfig, model_type="near-encoder"):
                window: int = 64

            reveal_type(NearConfig(window=3, num_hidden_layers=2).window)
            NearConfig(windw=3)
            DistilBertConfig(n_layer=3)
            DistilBertConfig(n_layers="3")
            """
        )
    )
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--follow-imports=silent", str(file)]
    env = {**os.environ, "MYPYPATH": str(SRC.parent), "MYPY_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    lines = [line.partition("user.py:")[2] for line in done.stdout.splitlines() if ": note: See" not in line]
    assert [line.partition(":")[0] for line in lines] == ["8", "9", "10", "11"], done.stdout + done.stderr
    assert 'Revealed type is "int"' in lines[0].replace("builtins.", "")
    assert 'Unexpected keyword argument "windw"' in lines[1]
    assert 'Unexpected keyword argument "n_layer"' in lines[2]
    assert 'incompatible type "str"; expected "int"' in lines[3]
