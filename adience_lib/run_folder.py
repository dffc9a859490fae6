"""The run folder: where a training's results lie, and how they are written and recognised."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import backend, paths
from adience_lib.data import Dataset
from adience_lib.errors import AdienceError
from adience_lib.labels import LABELS
from adience_lib.protocol import Protocol

FINGERPRINT_DIGITS = 10


def run_folder(
    runs_dir: Path, dataset: Dataset, model_name: str, protocol: Protocol, fold: int
) -> Path:
    """Where the results of one training are kept: ``<dataset>/<model>/<protocol>/fold_<k>``."""
    source = f"{dataset.name}-{dataset.fingerprint[:FINGERPRINT_DIGITS]}"
    return runs_dir / source / model_name / protocol.label / f"fold_{fold}"


def record(dataset: Dataset, model_name: str, protocol: Protocol, fold: int) -> dict[str, Any]:
    """What a run is of: two runs that differ in any of this are different experiments."""
    return {
        "model": model_name,
        "fold": fold,
        "dataset": dataset.name,
        "fingerprint": dataset.fingerprint,
        "protocol": asdict(protocol),
    }


def write_once(folder: Path, said: dict[str, Any], write: Callable[[Path], dict[str, Any]]) -> bool:
    """Let ``write`` fill ``folder`` unless it holds the run that ``said`` (a ``record``) names.

    ``write`` takes the unfinished folder and gives the content of ``run.json``. Gives whether
    there was anything to do. Raises AdienceError: the folder holds another run, or the disk
    cannot be written to.
    """
    if folder.exists():
        _check_same(folder, said)
        return False

    def fill(unfinished: Path) -> None:
        unfinished.mkdir()
        run = {"status": "finished", **write(unfinished)}
        write_json(unfinished / "protocol.json", {**said, "machine": backend.machine()})
        write_json(unfinished / "run.json", run)

    paths.make_whole(folder, fill)
    return True


def _check_same(folder: Path, record: dict[str, Any]) -> None:
    file = folder / "protocol.json"
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise AdienceError(f"{file}: not a run's record ({error}); delete the folder") from error
    different = [name for name, value in record.items() if found.get(name) != value]
    if different:
        raise AdienceError(
            f"{folder}: holds a run with another {', '.join(different)}; delete it or choose "
            "another runs_dir, so that two experiments are not mixed"
        )


def predictions_table(faces: pd.DataFrame, outputs: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row a test face: ``face`` (its path), ``subject``, the true labels, probabilities.

    ``faces``: rows of the manifest. ``outputs``: for each task (n, classes), or (n, 1) for the
    probability of the second of two labels.
    """
    table = faces.rename(columns={"path": "face"}).reset_index(drop=True)
    for task, given in outputs.items():
        probabilities = given if given.shape[1] > 1 else np.hstack([1 - given, given])
        for position, label in enumerate(LABELS[task]):
            table[f"{task} {label}"] = probabilities[:, position]
    return table


def write_table(table: pd.DataFrame, file: Path) -> None:
    """As CSV, with the same bytes on every system."""
    table.to_csv(file, index=False, lineterminator="\n")


def write_json(file: Path, content: dict[str, Any]) -> None:
    """As indented JSON with a last line end."""
    file.write_text(json.dumps(content, indent=2) + "\n")
