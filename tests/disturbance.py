"""Starts trainings in processes of their own, lets faults befall them, and compares what is left.

Shared by the quick tests of ``make test`` and by ``make soak``.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from adience_lib import models
from adience_lib.protocol import SMOKE, Protocol

PROTOCOL = replace(SMOKE, faces=None, epochs=3, batch_size=8, patience=2, learning_rate=1e-3)
"""Three epochs of eight steps, if early stopping lets it."""

OF_THE_MOMENT = ("seconds", "seconds_testing", "peak_memory")
"""What two undisturbed runs differ in, too."""

ENDED_BY = {signal.SIGKILL: -9, signal.SIGINT: -2, signal.SIGTERM: 143}
"""Exit statuses as ``subprocess`` gives them; a shell shows 137, 130 and 143."""

GOES_ON = "finished epochs are kept, and the same command goes on from there"


@dataclass(frozen=True)
class TrainingProcess:
    """One fold of one network, with folders of its own for runs and cache.

    ``small``: with few filters (``small.py``).
    """

    data: Path
    scratch: Path
    model: str
    protocol: Protocol = PROTOCOL
    small: bool = True

    def start(self, **fault: Any) -> subprocess.Popen[str]:
        """The process, once its imports are done. ``fault``: see ``disturbed.py``."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        task = {
            "data": str(self.data),
            "runs": str(self.scratch / "runs"),
            "model": self.model,
            "small": self.small,
            "protocol": asdict(self.protocol),
            **fault,
        }
        with self.log.open("a") as messages:
            process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("disturbed.py")), json.dumps(task)],
                env={**os.environ, "ADIENCE_CACHE": str(self.scratch / "cache")},
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
            )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", self.messages()
        return process

    def run(self, **fault: Any) -> tuple[int, int]:
        """Exit status, and how many operations on files there were (-1 if it did not say)."""
        process = self.start(**fault)
        said = process.communicate()[0]
        return process.returncode, int(said or -1)

    def messages(self) -> str:
        """Everything that the processes have said on stderr so far, a line a message."""
        return self.log.read_text().replace("\r", "\n") if self.log.exists() else ""

    @property
    def log(self) -> Path:
        """Beside the scratch folder, which may be a disk that is full."""
        return self.scratch.with_name(f"{self.scratch.name}-messages.txt")

    @property
    def folder(self) -> Path:
        """The finished run."""
        (folder,) = (self.scratch / "runs").glob(f"*/{self.model}/*/fold_0")
        return folder

    def is_finished(self) -> bool:
        """Whether the run folder is there."""
        return any((self.scratch / "runs").glob(f"*/{self.model}/*/fold_0"))

    def left_over(self) -> list[str]:
        """What should be gone when the run is finished."""
        return [
            str(path.relative_to(self.scratch))
            for path in self.scratch.rglob("*")
            if path.name.endswith((".unfinished", ".npz"))
        ]


def assert_same_run(found: Path, expected: Path) -> None:
    """Equal history, chosen epoch, network and predictions, bit for bit."""
    assert {file.name for file in found.iterdir()} == {file.name for file in expected.iterdir()}
    ours, theirs = (
        pd.read_csv(folder / "history.csv", dtype=str).drop(columns=["seconds", "peak_memory"])
        for folder in (found, expected)
    )
    pd.testing.assert_frame_equal(ours, theirs)
    for file in expected.glob("*.csv"):
        if file.name != "history.csv":
            assert (found / file.name).read_bytes() == file.read_bytes(), file.name
    assert (found / "protocol.json").read_bytes() == (expected / "protocol.json").read_bytes()
    records = [json.loads((folder / "run.json").read_text()) for folder in (found, expected)]
    for record in records:
        for name in OF_THE_MOMENT:
            del record[name]
    assert records[0] == records[1]
    networks = [models.load(folder / "best.keras") for folder in (found, expected)]
    assert networks[0].get_config() == networks[1].get_config()
    for one, other in zip(*(network.get_weights() for network in networks), strict=True):
        assert one.tobytes() == other.tobytes()


def disturb(
    training: TrainingProcess,
    undisturbed: Path,
    seconds: float,
    operations: int,
    random: random.Random,
) -> Counter[str]:
    """Start ``training`` again and again with a random fault each time, until it is finished.

    It must end as the ``undisturbed`` run. ``seconds`` and ``operations``: of that one after its
    imports. Gives how many times each kind of fault struck.
    """
    struck: Counter[str] = Counter()
    while not training.is_finished():
        kind, outcome = _one_fault(training, seconds, operations, random)
        if outcome:
            struck[kind] += 1
    if training.left_over():  # struck between the run's appearance and its end
        assert training.run()[0] == 0, training.messages()
    assert_same_run(training.folder, undisturbed)
    assert training.left_over() == []
    return struck


def _one_fault(
    training: TrainingProcess, seconds: float, operations: int, random: random.Random
) -> tuple[str, bool]:
    """A start with a fault, and whether it struck before the training was finished."""
    kind = random.choice(["time", "operation", "operation", "batch"])
    number = random.choice(list(ENDED_BY))
    before = len(training.messages())
    if kind == "batch":
        status, _ = training.run(batch=random.randint(1, 24))
        assert status == 0 or "RuntimeError: a callback fails" in training.messages()[before:]
        return "exception in a callback", status == 1
    if kind == "operation":
        delay = random.choice([0, random.uniform(0, 0.3)])
        at = random.randint(1, operations)
        status, _ = training.run(operation=at, delay=delay, signal=int(number))
    else:
        process = training.start()
        time.sleep(random.uniform(0, seconds))
        process.send_signal(number)
        process.communicate()
        status = process.returncode
    said = training.messages()[before:]
    assert status in (0, ENDED_BY[number], -number), said
    if status == ENDED_BY[signal.SIGTERM]:
        assert GOES_ON in said
    where = "at a file operation" if kind == "operation" else "at a random time"
    return f"{signal.Signals(number).name} {where}", status != 0
