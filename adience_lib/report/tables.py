"""The report's tables: ours computed, the paper's beside them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import models
from adience_lib.data.labels import AGE_LABELS, GENDER_LABELS, LABELS
from adience_lib.evidence import cost as costs
from adience_lib.evidence import metrics, paper, quality
from adience_lib.evidence.quality import Share
from adience_lib.experiments.linear_probes import FROZEN
from adience_lib.experiments.results import Results
from adience_lib.models.networks import TRAINABLE_XCEPTION_LAYERS
from adience_lib.models.summary import (
    architecture_table,
    parameter_counts,
    training_multiply_adds,
)
from adience_lib.runs.read import READ_OFF, Runs
from adience_lib.util.errors import AdienceError

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
    Levi & Hassner's networks under their own recipe, scored on ten crops; frozen networks with
    logistic regression have no row in the paper. ``folds`` and ``trainings`` of each; of each task,
    in percent: ``accuracy`` and its interval, ``low`` and ``high`` (``quality.accuracy``),
    ``faces alone`` where that knows nothing of trainings, ``recall`` (``quality.macro_recall``)
    with its interval, ``majority`` (``majority_rates`` on the same folds), and the paper's own
    accuracy and spread. ``never``: ages that the network never gives. ``epochs`` run and
    ``best epoch``: means over folds.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name in (*paper.TABLE_3.index, *FROZEN):
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
    if name in FROZEN:
        return f"{FROZEN[name]}, linear" + ("" if of_task else " (not run)")
    if name == "baseline":
        return "baseline (Levi & Hassner)"
    return next((runs.title for runs in of_task.values()), name)


def _row(of_task: dict[str, Runs], theirs: pd.Series, faces: pd.DataFrame) -> dict[str, Any]:
    folds = {fold for runs in of_task.values() for fold in runs.folds}
    scores = {task: metrics.fold_scores(runs) for task, runs in of_task.items()}
    row: dict[str, Any] = {
        "folds": len(folds),
        "trainings": min((table["trainings"].min() for table in scores.values()), default=0),
    }
    for task in LABELS:
        runs = of_task.get(task)
        ours = quality.accuracy(runs, task) if runs else _UNKNOWN
        recall = quality.macro_recall(runs, task) if runs else _UNKNOWN
        row[f"{task} accuracy"] = ours.value
        row[f"{task} low"], row[f"{task} high"] = ours.low, ours.high
        row[f"{task} faces alone"] = ours.faces_alone
        row[f"{task} recall"] = recall.value
        row[f"{task} recall low"], row[f"{task} recall high"] = recall.low, recall.high
        rates = metrics.majority_rates(faces, of_task[task].folds) if task in of_task else {}
        row[f"{task} majority"] = rates.get(task, np.nan)
        row[f"{task} accuracy (paper)"] = theirs[task]
        row[f"{task} spread (paper)"] = theirs[f"{task} spread"]
    row["never"] = ", ".join(quality.never_given(of_task["age"], "age")) if "age" in of_task else ""
    for name in ("one-off", "classes off"):
        row[name] = scores["age"][name].mean() if "age" in of_task else np.nan
    for name in ("epochs", "best_epoch"):
        means = [table[name].mean() for table in scores.values()]
        row[name.replace("_", " ")] = np.mean(means) if means else np.nan
    row["epochs (paper)"] = theirs["epochs"]
    return row


_UNKNOWN = Share(np.nan, np.nan, np.nan)


_ALWAYS = "most frequent label, always"


def _most_frequent(table: pd.DataFrame, columns: list[str]) -> dict[str, str]:
    """The last row of a readable ``table`` 3: what a network must beat."""
    always = {task: _one(majority(table, task)) for task in LABELS}
    return {**dict.fromkeys(columns, "-"), **always}


def readable_table_3(table: pd.DataFrame) -> pd.DataFrame:
    """``table_3`` for the eye: "84.8 [83.9, 85.7]" is the mean over folds and its 95 % interval,
    with an asterisk where one training on one fold has an interval of faces alone."""
    rows = {}
    for name, row in table.iterrows():
        rows[name] = {
            "gender": _accuracy(row, "gender"),
            "gender (paper)": _quoted(row, "gender"),
            "age": _accuracy(row, "age"),
            "age (paper)": _quoted(row, "age"),
            "mean recall of the ages": _interval(row, "age recall", "age recall"),
            "ages never given": row["never"] if row["never"] and pd.notna(row["never"]) else "-",
            "age within one": _one(row["one-off"]),
            "epochs": _one(row["epochs"]),
            "best epoch": _one(row["best epoch"]),
            "epochs (paper)": _one(row["epochs (paper)"]),
            "folds": _number(row["folds"]),
            "trainings of each": _number(row["trainings"]),
        }
    rows[_ALWAYS] = _most_frequent(table, list(rows["gender"]))
    return pd.DataFrame.from_dict(rows, orient="index")


def table_3_held_out(results: Results) -> pd.DataFrame:
    """``table_3`` of the networks whose epoch was not chosen on the scored faces."""
    return table_3(replace(results, finished=results.held_out, published={}))


def majority(table: pd.DataFrame, task: str) -> float:
    """Percent right by the most frequent label, in the row of ``table_3`` with the most folds."""
    known = table[table[f"{task} majority"].notna()]
    return known.loc[known["folds"].idxmax(), f"{task} majority"] if len(known) else np.nan


def claims_in_short(verdicts: pd.DataFrame) -> pd.DataFrame:
    """``claims.verdicts`` for the eye: each claim, and its verdict by each of its criteria."""
    shown = verdicts[["claim", "verdict"]].rename(columns={"claim": "what is asked"})
    return shown.assign(verdict=_verdict(verdicts)).rename_axis("claim")


def readable_claims(verdicts: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """The criteria and what was found for each, one measurement a line.

    ``measured``: as of ``claims.measured``.
    """
    lines = measured.assign(line=[measurement(part) for _, part in measured.iterrows()])
    found = lines.groupby("row")["line"].agg("<br>".join).reindex(verdicts.index)
    shown = verdicts[["claim", "place", "holds if", "fails if"]].rename(
        columns={"claim": "what is asked", "place": "in"}
    )
    shown = shown.assign(verdict=_verdict(verdicts), found=found.fillna("-"))
    return shown.rename_axis("claim")


def _verdict(verdicts: pd.DataFrame) -> list[str]:
    return [
        f"**{row['verdict']}**" + (f": {row['because']}" if row["because"] else "")
        for _, row in verdicts.iterrows()
    ]


def readable_plan(planned: pd.DataFrame) -> pd.DataFrame:
    """``plan.planned`` for the eye."""
    shown = planned.set_index("row")
    for name in ("1 training", "2 trainings", "3 trainings"):
        shown[name] = [f"{value:.2f}" if pd.notna(value) else "-" for value in shown[name]]
    faces = [
        "-" if pd.isna(n) else f"{n:,.0f}" if np.isfinite(n) else "none" for n in shown["faces"]
    ]
    theirs = [f"{value:.2f}" for value in shown["the paper has"]]
    return shown.assign(**{"the paper has": theirs, "faces": faces}).rename(
        columns={"faces": "faces that would do"}
    )


def measurement(part: pd.Series) -> str:
    """A row of ``claims.measured`` in words: its value, interval, margin, and the paper's value."""
    digits = ".2f" if part["unit"] == "times" else "+.1f" if part["unit"] == "points" else ".1f"
    unit = "" if part["unit"] == "times" else f" {part['unit']}"
    words = f"{part['what']}: {part['value']:{digits}}{unit}"
    if part["low"] < part["high"]:
        words += f" [{part['low']:{digits}}, {part['high']:{digits}}]"
    details = [part["found"]]
    if pd.notna(part["paper"]):
        details.append(f"the paper: {part['paper']:{digits}}")
    if pd.notna(part["smallest margin"]):
        details.append(f"shown to be equal within {part['smallest margin']:.1f}")
    if pd.notna(part["planned power"]):
        details.append(f"planned power {part['planned power']:.2f}")
    return f"{words} ({'; '.join(detail for detail in details if detail)})"


def _accuracy(row: pd.Series, task: str) -> str:
    words = _interval(row, f"{task} accuracy", task)
    return f"{words}*" if words != "-" and row[f"{task} faces alone"] else words


def _interval(row: pd.Series, value: str, ends: str) -> str:
    """Such as "84.8 [83.9, 85.7]", or "-" where nothing is known."""
    if pd.isna(row[value]):
        return "-"
    low, high = row[f"{ends} low"], row[f"{ends} high"]
    return f"{row[value]:.1f}" + ("" if pd.isna(low) else f" [{low:.1f}, {high:.1f}]")


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
    ``quality.accuracy``).
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
    return {"accuracy": found.value, "low": found.low, "high": found.high}


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


MEASURED = f" at {costs.PRECISION}, batch 64"
"""How updates are measured (``python -m benchmarks --steps``), not how the networks are trained."""


def cost(results: Results) -> pd.DataFrame:
    """What each network costs, a row a network, means over its trainings.

    ``parameters``, ``million multiply-adds`` of one face, forward and in a training step,
    ``epochs`` run, ``updates`` in all and ``updates to best``, ``faces seen`` alike, the accuracies
    in percent; and where updates were measured (``cost.steps``) the seconds of one and the hours
    that follow, at that precision, batch and machine: only their ratios are used. Seconds of the
    trainings themselves are left out: other work ran beside them.
    """
    try:
        steps: pd.DataFrame | None = costs.steps()
    except AdienceError:
        steps = None
    rows = {}
    baseline = {f"{name}, own recipe": runs for name, runs in results.published.items()}
    for name, runs in {**results.finished, **results.same_recipe, **baseline}.items():
        if runs.model not in models.NAMES:
            continue
        scores, updates = metrics.fold_scores(runs), costs.updates(runs).mean()
        seen = runs.records[["epochs", "best_epoch"]].mul(runs.records["train"], axis=0).mean()
        architecture = architecture_table(models.build(runs.model))
        known = steps is not None and (runs.model, costs.PRECISION) in steps.index
        an_update = costs.seconds_an_update(steps, runs) if known else np.nan
        rows[name] = {
            "parameters": architecture["parameters"].sum(),
            "million multiply-adds": architecture["multiply_adds"].sum() / 1e6,
            "million multiply-adds, training": training_multiply_adds(architecture) / 1e6,
            "epochs": scores["epochs"].mean(),
            "updates": updates["updates"],
            "updates to best": updates["to best"],
            "faces seen": seen["epochs"],
            "faces seen to best": seen["best_epoch"],
            f"seconds an update{MEASURED}": an_update,
            f"hours{MEASURED}": an_update * updates["updates"] / 3600,
            f"hours to best{MEASURED}": an_update * updates["to best"] / 3600,
            "folds": len(runs.folds),
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
