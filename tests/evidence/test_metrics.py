"""Tables from finished runs, on predictions whose scores are known."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated import again, results_with, runs_with

from adience_lib.data.labels import AGE_LABELS
from adience_lib.evidence import metrics, paper
from adience_lib.protocol import PAPER
from adience_lib.report import findings, tables
from adience_lib.runs.folder import FORMAT, write_json, write_sums, write_table
from adience_lib.runs.read import Runs, read_runs
from adience_lib.util.errors import AdienceError


def test_accuracy_and_one_off_of_known_guesses() -> None:
    """One-off is a distance of at most one class, not the second guess."""
    runs = runs_with("age", {"age": [0, 1, 2, 3, 4, 5, 6, 7]}, {"age": [0, 2, 4, 3, 3, 7, 6, 7]})
    scores = metrics.fold_scores(runs)
    assert runs.tasks == ("age",)
    assert scores["age"].to_list() == [50, 50]
    assert scores["one-off"].to_list() == [75, 75]


def test_hits_are_a_row_a_face_and_a_column_a_training() -> None:
    """In the order of fold and name, wherever a training's rows stand."""
    truth = {"age": [0, 1, 2, 3]}
    first, second = (
        runs_with("age", truth, {"age": guesses}) for guesses in ([0, 1, 2, 2], [0, 7, 2, 3])
    )
    runs = again(first, second)
    shuffled = replace(runs, predictions=runs.predictions.sample(frac=1, random_state=3))
    for one in (runs, shuffled):
        hits = metrics.hits(one, "age")
        assert hits.right.dtype == bool
        assert hits.right.tolist() == [[True, True], [True, False], [True, True], [False, True]]
        assert hits.faces["face"].to_list() == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
        assert hits.faces["fold"].to_list() == [0, 0, 1, 1]
        assert hits.faces["age"].to_list() == truth["age"]
    assert metrics.hits(second, "age").right.tolist() == [[True], [False], [True], [True]]


def test_hits_of_unequal_trainings_are_the_first_that_each_fold_has() -> None:
    """Repetitions 0 and 1 of one fold, 0 of the other: one column."""
    truth = {"age": [0, 1, 2, 3]}
    some, all_right = (runs_with("age", truth, {"age": g}) for g in ([0, 7, 7, 3], [0, 1, 2, 3]))
    runs = again(some, all_right)
    kept = {
        name: table[(table["repetition"] == 0) | (table["fold"] == 0)]
        for name in ("predictions", "records")
        for table in [getattr(runs, name)]
    }
    hits = metrics.hits(replace(runs, **kept), "age")
    assert hits.right.tolist() == [[True], [False], [False], [True]]


def test_trainings_of_other_numbers_of_faces_are_not_taken_together() -> None:
    """They cannot be compared face by face."""
    runs = runs_with("age", {"age": [0, 1, 2, 3]}, {"age": [0, 1, 2, 3]})
    lost = replace(runs, predictions=runs.predictions[1:])
    with pytest.raises(AdienceError, match="age: two trainings of a fold tested other faces"):
        metrics.hits(again(runs, lost), "age")


def test_recalls_are_a_row_a_fold_and_a_column_a_label() -> None:
    """Means over trainings; a label without a face in a fold is unknown there."""
    truth = {"age": [4, 4, 0, 4, 4, 4]}
    runs = again(
        runs_with("age", truth, {"age": [4, 4, 0, 4, 4, 1]}),
        runs_with("age", truth, {"age": [4, 0, 1, 4, 4, 1]}),
    )
    table = metrics.recalls(runs, "age")
    assert table.shape == (2, len(AGE_LABELS))
    assert table[4].to_list() == pytest.approx([75, 200 / 3])
    assert table.loc[0, 0] == 50
    assert np.isnan(table.loc[1, 0])
    assert table[7].isna().all()


def test_scores_of_a_fold_are_means_over_its_trainings() -> None:
    """Accuracies, distances, epochs and seconds; each fold says how many trainings it had."""
    truth = {"age": [0, 1, 2, 3]}
    first, second = (runs_with("age", truth, {"age": g}) for g in ([0, 1, 2, 3], [0, 2, 2, 6]))
    later = second.records.assign(epochs=[40, 41], best_epoch=30, seconds=300.0)
    scores = metrics.fold_scores(again(first, replace(second, records=later)))
    assert scores["trainings"].to_list() == [2, 2]
    assert scores["age"].to_list() == [75, 75]
    assert scores["one-off"].to_list() == [100, 75]
    assert scores["classes off"].to_list() == [0.25, 0.75]
    assert scores["epochs"].to_list() == [30, 31]
    assert scores["best_epoch"].to_list() == [20, 20.5]
    assert scores["seconds"].to_list() == [200, 205]


def test_confusion_counts_every_face_once() -> None:
    """Rows are true labels, columns predicted ones."""
    runs = runs_with("gender", {"gender": [0, 0, 1, 1]}, {"gender": [0, 1, 1, 1]})
    counts = metrics.confusion(runs.predictions, "gender")
    assert counts.to_numpy().tolist() == [[1, 1], [0, 2]]


def test_majority_is_learned_on_the_other_folds() -> None:
    """A label that is frequent in the tested fold alone does not help."""
    faces = pd.DataFrame(
        {"fold": [0, 0, 1, 1, 1], "gender": [1, 1, 0, 0, 0], "age": [3, 3, 3, 3, 5]}
    )
    assert metrics.majority_rates(faces, [0]) == {"gender": 0, "age": 100}


def test_table_3_keeps_the_papers_rows_beside_ours() -> None:
    """A network without runs keeps the paper's numbers; each run has the majority's rate, and
    the interval of faces and folds."""
    runs = runs_with("gender", {"gender": [0, 1, 0, 1]}, {"gender": [0, 1, 0, 0]})
    faces = pd.DataFrame({"fold": [0, 0, 1, 1], "gender": [0, 1, 0, 1], "age": [0, 1, 0, 1]})
    table = tables.table_3(results_with(runs, faces=faces))
    assert list(table.index[1:5]) == list(paper.TABLE_3.index[1:])
    assert table.loc["gender", "gender accuracy"] == 75
    assert table.loc["gender", "gender low"] == 0
    assert table.loc["gender", "gender high"] == 100
    assert table.loc["gender", "epochs"] == 20.5
    assert np.isnan(table.loc["multitask", "gender accuracy"])
    assert table.loc["transfer", "gender accuracy (paper)"] == 89.3
    assert table.loc["gender", "gender majority"] == 50
    assert np.isnan(table.loc["age", "age majority"])
    words = tables.readable_table_3(table)
    assert words.loc["gender", "gender"] == "75.0 [0.0, 100.0]"
    assert words.loc["baseline (Levi & Hassner)", "age (paper)"] == "50.7 ± 5.1"
    assert words.loc["age", "age"] == "-"


def test_table_3_says_which_rows_were_not_run() -> None:
    """VGG-16 has no row in the paper, and without weights none of ours; it is named still."""
    table = tables.table_3(results_with(faces=pd.DataFrame()))
    assert "VGG-16, linear (not run)" in table.index
    assert (table["folds"] == 0).all()


def test_baseline_row_is_scored_on_ten_crops() -> None:
    """Levi & Hassner's two networks fill one row, as they scored theirs."""
    truth, guesses = {"gender": [0, 1, 0, 1]}, {"gender": [0, 0, 0, 0]}
    centre = runs_with("levi_hassner_gender", truth, guesses)
    ten = runs_with("levi_hassner_gender", truth, {"gender": [0, 1, 0, 1]}).predictions
    runs = replace(centre, ten_crops=ten)
    table = tables.table_3(results_with(faces=ten, published={"levi_hassner_gender": runs}))
    assert table.loc["baseline (Levi & Hassner)", "gender accuracy"] == 100
    assert np.isnan(table.loc["baseline (Levi & Hassner)", "age accuracy"])


def test_random_features_are_named_in_the_table() -> None:
    """A transfer network that was given nothing to transfer says so wherever it is shown."""
    runs = runs_with("transfer", {"age": [0, 1]}, {"age": [0, 1]})
    assert runs.title == "transfer"
    random = replace(runs, protocol=replace(PAPER, weights="random"))
    assert random.title == "transfer (random features)"


def test_linear_model_is_called_one_wherever_it_is_shown() -> None:
    """In a legend "xception" would be taken for the transfer network."""
    runs = runs_with("xception", {"age": [0, 1]}, {"age": [0, 1]})
    assert runs.title == "Xception, linear"
    table = tables.table_3(results_with(faces=runs.predictions, finished={"xception": runs}))
    assert table.loc[runs.title, "age accuracy"] == 100
    assert np.isnan(table.loc["VGG-16, linear (not run)", "age accuracy"])


def test_difference_is_taken_over_common_folds_alone() -> None:
    """The folds that both have; without a common fold there is no number."""
    ours = runs_with("multitask", {"age": [0, 1, 2, 3]}, {"age": [0, 1, 2, 7]})
    theirs = runs_with("age", {"age": [0, 1, 2, 3]}, {"age": [0, 7, 2, 3]})
    one = theirs.on_folds([0])
    words = findings.about_difference(ours, one, None)
    assert words.startswith("Against age, fold 0: +50.0 points on age. ")
    elsewhere = replace(one, records=one.records.assign(fold=4))
    for nothing in (elsewhere, None):
        assert "have not been trained" in findings.about_difference(ours, nothing)


@pytest.fixture
def held_out() -> Runs:
    """A run whose held-out loss, test loss and number of epochs name epochs 2, 3 and 4."""
    history = pd.DataFrame(
        {
            "fold": 0,
            "repetition": 0,
            "epoch": [1, 2, 3, 4],
            "val_loss": [2.0, 1.0, 1.5, 1.6],
            "test_loss": [2.0, 1.5, 1.2, 1.3],
            "test_age_accuracy": [0.30, 0.40, 0.46, 0.43],
        }
    )
    return replace(runs_with("age", {"age": [0, 1]}, {"age": [0, 1]}), history=history)


def test_optimism_is_what_the_test_folds_choice_would_have_added(held_out: Runs) -> None:
    """Both epochs come from one training: the lowest held-out loss, and the lowest test loss."""
    (row,) = metrics.optimism(held_out).to_dict("records")
    assert (row["chosen"], row["test fold's choice"]) == (2, 3)
    assert row["age"] == pytest.approx(6)


def test_each_of_two_trainings_has_its_own_chosen_epoch(held_out: Runs) -> None:
    """A row each: the second training has its lowest losses an epoch later."""
    later = held_out.history.assign(epoch=lambda table: table["epoch"] + 1)
    runs = again(held_out, replace(held_out, history=later))
    table = metrics.optimism(runs)
    assert table["fold"].to_list() == [0, 0]
    assert table["chosen"].to_list() == [2, 3]
    assert table["test fold's choice"].to_list() == [3, 4]


def test_only_held_out_runs_log_the_test_fold() -> None:
    """Others have no record of the test fold beside the monitored one."""
    runs = runs_with("age", {"age": [0, 1]}, {"age": [0, 1]})
    with pytest.raises(AdienceError, match='only runs with monitor="held_out" log the test fold'):
        metrics.optimism(runs)


def run_folder(root: Path, fold: int, **changes: object) -> Path:
    """A finished run of one fold on disk, with ``changes`` to what it says it is of."""
    folder = root / f"fold_{fold}"
    folder.mkdir()
    machine = {"processor": "p", "cores": 2, "accelerator": "none"}
    specification = {"format": FORMAT, "model": "age", "fold": fold, "fingerprint": "f"}
    specification["version"] = 2
    write_json(folder / "protocol.json", {**specification, "protocol": asdict(PAPER), **changes})
    counts = {"epochs": 2, "best_epoch": 1, "seconds": 3.0, "peak_memory": None}
    sizes = {"parameters": {"total": 5}, "faces": {"train": 8}, "machines": [machine]}
    write_json(folder / "run.json", {**counts, **sizes})
    runs = runs_with("age", {"age": [0, 1]}, {"age": [0, 1]})
    write_table(pd.DataFrame({"epoch": [1, 2], "seconds": [1.0, 2.0]}), folder / "history.csv")
    write_table(runs.predictions.drop(columns="fold"), folder / "predictions.csv")
    write_sums(folder)
    return folder


def test_runs_are_read_back(tmp_path: Path) -> None:
    """One table over the folds; the seconds to the best epoch are those of the epochs so far."""
    runs = read_runs([run_folder(tmp_path, fold) for fold in (0, 3)])
    assert (runs.folds, runs.tasks, runs.protocol) == ([0, 3], ("age",), PAPER)
    assert runs.records["seconds_to_best"].to_list() == [1, 1]
    assert len(runs.predictions) == 4


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"fingerprint": "g"}, "fingerprint"),
        ({"protocol": asdict(replace(PAPER, gamma=0.1))}, "protocol"),
        ({"model": "gender"}, "model"),
    ],
)
def test_runs_of_different_experiments_are_not_taken_together(
    tmp_path: Path, change: dict[str, object], word: str
) -> None:
    """The message names the folder and what differs."""
    folders = [run_folder(tmp_path, 0), run_folder(tmp_path, 1, **change)]
    with pytest.raises(AdienceError, match=f"fold_1: a run with another {word} than .*fold_0"):
        read_runs(folders)


@pytest.mark.parametrize("name", ["protocol.json", "run.json", "history.csv", "predictions.csv"])
def test_run_with_a_torn_file_is_named(tmp_path: Path, name: str) -> None:
    """One line with the folder, whatever is missing."""
    folder = run_folder(tmp_path, 0)
    (folder / name).write_text("")
    with pytest.raises(AdienceError, match="fold_0"):
        read_runs([folder])


def test_run_of_another_version_is_named(tmp_path: Path) -> None:
    """A protocol with a field that is unknown here cannot be compared with others."""
    folder = run_folder(tmp_path, 0, protocol={**asdict(PAPER), "mixup": 0.2})
    with pytest.raises(AdienceError, match=r"fold_0.*a run of another version"):
        read_runs([folder])
    folder = run_folder(tmp_path, 1, protocol={**asdict(PAPER), "batch_size": 0})
    with pytest.raises(AdienceError, match=r"fold_1.*a run of another version.*batch_size"):
        read_runs([folder])


def test_run_of_a_newer_format_is_named(tmp_path: Path) -> None:
    """Its columns may mean something else."""
    folder = run_folder(tmp_path, 0, format=FORMAT + 1)
    with pytest.raises(AdienceError, match=r"fold_0.*a run of another version.*format is 2"):
        read_runs([folder])


def test_run_of_a_network_that_is_built_otherwise_by_now_is_named(tmp_path: Path) -> None:
    """It is of another network under the same name."""
    folder = run_folder(tmp_path, 0, version=1)
    with pytest.raises(AdienceError, match=r"fold_0.*another version.*built otherwise by now"):
        read_runs([folder])


def test_table_that_lost_its_last_rows_is_not_scored(tmp_path: Path) -> None:
    """Cut at the end of a line it is a table like any other; only its digest tells."""
    file = run_folder(tmp_path, 0) / "predictions.csv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(AdienceError, match=r"predictions\.csv: not as the run left it"):
        read_runs([file.parent])


def test_ages_keep_labels_without_faces() -> None:
    """Figure 2's table always has eight rows and both genders."""
    counts = tables.ages(pd.DataFrame({"age": [0, 0, 7], "gender": [1, 1, 1]}))
    assert list(counts.index) == list(AGE_LABELS)
    assert counts["f"].sum() == 0
    assert counts["m"].to_list() == [2, 0, 0, 0, 0, 0, 0, 1]


def test_folder_without_a_finished_run_is_named(tmp_path: Path) -> None:
    """One line with the folder."""
    with pytest.raises(AdienceError, match=r"fold_0/protocol\.json: no record of a run"):
        read_runs([tmp_path / "fold_0"])


def test_fold_that_is_there_twice_is_not_counted_twice(tmp_path: Path) -> None:
    """A run folder that somebody has copied."""
    folder = run_folder(tmp_path, 0)
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    with pytest.raises(AdienceError, match="two runs of the same fold"):
        read_runs([folder, copy])
