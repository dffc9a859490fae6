"""The difference of two networks, or one's accuracy, with an error of faces and of trainings.

What is estimated is the difference expected over subjects and trainings, given these training sets
(Bayle et al. 2020). It varies with the faces that are tested and, from one training to the next,
with chance alone (Bouthillier et al. 2021): ``nested`` adds both parts.

Sources: Bayle et al. 2020 (NeurIPS 33), Bouthillier et al. 2021 (MLSys 3), Cameron, Gelbach &
Miller 2011 (J. Bus. Econ. Stat. 29), Hillis 2014 (Stat. Med. 33), Owen 2007 (Ann. Appl. Stat. 1),
Satterthwaite 1946 (Biometrics Bull. 2), Schuirmann 1987 (J. Pharmacokinet. Biopharm. 15); for the
check of sensitivity Nadeau & Bengio 2003 (Mach. Learn. 52).
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from adience_lib.data.labels import FOLDS
from adience_lib.util.errors import AdienceError

LEVEL = 0.05 / 3
"""Of every test. The claims come in three families (accuracy; cost; who and where) of three, and
over a family, with one criterion a claim, an error is made in one case of twenty at most
(Bonferroni)."""

MARGIN = 3.0
"""Points of accuracy within which two networks count as equal. To keep nine tenths of what a
network gains over the most frequent label asks for 1.7 to 3.7 points, in the paper's numbers and
in those of 1,000 faces, which were known when this was chosen."""

APART = 0.129
"""Share of faces that only one of multi-task and single-task gets right, one training each."""

AGAIN = 0.093
"""Share of faces that only one of two trainings of the same network gets right. As ``APART`` the
mean over both tasks, and both ways of monitoring, of what was trained twice on 1,000 faces."""

DRAWS = 20_000  # of a planned study: the error of a power is at most 0.004
SEED = 2022


@dataclass(frozen=True)
class Contrast:
    """An estimate, in points where it is of accuracies: ``value``, standard ``error`` and degrees
    of ``freedom``. Where nothing varied the error is 0, and a p-value 0, 1/2 (on the threshold) or
    1."""

    value: float
    error: float
    freedom: float

    def interval(self) -> tuple[float, float]:
        """Holds the truth in 95 % of all studies."""
        reach = float(stats.t.isf(0.025, self.freedom)) * self.error
        return self.value - reach, self.value + reach

    def smallest_margin(self) -> float:
        """The smallest within which two one-sided tests at ``LEVEL`` show the two to be equal."""
        return abs(self.value) + float(stats.t.isf(LEVEL, self.freedom)) * self.error

    def above(self, threshold: float = 0.0) -> float:
        """p-value of "the truth is above ``threshold``". Above -margin: not inferior by it."""
        return float(stats.t.sf(self._distance(threshold), self.freedom))

    def below(self, threshold: float = 0.0) -> float:
        """p-value of "the truth is below ``threshold``". Below -margin: inferior by it."""
        return float(stats.t.cdf(self._distance(threshold), self.freedom))

    def between(self, low: float, high: float) -> float:
        """p-value of "the truth lies between the two": two one-sided tests (Schuirmann)."""
        return max(self.above(low), self.below(high))

    def _distance(self, threshold: float) -> float:
        gap = self.value - threshold
        if self.error == 0 or np.isinf(threshold):
            return float(np.sign(gap)) * np.inf if gap else 0.0
        return gap / self.error


def nested(
    a: np.ndarray, b: np.ndarray | Literal[0], fold: np.ndarray, subject: np.ndarray
) -> Contrast:
    """How many points of accuracy ``a`` is above ``b``, on the same test faces.

    ``a``, ``b``: (n, R) whether each training, of each fold its own, was right on each face. Of
    unequal R the first that both have count. ``b`` 0: the accuracy of ``a``. ``fold``, ``subject``:
    (n,) where a face is tested and whose it is.

    Folds weigh alike, as in the paper's mean: a face of fold k, one of n_k, weighs
    u_i = 1 / (K n_k). d_i is the mean of a minus that of b over trainings, D_k its mean in fold k,
    and the value D the sum of u_i d_i. Its variance is the sum of two parts.

    - V1, of faces, whole subjects at a time (Cameron et al.): S / (S - K) times the sum over the S
      subjects of (sum of u_i (d_i - D_k))^2. With c_s, what the faces of s weigh together, its
      degrees of freedom are f1 = min(S - K, (sum of c_s^2)^2 / (sum of c_s^4)).
    - V2, of trainings, from 0 up. R > 1: the sum over networks and folds of
      (s_k^2 - m_k) / (K^2 R), where s_k^2 is the variance over trainings of the accuracy in fold k,
      and m_k what chance on single faces gives it: the mean square that is left of hits less face
      and training, through n_k. R = 1: Q - V1, where Q is the sum of (D_k - D)^2 through K (K - 1).

    Freedom (Satterthwaite, as Hillis for readers and cases): f1 where V2 is 0, otherwise
    (V1 + V2)^2 / (V1^2 / f1 + T), at least 1. T is Q^2 / (K - 1) for R = 1, and else the sum over
    networks of q^2 / (K (R - 1)), q the sum of s_k^2 / (K^2 R). No bootstrap draws trainings: with
    two of them it would halve their variance (cf. Owen).

    Raises AdienceError where an error cannot be told: no face, a fold with one subject, one
    training on one fold.
    """
    one, other = np.asarray(a, float), np.asarray(b, float)
    other = other if other.ndim else np.zeros_like(one)
    trainings = min(one.shape[1], other.shape[1])
    one, other = one[:, :trainings], other[:, :trainings]
    if not len(one):
        raise AdienceError("there is no face to measure on")
    fold, subject = _numbered(fold), _numbered(subject)
    folds = fold.max() + 1
    if folds == trainings == 1:
        raise AdienceError(
            "one training on one fold: what a training adds by chance is unknown; add folds or "
            "repetitions"
        )
    difference = one.mean(axis=1) - other.mean(axis=1)
    by_fold = np.bincount(fold, difference) / np.bincount(fold)
    of_faces, faces_freedom = _of_faces(difference, fold, subject)
    if trainings == 1:
        spread = np.array([((by_fold - by_fold.mean()) ** 2).sum() / (folds * (folds - 1))])
        chance, spread_freedom = of_faces, folds - 1
    else:
        variances = np.array([_over_trainings(hits, fold) for hits in (one, other)])
        spread, by_chance = variances.sum(axis=2).T / (folds**2 * trainings)
        chance, spread_freedom = by_chance.sum(), folds * (trainings - 1)
    variance, freedom = _together(of_faces, faces_freedom, spread, spread_freedom, chance)
    return _in_points(by_fold.mean(), variance, freedom)


def faces_alone(right: np.ndarray, fold: np.ndarray, subject: np.ndarray) -> Contrast:
    """Percent of ``right``, (n,) bool, with the error of its faces alone: V1 and f1 of ``nested``.
    Raises AdienceError: a fold with one subject."""
    hits, fold = np.asarray(right, float), _numbered(fold)
    by_fold = np.bincount(fold, hits) / np.bincount(fold)
    return _in_points(by_fold.mean(), *_of_faces(hits, fold, _numbered(subject)))


def _numbered(names: np.ndarray) -> np.ndarray:
    return np.unique(names, return_inverse=True)[1]


def _in_points(value: float, variance: np.ndarray | float, freedom: np.ndarray | float) -> Contrast:
    return Contrast(100 * float(value), 100 * float(np.sqrt(variance)), max(1.0, float(freedom)))


def _of_faces(values: np.ndarray, fold: np.ndarray, subject: np.ndarray) -> tuple[float, float]:
    """V1 and f1 of ``values``, one a face: see ``nested``."""
    faces = np.bincount(fold)
    folds, subjects = len(faces), subject.max() + 1
    if pd.Series(subject).groupby(fold).nunique().min() < 2:
        raise AdienceError("a fold has the faces of one subject only: their spread is unknown")
    weight = 1 / (folds * faces[fold])
    by_fold = np.bincount(fold, values) / faces
    scores = np.bincount(subject, weight * (values - by_fold[fold]))
    weights = np.bincount(subject, weight)
    freedom = min(subjects - folds, (weights**2).sum() ** 2 / (weights**4).sum())
    return float(subjects / (subjects - folds) * (scores**2).sum()), float(freedom)


def _over_trainings(hits: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K,) the variance of each fold's accuracy over trainings, and what chance alone gives it."""
    faces, trainings = np.bincount(fold), hits.shape[1]
    accuracies = np.stack([np.bincount(fold, column) for column in hits.T], axis=1) / faces[:, None]
    centred = accuracies - accuracies.mean(axis=1, keepdims=True)
    left = hits - hits.mean(axis=1, keepdims=True) - centred[fold]
    square = np.bincount(fold, (left**2).sum(axis=1)) / ((faces - 1) * (trainings - 1))
    return (centred**2).sum(axis=1) / (trainings - 1), square / faces


def _together(
    of_faces: np.ndarray | float,
    faces_freedom: float,
    spread: np.ndarray,
    spread_freedom: float,
    chance: np.ndarray | float,
) -> tuple[np.ndarray, np.ndarray]:
    """Variance and degrees of freedom of a difference: V1 and f1 with what trainings add. Of
    ``spread`` a row is what was seen between a network's, ``chance`` what faces alone give it."""
    of_trainings = np.maximum(0, spread.sum(axis=0) - chance)
    variance = of_faces + of_trainings
    terms = of_faces**2 / faces_freedom + (spread**2).sum(axis=0) / spread_freedom
    with np.errstate(invalid="ignore"):  # 0 / 0 where nothing varies, which is not taken
        both = variance**2 / terms
    return variance, np.maximum(1, np.where(of_trainings > 0, both, faces_freedom))


def over_folds(values: np.ndarray, test_to_train: float = 0.0) -> Contrast:
    """The mean of ``values``, one a fold, with Student's t: logarithms of ratios, say.

    ``test_to_train``: test faces by training faces, for Nadeau & Bengio's corrected resampled
    t-test. Training sets overlap, so the variance of the mean is s^2 (1 / K + test / train) there.
    Raises AdienceError for fewer than two folds, or a fold without a value (NaN, infinite).
    """
    if len(values) < 2:
        raise AdienceError("one fold only: its spread over folds is unknown")
    if not np.isfinite(values).all():
        raise AdienceError("a fold has no value: their mean is unknown")
    wider = np.sqrt(1 + len(values) * test_to_train)
    error = np.std(values, ddof=1) / np.sqrt(len(values)) * wider
    return Contrast(float(np.mean(values)), float(error), len(values) - 1)


def two_folds(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> Contrast:
    """How many points the accuracy of a network is higher on one fold than on another.

    Each: hits (n, R) and subjects (n,) of one fold. The two share neither faces nor trainings, so
    their variances add: of each, V1 as in ``nested`` for one fold, with its degrees of freedom, and
    s^2 / R with R - 1. Raises AdienceError for one training, or one subject, of a fold.
    """
    variance, terms = 0.0, 0.0
    for right, owner in (one, other):
        hits, fold = np.asarray(right, float), np.zeros(len(right), int)
        trainings = hits.shape[1]
        if trainings < 2:
            raise AdienceError("one training of a fold: what a training adds by chance is unknown")
        of_faces, faces_freedom = _of_faces(hits.mean(axis=1), fold, _numbered(owner))
        of_trainings = _over_trainings(hits, fold)[0][0] / trainings
        variance += of_faces + of_trainings
        terms += of_faces**2 / faces_freedom + of_trainings**2 / (trainings - 1)
    value = one[0].mean() - other[0].mean()
    return _in_points(value, variance, variance**2 / terms if variance else 1.0)


def power(
    truth: float, low: float, high: float, faces: float, trainings: int, noise: float
) -> float:
    """How often a planned study shows that a true difference lies between ``low`` and ``high``.

    In points. ``faces``: as many independent ones as the study's are worth; ``trainings`` of each
    network on each of five folds; ``noise``: by how many points one training moves a fold's
    accuracy, as a standard deviation. The hits of the two differ as ``APART`` and ``AGAIN`` say. D,
    V1 and q are drawn with these variances, never a result's, and tested as ``nested`` would.
    """
    random = np.random.default_rng(SEED)
    of_faces = 1e4 * (APART - AGAIN * (1 - 1 / trainings)) / faces
    of_one = 2 * noise**2 / (FOLDS * trainings)
    value = truth + np.sqrt(of_faces + of_one) * random.standard_normal(DRAWS)
    freedom = faces - FOLDS
    drawn = of_faces * random.chisquare(freedom, DRAWS) / freedom
    chance: np.ndarray | float = drawn
    expected, spread_freedom, networks = of_faces + of_one, FOLDS - 1, 1
    if trainings > 1:
        chance = 1e4 * AGAIN / (faces * trainings)
        expected, spread_freedom, networks = (of_one + chance) / 2, FOLDS * (trainings - 1), 2
    spread = expected * random.chisquare(spread_freedom, (networks, DRAWS)) / spread_freedom
    variance, freedoms = _together(drawn, freedom, spread, spread_freedom, chance)
    reach = stats.t.isf(LEVEL, freedoms) * np.sqrt(variance)
    return float(np.mean((value - reach > low) & (value + reach < high)))


WANTED = 0.8
"""Below this power a plan says how many faces would do."""


def faces_for(truth: float, low: float, high: float, trainings: int, noise: float) -> float:
    """From how many faces on ``power`` is ``WANTED``, in steps of a tenth from 100 to a million.
    Infinite where no number of faces will do: more trainings may."""
    numbers = np.geomspace(100, 1e6, 97).round()
    place = bisect_left(
        numbers, WANTED, key=lambda faces: power(truth, low, high, faces, trainings, noise)
    )
    return float(numbers[place]) if place < len(numbers) else np.inf
