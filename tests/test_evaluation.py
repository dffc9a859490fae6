"""Tables from finished runs, on predictions whose scores are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adience_lib import evaluation, findings, paper, tables
from adience_lib.errors import AdienceError
from adience_lib.evaluation import Runs
from adience_lib.labels import AGE_LABELS, LABELS


def runs_with(model: str, truth: dict[str, list[int]], guesses: dict[str, list[int]]) -> Runs:
    """Two folds of runs; the network is nearly sure of each guess."""
    count = len(next(iter(truth.values())))
    folds = np.arange(count) * 2 // count
    predictions = pd.DataFrame({"gender": 0, "age": 0, **truth, "fold": folds})
    for task, positions in guesses.items():
        for place, label in enumerate(LABELS[task]):
            predictions[f"{task} {label}"] = np.where(np.array(positions) == place, 0.9, 0.01)
    records = pd.DataFrame(
        {
            "model": model,
            "fold": [0, 1],
            "weights": "imagenet",
            "epochs": [4, 6],
            "best_epoch": [3, 6],
            "seconds": [10.0, 20.0],
        }
    )
    return Runs(model, pd.DataFrame(), predictions, records)


def test_accuracy_and_one_off_of_known_guesses() -> None:
    """One-off is a distance of at most one class, not the second guess."""
    runs = runs_with("age", {"age": [0, 1, 2, 3, 4, 5, 6, 7]}, {"age": [0, 2, 4, 3, 3, 7, 6, 7]})
    scores = evaluation.fold_scores(runs)
    assert runs.tasks == ("age",)
    assert scores["age"].to_list() == [50, 50]
    assert scores["one-off"].to_list() == [75, 75]


def test_summary_has_both_spreads() -> None:
    """Standard deviation with n - 1, and the standard error of the mean."""
    scores = pd.DataFrame({"fold": range(5), "age": [40.0, 45, 50, 55, 60]})
    row = evaluation.summary(scores).loc["age"]
    assert row["mean"] == 50
    assert row["deviation"] == pytest.approx(np.std([40, 45, 50, 55, 60], ddof=1))
    assert row["error"] == pytest.approx(row["deviation"] / np.sqrt(5))


def test_one_fold_has_no_spread() -> None:
    """A spread of nothing is unknown, and not zero."""
    row = evaluation.summary(pd.DataFrame({"fold": [2], "age": [40.0]})).loc["age"]
    assert np.isnan(row["deviation"])


def test_confusion_counts_every_face_once() -> None:
    """Rows are true labels, columns predicted ones."""
    runs = runs_with("gender", {"gender": [0, 0, 1, 1]}, {"gender": [0, 1, 1, 1]})
    counts = evaluation.confusion(runs.predictions, "gender")
    assert counts.to_numpy().tolist() == [[1, 1], [0, 2]]


def test_majority_is_learned_on_the_other_folds() -> None:
    """A label that is frequent in the tested fold alone does not help."""
    faces = pd.DataFrame(
        {"fold": [0, 0, 1, 1, 1], "gender": [1, 1, 0, 0, 0], "age": [3, 3, 3, 3, 5]}
    )
    assert evaluation.majority_rates(faces, [0]) == {"gender": 0, "age": 100}


def test_table_3_keeps_the_papers_rows_beside_ours() -> None:
    """A network without runs keeps the paper's numbers; each run has the majority's rate."""
    truth, guesses = {"gender": [0, 1, 0, 1]}, {"gender": [0, 1, 0, 0]}
    faces = pd.DataFrame({"fold": [0, 0, 1, 1], "gender": [0, 1, 0, 1], "age": [0, 1, 0, 1]})
    table = tables.table_3({"gender": runs_with("gender", truth, guesses)}, faces)
    assert list(table.index) == list(paper.TABLE_3.index)
    assert table.loc["gender", "gender accuracy"] == 75
    assert table.loc["gender", "epochs"] == 5
    assert np.isnan(table.loc["multitask", "gender accuracy"])
    assert table.loc["transfer", "gender accuracy (paper)"] == 89.3
    assert table.loc["gender", "gender majority"] == 50
    assert np.isnan(table.loc["age", "age majority"])
    words = tables.readable_table_3(table)
    assert words.loc["gender", "gender"] == "75.0 ± 35.4 (25.0)"
    assert words.loc["baseline", "age (paper)"] == "50.7 ± 5.1"
    assert words.loc["age", "age"] == "-"


def test_random_features_are_named_in_the_table() -> None:
    """A transfer network that was given nothing to transfer says so wherever it is shown."""
    runs = runs_with("transfer", {"age": [0, 1]}, {"age": [0, 1]})
    assert runs.title == "transfer"
    runs.records["weights"] = "random"
    assert runs.title == "transfer (random features)"


def test_difference_is_taken_over_common_folds_alone() -> None:
    """Points and seconds of the folds that both have; without a common fold there is no number."""
    ours = runs_with("multitask", {"age": [0, 1, 2, 3]}, {"age": [0, 1, 2, 7]})
    theirs = runs_with("age", {"age": [0, 1, 2, 3]}, {"age": [0, 7, 2, 3]})
    first = theirs.predictions["fold"] == 0
    one = Runs("age", theirs.history, theirs.predictions[first], theirs.records.iloc[:1])
    words = findings.about_difference(ours, one, None)
    assert words.startswith("Against the age network, fold 0: +50.0 points on age. ")
    assert "took 1.00 times the seconds of age." in words
    elsewhere = Runs("age", one.history, one.predictions, one.records.assign(fold=4))
    for nothing in (elsewhere, None):
        assert "have not been trained" in findings.about_difference(ours, nothing)


def test_ages_keep_labels_without_faces() -> None:
    """Figure 2's table always has eight rows and both genders."""
    counts = tables.ages(pd.DataFrame({"age": [0, 0, 7], "gender": [1, 1, 1]}))
    assert list(counts.index) == list(AGE_LABELS)
    assert counts["f"].sum() == 0
    assert counts["m"].to_list() == [2, 0, 0, 0, 0, 0, 0, 1]


def test_folder_without_a_finished_run_is_named(tmp_path: Path) -> None:
    """One line with the folder."""
    with pytest.raises(AdienceError, match="fold_0: not a finished run"):
        evaluation.read_runs([tmp_path / "fold_0"])
