"""What heads do is said once; every framework's classes and registries agree with it."""

from __future__ import annotations

import pytest

from dovela import parts, tasks
from dovela.tasks import TASKS, does

NEEDED = {"torch": ("torch",), "flax": ("flax",), "keras": ("keras",)}


def test_every_task_is_listed_by_its_head():
    assert {name for name, task in vars(tasks).items() if isinstance(task, tasks.Task) and task.head in TASKS} >= {
        "MASKED_LM",
        "SPEECH_PRE_TRAINING",
    }
    assert all(task.head == head for head, task in TASKS.items())


def test_a_class_says_what_its_task_says():
    @does(tasks.PRE_TRAINING)
    class Both:
        pass

    assert Both.task == "pre-training"
    assert Both.head_parts == {"masked_lm": "tokens", "next_sentence": "following"}
    assert Both.output_class.__name__ == "PreTrainingOutput"
    assert Both.token_labels
    assert Both.needs_pooler


@pytest.mark.parametrize("kit", parts.KITS)
def test_the_classes_of_heads_are_named_alike_in_every_framework(kit):
    for package in NEEDED[kit]:
        pytest.importorskip(package)
    heads = {}
    for name in parts.MODELS_OF[kit]._builtin:
        cls = parts.MODELS_OF[kit].get(name)
        for base in cls.__mro__[1:]:
            if base.__name__ in TASKS and base.__name__ not in heads:
                heads[base.__name__] = base
                task = TASKS[base.__name__]
                assert base.task == task.name
                assert base.head_parts is task.parts
                assert base.output_class is task.output
                assert (base.token_labels, base.needs_pooler) == (task.token_labels, task.needs_pooler)
    assert heads.keys() >= {"MaskedLM", "SequenceClassification", "ImageClassification", "CTC"}


@pytest.mark.parametrize("kit", parts.KITS)
def test_built_in_models_are_there_under_the_names_of_torch(kit):
    for package in NEEDED[kit]:
        pytest.importorskip(package)
    for name in parts.MODELS_OF[kit]._builtin:
        kind, _, task = name.partition("/")
        cls = parts.MODELS_OF[kit].get(name)
        assert cls.__name__.removeprefix(parts.KITS[kit]) in parts.class_names(kind)
        assert (cls.task, cls.config_class.model_type) == (task, kind)


def test_an_unknown_type_has_no_names():
    assert parts.class_names("no-such-type") == {}
    assert parts.class_names("bert")["BertForMaskedLM"] is tasks.MASKED_LM
    assert parts.class_names("wav2vec2")["Wav2Vec2ForPreTraining"] is tasks.SPEECH_PRE_TRAINING


def test_a_registry_names_what_it_holds():
    with pytest.raises(LookupError, match=r"^Flax model 'bert/no-such-task': is not registered"):
        parts.FLAX_MODELS.get("bert/no-such-task")
    assert "encoder/base" in parts.MODELS
    assert "encoder/base" not in parts.FLAX_MODELS
    assert "wav2vec2/audio-xvector" in parts.KERAS_MODELS
