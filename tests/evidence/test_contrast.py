"""One estimate and its error: by hand, on records, and on studies simulated by the thousand."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adience_lib.evidence import contrast, plan
from adience_lib.evidence.contrast import LEVEL, MARGIN, Contrast, faces_for, nested, power
from adience_lib.util.errors import AdienceError

HITS = Path(__file__).with_name("contrast_hits.csv")
"""1,000 faces, each of another subject: fold, and whether two trainings of multi-task and of the
single-task networks, the test fold monitored, were right on gender and on age."""


def some_hits(
    faces: int = 60, trainings: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two networks, three folds of unequal size, and subjects of three faces: ``nested``'s."""
    random = np.random.default_rng(3)
    a, b = (random.random((faces, trainings)) < share for share in (0.7, 0.6))
    subject = np.arange(faces) // 3
    return a, b, np.minimum(subject // 5, 2), subject


# By hand.


def test_one_training_by_hand() -> None:
    """Two folds of two and four faces: d is 1, 0 and 1, 0, 0, -1."""
    a, b = np.array([[1], [0], [1], [0], [1], [0]]), np.array([[0], [0], [0], [0], [1], [1]])
    found = nested(a, b, np.array([0, 0, 1, 1, 1, 1]), np.arange(6))
    # Folds: 1/2 and 0. Faces weigh 1/4 and 1/8.
    assert found.value == pytest.approx(25)
    of_faces = 6 / 4 * (2 / 4 / 16 + 2 / 64)
    spread = (0.25**2 + 0.25**2) / 2
    assert (of_faces, spread) == (0.09375, 0.0625)
    assert found.error == pytest.approx(100 * np.sqrt(of_faces)), "trainings add less than nothing"
    assert found.freedom == pytest.approx((2 / 16 + 4 / 64) ** 2 / (2 / 16**2 + 4 / 64**2))


def test_one_training_that_moves_folds_by_hand() -> None:
    """d is 1, 1, 1, 0 in one fold and -1, -1, -1, 0 in the other."""
    a, b = np.array([[1, 1, 1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 0]])[:, :, None]
    found = nested(a, b, np.repeat([0, 1], 4), np.arange(8))
    of_faces, spread = 8 / 6 * 2 * 0.75 / 64, 0.75**2
    assert found.value == 0
    assert found.error == pytest.approx(100 * np.sqrt(spread))
    assert found.freedom == 1, "below one there is no t"
    assert spread**2 / (of_faces**2 / 6 + spread**2) < 1


def test_two_trainings_by_hand() -> None:
    """One network with its trainings far apart, the other with none; one fold."""
    a = np.array([[1, 0], [1, 0], [1, 0], [1, 1]])
    found = nested(a, 0, np.zeros(4), np.arange(4))
    # d is 1/2, 1/2, 1/2, 1. Accuracies 1 and 1/4. What is left of the hits is 1/8 three times
    # and 3/8 once, in each training.
    of_faces = 4 / 3 * (3 * 0.125**2 + 0.375**2) / 16
    variance, chance = 0.75**2 / 2, 2 * (3 * 0.125**2 + 0.375**2) / 3 / 4
    of_trainings = (variance - chance) / 2
    assert found.value == 62.5
    assert found.error == pytest.approx(100 * np.sqrt(of_faces + of_trainings))
    terms = of_faces**2 / 3 + (variance / 2) ** 2 / 1
    assert found.freedom == pytest.approx(max(1, (of_faces + of_trainings) ** 2 / terms))


@pytest.mark.parametrize("trainings", [1, 2])
def test_balanced_single_faces_have_the_textbook_error(trainings: int) -> None:
    """Folds of equal size, a subject a face: within-fold variance through n, where V2 is 0."""
    random = np.random.default_rng(1)
    fold, hits = np.repeat(np.arange(5), 40), random.random((200, 1)) < 0.6
    hits[:, 0] = np.tile(hits[:40, 0], 5)  # No fold differs from another: nothing of trainings.
    found = nested(np.repeat(hits, trainings, axis=1), 0, fold, np.arange(200))
    assert found.error == pytest.approx(100 * hits[:40].std(ddof=1) / np.sqrt(200))
    assert found.freedom == 195


def test_interval_and_smallest_margin_are_those_of_t() -> None:
    """With known quantiles of t on four degrees of freedom."""
    found = Contrast(-1.0, 2.0, 4)
    assert found.interval() == pytest.approx((-1 - 2 * 2.776445, -1 + 2 * 2.776445))
    assert found.smallest_margin() == pytest.approx(1 + 2 * 3.186316)


def test_smallest_margin_is_where_equality_begins_to_be_shown() -> None:
    """Just outside shown, just inside not."""
    found = Contrast(-1.0, 0.5, 7.3)
    smallest = found.smallest_margin()
    assert found.between(-smallest, smallest) == pytest.approx(LEVEL)
    assert found.between(-smallest - 0.01, smallest + 0.01) < LEVEL
    assert found.between(-smallest + 0.01, smallest - 0.01) > LEVEL


def test_p_values_speak_for_either_side() -> None:
    """Above and below a threshold add up to one; equality is the weaker side."""
    found = Contrast(1.0, 0.8, 9)
    assert found.above(2) + found.below(2) == pytest.approx(1)
    assert found.above() == pytest.approx(stats.t.sf(1 / 0.8, 9))
    assert found.between(-MARGIN, MARGIN) == found.below(MARGIN) > found.above(-MARGIN)


def test_mean_over_folds_is_students() -> None:
    """Against scipy."""
    values = np.array([0.3, -0.1, 0.4, 0.2, 0.5])
    found = contrast.over_folds(values)
    reference = stats.ttest_1samp(values, 0.1, alternative="greater")
    assert found.above(0.1) == pytest.approx(reference.pvalue)
    interval = stats.ttest_1samp(values, 0).confidence_interval()
    assert found.interval() == pytest.approx((interval.low, interval.high))


# What changes nothing.


@pytest.mark.parametrize("trainings", [1, 2])
def test_swapped_networks_change_the_sign_alone(trainings: int) -> None:
    """Value turned, error and freedom as they were."""
    a, b, fold, subject = some_hits(trainings=trainings)
    one, other = nested(a, b, fold, subject), nested(b, a, fold, subject)
    assert (one.value, one.error, one.freedom) == pytest.approx(
        (-other.value, other.error, other.freedom)
    )


@pytest.mark.parametrize("trainings", [1, 2])
def test_order_of_faces_trainings_and_names_does_not_matter(trainings: int) -> None:
    """Faces shuffled, trainings turned round, folds and subjects called otherwise."""
    a, b, fold, subject = some_hits(trainings=trainings)
    order = np.random.default_rng(5).permutation(len(a))
    names = np.array([f"s{number * 7 % 20}" for number in subject])
    shuffled = nested(a[order, ::-1], b[order], 9 - fold[order], names[order])
    assert vars(shuffled) == pytest.approx(vars(nested(a, b, fold, subject)))


def test_images_of_a_subject_that_agree_count_once() -> None:
    """Every face twice: no more is known than before."""
    once = some_hits(trainings=1)
    twice = [np.repeat(of_faces, 2, axis=0) for of_faces in once]
    assert vars(nested(*twice)) == pytest.approx(vars(nested(*once)))


@pytest.mark.parametrize("trainings", [1, 2])
def test_shift_moves_the_value_alone(trainings: int) -> None:
    """Every hit of one network 0.1 more."""
    a, b, fold, subject = some_hits(trainings=trainings)
    before, after = nested(a, b, fold, subject), nested(a + 0.1, b, fold, subject)
    assert vars(after) == pytest.approx({**vars(before), "value": before.value + 10})


def test_trainings_that_only_one_network_has_are_left_out() -> None:
    """Three of one, two of the other: two."""
    a, b, fold, subject = some_hits(trainings=3)
    assert nested(a, b[:, :2], fold, subject) == nested(a[:, :2], b[:, :2], fold, subject)


def test_accuracy_is_the_difference_from_nothing() -> None:
    """0, or hits that are all wrong."""
    a, b, fold, subject = some_hits()
    assert nested(a, 0, fold, subject) == nested(a, 0 * b, fold, subject)


# Where nothing can be said, and where nothing varies.


def test_one_training_on_one_fold_says_nothing() -> None:
    """Its trainings cannot be told from its folds; two trainings can."""
    a, b, fold, subject = some_hits()
    with pytest.raises(AdienceError, match="one training on one fold"):
        nested(a[:, :1], b, 0 * fold, subject)
    assert nested(a, b, 0 * fold, subject).error > 0


def test_fold_of_one_subject_says_nothing() -> None:
    """Even where the other folds have many."""
    a, b, fold, subject = some_hits()
    with pytest.raises(AdienceError, match="one subject only"):
        nested(a, b, fold, np.where(fold == 1, 99, subject))


def test_no_face_says_nothing() -> None:
    """As for a group that nobody is in."""
    none = np.zeros(0)
    with pytest.raises(AdienceError, match="no face"):
        nested(np.zeros((0, 2)), 0, none, none)


@pytest.mark.parametrize(("values", "why"), [([1.0], "one fold"), ([1.0, np.nan], "no value")])
def test_mean_over_folds_that_cannot_be_told(values: list[float], why: str) -> None:
    """One value, or one that is not there."""
    with pytest.raises(AdienceError, match=why):
        contrast.over_folds(np.array(values))


@pytest.mark.parametrize("trainings", [1, 2])
def test_where_nothing_varies_the_difference_is_certain(trainings: int) -> None:
    """A network that is always right, and one that is always wrong."""
    _, _, fold, subject = some_hits()
    found = nested(np.ones((60, trainings)), 0, fold, subject)
    assert (found.value, found.error, found.interval()) == (100, 0, (100, 100))
    assert (found.above(99), found.above(100), found.above(101)) == (0, 0.5, 1)
    assert found.smallest_margin() == 100


# On records of real faces.


@pytest.mark.parametrize(("task", "value", "error"), [("gender", 0.75, 0.95), ("age", -1.35, 0.96)])
def test_multitask_against_single_task_on_1000_faces(task: str, value: float, error: float) -> None:
    """Two trainings each."""
    table = pd.read_csv(HITS)
    one, other = (
        table[[f"{network} {task} {training}" for training in (1, 2)]].to_numpy()
        for network in ("multitask", "single")
    )
    found = nested(one, other, table["fold"].to_numpy(), np.arange(len(table)))
    assert found.value == pytest.approx(value)
    assert found.error == pytest.approx(error, abs=0.005)


# Simulated studies.

ACCURACY = 0.6
SAME, ALIKE = np.cos(np.pi * np.array([contrast.AGAIN, contrast.APART]))
"""How what decides a hit is correlated between trainings of one network, and of two."""

ALBUMS, WORTH = 161, 66
"""Adience's albums, and how many of equal size they are worth, after Kish. Sizes after a gamma
distribution that has both give 25 degrees of freedom of faces, as Adience's own sizes do."""


def albums(faces: int) -> tuple[np.ndarray, np.ndarray]:
    """Fold and album of each face: as few large and many small ones as Adience has."""
    sizes = stats.gamma.ppf((np.arange(ALBUMS) + 0.5) / ALBUMS, WORTH / (ALBUMS - WORTH))
    album = np.searchsorted(np.cumsum(sizes) / sizes.sum(), (np.arange(faces) + 0.5) / faces)
    return album * 3 % 5, album


def studies(
    draws: int, faces: int, trainings: int, noise: float, truth: float, icc: float | None = None
) -> Iterator[Contrast]:
    """Estimates from ``draws`` studies of two networks whose accuracies differ by ``truth``.

    A face is a hit where a normal number is below a threshold. The number is the sum of what both
    networks share, what is a network's own, and what is a training's; trainings of a fold move the
    threshold together, by ``noise`` points as a standard deviation. ``icc``: the correlation of the
    difference (one training) within albums; without, each face has a subject of its own.
    """
    random = np.random.default_rng([draws, faces, trainings, int(10 * noise)])
    fold, subject = (np.arange(faces) % 5, np.arange(faces)) if icc is None else albums(faces)
    places = stats.norm.ppf([ACCURACY + truth / 100, ACCURACY])
    slopes = stats.norm.pdf(places)
    of_albums = (icc or 0) * contrast.APART / 2 / slopes**2
    moves = noise / 100 / slopes

    def normal(*shape: int) -> np.ndarray:
        return random.standard_normal(shape, "float32")

    for _ in range(draws):
        shared = np.sqrt(ALIKE) * normal(faces)
        hits = []
        for place, slope_move, of_album in zip(places, moves, of_albums, strict=True):
            own = np.sqrt(SAME - ALIKE - of_album) * normal(faces)
            own += np.sqrt(of_album) * normal(subject[-1] + 1)[subject] if icc else 0
            # The mean over trainings of the share below the threshold is the accuracy.
            threshold = np.sqrt(1 + slope_move**2) * place + slope_move * normal(5, trainings)
            single = np.sqrt(1 - SAME) * normal(faces, trainings)
            hits.append((shared + own)[:, None] + single < threshold[fold])
        yield nested(hits[0], hits[1], fold, subject)


def size_and_coverage(draws: int, *cell: float, icc: float | None) -> tuple[float, float, float]:
    """On the margin: how often equality is shown at 5 % and at ``LEVEL``, and the truth held."""
    faces, trainings, noise = cell
    found = studies(draws, int(faces), int(trainings), noise, MARGIN, icc)
    value, error, freedom = np.array([(one.value, one.error, one.freedom) for one in found]).T
    # All at once, as ``interval`` and ``smallest_margin`` do it one by one.
    two_sided, usual, strict = (
        stats.t.isf(level, freedom) * error for level in (0.025, 0.05, LEVEL)
    )
    shown = [np.mean(np.abs(value) + reach < MARGIN) for reach in (usual, strict)]
    return float(shown[0]), float(shown[1]), float(np.mean(np.abs(value - MARGIN) <= two_sided))


GRID = list(product([1000, 4000], [1, 2, 3], [0, 1.4, 2.5], [None, 0.005, 0.05]))


@pytest.mark.soak
@pytest.mark.parametrize(("faces", "trainings", "noise", "icc"), GRID)
def test_size_and_coverage_of_the_whole_grid(
    faces: int, trainings: int, noise: float, icc: float | None
) -> None:
    """2,000 studies a cell."""
    size, _, coverage = size_and_coverage(2_000, faces, trainings, noise, icc=icc)
    assert size <= 0.065
    assert 0.93 <= coverage <= 0.98


QUICK = [(1000, 1, 1.4, None), (1000, 2, 2.5, None), (1000, 3, 0, 0.05)]


@pytest.mark.parametrize(("faces", "trainings", "noise", "icc"), QUICK)
def test_size_and_coverage(faces: int, trainings: int, noise: float, icc: float | None) -> None:
    """A few of the cells with fewer studies: the limits and two standard errors."""
    draws = 400
    size, _, coverage = size_and_coverage(draws, faces, trainings, noise, icc=icc)
    assert size <= 0.065 + 2 * np.sqrt(0.065 * 0.935 / draws)
    assert coverage >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / draws)
    assert coverage <= 0.98 + 2 * np.sqrt(0.98 * 0.02 / draws)


# Power of a plan.

PLANNED = {
    (4000, 1): (0.839, 0.243, 0.091),
    (4000, 2): (1.000, 0.823, 0.433),
    (4000, 3): (1.000, 0.978, 0.799),
    (16262, 1): (1.000, 0.347, 0.114),
    (16262, 2): (1.000, 0.928, 0.535),
}
"""By faces and trainings: the power to show that two equal networks are equal, where a training
moves a fold by 0.3 points (gender), and by 1.4 or 2.0 (age)."""


@pytest.mark.parametrize(("faces", "trainings"), PLANNED)
def test_power_of_the_planned_study_stays(faces: int, trainings: int) -> None:
    """What docs/method.md says of it."""
    found = [power(0, -MARGIN, MARGIN, faces, trainings, noise) for noise in (0.3, 1.4, 2.0)]
    assert found == pytest.approx(PLANNED[faces, trainings], abs=0.005)


@pytest.mark.parametrize(
    ("draws", "faces", "trainings"),
    [(400, 1000, 2), *(pytest.param(2_000, 4000, n, marks=pytest.mark.soak) for n in (1, 2, 3))],
)
def test_power_is_what_simulated_studies_have(draws: int, faces: int, trainings: int) -> None:
    """Hits face by face, tested by ``nested``, within three standard errors."""
    made = studies(draws, faces, trainings, 1.4, 0)
    found = [one.between(-MARGIN, MARGIN) < LEVEL for one in made]
    planned = power(0, -MARGIN, MARGIN, faces, trainings, 1.4)
    error = np.sqrt(planned * (1 - planned) / draws)
    assert np.mean(found) == pytest.approx(planned, abs=3 * error)


def test_power_on_the_margin_is_the_level_at_most() -> None:
    """Whatever the plan; and one-sided as two-sided, far from the other margin."""
    for trainings, noise in product([1, 2, 3], [0.3, 2.0]):
        plan = (4000, trainings, noise)
        assert power(MARGIN, -MARGIN, MARGIN, *plan) < 1.3 * LEVEL
        assert power(-MARGIN, -MARGIN, np.inf, *plan) < 1.3 * LEVEL
    assert power(1, -MARGIN, MARGIN, 4000, 3, 0.3) == power(1, -np.inf, MARGIN, 4000, 3, 0.3)


def test_faces_that_a_plan_needs() -> None:
    """One step fewer is too few; where trainings are the noise, faces do not help."""
    faces = faces_for(0, -MARGIN, MARGIN, 2, 1.4)
    assert faces == pytest.approx(3500, rel=0.1)
    assert power(0, -MARGIN, MARGIN, faces, 2, 1.4) >= 0.8
    assert power(0, -MARGIN, MARGIN, faces / 1.11, 2, 1.4) < 0.8
    assert faces_for(0, -MARGIN, MARGIN, 1, 2.0) == np.inf


# A family of claims.


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.9])
def test_family_of_claims_errs_in_one_case_of_twenty(correlation: float) -> None:
    """Three claims whose truth lies on the limit, each tested either way: any wrong verdict."""
    random, draws, freedom = np.random.default_rng(11), 20_000, 20
    pair = [[1, correlation], [correlation, 1]]
    gaps = random.multivariate_normal([0, 0], pair, draws)
    gaps = np.column_stack([gaps, random.standard_normal(draws)])
    errors = np.sqrt(random.chisquare(freedom, (draws, 3)) / freedom)
    p = stats.t.sf(gaps / errors, freedom)
    wrong = (p <= LEVEL).any(axis=1)
    assert np.mean(wrong) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / draws)


def test_leads_of_two_folds_have_the_error_of_both() -> None:
    """By hand: V1 of each fold, and the variance over its two trainings by two."""
    one = np.array([[1, 1], [1, 0], [0, 1], [1, 1]]), np.arange(4)
    other = np.array([[0, 0], [1, 0], [0, 0], [0, 0]]), np.arange(4)
    found = contrast.two_folds(one, other)
    means = [hits.mean(axis=1) for hits, _ in (one, other)]
    of_faces = [4 / 3 * ((m - m.mean()) ** 2).sum() / 16 for m in means]
    of_trainings = [np.var(hits.mean(axis=0), ddof=1) / 2 for hits, _ in (one, other)]
    assert found.value == pytest.approx(100 * (6 / 8 - 1 / 8))
    assert found.error == pytest.approx(100 * np.sqrt(sum(of_faces) + sum(of_trainings)))
    terms = sum(v**2 / 3 for v in of_faces) + sum(v**2 / 1 for v in of_trainings)
    assert found.freedom == pytest.approx((sum(of_faces) + sum(of_trainings)) ** 2 / terms)
    with pytest.raises(AdienceError, match="one training of a fold"):
        contrast.two_folds((one[0][:, :1], one[1]), other)


def test_corrected_error_is_that_of_nadeau_and_bengio() -> None:
    """s^2 (1 / K + test / train) in place of s^2 / K."""
    values = np.array([1.0, 2.0, 4.0, 3.0, 5.0])
    found = contrast.over_folds(values, 0.25)
    assert found.error == pytest.approx(values.std(ddof=1) * np.sqrt(1 / 5 + 1 / 4))


# Each criterion, fed the paper's own numbers.


def test_plan_says_what_can_be_shown() -> None:
    """With two trainings on 4,000 faces; where it cannot, whether more faces would do."""
    planned = plan.planned().set_index("row")
    shown = planned["2 trainings"].groupby(level="row", sort=False).prod(min_count=1)
    expected = {"1": 0.001, "2": 0.390, "4": 0.268, "6, premise": 0.535}
    assert shown.dropna().to_dict() == pytest.approx(expected, abs=0.01)
    once = planned["1 training"].groupby(level="row", sort=False).prod()
    for row, power_once in {
        "3a": 1,
        "3b": 0.890,
        "5": 0.028,
        "5, against multi-task": 0.307,
    }.items():
        assert once[row] == pytest.approx(power_once, abs=0.01)
    assert planned.loc["1", "faces"].to_list() == pytest.approx([11007, np.inf])
