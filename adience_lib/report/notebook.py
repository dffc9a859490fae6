"""Shows a figure or a table in a notebook and keeps it as a file."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.display import Image, display
from matplotlib.figure import Figure

from adience_lib.data.labels import LABELS
from adience_lib.evidence import metrics
from adience_lib.evidence.grad_cam import grad_cam
from adience_lib.evidence.quality import fold_intervals
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import Results
from adience_lib.report import figures, further_figures, style
from adience_lib.runs.read import Runs, load_network, read_runs
from adience_lib.util import atomic


def show(experiment: Experiment, figure: Figure, name: str) -> None:
    """Show ``figure`` as ``write`` leaves it."""
    png, words = write(experiment, figure, name)
    display(Image(png, alt=words))


def write(experiment: Experiment, figure: Figure, name: str) -> tuple[Path, str]:
    """Write ``figure``, signed with its data and protocol, as ``<name>.png`` and ``<name>.svg``.
    Gives the first, and the words that stand for it where it is not seen.

    Pictures of faces have no SVG, which would hold the same dots. Equal figures are equal files.
    """
    words = f"{figure.get_label()} {experiment.caption}."
    png, svg = (experiment.figures_dir / f"{name}.{kind}" for kind in ("png", "svg"))
    with atomic.writing(png), style.style():
        style.sign(figure, experiment.caption)
        figure.savefig(png, metadata={"Software": None, "Description": words})
        if not any(axis.images for axis in figure.axes):
            about = {"Date": None, "Creator": None, "Description": words}
            figure.savefig(svg, metadata=about)
    return png, words


def show_recorded(recorded: Experiment, figure: Figure) -> None:
    """Show a figure of the committed records (``report.study``), as ``show`` does, unwritten."""
    show_signed(figure, recorded.caption)


def show_signed(figure: Figure, caption: str) -> None:
    """Show ``figure`` with ``caption`` below it; nothing is written."""
    picture = io.BytesIO()
    with style.style():
        style.sign(figure, caption)
        figure.savefig(picture, format="png")
    display(Image(picture.getvalue(), alt=f"{figure.get_label()} {caption}."))


def show_if_any(
    experiment: Experiment, table: pd.DataFrame, draw: Callable[..., Figure], name: str, *more: Any
) -> None:
    """Show ``draw(table, *more)`` unless nothing has been trained for ``table``, which is empty."""
    if not table.empty:
        show(experiment, draw(table, *more), name)


def show_attention(experiment: Experiment, model_name: str, task: str) -> None:
    """Show what the network of the first fold looks at (Grad-CAM), on at most four test faces that
    it got right and four that it did not, drawn with the protocol's seed."""
    folder = experiment.folder(model_name, experiment.folds[0])
    tested, seed = read_runs([folder]).predictions, experiment.protocol.seed
    right = metrics.correct(tested, task)
    faces = pd.concat(
        [tested[some].sample(min(4, some.sum()), random_state=seed) for some in (right, ~right)]
    )
    # An exact repeat of a row names the same image.
    distinct = experiment.dataset.faces.drop_duplicates("path")
    row_of = pd.Series(distinct.index, distinct["path"])
    images = experiment.images[row_of[faces["face"]].to_numpy()]
    found = grad_cam(load_network(folder), images, task)
    figure = further_figures.attention(found, faces, model_name, task)
    show(experiment, figure, f"grad_cam_{model_name}_{task}")


def show_confusions(experiment: Experiment, results: Results) -> None:
    """Show the confusion matrices of each task, and keep those of every finished network."""
    for task in LABELS:
        networks = {name: runs for name, runs in results.finished.items() if task in runs.tasks}
        for name, runs in networks.items():
            keep(experiment, metrics.confusion(runs.predictions, task), f"confusion_{name}_{task}")
        if networks:
            show(experiment, figures.confusion_matrices(networks, task), f"confusion_{task}")


def keep(experiment: Experiment, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Write ``table`` as ``<name>.csv`` beside the figures, and give it back to be shown."""
    file = experiment.figures_dir / f"{name}.csv"
    with atomic.writing(file):
        table.to_csv(file, lineterminator="\n", float_format="%.6g")
    return table


def show_runs(experiment: Experiment, runs: Runs, name: str) -> pd.DataFrame:
    """Show a network's learning curves, and give the table of its folds' scores."""
    show(experiment, figures.learning_curves(runs), name)
    scores = fold_intervals(runs).round(1)
    # The kept file has no times, so that equal runs leave equal files.
    keep(experiment, scores.drop(columns="seconds"), f"{name}_folds")
    return scores
