"""A fold to its folder: what is written, what is kept, and what is refused."""

import json
import re
import resource
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import QUICK

from adience_lib import models, training
from adience_lib.data import Dataset
from adience_lib.evidence import metrics
from adience_lib.protocol import LEVI_HASSNER, Protocol
from adience_lib.runs.folder import Training, check_files, read_json, write_sums
from adience_lib.runs.read import load_network, read_runs
from adience_lib.runs.train_fold import train_fold
from adience_lib.util import backend, paths
from adience_lib.util.errors import AdienceError

pytestmark = pytest.mark.usefixtures("small_networks")

OF_THE_MOMENT = ["seconds", "peak_memory"]
"""Columns of the history in which two equal runs differ."""


@pytest.fixture(scope="module")
def finished(
    small_networks: None,
    tiny: Dataset,
    images: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The run folder of a multi-task network after two epochs, which no test may change."""
    runs_dir = tmp_path_factory.mktemp("runs")
    return train_fold(Training(tiny, "multitask", QUICK, 1, runs_dir), images)


def test_run_folder_is_complete_and_readable_without_keras(finished: Path, tiny: Dataset) -> None:
    """Six files; protocol, machine and dataset; a row an epoch; a row a test face."""
    names = {"protocol.json", "history.csv", "predictions.csv", "best.keras", "run.json"}
    names.add("SHA256SUMS")
    assert {file.name for file in finished.iterdir()} == names
    specification = json.loads((finished / "protocol.json").read_text())
    assert specification["fingerprint"] == tiny.fingerprint
    assert Protocol(**specification["protocol"]) == QUICK
    history = pd.read_csv(finished / "history.csv")
    assert list(history["epoch"]) == [1, 2]
    predictions = pd.read_csv(finished / "predictions.csv")
    assert list(predictions["face"]) == list(tiny.faces["path"][tiny.faces["fold"] == 1])
    for task in ("gender", "age"):
        total = metrics.probabilities(predictions, task).sum(axis=1)
        np.testing.assert_allclose(total, 1, rtol=1e-5)
    run = json.loads((finished / "run.json").read_text())
    assert (run["status"], run["epochs"]) == ("finished", 2)
    assert run["machines"][0]["keras"]
    assert run["faces"] == {"train": 64, "monitored": 16, "test": 16}


def test_scores_are_those_of_the_best_epoch(finished: Path) -> None:
    """The epoch of the lowest monitored loss is chosen, and its weights make the predictions."""
    history = pd.read_csv(finished / "history.csv")
    best = json.loads((finished / "run.json").read_text())["best_epoch"]
    assert history["val_loss"].idxmin() + 1 == best
    scores = metrics.fold_scores(read_runs([finished])).iloc[0]
    for task in ("gender", "age"):
        monitored = history[f"val_{task}_accuracy"][best - 1]
        assert scores[task] / 100 == pytest.approx(monitored, abs=1e-6)


def test_finished_fold_is_not_trained_again(
    finished: Path, tiny: Dataset, images: np.ndarray
) -> None:
    """The second call gives the same folder, untouched."""
    written = (finished / "best.keras").stat().st_mtime_ns
    runs_dir = finished.parents[3]
    assert train_fold(Training(tiny, "multitask", QUICK, 1, runs_dir), images) == finished
    assert (finished / "best.keras").stat().st_mtime_ns == written


def test_network_of_another_run_is_not_loaded(finished: Path, tmp_path: Path) -> None:
    """Whoever has exchanged the file: its digest is not the one that the training left."""
    copy = tmp_path / "fold_1"
    shutil.copytree(finished, copy)
    assert (
        load_network(copy).count_params()
        == json.loads((copy / "run.json").read_text())["parameters"]["total"]
    )
    models.build("gender").save(copy / "best.keras")
    with pytest.raises(AdienceError, match=r"best\.keras: not as the run left it"):
        load_network(copy)


def test_folder_of_another_protocol_is_refused(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Two experiments are not mixed: the message names what differs."""
    folder = Training(tiny, "gender", QUICK, 0, tmp_path).folder
    folder.mkdir(parents=True)
    other = Training(tiny, "gender", replace(QUICK, epsilon=1e-8), 0, tmp_path).specification
    (folder / "protocol.json").write_text(json.dumps(other))
    with pytest.raises(AdienceError, match="holds a run with another protocol; delete it"):
        train_fold(Training(tiny, "gender", QUICK, 0, tmp_path), images)


def test_run_from_before_the_network_was_rebuilt_is_refused(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Without Table 1's third normalisation it was another network."""
    training = Training(tiny, "gender", QUICK, 0, tmp_path)
    training.folder.mkdir(parents=True)
    specification = training.specification
    assert specification.pop("version") == 2
    (training.folder / "protocol.json").write_text(json.dumps(specification))
    with pytest.raises(AdienceError, match="holds a run with another version; delete it"):
        train_fold(training, images)


@pytest.mark.parametrize(
    ("model", "rebuilt"),
    [
        ("multitask", True),
        ("age_from_gender", True),
        ("age_from_untrained", True),
        ("age_from_pixels", False),
        ("transfer", False),
        ("levi_hassner_gender", False),
    ],
)
def test_runs_of_rebuilt_networks_and_what_is_read_off_them_say_so(
    tiny: Dataset, model: str, rebuilt: bool
) -> None:
    """All other runs have stayed valid."""
    assert ("version" in Training(tiny, model, QUICK, 0, Path()).specification) == rebuilt


def test_held_out_and_none_and_a_single_task(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Without monitoring the last epoch is kept, and nothing is measured on the way."""
    protocol = replace(QUICK, monitor="none")
    folder = train_fold(Training(tiny, "gender", protocol, 0, tmp_path), images)
    history = pd.read_csv(folder / "history.csv")
    assert not [name for name in history if name.startswith("val_")]
    assert "gender_accuracy" in history
    assert json.loads((folder / "run.json").read_text())["best_epoch"] == 2


def test_weights_must_be_those_of_the_protocol(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Random features are never recorded as ImageNet's."""
    protocol = replace(QUICK, weights="imagenet")
    with pytest.raises(AdienceError, match="weights=imagenet, but random were given"):
        train_fold(Training(tiny, "transfer", protocol, 0, tmp_path), images)


def test_full_disk_is_an_error_and_training_goes_on_when_there_is_room(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """The state does not fit: the error names the folder, and nothing half-written stays."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    protocol = replace(QUICK, epochs=1)
    try:
        with pytest.raises(AdienceError, match="fold_0: cannot be written"):
            train_fold(Training(tiny, "gender", protocol, 0, tmp_path), images)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    left = [file.name for file in tmp_path.rglob("*") if file.is_file() and file.stat().st_size]
    assert left == ["protocol.json"]
    assert read_runs([train_fold(Training(tiny, "gender", protocol, 0, tmp_path), images)])


def test_run_folder_that_cannot_be_written_is_named_before_training(
    tiny: Dataset, images: np.ndarray
) -> None:
    """/proc takes no folder, even from the administrator; no epoch is lost finding out."""
    with pytest.raises(AdienceError, match=r"/proc/runs/.*fold_0: cannot be written"):
        train_fold(Training(tiny, "gender", QUICK, 0, Path("/proc/runs")), images)


def test_test_fold_is_logged_beside_held_out_subjects_and_used_for_nothing(
    tiny: Dataset, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the log the training is the same, to the last digit; and the log is right."""
    protocol = replace(QUICK, monitor="held_out")
    logged = train_fold(Training(tiny, "gender", protocol, 0, tmp_path / "logged"), images)
    monkeypatch.setattr(training._Epochs, "_on_observed", lambda _: {})
    silent = train_fold(Training(tiny, "gender", protocol, 0, tmp_path / "silent"), images)
    history, without = (pd.read_csv(folder / "history.csv") for folder in (logged, silent))
    columns = [name for name in history if name.startswith("test_")]
    assert columns == ["test_gender_accuracy", "test_loss"]
    pd.testing.assert_frame_equal(
        history.drop(columns=[*columns, *OF_THE_MOMENT]), without.drop(columns=OF_THE_MOMENT)
    )
    assert (logged / "predictions.csv").read_bytes() == (silent / "predictions.csv").read_bytes()
    best = json.loads((logged / "run.json").read_text())["best_epoch"]
    scores = metrics.fold_scores(read_runs([logged])).iloc[0]
    assert scores["gender"] / 100 == pytest.approx(history["test_gender_accuracy"][best - 1])


def test_levi_hassner_recipe_trains_and_scores_ten_crops(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Their own optimizer, no monitoring, and a second table of predictions."""
    protocol = replace(LEVI_HASSNER, epochs=1, batch_size=16)
    folder = train_fold(Training(tiny, "levi_hassner_age", protocol, 0, tmp_path), images)
    runs = read_runs([folder])
    ten = runs.on_ten_crops()
    assert list(ten.predictions["face"]) == list(runs.predictions["face"])
    assert not np.allclose(ten.predictions["age (0, 2)"], runs.predictions["age (0, 2)"])
    assert runs.records["peak_memory"].item() > 100e6


def test_card_that_is_left_idle_is_said(
    tiny: Dataset,
    images: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before the first epoch, with the section that says what to install; else not a word."""
    protocol = replace(QUICK, epochs=1, faces=40, monitor="none")
    monkeypatch.setattr(backend, "leaves_a_card_idle", lambda: True)
    train_fold(Training(tiny, "gender", protocol, 1, tmp_path), images)
    said = capsys.readouterr().err
    assert "gender, fold 1: WARNING: this machine has an NVIDIA card, and tensorflow" in said
    (page,) = re.findall(r"docs/\w+\.md", said)
    assert "\n## A GPU\n" in (paths.PROJECT / page).read_text()
    monkeypatch.setattr(backend, "leaves_a_card_idle", lambda: False)
    train_fold(Training(tiny, "gender", protocol, 2, tmp_path), images)
    assert "NVIDIA" not in capsys.readouterr().err


@pytest.mark.parametrize("committed", [True, False])
def test_records_of_the_checkout_are_brought_back_and_not_deleted(
    committed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They took days. What a run on this machine has left is trained again."""
    monkeypatch.setattr(paths, "COMMITTED", tmp_path / ("figures" if committed else "elsewhere"))
    folder = tmp_path / "figures" / "fold_0"
    folder.mkdir(parents=True)
    (folder / "history.csv").write_text("epoch\n1\n", newline="\n")
    write_sums(folder)
    (folder / "history.csv").write_text("epoch\n1\n", newline="\r\n")
    for check in (
        lambda: check_files(folder, ["history.csv"]),
        lambda: read_json(folder / "run.json"),
    ):
        with pytest.raises(AdienceError) as error:
            check()
        assert ("git checkout -- " in str(error.value)) == committed
        assert ("delete" in str(error.value)) != committed
