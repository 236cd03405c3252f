"""Heads of text models, written once for every architecture.

An architecture's head is a line or two:

    class FlaxBertForMaskedLM(MaskedLM, backbone=FlaxBertModel): ...

Letters: B batch, S sequence, D hidden size, V vocabulary, L labels, C choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import linen as nn

from .. import tasks
from ..label_rules import both_ends
from ..outputs import ModelOutput
from ..tasks import does
from ..text_rules import check_choices
from ..weights import BACKBONE
from .activations import activation
from .heads import Classification, HeadedModel, LabelledModel, pooled
from .inputs import JAX
from .layers import Dropout, dense, dtypes
from .losses import class_loss, sequence_loss, span_loss, sum_losses
from .norms import LayerNorm

Array = jax.Array


class TiedDense(nn.Module):
    """A linear layer (…, D) -> (…, V) whose matrix is another layer's table (V, D); its own is only the bias."""

    width: int
    dtype: Any = None
    param_dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array, table: Array) -> Array:
        bias = self.param("bias", nn.initializers.zeros, (self.width,), self.param_dtype)
        x, table, bias = nn.dtypes.promote_dtype(x, table, bias, dtype=self.dtype)
        return x @ table.T + bias  # type: ignore[no-any-return]


class MaskedLMHead(nn.Module):
    """(B, S, D) -> scores of tokens (B, S, V). If the configuration says so, by the table (V, D) of the embeddings."""

    config: Any
    dtype: Any = None
    param_dtype: Any = jnp.float32

    def setup(self) -> None:
        config = self.config
        self.transform = dense(self, config.hidden_size)
        self.activation = activation(config)
        self.norm = LayerNorm(epsilon=config.norm_eps, **dtypes(self))
        tied = config.tie_word_embeddings
        self.decoder: Any = TiedDense(config.vocab_size, **dtypes(self)) if tied else dense(self, config.vocab_size)

    def __call__(self, x: Array, table: Array | None = None) -> Array:
        x = self.norm(self.activation(self.transform(x)))  # (B, S, D)
        return self.decoder(x) if table is None else self.decoder(x, table)  # type: ignore[no-any-return]


class TextModel(LabelledModel):
    """A head on a backbone that reads token ids."""

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        *,
        labels: Array | None = None,
        train: bool = False,
        **inputs: Any,
    ) -> Any:
        """Ids (B, S), mask (B, S), labels and logits as the class says; other inputs go to the backbone."""
        return self.answer(labels, train, input_ids=input_ids, attention_mask=attention_mask, **inputs)


@does(tasks.MASKED_LM)
class MaskedLM(TextModel):
    """Guesses the tokens that were masked (Devlin et al. 2018, section 3.1): labels (B, S) -> logits (B, S, V).

    Labels are token ids, -100 where nothing is to be guessed.
    """

    def setup(self) -> None:
        super().setup()
        self.masked_lm = MaskedLMHead(self.config, **dtypes(self))

    @classmethod
    def ties(cls, config: Any) -> Sequence[Sequence[str]]:
        tied = [f"{BACKBONE}embeddings.tokens.weight", "masked_lm.decoder.weight"]
        return [tied] if config.tie_word_embeddings else []

    def scores(self, output: Any, train: bool = False) -> Array:
        table = self.token_table() if self.config.tie_word_embeddings else None
        return self.masked_lm(output.last_hidden_state, table)


@does(tasks.SEQUENCE_CLASSIFICATION)
class SequenceClassification(Classification, TextModel):
    """Classes, or numbers, for whole sequences: labels (B,) or (B, L) -> logits (B, L).

    Labels are class numbers (B,), numbers to regress (B,) or (B, L), or yes and no as floats (B, L).
    """

    def loss(self, logits: Array, labels: Any) -> Array:
        return sequence_loss(logits, labels, self.config.problem_type)


@does(tasks.TOKEN_CLASSIFICATION)
class TokenClassification(Classification, TextModel):
    """A class for every token: labels (B, S), -100 where a token has none -> logits (B, S, L)."""

    @nn.nowrap
    def hidden(self) -> bool:
        return False

    def scores(self, output: Any, train: bool = False) -> Array:
        return self.classifier(output.last_hidden_state, train)  # type: ignore[no-any-return]


@does(tasks.MULTIPLE_CHOICE)
class MultipleChoice(Classification, TextModel):
    """Which of several continuations fits; each is scored as a sequence: inputs (B, C, S), labels (B,) -> (B, C)."""

    @nn.nowrap
    def classes(self) -> int:
        return 1

    @nn.nowrap
    def dummy_inputs(self) -> dict[str, Any]:
        return {name: x[:, None] for name, x in super().dummy_inputs().items()}

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        *,
        labels: Array | None = None,
        train: bool = False,
        **inputs: Any,
    ) -> Any:
        given = check_choices(JAX, type(self).__name__, input_ids, inputs.get("inputs_embeds"))
        rows = {"input_ids": input_ids, "attention_mask": attention_mask, **inputs}
        flat = {n: x.reshape(-1, *x.shape[2:]) if getattr(x, "ndim", 0) > 1 else x for n, x in rows.items()}
        output = super().__call__(train=train, **flat)
        output.logits = output.logits.reshape(given.shape[:2])
        output.loss = None if labels is None else self.loss(output.logits, labels)
        return output


@does(tasks.NEXT_SENTENCE_PREDICTION)
class NextSentencePrediction(TextModel):
    """Whether the second text follows the first (Devlin et al. 2018, section 3.1): labels (B,) -> logits (B, 2).

    Label 0: it follows; 1: it does not.
    """

    def setup(self) -> None:
        super().setup()
        self.next_sentence = dense(self, 2)

    def scores(self, output: Any, train: bool = False) -> Array:
        return self.next_sentence(pooled(output))


@does(tasks.QUESTION_ANSWERING)
class QuestionAnswering(HeadedModel):
    """Where an answer starts and ends: two scores for every token, whatever `num_labels` is."""

    output_class: ClassVar[Any]

    def setup(self) -> None:
        super().setup()
        self.dropout = Dropout(self.span_dropout())
        self.spans = dense(self, 2)

    @nn.nowrap
    def span_dropout(self) -> float:
        return 0.0

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        *,
        start_positions: Array | None = None,
        end_positions: Array | None = None,
        train: bool = False,
        **inputs: Any,
    ) -> ModelOutput:
        """Positions (B,) -> logits of the start and of the end, each (B, S)."""
        output = self.encode(input_ids=input_ids, attention_mask=attention_mask, train=train, **inputs)
        scores = self.spans(self.dropout(output.last_hidden_state, train))  # (B, S, 2)
        start, end = scores[..., 0], scores[..., 1]
        taught = both_ends(type(self).__name__, start_positions, end_positions)
        loss = span_loss(start, end, start_positions, end_positions) if taught else None
        return self.output_class(  # type: ignore[no-any-return]
            loss=loss,
            start_logits=start,
            end_logits=end,
            hidden_states=output.hidden_states,
            attentions=output.attentions,
        )


@does(tasks.PRE_TRAINING)
class PreTraining(MaskedLM):
    """Both tasks that BERT was trained on, together."""

    def setup(self) -> None:
        super().setup()
        self.next_sentence = dense(self, 2)

    def __call__(
        self,
        input_ids: Array | None = None,
        attention_mask: Array | None = None,
        *,
        labels: Array | None = None,
        next_sentence_label: Array | None = None,
        train: bool = False,
        **inputs: Any,
    ) -> ModelOutput:
        """Labels as of `MaskedLM` and `NextSentencePrediction`; the loss is the sum of what is given."""
        output = self.encode(input_ids=input_ids, attention_mask=attention_mask, train=train, **inputs)
        tokens, follows = self.scores(output), self.next_sentence(pooled(output))
        return self.output_class(  # type: ignore[no-any-return]
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
