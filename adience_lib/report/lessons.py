"""The study in README's words: what was trained on real faces, on what machine, and the scores."""

import pandas as pd

from adience_lib.data.labels import LABELS
from adience_lib.evidence import comparison
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.parameters import differences
from adience_lib.experiments.results import NOTEBOOK_OF, Results, finished_sweep
from adience_lib.protocol import LEVI_HASSNER, PAPER
from adience_lib.report import findings, tables
from adience_lib.runs.read import Runs
from adience_lib.util.markdown import markdown


def in_short(results: Results) -> str:
    """A table: how often each network is right on each task, and always giving one label."""
    table = tables.table_3(results)
    rows = {
        runs.title: {
            task: _score(table.loc[runs.title], task) if task in runs.tasks else "-"
            for task in LABELS
        }
        for name in NOTEBOOK_OF
        if (runs := results.finished.get(name))
    }
    rows["always the most frequent label"] = {
        task: f"{tables.majority(table, task):.0f} %" for task in LABELS
    }
    shown = pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")
    return markdown(shown.rename(columns="right on {}".format))


def _score(row: pd.Series, task: str) -> str:
    return f"{row[f'{task} accuracy']:.0f} % [{row[f'{task} low']:.0f}, {row[f'{task} high']:.0f}]"


def about_run(study: Experiment, results: Results) -> str:
    """How many faces and trainings, on what machine, and what differs from the paper."""
    swept = [runs for gamma, runs in finished_sweep(study).items() if gamma != study.protocol.gamma]
    finished = [results.finished[name] for name in NOTEBOOK_OF if name in results.finished]
    baseline = [*results.published.values(), *results.same_recipe.values()]
    runs = [*finished, *results.held_out.values(), *baseline, *swept]
    files = study.dataset.drops.set_index("reason")["rows"]["all rows"]
    points = [
        f"{len(study.faces):,} of the {len(study.dataset.faces):,} faces in the eight age labels "
        f"in a copy of UTKFace with {files:,} files, drawn with seed {study.protocol.seed} so that "
        "folds, ages and genders keep their shares as nearly as whole faces allow.",
        f"{sum(len(one.records) for one in runs)} trainings, which took "
        f"{sum(one.records['seconds'].sum() for one in runs) / 3600:.1f} hours at the precision "
        "and batches below.",
        *_by_machine(runs),
        "Different from the paper's protocol, which is in brackets: "
        f"{differences(study.protocol, PAPER)}.",
        findings.about_rebuilt(runs).strip(),
    ]
    return "\n".join(f"- {point}" for point in points if point)


def _by_machine(runs: list[Runs]) -> list[str]:
    """Which networks were trained on which machine; their own recipe is Levi & Hassner's."""
    trained: dict[str, dict[str, None]] = {}
    for one in runs:
        recipe = " (own recipe)" if one.protocol.name == LEVI_HASSNER.name else ""
        machine = "; ".join(comparison.machines([one]))
        trained.setdefault(machine, {})[f"{one.title}{recipe}"] = None
    return [f"On {machine} ran {', '.join(names)}." for machine, names in trained.items()]
