"""Heads of models of sound, written once for every architecture.

Letters: B batch, T samples, S frames, D hidden size, V vocabulary, L labels, N negatives.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .. import tasks
from ..audio_rules import check_adapter, check_blank, check_targets, check_temperature
from ..input_rules import flag
from ..outputs import (
    CausalLMOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
    Wav2Vec2ForPreTrainingOutput,
    XVectorOutput,
)
from ..tasks import does
from .arrays import TORCH
from .audio_losses import AngularMargin, ctc_loss, frame_loss
from .heads import LabelledModel
from .init import Linear, spread
from .losses import sequence_loss
from .poolers import make_pooler, pool
from .quantizer import GumbelQuantizer, contrastive_loss
from .xvector import StatisticsPooling, TimeDelays


class AudioModel(LabelledModel):
    """A head on a backbone that hears samples.

    The backbone has `frame_mask(attention_mask)`, which frames are real, and `freeze_feature_encoder()`.
    """

    main_input_name = "input_values"
    backbone: Any
    takes_adapter = False
    """Whether it works on frames that an adapter has made fewer."""

    def __init__(self, config: Any) -> None:
        check_adapter(type(self).__name__, config, self.takes_adapter)
        super().__init__(config)

    def forward(
        self,
        input_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> Any:
        """Samples (B, T), mask (B, T), 1 = real, labels and logits as the class says; others go to the backbone."""
        return self.answer(labels, input_values=input_values, attention_mask=attention_mask, **inputs)

    def freeze_feature_encoder(self) -> None:
        """Train everything but the convolutions over samples."""
        self.backbone.freeze_feature_encoder()

    def freeze_base_model(self) -> None:
        """Train the head alone."""
        self.backbone.requires_grad_(False)

    def get_feat_extract_output_lengths(self, input_lengths: Any, add_adapter: bool | None = None) -> Any:
        """How many frames so many samples become (a number or a tensor)."""
        return self.backbone.get_feat_extract_output_lengths(input_lengths, add_adapter)


@does(tasks.CTC)
class CTC(AudioModel):
    """Characters of speech: labels (B, characters), -100 at padding -> logits (B, S, V).

    Decode with the best character of each frame. `pad_token_id` is the blank.
    """

    takes_adapter = True

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        check_blank(type(self).__name__, config)
        self.dropout = nn.Dropout(config.final_dropout)
        self.lm_head = Linear(config.output_size, config.vocab_size, **spread(config))

    def forward(
        self,
        input_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> CausalLMOutput:
        """Samples (B, T), mask (B, T), 1 = real; other inputs go to the backbone."""
        output = self.encode(input_values=input_values, attention_mask=attention_mask, **inputs)
        logits, loss = self.lm_head(self.dropout(output.last_hidden_state)), None
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

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((layers + 1,), 1 / (layers + 1)))

    def forward(self, states: tuple[Tensor, ...]) -> Tensor:
        return sum(share * x for share, x in zip(self.weight.softmax(0), states, strict=True))  # type: ignore[no-any-return]


class AudioClassifier(AudioModel):
    """What the classifiers share: they read the last layer, or a mixture of all of them."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.mixture = LayerMixture(config.num_hidden_layers) if config.use_weighted_layer_sum else None

    def states(self, *, pack: bool = True, **inputs: Any) -> tuple[Tensor, Any]:
        """The states (B, S, D) to classify, and what the backbone returned, with what was asked for."""
        asked = flag("output_hidden_states", inputs.get("output_hidden_states"), self.config.output_hidden_states)
        if self.mixture is not None:
            inputs["output_hidden_states"] = True
        output = self.encode(pack=pack, **inputs)
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
        self.projector = Linear(config.hidden_size, config.classifier_proj_size, **spread(config))
        self.classifier = Linear(config.classifier_proj_size, config.num_labels, **spread(config))

    def forward(
        self,
        input_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> SequenceClassifierOutput:
        """Samples (B, T), mask (B, T), 1 = real; labels as of text's sequence classification."""
        x, output = self.states(input_values=input_values, attention_mask=attention_mask, **inputs)
        vector = pool(self.pooler, x, self.backbone.frame_mask(attention_mask))  # (B, D)
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

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.classifier = Linear(config.hidden_size, config.num_labels, **spread(config))

    def forward(
        self,
        input_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> TokenClassifierOutput:
        """Samples (B, T), mask (B, T), 1 = real. Labels count at padding too, unless they are -100 there."""
        inputs |= {"input_values": input_values, "attention_mask": attention_mask}
        x, output = self.states(pack=labels is None, **inputs)
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

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.projector = Linear(config.hidden_size, config.tdnn_dim[0], **spread(config))
        self.tdnn, self.pool = TimeDelays(config), StatisticsPooling()
        self.embedding = Linear(2 * config.tdnn_dim[-1], config.xvector_output_dim, **spread(config))
        self.classifier = Linear(config.xvector_output_dim, config.xvector_output_dim, **spread(config))
        self.objective = AngularMargin(config.xvector_output_dim, config.num_labels)

    def forward(
        self,
        input_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> XVectorOutput:
        """Samples (B, T), mask (B, T), 1 = real."""
        x, output = self.states(input_values=input_values, attention_mask=attention_mask, **inputs)
        x, real = self.tdnn(self.projector(x), self.backbone.frame_mask(attention_mask))
        embeddings = self.embedding(self.pool(x, real))
        logits = self.classifier(embeddings)
        return XVectorOutput(
            loss=None if labels is None else self.objective(logits, labels),
            logits=logits,
            embeddings=embeddings,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


@does(tasks.SPEECH_PRE_TRAINING)
class SpeechPreTraining(AudioModel):
    """Masked frames are told from others by what they were quantised to (Baevski et al. 2020, section 3.2).

    `mask_time_indices` (B, S) are the frames that are masked, `sampled_negative_indices` (B, S, N) those to tell them
    from: see `compute_mask_indices` and `sample_negative_indices`.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.dropout = nn.Dropout(config.feat_quantizer_dropout)
        self.quantizer = GumbelQuantizer(config)
        self.project_hid = nn.Linear(config.hidden_size, config.proj_codevector_dim)
        self.project_q = nn.Linear(config.codevector_dim, config.proj_codevector_dim)

    def set_gumbel_temperature(self, temperature: float) -> None:
        """How evenly training draws from the codebook; lowered step by step from 2 (by 0.999995, to 0.5)."""
        check_temperature(TORCH, "set_gumbel_temperature", temperature)
        self.quantizer.temperature = temperature

    def forward(
        self,
        input_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        mask_time_indices: Tensor | None = None,
        sampled_negative_indices: Tensor | None = None,
        **inputs: Any,
    ) -> Wav2Vec2ForPreTrainingOutput:
        """Samples (B, T), mask (B, T), 1 = real. There is a loss where both choices of frames are given."""
        inputs |= {"attention_mask": attention_mask, "mask_time_indices": mask_time_indices}
        # Frames of padding count where they are chosen, and in the perplexity where none are: they are computed too.
        output = self.encode(input_values=input_values, pack=False, **inputs)
        check_targets(TORCH, mask_time_indices, sampled_negative_indices)
        chosen = TORCH.booleans(mask_time_indices)
        predicted = self.project_hid(output.last_hidden_state)  # (B, S, E)
        codes, perplexity = self.quantizer(self.dropout(output.extract_features), chosen)
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
