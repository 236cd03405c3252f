"""Flax: a jitted forward pass and a jitted step of training, beside the Flax classes of transformers 4."""

from ..entry import Contender, Entry, Metric, Target

PEER = "transformers-4"
START = {  # what opens the checkpoint: the environment's library, and how it is told that the file is torch's
    "dovela": 'from dovela import Flax{name}\nmodel = Flax{name}.from_pretrained({needs})\n',
    PEER: 'from transformers import Flax{name}\nmodel = Flax{name}.from_pretrained({needs}, from_pt=True)\n',
}  # fmt: skip
TEXT = """
lengths = np.random.default_rng(0).integers(8, 65, 16)
batch = {"attention_mask": (np.arange(64) < lengths[:, None]).astype("i4")}
batch["input_ids"] = np.random.default_rng(1).integers(1000, 30000, (16, 64)).astype("i4") * batch["attention_mask"]
"""
IMAGES = """
batch = {"pixel_values": np.random.default_rng(0).standard_normal((2, 3, 224, 224), dtype="f4")}
"""
SOUND = """
batch = {"input_values": np.random.default_rng(0).standard_normal((2, 32000), dtype="f4")}
batch["attention_mask"] = (np.arange(32000) < np.array([[32000], [20000]])).astype("i4")
"""
BATCHES = {
    "DistilBertModel": ("distilbert_twice", TEXT, "16 texts of up to 64 tokens, padded"),
    "BertModel": ("bert_twice", TEXT, "16 texts of up to 64 tokens, padded"),
    "ViTModel": ("vit_twice", IMAGES, "2 images of 224 x 224"),
    "Wav2Vec2Model": ("wav2vec2_twice", SOUND, "2 clips of up to 2 seconds, padded, norms before the parts"),
}
FORWARD = """
@jax.jit
def forward(params, batch):
    return model(**batch, params=params).last_hidden_state
params = jax.device_put(model.params)
batch = jax.device_put(batch)
"""
STEP = """
optimizer = optax.adamw(1e-5)
@jax.jit
def step(params, state, key, batch):
    def loss(params):
        return jnp.square(model(**batch, params=params, dropout_rng=key, train=True).last_hidden_state).mean()
    updates, state = optimizer.update(jax.grad(loss)(params), state, params)
    return optax.apply_updates(params, updates), state
params = jax.device_put(model.params)
state, key, batch = optimizer.init(params), jax.random.PRNGKey(0), jax.device_put(batch)
"""
WORDS = {
    "forward": (FORWARD + "forward(params, batch).block_until_ready()\n", "forward(params, batch).block_until_ready()"),
    "step": (
        STEP + "jax.block_until_ready(step(params, state, key, batch))\n",
        "jax.block_until_ready(step(params, state, key, batch))",
    ),
    "compile": (FORWARD, "jax.clear_caches(); jax.jit(forward.__wrapped__).lower(params, batch).compile()"),
}


def setup(environment: str, name: str, code: str) -> str:
    needs, batch, _ = BATCHES[name]
    first = 'import os; os.environ["USE_FLAX"] = "1"\nimport jax, jax.numpy as jnp, numpy as np, optax\n'
    return first + START[environment].format(name=name, needs=needs) + batch + code


def contenders(name: str, what: str) -> list[Contender]:
    code, timed = WORDS[what]
    return [Contender(place, place, timed, setup(place, name, code)) for place in START]


def entry(name: str, what: str, title: str, measures: str, rounds: int, at_most: float | None) -> Entry:
    needs, _, batch = BATCHES[name]
    return Entry(
        name=f"Flax: {title}, {name.removesuffix('Model')}",
        measures=f"`Flax{name}` on {batch}. {measures}",
        contenders=contenders(name, what),
        targets=[] if at_most is None else [Target(Metric.WALL, at_most, of=PEER)],
        needs=(needs,),
        rounds=rounds,
    )


COMPILED = "Jitted; the compilation is not timed."
ENTRIES = [
    *(
        entry(name, "forward", "forward", f"Evaluation. {COMPILED}", 5, 1.05)
        for name in ("DistilBertModel", "BertModel", "ViTModel", "Wav2Vec2Model")
    ),
    *(
        entry(name, "step", "step of training", f"Dropout, gradients and AdamW. {COMPILED}", 3, 1.05)
        for name in ("DistilBertModel", "ViTModel")
    ),
    *(
        entry(name, "compile", "compilation", "Tracing and compiling the forward pass.", 3, None)
        for name in ("DistilBertModel", "ViTModel")
    ),
]
