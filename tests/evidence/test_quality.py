"""Classes, groups and calibration, on predictions whose answer is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from simulated import runs_with

from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS
from adience_lib.evidence import quality
from adience_lib.runs.read import Runs


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
