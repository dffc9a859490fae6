"""Shows a figure or a table in a notebook and keeps it as a file."""

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from adience_lib import figures
from adience_lib.errors import AdienceError
from adience_lib.evaluation import Runs, fold_scores
from adience_lib.experiment import Experiment


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
    display(figure)
    plt.close(figure)


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
    scores = fold_scores(runs).set_index("fold").round(1)
    # The kept file has no times, so that equal runs leave equal files.
    keep(experiment, scores.drop(columns="seconds"), f"{name}_folds")
    return scores
