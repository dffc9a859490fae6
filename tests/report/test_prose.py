"""The prose of the notebooks about real faces: every number in it is that of the records."""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jupytext
import pandas as pd
import pytest

from adience_lib import models
from adience_lib.experiments import records
from adience_lib.report import execution, notebook, study
from adience_lib.runs.folder import write_sums
from adience_lib.util import paths

TAG = "real-faces"
"""Of the cells that stand on the committed records alone, and of the imports that they need."""


def run_cells(script: Path) -> None:
    """Execute the cells of a notebook's script that are tagged ``TAG``, in their order."""
    names: dict[str, Any] = {}
    cells = [cell for cell in jupytext.read(script).cells if TAG in cell.metadata.get("tags", [])]
    assert cells or "study.read" not in script.read_text()
    for cell in cells:
        exec(compile(cell.source, script.name, "exec"), names)


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are drawn and not shown."""
    monkeypatch.setattr(notebook, "display", lambda _: None)


@pytest.fixture(scope="module")
def _once() -> Iterator[None]:
    """The records are read, and each network that is counted is built, once for all notebooks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "read", cache(study.read))
        patch.setattr(models, "build", cache(models.build))
        yield


@pytest.mark.usefixtures("_once")
@pytest.mark.filterwarnings("error::pandas.errors.PerformanceWarning")
@pytest.mark.parametrize("path", execution.notebooks(), ids=lambda path: path.stem)
def test_numbers_in_prose_are_those_of_the_records(path: Path) -> None:
    """Each is asserted in the cell above it; nothing is printed as a warning."""
    run_cells(path.with_suffix(".py"))


def test_altered_record_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fold of one network with other answers, in files that are whole."""
    shutil.copytree(paths.COMMITTED / study.RECORDS, tmp_path / study.RECORDS)
    recorded = records.read(tmp_path / study.RECORDS)
    file = recorded.folder("multitask", 0) / "predictions.csv"
    answers = pd.read_csv(file, dtype=str)
    swapped = {"age (0, 2)": "age (25, 32)", "age (25, 32)": "age (0, 2)"}
    altered = answers.rename(columns=swapped)[list(answers)]
    altered.to_csv(file, index=False, lineterminator="\n")
    write_sums(file.parent)
    read = study.read
    monkeypatch.setattr(study, "read", lambda: read(tmp_path))
    with pytest.raises(AssertionError):
        run_cells(paths.NOTEBOOKS / "03_multitask.py")
