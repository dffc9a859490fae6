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
    """Whether each training was ``right`` on each test face, (n, R) bool, and the ``faces``.

    Of ``faces``, a row a test face in the order of fold and name, the columns are those of
    ``predictions.csv``. Where folds have unequal numbers of trainings, the first R that each has.
    """

    right: np.ndarray
    faces: pd.DataFrame


def hits(runs: Runs, task: str) -> Hits:
    """The answers of ``runs`` to ``task`` as hits.

    Raises AdienceError where two trainings of a fold tested other faces.
    """
    table = with_common_trainings(runs).predictions
    table = table.sort_values(["fold", "repetition", "face"], ignore_index=True)
    training = table.groupby("fold")["repetition"].rank("dense").astype("int64") - 1
    parts = [table[training == number].reset_index(drop=True) for number in training.unique()]
    labels = ["fold", "face", "subject", "gender", "age"]
    if not all(part[labels].equals(parts[0][labels]) for part in parts):
        raise AdienceError(f"{runs.title}: two trainings of a fold tested other faces")
    return Hits(np.stack([correct(part, task) for part in parts], axis=1), parts[0])


def with_common_trainings(runs: Runs) -> Runs:
    """The first R trainings of each fold, where R is the number that every fold has."""
    done = runs.records[["fold", "repetition"]].sort_values(["fold", "repetition"])
    place = done.groupby("fold").cumcount()
    kept = pd.MultiIndex.from_frame(done[place < done.groupby("fold").size().min()])
    if len(kept) == len(done):
        return runs
    return runs.where(
        lambda table: pd.MultiIndex.from_frame(table[["fold", "repetition"]]).isin(kept)
    )


def fold_scores(runs: Runs) -> pd.DataFrame:
    """A row a fold, means over its trainings: test accuracies in percent, epochs, seconds.

    Columns: ``fold``, ``trainings``, ``gender`` and/or ``age``, ``one-off`` (age within one class
    of the truth: |predicted - true| <= 1), ``classes off`` (mean of |predicted - true|),
    ``epochs`` run, ``best_epoch``, ``seconds``.
    """
    runs = with_common_trainings(runs)
    rows = []
    for fold, faces in runs.predictions.groupby("fold"):
        row: dict[str, object] = {"fold": fold, "trainings": faces["repetition"].nunique()}
        for task in runs.tasks:
            distance = np.abs(predicted(faces, task) - faces[task].to_numpy())
            row[task] = 100 * np.mean(distance == 0)
            if task == "age":
                row["one-off"] = 100 * np.mean(distance <= 1)
                row["classes off"] = np.mean(distance)
        rows.append(row)
    records = runs.records.groupby("fold")[["epochs", "best_epoch", "seconds"]].mean()
    return pd.DataFrame(rows).merge(records, on="fold")


def confusion(predictions: pd.DataFrame, task: str) -> pd.DataFrame:
    """Counts of test faces: a row a true label, a column a predicted one."""
    labels = LABELS[task]
    places = range(len(labels))
    counts = confusion_matrix(predictions[task], predicted(predictions, task), labels=places)
    return pd.DataFrame(counts, pd.Index(labels, name=f"true {task}"), labels)


def majority_hits(predictions: pd.DataFrame, faces: pd.DataFrame, task: str) -> np.ndarray:
    """(n,) bool: whether the other folds' most frequent label is right.

    ``predictions``: of test faces; ``faces``: the manifest they come from.
    """
    guesses = {fold: _most_frequent(faces, fold, task) for fold in predictions["fold"].unique()}
    return (predictions[task] == predictions["fold"].map(guesses)).to_numpy()


def recalls(runs: Runs, task: str) -> pd.DataFrame:
    """Percent right of the faces of each label: a row a fold, a column a position of a label.

    Means over the fold's trainings. NaN where a fold has no face of a label.
    """
    runs = with_common_trainings(runs)
    right = pd.Series(100.0 * correct(runs.predictions, task))
    keys = [runs.predictions["fold"].to_numpy(), runs.predictions[task].to_numpy()]
    return right.groupby(keys).mean().unstack().reindex(columns=range(len(LABELS[task])))


def majority_rates(faces: pd.DataFrame, folds: list[int]) -> dict[str, float]:
    """Percent right when every face of a fold gets the other folds' most frequent label.

    The mean over ``folds``: what a network must beat to have learned anything.
    """

    def rate(task: str, fold: int) -> float:
        tested = faces.loc[faces["fold"] == fold, task]
        return 100 * (tested == _most_frequent(faces, fold, task)).mean()

    return {task: float(np.mean([rate(task, fold) for fold in folds])) for task in LABELS}


def _most_frequent(faces: pd.DataFrame, fold: int, task: str) -> int:
    """The label that most faces of the other folds have."""
    return faces.loc[faces["fold"] != fold, task].mode().iloc[0]


def optimism(runs: Runs) -> pd.DataFrame:
    """What choosing the epoch on the test fold would have added, within held-out runs.

    A row a training: ``fold``, ``chosen`` (the epoch of the lowest loss on held-out subjects),
    ``test fold's choice`` (that of the lowest loss on the test fold, in the same training), and
    for each task the accuracy at the second minus that at the first, in points. It may be
    negative: both choose by loss. Raises AdienceError for runs without a record of the test fold.
    """
    _need_test_fold(runs)
    ours, theirs = best_epochs(runs, "val_loss"), best_epochs(runs, "test_loss")
    chosen = {"chosen": ours["epoch"], "test fold's choice": theirs["epoch"]}
    return _points(runs, theirs, ours).assign(**chosen).reset_index()


def gained_after(runs: Runs) -> pd.DataFrame:
    """What a held-out run's last epoch gets right of the test fold, minus what its chosen one does.

    A row a training: ``fold``, and for each task the difference in points. Neither epoch was chosen
    on the test fold. Raises AdienceError for runs without a record of the test fold.
    """
    _need_test_fold(runs)
    last = runs.history.sort_values("epoch").groupby(["fold", "repetition"]).tail(1)
    last = last.sort_values(["fold", "repetition"]).set_index("fold")
    return _points(runs, last, best_epochs(runs, "val_loss")).reset_index()


def best_epochs(runs: Runs, loss: str) -> pd.DataFrame:
    """The row of the history with the lowest ``loss``, a column of it, of each training.

    Indexed by fold, in the order of fold and repetition.
    """
    lowest = runs.history.groupby(["fold", "repetition"])[loss].idxmin()
    return runs.history.loc[lowest].set_index("fold")


def _points(runs: Runs, ones: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """What each task has more on the test fold at the epochs ``ones`` than at ``others``."""
    columns = {f"test_{task}_accuracy": task for task in runs.tasks}
    return 100 * (ones[list(columns)] - others[list(columns)]).rename(columns=columns)


def _need_test_fold(runs: Runs) -> None:
    if "test_loss" not in runs.history:
        raise AdienceError(f'{runs.model}: only runs with monitor="held_out" log the test fold')
