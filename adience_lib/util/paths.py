"""Where things are kept, and what a path that somebody gives means."""

import os
from pathlib import Path

from adience_lib.util.errors import AdienceError, shorten

PROJECT = Path(__file__).resolve().parents[2]
NOTEBOOKS = PROJECT / "notebooks"
REPORT = PROJECT / "report"
COMMITTED = PROJECT / "figures"
"""The figures and records that came with the checkout, wherever ``ADIENCE_FIGURES`` points."""

VARIABLES = (
    "ADIENCE_DATA",
    "ADIENCE_RUNS",
    "ADIENCE_FIGURES",
    "ADIENCE_CACHE",
    "ADIENCE_XCEPTION_WEIGHTS",
    "ADIENCE_VGG16_WEIGHTS",
)
"""Those that name a path."""

WORDS = {"data": ("demo",), "ADIENCE_DATA": ("demo",), "weights": ("imagenet", "random")}
"""What may stand in the place of a path, by parameter and variable."""


def resolve(path: str | Path, start: Path | None = None) -> Path:
    """``path`` as an absolute one, from ``start`` or the folder that the program runs in; ``~`` is
    the user's home. Raises AdienceError for what can be no path."""
    try:
        return Path(start or "", Path(path).expanduser()).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # no such user; a null; a circle of links
        raise AdienceError(
            f"{shorten(str(path))[1:-1]}: no such file or folder can be ({error})"
        ) from error


def settled(name: str, given: str, start: Path | None = None) -> str:
    """What was given for the parameter or variable ``name``: a word as it is, a path absolute."""
    if given in WORDS.get(name, ()):
        return given
    try:
        return str(resolve(given, start))
    except AdienceError as error:
        raise AdienceError(f"{name}: {error}") from error


def variable(name: str) -> str | None:
    """What one of ``VARIABLES`` says, from the folder of the command; None where it is not set.
    A notebook's kernel runs in the notebook's folder; the shell's ``PWD`` came along."""
    given, folder = os.environ.get(name), Path(os.environ.get("PWD", ""))
    elsewhere = "JPY_PARENT_PID" in os.environ and folder.is_absolute()
    return settled(name, given, folder if elsewhere else None) if given else None


def settle() -> None:
    """Make ``VARIABLES`` absolute, for the programs that this one starts in other folders."""
    os.environ.update({name: path for name in VARIABLES if (path := variable(name))})


def runs() -> Path:
    """The folder of finished trainings: ``ADIENCE_RUNS``, or ``runs/`` in the checkout."""
    return Path(variable("ADIENCE_RUNS") or PROJECT / "runs")


def figures() -> Path:
    """The folder of figures: ``ADIENCE_FIGURES``, or ``figures/`` in the checkout."""
    return Path(variable("ADIENCE_FIGURES") or PROJECT / "figures")


def cache() -> Path:
    """The folder of what can be made again: ``ADIENCE_CACHE``, or ``cache/`` in the checkout."""
    return Path(variable("ADIENCE_CACHE") or PROJECT / "cache")


def shown(path: Path) -> str:
    """``path`` as printed in a notebook: relative to the checkout where it lies inside."""
    path = path.absolute()
    return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
