"""The run folder: where a training's results lie, and how they are written, known and checked."""

import hashlib
import json
import shlex
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adience_lib.data import Dataset
from adience_lib.data.labels import LABELS
from adience_lib.models.pretrained import Weights
from adience_lib.protocol import Protocol
from adience_lib.util import atomic, paths
from adience_lib.util.errors import RETRAIN, AdienceError

FORMAT = 1
"""Of the run folder's files. Whoever changes what a file or a column means counts it up."""

REBUILT = ("gender", "age", "multitask", "untrained")
"""Networks, or trunks that are read off, which lacked Table 1's third normalisation before. Runs
of those are of version 1, and are not taken for runs of these."""


def version_of(model_name: str) -> int:
    """2 for a network that was built otherwise before, or what is read off it; else 1."""
    return 2 if model_name.rsplit("_from_", maxsplit=1)[-1] in REBUILT else 1


@dataclass(frozen=True, eq=False)
class Training:
    """One training: of a network under a protocol, tested on ``fold`` and trained on the others.
    ``runs_dir``: where run folders lie. ``weights``: those that ``protocol.weights`` names, for
    ``transfer``; None where it says "random"."""

    dataset: Dataset
    model_name: str
    protocol: Protocol
    fold: int
    runs_dir: Path
    weights: Weights | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.model_name}, fold {self.fold}"

    @property
    def folder(self) -> Path:
        """Where its results are kept: ``<dataset>/<model>/<protocol>/fold_<k>``."""
        source = f"{self.dataset.name}-{self.dataset.fingerprint[:10]}"
        return self.runs_dir / source / self.model_name / self.protocol.label / f"fold_{self.fold}"

    @property
    def unfinished(self) -> Path:
        """What is there of them until they are whole."""
        return atomic.unfinished_name(self.folder)

    @property
    def specification(self) -> dict[str, Any]:
        """What it is of: two runs that differ in any of this are different experiments."""
        version = version_of(self.model_name)
        return {
            "format": FORMAT,
            "model": self.model_name,
            "fold": self.fold,
            "dataset": self.dataset.name,
            "fingerprint": self.dataset.fingerprint,
            "protocol": self.protocol.written(),
            # Runs from before there were versions are those of version 1.
            **({"version": version} if version > 1 else {}),
        }


def write_once(training: Training, write: Callable[[Path], dict[str, Any]]) -> bool:
    """Let ``write`` make the folder of ``training`` unless it holds that run.

    ``write`` fills the folder that it gets, which appears under its name when it is whole, and
    gives the content of ``run.json``. What it leaves in ``training.unfinished`` outlives an
    interruption. A second process waits for the first. Gives whether there was anything to do.
    Raises AdienceError: the folder, or what is left of an interruption, is of another run; or the
    disk cannot be written to.
    """
    folder, unfinished = training.folder, training.unfinished
    specification = training.specification
    with atomic.writing(folder):
        is_finished = folder.exists() and not unfinished.exists()
        with nullcontext() if is_finished else atomic.locked(folder):
            if folder.exists():
                _check_same(folder, specification)
                atomic.remove(unfinished)  # of a process that ended between its last two steps
                return False
            file, result = unfinished / "protocol.json", unfinished / "result"
            unfinished.mkdir(exist_ok=True)
            atomic.remove(atomic.unfinished_name(file))  # of a process that was killed just here
            if any(unfinished.iterdir()):
                _check_same(unfinished, specification)
            else:
                write_json(file, specification)
            atomic.remove(result)
            result.mkdir()
            run = {"status": "finished", **write(result)}
            write_json(result / "protocol.json", specification)
            write_json(result / "run.json", run)
            write_sums(result)
            atomic.put(result, folder)
            atomic.remove(unfinished)
            return True


def _check_same(folder: Path, specification: dict[str, Any]) -> None:
    if names := different(folder / "protocol.json", specification):
        raise AdienceError(
            f"{folder}: holds a run with another {', '.join(names)}; delete it or choose "
            "another runs_dir, so that two experiments are not mixed"
        )


def different(file: Path, specification: dict[str, Any]) -> list[str]:
    """The names under which the record in ``file`` does not say what ``specification`` does."""
    found = read_json(file)
    return [name for name, value in specification.items() if found.get(name) != value]


def read_json(file: Path) -> dict[str, Any]:
    """The record in ``file``. Raises AdienceError: it is missing, or is no such record."""
    try:
        content = json.loads(file.read_bytes())
        if not isinstance(content, dict):
            raise ValueError("it is no JSON object")
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        way_out = _way_out(file.parent)
        raise AdienceError(f"{file}: no record of a run ({reason}); {way_out}") from error
    return content


def _way_out(folder: Path) -> str:
    """Train a damaged run again, unless it is a record of the checkout, which took days."""
    if not folder.absolute().is_relative_to(paths.COMMITTED):
        return RETRAIN
    return (
        f"git checkout -- {shlex.quote(paths.shown(folder))} brings it back if it came with the "
        "checkout; if it is of a study of your own, move its folder fold_<k> away, and the study "
        "trains that fold again"
    )


SUMS = "SHA256SUMS"
"""The file with the digest of every other file of a run folder, as ``sha256sum`` writes it."""


def write_sums(folder: Path) -> None:
    """Write the digests of the files that are in ``folder`` now."""
    lines = [f"{_sum(file)}\n" for file in sorted(folder.iterdir()) if file.name != SUMS]
    (folder / SUMS).write_text("".join(lines), encoding="ascii")


def check_files(folder: Path, names: Iterable[str]) -> None:
    """Check that the files ``names`` of a finished run are those that its training wrote. Raises
    AdienceError naming what is missing, or the file that is damaged or of another run."""
    if not folder.is_dir():
        raise AdienceError(f"{folder}: there is no finished run; train it first")
    try:
        lines = (folder / SUMS).read_text(encoding="ascii").splitlines()
        changed = [name for name in names if _sum(folder / name) not in lines]
    except (OSError, UnicodeDecodeError) as error:
        raise AdienceError(
            f"{folder}: no finished run of this version ({error}); {_way_out(folder)}"
        ) from error
    if changed:
        raise AdienceError(
            f"{folder / changed[0]}: not as the run left it (its SHA-256 is not the one in "
            f"{SUMS}); {_way_out(folder)}"
        )


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return f"{hashlib.file_digest(opened, 'sha256').hexdigest()}  {file.name}"


def network_file(named: str | Path) -> Path:
    """The network that is meant: ``best.keras`` of a run folder, or the file itself."""
    named = Path(named)
    return named / "best.keras" if named.is_dir() else named


def both_columns(given: np.ndarray) -> np.ndarray:
    """(n, classes) from (n, classes), or from (n, 1) with the probability of the second of two."""
    return given if given.shape[1] > 1 else np.hstack([1 - given, given])


def predictions_table(faces: pd.DataFrame, outputs: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row a test face, of rows of the manifest: ``face`` (its path), ``subject``, the true
    labels, probabilities. ``outputs``: for each task as ``both_columns`` takes them."""
    table = faces.rename(columns={"path": "face"}).reset_index(drop=True)
    for task, given in outputs.items():
        table[[f"{task} {label}" for label in LABELS[task]]] = both_columns(given)
    return table


def write_table(table: pd.DataFrame, file: Path) -> None:
    """As CSV, with the same bytes on every system."""
    table.to_csv(file, index=False, lineterminator="\n")


def write_json(file: Path, content: dict[str, Any]) -> None:
    """As indented JSON with a last line end, whole or not at all."""
    text = json.dumps(content, indent=2) + "\n"
    atomic.write_file(file, lambda opened: opened.write(text.encode()))
