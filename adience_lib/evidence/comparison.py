"""Two networks on the same test faces and folds: tested both ways, in words and p-values."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from adience_lib.data.loader import HELD_OUT_SHARE
from adience_lib.evidence import metrics, paper, significance
from adience_lib.evidence.significance import LEVEL, MARGIN, Estimate, FoldMean, Resampled
from adience_lib.runs.read import AND_ON, Runs
from adience_lib.util.errors import AdienceError

TESTS = len(paper.CLAIMS)
"""Claims that share the level of significance."""


@dataclass(frozen=True)
class Part:
    """One test of a claim: what was found in words, p-values for and against it.

    ``more``: what would decide it, in words, or nothing where that cannot be told.
    ``untested``: why no test was possible, where none was; both p-values are 1 then.
    """

    words: str
    p_for: float
    p_against: float
    more: str = ""
    untested: str = ""

    @property
    def is_open(self) -> bool:
        """Whether neither p-value would count at the strictest level of Holm's correction."""
        return min(self.p_for, self.p_against) > LEVEL / TESTS


Test = Callable[[Estimate], tuple[float, float]]
"""From an estimate to p-values for and against something."""


def equal(one: Runs, other: Runs, task: str) -> Part:
    """Whether the two differ by less than the margin."""
    return compared(one, other, task, significance.equal, [-MARGIN, MARGIN])


def better(one: Runs, other: Runs, task: str, threshold: float = 0) -> Part:
    """Whether ``one`` is more than ``threshold`` points above ``other``."""
    return compared(one, other, task, lambda gap: significance.greater(gap, threshold), [threshold])


def compared(one: Runs, other: Runs, task: str, test: Test, thresholds: list[float]) -> Part:
    """Both ways of testing a difference; the larger p-value counts, so that both must agree."""
    resampled, by_fold = paired_difference(one, other, task)
    low, high = resampled.interval
    shares = [_share_right(runs, task, common_folds(one, other)) for runs in (one, other)]
    words = (
        f"{task}: {named(one)} {shares[0]:.1f} %, {named(other)} {shares[1]:.1f} %, difference "
        f"{resampled.value:+.1f} points [{low:+.1f}, {high:+.1f}]"
    )
    if len(by_fold) < 2:
        return without_test(words, common_folds(one, other))
    over_folds = significance.over_folds(by_fold, test_to_train=_test_to_train(one, other))
    p_for, p_against = agreed([test(resampled), test(over_folds)])
    # Beyond the margin on one side or the other: two tests.
    beyond = test is significance.equal and abs(resampled.value) > MARGIN
    more = significance.needed(resampled, over_folds, thresholds, TESTS * (2 if beyond else 1))
    if test is significance.equal:
        words += _power(over_folds)
    return Part(words, p_for, p_against, times(more))


def named(runs: Runs) -> str:
    """A network in words, and whether held-out subjects chose its epoch."""
    network = runs.title
    if runs.model.startswith("levi_hassner"):
        network = "Levi & Hassner's"
    return f"{network} (held out)" if runs.protocol.monitor == "held_out" else network


def _share_right(runs: Runs, task: str, folds: list[int]) -> float:
    return 100 * float(metrics.correct(runs.on_folds(folds).predictions, task).mean())


def _test_to_train(*networks: Runs) -> float:
    """Test faces by training faces, of the network that was trained on the fewest."""
    held_out = any(runs.protocol.monitor == "held_out" for runs in networks)
    return significance.TEST_TO_TRAIN / (1 - HELD_OUT_SHARE * held_out)


def without_test(words: str, folds: list[int]) -> Part:
    """What was found on the only one of ``folds``, which decides nothing."""
    found = (
        f"{words}, fold {folds[0]} only, and no t-test is possible over one fold (the parameter "
        "extra_folds adds others)"
    )
    return Part(found, 1, 1, untested="one fold only")


def agreed(tests: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The p-values for and against of something that all ``tests`` must agree on."""
    return max(for_ for for_, _ in tests), max(against for _, against in tests)


def _power(over_folds: FoldMean) -> str:
    power = over_folds.power(MARGIN, TESTS)
    return f" (if they were equal, {over_folds.folds} folds would show it in {power:.0%} of cases)"


def times(more: float) -> str:
    """How many times the subjects would decide a difference, in words; "" for no more."""
    if more <= 1:
        return ""
    return (
        "more than 100 times the subjects" if more > 100 else f"about {more:.1f} times the subjects"
    )


def paired_difference(one: Runs, other: Runs, task: str) -> tuple[Resampled, np.ndarray]:
    """``one`` minus ``other`` in points, from the same test faces: over subjects, and each fold's.

    Only folds that both have are taken. Raises AdienceError: runs of other datasets or samples,
    or without a common fold.
    """
    both = same_faces(one, other)
    hits = [100.0 * metrics.correct(table, task) for table in both]
    difference = hits[0] - hits[1]
    resampled = significance.resample(difference, both[0]["subject"])
    by_fold = pd.Series(difference).groupby(both[0]["fold"].to_numpy()).mean()
    return resampled, by_fold.to_numpy()


def machines(several: Iterable[Runs]) -> list[str]:
    """What the runs were timed on, each once: seconds of two machines cannot be compared."""
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


def same_faces(one: Runs, other: Runs) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The predictions of both on the folds that both tested, a row a face, in the same order.

    Raises AdienceError: runs of other datasets or samples, or without a common fold.
    """
    if one.fingerprint != other.fingerprint:
        raise AdienceError(f"{one.title} and {other.title} were run on different datasets")
    if one.protocol.faces != other.protocol.faces or one.protocol.seed != other.protocol.seed:
        raise AdienceError(f"{one.title} and {other.title} were run on different samples")
    folds = common_folds(one, other)
    first, second = (
        runs.on_folds(folds).predictions.sort_values(["fold", "face"], ignore_index=True)
        for runs in (one, other)
    )
    labels = ["fold", "face", "subject", "gender", "age"]
    if not first[labels].equals(second[labels]):
        raise AdienceError(f"{one.title} and {other.title} tested other faces on the same folds")
    return first, second
