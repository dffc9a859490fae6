"""The trainings on real faces that the report stands on, read from their committed records."""

from pathlib import Path

from adience_lib.evidence import metrics
from adience_lib.experiments import records
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import NOTEBOOK_OF, Results, find_runs
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

RECORDS = Path("utkface", records.FOLDER)
"""Where the records lie in a folder of figures."""


def read(figures: Path = paths.COMMITTED) -> tuple[Experiment, Results]:
    """What was asked for, and what was found. Needs neither faces nor networks.

    Raises AdienceError if the records cannot be read, or a single one of them.
    """
    recorded = records.read(figures / RECORDS)
    found = find_runs(recorded)
    if found.unreadable:
        raise AdienceError("; ".join(found.unreadable))
    return recorded, found


def in_words(recorded: Experiment, found: Results) -> str:
    """How many faces, of what, and how often each network of Table 3 was trained on each fold."""
    trainings = [
        f"{name} {metrics.fold_scores(found.finished[name])['trainings'].min()}"
        for name in NOTEBOOK_OF
        if name in found.finished
    ]
    rates = metrics.majority_rates(recorded.faces, list(recorded.folds))
    return (
        f"**{recorded.caption}.** Of {len(recorded.dataset.faces):,} faces in the eight age labels "
        f"{len(recorded.faces):,} were drawn. Trainings of each of {len(recorded.folds)} folds: "
        f"{', '.join(trainings)}. Always giving the most frequent label is right of "
        f"{rates['gender']:.1f} % on gender and of {rates['age']:.1f} % on age."
    )
