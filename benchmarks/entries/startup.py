"""What a person waits for before the first line of their own code runs."""

from ..entry import Entry, Metric, Target, each_library, floor

ENTRIES = [
    Entry(
        name="a configuration in a new process",
        measures="Start Python, import a configuration class, make one.",
        mode="process",
        metrics=(Metric.CPU, Metric.PEAK),
        contenders=[
            *each_library("from LIBRARY import DistilBertConfig; DistilBertConfig()"),
            floor("bare Python", "pass"),
            floor("import dataclasses", "import dataclasses"),
        ],
        targets=(Target(Metric.CPU, 5, of="bare Python"), Target(Metric.PEAK, 20e6)),
        rounds=7,
    ),
    Entry(
        name="a model class in a new process",
        measures="Start Python, import a model class.",
        mode="process",
        metrics=(Metric.CPU, Metric.PEAK),
        contenders=[
            *each_library("from LIBRARY import DistilBertModel"),
            floor("import torch", "import torch"),
        ],
        targets=(Target(Metric.CPU, 1.10, of="import torch"),),
        rounds=5,
    ),
]
