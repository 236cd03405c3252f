"""The steps of `dovela tour`: cells that run in this order in one namespace, shown as they stand here.

`# %% Title` begins a step, `# %%` its next cell; one with `[words]` runs only where all of them hold (see ../cells.py).
What a cell's last expression gives is shown under it; False is a failed check. This is no module to import: the command
gives `source` (a checkpoint), `out` (a folder) and `text_file`.
"""
# mypy: ignore-errors
# ruff: noqa: B015, B018, B905, E402, F821, I001, SIM905

# %% A configuration: customise, save, reload
from dovela import DistilBertConfig

config = DistilBertConfig(activation="relu", attention_dropout=0.4)
config

# %%
config.save_pretrained(out / "config")
reloaded = DistilBertConfig.from_pretrained(out / "config")
reloaded.to_diff_dict()  # what differs from the defaults

# %%
reloaded == config

# %%
from dovela import ConfigError

try:
    DistilBertConfig(atention_dropout=0.4)  # a misspelt name is never passed over
except ConfigError as error:
    message = str(error)
message

# %% A model with random weights
from dovela import DistilBertModel

model = DistilBertModel(config)
f"{model.num_parameters():,} parameters, {model.get_memory_footprint() / 1e6:.0f} MB"

# %% Trained weights [bert]
from dovela import BertModel

bert, report = BertModel.from_pretrained(source, output_loading_info=True)
report

# %% [bert]
# The same weights as a DistilBERT. Parts have the same names in every architecture; the one thing
# that it lacks, the token type, is added to the positions.
shared = """vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size
            max_position_embeddings activation pad_token_id pruned_heads""".split()
config = DistilBertConfig(**{word: getattr(bert.config, word) for word in shared})
weights = {name: w for name, w in bert.state_dict().items() if not name.startswith("pooler.")}
first_type = weights.pop("embeddings.token_types.weight")[0]
weights["embeddings.positions.weight"] = weights["embeddings.positions.weight"] + first_type

distilbert = DistilBertModel(config).eval()
models = {"BERT": bert, "DistilBERT": distilbert}
distilbert.load_state_dict(weights)

# %% Trained weights [distilbert]
from dovela import DistilBertModel

distilbert, report = DistilBertModel.from_pretrained(source, output_loading_info=True)
models = {"DistilBERT": distilbert}
report

# %% Which sentences are alike? [built-in]
sentences = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]

# %% Which sentences are alike? [text]
from dovela.cli.sentences import read_sentences

sentences = read_sentences(text_file)
f"{len(sentences)} sentences"

# %%
import torch
from torch.nn.functional import normalize
from dovela import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(source)


# %%
def encode(texts):
    longest = min(128, distilbert.config.max_position_embeddings)
    batch = tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt")
    return batch["input_ids"], batch["attention_mask"]


# %%
@torch.no_grad()
def embed(model, texts):  # the mean over real tokens, of length 1: (B, D)
    ids, mask = encode(texts)
    states = model(ids, mask).last_hidden_state
    return normalize((states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))


# %%
cosines = {}
for name, model in models.items():
    vectors = torch.cat([embed(model, sentences[i : i + 32]) for i in range(0, len(sentences), 32)])
    cosines[name] = vectors @ vectors.T

# %% [few]
cosines

# %% [text]
n = len(sentences)
rows, columns = torch.triu_indices(n, n, offset=1)
best = cosines["DistilBERT"][rows, columns].topk(min(5, len(rows))).indices
pairs = list(zip(rows[best].tolist(), columns[best].tolist()))
scores = {name: [f"{matrix[i, j]:.4f}" for i, j in pairs] for name, matrix in cosines.items()}
scores | {"one": [sentences[i] for i, _ in pairs], "most like": [sentences[j] for _, j in pairs]}

# %% A head on top
from dovela import DistilBertForSequenceClassification

torch.manual_seed(0)
distilbert.save_pretrained(out / "distilbert")
classifier = DistilBertForSequenceClassification.from_pretrained(
    out / "distilbert", id2label={0: "other", 1: "weather"}
)

ids, mask = encode(sentences[:3])
classifier(ids, mask, labels=torch.tensor([1, 1, 0])[: len(ids)])

# %% Slow and fast tokens [built-in]
text = "Voussoirs (dovelas): crème brûlée, 東京!"

# %% Slow and fast tokens [text]
text = sentences[0]

# %%
slow = AutoTokenizer.from_pretrained(source, use_fast=False)  # written in Python
fast = AutoTokenizer.from_pretrained(source)  # on the Rust library
a, b = slow(text, return_offsets_mapping=True), fast(text, return_offsets_mapping=True)
{
    "id": a["input_ids"],
    "slow": a.tokens(),
    "fast": b.tokens(),
    "offsets, slow": a["offset_mapping"],
    "offsets, fast": b["offset_mapping"],
    "text": [text[start:end] for start, end in b["offset_mapping"]],
}

# %%
a.data == b.data

# %% Save, reload: equal to the bit
from dovela import AutoModelForSequenceClassification

classifier.save_pretrained(out / "classifier")
tokenizer.save_pretrained(out / "classifier")
again = AutoModelForSequenceClassification.from_pretrained(out / "classifier")
before, after = classifier.state_dict(), again.state_dict()
before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)
