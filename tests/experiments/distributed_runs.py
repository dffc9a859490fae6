"""Folds in other processes, in a process of its own: ``python distributed_runs.py <json>``.

The JSON object has ``data``, ``runs``, ``protocol`` (fields of ``Protocol``), ``folds``, and
``scheduler``, or none for folds one after the other. ``kill``: this process kills a
worker and then a training, each after an epoch, and says so.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path


def main() -> None:
    """Train the folds that the command line names."""
    task = json.loads(sys.argv[1])

    from adience_lib import data
    from adience_lib.data import cache
    from adience_lib.experiments import cross_validation
    from adience_lib.protocol import Protocol
    from adience_lib.runs.folder import Training

    dataset, runs_dir = data.load(task["data"]), Path(task["runs"])
    images = cache.images(dataset)
    executor = cross_validation.executor(task["scheduler"]) if task["scheduler"] else None
    if task.get("kill"):
        threading.Thread(target=_kill, args=(runs_dir,), daemon=True).start()
    protocol = Protocol(**task["protocol"])
    trainings = [Training(dataset, "gender", protocol, k, runs_dir) for k in task["folds"]]
    cross_validation.cross_validate(trainings, images, executor)


def _kill(runs_dir: Path) -> None:
    """``kill -9`` to the worker of the first fold with a finished epoch, then to the process of a
    training, as the system does that to the largest."""
    first = _fold_with(1, runs_dir)
    worker = int(Path(f"/proc/{_trainer(first)}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(worker, signal.SIGKILL)
    print(f"killed the worker of {first.stem} after epoch 1", flush=True)
    second = _fold_with(2, runs_dir)
    os.kill(_trainer(second), signal.SIGKILL)
    print(f"killed the training of {second.stem} after epoch 2", flush=True)


def _fold_with(epoch: int, runs_dir: Path) -> Path:
    while not (states := list(runs_dir.rglob(f"epoch_{epoch}.npz"))):
        time.sleep(0.01)
    return states[0].parent


def _trainer(unfinished: Path) -> int:
    """The process that holds the fold's lock."""
    lock = unfinished.with_name(f".{unfinished.stem}.lock")
    return int(lock.read_text().split()[1])


if __name__ == "__main__":
    main()
