"""Tables of what the paper leaves out: selection, recipes, groups, calibration, cost."""

from collections.abc import Callable

import pandas as pd

from adience_lib import comparison, evaluation, models, quality
from adience_lib.evaluation import Runs
from adience_lib.found import Found
from adience_lib.labels import LABELS


def optimism(found: Found) -> pd.DataFrame:
    """``evaluation.optimism`` of every network with held-out runs, a row a network and fold."""
    tables = [
        evaluation.optimism(runs).assign(model=name)
        for name, runs in found.held_out.items()
        if "test_loss" in runs.history
    ]
    if not tables:
        return pd.DataFrame(columns=["model", "fold", "chosen", "test fold's choice", *LABELS])
    columns = ["model", "fold", "chosen", "test fold's choice", *LABELS]
    return pd.concat(tables).reindex(columns=columns).reset_index(drop=True)


def recipes(found: Found) -> pd.DataFrame:
    """Architecture against recipe: Levi & Hassner's networks under both, the reduced beside.

    A row a task, network and recipe, on the folds that all of them tested: ``task``, ``network``,
    ``recipe``, ``scored on``, ``epochs`` run, ``folds``, ``accuracy``, ``low``, ``high`` (percent,
    95 % of the draws).
    """
    rows = []
    for task in LABELS:
        name = f"levi_hassner_{task}"
        own = found.published.get(name)
        entries = [
            ("reduced", "paper's recipe", "centre crop", found.finished.get(task)),
            ("Levi & Hassner", "paper's recipe", "centre crop", found.same_recipe.get(name)),
            ("Levi & Hassner", "own recipe", "centre crop", own),
            ("Levi & Hassner", "own recipe", "ten crops", own.on_ten_crops() if own else None),
        ]
        there = [(words, runs) for *words, runs in entries if runs is not None]
        folds = set.intersection(*(set(runs.folds) for _, runs in there)) if there else set()
        for (network, recipe, scored_on), runs in there if folds else []:
            rows.append(
                {
                    "task": task,
                    "network": network,
                    "recipe": recipe,
                    "scored on": scored_on,
                    "epochs": runs.on_folds(folds).records["epochs"].mean(),
                    "folds": len(folds),
                    **_with_interval(runs.on_folds(folds), task),
                }
            )
    return pd.DataFrame(rows)


def _with_interval(runs: Runs, task: str) -> dict[str, float]:
    found = quality.accuracy(runs, task)
    low, high = found.interval
    return {"accuracy": found.value, "low": low, "high": high}


def readouts(found: dict[str, Runs]) -> pd.DataFrame:
    """What a linear model reads off features: ``task``, ``read off``, ``accuracy``, ``low``,
    ``high``. ``found``: runs by the readout's name."""
    rows = []
    for name, runs in found.items():
        task, source = name.split("_from_")
        words = evaluation.READ_OFF[source]
        rows.append({"task": task, "read off": words, **_with_interval(runs, task)})
    return pd.DataFrame(rows)


IDLE_AT = {"gender": 0.0, "age": 1.0}
"""The gamma that gives a task no weight: nothing trains its head (paper, equation 1)."""


def gammas(swept: dict[float, Runs]) -> pd.DataFrame:
    """Both accuracies by gamma with their intervals: ``gender``, ``gender low``, ... ``age high``,
    then ``epochs`` and ``best_epoch``, means over the folds."""
    rows = {}
    for gamma, runs in swept.items():
        row: dict[str, float] = {}
        for task in LABELS:
            ends = _with_interval(runs, task)
            row |= {
                task: ends["accuracy"],
                f"{task} low": ends["low"],
                f"{task} high": ends["high"],
            }
        rows[gamma] = row | runs.records[["epochs", "best_epoch"]].mean().to_dict()
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("gamma")


def classes(found: Found) -> pd.DataFrame:
    """``quality.classes`` of every network and task, a row a label."""
    return _every(found, quality.classes, "label")


def groups(found: Found) -> pd.DataFrame:
    """``quality.groups`` of every network and task, a row a group."""
    return _every(found, quality.groups, "group")


def _every(found: Found, measure: Callable[[Runs, str], pd.DataFrame], rows: str) -> pd.DataFrame:
    tables = [
        measure(runs, task).reset_index().assign(model=runs.title, task=task)
        for runs in found.finished.values()
        for task in runs.tasks
    ]
    return pd.concat(tables).set_index(["model", "task", rows]) if tables else pd.DataFrame()


def calibration(found: Found) -> pd.DataFrame:
    """``quality.calibration`` of every network and task, with its ``error`` in each row."""
    tables = []
    for runs in found.finished.values():
        for task in runs.tasks:
            curve = quality.calibration(runs, task)
            error = quality.calibration_error(curve)
            tables.append(curve.assign(model=runs.title, task=task, error=error))
    return pd.concat(tables).set_index(["model", "task"]) if tables else pd.DataFrame()


def cost(found: Found) -> pd.DataFrame:
    """What each network costs, a row a network, means over its folds.

    ``parameters``, ``million multiply-adds`` (forward, one face), ``seconds an epoch``,
    ``epochs``, ``seconds to best``, ``seconds`` in all, ``peak memory`` of the process in MB (the
    mapped images included, an accelerator's own memory not), ``machine`` (several, if its folds
    were timed on several), and the accuracies in percent.
    """
    rows = {}
    baseline = {f"{name}, own recipe": runs for name, runs in found.published.items()}
    for name, runs in {**found.finished, **found.same_recipe, **baseline}.items():
        if runs.model not in models.NAMES:
            continue
        scores, records = evaluation.fold_scores(runs), runs.records
        architecture = models.architecture_table(models.build(runs.model))
        rows[name] = {
            "parameters": architecture["parameters"].sum(),
            "million multiply-adds": architecture["multiply_adds"].sum() / 1e6,
            "seconds an epoch": runs.history["seconds"].mean(),
            "epochs": records["epochs"].mean(),
            "seconds to best": records["seconds_to_best"].mean(),
            "seconds": records["seconds"].mean(),
            "peak memory": records["peak_memory"].astype("float64").mean() / 1e6,
            "folds": len(records),
            "machine": "; ".join(comparison.machines([runs])),
            **{task: scores[task].mean() for task in runs.tasks},
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def of_age(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``classes`` that are about age."""
    if table.empty:
        return table
    return table[table.index.get_level_values("task") == "age"]


def of_model(table: pd.DataFrame, model: str) -> pd.DataFrame:
    """The rows of ``classes`` or ``groups`` that are about one network."""
    if table.empty:
        return table
    return table[table.index.get_level_values("model") == model]
