"""Spoken digits from the waveform: a small Wav2Vec2 trained from nothing, on speakers that it is not tested on.

    python examples/spoken_digits.py classify RECORDINGS    # which digit is it?
    python examples/spoken_digits.py ctc RECORDINGS         # write down a row of one to four digits, letter by letter

RECORDINGS is the folder, or the tar.gz of it, of the Free Spoken Digit Dataset (CC BY-SA 4.0): 3,000 clips at 8 kHz
of six speakers, https://github.com/Jakobovski/free-spoken-digit-dataset. Theo and yweweler are only ever tested on.
Needs: pip install "dovela[torch,audio]"
"""

from __future__ import annotations

import argparse
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from rich.progress import track

from dovela import (
    Wav2Vec2Config,
    Wav2Vec2CTCTokenizer,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    Wav2Vec2ForSequenceClassification,
    Wav2Vec2Processor,
)

RATE, HELD_OUT = 8000, {"theo", "yweweler"}
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
SYMBOLS = ["<pad>", "<unk>", "|", *sorted(set("".join(WORDS)))]
SPEEDS = (0.8, 0.9, 1.0, 1.1, 1.25)  # each recording is also heard faster and slower, as of other speakers


@dataclass(frozen=True)
class Recording:
    samples: np.ndarray  # float32, at RATE
    digit: int
    speaker: str


def read(source: Path) -> list[Recording]:
    """All recordings, named like 7_theo_12.wav."""
    if source.is_dir():
        files = {path.name: path.read_bytes() for path in source.rglob("*.wav")}
    else:
        with tarfile.open(source) as archive:
            members = [member for member in archive if member.name.endswith(".wav")]
            files = {Path(member.name).name: archive.extractfile(member).read() for member in members}
    recordings = []
    for name, content in sorted(files.items()):
        digit, speaker, _ = name.split("_")
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        recordings.append(
            Recording(samples if rate == RATE else soxr.resample(samples, rate, RATE), int(digit), speaker)
        )
    return recordings


def varied(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """At another speed, with silence around it and noise over it."""
    samples = soxr.resample(samples, RATE, RATE / rng.choice(SPEEDS))
    samples = np.pad(samples, tuple(rng.integers(0, RATE // 10, 2)))
    noise = samples.std() * 10 ** rng.uniform(-3, -0.7)
    return samples + rng.normal(0, noise, len(samples)).astype(np.float32)


def joined(recordings: list[Recording], rng: np.random.Generator) -> list[list[Recording]]:
    """Rows of one to four recordings, each of one speaker; every recording is in one row."""
    rows = []
    for speaker in sorted({recording.speaker for recording in recordings}):
        own = [recording for recording in recordings if recording.speaker == speaker]
        own = [own[i] for i in rng.permutation(len(own))]
        while own:
            count = int(rng.integers(1, 5))
            rows.append(own[:count])
            own = own[count:]
    return [rows[i] for i in rng.permutation(len(rows))]


def make_config(**more: object) -> Wav2Vec2Config:
    """0.5 million parameters, a frame every 20 ms: at 8 kHz, 160 samples."""
    return Wav2Vec2Config(
        conv_dim=[64, 64, 64],
        conv_kernel=[40, 8, 4],
        conv_stride=[20, 4, 2],
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        hidden_size=128,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=256,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        initializer_range=0.05,
        layerdrop=0.0,
        mask_time_prob=0.1,
        mask_time_length=5,
        mask_feature_prob=0.1,
        mask_feature_length=8,
        **more,
    )


def train(model, epochs: list, peak: float = 2e-3) -> None:
    """AdamW, one cycle of the learning rate. `epochs` are lists of batches, each made when it is called."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=peak)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak, total_steps=sum(map(len, epochs)), pct_start=0.15)
    model.train()
    for number, batches in enumerate(epochs, 1):
        losses = []
        for batch in track(batches, f"epoch {number:2} of {len(epochs)}", transient=True):
            loss = model(**batch()).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.detach())
        print(f"epoch {number:2} of {len(epochs)}: loss {torch.stack(losses).mean():.3f}", flush=True)
    model.eval()


def chunks(items: list, size: int) -> list[list]:
    return [items[i : i + size] for i in range(0, len(items), size)]


def classify(seen: list[Recording], unseen: list[Recording], epochs: int, out: Path | None) -> float:
    """The share of unseen speakers' digits that are told right."""
    rng = np.random.default_rng(0)
    extractor = Wav2Vec2FeatureExtractor(sampling_rate=RATE, return_attention_mask=True)
    model = Wav2Vec2ForSequenceClassification(
        make_config(id2label=dict(enumerate(WORDS)), classifier_proj_size=128, vocab_size=len(SYMBOLS))
    )

    def prepared(recordings, vary):
        clips = [varied(r.samples, rng) if vary else r.samples for r in recordings]
        batch = extractor(clips, sampling_rate=RATE, padding=True, return_tensors="pt")
        return {**batch, "labels": torch.tensor([r.digit for r in recordings])}

    def make_batches():
        order = [seen[i] for i in rng.permutation(len(seen))]
        return [lambda part=part: prepared(part, vary=True) for part in chunks(order, 32)]

    train(model, [make_batches() for _ in range(epochs)])
    right = 0
    with torch.no_grad():
        for part in chunks(sorted(unseen, key=lambda r: len(r.samples)), 50):
            batch = prepared(part, vary=False)
            right += int((model(**batch).logits.argmax(-1) == batch["labels"]).sum())
    if out is not None:
        model.save_pretrained(out)
        extractor.save_pretrained(out)
    return right / len(unseen)


def transcribe(seen: list[Recording], unseen: list[Recording], epochs: int, out: Path | None) -> float:
    """The word error rate on rows of unseen speakers' digits."""
    rng = np.random.default_rng(0)
    processor = Wav2Vec2Processor(
        feature_extractor=Wav2Vec2FeatureExtractor(sampling_rate=RATE, return_attention_mask=True),
        tokenizer=Wav2Vec2CTCTokenizer({symbol: i for i, symbol in enumerate(SYMBOLS)}, bos_token=None, eos_token=None),
    )
    pad = processor.tokenizer.pad_token_id
    model = Wav2Vec2ForCTC(
        make_config(vocab_size=len(SYMBOLS), pad_token_id=pad, ctc_loss_reduction="mean", ctc_zero_infinity=True)
    )

    def prepared(rows, vary):
        clips = [np.concatenate([varied(r.samples, rng) if vary else r.samples for r in row]) for row in rows]
        texts = [" ".join(WORDS[r.digit] for r in row) for row in rows]
        batch = processor(clips, text=texts, sampling_rate=RATE, padding=True, return_tensors="pt")
        labels = batch["labels"]
        return {**batch, "labels": labels.masked_fill(labels == pad, -100)}

    def make_batches():
        return [lambda part=part: prepared(part, vary=True) for part in chunks(joined(seen, rng), 16)]

    train(model, [make_batches() for _ in range(epochs)])
    wrong = words = 0
    with torch.no_grad():
        for part in chunks(joined(unseen, np.random.default_rng(1)), 25):
            batch = prepared(part, vary=False)
            batch.pop("labels")
            heard = processor.batch_decode(model(**batch).logits.argmax(-1))
            for row, text in zip(part, heard, strict=True):
                wrong += edits([WORDS[r.digit] for r in row], text.split())
                words += len(row)
    if out is not None:
        model.save_pretrained(out)
        processor.save_pretrained(out)
    return wrong / words


def edits(one: list[str], other: list[str]) -> int:
    """Levenshtein's distance: insertions, deletions and replacements."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["classify", "ctc"])
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--epochs", type=int, default=None, help="40 for classify, 60 for ctc")
    parser.add_argument("--out", type=Path, help="save the trained model in this folder")
    given = parser.parse_args()
    torch.manual_seed(0)
    recordings = read(given.recordings)
    seen = [r for r in recordings if r.speaker not in HELD_OUT]
    unseen = [r for r in recordings if r.speaker in HELD_OUT]
    print(f"{len(seen):,} recordings to train on, {len(unseen):,} of other speakers to test on")
    if given.task == "classify":
        print(f"right: {classify(seen, unseen, given.epochs or 40, given.out):.1%}")
    else:
        print(f"word error rate: {transcribe(seen, unseen, given.epochs or 60, given.out):.1%}")


if __name__ == "__main__":
    main()
