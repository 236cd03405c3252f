"""Opening a checkpoint without a framework: which arrays a model takes, and every way in which it does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import dovela
from architectures import config_of
from dovela import CheckpointError, ConfigError, InputError, MissingBackend, MissingWeights
from dovela.arrays import to_array
from dovela.fitting import Wanted
from dovela.models.bert.weights import BERT
from dovela.opening import opening

DECODER, TOKENS = "masked_lm.decoder.weight", "backbone.embeddings.tokens.weight"


class Bare:
    """What a model class of any framework says of itself."""

    config_class = dovela.BertConfig
    optional_parts: ClassVar[tuple[str, ...]] = ("pooler",)
    head_parts: ClassVar[Mapping[str, str]] = {}

    def __init__(self, config: Any, add_pooling_layer: bool = True) -> None:
        self.config = config


class BareForMaskedLM(Bare):
    head_parts: ClassVar[Mapping[str, str]] = {"masked_lm": "tokens"}


class BareForTokens(Bare):
    head_parts: ClassVar[Mapping[str, str]] = {"classifier": "tokens"}


def saved(name: str, folder: Path, **changes: Any) -> Any:
    torch.manual_seed(0)
    cls = getattr(dovela, name)
    model = cls(cls.config_class(**{**config_of(name), **changes})).eval()
    model.save_pretrained(folder)
    return model


def wanted(model: Any, headed: bool = True, ties: Any = ()) -> Wanted:
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    return Wanted(shapes=shapes, headed=headed, ties=ties, optional=("pooler",))


def edit(folder: Path, change: Any) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata={"format": "pt"})


@pytest.mark.parametrize("name", ["BertForMaskedLM", "ViTForImageClassification", "Wav2Vec2ForPreTraining"])
def test_arrays_are_the_tensors_that_torch_opens(name: str, tmp_path: Path) -> None:
    model = saved(name, tmp_path)
    state = {key: tensor.numpy() for key, tensor in model.state_dict().items() if key != DECODER}
    with opening(type(model), tmp_path, rest={"subfolder": ""}) as opened:
        sources, report = opened.fit(wanted(model, ties=[[TOKENS, DECODER]]), type(model).weight_map)
        arrays = opened.arrays(sources)
    assert opened.config.name_or_path == str(tmp_path)
    assert not report.fresh
    assert arrays.keys() == state.keys()
    assert all(np.array_equal(arrays[key], state[key]) and arrays[key].dtype == np.float32 for key in state)


def test_keywords_of_the_constructor_and_fields_are_told_apart(tmp_path: Path) -> None:
    saved("BertModel", tmp_path)
    rest = {"add_pooling_layer": False, "hidden_dropout_prob": 0.5}
    with opening(Bare, tmp_path, rest=rest) as opened:
        assert opened.build == {"add_pooling_layer": False}
        assert opened.config.hidden_dropout_prob == 0.5
        assert opened.where == f"Bare from {str(tmp_path)!r}"
    with pytest.raises(ConfigError, match="num_layerz"), opening(Bare, tmp_path, rest={"num_layerz": 1}):
        pass


def test_of_tied_names_the_first_has_the_tensor(tmp_path: Path) -> None:
    model = saved("BertForMaskedLM", tmp_path)
    ties = [[TOKENS, DECODER]]

    def opened_arrays() -> dict[str, Any]:
        with opening(BareForMaskedLM, tmp_path, rest={}) as opened:
            sources, _ = opened.fit(wanted(model, ties=ties), BERT)
            return opened.arrays(sources)

    tokens = model.state_dict()[TOKENS].numpy()
    edit(
        tmp_path,
        lambda t: t.update({"cls.predictions.decoder.weight": t["bert.embeddings.word_embeddings.weight"] + 0}),
    )
    arrays = opened_arrays()
    assert DECODER not in arrays
    np.testing.assert_array_equal(arrays[TOKENS], tokens)

    edit(tmp_path, lambda t: t.pop("bert.embeddings.word_embeddings.weight"))
    np.testing.assert_array_equal(opened_arrays()[TOKENS], tokens)

    edit(
        tmp_path,
        lambda t: t.update({"bert.embeddings.word_embeddings.weight": t["cls.predictions.decoder.weight"] + 1}),
    )
    with pytest.raises(CheckpointError, match=r"decoder\.weight: differs from .*Pass tie_word_embeddings=False"):
        opened_arrays()


def test_heads_of_another_task_are_known_without_a_framework(tmp_path: Path) -> None:
    model = saved("BertForTokenClassification", tmp_path)
    for cls, taken in ((BareForTokens, True), (type("Other", (Bare,), {"head_parts": {"classifier": "clips"}}), False)):
        with opening(cls, tmp_path, rest={}) as opened:
            sources, report = opened.fit(wanted(model), BERT)
        assert ("classifier.out.weight" in sources) is taken
        assert (report.ignored.get("classifier.weight") == "belongs to the head of another task") is not taken
        assert ("classifier.out.weight" in report.fresh) is not taken


def test_a_base_has_no_head_whose_name_could_mislead(tmp_path: Path) -> None:
    saved("BertModel", tmp_path)
    with opening(BareForTokens, tmp_path, rest={}) as opened:
        assert opened._foreign_heads() == set()


def test_one_notice_tells_what_is_fresh(tmp_path: Path, told: Any) -> None:
    saved("BertModel", tmp_path)
    model = dovela.BertForTokenClassification(dovela.BertConfig(**config_of("BertForTokenClassification")))
    with opening(BareForTokens, tmp_path, rest={}) as opened:
        _, report = opened.fit(wanted(model), BERT)
        opened.tell(report)
    (notice,) = told()
    assert (
        notice == f"BareForTokens from {str(tmp_path)!r}: classifier is new and untrained (2 of its tensors were drawn)"
    )


def test_integers_are_refused(tmp_path: Path) -> None:
    model = saved("BertModel", tmp_path)
    edit(tmp_path, lambda t: t.update({"pooler.dense.bias": t["pooler.dense.bias"].to(torch.int8)}))
    with opening(Bare, tmp_path, rest={}) as opened:
        sources, _ = opened.fit(wanted(model, headed=False), BERT)
        with pytest.raises(
            CheckpointError, match=r"1 weights are not floating-point numbers, as 'pooler\.dense\.bias'"
        ):
            opened.arrays(sources)


def test_a_state_dict_by_state_names_by_file_names_and_of_torch(tmp_path: Path) -> None:
    model = saved("BertModel", tmp_path)
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    for given in (state, {BERT.write(n, headed=False): a for n, a in state.items()}, dict(model.state_dict())):
        with opening(Bare, None, config=model.config, state_dict=given, rest={}) as opened:
            sources, _ = opened.fit(wanted(model, headed=False), BERT)
            arrays = opened.arrays(sources)
        assert arrays.keys() == state.keys()
        assert all(np.array_equal(arrays[name], state[name]) for name in state)


def test_a_state_dict_that_is_none(tmp_path: Path) -> None:
    model = saved("BertModel", tmp_path)
    refused = pytest.raises(InputError, match=r"state_dict\['layers'\]: expected arrays by their names.*got dict")
    with opening(Bare, None, config=model.config, state_dict={"layers": {"0": 1}}, rest={}) as opened, refused:
        opened.fit(wanted(model, headed=False), BERT)
    refused = pytest.raises(InputError, match=r"Bare\.from_pretrained: without a name, both config and state_dict are")
    with refused, opening(Bare, None, state_dict={}, rest={}):
        pass


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    model = saved("BertModel", tmp_path)
    edit(tmp_path, lambda t: t.pop("embeddings.LayerNorm.bias"))
    with opening(Bare, tmp_path, rest={}) as opened, pytest.raises(MissingWeights, match=r"embeddings\.norm\.bias"):
        opened.fit(wanted(model, headed=False), BERT)


def test_pickles_are_read_only_when_asked(tmp_path: Path) -> None:
    model = saved("BertModel", tmp_path)
    torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="only pickled weights"), opening(Bare, tmp_path, rest={}):
        pass
    with opening(Bare, tmp_path, allow_pickle=True, rest={}) as opened:
        sources, _ = opened.fit(wanted(model, headed=False), BERT)
        arrays = opened.arrays(sources)
    assert all(np.array_equal(arrays[name], t.numpy()) for name, t in model.state_dict().items())


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "float8_e4m3fn"])
def test_tensors_of_torch_become_arrays_of_their_dtype(dtype: str) -> None:
    tensor = torch.linspace(-3, 3, 12).view(3, 4).t().to(getattr(torch, dtype))
    array = to_array("x", tensor)
    assert array.dtype.name == dtype
    np.testing.assert_array_equal(array.astype("f"), tensor.float().numpy())


def test_dtypes_that_numpy_has_not_need_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ml_dtypes", None)
    with pytest.raises(MissingBackend, match=r"x: is bfloat16, for which NumPy needs .*pip install ml_dtypes"):
        to_array("x", torch.zeros(2, dtype=torch.bfloat16))


@pytest.mark.parametrize("habit", ["from_pt", "from_tf", "from_flax"])
def test_nobody_has_to_say_which_framework_wrote_a_file(habit: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"from_pretrained\({habit}=…\): is not needed.*file itself says"):
        dovela.BertModel.from_pretrained(tmp_path, **{habit: True})
