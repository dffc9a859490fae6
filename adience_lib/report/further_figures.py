"""Figures of what the paper leaves out: a table of ``tables`` in, a matplotlib figure out."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from adience_lib.data.labels import LABELS
from adience_lib.evidence.grad_cam import Attention
from adience_lib.report.style import GREY, WARNING, beside, described, look, panels, style


@style()
def accuracy_by_gamma(table: pd.DataFrame) -> Figure:
    """Both accuracies of the multi-task network against gamma; the bands are 95 % intervals.
    ``table`` as of ``tables.gammas``."""
    figure, (axis,) = panels(1, 1, height=3.2)
    colour, _ = look("multitask")
    words = []
    # The gamma that gives a task no weight, and no point: nothing trains its head (equation 1).
    for task, idle, line, marker in (("gender", 0.0, "-", "o"), ("age", 1.0, "--", "s")):
        trained = table[table.index != idle]
        axis.plot(trained.index, trained[task], ls=line, marker=marker, color=colour)
        low, high = trained[f"{task} low"], trained[f"{task} high"]
        axis.fill_between(trained.index, low, high, color=colour, alpha=0.15, lw=0)
        if len(trained):
            place = trained.index[0], high.iloc[0]
            above = {"xytext": (0, 4), "textcoords": "offset points", "color": colour}
            axis.annotate(f"{task}, 95 % interval", place, **above)
            least, most = trained[task].min(), trained[task].max()
            best = trained[task].idxmax()
            words.append(f"{task} between {least:.1f} and {most:.1f} %, best at gamma {best:g}")
    axis.set(xlabel="gamma: the weight of gender's loss", ylabel="accuracy (%)")
    axis.set(xlim=(-0.03, 1.03), ylim=(0, 105))
    return described(
        figure, f"Accuracies of the multi-task network by gamma, {len(table)} values", *words
    )


@style()
def optimism(table: pd.DataFrame) -> Figure:
    """Points that the test fold's choice of the epoch adds: a mark a network, fold and task, filled
    for gender, hollow for age. ``table`` as of ``tables.optimism``."""
    figure, (axis,) = panels(1, 1, height=2.9)
    names = table["model"].unique()
    words = []
    for place, name in enumerate(names):
        colour, marker = look(name)
        for task, shift, fill in (("gender", -0.14, colour), ("age", 0.14, "white")):
            points = table.loc[table["model"] == name, task].dropna()
            places = np.full(len(points), place + shift)
            axis.plot(points, places, marker, ls="none", color=colour, mfc=fill, alpha=0.8)
            if len(points):
                words.append(f"{name} on {task} {points.mean():+.1f} points on average")
    for task, fill in (("gender", GREY), ("age", "white")):
        axis.plot([], [], "o", color=GREY, mfc=fill, label=f"{task}, a fold")
    axis.axvline(0, color=GREY, lw=1)
    axis.set(yticks=range(len(names)), yticklabels=names, ylim=(len(names) - 0.5, -0.5))
    axis.set_xlabel("accuracy at the test fold's epoch\nminus at the held-out subjects' (points)")
    figure.legend(loc="outside upper left", ncols=2)
    return described(figure, f"What the test fold's choice adds, {len(table)} trainings", *words)


@style()
def intervals(table: pd.DataFrame, columns: list[str], chance: dict[str, float]) -> Figure:
    """Accuracies as dots with their 95 % intervals, a panel a task, on one axis. ``table``:
    ``task``, ``accuracy``, ``low``, ``high`` (percent), and the ``columns`` that name a row.
    ``chance``: percent right by the most frequent label, by task."""
    parts = {task: table[table["task"] == task] for task in LABELS if task in set(table["task"])}
    heights = [len(part) + 1.2 for part in parts.values()]
    height, ratios = 0.9 + 0.3 * sum(heights), {"height_ratios": heights}
    figure, axes = panels(len(parts), 1, height=height, sharex=True, gridspec_kw=ratios)
    said = []
    for axis, (task, part) in zip(axes, parts.items(), strict=True):
        words = part[columns].astype(str).agg(", ".join, axis=1)
        for place, (name, row) in enumerate(zip(words, part.itertuples(), strict=True)):
            colour, marker = look(task if name.startswith("reduced") else name)
            spread = [[row.accuracy - row.low], [row.high - row.accuracy]]
            axis.errorbar(row.accuracy, place, xerr=spread, fmt=marker, color=colour)
            beside(axis, f"{row.accuracy:.1f}", (np.nanmax([row.high, row.accuracy]), place))
            said.append(f"{task}, {name}: {row.accuracy:.1f} %")
        axis.axvline(chance[task], color=WARNING, ls=":", label="always the most frequent label")
        axis.set(yticks=range(len(part)), yticklabels=words, ylim=(len(part) - 0.4, -0.6))
        axis.set_title(f"{task} accuracy (%)")
        axis.tick_params(labelbottom=True)
    axes[0].set_xlim(0, 100)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left")
    return described(figure, *said)


@style()
def calibration(table: pd.DataFrame) -> Figure:
    """Reliability curves: how often a network is right, against how sure it is; on the dashed line
    as often as it says. A larger mark is more faces. ``table`` as of ``tables.calibration``."""
    tasks = table.index.unique("task")
    figure, axes = panels(1, len(tasks), height=3.6)
    words = []
    for axis, task in zip(axes, tasks, strict=True):
        least = 100 // len(LABELS[task])  # the most probable of two labels has a half
        axis.plot([least, 100], [least, 100], ls="--", color=GREY, lw=1)
        of_task = table[table.index.get_level_values("task") == task]
        for model, curve in of_task.groupby(level="model", sort=False):
            colour, marker = look(model)
            points = curve["confidence"], curve["accuracy"]
            error = f"{model} ({curve['error'].iloc[0]:.1f})"
            axis.plot(*points, color=colour)
            sizes = 150 * curve["faces"] / curve["faces"].sum()
            axis.scatter(*points, sizes, color=colour, marker=marker)
            axis.plot([], [], color=colour, marker=marker, label=error)
            words.append(f"{task}, {error}")
        axis.set(xlabel=f"probability of the {task} given (%)", ylabel="right (%)")
        start = min([least, *of_task["accuracy"]])
        axis.set(xlim=(least - 2, 102), ylim=(start - 4, 102))
        axis.legend(title="network (error, points)", title_fontsize=8, fontsize=8)
    faces = int(table.groupby(level=["model", "task"])["faces"].sum().max())
    about = f"Reliability curves of {faces:,} test faces, with calibration errors in points"
    return described(figure, about, *words)


@style()
def accuracy_by_group(table: pd.DataFrame) -> Figure:
    """Accuracy of one network, by its rows of ``tables.groups``, with 95 % intervals and numbers of
    faces. A bar is what the group's own most frequent label would get right, if it has several."""
    rows = table.reset_index()
    model, tasks = rows["model"].iloc[0], rows["task"].unique()
    rows = rows[rows["by"].isin(["gender", "age", "race"]) & (rows["faces"] > 0)]
    colour, marker = look(model)
    groups = rows.drop_duplicates("group")
    gaps = (groups["by"] != groups["by"].shift()).cumsum() - 1
    place = dict(zip(groups["group"], np.arange(len(groups)) + 0.6 * gaps, strict=True))
    figure, axes = panels(1, len(tasks), height=1.4 + 0.25 * len(groups), sharey=True)
    said = []
    for axis, task in zip(axes, tasks, strict=True):
        part = rows[rows["task"] == task]
        whole = table.loc[(model, task, "all")]
        axis.axvline(whole["accuracy"], color=GREY, lw=1, label="all faces")
        for group in part.itertuples():
            apart = not group.low <= whole["accuracy"] <= group.high
            spread = [[group.accuracy - group.low], [group.high - group.accuracy]]
            shape = {"color": colour, "mfc": colour if apart else "white", "ms": 5}
            axis.errorbar(group.accuracy, place[group.group], xerr=spread, fmt=marker, **shape)
        several = part[part["by"] != task]
        shape = {"marker": "|", "s": 90, "color": WARNING}
        label = "the group's most frequent label, always"
        axis.scatter(several["most frequent"], several["group"].map(place), **shape, label=label)
        axis.set(xlabel=f"{task} accuracy (%)", xlim=(-3, 103))
        axis.grid(axis="y", visible=False)
        right = part.set_index("group")["accuracy"].round()
        said.append(
            f"{task}: {whole['accuracy']:.1f} % of {whole['faces']:,.0f} faces; lowest "
            f"{right.idxmin()} ({right.min():g} %), highest {right.idxmax()} ({right.max():g} %)"
        )
    words = [f"{row.group.removeprefix('race ')}, n {row.faces:,}" for row in groups.itertuples()]
    axes[0].set(yticks=list(place.values()), yticklabels=words)
    axes[0].set_title(f"{model} network", color=colour)
    axes[0].set_ylim(max(place.values(), default=0) + 0.6, -0.6)
    for fill, label in ((colour, "interval misses the line"), ("white", "interval crosses it")):
        axes[0].plot([], [], marker, color=colour, mfc=fill, label=label)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return described(figure, f"Accuracy of {model} by group", *said)


@style()
def recall(table: pd.DataFrame) -> Figure:
    """Share of each age that is right, a mark a network, with 95 % intervals. ``table`` as of
    ``tables.classes``. Ages are groups, and no line joins them."""
    figure, (axis,) = panels(1, 1, height=3.4)
    ages = table.xs("age", level="task")
    models = ages.index.get_level_values("model").unique()
    words = []
    for number, model in enumerate(models):
        colour, marker = look(model)
        part = ages.loc[model].reindex(LABELS["age"])
        right = part["recall"]
        places = np.arange(len(part)) + 0.2 * (number - (len(models) - 1) / 2)
        shape = {"fmt": marker, "ms": 5, "capsize": 0, "color": colour, "label": model}
        axis.errorbar(places, right, yerr=[right - part["low"], part["high"] - right], **shape)
        words.append(
            f"{model}: most {right.idxmax()} ({right.max():.0f} %), least {right.idxmin()} "
            f"({right.min():.0f} %)"
        )
    faces = ages.groupby(level="label")["faces"].max().reindex(LABELS["age"])
    labels = [f"{age}\nn {count:,.0f}" for age, count in faces.items()]
    axis.set(xticks=range(len(labels)), xticklabels=labels, ylim=(-3, 103))
    axis.set(xlabel="true age in years", ylabel="right (%)")
    axis.grid(axis="x", visible=False)
    figure.legend(loc="outside upper left", ncols=len(models))
    return described(figure, f"Share of each age that is right, {faces.sum():,.0f} faces", *words)


@style()
def accuracy_against_work(table: pd.DataFrame) -> Figure:
    """What a network reaches against the arithmetic of one of its trainings: a line from the best
    epoch to the last one run. Levi & Hassner's networks have a hollow mark under their own recipe.
    ``table`` as of ``tables.cost``."""
    figure, axes = panels(2, 1, height=4.8, sharex=True)
    said = []
    for axis, task in zip(axes, LABELS, strict=True):
        part = table.dropna(subset=[task]) if task in table else table.iloc[:0]
        for name, row in part.iterrows():
            colour, marker = look(str(name))
            words = str(name).replace(f"levi_hassner_{task}", "Levi & Hassner")
            of_one = row["million multiply-adds, training"]
            ends = row[["faces seen to best", "faces seen"]] * of_one / 1e6
            fill = "white" if words.endswith("own recipe") else colour
            axis.plot(ends, [row[task]] * 2, color=colour)
            axis.plot(ends.iloc[1], row[task], marker, color=colour, mfc=fill)
            beside(axis, words, (ends.iloc[1], row[task]))
            said.append(f"{task}, {words}: {row[task]:.1f} % for {ends.iloc[1]:.0f}")
        axis.set(ylabel=f"{task} accuracy (%)", xscale="log")
        axis.margins(x=0.1, y=0.2)
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_formatter(NullFormatter())
    axes[0].set_xlim(right=2.4 * axes[0].get_xlim()[1])  # for the words beside the last mark
    axes[-1].set_xlabel("multiply-adds of a training, forward and backward ($10^{12}$, log scale)")
    return described(figure, "Accuracy against the 10^12 multiply-adds of a training", *said)


@style()
def attention(found: Attention, faces: pd.DataFrame, network: str, task: str) -> Figure:
    """Grad-CAM of ``network``: each face, and below it the heat that speaks for the answer given.
    ``found``: of ``faces``, a row a face with its true labels."""
    count = len(faces)
    figure, axes = panels(2, count, height=0.55 + 13 / count)
    words = []
    for place, truth in enumerate(faces[task]):
        given, true = LABELS[task][found.answers[place]], LABELS[task][truth]
        right = given == true
        above, below = axes[place], axes[count + place]
        above.imshow(found.crops[place])
        below.imshow(found.crops[place])
        below.imshow(found.heat[place], cmap="inferno", alpha=0.55, vmin=0, vmax=1)
        title = f"is {true}" if right else f"is {true}\nsaid {given}"
        above.set_title(title, fontsize=8, loc="center", color=GREY if right else WARNING)
        words.append(f"{true} right" if right else f"{true} taken for {given}")
    for axis in axes:
        axis.set_axis_off()
    return described(
        figure, f"Where {network} looks for the {task} of {count} faces: {', '.join(words)}"
    )
