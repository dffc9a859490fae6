"""Where things are kept: every folder of the project is named once, here.

``ADIENCE_RUNS``, ``ADIENCE_FIGURES`` and ``ADIENCE_CACHE`` move the three folders elsewhere,
for example to a scratch disk.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from adience_lib.errors import AdienceError

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = PROJECT / "notebooks"
REPORT = PROJECT / "report"


def runs() -> Path:
    """The folder of finished trainings: ``ADIENCE_RUNS``, or ``runs/`` in the checkout."""
    return Path(os.environ.get("ADIENCE_RUNS") or PROJECT / "runs")


def figures() -> Path:
    """The folder of figures: ``ADIENCE_FIGURES``, or ``figures/`` in the checkout."""
    return Path(os.environ.get("ADIENCE_FIGURES") or PROJECT / "figures")


def cache() -> Path:
    """The folder of what can be made again: ``ADIENCE_CACHE``, or ``cache/`` in the checkout."""
    return Path(os.environ.get("ADIENCE_CACHE") or PROJECT / "cache")


def shown(path: Path) -> str:
    """``path`` as printed in a notebook: relative to the checkout where it lies inside."""
    path = path.absolute()
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)


def make_whole(target: Path, make: Callable[[Path], None]) -> None:
    """Let ``make`` write ``target`` (a file or a folder), whole or not at all.

    It is written under a temporary name beside ``target`` and renamed when it is finished.
    Other processes that want the same wait for the first. Does nothing if ``target`` is there.

    Raises AdienceError if the disk is full or cannot be written to; nothing is left behind.
    """
    if target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f".{target.name}.lock")):
            if not target.exists():
                _write_and_rename(target, make)
    except OSError as error:
        raise AdienceError(f"{target}: cannot be written ({error.strerror or error})") from error


def _write_and_rename(target: Path, make: Callable[[Path], None]) -> None:
    unfinished = target.with_name(f"{target.name}.unfinished")
    _remove(unfinished)  # of a process that was killed
    try:
        make(unfinished)
        unfinished.replace(target)
    finally:
        _remove(unfinished)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
