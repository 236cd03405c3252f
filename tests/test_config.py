import copy
import dataclasses
import inspect
import json
import pickle
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import peer_configs
from dovela import AutoConfig, BertConfig, DistilBertConfig, EncoderConfig, Wav2Vec2Config
from dovela._version import __version__
from dovela.checks import Range
from dovela.config import Alias, PretrainedConfig
from dovela.errors import CheckpointError, ConfigError, RegistryError
from dovela.labels import default_labels
from peers import peer4, peer5

CLASSES = [DistilBertConfig, BertConfig, EncoderConfig]


class OwnConfig(EncoderConfig, model_type="own"):
    """One field of every kind that a person may write."""

    attention: str = "full"
    window: Annotated[int, Range(1, 99)] = 64
    mode: Literal["near", "far"] = "near"
    rate: float = 0.5
    names: list[str] = dataclasses.field(default_factory=lambda: ["a"])
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, str] = (1, "a")
    table: dict[str, dict[str, list[int]]] = dataclasses.field(default_factory=dict)
    by_layer: dict[int, float] = dataclasses.field(default_factory=dict)
    later: "int | None" = None
    anything: Any = None
    scale = Alias[float]("rate")

    def check(self):
        yield from super().check()
        if self.window % 2:
            yield f"window ({self.window}) is odd"
        if self.rate == 0.125:
            raise ZeroDivisionError("a hook of the user's that fails")


# Printing: what the guide shows.

GUIDE = {
    "activation": "gelu",
    "attention_dropout": 0.1,
    "dim": 768,
    "dovela_version": __version__,
    "dropout": 0.1,
    "hidden_dim": 3072,
    "initializer_range": 0.02,
    "max_position_embeddings": 512,
    "model_type": "distilbert",
    "n_heads": 12,
    "n_layers": 6,
    "pad_token_id": 0,
    "qa_dropout": 0.1,
    "seq_classif_dropout": 0.2,
    "sinusoidal_pos_embds": False,
    "vocab_size": 30522,
}


def test_the_printed_form_is_the_class_and_its_fields_as_sorted_json():
    name, _, text = repr(DistilBertConfig()).partition(" ")
    shown = json.loads(text)
    assert name == "DistilBertConfig"
    assert shown == GUIDE
    assert list(shown) == sorted(shown)
    assert text == json.dumps(shown, indent=2)


def test_the_guides_first_lines(tmp_path):
    config = DistilBertConfig(activation="relu", attention_dropout=0.4)
    assert '"activation": "relu"' in str(config)
    assert '"attention_dropout": 0.4' in str(config)
    config.save_pretrained(save_directory=str(tmp_path / "your_model_save_path"))
    path = tmp_path / "your_model_save_path" / "config.json"
    path.rename(path.with_name("my_config.json"))
    assert DistilBertConfig.from_pretrained(str(path.with_name("my_config.json"))) == config


def test_common_fields_are_printed_once_they_are_changed():
    assert "problem_type" not in repr(BertConfig())
    assert '"problem_type": "regression"' in repr(BertConfig(problem_type="regression"))
    assert '"pruned_heads"' in repr(BertConfig(pruned_heads={0: [1]}))


def test_a_value_that_is_no_json_is_printed_and_never_written(tmp_path):
    config = OwnConfig(anything=Path("x"))
    assert "Path('x')" in repr(config)
    with pytest.raises(ConfigError, match=r"OwnConfig: cannot be written as JSON \(Object of type \w*Path is not JSON"):
        config.save_pretrained(tmp_path)


# The constructor, overrides and assignment are strict.

WRONG = [
    ({"n_layer": 3}, ".n_layer: there is no such field; did you mean 'n_layers'?"),
    ({"num_hiden_layers": 3}, ".num_hiden_layers: there is no such field; did you mean 'num_hidden_layers'?"),
    ({"zzz": 3}, ".zzz: there is no such field"),
    ({"n_layers": True}, ".n_layers: True is not an integer"),
    ({"n_layers": None}, ".n_layers: None is not an integer"),
    ({"n_layers": 2.0}, ".n_layers: 2.0 is not an integer"),
    ({"n_layers": "2"}, ".n_layers: '2' is not an integer"),
    ({"n_layers": np.array([2])}, ".n_layers: array([2]) is not an integer"),
    ({"n_layers": 0}, ".n_layers: 0 is not a number of at least 1"),
    ({"dropout": 5.0}, ".dropout: 5.0 is not a number in [0, 1]"),
    ({"dropout": float("nan")}, ".dropout: nan is not a finite number"),
    ({"initializer_range": float("inf")}, ".initializer_range: inf is not a finite number"),
    ({"activation": "gleu"}, ".activation: 'gleu' is not a registered activation; did you mean 'gelu'?"),
    ({"attn_implementation": "spda"}, "(eager, flex, sdpa); did you mean 'sdpa'?"),
    ({"problem_type": "regresion"}, "'regresion' is not one of 'regression', 'single_label_classification', "),
    ({"sinusoidal_pos_embds": 1}, ".sinusoidal_pos_embds: 1 is not true or false"),
    (
        {"num_hidden_layers": 2, "n_layers": 2},
        ".n_layers: is the same field as 'num_hidden_layers', and both are given",
    ),
    ({"model_type": "bert"}, ".model_type: DistilBertConfig is of type 'distilbert', not 'bert'"),
    ({"is_decoder": True}, ".is_decoder: True is an option that dovela does not have"),
    ({"num_labels": 0}, ".num_labels: expected an integer of at least 1, got 0"),
    ({"id2label": None}, ".id2label: expected labels for the ids 0, 1, 2, …, got None"),
    ({"id2label": {0: "a"}, "num_labels": 2}, ".num_labels: is 2, but the labels are ['a']"),
    ({"dim": 10, "n_heads": 3}, ": dim (10) is no multiple of n_heads (3)"),
    ({"pad_token_id": 30522}, ": pad_token_id (30522) lies outside the vocabulary (vocab_size 30522)"),
    ({"pad_token_id": -1}, ".pad_token_id: -1 is not a number of at least 0 or null"),
    ({"pruned_heads": {6: [0]}}, ": pruned_heads names layer 6, and there are 6"),
    ({"pruned_heads": {0: [12]}}, ": pruned_heads names head 12 of layer 0, and there are 12"),
    ({"pruned_heads": {0: list(range(12))}}, ": pruned_heads leaves layer 0 without a head"),
    ({"a": 1, "dropout": 5}, ": 2 problems\n  - a: there is no such field\n  - dropout: 5 is not a number in [0, 1]"),
]


@pytest.mark.parametrize(("values", "message"), WRONG)
def test_what_is_wrong_is_refused_everywhere_and_changes_nothing(tmp_path, values, message):
    config = DistilBertConfig(dropout=0.3, num_labels=3)
    before = copy.deepcopy(config)
    config.save_pretrained(tmp_path)
    attempts = [
        lambda: DistilBertConfig(**values),
        lambda: config.update(values),
        lambda: config.replace(**values),
        lambda: DistilBertConfig.from_pretrained(tmp_path, **values),
        lambda: AutoConfig.from_pretrained(tmp_path, **values),
    ]
    if "model_type" not in values:
        attempts.append(lambda: AutoConfig.for_model("distilbert", **values))
    if len(values) == 1:
        attempts.append(lambda: setattr(config, *next(iter(values.items()))))
    for attempt in attempts:
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert "DistilBertConfig" in str(caught.value)
        assert message.lstrip(".") in str(caught.value).replace(f" from {tmp_path}", "")
        assert config == before
        assert vars(config) == vars(before)


def test_one_problem_names_the_field_in_the_attribute_where():
    with pytest.raises(ConfigError) as caught:
        DistilBertConfig(n_layers="2")
    assert caught.value.where == "DistilBertConfig.n_layers"
    with pytest.raises(ConfigError) as caught:
        DistilBertConfig.from_dict({"n_layers": "2"}, source="a/config.json")
    assert caught.value.where == "DistilBertConfig.n_layers from a/config.json"


def test_positional_arguments_are_refused():
    with pytest.raises(TypeError):
        DistilBertConfig("distilbert-base-uncased")


def test_numbers_are_stored_as_pythons_own():
    config = DistilBertConfig(n_layers=np.int64(2), dropout=np.float32(0.5), attention_dropout=0, num_labels=np.int8(3))
    assert [type(value) for value in (config.n_layers, config.dropout, config.attention_dropout)] == [int, float, float]
    json.loads(config.to_json_string())


@pytest.mark.parametrize("cls", CLASSES)
def test_the_common_words_read_and_write_every_architecture(cls):
    words = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 5}
    words |= {"vocab_size": 11, "max_position_embeddings": 7}
    config = cls(**words)
    assert {word: getattr(config, word) for word in words} == words
    config.update({"num_attention_heads": 4, "hidden_size": 28})
    config.num_hidden_layers = 5
    assert (config.num_attention_heads, config.hidden_size, config.num_hidden_layers) == (4, 28, 5)
    assert cls.from_dict(config.to_dict()) == config


def test_fields_that_depend_on_each_other_change_together():
    config = DistilBertConfig(dim=12, n_heads=3)
    with pytest.raises(ConfigError, match="dim"):
        config.n_heads = 5
    config.update({"n_heads": 5, "dim": 15})
    assert config.replace(n_heads=1, dim=7) == DistilBertConfig(n_heads=1, dim=7)


def test_a_check_that_fails_in_its_own_way_changes_nothing_either():
    config = OwnConfig()
    with pytest.raises(ZeroDivisionError):
        config.update({"rate": 0.125, "window": 2})
    assert config == OwnConfig()


def test_a_check_may_return_nothing():
    class Silent(DistilBertConfig):
        def check(self):
            return None

    assert Silent(n_layers=1).replace(n_layers=2).n_layers == 2


# Labels.


def test_num_labels_is_the_length_of_id2label():
    config = BertConfig(num_labels=3)
    assert config.id2label == default_labels(3)
    config.label2id = {"no": 0, "yes": 1}
    assert config.num_labels == 2
    assert config.id2label == {0: "no", 1: "yes"}
    config.num_labels = 4
    assert config.label2id == {f"LABEL_{i}": i for i in range(4)}
    config.id2label = {"1": "b", "0": "a"}
    assert config.id2label == {0: "a", 1: "b"}


def test_num_labels_in_an_override_replaces_the_labels_of_the_file(tmp_path):
    BertConfig(id2label={0: "a", 1: "b", 2: "c"}).save_pretrained(tmp_path)
    assert BertConfig.from_pretrained(tmp_path, num_labels=5).id2label == default_labels(5)
    assert BertConfig.from_pretrained(tmp_path, num_labels=3).id2label == {0: "a", 1: "b", 2: "c"}
    assert BertConfig.from_pretrained(tmp_path, label2id={"x": 0}).id2label == {0: "x"}
    with pytest.raises(ConfigError, match="is 2, but the labels are"):
        BertConfig.from_pretrained(tmp_path, num_labels=2, id2label={0: "x"})


def test_two_classes_of_a_file_may_share_a_name(tmp_path, told):
    data = {"model_type": "bert", "id2label": {"0": "crane", "1": "crane"}, "label2id": {"crane": 1}}
    (tmp_path / "config.json").write_text(json.dumps(data))
    config = BertConfig.from_pretrained(tmp_path)
    assert config.num_labels == 2
    assert told() == [f"BertConfig from {tmp_path}: two ids have the same label"]
    assert config.replace(num_attention_heads=6).locked().id2label == {0: "crane", 1: "crane"}
    assert BertConfig.from_dict(config.to_dict()) == config
    assert BertConfig.from_pretrained(tmp_path, num_labels=2) == config


def test_labels_of_a_file_that_disagree(told):
    data = {"id2label": {"0": "a", "1": "b"}, "label2id": {"a": 1, "b": 0}}
    assert BertConfig.from_dict(data).id2label == {0: "a", 1: "b"}
    assert told() == ["BertConfig: label2id is not the inverse of id2label; id2label is used"]
    with pytest.raises(ConfigError, match="num_labels: is 3, but the labels are"):
        BertConfig.from_dict({**data, "num_labels": 3})
    assert BertConfig.from_dict({**data, "num_labels": 3}, num_labels=4).num_labels == 4


# Files are read leniently.


def test_unknown_keys_of_a_file_are_kept_and_written_back(tmp_path):
    data = {"model_type": "bert", "hidden_size": 24, "my_note": {"a": [1]}, "use_cache": True, "is_decoder": False}
    (tmp_path / "config.json").write_text(json.dumps({**data, "transformers_version": "1", "_name_or_path": "x"}))
    config = BertConfig.from_pretrained(tmp_path)
    assert config.extra == {"my_note": {"a": [1]}, "use_cache": True, "is_decoder": False}
    config.save_pretrained(tmp_path / "again")
    written = json.loads((tmp_path / "again" / "config.json").read_text())
    assert {key: written[key] for key in data} == data
    assert not written.keys() & {"transformers_version", "_name_or_path", "name_or_path", "extra"}
    assert BertConfig.from_pretrained(tmp_path / "again").extra == config.extra


def test_a_near_miss_in_a_file_is_told_once(tmp_path, told):
    (tmp_path / "config.json").write_text(json.dumps({"hiden_size": 24, "bos_token_id": 1, "eos_token_id": None}))
    for _ in range(2):
        assert BertConfig.from_pretrained(tmp_path).hidden_size == 768
    assert told() == [
        f"BertConfig from {tmp_path}: 'hiden_size' is no field and changes nothing; did you mean 'hidden_size'?"
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"hidden_size": "24"}, "BertConfig.hidden_size from f: '24' is not an integer"),
        ({"hidden_act": "gleu"}, "BertConfig.hidden_act from f: 'gleu' is not a registered activation"),
        ({"is_decoder": True}, "BertConfig.is_decoder from f: True is an option that dovela does not have"),
        ({"position_embedding_type": "relative_key"}, "'relative_key' is an option that dovela does not have"),
        ({"dtype": "float16", "torch_dtype": "float32"}, "BertConfig.torch_dtype from f: is the same field as 'dtype'"),
        (
            {"id2label": ["a"], "label2id": {"a": 0}},
            "id2label from f: expected labels for the ids 0, 1, 2, …, got ['a']",
        ),
        ({"id2label": {"1": "a"}}, "expected labels for the ids 0, 1, 2, …, got {'1': 'a'}"),
        ({"model_type": "t5"}, "BertConfig from f: this is a configuration of type 't5', not 'bert'. AutoConfig picks"),
        ([], "BertConfig from f: expected a dictionary with names as keys, got []"),
        (None, "expected a dictionary with names as keys, got None"),
        ({1: 2}, "expected a dictionary with names as keys, got {1: 2}"),
    ],
)
def test_what_a_file_has_wrong(data, message):
    with pytest.raises(ConfigError) as caught:
        BertConfig.from_dict(data, source="f")
    assert message in str(caught.value)


def test_a_refused_option_of_a_file_can_be_overridden():
    assert BertConfig.from_dict({"is_decoder": True}, is_decoder=False).extra == {}


@pytest.mark.parametrize("keys", [("dtype",), ("torch_dtype",), ("dtype", "torch_dtype")])
def test_the_dtype_of_old_and_new_files(keys):
    config = BertConfig.from_dict(dict.fromkeys(keys, "bfloat16"))
    assert config.dtype == config.torch_dtype == "bfloat16"


def test_overrides_replace_the_files_value_under_any_spelling():
    data = DistilBertConfig(n_layers=2, dim=24).to_dict()
    assert DistilBertConfig.from_dict(data, num_hidden_layers=3, hidden_size=36).to_dict()["n_layers"] == 3
    assert DistilBertConfig.from_dict({"num_hidden_layers": 2}, n_layers=4).n_layers == 4
    assert DistilBertConfig.from_dict({"a": 1}, extra={"b": 2}).extra == {"b": 2}


def test_unused_arguments_come_back_only_on_request(tmp_path):
    DistilBertConfig(n_layers=2).save_pretrained(tmp_path)
    arguments = {"dim": 24, "num_labels": 3, "output_loading_info": True, "revision": "main", "foo": 1}
    config, unused = DistilBertConfig.from_pretrained(tmp_path, return_unused_kwargs=True, **arguments)
    assert (config.dim, config.n_layers, config.num_labels) == (24, 2, 3)
    assert unused == {"output_loading_info": True, "foo": 1}
    with pytest.raises(ConfigError, match="2 problems"):
        DistilBertConfig.from_pretrained(tmp_path, **arguments)
    data, rest = DistilBertConfig.get_config_dict(tmp_path, **arguments)
    assert data["n_layers"] == 2
    assert rest == {key: value for key, value in arguments.items() if key != "revision"}


def test_a_folder_a_file_a_path_a_string_and_a_home(tmp_path, monkeypatch):
    DistilBertConfig(n_layers=2).save_pretrained(tmp_path / "m")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "m" / "config.json"
    for name in (tmp_path / "m", str(tmp_path / "m"), file, str(file), "m", "./m", "m/config.json", "~/m/config.json"):
        config = DistilBertConfig.from_pretrained(name)
        assert config.n_layers == 2
        assert config.name_or_path == str(name)
    assert DistilBertConfig.from_json_file(file).n_layers == 2
    assert DistilBertConfig.from_pretrained(tmp_path, subfolder="m").n_layers == 2
    file.rename(file.with_name("noext"))
    assert DistilBertConfig.from_pretrained("m/noext").n_layers == 2


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (None, ConfigError, "from_pretrained: expected a folder, a JSON file or a name on the hub, got None"),
        (3, ConfigError, "expected a folder, a JSON file or a name on the hub, got 3"),
        (b"x", ConfigError, "expected a folder, a JSON file or a name on the hub, got b'x'"),
        ({}, ConfigError, "got {}. A dictionary is opened by DistilBertConfig.from_dict."),
        ("", CheckpointError, "there is no such folder"),
        ("./nowhere", CheckpointError, "./nowhere: there is no such folder (looked in "),
        ("nowhere/config.json", CheckpointError, "nowhere/config.json: there is no such file (looked in "),
        ("my_config.json", CheckpointError, "my_config.json: there is no such file (looked in "),
        ("a\0b", CheckpointError, "is neither a folder here nor a name that a hub can have"),
    ],
)
def test_names_that_lead_nowhere(name, error, message):
    with pytest.raises(error) as caught:
        DistilBertConfig.from_pretrained(name)
    assert message in str(caught.value)


def test_a_folder_without_a_configuration_says_what_is_there(tmp_path):
    (tmp_path / "vocab.txt").touch()
    with pytest.raises(CheckpointError, match=r"has no file 'config.json'.*vocab\.txt"):
        DistilBertConfig.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not valid JSON: line 1, column 1"),
        (b'{"dim": 5,\n "n_heads" 5}', "is not valid JSON: line 2, column 12"),
        (b"[1]", "holds list, where a JSON object {…} is expected"),
        (b'{"dim": 5, "dim": 6}', "is not acceptable JSON: "),
        (b"\xff\xfe\x00", "is not UTF-8 text (byte 0)"),
        (b"[" * 100_000, "is not acceptable JSON"),
    ],
)
def test_files_that_are_no_configuration(tmp_path, content, message):
    (tmp_path / "config.json").write_bytes(content)
    for open_it in (DistilBertConfig.from_pretrained, AutoConfig.from_pretrained):
        with pytest.raises(CheckpointError) as caught:
            open_it(tmp_path)
        assert message in str(caught.value)
        assert "config.json" in str(caught.value)


def test_a_weights_file_is_no_configuration(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"\x80\x00\x00\x00\x00\x00\x00\x00{")
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        DistilBertConfig.from_pretrained(tmp_path / "model.safetensors")


# Writing.


@given(
    n_layers=st.integers(1, 50),
    heads=st.integers(1, 16),
    width=st.integers(1, 8),
    dropout=st.floats(0, 1),
    labels=st.lists(st.text(), min_size=1, max_size=4, unique=True),
    kernel=st.sampled_from(["eager", "sdpa"]),
    use_diff=st.booleans(),
)
def test_what_is_written_is_read_back(tmp_path_factory, n_layers, heads, width, dropout, labels, kernel, use_diff):
    folder = tmp_path_factory.mktemp("config")
    config = DistilBertConfig(
        n_layers=n_layers, n_heads=heads, dim=heads * width, dropout=dropout, id2label=dict(enumerate(labels))
    )
    config.save_pretrained(folder, use_diff=use_diff)
    assert DistilBertConfig.from_pretrained(folder) == AutoConfig.from_pretrained(folder) == config
    config.attn_implementation = kernel  # belongs to the machine and not to the checkpoint
    config.save_pretrained(folder, use_diff=use_diff)
    assert DistilBertConfig.from_pretrained(folder).attn_implementation == "sdpa"


def test_the_difference_from_the_defaults():
    config = DistilBertConfig(n_layers=2, num_labels=3)
    assert config.to_diff_dict().keys() == {"model_type", "dovela_version", "n_layers", "id2label", "label2id"}
    assert json.loads(config.to_json_string(use_diff=True)).keys() == config.to_diff_dict().keys()
    assert json.loads(config.to_json_string()).keys() >= {"dim", "dropout", "n_layers"}


def test_json_files(tmp_path):
    config = DistilBertConfig(n_layers=2)
    config.to_json_file(tmp_path / "a.json")
    config.to_json_file(str(tmp_path / "b.json"), use_diff=True)
    assert DistilBertConfig.from_json_file(tmp_path / "a.json") == DistilBertConfig.from_json_file(tmp_path / "b.json")
    assert (tmp_path / "a.json").read_text() == config.to_json_string()


def test_dictionaries_are_copies():
    config = DistilBertConfig(pruned_heads={0: [1]})
    config.to_dict()["pruned_heads"][0].append(2)
    assert config.pruned_heads == {0: [1]}


def test_a_default_of_a_subclass_is_not_mistaken_for_the_common_one(tmp_path):
    class Untied(EncoderConfig, model_type="untied"):
        tie_word_embeddings: bool = False
        output_attentions: bool = True

    for config in (Untied(), Untied(tie_word_embeddings=True, output_attentions=False)):
        config.save_pretrained(tmp_path)
        assert Untied.from_pretrained(tmp_path) == config


# Copies, and what a dataclass can do.


def duplicates(config: Any) -> list[Any]:
    return [
        copy.copy(config),
        copy.deepcopy(config),
        pickle.loads(pickle.dumps(config)),
        dataclasses.replace(config),
        config.replace(),
        config.locked(),
        type(config)(**{f.name: getattr(config, f.name) for f in dataclasses.fields(config)}),
        type(config).from_dict(config.to_dict()),
    ]


def test_a_copy_is_equal_and_keeps_everything():
    own = {
        "window": 8,
        "mode": "far",
        "sizes": (3,),
        "pair": (2, "b"),
        "table": {"a": {"b": [1]}},
        "by_layer": {1: 0.5},
    }
    config = OwnConfig(**own, num_labels=3, pruned_heads={0: [1]}, architectures=["X"], later=3, anything={"x": None})
    config.extra["y"] = 1
    for twin in duplicates(config):
        assert twin == config
        assert {**vars(twin), "_locked": None} == {**vars(config), "_locked": None}
    assert json.loads(config.to_json_string())["sizes"] == [3]


def test_changing_a_deep_copy_leaves_the_original():
    config = DistilBertConfig(num_labels=3)
    twin = config.replace(num_labels=2, n_layers=1)
    twin.id2label[0] = "x"
    assert config == DistilBertConfig(num_labels=3)
    assert twin != config
    assert DistilBertConfig() != BertConfig()


def test_dataclass_functions():
    config = DistilBertConfig(n_layers=2)
    assert dataclasses.asdict(config)["n_layers"] == 2
    assert dataclasses.replace(config, n_layers=3).n_layers == 3
    with pytest.raises(ConfigError, match="'3' is not an integer"):
        dataclasses.replace(config, n_layers="3")
    with pytest.raises(TypeError, match="unhashable"):
        hash(config)


def test_the_signature_lists_every_field_the_architecture_first():
    parameters = inspect.signature(DistilBertConfig).parameters
    assert list(parameters).index("n_layers") < list(parameters).index("id2label")
    assert parameters["n_layers"].default == 6
    assert parameters["id2label"].default == default_labels()
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert "extra" not in parameters
    DistilBertConfig(**{name: parameter.default for name, parameter in parameters.items()})


@pytest.mark.parametrize("cls", CLASSES)
def test_unknown_attributes_are_attribute_errors(cls):
    with pytest.raises(AttributeError):
        _ = cls().no_such_thing
    with pytest.raises(ConfigError, match="there is no such field"):
        cls().no_such_thing = 1


# The configuration of a built model.


def test_a_locked_copy_keeps_its_architecture_and_names_the_way_out():
    config = DistilBertConfig(num_labels=3)
    locked = config.locked()
    for name, value in {"n_layers": 2, "num_hidden_layers": 2, "dropout": 0.5, "pruned_heads": {0: [1]}}.items():
        with pytest.raises(ConfigError) as caught:
            setattr(locked, name, value)
        field = "n_layers" if name == "num_hidden_layers" else name
        assert str(caught.value) == (
            f"DistilBertConfig.{field}: a built model does not change with it; "
            f"build another one with model.config.replace({field}={value!r})"
        )
    with pytest.raises(ConfigError, match=r"model\.config\.replace\(num_labels=2\)"):
        locked.num_labels = 2
    with pytest.raises(ConfigError, match=r"replace\(n_layers=2\)"):
        locked.update({"output_attentions": True, "n_layers": 2})
    assert locked == config
    locked.update({"output_attentions": True, "problem_type": "regression", "id2label": {0: "a", 1: "b", 2: "c"}})
    locked.attn_implementation = "eager"
    assert locked.label2id == {"a": 0, "b": 1, "c": 2}
    assert config == DistilBertConfig(num_labels=3)


def test_copies_of_a_locked_configuration():
    locked = DistilBertConfig().locked()
    with pytest.raises(ConfigError):
        copy.deepcopy(locked).n_layers = 2
    free = locked.replace(n_layers=2)
    free.n_layers = 3
    assert (locked.n_layers, free.n_layers) == (6, 3)


# Classes of one's own.


def test_a_subclass_takes_checks_prints_saves_and_reloads_its_fields(tmp_path):
    config = OwnConfig(window=8, sizes=[3, 4], pair=[2, "b"], table={"a": {"b": [1]}}, by_layer={"1": 0}, scale=0.25)
    assert (config.sizes, config.pair, config.by_layer, config.rate) == ((3, 4), (2, "b"), {1: 0.0}, 0.25)
    config.save_pretrained(tmp_path)
    again = AutoConfig.from_pretrained(tmp_path)
    assert type(again) is OwnConfig
    assert again == config
    assert again.window == 8
    assert OwnConfig.model_type == "own"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"window": 100}, "OwnConfig.window: 100 is not a number in [1, 99]"),
        ({"window": 7}, "OwnConfig: window (7) is odd"),
        ({"mode": "middle"}, "'middle' is not one of 'near', 'far'"),
        ({"names": "a"}, "'a' is not a list"),
        ({"names": [1]}, "[1] is not a string at [0]"),
        ({"sizes": [1, "a"]}, "is not an integer at [1]"),
        ({"pair": [1]}, "[1] is not a list of 2"),
        ({"table": {"a": {"b": 1}}}, "is not a list at [b] at [a]"),
        ({"later": "x"}, "'x' is not an integer or null"),
        ({"scale": 1, "rate": 1}, "OwnConfig.rate: is the same field as 'scale'"),
        ({"hidden_size": 10, "num_attention_heads": 3}, "hidden_size (10) is no multiple of num_attention_heads (3)"),
    ],
)
def test_a_subclass_is_strict(values, message):
    with pytest.raises(ConfigError) as caught:
        OwnConfig(**values)
    assert message in str(caught.value)


def define(base: type = EncoderConfig, model_type: str | None = None, annotations: Any = (), **body: Any) -> type:
    body = {"__module__": __name__, "__annotations__": dict(annotations), **body}
    options = {} if model_type is None else {"model_type": model_type}
    return type(base)("Mine", (base,), body, **options)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        (lambda: define(annotations={"reach": int}), "Mine.reach: has no default, and every field needs one"),
        (
            lambda: define(annotations={"update": int}, update=3),
            "Mine.update: is something else in every configuration",
        ),
        (lambda: define(annotations={"check": bool}, check=True), "Mine.check: is something else"),
        (lambda: define(annotations={"num_labels": int}, num_labels=3), "Mine.num_labels: is something else"),
        (lambda: define(annotations={"refused": int}, refused=3), "Mine.refused: is something else"),
        (
            lambda: define(DistilBertConfig, annotations={"hidden_size": int}, hidden_size=3),
            "Mine.hidden_size: is another name of the field 'dim'; change that one",
        ),
        (lambda: define(DistilBertConfig, hidden_size=3), "Mine.hidden_size: is another name of the field 'dim'"),
        (lambda: define(hidden_size="3")(), "Mine.hidden_size: its default '3' is not an integer"),
        (
            lambda: define(size=Alias("hiden_size")),
            "stands for 'hiden_size', which is no field; did you mean 'hidden_size'",
        ),
        (lambda: define(annotations={"window": int}, window="8")(), "Mine.window: its default '8' is not an integer"),
        (
            lambda: define(annotations={"odd": set[int]}, odd=None)(),
            "set[int] is not an annotation that a configuration",
        ),
        (
            lambda: define(annotations={"odd": "NoSuchType"}, odd=None)(),
            "Mine: name 'NoSuchType' is not defined. Types in annotations must be names of the module.",
        ),
        (lambda: define(model_type=""), "Mine.model_type: '' is not a name"),
        (lambda: define(model_type=3), "Mine.model_type: 3 is not a name"),
    ],
)
def test_a_definition_that_would_not_do_what_it_says(definition, message):
    with pytest.raises(ConfigError) as caught:
        definition()
    assert message in str(caught.value)


def test_a_default_alone_changes_the_default():
    class Mine(EncoderConfig, model_type="mine"):
        hidden_size = 24
        num_attention_heads = 4
        attention = ["window", "full"]
        names: list[str] = ["a"]

    class Again(Mine, model_type="again"):
        hidden_size = 32

    first, second = Mine(), Mine()
    assert (first.hidden_size, Again().hidden_size, EncoderConfig().hidden_size) == (24, 32, 768)
    first.names.append("b")
    assert second.names == ["a"]  # each has its own
    with pytest.raises(ConfigError, match=r"Mine\.hidden_size: '3' is not an integer"):
        Mine(hidden_size="3")
    with pytest.raises(ConfigError, match="did you mean 'full'"):
        Mine(attention=["window", "ful"])
    assert Mine.from_dict(Mine(names=["c"]).to_dict()) == Mine(names=["c"])


def test_a_field_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="EncoderConfig has no field 'step'; whoever reads it needs"):
        _ = EncoderConfig().step
    with pytest.raises(AttributeError, match="no field 'hiden_size'; did you mean 'hidden_size'"):
        _ = EncoderConfig().hiden_size


def test_what_an_architecture_fixes_can_become_a_field():
    class Windowed(DistilBertConfig, model_type="windowed"):
        attention: str = "full"
        n_layers: int = 4
        note: ClassVar[str] = "no field"

    assert Windowed(attention="full").to_dict()["attention"] == "full"
    assert Windowed().num_hidden_layers == 4
    with pytest.raises(ConfigError, match="there is no such field"):
        Windowed(note="x")


def test_a_property_with_a_setter_is_assignable():
    class Doubled(EncoderConfig):
        @property
        def twice(self) -> int:
            return 2 * self.num_hidden_layers

        @twice.setter
        def twice(self, value: int) -> None:
            self.num_hidden_layers = value // 2

    config = Doubled()
    config.twice = 8
    assert config.num_hidden_layers == 4


def test_a_class_without_a_model_type_of_its_own_is_not_saved_as_its_parent(tmp_path):
    class Derived(DistilBertConfig):
        window: int = 3

    with pytest.raises(ConfigError) as caught:
        Derived().save_pretrained(tmp_path)
    assert str(caught.value) == (
        "Derived: has no model type of its own, so what is saved would come back as 'distilbert'. "
        'Write: class Derived(…, model_type="a-new-name")'
    )
    assert not list(tmp_path.iterdir())
    with pytest.raises(ConfigError, match="would come back as 'nothing'"):
        PretrainedConfig().save_pretrained(tmp_path)


def test_defining_a_class_again_replaces_it_and_another_class_may_not_take_its_name():
    first = define(model_type="mine")
    again = define(model_type="mine")
    assert type(AutoConfig.for_model("mine")) is again is not first
    with pytest.raises(RegistryError, match=r"^model type 'mine': is already .*:Mine, so .*Other cannot take the name"):

        class Other(EncoderConfig, model_type="mine"):
            pass

    with pytest.raises(RegistryError, match=r"model type 'bert': is already dovela\.models\.bert\.config:BertConfig"):

        class Bert(EncoderConfig, model_type="bert"):
            pass


# AutoConfig.


def test_auto_config_opens_every_type(tmp_path):
    for cls in [*CLASSES, OwnConfig]:
        cls(num_labels=3).save_pretrained(tmp_path)
        config = AutoConfig.from_pretrained(tmp_path, num_labels=4)
        assert type(config) is cls
        assert config.num_labels == 4
        assert type(AutoConfig.for_model(cls.model_type)) is cls
    assert AutoConfig.from_pretrained(tmp_path, return_unused_kwargs=True, foo=1)[1] == {"foo": 1}


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ({}, ConfigError, "its configuration names no model_type. Open it with the class itself, as BertConfig."),
        ({"model_type": None}, ConfigError, "its configuration names no model_type"),
        ({"model_type": ["bert"]}, ConfigError, "its configuration names no model_type"),
        (
            {"model_type": "brt"},
            RegistryError,
            "model type 'brt': is not registered; did you mean 'bert'? Registered: ",
        ),
    ],
)
def test_types_that_auto_config_cannot_open(tmp_path, data, error, message):
    (tmp_path / "config.json").write_text(json.dumps(data))
    with pytest.raises(error) as caught:
        AutoConfig.from_pretrained(tmp_path)
    assert message in str(caught.value)


def test_a_file_without_a_type_opens_with_the_class_itself(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": 24, "model_type": null}')
    assert BertConfig.from_pretrained(tmp_path).hidden_size == 24


def test_registering_by_hand():
    cls = define(model_type="mine")
    AutoConfig.register("mine", cls)
    assert type(AutoConfig.for_model("mine")) is cls
    with pytest.raises(RegistryError, match="Mine calls itself 'mine' and is to be named 'bert'"):
        AutoConfig.register("bert", cls)


def test_the_model_type_may_stand_in_the_body_of_the_class(tmp_path):
    cls = define(model_type=None, annotations={"model_type": "ClassVar[str]"})
    assert cls.model_type == "encoder"
    cls = type(EncoderConfig)("Mine2", (EncoderConfig,), {"__module__": __name__, "model_type": "in-the-body"})
    cls().save_pretrained(tmp_path)
    assert type(AutoConfig.from_pretrained(tmp_path)) is cls


# Files of transformers, and ours in transformers.

VALUES = {
    "distilbert": {
        "n_layers": 2,
        "n_heads": 3,
        "dim": 24,
        "hidden_dim": 40,
        "vocab_size": 99,
        "dropout": 0.25,
        "activation": "relu",
        "sinusoidal_pos_embds": True,
        "seq_classif_dropout": 0.5,
        "id2label": {0: "a", 1: "b", 2: "c"},
        "label2id": {"a": 0, "b": 1, "c": 2},
        "problem_type": "multi_label_classification",
        "architectures": ["DistilBertForSequenceClassification"],
        "tie_word_embeddings": False,
    },
    "bert": {
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "hidden_size": 24,
        "intermediate_size": 40,
        "hidden_act": "gelu_new",
        "classifier_dropout": 0.5,
        "layer_norm_eps": 1e-5,
        "type_vocab_size": 3,
        "output_hidden_states": True,
        "pad_token_id": 7,
    },
    "wav2vec2": {
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "hidden_size": 48,
        "output_hidden_size": 24,
        "conv_dim": [8, 16],
        "conv_stride": [5, 2],
        "conv_kernel": [10, 3],
        "do_stable_layer_norm": True,
        "feat_extract_norm": "layer",
        "mask_feature_prob": 0.25,
        "ctc_loss_reduction": "mean",
        "layerdrop": 0.0,
        "tdnn_dilation": [1, 1, 2, 1, 1],
    },
}
KINDS = {"distilbert": DistilBertConfig, "bert": BertConfig, "wav2vec2": Wav2Vec2Config}
PEERS = pytest.mark.parametrize("peer", [peer4, peer5])
NOT_SHARED = {"dovela_version", "transformers_version", "_name_or_path", "architectures"}


@pytest.mark.peer
@PEERS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("changed", [False, True])
def test_files_of_the_peer_open_with_equal_values_and_no_notice(tmp_path, told, peer, kind, changed):
    theirs = peer(peer_configs.write, str(tmp_path), kind, VALUES[kind] if changed else {})
    ours = AutoConfig.from_pretrained(tmp_path)
    assert type(ours) is KINDS[kind]
    assert told() == []
    if changed:
        assert {name: getattr(ours, name) for name in VALUES[kind]} == VALUES[kind]
    own = ours.to_dict()
    shared = own.keys() & theirs.keys() - NOT_SHARED
    assert {"vocab_size", "id2label"} <= shared
    assert {name: own[name] for name in shared} == {name: theirs[name] for name in shared}
    ours.save_pretrained(tmp_path / "again")
    again = peer(peer_configs.read, str(tmp_path / "again"))
    assert {n: v for n, v in again.items() if n in theirs and n not in NOT_SHARED} == {
        n: v for n, v in theirs.items() if n in again and n not in NOT_SHARED
    }


@pytest.mark.peer
@PEERS
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("use_diff", [False, True])
def test_our_files_open_in_the_peer_with_equal_values(tmp_path, peer, kind, use_diff):
    for values in ({}, VALUES[kind]):
        ours = KINDS[kind](**values)
        ours.save_pretrained(tmp_path, use_diff=use_diff)
        theirs, own = peer(peer_configs.read, str(tmp_path)), ours.to_dict()
        shared = own.keys() & theirs.keys() - NOT_SHARED
        assert {name: own[name] for name in shared} == {name: theirs[name] for name in shared}
        assert values.keys() <= theirs.keys()
