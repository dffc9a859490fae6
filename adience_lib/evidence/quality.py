"""What one accuracy hides: its uncertainty, single classes, groups of people, calibration."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from adience_lib.data.labels import LABELS
from adience_lib.evidence import contrast, metrics
from adience_lib.runs.read import Runs
from adience_lib.util.errors import AdienceError

BINS = 10
"""Of equal width, for calibration (Guo et al. 2017 use 15 for datasets ten times the size)."""


@dataclass(frozen=True)
class Share:
    """A share of faces and its 95 % interval, in percent; NaN where an end is unknown.
    ``faces_alone``: the interval knows nothing of trainings, since there is one on one fold."""

    value: float
    low: float = np.nan
    high: float = np.nan
    faces_alone: bool = False

    def columns(self, value: str = "accuracy", ends: str = "") -> dict[str, float]:
        """The share in the column ``value``, and the ends of its interval."""
        return {value: self.value, f"{ends}low": self.low, f"{ends}high": self.high}


def _share(found: contrast.Contrast) -> Share:
    low, high = found.interval()
    return Share(found.value, max(0.0, low), min(100.0, high))


def accuracy(runs: Runs, task: str) -> Share:
    """Percent right, the mean over folds, with the interval of ``contrast.nested``, or Wilson's of
    its faces alone for one training on one fold."""
    found = metrics.hits(runs, task)
    fold, subject = found.faces["fold"], found.faces["subject"]
    right = found.right.mean(axis=1)
    if fold.nunique() == found.right.shape[1] == 1:
        return share(right, subject)
    try:
        return _share(contrast.nested(found.right, 0, fold, subject))
    except AdienceError:  # a fold of one subject: nothing is known of how subjects vary
        return Share(float(metrics.by_fold(100 * right, found.faces).mean()))


def share(right: np.ndarray, subject: pd.Series) -> Share:
    """Percent right of a group that may be small, with Wilson's 95 % interval.

    ``right``: (n,) the share of trainings that were right on each face. Where all are right,
    nothing varies, and an interval of what varied would call the accuracy certain. Wilson's asks
    how many independent faces the group is worth, from one to n: by what whole subjects vary
    (``contrast.faces_alone``), and where they do not vary, the number of subjects. With few degrees
    of freedom they are worth less (Korn & Graubard 1998, Surv. Methodol. 24).
    """
    p, faces, count = float(np.mean(right)), len(right), subject.nunique()
    error, freedom = 0.0, 1.0
    if count > 1:
        found = contrast.faces_alone(right, np.zeros(faces), subject.to_numpy())
        error, freedom = found.error / 100, found.freedom
    worth = p * (1 - p) / error**2 if error > 1e-9 else count
    worth = worth * float(stats.norm.isf(0.025) / stats.t.isf(0.025, freedom)) ** 2
    worth = min(max(worth, 1), faces)
    low, high = proportion_confint(p * worth, worth, 0.05, "wilson")
    # Rounding must not put the share itself outside, at 0 and at 100 %.
    return Share(100 * p, min(100 * float(low), 100 * p), max(100 * float(high), 100 * p), True)


def fold_intervals(runs: Runs) -> pd.DataFrame:
    """``metrics.fold_scores``, indexed by fold, with the ends of each accuracy's interval."""
    scores = metrics.fold_scores(runs).set_index("fold")
    for task in runs.tasks:
        shares = [accuracy(runs.on_folds([fold]), task) for fold in scores.index]
        place = scores.columns.get_loc(task) + 1
        scores.insert(place, f"{task} low", [one.low for one in shares])
        scores.insert(place + 1, f"{task} high", [one.high for one in shares])
    return scores


def macro_recall(runs: Runs, task: str) -> Share:
    """The mean over labels of the share that is right, and over folds, with Student's t over them.
    A label without a test face in a fold counts for nothing there. One fold has no interval."""
    by_fold = metrics.recalls(runs, task).mean(axis=1).to_numpy()
    return _share(contrast.over_folds(by_fold)) if len(by_fold) > 1 else Share(by_fold.mean())


def never_given(runs: Runs, task: str) -> list[str]:
    """The labels that no training ever gave to a test face."""
    given = np.unique(metrics.predicted(runs.predictions, task))
    return [label for place, label in enumerate(LABELS[task]) if place not in given]


def classes(runs: Runs, task: str) -> pd.DataFrame:
    """A row a label of ``task``: ``faces``, and in percent ``recall``, ``low``, ``high`` (as
    ``share``) and ``precision``. A label that no test face has, or that is never given, has NaN."""
    found, places = metrics.hits(runs, task), range(len(LABELS[task]))
    rows = [_right(found, (found.faces[task] == place).to_numpy(), "recall") for place in places]
    right = pd.Series(metrics.correct(runs.predictions, task))
    given = metrics.predicted(runs.predictions, task)
    precision = 100 * right.groupby(given).mean().reindex(places).to_numpy()
    return pd.DataFrame(rows, pd.Index(LABELS[task], name="label")).assign(precision=precision)


def groups(runs: Runs, task: str) -> pd.DataFrame:
    """Accuracy by group of people: gender, age, both, and race where the source gives it.

    A row a group, indexed by its words: ``by`` (what divides people), ``faces``, and in percent
    ``accuracy``, ``low``, ``high`` (``share``) and ``most frequent``: what the group's own most
    frequent label would get right. Groups without test faces have NaN.
    """
    found = metrics.hits(runs, task)
    faces = found.faces
    rows = {
        words: {
            "by": by,
            **_right(found, mask, "accuracy"),
            "most frequent": 100 * faces.loc[mask, task].value_counts(normalize=True).max(),
        }
        for by, words, mask in [("nothing", "all", np.full(len(faces), True)), *divisions(faces)]
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def divisions(faces: pd.DataFrame) -> list[tuple[str, str, np.ndarray]]:
    """By gender, age, both, and race where it is given: what divides people, each group in words,
    and (n,) bool."""
    genders, ages = (
        [(task, label, (faces[task] == place).to_numpy()) for place, label in enumerate(labels)]
        for task, labels in LABELS.items()
    )
    both = [
        ("gender and age", f"{gender} {age}", one & other)
        for (_, gender, one), (_, age, other) in product(genders, ages)
    ]
    races = sorted(faces["race"].unique()) if "race" in faces else []
    of_race = [("race", f"race {race}", (faces["race"] == race).to_numpy()) for race in races]
    return [*genders, *ages, *both, *of_race]


def _right(found: metrics.Hits, mask: np.ndarray, name: str) -> dict[str, float]:
    one = Share(np.nan)
    if mask.any():
        one = share(found.right[mask].mean(axis=1), found.faces.loc[mask, "subject"])
    return {"faces": int(mask.sum()), **one.columns(name)}


def calibration(runs: Runs, task: str) -> pd.DataFrame:
    """The reliability curve: a row a bin of the probability that the network gives its answer, if
    it has faces: ``from``, ``to``, ``faces``, ``confidence`` (mean probability) and ``accuracy``
    (how often it is right), in percent."""
    confidence = metrics.probabilities(runs.predictions, task).max(axis=1)
    right = metrics.correct(runs.predictions, task)
    table = pd.DataFrame({"confidence": 100 * confidence, "accuracy": 100.0 * right})
    bins = table.groupby(np.minimum((confidence * BINS).astype("int64"), BINS - 1))
    means = bins.mean()
    means.insert(0, "faces", bins.size())
    edges = 100 * means.index.to_numpy() / BINS
    return means.assign(**{"from": edges, "to": edges + 100 / BINS}).reset_index(drop=True)


def calibration_error(curve: pd.DataFrame) -> float:
    """The expected calibration error in points: the mean over all faces of their bin's distance
    between confidence and accuracy (Guo et al. 2017, equation 3)."""
    distance = (curve["confidence"] - curve["accuracy"]).abs()
    return float(np.average(distance, weights=curve["faces"]))
