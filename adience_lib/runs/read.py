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

FROZEN = {"xception": "Xception", "vgg16": "VGG-16"}
"""Networks of ImageNet that a linear model is put on, and their names in words."""

AND_ON = "; then "
"""Between the machines of one training."""


@dataclass(frozen=True)
class Runs:
    """The finished trainings of one network under one protocol on one dataset.

    A fold has one or more of them, which differ in the protocol's ``repetition`` alone; that of
    ``protocol`` is the first. ``fingerprint``: that of the dataset. Each table has the columns
    ``fold`` and ``repetition``, and ``history`` and ``predictions`` those of their files.
    ``records``: a row a training: ``epochs`` (run), ``best_epoch``, ``seconds``,
    ``seconds_to_best``, ``peak_memory`` (bytes), ``parameters``, ``train`` (faces) and ``machine``
    (several, if it went on elsewhere, are joined by ``AND_ON``). ``ten_crops``: predictions scored
    on ten crops, where the runs have them.
    """

    model: str
    protocol: Protocol
    fingerprint: str
    history: pd.DataFrame
    predictions: pd.DataFrame
    records: pd.DataFrame
    ten_crops: pd.DataFrame | None = None

    @property
    def title(self) -> str:
        """The model's name in tables and figures; random features are named, linear models too."""
        if self.model in FROZEN:
            return f"{FROZEN[self.model]}, linear"
        if self.model == "transfer" and self.protocol.weights == "random":
            return f"{self.model} (random features)"
        task, _, source = self.model.partition("_from_")
        return f"{task} read off {READ_OFF[source]}" if source else self.model

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that there are, by name."""
        fields = vars(self).items()
        return {name: table for name, table in fields if isinstance(table, pd.DataFrame)}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the network predicts, "gender" before "age"."""
        columns = {task: f"{task} {labels[0]}" for task, labels in LABELS.items()}
        return tuple(task for task, column in columns.items() if column in self.predictions)

    @property
    def folds(self) -> list[int]:
        """The folds that were tested, in order."""
        return sorted(self.records["fold"].unique().tolist())

    @property
    def cut_short(self) -> int:
        """How many trainings the protocol's limit of epochs ended, before early stopping could."""
        return int((self.records["epochs"] >= self.protocol.epochs).sum())

    def on_ten_crops(self) -> "Runs":
        """The same with the predictions that are means over ten crops. Raises AdienceError where
        there are none."""
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
    """The runs in ``folders``, of one model on one dataset, under protocols that differ in their
    repetition alone. Raises AdienceError naming the file or the folder that is missing or cannot be
    read, or is of another model, protocol or dataset than the first."""
    several = [_read_one(folder) for folder in folders]
    alike = [replace(runs, protocol=replace(runs.protocol, repetition=0)) for runs in several]
    for folder, runs in zip(folders, alike, strict=True):
        same = ("model", "fingerprint", "protocol")
        if different := [name for name in same if getattr(runs, name) != getattr(alike[0], name)]:
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


def _read_one(folder: Path) -> Runs:
    specification = read_json(folder / "protocol.json")
    ten = str(specification.get("model")).startswith("levi_hassner")
    files = ["protocol.json", "run.json", "history.csv", "predictions.csv"]
    check_files(folder, [*files, "ten_crops.csv"] if ten else files)
    run = read_json(folder / "run.json")
    try:
        if specification["format"] != FORMAT:
            raise ValueError(f"its format is {specification['format']}, and not {FORMAT}")
        if specification.get("version", 1) != version_of(str(specification["model"])):
            raise ValueError("its network is built otherwise by now")
        protocol = Protocol(**specification["protocol"])
        training = {"fold": int(specification["fold"]), "repetition": protocol.repetition}
        history = pd.read_csv(folder / "history.csv").assign(**training)
        return Runs(
            specification["model"],
            protocol,
            specification["fingerprint"],
            history,
            _predictions(folder / "predictions.csv", training),
            pd.DataFrame([training | _record(run, history)]),
            _predictions(folder / "ten_crops.csv", training) if ten else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AdienceError) as error:
        raise AdienceError(
            f"{folder}: a run of another version of this project ({error!r}); use that version, or "
            "move the folder away"
        ) from error


def _record(run: dict[str, Any], history: pd.DataFrame) -> dict[str, Any]:
    machines = [
        f"{one['processor']}, {one['cores']} cores, accelerator: {one['accelerator']}"
        for one in run["machines"]
    ]
    return {
        **{name: run[name] for name in ("epochs", "best_epoch", "seconds", "peak_memory")},
        "seconds_to_best": float(history["seconds"][: run["best_epoch"]].sum()),
        "parameters": run["parameters"]["total"],
        "train": run["faces"]["train"],
        "machine": AND_ON.join(dict.fromkeys(machines)),
    }


def _predictions(file: Path, training: dict[str, int]) -> pd.DataFrame:
    return pd.read_csv(file, dtype={"subject": str}).assign(**training)


def load_network(folder: Path) -> keras.Model:
    """The network of the finished run in ``folder``. Raises AdienceError if its file is missing, or
    is not the one that the training wrote."""
    check_files(folder, ["best.keras"])
    return models.load(folder / "best.keras")
