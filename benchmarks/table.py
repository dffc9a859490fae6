"""The table of what was measured, and a figure of it."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from adience_lib.report.style import style
from adience_lib.report.tables import known
from benchmarks.harness import SHARE, Row


def table(rows: list[Row]) -> pd.DataFrame:
    """A row a measurement, with ``bar`` and ``met`` ("yes", "no" or nothing) in words."""
    found = pd.DataFrame([vars(row) for row in rows]).drop(columns=["at_least", "at_most"])
    found[["bar", "met"]] = [_judged(row) for row in rows]
    return found.astype({"ratio": float})


def _judged(row: Row) -> tuple[str, str]:
    if row.ratio is not None and row.at_least is not None:
        return f"{row.at_least:g} or more", "yes" if row.ratio >= row.at_least else "no"
    if row.ratio is not None and row.at_most is not None:
        return f"{row.at_most:g} or less", "yes" if row.ratio <= row.at_most else "no"
    return "", ""


def readable_benchmark(measured: pd.DataFrame) -> pd.DataFrame:
    """``table`` for the eye, three digits a number, indexed by ``group``; NaN is a dash."""

    def digits(number: float) -> str:
        return known(number, "{:,.0f}" if number >= 1000 else "{:.3g}")

    return pd.DataFrame(
        {
            "case": measured["case"],
            "value": measured["value"].map(digits) + " " + measured["unit"],
            "ratio": measured["ratio"].map(digits) + " " + measured["against"],
            **measured[["bar", "met"]].replace("", "-"),
        }
    ).set_index(measured["group"])


@style()
def figure(found: pd.DataFrame) -> Figure:
    """Left the shares of the machine's own rate, right how many times as fast as others."""
    drawn, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    shares = found[found["against"] == SHARE]
    sns.barplot(shares, x="ratio", y="case", hue="group", palette="colorblind", ax=left)
    left.axvline(0.7, color="firebrick", linewidth=1)
    left.set(xlabel="share of the rate of a 4096 x 4096 matrix product", ylabel="", xlim=(0, 1))
    left.legend(title=None, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    others = "times (?:PyTorch|plain Keras|float32|the network as written|Pillow)"
    faster = found[found["against"].str.match(others)]
    names = faster["case"] + " / " + faster["against"].str.removeprefix("times ")
    sns.barplot(x=faster["ratio"], y=names, color="#0072B2", errorbar=None, ax=right)
    right.axvline(1, color="firebrick", linewidth=1)
    right.set(xlabel="times as fast", ylabel="")
    return drawn
