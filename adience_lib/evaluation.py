"""Finished run folders to tables. Needs neither Keras nor the images."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from adience_lib.errors import AdienceError
from adience_lib.labels import LABELS


@dataclass(frozen=True)
class Runs:
    """The finished folds of one network under one protocol on one dataset.

    ``history``: a row an epoch and fold, the columns of ``history.csv`` after ``fold``.
    ``predictions``: a row a test face, the columns of ``predictions.csv``.
    ``records``: a row a fold: ``fold``, ``weights``, ``epochs``, ``best_epoch``, ``seconds``.
    """

    model: str
    history: pd.DataFrame
    predictions: pd.DataFrame
    records: pd.DataFrame

    @property
    def title(self) -> str:
        """The model's name in tables and figures; random features are named."""
        random = self.model == "transfer" and (self.records["weights"] == "random").any()
        return f"{self.model} (random features)" if random else self.model

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the network predicts, "gender" before "age"."""
        return tuple(task for task in LABELS if f"{task} {LABELS[task][0]}" in self.predictions)

    @property
    def folds(self) -> list[int]:
        """The folds that were tested, in order."""
        return sorted(self.records["fold"])


def read_runs(folders: list[Path]) -> Runs:
    """The runs in ``folders``, one a fold, of the same model.

    Raises AdienceError naming the file that is missing or cannot be read.
    """
    if not folders:
        raise AdienceError("no finished runs to read")
    records = pd.DataFrame([_read_record(folder) for folder in folders])
    history = _read_tables(folders, "history.csv", records["fold"])
    predictions = _read_tables(folders, "predictions.csv", records["fold"])
    return Runs(records["model"].iloc[0], history, predictions, records)


def _read_record(folder: Path) -> dict[str, object]:
    try:
        protocol = json.loads((folder / "protocol.json").read_text())
        run = json.loads((folder / "run.json").read_text())
    except (OSError, ValueError) as error:
        raise AdienceError(f"{folder}: not a finished run ({error})") from error
    kept = {name: run[name] for name in ("epochs", "best_epoch", "seconds")}
    weights = protocol["protocol"]["weights"]
    return {"model": protocol["model"], "fold": protocol["fold"], "weights": weights, **kept}


def _read_tables(folders: list[Path], name: str, folds: pd.Series) -> pd.DataFrame:
    tables = []
    for folder, fold in zip(folders, folds, strict=True):
        try:
            tables.append(pd.read_csv(folder / name).assign(fold=fold))
        except (OSError, ValueError) as error:
            raise AdienceError(f"{folder / name}: cannot be read ({error})") from error
    return pd.concat(tables, ignore_index=True)


def probabilities(predictions: pd.DataFrame, task: str) -> np.ndarray:
    """(n, classes) float64: what the network gave for ``task``, in the order of the labels."""
    return predictions[[f"{task} {label}" for label in LABELS[task]]].to_numpy()


def predicted(predictions: pd.DataFrame, task: str) -> np.ndarray:
    """(n,) int64: the position of the most probable label."""
    return probabilities(predictions, task).argmax(axis=1)


def fold_scores(runs: Runs) -> pd.DataFrame:
    """A row a fold: test accuracies in percent, epochs run, best epoch and seconds.

    Columns: ``fold``, ``gender`` and/or ``age``, ``one-off`` (age within one class of the truth:
    |predicted - true| <= 1), ``epochs``, ``best_epoch``, ``seconds``.
    """
    rows = []
    for fold, faces in runs.predictions.groupby("fold"):
        row: dict[str, object] = {"fold": fold}
        for task in runs.tasks:
            distance = np.abs(predicted(faces, task) - faces[task].to_numpy())
            row[task] = 100 * np.mean(distance == 0)
            if task == "age":
                row["one-off"] = 100 * np.mean(distance <= 1)
        rows.append(row)
    records = runs.records[["fold", "epochs", "best_epoch", "seconds"]]
    return pd.DataFrame(rows).merge(records, on="fold")


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard deviation (n - 1) and standard error of each column over the folds.

    With one fold there is no spread: NaN.
    """
    columns = scores.drop(columns="fold")
    deviation = columns.std(ddof=1)
    return pd.DataFrame(
        {
            "mean": columns.mean(),
            "deviation": deviation,
            "error": deviation / np.sqrt(len(scores)),
        }
    )


def confusion(predictions: pd.DataFrame, task: str) -> pd.DataFrame:
    """Counts of test faces: a row a true label, a column a predicted one."""
    labels = LABELS[task]
    counts = np.zeros((len(labels), len(labels)), dtype="int64")
    np.add.at(counts, (predictions[task].to_numpy(), predicted(predictions, task)), 1)
    return pd.DataFrame(counts, pd.Index(labels, name=f"true {task}"), labels)


def majority_rates(faces: pd.DataFrame, folds: list[int]) -> dict[str, float]:
    """Percent right when every face of a fold gets the other folds' most frequent label.

    The mean over ``folds``: what a network must beat to have learned anything.
    """
    rates = {}
    for task in LABELS:
        hits = []
        for fold in folds:
            tested = faces["fold"] == fold
            guess = faces.loc[~tested, task].mode().iloc[0]
            hits.append(100 * (faces.loc[tested, task] == guess).mean())
        rates[task] = float(np.mean(hits))
    return rates
