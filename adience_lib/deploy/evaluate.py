"""How good a trained network is on labelled faces of any source that it was not trained on.

The intervals are of faces, whole subjects at a time: how much another training of the same network
would differ cannot be told from one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import data, models
from adience_lib.data import Dataset, cache, loader
from adience_lib.data.labels import LABELS, MISSING
from adience_lib.data.loader import Batches
from adience_lib.evidence import contrast, metrics, quality
from adience_lib.runs.folder import network_file, predictions_table
from adience_lib.runs.read import Runs, load_network, read_runs
from adience_lib.training import predict
from adience_lib.util import atomic
from adience_lib.util.errors import AdienceError

FEW = 30
"""Subjects; a group of fewer has the interval of ``quality.share``, where Student's t would leave
0 to 100 %."""


@dataclass(frozen=True)
class Evaluation:
    """``predictions``: a row a scored face, as of ``folder.predictions_table``; a label that the
    source does not give is ``MISSING``. ``left_out``: faces that are not scored, by reason.
    ``network`` and ``source``: what was scored on what, in words. ``notes``: what to know about it.
    """

    predictions: pd.DataFrame
    tasks: tuple[str, ...]
    left_out: dict[str, int]
    network: str
    source: str
    notes: tuple[str, ...]

    def labelled(self, task: str) -> pd.DataFrame:
        """The predictions of faces whose label of ``task`` is known."""
        return self.predictions[self.predictions[task] != MISSING]


def evaluate(
    model: str | Path, source: str | Path, *, fold: int | None = None, allow_missing: bool = False
) -> Evaluation:
    """Score the network of a run on the faces of ``source`` that it was not trained on.

    ``model``: a run folder, or ``best.keras`` of one. ``fold``: those faces of ``source`` only.
    Where the source is the one of the run, by its fingerprint, the run's own split says which
    faces trained it or chose its epoch, and its test fold gives the numbers of its record.

    Raises AdienceError: no such run, no such source, or no face that is left.
    """
    folder = network_file(model).parent
    runs = read_runs([folder])
    network = load_network(folder)
    dataset = _load(source, runs, allow_missing)
    faces = dataset.labelled()
    known = (faces[list(runs.tasks)] != MISSING).any(axis=1)
    faces = faces[known] if fold is None else faces[known & (faces["fold"] == fold)]
    reason = use(dataset, runs).reindex(faces.index)
    left_out = reason[reason != ""].value_counts().to_dict()
    scored = faces[reason == ""]
    if scored.empty:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
        raise AdienceError(
            f"{source}: none of its {len(faces):,} faces can be scored ({reasons or 'no labels'}); "
            "give faces that the network has not seen"
        )
    batches = Batches(cache.images(dataset), scored, runs.tasks, runs.protocol.batch_size)
    return Evaluation(
        predictions_table(scored, predict(network, batches)),
        runs.tasks,
        left_out,
        f"{runs.title}, fold {runs.folds[0]}",
        f"{dataset.name} in {dataset.root}",
        tuple(_notes(dataset, runs)),
    )


def _load(source: str | Path, runs: Runs, allow_missing: bool) -> Dataset:
    """The run's own dataset where ``source`` is that, with repeated rows or without them."""
    seed = runs.protocol.seed
    dataset = data.load(source, allow_missing=allow_missing, seed=seed)
    if dataset.fingerprint == runs.fingerprint:
        return dataset
    other = data.load(source, allow_missing=allow_missing, drop_repeats=True, seed=seed)
    return other if other.fingerprint == runs.fingerprint else dataset


TRAINED, CHOSE, OUTSIDE = "trained on", "on which its epoch was chosen", "not in its sample"
"""Why a face of the run's own dataset is not scored."""


def use(dataset: Dataset, runs: Runs) -> pd.Series:
    """Why a face is not scored, by its row; "" for one that is."""
    faces, protocol = dataset.labelled(), runs.protocol
    if dataset.fingerprint != runs.fingerprint:
        return pd.Series("", index=faces.index)
    used = dataset.labelled(models.tasks(runs.model))
    sample = loader.sample(used, protocol.faces, protocol.seed)
    split = loader.split(sample, runs.folds[0], protocol.monitor, protocol.seed)
    found = pd.Series(OUTSIDE, index=faces.index)
    for rows, reason in ((split.train, TRAINED), (split.monitored, CHOSE), (split.test, "")):
        found[rows] = reason
    return found


def _notes(dataset: Dataset, runs: Runs) -> Iterator[str]:
    yield "intervals are of the faces alone: another training of the network would differ, too"
    if dataset.fingerprint != runs.fingerprint:
        yield (
            "not the dataset that it was trained on; faces that stand in both cannot be told and "
            "would make the numbers too good"
        )
    elif runs.protocol.monitor == "test_fold":
        yield "its epoch was chosen on these faces, so the numbers may be too good"
    if dataset.is_demo:
        yield "the faces are drawings: the numbers say nothing about people"


def measures(predictions: pd.DataFrame, task: str) -> pd.DataFrame:
    """A row a measure over all of ``predictions``: ``percent``, and ``low`` to ``high``, 95 %.

    "accuracy"; for age "one-off", the label or a neighbour of it; "macro recall", the mean of the
    labels' shares that are right. NaN where a label has faces of one subject only.
    """
    truth = predictions[task].to_numpy()
    distance = np.abs(metrics.predicted(predictions, task) - truth)
    rows = {"accuracy": _measured(distance == 0, predictions["subject"])}
    if task == "age":
        rows["one-off"] = _measured(distance <= 1, predictions["subject"])
    # With the labels in place of folds, each weighs alike.
    recall = 100 * float(pd.Series(distance == 0).groupby(truth).mean().mean())
    low, high = _ends(distance == 0, predictions["subject"], truth)
    rows["macro recall"] = {"percent": recall, "low": low, "high": high}
    return pd.DataFrame.from_dict(rows, orient="index")


def groups(predictions: pd.DataFrame, task: str) -> pd.DataFrame:
    """Accuracy by gender, age, both, and race where the source gives it, a row a group.

    ``by``, ``faces``, ``subjects``, ``percent``, and ``low`` to ``high``, 95 %. Groups without
    faces are left out.
    """
    hits = metrics.correct(predictions, task)
    rows = {
        words: {
            "by": by,
            "faces": int(mask.sum()),
            "subjects": predictions["subject"][mask].nunique(),
            **_measured(hits[mask], predictions["subject"][mask]),
        }
        for by, masks in quality.divisions(predictions).items()
        for words, mask in masks.items()
        if mask.any()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def _measured(hits: np.ndarray, subject: pd.Series) -> dict[str, float]:
    """``percent`` of ``hits``, with the ends of its interval over ``subject``."""
    low, high = _ends(hits, subject, np.zeros(len(hits)))
    if subject.nunique() < FEW:
        small = quality.share(hits.astype("float64"), subject)
        low, high = small.low, small.high
    return {"percent": 100 * float(hits.mean()), "low": low, "high": high}


def _ends(hits: np.ndarray, subject: pd.Series, part: np.ndarray) -> tuple[float, float]:
    """The interval of the mean over each ``part``'s share of ``hits``; NaN where there is none."""
    try:
        low, high = contrast.faces_alone(hits, part, subject.to_numpy()).interval()
    except AdienceError:  # a part with one subject
        return np.nan, np.nan
    return max(low, 0.0), min(high, 100.0)


def lines(found: Evaluation) -> list[str]:
    """The evaluation for the eye."""
    scored = found.predictions
    said = [
        f"{found.network}, on {found.source}: {len(scored):,} faces of "
        f"{scored['subject'].nunique():,} subjects",
        *(f"left out: {count:,} faces {reason}" for reason, count in found.left_out.items()),
        *(f"note: {note}" for note in found.notes),
    ]
    for task in found.tasks:
        predictions = found.labelled(task)
        if predictions.empty:
            said.append(f"\n{task}: no face has a label")
            continue
        by_group = groups(predictions, task).drop(columns="by")
        for table in (measures(predictions, task), by_group):
            rows = table.to_string(float_format="{:.1f}".format).splitlines()
            said += ["", f"{task}, percent with 95 % intervals", *rows]
        said += ["", *metrics.confusion(predictions, task).to_string().splitlines()]
    return said


def as_json(found: Evaluation) -> dict[str, Any]:
    """What ``--json`` prints: the same as ``lines``; null where an interval cannot be told."""
    tasks = {}
    for task in found.tasks:
        predictions = found.labelled(task)
        if len(predictions):
            tasks[task] = {
                "faces": len(predictions),
                "measures": _records(measures(predictions, task)),
                "groups": _records(groups(predictions, task)),
                "labels": list(LABELS[task]),
                "confusion": metrics.confusion(predictions, task).to_numpy().tolist(),
            }
    scored = found.predictions
    return {
        "network": found.network,
        "source": found.source,
        "faces": len(scored),
        "subjects": scored["subject"].nunique(),
        "left_out": found.left_out,
        "notes": list(found.notes),
        "tasks": tasks,
    }


def _records(table: pd.DataFrame) -> dict[str, Any]:
    rows = table.astype(object).where(table.notna(), None).to_dict("index")
    return {str(name): row for name, row in rows.items()}


def draw(found: Evaluation, file: Path) -> None:
    """Write a figure, a row a task: the confusion in percent of each label, accuracy by group.

    PNG, PDF or SVG, by the ending of ``file``. Raises AdienceError if it cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    if file.suffix.lower() not in FIGURES:
        raise AdienceError(f"{file}: a figure is one of {', '.join(FIGURES)}")
    tasks = [task for task in found.tasks if len(found.labelled(task))]
    with mpl.rc_context(), atomic.writing(file):
        mpl.rcdefaults()
        figure = Figure(figsize=(11, 4.5 * len(tasks)), layout="constrained")
        axes = figure.subplots(len(tasks), 2, squeeze=False)
        for (left, right), task in zip(axes, tasks, strict=True):
            _draw_confusion(left, found.labelled(task), task)
            _draw_groups(right, found.labelled(task), task)
        figure.suptitle(f"{found.network}, on {found.source}", fontsize=9)
        kind = file.suffix.lower().removeprefix(".")
        atomic.write_file(file, lambda opened: figure.savefig(opened, format=kind))


FIGURES = (".png", ".pdf", ".svg")


def _draw_confusion(axis: Any, predictions: pd.DataFrame, task: str) -> None:
    counts = metrics.confusion(predictions, task)
    shares = 100 * counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=100)
    for (row, column), share in np.ndenumerate(shares.to_numpy()):
        colour = "white" if share > 50 else "black"
        axis.text(column, row, f"{share:.0f}", ha="center", va="center", color=colour, fontsize=8)
    labels = LABELS[task]
    axis.set_xticks(range(len(labels)), labels, rotation=45, fontsize=8)
    axis.set_yticks(range(len(labels)), labels, fontsize=8)
    axis.set(title=f"{task}: percent of each true label", xlabel="answer", ylabel="truth")


def _draw_groups(axis: Any, predictions: pd.DataFrame, task: str) -> None:
    table = groups(predictions, task)
    table = table[table["by"] != "gender and age"]
    places, value = range(len(table)), table["percent"]
    reach = [(value - table["low"]).clip(lower=0), (table["high"] - value).clip(lower=0)]
    axis.errorbar(value, places, xerr=reach, fmt="o", color="#0072B2", ecolor="grey", capsize=3)
    names = [f"{row.Index} ({row.faces})" for row in table.itertuples()]
    axis.set_yticks(places, names, fontsize=8)
    axis.invert_yaxis()
    axis.set(title=f"{task}: accuracy by group (faces)", xlabel="percent, 95 %", xlim=(0, 100))
