"""What the benchmark found: one table, and a figure of it."""

from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from adience_lib.util.markdown import markdown

SHARE = "of the machine's own rate"


@dataclass(frozen=True)
class Row:
    """One measurement: ``value`` in ``unit``, and its ``ratio`` to what it is compared with.

    ``ratio`` is None where there is nothing to compare with, ``value`` where it could not be
    measured (``against`` then says why). ``at_least`` or ``at_most``: the bar for the ratio.
    """

    group: str
    case: str
    value: float | None
    unit: str
    ratio: float | None = None
    against: str = ""
    at_least: float | None = None
    at_most: float | None = None


def table(rows: list[Row]) -> pd.DataFrame:
    """A row a measurement, with ``bar`` and ``met`` ("yes", "no" or nothing) in words."""
    columns = ["group", "case", "value", "unit", "ratio", "against", "bar", "met"]
    found = pd.DataFrame([{**vars(row), **_judged(row)} for row in rows])[columns]
    return found.astype({"value": float, "ratio": float})


def _judged(row: Row) -> dict[str, str]:
    if row.ratio is None:
        return {"bar": "", "met": ""}
    if row.at_least is not None:
        met = row.ratio >= row.at_least
        return {"bar": f"{row.at_least:g} or more", "met": "yes" if met else "no"}
    if row.at_most is not None:
        met = row.ratio <= row.at_most
        return {"bar": f"{row.at_most:g} or less", "met": "yes" if met else "no"}
    return {"bar": "", "met": ""}


def in_markdown(found: pd.DataFrame) -> str:
    """The table for people, three digits a number."""

    def digits(number: float) -> str:
        return "-" if np.isnan(number) else f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"

    shown = pd.DataFrame(
        {
            "case": found["case"],
            "value": found["value"].map(digits) + " " + found["unit"],
            "ratio": found["ratio"].map(digits) + " " + found["against"],
            "bar": found["bar"].replace("", "-"),
            "met": found["met"].replace("", "-"),
        }
    )
    return markdown(shown.set_index(found["group"]))


def in_words(found: pd.DataFrame) -> str:
    """What the table comes to, in sentences; what could not be measured is in none of them."""
    machine = found.loc[found["group"] == "matrix product", "case"].iloc[0].rsplit(",", 1)[0]
    float32 = found[found["case"].str.contains("float32")]
    step = float32[float32["group"] == "training step"]
    transfer = step["case"].str.startswith("transfer")
    measured = [
        (
            100 * step.loc[~transfer, "ratio"],
            ".0f",
            "% of the machine's own rate in a step (reduced networks, float32)",
        ),
        (100 * step.loc[transfer, "ratio"], ".0f", "% of it in a step (transfer, float32)"),
        (
            _ratios(float32, "times PyTorch"),
            ".1f",
            "times as fast as PyTorch (reduced networks, float32)",
        ),
        (
            _ratios(found, "times plain Keras"),
            ".1f",
            "times as fast as plain Keras (gender, a step and an epoch)",
        ),
        (_ratios(found, "times float32"), ".1f", "times as fast in bfloat16 as in float32"),
    ]
    parts = [f"{_between(values, form)} {words}" for values, form, words in measured if len(values)]
    barred = found[found["met"] != ""]
    missed = barred[barred["met"] == "no"]
    bars = [f"{len(barred) - len(missed)} of {len(barred)} bars are met"] + [
        f"missed: {row['case']}, {row['ratio']:.3f} {row['against']} ({row['bar']})"
        for _, row in missed.iterrows()
    ]
    return "\n".join([f"On {machine}:", ""] + [f"- {one}" for one in parts + bars])


def _ratios(found: pd.DataFrame, against: str) -> pd.Series:
    return found.loc[found["against"].str.startswith(against), "ratio"]


def _between(values: pd.Series, form: str) -> str:
    low, high = (format(value, form) for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def figure(found: pd.DataFrame) -> Figure:
    """Left the shares of the machine's own rate, right how many times as fast as others."""
    drawn, (left, right) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    shares = found[found["against"] == SHARE]
    sns.barplot(shares, x="ratio", y="case", hue="group", palette="colorblind", ax=left)
    left.axvline(0.7, color="firebrick", linewidth=1)
    left.set(xlabel="share of the rate of a 4096 x 4096 matrix product", ylabel="", xlim=(0, 1))
    left.legend(title=None, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    faster = found[found["against"].map(_says_faster)]
    against = faster["against"].str.removeprefix("times ")
    names = faster["case"] + " / " + against
    sns.barplot(x=faster["ratio"], y=names, color="#0072B2", errorbar=None, ax=right)
    right.axvline(1, color="firebrick", linewidth=1)
    right.set(xlabel="times as fast", ylabel="")
    return drawn


def _says_faster(against: str) -> bool:
    """Whether a ratio of more than 1 means that it is faster than something else."""
    others = ("PyTorch", "plain Keras", "float32", "the network as written", "Pillow")
    return against.startswith(tuple(f"times {other}" for other in others))
