"""From texts to ids: everything a tokenizer is waited for.

"dovela" is `DistilBertTokenizer`, the engine in Python; "dovela, fast" is `DistilBertTokenizerFast`.
"""

from ..entry import Contender, Entry, Metric, Target

FAST = "dovela, fast"
BOTH = {"dovela": ("dovela", "dovela", ""), FAST: ("dovela", "dovela", "Fast")}
PEERS = {
    "transformers-4, fast": ("transformers-4", "transformers", "Fast"),
    "transformers-5, fast": ("transformers-5", "transformers", "Fast"),
}
SLOW = {"transformers-4, slow": ("transformers-4", "transformers", "")}
"""Label -> (environment, library, ending of the class name). 5.x has the fast tokenizer alone, under both names."""

LISTS = "made = tokenizer(texts); rows = made['input_ids'], made['attention_mask']"
LOAD = "tokenizer = DistilBertTokenizerENGINE.from_pretrained(FOLDER)"
READ = "texts = open(TEXT, encoding='utf-8', newline='\\n').read().split('\\n')"
BATCHES = "for at in range(0, len(texts), 256): made = tokenizer(texts[at : at + 256]OPTIONS)['input_ids']"
IMPORT = "from LIBRARY import DistilBertTokenizerENGINE"
RUST = "rows = [made.ids for made in tokenizer.encode_batch_fast(texts)]"
CLASSES = "`DistilBertTokenizer` is dovela's engine in Python, `DistilBertTokenizerFast` its other one."
NOT_SLOWER = Target(Metric.WALL, 1.05, of="dovela", who=FAST)
"""Never slower; where both are one engine the ratio is 1 and noise decides on which side, hence the 5 %."""


def filled(code: str, text: str, folder: str, engine: str = "", library: str = "") -> str:
    """`code` with its placeholders replaced."""
    values = {"TEXT": text, "FOLDER": folder, "ENGINE": engine, "LIBRARY": library}
    for name, value in values.items():
        code = code.replace(name, value)
    return code


def libraries(
    text: str,
    timed: str = LISTS,
    *,
    of: dict = BOTH | PEERS,
    setup: str = f"{IMPORT}; {LOAD}; {READ}",
    before: str = "",
    folder: str = "bert_uncased",
    suffix: str = "",
) -> list[Contender]:
    """`timed` with each library's tokenizer on the file `text`."""
    return [
        Contender(
            label + suffix,
            environment,
            *(filled(code, text, folder, engine, library) for code in (timed, setup, before)),
        )
        for label, (environment, library, engine) in of.items()
    ]


def rust(cores: int, text: str, timed: str = RUST) -> Contender:
    """The bare package `tokenizers`, called for ids alone."""
    parallel = str(cores > 1).lower()
    setup = (
        f"import os; os.environ.update(RAYON_NUM_THREADS='{cores}', TOKENIZERS_PARALLELISM='{parallel}')\n"
        "from tokenizers import Tokenizer; tokenizer = Tokenizer.from_file(f'{bert_uncased}/tokenizer.json')\n"
    )
    return Contender(
        f"tokenizers, {'one core' if cores == 1 else 'two cores'}", "python", timed, setup + READ.replace("TEXT", text)
    )


def engines(text: str) -> list[Contender]:
    """Specialised engines, each asked for lists of ids; none of them has the rest of a tokenizer's contract."""
    read = READ.replace("TEXT", text)
    return [
        Contender(
            "tokie",
            "engines",
            "rows = [made.ids for made in tokenizer.encode_batch(texts)]",
            f"import tokie; tokenizer = tokie.Tokenizer.from_json(f'{{bert_uncased}}/tokenizer.json'); {read}",
        ),
        Contender(
            "nanotoken",
            "engines",
            "rows = tokenizer.encode_batch_list(texts)",
            f"import nanotoken; tokenizer = nanotoken.Tokenizer(f'{{bert_uncased}}/tokenizer.json'); {read}",
        ),
        Contender(
            "nanotoken, flat arrays",
            "engines",
            "rows = tokenizer.encode_batch(texts)",
            f"import nanotoken; tokenizer = nanotoken.Tokenizer(f'{{bert_uncased}}/tokenizer.json'); {read}",
        ),
        Contender(
            "blingfire",
            "engines",
            "rows = [text_to_ids(model, text, len(text) + 2, 100, True).tolist() for text in texts]",
            "import os, blingfire; from blingfire import load_model, text_to_ids\n"
            "model = load_model(os.path.join(os.path.dirname(blingfire.__file__), 'bert_base_tok.bin'))\n"
            f"{read}",
        ),
    ]


def entry(name: str, measures: str, text: str, contenders: list[Contender], **more: object) -> Entry:
    """An entry of this topic: five rounds, on one text with one tokenizer."""
    return Entry(name, measures, contenders, **{"needs": ("bert_uncased", text), "rounds": 5} | more)


def everyone(text: str) -> list[Contender]:
    """Whoever can turn texts into lists of ids."""
    return [*libraries(text), rust(1, text), rust(2, text), *engines(text)]


def against(ratio: float, *labels: str, who: str = "dovela") -> tuple[Target, ...]:
    """At most `ratio` times each of `labels`."""
    return tuple(Target(Metric.WALL, ratio, of=label, who=who) for label in labels)


def returns(name: str, options: str) -> Entry:
    """Batches of 256 texts in another kind of container."""
    return entry(
        f"tokenize in batches, {name}",
        f"1 MB of English lines, 256 at a time: `tokenizer(batch{options})`.",
        "sample",
        libraries("sample", BATCHES.replace("OPTIONS", options)),
        targets=(NOT_SLOWER,),
    )


def added(count: int, encoding: bool) -> Entry:
    """Loading or encoding with added tokens, beside the same without."""
    some, suffix = f"bert_added_{count}", ", none added"
    how: dict[str, object] = {} if encoding else {"timed": LOAD, "setup": IMPORT}
    most = 1.5 if encoding else 2.0
    return entry(
        f"{'tokenize' if encoding else 'load'} with {count:,} added tokens",
        "1 MB of English lines, one added token in every tenth." if encoding else "`from_pretrained` on a folder.",
        "mentions",
        [
            *libraries("mentions", folder=some, **how),
            *libraries("mentions", of=BOTH, suffix=suffix, **how),
        ],
        needs=("bert_uncased", some, "mentions"),
        targets=(
            *against(most, f"dovela{suffix}"),
            *against(most, f"{FAST}{suffix}", who=FAST),
            NOT_SLOWER,
        ),
    )


def added_and_used() -> Entry:
    """Loading with added tokens and the first text: what is put off at loading is paid for here."""
    some, suffix = "bert_added_50000", ", none added"
    how = {"timed": f"{LOAD}; row = tokenizer('Hello, name00001x.')['input_ids']", "setup": IMPORT}
    return entry(
        "load with 50,000 added tokens and encode one text",
        "`from_pretrained` on a folder, then one short text: files are read in full only when a text needs them.",
        "mentions",
        [
            *libraries("mentions", folder=some, **how),
            *libraries("mentions", of=BOTH, suffix=suffix, **how),
        ],
        needs=("bert_uncased", some, "mentions"),
    )


LEAST = Contender(
    "re and dict alone",
    "python",
    "rows = [list(map(known, words(text))) for text in texts]",
    "import re; words = re.compile(r'\\w+|[^\\w\\s]').findall; "
    + READ.replace("TEXT", "prose")
    + "; known = {word: i for i, word in enumerate(set(words(' '.join(texts))))}.__getitem__",
)
"""The floor: cutting the same texts into words and looking each up, without special tokens, masks or rows."""


ENTRIES = [
    entry(
        "tokenize English prose",
        f"6 MB of English lines into lists: `tokenizer(texts)`, all texts in one call. {CLASSES}",
        "prose",
        [*everyone("prose"), LEAST],
        targets=(
            *against(1 / 3.5, "transformers-5, fast"),
            *against(1 / 6, "tokenizers, one core"),
            *against(1 / 2.5, "tokenizers, two cores"),
            NOT_SLOWER,
        ),
        note="MB/s are 6 over the seconds. `tokenizers` is called by `encode_batch_fast`, which keeps no offsets. "
        "Every turn has the same texts, so a cache of words is full: the entry on the first pass is the other end. "
        "tokie, nanotoken and blingfire make ids and little else: no offsets into the text as given, no overflow, "
        "no tokenizers of one's own; blingfire adds no special tokens and has its own compiled copy of the vocabulary.",
    ),
    entry(
        "tokenize beside the slow tokenizer of 4.x",
        "1 MB of English lines into lists.",
        "sample",
        libraries("sample", of=BOTH | SLOW),
        targets=(*against(1 / 30, "transformers-4, slow"), NOT_SLOWER),
    ),
    entry(
        "tokenize English prose, first pass",
        "6 MB of English lines into lists with a tokenizer that was just loaded (loading is not timed): no word is "
        "in a cache yet.",
        "prose",
        libraries("prose", setup=f"{IMPORT}; {READ}", before=LOAD),
        targets=(*against(1 / 2, "transformers-5, fast"), NOT_SLOWER),
    ),
    entry(
        "tokenize nine languages",
        "1.5 MB of Arabic, Chinese, French, German, Hindi, Korean, Russian, Thai and Turkish lines, in turn.",
        "languages",
        everyone("languages"),
        targets=(*against(1 / 2.5, "transformers-5, fast"), NOT_SLOWER),
    ),
    entry(
        "tokenize short texts",
        "0.4 MB of text messages, 80 characters each or so.",
        "messages",
        everyone("messages"),
        targets=(NOT_SLOWER,),
    ),
    entry(
        "tokenize one long text",
        "A single text of 1 MB.",
        "long_text",
        everyone("long_text"),
        targets=(NOT_SLOWER,),
    ),
    entry(
        "tokenize with offsets",
        "1 MB of English lines: `tokenizer(texts, return_offsets_mapping=True)`, beside the call without offsets.",
        "sample",
        [
            *libraries("sample", "rows = tokenizer(texts, return_offsets_mapping=True)['offset_mapping']"),
            *libraries("sample", suffix=", without", of=BOTH | PEERS),
        ],
        targets=(*against(1 / 2.5, "transformers-5, fast, without", who=FAST), NOT_SLOWER),
    ),
    returns("lists", ""),
    returns("padded numpy arrays", ", padding=True, return_tensors='np'"),
    returns("padded torch tensors", ", padding=True, return_tensors='pt'"),
    added(10, encoding=True),
    added(50_000, encoding=True),
    added(50_000, encoding=False),
    added_and_used(),
    entry(
        "tokenize in a new process",
        "Start Python, load the tokenizer, turn 1 MB of English lines into lists and keep them.",
        "sample",
        [
            Contender(made.label, made.environment, f"{made.setup}\n{made.timed}")
            for made in [*libraries("sample"), rust(1, "sample")]
        ],
        mode="process",
        metrics=(Metric.WALL, Metric.PEAK),
        rounds=3,
    ),
]
