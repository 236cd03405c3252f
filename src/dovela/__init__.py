"""dovela: build your own transformer from parts.

Every public name is imported when it is first used, so `import dovela` loads no framework.
"""

from __future__ import annotations

from ._version import __version__
from .lazy import attach

_TASKS = [
    "MaskedLM",
    "MultipleChoice",
    "NextSentencePrediction",
    "PreTraining",
    "QuestionAnswering",
    "SequenceClassification",
    "TokenClassification",
]
_TEXT_TASKS = [task for task in _TASKS if task not in ("NextSentencePrediction", "PreTraining")]
_IMAGE_TASKS = ["ImageClassification", "MaskedImageModeling"]
_AUDIO_TASKS = ["AudioClassification", "AudioFrameClassification", "AudioXVector", "CTC"]
_SPEECH_TASKS = ["AudioFrameClassification", "CTC", "PreTraining", "SequenceClassification", "XVector"]  # class names
_KIT_TASKS = [*_TASKS, *_IMAGE_TASKS, *_AUDIO_TASKS]
_MODULES: dict[str, list[str]] = {
    "audio.sequence": ["SequenceFeatureExtractor"],
    "auto": ["AutoTokenizer"],
    "auto_features": ["AutoFeatureExtractor", "AutoImageProcessor"],
    "auto_model": [
        "AutoConfig",
        "AutoModel",
        *(f"AutoModelFor{task}" for task in [*_TASKS, *_IMAGE_TASKS, *_AUDIO_TASKS, "CausalLM", "Seq2SeqLM"]),
    ],
    "auto_flax": ["FlaxAutoModel", *(f"FlaxAutoModelFor{task}" for task in _KIT_TASKS)],
    "auto_keras": ["TFAutoModel", *(f"TFAutoModelFor{task}" for task in _KIT_TASKS)],
    "auto_processor": ["AutoProcessor"],
    "batch_feature": ["BatchFeature"],
    "config": ["Alias", "PretrainedConfig"],
    "encoder_config": ["EncoderConfig", "TransformerConfig"],
    "errors": [
        "CheckpointError",
        "ConfigError",
        "DovelaError",
        "InputError",
        "MissingBackend",
        "MissingWeights",
        "RegistryError",
        "ShapeMismatch",
        "UnexpectedWeights",
    ],
    "features": ["FeatureExtractionMixin"],
    "fitting": ["LoadReport"],
    "models.bert.config": ["BertConfig"],
    "models.bert.tokenizer": ["BertTokenizer", "BertTokenizerFast"],
    "models.bert.flax_model": ["FlaxBertModel", *(f"FlaxBertFor{task}" for task in _TASKS)],
    "models.bert.keras_model": ["TFBertModel", *(f"TFBertFor{task}" for task in _TASKS)],
    "models.bert.torch_model": ["BertModel", *(f"BertFor{task}" for task in _TASKS)],
    "models.encoder.config": ["AudioEncoderConfig", "ImageEncoderConfig"],
    "models.encoder.torch_model": [
        "AudioEncoderForAudioFrameClassification",
        "AudioEncoderForCTC",
        "AudioEncoderForSequenceClassification",
        "AudioEncoderForXVector",
        "AudioEncoderModel",
        "EncoderForCausalLM",
        "EncoderForMaskedLM",
        "EncoderForMultipleChoice",
        "EncoderForQuestionAnswering",
        "EncoderForSequenceClassification",
        "EncoderForTokenClassification",
        "EncoderModel",
        "ImageEncoderForImageClassification",
        "ImageEncoderForMaskedImageModeling",
        "ImageEncoderModel",
    ],
    "models.distilbert.config": ["DistilBertConfig"],
    "models.distilbert.tokenizer": ["DistilBertTokenizer", "DistilBertTokenizerFast"],
    "models.distilbert.flax_model": ["FlaxDistilBertModel", *(f"FlaxDistilBertFor{task}" for task in _TEXT_TASKS)],
    "models.distilbert.keras_model": ["TFDistilBertModel", *(f"TFDistilBertFor{task}" for task in _TEXT_TASKS)],
    "models.distilbert.torch_model": ["DistilBertModel", *(f"DistilBertFor{task}" for task in _TEXT_TASKS)],
    "models.vit.config": ["ViTConfig"],
    "models.vit.features": ["ViTFeatureExtractor", "ViTImageProcessor"],
    "models.vit.flax_model": ["FlaxViTModel", *(f"FlaxViTFor{task}" for task in _IMAGE_TASKS)],
    "models.vit.keras_model": ["TFViTModel", *(f"TFViTFor{task}" for task in _IMAGE_TASKS)],
    "models.vit.torch_model": ["ViTModel", *(f"ViTFor{task}" for task in _IMAGE_TASKS)],
    "models.wav2vec2.config": ["Wav2Vec2Config"],
    "models.wav2vec2.features": ["Wav2Vec2FeatureExtractor"],
    "models.wav2vec2.processor": ["Wav2Vec2Processor"],
    "models.wav2vec2.tokenizer": ["Wav2Vec2CTCTokenizer"],
    "models.wav2vec2.flax_model": ["FlaxWav2Vec2Model", *(f"FlaxWav2Vec2For{task}" for task in _SPEECH_TASKS)],
    "models.wav2vec2.keras_model": ["TFWav2Vec2Model", *(f"TFWav2Vec2For{task}" for task in _SPEECH_TASKS)],
    "models.wav2vec2.torch_model": ["Wav2Vec2Model", *(f"Wav2Vec2For{task}" for task in _SPEECH_TASKS)],
    "outputs": [
        "BaseModelOutput",
        "BaseModelOutputWithPooling",
        "CausalLMOutput",
        "ImageClassifierOutput",
        "MaskedImageModelingOutput",
        "MaskedLMOutput",
        "ModelOutput",
        "MultipleChoiceModelOutput",
        "NextSentencePredictorOutput",
        "PreTrainingOutput",
        "QuestionAnsweringModelOutput",
        "SequenceClassifierOutput",
        "TokenClassifierOutput",
        "Wav2Vec2BaseModelOutput",
        "Wav2Vec2ForPreTrainingOutput",
        "XVectorOutput",
    ],
    "processor": ["ProcessorMixin"],
    "text.base": ["PreTrainedTokenizerBase"],
    "text.corpus": ["tokenize_files"],
    "text.ctc": ["Wav2Vec2CTCTokenizerOutput"],
    "text.encoding": ["BatchEncoding"],
    "text.fast": ["PreTrainedTokenizerFast"],
    "text.special_tokens": ["AddedToken"],
    "text.tokenizer": ["PreTrainedTokenizer"],
    "text.token_rows": ["TokenRows", "open_tokens"],
    "flax.model": ["FlaxPreTrainedModel"],
    "keras.model": ["TFPreTrainedModel"],
    "torch.model": ["PreTrainedModel"],
    "vision.image_features": ["ImageFeatureExtractionMixin"],
    "torch.spec_augment": ["compute_mask_indices", "sample_negative_indices"],
}

__all__ = ["__version__", *sorted(name for names in _MODULES.values() for name in names)]
__getattr__, __dir__ = attach(__name__, _MODULES)
