"""From a speech model's best ids to text."""

from ..entry import Entry, Metric, Target, each_library

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", *"|ETAONIHSRDLUMWCFGYPBVK'XJQZ"]
FRAMES = (
    "import json, random\n"
    "from LIBRARY import Wav2Vec2CTCTokenizer\n"
    f"with open('ctc_vocab.json', 'w') as file: json.dump({{token: i for i, token in enumerate({TOKENS!r})}}, file)\n"
    "tokenizer = Wav2Vec2CTCTokenizer('ctc_vocab.json')\n"
    "import numpy as np\n"
    "rng = random.Random(0)\n"
    "def row(frames):\n"
    "    ids = []\n"
    "    while len(ids) < frames:\n"
    "        symbol = 4 if rng.random() < 0.18 else rng.randrange(5, 32)\n"
    "        ids += [symbol] * rng.choice((1, 1, 2)) + [0] * rng.choice((0, 1, 2, 3, 5))\n"
    "    return ids[:frames]\n"
    "ids = np.array([row(1500) for _ in range(32)])\n"
)
"""32 rows of 1,500 frames, 30 s of speech each: as in speech most frames are blank, and a word has five letters."""

BOTH_PEERS = [Target(Metric.WALL, 0.1, of=peer) for peer in ("transformers-4", "transformers-5")]


def decoding(name: str, measures: str, options: str, targets: list[Target]) -> Entry:
    return Entry(
        name=name,
        measures=f"`Wav2Vec2CTCTokenizer.batch_decode` of 32 rows of 1,500 best ids (30 s of speech each), {measures}.",
        contenders=each_library(f"made = tokenizer.batch_decode(ids{options})", FRAMES),
        targets=targets,
    )


ENTRIES = [
    decoding("CTC: ids to text", "an array", "", BOTH_PEERS),
    decoding(
        "CTC: ids to text and times of words", "with the offsets of words", ", output_word_offsets=True", BOTH_PEERS
    ),
    decoding(
        "CTC: ids to text and times of characters",
        "with the offsets of characters, a dictionary each",
        ", output_char_offsets=True",
        [],
    ),
    Entry(
        name="CTC: transcripts to labels",
        measures="`Wav2Vec2CTCTokenizer` called with 256 transcripts of 100 characters, padded.",
        contenders=each_library(
            "made = tokenizer(texts, padding=True)['input_ids']",
            f"{FRAMES}texts = [('THE QUICK BROWN FOX JUMPS OVER A LAZY DOG ' * 4)[i % 40 :][:100] for i in range(256)]",
        ),
    ),
]
