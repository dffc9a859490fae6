"""Where the paper disagrees with itself, its data or its tools: both figures of each row."""

from collections.abc import Callable

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
"""Counts over Adience's five published fold files, for readers who do not have them yet. They
are counted anew, and used instead of these, whenever the dataset is Adience."""

BETWEEN_LABELS = {"35": 294, "22": 149, "3": 18}
"""Rows of Adience's five published fold files by their age, of three that the paper's filter drops
because they lie between its labels."""

SEVERITY = {
    "The baseline": "high",
    "Pooling": "medium",
    "Input of the transfer network": "medium",
    "Normalisations of the reduced network": "medium",
    "Local response normalisation": "medium",
    "Random crop": "medium",
    "Images": "low",
    "Women": "low",
    "Faces behind the quoted baseline": "high",
    "Default Adam": "medium",
    "Spread in Table 3": "medium",
    "Choice of the best epoch": "high",
    "gamma": "medium",
    "Mirroring": "medium",
    "Convergence": "low",
    "Seconds an epoch": "low",
}
"""How much hangs on each topic. High: a claim of the paper rests on it. Medium: whoever rebuilds
the networks or reads the scores has to settle it. Low: no result changes with it."""

LEVI_HASSNER_CENTRE_CROP = {"gender": 85.9, "age": 49.5}
"""Percent. The single-crop scores of Levi & Hassner's networks; second-hand, to be confirmed."""


def discrepancies(dataset: Dataset, finished: dict[str, Runs]) -> pd.DataFrame:
    """A row a disagreement, indexed by topic: ``the paper``, ``found``, ``from`` (what found it).

    ``finished``: runs by model name, for the rows that only a training can fill.
    """
    rows = [
        *_architecture_rows(),
        *_data_rows(*_counts(dataset)),
        *_protocol_rows(),
        *_result_rows(finished),
    ]
    return pd.DataFrame(rows, columns=["topic", "the paper", "found", "from"]).set_index("topic")


def numbered(entries: pd.DataFrame) -> pd.DataFrame:
    """The table of ``discrepancies`` with the severity of each row, the highest first, numbered
    from 1. Raises KeyError for a topic that has none in ``SEVERITY``."""
    order = ("high", "medium", "low")
    severity = [SEVERITY[topic] for topic in entries.index]
    rows = entries.reset_index().assign(severity=severity)
    rows = rows.sort_values("severity", key=lambda column: column.map(order.index), kind="stable")
    return rows.set_axis(range(1, len(rows) + 1)).rename_axis("no.")[
        ["severity", "topic", "the paper", "found", "from"]
    ]


def _counts(dataset: Dataset) -> tuple[dict[str, float], str]:
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


def _architecture_rows() -> list[tuple[str, str, str, str]]:
    reduced, published = _size("gender"), _size("levi_hassner_gender")
    pooling = models.build("gender").get_layer("functional_layer").get_layer("pooling_1")
    transfer = models.build("transfer")
    side = transfer.get_layer("functional_layer").input.shape[1]
    built = "the networks as built"
    return [
        (
            "The baseline",
            f"{paper.BASELINE_PARAMETERS:,} parameters, reduced "
            f"{paper.BASELINE_PARAMETERS / reduced[0]:.1f}-fold",
            f"that is a network with stride 1 which Levi & Hassner never trained; theirs has "
            f"{published[0]:,} ({published[0] / reduced[0]:.1f} times the reduced one) and "
            f"{published[1]:.0f} million multiply-adds, the reduced one {reduced[1]:.0f}",
            built,
        ),
        (
            "Pooling",
            "windows of 1x1 (Table 1)",
            f"its own output sizes need {pooling.pool_size[0]}x{pooling.pool_size[1]}",
            built,
        ),
        (
            "Input of the transfer network",
            f"{paper.TRANSFER_SIDE}x{paper.TRANSFER_SIDE} pixels (3.3)",
            f"Table 2's count needs {side}x{side}: a map of "
            f"{' x '.join(str(n) for n in transfer.get_layer('features').input.shape[1:])}",
            built,
        ),
        (
            "Normalisations of the reduced network",
            "as the baseline, but for a quarter of the filters and units (3.1)",
            "Table 1 has three, after every pooling; Levi & Hassner's network has two, after the "
            "first two poolings",
            "their published definition",
        ),
        (
            "Local response normalisation",
            "no parameters given",
            f"Levi & Hassner's: {WINDOW} channels, alpha {ALPHA:g}, beta {BETA:g}, bias 1",
            "their published definition",
        ),
        (
            "Random crop",
            "crops of each image (3.4)",
            "Keras' layer draws one window a batch and resizes outside training; here each image "
            f"has its own {CROP}-pixel window, and the centre outside training",
            "the source of Keras 3.15",
        ),
    ]


def _size(name: str) -> tuple[int, float]:
    table = architecture_table(models.build(name))
    return int(table["parameters"].sum()), table["multiply_adds"].sum() / 1e6


def _data_rows(counts: dict[str, float], origin: str) -> list[tuple[str, str, str, str]]:
    return [
        (
            "Images",
            f"{paper.IMAGES:,} (2.1)",
            f"{counts['rows with both labels']:,} rows pass the paper's own filter, "
            f"{counts['distinct rows']:,} once exact repeats are dropped",
            origin,
        ),
        (
            "Women",
            f"about {paper.FEMALE_SHARE:.0%} (2.1)",
            f"{counts['female share']:.2%}",
            origin,
        ),
        (
            "Faces behind the quoted baseline",
            f"{paper.TABLE_3.loc['baseline', 'gender']} and "
            f"{paper.TABLE_3.loc['baseline', 'age']} %, set beside its own scores",
            f"scored on the {counts['rows with a gender label']:,} rows with a gender and the "
            f"{counts['rows with an age label']:,} with an age, with ten crops; with one "
            f"{LEVI_HASSNER_CENTRE_CROP['gender']} and {LEVI_HASSNER_CENTRE_CROP['age']} %",
            f"{origin}; the one-crop scores are second-hand",
        ),
    ]


def _protocol_rows() -> list[tuple[str, str, str, str]]:
    return [
        (
            "Default Adam",
            "default values, alpha = 0.0001 (3.4)",
            f"Keras' default is 0.001; the text's {PAPER.learning_rate:g} is used",
            "Keras' documentation",
        ),
        (
            "Spread in Table 3",
            "standard error (caption), standard deviation (2.2)",
            "both are reported",
            "this report",
        ),
        (
            "Choice of the best epoch",
            "four folds train, the fifth tests; what is monitored is not said",
            f'monitor="{PAPER.monitor}" and the summed loss are our reading, and can make every '
            'score optimistic; monitor="held_out" is the clean way',
            "this report",
        ),
        (
            "gamma",
            "not given",
            f"{PAPER.gamma:g} is assumed; notebook 03 takes any other and compares",
            "this report",
        ),
        (
            "Mirroring",
            '"[1] only performed cropping" (3.4)',
            "their published training also mirrors",
            "their published definition",
        ),
    ]


def _result_rows(finished: dict[str, Runs]) -> list[tuple[str, str, str, str]]:
    stops = paper.TABLE_3["epochs"].dropna()
    low, high = paper.SECONDS_AN_EPOCH["single task"]
    return [
        (
            "Convergence",
            f'"after about 60 epochs" (4.1), yet average stops at {stops["gender"]} and '
            f"{stops['age']} (Table 3)",
            _each(finished, _epochs),
            "the runs of this report",
        ),
        (
            "Seconds an epoch",
            f"{low} to {high} (one task), {paper.SECONDS_AN_EPOCH['multi-task'][0]} to "
            f"{paper.SECONDS_AN_EPOCH['multi-task'][1]} (multi-task)",
            _each(finished, _seconds),
            "the runs of this report, on their machine and faces",
        ),
    ]


def _each(finished: dict[str, Runs], words: Callable[[Runs], str]) -> str:
    if not finished:
        return "no finished runs"
    return "; ".join(f"{name}: {words(runs)}" for name, runs in finished.items())


def _epochs(runs: Runs) -> str:
    epochs, best = runs.records["epochs"].mean(), runs.records["best_epoch"].mean()
    return f"{epochs:.1f} epochs run, best {best:.1f}"


def _seconds(runs: Runs) -> str:
    records = runs.records.iloc[0]
    updates = np.ceil(records["train"] / runs.protocol.batch_size)
    seconds = runs.history["seconds"].mean()
    return f"{seconds:.1f} for {updates:.0f} updates of {runs.protocol.batch_size} faces"
