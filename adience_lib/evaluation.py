"""Finished run folders to tables. Needs neither Keras nor the images."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adience_lib.errors import AdienceError
from adience_lib.labels import LABELS
from adience_lib.protocol import Protocol
from adience_lib.run_folder import FORMAT, check_files, read_json, version_of

READ_OFF = {
    "gender": "the trained gender trunk",
    "age": "the trained age trunk",
    "untrained": "the untrained trunk",
    "pixels": "the pixels",
}
"""What the readout ``<task>_from_<source>`` reads, in words."""


AND_ON = "; then "
"""Between the machines of one training."""


@dataclass(frozen=True)
class Runs:
    """The finished folds of one network under one protocol on one dataset.

    ``fingerprint``: that of the dataset. ``history``: a row an epoch and fold, the columns of
    ``history.csv`` after ``fold``. ``predictions``: a row a test face, the columns of
    ``predictions.csv``. ``records``: a row a fold: ``fold``, ``epochs`` (run), ``best_epoch``,
    ``seconds``, ``seconds_to_best``, ``peak_memory`` (bytes), ``parameters``, ``train`` (faces)
    and ``machine`` (several, if it went on elsewhere, are joined by ``AND_ON``). ``ten_crops``:
    predictions scored on ten crops, where the run has them.
    ``version``: of the network, as ``run_folder.version_of`` counts.
    """

    model: str
    protocol: Protocol
    fingerprint: str
    history: pd.DataFrame
    predictions: pd.DataFrame
    records: pd.DataFrame
    ten_crops: pd.DataFrame | None = None
    version: int = 1

    @property
    def title(self) -> str:
        """The model's name in tables and figures; random features are named, readouts spelled."""
        if self.model == "transfer" and self.protocol.weights == "random":
            return f"{self.model} (random features)"
        task, _, source = self.model.partition("_from_")
        return f"{task} read off {READ_OFF[source]}" if source else self.model

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the network predicts, "gender" before "age"."""
        return _tasks(self.predictions)

    @property
    def folds(self) -> list[int]:
        """The folds that were tested, in order."""
        return sorted(self.records["fold"])

    @property
    def cut_short(self) -> int:
        """How many trainings the protocol's limit of epochs ended, before early stopping could."""
        return int((self.records["epochs"] >= self.protocol.epochs).sum())

    @property
    def is_outdated(self) -> bool:
        """Whether the library builds this network otherwise by now."""
        return self.version < version_of(self.model)

    def on_ten_crops(self) -> "Runs":
        """The same runs with the predictions that are the mean over ten crops.

        Raises AdienceError where the runs have none.
        """
        if self.ten_crops is None:
            raise AdienceError(f"{self.model}: its runs have no ten-crop predictions")
        return replace(self, predictions=self.ten_crops)

    def on_folds(self, folds: Collection[int]) -> "Runs":
        """Those of the runs that tested one of ``folds``."""
        tables = (self.history, self.predictions, self.records, self.ten_crops)
        history, predictions, records, ten_crops = (
            table if table is None else table[table["fold"].isin(folds)] for table in tables
        )
        return replace(
            self,
            history=history,
            predictions=predictions,
            records=records,
            ten_crops=ten_crops,
        )


def read_runs(folders: list[Path]) -> Runs:
    """The runs in ``folders``, one a fold, of one model under one protocol on one dataset.

    Raises AdienceError naming the file that is missing or cannot be read, or the folder whose
    run is of another model, protocol or dataset than the first.
    """
    if not folders:
        raise AdienceError("no finished runs to read")
    said = [_read_protocol(folder) for folder in folders]
    for folder, other in zip(folders, said, strict=True):
        different = [name for name in SAME if other.get(name) != said[0].get(name)]
        if different:
            raise AdienceError(
                f"{folder}: a run with another {', '.join(different)} than {folders[0]}; they are "
                "different experiments and cannot be taken together"
            )
    folds = [int(run["fold"]) for run in said]
    if len(set(folds)) < len(folds):
        raise AdienceError(f"{folders[-1].parent}: two runs of the same fold; delete one")
    records = [_read_record(folder, fold) for folder, fold in zip(folders, folds, strict=True)]
    ten = said[0]["model"].startswith("levi_hassner")
    return Runs(
        said[0]["model"],
        _protocol(folders[0], said[0]["protocol"]),
        said[0]["fingerprint"],
        _read_tables(folders, "history.csv", folds),
        _read_tables(folders, "predictions.csv", folds),
        pd.DataFrame(records),
        _read_tables(folders, "ten_crops.csv", folds) if ten else None,
        said[0].get("version", 1),
    )


SAME = ("model", "protocol", "fingerprint", "version")
"""What runs that are read together have in common."""


def _read_protocol(folder: Path) -> dict[str, Any]:
    file = folder / "protocol.json"
    said = read_json(file)
    needed = ("format", "model", "protocol", "fingerprint", "fold")
    missing = [name for name in needed if name not in said]
    if missing:
        raise AdienceError(f"{file}: lacks {', '.join(missing)}")
    if said["format"] != FORMAT:
        raise AdienceError(
            f"{file}: format {said['format']} of another version of this project (this one reads "
            f"{FORMAT}); use that version, or delete the folder"
        )
    ten = ["ten_crops.csv"] if str(said["model"]).startswith("levi_hassner") else []
    check_files(folder, ["protocol.json", "run.json", "history.csv", "predictions.csv", *ten])
    return said


def _protocol(folder: Path, written: dict[str, Any]) -> Protocol:
    try:
        return Protocol(**written)
    except (TypeError, AdienceError) as error:
        raise AdienceError(
            f"{folder / 'protocol.json'}: a protocol of another version of this project ({error})"
        ) from error


def _read_record(folder: Path, fold: int) -> dict[str, Any]:
    run = read_json(folder / "run.json")
    try:
        seconds = pd.read_csv(folder / "history.csv")["seconds"]
        return {
            "fold": fold,
            **{name: run[name] for name in ("epochs", "best_epoch", "seconds", "peak_memory")},
            "seconds_to_best": float(seconds[: run["best_epoch"]].sum()),
            "parameters": run["parameters"]["total"],
            "train": run["faces"]["train"],
            "machine": AND_ON.join(
                dict.fromkeys(_hardware(machine) for machine in run["machines"])
            ),
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdienceError(f"{folder}: not a finished run of this version ({error!r})") from error


def _hardware(machine: dict[str, Any]) -> str:
    return (
        f"{machine['processor']}, {machine['cores']} cores, accelerator: {machine['accelerator']}"
    )


def _read_tables(folders: list[Path], name: str, folds: list[int]) -> pd.DataFrame:
    tables = []
    for folder, fold in zip(folders, folds, strict=True):
        file = folder / name
        try:
            table = pd.read_csv(file, dtype={"subject": str}).assign(fold=fold)
        except (OSError, ValueError) as error:
            raise AdienceError(f"{file}: cannot be read ({error})") from error
        missing = [column for column in _COLUMNS[name] if column not in table]
        if missing:
            raise AdienceError(f"{file}: lacks the columns {', '.join(missing)}")
        tables.append(table)
        if name != "history.csv" and not _tasks(table):
            raise AdienceError(f"{file}: lacks the probabilities of every task")
    return pd.concat(tables, ignore_index=True)


def _tasks(predictions: pd.DataFrame) -> tuple[str, ...]:
    return tuple(
        task
        for task, labels in LABELS.items()
        if {f"{task} {label}" for label in labels} <= set(predictions)
    )


_COLUMNS = {
    "history.csv": ("epoch", "seconds"),
    "predictions.csv": ("face", "subject", "gender", "age"),
    "ten_crops.csv": ("face", "subject", "gender", "age"),
}


def probabilities(predictions: pd.DataFrame, task: str) -> np.ndarray:
    """(n, classes) float64: what the network gave for ``task``, in the order of the labels."""
    return predictions[[f"{task} {label}" for label in LABELS[task]]].to_numpy()


def predicted(predictions: pd.DataFrame, task: str) -> np.ndarray:
    """(n,) int64: the position of the most probable label."""
    return probabilities(predictions, task).argmax(axis=1)


def correct(predictions: pd.DataFrame, task: str) -> np.ndarray:
    """(n,) bool: whether the most probable label is the true one."""
    return predicted(predictions, task) == predictions[task].to_numpy()


def fold_scores(runs: Runs) -> pd.DataFrame:
    """A row a fold: test accuracies in percent, epochs run, best epoch and seconds.

    Columns: ``fold``, ``gender`` and/or ``age``, ``one-off`` (age within one class of the truth:
    |predicted - true| <= 1), ``classes off`` (mean of |predicted - true|), ``epochs``,
    ``best_epoch``, ``seconds``.
    """
    rows = []
    for fold, faces in runs.predictions.groupby("fold"):
        row: dict[str, object] = {"fold": fold}
        for task in runs.tasks:
            distance = np.abs(predicted(faces, task) - faces[task].to_numpy())
            row[task] = 100 * np.mean(distance == 0)
            if task == "age":
                row["one-off"] = 100 * np.mean(distance <= 1)
                row["classes off"] = np.mean(distance)
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


def majority_hits(predictions: pd.DataFrame, faces: pd.DataFrame, task: str) -> np.ndarray:
    """(n,) bool: whether the other folds' most frequent label is right.

    ``predictions``: of test faces; ``faces``: the manifest they come from.
    """
    guesses = {
        fold: faces.loc[faces["fold"] != fold, task].mode().iloc[0]
        for fold in predictions["fold"].unique()
    }
    return (predictions[task] == predictions["fold"].map(guesses)).to_numpy()


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


def optimism(runs: Runs) -> pd.DataFrame:
    """What choosing the epoch on the test fold would have added, within held-out runs.

    A row a fold: ``fold``, ``chosen`` (the epoch of the lowest loss on held-out subjects),
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

    A row a fold: ``fold``, and for each task the difference in points. Neither epoch was chosen
    on the test fold. Raises AdienceError for runs without a record of the test fold.
    """
    _need_test_fold(runs)
    last = runs.history.sort_values("epoch").groupby("fold").tail(1).set_index("fold")
    return _points(runs, last, best_epochs(runs, "val_loss")).reset_index()


def rounded_otherwise(runs: Runs) -> pd.DataFrame:
    """How far scores of the chosen epoch in the history are from those of the predictions.

    The history has those of the model that is trained (``lean.py``), the predictions those of the
    network, in equal precision. Points, a row a fold (the index), a column a task. Raises
    AdienceError for runs without a record of the test fold.
    """
    _need_test_fold(runs)
    columns = {f"test_{task}_accuracy": task for task in runs.tasks}
    during = 100 * best_epochs(runs, "val_loss")[list(columns)].rename(columns=columns)
    return (during - fold_scores(runs).set_index("fold")[list(runs.tasks)]).abs().sort_index()


def best_epochs(runs: Runs, loss: str) -> pd.DataFrame:
    """The row of the history with the lowest ``loss``, a column of it, of each fold (the index)."""
    return runs.history.loc[runs.history.groupby("fold")[loss].idxmin()].set_index("fold")


def _points(runs: Runs, ones: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """What each task has more on the test fold at the epochs ``ones`` than at ``others``."""
    columns = {f"test_{task}_accuracy": task for task in runs.tasks}
    return 100 * (ones[list(columns)] - others[list(columns)]).rename(columns=columns).sort_index()


def _need_test_fold(runs: Runs) -> None:
    if "test_loss" not in runs.history:
        raise AdienceError(f'{runs.model}: only runs with monitor="held_out" log the test fold')
