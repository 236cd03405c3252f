"""The steps of `dovela tour` with images; see text.py beside it. Trains on scikit-learn's digits."""
# mypy: ignore-errors
# ruff: noqa: B015, B018, E402, F821, I001

# %% Images: an extractor
from sklearn.datasets import load_digits

digits = load_digits()  # real ones, written by 43 people: 8 x 8 pixels of 0 … 16
scans = [(image * 255 / 16).astype("uint8") for image in digits.images]
f"{len(scans):,} images of {scans[0].shape}; the first are {digits.target[:10].tolist()}"

# %%
from dovela import ViTFeatureExtractor

extractor = ViTFeatureExtractor(size=8)
extractor

# %%
pixels = extractor(scans, return_tensors="pt")["pixel_values"]
f"{tuple(pixels.shape)}, from {pixels.min():.1f} to {pixels.max():.1f}"

# %% A small ViT of one's own, trained
import torch
from dovela import ViTConfig, ViTForImageClassification

torch.manual_seed(0)
config = ViTConfig(
    image_size=8,
    patch_size=2,
    hidden_size=64,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=128,
    num_labels=10,
    initializer_range=0.08,  # wider than the usual 0.02: so small a model starts faster
)
vit = ViTForImageClassification(config).train()
f"{vit.num_parameters():,} parameters"

# %%
from rich.progress import track

labels = torch.tensor(digits.target)
held_out, seen = torch.randperm(len(labels)).split([360, len(labels) - 360])
batches = [batch for _ in range(30) for batch in seen[torch.randperm(len(seen))].split(32)]

optimizer = torch.optim.AdamW(vit.parameters())
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=len(batches))
for batch in track(batches, "training"):
    loss = vit(pixels[batch], labels=labels[batch]).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()

# %%
with torch.no_grad():
    logits = vit.eval()(pixels[held_out]).logits
accuracy = (logits.argmax(-1) == labels[held_out]).float().mean().item()
f"{accuracy:.1%} of {len(held_out)} digits that it has not seen are right"

# %%
accuracy >= 0.95

# %% Save, reload, look
from dovela import AutoFeatureExtractor, AutoModelForImageClassification

vit.save_pretrained(out / "digits")
extractor.save_pretrained(out / "digits")
again = AutoModelForImageClassification.from_pretrained(out / "digits")
prepare = AutoFeatureExtractor.from_pretrained(out / "digits")
unseen = [scans[i] for i in held_out]
with torch.no_grad():
    same = torch.equal(again(**prepare(unseen, return_tensors="pt")).logits, logits)
same

# %%
from dovela.cli.picture import predictions

predictions(out / "digits.png", unseen, logits.argmax(-1).tolist(), labels[held_out].tolist())
