"""Classes, groups and calibration, on predictions whose answer is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simulated import again, runs_with

from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS
from adience_lib.evidence import contrast, metrics, quality
from adience_lib.runs.read import Runs


def one_each(faces: int) -> pd.Series:
    """A subject of its own for each face."""
    return pd.Series(np.arange(faces))


# One accuracy and its interval.


FIVE_OF_FIVE = 100 / (1 + 2.776445**2 / 5)
"""Percent: where n faces are all right, Wilson's interval begins at n / (n + z^2), and n is
5 (1.96 / t)^2 here."""


def test_small_group_that_is_all_right_is_not_certain() -> None:
    """Five of five: with t on four degrees of freedom, 2.5 faces' worth, from 39.3 %."""
    found = quality.share(np.ones(5), one_each(5))
    assert (found.value, found.high, found.faces_alone) == (100, 100, True)
    assert found.low == pytest.approx(FIVE_OF_FIVE, abs=0.01)


@pytest.mark.parametrize("right", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("count", range(1, 60))
def test_interval_of_a_small_group_holds_its_share(right: float, count: int) -> None:
    """To the last bit: a figure refuses an interval that begins above its value."""
    found = quality.share(np.full(count, right), one_each(count))
    assert 0 <= found.low <= found.value <= found.high <= 100


def test_identical_images_of_a_subject_count_once() -> None:
    """Ten images each of five people, who are right or wrong as a whole, are worth five faces."""
    right = np.array([1.0, 1, 1, 0, 0])
    once, ten = (
        quality.share(np.repeat(right, images), pd.Series(np.repeat(list("abcde"), images)))
        for images in (1, 10)
    )
    # What five subjects say of their spread, with n - 1: 4 independent faces of this share.
    assert (ten.value, ten.low, ten.high) == pytest.approx((once.value, once.low, once.high))
    assert ten.low < 30
    assert ten.high > 85
    certain = quality.share(np.ones(50), pd.Series(np.repeat(range(5), 10)))
    assert certain.low == pytest.approx(FIVE_OF_FIVE, abs=0.01)


def test_independent_faces_have_wilsons_interval() -> None:
    """600 of 1,000, a subject each: 56.9 to 63.0 %, but for n - 1 and t."""
    found = quality.share(np.arange(1000) < 600, one_each(1000))
    assert (found.value, found.low, found.high) == pytest.approx((60, 56.93, 62.99), abs=0.02)


def chance(folds: int, trainings: int = 1) -> Runs:
    """A network for gender that is right on three of five of 200 faces, two of each person."""
    runs = []
    for repetition in range(trainings):
        right = np.random.default_rng(repetition).random(200) < 0.6
        runs.append(
            runs_with("gender", {"gender": [1] * 200}, {"gender": list(1 * right)}, folds, 2)
        )
    return again(*runs)


@pytest.mark.parametrize(("folds", "trainings"), [(5, 1), (5, 2), (1, 2)])
def test_accuracy_has_the_interval_of_the_one_estimate(folds: int, trainings: int) -> None:
    """Faces and trainings both count; and of each fold alone where there are two trainings."""
    runs = chance(folds, trainings)
    hits = metrics.hits(runs, "gender")
    expected = contrast.nested(hits.right, 0, hits.faces["fold"], hits.faces["subject"])
    found = quality.accuracy(runs, "gender")
    assert (found.value, found.low, found.high) == (expected.value, *expected.interval())
    assert not found.faces_alone


def test_accuracy_ends_at_nothing_and_at_everything() -> None:
    """Wherever the interval would end."""
    runs = runs_with("gender", {"gender": [1] * 8}, {"gender": [0] + [1] * 7}, folds=2)
    found = quality.accuracy(runs, "gender")
    assert (found.value, found.high) == (87.5, 100)
    wrong = runs_with("gender", {"gender": [1] * 8}, {"gender": [1] + [0] * 7}, folds=2)
    assert quality.accuracy(wrong, "gender").low == 0


def test_accuracy_of_one_training_on_one_fold_knows_of_faces_alone() -> None:
    """And says so."""
    runs = chance(5).on_folds([3])
    found = quality.accuracy(runs, "gender")
    right = metrics.correct(runs.predictions, "gender")
    assert found.faces_alone
    assert found == quality.share(right, runs.predictions["subject"])


@pytest.mark.parametrize("trainings", [1, 2])
def test_folds_have_intervals_beside_their_accuracies(trainings: int) -> None:
    """Those of each fold alone."""
    runs = chance(2, trainings)
    table = quality.fold_intervals(runs)
    assert list(table.columns[:4]) == ["trainings", "gender", "gender low", "gender high"]
    for fold in (0, 1):
        alone = quality.accuracy(runs.on_folds([fold]), "gender")
        ends = table.loc[fold, ["gender", "gender low", "gender high"]].to_list()
        assert ends == pytest.approx([alone.value, alone.low, alone.high])
        assert alone.faces_alone == (trainings == 1)


# Classes and groups.


def test_macro_recall_by_hand() -> None:
    """Labels weigh alike; one without a face in a fold counts for nothing there."""
    truth = [4, 4, 4, 0, 4, 4, 3, 0]
    runs = runs_with("age", {"age": truth}, {"age": [4, 4, 4, 1, 4, 3, 3, 0]}, folds=2)
    found = quality.macro_recall(runs, "age")
    # Folds: the mean of 1 and 0; of 1/2, 1 and 1. On one degree of freedom t is 12.7.
    assert found.value == pytest.approx((50 + 250 / 3) / 2)
    assert (found.low, found.high) == (0, 100)


def test_macro_recall_has_students_interval_over_folds() -> None:
    """The mean of 50 and 52 %; on one degree of freedom t is 12.706."""
    truth = [0, 1] * 100
    guesses = [0, 0] * 50 + [0, 0] * 48 + [0, 1] * 2
    found = quality.macro_recall(
        runs_with("gender", {"gender": truth}, {"gender": guesses}), "gender"
    )
    assert found.value == pytest.approx(51)
    assert found.high - found.value == pytest.approx(12.7062, abs=1e-4)
    assert found.value - found.low == pytest.approx(12.7062, abs=1e-4)


def test_macro_recall_of_one_fold_has_no_interval() -> None:
    """A spread of nothing is unknown."""
    found = quality.macro_recall(chance(1), "gender")
    assert np.isnan([found.low, found.high]).all()
    assert found.value == pytest.approx(quality.accuracy(chance(1), "gender").value)


def test_labels_that_are_never_given_are_named() -> None:
    """By no training; a label that is only given wrongly is given."""
    runs = runs_with("age", {"age": [0, 1, 2]}, {"age": [0, 4, 4]})
    never = [label for place, label in enumerate(AGE_LABELS) if place not in (0, 4)]
    assert quality.never_given(runs, "age") == never
    other = runs_with("age", {"age": [0, 1, 2]}, {"age": [7, 7, 7]}).predictions
    both = pd.concat([runs.predictions, other.assign(repetition=1)])
    assert quality.never_given(replace(runs, predictions=both), "age") == never[:-1]
    whole = runs_with("gender", {"gender": [0, 0]}, {"gender": [0, 1]})
    assert quality.never_given(whole, "gender") == []


def test_groups_have_the_rate_of_their_own_most_frequent_label() -> None:
    """Three women and one man of an age: always "f" gets 75 % right."""
    truth = {"gender": [0, 0, 0, 1, 1, 1], "age": [3, 3, 3, 3, 5, 5]}
    runs = runs_with("multitask", truth, {"gender": [0] * 6, "age": [3] * 6})
    table = quality.groups(runs, "gender")
    assert table.loc["all", ["by", "accuracy", "most frequent"]].to_list() == ["nothing", 50, 50]
    assert table.loc[AGE_LABELS[3], ["by", "most frequent"]].to_list() == ["age", 75]
    assert table.loc[AGE_LABELS[5], "most frequent"] == 100
    assert table.loc[f"f {AGE_LABELS[3]}", ["by", "most frequent"]].to_list() == [
        "gender and age",
        100,
    ]
    absent = table.loc[f"f {AGE_LABELS[0]}"]
    assert absent[["accuracy", "low", "high", "most frequent"]].isna().all()
    assert quality.groups(runs, "age").loc["m", "most frequent"] == pytest.approx(200 / 3)


def test_groups_of_repeated_trainings_count_each_face_once() -> None:
    """The accuracy is the mean over trainings."""
    runs = chance(2, 2)
    table = quality.groups(runs, "gender")
    assert table.loc["all", "faces"] == 200
    assert table.loc["all", "accuracy"] == pytest.approx(
        100 * metrics.correct(runs.predictions, "gender").mean()
    )
    recall = quality.classes(runs, "gender").loc["m", ["faces", "recall", "low", "high"]]
    assert recall.to_list() == table.loc["m", ["faces", "accuracy", "low", "high"]].to_list()


# Calibration.


def gender_runs(confidence: np.ndarray, right: np.ndarray) -> Runs:
    """A network that says "m" with this confidence of men, and of women where it is wrong."""
    truth = right.astype("int64")
    runs = runs_with("gender", {"gender": list(truth)}, {"gender": [1] * len(truth)})
    table = runs.predictions.assign(**{"gender m": confidence, "gender f": 1 - confidence})
    return replace(runs, predictions=table)


def test_calibrated_network_has_no_error() -> None:
    """Right as often as it says: what is left is the chance of 20,000 draws."""
    random = np.random.default_rng(0)
    confidence = random.uniform(0.5, 1, 20_000)
    runs = gender_runs(confidence, random.random(20_000) < confidence)
    curve = quality.calibration(runs, "gender")
    assert quality.calibration_error(curve) < 1
    assert (curve["confidence"].between(curve["from"], curve["to"])).all()
    assert curve["faces"].sum() == 20_000


def test_overconfident_network_has_the_error_that_it_has() -> None:
    """Ninety per cent sure, sixty per cent right: thirty points."""
    runs = gender_runs(np.full(1000, 0.9), np.arange(1000) < 600)
    curve = quality.calibration(runs, "gender")
    assert curve["accuracy"].to_list() == [60]
    assert quality.calibration_error(curve) == pytest.approx(30)


def test_certain_answers_stand_in_the_last_bin() -> None:
    """A probability of one is no bin of its own."""
    curve = quality.calibration(gender_runs(np.ones(4), np.ones(4, dtype=bool)), "gender")
    assert (curve["from"].item(), curve["to"].item()) == (90, 100)


def test_classes_have_recall_and_precision() -> None:
    """Three of four of one age right; half of what is called that age is."""
    truth = [4, 4, 4, 4, 0, 0, 0]
    runs = runs_with("age", {"age": truth}, {"age": [4, 4, 4, 5, 4, 4, 4]})
    table = quality.classes(runs, "age")
    assert list(table.index) == list(AGE_LABELS)
    assert table.loc["(25, 32)", ["faces", "recall", "precision"]].to_list() == [4, 75, 50]
    assert table.loc["(25, 32)", "low"] < 75 < table.loc["(25, 32)", "high"]


def test_class_without_test_faces_is_unknown_and_not_zero() -> None:
    """No face, no share; nothing said, no precision."""
    table = quality.classes(runs_with("age", {"age": [0, 1]}, {"age": [0, 1]}), "age")
    assert table.loc["(60, 100)", "faces"] == 0
    assert table.loc["(60, 100)", ["recall", "low", "high", "precision"]].isna().all()


def test_groups_are_gender_age_both_and_race_where_there_is_one() -> None:
    """Each accuracy is that of the group's own faces."""
    truth = {"gender": [0, 0, 1, 1], "age": [3, 4, 3, 4]}
    runs = runs_with("multitask", truth, {"gender": [0, 0, 1, 0], "age": [3, 3, 3, 4]})
    table = quality.groups(runs, "gender")
    assert len(table) == 1 + len(GENDER_LABELS) + len(AGE_LABELS) + 16
    assert table.loc["all", "accuracy"] == 75
    assert table.loc["m (25, 32)", "accuracy"] == 0
    assert table.loc["f (0, 2)", "faces"] == 0
    races = pd.Series(["Asian", "Black", "Asian", "Black"])
    with_race = replace(runs, predictions=runs.predictions.assign(race=races))
    assert quality.groups(with_race, "gender").loc["race Black", "accuracy"] == 50
    assert not [name for name in table.index if name.startswith("race")]
