"""What a case is told, what it gives, and the process of its own that it runs in.

A case is a function of a ``Bench``, and of settings, that gives rows. Its process has the backend,
the threads and the memory to itself, and starts as cold as a user's: nothing is imported here.
"""

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FACES = "faces/s"
SHARE = "of the machine's own rate"
"""What the ratio of a step or a forward pass is: its share of that of a large matrix product."""


@dataclass(frozen=True)
class Row:
    """One measurement: ``value`` in ``unit``, and its ``ratio`` to what it is compared with.

    ``ratio`` is None where there is nothing to compare with, ``value`` NaN where nothing was
    measured (``against`` says why). ``at_least`` or ``at_most``: the bar for the ratio.
    """

    group: str
    case: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Bench:
    """What every case is told.

    ``quick``: only to see that everything runs. ``machine``: as of ``backend.machine``.
    ``batch_size``: faces of a step. ``rounds``: the best of as many is taken. ``precisions``: those
    that the machine computes in itself. ``rows``: what was measured before.
    """

    quick: bool
    machine: dict[str, Any]
    batch_size: int
    rounds: int
    precisions: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)

    def value(self, group: str, case: str) -> float:
        """What was measured before under these names."""
        return next(row.value for row in self.rows if (row.group, row.case) == (group, case))


def run(case: Callable[..., Any], *told: Bench, **settings: Any) -> Any:
    """What ``case`` gives in a process of its own, its rows as a list.

    Raises AdienceError with the last words of one that fails.
    """
    from adience_lib.util.errors import AdienceError

    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result"
        code = "from benchmarks import harness; harness.main()"
        command = [sys.executable, "-c", code, str(result)]
        asked = pickle.dumps((case, told, settings))
        done = subprocess.run(command, input=asked, capture_output=True, check=False)
        if done.returncode:
            last = (done.stderr.decode().strip().splitlines() or ["no message"])[-1]
            raise AdienceError(f"{case.__name__} {settings}: {last}")
        return pickle.loads(result.read_bytes())


def main() -> None:
    """Run the case on standard input, and leave what it gives in the file that is named."""
    case, told, settings = pickle.load(sys.stdin.buffer)
    found = case(*told, **settings)
    found = list(found) if isinstance(found, Iterator) else found
    Path(sys.argv[1]).write_bytes(pickle.dumps(found))
