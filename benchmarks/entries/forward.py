"""DistilBERT-base on 32 sentences: as ragged as sentences are, and all of one length."""

import random

from ..entry import Entry, each_library

LONGEST, REAL, SENTENCES = 76, 771, 32


def sentence_lengths() -> list[int]:
    """Lengths as English web text has them: many short, few long; 771 real tokens of 32 x 76 = 2,432 padded."""
    draw = random.Random(0)
    weights = [draw.lognormvariate(0, 0.7) for _ in range(SENTENCES - 1)]
    spare = REAL - LONGEST - 3 * len(weights)
    lengths = [LONGEST, *(3 + int(spare * weight / sum(weights)) for weight in weights)]
    lengths[-1] += REAL - sum(lengths)  # what rounding left over
    return lengths


def setup(lengths: list[int], training: bool) -> str:
    """A model and a batch of random ids; the mask is 1 at real tokens."""
    return (
        "import torch\n"
        "from LIBRARY import DistilBertConfig, DistilBertModel\n"
        "torch.manual_seed(0)\n"
        f"model = DistilBertModel(DistilBertConfig()).train({training})\n"
        f"torch.set_grad_enabled({training})\n"
        f"lengths = torch.tensor({lengths})\n"
        "mask = (torch.arange(int(lengths.max()))[None] < lengths[:, None]).long()\n"
        "ids = torch.randint(1000, 30000, mask.shape) * mask\n"
    )


FORWARD = "hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state"
BACKWARD = f"{FORWARD}\n(hidden * mask[..., None]).square().sum().backward()\nmodel.zero_grad()"
RAGGED, FULL = sentence_lengths(), [LONGEST] * SENTENCES

ENTRIES = [
    Entry(
        name="forward, ragged batch",
        measures="32 sentences, 771 real tokens of 2,432 padded ones; evaluation, no gradient.",
        contenders=each_library(FORWARD, setup(RAGGED, training=False)),
        rounds=5,
    ),
    Entry(
        name="forward, full batch",
        measures="32 sequences of 76 tokens, no padding; evaluation, no gradient.",
        contenders=each_library(FORWARD, setup(FULL, training=False)),
        rounds=5,
    ),
    Entry(
        name="forward and backward, ragged batch",
        measures="The ragged batch in training: dropout on, gradients of every parameter.",
        contenders=each_library(BACKWARD, setup(RAGGED, training=True)),
        rounds=3,
    ),
]
