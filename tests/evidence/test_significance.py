"""Each statistic against a reference, or on simulated data with a known answer."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from adience_lib.evidence import significance
from adience_lib.evidence.significance import (
    FoldMean,
    equal,
    greater,
    holm,
    holm_either_way,
    needed,
    over_folds,
    resample,
)
from adience_lib.util.errors import AdienceError


def subjects(count: int, images: int = 1) -> pd.Series:
    """``images`` faces of each of ``count`` subjects."""
    return pd.Series(np.repeat(np.arange(count), images))


def test_draws_have_the_error_of_the_mean() -> None:
    """With one face a subject: that of independent faces."""
    values = np.random.default_rng(0).normal(5, 2, 400)
    found = resample(values, subjects(400))
    assert found.value == pytest.approx(values.mean())
    assert found.error == pytest.approx(values.std() / 20, rel=0.03)


def test_images_of_a_subject_that_agree_count_once() -> None:
    """Ten equal images of each of 40 people are worth 40 faces, and not 400."""
    people = (np.arange(40) < 24) * 100.0
    once = resample(people, subjects(40))
    ten = resample(np.repeat(people, 10), subjects(40, 10))
    assert ten.value == once.value == 60
    assert ten.error == pytest.approx(once.error, rel=1e-9)
    naive = resample(np.repeat(people, 10), subjects(400))
    assert naive.error < 0.4 * ten.error


def test_interval_holds_the_truth_about_as_often_as_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Subjects with one to five images, of which each is right as often as its subject's luck."""
    monkeypatch.setattr(significance, "RESAMPLES", 499)
    random = np.random.default_rng(1)
    inside = []
    for _ in range(200):
        images = random.integers(1, 6, 80)
        luck = random.beta(3, 2, 80)
        values = 100.0 * (random.random(images.sum()) < np.repeat(luck, images))
        low, high = resample(values, pd.Series(np.repeat(np.arange(80), images))).interval
        inside.append(low <= 60 <= high)
    assert 0.90 <= np.mean(inside) <= 0.98


def difference(mean: float, spread: float, count: int) -> significance.Resampled:
    """A simulated difference of two networks, in points, over ``count`` subjects."""
    values = np.random.default_rng(2).normal(0, spread, count)
    return resample(values - values.mean() + mean, subjects(count))


def test_equivalence_with_enough_subjects_is_seen() -> None:
    """No difference, standard error 0.5, margin 2."""
    for_, against = equal(difference(0, 30, 3600))
    assert for_ < 0.001
    assert against == 1


def test_equivalence_without_power_is_not_seen() -> None:
    """The same difference of zero on few subjects: neither equal nor different."""
    for_, against = equal(difference(0, 30, 60))
    assert for_ > 0.2
    assert against > 0.2


@pytest.mark.parametrize("sign", [-1, 1])
def test_difference_beyond_the_margin_speaks_against(sign: int) -> None:
    """Five points on either side."""
    for_, against = equal(difference(5 * sign, 30, 3600))
    assert for_ > 0.99
    assert against < 0.001


def test_real_difference_within_the_margin_is_still_equal() -> None:
    """One point, surely not zero, surely less than two."""
    found = difference(1, 10, 3600)
    assert greater(found)[0] < 0.001
    assert equal(found)[0] < 0.001


def test_equivalence_errs_as_rarely_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the truth lies on the margin, one in twenty is called equal."""
    monkeypatch.setattr(significance, "RESAMPLES", 499)
    random = np.random.default_rng(3)
    people = subjects(150)
    called = [equal(resample(random.normal(2, 6, 150), people))[0] <= 0.05 for _ in range(400)]
    assert 0.02 <= np.mean(called) <= 0.08


def test_one_subject_decides_nothing() -> None:
    """There is nothing to draw from; every p-value is one."""
    found = resample(np.array([1.0, 0.0]), pd.Series(["a", "a"]))
    assert found.value == 0.5
    assert equal(found) == (1, 1)
    assert np.isnan(found.interval).all()


def test_group_without_a_face_is_an_error() -> None:
    """One line, and not a division by zero."""
    with pytest.raises(AdienceError, match="no face to measure on"):
        significance.resample_groups(np.ones(2), subjects(2), np.array([0, 0]), 2)


def test_corrected_t_test_is_nadeau_and_bengios() -> None:
    """Against the plain t-test of SciPy, whose error is smaller by a known factor."""
    values = np.array([1.0, 2.5, 0.5, 3.0, 1.5])
    found = over_folds(values)
    plain = stats.ttest_1samp(values, 0)
    factor = np.sqrt((1 / 5) / (1 / 5 + 1 / 4))
    assert found.above(0) == pytest.approx(stats.t.sf(plain.statistic * factor, 4))
    assert found.above(0) + found.below(0) == pytest.approx(1)


def test_folds_without_a_spread_are_certain() -> None:
    """Five times the same value: above everything below it."""
    found = over_folds(np.full(5, 3.0))
    assert (found.above(2), found.below(2), found.above(3)) == (0, 1, 0.5)


def test_one_fold_has_no_t_test() -> None:
    """The message says why."""
    with pytest.raises(AdienceError, match="one fold only"):
        over_folds(np.array([1.0]))


def test_power_is_what_a_simulation_of_the_test_finds() -> None:
    """Folds whose mean has the error that the test assumes; the truth is zero."""
    random, spread = np.random.default_rng(4), 1.2
    error = spread * np.sqrt(1 / 5 + 1 / 4)
    seen = []
    for _ in range(4000):
        # Folds share training data: a part of their error is common to all five.
        folds = random.normal(0, spread, 5) + random.normal(0, spread * np.sqrt(1 / 4))
        seen.append(equal(over_folds(folds))[0] <= 0.05)
    assert FoldMean(0, error, 5).power(2) == pytest.approx(np.mean(seen), abs=0.03)
    assert FoldMean(0, 0.01, 5).power(2) == 1
    assert FoldMean(0, 5.0, 5).power(2) < 0.02
    assert FoldMean(0, 0.6, 5).power(2, tests=9) < 0.3 < FoldMean(0, 0.6, 5).power(2)


def test_every_claim_is_corrected_once_however_it_is_decided() -> None:
    """One claim that holds and one that fails make way for the others alike."""
    p_for, p_against = holm_either_way([0.001, 0.999, 0.02], [0.999, 0.004, 0.98])
    assert p_for == pytest.approx([0.003, 0.999, 0.02])
    assert p_against == pytest.approx([0.999, 0.008, 0.98])


def test_holm_is_holms() -> None:
    """The example worked by hand: 4, 3, 2 and 1 times the p-values in their order."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_as_many_subjects_as_needed_do_decide() -> None:
    """The same people that many times over bring the p-value to the level that was asked for."""
    few = difference(0.5, 30, 400)
    steady = FoldMean(0.5, 0.01, 5)
    times = needed(few, steady, [-2, 2], tests=9)
    more = difference(0.5, 30, round(400 * times))
    assert equal(more)[0] == pytest.approx(0.05 / 9, abs=0.004)
    assert needed(few, steady, [0.5], tests=1) == np.inf


def test_folds_that_scatter_need_more_subjects_than_the_draws_do() -> None:
    """Both tests must agree, so the larger number counts; it decides the t-test too."""
    few, scattered = difference(0.5, 30, 400), FoldMean(0.5, 1.5, 5)
    times = needed(few, scattered, [-2, 2], tests=9)
    assert times > needed(few, FoldMean(0.5, 0.01, 5), [-2, 2], tests=9)
    assert equal(FoldMean(0.5, 1.5 / np.sqrt(times), 5))[0] == pytest.approx(0.05 / 9)
    smaller = significance.spread_needed(scattered, 2, tests=9)
    assert FoldMean(0.5, 1.5 / smaller, 5).below(2) == pytest.approx(0.05 / 9)


def test_whole_numbers_that_agree_are_not_certain() -> None:
    """Two folds with the best epoch 3 do not put the mean below 5 beyond doubt."""
    assert over_folds(np.array([3.0, 3.0]), rounding=0.29).below(5) > 0.02


def test_small_group_that_is_all_right_is_not_certain() -> None:
    """Five of five: Wilson's interval begins at 56.6 %."""
    found = resample(np.full(5, 100.0), subjects(5))
    assert found.interval == (100, 100)
    assert significance.wilson(found, 5) == pytest.approx((56.55, 100), abs=0.01)


@pytest.mark.parametrize("value", [0.0, 100.0])
@pytest.mark.parametrize("count", range(1, 60))
def test_interval_of_a_small_group_holds_its_share(value: float, count: int) -> None:
    """To the last bit: a figure refuses an interval that begins above its value."""
    low, high = significance.wilson(significance.Resampled(value, np.full(3, value), count), count)
    assert low <= value <= high


def test_small_group_counts_agreeing_images_once() -> None:
    """Ten images each of five people, who are right or wrong as a whole, are worth five faces."""
    right = np.repeat([100.0, 100, 100, 0, 0], 10)
    low, high = significance.wilson(resample(right, subjects(5, 10)), 50)
    alone = significance.wilson(resample(right[::10], subjects(5)), 5)
    assert (low, high) == pytest.approx(alone, abs=1)


def test_albums_of_unequal_size_are_worth_less_than_their_number() -> None:
    """One album of 90 faces and ten of one: nearly all hangs on one person."""
    people = pd.Series([0] * 90 + list(range(1, 11)))
    right = np.repeat([100.0, 0.0], [90, 10])
    low, _ = significance.wilson(resample(right, people), 100)
    assert low < 40
