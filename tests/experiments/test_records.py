"""Records: what is computed from them is what the runs themselves give, and they name nobody."""

import shutil
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulated import made_up

from adience_lib.__main__ import main
from adience_lib.data import Dataset, loader
from adience_lib.evidence import claims
from adience_lib.experiments import (
    cross_validation,
    experiment,
    linear_probes,
    records,
    study,
)
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import find_runs
from adience_lib.models.pretrained import Weights
from adience_lib.protocol import PAPER, SMOKE, Protocol
from adience_lib.report import study as report_study
from adience_lib.report import tables
from adience_lib.runs.folder import Training
from adience_lib.runs.read import read_runs
from adience_lib.util.errors import AdienceError
from docs import generated

FOLDS = (0, 1)


@pytest.fixture
def begun(tiny: Dataset, tmp_path: Path) -> Experiment:
    """An experiment on the tiny folder whose networks have "been trained"."""
    overrides = {"folds": list(FOLDS), "runs_dir": str(tmp_path / "runs"), "batch_size": 16}
    return experiment.of(tiny, overrides)


@pytest.fixture
def kept(begun: Experiment, tmp_path: Path) -> Path:
    """The records of two networks of Table 3 with both ways of monitoring."""
    folder = tmp_path / "records"
    records.begin(begun, folder)
    for one in (begun, begun.under(monitor="held_out")):
        for model in ("multitask", "age"):
            for fold in FOLDS:
                records.keep(one, made_up(one, model, fold), folder)
    return folder


def test_records_give_what_the_runs_give(begun: Experiment, kept: Path) -> None:
    """Table 3 and the verdicts are the same, to the last digit."""
    runs, recorded = find_runs(begun), find_runs(records.read(kept))
    assert recorded.unreadable == []
    assert set(recorded.held_out) == {"multitask", "age"}
    pd.testing.assert_frame_equal(tables.table_3(recorded), tables.table_3(runs))
    ours, theirs = claims.decide(recorded), claims.decide(runs)
    pd.testing.assert_frame_equal(claims.verdicts(ours), claims.verdicts(theirs))
    pd.testing.assert_frame_equal(claims.measured(ours), claims.measured(theirs))


def test_records_are_of_the_same_experiment_under_any_setting(
    begun: Experiment, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable of the smoke run is for what is trained now."""
    monkeypatch.setenv("ADIENCE_SMOKE", "1")
    assert records.read(kept).protocol == begun.protocol


def test_sample_of_recorded_faces_is_the_sample_of_the_faces(begun: Experiment, kept: Path) -> None:
    """The same faces are drawn under their numbers."""
    recorded = records.read(kept)
    fewer = [replace(one.protocol, faces=40) for one in (begun, recorded)]
    ours, theirs = (
        replace(one, protocol=few).faces for one, few in zip((begun, recorded), fewer, strict=True)
    )
    assert len(ours) < len(begun.faces)
    assert list(ours.index) == list(theirs.index)


def test_records_hold_no_network_and_no_name(begun: Experiment, kept: Path) -> None:
    """Neither a file's name nor a person's stands anywhere in them."""
    files = [file for file in kept.rglob("*") if file.is_file()]
    assert not [file for file in files if file.suffix == ".keras"]
    text = "\n".join(file.read_text() for file in files)
    names = {*begun.dataset.faces["path"], *begun.dataset.faces["subject"]}
    assert [name for name in names if name in text] == []


def test_report_stands_on_the_records_that_are_listed(kept: Path) -> None:
    """Others have ended since it was written, and change nothing of it."""
    whole = records.read(kept)
    folders = [whole.folder("age", 0), whole.under(monitor="held_out").folder("multitask", 1)]
    lines = [f'"{folder.relative_to(kept)}"' for folder in folders]
    list_of_records = kept.with_name(records.LIST)
    list_of_records.write_text("\n".join(["record", *lines]) + "\n")
    found = find_runs(records.read(kept))
    assert {name: runs.folds for name, runs in found.finished.items()} == {"age": [0]}
    assert {name: runs.folds for name, runs in found.held_out.items()} == {"multitask": [1]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("record\nelsewhere/fold_0\n", "trainings.csv, line 2: there is no record of elsewhere"),
        ("folder\nelsewhere/fold_0\n", "trainings.csv: no list of records .*'record'"),
    ],
)
def test_list_of_records_that_are_not_there_is_refused(kept: Path, text: str, message: str) -> None:
    """A report would stand on less than it says."""
    kept.with_name(records.LIST).write_text(text)
    with pytest.raises(AdienceError, match=message):
        records.read(kept)


def test_damaged_record_is_named(kept: Path) -> None:
    """As a damaged run is."""
    file = next(kept.rglob("predictions.csv"))
    file.write_text(file.read_text().replace("0.1", "0.2"))
    with pytest.raises(AdienceError, match=r"predictions\.csv: not as the run left it"):
        read_runs([file.parent])


def test_records_of_two_experiments_are_not_mixed(begun: Experiment, kept: Path) -> None:
    """Another parameter is another experiment."""
    other = replace(begun, overrides={**begun.overrides, "batch_size": 8})
    with pytest.raises(AdienceError, match="holds records with another parameters"):
        records.begin(other, kept)


def test_study_of_something_else_leaves_the_records_that_are_there(
    begun: Experiment, tmp_path: Path
) -> None:
    """It has a folder of its own, the same each time it goes on."""
    records.begin(begun, tmp_path / records.FOLDER)
    assert records.place(begun, tmp_path) == tmp_path
    others = [
        replace(begun, overrides={**begun.overrides, "batch_size": 8}),
        replace(begun, dataset=replace(begun.dataset, fingerprint="other faces")),
    ]
    places = [records.place(other, tmp_path) for other in others]
    assert len({tmp_path, *places}) == 3
    for other, place in zip(others, places, strict=True):
        assert place.parent == tmp_path
        records.begin(other, place / records.FOLDER)
        assert records.place(other, tmp_path) == place
    assert records.place(begun, tmp_path / "new") == tmp_path / "new"


def test_records_name_weights_by_their_digest(
    begun: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's place would name somebody's folder, and the records could be read there alone."""
    digest = "0123456789ab" * 5
    monkeypatch.setattr("adience_lib.models.pretrained.digest", lambda *_: digest)
    file = tmp_path / "mine.weights.h5"
    file.touch()
    named = replace(
        begun, wanted_weights=str(file), overrides={**begun.overrides, "weights": str(file)}
    )
    records.begin(named, tmp_path / "records")
    file.unlink()
    assert str(tmp_path) not in (tmp_path / "records" / "experiment.json").read_text()
    recorded = records.read(tmp_path / "records")
    assert recorded.wanted_weights == "sha256-0123456789ab"
    assert find_runs(recorded).unreadable == []


def test_damaged_run_is_not_recorded(begun: Experiment, tmp_path: Path) -> None:
    """A record has sums of its own, which would certify it."""
    folder = made_up(begun, "age", 0)
    file = folder / "predictions.csv"
    file.write_text(file.read_text().replace("0.1", "0.2"))
    with pytest.raises(AdienceError, match=r"predictions\.csv: not as the run left it"):
        records.keep(begun, folder, tmp_path / "records")
    assert not list(tmp_path.rglob("records/*"))


def test_folder_without_records_says_so(tmp_path: Path) -> None:
    """A reader of the library may name any folder."""
    with pytest.raises(AdienceError, match=r"experiment\.json: no record"):
        records.read(tmp_path)


def test_study_trains_what_matters_most_first(tiny: Dataset, tmp_path: Path) -> None:
    """A whole Table 3, then the repetitions, then what one training of a fold is enough for."""
    overrides = {"folds": [0, 1], "held_out_folds": [0, 1], "weights": "random", "gammas": [0.25]}
    planned = study.trainings(experiment.of(tiny, {**overrides, "faces": 70, "batch_size": 16}))
    labels = [
        (one.model_name, one.protocol.label.removeprefix("paper,batch_size=16,faces=70"), one.fold)
        for one in planned
    ]
    baseline = ("levi_hassner_gender", "levi_hassner_age")
    reduced = ("multitask", "age", "gender")
    order = [
        *((name, "") for name in reduced),
        ("transfer", ",weights=random"),
        *((name, ",repetition=1") for name in reduced),
        *((name, "") for name in baseline),
        *((name, ",repetition=1") for name in baseline),
        ("transfer", ",weights=random,repetition=1"),
        *((name, ",repetition=2") for name in reduced),
    ]
    assert labels[:-4] == [(name, label, fold) for name, label in order for fold in (0, 1)]
    assert [label for *_, label in labels[-4:-2]] == [0, 1]
    last = [one.protocol for one in planned[-4:]]
    usual = planned[0].protocol
    assert last == [
        replace(usual, monitor="held_out"),
        replace(usual, monitor="held_out"),
        replace(usual, gamma=0.25),
        PAPER,
    ]


def test_first_repetition_is_not_written(begun: Experiment) -> None:
    """Runs and interrupted trainings from before there were repetitions stay valid."""
    protocols = [replace(begun.protocol, repetition=repetition) for repetition in (0, 1)]
    specification = [
        replace(begun, protocol=protocol).training("age", 0).specification["protocol"]
        for protocol in protocols
    ]
    assert "repetition" not in specification[0]
    assert specification[1] == {**specification[0], "repetition": 1}
    assert [Protocol(**one) for one in specification] == protocols
    assert protocols[1].label == f"{protocols[0].label},repetition=1"


def test_repetitions_share_faces_and_folds(begun: Experiment) -> None:
    """Only the training differs."""
    one, other = (
        replace(begun, protocol=replace(begun.protocol, faces=70, repetition=repetition))
        for repetition in (0, 1)
    )
    assert list(one.faces.index) == list(other.faces.index)
    of = [loader.split(each.faces, 1, "held_out", each.protocol.seed) for each in (one, other)]
    np.testing.assert_array_equal(of[0].monitored, of[1].monitored)


@pytest.mark.parametrize("scheduler", [None, "local:2"])
def test_study_keeps_the_record_of_every_training(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scheduler: str | None
) -> None:
    """One after the other, or all handed out at once; again, and nothing is trained twice.

    Not even where only the records are left.
    """
    trained: list[Path] = []

    def train_fold(training: Training, *_: object) -> Path:
        if not training.folder.exists():
            trained.append(training.folder)
            one = replace(asked, protocol=training.protocol)
            made_up(one, training.model_name, training.fold)
        return training.folder

    class Here(Executor):
        def submit(self, function: Any, /, *given: Any) -> "Future[Any]":  # type: ignore[override]
            future: Future[Any] = Future()
            future.set_result(cross_validation._train(*given))
            return future

    monkeypatch.setattr("adience_lib.experiments.cross_validation.train_fold", train_fold)
    monkeypatch.setattr("adience_lib.experiments.cross_validation.executor", lambda _: Here())
    overrides = {
        "folds": [0],
        "weights": "random",
        "gammas": [],
        "runs_dir": str(tmp_path / "runs"),
    }
    asked = experiment.of(tiny, overrides | {"scheduler": scheduler})
    study.run(asked, tmp_path / "records")
    study.run(asked, tmp_path / "records")
    shutil.rmtree(tmp_path / "runs")
    study.run(asked, tmp_path / "records")
    # Multi-task, age and gender three times, transfer and the baseline's two twice, held out once.
    assert len(trained) == 16
    kept = {file.parent for file in (tmp_path / "records").rglob("run.json")}
    runs = {folder.relative_to(tmp_path / "runs") for folder in trained}
    assert {folder.relative_to(tmp_path / "records") for folder in kept} == runs


def test_study_keeps_the_record_of_the_linear_model_and_fits_it_once(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On its faces; pixels stand for Xception, whose features take minutes."""
    looked: list[str] = []

    def pixels(name: str, _: Weights) -> Any:
        looked.append(name)
        return linear_probes._pixels()

    monkeypatch.setattr(linear_probes, "_frozen", pixels)
    asked = experiment.of(tiny, {"folds": [0, 1], "runs_dir": str(tmp_path / "runs")})
    weights = Weights(tmp_path / "x.weights.h5", "a file", "imagenet")
    for _ in range(2):
        study._probe_xception(asked, weights, tmp_path / "records")
        shutil.rmtree(tmp_path / "runs", ignore_errors=True)
    assert looked == ["xception"]
    kept = sorted(file.parent.name for file in (tmp_path / "records").rglob("predictions.csv"))
    assert kept == ["fold_0", "fold_1"]


def test_damaged_record_is_not_taken_for_a_training(begun: Experiment, kept: Path) -> None:
    """A study that skipped it would end with a hole."""
    folder = begun.folder("age", 0)
    assert records.is_kept(begun, folder, kept)
    assert not records.is_kept(begun, folder.with_name("fold_4"), kept)
    (kept / folder.relative_to(begun.runs_dir) / "predictions.csv").write_text("")
    with pytest.raises(AdienceError, match=r"predictions\.csv: not as the run left it"):
        records.is_kept(begun, folder, kept)


def test_study_differs_from_the_papers_protocol_as_it_says(tiny: Dataset) -> None:
    """A smaller sample, batch and precision, and nothing else."""
    studied = experiment.of(tiny, study.PARAMETERS).protocol
    same: dict[str, Any] = {
        "faces": None,
        "batch_size": PAPER.batch_size,
        "precision": PAPER.precision,
    }
    assert replace(studied, **same) == PAPER != SMOKE
    assert set(study.PARAMETERS) == set(same)


@pytest.mark.parametrize(
    ("overrides", "asked"),
    [
        ({}, {**study.PARAMETERS, "held_out_folds": [0, 1, 2, 3, 4]}),
        ({"faces": 2000, "folds": "[3]"}, {**study.PARAMETERS, "held_out_folds": [3]}),
        ({"protocol": "smoke"}, {"held_out_folds": [0, 1]}),
        ({"protocol": "paper", "held_out_folds": []}, {}),
    ],
)
def test_study_monitors_every_fold_both_ways(
    overrides: dict[str, Any], asked: dict[str, Any]
) -> None:
    """A protocol that is named is taken as it is."""
    overrides = {"data": "a folder", **overrides}
    assert study.asked_for(overrides) == {**asked, **overrides}


def test_study_of_no_dataset_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hours of training on drawings would be a mistake."""
    monkeypatch.delenv("ADIENCE_DATA", raising=False)
    monkeypatch.setattr("sys.argv", ["adience_lib", "study"])
    assert main() == 1
    assert "give their folder, make study DATA=" in capsys.readouterr().err


def test_sentences_speak_of_what_is_there(kept: Path, tmp_path: Path) -> None:
    """How much has been trained, on what machine and what is different from the paper."""
    folder = tmp_path / "figures" / report_study.RECORDS
    folder.parent.mkdir(parents=True)
    kept.rename(folder)
    words = generated.about_run(*report_study.read(tmp_path / "figures"))
    assert "8 trainings, in 0.0 hours;" in words
    assert "On a processor, 2 cores, no accelerator: age, multitask." in words
    assert "batch size 16 (128)" in words
