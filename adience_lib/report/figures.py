"""Figures of the paper's own: a table in, a matplotlib figure with its text out."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS, LABELS
from adience_lib.evidence.metrics import confusion
from adience_lib.report.architecture_figure import architecture
from adience_lib.report.forest_plot import claims
from adience_lib.report.learning_curves import learning_curves
from adience_lib.report.style import GREY, WARNING, look, panels, say, style
from adience_lib.report.tables import majority
from adience_lib.runs.read import Runs

__all__ = [
    "age_by_gender",
    "architecture",
    "claims",
    "confusion_matrices",
    "fold_composition",
    "learning_curves",
    "sample_faces",
    "table_3",
]

GENDER_NAMES = {"f": "female", "m": "male"}
GENDER_COLOURS = ("#5E3C99", "#FDB863")
"""Of people, and so of no network; one is dark and one is light."""


@style()
def sample_faces(images: np.ndarray, faces: pd.DataFrame, seed: int) -> Figure:
    """Figure 1: five random faces with their labels. ``images`` as cached, ``faces`` a manifest."""
    drawn = faces.sample(5, random_state=seed)
    figure, axes = panels(1, 5, height=1.7)
    words = []
    for axis, (row, face) in zip(axes, drawn.iterrows(), strict=True):
        gender, age = GENDER_NAMES[GENDER_LABELS[face["gender"]]], AGE_LABELS[face["age"]]
        axis.imshow(images[row])
        axis.set_axis_off()
        axis.set_title(f"{gender}\n{age}", loc="center")
        words.append(f"{gender} {age}")
    figure.set_label(say(f"Five of {len(faces):,} faces, by their labels: {', '.join(words)}"))
    return figure


@style()
def age_by_gender(counts: pd.DataFrame) -> Figure:
    """Figure 2: faces of each age label, a bar a gender. ``counts`` as of ``tables.ages``."""
    figure, (axis,) = panels(1, 1, height=3)
    places = np.arange(len(counts))
    for number, (gender, colour) in enumerate(zip(counts, GENDER_COLOURS, strict=True)):
        shift = 0.4 * (number - 0.5)
        axis.bar(places + shift, counts[gender], 0.38, color=colour, label=GENDER_NAMES[gender])
    axis.set(xlabel="age in years", ylabel="faces", xticks=places, xticklabels=counts.index)
    axis.grid(axis="x", visible=False)
    figure.legend(loc="outside upper left", ncols=2)
    most, least = counts.sum(axis=1).idxmax(), counts.sum(axis=1).idxmin()
    genders = " and ".join(f"{counts[name].sum():,} {GENDER_NAMES[name]}" for name in counts)
    figure.set_label(
        say(
            f"Bars of {counts.to_numpy().sum():,} faces by age and gender: {genders}",
            f"Most are aged {most} ({counts.loc[most].sum():,}), fewest {least} "
            f"({counts.loc[least].sum():,})",
        )
    )
    return figure


@style()
def fold_composition(counts: pd.DataFrame) -> Figure:
    """How the ages of each fold differ from those of all folds, in points of the fold's faces.

    ``counts``: a row a fold, a column a label. A fold's number stands at its deviation.
    """
    shares = 100 * counts.div(counts.sum(axis=1), axis=0)
    apart = shares - 100 * counts.sum() / counts.to_numpy().sum()
    figure, (axis,) = panels(1, 1, height=3)
    for place, age in enumerate(apart):
        for number, fold in enumerate(apart.index):
            shift = 0.13 * (number - (len(apart) - 1) / 2)
            axis.plot(place + shift, apart.loc[fold, age], marker=f"${fold}$", ms=7, color="black")
    axis.axhline(0, color=GREY, lw=1)
    most = max(2.0, 1.15 * apart.abs().to_numpy().max())  # what is tiny shall look so
    axis.set(xticks=range(len(apart.columns)), xticklabels=apart.columns, ylim=(-most, most))
    axis.set(xlabel="age in years", ylabel="share in the fold\nminus share in all (points)")
    axis.grid(axis="x", visible=False)
    fold, age = apart.abs().stack().idxmax()
    figure.set_label(
        say(
            f"Shares of the ages in {len(counts)} folds of {counts.sum(axis=1).min():,} to "
            f"{counts.sum(axis=1).max():,} faces, against those in all",
            f"The largest difference is {apart.loc[fold, age]:+.1f} points, at {age} in fold "
            f"{fold}",
        )
    )
    return figure


@style()
def confusion_matrices(networks: dict[str, Runs], task: str) -> Figure:
    """Test faces of all folds by true and predicted label, the networks side by side.

    Shade and number are the share of the true label in percent; less than half a percent has no
    number. ``networks``: those that predict ``task``, by name.
    """
    columns = min(3, len(networks))
    rows = -(-len(networks) // columns)
    many = task == "age"
    height = 3.1 if many else 2.3
    figure, axes = panels(rows, columns, 7.2, height * rows, sharex=True, sharey=True)
    figure.set_layout_engine("compressed")  # squares
    told = []
    for axis, runs in zip(axes, networks.values(), strict=False):
        counts = confusion(runs.predictions, task)
        shares = 100 * counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
        words = shares.round().astype(int).astype(str).where(shares >= 0.5, "")
        notes = {"annot": words, "fmt": "", "annot_kws": {"fontsize": 7 if many else 10}}
        sns.heatmap(shares, **notes, ax=axis, cmap="Greys", vmin=0, vmax=100, cbar=False)
        faces = counts.to_numpy().sum()
        axis.set_title(f"{runs.title}\n{faces:,} faces", color=look(runs.title)[0])
        axis.set(xlabel=f"predicted {task}", ylabel="")
        axis.tick_params(axis="x", rotation=90 if many else 0, length=0)
        axis.tick_params(axis="y", rotation=0, length=0)
        axis.set_aspect("equal")
        right, recall = np.trace(counts) / faces, np.diag(shares)
        told.append(
            f"{runs.title}: {100 * right:.1f} % of {faces:,} faces right, least of the true "
            f"{counts.columns[recall.argmin()]} ({recall.min():.0f} %)"
        )
    for axis in axes[len(networks) :]:
        axis.remove()
    for axis in axes[::columns]:
        axis.set_ylabel(f"true {task}")
    figure.set_label(say(f"Confusion matrices of {task}", *told))
    return figure


@style()
def table_3(table: pd.DataFrame) -> Figure:
    """Table 3 as a picture: a panel a measure, a row a network, with 95 % intervals.

    ``table`` as of ``tables.table_3``. The paper's values, hollow, are those of Adience. Hollow is
    also the baseline that was run, which is scored on ten crops, and said to be. The mean recall
    counts every age alike: a network that never gives an age loses an eighth by it.
    """
    figure, axes = panels(3, 1, height=6.2, sharex=True)
    always = {task: majority(table, task) for task in LABELS}
    shown = {
        "gender accuracy (%)": ("gender accuracy", "gender", always["gender"]),
        "age accuracy (%)": ("age accuracy", "age", always["age"]),
        "mean recall of the ages (%)": ("age recall", "age recall", 100 / len(AGE_LABELS)),
    }
    told = []
    for axis, (title, (value, ends, rate)) in zip(axes, shown.items(), strict=True):
        theirs = table.get(f"{value} (paper)", pd.Series(np.nan, table.index))
        part = table.assign(theirs=theirs, here=table[value])
        part = part[part["here"].notna() | part["theirs"].notna()]
        for place, (name, row) in enumerate(part.iterrows()):
            _ours_and_theirs(axis, place, str(name), row, ends)
        axis.axvline(rate, color=WARNING, ls=":", label="always the most frequent label")
        names = [f"{name}{'*' * bool(_apart(name, row))}" for name, row in part.iterrows()]
        axis.set(yticks=range(len(part)), yticklabels=names, ylim=(len(part) - 0.4, -0.7))
        axis.set_title(title)
        axis.tick_params(labelbottom=True)
        told += [f"{name} {row['here']:.1f}" for name, row in part.dropna(subset="here").iterrows()]
        told[-len(part) :] = [f"{title}: {', '.join(told[-len(part) :])}"]
    smallest = np.nanmin([*always.values(), 100 / len(AGE_LABELS)])
    axes[0].set_xlim(max(0, 10 * (smallest // 10) - 2), 100)
    handles, labels = axes[0].get_legend_handles_labels()
    once = dict(zip(labels[::-1], handles[::-1], strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper left", ncols=2)
    figure.set_label(say(*told))
    return figure


def _apart(name: Any, row: pd.Series) -> str:
    """How the baseline that was run here was scored otherwise; nothing for any other row."""
    if not str(name).startswith("baseline") or not row["folds"]:
        return ""
    return f"*{row['folds']} fold{'s' * (row['folds'] > 1)}, ten crops"


def _ours_and_theirs(axis: Any, place: int, name: str, row: pd.Series, ends: str) -> None:
    """A row of ``table_3``: our value with its interval, and below it the paper's, hollow."""
    colour, marker = look(name)
    here, theirs = row["here"], row["theirs"]
    sides = [[here - row[f"{ends} low"]], [row[f"{ends} high"] - here]]
    apart = _apart(name, row)
    shape = {"mfc": "white" if apart else colour, "label": apart or "here, 95 % interval"}
    axis.errorbar(here, place, xerr=sides, fmt=marker, color=colour, **shape)
    axis.plot(theirs, place + 0.35, "o", mfc="white", mec=GREY, ms=5, label="the paper, on Adience")
    end = np.nanmax([here, row[f"{ends} high"]]) if pd.notna(here) else np.nan
    for value, x, y, hue in ((here, end, place, "black"), (theirs, theirs, place + 0.35, GREY)):
        if pd.notna(value):
            offset = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
            axis.annotate(f"{value:.1f}", (x, y), **offset, fontsize=8, color=hue)
