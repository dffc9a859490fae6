"""The report's tables: ours computed, the paper's beside them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from adience_lib import models
from adience_lib.data.labels import AGE_LABELS, LABELS
from adience_lib.evidence import cost as costs
from adience_lib.evidence import metrics, paper, quality
from adience_lib.experiments.results import Results
from adience_lib.models.networks import TRAINABLE_XCEPTION_LAYERS
from adience_lib.models.summary import architecture_table, parameter_counts, training_multiply_adds
from adience_lib.runs.read import FROZEN, READ_OFF, Runs
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
    counts = _counted(faces, "age", "gender").reindex(range(len(AGE_LABELS)), fill_value=0)
    return counts.set_axis(pd.Index(AGE_LABELS, name="age"))


def folds(faces: pd.DataFrame) -> pd.DataFrame:
    """A row a fold: ``faces``, ``subjects``, ``female`` (percent), and faces of each age label."""
    grouped = faces.assign(female=faces["gender"] == 0).groupby("fold")
    table = pd.DataFrame({"faces": grouped.size(), "subjects": grouped["subject"].nunique()})
    female = (100 * grouped["female"].mean()).round(1)
    return table.assign(female=female).join(_counted(faces, "fold", "age"))


def _counted(faces: pd.DataFrame, rows: str, task: str) -> pd.DataFrame:
    """Faces by ``rows`` and label of ``task``, a column a label."""
    counts = pd.crosstab(faces[rows], faces[task])
    counts = counts.reindex(columns=range(len(LABELS[task])), fill_value=0)
    return counts.set_axis(pd.Index(LABELS[task]), axis=1)


def table_1() -> pd.DataFrame:
    """Table 1 from the built gender network, beside the paper's: a row a layer of the paper's.
    ``match`` leaves out the windows: the paper's poolings of 1x1 cannot give its output sizes."""
    ours = architecture_table(models.build("gender")).replace({"operation": _OPERATIONS})
    # The table does not list the flattening, nor the entrance of the shared trunk.
    ours = ours[~ours["layer"].isin(["face", "features"])].reset_index(drop=True)
    ours = ours.assign(window=ours["kernel"].fillna("-"))
    theirs = paper.TABLE_1.rename(columns={"kernel": "window"})
    return _beside(theirs, ours[["operation", "window", "output", "parameters"]])


def table_2() -> pd.DataFrame:
    """Table 2: weights of each network, computed, beside the paper's."""
    networks = {name: models.build(name) for name in paper.TABLE_2["model"][:-1]}
    networks["functional layer"] = networks["multitask"].get_layer("functional_layer")
    counts = [{"model": name, **parameter_counts(one)} for name, one in networks.items()]
    return _beside(paper.TABLE_2, pd.DataFrame(counts))


def _beside(theirs: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """The paper's columns beside ours, but for the first, and whether all ``match``."""
    same = [name for name in ours if name != "window"]
    table = ours.assign(match=(ours[same] == theirs[same]).all(axis=1))
    for name in ours.columns[1:]:
        table.insert(table.columns.get_loc(name) + 1, f"{name} (paper)", theirs[name])
    return table


def baseline() -> pd.DataFrame:
    """Three networks called "baseline" and the reduced one: ``model``, ``parameters``, ``million
    multiply-adds`` of a forward pass, and both as multiples of the reduced network's."""
    names = ("gender", "full_width_gender", "levi_hassner_gender", "levi_hassner_age")
    layers = {name: architecture_table(models.build(name)) for name in names}
    sums = pd.DataFrame({n: t[["parameters", "multiply_adds"]].sum() for n, t in layers.items()}).T
    times = (sums / sums.loc["gender"]).round(2)
    columns = {
        "parameters": sums["parameters"],
        "million multiply-adds": (sums["multiply_adds"] / 1e6).round().astype("int64"),
        "parameters, times reduced": times["parameters"],
        "arithmetic, times reduced": times["multiply_adds"],
    }
    return pd.DataFrame(columns).rename_axis("model").reset_index()


def trainable_layers() -> pd.DataFrame:
    """Xception's layers that are trained (section 3.3: the last ten), with their weights."""
    xception = models.build("transfer").get_layer("functional_layer")
    table = architecture_table(xception).tail(TRAINABLE_XCEPTION_LAYERS)
    return table[["layer", "operation", "output", "parameters", "trainable"]]


def table_3(results: Results) -> pd.DataFrame:
    """Table 3: the runs beside the paper's rows, indexed by model.

    The baseline is Levi & Hassner's networks under their own recipe, scored on ten crops. ``folds``
    and ``trainings`` of each; of each task, in percent: ``accuracy``, ``low``, ``high`` and ``faces
    alone`` (``quality.Share``), ``recall`` and its interval (``quality.macro_recall``),
    ``majority`` (of the same folds), and the paper's accuracy and spread. ``never``: ages that are
    never given. ``epochs``, ``best epoch``: means.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name in (*paper.TABLE_3.index, *FROZEN):
        title, of_task = _filled(results, name)
        rows[title] = _row(of_task, paper.TABLE_3.reindex([name]).iloc[0], results.faces)
    return pd.DataFrame.from_dict(rows, orient="index")


def _filled(results: Results, name: str) -> tuple[str, dict[str, Runs]]:
    """The title of a row, and the runs that fill it: two networks for the baseline."""
    if name == "baseline":
        runs = {task: results.published.get(f"levi_hassner_{task}") for task in LABELS}
        crops = {task: one.on_ten_crops() for task, one in runs.items() if one}
        return "baseline (Levi & Hassner)", crops
    one = results.finished.get(name)
    if one:
        return one.title, dict.fromkeys(one.tasks, one)
    return f"{FROZEN[name]}, linear (not run)" if name in FROZEN else name, {}


def _row(of_task: dict[str, Runs], theirs: pd.Series, faces: pd.DataFrame) -> dict[str, Any]:
    scores = {task: metrics.fold_scores(runs) for task, runs in of_task.items()}
    row: dict[str, Any] = {
        "folds": len({fold for runs in of_task.values() for fold in runs.folds}),
        "trainings": min((table["trainings"].min() for table in scores.values()), default=0),
    }
    for task in LABELS:
        runs = of_task.get(task)
        accuracy = quality.accuracy(runs, task) if runs else quality.Share(np.nan)
        recall = quality.macro_recall(runs, task) if runs else quality.Share(np.nan)
        row |= {
            **accuracy.columns(f"{task} accuracy", f"{task} "),
            f"{task} faces alone": accuracy.faces_alone,
            **recall.columns(f"{task} recall", f"{task} recall "),
            f"{task} majority": metrics.majority_rates(faces, runs.folds)[task] if runs else np.nan,
            f"{task} accuracy (paper)": theirs[task],
            f"{task} spread (paper)": theirs[f"{task} spread"],
        }
    row["never"] = ", ".join(quality.never_given(of_task["age"], "age")) if "age" in of_task else ""
    means = pd.DataFrame([table.mean() for table in scores.values()]).mean()
    means = means.reindex(["one-off", "classes off", "epochs", "best_epoch"])
    row |= means.rename({"best_epoch": "best epoch"}).to_dict()
    return row | {"epochs (paper)": theirs["epochs"]}


def readable_table_3(table: pd.DataFrame) -> pd.DataFrame:
    """``table_3`` for the eye: "84.8 [83.9, 85.7]" is the mean over folds and its 95 % interval,
    with an asterisk where one training on one fold has an interval of faces alone."""
    rows = {}
    for name, row in table.iterrows():
        shown = {}
        for task in LABELS:
            mean, spread = row[f"{task} accuracy (paper)"], row[f"{task} spread (paper)"]
            star = "*" * bool(row[f"{task} faces alone"])
            shown[task] = with_interval(row, f"{task} accuracy", task) + star
            shown[f"{task} (paper)"] = known(mean, f"{{:.1f}} ± {spread:.1f}")
        rows[name] = shown | {
            "mean recall of the ages": with_interval(row, "age recall", "age recall"),
            "ages never given": row["never"] or "-",
            "age within one": known(row["one-off"]),
            **row[["epochs", "best epoch", "epochs (paper)"]].map(known),
            "folds": known(row["folds"] or np.nan, "{:.0f}"),
            "trainings of each": known(row["trainings"] or np.nan, "{:.0f}"),
        }
    always = {task: known(majority(table, task)) for task in LABELS}
    rows["most frequent label, always"] = dict.fromkeys(rows["gender"], "-") | always
    return pd.DataFrame.from_dict(rows, orient="index")


def known(value: float, form: str = "{:.1f}") -> str:
    """``value`` in words, or "-" for NaN."""
    return "-" if pd.isna(value) else form.format(value)


def with_interval(
    row: pd.Series, value: str, ends: str, form: str = "{:.1f}", unit: str = ""
) -> str:
    """Such as "84.8 [83.9, 85.7]", or "-" where nothing is known."""
    low, high = row[f"{ends} low"], row[f"{ends} high"]
    interval = "" if pd.isna(low) else f" [{form.format(low)}, {form.format(high)}]"
    return known(row[value], form + unit) + interval


def majority(table: pd.DataFrame, task: str) -> float:
    """Percent right by the most frequent label, in the row of ``table_3`` with the most folds."""
    rates = table.dropna(subset=f"{task} majority")
    return rates.loc[rates["folds"].idxmax(), f"{task} majority"] if len(rates) else np.nan


def readable_claims(verdicts: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """The criteria and what was found for each (``claims.measured``), one measurement a line."""
    lines = measured.assign(line=[_measurement(part) for _, part in measured.iterrows()])
    found = lines.groupby("row")["line"].agg("<br>".join).reindex(verdicts.index).fillna("-")
    because = (": " + verdicts["because"]).where(verdicts["because"] != "", "")
    columns = {
        "what is asked": verdicts["claim"],
        "in": verdicts["place"],
        **verdicts[["holds if", "fails if"]],
        "verdict": "**" + verdicts["verdict"] + "**" + because,
        "found": found,
    }
    return pd.DataFrame(columns).rename_axis("claim")


def _measurement(part: pd.Series) -> str:
    """A row of ``claims.measured`` in words: its value, interval, margin, and the paper's value."""
    form = digits(part)
    unit = "" if part["unit"] == "times" else f" {part['unit']}"
    words = f"{part['what']}: {part['value']:{form}}{unit}"
    if part["low"] < part["high"]:
        words += f" [{part['low']:{form}}, {part['high']:{form}}]"
    details = [part["found"]] if part["found"] else []
    if pd.notna(part["paper"]):
        details.append(f"the paper: {part['paper']:{form}}")
    if pd.notna(part["smallest margin"]) and part["from"] != 0:  # where equality may be asked for
        details.append(f"shown to be equal within {part['smallest margin']:.1f}")
    if pd.notna(part["planned power"]):
        details.append(f"power planned with two trainings {part['planned power']:.2f}")
    return f"{words} ({'; '.join(details)})"


def digits(part: pd.Series) -> str:
    """The format of the numbers in a row of ``claims.measured``."""
    return {"times": ".2f", "points": "+.1f"}.get(part["unit"], ".1f")


def readable_plan(planned: pd.DataFrame) -> pd.DataFrame:
    """``plan.planned`` for the eye."""
    shown = planned.set_index("row")
    for name in ("the paper has", "1 training", "2 trainings", "3 trainings"):
        shown[name] = [known(value, "{:.2f}") for value in shown[name]]
    faces = [known(count, "{:,.0f}").replace("inf", "none") for count in shown["faces"]]
    return shown.assign(faces=faces).rename(columns={"faces": "faces that would do"})


def optimism(results: Results) -> pd.DataFrame:
    """``metrics.optimism`` of every network with held-out runs, a row a network and fold."""
    columns = ["model", "fold", "chosen", "test fold's choice", *LABELS]
    tables = [
        metrics.optimism(runs).assign(model=name)
        for name, runs in results.held_out.items()
        if "test_loss" in runs.history
    ]
    found = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return found.reindex(columns=columns)


def recipes(results: Results) -> pd.DataFrame:
    """Levi & Hassner's networks under both recipes, the reduced beside, on the folds that all of a
    task tested: ``task``, ``network``, ``recipe``, ``scored on``, ``epochs`` run, ``folds``,
    ``accuracy``, ``low``, ``high`` (percent, ``quality.accuracy``). Empty without theirs."""
    rows = []
    for task in LABELS:
        name = f"levi_hassner_{task}"
        own, same = results.published.get(name), results.same_recipe.get(name)
        if not (own or same):
            continue
        entries = [
            ("reduced", "paper's recipe", "centre crop", results.finished.get(task)),
            ("Levi & Hassner", "paper's recipe", "centre crop", same),
            ("Levi & Hassner", "own recipe", "centre crop", own),
            ("Levi & Hassner", "own recipe", "ten crops", own.on_ten_crops() if own else None),
        ]
        there = [(words, runs) for *words, runs in entries if runs is not None]
        folds = set.intersection(*(set(runs.folds) for _, runs in there))
        for words, whole in there if folds else []:
            runs = whole.on_folds(folds)
            epochs, share = runs.records["epochs"].mean(), quality.accuracy(runs, task)
            rows.append([task, *words, epochs, len(folds), share.value, share.low, share.high])
    names = ["task", "network", "recipe", "scored on", "epochs", "folds", "accuracy", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def linear_probes(found: dict[str, Runs]) -> pd.DataFrame:
    """What a linear model reads off features: ``task``, ``read off``, ``accuracy``, ``low``,
    ``high``. ``found``: runs by the readout's name."""
    rows = []
    for name, runs in found.items():
        task, source = name.split("_from_")
        words = {"task": task, "read off": READ_OFF[source]}
        rows.append(words | quality.accuracy(runs, task).columns())
    return pd.DataFrame(rows)


def gammas(swept: dict[float, Runs]) -> pd.DataFrame:
    """Both accuracies by gamma with their intervals: ``gender``, ``gender low``, ... ``age high``,
    then ``epochs`` and ``best_epoch``, means over the folds."""
    rows = {}
    for gamma, runs in swept.items():
        means = runs.records[["epochs", "best_epoch"]].mean().to_dict()
        shares = [quality.accuracy(runs, task).columns(task, f"{task} ") for task in LABELS]
        rows[gamma] = shares[0] | shares[1] | means
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("gamma")


def classes(results: Results) -> pd.DataFrame:
    """``quality.classes`` of every network and task, a row a label."""
    return _every(results, quality.classes)


def groups(results: Results) -> pd.DataFrame:
    """``quality.groups`` of every network and task, a row a group."""
    return _every(results, quality.groups)


def calibration(results: Results) -> pd.DataFrame:
    """``quality.calibration`` of every network and task, with its ``error`` in each row."""

    def with_error(runs: Runs, task: str) -> pd.DataFrame:
        curve = quality.calibration(runs, task)
        return curve.assign(error=quality.calibration_error(curve))

    table = _every(results, with_error)
    return table if table.empty else table.droplevel(2)


def _every(results: Results, measure: Callable[[Runs, str], pd.DataFrame]) -> pd.DataFrame:
    tables = {
        (runs.title, task): measure(runs, task)
        for runs in results.finished.values()
        for task in runs.tasks
    }
    return pd.concat(tables, names=["model", "task"]) if tables else pd.DataFrame()


def only(table: pd.DataFrame, level: str, value: str) -> pd.DataFrame:
    """The rows of ``classes`` or ``groups`` about one ``task``, or about one ``model``."""
    return table if table.empty else table[table.index.get_level_values(level) == value]


MEASURED = f" at {costs.PRECISION}, batch 64"
"""How updates are measured (``python -m benchmarks --steps``), not how the networks are trained."""


def cost(results: Results) -> pd.DataFrame:
    """What each network costs, a row a network, means over its trainings: ``parameters``, ``million
    multiply-adds`` of one face, forward and in a training step, ``epochs`` run, ``updates`` in all
    and ``updates to best``, ``faces seen`` alike, accuracies in percent; where updates were
    measured (``cost.steps``), the seconds of one and the hours that follow, on that machine."""
    rows = {}
    baseline = {f"{name}, own recipe": runs for name, runs in results.published.items()}
    for name, runs in {**results.finished, **results.same_recipe, **baseline}.items():
        if runs.model not in models.NAMES:
            continue
        scores, updates = metrics.fold_scores(runs), costs.updates(runs).mean()
        seen = runs.records[["epochs", "best_epoch"]].mul(runs.records["train"], axis=0).mean()
        layers, seconds = architecture_table(models.build(runs.model)), _seconds_an_update(runs)
        rows[name] = {
            "parameters": layers["parameters"].sum(),
            "million multiply-adds": layers["multiply_adds"].sum() / 1e6,
            "million multiply-adds, training": training_multiply_adds(layers) / 1e6,
            "epochs": scores["epochs"].mean(),
            "updates": updates["updates"],
            "updates to best": updates["to best"],
            "faces seen": seen["epochs"],
            "faces seen to best": seen["best_epoch"],
            f"seconds an update{MEASURED}": seconds,
            f"hours{MEASURED}": seconds * updates["updates"] / 3600,
            f"hours to best{MEASURED}": seconds * updates["to best"] / 3600,
            "folds": len(runs.folds),
            **scores[list(runs.tasks)].mean(),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def _seconds_an_update(runs: Runs) -> float:
    try:
        return costs.seconds_an_update(runs)
    except AdienceError:  # it was not measured
        return np.nan
