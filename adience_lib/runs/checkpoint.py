"""A training's state after each epoch, on disk: an interrupted training goes on from it. Keras' own
``BackupAndRestore`` keeps neither early stopping nor, in a ``.keras`` file, the random generators.
Here a file holds all of a ``training.State``, and what the training is of."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from adience_lib.training import Row, State
from adience_lib.util import atomic
from adience_lib.util.errors import AdienceError, first_line

Machines = list[dict[str, Any]]
"""What a training ran on (``backend.machine``), one after the other."""


def save(
    folder: Path, state: State, specification: dict[str, Any], machines: Machines, best_epoch: int
) -> None:
    """Write ``state`` of the training of ``specification``, whole or not at all. Beside it stays
    the state after ``best_epoch`` (counted from 1), whose weights will be wanted; older states go.
    Raises OSError if the disk is full or cannot be written to."""
    epoch = len(state.history)
    done = json.dumps({"said": specification, "history": state.history, "machines": machines})
    arrays = {"done": np.frombuffer(done.encode(), "uint8")}
    for kind, values in (("model", state.network), ("optimizer", state.optimizer)):
        arrays |= {f"{kind}_{place}": array for place, array in enumerate(values)}
    file = _file(folder, epoch)
    atomic.write_file(file, lambda opened: np.savez(opened, allow_pickle=False, **arrays))
    for number in _epochs(folder):
        if number not in (epoch, best_epoch):
            atomic.remove(_file(folder, number))


def finished_epochs(folder: Path) -> int:
    """How many epochs the state in ``folder`` has behind it; 0 if there is none."""
    return max(_epochs(folder), default=0)


def load(
    folder: Path,
    specification: dict[str, Any],
    network: keras.Model,
    best: Callable[[list[Row]], int],
) -> tuple[State, Machines] | None:
    """The newest state, and the machines so far; None if there is none. ``best`` gives the best
    epoch of a history. Raises AdienceError if a state is damaged, or of another training than that
    of ``specification`` and ``network``."""
    epoch = finished_epochs(folder)
    if not epoch:
        return None
    done, arrays = _read(folder, epoch, specification, network)
    chosen = best(done["history"])
    of_best = arrays if chosen == epoch else _read(folder, chosen, specification, network)[1]
    state = State(done["history"], arrays["model"], arrays["optimizer"], of_best["model"])
    return state, done["machines"]


def _read(
    folder: Path, epoch: int, specification: dict[str, Any], network: keras.Model
) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    file = _file(folder, epoch)
    try:
        with np.load(file, allow_pickle=False) as stored:
            done = json.loads(stored["done"].tobytes())
            if done["said"] != specification or len(done["history"]) != epoch:
                raise ValueError("it is of another run or epoch")
            arrays: dict[str, list[np.ndarray]] = {"model": [], "optimizer": []}
            for name in stored.files:  # in the order in which they were written
                if name != "done":
                    arrays[name.rpartition("_")[0]].append(stored[name])
        shapes = [tuple(variable.shape) for variable in network.variables]
        if [array.shape for array in arrays["model"]] != shapes:
            raise ValueError("it is of another network")
    except Exception as error:  # a damaged archive makes zipfile and NumPy raise nearly anything
        raise AdienceError(
            f"{file}: no state that this training can go on from ({first_line(error)}); delete "
            f"the folder {folder} to train this fold from its start"
        ) from error
    return done, arrays


def _file(folder: Path, epoch: int) -> Path:
    return folder / f"epoch_{epoch}.npz"


def _epochs(folder: Path) -> list[int]:
    return [int(file.stem.removeprefix("epoch_")) for file in folder.glob("epoch_*.npz")]
