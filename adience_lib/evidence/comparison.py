"""Two networks on the same test faces and folds, and what is measured for a claim."""

from dataclasses import dataclass

import numpy as np

from adience_lib.data.labels import FOLDS
from adience_lib.data.loader import HELD_OUT_SHARE
from adience_lib.evidence import contrast, metrics
from adience_lib.evidence.contrast import Contrast
from adience_lib.runs.read import Runs
from adience_lib.util.errors import AdienceError

PLANNED_FACES, PLANNED_TRAININGS = 4000, 2
"""Of the study that the criteria were made for."""

NOISE = {"gender": 0.3, "age": 2.0}
"""By how many points one training moves a fold's accuracy, as a standard deviation: found in 40
pairs of trainings on 1,000 faces (90 % intervals 0 to 1.1, and 0.9 to 2.7)."""


@dataclass(frozen=True)
class Part:
    """One measurement that a criterion asks for.

    ``what``: in words; ``unit``: "points", "epochs" or "times" (``estimate`` and the limits are
    logarithms). ``found``: the numbers behind, in words. The criterion holds where the truth lies
    between ``low`` and ``high``, and fails where it lies outside. ``paper``: the paper's own value,
    if it has one. ``planned``: how often the planned study shows that value, were it true.
    ``corrected``: the estimate by the corrected resampled t-test, which decides nothing.
    """

    what: str
    unit: str
    estimate: Contrast
    found: str = ""
    low: float = -np.inf
    high: float = np.inf
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
        return min(self.estimate.below(self.low), self.estimate.above(self.high))

    @property
    def p_corrected(self) -> float:
        """``p_holds`` by the corrected t-test; NaN where there is none."""
        return self.corrected.between(self.low, self.high) if self.corrected else np.nan


def accuracies(
    one: Runs, other: Runs, task: str, low: float, high: float, paper: float = np.nan
) -> Part:
    """How many points ``one`` is above ``other`` on the same faces; ``paper``: the paper's own
    difference. Raises AdienceError: runs of other datasets or samples, without a common fold, or
    too few folds and trainings to tell the error."""
    hits = same_faces(one, other, task)
    trainings, faces = min(of.right.shape[1] for of in hits), hits[0].faces
    first, second = both = [of.right[:, :trainings] for of in hits]
    found = contrast.nested(first, second, faces["fold"], faces["subject"])
    ours, theirs = (metrics.by_fold(100 * of.mean(axis=1), faces).to_numpy() for of in both)
    plan = (PLANNED_FACES, PLANNED_TRAININGS, NOISE[task])
    ratio = _test_to_train(one, other)
    return Part(
        f"{task}, {named(one)} minus {named(other)}",
        "points",
        found,
        f"{ours.mean():.1f} % and {theirs.mean():.1f} % right, {len(faces):,} faces, "
        f"{trainings} training{'s' * (trainings > 1)} a fold",
        low,
        high,
        paper,
        np.nan if np.isnan(paper) else contrast.power(paper, low, high, *plan),
        contrast.over_folds(ours - theirs, ratio) if len(ours) > 1 else None,
    )


def _test_to_train(*networks: Runs) -> float:
    """Test faces by training faces, of the network that was trained on the fewest."""
    held_out = any(runs.protocol.monitor == "held_out" for runs in networks)
    return 1 / (FOLDS - 1) / (1 - HELD_OUT_SHARE * held_out)


def named(runs: Runs) -> str:
    """A network in words, and whether held-out subjects chose its epoch."""
    network = "Levi & Hassner's" if runs.model.startswith("levi_hassner") else runs.title
    return f"{network} (held out)" if runs.protocol.monitor == "held_out" else network


def on_common_folds(*networks: Runs) -> list[Runs]:
    """Each of ``networks`` on the folds that all tested. Raises AdienceError if there is none."""
    folds = set.intersection(*(set(runs.folds) for runs in networks))
    if not folds:
        tested = ", ".join(f"{runs.title} tested folds {runs.folds}" for runs in networks)
        raise AdienceError(f"{tested}: none in common")
    return [runs.on_folds(folds) for runs in networks]


def same_faces(one: Runs, other: Runs, task: str) -> list[metrics.Hits]:
    """The hits of both on the folds that both tested, face by face. Raises AdienceError: runs of
    other datasets or samples, or without a common fold."""
    samples = [(runs.fingerprint, runs.protocol.faces, runs.protocol.seed) for runs in (one, other)]
    hits = [metrics.hits(runs, task) for runs in on_common_folds(one, other)]
    first, second = (found.faces[metrics.FACE] for found in hits)
    if samples[0] != samples[1] or not first.equals(second):
        raise AdienceError(
            f"{one.title} and {other.title} were run on different datasets or samples of faces"
        )
    return hits


def mean_by_fold(runs: Runs, column: str, logarithm: bool = False) -> np.ndarray:
    """(K,) the mean over each fold's trainings of a column of ``records``, or of its logarithm."""
    values = runs.records[column].astype("float64").to_numpy()
    return metrics.by_fold(np.log(values) if logarithm else values, runs.records).to_numpy()
