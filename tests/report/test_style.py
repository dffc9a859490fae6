"""Figures are the same whatever a user's Matplotlib is set to."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from adience_lib.report import figures, notebook, style


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What is shown in a notebook; afterwards figures look as usual."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(style, "display", lambda content, raw: found.append(content))
    style.settle()
    yield found
    style.settle()


@pytest.mark.parametrize(
    "users",
    [
        {"axes.facecolor": "black", "savefig.facecolor": "black", "text.color": "white"},
        {"text.usetex": True, "font.family": "serif", "figure.dpi": 30, "savefig.bbox": None},
    ],
)
def test_figure_does_not_depend_on_a_users_matplotlibrc(
    users: Any, shown: list[dict[str, Any]], tmp_path: Path
) -> None:
    """The same bytes in the file and in the notebook; in a dark style, and where all is TeX."""
    table = pd.DataFrame({"f": [1, 2], "m": [2, 3]}, pd.Index(["(0, 2)", "(4, 6)"], name="age"))
    experiment: Any = SimpleNamespace(caption="DEMO", figures_dir=tmp_path)

    def drawn() -> tuple[str, str]:
        notebook.show(experiment, figures.age_by_gender(table), "ages")
        file = (tmp_path / "ages.png").read_bytes()
        return hashlib.sha256(file).hexdigest(), shown[-1]["image/png"]

    expected = drawn()
    matplotlib.rcParams.update(users)
    style.settle()
    assert drawn() == expected


def test_a_window_is_never_opened(
    shown: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be no screen, whatever MPLBACKEND says; Jupyter's own backend stays."""
    assert not shown
    monkeypatch.setitem(matplotlib.rcParams, "backend", "tkagg")
    style.settle()
    assert plt.get_backend() == "agg"
