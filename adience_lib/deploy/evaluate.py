"""How good a trained network is on labelled faces of any source that it was not trained on.

The intervals are of faces, whole subjects at a time: how much another training of the same network
would differ cannot be told from one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import data, models
from adience_lib.data import Dataset, cache, loader, sources
from adience_lib.data.labels import LABELS, MISSING
from adience_lib.evidence import contrast, metrics, quality
from adience_lib.runs.folder import network_file, predictions_table
from adience_lib.runs.read import Runs, load_network, read_runs
from adience_lib.training import predict
from adience_lib.util import atomic
from adience_lib.util.errors import AdienceError

FEW = 30
"""Subjects; fewer have the interval of ``quality.share``: Student's t would leave 0 to 100 %."""

TRAINED, CHOSE, OUTSIDE = "trained on", "on which its epoch was chosen", "not in its sample"
"""Why a face of the run's own dataset is not scored."""

FIGURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class Evaluation:
    """``predictions``: a row a scored face (``folder.predictions_table``), ``MISSING`` where the
    source gives no label. ``left_out``: how many faces are not scored, by reason. ``network`` and
    ``source``: what was scored on what, in words. ``notes``: what to know about it."""

    predictions: pd.DataFrame
    tasks: tuple[str, ...]
    left_out: dict[str, int]
    network: str
    source: str
    notes: tuple[str, ...]

    def by_task(self) -> dict[str, pd.DataFrame]:
        """The predictions of faces whose label is known, for each task that has any."""
        known = {task: sources.with_labels(self.predictions, [task]) for task in self.tasks}
        return {task: predictions for task, predictions in known.items() if len(predictions)}


def evaluate(
    model: str | Path, source: str | Path, *, fold: int | None = None, allow_missing: bool = False
) -> Evaluation:
    """Score the network of a run (its folder, or ``best.keras`` of it) on those faces of
    ``source``, or of its ``fold``, that it was not trained on.

    Where the source is the one of the run, by its fingerprint, the run's own split says which
    faces trained it or chose its epoch, and its test fold gives the numbers of its record. Raises
    AdienceError: no such run, no such source, or no face that is left.
    """
    folder = network_file(model).parent
    runs = read_runs([folder])
    network = load_network(folder)
    dataset = _load(source, runs, allow_missing)
    faces = dataset.labelled()
    asked = (faces[list(runs.tasks)] != MISSING).any(axis=1)
    if fold is not None:
        asked &= faces["fold"] == fold
    faces, reason = faces[asked], use(dataset, runs)[asked]
    left_out = reason[reason != ""].value_counts().to_dict()
    scored = faces[reason == ""]
    if scored.empty:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
        raise AdienceError(
            f"{source}: none of its {len(faces):,} faces can be scored ({reasons or 'no labels'}); "
            "give faces that the network has not seen"
        )
    batches = loader.Batches(cache.images(dataset), scored, runs.tasks, runs.protocol.batch_size)
    return Evaluation(
        predictions_table(scored, predict(network, batches)),
        runs.tasks,
        left_out,
        f"{runs.title}, fold {runs.folds[0]}",
        f"{dataset.name} in {dataset.root}",
        tuple(_notes(dataset, runs, scored)),
    )


def _load(source: str | Path, runs: Runs, allow_missing: bool) -> Dataset:
    """The run's own dataset where ``source`` is that, with repeated rows or without them."""
    load = partial(data.load, source, allow_missing=allow_missing, seed=runs.protocol.seed)
    dataset = load()
    if dataset.fingerprint == runs.fingerprint:
        return dataset
    other = load(drop_repeats=True)
    return other if other.fingerprint == runs.fingerprint else dataset


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


def _notes(dataset: Dataset, runs: Runs, scored: pd.DataFrame) -> Iterator[str]:
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
    for task in runs.tasks:
        if (scored[task] == MISSING).all():
            yield f"no face has a label of its {task}"


def measures(predictions: pd.DataFrame, task: str) -> pd.DataFrame:
    """``percent``, and ``low`` to ``high``, 95 %, of "accuracy"; for age of "one-off", the label or
    a neighbour of it; of "macro recall", the mean of the labels' shares that are right, with NaN
    where a label has faces of one subject only."""
    truth, subject = predictions[task].to_numpy(), predictions["subject"]
    distance = np.abs(metrics.predicted(predictions, task) - truth)
    rows = {"accuracy": _measured(distance == 0, subject)}
    if task == "age":
        rows["one-off"] = _measured(distance <= 1, subject)
    rows["macro recall"] = _measured(distance == 0, subject, truth)
    return pd.DataFrame.from_dict(rows, orient="index")


def groups(predictions: pd.DataFrame, task: str) -> pd.DataFrame:
    """Accuracy by gender, age, both, and race where it is given, a row a group that has faces:
    ``by``, ``faces``, ``subjects``, ``percent``, and ``low`` to ``high``, 95 %."""
    hits, subject = metrics.correct(predictions, task), predictions["subject"]
    rows = {
        words: {
            "by": by,
            "faces": mask.sum(),
            "subjects": subject[mask].nunique(),
            **_measured(hits[mask], subject[mask]),
        }
        for by, words, mask in quality.divisions(predictions)
        if mask.any()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")


def _measured(
    hits: np.ndarray, subject: pd.Series, part: np.ndarray | None = None
) -> dict[str, float]:
    """The mean over each ``part``'s share of ``hits``, and its interval over ``subject``."""
    parts = np.zeros(len(hits)) if part is None else part
    try:
        low, high = contrast.faces_alone(hits, parts, subject.to_numpy()).interval()
    except AdienceError:  # a part with one subject
        low, high = np.nan, np.nan
    if part is None and subject.nunique() < FEW:
        small = quality.share(hits.astype("float64"), subject)
        low, high = small.low, small.high
    percent = 100 * pd.Series(hits).groupby(parts).mean().mean()
    return {"percent": percent, "low": max(low, 0.0), "high": min(high, 100.0)}


def lines(found: Evaluation) -> list[str]:
    """The evaluation for the eye."""
    scored = found.predictions
    said = [
        f"{found.network}, on {found.source}: {len(scored):,} faces of "
        f"{scored['subject'].nunique():,} subjects",
        *(f"left out: {count:,} faces {reason}" for reason, count in found.left_out.items()),
        *(f"note: {note}" for note in found.notes),
    ]
    for task, predictions in found.by_task().items():
        for table in (measures(predictions, task), groups(predictions, task).drop(columns="by")):
            rows = table.to_string(float_format="{:.1f}".format)
            said += ["", f"{task}, percent with 95 % intervals", rows]
        said += ["", metrics.confusion(predictions, task).to_string()]
    return said


def as_json(found: Evaluation) -> dict[str, Any]:
    """What ``--json`` prints: the same as ``lines``; null where an interval cannot be told."""
    return {
        "network": found.network,
        "source": found.source,
        "faces": len(found.predictions),
        "subjects": found.predictions["subject"].nunique(),
        "left_out": found.left_out,
        "notes": found.notes,
        "tasks": {
            task: {
                "faces": len(predictions),
                "measures": _records(measures(predictions, task)),
                "groups": _records(groups(predictions, task)),
                "labels": LABELS[task],
                "confusion": metrics.confusion(predictions, task).to_numpy().tolist(),
            }
            for task, predictions in found.by_task().items()
        },
    }


def _records(table: pd.DataFrame) -> dict[Any, Any]:
    return table.astype(object).where(table.notna(), None).to_dict("index")


def draw(found: Evaluation, file: Path) -> None:
    """Write a figure, a row a task: the confusion in percent of each label, accuracy by group. PNG,
    PDF or SVG, by the ending of ``file``. Raises AdienceError if it cannot be written."""
    import matplotlib.style
    from matplotlib.figure import Figure

    kind = file.suffix.lower()
    if kind not in FIGURES:
        raise AdienceError(f"{file}: a figure is one of {', '.join(FIGURES)}")
    tasks = found.by_task()
    with matplotlib.style.context("default", after_reset=True), atomic.writing(file):
        figure = Figure(figsize=(11, 4.5 * len(tasks)), layout="constrained")
        axes = figure.subplots(len(tasks), 2, squeeze=False)
        for (left, right), (task, predictions) in zip(axes, tasks.items(), strict=True):
            _draw_row(left, right, predictions, task)
        figure.suptitle(f"{found.network}, on {found.source}", fontsize=9)
        atomic.write_file(file, lambda opened: figure.savefig(opened, format=kind[1:]))


def _draw_row(left: Any, right: Any, predictions: pd.DataFrame, task: str) -> None:
    import seaborn as sns

    counts = metrics.confusion(predictions, task)
    shares = 100 * counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
    sns.heatmap(shares, vmin=0, vmax=100, cmap="Blues", annot=True, fmt=".0f", cbar=False, ax=left)
    left.set(title=f"{task}: percent of each true label", xlabel="answer", ylabel="truth")
    table = groups(predictions, task).query("by != 'gender and age'")
    value, names = table["percent"], table.index + " (" + table["faces"].astype(str) + ")"
    reach = [(value - table["low"]).clip(lower=0), (table["high"] - value).clip(lower=0)]
    right.errorbar(value, names, xerr=reach, fmt="o", color="#0072B2", ecolor="grey", capsize=3)
    right.invert_yaxis()
    right.set(title=f"{task}: accuracy by group (faces)", xlabel="percent, 95 %", xlim=(0, 100))
