"""Where the paper disagrees with itself, its data or its tools: both figures of each row."""

import re
from typing import Any

import pandas as pd

from adience_lib import models
from adience_lib.data import Dataset, adience
from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS
from adience_lib.evidence import paper
from adience_lib.models import layers
from adience_lib.models.networks import CROP
from adience_lib.models.summary import architecture_table
from adience_lib.protocol import PAPER
from adience_lib.runs.read import FROZEN, Runs

PUBLISHED = {
    "rows with both labels": 16_258,
    "distinct rows": 16_156,
    "female share": 0.5249,
    "rows with a gender label": 17_603,
    "rows with an age label": 17_424,
}
"""Counts over Adience's five published fold files, counted anew whenever the dataset is Adience."""

BETWEEN_LABELS = {"35": 294, "22": 149, "3": 18}
"""Rows of those files by their age, of three that lie between the labels and are dropped."""

_ROWS = """
high | The baseline | the networks as built
{paper.BASELINE_PARAMETERS:,} parameters, reduced {claimed:.1f}-fold
that is a network with stride 1 which Levi & Hassner never trained; theirs has {weights[1]:,}
  ({times:.1f} times the reduced one) and {work[1]:.0f} million multiply-adds, the reduced one
  {work[0]:.0f}

medium | Pooling | the networks as built
windows of 1x1 (Table 1)
its own output sizes need {pooling[0]}x{pooling[1]}

medium | Input of the transfer network | the networks as built
{paper.TRANSFER_SIDE}x{paper.TRANSFER_SIDE} pixels (3.3)
Table 2's count needs {side}x{side}: a map of {features}

medium | Normalisations of the reduced network | their published definition
as the baseline, but for a quarter of the filters and units (3.1)
Table 1 has three, after every pooling; Levi & Hassner's network has two, after the first two
  poolings

medium | Local response normalisation | their published definition
no parameters given
Levi & Hassner's: {layers.WINDOW} channels, alpha {layers.ALPHA:g}, beta {layers.BETA:g}, bias 1

medium | Random crop | the source of Keras 3.15
crops of each image (3.4)
Keras' layer draws one window a batch and resizes outside training; here each image has its own
  {CROP}-pixel window, and the centre outside training

low | Images | {origin}
{paper.IMAGES:,} (2.1)
{counts[rows with both labels]:,} rows pass the paper's own filter, {counts[distinct rows]:,} once
  exact repeats are dropped

low | Women | {origin}
about {paper.FEMALE_SHARE:.0%} (2.1)
{counts[female share]:.2%}

high | Faces behind the quoted baseline | {origin}; the one-crop scores are second-hand
{paper.TABLE_3.gender.baseline} and {paper.TABLE_3.age.baseline} %, set beside its own scores
scored on the {counts[rows with a gender label]:,} rows with a gender and the
  {counts[rows with an age label]:,} with an age, with ten crops; with one 85.9 and 49.5 %

medium | Default Adam | Keras' documentation
default values, alpha = 0.0001 (3.4)
Keras' default is 0.001; the text's {PAPER.learning_rate:g} is used

medium | Spread in Table 3 | this report
standard error (caption), standard deviation (2.2)
95 % intervals stand in place of both

high | Choice of the best epoch | this report
four folds train, the fifth tests; what is monitored is not said
monitor="{PAPER.monitor}" and the summed loss are our reading, and can make every score optimistic;
  monitor="held_out" is the clean way

medium | gamma | this report
not given
{PAPER.gamma:g} is assumed; notebook 03 takes any other and compares

medium | Mirroring | their published definition
"[1] only performed cropping" (3.4)
their published training also mirrors

low | Convergence | the runs of this report
"after about 60 epochs" (4.1), yet average stops at {paper.TABLE_3.epochs.gender} and
  {paper.TABLE_3.epochs.age} (Table 3)
{epochs}
"""
"""A block a row: how much hangs on it, its topic, and what found it; the paper's figure; ours.
High: a claim of the paper rests on it. Medium: whoever rebuilds the networks or reads the scores
has to settle it. Low: no result changes with it."""

_BLOCKS = [
    re.split(r" \| |\n", block.replace("\n  ", " ")) for block in _ROWS.strip().split("\n\n")
]

SEVERITY = {topic: severity for severity, topic, *_ in _BLOCKS}


def discrepancies(dataset: Dataset, finished: dict[str, Runs]) -> pd.DataFrame:
    """A row a disagreement, indexed by topic: ``the paper``, ``found``, ``from`` (what found it).
    ``finished``: runs by model name, for the rows that only a training can fill."""
    counts, origin = _counts(dataset)
    facts: dict[str, Any] = {"paper": paper, "PAPER": PAPER, "layers": layers, "CROP": CROP}
    facts |= {"counts": counts, "origin": origin} | _of_networks() | _of_runs(finished)
    rows = {
        topic: [words.format_map(facts) for words in (theirs, found, source)]
        for _, topic, source, theirs, found in _BLOCKS
    }
    columns = ["the paper", "found", "from"]
    return pd.DataFrame.from_dict(rows, "index", columns=columns).rename_axis("topic")


def numbered(entries: pd.DataFrame) -> pd.DataFrame:
    """The table of ``discrepancies`` with the severity of each row, the highest first, numbered
    from 1. Raises KeyError for a topic that has none in ``SEVERITY``."""
    severities = [SEVERITY[topic] for topic in entries.index]
    severity = pd.Categorical(severities, ["high", "medium", "low"])
    rows = entries.reset_index().assign(severity=severity).sort_values("severity", kind="stable")
    rows.index = pd.RangeIndex(1, len(rows) + 1, name="no.")
    return rows[["severity", "topic", "the paper", "found", "from"]]


def _counts(dataset: Dataset) -> tuple[dict[str, float], str]:
    """``PUBLISHED``, counted anew where the dataset is Adience, and what was counted."""
    if not dataset.name.startswith("adience"):
        return PUBLISHED, "the published fold files (not part of this run)"
    rows = adience.read_folds(dataset.root)
    age, gender = rows["age"].isin(AGE_LABELS), rows["gender"].isin(GENDER_LABELS)
    both = rows[age & gender]
    counts = {
        "rows with both labels": len(both),
        "distinct rows": len(both.drop_duplicates()),
        "female share": (both["gender"] == "f").mean(),
        "rows with a gender label": int(gender.sum()),
        "rows with an age label": int(age.sum()),
    }
    return counts, "the fold files of this run"


def _of_networks() -> dict[str, Any]:
    tables = [architecture_table(models.build(name)) for name in ("gender", "levi_hassner_gender")]
    weights = [int(table["parameters"].sum()) for table in tables]
    pooling = models.build("gender").get_layer("functional_layer").get_layer("pooling_1")
    transfer = models.build("transfer")
    return {
        "weights": weights,
        "claimed": paper.BASELINE_PARAMETERS / weights[0],
        "times": weights[1] / weights[0],
        "work": [table["multiply_adds"].sum() / 1e6 for table in tables],
        "pooling": pooling.pool_size,
        "side": transfer.get_layer("functional_layer").input.shape[1],
        "features": " x ".join(str(n) for n in transfer.get_layer("features").input.shape[1:]),
    }


def _of_runs(finished: dict[str, Runs]) -> dict[str, Any]:
    trained = {name: runs for name, runs in finished.items() if name not in FROZEN}
    epochs = []
    for name, runs in trained.items():
        run, best = runs.records[["epochs", "best_epoch"]].mean()
        epochs.append(f"{name}: {run:.1f} epochs run, best {best:.1f}")
    return {"epochs": "; ".join(epochs) or "no finished runs"}
