"""Heads of models of sound, written once for every architecture.

Letters: B batch, T samples, S frames, D hidden size, V vocabulary, L labels, N negatives, E width of a quantised frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from keras import initializers, layers, ops

from .. import tasks
from ..audio_rules import check_adapter, check_blank, check_targets, check_temperature
from ..input_rules import flag
from ..outputs import (
    CausalLMOutput,
    ModelOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
    Wav2Vec2ForPreTrainingOutput,
    XVectorOutput,
)
from ..tasks import does
from .audio_losses import AngularMargin, ctc_loss, frame_loss
from .heads import HeadedModel, LabelledModel
from .init import Dense, Part, spread
from .inputs import ARRAYS
from .losses import sequence_loss
from .poolers import make_pooler, real_tokens
from .quantizer import GumbelQuantizer, contrastive_loss
from .waveform import evenly
from .xvector import TimeDelays, statistics


class AudioModel(HeadedModel):
    """A head on a backbone that hears samples.

    The backbone has `frame_mask(attention_mask)`, which frames are real, and `freeze_feature_encoder()`.
    """

    takes_adapter: ClassVar[bool] = False
    """Whether it works on frames that an adapter has made fewer."""

    def __init__(self, config: Any) -> None:
        check_adapter(type(self).__name__, config, self.takes_adapter)
        super().__init__(config)

    def freeze_feature_encoder(self) -> None:
        """Train everything but the convolutions over samples. Compile after it."""
        self.backbone.freeze_feature_encoder()

    def freeze_base_model(self) -> None:
        """Train the head alone. Compile after it."""
        self.backbone.trainable = False

    def get_feat_extract_output_lengths(self, input_lengths: Any, add_adapter: bool | None = None) -> Any:
        """How many frames so many samples become (a number or a tensor)."""
        return self.backbone.get_feat_extract_output_lengths(input_lengths, add_adapter)


@does(tasks.CTC)
class CTC(AudioModel, LabelledModel):
    """Characters of speech: labels (B, characters), -100 at padding -> logits (B, S, V).

    Decode with the best character of each frame. `pad_token_id` is the blank.
    """

    takes_adapter = True

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        check_blank(type(self).__name__, config)
        self.dropout = layers.Dropout(config.final_dropout)
        self.lm_head = Dense(config.vocab_size, reads=config.output_size, **spread(config))

    def call(
        self,
        input_values: Any = None,
        attention_mask: Any = None,
        *,
        labels: Any = None,
        training: bool | None = None,
        **inputs: Any,
    ) -> CausalLMOutput:
        """Samples (B, T), mask (B, T), 1 = real; other inputs go to the backbone."""
        inputs |= {"input_values": input_values, "attention_mask": attention_mask}
        states = self.encode(training=training, **inputs)
        logits = self.lm_head(self.dropout(states.last_hidden_state, training=training))
        return CausalLMOutput(
            loss=None if labels is None else self.aligned(logits, labels, attention_mask),
            logits=logits,
            hidden_states=states.hidden_states,
            attentions=states.attentions,
        )

    def aligned(self, logits: Any, labels: Any, attention_mask: Any) -> Any:
        """The loss of characters over the frames that are real."""
        config = self.config
        return ctc_loss(
            logits,
            labels,
            self.backbone.frame_mask(attention_mask),
            blank=config.pad_token_id,
            reduction=config.ctc_loss_reduction,
            zero_infinity=config.ctc_zero_infinity,
        )

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        if self._own(y_pred) and sample_weight is None:
            if y is not None and y_pred.loss is None:  # which frames are real, x says
                mask = x.get("attention_mask") if isinstance(x, Mapping) else None
                y_pred.loss, y = self.aligned(y_pred.logits, self._labels(y)["labels"], mask), None
            if y_pred.loss is not None:
                y_pred.loss = ops.mean(y_pred.loss)  # of a batch, where ctc_loss_reduction is "none"
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def _own(self, y_pred: Any) -> bool:
        """Whether it is trained on its own loss."""
        return isinstance(y_pred, ModelOutput) and self._compile_loss is None


class LayerMixture(Part):
    """A learned mixture of all layers (Yang et al. 2021, SUPERB): N + 1 states (B, S, D) -> (B, S, D)."""

    def __init__(self, layers: int, **options: Any) -> None:
        super().__init__(**options)
        self.states = layers + 1

    def build(self, input_shape: Any = None) -> None:
        even = initializers.Constant(1 / self.states)
        self.weight = self.add_weight(shape=(self.states,), initializer=even, name="weight")

    def call(self, states: Any) -> Any:
        shares = ops.softmax(ops.convert_to_tensor(self.weight))
        return ops.einsum("n,nbsd->bsd", shares, ops.stack(list(states)))


class AudioClassifier(AudioModel, LabelledModel):
    """What the classifiers share: they read the last layer, or a mixture of all of them."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.mixture = LayerMixture(config.num_hidden_layers) if config.use_weighted_layer_sum else None

    def states(self, training: bool | None, **inputs: Any) -> tuple[Any, Any]:
        """The states (B, S, D) to classify, and what the backbone returned, with what was asked for."""
        asked = flag("output_hidden_states", inputs.get("output_hidden_states"), self.config.output_hidden_states)
        if self.mixture is not None:
            inputs["output_hidden_states"] = True
        output = self.encode(training=training, **inputs)
        x = output.last_hidden_state if self.mixture is None else self.mixture(output.hidden_states)
        if not asked:
            output.hidden_states = None
        return x, output


@does(tasks.AUDIO_CLASSIFICATION)
class AudioClassification(AudioClassifier):
    """Classes, or numbers, for whole clips: labels (B,) or (B, L) -> logits (B, L), from real frames pooled.

    Pooled as the configuration says: Wav2Vec2 takes their mean."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.pooler = make_pooler(config)
        self.projector = Dense(config.classifier_proj_size, reads=config.hidden_size, **spread(config))
        self.classifier = Dense(config.num_labels, reads=config.classifier_proj_size, **spread(config))

    def label_loss(self, logits: Any, labels: Any) -> Any:
        return sequence_loss(logits, labels, self.config.problem_type)

    def call(
        self,
        input_values: Any = None,
        attention_mask: Any = None,
        *,
        labels: Any = None,
        training: bool | None = None,
        **inputs: Any,
    ) -> SequenceClassifierOutput:
        """Samples (B, T), mask (B, T), 1 = real; labels as of text's sequence classification."""
        x, output = self.states(training, input_values=input_values, attention_mask=attention_mask, **inputs)
        vector = self.pooler(x, real_tokens(self.backbone.frame_mask(attention_mask)))  # (B, D)
        logits = self.classifier(self.projector(vector))
        return SequenceClassifierOutput(
            loss=None if labels is None else self.label_loss(logits, labels),
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


@does(tasks.AUDIO_FRAME_CLASSIFICATION)
class AudioFrameClassification(AudioClassifier):
    """A class for every frame: labels (B, S), -100 where a frame has none, or one-hot (B, S, L) -> logits (B, S, L)."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.classifier = Dense(config.num_labels, reads=config.hidden_size, **spread(config))

    def label_loss(self, logits: Any, labels: Any) -> Any:
        return frame_loss(logits, labels)

    def call(
        self,
        input_values: Any = None,
        attention_mask: Any = None,
        *,
        labels: Any = None,
        training: bool | None = None,
        **inputs: Any,
    ) -> TokenClassifierOutput:
        """Samples (B, T), mask (B, T), 1 = real. Labels count at padding too, unless they are -100 there."""
        x, output = self.states(training, input_values=input_values, attention_mask=attention_mask, **inputs)
        logits = self.classifier(x)
        return TokenClassifierOutput(
            loss=None if labels is None else self.label_loss(logits, labels),
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


@does(tasks.AUDIO_XVECTOR)
class XVector(AudioClassifier):
    """Voices: labels (B,) -> embeddings (B, E) and, after a last layer, logits (B, E) to compare voices by.

    Snyder et al. 2018, x-vectors; trained by an angular margin between as many voices as there are labels.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        width = config.xvector_output_dim
        self.projector = Dense(config.tdnn_dim[0], reads=config.hidden_size, **spread(config))
        self.tdnn = TimeDelays(config)
        self.embedding = Dense(width, reads=2 * config.tdnn_dim[-1], **spread(config))
        self.classifier = Dense(width, reads=width, **spread(config))
        self.margin = AngularMargin(width, config.num_labels)

    def label_loss(self, logits: Any, labels: Any) -> Any:
        return self.margin(logits, labels)

    def call(
        self,
        input_values: Any = None,
        attention_mask: Any = None,
        *,
        labels: Any = None,
        training: bool | None = None,
        **inputs: Any,
    ) -> XVectorOutput:
        """Samples (B, T), mask (B, T), 1 = real."""
        x, output = self.states(training, input_values=input_values, attention_mask=attention_mask, **inputs)
        x, real = self.tdnn(self.projector(x), self.backbone.frame_mask(attention_mask))
        embeddings = self.embedding(statistics(x, real))
        logits = self.classifier(embeddings)
        return XVectorOutput(
            loss=None if labels is None else self.label_loss(logits, labels),
            logits=logits,
            embeddings=embeddings,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


@does(tasks.SPEECH_PRE_TRAINING)
class SpeechPreTraining(AudioModel):
    """Masked frames are told from others by what they were quantised to (Baevski et al. 2020, section 3.2).

    `mask_time_indices` (B, S) are the frames that are masked, `sampled_negative_indices` (B, S, N) those to tell them
    from, indices into the flattened (B * S).
    """

    label_names = ("sampled_negative_indices",)

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.dropout = layers.Dropout(config.feat_quantizer_dropout)
        self.quantizer = GumbelQuantizer(config)
        self.project_hid = evenly(config.proj_codevector_dim, reads=config.hidden_size)
        self.project_q = evenly(config.proj_codevector_dim, reads=config.codevector_dim)

    def call(
        self,
        input_values: Any = None,
        attention_mask: Any = None,
        *,
        mask_time_indices: Any = None,
        sampled_negative_indices: Any = None,
        gumbel_temperature: float = 2.0,
        training: bool | None = None,
        **inputs: Any,
    ) -> Wav2Vec2ForPreTrainingOutput:
        """Samples (B, T), mask (B, T), 1 = real. There is a loss where both choices of frames are given.

        `gumbel_temperature`: how evenly training draws from the codebook; lowered step by step from 2 (to 0.5).
        """
        check_temperature(ARRAYS, "gumbel_temperature", gumbel_temperature)
        inputs |= {"attention_mask": attention_mask, "mask_time_indices": mask_time_indices}
        output = self.encode(input_values=input_values, training=training, **inputs)
        check_targets(ARRAYS, mask_time_indices, sampled_negative_indices)
        chosen = ARRAYS.booleans(mask_time_indices)
        predicted = self.project_hid(output.last_hidden_state)  # (B, S, E)
        features = self.dropout(output.extract_features, training=training)
        codes, perplexity = self.quantizer(features, chosen, temperature=gumbel_temperature, training=training)
        quantized = self.project_q(codes)  # (B, S, E)
        loss = contrastive = diversity = None
        if sampled_negative_indices is not None and chosen is not None:
            temperature = self.config.contrastive_logits_temperature
            contrastive = contrastive_loss(predicted, quantized, sampled_negative_indices, chosen, temperature)
            entries = self.config.num_codevectors_per_group * self.config.num_codevector_groups
            diversity = (entries - perplexity) / entries * ops.sum(ops.cast(chosen, "float32"))  # equation 4
            loss = contrastive + self.config.diversity_loss_weight * diversity
        return Wav2Vec2ForPreTrainingOutput(
            loss=loss,
            projected_states=predicted,
            projected_quantized_states=quantized,
            codevector_perplexity=perplexity,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
            contrastive_loss=contrastive,
            diversity_loss=diversity,
        )

    def predictions(self, output: Any) -> Any:
        return output.projected_states

    def predict_step(self, *arguments: Any) -> Any:
        """One batch, without its perplexity, which has no rows."""
        found = super().predict_step(*arguments)
        (found[0] if isinstance(found, tuple) else found).codevector_perplexity = None  # JAX hands its state back, too
        return found
