"""Processors: two halves called, saved and opened as one."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from data import data_path
from dovela.auto_processor import AutoProcessor
from dovela.errors import CheckpointError, InputError, RegistryError
from dovela.features import FeatureExtractionMixin
from dovela.models.bert.tokenizer import BertTokenizer, BertTokenizerFast
from dovela.models.vit.features import ViTImageProcessor
from dovela.models.wav2vec2.features import Wav2Vec2FeatureExtractor
from dovela.models.wav2vec2.processor import Wav2Vec2Processor
from dovela.models.wav2vec2.tokenizer import Wav2Vec2CTCTokenizer
from dovela.processor import ProcessorMixin
from hub_server import TOKEN, HubServer
from peer_ctc_jobs import processor_called, processor_saved
from peers import peer4, peer5

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", *"|ETAONIHSRDLUMWCFGYPBVK'XJQZ"]
VOCAB = {token: index for index, token in enumerate(TOKENS)}
CLIP = [0.5] * 900
FILES = {"preprocessor_config.json", "special_tokens_map.json", "tokenizer_config.json", "vocab.json"}


def sounds(*lengths):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(length).astype(np.float32) for length in lengths]


@pytest.fixture
def processor():
    return Wav2Vec2Processor(
        feature_extractor=Wav2Vec2FeatureExtractor(return_attention_mask=True), tokenizer=Wav2Vec2CTCTokenizer(VOCAB)
    )


# Called.


def test_sound_alone_is_what_the_extractor_gives(processor):
    clips = sounds(900, 700)
    ours = processor(clips, sampling_rate=16000, padding=True, return_tensors="np")
    theirs = processor.feature_extractor(clips, sampling_rate=16000, padding=True, return_tensors="np")
    assert list(ours) == list(theirs) == ["input_values", "attention_mask"]
    for name, column in theirs.items():
        np.testing.assert_array_equal(ours[name], column)


def test_text_alone_is_what_the_tokenizer_gives(processor):
    assert processor(text="HI YOU").data == processor.tokenizer("HI YOU").data
    batch = processor(text=["HI", "YOU"], padding=True, return_tensors="np")
    np.testing.assert_array_equal(batch["input_ids"], processor.tokenizer(["HI", "YOU"], padding=True)["input_ids"])


def test_sound_and_text_in_one_call_give_labels(processor):
    clips, texts = sounds(900, 700), ["HI", "YOU TWO"]
    batch = processor(clips, text=texts, sampling_rate=16000, padding=True, return_tensors="np")
    assert list(batch) == processor.model_input_names == ["input_values", "attention_mask", "labels"]
    assert batch["input_values"].shape == (2, 900)
    np.testing.assert_array_equal(batch.labels, processor.tokenizer(texts, padding=True)["input_ids"])
    assert processor.batch_decode(batch.labels, group_tokens=False) == texts
    assert processor.decode(batch.labels[1], group_tokens=False) == "YOU TWO"
    one = processor(clips[0], text="HI", sampling_rate=16000)
    assert one["labels"] == processor.tokenizer("HI")["input_ids"]


def test_labels_where_the_loss_ignores_padding(processor):
    torch = pytest.importorskip("torch")
    batch = processor(sounds(900, 700), text=["HI", "YOU"], sampling_rate=16000, padding=True, return_tensors="pt")
    labels = batch.labels.masked_fill(batch.labels == processor.tokenizer.pad_token_id, -100)
    assert labels.tolist() == [[11, 10, -100], [22, 8, 16]]
    assert labels.dtype == torch.int64
    with pytest.raises(InputError, match="put the padding token's id back first"):
        processor.batch_decode(labels)


def test_arguments_for_one_half(processor):
    batch = processor(
        sounds(900, 700),
        text=["HI", "YOU TWO"],
        sampling_rate=16000,
        audio_kwargs={"padding": "max_length", "max_length": 800, "truncation": True},
        text_kwargs={"padding": True, "pad_to_multiple_of": 8},
        return_tensors="np",
    )
    assert batch["input_values"].shape == (2, 800)
    assert batch["labels"].shape == (2, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"there is no input. Give audio=… or text=…"),
        ({"audios": CLIP}, "unknown argument 'audios'; did you mean 'audio'"),
        ({"images": CLIP}, "unknown argument 'images'"),
        ({"audio": CLIP, "samplingrate": 16000}, "unknown argument 'samplingrate'; did you mean 'sampling_rate'"),
        ({"audio": CLIP, "raw_text": "A"}, "unknown argument 'raw_text'"),
        ({"text": "A", "sampling_rate": 16000}, "'sampling_rate' is for audio=…, which is not given"),
        ({"audio": CLIP, "is_split_into_words": True}, "'is_split_into_words' is for text=…, which is not given"),
        ({"audio": CLIP, "text": "A", "max_length": 5}, "counts other things for audio and text: give audio_kwargs"),
        ({"audio": CLIP, "text_kwargs": {"padding": True}}, "text_kwargs is given, but not text=…"),
        ({"text": "A", "text_kwargs": {"paddin": True}}, "argument 'paddin' in text_kwargs; did you mean 'padding'"),
        ({"text": "A", "text_kwargs": True}, "text_kwargs must be a dictionary of arguments, got True"),
        ({"text": "A", "padding": True, "text_kwargs": {"padding": True}}, "'padding' is given twice, also in text_k"),
        ({"audio": CLIP, "text": ["A", "B"], "sampling_rate": 16000}, "one text for each of the 1 clips, got 2"),
        ({"text": "A", "images": 5}, "unknown argument 'images'"),
    ],
)  # fmt: skip
def test_arguments_are_checked(processor, arguments, message):
    with pytest.raises(InputError, match=message):
        processor(**arguments)


def test_every_problem_is_told_at_once(processor):
    with pytest.raises(
        InputError, match=r"2 problems\n  - unknown argument 'pading'.*\n  - 'sampling_rate' is for audio"
    ):
        processor(text="A", pading=True, sampling_rate=16000)


# Padded.


def test_both_halves_are_padded(processor):
    clips, texts = sounds(900, 700), ["HI", "YOU TWO"]
    features = [{"input_values": processor(clip, sampling_rate=16000)["input_values"][0]} for clip in clips]
    labels = [{"input_ids": processor(text=text)["input_ids"]} for text in texts]
    whole = processor(clips, text=texts, sampling_rate=16000, padding=True, return_tensors="np")
    batch = processor.pad(features, labels=labels, padding=True, return_tensors="np")
    assert list(batch) == list(whole)
    for name, column in whole.items():
        np.testing.assert_array_equal(batch[name], column)
    np.testing.assert_array_equal(processor.pad(features, return_tensors="np")["input_values"], whole["input_values"])
    alone = processor.pad(labels=labels, return_tensors="np")
    np.testing.assert_array_equal(alone["input_ids"], whole["labels"])
    np.testing.assert_array_equal(alone["attention_mask"], whole["labels"] != 0)
    plain = processor.pad(labels=[label["input_ids"] for label in labels])
    assert plain["input_ids"] == whole["labels"].tolist()


def test_padding_checks_its_arguments(processor):
    with pytest.raises(InputError, match=r"pad: there is nothing to pad. Give input_features=…, labels=… or both"):
        processor.pad()
    with pytest.raises(InputError, match="unknown argument 'pading'; did you mean 'padding'"):
        processor.pad(labels=[[5]], pading=True)
    with pytest.raises(InputError, match="'truncation' is for input_features=…, which is not given"):
        processor.pad(labels=[[5]], truncation=True)
    clips = [{"input_values": clip} for clip in sounds(900, 700)]
    with pytest.raises(InputError, match="there must be one row of labels for each of the 2 clips, got 1"):
        processor.pad(clips, labels=[[5, 6]])
    with pytest.raises(InputError, match=r"labels must be rows of ids, .* got 5. For a single row give \[row\]"):
        processor.pad(clips, labels=[5, 6])
    with pytest.raises(InputError, match="'max_length' counts other things for input_features and labels"):
        processor.pad({"input_values": sounds(900)}, labels=[[5]], padding="max_length", max_length=5)


# Built.


def test_halves_by_name_or_in_order(processor):
    again = Wav2Vec2Processor(processor.feature_extractor, processor.tokenizer)
    assert again.tokenizer is processor.tokenizer
    assert repr(again) == repr(processor)
    assert repr(processor).startswith("Wav2Vec2Processor:\n- feature_extractor: Wav2Vec2FeatureExtractor {")
    assert "\n- tokenizer: Wav2Vec2CTCTokenizer(vocab_size=32" in repr(processor)
    assert processor.to_dict() == {
        "processor_class": "Wav2Vec2Processor", "feature_extractor": processor.feature_extractor.to_dict()
    }  # fmt: skip


class Pixels(FeatureExtractionMixin):
    """A feature extractor for images, small."""

    model_input_names = ("pixel_values",)

    def __init__(self, scale: float = 1.0, **options):
        super().__init__(**options)
        self.scale = scale

    def __call__(self, images, return_tensors=None):
        from dovela.batch_feature import BatchFeature

        return BatchFeature({"pixel_values": np.asarray(images, np.float32) * self.scale}, return_tensors)


class Captions(ProcessorMixin, model_type="captions"):
    """A processor of one's own, with a setting."""

    feature_extractor_class = "Pixels"
    tokenizer_class = ("BertTokenizer", "BertTokenizerFast")

    def __init__(self, feature_extractor, tokenizer, prompt: str = "a photo of"):
        super().__init__(feature_extractor, tokenizer)
        self.prompt = prompt


def test_halves_that_do_not_fit(processor):
    extractor, tokenizer = processor.feature_extractor, processor.tokenizer
    with pytest.raises(InputError, match="feature_extractor must be a Wav2Vec2FeatureExtractor, got Pixels"):
        Wav2Vec2Processor(Pixels(), tokenizer)
    with pytest.raises(InputError, match=r"2 problems\n.*got Wav2Vec2CTCTokenizer\n.*got Wav2Vec2FeatureExtractor"):
        Wav2Vec2Processor(tokenizer, extractor)
    with pytest.raises(InputError, match=r"tokenizer must be a Wav2Vec2CTCTokenizer, got BertTokenizer\. Write"):
        Wav2Vec2Processor(extractor, BertTokenizer({"[UNK]": 0}))
    with pytest.raises(InputError, match="Wav2Vec2Processor: unknown argument 'tokeniser'; did you mean 'tokenizer'"):
        Wav2Vec2Processor(extractor, tokenizer, tokeniser=tokenizer)
    with pytest.raises(InputError, match="tokenizer is missing"):
        Wav2Vec2Processor(extractor)
    with pytest.raises(
        InputError, match="tokenizer must be a Wav2Vec2CTCTokenizer, got Wav2Vec2CTCTokenizer, the class"
    ):
        Wav2Vec2Processor(extractor, Wav2Vec2CTCTokenizer)
    with pytest.raises(InputError, match=r"Captions: 2 problems\n  - feature_extractor is given twice"):
        ProcessorMixin.__init__(Captions.__new__(Captions), Pixels(), tokenizer, feature_extractor=Pixels())
    with pytest.raises(InputError, match="unknown argument 'tokeniser'; did you mean 'tokenizer'"):
        ProcessorMixin.__init__(Captions.__new__(Captions), Pixels(), tokeniser=tokenizer)


def test_a_half_may_be_exchanged_for_one_that_fits(processor):
    processor.tokenizer = Wav2Vec2CTCTokenizer(VOCAB, do_lower_case=True)
    assert processor(text="hi")["input_ids"] == [11, 10]
    with pytest.raises(InputError, match="tokenizer must be a Wav2Vec2CTCTokenizer, got Pixels"):
        processor.tokenizer = Pixels()


def test_former_names_say_where_to_turn(processor):
    with pytest.raises(AttributeError, match="as_target_processor': pass the texts as text="):
        _ = processor.as_target_processor
    assert not hasattr(processor, "chat_template")


def test_a_processor_of_ones_own(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "photo"]
    tokenizer = BertTokenizer({word: index for index, word in enumerate(words)})
    processor = Captions(Pixels(scale=2.0), tokenizer, prompt="a painting of")
    batch = processor([[1.0, 2.0]], text=["a photo"], return_tensors="np", padding=True)
    assert (
        list(batch) == ["pixel_values", "input_ids", "token_type_ids", "attention_mask"] == processor.model_input_names
    )
    assert batch["pixel_values"].tolist() == [[2.0, 4.0]]
    assert batch["input_ids"].tolist() == [[2, 5, 6, 3]]
    assert "- prompt: 'a painting of'" in repr(processor)
    processor.save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert type(again) is Captions
    assert again.prompt == "a painting of"
    assert again.feature_extractor.scale == 2.0
    assert type(again.tokenizer) is BertTokenizerFast
    assert Captions.from_pretrained(tmp_path, prompt="x", scale=3).to_dict() == processor.to_dict() | {
        "prompt": "x", "feature_extractor": Pixels(3.0).to_dict() | {"processor_class": "Captions"}
    }  # fmt: skip
    with pytest.raises(InputError, match="unknown argument 'promt'; did you mean 'prompt'"):
        Captions.from_pretrained(tmp_path, promt="x")
    with pytest.raises(CheckpointError, match=r"holds a 'Captions', not a 'Wav2Vec2Processor'.*AutoProcessor"):
        Wav2Vec2Processor.from_pretrained(tmp_path)


class Forgetful(ProcessorMixin):
    """A processor that does not keep its setting."""

    tokenizer_class = "AutoTokenizer"

    def __init__(self, tokenizer, prompt: str = "x"):
        super().__init__(tokenizer)


def test_a_setting_that_is_not_kept(processor, tmp_path):
    with pytest.raises(InputError, match="does not keep its argument 'prompt', so it could not be saved"):
        Forgetful(processor.tokenizer).save_pretrained(tmp_path)
    assert not list(tmp_path.iterdir())


class Reader(ProcessorMixin):
    """A processor that takes any tokenizer, and nothing else."""

    tokenizer_class = "AutoTokenizer"


def test_any_tokenizer_will_do_where_a_processor_says_so(processor, tmp_path):
    Reader(processor.tokenizer).save_pretrained(tmp_path)
    again = AutoProcessor.from_pretrained(tmp_path, do_lower_case=True)
    assert (type(again), type(again.tokenizer)) == (Reader, Wav2Vec2CTCTokenizer)
    assert again.tokenizer.do_lower_case
    assert again(text="hi")["input_ids"] == [11, 10]
    with pytest.raises(InputError, match="tokenizer must be of any class of tokenizers, got Pixels"):
        Reader(Pixels())


class Photos(ProcessorMixin):
    """A processor with an extractor whose call takes its settings too."""

    image_processor_class = "ViTImageProcessor"
    tokenizer_class = "AutoTokenizer"


def test_settings_of_an_image_extractor_may_be_changed_for_one_call(processor):
    photos = Photos(ViTImageProcessor(size=8), processor.tokenizer)
    image = np.zeros((5, 9, 3), np.uint8)
    assert photos(images=image, size=4, return_tensors="np")["pixel_values"].shape == (1, 3, 4, 4)
    nested = photos(images=image, text="HI", images_kwargs={"size": 2, "data_format": "channels_last"})
    assert nested["pixel_values"][0].shape == (2, 2, 3)
    assert nested["input_ids"] == [11, 10]
    with pytest.raises(InputError, match="unknown argument 'sizes'; did you mean 'size'"):
        photos(images=image, sizes=4)
    with pytest.raises(InputError, match="'size' is for images=…, which is not given"):
        photos(text="HI", size=4)


def test_settings_of_ones_own_are_checked(processor):
    captions = Captions(Pixels(), BertTokenizer({"[UNK]": 0}))
    with pytest.raises(InputError, match=r"Captions\.prompt: 5 is not a string"):
        captions.prompt = 5


# Saved and opened.


def test_a_saved_processor_reopens_the_same(processor, tmp_path):
    (tmp_path / "mine.txt").write_text("stays")
    (tmp_path / "processor_config.json").write_text('{"feature_extractor": {"sampling_rate": 8000}}')
    processor.tokenizer.add_tokens(["!"])
    paths = processor.save_pretrained(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"mine.txt", "added_tokens.json"}
    assert len(paths) == 5
    for name in ("preprocessor_config.json", "tokenizer_config.json"):
        assert json.loads((tmp_path / name).read_text())["processor_class"] == "Wav2Vec2Processor"
    for again in (Wav2Vec2Processor.from_pretrained(tmp_path), AutoProcessor.from_pretrained(str(tmp_path))):
        assert type(again) is Wav2Vec2Processor
        assert again.feature_extractor.to_json_string() == processor.feature_extractor.to_json_string()
        assert again.tokenizer.get_vocab() == processor.tokenizer.get_vocab()
        assert again(text="HI!").data == processor(text="HI!").data
        again.save_pretrained(tmp_path / "twice")
        for name in FILES:
            assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_processor_on_the_hub(processor, tmp_path, monkeypatch):
    processor.save_pretrained(tmp_path / "served")
    with HubServer() as hub:
        hub.add("facebook/wav2vec2-base-960h", tmp_path / "served", revisions=("main", "v1"))
        (tmp_path / "remote").mkdir()
        hub.add("me/mine", tmp_path / "remote")
        hub.use(monkeypatch, tmp_path / "cache")
        opened = AutoProcessor.from_pretrained("facebook/wav2vec2-base-960h", revision="v1")
        assert opened(text="HI")["input_ids"] == [11, 10]
        opened.push_to_hub("me/mine", token=TOKEN)
        opened.save_pretrained(tmp_path / "here", push_to_hub=True, repo_id="me/mine", token=TOKEN)
        again = Wav2Vec2Processor.from_pretrained("me/mine", token=TOKEN)
        assert again.feature_extractor.to_dict() == processor.feature_extractor.to_dict()


def test_overrides_go_to_the_half_that_takes_them(processor, tmp_path):
    processor.save_pretrained(tmp_path)
    again = Wav2Vec2Processor.from_pretrained(tmp_path, do_normalize=False, bos_token="A", padding_side="left")
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(tmp_path, do_normalize=False, padding_side="left")
    assert again.feature_extractor.to_json_string() == extractor.to_json_string()
    assert again.tokenizer.bos_token == "A"
    assert again.feature_extractor.padding_side == again.tokenizer.padding_side == "left"
    with pytest.raises(
        InputError, match="from_pretrained: unknown argument 'do_normalise'; did you mean 'do_normalize'"
    ):
        Wav2Vec2Processor.from_pretrained(tmp_path, do_normalise=False)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CheckpointError, match="there is no such folder"):
        Wav2Vec2Processor.from_pretrained(tmp_path / "none")
    with pytest.raises(InputError, match="expected a folder or a name on the hub, got 5"):
        Wav2Vec2Processor.from_pretrained(5)
    with pytest.raises(CheckpointError, match="has no file"):
        Wav2Vec2Processor.from_pretrained(tmp_path)


def test_the_published_files_of_base_960h(processor):
    folder = data_path("vocab/wav2vec2-base-960h")
    opened = Wav2Vec2Processor.from_pretrained(folder)
    assert opened.tokenizer.get_vocab() == VOCAB
    assert opened.feature_extractor.settings() == Wav2Vec2FeatureExtractor().settings()


@pytest.mark.parametrize(("size", "fits"), [(32, True), (33, True), (34, True), (31, False), (40, False)])
def test_the_vocabulary_must_be_of_the_model(processor, tmp_path, size, fits):
    processor.tokenizer.add_tokens(["!", "?"])
    processor.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2", "vocab_size": size}))
    if fits:
        assert type(AutoProcessor.from_pretrained(tmp_path)) is Wav2Vec2Processor
        return
    message = rf"has 32 tokens \(34 with added tokens\), and the model of config.json emits {size}.*open the halves"
    with pytest.raises(CheckpointError, match=message):
        Wav2Vec2Processor.from_pretrained(tmp_path)


def test_published_files_that_name_no_class():
    with pytest.raises(
        CheckpointError, match=r"does not say which processor it has: .* own class: .*Wav2Vec2Processor"
    ):
        AutoProcessor.from_pretrained(data_path("vocab/wav2vec2-base-960h"))


def test_a_vocabulary_of_several_languages_has_a_head_for_each(processor, tmp_path):
    tokenizer = Wav2Vec2CTCTokenizer({"eng": VOCAB, "deu": VOCAB | {"Ä": 32}}, target_lang="deu")
    Wav2Vec2Processor(processor.feature_extractor, tokenizer).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2", "vocab_size": 32}))
    assert AutoProcessor.from_pretrained(tmp_path).tokenizer.target_lang == "deu"


@pytest.mark.parametrize(
    ("file", "key", "value", "message"),
    [
        ("preprocessor_config.json", "feature_extractor_type", "Pixels", "has a Pixels; the feature_ex"),
        ("tokenizer_config.json", "tokenizer_class", "BertTokenizer", "has a BertTokenizer; the tok"),
        ("tokenizer_config.json", "tokenizer_class", "XTokenizer", "has a XTokenizer; the tok"),
        ("preprocessor_config.json", "processor_class", "Captions", "holds a 'Captions', not a 'Wav2Vec2Processor'"),
        ("preprocessor_config.json", "processor_class", "XProcessor", "A class of your own must be imported first"),
    ],
)  # fmt: skip
def test_files_of_another_kind(processor, tmp_path, file, key, value, message):
    processor.save_pretrained(tmp_path)
    settings = json.loads((tmp_path / file).read_text())
    (tmp_path / file).write_text(json.dumps(settings | {key: value}))
    with pytest.raises(CheckpointError, match=message):
        Wav2Vec2Processor.from_pretrained(tmp_path)


def test_a_processor_with_a_language_model_opens_without_it(processor, tmp_path, told):
    processor.save_pretrained(tmp_path)
    for name in ("preprocessor_config.json", "tokenizer_config.json"):
        settings = json.loads((tmp_path / name).read_text())
        (tmp_path / name).write_text(json.dumps(settings | {"processor_class": "Wav2Vec2ProcessorWithLM"}))
    assert type(AutoProcessor.from_pretrained(tmp_path)) is Wav2Vec2Processor
    assert "is of a Wav2Vec2ProcessorWithLM: its language model is left out" in told()[0]


class Labels(Wav2Vec2CTCTokenizer):
    """A tokenizer of one's own."""


def test_a_subclass_of_a_half_comes_back_as_itself(processor, tmp_path):
    Wav2Vec2Processor(processor.feature_extractor, Labels(VOCAB)).save_pretrained(tmp_path)
    assert type(Wav2Vec2Processor.from_pretrained(tmp_path).tokenizer) is Labels


# Auto.


def test_a_checkpoint_without_a_processor_gives_what_prepares_its_input(processor, tmp_path):
    processor.tokenizer.save_pretrained(tmp_path / "text")
    assert type(AutoProcessor.from_pretrained(tmp_path / "text")) is Wav2Vec2CTCTokenizer
    processor.feature_extractor.save_pretrained(tmp_path / "sound")
    opened = AutoProcessor.from_pretrained(tmp_path / "sound", do_normalize=False)
    assert (type(opened), opened.do_normalize) == (Wav2Vec2FeatureExtractor, False)
    (tmp_path / "none").mkdir()
    with pytest.raises(CheckpointError, match="has nothing that prepares input"):
        AutoProcessor.from_pretrained(tmp_path / "none")


def test_a_checkpoint_says_by_its_model_type_which_processor_it_has(processor, tmp_path):
    processor.feature_extractor.save_pretrained(tmp_path)
    processor.tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "wav2vec2", "vocab_size": 32}))
    assert type(AutoProcessor.from_pretrained(tmp_path)) is Wav2Vec2Processor


class Other(Wav2Vec2Processor):
    """A processor to be registered by hand."""


def test_register_and_refuse(processor, tmp_path):
    AutoProcessor.register("other-speech", Other, exist_ok=True)
    processor.feature_extractor.save_pretrained(tmp_path)
    processor.tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "other-speech", "vocab_size": 32}))
    assert type(AutoProcessor.from_pretrained(tmp_path)) is Other
    with pytest.raises(RegistryError, match="'wav2vec2': is already"):
        AutoProcessor.register("wav2vec2", Other)
    with pytest.raises(RegistryError, match="expected a model type or a config class, got 5"):
        AutoProcessor.register(5, Other)
    with pytest.raises(RegistryError, match="expected a model type or a config class, got ''"):
        AutoProcessor.register("", Other)
    with pytest.raises(RegistryError, match="expected a subclass of ProcessorMixin, got <class 'int'>"):
        AutoProcessor.register("other-speech", int)
    with pytest.raises(RegistryError, match="has no instances"):
        AutoProcessor()
    with pytest.raises(
        InputError, match=r"AutoProcessor.from_pretrained: expected a folder or a name on the hub, got 5"
    ):
        AutoProcessor.from_pretrained(5)
    settings = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings | {"processor_class": "XProcessor"}))
    with pytest.raises(CheckpointError, match=r"has a XProcessor, which is not registered.* Registered: "):
        AutoProcessor.from_pretrained(tmp_path)


def test_no_framework_is_needed(processor, tmp_path):
    processor.save_pretrained(tmp_path)
    code = f"""
import sys
for name in ("torch", "jax", "flax", "keras", "tensorflow"):
    sys.modules[name] = None
import dovela
processor = dovela.AutoProcessor.from_pretrained({str(tmp_path)!r})
assert type(processor) is dovela.Wav2Vec2Processor
batch = processor([[0.5] * 900], text=["HI"], sampling_rate=16000, return_tensors="np")
assert processor.batch_decode(batch.labels) == ["HI"]
assert "numpy" in sys.modules and "soundfile" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=120)


def test_a_misspelt_option_of_saving(processor, tmp_path):
    with pytest.raises(InputError, match="save_pretrained: unknown argument 'push_to_hob'"):
        processor.save_pretrained(tmp_path, push_to_hob=True)
    assert not list(tmp_path.iterdir())


# Beside transformers.


@pytest.mark.peer
@pytest.mark.parametrize(
    ("peer", "save", "nested"),
    [(peer4, {}, False), (peer4, {"legacy_serialization": False}, True), (peer5, {}, True)],
    ids=["4", "4, nested", "5"],
)
def test_folders_go_both_ways(processor, tmp_path, peer, save, nested):
    (tmp_path / "vocab.json").write_text(json.dumps(VOCAB))
    settings = {"return_attention_mask": True, "padding_value": 1.0}
    vocab_file, folder = str(tmp_path / "vocab.json"), str(tmp_path / "theirs")
    names = peer(processor_saved, vocab_file, folder, settings, save)
    assert ("processor_config.json" in names) == nested
    for opened in (AutoProcessor.from_pretrained(folder), Wav2Vec2Processor.from_pretrained(folder)):
        assert type(opened) is Wav2Vec2Processor
        assert opened.feature_extractor.padding_value == 1.0
        assert opened.feature_extractor.return_attention_mask
        assert opened.tokenizer.get_vocab() == VOCAB
    opened.save_pretrained(tmp_path / "ours")
    clips, texts = sounds(900, 900), ["HI", "YOU TWO"]
    features = [{"input_values": clip.tolist()} for clip in sounds(50, 40)]
    calls = [
        ("__call__", (clips,), {"text": texts, "sampling_rate": 16000, "padding": True, "return_tensors": "np"}),
        ("__call__", (), {"text": texts, "padding": True}),
        ("pad", (features,), {"labels": [{"input_ids": [5, 6]}, {"input_ids": [7]}], "return_tensors": "np"}),
        ("pad", (), {"labels": [{"input_ids": [5, 6]}, {"input_ids": [7]}]}),
        ("batch_decode", ([[11, 5, 15, 0, 15, 8, 98], [5, 5, 4, 5]],), {}),
        ("decode", ([5, 5, 4, 5],), {"output_word_offsets": True}),
    ]
    expected = peer(processor_called, str(tmp_path / "ours"), calls)
    for (method, args, kwargs), theirs in zip(calls, expected, strict=True):
        ours = getattr(opened, method)(*args, **kwargs)
        if hasattr(ours, "keys"):
            assert set(ours) == set(theirs)
            for name, column in theirs.items():
                if name == "input_values":
                    np.testing.assert_allclose(ours[name], column, atol=1e-6)
                else:
                    assert np.array_equal(ours[name], column) or ours[name] == column
        else:
            assert ours == theirs
