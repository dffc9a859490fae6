"""What one accuracy hides: its uncertainty, single classes, groups of people, calibration."""

import numpy as np
import pandas as pd

from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS, LABELS
from adience_lib.evidence import metrics, significance
from adience_lib.evidence.significance import Resampled
from adience_lib.runs.read import Runs

BINS = 10
"""Of equal width, for calibration (Guo et al. 2017 use 15 for datasets ten times the size)."""


def accuracy(runs: Runs, task: str, seed: int = significance.SEED) -> Resampled:
    """Percent right over all tested faces, from draws of subjects."""
    hits = 100.0 * metrics.correct(runs.predictions, task)
    return significance.resample(hits, runs.predictions["subject"], seed)


def fold_intervals(runs: Runs) -> pd.DataFrame:
    """``metrics.fold_scores``, indexed by fold, with the ends of each accuracy's interval."""
    scores = metrics.fold_scores(runs).set_index("fold")
    for task in runs.tasks:
        ends = [accuracy(runs.on_folds([fold]), task).interval for fold in scores.index]
        place = scores.columns.get_loc(task) + 1
        scores.insert(place, f"{task} low", [low for low, _ in ends])
        scores.insert(place + 1, f"{task} high", [high for _, high in ends])
    return scores


def classes(runs: Runs, task: str) -> pd.DataFrame:
    """A row a label of ``task``: ``faces``, ``recall`` and its interval, ``precision`` (percent).

    ``low`` and ``high``: ``significance.wilson``. A label that no test face has, or that is never
    given, has NaN.
    """
    truth = runs.predictions[task].to_numpy()
    given = metrics.predicted(runs.predictions, task)
    rows = []
    for position, label in enumerate(LABELS[task]):
        said = given == position
        precision = 100 * np.mean(truth[said] == position) if said.any() else np.nan
        rows.append({"label": label, **_right(runs, task, truth == position, "recall")})
        rows[-1]["precision"] = precision
    return pd.DataFrame(rows).set_index("label")


def groups(runs: Runs, task: str) -> pd.DataFrame:
    """Accuracy by group of people: gender, age, both, and race where the source gives it.

    A row a group, indexed by its words: ``by`` (what divides people into this group and others),
    ``faces``, ``accuracy``, ``low``, ``high`` in percent (``significance.wilson``). Groups without
    test faces have NaN.
    """
    faces = runs.predictions
    women = {label: (faces["gender"] == i).to_numpy() for i, label in enumerate(GENDER_LABELS)}
    ages = {label: (faces["age"] == i).to_numpy() for i, label in enumerate(AGE_LABELS)}
    both = {
        f"{gender} {age}": of_gender & of_age
        for gender, of_gender in women.items()
        for age, of_age in ages.items()
    }
    races = _races(faces) if "race" in faces else []
    of_race = {f"race {race}": (faces["race"] == race).to_numpy() for race in races}
    divisions = {
        "nothing": {"all": np.full(len(faces), True)},
        "gender": women,
        "age": ages,
        "gender and age": both,
        "race": of_race,
    }
    rows = {
        words: {"by": by, **_right(runs, task, mask, "accuracy")}
        for by, masks in divisions.items()
        for words, mask in masks.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def _races(faces: pd.DataFrame) -> list[str]:
    return sorted(faces["race"].unique())


def _right(runs: Runs, task: str, mask: np.ndarray, name: str) -> dict[str, float]:
    faces = runs.predictions[mask]
    if faces.empty:
        return {"faces": 0, name: np.nan, "low": np.nan, "high": np.nan}
    hits = 100.0 * metrics.correct(faces, task)
    found = significance.resample(hits, faces["subject"])
    low, high = significance.wilson(found, len(faces))
    return {"faces": len(faces), name: found.value, "low": low, "high": high}


def calibration(runs: Runs, task: str) -> pd.DataFrame:
    """The reliability curve: how often the network is right when it is so sure.

    A row a bin of the probability that the network gives its answer: ``from``, ``to``, ``faces``,
    ``confidence`` (mean probability) and ``accuracy``, in percent. Bins without faces are left
    out.
    """
    confidence = metrics.probabilities(runs.predictions, task).max(axis=1)
    place = np.minimum((confidence * BINS).astype("int64"), BINS - 1)
    table = pd.DataFrame(
        {
            "bin": place,
            "confidence": 100 * confidence,
            "accuracy": 100.0 * metrics.correct(runs.predictions, task),
        }
    ).groupby("bin")
    means = table.mean()
    means.insert(0, "faces", table.size())
    edges = 100 * means.index.to_numpy() / BINS
    return means.assign(**{"from": edges, "to": edges + 100 / BINS}).reset_index(drop=True)


def calibration_error(curve: pd.DataFrame) -> float:
    """The expected calibration error in points: the mean over all faces of their bin's distance
    between confidence and accuracy (Guo et al. 2017, equation 3)."""
    distance = (curve["confidence"] - curve["accuracy"]).abs()
    return float(np.average(distance, weights=curve["faces"]))
