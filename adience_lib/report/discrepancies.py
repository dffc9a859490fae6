"""Where the paper disagrees with itself, its data or its tools: both figures of each row."""

import numpy as np
import pandas as pd

from adience_lib import models
from adience_lib.data import Dataset, adience
from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS
from adience_lib.evidence import paper
from adience_lib.models.layers import ALPHA, BETA, WINDOW
from adience_lib.models.networks import CROP
from adience_lib.models.summary import architecture_table
from adience_lib.protocol import PAPER
from adience_lib.runs.read import Runs

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

SEVERITY = {
    "The baseline": "high",
    "Faces behind the quoted baseline": "high",
    "Choice of the best epoch": "high",
    "Pooling": "medium",
    "Input of the transfer network": "medium",
    "Normalisations of the reduced network": "medium",
    "Local response normalisation": "medium",
    "Random crop": "medium",
    "Default Adam": "medium",
    "Spread in Table 3": "medium",
    "gamma": "medium",
    "Mirroring": "medium",
    "Images": "low",
    "Women": "low",
    "Convergence": "low",
    "Seconds an epoch": "low",
}
"""How much hangs on each topic. High: a claim of the paper rests on it. Medium: whoever rebuilds
the networks or reads the scores has to settle it. Low: no result changes with it."""


def discrepancies(dataset: Dataset, finished: dict[str, Runs]) -> pd.DataFrame:
    """A row a disagreement, indexed by topic: ``the paper``, ``found``, ``from`` (what found it).

    ``finished``: runs by model name, for the rows that only a training can fill.
    """
    rows = _about_networks() | _about_data(dataset) | _about_protocol() | _about_results(finished)
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


_Rows = dict[str, tuple[str, str, str]]


def _about_networks() -> _Rows:
    layers = [architecture_table(models.build(name)) for name in ("gender", "levi_hassner_gender")]
    reduced, published = (int(table["parameters"].sum()) for table in layers)
    work = [table["multiply_adds"].sum() / 1e6 for table in layers]
    pooling = models.build("gender").get_layer("functional_layer").get_layer("pooling_1")
    transfer = models.build("transfer")
    side = transfer.get_layer("functional_layer").input.shape[1]
    shape = " x ".join(str(n) for n in transfer.get_layer("features").input.shape[1:])
    built, definition = "the networks as built", "their published definition"
    return {
        "The baseline": (
            f"{paper.BASELINE_PARAMETERS:,} parameters, reduced "
            f"{paper.BASELINE_PARAMETERS / reduced:.1f}-fold",
            f"that is a network with stride 1 which Levi & Hassner never trained; theirs has "
            f"{published:,} ({published / reduced:.1f} times the reduced one) and {work[1]:.0f} "
            f"million multiply-adds, the reduced one {work[0]:.0f}",
            built,
        ),
        "Pooling": (
            "windows of 1x1 (Table 1)",
            f"its own output sizes need {pooling.pool_size[0]}x{pooling.pool_size[1]}",
            built,
        ),
        "Input of the transfer network": (
            f"{paper.TRANSFER_SIDE}x{paper.TRANSFER_SIDE} pixels (3.3)",
            f"Table 2's count needs {side}x{side}: a map of {shape}",
            built,
        ),
        "Normalisations of the reduced network": (
            "as the baseline, but for a quarter of the filters and units (3.1)",
            "Table 1 has three, after every pooling; Levi & Hassner's network has two, after the "
            "first two poolings",
            definition,
        ),
        "Local response normalisation": (
            "no parameters given",
            f"Levi & Hassner's: {WINDOW} channels, alpha {ALPHA:g}, beta {BETA:g}, bias 1",
            definition,
        ),
        "Random crop": (
            "crops of each image (3.4)",
            "Keras' layer draws one window a batch and resizes outside training; here each image "
            f"has its own {CROP}-pixel window, and the centre outside training",
            "the source of Keras 3.15",
        ),
    }


def _about_data(dataset: Dataset) -> _Rows:
    counts, origin = PUBLISHED, "the published fold files (not part of this run)"
    if dataset.name.startswith("adience"):
        counts, origin = _counts(adience.read_folds(dataset.root)), "the fold files of this run"
    theirs = paper.TABLE_3.loc["baseline"]
    return {
        "Images": (
            f"{paper.IMAGES:,} (2.1)",
            f"{counts['rows with both labels']:,} rows pass the paper's own filter, "
            f"{counts['distinct rows']:,} once exact repeats are dropped",
            origin,
        ),
        "Women": (f"about {paper.FEMALE_SHARE:.0%} (2.1)", f"{counts['female share']:.2%}", origin),
        "Faces behind the quoted baseline": (
            f"{theirs['gender']} and {theirs['age']} %, set beside its own scores",
            f"scored on the {counts['rows with a gender label']:,} rows with a gender and the "
            f"{counts['rows with an age label']:,} with an age, with ten crops; with one "
            "85.9 and 49.5 %",
            f"{origin}; the one-crop scores are second-hand",
        ),
    }


def _counts(rows: pd.DataFrame) -> dict[str, float]:
    """``PUBLISHED``, counted in the rows of fold files."""
    age, gender = rows["age"].isin(AGE_LABELS), rows["gender"].isin(GENDER_LABELS)
    both = rows[age & gender]
    return {
        "rows with both labels": len(both),
        "distinct rows": len(both.drop_duplicates()),
        "female share": (both["gender"] == "f").mean(),
        "rows with a gender label": int(gender.sum()),
        "rows with an age label": int(age.sum()),
    }


def _about_protocol() -> _Rows:
    report = "this report"
    return {
        "Default Adam": (
            "default values, alpha = 0.0001 (3.4)",
            f"Keras' default is 0.001; the text's {PAPER.learning_rate:g} is used",
            "Keras' documentation",
        ),
        "Spread in Table 3": (
            "standard error (caption), standard deviation (2.2)",
            "both are reported",
            report,
        ),
        "Choice of the best epoch": (
            "four folds train, the fifth tests; what is monitored is not said",
            f'monitor="{PAPER.monitor}" and the summed loss are our reading, and can make every '
            'score optimistic; monitor="held_out" is the clean way',
            report,
        ),
        "gamma": (
            "not given",
            f"{PAPER.gamma:g} is assumed; notebook 03 takes any other and compares",
            report,
        ),
        "Mirroring": (
            '"[1] only performed cropping" (3.4)',
            "their published training also mirrors",
            "their published definition",
        ),
    }


def _about_results(finished: dict[str, Runs]) -> _Rows:
    stops = paper.TABLE_3["epochs"]
    single, both = (f"{low} to {high}" for low, high in paper.SECONDS_AN_EPOCH.values())
    epochs, seconds = [], []
    for name, runs in finished.items():
        run, best = runs.records[["epochs", "best_epoch"]].mean()
        epochs.append(f"{name}: {run:.1f} epochs run, best {best:.1f}")
        size, an_epoch = runs.protocol.batch_size, runs.history["seconds"].mean()
        updates = np.ceil(runs.records["train"].iloc[0] / size)
        seconds.append(f"{name}: {an_epoch:.1f} for {updates:.0f} updates of {size} faces")
    return {
        "Convergence": (
            f'"after about 60 epochs" (4.1), yet average stops at {stops["gender"]} and '
            f"{stops['age']} (Table 3)",
            "; ".join(epochs) or "no finished runs",
            "the runs of this report",
        ),
        "Seconds an epoch": (
            f"{single} (one task), {both} (multi-task)",
            "; ".join(seconds) or "no finished runs",
            "the runs of this report, on their machine and faces",
        ),
    }
