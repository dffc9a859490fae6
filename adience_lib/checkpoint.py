"""A training's state after each epoch, on disk: an interrupted training goes on from it.

Everything that the next epoch depends on is kept: weights, the states of the random generators
of dropout and crops, the optimizer, and the history, from which early stopping follows. Keras'
own ``BackupAndRestore`` keeps neither early stopping nor, in a ``.keras`` file, the generators.
The order of the faces needs no state, it follows from the epoch's number (``batches.py``).
"""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from adience_lib import whole
from adience_lib.errors import AdienceError, first_line

_NAME = re.compile(r"epoch_(\d+)\.npz", re.ASCII)

Row = dict[str, Any]
"""An epoch's row of the history."""


@dataclass(frozen=True)
class Checkpoint:
    """What a training has done: ``history``, a row an epoch, and the ``machines`` it ran on.

    ``said``: what it is a training of (``run_folder.record``).
    """

    said: dict[str, Any]
    history: list[Row]
    machines: list[dict[str, Any]]


def save(
    folder: Path,
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    done: Checkpoint,
    best_epoch: int,
) -> None:
    """Write the state after the last epoch of ``done``, whole or not at all.

    Beside it stays that of ``best_epoch`` (counted from 1), whose weights will be wanted; older
    states go. Raises OSError if the disk is full or cannot be written to.
    """
    epoch = len(done.history)
    arrays = {
        f"{kind}_{place}": keras.ops.convert_to_numpy(variable.value)
        for kind, variables in _variables(network, optimizer).items()
        for place, variable in enumerate(variables)
    }
    text = json.dumps(asdict(done))
    arrays["done"] = np.frombuffer(text.encode(), "uint8")
    whole.write_file(_file(folder, epoch), lambda file: np.savez(file, **arrays))
    for number in _epochs(folder):
        if number not in (epoch, best_epoch):
            whole.remove(_file(folder, number))


def finished_epochs(folder: Path) -> int:
    """How many epochs the state in ``folder`` has behind it; 0 if there is none."""
    return max(_epochs(folder), default=0)


def resume(
    folder: Path,
    network: keras.Model,
    said: dict[str, Any],
    optimizer: keras.optimizers.Optimizer | None = None,
) -> Checkpoint:
    """Bring ``network``, and ``optimizer``, into the newest state; give what had been done by then.

    ``said``: what it is a training of. ``optimizer``: built, or None to leave it out. Without a
    state both stay as they are. Raises AdienceError if the state is damaged or of another training.
    """
    epoch = finished_epochs(folder)
    if not epoch:
        return Checkpoint(said, [], [])
    return _assign(folder, epoch, said, _variables(network, optimizer))


def restore_weights(folder: Path, network: keras.Model, said: dict[str, Any], epoch: int) -> None:
    """Bring ``network`` to its weights after ``epoch``, the best or the last one.

    Raises AdienceError as ``resume`` does.
    """
    _assign(folder, epoch, said, _variables(network))


def _assign(
    folder: Path, epoch: int, said: dict[str, Any], wanted: dict[str, list[keras.Variable]]
) -> Checkpoint:
    file = _file(folder, epoch)
    try:
        with np.load(file, allow_pickle=False) as arrays:
            done = Checkpoint(**json.loads(arrays["done"].tobytes()))
            if done.said != said or len(done.history) != epoch:
                raise ValueError("it is of another run or epoch")
            for kind, variables in wanted.items():
                if sum(name.startswith(f"{kind}_") for name in arrays) != len(variables):
                    raise ValueError(f"not the number of variables of this {kind}")
                for place, variable in enumerate(variables):
                    variable.assign(arrays[f"{kind}_{place}"])
            return done
    except Exception as error:  # a damaged archive makes zipfile and NumPy raise nearly anything
        raise AdienceError(
            f"{file}: no state that this training can go on from ({first_line(error)}); delete "
            f"the folder {file.parent} to train this fold from its start"
        ) from error


def _variables(
    network: keras.Model, optimizer: keras.optimizers.Optimizer | None = None
) -> dict[str, list[keras.Variable]]:
    """Weights and random states of the network, and the optimizer's own."""
    found = {"model": network.variables}
    return found if optimizer is None else {**found, "optimizer": optimizer.variables}


def _file(folder: Path, epoch: int) -> Path:
    return folder / f"epoch_{epoch}.npz"


def _epochs(folder: Path) -> list[int]:
    names = [_NAME.fullmatch(path.name) for path in folder.iterdir()] if folder.is_dir() else []
    return [int(name[1]) for name in names if name]
