"""How far two trainings of one network on the same faces come apart.

The reduced networks were trained on real faces twice: first without Table 1's third normalisation
(version 1, as ``folder.version_of`` counts) and on another processor, then with it. Faces, seed
and order of the batches are the same. What that layer scales by is so near to one that the
answers of the networks trained without it do not change when it is put in. So the two differ in
the last digits of their gradients, and what comes of that is chance.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib.evidence import comparison, metrics
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import Results, find_runs
from adience_lib.runs.read import Runs
from adience_lib.util.errors import AdienceError

FOLDER = "earlier"
"""Where the records of the first trainings lie, beside those of the second."""


def pairs(study: Experiment, results: Results) -> list[tuple[Runs, Runs]]:
    """The first and the second runs of each network and way of monitoring that was done twice.

    ``study``: read from records (``records.read``); ``results``: its runs. Raises AdienceError if
    an earlier record cannot be read.
    """
    before = find_runs(replace(study, runs_dir=study.runs_dir.parent / FOLDER))
    if before.unreadable:
        raise AdienceError("; ".join(before.unreadable))
    return [
        (first, again[name])
        for firsts, again in (
            (before.finished, results.finished),
            (before.held_out, results.held_out),
        )
        for name, first in firsts.items()
        if name in again and first.version < again[name].version
    ]


def by_fold(first: Runs, again: Runs) -> pd.DataFrame:
    """A row a task and fold: "task", "fold", "gained" and "changed".

    "gained": the second's accuracy minus the first's, in points. "changed": the share of answers
    on the test fold that are not the same, in percent.
    """
    folds = comparison.common_folds(first, again)
    both = [
        runs.on_folds(folds).predictions.sort_values(["fold", "face"]) for runs in (first, again)
    ]
    parts = []
    for task in first.tasks:
        hits = [one.right[:, 0].astype(float) for one in comparison.same_faces(first, again, task)]
        answers = [metrics.predicted(faces, task) for faces in both]
        faces = pd.DataFrame(
            {"gained": hits[1] - hits[0], "changed": (answers[0] != answers[1]).astype(float)}
        )
        means = 100 * faces.groupby(both[0]["fold"].to_numpy()).mean().rename_axis("fold")
        parts.append(means.reset_index().assign(task=task))
    return pd.concat(parts, ignore_index=True)


def deviation(gained: pd.Series) -> tuple[float, tuple[float, float]]:
    """The standard deviation of one training's accuracy, in points, and its 95 % interval.

    ``gained``: (n,) differences between two trainings, each pair taken as two draws from one
    normal distribution whose mean may differ from pair to pair. Half of the mean squared
    difference is its variance, with n degrees of freedom.
    """
    n = len(gained)
    found = np.sqrt(np.mean(gained**2) / 2)
    low, high = found * np.sqrt(n / stats.chi2.ppf([0.975, 0.025], n))
    return float(found), (float(low), float(high))
