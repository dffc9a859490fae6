"""Folds in other processes: the same runs, bit for bit, and nothing lost with a worker."""

import json
import os
import subprocess
import sys
import zipfile
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import asdict, replace
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import tiny_rows, write_adience

from adience_lib import data
from adience_lib.data import Dataset
from adience_lib.experiments import cross_validation, experiment
from adience_lib.protocol import SMOKE
from adience_lib.runs.folder import Training
from adience_lib.runs.read import read_runs
from adience_lib.util import backend, paths
from adience_lib.util.errors import AdienceError

PROTOCOL = replace(SMOKE, epochs=4, faces=None, monitor="none")
FOLDS = (0, 1)
ONE_THREAD = dict.fromkeys(
    ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1"
)
"""As a worker of ``local:2`` has on two cores."""


def train(root: Path, runs_dir: Path, **more: Any) -> str:
    """Train in a process of its own, and give what it prints."""
    task = {"data": str(root), "runs": str(runs_dir), "protocol": asdict(PROTOCOL), "folds": FOLDS}
    program = Path(__file__).with_name("distributed_runs.py")
    command = [sys.executable, str(program), json.dumps({"scheduler": None, **task, **more})]
    environment = {**os.environ, **ONE_THREAD}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def results(runs_dir: Path) -> dict[str, Any]:
    """Every result of the runs but seconds and memory: text of files, bytes of weights."""
    found: dict[str, Any] = {}
    for folder in sorted(runs_dir.rglob("fold_?")):
        history = pd.read_csv(folder / "history.csv")
        found[f"{folder.name} history"] = history.drop(columns=["seconds", "peak_memory"]).to_csv()
        found[f"{folder.name} predictions"] = (folder / "predictions.csv").read_text()
        with zipfile.ZipFile(folder / "best.keras") as network:
            found[f"{folder.name} weights"] = network.read("model.weights.h5")
    return found


def test_record_names_the_cores_that_a_fold_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds of half of the cores are not those of all."""
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "1")
    assert backend.machine()["cores"] == 1
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "0")  # TensorFlow's word for all
    assert backend.machine()["cores"] == backend.cores()


@pytest.mark.skipif(backend.cores() != 2, reason="compares threads on two cores")
def test_killed_worker_leaves_the_runs_of_a_sequential_training(tmp_path: Path) -> None:
    """Two real workers: one gets ``kill -9`` in the middle of a fold, later a training does.

    On a quarter of the tiny faces, for the time it takes: two of each gender in a fold.
    """
    rows = [[*fold[0::8], *fold[3::8]] for fold in tiny_rows()]
    faces = write_adience(tmp_path / "faces", rows)
    train(faces, tmp_path / "sequential")
    said = train(faces, tmp_path / "distributed", scheduler="local:2", kill=True)
    assert said.count("killed the worker") == said.count("killed the training") == 1
    expected = results(tmp_path / "sequential")
    assert len(expected) == 3 * len(FOLDS)
    assert results(tmp_path / "distributed") == expected
    left = [file.name for file in (tmp_path / "distributed").rglob("*.unfinished")]
    assert left == []


class Here(Executor):
    """Works at once, in this process, as if it were a machine with other folders."""

    def __init__(self, elsewhere: Path | None = None) -> None:
        self.elsewhere = elsewhere

    def submit(self, function: Any, training: Training, token: str, /) -> "Future[Any]":  # type: ignore[override]
        """The result, or what was raised."""
        future: Future[Any] = Future()
        # A machine that does not see the folder of runs finds no token in it.
        seen = "not here" if self.elsewhere else token
        try:
            future.set_result(function(training, seen))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings that leave a run folder and take no time."""

    def train_fold(training: Training, _: np.ndarray) -> Path:
        training.folder.mkdir(parents=True)
        (training.folder / "run.json").write_text(f'"fold {training.fold}"')
        return training.folder

    monkeypatch.setattr("adience_lib.experiments.cross_validation.train_fold", train_fold)
    monkeypatch.setattr(cross_validation, "work", cross_validation._train)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("shared", [True, False])
def test_run_folders_come_back_in_the_order_of_the_folds(
    tiny: Dataset, tmp_path: Path, shared: bool
) -> None:
    """From a worker that sees the folder of runs, and from one that does not."""
    executor = Here(None if shared else tmp_path)
    trainings = [Training(tiny, "gender", PROTOCOL, k, tmp_path / "here") for k in (3, 1)]
    folders = cross_validation.cross_validate(trainings, np.empty(0), executor)
    assert [folder.name for folder in folders] == ["fold_1", "fold_3"]
    for folder in folders:
        assert (folder / "run.json").read_text() == f'"{folder.name.replace("_", " ")}"'
        assert folder.is_relative_to(tmp_path / "here")
    assert not list((tmp_path / "here").glob(".seen-*"))
    assert paths.runs().exists() != shared


def test_what_a_fold_raises_is_the_users_error(tiny: Dataset, tmp_path: Path) -> None:
    """The line of the training itself."""
    trainings = [Training(tiny, "gender", replace(PROTOCOL, monitor="none"), 7, tmp_path)]
    with pytest.raises(AdienceError, match="fold 7: no faces to test on"):
        list(cross_validation.train_on(Here(), trainings))


class Gone(Here):
    """An executor whose workers die."""

    def submit(self, function: Any, /, *_: object) -> "Future[Any]":  # type: ignore[override]
        """What a pool of processes raises then."""
        future: Future[Any] = Future()
        future.set_exception(RuntimeError("a process was terminated abruptly"))
        return future


def test_worker_that_is_gone_says_how_to_go_on(tiny: Dataset, tmp_path: Path) -> None:
    """An executor that gives its work to no other."""
    trainings = [Training(tiny, "gender", PROTOCOL, 0, tmp_path)]
    with pytest.raises(AdienceError, match=r"gender, fold 0: its worker failed .*goes on after"):
        list(cross_validation.train_on(Gone(), trainings))


def test_any_executor_of_the_standard_library_will_do(tiny_folder: Path, tmp_path: Path) -> None:
    """A pool of one spawned process."""
    dataset = data.load(tiny_folder)
    protocol = replace(PROTOCOL, epochs=1)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        training = Training(dataset, "gender", protocol, 0, tmp_path / "runs")
        folders = cross_validation.cross_validate([training], np.empty(0), pool)
    assert read_runs(folders).folds == [0]


@pytest.mark.parametrize("scheduler", ["local:0", "here", 2])
def test_impossible_scheduler_is_refused(scheduler: object) -> None:
    """Before a dataset is read."""
    with pytest.raises(AdienceError, match="allowed: local:N"):
        experiment.start({"scheduler": scheduler})


def test_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port on which nobody listens."""
    monkeypatch.setattr(cross_validation, "CONNECTING", 1)
    with pytest.raises(AdienceError, match=r"tcp://127\.0\.0\.1:9.*nobody answers"):
        cross_validation.executor("tcp://127.0.0.1:9")


def test_processes_that_do_not_start_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's need a /dev/shm, which some containers lack; Dask says nothing of it."""

    def fail(_: int) -> None:
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(cross_validation, "_local_cluster", fail)
    with pytest.raises(AdienceError, match=r"local:7'.* do not start \(Nanny failed.*/dev/shm"):
        cross_validation.executor("local:7")


class Client:
    """What is asked of Dask's client. ``late``: the workers come when there is work."""

    def __init__(self, *resources: dict[str, float], late: bool = False) -> None:
        self.to_come = {str(k): {"resources": given} for k, given in enumerate(resources)}
        self.workers = {} if late else self.to_come

    def submit(self, _: object, pure: bool) -> "Future[None]":
        """Work that is done as soon as the workers have come."""
        assert not pure  # else it would be done once in the life of a scheduler
        self.workers = self.to_come
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        """Of all workers, if it is asked for them."""
        return {"workers": self.workers if n_workers == -1 else {}}

    def get_executor(self, **asked: Any) -> Any:
        """What a task takes."""
        return SimpleNamespace(**asked)


@pytest.mark.parametrize(
    ("workers", "taken"), [([{"GPU": 1}, {"GPU": 1}], {"GPU": 1}), ([{}, {}], None)]
)
def test_a_fold_takes_a_whole_card_where_workers_have_one(
    monkeypatch: pytest.MonkeyPatch, workers: list[dict[str, float]], taken: object
) -> None:
    """So that two never share it; without cards nothing is asked for, and nothing waits."""
    monkeypatch.setattr(cross_validation, "_client", lambda _: Client(*workers))
    made: Any = cross_validation.executor("tcp://somewhere:8786")
    assert made.resources == taken


def test_workers_that_come_later_are_waited_for_and_their_cards_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Said at once; a batch system may let them wait for hours."""
    monkeypatch.setattr(cross_validation, "_client", lambda _: Client({"GPU": 1}, late=True))
    made: Any = cross_validation.executor("tcp://somewhere:8786")
    assert made.resources == {"GPU": 1}
    assert "tcp://somewhere:8786: it has no worker yet; waiting" in capsys.readouterr().err


class Deserted(Executor):
    """A scheduler whose workers have gone; one comes back at the third look."""

    def __init__(self) -> None:
        self.client, self.looks = self, 0
        self.futures: list[Future[Any]] = []

    def submit(self, function: Any, /, *_: object) -> "Future[Any]":  # type: ignore[override]
        """Work that waits."""
        self.futures.append(Future())
        return self.futures[-1]

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        """No worker, until the work is done."""
        self.looks += 1
        for future in self.futures if self.looks == 3 else ():
            future.set_result(None)
        return {"workers": {}}


def test_workers_that_are_gone_are_missed_once(
    tiny: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Within a second, and without an end: others may come."""
    monkeypatch.setattr(cross_validation, "SECONDS_BETWEEN_LOOKS", 0.01)
    training = Training(tiny, "gender", PROTOCOL, 0, tmp_path)
    assert list(cross_validation.train_on(Deserted(), [training])) == [training]
    assert capsys.readouterr().err.count("No worker is left; 1 trainings wait") == 1


def test_progress_names_each_fold_that_is_under_way(
    tiny: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of those that wait for a worker, nothing is said."""
    monkeypatch.setattr(cross_validation, "SECONDS_BETWEEN_LOOKS", 0.01)
    trainings = [Training(tiny, "gender", PROTOCOL, k, tmp_path) for k in (0, 1, 2)]
    for training, epoch in zip(trainings[::2], (3, 2), strict=True):
        training.unfinished.mkdir(parents=True)
        (training.unfinished / f"epoch_{epoch}.npz").touch()
    list(cross_validation.train_on(Deserted(), trainings))
    assert "gender, fold 0, epoch 3; gender, fold 2, epoch 2: " in capsys.readouterr().err
