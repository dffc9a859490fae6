"""Sentences for the notebooks. Every number in them is computed, or the paper's from paper.py."""

import pandas as pd

from adience_lib import backend, evaluation, paper
from adience_lib.data import Dataset
from adience_lib.evaluation import Runs
from adience_lib.experiment import Experiment
from adience_lib.labels import AGE_LABELS, LABELS
from adience_lib.weights import Weights


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
    parts = [_about(faces, runs) for runs in several]
    return "\n\n".join(parts) + _caveat(dataset)


def _about(faces: pd.DataFrame, runs: Runs) -> str:
    scores = evaluation.summary(evaluation.fold_scores(runs))
    majority = evaluation.majority_rates(faces, runs.folds)
    sentences = []
    for task in runs.tasks:
        published = paper.TABLE_3[task].get(runs.model)
        paper_words = f"; the paper: {published:.1f} %" if pd.notna(published) else ""
        sentences.append(
            f"{task} {_with_spread(scores.loc[task])} % right (always giving the most frequent "
            f"label: {majority[task]:.1f} %{paper_words})"
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
    share = ours["seconds"] / sum(scores["seconds"] for scores in theirs)
    names = " and ".join(other.title for other in compared)
    together = " together" if len(compared) > 1 else ""
    return (
        f"{' '.join(sentences)} Training took {share:.2f} times the seconds of {names}{together}. "
        "A difference is not yet a finding: it comes without a test."
    )


def _mean_scores(runs: Runs, folds: set[int]) -> pd.Series:
    scores = evaluation.fold_scores(runs)
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


def about_missing(missing: dict[str, list[int]], commands: dict[str, str]) -> str:
    """Which runs are not there, and the command that makes them."""
    if not any(missing.values()):
        return "Every network has been trained on every fold."
    lines = [
        f"- **{name}**, folds {', '.join(map(str, folds))}: `{commands[name]}`"
        for name, folds in missing.items()
        if folds
    ]
    return "These runs are missing:\n\n" + "\n".join(lines)
