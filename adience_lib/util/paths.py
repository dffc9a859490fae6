"""Where things are kept: every folder of the project is named once, here.

``ADIENCE_RUNS``, ``ADIENCE_FIGURES`` and ``ADIENCE_CACHE`` move the three folders elsewhere,
for example to a scratch disk.
"""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = PROJECT / "notebooks"
REPORT = PROJECT / "report"
COMMITTED = PROJECT / "figures"
"""The figures and records that came with the checkout, wherever ``ADIENCE_FIGURES`` points."""


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
