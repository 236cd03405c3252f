"""By which names models are called and made, and what is said of a name that is none."""

from __future__ import annotations

from typing import Any

import pytest

from dovela import BertConfig, ConfigError, InputError
from dovela.calling import check_names, find_input_names
from dovela.declaring import check_arguments


class Root:
    def call(self, **anything: Any) -> None: ...


class Backbone(Root):
    def call(self, ids: Any, mask: Any = None, training: bool = False) -> None: ...


class Head(Backbone):
    def call(self, *, labels: Any = None, training: bool = False, **inputs: Any) -> None: ...  # type: ignore[override]


class Open(Root):
    def call(self, ids: Any, **inputs: Any) -> None: ...


def test_names_are_those_of_a_call_and_of_what_it_passes_on_to() -> None:
    assert find_input_names(Backbone, "call", Root) == ("ids", "mask", "training")
    assert find_input_names(Head, "call", Root, apart=("training",)) == ("labels", "ids", "mask")
    names = find_input_names(Open, "call", Root)
    assert names == ("ids",)
    assert "anything" in names
    assert "labels" in find_input_names(type("Same", (Head,), {}), "call", Root)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mask_", r"there is no input 'mask_'; did you mean 'mask'\? It takes ids, mask, training\."),
        ("deterministic", r"there is no input 'deterministic'\. Call it so\."),
        ("train", r"there is no input 'train'; did you mean 'training'\? Call it so\."),
        (
            "token_type_ids",
            r"It takes ids, mask, training\. Tokenise with return_token_type_ids=False, or with the token",
        ),
        ("offset_mapping", r"It takes ids, mask, training\. Take it out first, with batch\.pop"),
        ("return_dict", r"Leave it out: .* output\.logits and output\[0\]\.$"),
    ],
)
def test_a_name_that_is_no_input(name: str, message: str) -> None:
    known = find_input_names(Backbone, "call", Root)
    check_names(Backbone(), ["ids", "mask"], known, training="Call it so.")
    with pytest.raises(InputError, match=rf"^Backbone\(…\): .*{message}"):
        check_names(Backbone(), ["ids", name], known, training="Call it so.")


def test_an_argument_that_a_constructor_does_not_take() -> None:
    class Made:
        def __init__(self, config: Any, add_pooling_layer: bool = True) -> None: ...

    class Any_:
        def __init__(self, config: Any, **options: Any) -> None: ...

    check_arguments(Made, {"add_pooling_layer": False}, "")
    check_arguments(Any_, {"whatever": 1}, "")
    with pytest.raises(ConfigError, match=r"Made\(config, …\): there is no argument 'seed'\. Seed it so\."):
        check_arguments(Made, {"seed": 1}, "Seed it so.")
    with pytest.raises(
        ConfigError, match=r"'add_pooler'; did you mean 'add_pooling_layer'\? It takes the configuration, "
    ):
        check_arguments(Made, {"add_pooler": 1}, "")


@pytest.mark.parametrize("kit", ["", "Flax", "TF"])
def test_in_each_framework(kit: str) -> None:
    import dovela

    pytest.importorskip({"": "torch", "Flax": "flax", "TF": "keras"}[kit])
    sizes = dict.fromkeys(("hidden_size", "intermediate_size", "max_position_embeddings", "vocab_size"), 8)
    config = BertConfig(num_hidden_layers=1, num_attention_heads=2, **sizes)
    door, cls = getattr(dovela, f"{kit}AutoModel"), getattr(dovela, f"{kit}BertModel")
    with pytest.raises(
        ConfigError, match=rf"{kit}AutoModel.from_config: expected a configuration, got str. {kit}AutoModel.f"
    ):
        door.from_config("folder")
    with pytest.raises(ConfigError, match=rf"{kit}BertModel\(config, …\): there is no argument 'seed'\. .*seed"):
        cls(config, seed=0)
    model = door.from_config(config)
    with pytest.raises(InputError, match=r"there is no input 'deterministic'\. .*(train|training=True)"):
        model(input_ids=None, deterministic=True)
    with pytest.raises(InputError, match=r"input_ids: expected a .* got dict\. .*by name: model\(\*\*inputs\)"):
        model(input_ids={"input_ids": 1})
