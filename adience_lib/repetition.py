"""How far two trainings of one network on the same faces come apart.

The reduced networks were trained on real faces twice: first without Table 1's third normalisation
(version 1 in ``run_folder``), then with it. Faces, seed and order of the batches are the same, and
what the layer scales by is nearer to one than bfloat16 can tell. So the two differ by the last
digits of their gradients only, and what comes of that is chance.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from adience_lib import comparison, evaluation
from adience_lib.errors import AdienceError
from adience_lib.evaluation import Runs
from adience_lib.experiment import Experiment
from adience_lib.found import Found, find_runs

FOLDER = "earlier"
"""Where the records of the first trainings lie, beside those of the second."""


def pairs(study: Experiment, found: Found) -> list[tuple[Runs, Runs]]:
    """The first and the second runs of each network and way of monitoring that was done twice.

    ``study``: read from records (``records.read``); ``found``: its runs. Raises AdienceError if
    an earlier record cannot be read.
    """
    before = find_runs(replace(study, runs_dir=study.runs_dir.parent / FOLDER))
    if before.unreadable:
        raise AdienceError("; ".join(before.unreadable))
    return [
        (first, again[name])
        for firsts, again in (
            (before.finished, found.finished),
            (before.held_out, found.held_out),
        )
        for name, first in firsts.items()
        if name in again
    ]


def by_fold(first: Runs, again: Runs) -> pd.DataFrame:
    """A row a task and fold: "task", "fold", "gained" and "changed".

    "gained": the second's accuracy minus the first's, in points. "changed": the share of answers
    on the test fold that are not the same, in percent.
    """
    both = comparison.same_faces(first, again)
    parts = []
    for task in first.tasks:
        hits = [evaluation.correct(faces, task).astype(float) for faces in both]
        answers = [evaluation.predicted(faces, task) for faces in both]
        faces = pd.DataFrame(
            {"gained": hits[1] - hits[0], "changed": (answers[0] != answers[1]).astype(float)}
        )
        means = 100 * faces.groupby(both[0]["fold"].to_numpy()).mean().rename_axis("fold")
        parts.append(means.reset_index().assign(task=task))
    return pd.concat(parts, ignore_index=True)


def deviation(gained: pd.Series) -> float:
    """The standard deviation of one training's accuracy, in points, from differences of two.

    Both trainings of a pair are taken as draws from one distribution, whose mean may differ from
    fold to fold: half of the mean squared difference is its variance.
    """
    return float(np.sqrt(np.mean(gained**2) / 2))
