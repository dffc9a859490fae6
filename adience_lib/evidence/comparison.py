"""Two networks on the same test faces and folds, and what is measured for a claim."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from adience_lib.data.labels import FOLDS
from adience_lib.data.loader import HELD_OUT_SHARE
from adience_lib.evidence import contrast, metrics
from adience_lib.evidence.contrast import Contrast
from adience_lib.runs.read import AND_ON, Runs
from adience_lib.util.errors import AdienceError

PLANNED_FACES, PLANNED_TRAININGS = 4000, 2
"""Of the study that the criteria were made for."""

NOISE = {"gender": 0.3, "age": 2.0}
"""By how many points one training moves a fold's accuracy, as a standard deviation: found in 40
pairs of trainings on 1,000 faces (90 % intervals 0 to 1.1, and 0.9 to 2.7)."""


@dataclass(frozen=True)
class Part:
    """One measurement that a criterion asks for.

    ``what``: in words; ``unit``: "points", "epochs", "times" (``estimate`` and the limits are
    logarithms) or "folds". The criterion holds where the truth lies between ``low`` and ``high``,
    and fails where it lies outside. ``found``: the numbers behind, in words. ``paper``: the paper's
    own value, NaN where it gives none. ``planned``: how often the planned study shows what the
    paper found, were it so; NaN where the paper's numbers do not say. ``corrected``: the estimate
    by the corrected resampled t-test, which decides nothing.
    """

    what: str
    unit: str
    estimate: Contrast
    low: float
    high: float
    found: str = ""
    paper: float = np.nan
    planned: float = np.nan
    corrected: Contrast | None = None

    @property
    def p_holds(self) -> float:
        """p-value of "the truth lies between ``low`` and ``high``"."""
        return self.estimate.between(self.low, self.high)

    @property
    def p_fails(self) -> float:
        """p-value of "it lies outside". Of the two ends only one can be near the truth."""
        return min(
            self.estimate.below(self.low) if np.isfinite(self.low) else 1.0,
            self.estimate.above(self.high) if np.isfinite(self.high) else 1.0,
        )

    @property
    def p_corrected(self) -> float:
        """``p_holds`` by the corrected t-test; NaN where there is none."""
        return self.corrected.between(self.low, self.high) if self.corrected else np.nan


def accuracies(
    one: Runs, other: Runs, task: str, low: float, high: float, paper: float = np.nan
) -> Part:
    """How many points ``one`` is above ``other`` on the same faces.

    Raises AdienceError: runs of other datasets or samples, without a common fold, or too few
    folds and trainings to tell the error.
    """
    first, second = same_faces(one, other, task)
    trainings = min(first.right.shape[1], second.right.shape[1])
    first, second = (replace(hits, right=hits.right[:, :trainings]) for hits in (first, second))
    fold, subject = first.faces["fold"], first.faces["subject"]
    found = contrast.nested(first.right, second.right, fold, subject)
    by_fold = _by_fold(first) - _by_fold(second)
    shares = [_by_fold(hits).mean() for hits in (first, second)]
    planned = (
        np.nan
        if np.isnan(paper)
        else contrast.power(paper, low, high, PLANNED_FACES, PLANNED_TRAININGS, NOISE[task])
    )
    return Part(
        f"{task}, {named(one)} minus {named(other)}",
        "points",
        found,
        low,
        high,
        f"{shares[0]:.1f} % and {shares[1]:.1f} % right, {len(first.faces):,} faces, "
        f"{counted(trainings, 'training')} a fold",
        paper,
        planned,
        contrast.over_folds_corrected(by_fold, _test_to_train(one, other))
        if len(by_fold) > 1
        else None,
    )


def _by_fold(hits: metrics.Hits) -> np.ndarray:
    """(K,) percent right in each fold, the mean over its trainings."""
    right = pd.Series(100 * hits.right.mean(axis=1))
    return right.groupby(hits.faces["fold"].to_numpy()).mean().to_numpy()


def _test_to_train(*networks: Runs) -> float:
    """Test faces by training faces, of the network that was trained on the fewest."""
    held_out = any(runs.protocol.monitor == "held_out" for runs in networks)
    return 1 / (FOLDS - 1) / (1 - HELD_OUT_SHARE * held_out)


def counted(number: int, noun: str) -> str:
    """Such as "1 training" or "3 trainings"."""
    return f"{number} {noun}{'s' * (number != 1)}"


def named(runs: Runs) -> str:
    """A network in words, and whether held-out subjects chose its epoch."""
    network = runs.title
    if runs.model.startswith("levi_hassner"):
        network = "Levi & Hassner's"
    return f"{network} (held out)" if runs.protocol.monitor == "held_out" else network


def machines(several: Iterable[Runs]) -> list[str]:
    """What the runs were trained on, each once."""
    return sorted(
        {
            machine
            for runs in several
            for machines_of_one in runs.records["machine"]
            for machine in machines_of_one.split(AND_ON)
        }
    )


def common_folds(*networks: Runs) -> list[int]:
    """The folds that all of ``networks`` tested. Raises AdienceError if there is none."""
    folds = sorted(set.intersection(*(set(runs.folds) for runs in networks)))
    if not folds:
        tested = ", ".join(f"{runs.title} tested folds {runs.folds}" for runs in networks)
        raise AdienceError(f"{tested}: none in common")
    return folds


def same_faces(one: Runs, other: Runs, task: str) -> tuple[metrics.Hits, metrics.Hits]:
    """The hits of both on the folds that both tested, face by face.

    Raises AdienceError: runs of other datasets or samples, or without a common fold.
    """
    if one.fingerprint != other.fingerprint:
        raise AdienceError(f"{one.title} and {other.title} were run on different datasets")
    if one.protocol.faces != other.protocol.faces or one.protocol.seed != other.protocol.seed:
        raise AdienceError(f"{one.title} and {other.title} were run on different samples")
    folds = common_folds(one, other)
    first, second = (metrics.hits(runs.on_folds(folds), task) for runs in (one, other))
    labels = ["fold", "face", "subject", "gender", "age"]
    if not first.faces[labels].equals(second.faces[labels]):
        raise AdienceError(f"{one.title} and {other.title} tested other faces on the same folds")
    return first, second


def mean_by_fold(runs: Runs, column: str, folds: list[int], logarithm: bool = False) -> np.ndarray:
    """(K,) the mean over each fold's trainings of a column of ``records``, or of its logarithm."""
    values = runs.records.set_index("fold")[column].astype("float64")
    values = np.log(values) if logarithm else values
    return values.groupby(level="fold").mean().loc[folds].to_numpy()
