"""Finished run folders to tables, and to the network. Needs neither the images nor the dataset."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from adience_lib import models
from adience_lib.data.labels import LABELS
from adience_lib.protocol import Protocol
from adience_lib.runs.folder import FORMAT, check_files, read_json, version_of
from adience_lib.util.errors import AdienceError

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
    """The finished trainings of one network under one protocol on one dataset.

    A fold has one or more of them, which differ in the protocol's ``repetition`` alone; that of
    ``protocol`` is the first. ``fingerprint``: that of the dataset. Each table has the columns
    ``fold`` and ``repetition``. ``history``: a row an epoch and training, the columns of
    ``history.csv``. ``predictions``: a row a test face and training, the columns of
    ``predictions.csv``. ``records``: a row a training: ``epochs`` (run), ``best_epoch``,
    ``seconds``, ``seconds_to_best``, ``peak_memory`` (bytes), ``parameters``, ``train`` (faces)
    and ``machine`` (several, if it went on elsewhere, are joined by ``AND_ON``). ``ten_crops``:
    predictions scored on ten crops, where the runs have them.
    ``version``: of the network, as ``folder.version_of`` counts.
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
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that there are, by name."""
        names = ("history", "predictions", "records", "ten_crops")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the network predicts, "gender" before "age"."""
        return _tasks(self.predictions)

    @property
    def folds(self) -> list[int]:
        """The folds that were tested, in order."""
        return sorted(self.records["fold"].unique().tolist())

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
        return self.where(lambda table: table["fold"].isin(folds))

    def where(self, kept: Callable[[pd.DataFrame], Any]) -> "Runs":
        """The same with those rows of each table for which ``kept`` gives True."""
        return replace(self, **{name: table[kept(table)] for name, table in self.tables.items()})


def read_runs(folders: list[Path]) -> Runs:
    """The runs in ``folders``, of one model under one protocol on one dataset.

    Protocols may differ in their repetition. Raises AdienceError naming the file that is missing
    or cannot be read, or the folder whose run is of another model, protocol or dataset than the
    first.
    """
    if not folders:
        raise AdienceError("no finished runs to read")
    several = [_read_one(folder) for folder in folders]
    alike = [replace(runs, protocol=replace(runs.protocol, repetition=0)) for runs in several]
    for folder, runs in zip(folders, alike, strict=True):
        different = [name for name in SAME if getattr(runs, name) != getattr(alike[0], name)]
        if different:
            raise AdienceError(
                f"{folder}: a run with another {', '.join(different)} than {folders[0]}; they are "
                "different experiments and cannot be taken together"
            )
    # From rows: joined tables would keep numbers as objects beside a memory that is None.
    records = pd.DataFrame([row for runs in several for row in runs.records.to_dict("records")])
    if records.duplicated(["fold", "repetition"]).any():
        raise AdienceError(f"{folders[-1].parent}: two runs of the same fold; delete one")
    joined = {
        name: pd.concat([getattr(runs, name) for runs in several], ignore_index=True)
        for name in several[0].tables
        if name != "records"
    }
    first = min(several, key=lambda runs: runs.protocol.repetition)
    return replace(first, records=records, **joined)


SAME = ("model", "fingerprint", "version", "protocol")
"""What runs that are read together have in common, but for the protocol's repetition."""


def _read_one(folder: Path) -> Runs:
    specification = _read_protocol(folder)
    protocol = _protocol(folder, specification["protocol"])
    training = {"fold": int(specification["fold"]), "repetition": protocol.repetition}
    ten = specification["model"].startswith("levi_hassner")
    return Runs(
        specification["model"],
        protocol,
        specification["fingerprint"],
        _read_table(folder / "history.csv", training),
        _read_table(folder / "predictions.csv", training),
        pd.DataFrame([training | _read_record(folder)]),
        _read_table(folder / "ten_crops.csv", training) if ten else None,
        specification.get("version", 1),
    )


def _read_protocol(folder: Path) -> dict[str, Any]:
    file = folder / "protocol.json"
    specification = read_json(file)
    needed = ("format", "model", "protocol", "fingerprint", "fold")
    missing = [name for name in needed if name not in specification]
    if missing:
        raise AdienceError(f"{file}: lacks {', '.join(missing)}")
    if specification["format"] != FORMAT:
        raise AdienceError(
            f"{file}: format {specification['format']} of another version of this project (this "
            f"one reads {FORMAT}); use that version, or move the folder away"
        )
    ten = ["ten_crops.csv"] if str(specification["model"]).startswith("levi_hassner") else []
    check_files(folder, ["protocol.json", "run.json", "history.csv", "predictions.csv", *ten])
    return specification


def _protocol(folder: Path, written: dict[str, Any]) -> Protocol:
    try:
        return Protocol(**written)
    except (TypeError, AdienceError) as error:
        raise AdienceError(
            f"{folder / 'protocol.json'}: a protocol of another version of this project ({error})"
        ) from error


def _read_record(folder: Path) -> dict[str, Any]:
    run = read_json(folder / "run.json")
    try:
        seconds = pd.read_csv(folder / "history.csv")["seconds"]
        return {
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


def _read_table(file: Path, training: dict[str, int]) -> pd.DataFrame:
    try:
        table = pd.read_csv(file, dtype={"subject": str}).assign(**training)
    except (OSError, ValueError) as error:
        raise AdienceError(f"{file}: cannot be read ({error})") from error
    missing = [column for column in _COLUMNS[file.name] if column not in table]
    if missing:
        raise AdienceError(f"{file}: lacks the columns {', '.join(missing)}")
    if file.name != "history.csv" and not _tasks(table):
        raise AdienceError(f"{file}: lacks the probabilities of every task")
    return table


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


def load_network(folder: Path) -> keras.Model:
    """The network of the finished run in ``folder``.

    Raises AdienceError if its file is missing, or is not the one that the training wrote.
    """
    check_files(folder, ["best.keras"])
    return models.load(folder / "best.keras")
