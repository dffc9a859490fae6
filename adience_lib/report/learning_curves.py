"""Figures 4 to 7: how accuracy and loss go over the epochs."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from adience_lib.report.style import GREY, look, panels, say, style
from adience_lib.runs.read import Runs
from adience_lib.training import CROSS_ENTROPY

FEW_EPOCHS = 10  # up to here each epoch is a point on the curve


@style()
def learning_curves(runs: Runs) -> Figure:
    """Accuracy and loss of each task after each epoch.

    Where a history of two tasks has the loss of neither (``training.CROSS_ENTROPY``), the
    weighted sum of both. A thin line is a fold's monitored faces, and ends where its training
    ended; the fold's number stands at its best epoch. The thick line and the band are mean and
    standard deviation over all folds, and end with the first fold: a mean over those that are left
    would move because others are gone. The dashed line is the same mean over the training faces,
    measured during the epoch with crops and dropout.
    """
    columns = _panels(runs)
    pairs = len(columns) // 2
    figure, axes = panels(pairs, 2, height=0.7 + 2.3 * (len(columns) + 1) // 2)
    if len(columns) == 3:
        figure.clear()
        axes = np.array(list(figure.subplot_mosaic("AB;CC").values()))
    together = int(runs.records["epochs"].min())
    for axis, (column, label) in zip(axes, columns.items(), strict=True):
        _curves(axis, runs, column, together)
        axis.set(xlabel="epoch", ylabel=label)
        axis.set_xlim(0.5, runs.history["epoch"].max() + 0.5)
        axis.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].set_title(f"{runs.title} network", color=look(runs.model)[0])
    figure.legend(handles, labels, loc="outside upper left", ncols=2)
    best = runs.records["best_epoch"]
    ends = runs.records["epochs"]
    figure.set_label(
        say(
            f"Learning curves of {runs.title}, {len(runs.folds)} folds: "
            f"{', '.join(columns.values())}",
            f"Best epochs {best.min()} to {best.max()}, {best.mean():.1f} on average",
            f"Trainings ended after {ends.min()} to {ends.max()} epochs",
        )
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


def _curves(axis: Any, runs: Runs, column: str, together: int) -> None:
    """``together``: the last epoch of the training that ended first."""
    colour, _ = look(runs.model)
    marker = "." if runs.history["epoch"].max() <= FEW_EPOCHS else ""
    trained = _by_training(runs, column)
    if f"val_{column}" in runs.history:
        monitored = _by_training(runs, f"val_{column}")
        for number, training in enumerate(monitored):
            line = monitored[training].dropna()
            label = None if number else "a fold"
            axis.plot(line.index, line, color=colour, lw=0.8, alpha=0.45, label=label)
        for number, record in enumerate(runs.records.itertuples()):
            best = monitored[record.fold, record.repetition].get(record.best_epoch)
            label = None if number else "the number of a fold, at its best epoch"
            shape = {"marker": f"${record.fold}$", "ms": 7, "ls": "none", "zorder": 4}
            axis.plot(record.best_epoch, best, color="black", label=label, **shape)
        several = monitored.loc[:together]
        if several.shape[1] > 1:
            mean, deviation = several.mean(axis=1), several.std(axis=1)
            label = "mean, while all folds train"
            axis.plot(mean.index, mean, color=colour, lw=2.2, marker=marker, label=label)
            ends = mean - deviation, mean + deviation
            label = "standard deviation over folds"
            axis.fill_between(mean.index, *ends, color=colour, alpha=0.2, lw=0, label=label)
    mean = trained.loc[:together].mean(axis=1)
    shape = {"color": GREY, "lw": 1.2, "ls": "--", "marker": marker}
    axis.plot(mean.index, mean, **shape, label="training faces, mean")


def _by_training(runs: Runs, column: str) -> pd.DataFrame:
    """A row an epoch, a column a training; accuracies in percent."""
    table = runs.history.pivot(index="epoch", columns=["fold", "repetition"], values=column)
    return 100 * table if "accuracy" in column else table
