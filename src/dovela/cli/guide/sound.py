"""The steps of `dovela tour` with sound; see text.py beside it. The command gives `audio_file`."""
# mypy: ignore-errors
# ruff: noqa: B018, E402, F821, I001

# %% Sound: a processor of two halves
from dovela import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2Processor

symbols = ["<pad>", "<s>", "</s>", "<unk>", "|", *"ABCDEFGHIJKLMNOPQRSTUVWXYZ'"]  # | ends a word
processor = Wav2Vec2Processor(
    feature_extractor=Wav2Vec2FeatureExtractor(),
    tokenizer=Wav2Vec2CTCTokenizer({symbol: i for i, symbol in enumerate(symbols)}),
)
processor.feature_extractor

# %% [sample]
import soundfile

samples, rate = soundfile.read(audio_file)  # a telephone call
clip = {"array": samples[int(14.44 * rate) : int(17.77 * rate)], "sampling_rate": rate}
text = "AND I'M SHEILA IN TEXAS ORIGINALLY FROM CHICAGO"

# %% [recording]
import soundfile

half_a_minute = 30 * soundfile.info(audio_file).samplerate
samples, rate = soundfile.read(audio_file, frames=half_a_minute)
clip = {"array": samples, "sampling_rate": rate}
text = "WHAT IS SAID IN IT"

# %%
batch = processor(clip, text=text, return_tensors="pt", resample=True, mono=True)
wave = batch["input_values"]
f"{wave.shape[1] / 16_000:.2f} s at 16 kHz: mean {wave.mean():.4f}, deviation {wave.std():.4f}"

# %%
processor.decode(batch["labels"][0], group_tokens=False)  # labels, read back

# %% A small Wav2Vec2 of one's own, untrained
import torch
from dovela import Wav2Vec2Config, Wav2Vec2ForCTC

torch.manual_seed(0)
config = Wav2Vec2Config(
    hidden_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=192,
    conv_dim=[64] * 7,
    num_conv_pos_embedding_groups=4,
    vocab_size=len(symbols),
)
speech = Wav2Vec2ForCTC(config).eval()
with torch.no_grad():
    output = speech(**batch)
frame = config.inputs_to_logits_ratio / 16
f"{tuple(output.logits.shape)}: a frame is {frame:.0f} ms. CTC loss {output.loss:.1f}"

# %%
ids = output.logits[0].argmax(-1)
heard = processor.decode(ids, output_char_offsets=True)  # noise, until it is trained
heard.char_offsets[:3]

# %%
from dovela import AutoProcessor

processor.save_pretrained(out / "speech")
again = AutoProcessor.from_pretrained(out / "speech")
torch.equal(again(clip, return_tensors="pt", resample=True, mono=True)["input_values"], wave)
