"""Trainings that differ in their repetition alone are read together."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import made_up

from adience_lib.data import Dataset
from adience_lib.data.labels import LABELS
from adience_lib.evidence import metrics
from adience_lib.experiments import experiment
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import finished_runs
from adience_lib.runs.folder import write_sums, write_table
from adience_lib.runs.read import Runs, read_runs
from adience_lib.util.errors import AdienceError

FOLDS = (0, 1)


@pytest.fixture
def begun(tiny: Dataset, tmp_path: Path) -> Experiment:
    """An experiment on the tiny folder, nothing trained."""
    return experiment.of(tiny, {"folds": list(FOLDS), "runs_dir": str(tmp_path / "runs")})


def repeated(one: Experiment, repetition: int) -> Experiment:
    """The same experiment with trainings of this repetition."""
    return replace(one, protocol=replace(one.protocol, repetition=repetition))


def train(one: Experiment, repetition: int, folds: tuple[int, ...] = FOLDS) -> list[Path]:
    """Made-up trainings of the age network. Odd repetitions give the labels the other way round."""
    folders = [made_up(repeated(one, repetition), "age", fold) for fold in folds]
    for folder in folders if repetition % 2 else []:
        rewrite(folder, turned)
    return folders


def rewrite(folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Change a run's predictions as if its training had left them so."""
    file = folder / "predictions.csv"
    write_table(change(pd.read_csv(file)), file)
    write_sums(folder)


def turned(predictions: pd.DataFrame) -> pd.DataFrame:
    """The probabilities in the opposite order of the labels."""
    names = [f"age {label}" for label in LABELS["age"]]
    return predictions.assign(
        **dict(zip(names, predictions[names[::-1]].to_numpy().T, strict=True))
    )


def age_runs(one: Experiment) -> Runs:
    """What is finished of the age network."""
    runs = finished_runs(one, "age")
    assert runs is not None
    return runs


def test_two_repetitions_are_two_trainings_of_each_fold(begun: Experiment) -> None:
    """Of one network, with the first one's protocol; each table says whose a row is."""
    once = read_runs(train(begun, 0))
    train(begun, 1)
    runs = age_runs(begun)
    assert (runs.protocol, runs.folds) == (begun.protocol, list(FOLDS))
    trainings = [(0, 0), (0, 1), (1, 0), (1, 1)]
    for table in (runs.history, runs.predictions, runs.records):
        assert sorted(set(zip(table["fold"], table["repetition"], strict=True))) == trainings
    assert len(runs.records) == 4
    hits = metrics.hits(runs, "age")
    assert hits.right.shape == (len(once.predictions), 2)
    assert (hits.right[:, :1] == metrics.hits(once, "age").right).all()
    other = metrics.hits(age_runs(repeated(begun, 1)), "age").right
    assert (hits.right[:, 1:] == other).all()
    assert (hits.right[:, 0] != hits.right[:, 1]).any()


def test_one_repetition_is_read_as_it_always_was(begun: Experiment) -> None:
    """Its folder is named by the protocol alone, and it has one training of each fold."""
    folders = train(begun, 0)
    assert {folder.parent.name for folder in folders} == {begun.protocol.label}
    assert "repetition" not in begun.protocol.label
    runs = age_runs(begun)
    assert (runs.records["repetition"] == 0).all()
    assert metrics.hits(runs, "age").right.shape == (len(runs.predictions), 1)
    right = metrics.correct(runs.predictions.sort_values(["fold", "face"]), "age")
    assert (metrics.hits(runs, "age").right[:, 0] == right).all()
    again = read_runs(folders)
    pd.testing.assert_frame_equal(runs.predictions, again.predictions)


def test_of_unequal_numbers_the_smallest_is_compared(begun: Experiment) -> None:
    """All that there are stay in the records."""
    train(begun, 0)
    train(begun, 1, folds=(1,))
    runs = age_runs(begun)
    assert len(runs.records) == 3
    assert metrics.hits(runs, "age").right.shape[1] == 1
    assert metrics.hits(runs.on_folds([1]), "age").right.shape[1] == 2
    assert metrics.fold_scores(runs)["trainings"].to_list() == [1, 1]


def test_missing_repetition_ends_the_count(begun: Experiment) -> None:
    """What lies behind a gap is of a study that was not made in this order."""
    train(begun, 0)
    train(begun, 2)
    assert set(age_runs(begun).records["repetition"]) == {0}
    train(begun, 1, folds=(0,))
    assert sorted(age_runs(begun).records["repetition"]) == [0, 0, 1, 2, 2]


def test_count_begins_with_the_experiments_own_repetition(begun: Experiment) -> None:
    """Without the first there is nothing; a study of later ones begins with its own."""
    for repetition in (1, 2):
        train(begun, repetition)
    assert finished_runs(begun, "age") is None
    runs = age_runs(repeated(begun, 1))
    assert runs.protocol.repetition == 1
    assert set(runs.records["repetition"]) == {1, 2}


def test_random_features_are_repeated_too(begun: Experiment) -> None:
    """The label that stands for them is found before repetitions are counted."""
    random = replace(begun.protocol, weights="random")
    for repetition in (0, 1):
        made_up(repeated(replace(begun, protocol=random), repetition), "transfer", 0)
    runs = finished_runs(begun, "transfer")
    assert runs is not None
    assert runs.title == "transfer (random features)"
    assert runs.records["repetition"].to_list() == [0, 1]


def test_order_of_folders_does_not_matter(begun: Experiment) -> None:
    """The protocol is that of the first repetition, wherever it stands."""
    folders = [*train(begun, 1), *train(begun, 0)]
    backwards = read_runs(folders)
    assert backwards.protocol == begun.protocol
    one, other = (metrics.hits(runs, "age") for runs in (backwards, age_runs(begun)))
    assert (one.right == other.right).all()
    pd.testing.assert_frame_equal(one.faces[["fold", "face"]], other.faces[["fold", "face"]])


def test_repetition_of_another_protocol_is_another_experiment(begun: Experiment) -> None:
    """What differs besides is named."""
    other = replace(begun, protocol=replace(begun.protocol, patience=3))
    with pytest.raises(AdienceError, match="a run with another protocol than"):
        read_runs([*train(begun, 0), *train(other, 1)])


def test_same_repetition_twice_is_not_counted_twice(begun: Experiment) -> None:
    """Two of a fold are two trainings where their repetition differs alone."""
    with pytest.raises(AdienceError, match="two runs of the same fold"):
        read_runs([*train(begun, 1), *train(begun, 1)])


def test_repetition_that_lost_faces_is_an_error(begun: Experiment) -> None:
    """Two trainings are compared face by face."""
    folders = [*train(begun, 0), *train(begun, 1)]
    rewrite(folders[-1], lambda predictions: predictions[1:])
    with pytest.raises(AdienceError, match="age: two trainings of a fold tested other faces"):
        metrics.hits(age_runs(begun), "age")


def test_accuracy_of_a_fold_is_the_mean_over_repetitions(begun: Experiment) -> None:
    """Of two trainings, as of one each."""
    train(begun, 0)
    train(begun, 1)
    both, *single = (
        metrics.fold_scores(age_runs(one))["age"].to_numpy() for one in (begun, repeated(begun, 1))
    )
    first = metrics.hits(age_runs(begun), "age")
    alone = pd.Series(100.0 * first.right[:, 0]).groupby(first.faces["fold"].to_numpy()).mean()
    assert both == pytest.approx((alone.to_numpy() + single[0]) / 2)
    assert not np.allclose(alone, single[0])
