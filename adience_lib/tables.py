"""The report's tables: ours computed, the paper's beside them."""

from typing import Any

import numpy as np
import pandas as pd

from adience_lib import evaluation, models, paper
from adience_lib.evaluation import Runs
from adience_lib.labels import AGE_LABELS, GENDER_LABELS

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
    ours = models.architecture_table(models.build("gender"))
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
            counts.append(models.parameter_counts(models.build("multitask").get_layer(_TRUNK)))
        else:
            counts.append(models.parameter_counts(models.build(name)))
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
        table = models.architecture_table(models.build(name))
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
    table = models.architecture_table(xception).tail(models.TRAINABLE_XCEPTION_LAYERS)
    return table[["layer", "operation", "output", "parameters", "trainable"]]


def table_3(finished: dict[str, Runs], faces: pd.DataFrame) -> pd.DataFrame:
    """Table 3: the runs beside the paper's rows, indexed by model.

    ``finished``: runs by the paper's model name; a model without runs keeps the paper's numbers
    alone. Accuracies, deviations (over folds, n - 1) and standard errors in percent; ``epochs``
    run and ``best epoch``, means over folds. ``majority``: ``majority_rates`` on the same folds.
    """
    rows: dict[str, dict[str, Any]] = {}
    for name, theirs in paper.TABLE_3.iterrows():
        runs = finished.get(str(name))
        majority = evaluation.majority_rates(faces, runs.folds) if runs else {}
        rows[runs.title if runs else str(name)] = _row(runs, theirs, majority)
    return pd.DataFrame.from_dict(rows, orient="index")


def _row(runs: Runs | None, theirs: pd.Series, majority: dict[str, float]) -> dict[str, Any]:
    row: dict[str, Any] = {"folds": len(runs.folds) if runs else 0}
    ours = evaluation.summary(evaluation.fold_scores(runs)) if runs else pd.DataFrame()
    for task in ("gender", "age"):
        known = task in ours.index
        row[f"{task} accuracy"] = ours.loc[task, "mean"] if known else np.nan
        row[f"{task} deviation"] = ours.loc[task, "deviation"] if known else np.nan
        row[f"{task} error"] = ours.loc[task, "error"] if known else np.nan
        row[f"{task} majority"] = majority.get(task, np.nan)
        row[f"{task} accuracy (paper)"] = theirs[task]
        row[f"{task} spread (paper)"] = theirs[f"{task} spread"]
    row["one-off"] = ours.loc["one-off", "mean"] if "one-off" in ours.index else np.nan
    row["epochs"] = ours.loc["epochs", "mean"] if runs else np.nan
    row["best epoch"] = ours.loc["best_epoch", "mean"] if runs else np.nan
    row["epochs (paper)"] = theirs["epochs"]
    return row


def readable_table_3(table: pd.DataFrame) -> pd.DataFrame:
    """``table_3`` for the eye: "84.8 ± 1.1 (0.5)" is mean, deviation and standard error."""
    rows = {}
    for name, row in table.iterrows():
        rows[name] = {
            "gender": _accuracy(row, "gender"),
            "gender (paper)": _quoted(row, "gender"),
            "age": _accuracy(row, "age"),
            "age (paper)": _quoted(row, "age"),
            "age within one": _one(row["one-off"]),
            "epochs": _one(row["epochs"]),
            "best epoch": _one(row["best epoch"]),
            "epochs (paper)": _one(row["epochs (paper)"]),
            "folds": str(int(row["folds"])) if row["folds"] else "-",
        }
    always = {task: _one(table[f"{task} majority"].mean()) for task in ("gender", "age")}
    rows["most frequent label, always"] = {**dict.fromkeys(rows["gender"], "-"), **always}
    return pd.DataFrame.from_dict(rows, orient="index")


def markdown(table: pd.DataFrame) -> str:
    """``table``, with its index, as a Markdown table whose sentences are whole."""
    cells = table.reset_index(names=table.index.name or "").astype(str)
    cells = cells.map(lambda words: words.replace("|", "\\|"))
    lines = [cells.columns, ["---"] * len(cells.columns), *cells.to_numpy()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _accuracy(row: pd.Series, task: str) -> str:
    mean, deviation, error = (row[f"{task} {name}"] for name in ("accuracy", "deviation", "error"))
    if np.isnan(mean):
        return "-"
    return f"{mean:.1f}" if np.isnan(deviation) else f"{mean:.1f} ± {deviation:.1f} ({error:.1f})"


def _quoted(row: pd.Series, task: str) -> str:
    mean = row[f"{task} accuracy (paper)"]
    return "-" if pd.isna(mean) else f"{mean:.1f} ± {row[f'{task} spread (paper)']:.1f}"


def _one(value: float | None) -> str:
    return "-" if pd.isna(value) else f"{value:.1f}"
