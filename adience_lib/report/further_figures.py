"""Figures of what the paper leaves out: a table of ``tables`` in, a matplotlib figure out."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from adience_lib.data.labels import LABELS
from adience_lib.evidence.grad_cam import Attention

COLOURS = {"gender": "#0072B2", "age": "#D55E00"}
MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")


def _colour(model: str) -> str:
    """The networks for one task share theirs."""
    place = {"multitask": 1, "transfer": 2}.get(model.split(maxsplit=1)[0], 0)
    return MODEL_COLOURS[place]


def accuracy_by_gamma(table: pd.DataFrame) -> Figure:
    """Both accuracies against gamma; the bands are 95 % intervals.

    ``table`` as of ``tables.gammas``.
    """
    figure, axis = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for task, colour in COLOURS.items():
        axis.plot(table.index, table[task], "o-", color=colour, label=f"{task} accuracy")
        low, high = table[f"{task} low"], table[f"{task} high"]
        axis.fill_between(table.index, low, high, color=colour, alpha=0.15, lw=0)
    axis.set(xlabel="gamma: the weight of gender's loss", ylabel="% right")
    axis.set(xlim=(-0.03, 1.03), ylim=(0, 100))
    axis.legend()
    return figure


def optimism(table: pd.DataFrame) -> Figure:
    """Points that the test fold's choice of the epoch adds: a dot a network, fold and task.

    ``table`` as of ``tables.optimism``.
    """
    figure, axis = plt.subplots(figsize=(7, 2.8), layout="constrained")
    names = list(dict.fromkeys(table["model"]))
    for task, shift in (("gender", -0.12), ("age", 0.12)):
        places = table["model"].map(names.index) + shift
        axis.plot(table[task], places, "o", color=COLOURS[task], alpha=0.7, label=task)
    axis.axvline(0, color="black", lw=0.8)
    axis.set(yticks=range(len(names)), yticklabels=names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlabel("accuracy at the test fold's epoch minus the held-out subjects' (points)")
    axis.legend()
    return figure


def intervals(table: pd.DataFrame, columns: list[str]) -> Figure:
    """Accuracies as dots with their intervals, a panel a task.

    ``table``: ``task``, ``accuracy``, ``low``, ``high`` (percent), and ``columns``, which name a
    row together.
    """
    tasks = [task for task in LABELS if (table["task"] == task).any()]
    rows = table.groupby("task").size().max()
    figure, axes = plt.subplots(
        1, len(tasks), figsize=(11, 1.2 + 0.34 * rows), layout="constrained", squeeze=False
    )
    for axis, task in zip(axes[0], tasks, strict=True):
        part = table[table["task"] == task].reset_index(drop=True)
        spread = [part["accuracy"] - part["low"], part["high"] - part["accuracy"]]
        axis.errorbar(
            part["accuracy"], part.index, xerr=spread, fmt="o", color=COLOURS[task], capsize=3
        )
        words = part[columns].astype(str).agg(", ".join, axis=1)
        axis.set(yticks=part.index, yticklabels=words, xlabel=f"{task} accuracy (%)")
        axis.set_ylim(len(part) - 0.5, -0.5)
    return figure


def calibration(table: pd.DataFrame) -> Figure:
    """Reliability curves: how often a network is right, against how sure it is.

    ``table`` as of ``tables.calibration``. On the dashed line it is right as often as it says.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, task in zip(axes, LABELS, strict=True):
        axis.plot([0, 100], [0, 100], ls="--", color="grey", lw=1)
        models = table.index.get_level_values("model").unique()
        for model in models:
            if (model, task) not in table.index:
                continue
            colour = _colour(model)
            curve = table.loc[[(model, task)]]
            label = f"{model} (error {curve['error'].iloc[0]:.1f})"
            axis.plot(curve["confidence"], curve["accuracy"], "-", color=colour, label=label)
            sizes = 150 * curve["faces"] / curve["faces"].sum()
            axis.scatter(curve["confidence"], curve["accuracy"], sizes, color=colour)
        axis.set(xlabel=f"probability of the {task} given (%)", ylabel="% right")
        axis.set(xlim=(0, 102), ylim=(-2, 102))
        axis.legend(fontsize=8, loc="upper left")
    return figure


def accuracy_by_group(table: pd.DataFrame) -> Figure:
    """Accuracy of one network in each group, with intervals: a panel a task.

    ``table``: rows of ``tables.groups`` of one network. A group without test faces has no dot.
    """
    return intervals(table.reset_index(), ["group"])


def recall(table: pd.DataFrame) -> Figure:
    """Share of each age that is right, a line a network, with intervals.

    ``table`` as of ``tables.classes``.
    """
    figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    ages = table.xs("age", level="task")
    models = ages.index.get_level_values("model").unique()
    for number, model in enumerate(models):
        colour = _colour(model)
        part = ages.loc[model].reindex(LABELS["age"])
        spread = [part["recall"] - part["low"], part["high"] - part["recall"]]
        places = np.arange(len(part)) + 0.08 * (number - len(models) / 2)
        axis.errorbar(
            places, part["recall"], yerr=spread, fmt="o-", ms=4, lw=1, color=colour, label=model
        )
    axis.set(xticks=range(len(LABELS["age"])), xticklabels=LABELS["age"])
    axis.set(xlabel="true age in years", ylabel="% right", ylim=(-2, 102))
    axis.legend(fontsize=8, ncols=len(models), loc="upper center", bbox_to_anchor=(0.5, 1.13))
    return figure


def accuracy_against_work(table: pd.DataFrame) -> Figure:
    """What a network reaches against the arithmetic of one of its trainings.

    ``table`` as of ``tables.cost``: updates, times the multiply-adds of a face in a forward pass.
    The line leads from the best epoch to the last one run.
    """
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    for axis, task in zip(axes, LABELS, strict=True):
        part = table.dropna(subset=[task]) if task in table else table.iloc[:0]
        for name, row in part.iterrows():
            # The networks for one task have the same colour in both panels.
            label = str(name).replace(f"_{task}", "").replace(task, "one task")
            colour = WORK_COLOURS[label]
            ends = row[["updates to best", "updates"]] * row["million multiply-adds"] / 1e6
            axis.plot(ends, [row[task]] * 2, "-", color=colour, lw=1.5)
            axis.plot(ends.iloc[1], row[task], "o", color=colour)
            axis.annotate(
                label.replace("levi_hassner", "Levi & Hassner"),
                (ends.iloc[1], row[task]),
                (0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        axis.set(
            xlabel="updates x multiply-adds of a face ($10^{12}$, log scale)",
            ylabel=f"{task} accuracy (%)",
            xscale="log",
        )
        axis.margins(x=0.2, y=0.25)
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
    return figure


WORK_COLOURS = dict(
    zip(
        ("one task", "multitask", "transfer", "levi_hassner", "levi_hassner, own recipe"),
        MODEL_COLOURS,
        strict=False,
    )
)


def attention(found: Attention, faces: pd.DataFrame, network: str, task: str) -> Figure:
    """Grad-CAM of ``network``: each face with the heat over it, its true label and the one given.

    ``found`` and ``faces`` as of ``experiment.attention``: right answers first.
    """
    count = len(faces)
    figure, axes = plt.subplots(2, count, figsize=(1.45 * count, 3.5), layout="constrained")
    axes = np.reshape(axes, (2, count))
    for place, (_, face) in enumerate(faces.iterrows()):
        given, true = LABELS[task][found.answers[place]], LABELS[task][face[task]]
        axes[0, place].imshow(found.crops[place])
        axes[1, place].imshow(found.crops[place])
        axes[1, place].imshow(found.heat[place], cmap="inferno", alpha=0.55, vmin=0, vmax=1)
        right = given == true
        axes[0, place].set_title(
            f"true: {true}\n{'right' if right else f'given: {given}'}",
            fontsize=8,
            color="black" if right else "firebrick",
        )
    for axis in axes.flat:
        axis.set_axis_off()
    figure.suptitle(f"{network}, {task}: bright speaks for the answer given", fontsize=9)
    return figure
