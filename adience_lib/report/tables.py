"""The report's tables: ours computed, the paper's beside them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import models
from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS, LABELS
from adience_lib.evidence import comparison, metrics, paper, quality
from adience_lib.experiments.results import Results
from adience_lib.models.networks import TRAINABLE_XCEPTION_LAYERS
from adience_lib.models.summary import architecture_table, parameter_counts
from adience_lib.runs.read import READ_OFF, Runs

_OPERATIONS = {
    "InputLayer": "Input image",
    "RandomCrop": "Random cropping",
    "Conv2D": "Convolution",
    "MaxPooling2D": "Max pooling",
    "LocalResponseNormalization": "Local Response",
    "Dense": "Fully connected",
    "Dropout": "Dropout 0.5",
    "Activation": "Sigmoid",
}
"""Table 1's words for our layers."""


def ages(faces: pd.DataFrame) -> pd.DataFrame:
    """Faces by age (a row a label) and gender (a column a label): Figure 2 as a table."""
    counts = pd.crosstab(faces["age"], faces["gender"])
    counts = counts.reindex(index=range(len(AGE_LABELS)), columns=range(2), fill_value=0)
    counts.index = pd.Index(AGE_LABELS, name="age")
    counts.columns = pd.Index(GENDER_LABELS)
    return counts


def folds(faces: pd.DataFrame) -> pd.DataFrame:
    """A row a fold: ``faces``, ``subjects``, ``female`` (percent), and faces of each age label."""
    by_age = pd.crosstab(faces["fold"], faces["age"]).reindex(
        columns=range(len(AGE_LABELS)), fill_value=0
    )
    by_age.columns = pd.Index(AGE_LABELS)
    grouped = faces.groupby("fold")
    female = 100 * grouped["gender"].agg(lambda gender: (gender == 0).mean())
    totals = {"faces": grouped.size(), "subjects": grouped["subject"].nunique()}
    return pd.DataFrame({**totals, "female": female.round(1)}).join(by_age)


def table_1() -> pd.DataFrame:
    """Table 1 from the built gender network, beside the paper's: a row a layer of the paper's.

    ``match`` compares output size and parameters. The pooling windows differ on purpose: the
    paper's 1x1 cannot give its own output sizes.
    """
    ours = architecture_table(models.build("gender"))
    # The table does not list the flattening, nor the entrance of the shared trunk.
    ours = ours[~ours["layer"].isin(["face", "features"])].reset_index(drop=True)
    table = pd.DataFrame(
        {
            "operation": ours["operation"].replace(_OPERATIONS),
            "window": ours["kernel"].fillna("-"),
            "window (paper)": paper.TABLE_1["kernel"],
            "output": ours["output"],
            "output (paper)": paper.TABLE_1["output"],
            "parameters": ours["parameters"],
            "parameters (paper)": paper.TABLE_1["parameters"],
        }
    )
    same = ("operation", "output", "parameters")
    compared = [ours["operation"].replace(_OPERATIONS), ours["output"], ours["parameters"]]
    matches = [values == paper.TABLE_1[name] for name, values in zip(same, compared, strict=True)]
    return table.assign(match=np.logical_and.reduce(matches))


def table_2() -> pd.DataFrame:
    """Table 2: weights of each network, computed, beside the paper's."""
    counts = []
    for name in paper.TABLE_2["model"]:
        if name == "functional layer":
            counts.append(parameter_counts(models.build("multitask").get_layer(_TRUNK)))
        else:
            counts.append(parameter_counts(models.build(name)))
    ours = pd.DataFrame(counts)
    columns = {"model": paper.TABLE_2["model"]}
    for name in ours:
        columns[name] = ours[name]
        columns[f"{name} (paper)"] = paper.TABLE_2[name]
    theirs = paper.TABLE_2[list(ours)]
    return pd.DataFrame(columns).assign(match=(ours == theirs).all(axis=1))


_TRUNK = "functional_layer"


def baseline() -> pd.DataFrame:
    """Three networks called "baseline" and the reduced one: weights and arithmetic.

    Columns: ``model``, ``parameters``, ``million multiply-adds`` of a forward pass, and both as
    multiples of the reduced network's.
    """
    names = ("gender", "full_width_gender", "levi_hassner_gender", "levi_hassner_age")
    rows = []
    for name in names:
        table = architecture_table(models.build(name))
        rows.append((name, table["parameters"].sum(), table["multiply_adds"].sum() / 1e6))
    frame = pd.DataFrame(rows, columns=["model", "parameters", "million multiply-adds"])
    first = frame.iloc[0]
    return frame.assign(
        **{
            "parameters, times reduced": (frame["parameters"] / first["parameters"]).round(2),
            "arithmetic, times reduced": (
                frame["million multiply-adds"] / first["million multiply-adds"]
            ).round(2),
            "million multiply-adds": frame["million multiply-adds"].round(0).astype("int64"),
        }
    )


def trainable_layers() -> pd.DataFrame:
    """Xception's layers that are trained (section 3.3: the last ten), with their weights."""
    xception = models.build("transfer").get_layer(_TRUNK)
    table = architecture_table(xception).tail(TRAINABLE_XCEPTION_LAYERS)
    return table[["layer", "operation", "output", "parameters", "trainable"]]


def table_3(results: Results) -> pd.DataFrame:
    """Table 3: the runs beside the paper's rows, indexed by model.

    A model without runs keeps the paper's numbers alone. The baseline's own numbers are those of
    Levi & Hassner's networks under their own recipe, scored on ten crops; VGG-16 with logistic
    regression has no row in the paper. Accuracies, deviations (over folds, n - 1) and standard
    errors in percent; ``low`` and ``high``: 95 % of the draws of subjects, for all tested faces
    together; ``epochs`` run and ``best epoch``, means over folds. ``majority``:
    ``majority_rates`` on the same folds.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name in (*paper.TABLE_3.index, "vgg16"):
        of_task = _of_task(results, name)
        theirs = paper.TABLE_3.loc[name] if name in paper.TABLE_3.index else _NOTHING
        rows[_row_title(name, of_task)] = _row(of_task, theirs, results.faces)
    return pd.DataFrame.from_dict(rows, orient="index")


_NOTHING = pd.Series(np.nan, paper.TABLE_3.columns)


def _of_task(results: Results, name: str) -> dict[str, Runs]:
    """Which runs fill a row: two networks for the baseline, one for each other."""
    if name == "baseline":
        runs = {task: results.published.get(f"levi_hassner_{task}") for task in LABELS}
        return {task: one.on_ten_crops() for task, one in runs.items() if one}
    one = results.finished.get(name)
    return dict.fromkeys(one.tasks, one) if one else {}


def _row_title(name: str, of_task: dict[str, Runs]) -> str:
    if name == "vgg16":
        return "VGG-16, linear" if of_task else _NO_VGG16
    if name == "baseline":
        return "baseline (Levi & Hassner)"
    return next((runs.title for runs in of_task.values()), name)


def _row(of_task: dict[str, Runs], theirs: pd.Series, faces: pd.DataFrame) -> dict[str, Any]:
    folds = {fold for runs in of_task.values() for fold in runs.folds}
    row: dict[str, Any] = {"folds": len(folds)}
    summaries = {task: metrics.summary(metrics.fold_scores(runs)) for task, runs in of_task.items()}
    for task in LABELS:
        ours = summaries[task].loc[task] if task in of_task else _NO_SUMMARY
        row[f"{task} accuracy"] = ours["mean"]
        row[f"{task} deviation"] = ours["deviation"]
        row[f"{task} error"] = ours["error"]
        low, high = quality.accuracy(of_task[task], task).interval if task in of_task else _UNKNOWN
        row[f"{task} low"], row[f"{task} high"] = low, high
        rates = metrics.majority_rates(faces, of_task[task].folds) if task in of_task else {}
        row[f"{task} majority"] = rates.get(task, np.nan)
        row[f"{task} accuracy (paper)"] = theirs[task]
        row[f"{task} spread (paper)"] = theirs[f"{task} spread"]
    for name in ("one-off", "classes off"):
        row[name] = summaries["age"].loc[name, "mean"] if "age" in of_task else np.nan
    for name in ("epochs", "best_epoch"):
        means = [table.loc[name, "mean"] for table in summaries.values()]
        row[name.replace("_", " ")] = np.mean(means) if means else np.nan
    row["epochs (paper)"] = theirs["epochs"]
    return row


_NO_VGG16 = "VGG-16, linear (not run: no weights)"
_NO_SUMMARY = pd.Series(np.nan, ["mean", "deviation", "error"])
_UNKNOWN = (np.nan, np.nan)


_ALWAYS = "most frequent label, always"


def _most_frequent(table: pd.DataFrame, columns: list[str]) -> dict[str, str]:
    """The last row of a readable ``table`` 3: what a network must beat."""
    always = {task: _one(majority(table, task)) for task in LABELS}
    return {**dict.fromkeys(columns, "-"), **always}


def readable_table_3(table: pd.DataFrame) -> pd.DataFrame:
    """``table_3`` for the eye: "84.8 ± 1.1 (0.5) [83.9, 85.7]" is mean, deviation, standard error
    and the interval from draws of subjects."""
    rows = {}
    for name, row in table.iterrows():
        rows[name] = {
            "gender": _accuracy(row, "gender"),
            "gender (paper)": _quoted(row, "gender"),
            "age": _accuracy(row, "age"),
            "age (paper)": _quoted(row, "age"),
            "age within one": _one(row["one-off"]),
            "classes off": f"{row['classes off']:.2f}" if pd.notna(row["classes off"]) else "-",
            "epochs": _one(row["epochs"]),
            "best epoch": _one(row["best epoch"]),
            "epochs (paper)": _one(row["epochs (paper)"]),
            "folds": _number(row["folds"]),
        }
    rows[_ALWAYS] = _most_frequent(table, list(rows["gender"]))
    return pd.DataFrame.from_dict(rows, orient="index")


def table_3_held_out(results: Results) -> pd.DataFrame:
    """``table_3`` of the networks whose epoch was not chosen on the scored faces."""
    return table_3(replace(results, finished=results.held_out, published={}))


def both_ways(results: Results) -> pd.DataFrame:
    """Table 3 in short, for the eye: the epoch chosen on the scored fold, and on held-out subjects.

    A row a network, as in ``readable_table_3``: each accuracy, ", held out" the same from networks
    whose epoch was not chosen on the scored faces, and the paper's; then the epochs likewise.
    """
    once = table_3(results)
    again = table_3_held_out(results).reindex(once.index)
    rows = {}
    for name, one in once.iterrows():
        if name == _NO_VGG16:  # a row that the paper has none of, and nothing to fill it with
            continue
        row = {}
        for task in LABELS:
            row[task] = _accuracy(one, task)
            row[f"{task}, held out"] = _accuracy(again.loc[name], task)
            row[f"{task} (paper)"] = _quoted(one, task)
        row |= {
            "epochs": _one(one["epochs"]),
            "epochs, held out": _one(again.loc[name, "epochs"]),
            "epochs (paper)": _one(one["epochs (paper)"]),
            "folds": _number(one["folds"]),
            "folds, held out": _number(again.loc[name, "folds"]),
        }
        rows[name] = row
    rows[_ALWAYS] = _most_frequent(once, list(row))
    return pd.DataFrame.from_dict(rows, orient="index")


def majority(table: pd.DataFrame, task: str) -> float:
    """Percent right by the most frequent label, in the row of ``table_3`` with the most folds."""
    known = table[table[f"{task} majority"].notna()]
    return known.loc[known["folds"].idxmax(), f"{task} majority"] if len(known) else np.nan


def claims_in_short(verdicts: pd.DataFrame) -> pd.DataFrame:
    """``claims.verdicts`` for the eye: each verdict, and in short why a claim is undecided."""
    shown = readable_claims(verdicts)[["the paper says", "verdict"]]
    return shown.assign(because=verdicts["because"]).rename_axis("claim")


def readable_claims(verdicts: pd.DataFrame) -> pd.DataFrame:
    """``claims.verdicts`` for the eye, each thing that was found on a line of its own."""
    shown = verdicts[["claim", "place", "criterion", "verdict", "why"]].rename(
        columns={
            "claim": "the paper says",
            "place": "in",
            "criterion": "decided by",
            "why": "found",
        }
    )
    return shown.assign(
        verdict=[f"**{word}**" for word in shown["verdict"]],
        found=[words.replace("; ", "<br>") for words in shown["found"]],
    )


def _accuracy(row: pd.Series, task: str) -> str:
    mean, deviation, error = (row[f"{task} {name}"] for name in ("accuracy", "deviation", "error"))
    if np.isnan(mean):
        return "-"
    spread = "" if np.isnan(deviation) else f" ± {deviation:.1f} ({error:.1f})"
    return f"{mean:.1f}{spread} [{row[f'{task} low']:.1f}, {row[f'{task} high']:.1f}]"


def _quoted(row: pd.Series, task: str) -> str:
    mean = row[f"{task} accuracy (paper)"]
    return "-" if pd.isna(mean) else f"{mean:.1f} ± {row[f'{task} spread (paper)']:.1f}"


def _number(count: float) -> str:
    return str(int(count)) if count > 0 else "-"


def _one(value: float | None) -> str:
    return "-" if pd.isna(value) else f"{value:.1f}"


def optimism(results: Results) -> pd.DataFrame:
    """``metrics.optimism`` of every network with held-out runs, a row a network and fold."""
    tables = [
        metrics.optimism(runs).assign(model=name)
        for name, runs in results.held_out.items()
        if "test_loss" in runs.history
    ]
    if not tables:
        return pd.DataFrame(columns=["model", "fold", "chosen", "test fold's choice", *LABELS])
    columns = ["model", "fold", "chosen", "test fold's choice", *LABELS]
    return pd.concat(tables).reindex(columns=columns).reset_index(drop=True)


def recipes(results: Results) -> pd.DataFrame:
    """Architecture against recipe: Levi & Hassner's networks under both, the reduced beside.

    A row a task, network and recipe, on the folds that all of them tested: ``task``, ``network``,
    ``recipe``, ``scored on``, ``epochs`` run, ``folds``, ``accuracy``, ``low``, ``high`` (percent,
    95 % of the draws).
    """
    rows = []
    for task in LABELS:
        name = f"levi_hassner_{task}"
        own = results.published.get(name)
        entries = [
            ("reduced", "paper's recipe", "centre crop", results.finished.get(task)),
            ("Levi & Hassner", "paper's recipe", "centre crop", results.same_recipe.get(name)),
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


def linear_probes(found: dict[str, Runs]) -> pd.DataFrame:
    """What a linear model reads off features: ``task``, ``read off``, ``accuracy``, ``low``,
    ``high``. ``found``: runs by the readout's name."""
    rows = []
    for name, runs in found.items():
        task, source = name.split("_from_")
        words = READ_OFF[source]
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


def classes(results: Results) -> pd.DataFrame:
    """``quality.classes`` of every network and task, a row a label."""
    return _every(results, quality.classes, "label")


def groups(results: Results) -> pd.DataFrame:
    """``quality.groups`` of every network and task, a row a group."""
    return _every(results, quality.groups, "group")


def _every(
    results: Results, measure: Callable[[Runs, str], pd.DataFrame], rows: str
) -> pd.DataFrame:
    tables = [
        measure(runs, task).reset_index().assign(model=runs.title, task=task)
        for runs in results.finished.values()
        for task in runs.tasks
    ]
    return pd.concat(tables).set_index(["model", "task", rows]) if tables else pd.DataFrame()


def calibration(results: Results) -> pd.DataFrame:
    """``quality.calibration`` of every network and task, with its ``error`` in each row."""
    tables = []
    for runs in results.finished.values():
        for task in runs.tasks:
            curve = quality.calibration(runs, task)
            error = quality.calibration_error(curve)
            tables.append(curve.assign(model=runs.title, task=task, error=error))
    return pd.concat(tables).set_index(["model", "task"]) if tables else pd.DataFrame()


def cost(results: Results) -> pd.DataFrame:
    """What each network costs, a row a network, means over its folds.

    ``parameters``, ``million multiply-adds`` (forward, one face), ``seconds an epoch``,
    ``epochs``, ``seconds to best``, ``seconds`` in all, ``peak memory`` of the process in MB (the
    mapped images included, an accelerator's own memory not), ``machine`` (several, if its folds
    were timed on several), and the accuracies in percent.
    """
    rows = {}
    baseline = {f"{name}, own recipe": runs for name, runs in results.published.items()}
    for name, runs in {**results.finished, **results.same_recipe, **baseline}.items():
        if runs.model not in models.NAMES:
            continue
        scores, records = metrics.fold_scores(runs), runs.records
        architecture = architecture_table(models.build(runs.model))
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
