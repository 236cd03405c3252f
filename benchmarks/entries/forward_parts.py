"""Encoders of parts by name, against the architecture elsewhere that has nearly the same parts."""

from ..entry import Contender, Entry

WIDTH, LAYERS, HEADS, INNER, LENGTH, REACH = 384, 6, 6, 1024, 2048, 64

SIZES = (
    f"vocab_size=50368, hidden_size={WIDTH}, num_hidden_layers={LAYERS}, num_attention_heads={HEADS},"
    f" intermediate_size={INNER}"
)
IDS = f"ids = torch.randint(1000, 30000, (2, {LENGTH}), generator=torch.Generator().manual_seed(0))\n"


def ours(attention: str, training: bool) -> str:
    return (
        "import torch\nfrom dovela import EncoderConfig, EncoderModel\n"
        f"config = EncoderConfig({SIZES}, attention={attention}, window={REACH},\n"
        "    positions='rotary', norm_order='pre', feed_forward='geglu', qkv_bias=False,\n"
        "    attention_dropout=0.0, dropout=0.0)\n"
        f"model = EncoderModel(config, add_pooling_layer=False).train({training})\n"
        f"torch.set_grad_enabled({training})\n" + IDS
    )


def theirs(every: int, training: bool) -> str:
    return (
        "import torch\nfrom transformers import ModernBertConfig, ModernBertModel\n"
        f"config = ModernBertConfig({SIZES}, global_attn_every_n_layers={every},\n"
        f"    local_attention={2 * REACH}, max_position_embeddings={LENGTH}, attn_implementation='sdpa')\n"
        f"model = ModernBertModel(config).train({training})\n"
        f"torch.set_grad_enabled({training})\n" + IDS
    )


def contenders(timed: str, training: bool) -> list[Contender]:
    pattern = "['full', 'window', 'window']"
    return [
        Contender("dovela", "dovela", timed, ours(pattern, training)),
        Contender("dovela, every layer global", "dovela", timed, ours("'full'", training)),
        *(Contender(name, name, timed, theirs(3, training)) for name in ("transformers-4", "transformers-5")),
    ]


FORWARD = "hidden = model(input_ids=ids).last_hidden_state"
BACKWARD = f"{FORWARD}\nhidden.square().sum().backward()\nmodel.zero_grad()"
MEASURES = (
    f"2 x {LENGTH:,} tokens, {LAYERS} layers of width {WIDTH}: rotary positions, gated feed-forward, norms before the"
    f" parts, and attention that reaches {REACH} tokens in two layers of three. The peer's model is ModernBERT."
)

ENTRIES = [
    Entry(
        name="local-global encoder, forward",
        measures=f"{MEASURES} Evaluation, no gradient.",
        contenders=contenders(FORWARD, training=False),
        rounds=5,
    ),
    Entry(
        name="local-global encoder, forward and backward",
        measures=f"{MEASURES} Gradients of every parameter.",
        contenders=contenders(BACKWARD, training=True),
        rounds=3,
    ),
]
