"""Heads of models of sound, written once for every architecture.

Letters: B batch, T samples, S frames, D hidden size, E width of a quantised frame, V vocabulary, L labels, N negatives.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import linen as nn

from .. import tasks
from ..audio_rules import check_adapter, check_blank, check_targets, check_temperature, voice_field
from ..input_rules import flag
from ..outputs import (
    CausalLMOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
    Wav2Vec2ForPreTrainingOutput,
    XVectorOutput,
)
from ..tasks import does
from .audio_losses import AngularMargin, ctc_loss, frame_loss
from .heads import HeadedModel
from .inputs import JAX
from .layers import Dropout, dense, dtypes
from .losses import sequence_loss
from .poolers import make_pooler
from .quantizer import GumbelQuantizer, contrastive_loss
from .waveform import plain_dense
from .xvector import TimeDelays, statistics

Array = jax.Array


class AudioModel(HeadedModel):
    """A head on a backbone that hears samples, and has `frame_mask(attention_mask)`: which frames are real."""

    main_input_name = "input_values"
    takes_adapter: ClassVar[bool] = False
    """Whether it works on frames that an adapter has made fewer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_adapter(type(self).__name__, self.config, self.takes_adapter)


@does(tasks.CTC)
class CTC(AudioModel):
    """Characters of speech: labels (B, characters), -100 at padding -> logits (B, S, V).

    Decode with the best character of each frame. `pad_token_id` is the blank.
    """

    takes_adapter = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_blank(type(self).__name__, self.config)

    def setup(self) -> None:
        super().setup()
        self.dropout = Dropout(self.config.final_dropout)
        self.lm_head = dense(self, self.config.vocab_size)

    def __call__(
        self,
        input_values: Array | None = None,
        attention_mask: Array | None = None,
        *,
        labels: Array | None = None,
        train: bool = False,
        **inputs: Any,
    ) -> CausalLMOutput:
        """Samples (B, T), mask (B, T), 1 = real; other inputs go to the backbone."""
        output = self.encode(input_values=input_values, attention_mask=attention_mask, train=train, **inputs)
        logits, loss = self.lm_head(self.dropout(output.last_hidden_state, train)), None
        if labels is not None:
            loss = ctc_loss(
                logits,
                labels,
                self.backbone.frame_mask(attention_mask),
                blank=self.config.pad_token_id,
                reduction=self.config.ctc_loss_reduction,
                zero_infinity=self.config.ctc_zero_infinity,
            )
        return CausalLMOutput(
            loss=loss, logits=logits, hidden_states=output.hidden_states, attentions=output.attentions
        )


class LayerMixture(nn.Module):
    """A learned mixture of all layers (Yang et al. 2021, SUPERB): N + 1 states (B, S, D) -> (B, S, D)."""

    layers: int
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, states: tuple[Array, ...]) -> Array:
        share = nn.initializers.constant(1 / (self.layers + 1))
        weight = self.param("weight", share, (self.layers + 1,), self.param_dtype)
        shares = jax.nn.softmax(weight).astype(states[0].dtype)
        return jnp.einsum("n,nbsd->bsd", shares, jnp.stack(states))


class AudioClassifier(AudioModel):
    """What the classifiers share: they read the last layer, or a mixture of all of them."""

    def setup(self) -> None:
        super().setup()
        mixed, layers = self.config.use_weighted_layer_sum, self.config.num_hidden_layers
        self.mixture = LayerMixture(layers, self.param_dtype) if mixed else None

    def states(self, **inputs: Any) -> tuple[Array, Any]:
        """The states (B, S, D) to classify, and what the backbone returned, with what was asked for."""
        asked = flag("output_hidden_states", inputs.get("output_hidden_states"), self.config.output_hidden_states)
        if self.mixture is not None:
            inputs["output_hidden_states"] = True
        output = self.encode(**inputs)
        x = output.last_hidden_state if self.mixture is None else self.mixture(output.hidden_states)
        if not asked:
            output.hidden_states = None
        return x, output


@does(tasks.AUDIO_CLASSIFICATION)
class AudioClassification(AudioClassifier):
    """Classes, or numbers, for whole clips: labels (B,) or (B, L) -> logits (B, L), from real frames pooled.

    Pooled as the configuration says: Wav2Vec2 takes their mean."""

    def setup(self) -> None:
        super().setup()
        self.pooler = make_pooler(self)
        self.projector = dense(self, self.config.classifier_proj_size)
        self.classifier = dense(self, self.config.num_labels)

    def __call__(
        self,
        input_values: Array | None = None,
        attention_mask: Array | None = None,
        *,
        labels: Array | None = None,
        train: bool = False,
        **inputs: Any,
    ) -> SequenceClassifierOutput:
        """Samples (B, T), mask (B, T), 1 = real; labels as of text's sequence classification."""
        x, output = self.states(input_values=input_values, attention_mask=attention_mask, train=train, **inputs)
        vector = self.pooler(x, self.backbone.frame_mask(attention_mask))  # (B, D)
        logits = self.classifier(self.projector(vector))
        return SequenceClassifierOutput(
            loss=None if labels is None else sequence_loss(logits, labels, self.config.problem_type),
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


@does(tasks.AUDIO_FRAME_CLASSIFICATION)
class AudioFrameClassification(AudioClassifier):
    """A class for every frame: labels (B, S), -100 where a frame has none, or one-hot (B, S, L) -> logits (B, S, L)."""

    def setup(self) -> None:
        super().setup()
        self.classifier = dense(self, self.config.num_labels)

    def __call__(
        self,
        input_values: Array | None = None,
        attention_mask: Array | None = None,
        *,
        labels: Array | None = None,
        train: bool = False,
        **inputs: Any,
    ) -> TokenClassifierOutput:
        """Samples (B, T), mask (B, T), 1 = real. Labels count at padding too, unless they are -100 there."""
        x, output = self.states(input_values=input_values, attention_mask=attention_mask, train=train, **inputs)
        logits = self.classifier(x)
        return TokenClassifierOutput(
            loss=None if labels is None else frame_loss(logits, labels),
            logits=logits,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


@does(tasks.AUDIO_XVECTOR)
class XVector(AudioClassifier):
    """Voices: labels (B,) -> embeddings (B, E) and, after a last layer, logits (B, E) to compare voices by.

    Snyder et al. 2018, x-vectors; trained by an angular margin between as many voices as there are labels.
    """

    def setup(self) -> None:
        super().setup()
        config = self.config
        self.projector = dense(self, config.tdnn_dim[0])
        self.tdnn = TimeDelays(config, **dtypes(self))
        self.embedding = dense(self, config.xvector_output_dim)
        self.classifier = dense(self, config.xvector_output_dim)
        self.objective = AngularMargin(config.num_labels, param_dtype=self.param_dtype)

    @nn.nowrap
    def dummy_inputs(self) -> dict[str, Any]:
        """As many samples as the least voice takes."""
        config: Any = self.config
        samples = config.receptive_field + voice_field(config) * config.inputs_to_logits_ratio
        return {"input_values": jnp.zeros((1, samples))}

    def __call__(
        self,
        input_values: Array | None = None,
        attention_mask: Array | None = None,
        *,
        labels: Array | None = None,
        train: bool = False,
        **inputs: Any,
    ) -> XVectorOutput:
        """Samples (B, T), mask (B, T), 1 = real."""
        x, output = self.states(input_values=input_values, attention_mask=attention_mask, train=train, **inputs)
        x, real = self.tdnn(self.projector(x), self.real_frames(attention_mask))
        embeddings = self.embedding(statistics(x, real))
        logits = self.classifier(embeddings)
        return XVectorOutput(
            loss=self.objective(logits, labels),
            logits=logits,
            embeddings=embeddings,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )

    def real_frames(self, attention_mask: Array | None) -> Array | None:
        """The backbone's mask of frames (B, S). Of a mask that is there it is too, while all else is traced."""
        there = attention_mask is not None and JAX.values(attention_mask) is not None
        with jax.ensure_compile_time_eval() if there else nullcontext():
            return self.backbone.frame_mask(attention_mask)  # type: ignore[no-any-return]


@does(tasks.SPEECH_PRE_TRAINING)
class SpeechPreTraining(AudioModel):
    """Masked frames are told from others by what they were quantised to (Baevski et al. 2020, section 3.2).

    `mask_time_indices` (B, S) are the frames that are masked, `sampled_negative_indices` (B, S, N) those to tell them
    from. In training `gumbel_temperature` says how evenly entries are drawn: lower it step by step from 2.
    """

    def setup(self) -> None:
        super().setup()
        config, options = self.config, dtypes(self)
        self.dropout = Dropout(config.feat_quantizer_dropout)
        self.quantizer = GumbelQuantizer(config, **options)
        self.project_hid = plain_dense(config.hidden_size, config.proj_codevector_dim, **options)
        self.project_q = plain_dense(config.codevector_dim, config.proj_codevector_dim, **options)

    def __call__(
        self,
        input_values: Array | None = None,
        attention_mask: Array | None = None,
        *,
        mask_time_indices: Array | None = None,
        sampled_negative_indices: Array | None = None,
        gumbel_temperature: Any = 2.0,
        train: bool = False,
        **inputs: Any,
    ) -> Wav2Vec2ForPreTrainingOutput:
        """Samples (B, T), mask (B, T), 1 = real. There is a loss where both choices of frames are given."""
        check_temperature(JAX, "gumbel_temperature", gumbel_temperature)
        inputs |= {"attention_mask": attention_mask, "mask_time_indices": mask_time_indices}
        output = self.encode(input_values=input_values, train=train, **inputs)
        check_targets(JAX, mask_time_indices, sampled_negative_indices)
        chosen = JAX.booleans(mask_time_indices)
        predicted = self.project_hid(output.last_hidden_state)  # (B, S, E)
        features = self.dropout(output.extract_features, train)
        codes, perplexity = self.quantizer(features, chosen, gumbel_temperature, train)
        quantized = self.project_q(codes)  # (B, S, E)
        loss = contrastive = diversity = None
        if sampled_negative_indices is not None and chosen is not None:
            temperature = self.config.contrastive_logits_temperature
            contrastive = contrastive_loss(predicted, quantized, sampled_negative_indices, chosen, temperature)
            entries = self.config.num_codevectors_per_group * self.config.num_codevector_groups
            diversity = (entries - perplexity) / entries * chosen.sum()  # equation 4
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
