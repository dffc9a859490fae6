"""How far two trainings of one network on the same faces come apart, which is chance.

They differ in their repetition alone: in first weights, dropout, crops and the order of faces.
"""

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib.evidence import comparison, metrics
from adience_lib.runs.read import Runs


def pairs(networks: dict[str, Runs]) -> list[tuple[Runs, Runs]]:
    """The first and the second trainings of each of ``networks`` that was trained twice on every
    fold."""
    found = []
    for runs in networks.values():
        one = runs.where(lambda table: table["repetition"] == 0)
        other = runs.where(lambda table: table["repetition"] == 1)
        if one.folds == other.folds == runs.folds:
            found.append((one, other))
    return found


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
