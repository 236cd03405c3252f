"""Heads of text models, written once for every architecture.

An architecture's head is a line or two:

    class BertForMaskedLM(MaskedLM, backbone=BertModel): ...

Letters: B batch, S sequence, D hidden size, V vocabulary, L labels, C choices.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from .. import tasks
from ..errors import ConfigError
from ..label_rules import both_ends, check_labels
from ..outputs import (
    ModelOutput,
    PreTrainingOutput,
    QuestionAnsweringModelOutput,
)
from ..parts import ACTIVATIONS
from ..tasks import does
from ..text_rules import check_choices
from .activations import activated
from .arrays import TORCH
from .attention_kinds import sees_ahead
from .blocks import Layers
from .heads import Classification, HeadedModel, LabelledModel, pooled
from .init import Linear, spread
from .losses import class_loss, sequence_loss, span_loss, sum_losses
from .surgery import check_output


class MaskedLMHead(nn.Module):
    """(B, S, D) -> scores of tokens (B, S, V). `decoder` may share the matrix of the token embeddings."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.transform = Linear(config.hidden_size, config.hidden_size, std=config.initializer_range)
        self.activation = ACTIVATIONS.get(config.activation)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.norm_eps)
        self.decoder = Linear(config.hidden_size, config.vocab_size, std=config.initializer_range)

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.norm(activated(self.activation, self.transform(x))))  # type: ignore[no-any-return]


class TextModel(LabelledModel):
    """A head on a backbone that reads token ids."""

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> Any:
        """Ids (B, S), mask (B, S), labels and logits as the class says; other inputs go to the backbone."""
        return self.answer(labels, input_ids=input_ids, attention_mask=attention_mask, **inputs)


@does(tasks.MASKED_LM)
class MaskedLM(TextModel):
    """Guesses the tokens that were masked (Devlin et al. 2018, section 3.1): labels (B, S) -> logits (B, S, V).

    Labels are token ids, -100 where nothing is to be guessed.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.masked_lm = MaskedLMHead(config)
        self.tie_weights()

    def get_output_embeddings(self) -> nn.Linear:
        return self.masked_lm.decoder

    def set_output_embeddings(self, layer: nn.Linear) -> None:
        check_output(self, layer)
        self.masked_lm.decoder = layer  # type: ignore[assignment]
        self.tie_weights()

    def scores(self, output: Any) -> Tensor:
        return self.masked_lm(output.last_hidden_state)  # type: ignore[no-any-return]


@does(tasks.CAUSAL_LM)
class CausalLM(TextModel):
    """Guesses each next token (Radford et al. 2018): labels (B, S) -> logits (B, S, V).

    Labels are the token ids themselves, -100 where nothing is to be guessed; they are shifted here. The output matrix
    is that of the token embeddings, if `tie_word_embeddings`.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        stacks = [module for module in self.backbone.modules() if isinstance(module, Layers)]
        seeing = {type(block.attention).__name__ for stack in stacks for block in stack if sees_ahead(block.attention)}
        if seeing:
            raise ConfigError(
                f"{type(self).__name__}(config)",
                f"its tokens would see those that they are to guess, by {', '.join(sorted(seeing))}",
                hint='Configure attention="causal", or "causal-window"; a kind of your own says `causal = True`.',
            )
        self.causal_lm = Linear(config.hidden_size, config.vocab_size, bias=False, **spread(config))
        self.tie_weights()

    def get_output_embeddings(self) -> nn.Linear:
        return self.causal_lm

    def set_output_embeddings(self, layer: nn.Linear) -> None:
        check_output(self, layer)
        self.causal_lm = layer  # type: ignore[assignment]
        self.tie_weights()

    def scores(self, output: Any) -> Tensor:
        return self.causal_lm(output.last_hidden_state)  # type: ignore[no-any-return]

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        check_labels(TORCH, "labels", labels, logits.shape[:-1])
        return class_loss(logits[:, :-1], labels[:, 1:])


@does(tasks.SEQUENCE_CLASSIFICATION)
class SequenceClassification(Classification, TextModel):
    """Classes, or numbers, for whole sequences: labels (B,) or (B, L) -> logits (B, L).

    Labels are class numbers (B,), numbers to regress (B,) or (B, L), or yes and no as floats (B, L).
    """

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return sequence_loss(logits, labels, self.config.problem_type)


@does(tasks.TOKEN_CLASSIFICATION)
class TokenClassification(Classification, TextModel):
    """A class for every token: labels (B, S), -100 where a token has none -> logits (B, S, L)."""

    def hidden(self, config: Any) -> bool:
        return False

    def scores(self, output: Any) -> Tensor:
        return self.classifier(output.last_hidden_state)  # type: ignore[no-any-return]


@does(tasks.MULTIPLE_CHOICE)
class MultipleChoice(Classification, TextModel):
    """Which of several continuations fits; each is scored as a sequence: inputs (B, C, S), labels (B,) -> (B, C)."""

    def classes(self, config: Any) -> int:
        return 1

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        **inputs: Any,
    ) -> Any:
        given = check_choices(TORCH, type(self).__name__, input_ids, inputs.get("inputs_embeds"))
        rows = {"input_ids": input_ids, "attention_mask": attention_mask, **inputs}
        flat = {n: x.flatten(0, 1) if isinstance(x, Tensor) and x.dim() > 1 else x for n, x in rows.items()}
        output = super().forward(**flat)
        output.logits = output.logits.view(given.shape[:2])
        output.loss = None if labels is None else self.loss(output.logits, labels)
        return output


@does(tasks.NEXT_SENTENCE_PREDICTION)
class NextSentencePrediction(TextModel):
    """Whether the second text follows the first (Devlin et al. 2018, section 3.1): labels (B,) -> logits (B, 2).

    Label 0: it follows; 1: it does not.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.next_sentence = Linear(config.hidden_size, 2, std=config.initializer_range)

    def scores(self, output: Any) -> Tensor:
        return self.next_sentence(pooled(output))  # type: ignore[no-any-return]


@does(tasks.QUESTION_ANSWERING)
class QuestionAnswering(HeadedModel):
    """Where an answer starts and ends: two scores for every token, whatever `num_labels` is."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.dropout = nn.Dropout(self.span_dropout(config))
        self.spans = Linear(config.hidden_size, 2, std=config.initializer_range)

    def span_dropout(self, config: Any) -> float:
        return 0.0

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        start_positions: Tensor | None = None,
        end_positions: Tensor | None = None,
        **inputs: Any,
    ) -> ModelOutput:
        """Positions (B,) -> logits of the start and of the end, each (B, S)."""
        # Without packing, since the scores of padding take part in the softmax over the sequence.
        output = self.encode(input_ids=input_ids, attention_mask=attention_mask, pack=False, **inputs)
        start, end = self.spans(self.dropout(output.last_hidden_state)).unbind(-1)
        taught = both_ends(type(self).__name__, start_positions, end_positions)
        loss = span_loss(start, end, start_positions, end_positions) if taught else None  # type: ignore[arg-type]
        return QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start,
            end_logits=end,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


@does(tasks.PRE_TRAINING)
class PreTraining(MaskedLM):
    """Both tasks that BERT was trained on, together."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.next_sentence = Linear(config.hidden_size, 2, std=config.initializer_range)

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        *,
        labels: Tensor | None = None,
        next_sentence_label: Tensor | None = None,
        **inputs: Any,
    ) -> ModelOutput:
        """Labels as of `MaskedLM` and `NextSentencePrediction`; the loss is the sum of what is given."""
        output = self.encode(input_ids=input_ids, attention_mask=attention_mask, pack=labels is None, **inputs)
        tokens, follows = self.masked_lm(output.last_hidden_state), self.next_sentence(pooled(output))
        return PreTrainingOutput(
            loss=sum_losses(
                None if labels is None else class_loss(tokens, labels),
                None
                if next_sentence_label is None
                else class_loss(follows, next_sentence_label, "next_sentence_label"),
            ),
            prediction_logits=tokens,
            seq_relationship_logits=follows,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )
