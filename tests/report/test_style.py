"""Figures are the same whatever a user's Matplotlib is set to."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib
import pandas as pd
import pytest

from adience_lib.report import figures, notebook


@pytest.mark.parametrize(
    "users",
    [
        {"axes.facecolor": "black", "savefig.facecolor": "black", "text.color": "white"},
        {"text.usetex": True, "font.family": "serif", "figure.dpi": 30, "savefig.bbox": None},
        {"backend": "tkagg"},
    ],
)
def test_figure_does_not_depend_on_a_users_matplotlibrc(
    users: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same bytes: in a dark style, where all is TeX, and where a window would be opened."""
    table = pd.DataFrame({"f": [1, 2], "m": [2, 3]}, pd.Index(["(0, 2)", "(4, 6)"], name="age"))
    experiment: Any = SimpleNamespace(caption="DEMO", figures_dir=tmp_path)
    shown: list[Any] = []
    monkeypatch.setattr(notebook, "display", shown.append)

    def drawn() -> bytes:
        notebook.show(experiment, figures.age_by_gender(table), "ages")
        return (tmp_path / "ages.png").read_bytes()

    with matplotlib.rc_context():
        expected = drawn()
        matplotlib.rcParams.update(users)
        assert drawn() == expected
    assert [picture.data for picture in shown] == [expected, expected]
