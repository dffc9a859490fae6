"""Figures of the paper's own: a table in, a matplotlib figure with its text out."""

import textwrap
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS, LABELS
from adience_lib.evidence.metrics import confusion
from adience_lib.report.style import GREY, WARNING, beside, described, look, panels, style
from adience_lib.report.tables import majority
from adience_lib.runs.read import Runs
from adience_lib.training import CROSS_ENTROPY

GENDER_NAMES = {"f": "female", "m": "male"}

_WORDS = {
    "Conv2D": "convolution",
    "Dense": "fully connected",
    "Dropout": "dropout",
    "LocalResponseNormalization": "normalisation",
    "MaxPooling2D": "max pooling",
    "RandomCrop": "random crop",
    **dict.fromkeys(("InputLayer", "Rescaling", "Flatten"), ""),
}
"""What stands in a box for each operation; what changes no size worth a word is left out."""

_HALF = 0.32  # of a box's height


@style()
def sample_faces(images: np.ndarray, faces: pd.DataFrame, seed: int) -> Figure:
    """Figure 1: five random faces with their labels. ``images`` as cached, ``faces`` a manifest."""
    figure, axes = panels(1, 5, height=1.7)
    words = []
    for axis, (row, face) in zip(axes, faces.sample(5, random_state=seed).iterrows(), strict=True):
        gender, age = GENDER_NAMES[GENDER_LABELS[face["gender"]]], AGE_LABELS[face["age"]]
        axis.imshow(images[row])
        axis.set_axis_off()
        axis.set_title(f"{gender}\n{age}", loc="center")
        words.append(f"{gender} {age}")
    return described(figure, f"Five of {len(faces):,} faces, by their labels: {', '.join(words)}")


@style()
def age_by_gender(counts: pd.DataFrame) -> Figure:
    """Figure 2: faces of each age label, a bar a gender. ``counts`` as of ``tables.ages``."""
    figure, (axis,) = panels(1, 1, height=3)
    places, colours = np.arange(len(counts)), ("#5E3C99", "#FDB863")  # dark and light; no network's
    for shift, gender, colour in zip((-0.2, 0.2), counts, colours, strict=True):
        axis.bar(places + shift, counts[gender], 0.38, color=colour, label=GENDER_NAMES[gender])
    axis.set(xlabel="age in years", ylabel="faces", xticks=places, xticklabels=counts.index)
    axis.grid(axis="x", visible=False)
    figure.legend(loc="outside upper left", ncols=2)
    totals = counts.sum(axis=1)
    genders = " and ".join(f"{counts[name].sum():,} {GENDER_NAMES[name]}" for name in counts)
    return described(
        figure,
        f"Bars of {totals.sum():,} faces by age and gender: {genders}",
        f"Most are aged {totals.idxmax()} ({totals.max():,}), fewest {totals.idxmin()} "
        f"({totals.min():,})",
    )


@style()
def fold_composition(counts: pd.DataFrame) -> Figure:
    """How the ages of each fold differ from those of all folds, in points of the fold's faces. Its
    number stands at its deviation. ``counts``: a row a fold, a column a label."""
    sizes = counts.sum(axis=1)
    apart = 100 * counts.div(sizes, axis=0) - 100 * counts.sum() / sizes.sum()
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
    return described(
        figure,
        f"Shares of the ages in {len(counts)} folds of {sizes.min():,} to {sizes.max():,} faces, "
        "against those in all",
        f"The largest difference is {apart.loc[fold, age]:+.1f} points, at {age} in fold {fold}",
    )


@style()
def architecture(table: pd.DataFrame) -> Figure:
    """Figure 3: the image on top, the shared trunk, and a column of boxes for each task's head, the
    layers whose name begins with the task. ``table``: the network's ``architecture_table``."""
    head_of = table["layer"].str.extract(f"^({'|'.join(LABELS)})(?:_|$)", expand=False)
    trunk = _boxes(table[head_of.isna()])
    columns = {head: _boxes(table[head_of == head]) for head in LABELS}
    rows = len(trunk) + max(map(len, columns.values()))
    figure, (axis,) = panels(1, 1, height=0.64 * rows)
    axis.set(xlim=(0, len(columns)), ylim=(rows - 0.45, -0.45))
    axis.set_axis_off()
    centre = len(columns) / 2
    for place, words in enumerate(trunk):
        _box(axis, centre, place, words, "#ECECEC", width=0.65 * len(columns))
        if place:
            _arrow(axis, centre, centre, place)
    axis.text(0.03, len(trunk) / 2 - 0.5, "shared\ntrunk", va="center", color=GREY)
    for number, (head, boxes) in enumerate(columns.items()):
        boxes[-1] = f"{head}: {boxes[-1]}"
        for place, words in enumerate(boxes, start=len(trunk)):
            _arrow(axis, number + 0.5 if place > len(trunk) else centre, number + 0.5, place)
            _box(axis, number + 0.5, place, words, "white", look(head)[0])
    sizes = table.set_index("layer")["output"]
    return described(
        figure,
        f"A trunk of {len(trunk) - 1} convolutions that takes a crop of {sizes['random_crop']} and "
        f"splits into {len(columns)} heads",
        *(
            f"{head}: {len(boxes)} fully connected layers, the last one with {sizes[head]} "
            f"output{'s' * (sizes[head] != '1')}"
            for head, boxes in columns.items()
        ),
    )


def _boxes(layers: pd.DataFrame) -> list[str]:
    """Two lines a box: what is done, and the size and the weights that come of it. A box begins
    with the image or with a layer that has weights, and holds those without that follow."""
    boxes = []
    for _, box in layers.groupby((layers["parameters"] > 0).cumsum()):
        steps = [_step(layer) for layer in box.itertuples()]
        weights = f",  {box['parameters'].sum():,} weights" if box["parameters"].any() else ""
        size = " × ".join(f"{int(side):,}" for side in box["output"].iloc[-1].split(" x "))
        words = textwrap.fill(", ".join(step for step in steps if step), 60)
        boxes.append(f"{words}\n→ {size}{weights}")
    return boxes


def _step(layer: Any) -> str:
    if layer.operation == "InputLayer" and layer.layer == "image":
        return f"image {layer.output.replace(' x ', ' × ')}"
    if layer.operation == "Activation":
        return "sigmoid" if layer.output == "1" else "softmax"
    words = _WORDS.get(layer.operation, layer.operation)
    window = layer.kernel.replace(" x ", " × ") if isinstance(layer.kernel, str) else ""
    return f"{words} {window}".strip()


def _arrow(axis: Any, x: float, to_x: float, place: int) -> None:
    """From the box above to the one at ``place``."""
    style = {"arrowstyle": "-|>", "color": "#444444", "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (to_x, place - _HALF), (x, place - 1 + _HALF), arrowprops=style)


def _box(
    axis: Any, x: float, y: float, words: str, colour: str, edge: str = GREY, width: float = 0.94
) -> None:
    corner, shape = (x - width / 2, y - _HALF), "round,pad=0,rounding_size=0.03"
    axis.add_patch(FancyBboxPatch(corner, width, 2 * _HALF, shape, fc=colour, ec=edge))
    axis.text(x, y, words, ha="center", va="center", fontsize=8.5)


@style()
def learning_curves(runs: Runs) -> Figure:
    """Figures 4 to 7: accuracy and loss of each task after each epoch; of two tasks the weighted
    sum of their losses, where a history has only that.

    A thin line is a fold's monitored faces; the fold's number stands at its best epoch. Mean and
    band end with the first fold: a mean over those that are left would move because others are
    gone. The training faces are measured during the epoch, with crops and dropout.
    """
    columns = _panels(runs)
    figure, axes = panels(len(columns) // 2, 2, height=0.7 + 2.3 * (len(columns) + 1) // 2)
    if len(columns) == 3:
        figure.clear()
        axes = np.array(list(figure.subplot_mosaic("AB;CC").values()))
    for axis, (column, label) in zip(axes, columns.items(), strict=True):
        _curves(axis, runs, column)
        axis.set(xlabel="epoch", ylabel=label)
        axis.set_xlim(0.5, runs.history["epoch"].max() + 0.5)
        axis.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    axes[0].set_title(f"{runs.title} network", color=look(runs.model)[0])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    best, ends = runs.records["best_epoch"], runs.records["epochs"]
    return described(
        figure,
        f"Learning curves of {runs.title}, {len(runs.folds)} folds: {', '.join(columns.values())}",
        f"Best epochs {best.min()} to {best.max()}, {best.mean():.1f} on average",
        f"Trainings ended after {ends.min()} to {ends.max()} epochs",
    )


def _panels(runs: Runs) -> dict[str, str]:
    """The columns of the history that are drawn, and what the axis of each is called."""
    accuracies = {task: {f"{task}_accuracy": f"{task} accuracy (%)"} for task in runs.tasks}
    losses = {task: {f"{task}_{CROSS_ENTROPY}": f"{task} loss"} for task in runs.tasks}
    if len(runs.tasks) == 1:
        (task,) = runs.tasks
        return accuracies[task] | {"loss": f"{task} loss"}
    if all(set(column) <= set(runs.history) for column in losses.values()):
        return accuracies["gender"] | losses["gender"] | accuracies["age"] | losses["age"]
    return accuracies["gender"] | accuracies["age"] | {"loss": "loss of both tasks"}


def _curves(axis: Any, runs: Runs, column: str) -> None:
    colour, _ = look(runs.model)
    marker = "." if runs.history["epoch"].max() <= 10 else ""  # few epochs are points, too
    together = int(runs.records["epochs"].min())
    one = "training" if _is_repeated(runs) else "fold"
    if f"val_{column}" in runs.history:
        monitored = _by_training(runs, f"val_{column}")
        for number, training in enumerate(monitored):
            line = monitored[training].dropna()
            label = None if number else f"a {one}"
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
            label = f"standard deviation over {one}s"
            axis.fill_between(mean.index, *ends, color=colour, alpha=0.2, lw=0, label=label)
    mean = _by_training(runs, column).loc[:together].mean(axis=1)
    shape = {"color": GREY, "lw": 1.2, "ls": "--", "marker": marker}
    axis.plot(mean.index, mean, **shape, label="training faces, mean")


def _is_repeated(runs: Runs) -> bool:
    """Whether some fold was trained more than once."""
    return bool(runs.records["fold"].duplicated().any())


def _by_training(runs: Runs, column: str) -> pd.DataFrame:
    """A row an epoch, a column a training; accuracies in percent."""
    table = runs.history.pivot(index="epoch", columns=["fold", "repetition"], values=column)
    return 100 * table if "accuracy" in column else table


@style()
def confusion_matrices(networks: dict[str, Runs], task: str) -> Figure:
    """Test faces of all folds by true and predicted label, the ``networks`` side by side: shares of
    the true label in percent. Less than a half has no number. Of several trainings each answers."""
    columns = min(3, len(networks))
    rows = -(-len(networks) // columns)
    height, letters, turned = (3.1, 7, 90) if task == "age" else (2.3, 10, 0)
    figure, axes = panels(rows, columns, 7.2, height * rows, sharex=True, sharey=True)
    figure.set_layout_engine("compressed")  # squares
    words = []
    for axis, runs in zip(axes, networks.values(), strict=False):
        counts = confusion(runs.predictions, task)
        total = counts.to_numpy().sum()
        asked = "answers" if _is_repeated(runs) else "faces"
        shares = 100 * counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
        numbers = shares.round().astype(int).astype(str).where(shares >= 0.5, "")
        notes = {"annot": numbers, "fmt": "", "annot_kws": {"fontsize": letters}}
        sns.heatmap(shares, **notes, ax=axis, cmap="Greys", vmin=0, vmax=100, cbar=False)
        axis.set_title(f"{runs.title}\n{total:,} {asked}", color=look(runs.title)[0])
        axis.set(xlabel=f"predicted {task}", ylabel="", aspect="equal")
        axis.tick_params(axis="x", rotation=turned, length=0)
        axis.tick_params(axis="y", rotation=0, length=0)
        right, recall = np.trace(counts) / total, np.diag(shares)
        words.append(
            f"{runs.title}: {100 * right:.1f} % of {total:,} {asked} right, least of the true "
            f"{counts.columns[recall.argmin()]} ({recall.min():.0f} %)"
        )
    for axis in axes[len(networks) :]:
        axis.remove()
    for axis in axes[::columns]:
        axis.set_ylabel(f"true {task}")
    return described(figure, f"Confusion matrices of {task}", *words)


@style()
def table_3(table: pd.DataFrame) -> Figure:
    """``tables.table_3`` as a picture: a panel a measure, a row a network, with 95 % intervals.

    Hollow are the paper's values, which are those of Adience, the baseline that was run, which is
    scored on ten crops, and what has fewer folds than others. The mean recall counts every age
    alike.
    """
    figure, axes = panels(3, 1, height=6.2, sharex=True)
    a_class = 100 / len(AGE_LABELS)
    shown = {
        "gender accuracy (%)": ("gender accuracy", "gender", majority(table, "gender")),
        "age accuracy (%)": ("age accuracy", "age", majority(table, "age")),
        "mean recall of the ages (%)": ("age recall", "age recall", a_class),
    }
    # What was scored otherwise than most: on fewer folds, and the baseline on ten crops.
    of_baseline = table.index.str.startswith("baseline")
    folds = table["folds"].where(of_baseline | (table["folds"] < table["folds"].max()), 0)
    crops = np.where(of_baseline, ", ten crops", "")
    named = [f"*{n:g} fold{'s' * (n > 1)}" if n else "" for n in folds]
    apart = [name and name + more for name, more in zip(named, crops, strict=True)]
    words = []
    for axis, (title, (value, ends, rate)) in zip(axes, shown.items(), strict=True):
        theirs = table.get(f"{value} (paper)", pd.Series(np.nan, table.index))
        part = table.assign(here=table[value], theirs=theirs, apart=apart)
        part = part.dropna(how="all", subset=["here", "theirs"])
        for place, (name, row) in enumerate(part.iterrows()):
            _ours_and_theirs(axis, place, str(name), row, ends)
        axis.axvline(rate, color=WARNING, ls=":", label="always the most frequent label")
        names = [f"{name}{label[:1]}" for name, label in part["apart"].items()]
        axis.set(yticks=range(len(part)), yticklabels=names, ylim=(len(part) - 0.4, -0.7))
        axis.set_title(title)
        axis.tick_params(labelbottom=True)
        values = ", ".join(f"{name} {one:.1f}" for name, one in part["here"].dropna().items())
        words.append(f"{title}: {values}")
    smallest = np.nanmin([rate for *_, rate in shown.values()])
    axes[0].set_xlim(max(0, 10 * (smallest // 10) - 2), 100)
    handles, labels = axes[0].get_legend_handles_labels()
    once = dict(zip(labels[::-1], handles[::-1], strict=True))
    figure.legend(once.values(), once.keys(), loc="outside upper left", ncols=2)
    return described(figure, *words)


def _ours_and_theirs(axis: Any, place: int, name: str, row: pd.Series, ends: str) -> None:
    """Our value with its interval, and below it the paper's."""
    colour, marker = look(name)
    here, theirs, low, high = row[["here", "theirs", f"{ends} low", f"{ends} high"]]
    apart = row["apart"] or "here, 95 % interval"
    shape = {"mfc": "white" if row["apart"] else colour, "label": apart}
    spread = [[here - low], [high - here]]
    axis.errorbar(here, place, xerr=spread, fmt=marker, color=colour, **shape)
    axis.plot(theirs, place + 0.35, "o", mfc="white", mec=GREY, ms=5, label="the paper, on Adience")
    if pd.notna(here):
        beside(axis, f"{here:.1f}", (np.nanmax([here, high]), place), "black")
    if pd.notna(theirs):
        beside(axis, f"{theirs:.1f}", (theirs, place + 0.35))
