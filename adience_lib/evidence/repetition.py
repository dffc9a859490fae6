"""How far two trainings of one network on the same faces come apart.

The reduced networks were trained on real faces twice: first without Table 1's third normalisation
(version 1, as ``folder.version_of`` counts) and on another processor, then with it. All else is the
same, and putting the layer into the first networks changes none of their answers. So the two differ
in the last digits of their gradients, and what comes of that is chance.
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
    """The first and the second runs of each network and way of monitoring that was done twice, of
    what ``report.study.read`` gives. Raises AdienceError if an earlier record cannot be read."""
    before = find_runs(replace(study, runs_dir=study.runs_dir.parent / FOLDER))
    if before.unreadable:
        raise AdienceError("; ".join(before.unreadable))
    ways = (before.finished, results.finished), (before.held_out, results.held_out)
    return [
        (first, again[name])
        for firsts, again in ways
        for name, first in firsts.items()
        if name in again and first.version < again[name].version
    ]


def by_fold(first: Runs, again: Runs) -> pd.DataFrame:
    """A row a task and fold: "task", "fold", "gained" (points of accuracy, the second's minus the
    first's) and "changed" (percent of the answers on the test fold that are not the same)."""
    parts = []
    for task in first.tasks:
        before, after = comparison.same_faces(first, again, task)
        answers = [metrics.predicted(one.faces, task) for one in (before, after)]
        gained = 1.0 * after.right[:, 0] - before.right[:, 0]
        faces = pd.DataFrame({"gained": gained, "changed": answers[0] != answers[1]})
        means = 100 * faces.groupby(before.faces["fold"]).mean()
        parts.append(means.reset_index().assign(task=task))
    return pd.concat(parts, ignore_index=True)


def deviation(gained: pd.Series) -> tuple[float, tuple[float, float]]:
    """The standard deviation of one training's accuracy, in points, and its 95 % interval, of
    ``gained``, (n,) differences between two trainings: draws from a normal distribution whose mean
    differs from pair to pair, so that its variance is half of the mean square."""
    n = len(gained)
    found = np.sqrt(np.mean(gained**2) / 2)
    low, high = found * np.sqrt(n / stats.chi2.ppf([0.975, 0.025], n))
    return float(found), (float(low), float(high))
