"""Trainings that are stopped and go on: they end as if nothing had happened.

The same with faults at random moments, and over all networks: ``test_soak.py``.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from conftest import tiny_rows, write_adience
from disturbance import GOES_ON, PROTOCOL, TrainingProcess, assert_same_run
from hypothesis import given
from hypothesis import strategies as st

from adience_lib import training
from adience_lib.data import Dataset
from adience_lib.protocol import Protocol
from adience_lib.runs.folder import Training
from adience_lib.runs.train_fold import initial_network, train_fold
from adience_lib.training import best_epoch, is_over
from adience_lib.util import atomic
from adience_lib.util.console import announced
from adience_lib.util.errors import AdienceError

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small dataset."""
    return write_adience(tmp_path_factory.mktemp("faces") / "adience", tiny_rows())


@pytest.fixture(scope="module")
def undisturbed(
    small_networks: None,
    tiny: Dataset,
    images: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The run folder of a training that nothing befell, in this process."""
    return train_fold(
        Training(tiny, "gender", PROTOCOL, 0, tmp_path_factory.mktemp("undisturbed")), images
    )


def test_training_killed_while_its_state_is_written_ends_the_same(
    undisturbed: Path, faces: Path, tmp_path: Path
) -> None:
    """The half-written second state is not read; the first one is gone on from."""
    killed = TrainingProcess(faces, tmp_path, "gender")
    status, _ = killed.run(file="epoch_2.npz.unfinished", delay=0, signal=int(signal.SIGKILL))
    assert status == -signal.SIGKILL, killed.messages()
    assert not killed.is_finished()
    assert killed.run()[0] == 0, killed.messages()
    assert "gender, fold 0: going on after epoch 1 of 3, best 1" in killed.messages()
    assert_same_run(killed.folder, undisturbed)
    assert killed.left_over() == []


def test_process_that_waits_takes_over_from_one_that_is_terminated(
    undisturbed: Path, faces: Path, tmp_path: Path
) -> None:
    """The second says for whom it waits; the first, what it leaves; the end is the same."""
    fold = TrainingProcess(faces, tmp_path, "gender")
    first = fold.start()
    _wait_for(lambda: any(tmp_path.rglob("epoch_?.npz")))
    first.send_signal(signal.SIGSTOP)  # or it would be done before the second one has started
    second = fold.start()
    _wait_for(lambda: "waiting for" in fold.messages())
    first.send_signal(signal.SIGTERM)
    first.send_signal(signal.SIGCONT)
    first.communicate()
    second.communicate()
    assert (first.returncode, second.returncode) == (143, 0), fold.messages()
    assert f"waiting for process {first.pid} on " in fold.messages()
    assert GOES_ON in fold.messages()
    assert "fold 0: going on after epoch " in fold.messages()
    assert_same_run(fold.folder, undisturbed)


def _wait_for(happened: Callable[[], bool]) -> None:
    for _ in range(1200):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError("it has not happened")


def test_exception_in_a_callback_leaves_the_epochs_before_it(
    interrupted: Path, undisturbed: Path, tiny: Dataset, images: np.ndarray
) -> None:
    """In the same process, and the state goes when the run is whole. What was done stands anywhere
    in the state: an earlier version of this project wrote it at the end."""
    runs_dir, state = interrupted.parents[3], interrupted / "epoch_1.npz"
    content = dict(np.load(state))
    np.savez(state, **content | {"done": content.pop("done")})
    folder = train_fold(Training(tiny, "gender", PROTOCOL, 0, runs_dir), images)
    assert_same_run(folder, undisturbed)
    assert not interrupted.exists()


@pytest.fixture(scope="module")
def left(
    small_networks: None,
    tiny: Dataset,
    images: np.ndarray,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The runs of a training that failed after its first epoch."""
    runs_dir = tmp_path_factory.mktemp("left") / "runs"
    begin = training._Epochs.on_epoch_begin

    def fail(self: Any, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            raise RuntimeError("a callback fails")
        begin(self, epoch, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training._Epochs, "on_epoch_begin", fail)
        with pytest.raises(RuntimeError, match="a callback fails"):
            train_fold(Training(tiny, "gender", PROTOCOL, 0, runs_dir), images)
    return runs_dir


@pytest.fixture
def interrupted(left: Path, tmp_path: Path) -> Path:
    """What a training leaves that failed after its first epoch."""
    shutil.copytree(left, tmp_path / "runs")
    (unfinished,) = (tmp_path / "runs").glob("*/*/*/fold_0.unfinished")
    return unfinished


@pytest.mark.parametrize(
    "damage", ["cut", "encrypted", "another network", "another fold", "another epoch", "pickle"]
)
def test_state_that_is_damaged_is_named_and_not_gone_on_from(
    interrupted: Path, tiny: Dataset, images: np.ndarray, damage: str
) -> None:
    """Cut off, flagged, of other shapes, or with a pickle in it, which is never opened."""
    file = interrupted / "epoch_1.npz"
    content = dict(np.load(file))
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "encrypted":  # a flag of the zip format, for which zipfile has its own error
        archive = bytearray(file.read_bytes())
        archive[archive.index(b"PK\1\2") + 8] |= 1
        file.write_bytes(archive)
    elif damage == "another fold":
        done = content["done"].tobytes().replace(b'"fold": 0', b'"fold": 1')
        np.savez(file, **{**content, "done": np.frombuffer(done, "uint8")})
    elif damage == "another epoch":
        file = file.rename(file.with_name("epoch_2.npz"))
    elif damage == "another network":
        np.savez(file, **{**content, "model_0": np.zeros((2, 2), "float32")})
    else:
        np.savez(file, **{**content, "model_0": np.array(_Planted(), dtype=object)})
    with pytest.raises(
        AdienceError, match=r"epoch_\d\.npz: no state that this training can go on from.*delete"
    ):
        train_fold(Training(tiny, "gender", PROTOCOL, 0, interrupted.parents[3]), images)
    assert "ADIENCE_PLANTED" not in os.environ


class _Planted:
    """Sets a variable of the environment when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("import os; os.environ['ADIENCE_PLANTED'] = '1'",)


def test_what_is_left_of_another_experiment_is_refused(
    interrupted: Path, tiny: Dataset, images: np.ndarray
) -> None:
    """The folder's name leaves out what the base protocol says."""
    record = interrupted / "protocol.json"
    content = record.read_text()
    record.unlink()
    with pytest.raises(AdienceError, match=r"unfinished/protocol\.json: no record of a run"):
        train_fold(Training(tiny, "gender", PROTOCOL, 0, interrupted.parents[3]), images)
    record.write_text(content)
    record.write_text(record.read_text().replace('"beta_1": 0.9', '"beta_1": 0.8'))
    with pytest.raises(AdienceError, match=r"unfinished: holds a run with another protocol"):
        train_fold(Training(tiny, "gender", PROTOCOL, 0, interrupted.parents[3]), images)


def test_killed_before_its_first_state_is_a_new_start(
    tiny: Dataset, images: np.ndarray, tmp_path: Path
) -> None:
    """Half a record, and no state: there is nothing to go on from, and nothing in the way."""
    protocol = replace(PROTOCOL, epochs=1)
    training = Training(tiny, "gender", protocol, 0, tmp_path)
    left = atomic.unfinished_name(training.folder)
    left.mkdir(parents=True)
    (left / "protocol.json.unfinished").write_text("{")
    assert (train_fold(training, images) / "run.json").exists()


@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]), min_size=1, max_size=30),
    st.integers(1, 5),
)
def test_training_stops_where_keras_would(losses: list[float], patience: int) -> None:
    """The rule of Keras' own early stopping, which keeps its state in memory only."""
    protocol = Protocol(epochs=len(losses), patience=patience)
    stopping = keras.callbacks.EarlyStopping(patience=patience, mode="min")
    stopping.set_model(keras.Sequential())
    stopping.model.stop_training = False
    stopping.on_train_begin()
    history: list[dict[str, Any]] = []
    while not is_over(history, protocol):
        assert not stopping.model.stop_training
        history.append({"val_loss": losses[len(history)]})
        stopping.on_epoch_end(len(history) - 1, history[-1])
    assert stopping.model.stop_training or len(history) == len(losses)
    assert best_epoch(history, protocol) == stopping.best_epoch + 1


def test_training_that_diverges_is_an_error(
    tiny: Dataset, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is no number stays none; the message says what to change."""

    def broken(*of: Any) -> keras.Model:
        network = initial_network(*of)
        network.set_weights([np.full_like(weight, np.nan) for weight in network.get_weights()])
        return network

    monkeypatch.setattr("adience_lib.runs.train_fold.initial_network", broken)
    with pytest.raises(AdienceError, match=r"gender, fold 0: loss is nan after epoch 1.*learning"):
        train_fold(Training(tiny, "gender", PROTOCOL, 0, tmp_path), images)


def test_file_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    """An error while it is written leaves the older one, and nothing beside it."""
    file = tmp_path / "state"
    atomic.write_file(file, lambda opened: opened.write(b"old"))

    def fail(opened: Any) -> None:
        opened.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic.write_file(file, fail)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


def test_sigterm_becomes_an_orderly_end_unless_the_caller_handles_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Status 143 and the line; a handler that was there before stays."""
    with pytest.raises(SystemExit) as end, announced(lambda: "stopped here"):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
    assert end.value.code == 143
    assert "stopped here" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    try:
        with announced(lambda: "never said"):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    assert received == [signal.SIGTERM]
