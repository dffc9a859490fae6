"""The benchmark's table, which ``make bench`` leaves in figures/bench.csv, for people.

A row a measurement. ``group`` and ``case``: what was measured. ``value`` in ``unit``, NaN where it
could not be. ``ratio``: to what ``against`` says, NaN where there is nothing to compare with.
``bar``: the bar for the ratio, and ``met``, "yes" or "no"; both empty without a bar.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from adience_lib.util.markdown import markdown


def read(file: Path) -> pd.DataFrame:
    """The table, out of its file."""
    table = pd.read_csv(file)
    words = ["against", "bar", "met"]  # empty where there is nothing to say
    return table.assign(**table[words].fillna(""))


def in_markdown(table: pd.DataFrame) -> str:
    """The whole of it, three digits a number."""

    def digits(number: float) -> str:
        return "-" if np.isnan(number) else f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"

    shown = pd.DataFrame(
        {
            "case": table["case"],
            "value": table["value"].map(digits) + " " + table["unit"],
            "ratio": table["ratio"].map(digits) + " " + table["against"],
            "bar": table["bar"].replace("", "-"),
            "met": table["met"].replace("", "-"),
        }
    )
    return markdown(shown.set_index(table["group"]))


def in_words(table: pd.DataFrame) -> str:
    """What it comes to, in sentences; what could not be measured is in none of them."""
    machine = table.loc[table["group"] == "matrix product", "case"].iloc[0].rsplit(",", 1)[0]
    float32 = table["case"].str.contains("float32")
    step = float32 & (table["group"] == "training step")
    transfer = table["case"].str.startswith("transfer")
    pytorch, keras, precision = (
        table["against"].str.startswith(f"times {other}")
        for other in ("PyTorch", "plain Keras", "float32")
    )
    found = {
        "% of the machine's own rate in a step (reduced networks, float32)": step & ~transfer,
        "% of it in a step (transfer, float32)": step & transfer,
        "times as fast as PyTorch (reduced networks, float32)": float32 & pytorch,
        "times as fast as plain Keras (gender, a step and an epoch)": keras,
        "times as fast in bfloat16 as in float32": precision,
    }
    parts = [
        f"{_range(table.loc[rows, 'ratio'], words.startswith('%'))} {words}"
        for words, rows in found.items()
        if rows.any()
    ]
    barred = table[table["met"] != ""]
    missed = barred[barred["met"] == "no"]
    parts.append(f"{len(barred) - len(missed)} of {len(barred)} bars are met")
    parts += [
        f"missed: {row['case']}, {row['ratio']:.3f} {row['against']} ({row['bar']})"
        for _, row in missed.iterrows()
    ]
    return "\n".join([f"On {machine}:", "", *(f"- {part}" for part in parts)])


def _range(ratios: pd.Series, percent: bool) -> str:
    low, high = (
        f"{100 * ratio:.0f}" if percent else f"{ratio:.1f}"
        for ratio in (ratios.min(), ratios.max())
    )
    return low if low == high else f"{low} to {high}"
