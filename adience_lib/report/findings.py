"""Sentences for the notebooks. Every number in them is computed, or the paper's from paper.py."""

from collections.abc import Iterable

import pandas as pd

from adience_lib.data import Dataset
from adience_lib.data.labels import AGE_LABELS, LABELS
from adience_lib.evidence import comparison, metrics, paper, quality
from adience_lib.evidence.claims import VERDICTS
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.parameters import differences
from adience_lib.experiments.results import NOTEBOOK_OF, Results
from adience_lib.models.pretrained import Weights
from adience_lib.protocol import LEVI_HASSNER, PAPER
from adience_lib.report import tables
from adience_lib.runs.read import Runs
from adience_lib.util import backend


def _caveat(dataset: Dataset) -> str:
    if dataset.is_demo:
        return (
            "\n\n**These faces are drawings.** The numbers show that the programs work. They say "
            "nothing about people, and nothing about the paper."
        )
    if not dataset.name.startswith("adience"):
        return (
            f"\n\nThe faces are those of {dataset.name}, not of Adience, so the paper's numbers "
            "are not the same experiment. It names nobody: each picture counts as its own subject, "
            "and a person may stand on both sides of a split."
        )
    return ""


def about_data(dataset: Dataset) -> str:
    """What notebook 01 found: faces, drops, share of women, the most frequent age."""
    faces = dataset.faces
    rows = dataset.drops.set_index("reason")["rows"]
    female = (faces["gender"] == 0).mean()
    shares = faces["age"].value_counts(normalize=True)
    return (
        f"Of {rows['all rows']:,} rows, {len(faces):,} faces of {faces['subject'].nunique():,} "
        f"subjects carry both labels (the paper: {paper.IMAGES:,} faces of Adience). "
        f"{female:.1%} are women (the paper: about {paper.FEMALE_SHARE:.0%}). The most frequent "
        f"age is {AGE_LABELS[shares.index[0]]} with {shares.iloc[0]:.1%} of the faces. Every "
        "subject stands in one fold only." + _caveat(dataset)
    )


def about_to_train(experiment: Experiment, *names: str) -> str:
    """What a training notebook opens with: how much is trained, and what the paper reports."""
    protocol, folds = experiment.protocol, len(experiment.folds)
    expected = []
    for name in names:
        row = paper.TABLE_3.loc[name]
        scores = [f"{task} {row[task]} %" for task in ("gender", "age") if pd.notna(row[task])]
        expected.append(f"the {name} network, {' and '.join(scores)} after {row['epochs']} epochs")
    found = backend.machine()
    single, both = (paper.SECONDS_AN_EPOCH[kind] for kind in ("single task", "multi-task"))
    return (
        f"Protocol `{protocol.label}` on {len(experiment.faces):,} faces: {folds * len(names)} "
        f"trainings (each of {folds} folds is tested once) of at most {protocol.epochs} epochs, "
        f"batch {protocol.batch_size}. Machine: {found['processor']}, {found['cores']} cores, "
        f"accelerator: {found['accelerator']}.\n\nThe paper reports, on Adience: "
        f"{'; '.join(expected)}. An epoch took it {single[0]} to {single[1]} seconds with one "
        f"task and {both[0]} to {both[1]} with two, on one GPU."
    )


def about_runs(dataset: Dataset, faces: pd.DataFrame, *several: Runs) -> str:
    """What a training notebook found: each network's scores beside the majority's and the paper's.

    ``faces``: the manifest that was trained and tested on.
    """
    if not several:
        return "There are no such runs: none was asked for, or none could be made."
    parts = [_about(faces, runs) for runs in several]
    return "\n\n".join(parts) + about_rebuilt(several) + _caveat(dataset)


def about_rebuilt(several: Iterable[Runs]) -> str:
    """Which of the networks were trained before the library built them as the paper does."""
    old = dict.fromkeys(comparison.named(runs) for runs in several if runs.is_outdated)
    if not old:
        return ""
    return (
        f" **The runs of {', '.join(old)} lack Table 1's third normalisation**, a layer without "
        "parameters that the library left out when they were trained. They must be trained again."
    )


def _about(faces: pd.DataFrame, runs: Runs) -> str:
    scores = metrics.summary(metrics.fold_scores(runs))
    majority = metrics.majority_rates(faces, runs.folds)
    sentences = []
    for task in runs.tasks:
        published = paper.TABLE_3[task].get(runs.model)
        ours = quality.accuracy(runs, task)
        paper_words = f"; the paper: {published:.1f} %" if pd.notna(published) else ""
        sentences.append(
            f"{task} {ours.value:.1f} % right [{ours.low:.1f}, {ours.high:.1f}] (always "
            f"giving the most frequent label: {majority[task]:.1f} %{paper_words})"
        )
    epochs, best = scores.loc["epochs", "mean"], scores.loc["best_epoch", "mean"]
    return (
        f"**{runs.title}**, {_named(runs.folds)}: " + "; ".join(sentences) + ". "
        f"It ran {epochs:.1f} epochs, and the best was {best:.1f} on average."
    )


def _named(folds: list[int]) -> str:
    return f"fold{'s' if len(folds) > 1 else ''} {', '.join(map(str, folds))}"


def about_architecture(table_1: pd.DataFrame, table_2: pd.DataFrame) -> str:
    """Whether the networks come out as the paper describes them."""
    return (
        f"{table_1['match'].sum()} of {len(table_1)} rows of Table 1 and "
        f"{table_2['match'].sum()} of {len(table_2)} rows of Table 2 match the paper's: "
        "output sizes and numbers of parameters."
    )


def about_difference(runs: Runs, *others: Runs | None) -> str:
    """A network against others, on the folds and tasks that all of them have, in points."""
    compared = [other for other in others if other is not None]
    folds = set(runs.folds).intersection(*(other.folds for other in compared))
    if not compared or not folds:
        return "The networks to compare with have not been trained under this protocol."
    ours = _mean_scores(runs, folds)
    theirs = [_mean_scores(other, folds) for other in compared]
    sentences = [
        f"Against the {other.title} network, {_named(sorted(folds))}: {_gaps(ours, scores)}."
        for other, scores in zip(compared, theirs, strict=True)
    ]
    return f"{' '.join(sentences)} A difference is not yet a finding: notebook 05 tests it."


def _mean_scores(runs: Runs, folds: set[int]) -> pd.Series:
    scores = metrics.fold_scores(runs)
    return scores[scores["fold"].isin(folds)].mean()


def _gaps(ours: pd.Series, theirs: pd.Series) -> str:
    tasks = [task for task in LABELS if task in ours and task in theirs]
    return " and ".join(f"{ours[task] - theirs[task]:+.1f} points on {task}" for task in tasks)


def about_weights(weights: Weights | None) -> str:
    """Where the transfer network starts from."""
    if weights is None:
        return (
            "**Random features.** Xception starts from random numbers here: no ImageNet weights "
            "could be had, or none were asked for. Nothing is transferred, so this is not the "
            "paper's experiment."
        )
    return f"Xception starts from the **{weights.label}** weights. Their source: {weights.source}."


def about_missing(
    missing: dict[str, list[int]], commands: dict[str, str], unreadable: list[str]
) -> str:
    """Which runs are not there or cannot be read, and the command that makes them."""
    lines = [
        f"- **{name}**, folds {', '.join(map(str, folds))}: `{commands[name]}`"
        for name, folds in missing.items()
        if folds
    ]
    words = "Every network has been trained on every fold."
    if lines:
        words = "These runs are missing:\n\n" + "\n".join(lines)
    if unreadable:
        faults = "\n".join(f"- {fault}" for fault in unreadable)
        words += f"\n\nThese are left out, because they cannot be read:\n\n{faults}"
    return words


def counted(verdicts: pd.DataFrame) -> str:
    """How many criteria of the claims have each verdict, and which."""
    counts = []
    for verdict in VERDICTS:
        rows = [str(row) for row in verdicts.index[verdicts["verdict"] == verdict]]
        if rows:
            counts.append(f"{len(rows)} {verdict} ({'; '.join(rows)})")
    return f"The paper's nine claims, by {len(verdicts)} criteria: {', '.join(counts)}."


def about_claims(verdicts: pd.DataFrame, results: Results, dataset: Dataset) -> str:
    """How many criteria hold, and on what that rests."""
    chosen = sorted(
        runs.title
        for runs in results.finished.values()
        if runs.protocol.monitor == "test_fold" and runs.model in NOTEBOOK_OF
    )
    optimistic = (
        f" The epochs of {', '.join(chosen)} were chosen on the faces that are scored, so their "
        "accuracies may be too good."
        if chosen
        else ""
    )
    return f"{counted(verdicts)}{optimistic}{_caveat(dataset)}"


def about_optimism(table: pd.DataFrame) -> str:
    """What choosing the epoch on the test fold adds."""
    if table.empty:
        return (
            'No network has been trained with `monitor="held_out"`: set the parameter '
            "`held_out_folds` or `monitor`."
        )
    other = (table["chosen"] != table["test fold's choice"]).sum()
    means = [
        f"{table[task].mean():+.1f} points on {task} (from {table[task].min():+.1f} to "
        f"{table[task].max():+.1f})"
        for task in LABELS
        if table[task].notna().any()
    ]
    return (
        f"In {other} of {len(table)} held-out trainings the test fold would have chosen another "
        f"epoch. That choice would have added {' and '.join(means)} on average."
    )


def about_recipes(table: pd.DataFrame) -> str:
    """Whether the recipe or the architecture makes the difference."""
    if table.empty:
        return "Levi & Hassner's networks have not been trained: set the parameter `extra_folds`."
    sentences = []
    for task, rows in table.groupby("task", sort=False):
        words = [
            f"{row.network}, {row.recipe}, {row.epochs:.0f} epochs, {row['scored on']}: "
            f"{row.accuracy:.1f} [{row.low:.1f}, {row.high:.1f}]"
            for _, row in rows.iterrows()
        ]
        sentences.append(f"{task}: {'; '.join(words)}")
    return (
        "Their whole recipe differs from the paper's (in brackets) in: "
        f"{differences(LEVI_HASSNER, PAPER)}. The rate of biases is doubled, that of the last "
        "layer tenfold, and biases do not decay.\n\nPercent right on "
        f"{table['folds'].iloc[0]} fold(s). {'. '.join(sentences)}."
    )


def about_linear_probes(table: pd.DataFrame, *networks: Runs) -> str:
    """What a linear model reads off the other task's features, and what the networks get."""
    sentences = []
    for task, rows in table.groupby("task", sort=False):
        words = [f"{row.accuracy:.1f} off {row['read off']}" for _, row in rows.iterrows()]
        sentences.append(f"A linear model gets {', '.join(words)} ({task}, % right).")
    themselves = [
        f"{runs.title} {quality.accuracy(runs, task).value:.1f}"
        for runs in networks
        for task in runs.tasks
    ]
    return f"{' '.join(sentences)} The trained networks themselves: {', '.join(themselves)}."


def about_gamma(table: pd.DataFrame) -> str:
    """Where each task did best in the sweep, and how wide the uncertainty is."""
    if table.empty:
        return "No fold was swept: set the parameter `extra_folds`."
    words = [
        f"{task} was best at gamma {table[task].idxmax():g} with {table[task].max():.1f} % "
        f"[{table[f'{task} low'][table[task].idxmax()]:.1f}, "
        f"{table[f'{task} high'][table[task].idxmax()]:.1f}]"
        for task in LABELS
    ]
    ends = [
        f" At gamma {gamma:g} nothing trains the {task} head: its score there is an untrained one."
        for task, gamma in tables.IDLE_AT.items()
        if gamma in table.index
    ]
    return f"Of {len(table)} values, {' and '.join(words)}.{''.join(ends)}"


def about_calibration(table: pd.DataFrame) -> str:
    """How far confidence and accuracy are apart."""
    if table.empty:
        return "There is no finished run."
    words = []
    for (model, task), curve in table.groupby(level=["model", "task"], sort=False):
        gap = ((curve["confidence"] - curve["accuracy"]) * curve["faces"]).sum()
        direction = "too sure" if gap > 0 else "not sure enough"
        words.append(f"{model} on {task} {curve['error'].iloc[0]:.1f} points, {direction}")
    return f"Expected calibration error: {'; '.join(words)}."


ENOUGH = 100
"""Faces of a group that is named: below, the widest gaps are chance."""


def about_groups(table: pd.DataFrame) -> str:
    """For each network and division of people, its least and most often right group.

    Of groups with ``ENOUGH`` faces, women and men apart from the ages and races: people are divided
    in one way at a time. The two ends were picked, so their gap is wider than the truth.
    """
    if table.empty:
        return "There is no finished run."
    sentences = []
    for (model, task), rows in table.groupby(level=["model", "task"], sort=False):
        parts = rows.droplevel(["model", "task"])
        parts = parts[(parts["faces"] >= ENOUGH) & parts["by"].isin(["gender", "age", "race"])]
        ends = []
        for by, part in parts.groupby("by", sort=False):
            ordered = part.sort_values("accuracy")
            if len(ordered) > 1:
                ends.append(f"by {by} {_group(ordered.iloc[0])} to {_group(ordered.iloc[-1])}")
        if ends:
            sentences.append(f"{model} on {task}: {'; '.join(ends)}.")
    if not sentences:
        return f"No two groups of one division have {ENOUGH} faces each."
    return (
        f"Percent right of the groups with {ENOUGH} faces or more, from the least to the most "
        f"often right. The two were picked, so the gap looks wider than it is. "
        f"{' '.join(sentences)}"
    )


def _group(row: pd.Series) -> str:
    words = str(row.name).removeprefix("race ")
    return f"{words} {row['accuracy']:.0f} [{row['low']:.0f}, {row['high']:.0f}]"


def about_cost(table: pd.DataFrame) -> str:
    """Updates of each network, and hours where an update was measured."""
    if table.empty:
        return "There is no finished run."
    words = [
        f"{name} {row['updates']:,.0f} updates, the best after {row['updates to best']:,.0f}"
        + (f" ({row['hours']:.1f} hours)" if pd.notna(row["hours"]) else "")
        for name, row in table.iterrows()
    ]
    return f"{'; '.join(words)}."
