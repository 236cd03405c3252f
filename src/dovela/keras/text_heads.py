"""Heads of text models, written once for every architecture.

An architecture's head is a line or two:

    class TFBertForMaskedLM(MaskedLM, backbone=TFBertModel): ...

Letters: B batch, S sequence, D hidden size, V vocabulary, L labels, C choices.
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from .. import tasks
from ..label_rules import both_ends
from ..outputs import ModelOutput, PreTrainingOutput, QuestionAnsweringModelOutput
from ..tasks import does
from ..text_rules import check_choices
from ..weights import BACKBONE
from .activations import activation
from .heads import Classification, HeadedModel, LabelledModel, pooled, tied_scores
from .init import Dense, LayerNorm, Part
from .inputs import ARRAYS
from .losses import class_loss, sequence_loss, span_loss, sum_losses


class TiedDecoder(Part):
    """(…, D) -> scores of tokens (…, V) by the table of the token embeddings; its own is a bias."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        self.tokens = config.vocab_size

    def build(self, input_shape: Any = None) -> None:
        self.bias = self.add_weight(shape=(self.tokens,), initializer="zeros", name="bias")

    def call(self, x: Any, table: Any) -> Any:
        return tied_scores(x, table) + self.bias


class MaskedLMHead(Part):
    """(B, S, D) -> scores of tokens (B, S, V). `decoder` may share the matrix of the token embeddings."""

    def __init__(self, config: Any, **options: Any) -> None:
        super().__init__(**options)
        width, self.tied = config.hidden_size, config.tie_word_embeddings
        self.transform = Dense(width, reads=width, std=config.initializer_range)
        self.activation = activation(config.activation)
        self.norm = LayerNorm(width, epsilon=config.norm_eps)
        plain = Dense(config.vocab_size, reads=width, std=config.initializer_range)
        self.decoder = TiedDecoder(config) if self.tied else plain

    def call(self, x: Any, table: Any) -> Any:
        x = self.norm(self.activation(self.transform(x)))
        return self.decoder(x, table) if self.tied else self.decoder(x)


class TextModel(LabelledModel):
    """A head on a backbone that reads token ids."""

    def call(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        *,
        labels: Any = None,
        training: bool | None = None,
        **inputs: Any,
    ) -> Any:
        """Ids (B, S), mask (B, S), labels and logits as the class says; other inputs go to the backbone."""
        return self.answer(labels, training, input_ids=input_ids, attention_mask=attention_mask, **inputs)


@does(tasks.MASKED_LM)
class MaskedLM(TextModel):
    """Guesses the tokens that were masked (Devlin et al. 2018, section 3.1): labels (B, S) -> logits (B, S, V).

    Labels are token ids, -100 where nothing is to be guessed.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.masked_lm = MaskedLMHead(config)

    def tied_names(self) -> list[list[str]]:
        tied = [f"{BACKBONE}embeddings.tokens.weight", "masked_lm.decoder.weight"]
        return [tied] if self.config.tie_word_embeddings else []

    def token_scores(self, output: Any) -> Any:
        return self.masked_lm(output.last_hidden_state, ops.convert_to_tensor(self.get_input_embeddings().embeddings))

    def scores(self, output: Any, training: bool | None = None) -> Any:
        return self.token_scores(output)


@does(tasks.SEQUENCE_CLASSIFICATION)
class SequenceClassification(Classification, TextModel):
    """Classes, or numbers, for whole sequences: labels (B,) or (B, L) -> logits (B, L).

    Labels are class numbers (B,), numbers to regress (B,) or (B, L), or yes and no as floats (B, L).
    """

    def label_loss(self, logits: Any, labels: Any) -> Any:
        return sequence_loss(logits, labels, self.config.problem_type)


@does(tasks.TOKEN_CLASSIFICATION)
class TokenClassification(Classification, TextModel):
    """A class for every token: labels (B, S), -100 where a token has none -> logits (B, S, L)."""

    def hidden(self, config: Any) -> bool:
        return False

    def scores(self, output: Any, training: bool | None = None) -> Any:
        return self.classifier(output.last_hidden_state, training=training)


@does(tasks.MULTIPLE_CHOICE)
class MultipleChoice(Classification, TextModel):
    """Which of several continuations fits; each is scored as a sequence: inputs (B, C, S), labels (B,) -> (B, C)."""

    def classes(self, config: Any) -> int:
        return 1

    def signature(self) -> dict[str, tuple[tuple[int | None, ...], str]]:
        return {name: ((None, *shape), dtype) for name, (shape, dtype) in super().signature().items()}

    def call(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        *,
        labels: Any = None,
        training: bool | None = None,
        **inputs: Any,
    ) -> Any:
        given = check_choices(ARRAYS, type(self).__name__, input_ids, inputs.get("inputs_embeds"))
        rows = {"input_ids": input_ids, "attention_mask": attention_mask, **inputs}
        flat = {name: _flat(x) for name, x in rows.items()}
        output = self.answer(None, training, **flat)
        output.logits = ops.reshape(output.logits, ops.shape(given)[:2])
        output.loss = self.objective(output, labels)
        return output


def _flat(x: Any) -> Any:
    """(B, C, …) -> (B * C, …)."""
    if not ARRAYS.is_array(x) or len(x.shape) < 2:
        return x
    return ops.reshape(x, (-1, *ops.shape(x)[2:]))


@does(tasks.NEXT_SENTENCE_PREDICTION)
class NextSentencePrediction(TextModel):
    """Whether the second text follows the first (Devlin et al. 2018, section 3.1): labels (B,) -> logits (B, 2).

    Label 0: it follows; 1: it does not.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.next_sentence = Dense(2, reads=config.hidden_size, std=config.initializer_range)

    def scores(self, output: Any, training: bool | None = None) -> Any:
        return self.next_sentence(pooled(output))


@does(tasks.QUESTION_ANSWERING)
class QuestionAnswering(HeadedModel):
    """Where an answer starts and ends: two scores for every token, whatever `num_labels` is."""

    label_names = ("start_positions", "end_positions")

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.dropout = layers.Dropout(self.span_dropout(config))
        self.spans = Dense(2, reads=config.hidden_size, std=config.initializer_range)

    def span_dropout(self, config: Any) -> float:
        return 0.0

    def objective(self, output: Any, start_positions: Any = None, end_positions: Any = None) -> Any:
        if not both_ends(type(self).__name__, start_positions, end_positions):
            return None
        return span_loss(output.start_logits, output.end_logits, start_positions, end_positions)

    def predictions(self, output: Any) -> Any:
        return {"start_positions": output.start_logits, "end_positions": output.end_logits}

    def call(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        *,
        start_positions: Any = None,
        end_positions: Any = None,
        training: bool | None = None,
        **inputs: Any,
    ) -> ModelOutput:
        """Positions (B,) -> logits of the start and of the end, each (B, S)."""
        states = self.encode(input_ids=input_ids, attention_mask=attention_mask, training=training, **inputs)
        scores = self.spans(self.dropout(states.last_hidden_state, training=training))  # (B, S, 2)
        output = QuestionAnsweringModelOutput(
            start_logits=scores[..., 0],
            end_logits=scores[..., 1],
            hidden_states=states.hidden_states,
            attentions=states.attentions,
        )
        output.loss = self.objective(output, start_positions, end_positions)
        return output


@does(tasks.PRE_TRAINING)
class PreTraining(MaskedLM):
    """Both tasks that BERT was trained on, together."""

    label_names = ("labels", "next_sentence_label")

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.next_sentence = Dense(2, reads=config.hidden_size, std=config.initializer_range)

    def objective(self, output: Any, labels: Any = None, next_sentence_label: Any = None) -> Any:
        tokens, follows = output.prediction_logits, output.seq_relationship_logits
        return sum_losses(
            None if labels is None else class_loss(tokens, labels),
            None if next_sentence_label is None else class_loss(follows, next_sentence_label, "next_sentence_label"),
        )

    def predictions(self, output: Any) -> Any:
        return {"labels": output.prediction_logits, "next_sentence_label": output.seq_relationship_logits}

    def call(
        self,
        input_ids: Any = None,
        attention_mask: Any = None,
        *,
        labels: Any = None,
        next_sentence_label: Any = None,
        training: bool | None = None,
        **inputs: Any,
    ) -> ModelOutput:
        """Labels as of `MaskedLM` and `NextSentencePrediction`; the loss is the sum of what is given."""
        states = self.encode(input_ids=input_ids, attention_mask=attention_mask, training=training, **inputs)
        output = PreTrainingOutput(
            prediction_logits=self.token_scores(states),
            seq_relationship_logits=self.next_sentence(pooled(states)),
            hidden_states=states.hidden_states,
            attentions=states.attentions,
        )
        output.loss = self.objective(output, labels, next_sentence_label)
        return output
