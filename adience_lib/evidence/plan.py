"""How often the planned study supports each criterion, if the paper's own numbers are the truth."""

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib.data.labels import FOLDS
from adience_lib.evidence import contrast, paper
from adience_lib.evidence.comparison import NOISE, PLANNED_FACES, counted
from adience_lib.evidence.contrast import LEVEL, MARGIN

WANTED = 0.8
"""Below this probability of "supported", the plan says how many faces would do."""

TRAININGS = (1, 2, 3)

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

_EPOCHS = paper.TABLE_3["epochs"]
_SOONER = paper.BEST_EPOCHS["transfer"] / paper.BEST_EPOCHS["multitask"]

OVER_FOLDS = (
    ("3a", "time of multitask by that of both", np.log(0.342), np.log(paper.DRASTIC), 0.057),
    ("3a, any less", "time of multitask by that of both", np.log(0.342), 0.0, 0.057),
    (
        "3b",
        "epochs of multitask by gender's",
        np.log(_EPOCHS["multitask"] / _EPOCHS["gender"]),
        0.0,
        0.124,
    ),
    (
        "3b",
        "epochs of multitask by age's",
        np.log(_EPOCHS["multitask"] / _EPOCHS["age"]),
        0.0,
        0.127,
    ),
    ("5", "best epoch of transfer", paper.BEST_EPOCHS["transfer"], paper.FEW_EPOCHS, 6.4),
    ("5, against multi-task", "best epoch by multitask's", np.log(_SOONER), np.log(0.5), 0.65),
)
"""Row, what, the paper's value (ratios as logarithms), below what the criterion holds, and the
standard deviation over folds that one training each had on 1,000 faces."""


def of_claim_2() -> pd.DataFrame:
    """How often two networks that do not differ are shown to be equal within the margin.

    A row a plan, indexed by ``faces``: ``trainings of a fold``, and the power on gender and, by how
    many points a training moves a fold, on age.
    """
    noises = {"gender": NOISE["gender"], "age, 1.4": 1.4, "age, 2.0": NOISE["age"]}
    plans = ((1000, 2), (PLANNED_FACES, 1), (PLANNED_FACES, 2), (PLANNED_FACES, 3), (16262, 2))
    rows = [
        {
            "faces": f"{faces:,}",
            "trainings of a fold": trainings,
            **{
                name: f"{contrast.power(0, -MARGIN, MARGIN, faces, trainings, noise):.3f}"
                for name, noise in noises.items()
            },
        }
        for faces, trainings in plans
    ]
    return pd.DataFrame(rows).set_index("faces")


def planned() -> pd.DataFrame:
    """A row a part of a criterion: ``row``, ``what``, ``the paper has`` (points, epochs, or times).

    ``1 training`` to ``3 trainings``: the probability that the part is shown with so many of each
    fold of 4,000 faces. ``faces``: how many would do with two trainings where they do not; infinite
    where none would. What is taken over folds knows one training alone. Differences between other
    networks are taken to vary as that between multi-task and single-task does.
    """
    rows = [_of_accuracies(*part) for part in ACCURACIES]
    return pd.DataFrame(rows + [_of_folds(*part) for part in OVER_FOLDS]).sort_values(
        "row", kind="stable", ignore_index=True
    )


def _of_accuracies(
    row: str, task: str, ours: str, theirs: str, low: float, high: float
) -> dict[str, object]:
    truth = round(float(paper.TABLE_3.loc[ours, task] - paper.TABLE_3.loc[theirs, task]), 1)
    noise = NOISE[task]
    shown = {
        counted(number, "training"): contrast.power(truth, low, high, PLANNED_FACES, number, noise)
        for number in TRAININGS
    }
    enough = shown["2 trainings"] >= WANTED
    return {
        "row": row,
        "what": f"{task}, {ours} minus {theirs}",
        "the paper has": truth,
        **shown,
        "faces": PLANNED_FACES if enough else contrast.faces_for(truth, low, high, 2, noise),
    }


def _of_folds(row: str, what: str, truth: float, high: float, spread: float) -> dict[str, object]:
    freedom = FOLDS - 1
    distance = (truth - high) / (spread / np.sqrt(FOLDS))
    shown = float(stats.nct.cdf(stats.t.ppf(LEVEL, freedom), freedom, distance))
    return {
        "row": row,
        "what": what,
        "the paper has": truth if row == "5" else float(np.exp(truth)),
        "1 training": shown,
    }
