"""How sure a number is: intervals, tests of equivalence and difference, power.

Two estimates answer the same questions. ``Resampled`` comes from a bootstrap over subjects: the
faces of one person are not independent, so persons are drawn, not faces. ``FoldMean`` comes from
the folds' values by the corrected resampled t-test. Both give a p-value for "the true value is
above" and "is below" any threshold.
"""

import warnings
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from adience_lib.util.errors import AdienceError

MARGIN = 2.0
"""Points of accuracy within which two networks count as equal. Stated before any run on Adience
was looked at. The spreads of the paper's Table 3 are 1.1 to 1.4 points for gender, 3.7 to 5.1 for
age."""

LEVEL = 0.05
"""Of every test; intervals hold 1 - LEVEL."""

RESAMPLES = 9_999
BATCH = 20_000_000  # numbers that the bootstrap holds at once: 160 MB
SEED = 2022

TEST_TO_TRAIN = 1 / 4
"""Test faces by training faces. Five folds: one is tested, four train (paper, section 2.2)."""


class Estimate(Protocol):
    """A value and how sure it is."""

    @property
    def value(self) -> float:
        """The estimate itself."""

    def above(self, threshold: float) -> float:
        """The p-value of "the true value is above ``threshold``"."""

    def below(self, threshold: float) -> float:
        """The p-value of "the true value is below ``threshold``"."""


@dataclass(frozen=True)
class Resampled:
    """``value``, what it was in each of the ``draws`` of subjects, and how many ``subjects``."""

    value: float
    draws: np.ndarray
    subjects: int

    def above(self, threshold: float) -> float:
        """Share of the draws not above ``threshold``, and one more draw that is not."""
        return float((1 + np.sum(~(self.draws > threshold))) / (1 + len(self.draws)))

    def below(self, threshold: float) -> float:
        """As ``above``. A draw that is unknown (NaN) speaks for neither."""
        return float((1 + np.sum(~(self.draws < threshold))) / (1 + len(self.draws)))

    @property
    def interval(self) -> tuple[float, float]:
        """The percentile interval, 95 %. One subject has none: NaN."""
        low, high = np.quantile(self.draws, [LEVEL / 2, 1 - LEVEL / 2])
        return float(low), float(high)

    @property
    def error(self) -> float:
        """The standard error, of the draws that are known; NaN where none is."""
        known = self.draws[~np.isnan(self.draws)]
        return float(np.std(known, ddof=1)) if len(known) > 1 else np.nan


def resample(values: np.ndarray, subjects: pd.Series, seed: int = SEED) -> Resampled:
    """The mean of ``values``, one a face, from draws of whole subjects.

    ``values``: (n,) numbers, such as whether a face was right, or the difference of two networks
    in that. ``subjects``: (n,) whose face it is. Equal seeds draw equal subjects. Raises
    AdienceError if there is no face.
    """
    groups = np.zeros(len(values), "int64")
    (only,) = resample_groups(values, subjects, groups, 1, seed)
    return only


def resample_groups(
    values: np.ndarray, subjects: pd.Series, groups: np.ndarray, count: int, seed: int = SEED
) -> list[Resampled]:
    """The mean of ``values`` in each of ``count`` groups, from the same draws of subjects.

    ``groups``: (n,) int64 from 0: which group a face is in. A draw without a face of a group
    leaves NaN there. Raises AdienceError if a group has no face at all.
    """
    codes, names = pd.factorize(subjects)
    sums, faces = np.zeros((2, count, len(names)))
    np.add.at(sums, (groups, codes), values)
    np.add.at(faces, (groups, codes), 1)
    if not faces.sum(axis=1).all():
        raise AdienceError("there is no face to measure on")
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        # All draws alike: the interval is a point, and is taken as one.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        if len(names) == 1:
            draws = np.full((count, RESAMPLES), np.nan)
        else:
            draws = stats.bootstrap(
                (sums, faces),
                lambda s, f, axis: s.sum(axis=axis) / f.sum(axis=axis),
                n_resamples=RESAMPLES,
                batch=max(1, BATCH // (2 * sums.size)),
                axis=-1,
                paired=True,
                vectorized=True,
                method="percentile",
                rng=seed,
            ).bootstrap_distribution
    value = sums.sum(axis=1) / faces.sum(axis=1)
    return [Resampled(float(value[i]), draws[i], len(names)) for i in range(count)]


def wilson(share: Resampled, faces: int) -> tuple[float, float]:
    """A 95 % interval in percent for the accuracy of a small group, after Wilson.

    Where every face of a group is right, so is every draw, and draws alone would call the accuracy
    certain. ``share`` in percent tells how many independent faces the group is worth, from one to
    ``faces``; where the draws do not differ, as many as it has subjects.
    """
    p, error = share.value / 100, share.error / 100
    worth = p * (1 - p) / error**2 if error > 1e-9 else share.subjects
    worth = min(max(worth, 1), faces)
    low, high = proportion_confint(p * worth, worth, LEVEL, "wilson")
    # Rounding must not put the share itself outside, at 0 and at 100 %.
    return min(100 * float(low), share.value), max(100 * float(high), share.value)


@dataclass(frozen=True)
class FoldMean:
    """The mean over folds with the corrected resampled t-test (Nadeau & Bengio 2003).

    The training sets of the folds overlap, so the variance of the mean is taken as
    s^2 * (1 / folds + test / train) and not as s^2 / folds. ``error`` is its root.
    """

    value: float
    error: float
    folds: int

    def above(self, threshold: float) -> float:
        """One-sided, folds - 1 degrees of freedom; without a spread 0, 1/2 or 1."""
        return float(stats.t.sf(self._distance(threshold), self.folds - 1))

    def below(self, threshold: float) -> float:
        """As ``above``."""
        return float(stats.t.cdf(self._distance(threshold), self.folds - 1))

    def _distance(self, threshold: float) -> float:
        gap = self.value - threshold
        if self.error == 0:
            return float(np.sign(gap)) * np.inf if gap else 0.0
        return gap / self.error

    def power(self, margin: float, tests: int = 1) -> float:
        """How often ``equal`` would find two networks equal that are exactly equal.

        Simulated with this error and as many folds, at the level that Bonferroni leaves to one
        of ``tests``.
        """
        random, freedom = np.random.default_rng(SEED), self.folds - 1
        critical = stats.t.ppf(1 - LEVEL / tests, freedom)
        means = random.normal(0, self.error, RESAMPLES)
        errors = self.error * np.sqrt(random.chisquare(freedom, RESAMPLES) / freedom)
        return float(np.mean(np.abs(means) + critical * errors < margin))


def over_folds(
    values: np.ndarray, rounding: float = 0.0, test_to_train: float = TEST_TO_TRAIN
) -> FoldMean:
    """The mean of ``values``, one a fold, whose spread is at least ``rounding``.

    Raises AdienceError for fewer than two folds.
    """
    if len(values) < 2:
        raise AdienceError("one fold only: its spread over folds is unknown")
    spread = max(np.std(values, ddof=1), rounding)
    error = spread * np.sqrt(1 / len(values) + test_to_train)
    return FoldMean(float(np.mean(values)), float(error), len(values))


def equal(difference: Estimate, margin: float = MARGIN) -> tuple[float, float]:
    """p-values for and against "the two differ by less than ``margin``".

    For: two one-sided tests, the larger p. Against: the difference is beyond the margin on one
    side or the other, twice the smaller p.
    """
    inside = max(difference.above(-margin), difference.below(margin))
    outside = 2 * min(difference.below(-margin), difference.above(margin))
    return inside, min(1.0, outside)


def greater(difference: Estimate, threshold: float = 0.0) -> tuple[float, float]:
    """p-values for and against "the difference is above ``threshold``"."""
    return difference.above(threshold), difference.below(threshold)


def holm(p_values: list[float]) -> list[float]:
    """Holm's correction: each p-value as if it were the only one."""
    return [float(p) for p in multipletests(p_values, LEVEL, "holm")[1]] if p_values else []


def holm_either_way(p_for: list[float], p_against: list[float]) -> tuple[list[float], list[float]]:
    """Holm's correction where each claim is tested both ways: corrected p-values for and against.

    Of "it holds" and "it fails" one is true, so of the two hypotheses that are tested of each
    claim only one can be rejected wrongly. As many can be rejected wrongly as claims are open, and
    Holm's steps go over the claims by their smaller p-value (Shaffer 1986): the chance of any wrong
    verdict is at most the level, however many claims hold and however many fail. The larger p-value
    of a claim stays at least what it was.
    """
    corrected = holm([min(pair) for pair in zip(p_for, p_against, strict=True)])
    return (
        [max(pair) for pair in zip(p_for, corrected, strict=True)],
        [max(pair) for pair in zip(p_against, corrected, strict=True)],
    )


def needed(
    difference: Resampled, over_folds: FoldMean, thresholds: list[float], tests: int
) -> float:
    """How many times the subjects would decide a difference, if it stays as it is.

    Both errors shrink with the root of the number of subjects; the larger number counts, for the
    nearest of the ``thresholds`` at the level that Bonferroni leaves to one of ``tests``. Infinite
    on a threshold.
    """
    errors = (
        stats.norm.ppf(1 - LEVEL / tests) * difference.error,
        stats.t.ppf(1 - LEVEL / tests, over_folds.folds - 1) * over_folds.error,
    )
    distances = [
        min(abs(estimate.value - threshold) for threshold in thresholds)
        for estimate in (difference, over_folds)
    ]
    if 0 in distances:
        return np.inf
    return float(max((e / d) ** 2 for e, d in zip(errors, distances, strict=True)))


def spread_needed(over_folds: FoldMean, threshold: float, tests: int) -> float:
    """How many times smaller the spread over folds would have to be to decide, as ``needed``."""
    distance = abs(over_folds.value - threshold)
    if distance == 0:
        return np.inf
    return float(stats.t.ppf(1 - LEVEL / tests, over_folds.folds - 1) * over_folds.error / distance)
