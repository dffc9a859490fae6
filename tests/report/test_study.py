"""What is committed of the real faces is what their records give."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import Results
from adience_lib.report import notebook, study
from adience_lib.util import paths

COMMITTED = paths.COMMITTED / "utkface"


@pytest.fixture(scope="module")
def recorded() -> tuple[Experiment, Results]:
    """The records of real faces."""
    return study.read()


@pytest.fixture(scope="module")
def tables(recorded: tuple[Experiment, Results]) -> dict[str, pd.DataFrame]:
    """Every table, computed anew."""
    return study.all_tables(*recorded)


def _read(file: Path) -> bytes:
    """Keras numbers a layer that Xception leaves unnamed by how many were built before it."""
    return re.sub(rb"\b(add|conv2d|batch_normalization)_\d+", rb"\1", file.read_bytes())


def test_committed_tables_are_those_of_the_records(
    recorded: tuple[Experiment, Results], tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    """To the last byte; no table is missing, and none is left of an earlier time."""
    experiment = replace(recorded[0], figures_dir=tmp_path)
    for name, table in tables.items():
        notebook.keep(experiment, table, name)
        kept, now = (_read(folder / f"{name}.csv") for folder in (COMMITTED, tmp_path))
        assert kept == now, f"{name}.csv is not of these records; make records draws it anew"
    assert {file.stem for file in COMMITTED.glob("*.csv")} == set(tables)


@pytest.fixture(scope="module")
def all_drawn(
    recorded: tuple[Experiment, Results], tables: dict[str, pd.DataFrame]
) -> dict[str, Figure]:
    """Every figure, drawn anew."""
    return study.all_figures(*recorded, tables)


@pytest.mark.parametrize("name", ["claims", "table_3", "figure_6_multitask"])
def test_committed_figures_are_those_of_the_records(
    name: str,
    recorded: tuple[Experiment, Results],
    all_drawn: dict[str, Figure],
    tmp_path: Path,
) -> None:
    """Three of them, byte for byte as SVG; each of the others has its files."""
    experiment = replace(recorded[0], figures_dir=tmp_path)
    assert {file.stem for file in COMMITTED.glob("*.svg")} == set(all_drawn)
    notebook.write(experiment, all_drawn[name], name)
    digests = [
        hashlib.sha256((folder / f"{name}.svg").read_bytes()).hexdigest()
        for folder in (COMMITTED, tmp_path)
    ]
    assert digests[0] == digests[1], f"{name}.svg is not of these records; make records"


def test_what_has_not_been_trained_has_no_table_and_no_figure(
    recorded: tuple[Experiment, Results],
) -> None:
    """Of a study that has just begun: no empty file, no axes without a mark."""
    experiment = replace(recorded[0], extra_folds=())  # and so no sweep of gamma
    found = recorded[1]
    begun = Results(
        is_demo=False,
        is_adience=False,
        faces=found.faces,
        finished={"gender": found.finished["gender"]},
        held_out={},
        published={},
        same_recipe={},
        linear_probes={},
        unreadable=[],
    )
    tables = study.all_tables(experiment, begun)
    drawn = study.all_figures(experiment, begun, tables)
    for name in ("optimism", "gamma", "recipes", "readouts", "recall"):
        assert name not in tables and name not in drawn, name
    assert {"figure_4_gender", "table_3", "claims", "calibration"} <= set(drawn)
