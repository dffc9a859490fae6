"""Sentences for the notebooks. Every number in them is computed, or the paper's from paper.py."""

from collections.abc import Iterable

import pandas as pd

from adience_lib.data import Dataset
from adience_lib.data.labels import AGE_LABELS, LABELS
from adience_lib.evidence import comparison, metrics, paper, quality
from adience_lib.evidence.claims import CONTRADICTED, SUPPORTED, UNDECIDED
from adience_lib.evidence.significance import LEVEL, RESAMPLES
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
        low, high = quality.accuracy(runs, task).interval
        paper_words = f"; the paper: {published:.1f} %" if pd.notna(published) else ""
        sentences.append(
            f"{task} {_with_spread(scores.loc[task])} % right [{low:.1f}, {high:.1f}] (always "
            f"giving the most frequent label: {majority[task]:.1f} %{paper_words})"
        )
    epochs, best = scores.loc["epochs", "mean"], scores.loc["best_epoch", "mean"]
    return (
        f"**{runs.title}**, {_named(runs.folds)}: " + "; ".join(sentences) + ". "
        f"It ran {epochs:.1f} epochs, and the best was {best:.1f} on average."
    )


def _with_spread(row: pd.Series) -> str:
    """Mean and standard deviation over the folds; one fold has no deviation."""
    known = pd.notna(row["deviation"])
    return f"{row['mean']:.1f}" + (f" ± {row['deviation']:.1f}" if known else "")


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
    """A network against others, on the folds and tasks that all of them have: points and time."""
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
    if len(machines := comparison.machines([runs, *compared])) > 1:
        took = f"The seconds are of different machines: {'; '.join(machines)}."
    else:
        share = ours["seconds"] / sum(scores["seconds"] for scores in theirs)
        names = " and ".join(other.title for other in compared)
        together = " together" if len(compared) > 1 else ""
        took = f"Training took {share:.2f} times the seconds of {names}{together}."
    return f"{' '.join(sentences)} {took} A difference is not yet a finding: notebook 05 tests it."


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
    """How many of the claims have each verdict, and which."""
    counts = []
    for verdict in (SUPPORTED, CONTRADICTED, UNDECIDED):
        numbers = [str(number) for number in verdicts.index[verdicts["verdict"] == verdict]]
        which = f" ({', '.join(numbers)})" if 0 < len(numbers) < len(verdicts) else ""
        counts.append(f"{len(numbers)} {verdict}{which}")
    return f"Of {len(verdicts)} claims taken from the paper: {', '.join(counts)}."


def about_claims(verdicts: pd.DataFrame, results: Results, dataset: Dataset) -> str:
    """How many claims hold, and on what that rests."""
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
    return (
        f"{counted(verdicts)}{optimistic}\n\nSquare "
        f"brackets hold 95 % of {RESAMPLES:,} draws of subjects. A comparison of accuracies is "
        "decided only where two tests agree, the draws and a t-test over folds; seconds and epochs "
        "have the folds alone, and which fold is the highest has the draws alone. The chance of "
        f"any wrong verdict is held to {LEVEL:.0%} by Holm's correction over the {len(verdicts)} "
        "claims." + _caveat(dataset)
    )


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


def about_groups(table: pd.DataFrame) -> str:
    """For each network the widest gap between two groups whose intervals do not meet.

    Both come from one division of the people: women are no other group than those of an age.
    """
    if table.empty:
        return "There is no finished run."
    sentences = []
    for (model, task), rows in table.groupby(level=["model", "task"], sort=False):
        parts = rows.droplevel(["model", "task"]).dropna().drop(index="all")
        apart = [
            (top["accuracy"] - bottom["accuracy"], better, worse)
            for better, top in parts.iterrows()
            for worse, bottom in parts[parts["by"] == top["by"]].iterrows()
            if top["low"] > bottom["high"]
        ]
        if not apart:
            sentences.append(f"{model} on {task}: no two groups are apart by their intervals.")
            continue
        _, better, worse = max(apart)
        top, bottom = parts.loc[better], parts.loc[worse]
        sentences.append(
            f"{model} on {task}: {bottom['accuracy']:.0f} % of {worse} ({bottom['faces']:.0f} "
            f"faces), {top['accuracy']:.0f} % of {better} ({top['faces']:.0f} faces)."
        )
    pairs = sum(n * (n - 1) // 2 for n in parts["by"].value_counts())
    return (
        f"The widest gap between two groups of one division whose 95 % intervals do not meet "
        f"(there are {pairs} pairs, so some such gaps are chance). " + " ".join(sentences)
    )


def about_cost(table: pd.DataFrame) -> str:
    """Seconds and memory of each network."""
    if table.empty:
        return "There is no finished run."
    words = [
        f"{name} {row['seconds an epoch']:.1f} s an epoch, best after {row['seconds to best']:.0f} "
        f"of {row['seconds']:.0f} s"
        for name, row in table.iterrows()
    ]
    several = (
        " They were timed on different machines (the column says which), and seconds of two "
        "machines cannot be compared."
        if table["machine"].nunique() > 1
        else ""
    )
    return f"{'; '.join(words)}. At most {table['peak memory'].max():,.0f} MB of memory.{several}"
