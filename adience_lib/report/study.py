"""The trainings on real faces that the report stands on, read from their committed records."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from adience_lib import models
from adience_lib.data.labels import AGE_LABELS, LABELS
from adience_lib.evidence import claims, metrics, quality
from adience_lib.experiments import records
from adience_lib.experiments import study as planned
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.results import NOTEBOOK_OF, Results, find_runs, finished_sweep
from adience_lib.models.summary import architecture_table
from adience_lib.report import figures, forest, further_figures, notebook, tables
from adience_lib.report.discrepancies import discrepancies
from adience_lib.runs.read import Runs
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError

RECORDS = Path("utkface", planned.FOLDER, records.FOLDER)
"""Where the records lie in a folder of figures."""


def read(figures: Path = paths.COMMITTED) -> tuple[Experiment, Results]:
    """What was asked for, and what was found, of the records in a folder of figures. Needs neither
    faces nor networks. Raises AdienceError if they cannot be read, or a single one of them."""
    recorded = records.read(figures / RECORDS)
    found = find_runs(recorded)
    if found.unreadable:
        raise AdienceError("; ".join(found.unreadable))
    return recorded, found


def frozen_xception() -> dict[int, tuple[Experiment, Runs]]:
    """A linear model on frozen Xception, the related work's way, by the number of faces: those of
    the larger study, and all. Raises AdienceError if its records are not there or unreadable."""
    larger = records.read(paths.COMMITTED / RECORDS)
    asked = [larger, *planned.on_all_faces(larger)]
    return {len(one.faces): (one, find_runs(one).main("xception")) for one in asked}


def chance(recorded: Experiment) -> dict[str, float]:
    """Percent right of each task by always giving the most frequent label."""
    return metrics.majority_rates(recorded.faces, list(recorded.folds))


def in_words(recorded: Experiment, found: Results) -> str:
    """How many faces, of what, and how often each network of Table 3 was trained on each fold."""
    trained = [(name, found.finished[name]) for name in NOTEBOOK_OF if name in found.finished]
    often = [f"{name} {metrics.fold_scores(runs)['trainings'].min()}" for name, runs in trained]
    rates = chance(recorded)
    return (
        f"**{recorded.caption}.** Of {len(recorded.dataset.faces):,} faces in the eight age labels "
        f"{len(recorded.faces):,} were drawn. Trainings of each of {len(recorded.folds)} folds: "
        f"{', '.join(often)}. Always giving the most frequent label is right on "
        f"{rates['gender']:.1f} % of the genders and {rates['age']:.1f} % of the ages."
    )


def draw() -> None:
    """Write every committed table and figure of the records anew, from the records alone. Raises
    AdienceError if the records cannot be read, or a file not be written."""
    recorded, found = read()
    recorded = replace(recorded, figures_dir=paths.COMMITTED / RECORDS.parts[0])
    computed = all_tables(recorded, found)
    for name, table in computed.items():
        notebook.keep(recorded, table, name)
    for name, figure in all_figures(recorded, found, computed).items():
        notebook.write(recorded, figure, name)


def all_tables(recorded: Experiment, found: Results) -> dict[str, pd.DataFrame]:
    """Every table of the report, by the name of its file; what has not been run has none."""
    evidence = claims.decide(found)
    computed = {
        "drops": recorded.dataset.drops.set_index("reason"),
        "age_by_gender": tables.ages(recorded.faces),
        "folds": tables.folds(recorded.faces),
        "table_1": tables.table_1(),
        "table_2": tables.table_2(),
        "baseline": tables.baseline(),
        "trainable_layers": tables.trainable_layers(),
        "claims": claims.verdicts(evidence),
        "claims_measured": claims.measured(evidence),
        "table_3": tables.table_3(found),
        "optimism": tables.optimism(found),
        "gamma": tables.gammas(finished_sweep(recorded)),
        "recipes": tables.recipes(found),
        "readouts": tables.linear_probes(found.linear_probes),
        "classes": tables.classes(found),
        "groups": tables.groups(found),
        "calibration": tables.calibration(found),
        "cost": tables.cost(found),
        "ledger": discrepancies(recorded.dataset, found.finished),
    }
    for name, runs in found.finished.items():
        for task in runs.tasks:
            computed[f"confusion_{name}_{task}"] = metrics.confusion(runs.predictions, task)
        if name in CURVES:
            scores = quality.fold_intervals(runs).round(1).drop(columns="seconds")
            computed[f"{CURVES[name]}_folds"] = scores
    return {name: table for name, table in computed.items() if not table.empty}


CURVES = {
    "gender": "figure_4_gender",
    "age": "figure_5_age",
    "multitask": "figure_6_multitask",
    "transfer": "figure_7_transfer",
}
"""The paper's number of each network's learning curves."""


def all_figures(
    recorded: Experiment, found: Results, of: dict[str, pd.DataFrame]
) -> dict[str, Figure]:
    """Every figure that needs no face, by the name of its file, where there is something
    to show. ``of``: all tables."""

    def table(name: str) -> pd.DataFrame:
        return of.get(name, pd.DataFrame())

    multitask = architecture_table(models.build("multitask"))
    intervals = partial(further_figures.intervals, chance=chance(recorded))
    recipe = ["network", "recipe", "scored on"]
    of_ages = tables.only(table("classes"), "task", "age")
    of_multitask = tables.only(table("groups"), "model", "multitask")
    drawing: dict[str, tuple[pd.DataFrame, Callable[[pd.DataFrame], Figure]]] = {
        "figure_2_age_by_gender": (table("age_by_gender"), figures.age_by_gender),
        "folds": (table("folds")[[*AGE_LABELS]], figures.fold_composition),
        "claims": (table("claims_measured"), forest.claims),
        "table_3": (table("table_3"), figures.table_3),
        "optimism": (table("optimism"), further_figures.optimism),
        "gamma": (table("gamma"), further_figures.accuracy_by_gamma),
        "recipes": (table("recipes"), partial(intervals, columns=recipe)),
        "readouts": (table("readouts"), partial(intervals, columns=["read off"])),
        "recall": (of_ages, further_figures.recall),
        "groups": (of_multitask, further_figures.accuracy_by_group),
        "calibration": (table("calibration"), further_figures.calibration),
        "cost": (table("cost"), further_figures.accuracy_against_work),
    }
    drawn = {name: draw(rows) for name, (rows, draw) in drawing.items() if not rows.empty}
    drawn["figure_3_architecture"] = figures.architecture(multitask)
    for name, runs in found.finished.items():
        if name in CURVES:
            drawn[CURVES[name]] = figures.learning_curves(runs)
    for task in LABELS:
        networks = {name: runs for name, runs in found.finished.items() if task in runs.tasks}
        if networks:
            drawn[f"confusion_{task}"] = figures.confusion_matrices(networks, task)
    return drawn
