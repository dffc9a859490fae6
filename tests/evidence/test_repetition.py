"""How far two trainings of one network come apart."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import runs_with

from adience_lib.evidence import repetition
from adience_lib.report import study
from adience_lib.runs.read import Runs
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

TRUTH = {"gender": [0, 1, 0, 1], "age": [3, 4, 5, 6]}


def test_answers_and_accuracies_are_compared_fold_by_fold() -> None:
    """Four faces, two a fold, whose answers are known."""
    first = runs_with("multitask", TRUTH, {"gender": [0, 1, 0, 0], "age": [3, 4, 0, 0]})
    again = runs_with("multitask", TRUTH, {"gender": [1, 0, 0, 1], "age": [3, 4, 5, 1]})
    table = repetition.by_fold(first, again).set_index(["task", "fold"])
    assert table.loc["gender", "gained"].tolist() == [-100, 50]
    assert table.loc["gender", "changed"].tolist() == [100, 50]
    assert table.loc["age", "gained"].tolist() == [0, 50]
    assert table.loc["age", "changed"].tolist() == [0, 100], "another wrong answer is a change"


def test_deviation_is_that_of_one_training() -> None:
    """Known where both of many pairs are drawn around the mean of their fold."""
    random = np.random.default_rng(1)
    fold_means = random.normal(70, 10, 20_000)
    first, again = (fold_means + random.normal(0, 3, fold_means.size) for _ in range(2))
    deviation, (low, high) = repetition.deviation(pd.Series(again - first))
    assert deviation == pytest.approx(3, rel=0.03)
    assert 0.98 * deviation < low < 3 < high < 1.02 * deviation


def test_interval_of_a_deviation_holds_it_as_often_as_it_says() -> None:
    """Five pairs of a known deviation, many times over."""
    gained = np.random.default_rng(2).normal(0, 3 * np.sqrt(2), (4_000, 5))
    held = [low <= 3 <= high for _, (low, high) in map(repetition.deviation, gained)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.015)


def test_what_was_trained_twice_is_found() -> None:
    """The first two trainings of each fold; nothing of a network that has one of some fold."""
    once = runs_with("age", {"age": [3, 4, 5, 6]}, {"age": [3, 4, 0, 0]})
    other = once.where(lambda table: table["fold"] == 0)
    (fold,) = other.folds
    numbered = {
        number: {name: table.assign(repetition=number) for name, table in once.tables.items()}
        for number in (0, 1, 2)
    }

    def joined(*numbers: int) -> Runs:
        tables = {
            name: pd.concat([numbered[number][name] for number in numbers]) for name in once.tables
        }
        return replace(once, **tables)

    whole, thrice = joined(0, 1), joined(0, 1, 2)
    partly = whole.where(lambda table: (table["repetition"] == 0) | (table["fold"] == fold))
    for runs in (whole, thrice):
        ((first, again),) = repetition.pairs({"age": runs})
        assert set(first.records["repetition"]) == {0} and set(again.records["repetition"]) == {1}
    assert repetition.pairs({"age": once, "again": partly}) == []


def test_record_that_cannot_be_read_is_not_left_out(tmp_path: Path) -> None:
    """README would speak of four folds as if the fifth had never been."""
    shutil.copytree(paths.COMMITTED / study.RECORDS.parent, tmp_path / study.RECORDS.parent)
    broken = next((tmp_path / study.RECORDS).rglob("gender/*/fold_3/history.csv"))
    broken.write_text(broken.read_text() + "\n")
    with pytest.raises(AdienceError, match=r"fold_3.*history\.csv"):
        study.read(tmp_path)
