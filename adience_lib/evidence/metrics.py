"""Test predictions to scores: accuracies, confusion, what always giving one label gets."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix

from adience_lib.data.labels import LABELS
from adience_lib.runs.read import Runs
from adience_lib.util.errors import AdienceError


def probabilities(predictions: pd.DataFrame, task: str) -> np.ndarray:
    """(n, classes) float64: what the network gave for ``task``, in the order of the labels."""
    return predictions[[f"{task} {label}" for label in LABELS[task]]].to_numpy()


def predicted(predictions: pd.DataFrame, task: str) -> np.ndarray:
    """(n,) int64: the position of the most probable label."""
    return probabilities(predictions, task).argmax(axis=1)


def correct(predictions: pd.DataFrame, task: str) -> np.ndarray:
    """(n,) bool: whether the most probable label is the true one."""
    return predicted(predictions, task) == predictions[task].to_numpy()


@dataclass(frozen=True)
class Hits:
    """Whether each training was ``right`` on each test face, (n, R) bool, and the ``faces``, rows
    of ``predictions.csv`` in the order of fold and name. Where folds have unequal numbers of
    trainings, the first R that each has."""

    right: np.ndarray
    faces: pd.DataFrame


FACE = ["fold", "face", "subject", "gender", "age"]
"""What two networks must have in common where their answers are compared face by face."""


def hits(runs: Runs, task: str) -> Hits:
    """The answers of ``runs`` to ``task`` as hits. Raises AdienceError where two trainings of a
    fold tested other faces."""
    table = with_common_trainings(runs).predictions
    table = table.sort_values(["fold", "repetition", "face"], ignore_index=True)
    training = table.groupby("fold")["repetition"].rank("dense")
    parts = [part.reset_index(drop=True) for _, part in table.groupby(training)]
    if not all(part[FACE].equals(parts[0][FACE]) for part in parts):
        raise AdienceError(f"{runs.title}: two trainings of a fold tested other faces")
    return Hits(np.stack([correct(part, task) for part in parts], axis=1), parts[0])


def with_common_trainings(runs: Runs) -> Runs:
    """The first R trainings of each fold, where R is the number that every fold has."""
    fewest = runs.records.groupby("fold")["repetition"].nunique().min()
    return runs.where(lambda table: table.groupby("fold")["repetition"].rank("dense") <= fewest)


def by_fold(values: np.ndarray, faces: pd.DataFrame) -> pd.Series:
    """The mean of ``values``, one a face, in each fold of ``faces``, which it is indexed by."""
    return pd.Series(values).groupby(faces["fold"].to_numpy()).mean().rename_axis("fold")


def fold_scores(runs: Runs) -> pd.DataFrame:
    """A row a fold, means over its trainings: ``fold``, ``trainings``, accuracies in percent as
    ``gender`` and/or ``age``, ``one-off`` (|predicted age - true| <= 1), ``classes off`` (mean of
    |predicted age - true|), ``epochs`` run, ``best_epoch``, ``seconds``.
    """
    runs = with_common_trainings(runs)
    faces, trainings = runs.predictions, runs.records.groupby("fold")
    scores = trainings["repetition"].nunique().to_frame("trainings")
    for task in runs.tasks:
        distance = np.abs(predicted(faces, task) - faces[task].to_numpy())
        scores[task] = 100 * by_fold(distance == 0, faces)
        if task == "age":
            scores["one-off"] = 100 * by_fold(distance <= 1, faces)
            scores["classes off"] = by_fold(distance, faces)
    return scores.join(trainings[["epochs", "best_epoch", "seconds"]].mean()).reset_index()


def confusion(predictions: pd.DataFrame, task: str) -> pd.DataFrame:
    """Counts of test faces: a row a true label, a column a predicted one."""
    labels = LABELS[task]
    places = range(len(labels))
    counts = confusion_matrix(predictions[task], predicted(predictions, task), labels=places)
    return pd.DataFrame(counts, pd.Index(labels, name=f"true {task}"), labels)


def majority_hits(tested: pd.DataFrame, faces: pd.DataFrame, task: str) -> np.ndarray:
    """(n,) bool: whether the other folds' most frequent label is right on ``tested`` faces, out of
    the manifest ``faces``."""
    guesses = {
        fold: faces.loc[faces["fold"] != fold, task].mode().iloc[0]
        for fold in tested["fold"].unique()
    }
    return (tested[task] == tested["fold"].map(guesses)).to_numpy()


def recalls(runs: Runs, task: str) -> pd.DataFrame:
    """Percent right of the faces of each label: a row a fold, a column a position of a label. Means
    over trainings, NaN where a fold has no face of a label."""
    runs = with_common_trainings(runs)
    right = pd.Series(100.0 * correct(runs.predictions, task))
    keys = [runs.predictions["fold"].to_numpy(), runs.predictions[task].to_numpy()]
    return right.groupby(keys).mean().unstack().reindex(columns=range(len(LABELS[task])))


def majority_rates(faces: pd.DataFrame, folds: list[int]) -> dict[str, float]:
    """Percent right when every face gets the other folds' most frequent label, mean over ``folds``:
    what a network must beat to have learned anything."""
    tested = faces[faces["fold"].isin(folds)]
    right = {task: by_fold(majority_hits(tested, faces, task), tested) for task in LABELS}
    return {task: float((100 * of_folds).mean()) for task, of_folds in right.items()}


def optimism(runs: Runs) -> pd.DataFrame:
    """What choosing the epoch on the test fold would have added, within held-out runs.

    A row a training: ``fold``, ``chosen`` (the epoch of the lowest loss on held-out subjects),
    ``test fold's choice``, and for each task the accuracy at the second minus that at the first, in
    points; negative at times, since both choose by loss. Raises AdienceError for other runs.
    """
    ours, theirs = _epochs(runs, "val_loss"), _epochs(runs, "test_loss")
    chosen = {"chosen": ours["epoch"], "test fold's choice": theirs["epoch"]}
    columns = {f"test_{task}_accuracy": task for task in runs.tasks}
    gained = 100 * (theirs[list(columns)] - ours[list(columns)]).rename(columns=columns)
    return gained.assign(**chosen).reset_index()


def _epochs(runs: Runs, column: str) -> pd.DataFrame:
    """The row of the history with the lowest ``column``, of each training, indexed by fold."""
    if "test_loss" not in runs.history:
        raise AdienceError(f'{runs.model}: only runs with monitor="held_out" log the test fold')
    rows = runs.history.groupby(["fold", "repetition"])[column].idxmin()
    return runs.history.loc[rows].set_index("fold")
