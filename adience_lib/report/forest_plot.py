"""The report's first figure: the paper's claims, what was measured for each, and the verdict."""

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from adience_lib.evidence import paper
from adience_lib.evidence.claims import (
    CONTRADICTED,
    INCONCLUSIVE,
    NOT_TESTED,
    SUPPORTED,
    UNTESTABLE,
)
from adience_lib.report.style import panels, say, style

VERDICTS = {SUPPORTED: "#009E73", CONTRADICTED: "#D55E00", INCONCLUSIVE: "#0072B2"}
"""The colour of each verdict, which is also written out."""

_UNITS = {"points": "points of accuracy", "times": "ratio (log scale)", "epochs": "epochs"}
_LINE = 0.2  # inches
_WIDTH, _LETTERS = 5.2, 60
"""Of the figure in inches, and of a line in it: read at the width of a phone."""


@dataclass(frozen=True)
class _Row:
    """Words at a line counted from the top; below them the ``part`` that they are of.

    ``verdict``: of the criterion, beside its first part.
    """

    line: float
    words: str
    part: pd.Series | None = None
    verdict: str = ""


@style()
def claims(measured: pd.DataFrame) -> Figure:
    """The criteria that were tested as a forest plot, claim by claim.

    ``measured`` as of ``claims.measured``. A panel a unit. The band is where a criterion holds,
    the dot with its 95 % interval what was found, the diamond the paper's own value on Adience.
    """
    tested = measured[~measured["verdict"].isin([NOT_TESTED, UNTESTABLE])]
    units = [unit for unit in _UNITS if (tested["unit"] == unit).any()]
    if not units:
        figure, (axis,) = panels(1, 1, _WIDTH, 0.8)
        axis.text(0, 0.5, "No criterion was tested.", transform=axis.transAxes)
        axis.set_axis_off()
        figure.set_label("No criterion was tested.")
        return figure
    rows = [_rows(tested[tested["unit"] == unit]) for unit in units]
    heights = [lines * _LINE + 0.55 for _, lines in rows]
    figure, axes = panels(
        len(units), 1, _WIDTH, sum(heights) + 0.5, gridspec_kw={"height_ratios": heights}
    )
    for axis, unit, (found, lines) in zip(axes, units, rows, strict=True):
        _forest(axis, found, lines, unit)
    shown = {
        label: handle
        for axis in axes
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(shown.values(), shown.keys(), loc="outside upper left", ncols=2)
    verdicts = tested.groupby("row", sort=False)["verdict"].first()
    figure.set_label(
        say(
            f"Forest plot of {len(verdicts)} criteria with {len(tested)} measurements",
            *(f"{row}: {verdict}" for row, verdict in verdicts.items()),
        )
    )
    return figure


def _rows(parts: pd.DataFrame) -> tuple[list[_Row], float]:
    """A heading a criterion, and its parts below; the second is how many lines they take."""
    words = {claim.row: claim.words for claim in paper.CLAIMS}
    rows, line = [], 0.0
    for criterion, group in parts.groupby("row", sort=False):
        heading = textwrap.fill(f"{criterion}: {words.get(criterion, '')}", _LETTERS - 4)
        rows.append(_Row(line, heading))
        line += heading.count("\n") + 1
        for number, (_, part) in enumerate(group.iterrows()):
            verdict = "" if number else part["verdict"]
            rows.append(_Row(line, _measurement(part), part, verdict))
            line += 2
        line += 0.6
    return rows, line - 0.4


def _measurement(part: pd.Series) -> str:
    digits = ".2f" if part["unit"] == "times" else "+.1f" if part["unit"] == "points" else ".1f"
    return f"{part['what']}: {part['value']:{digits}}".replace(": -", ": −")


def _forest(axis: Any, rows: list[_Row], lines: float, unit: str) -> None:
    parts = pd.DataFrame([row.part for row in rows if row.part is not None])
    limits = _limits(parts, unit)
    if unit == "times":
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:.2g}")
    axis.set(xlim=limits, ylim=(lines, -0.2), yticks=[], xlabel=_UNITS[unit])
    axis.spines["left"].set_visible(False)
    white = {"fc": "white", "ec": "none", "pad": 0.5}  # no line of the grid through letters
    letters = {"fontsize": 9, "transform": axis.get_yaxis_transform(), "bbox": white}
    for row in rows:
        if row.part is None:
            axis.text(0, row.line, row.words, va="top", weight="bold", **letters)
            continue
        axis.text(0, row.line + 0.5, row.words, va="center", **letters)
        _interval(axis, row.line + 1.4, row.part, limits)
        if row.verdict:
            bold = {"ha": "right", "weight": "bold", "color": VERDICTS[row.verdict]}
            axis.text(1, row.line + 0.5, row.verdict, va="center", **bold, **letters)


def _interval(axis: Any, y: float, part: pd.Series, limits: tuple[float, float]) -> None:
    colour = VERDICTS[part["verdict"]]
    ends = max(part["from"], limits[0]), min(part["to"], limits[1])
    label = "where the criterion holds"
    axis.fill_betweenx([y - 0.35, y + 0.35], *ends, color="#DDDDDD", lw=0, label=label)
    axis.plot([part["low"], part["high"]], [y, y], color=colour, lw=2)
    axis.plot(part["value"], y, "o", color=colour, label="found, with its 95 % interval")
    label = "the paper's own, on Adience"
    axis.plot(part["paper"], y, "D", mfc="white", mec="black", ms=5, label=label)


def _limits(parts: pd.DataFrame, unit: str) -> tuple[float, float]:
    """Wide enough for every value, interval and end of a criterion that is finite."""
    ends = parts[["value", "low", "high", "paper", "from", "to"]].to_numpy(float)
    ends = ends[np.isfinite(ends) & ((ends > 0) | (unit != "times"))]
    low, high = ends.min(), ends.max()
    if unit == "times":
        return low / 1.3, high * 1.3
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin
