"""What a training costs: its updates, times the seconds of one, measured in turns. The seconds that
trainings took themselves decide nothing: other work ran beside them."""

from pathlib import Path

import numpy as np
import pandas as pd

from adience_lib.runs.read import Runs
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

STEPS = "steps.csv"
"""The table that ``python -m benchmarks --steps`` leaves in ``figures/``: a row a network and
precision, with ``batch`` (faces), ``rounds``, ``seconds`` (the median of an update's), ``low`` and
``high`` (the quartiles) and ``machine``."""

PRECISION = "float32"
"""The paper's. A processor may have no instructions of its own for another."""


def steps(folder: Path = paths.COMMITTED) -> pd.DataFrame:
    """The table of measured updates, indexed by ``network`` and ``precision``. Raises AdienceError
    if it is not there or cannot be read."""
    file, columns = folder / STEPS, ["batch", "rounds", "seconds", "low", "high", "machine"]
    try:
        return pd.read_csv(file, index_col=["network", "precision"])[columns]
    except (OSError, ValueError, KeyError) as error:
        raise AdienceError(
            f"{paths.shown(file)}: no table of measured updates (python -m benchmarks --steps)"
        ) from error


def seconds_an_update(runs: Runs) -> float:
    """Of the network of ``runs``. Raises AdienceError if it was not measured."""
    try:
        return float(steps().loc[(runs.model, PRECISION), "seconds"])
    except KeyError as error:
        raise AdienceError(f"seconds of an update of {runs.title} were not measured") from error


def updates(runs: Runs) -> pd.DataFrame:
    """A row a training: ``fold``, ``repetition``, ``updates`` in all and ``to best``."""
    records = runs.records
    an_epoch = np.ceil(records["train"] / runs.protocol.batch_size)
    return records[["fold", "repetition"]].assign(
        updates=records["epochs"] * an_epoch, **{"to best": records["best_epoch"] * an_epoch}
    )
