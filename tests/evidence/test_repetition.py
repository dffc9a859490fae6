"""How far two trainings of one network come apart."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import runs_with

from adience_lib.evidence import repetition
from adience_lib.report import study
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


def committed_copy(folder: Path) -> Path:
    """The records of real faces, where they may be changed."""
    shutil.copytree(paths.COMMITTED / "utkface", folder / "utkface")
    return folder


def test_what_was_trained_twice_is_found(tmp_path: Path) -> None:
    """The first time by version 1, under the same protocol; nothing where nothing was kept."""
    figures = committed_copy(tmp_path)
    pairs = repetition.pairs(*study.read(figures))
    assert {("gender", 1, 2), ("age", 1, 2)} <= {
        (first.model, first.version, again.version) for first, again in pairs
    }
    assert all(first.protocol == again.protocol for first, again in pairs)
    shutil.rmtree(figures / "utkface" / repetition.FOLDER)
    assert repetition.pairs(*study.read(figures)) == []


@pytest.mark.parametrize("folder", [study.RECORDS, Path("utkface", repetition.FOLDER)])
def test_record_that_cannot_be_read_is_not_left_out(tmp_path: Path, folder: Path) -> None:
    """README would speak of four folds as if the fifth had never been."""
    figures = committed_copy(tmp_path)
    broken = next((figures / folder).rglob("gender/*/fold_3/history.csv"))
    broken.write_text(broken.read_text() + "\n")
    with pytest.raises(AdienceError, match=r"fold_3.*history\.csv"):
        repetition.pairs(*study.read(figures))
