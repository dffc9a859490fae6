"""One function a figure: a table in, a matplotlib figure out."""

import math
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS
from adience_lib.evidence.metrics import confusion
from adience_lib.report.tables import majority
from adience_lib.runs.read import Runs
from adience_lib.training import CROSS_ENTROPY

GENDER_NAMES = {"f": "female", "m": "male"}
COLOURS = {"f": "#0072B2", "m": "#E69F00"}  # Okabe & Ito: told apart by colour-blind readers
FOLD_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
DOTS_AN_INCH = 120
FEW_EPOCHS = 10  # up to here each epoch is a point on the curve

sns.set_theme(style="whitegrid", font_scale=0.9)


def mark(figure: Figure, caption: str) -> None:
    """Write below ``figure`` what data and protocol it shows, in red on a demo."""
    colour = "firebrick" if caption.startswith("DEMO") else "dimgrey"
    figure.text(0.995, 0.0, caption, ha="right", va="top", fontsize=8, color=colour)


def sample_faces(images: np.ndarray, faces: pd.DataFrame, seed: int) -> Figure:
    """Figure 1: five random faces with their labels. ``images`` as cached, ``faces`` a manifest."""
    drawn = faces.sample(5, random_state=seed)
    figure, axes = plt.subplots(1, 5, figsize=(11, 2.7), layout="constrained")
    for axis, (row, face) in zip(axes, drawn.iterrows(), strict=True):
        axis.imshow(images[row])
        axis.set_axis_off()
        gender = GENDER_NAMES[GENDER_LABELS[face["gender"]]]
        axis.set_title(f"{gender}, {AGE_LABELS[face['age']]}", fontsize=10)
    return figure


def age_by_gender(counts: pd.DataFrame) -> Figure:
    """Figure 2: faces of each age label, a bar a gender. ``counts`` as of ``tables.ages``."""
    figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    colours = {GENDER_NAMES[label]: colour for label, colour in COLOURS.items()}
    long = counts.rename(columns=GENDER_NAMES).melt(ignore_index=False, var_name="gender")
    sns.barplot(long.reset_index(), x="age", y="value", hue="gender", palette=colours, ax=axis)
    axis.set(xlabel="age in years", ylabel="faces")
    axis.legend(title=None)
    return figure


def fold_composition(counts: pd.DataFrame) -> Figure:
    """Faces of each fold by age label, stacked. ``counts``: a row a fold, a column a label."""
    figure, axis = plt.subplots(figsize=(8, 3.2), layout="constrained")
    counts.plot.barh(stacked=True, colormap="viridis", ax=axis, width=0.75, edgecolor="white")
    axis.invert_yaxis()
    axis.set(xlabel="faces", ylabel="fold")
    axis.legend(title="age", bbox_to_anchor=(1.01, 1), loc="upper left", fontsize=8)
    return figure


def learning_curves(runs: Runs) -> Figure:
    """Figures 4 to 7: accuracy and loss of each task after each epoch.

    Where a history of two tasks has the loss of neither (``training.CROSS_ENTROPY``), the
    weighted sum of both.
    A thin line is a fold's monitored set; the thick line and the band are mean and standard
    deviation over the folds that still train at that epoch (two or more); the dashed line is
    the mean over the training faces, measured during the epoch with crops and dropout.
    """
    panels = _panels(runs)
    rows = math.ceil(len(panels) / 2)
    figure, axes = plt.subplots(rows, 2, figsize=(10, 3.3 * rows), layout="constrained")
    for axis in np.ravel(axes)[len(panels) :]:
        axis.remove()
    for axis, (column, label) in zip(np.ravel(axes), panels.items(), strict=False):
        _curves(axis, runs.history, column, 100 if "accuracy" in column else 1)
        axis.set(xlabel="epoch", ylabel=label)
        axis.set_xlim(0.5, runs.history["epoch"].max() + 0.5)
        axis.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = np.ravel(axes)[0].get_legend_handles_labels()
    # Below, it would slide over the caption when the figure is written.
    figure.legend(
        handles,
        labels,
        title=runs.title,
        loc="outside upper center",
        ncols=len(labels),
        fontsize=8,
        title_fontsize=12,
    )
    return figure


def _panels(runs: Runs) -> dict[str, str]:
    """The columns of the history that are drawn, and what the axis of each is called."""
    accuracy = {task: {f"{task}_accuracy": f"{task} accuracy (%)"} for task in runs.tasks}
    loss = {task: {f"{task}_{CROSS_ENTROPY}": f"{task} loss"} for task in runs.tasks}
    if len(runs.tasks) == 1:
        (task,) = runs.tasks
        return accuracy[task] | {"loss": f"{task} loss"}
    if all(set(column) <= set(runs.history) for column in loss.values()):
        return {k: v for task in runs.tasks for k, v in (accuracy[task] | loss[task]).items()}
    return accuracy["gender"] | accuracy["age"] | {"loss": "loss of both tasks"}


def _curves(axis: Any, history: pd.DataFrame, column: str, scale: float) -> None:
    marker = "." if history["epoch"].max() <= FEW_EPOCHS else ""
    training = ["fold", "repetition"]
    trained = history.pivot(index="epoch", columns=training, values=column) * scale
    monitored_column = f"val_{column}"
    if monitored_column in history:
        folds = history.pivot(index="epoch", columns=training, values=monitored_column) * scale
        for fold, repetition in folds:
            line = folds[fold, repetition].dropna()
            style = {"color": FOLD_COLOURS[fold], "lw": 0.9, "alpha": 0.8, "marker": marker}
            label = None if repetition else f"fold {fold}"
            axis.plot(line.index, line, **style, label=label)
        several = folds[folds.count(axis=1) >= 2]
        mean, deviation = several.mean(axis=1), several.std(axis=1)
        axis.plot(mean.index, mean, marker=marker, color="black", lw=2.2, label="mean of the folds")
        low, high = mean - deviation, mean + deviation
        axis.fill_between(mean.index, low, high, color="black", alpha=0.12, lw=0)
    mean = trained.mean(axis=1)
    style = {"color": "dimgrey", "lw": 1.4, "ls": "--", "marker": marker}
    axis.plot(mean.index, mean, **style, label="training faces")


def confusion_matrix(runs: Runs, task: str) -> Figure:
    """Test faces of all folds by true and predicted label: counts, and the row's share in
    percent, which is also the shade."""
    counts = confusion(runs.predictions, task)
    shares = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    size = (7.2, 5.4) if task == "age" else (3.6, 2.9)
    figure, axis = plt.subplots(figsize=size, layout="constrained")
    bar = {"label": "share of the true label"}
    words = counts.astype(str) + "\n" + (100 * shares).round(0).astype(int).astype(str) + " %"
    style = {"cmap": "Blues", "vmin": 0, "vmax": 1, "annot_kws": {"fontsize": 8}}
    sns.heatmap(shares, annot=words, fmt="", ax=axis, cbar_kws=bar, **style)
    axis.set(xlabel=f"predicted {task}", ylabel=f"true {task}", title=runs.title)
    axis.tick_params(axis="x", rotation=30 if task == "age" else 0)
    axis.tick_params(axis="y", rotation=0)
    return figure


def table_3(table: pd.DataFrame) -> Figure:
    """Table 3 as a picture: each network's accuracy with its 95 % interval, a panel a task.

    ``table`` as of ``tables.table_3``. The paper's values, hollow, are those of Adience.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.9), layout="constrained", sharey=True)
    table = table[table["folds"] > 0]
    places = np.arange(len(table))
    for axis, task in zip(axes, ("gender", "age"), strict=True):
        ours, theirs = table[f"{task} accuracy"], table[f"{task} accuracy (paper)"]
        known = ours.notna().to_numpy()
        ends = [(ours - table[f"{task} low"])[known], (table[f"{task} high"] - ours)[known]]
        style = {"fmt": "o", "color": "#0072B2", "capsize": 3, "label": "this run, 95 % interval"}
        axis.errorbar(ours[known], places[known], xerr=ends, **style)
        style = {"marker": "o", "s": 40, "fc": "white", "ec": "dimgrey", "zorder": 3}
        axis.scatter(theirs, places + 0.25, **style, label="the paper, on Adience")
        for value, place in zip(ours[known], places[known], strict=True):
            axis.annotate(
                f"{value:.1f}",
                (value, place),
                (0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        rate = majority(table, task)
        axis.axvline(rate, color="firebrick", ls=":", label="most frequent label, always")
        axis.set(xlabel=f"{task} accuracy (%)", yticks=places, ylim=(len(table) - 0.4, -0.6))
        axis.set_xlim(min(rate, ours.min(), theirs.min()) - 5, 100 if task == "gender" else None)
        axis.set_yticklabels(table.index)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return figure


VERDICT_COLOURS = {
    "supported": "#009E73",
    "contradicted": "#D55E00",
    "inconclusive": "#0072B2",
    "not tested": "dimgrey",
    "cannot be tested here": "dimgrey",
}


def claims(measured: pd.DataFrame) -> Figure:
    """The claims as a forest plot: what each says, what was found, and the verdict.

    ``measured`` as of ``claims.measured``. A panel a unit; the band is where a criterion holds, the
    dot with its 95 % interval what was found, the diamond the paper's own value.
    """
    units = [unit for unit in _AXES if (measured["unit"] == unit).any()]
    counts = [int((measured["unit"] == unit).sum()) for unit in units]
    figure, axes = plt.subplots(
        max(1, len(units)),
        1,
        figsize=(9, 0.9 + 0.34 * sum(counts) + 0.75 * len(units)),
        layout="constrained",
        squeeze=False,
        height_ratios=[count + 1 for count in counts] or None,
    )
    for axis, unit in zip(axes[:, 0], units, strict=False):
        _forest(axis, measured[measured["unit"] == unit].reset_index(drop=True), unit)
    if not units:
        axes[0, 0].text(0.5, 0.5, "nothing was measured", ha="center")
        axes[0, 0].set_axis_off()
        return figure
    labels = {
        label: handle
        for axis in axes[:, 0]
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(labels.values(), labels.keys(), loc="outside upper center", ncols=3, fontsize=8)
    return figure


_AXES = {
    "points": "points of accuracy",
    "times": "ratio (log scale)",
    "epochs": "epochs",
}


def _forest(axis: Any, parts: pd.DataFrame, unit: str) -> None:
    """One panel of ``claims``: a row a part."""
    if unit == "times":
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter("{x:g}")
    finite = parts[["value", "low", "high", "paper", "from", "to"]].to_numpy(float)
    finite = finite[np.isfinite(finite) & ((finite > 0) | (unit != "times"))]
    ends = [*parts["low"], *parts["high"], *parts["paper"].dropna(), *finite]
    low, high = np.nanmin(np.clip(ends, finite.min(), None)), np.nanmax(ends)
    if unit == "times":
        limits = low / 1.3, high * 1.3
    else:
        limits = low - 0.06 * (high - low), high + 0.06 * (high - low)
    for place, part in parts.iterrows():
        span = max(part["from"], limits[0]), min(part["to"], limits[1])
        axis.fill_betweenx(
            [place - 0.4, place + 0.4],
            *span,
            color="#009E73",
            alpha=0.15,
            lw=0,
            label="the claim holds here",
        )
        colour = VERDICT_COLOURS[part["verdict"]]
        axis.plot([part["low"], part["high"]], [place] * 2, color=colour, lw=2)
        axis.plot(part["value"], place, "o", color=colour, label="found, with its 95 % interval")
        axis.plot(
            part["paper"],
            place,
            "D",
            mfc="white",
            mec="black",
            ms=5,
            label="the paper's own value, on Adience",
        )
        axis.annotate(
            part["verdict"],
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=colour,
        )
    words = [f"{part['row']}: {part['what']}" for _, part in parts.iterrows()]
    axis.set(yticks=parts.index, ylim=(len(parts) - 0.5, -0.5), xlim=limits, xlabel=_AXES[unit])
    axis.set_yticklabels(words, fontsize=8)
    axis.grid(axis="y", visible=False)
    if unit == "points":
        axis.axvline(0, color="black", lw=0.8)


def architecture(table: pd.DataFrame, heads: tuple[str, ...]) -> Figure:
    """Figure 3: the network as boxes, drawn from its own layers.

    ``table``: its ``architecture_table``. Layers whose name begins with a head's belong to that
    head; the others are shared.
    """
    head_of = {layer: head for layer in table["layer"] for head in heads if _within(layer, head)}
    shared = table[~table["layer"].isin(list(head_of))]
    shared = shared[shared["operation"] != "InputLayer"]
    columns = {head: table[table["layer"].map(head_of) == head] for head in heads}
    height = len(shared) + max(len(rows) for rows in columns.values()) + 2
    figure, axis = plt.subplots(figsize=(7.5, 0.36 * height), layout="constrained")
    axis.set(xlim=(0, 4 * len(heads)), ylim=(height, -0.5))  # the image on top
    axis.set_axis_off()
    centre = 2.0 * len(heads)
    _box(axis, centre, 0, "image  256 x 256 x 3", "white")
    _stack(axis, centre, 1, shared, "#DCE9F5")
    for number, (head, rows) in enumerate(columns.items()):
        place = 2.0 + 4 * number
        axis.plot([centre, place], [len(shared) + 0.4, len(shared) + 1.6], color="grey", lw=1)
        _stack(axis, place, len(shared) + 2, rows, "#FBE8C6" if head == heads[0] else "#D9F0E3")
    return figure


def _within(layer: str, head: str) -> bool:
    return layer == head or layer.startswith(f"{head}_")


def _stack(axis: Any, x: float, y: float, rows: pd.DataFrame, colour: str) -> None:
    for position, row in enumerate(rows.itertuples()):
        weights = f"   {row.parameters:,} weights" if row.parameters else ""
        words = f"{row.layer.replace('_', ' ')}   {row.output}{weights}"
        _box(axis, x, y + position, words, colour)


def _box(axis: Any, x: float, y: float, words: str, colour: str) -> None:
    axis.add_patch(
        FancyBboxPatch(
            (x - 1.85, y - 0.3), 3.7, 0.6, "round,pad=0.02,rounding_size=0.1", fc=colour, ec="grey"
        )
    )
    axis.text(x, y, words, ha="center", va="center", fontsize=7.5)
