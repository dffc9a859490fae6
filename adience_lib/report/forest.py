"""The report's first figure: the paper's claims, what was measured for each, and the verdict."""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from adience_lib.evidence import paper
from adience_lib.evidence.claims import CONTRADICTED, INCONCLUSIVE, SUPPORTED
from adience_lib.report.style import GREY, WARNING, described, panels, style
from adience_lib.report.tables import digits

VERDICTS = {SUPPORTED: "#1B7837", CONTRADICTED: WARNING, INCONCLUSIVE: GREY}
"""The colour of each verdict that was tested, which is also written out; none is a network's."""

_WITHIN = ("8", "9")
"""Claims about the answers of one network, which lie further apart than two networks do."""

_AXES = {
    "points": "points of accuracy, one network minus another",
    "points within": "points of accuracy within one network",
    "times": "ratio (log scale)",
    "epochs": "epochs",
}
_WIDTH, _LETTERS = 5.2, 52
"""Inches of the figure, and letters of a heading beside a verdict, at the width of a phone."""

_LINE, _GAP = 0.18, 0.5
"""Inches of a line, and lines between two criteria."""


@style()
def claims(measured: pd.DataFrame) -> Figure:
    """The criteria that were tested as a forest plot, claim by claim, a panel a kind of number.
    ``measured`` as of ``claims.measured``."""
    tested = measured[measured["verdict"].isin(VERDICTS)]
    within = (tested["unit"] == "points") & tested["row"].isin(_WITHIN)
    kinds = tested["unit"].mask(within, "points within")
    found = {kind: tested[kinds == kind] for kind in _AXES if (kinds == kind).any()}
    if not found:
        words = "No criterion was tested."
        figure, (axis,) = panels(1, 1, _WIDTH, 0.6)
        axis.text(0, 0.5, words, transform=axis.transAxes)
        axis.set_axis_off()
        return described(figure, words)
    heights = [_lines(parts) * _LINE + 0.5 for parts in found.values()]
    ratios = {"height_ratios": heights}
    figure, axes = panels(len(found), 1, _WIDTH, sum(heights) + 0.5, gridspec_kw=ratios)
    for axis, (kind, parts) in zip(axes, found.items(), strict=True):
        _forest(axis, parts, kind)
    handles, labels = axes[-1].get_legend_handles_labels()  # each part has the same labels
    once = dict(zip(labels, handles, strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper left", ncols=2)
    verdicts = tested.groupby("row", sort=False)["verdict"].first()
    return described(
        figure,
        f"Forest plot of {len(verdicts)} criteria with {len(tested)} measurements",
        *(f"{row}: {verdict}" for row, verdict in verdicts.items()),
    )


def _heading(criterion: str) -> str:
    words = {claim.row: claim.words for claim in paper.CLAIMS}
    return textwrap.fill(f"{criterion}: {words[criterion]}", _LETTERS)


def _lines(parts: pd.DataFrame) -> float:
    """How many lines a panel takes: each criterion's heading, and two for each of its parts."""
    headings = [_heading(criterion).count("\n") + 1 for criterion in parts["row"].unique()]
    return sum(headings) + 2 * len(parts) + _GAP * len(headings)


def _forest(axis: Any, parts: pd.DataFrame, kind: str) -> None:
    limits = _limits(parts, kind)
    if kind == "times":
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:.2g}")
    axis.set(xlim=limits, ylim=(_lines(parts), -0.2), yticks=[], xlabel=_AXES[kind])
    axis.spines["left"].set_visible(False)
    white = {"fc": "white", "ec": "none", "pad": 0.5}  # no line of the grid through letters
    letters = {"fontsize": 9, "va": "top", "transform": axis.get_yaxis_transform(), "bbox": white}
    line = 0.0
    for criterion, group in parts.groupby("row", sort=False):
        heading, verdict = _heading(str(criterion)), group["verdict"].iloc[0]
        axis.text(0, line, heading, weight="bold", **letters)
        axis.text(1, line, verdict, weight="bold", ha="right", color=VERDICTS[verdict], **letters)
        line += heading.count("\n") + 1
        for _, part in group.iterrows():
            words = f"{part['what']}: {part['value']:{digits(part)}}".replace(": -", ": −")
            axis.text(0, line, words, **letters)
            _interval(axis, line + 1.4, part, limits)
            line += 2
        line += _GAP


def _interval(axis: Any, y: float, part: pd.Series, limits: tuple[float, float]) -> None:
    colour = VERDICTS[part["verdict"]]
    ends = max(part["from"], limits[0]), min(part["to"], limits[1])
    label = "where the criterion holds"
    axis.fill_betweenx([y - 0.35, y + 0.35], *ends, color="#DDDDDD", lw=0, label=label)
    axis.plot([part["low"], part["high"]], [y, y], color=colour, lw=2)
    label = "found, with its 95 % interval;\nverdicts ask for more than 95 %"
    axis.plot(part["value"], y, "o", color=colour, label=label)
    label = "the paper's own, on Adience"
    axis.plot(part["paper"], y, "D", mfc="white", mec="black", ms=5, label=label)


def _limits(parts: pd.DataFrame, kind: str) -> tuple[float, float]:
    """Wide enough for every value, interval and end of a criterion that is finite."""
    ends = parts[["value", "low", "high", "paper", "from", "to"]].to_numpy(float)
    ends = ends[np.isfinite(ends) & ((ends > 0) | (kind != "times"))]
    low, high = ends.min(), ends.max()
    if kind == "times":
        return low / 1.3, high * 1.3
    margin = 0.06 * (high - low) or 1.0
    return low - margin, high + margin
