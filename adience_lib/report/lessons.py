"""What the run on real faces was and taught: sentences whose numbers come from its records."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from adience_lib.data.labels import AGE_LABELS, FOLDS, LABELS
from adience_lib.evidence import claims, comparison, metrics, paper, quality, repetition
from adience_lib.experiments import records
from adience_lib.experiments.experiment import Experiment
from adience_lib.experiments.parameters import differences
from adience_lib.experiments.results import NOTEBOOK_OF, Results, find_runs, finished_sweep
from adience_lib.models import baselines
from adience_lib.protocol import PAPER
from adience_lib.report import findings, tables
from adience_lib.runs.read import Runs
from adience_lib.training import CROSS_ENTROPY
from adience_lib.util import paths
from adience_lib.util.errors import AdienceError
from adience_lib.util.markdown import markdown

RECORDS = Path("utkface", records.FOLDER)
"""Where the records of that run lie in a folder of figures."""

_NAMES = {"utkface": "UTKFace"}


def read(figures: Path = paths.COMMITTED) -> tuple[Experiment, Results]:
    """The run on real faces out of its records: what was asked for, and what was found.

    Raises AdienceError if the records cannot be read, or a single one of them.
    """
    study = records.read(figures / RECORDS)
    found = find_runs(study)
    if found.unreadable:
        raise AdienceError("; ".join(found.unreadable))
    return study, found


def in_short(results: Results) -> str:
    """A table: what each network gets right of each task, and what always giving one label gets.

    In brackets the same from networks whose epoch was chosen on held-out faces.
    """
    once, again = tables.table_3(results), tables.table_3_held_out(results)
    rows = {}
    for name, runs in _networks(results, NOTEBOOK_OF).items():
        held_out = results.held_out.get(name)
        rows[runs.title] = {
            task: _percent(once.loc[runs.title, f"{task} accuracy"])
            + (f" ({_percent(again.loc[held_out.title, f'{task} accuracy'])})" if held_out else "")
            if task in runs.tasks
            else "-"
            for task in LABELS
        }
    rows["always the most frequent label"] = {
        task: _percent(tables.majority(once, task)) for task in LABELS
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")
    return markdown(table.rename(columns="right of {}".format))


def verdicts(results: Results) -> str:
    """How many of the claims have each verdict, and each claim with its own."""
    table = claims.verdicts(claims.decide(results))
    return f"{findings.counted(table)}\n\n{markdown(tables.claims_in_short(table))}"


def _percent(value: float) -> str:
    return f"{value:.0f} %"


def about_run(study: Experiment, results: Results) -> str:
    """How many faces and trainings, on what, how fast, and what differs from the paper."""
    runs = [one for group in _everything(study, results).values() for one in group.values()]
    seconds = sum(one.records["seconds"].sum() for one in runs)
    trainings, planned = sum(len(one.records) for one in runs), sum(_planned(study).values())
    name = _NAMES.get(study.dataset.name, study.dataset.name)
    files = study.dataset.drops.set_index("reason")["rows"]["all rows"]
    points = [
        f"{len(study.faces):,} of the {len(study.dataset.faces):,} faces in the eight age labels "
        f"in a copy of {name} with {files:,} files, drawn with seed {study.protocol.seed} so that "
        "folds, ages and genders keep their shares as nearly as whole faces allow.",
        f"{trainings} of {planned} trainings are done{_missing(study, results)}. They took "
        f"{seconds / 3600:.1f} hours.",
        _by_machine(runs),
        "Different from the paper's protocol, which is in brackets: "
        f"{differences(study.protocol, PAPER)}.",
        findings.about_rebuilt(runs).strip(),
    ]
    return "\n".join(f"- {point}" for point in points if point)


def _by_machine(runs: list[Runs]) -> str:
    """Which networks were trained on which machine."""
    trained: dict[str, list[str]] = {}
    for one in runs:
        trained.setdefault("; ".join(comparison.machines([one])), []).append(_described(one))
    if len(trained) == 1:
        return f"All ran on {next(iter(trained))}."
    return " ".join(
        f"On {machine} ran {', '.join(dict.fromkeys(of))}." for machine, of in trained.items()
    )


def _described(runs: Runs) -> str:
    """A network's name, and what is special about its training."""
    if runs.model in baselines.LEVI_HASSNER:
        whose = "own" if runs.protocol.name == "levi_hassner" else "the paper's"
        return f"{runs.title} ({whose} recipe)"
    return comparison.named(runs)


def _planned(study: Experiment) -> dict[str, int]:
    """How many trainings the whole study has (``study.trainings``), by the same groups."""
    extra = len(study.extra_folds)
    return {
        "Table 3": len(NOTEBOOK_OF) * len(study.folds),
        "Table 3 with held-out faces": len(NOTEBOOK_OF) * len(study.held_out_folds),
        "Levi & Hassner's networks": 2 * len(baselines.LEVI_HASSNER) * extra,
        "other values of gamma": len(study.gammas) * extra,
    }


def _everything(study: Experiment, results: Results) -> dict[str, dict[str, Runs]]:
    """Every training, each once, by the groups of ``_planned``."""
    swept = finished_sweep(study).items()
    baseline = [*results.published.values(), *results.same_recipe.values()]
    return {
        "Table 3": _networks(results, NOTEBOOK_OF),
        "Table 3 with held-out faces": results.held_out,
        "Levi & Hassner's networks": {_described(runs): runs for runs in baseline},
        "other values of gamma": {
            f"{gamma:g}": runs for gamma, runs in swept if gamma != study.protocol.gamma
        },
    }


def _missing(study: Experiment, results: Results) -> str:
    """In words such as ", still to be done: 4 (other values of gamma)", or nothing."""
    planned, done = _planned(study), _everything(study, results)
    missing = {
        name: count - sum(len(runs.folds) for runs in done[name].values())
        for name, count in planned.items()
    }
    words = [f"{count} ({name})" for name, count in missing.items() if count]
    return f", still to be done: {', '.join(words)}" if words else ""


def taught(study: Experiment, results: Results) -> str:
    """Which of the paper's choices hold on these faces, which do not, and what surprised.

    A bullet a lesson; one whose runs are not there is left out.
    """
    lessons = [
        _one_training(study, results),
        _two_tasks(results),
        _imagenet(results),
        _patience(study, results),
        _selection(results),
        _stopped_by_loss(results),
        _gamma(study),
        _recipe(results),
        _shared_features(results),
        _ages(results),
        _groups(results),
    ]
    return "\n".join(f"- {lesson}" for lesson in lessons if lesson)


def _one_training(study: Experiment, results: Results) -> str:
    pairs = repetition.pairs(study, results)
    if not pairs:
        return ""
    table = pd.concat([repetition.by_fold(*pair) for pair in pairs])
    words = []
    for task, rows in table.groupby("task", sort=False):
        deviation, (low, high) = repetition.deviation(rows["gained"])
        of_a_gap = deviation * np.sqrt(2 / len(study.folds))
        words.append(
            f"{task}: {rows['changed'].mean():.0f} % of the answers differ "
            f"({rows['changed'].min():.0f} to {rows['changed'].max():.0f} in {len(rows)} pairs), "
            f"trained again, the accuracy on one fold moves by {deviation:.1f} points (standard "
            f"deviation) [{low:.1f}, {high:.1f}], and so the gap between two networks over "
            f"{len(study.folds)} folds by {of_a_gap:.1f}"
        )
    again = ", ".join(comparison.named(runs) for _, runs in pairs)
    then, now = (" and ".join(comparison.machines(side)) for side in zip(*pairs, strict=True))
    return (
        f"**How much one training says.** These were trained twice: {again}. Faces, seed and the "
        "order of the batches were the same. The first time they lacked Table 1's third "
        f"normalisation, and ran on {then}; the second time on {now}. Both change the last digits "
        "of what is computed, and a training takes another path from there. Between two such "
        f"trainings: {'; '.join(words)}. With one training of a fold, brackets see it in how folds "
        "differ."
    )


def _gap(one: Runs, other: Runs, task: str) -> str:
    """In words such as "+1.2 points on gender [-0.5, +3.0]", from the faces that both tested."""
    found = comparison.accuracies(one, other, task, 0, np.inf).estimate
    low, high = found.interval()
    return f"{found.value:+.1f} points on {task} [{low:+.1f}, {high:+.1f}]"


def _two_tasks(results: Results) -> str:
    words = [
        f"{said}{_against_single_tasks(networks)}"
        for said, networks in (("", results.finished), ("With held-out faces: ", results.held_out))
        if {"multitask", *LABELS} <= set(networks)
    ]
    if not words:
        return ""
    return (
        "**One trunk for two tasks.** The multi-task network against the networks for one task: "
        + " ".join(words)
    )


def _against_single_tasks(networks: dict[str, Runs]) -> str:
    """Points, and the ratio of epochs. A network for one task is named like the task."""
    both, alone = networks["multitask"], {task: networks[task] for task in LABELS}
    gaps = " and ".join(_gap(both, runs, task) for task, runs in alone.items())
    folds = comparison.common_folds(both, *alone.values())
    tested = [runs.on_folds(folds) for runs in (both, *alone.values())]
    return f"{gaps}, in {_share(tested, 'epochs'):.2f} times the epochs of the two together."


def _share(networks: list[Runs], name: str) -> float:
    """The first network's total of a column of the records, by that of the others together."""
    first, *others = (runs.records[name].sum() for runs in networks)
    return first / sum(others)


def _networks(results: Results, names: Iterable[str]) -> dict[str, Runs]:
    return {name: results.finished[name] for name in names if name in results.finished}


def _imagenet(results: Results) -> str:
    networks = _networks(results, ("transfer", "multitask"))
    if len(networks) < 2:
        return ""
    transfer, reduced = networks.values()
    gaps = " and ".join(_gap(transfer, reduced, task) for task in LABELS)
    held_out = ""
    if {"transfer", "multitask"} <= set(results.held_out):
        pair = results.held_out["transfer"], results.held_out["multitask"]
        held_out = f" With held-out faces: {' and '.join(_gap(*pair, task) for task in LABELS)}."
    epochs = [f"{runs.records['best_epoch'].mean():.0f}" for runs in (transfer, reduced)]
    return (
        "**Starting from ImageNet.** The transfer network against the multi-task network, which "
        f"starts from nothing: {gaps}.{held_out} On average its best epoch is number {epochs[0]}, "
        f"the other's {epochs[1]}. "
        f"On age its folds go from {_worst_and_best(transfer, 'age')}."
    )


def _worst_and_best(runs: Runs, task: str) -> str:
    scores = metrics.fold_scores(runs).sort_values(task)
    words = [
        f"{row[task]:.1f} % (best epoch {row['best_epoch']:.0f})"
        for _, row in scores.iloc[[0, -1]].iterrows()
    ]
    return " to ".join(words)


def _patience(study: Experiment, results: Results) -> str:
    networks = _networks(results, NOTEBOOK_OF)
    if not networks:
        return ""
    words = [_steps(name, runs) for name, runs in networks.items()]
    everything = _everything(study, results).values()
    stopped = [
        runs for group in everything for runs in group.values() if runs.protocol.monitor != "none"
    ]
    cut = sum(runs.cut_short for runs in stopped)
    return (
        f"**How long it trains.** Until early stopping: {'; '.join(words)}. Of all "
        f"{sum(len(runs.records) for runs in stopped)} trainings with early stopping, the limit of "
        f"{PAPER.epochs} epochs ended {cut}."
    )


TRAINED_SHARE = (FOLDS - 1) / FOLDS
"""Of the faces: all folds but one (paper, section 2.2)."""


def _steps(name: str, runs: Runs) -> str:
    """Epochs and steps of a network, and the paper's: fewer faces make for longer counts."""
    epochs, theirs = runs.records["epochs"].mean(), float(paper.TABLE_3.loc[name, "epochs"])
    ours_an_epoch = np.ceil(runs.records["train"].mean() / runs.protocol.batch_size)
    theirs_an_epoch = np.ceil(paper.IMAGES * TRAINED_SHARE / PAPER.batch_size)
    return (
        f"{name} {epochs:.1f} epochs, which are {epochs * ours_an_epoch:,.0f} steps (the paper: "
        f"{theirs:.1f} and, by our count, {theirs * theirs_an_epoch:,.0f})"
    )


def _selection(results: Results) -> str:
    table = tables.optimism(results)
    if table.empty:
        return ""
    added = " and ".join(
        f"{table[task].mean():+.1f} points on {task} ({table[task].count()} trainings)"
        for task in LABELS
        if table[task].notna().any()
    )
    gaps = [
        f"the {name} network "
        f"{' and '.join(_gap(runs, results.held_out[name], task) for task in runs.tasks)}"
        for name, runs in results.finished.items()
        if name in results.held_out
    ]
    outdated = findings.about_rebuilt([*results.finished.values(), *results.held_out.values()])
    return (
        f"**Choosing the epoch on the scored fold.** Within one training it would have added "
        f"{added} on average. In two trainings, of which one chose its epoch on the scored fold "
        "and had all of the other folds to learn from, and the other chose on a tenth taken out of "
        f"them, the first has: {'; '.join(gaps)}. These gaps also hold what any two trainings "
        f"differ by.{outdated}"
    )


def _stopped_by_loss(results: Results) -> str:
    gained = {
        (name, task): metrics.gained_after(runs).set_index("fold")[task]
        for name, runs in results.held_out.items()
        if "test_loss" in runs.history
        for task in runs.tasks
    }
    if not gained:
        return ""
    words = [
        f"the {name} network {one.mean():+.1f} points on {task} ({one.min():+.1f} to "
        f"{one.max():+.1f})"
        for (name, task), one in gained.items()
    ]
    name, task = max(gained, key=lambda which: gained[which].max())
    most = gained[name, task]
    losses = _losses(results.held_out[name], int(most.idxmax()))
    return (
        "**Stopping by loss.** From the epoch that the loss on held-out faces chose to the last "
        f"one run, the share of the test fold that is right changed by: {'; '.join(words)}. Where "
        f"it grew most, {losses}. The last epoch would have had {most.max():.1f} points more on "
        f"{task}. {_rounding(results.held_out[name] for name, _ in gained)}"
    )


def _rounding(networks: Iterable[Runs]) -> str:
    """How far scores taken during training are from those of the finished networks."""
    apart = max(metrics.rounded_otherwise(runs).max(axis=None) for runs in networks)
    return (
        "The scores after each epoch are those of the model that is trained (`speed/`), which "
        f"rounds otherwise than the finished network: they differ by at most {apart:.1f} points in "
        "a fold."
    )


def _losses(runs: Runs, fold: int) -> str:
    """How the loss on held-out faces, of each task if known, went from the chosen to the last."""
    history = runs.history[runs.history["fold"] == fold].dropna(axis="columns", how="all")
    chosen, last = metrics.best_epochs(runs, "val_loss").loc[fold], history.iloc[-1]
    columns = {f"val_{task}_{CROSS_ENTROPY}": f" of {task}" for task in runs.tasks}
    if not set(columns) <= set(history):
        columns = {"val_loss": ""}
    words = [
        f"the held-out loss{of} went from {chosen[column]:.2f} to {last[column]:.2f}"
        for column, of in columns.items()
    ]
    return (
        f"in fold {fold} of {runs.model}, where the best of {last['epoch']:.0f} epochs was number "
        f"{chosen['epoch']:.0f}, {' and '.join(words)}"
    )


def _gamma(study: Experiment) -> str:
    swept = finished_sweep(study)
    if len(swept) < 2:
        return ""
    table = tables.gammas(swept)
    words = []
    for task in LABELS:
        # At the gamma that gives a task no weight, its head is an untrained one.
        right = table[task].drop(tables.IDLE_AT[task], errors="ignore")
        words.append(
            f"{task} from {right.min():.1f} % (gamma {right.idxmin():g}) to {right.max():.1f} % "
            f"(gamma {right.idxmax():g})"
        )
    return (
        f"**gamma**, which the paper does not give, moves {' and '.join(words)}, on "
        f"{_folds(len(study.extra_folds))}, wherever the task has any weight. Chance moves a fold "
        "as well when it is trained again, so a curve over so few trainings is no more than a "
        "hint."
    )


def _folds(count: int) -> str:
    return f"{count} fold{'s' if count > 1 else ''}"


def _recipe(results: Results) -> str:
    table = tables.recipes(results)
    words = []
    for task, rows in table.groupby("task", sort=False) if results.published else []:
        if rows["network"].nunique() > 1:
            scores = ", ".join(
                f"{row.network}, {row.recipe} ({row['scored on']}) {row.accuracy:.1f}"
                for _, row in rows.iterrows()
            )
            words.append(f"{task}, on {_folds(rows['folds'].max())}: {scores}")
    return f"**Recipe or architecture.** % right: {'; '.join(words)}." if words else ""


def _shared_features(results: Results) -> str:
    table = tables.linear_probes(results.linear_probes)
    if table.empty:
        return ""
    words = []
    for task, rows in table.groupby("task", sort=False):
        read = [f"{row.accuracy:.1f} off {row['read off']}" for _, row in rows.iterrows()]
        if task in results.finished:
            trained = metrics.fold_scores(results.finished[task])[task].mean()
            read.append(f"{trained:.1f} by the network that was trained for it")
        words.append(f"{task}: {', '.join(read)}")
    return (
        "**What one task's features know of the other.** Percent right of a linear model: "
        f"{'; '.join(words)}."
    )


def _ages(results: Results) -> str:
    runs = results.finished.get("multitask")
    if runs is None:
        return ""
    gender, age = (
        quality.groups(runs, task)["accuracy"].reindex(AGE_LABELS).sort_values() for task in LABELS
    )
    lowest = " and ".join(f"{value:.0f} % of {label}" for label, value in age.head(2).items())
    return (
        "**Which ages.** The paper expects (25, 32) to be the best. The multi-task network gets "
        f"{age['(25, 32)']:.0f} % of them right and {age.iloc[-1]:.0f} % of {age.index[-1]}, but "
        f"only {lowest}. Gender is hardest at "
        f"{gender.index[0]}, where {gender.iloc[0]:.0f} % are right."
    )


def _groups(results: Results) -> str:
    runs = results.finished.get("multitask")
    if runs is None or "race" not in runs.predictions:
        return ""
    words = []
    for task in LABELS:
        groups = quality.groups(runs, task)
        races = groups[groups["by"] == "race"].rename(lambda name: name[5:])
        races = races.sort_values("accuracy", ascending=False)
        ends = [_of_group(name, row) for name, row in races.iloc[[0, -1]].iterrows()]
        words.append(f"{task} {' to '.join(ends)}")
    young = runs.predictions["age"].eq(0).groupby(runs.predictions["race"]).mean()
    shares = ", ".join(f"{100 * share:.0f} % of {race}" for race, share in young.items())
    return (
        "**For whom.** By the dataset's labels of race, the multi-task network gets "
        f"{'; '.join(words)} right. The groups differ in age, too: "
        f"{AGE_LABELS[0]} are {shares}."
    )


def _of_group(name: object, row: pd.Series) -> str:
    interval = f"[{row['low']:.0f}, {row['high']:.0f}]"
    return f"{row['accuracy']:.0f} % ({name}, {row['faces']:.0f} faces) {interval}"
