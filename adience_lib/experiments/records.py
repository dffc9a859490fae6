"""Finished runs as a repository may hold them: without networks, and without names of anybody.

A folder of records holds ``experiment.json`` (dataset and parameters), ``faces.csv`` and
``drops.csv`` (the manifest, and what was left out of it), and a copy of each run folder. Faces and
subjects are numbers in the order of their names, so that whatever is computed from the records
comes out as it does from the runs.
"""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from adience_lib.data import Dataset
from adience_lib.data.images import Folder
from adience_lib.experiments import experiment
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import weights_label
from adience_lib.runs.folder import (
    check_files,
    different,
    read_json,
    write_json,
    write_sums,
    write_table,
)
from adience_lib.util import atomic
from adience_lib.util.errors import AdienceError

FOLDER = "records"
"""Their place beside a dataset's figures."""

LIST = "trainings.csv"
"""Beside them, where a report stands on some: a ``record`` a line, as its folder lies in theirs."""

COPIED = ("protocol.json", "run.json", "history.csv")
NUMBERED = ("predictions.csv", "ten_crops.csv")

_EXPERIMENT, _FACES, _DROPS = "experiment.json", "faces.csv", "drops.csv"
_PLACES = ("data", "runs_dir", "figures_dir", "scheduler")
"""Parameters that say where something lies or runs, and change no result."""


def begin(began: Experiment, records_dir: Path) -> None:
    """Write down what all records in ``records_dir`` are of. Raises AdienceError: the folder holds
    records of something else, or cannot be written to."""
    dataset, specification = began.dataset, _specification(began)
    file = records_dir / _EXPERIMENT
    if file.exists() and (names := different(file, specification)):
        raise AdienceError(
            f"{file}: holds records with another {', '.join(names)}; choose another figures_dir"
        )
    with atomic.writing(file):
        write_table(_numbered(dataset, dataset.labelled(), "path"), records_dir / _FACES)
        write_table(dataset.drops, records_dir / _DROPS)
        write_json(file, specification)


def place(began: Experiment, figures: Path) -> Path:
    """The folder of figures whose records are, or may be, of this experiment: ``figures``, or,
    where that holds another's (the checkout's, say), a folder in it of its own name."""
    specification, file = _specification(began), figures / FOLDER / _EXPERIMENT
    if not file.exists() or not different(file, specification):
        return figures
    digest = hashlib.sha256(json.dumps(specification, sort_keys=True).encode()).hexdigest()
    return figures / f"study-{digest[:8]}"


def _specification(began: Experiment) -> dict[str, Any]:
    """What an experiment is of, without the places where anything lies."""
    overrides = {name: value for name, value in began.overrides.items() if name not in _PLACES}
    if "weights" in overrides:
        # A file's name is a place, too, and says less than its digest.
        overrides["weights"] = weights_label(overrides["weights"])
    return {
        "name": began.dataset.name,
        "fingerprint": began.dataset.fingerprint,
        "parameters": {"protocol": began.protocol.name, **overrides},
    }


def is_kept(began: Experiment, folder: Path, records_dir: Path) -> bool:
    """Whether the record of the run in ``folder`` is there; the run itself need not be. Raises
    AdienceError if the record is not as it was left."""
    record = records_dir / folder.relative_to(began.runs_dir)
    if record.exists():
        _checked(record)
    return record.exists()


def keep(began: Experiment, folder: Path, records_dir: Path) -> None:
    """Copy what may be published of the finished run in ``folder``: not the network, and numbers
    for faces and subjects. Raises AdienceError if the run is not as it was left, or the disk cannot
    be written to."""
    target = records_dir / folder.relative_to(began.runs_dir)
    files = _checked(folder)

    def write(record: Path) -> None:
        record.mkdir()
        for file in files:
            if file.name in NUMBERED:  # read as text, so that every digit stays
                table = pd.read_csv(file, dtype=str, keep_default_na=False)
                write_table(_numbered(began.dataset, table, "face"), record / file.name)
            else:
                shutil.copyfile(file, record / file.name)
        write_sums(record)

    atomic.remove(target)
    atomic.make_whole(target, write)


def _checked(folder: Path) -> list[Path]:
    """What is published of a run, or is its record; of ten crops only Levi & Hassner's have."""
    names = [*COPIED, *(name for name in NUMBERED if (folder / name).exists())]
    check_files(folder, names)
    return [folder / name for name in names]


def _numbered(dataset: Dataset, table: pd.DataFrame, path: str) -> pd.DataFrame:
    """``table`` with numbers for its column ``path`` and for "subject", as texts of one length."""
    faces, subjects = (_numbers(dataset.labelled()[name]) for name in ("path", "subject"))
    return table.assign(**{path: table[path].map(faces), "subject": table["subject"].map(subjects)})


def _numbers(names: pd.Series) -> dict[str, str]:
    """From each name to its place among all of them in order."""
    ordered = sorted(set(names))
    digits = len(str(len(ordered) - 1))
    return {name: f"{place:0{digits}}" for place, name in enumerate(ordered)}


def read(records_dir: Path) -> Experiment:
    """The experiment whose records lie in ``records_dir``, as its runs are found: without images,
    and of all only those that a ``LIST`` names, where there is one. Raises AdienceError if they
    cannot be read, or one that is named is not there."""
    specification = read_json(records_dir / _EXPERIMENT)
    try:
        faces = pd.read_csv(records_dir / _FACES, dtype={"path": str, "subject": str})
        drops = pd.read_csv(records_dir / _DROPS)
        name, fingerprint = specification["name"], specification["fingerprint"]
        dataset = Dataset(name, records_dir, faces, drops, fingerprint, Folder(records_dir))
        overrides = {**specification["parameters"], "runs_dir": str(records_dir)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdienceError(f"{records_dir}: no records of this version ({error!r})") from error
    return replace(experiment.of(dataset, overrides), listed=_listed(records_dir))


def _listed(records_dir: Path) -> frozenset[Path] | None:
    file = records_dir.with_name(LIST)
    if not file.exists():
        return None
    try:
        names = pd.read_csv(file, dtype=str)["record"]
    except (OSError, ValueError, KeyError) as error:
        raise AdienceError(f"{file}: no list of records ({error!r})") from error
    for line, name in enumerate(names, start=2):
        if not (records_dir / str(name)).is_dir():
            raise AdienceError(f"{file}, line {line}: there is no record of {name} beside it")
    return frozenset(records_dir / name for name in names)
