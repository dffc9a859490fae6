"""Half an hour of faults, at random: ``make soak``. Nothing may be lost.

Each run draws another seed and prints it where a test fails; ``ADIENCE_SOAK_SEED`` draws the same
faults again.
"""

import itertools
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import tiny_rows, write_adience
from disturbance import TrainingProcess, disturb

pytestmark = pytest.mark.soak

FAULTS = 6
"""How many must strike the trainings of each network."""

MODELS = ("gender", "age", "multitask", "transfer", "levi_hassner_age")

FULL_DISKS = 2
"""How many disks of a random size each network meets."""


@dataclass(frozen=True)
class Undisturbed:
    """A training that nothing befell: its run folder, and what it took after its imports."""

    data: Path
    folder: Path
    seconds: float
    operations: int


@pytest.fixture(scope="module", params=MODELS)
def undisturbed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Undisturbed]:
    """One for each network."""
    scratch = tmp_path_factory.mktemp(request.param)
    data = write_adience(scratch / "adience", tiny_rows())
    training = TrainingProcess(data, scratch / "undisturbed", request.param, small=False)
    process = training.start()
    started = time.perf_counter()
    said = process.communicate()[0]
    seconds = time.perf_counter() - started
    assert process.returncode == 0, training.messages()
    yield Undisturbed(data, training.folder, seconds, int(said))
    shutil.rmtree(scratch)


@pytest.fixture
def drawn(request: pytest.FixtureRequest) -> random.Random:
    """A source of random numbers, whose seed is printed if the test fails."""
    seed = int(os.environ.get("ADIENCE_SOAK_SEED") or time.time_ns())
    print(f"ADIENCE_SOAK_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


def test_nothing_is_lost_however_often_it_is_stopped(
    undisturbed: Undisturbed,
    tmp_path: Path,
    drawn: random.Random,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Killed, terminated and interrupted at random moments, and failed in callbacks."""
    model = undisturbed.folder.parents[1].name
    struck: Counter[str] = Counter()
    trainings = 0
    while struck.total() < FAULTS:
        trainings += 1
        training = TrainingProcess(undisturbed.data, tmp_path / str(trainings), model, small=False)
        struck += disturb(
            training, undisturbed.folder, undisturbed.seconds, undisturbed.operations, drawn
        )
        shutil.rmtree(training.scratch)
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(struck.items()))
    with capsys.disabled():
        print(f"\n{model}: {trainings} trainings, the same after {struck.total()} faults: {kinds}")


def _can_mount() -> bool:
    command = ["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(command, check=False).returncode


def test_nothing_is_lost_when_the_disk_is_full(
    undisturbed: Undisturbed,
    tmp_path: Path,
    drawn: random.Random,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """At any write, of the cache, a state or the results."""
    if not _can_mount():
        pytest.skip("needs unshare and mount, for a small disk of its own")
    model = undisturbed.folder.parents[1].name
    # Two whole states, of the weights and Adam's two moments each, need about as much.
    needed = 6 * (undisturbed.folder / "best.keras").stat().st_size + (20 << 20)
    struck: Counter[str] = Counter()
    for number in itertools.count():
        scratch = tmp_path / str(number)
        scratch.mkdir()
        command = ["unshare", "--mount", "--map-root-user", sys.executable]
        command += [str(Path(__file__).with_name("full_disk.py")), str(undisturbed.data)]
        command += [str(scratch), model, str(undisturbed.folder), str(drawn.randint(1, needed))]
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stderr
        did_not_fit = outcome.stdout.strip().splitlines()[-1]
        struck[did_not_fit] += did_not_fit != "nothing"
        shutil.rmtree(scratch)
        if struck.total() == FULL_DISKS:
            break
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(struck.items()))
    with capsys.disabled():
        print(f"\n{model}: {FULL_DISKS} disks that were too small for: {kinds}")
