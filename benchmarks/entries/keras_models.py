"""Keras on TensorFlow: forward and a step of training in a graph, beside the TensorFlow classes of transformers 4."""

from ..entry import Contender, Entry, Metric, Target
from .flax_models import BATCHES, PEER

START = {
    "dovela": 'from dovela import TF{name}\nmodel = TF{name}.from_pretrained({needs})\n',
    PEER: 'from transformers import TF{name}\nmodel = TF{name}.from_pretrained({needs}, from_pt=True)\n',
}  # fmt: skip
FORWARD = """
batch = {name: tf.constant(value) for name, value in batch.items()}
def call(batch):
    return model(batch, training=False).last_hidden_state
forward = tf.function(call, jit_compile=XLA)
"""
STEP = """
batch = {name: tf.constant(value) for name, value in batch.items()}
variables = [v if isinstance(v, tf.Variable) else v.value for v in model.trainable_variables]
@tf.function(jit_compile=XLA)
def step(batch):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(batch, training=True).last_hidden_state))
    for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        if gradient is not None:
            variable.assign_sub(1e-9 * tf.convert_to_tensor(gradient))
    return loss
"""
WORDS = {
    "forward": (FORWARD + "forward(batch).numpy()\n", "forward(batch).numpy()"),
    "step": (STEP + "step(batch).numpy()\n", "step(batch).numpy()"),
    "compile": (FORWARD, "tf.function(call).get_concrete_function(batch)(batch)"),
}


def setup(environment: str, name: str, code: str, xla: bool) -> str:
    needs, batch, _ = BATCHES[name]
    first = (
        'import os; os.environ.update(USE_TF="1", TF_USE_LEGACY_KERAS="1")\n'
        if environment == PEER
        else 'import os; os.environ["KERAS_BACKEND"] = "tensorflow"\n'
    )
    opened = START[environment].format(name=name, needs=needs)
    return f"{first}import numpy as np, tensorflow as tf\n{opened}{batch}{code.replace('XLA', str(xla))}"


def contenders(name: str, what: str, xla: bool = False) -> list[Contender]:
    code, timed = WORDS[what]
    return [Contender(place, place, timed, setup(place, name, code, xla)) for place in START]


def entry(
    name: str, what: str, title: str, measures: str, rounds: int, at_most: float | None, xla: bool = False
) -> Entry:
    needs, _, batch = BATCHES[name]
    return Entry(
        name=f"Keras: {title}, {name.removesuffix('Model')}",
        measures=f"`TF{name}` on {batch}. {measures}",
        contenders=contenders(name, what, xla),
        targets=[] if at_most is None else [Target(Metric.WALL, at_most, of=PEER)],
        needs=(needs,),
        rounds=rounds,
    )


TRACED = "In a graph (`tf.function`); tracing it is not timed."
ENTRIES = [
    *(
        entry(name, "forward", "forward", f"Evaluation. {TRACED}", 5, 1.05)
        for name in ("DistilBertModel", "BertModel", "ViTModel", "Wav2Vec2Model")
    ),
    *(
        entry(name, "step", "step of training", f"Dropout, gradients, plain descent. {TRACED}", 3, 1.05)
        for name in ("DistilBertModel", "ViTModel")
    ),
    entry("DistilBertModel", "forward", "forward by XLA", f"With `jit_compile=True`. {TRACED}", 5, 1.05, xla=True),
    *(
        entry(name, "compile", "tracing", "Tracing the forward pass, and its first run.", 3, None)
        for name in ("DistilBertModel", "ViTModel")
    ),
]
