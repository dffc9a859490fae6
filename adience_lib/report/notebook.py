"""Shows a figure or a table in a notebook and keeps it as a file."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from adience_lib.evidence import metrics
from adience_lib.evidence.grad_cam import Attention, grad_cam
from adience_lib.evidence.metrics import confusion
from adience_lib.evidence.quality import fold_intervals
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import Results
from adience_lib.report import figures, further_figures, style
from adience_lib.runs.folder import run_folder
from adience_lib.runs.read import Runs, load_network, read_runs
from adience_lib.util.errors import AdienceError

style.settle()


def show(experiment: Experiment, figure: Figure, name: str) -> None:
    """Show ``figure``, marked with its data and protocol, and write ``<name>.png``."""
    figures.mark(figure, experiment.caption)
    file = experiment.figures_dir / f"{name}.png"
    try:
        experiment.figures_dir.mkdir(parents=True, exist_ok=True)
        # Without the date and the software's version, equal figures are equal files.
        figure.savefig(
            file, dpi=figures.DOTS_AN_INCH, bbox_inches="tight", metadata={"Software": None}
        )
    except OSError as error:
        raise AdienceError(f"{file}: cannot be written ({error.strerror or error})") from error
    style.show(figure)
    plt.close(figure)


def show_recorded(recorded: Experiment, figure: Figure) -> None:
    """Show a figure of the committed records (``report.study``). Nothing is written."""
    figures.mark(figure, recorded.caption)
    display(figure)
    plt.close(figure)


def show_if_any(
    experiment: Experiment, table: pd.DataFrame, draw: Callable[[pd.DataFrame], Figure], name: str
) -> None:
    """Show ``draw(table)`` unless the table is empty, because nothing has been trained for it."""
    if not table.empty:
        show(experiment, draw(table), name)


def show_intervals(
    experiment: Experiment, table: pd.DataFrame, columns: list[str], name: str
) -> None:
    """Show accuracies with their intervals, a dot for each row that ``columns`` name."""
    show_if_any(experiment, table, lambda rows: further_figures.intervals(rows, columns), name)


def show_attention(experiment: Experiment, model_name: str, task: str) -> None:
    """Show what a trained network looks at, on faces that it got right and on some it did not."""
    found, faces = attention(experiment, model_name, task)
    figure = further_figures.attention(found, faces, model_name, task)
    show(experiment, figure, f"grad_cam_{model_name}_{task}")


def show_confusions(experiment: Experiment, results: Results) -> None:
    """Show and keep the confusion matrices of every finished network and task."""
    for runs in results.finished.values():
        for task in runs.tasks:
            name = f"confusion_{runs.model}_{task}"
            keep(experiment, confusion(runs.predictions, task), name)
            show(experiment, figures.confusion_matrix(runs, task), name)


def keep(experiment: Experiment, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Write ``table`` as ``<name>.csv`` beside the figures, and give it back to be shown."""
    file = experiment.figures_dir / f"{name}.csv"
    try:
        experiment.figures_dir.mkdir(parents=True, exist_ok=True)
        table.to_csv(file, lineterminator="\n", float_format="%.6g")
    except OSError as error:
        raise AdienceError(f"{file}: cannot be written ({error.strerror or error})") from error
    return table


def show_runs(experiment: Experiment, runs: Runs, name: str) -> pd.DataFrame:
    """Show a network's learning curves, and give the table of its folds' scores."""
    show(experiment, figures.learning_curves(runs), name)
    scores = fold_intervals(runs).round(1)
    # The kept file has no times, so that equal runs leave equal files.
    keep(experiment, scores.drop(columns="seconds"), f"{name}_folds")
    return scores


def attention(
    experiment: Experiment, model_name: str, task: str, each: int = 4
) -> tuple[Attention, pd.DataFrame]:
    """Grad-CAM of test faces that a network of the first fold got right, then of some it did not.

    ``each``: how many of both there are at most, drawn with the protocol's seed. Also gives their
    predictions, a row a face.
    """
    fold = experiment.folds[0]
    folder = run_folder(
        experiment.runs_dir, experiment.dataset, model_name, experiment.protocol, fold
    )
    tested = read_runs([folder]).predictions
    right = metrics.correct(tested, task)
    drawn = pd.concat(
        [
            tested[chosen].sample(min(each, chosen.sum()), random_state=experiment.protocol.seed)
            for chosen in (right, ~right)
        ]
    )
    # An exact repeat of a row names the same image.
    distinct = experiment.dataset.faces.drop_duplicates("path")
    row_of = pd.Series(distinct.index, distinct["path"])
    images = experiment.images[row_of[drawn["face"]].to_numpy()]
    network = load_network(folder)
    return grad_cam(network, images, task), drawn
