import copy
import dataclasses
import pickle

import pytest

from dovela import outputs
from dovela.outputs import BaseModelOutput, ModelOutput, QuestionAnsweringModelOutput, SequenceClassifierOutput

CLASSES = ModelOutput.__subclasses__()


def test_fields_are_read_by_attribute_key_or_index():
    output = SequenceClassifierOutput(loss=1.5, logits=[2])
    assert output.logits == output["logits"] == output[1] == [2]
    assert output[0] == 1.5
    assert output[:2] == output.to_tuple() == (1.5, [2])
    assert output.keys() == list(output) == ["loss", "logits"]
    assert output.values() == [1.5, [2]]
    assert output.items() == [("loss", 1.5), ("logits", [2])]
    assert len(output) == 2
    assert "loss" in output


def test_what_is_none_has_no_key_and_no_index():
    output = SequenceClassifierOutput(logits=[2])
    assert output[0] == [2]
    assert output.loss is None
    assert "loss" not in output
    assert len(SequenceClassifierOutput()) == 0
    with pytest.raises(KeyError, match="'loss' is not in this SequenceClassifierOutput, which has logits"):
        output["loss"]
    with pytest.raises(IndexError):
        output[1]


def test_positions_follow_the_order_of_the_fields():
    assert BaseModelOutput([1], ([2],)).hidden_states == ([2],)
    assert QuestionAnsweringModelOutput(start_logits=[1], end_logits=[2]).to_tuple() == ([1], [2])
    with pytest.raises(TypeError):
        BaseModelOutput(nonsense=1)


@pytest.mark.parametrize("cls", CLASSES)
def test_every_output_ends_with_hidden_states_and_attentions(cls):
    if cls.__module__ == outputs.__name__:
        names = [f.name for f in dataclasses.fields(cls) if not f.name.endswith("_loss")]  # parts of the loss come last
        assert names[-2:] == ["hidden_states", "attentions"]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies(duplicate):
    assert duplicate(SequenceClassifierOutput(loss=1.5, logits=[2])).items() == [("loss", 1.5), ("logits", [2])]


def test_outputs_are_compared_by_identity_since_tensors_have_no_single_answer():
    output = BaseModelOutput([1])
    assert output == output
    assert output != BaseModelOutput([1])
    assert output in {output}


def test_watchers_see_the_classes_there_are_and_those_defined_later(monkeypatch):
    monkeypatch.setattr(outputs, "_watchers", [])
    seen: list[type] = []
    outputs.each_output(seen.append)
    assert set(CLASSES) <= set(seen)

    class Mine(ModelOutput):
        state: int | None = None

    class Wider(Mine):
        extra: int | None = None

    assert seen[-2:] == [Mine, Wider]
    assert Wider(state=1, extra=2).to_tuple() == (1, 2)
