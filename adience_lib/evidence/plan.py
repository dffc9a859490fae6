"""How often the planned study supports each criterion, if the paper's own numbers are the truth."""

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib.data.labels import FOLDS
from adience_lib.evidence import contrast, paper
from adience_lib.evidence.comparison import NOISE, PLANNED_FACES
from adience_lib.evidence.contrast import LEVEL, MARGIN, WANTED

ACCURACIES = (
    ("1", "gender", "gender", "baseline", -MARGIN, np.inf),
    ("1", "age", "age", "baseline", -MARGIN, np.inf),
    ("2", "gender", "multitask", "gender", -MARGIN, MARGIN),
    ("2", "age", "multitask", "age", -MARGIN, MARGIN),
    ("4", "gender", "transfer", "baseline", 0.0, np.inf),
    ("4", "age", "transfer", "baseline", -MARGIN, np.inf),
    ("6, premise", "gender", "multitask", "gender", -np.inf, MARGIN),
    ("6, premise", "age", "multitask", "age", -np.inf, MARGIN),
)
"""Row, task, two networks of Table 3, and between which differences the criterion holds."""

_EPOCHS, _BEST = paper.TABLE_3["epochs"], paper.BEST_EPOCHS
_BEST_OF_BOTH = _BEST["transfer"] / _BEST["multitask"]
_TIME = "time of multitask by that of both"

OVER_FOLDS = (
    ("3a", _TIME, paper.TIME_OF_BOTH, paper.DRASTIC, 0.057),
    ("3a, any less", _TIME, paper.TIME_OF_BOTH, 1.0, 0.057),
    ("3b", "epochs of multitask by gender's", _EPOCHS["multitask"] / _EPOCHS["gender"], 1.0, 0.124),
    ("3b", "epochs of multitask by age's", _EPOCHS["multitask"] / _EPOCHS["age"], 1.0, 0.127),
    ("5", "best epoch of transfer", _BEST["transfer"], paper.FEW_EPOCHS, 6.4),
    ("5, against multi-task", "best epoch by multitask's", _BEST_OF_BOTH, paper.HALF, 0.65),
)
"""Row, what, the paper's value, below what the criterion holds, and the standard deviation over
folds that one training each had on 1,000 faces: of logarithms, but for row 5's epochs."""


def of_claim_2() -> pd.DataFrame:
    """How often two networks that do not differ are shown to be equal within the margin. A row a
    plan, indexed by ``faces``: ``trainings of a fold``, and the power on gender and, by how many
    points a training moves a fold, on age."""
    noises = {"gender": NOISE["gender"], "age, 1.4": 1.4, "age, 2.0": NOISE["age"]}
    rows = []
    for plan in ((1000, 2), (PLANNED_FACES, 1), (PLANNED_FACES, 2), (PLANNED_FACES, 3), (16262, 2)):
        powers = [contrast.power(0, -MARGIN, MARGIN, *plan, noise) for noise in noises.values()]
        rows.append((f"{plan[0]:,}", plan[1], *(f"{power:.3f}" for power in powers)))
    columns = ["faces", "trainings of a fold", *noises]
    return pd.DataFrame(rows, columns=columns).set_index("faces")


def planned() -> pd.DataFrame:
    """A row a part of a criterion: ``row``, ``what``, ``the paper has`` (points, epochs, or times).

    ``1 training`` to ``3 trainings``: the probability that the part is shown with so many of each
    fold of 4,000 faces. ``faces``: how many would do with two trainings where they do not; infinite
    where none would. What is taken over folds knows one training alone. Differences between other
    networks are taken to vary as that between multi-task and single-task does.
    """
    rows: list[tuple[object, ...]] = []
    for row, task, ours, theirs, low, high in ACCURACIES:
        truth = round(paper.gap(ours, theirs, task), 1)
        limits, noise = (truth, low, high), NOISE[task]
        powers = [contrast.power(*limits, PLANNED_FACES, n, noise) for n in (1, 2, 3)]
        enough = powers[1] >= WANTED
        faces = PLANNED_FACES if enough else contrast.faces_for(*limits, 2, noise)
        rows.append((row, f"{task}, {ours} minus {theirs}", truth, *powers, faces))
    for row, what, truth, high, spread in OVER_FOLDS:
        gap = truth - high if row == "5" else np.log(truth) - np.log(high)
        distance = gap / (spread / np.sqrt(FOLDS))
        shown = stats.nct.cdf(stats.t.ppf(LEVEL, FOLDS - 1), FOLDS - 1, distance)
        rows.append((row, what, truth, float(shown), np.nan, np.nan, np.nan))
    trainings = ("1 training", "2 trainings", "3 trainings")
    table = pd.DataFrame(rows, columns=["row", "what", "the paper has", *trainings, "faces"])
    return table.sort_values("row", kind="stable", ignore_index=True)
